# Runs on CPython and MicroPython.
"""Does what it is told to the objects of budget/, one line each, and says what came of it: the machines' other half.

    python3 tests/budget/driver.py          micropython -X heapsize=4M tests/budget/driver.py

A line is a statement or an expression in Python, over the names below and whatever earlier lines assigned. The answer
is one line: the value, or the exception. `forget()` drops everything that was assigned.
"""

import gc
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0])  # it is started by its whole path

from jamliquor_lite.budget import allowance, meter, pool, shares, slots  # noqa: E402  (needs the path above)
from jamliquor_lite.budget.profile import Profile  # noqa: E402


def mark(buffer: "bytearray", value: int) -> None:
    """Write into a buffer who has it."""
    buffer[0] = value


class Driver:
    """Objects by name, and what to do with them."""

    def __init__(self) -> None:
        self.names: "dict[str, object]" = {}
        self.forget()

    def forget(self) -> None:
        """Begin again."""
        self.names.clear()
        self.names.update({
            "Allowance": allowance.Allowance, "Meter": meter.Meter, "Pool": pool.Pool, "Profile": Profile,
            "Share": pool.Share, "Shares": shares.Shares, "Slots": slots.Slots, "mark": mark,
        })
        gc.collect()

    def run(self, line: str) -> str:
        """What the line gives, as text that is the same on every interpreter."""
        try:
            if line == "forget()":
                self.forget()
                return "None"
            name, equals, rest = line.partition(" = ")
            value = eval(rest if equals else line, self.names)
            if not equals:
                return repr(value)
            if "." in name:
                owner, _, attribute = name.partition(".")
                setattr(self.names[owner], attribute, value)
            else:
                self.names[name] = value
            return "None"
        except Exception as error:
            return "%s: %s" % (type(error).__name__, error)


def main() -> None:
    """Answer line by line until there are no more."""
    driver = Driver()
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        print(driver.run(line.strip()))
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Runs the portable tests under the interpreter that executes this file, CPython or MicroPython.

    python3 tests/run.py [FILE…]         micropython -X heapsize=512K tests/run.py [FILE…]
    … tests/run.py --frozen [FILE…]             the modules that are frozen in this MicroPython, not the checkout's
    python3 tests/run.py --on BOARD [FILE…]     inside an emulated board, a folder of boards/ (device/on_board.py)

Without arguments it takes every portable test file under tests/ (support.py says what that means). One line
per test, then `N passed, N failed, N skipped`; exit status 1 when one failed or when none ran at all.
"""

import gc
import os
import sys

MARK = "# portable: runs on CPython and MicroPython"
_FOLDER = 0x4000  # the directory bit of a file mode


def _root() -> str:
    parts = __file__.replace("\\", "/").split("/")[:-2]
    return ("/".join(parts) or "/") if parts else "."


ROOT = _root()
if "--frozen" in sys.argv:  # a firmware's own modules are tested, not those of the checkout
    sys.argv.remove("--frozen")
    sys.path.append(ROOT)
else:
    sys.path.insert(0, ROOT)

from tests.support import Skip  # noqa: E402  (needs the path above)


def is_portable(path: str) -> bool:
    """Whether the file carries the mark. Only the beginning is read: the mark is a header."""
    with open(path) as file:
        for _ in range(30):
            line = file.readline()
            if not line:
                return False
            if line.strip() == MARK:
                return True
    return False


def find(folder: str, found: "list[str]") -> "list[str]":
    """Append the paths (relative to the checkout) of all portable test files under `folder`, in order."""
    for name in sorted(os.listdir(ROOT + "/" + folder)):
        path = folder + "/" + name
        if os.stat(ROOT + "/" + path)[0] & _FOLDER:
            if not name.startswith((".", "__")):
                find(path, found)
        elif name.startswith("test_") and name.endswith(".py") and is_portable(ROOT + "/" + path):
            found.append(path)
    return found


def test_names(path: str) -> "list[str]":
    """The names of the file's test functions, in the order of its text: a MicroPython module has no order."""
    names = []
    with open(ROOT + "/" + path) as file:
        for line in file:
            if line.startswith("def test_"):
                names.append(line[4 : line.index("(")])
            elif line.startswith(("class Test", "async def test_")):
                raise ValueError("portable tests are plain functions, not `" + line.strip() + "`")
    return names


def show(error: BaseException) -> None:
    """Print the exception with where it came from."""
    if hasattr(sys, "print_exception"):  # MicroPython
        sys.print_exception(error)
    else:
        import traceback

        traceback.print_exception(error, file=sys.stdout)


class Tally:
    """Counts, and the one line per test. On a small board, a test for which there is too little heap, or a module of
    the package that is not in the firmware, is skipped."""

    def __init__(self, small: bool = False) -> None:
        self.small = small
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    def run(self, label: str, call):  # type: ignore[no-untyped-def]
        """Call it, print its line, return what it returned (None when it failed or was skipped)."""
        gc.collect()
        try:
            result = call()
        except Skip as error:
            self.skipped += 1
            print("SKIP", label, "-", error)
        except Exception as error:
            if self.small and isinstance(error, MemoryError):
                self.skipped += 1
                print("SKIP", label, "- more heap than this board has:", error)
                return None
            if self.small and isinstance(error, ImportError) and "'jamliquor_lite." in str(error):
                self.skipped += 1
                print("SKIP", label, "- not in this firmware:", error)
                return None
            self.failed += 1
            print("FAIL", label)
            show(error)
        else:
            self.passed += 1
            return result
        return None


def run_file(path: str, tally: Tally, names: "list[str] | None" = None) -> None:
    """Import one test file and run its functions, which `names` lists where there is no text of it to read."""
    load = Tally(tally.small)
    name = path[: -len(".py")].replace("/", ".")
    module = load.run(path, lambda: __import__(name, None, None, ["*"]))
    if names is None:
        names = load.run(path, lambda: test_names(path))
    if module is None:
        names = None
    tally.failed += load.failed
    tally.skipped += load.skipped
    if names is None:
        return
    if not names:
        tally.failed += 1
        print("FAIL", path, "- holds no test")
    for test in names:
        before = tally.passed
        tally.run(path + "::" + test, getattr(module, test))
        if tally.passed > before:
            print("PASS", path + "::" + test)


def on_board(words: "list[str]") -> int:
    """`--on BOARD [FILE…]`, which CPython alone can do."""
    from tests.device import emulated, on_board
    from tools.building import ToolError

    if not words:
        print("run: --on needs a board", file=sys.stderr)
        return 2
    try:
        return on_board.main(words[0], words[1:])
    except (emulated.NoBoard, ToolError) as error:
        print("run:", error, file=sys.stderr)
        return 2


def main(arguments: "list[str]") -> int:
    """Run the given files, or all portable ones. The exit status."""
    if arguments[:1] == ["--on"]:
        return on_board(arguments[1:])
    if sys.implementation.name == "micropython":
        try:  # from below: imports that nest deep take stack
            import jamliquor_lite.budget.queue  # noqa: F401
        except ImportError:
            pass  # tests without the package
    tally = Tally()
    for path in arguments or find("tests", []):
        if path.startswith("./"):
            path = path[2:]
        if ROOT != "." and path.startswith(ROOT + "/"):
            path = path[len(ROOT) + 1 :]
        run_file(path, tally)
    print("%d passed, %d failed, %d skipped" % (tally.passed, tally.failed, tally.skipped))
    return 1 if tally.failed or not tally.passed + tally.skipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

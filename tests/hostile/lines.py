"""What a process says in JSON lines, as commands do with `--json`."""

import json
import subprocess
import threading
import time

_PATIENCE_S = 180  # on a machine that has much else to do
_END_S = 20


class NoWord(Exception):
    """A process did not say what it should have. One line."""


class Lines:
    """The lines of a process, read in a thread; each is kept with the time (monotonic, in seconds) at which it came."""

    def __init__(self, process: "subprocess.Popen[str]", name: str) -> None:
        self.process = process
        self.name = name
        self.found: "list[tuple[float, dict[str, object]]]" = []
        self._more = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.found.append((time.monotonic(), json.loads(line)))
                self._more.notify_all()
        with self._more:
            self._is_over = True
            self._more.notify_all()

    @property
    def last(self) -> "dict[str, object]":
        """The newest line, {} before the first."""
        return self.found[-1][1] if self.found else {}

    def of(self, event: str) -> "list[dict[str, object]]":
        """Those of one event."""
        return [line for _, line in list(self.found) if line.get("event") == event]

    def wait(self, event: str, count: int = 1) -> "dict[str, object]":
        """The `count`-th of one event, as soon as it is there. NoWord when it does not come."""
        ends = time.monotonic() + _PATIENCE_S
        with self._more:
            while True:
                found = self.of(event)
                if len(found) >= count:
                    return found[count - 1]
                if self._is_over or not self._more.wait(max(0.0, ends - time.monotonic())):
                    raise NoWord(f"{self.name} did not say `{event}`; its last words are {self.last}")

    def slot(self, event: str) -> int:
        """The newest slot that an event named, or -1."""
        for _, line in reversed(self.found):
            if line.get("event") == event:
                return int(str(line["slot"]))
        return -1

    def tell(self, text: str) -> None:
        """A line for its stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def join(self) -> None:
        """It has ended: all that it printed is here."""
        self._thread.join(_END_S)

"""What is going to be done to a board, said before it is done; and the line that shows how far it is.

A way of flashing is a module here with one class. It is made from a Target and what the user said, looks at everything
that can be looked at without changing anything (LocalError in one line), and then has

    steps       what `run` will do, a sentence each
    erases      what is lost by it, "" for nothing
    where       what it goes onto, as a person knows it
    recovery    how to get the board back when this is interrupted or fails half way
    run(show)   does it; `show` is a Progress. What fails is a LocalError
    monitor     where the board's console is afterwards, as monitor.open takes it; "" where there is none
    network     (name, password) of the wireless network that the board is to join; None for none. Set before `run`
"""

import sys
import time

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol, TextIO

    class Way(Protocol):
        """See above."""

        steps: "list[str]"
        erases: str
        where: str
        recovery: str
        monitor: str
        network: "tuple[str, str] | None"

        def run(self, show: "Progress") -> None:
            """Do it."""


_REDRAWN_S = 0.1  # a terminal is written to this often; a file or pipe gets every fourth part
_PARTS = const(4)
_COLUMNS = const(30)


class Target:
    """A board as its board.toml names it, for who must not read that file itself."""

    def __init__(self, name: str, flashing: "dict[str, Any]", is_linux: bool, module: str = "") -> None:
        """`flashing` is the table of that name; `module` the text of a microcontroller's `_board.py`."""
        self.name = name
        self.is_linux = is_linux
        self.module = module
        self.methods: "list[str]" = list(flashing.get("method", []))
        self.usb_boot: "list[str]" = list(flashing.get("usb_boot", []))
        self.usb_run: "list[str]" = list(flashing.get("usb_run", []))
        self.volume = str(flashing.get("volume", ""))
        self.family = int(flashing.get("uf2_family", 0))
        self.chip = str(flashing.get("chip", ""))
        self.image_bytes = int(flashing.get("image_kb", 0)) * 1024
        self.natmod = str(flashing.get("natmod", ""))
        self.first_step = str(next(iter(flashing.get("steps", [])), ""))  # where its image comes from


def lines(target: Target, method: str, way: "Way") -> "list[str]":
    """The plan, for a person."""
    found = [f"{target.name} by {method}, {way.where}"]
    found += [f"  {number}. {step}" for number, step in enumerate(way.steps, 1)]
    found.append(f"  lost by it: {way.erases}" if way.erases else "  nothing is lost by it")
    return found


class Progress:
    """Tells how far it is: one line that is written over on a terminal, a few lines elsewhere."""

    def __init__(self, out: "TextIO | None" = None) -> None:
        self._out = out or sys.stdout
        self._is_terminal = self._out.isatty()
        self._what = ""
        self._total = 0
        self._drawn = 0.0
        self._part = -1
        self._width = 0

    def begin(self, what: str, total: int = 0) -> None:
        """A step begins. `total` is what `step` counts up to, 0 where nobody knows."""
        self.end()
        self._what, self._total, self._part = what, total, -1
        self._drawn = 0.0
        if not total:
            self._write(what, is_last=not self._is_terminal)

    def step(self, done: int) -> None:
        """So far, of the total."""
        if not self._total:
            return
        now = time.monotonic()
        part = done * _PARTS // self._total
        is_due = now - self._drawn >= _REDRAWN_S if self._is_terminal else part != self._part
        if not is_due and done < self._total:
            return
        self._drawn, self._part = now, part
        full = done * _COLUMNS // self._total
        bar = f"[{'#' * full}{'.' * (_COLUMNS - full)}] " if self._is_terminal else ""
        self._write(f"{self._what} {bar}{100 * done // self._total:3} %", is_last=not self._is_terminal)

    def end(self) -> None:
        """The step is over, well or not: what comes next begins a line."""
        if self._width:
            self._out.write("\n")
            self._out.flush()
            self._width = 0

    def say(self, text: str) -> None:
        """A line of its own."""
        self.end()
        self._out.write(text + "\n")
        self._out.flush()

    def _write(self, text: str, is_last: bool) -> None:
        if is_last:
            self._out.write(text + "\n")
        else:
            self._out.write("\r" + text.ljust(self._width))
            self._width = len(text)
        self._out.flush()

"""What a long-running command prints: lines for a person, or with `--json` one JSON line per event.

The first JSON line is `{"event": "ready", …}`; what happens earlier waits for it. Warnings and errors of a
person's run go to stderr, so that stdout holds only what was asked for.
"""

import json
import sys

from ..const import const
from ..errors import LocalError
from .main import PROGRAM, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any, TextIO

_EARLY_EVENTS = const(64)  # events held before `ready`; a start that never ends cannot pile them up
_STATUS_COLUMNS = const(120)  # a longer status line would wrap, and then \r no longer overwrites it


def add_output_arguments(parser: "argparse.ArgumentParser") -> None:
    """`--seconds N` and `--json`, which every long-running command takes."""
    parser.add_argument("--seconds", metavar="N", help="end by itself after N seconds (default: run on)")
    parser.add_argument("--json", action="store_true", help="print one JSON line per event")


def seconds(args: "argparse.Namespace") -> "float | None":
    """The value of `--seconds`, None for "run on". LocalError when it is no positive number."""
    if args.seconds is None:
        return None
    try:
        value = float(args.seconds)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise LocalError(f"--seconds {args.seconds}: must be a positive number of seconds", 2)
    return value


def columns(rows: "list[tuple[str, ...]]") -> "Iterator[str]":
    """A table as lines: each column as wide as its widest cell, two blanks between them."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()


class Output:
    """Writes a command's output; `json_lines` chooses the form."""

    def __init__(self, json_lines: bool, out: "TextIO | None" = None, err: "TextIO | None" = None) -> None:
        self.json_lines = json_lines
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._early: list[str] | None = []
        self._status_shown = 0  # characters of the status line that stand in the terminal's last line

    def ready(self, **fields: "Any") -> None:
        """The command is up: `fields` say where (addresses, chain). Once, before any other event is shown."""
        early, self._early = self._early or [], None
        self.event("ready", **fields)
        for line in early:
            self._print(line)

    def event(self, name: str, /, **fields: "Any") -> None:
        """One JSON line with the event's name and fields (bytes as hex); nothing in a person's run."""
        if not self.json_lines:
            return
        line = _dumps({"event": name, **fields})
        if self._early is None:
            self._print(line)
        elif len(self._early) < _EARLY_EVENTS:
            self._early.append(line)

    def line(self, text: str) -> None:
        """One line for a person; nothing with `--json`."""
        if not self.json_lines:
            self._print(one_line(text))

    def status(self, text: str) -> None:
        """The line that shows how things stand: overwritten in a terminal, not shown anywhere else."""
        if self.json_lines or not self._out.isatty():
            return
        text = one_line(text)[:_STATUS_COLUMNS]
        self._out.write("\r" + text.ljust(self._status_shown))
        self._out.flush()
        self._status_shown = len(text)

    def warn(self, text: str) -> None:
        """One warning: a line on stderr, or the event `warning`."""
        if self.json_lines:
            self.event("warning", message=one_line(text))
            return
        self._end_status()
        print(f"{PROGRAM}: warning: {one_line(text)}", file=self._err, flush=True)

    def summary(self, **fields: "Any") -> None:
        """The last line of a run, JSON in both forms."""
        self.close()
        self._print(_dumps(fields))

    def close(self) -> None:
        """Shows what still waits for a `ready` that did not come, and leaves the status line."""
        early, self._early = self._early or [], None
        for line in early:
            self._print(line)
        self._end_status()

    def _print(self, text: str) -> None:
        self._end_status()
        self._out.write(text + "\n")
        self._out.flush()

    def _end_status(self) -> None:
        if self._status_shown:
            self._out.write("\n")
            self._out.flush()
            self._status_shown = 0


def _dumps(value: "dict[str, Any]") -> str:
    return json.dumps(value, default=_hex, separators=(",", ":"))


def _hex(value: "Any") -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    raise TypeError(f"{type(value).__name__} does not go into JSON")

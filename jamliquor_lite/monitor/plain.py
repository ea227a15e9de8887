"""The monitor for pipes, logs and scripts: lines with their times, and how the board is doing every few seconds.

With `--json` each is one JSON object: `event` is status, line, peers or end; `t` milliseconds since 1970.
"""

import json
import os
import select
import sys
import time

from ..const import const
from ..errors import LocalError
from . import figures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

    from .model import Line
    from .session import Session

STATUS_MS = const(5_000)  # between two lines of status
_LOOK_MS = const(200)  # the longest wait: for the end of the time, and for signals
_RED, _DIM, _END = "\x1b[31m", "\x1b[2m", "\x1b[0m"
_COLOURS = {"fault": _RED, "trace": _RED, "note": _DIM, "past": _DIM}


class Plain:
    """`run` writes until the session is over, or `seconds` are."""

    def __init__(self, session: "Session", is_json: bool, seconds: "float | None" = None,
                 out: "TextIO | None" = None) -> None:
        self._session = session
        self._is_json = is_json
        self._seconds = seconds
        self._out = out or sys.stdout
        self._input = bytearray() if _reads_stdin() else None
        self._has_colours = self._out.isatty() and not os.environ.get("NO_COLOR")
        self._told_at = -STATUS_MS

    def run(self) -> int:
        """The exit status. LocalError for a board that is none of ours, and a recording that is damaged."""
        session = self._session
        began = _now()
        session.begin(began)
        try:
            while not session.is_over:
                now = _now()
                for event, what in session.poll(now):
                    self._tell(event, what)
                self._out.flush()
                if self._seconds is not None and now - began >= self._seconds * 1000:
                    break
                self._wait(now, began)
        finally:
            session.end()
        return 0

    def _wait(self, now: int, began: int) -> None:
        session = self._session
        until = min(session.wake_at(now), now + _LOOK_MS)
        if self._seconds is not None:
            until = min(until, began + int(self._seconds * 1000) + 1)
        reading = [session.fileno()] if session.fileno() >= 0 else []
        if self._input is not None:
            reading.append(0)
        writing = [session.fileno()] if session.wants_write and session.fileno() >= 0 else []
        ready = select.select(reading, writing, [], max(0, until - now) / 1000)[0]
        if self._input is not None and 0 in ready:
            self._read_commands(now)

    def _read_commands(self, now: int) -> None:
        assert self._input is not None
        data = os.read(0, 1024)
        if not data:
            self._input = None  # it goes on without
            return
        self._input += data
        while self._input is not None and b"\n" in self._input:
            line, _, self._input = self._input.partition(b"\n")
            text = line.decode("utf-8", "replace").strip()
            if text:
                try:
                    self._session.type(text, now)
                except LocalError as error:
                    self._write({"event": "error", "text": str(error)}, f"not sent: {error}", "fault")

    def _tell(self, event: str, what: "Any") -> None:
        if event == "line":
            self._tell_line(what)
        elif event == "status":
            if self._is_json:
                model = self._session.model
                self._write({"event": "status", "at": model.at, **model.values}, "", "")
            elif self._session.clock() - self._told_at >= STATUS_MS:
                self._told_at = self._session.clock()
                self._write({}, figures.summary(self._session.model), "status")
        elif event == "peers" and self._is_json:
            self._write({"event": "peers", "peers": what}, "", "")
        elif event == "strange":
            raise LocalError(what)
        elif event == "end":
            self._write({"event": "end", "why": what}, what, "note")
            self._out.flush()
            if self._session.why_gone != "the recording has ended":
                raise LocalError(what)

    def _tell_line(self, line: "Line") -> None:
        self._write({"event": "line", "kind": line.kind, "text": line.text}, line.text, line.kind, line.ms)

    def _write(self, item: "dict[str, Any]", text: str, kind: str, ms: int = -1) -> None:
        ms = ms if ms >= 0 else self._session.clock()
        if self._is_json:
            if item:
                self._out.write(json.dumps({"t": ms, **item}, default=_plain, separators=(",", ":")) + "\n")
            return
        colour = _COLOURS.get(kind, "") if self._has_colours else ""
        mark = {"note": "-- ", "status": "== ", "fault": "!! ", "trace": "!  "}.get(kind, "   ")
        self._out.write(f"{figures.clock(ms)} {colour}{mark}{text}{_END if colour else ''}\n")


def _reads_stdin() -> bool:
    # Not where there is none, and not of a terminal that is another job's: to read it would stop us.
    try:
        return os.tcgetpgrp(0) == os.getpgrp() if os.isatty(0) else os.fstat(0) is not None
    except OSError:
        return False


def _plain(value: "Any") -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _now() -> int:
    return time.monotonic_ns() // 1_000_000

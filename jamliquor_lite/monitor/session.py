"""A source, what it says, and what is asked of it: one object that plain output and the full screen both drive.

    session.begin(now)         opens the source; errors of the user's are raised here
    session.poll(now)          reads, asks, connects again; yields what is new
    session.wake_at(now)       when to poll at the latest; before it, when `fileno()` is readable
    session.type(text, now)    a command
    session.end()              says goodbye

`poll` yields ("status", None) when one is complete, ("line", Line) for every line of the log, ("peers", rows). Times
are milliseconds that only grow.
"""

import time
from collections import deque

from ..console import messages
from ..const import const
from ..errors import LocalError, VerifyError
from . import asker as asking
from . import recording, sources
from .asker import Asker
from .decoder import Decoder
from .faults import Faults
from .model import Line, Model
from .recording import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .sources import Serial, Socket

    News = Iterator[tuple[str, Any]]

RETRY_MS = const(500)
MOST_RETRY_MS = const(10_000)
STRANGE_S = 20  # without a frame: not a board of ours, or one that does not run
_OUT_BYTES = const(4096)  # that wait to be written
_READS = const(16)  # in a turn
_BRIEF = const(60)
_ECHOES = const(8)
_CUT = ">"  # at the end of a line that the board's log has cut (console/log.py)


def wall_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Session:
    """A live one. `is_open` says whether the source is connected, `is_over` that nothing more comes."""

    is_replay = False

    def __init__(self, source: "Serial | Socket", faults: Faults, record: str = "",
                 status_ms: int = asking.STATUS_MS, model: "Model | None" = None) -> None:
        self.name = source.name
        self.model = model or Model()
        self.decoder = Decoder()
        self.asker = Asker(status_ms)
        self.is_open = self.is_over = False
        self.connections = 0
        self.why_gone = ""
        self._source = source
        self._faults = faults
        self._record_path = record
        self._writer: "Writer | None" = None
        self._out = bytearray()
        self._typed: "deque[str]" = deque(maxlen=_ECHOES)  # whose echo did not come yet
        self._retry_ms = RETRY_MS
        self._retry_at = 0
        self._opened_at = 0
        self._is_strange = False
        self._frames_before = 0
        self._news: "list[tuple[str, Any]]" = []

    def begin(self, now: int) -> None:
        """Open it for the first time: what is not there is the user's mistake."""
        try:
            self._source.open()
        except sources.Gone as gone:
            raise LocalError(str(gone), 2)
        if self._record_path:
            self._writer = Writer(self._record_path, self.name)
        self._opened(now)

    def fileno(self) -> int:
        """What to select on; -1: there is nothing now."""
        return self._source.fileno() if self.is_open else -1

    def clock(self) -> int:
        """Now, in ms since 1970; in a replay the moment that is played."""
        return wall_ms()

    @property
    def wants_write(self) -> bool:
        """Something waits to be sent."""
        return bool(self._out)

    def wake_at(self, now: int) -> int:
        """When to poll at the latest."""
        if not self.is_open:
            return self._retry_at
        at = self.asker.wake_at(now)
        if not self.decoder.frames and not self._is_strange:
            at = min(at, self._opened_at + STRANGE_S * 1000)
        return at

    def poll(self, now: int) -> "News":
        """What is new since the last call."""
        if not self.is_open and not self.is_over and now >= self._retry_at:
            self._reopen(now)
        if self.is_open:
            try:
                self._read(now)
                self._ask(now)
                self._write()
            except sources.Gone as gone:
                self._lost(str(gone), now)
            if not self._is_strange and now - self._opened_at >= STRANGE_S * 1000 and (
                    self.decoder.frames == self._frames_before):
                self._is_strange = True
                self._news.append(("strange", self.strange()))
        news, self._news = self._news, []
        yield from news

    def strange(self) -> str:
        """Why this seems to be no board of ours: what was seen instead of frames."""
        decoder = self.decoder
        what = f"{self.name}: no frame of jamliquor-lite within {STRANGE_S} s"
        if not decoder.bytes:
            return what + ", and not a byte: is the board powered, and is this its port?"
        if decoder.broken:
            return what + f": {decoder.bytes} bytes came, with {decoder.broken} broken frames: is the speed right?"
        if decoder.unreadable * 4 > decoder.bytes:
            return what + f": {decoder.bytes} bytes came, most of them no text: is the speed right?"
        seen = " ".join(decoder.seen.split())[:_BRIEF]
        if ">>>" in decoder.seen:
            return what + ": a MicroPython prompt answers: the package is not on this board, or does not run"
        return what + f": {decoder.bytes} bytes of text came, beginning with {ascii(seen)}"

    def type(self, text: str, now: int) -> None:
        """Send a command. LocalError for what no board takes, and while there is none."""
        data = asking.typed(text)
        if not self.is_open:
            raise LocalError(f"not connected: {self.why_gone}")
        if len(self._out) + len(data) > _OUT_BYTES:
            raise LocalError("the board takes nothing now")
        self._out += data
        self._typed.append(text)
        self._record(recording.TYPED, text)

    def end(self) -> None:
        """Turn the statuses off and hang up; the recording is complete."""
        if self.is_open:
            try:
                self._out = bytearray(asking.frame(asking.harmless(0, ("status", "every", "off"))[1]))
                self._write()
            except sources.Gone:
                pass  # it went first
            self._source.close()
            self.is_open = False
        self.is_over = True
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()

    # the connection

    def _opened(self, now: int) -> None:
        self.is_open = True
        self.connections += 1
        self._opened_at = now
        self._frames_before = self.decoder.frames
        self._is_strange = False
        self._out.clear()
        self.decoder.reset()
        self.asker.restart(now)
        self.note(f"connected to {self.name}")

    def _reopen(self, now: int) -> None:
        try:
            self._source.open()
        except (sources.Gone, LocalError) as gone:  # permissions come a moment after a port
            self.why_gone = str(gone)
            self._retry_ms = min(MOST_RETRY_MS, 2 * self._retry_ms)
            self._retry_at = now + self._retry_ms
            return
        self._opened(now)

    def _lost(self, why: str, now: int) -> None:
        self._source.close()
        self.is_open = False
        self.why_gone = why
        self.model.lost_line()
        # One that was up for a while is tried again soon; one that ends at once is not.
        if now - self._opened_at >= MOST_RETRY_MS:
            self._retry_ms = RETRY_MS
        else:
            self._retry_ms = min(MOST_RETRY_MS, 2 * self._retry_ms)
        self._retry_at = now + self._retry_ms
        self.note(f"{why}; trying again")

    # what moves

    def _read(self, now: int) -> None:
        for _ in range(_READS):
            data = self._source.read()
            if not data:
                return
            for kind, what in self.decoder.feed(data, now):
                if kind == "line":
                    self._record(recording.TEXT, what)
                    self._line(what)
                else:
                    body, items = what
                    self._record(recording.FRAME, body)
                    self._frame(items, now)

    def _ask(self, now: int) -> None:
        for body in self.asker.due(now):
            self._record(recording.SENT, body)
            self._out += asking.frame(body)

    def _write(self) -> None:
        if self._out:
            del self._out[: self._source.write(bytes(self._out))]

    def _frame(self, items: "list[Any]", now: int) -> None:
        model = self.model
        found = self.asker.take(items, now)
        if items[0] == messages.STATUS:
            restarts = model.restarts
            if model.take_status(items):
                self._news.append(("status", None))
            if model.restarts != restarts:
                self.note("the board began anew")
                self.asker.restart(now)
        elif found is not None:
            what, rows = found
            if what == asking.PEERS:
                model.take_peers(rows)
                self._news.append(("peers", rows))
            elif what == asking.FIELDS:
                model.take_names([str(row[1]) for row in rows if len(row) > 1])
            elif what == asking.LOG:
                self._history(rows)

    def _history(self, rows: "list[list[Any]]") -> None:
        # Of what the board had said before we came; what we heard ourselves is not said twice.
        heard = [line.text for line in self.model.lines]
        now = self.clock()
        for row in rows:
            if len(row) < 3 or not isinstance(row[2], str):
                continue
            begin = row[2][:-1] if row[2].endswith(_CUT) else row[2]
            if not any(text.startswith(begin) for text in heard):
                age = max(0, self.model.at - row[1]) if messages.is_whole(row[1]) and self.model.at >= 0 else 0
                self._put(Line(now - age, row[2], "past"))

    def _line(self, text: str) -> None:
        ms = self.clock()
        kind = self._faults.kind(text)
        if text in self._typed:  # the board's echo
            self._typed.remove(text)
            kind = "typed"
        self._put(Line(ms, text, kind))
        for said in self._faults.explain(text):
            self._put(Line(ms, said, "note"))

    def note(self, text: str, kind: str = "note") -> None:
        """A line of the monitor's own in the log."""
        self._record(recording.NOTE, text)
        self._put(Line(self.clock(), text, kind))

    def _put(self, line: Line) -> None:
        self.model.put(line)
        self._news.append(("line", line))

    def _record(self, kind: int, what: "str | bytes") -> None:
        if self._writer is not None:
            self._writer.put(kind, what)


class Replay(Session):
    """A recording in the place of a board, `speed` times as fast; at speed 0 without waiting."""

    is_replay = True

    def __init__(self, path: str, faults: Faults, speed: float = 1.0, model: "Model | None" = None) -> None:
        """LocalError, the user's, where it is no recording."""
        self._reader = recording.Reader(path)
        super().__init__(sources.Serial(path, 0), faults, model=model)
        self.start, self.source = self._reader.start, self._reader.source
        self.name = path
        self.at_ms = 0  # of the recording, so far
        self._speed = speed
        self._records = self._reader.records()
        self._next: "tuple[int, int, Any] | None" = None
        self._began = 0

    @property
    def fault(self) -> str:
        """Why it ended too early."""
        return self._reader.fault

    def begin(self, now: int) -> None:
        self.is_open = True
        self._began = now
        self._advance()
        self.model.take_names(list(self._reader.names))

    def fileno(self) -> int:
        return -1

    def clock(self) -> int:
        return self.start + self.at_ms

    def wake_at(self, now: int) -> int:
        if self._next is None or not self._speed:
            return now
        return self._began + int(self._next[0] / self._speed)

    def poll(self, now: int) -> "News":
        played = 0
        while self._next is not None and self.wake_at(now) <= now and played < 200:
            played += 1
            self.at_ms, kind, what = self._next
            self._play(kind, what, self.at_ms)
            self._advance()
            news, self._news = self._news, []
            yield from news
        if self._next is None and not self.is_over:
            self.is_over = True
            self.is_open = False
            self.why_gone = self.fault or "the recording has ended"
            yield "end", self.why_gone

    def type(self, text: str, now: int) -> None:
        raise LocalError("a recording takes no commands", 2)

    def end(self) -> None:
        self._reader.close()
        self.is_open, self.is_over = False, True

    def _advance(self) -> None:
        self._next = next(self._records, None)

    def _play(self, kind: int, what: "Any", ms: int) -> None:
        if kind in (recording.FRAME, recording.SENT):
            try:
                items = messages.read(what)
            except VerifyError:
                return  # a damaged file
            if kind == recording.FRAME:
                self._frame(items, ms)
            else:
                self.asker.sent(items, ms)
        elif kind == recording.TEXT:
            self._line(what)
        elif kind == recording.TYPED:
            self._typed.append(what)
        else:
            self._put(Line(self.clock(), what, "note"))

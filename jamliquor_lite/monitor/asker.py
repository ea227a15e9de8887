"""What the monitor asks of a board, and when again: its fields' names once, a status ever so often, its peers.

An answer that does not come is asked for again; one board has several who ask, so ids begin at a random number.
"""

import random

from ..codec import serial_frame
from ..console import messages
from ..const import const
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STATUS_MS = 500  # between two statuses, of two or three frames each
PEERS_MS = const(2_000)
ANSWER_MS = const(3_000)  # what is not answered by then is asked again
_QUIET_MS = const(3_000)  # without a status: the board began anew, or somebody else turned it off
_MOST_ROWS = const(600)
_LOG_LINES = const(16)
_CTRL_C = const(3)
_TRIES = const(256)  # a frame in twenty has one
_STEP = const(0x10101)  # changes each byte of an id: all of them shape the frame
FIELDS, PEERS, LOG, EVERY = "fields", "peers", "log", "every"
_WORDS = {FIELDS: ("status", "fields"), PEERS: ("peers",), LOG: ("log", str(_LOG_LINES))}


class Asker:
    """`due(now)` yields frames to send; `take` gets what comes, and gives (what, rows) when an answer is complete."""

    def __init__(self, status_ms: int = STATUS_MS) -> None:
        self.status_ms = status_ms
        self.faults = 0
        self.last_fault = ""
        self._number = random.randrange(1 << 28)
        self._open: "dict[int, tuple[str, int, list[list[Any]]]]" = {}  # id -> what, since when, rows
        self._next = {FIELDS: 0, LOG: 0, EVERY: 0, PEERS: 0}
        self._status_at = 0

    def restart(self, now: int) -> None:
        """Ask all of it again: the line is a new one, or the board began anew."""
        self._open.clear()
        self._next = {FIELDS: now, LOG: now, EVERY: now, PEERS: now}
        self._status_at = now

    def due(self, now: int) -> "list[bytes]":
        """The bodies of the requests that are to be sent now."""
        for number, (what, since, _) in list(self._open.items()):
            if now - since >= ANSWER_MS:
                del self._open[number]
                self._next[what] = now
        if now - self._status_at >= _QUIET_MS + self.status_ms and self._next[EVERY] < 0:
            self._next[EVERY] = now
        bodies = []
        for what in (EVERY, FIELDS, LOG, PEERS):  # in this order, one after the other: a board answers four at once
            at = self._next[what]
            if at < 0 or now < at or (self._open and what != EVERY):
                continue
            words = _WORDS[what] if what != EVERY else ("status", "every", str(self.status_ms))
            self._number, body = harmless(self._number + 1, words)
            bodies.append(body)
            self._open[self._number] = (what, now, [])
            self._next[what] = -1
        return bodies

    def wake_at(self, now: int) -> int:
        """When `due` has something at the latest."""
        times = [since + ANSWER_MS for _, since, _ in self._open.values()]
        times += [self._status_at + _QUIET_MS + self.status_ms]
        if not self._open:
            times += [at for at in self._next.values() if at >= 0]
        return max(now, min(times))

    def sent(self, items: "list[Any]", now: int) -> None:
        """A request that a recording says was sent: its answer is known by its id."""
        words = tuple(items[2:])
        for what, known in _WORDS.items():
            if words == known and messages.is_whole(items[1]) and len(self._open) < _MOST_ROWS:
                self._open[items[1]] = (what, now, [])

    def take(self, items: "list[Any]", now: int) -> "tuple[str, list[list[Any]]] | None":
        """A frame. What was asked and its rows, when the answer is complete."""
        kind = items[0]
        if kind == messages.STATUS:
            self._status_at = now
            return None
        found = self._open.get(items[1]) if len(items) > 1 and messages.is_whole(items[1]) else None
        if found is None:
            return None
        what, _, rows = found
        if kind == messages.ROW:
            if len(rows) < _MOST_ROWS:
                rows.append(items[2:])
            self._open[items[1]] = (what, now, rows)
            return None
        del self._open[items[1]]
        if what == PEERS:
            self._next[PEERS] = now + PEERS_MS
        elif what == EVERY:
            self._status_at = now
        if kind == messages.FAULT:
            self.faults += 1
            self.last_fault = str(items[2])[:160] if len(items) > 2 else ""
            return None
        if kind != messages.DONE or items[2:3] != [len(rows)]:
            self._next[what] = now if what == PEERS else now + ANSWER_MS  # rows were lost
            return None
        return what, rows


def harmless(number: int, words: "tuple[str, ...]") -> "tuple[int, bytes]":
    """(id, body) of a request whose frame has no Ctrl-C in it, the id being `number` if it can: a board that
    is starting has no console yet, and its interpreter would take that byte for a person's and stop."""
    for step in range(_TRIES):
        found = (number + step * _STEP) % messages.MAX_ID
        body = messages.request(found, words[0], words[1:])
        if _CTRL_C not in frame(body):
            break
    return found, body


def frame(body: bytes) -> bytes:
    """The frame of a request."""
    return serial_frame.encode(body)


def typed(text: str) -> bytes:
    """A line as a person types it. LocalError, the user's, for what no board takes."""
    if not text.isascii() or not text.isprintable():
        raise LocalError("a command is printable ASCII", 2)
    if len(text) > 160:
        raise LocalError(f"a command has at most 160 characters, this one has {len(text)}", 2)
    return text.encode() + b"\r"

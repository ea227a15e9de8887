"""What the frames of a board say, and how its numbers went lately. Nothing here grows: every series is a ring.

A sample is taken once a second of the board's own clock, so that a series means the same at any number of frames a
second, and in a replay at any speed.
"""

import re
from array import array
from collections import deque

from ..console import messages
from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

SAMPLES = 600  # of each series: ten minutes
LINES = 1000  # of the log
SAMPLE_MS = const(1000)
MOST_FIELDS = const(512)  # a status of another version may have more than ours; one of noise has not
MOST_PEERS = const(64)
POOLS = ("frames", "chunks", "identify")
SERIES = ("heap", "cpu", "down", "up", "head", *POOLS)
_STARTED = re.compile(r"jamliquor-lite on ([\w.-]{1,40})")


class Ring:
    """The last `size` numbers."""

    def __init__(self, size: int = SAMPLES) -> None:
        self.count = 0  # that were ever put
        self._numbers = array("d", bytes(8 * size))

    def put(self, number: float) -> None:
        """Put one; the oldest goes."""
        self._numbers[self.count % len(self._numbers)] = number
        self.count += 1

    def last(self, count: int) -> "list[float]":
        """The last `count` of them at most, the oldest first."""
        numbers, size = self._numbers, len(self._numbers)
        count = min(count, self.count, size)
        return [numbers[at % size] for at in range(self.count - count, self.count)]


class Line:
    """A line of the log: `ms` since 1970, its text, and its kind: text, note, typed, fault, trace."""

    __slots__ = ("kind", "ms", "text")

    def __init__(self, ms: int, text: str, kind: str = "text") -> None:
        self.ms = ms
        self.text = text
        self.kind = kind


class Model:
    """`values` has the newest of every field by name. `version` is higher after anything has changed, `samples` after
    a second has passed on the board."""

    def __init__(self, lines: int = LINES) -> None:
        self.values: "dict[str, Any]" = {}
        self.names = list(messages.fields())
        self.at = -1  # ms of the board's clock, of the newest status
        self.statuses = 0  # whose last part came
        self.lost = 0  # parts of a status that did not come
        self.samples = 0
        self.version = 0
        self.restarts = 0
        self.board = ""  # as it calls itself when it starts
        self.peers: "list[list[Any]]" = []
        self.series = {name: Ring() for name in SERIES}
        self.lines: "deque[Line]" = deque(maxlen=lines)
        self.lines_put = 0
        self._next_field = 0  # of the status that is coming in
        self._ended_at = -1
        self._is_joined = False  # the middle of a status, in which we come in, is no loss
        self._sampled_at = -1
        self._before: "dict[str, int]" = {}

    # what comes

    def take_status(self, items: "list[Any]") -> bool:
        """A STATUS frame. True when the status is complete with it."""
        if len(items) < 4 or not messages.is_whole(items[1]) or not messages.is_whole(items[2]):
            return False
        at, first = items[1], items[2]
        if first < 0 or first + len(items) - 3 > MOST_FIELDS:
            return False
        if at != self.at:  # a new status
            self.lost += int(self._next_field > 0)
            self._next_field, self._ended_at = 0, -1
        if first not in (self._next_field, self._ended_at):  # behind our last field there may be more
            self.lost += int(self._is_joined)
        self._is_joined = True
        if at < self.at:  # the board began anew, or a replay did
            self.restarts += 1
            self._sampled_at = -1
            self._before = {}
        self.at = at
        self.values.update(zip(self.names[first:], items[3:]))
        self.version += 1
        self._next_field = self._ended_at = first + len(items) - 3
        if self._next_field < len(self.names):
            return False
        self._next_field = 0
        self.statuses += 1
        if self._sampled_at < 0 or at - self._sampled_at >= SAMPLE_MS:
            self._sample(at)
        return True

    def take_names(self, names: "list[str]") -> None:
        """The board's own names of the fields, where they are others than ours."""
        if names and names != self.names:
            self.names = names
            self.values.clear()
            self._next_field = 0
            self._is_joined = False

    def take_peers(self, rows: "list[list[Any]]") -> None:
        """The rows of `peers`."""
        self.peers = rows[:MOST_PEERS]
        self.version += 1

    def put(self, line: Line) -> None:
        """A line of the log."""
        found = _STARTED.match(line.text)
        if found:
            self.board = found[1]
        self.lines.append(line)
        self.lines_put += 1
        self.version += 1

    def lost_line(self) -> None:
        """The connection is gone: what was begun is not completed."""
        self._next_field = 0
        self._is_joined = False
        self._sampled_at = -1
        self._before = {}
        self.version += 1

    # what can be asked

    def number(self, name: str, default: int = 0) -> int:
        """A field that is a number."""
        value = self.values.get(name, default)
        return value if messages.is_whole(value) else default

    def text(self, name: str) -> str:
        """A field that is a text."""
        value = self.values.get(name, "")
        return value if isinstance(value, str) else ""

    def newest(self, name: str) -> float:
        """The last sample of a series."""
        return (self.series[name].last(1) or [0.0])[0]

    def bounds(self) -> "Iterator[tuple[str, float]]":
        """(series, its cap) for those that have one."""
        if self.number("heap_free"):
            yield "heap", self.number("heap_used") + self.number("heap_free")
        for name, unit in (("cpu", 10_000.0), ("down", 1.0), ("up", 1.0)):
            rate = self.number(name + "_rate")
            if rate:
                yield name, rate / unit
        for name in POOLS:
            if self.number(name + "_count"):
                yield name, self.number(name + "_count")

    def _sample(self, at: int) -> None:
        passed = at - self._sampled_at if self._sampled_at >= 0 else 0
        # A host's system says what all of the process takes, not only what the node's turns do.
        cpu = "process_ms" if "process_ms" in self.values else "cpu_total"
        totals = {"cpu": cpu, "down": "down_total", "up": "up_total"}
        for name, field in totals.items():
            total = self.number(field)
            if passed > 0:
                # Of the processor percent, of the rates bytes a second.
                grown = max(0, total - self._before.get(name, total))
                self.series[name].put(grown * (100 if name == "cpu" else 1000) / passed)
            self._before[name] = total
        self._sampled_at = at
        self.series["heap"].put(self.number("heap_used"))
        self.series["head"].put(self.number("best_slot"))
        for name in POOLS:
            self.series[name].put(self.number(name + "_count") - self.number(name + "_free"))
        self.samples += 1

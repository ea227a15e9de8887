"""The two windows of a serial link (serial_link.py): frames that are on their way, and frames that came.

Both count frames from 0 without end and tell 16 bits of it; a window has at most 8 slots, all made at the beginning.
"""

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]

MAX_PAYLOAD = 238  # bytes of one frame
FIRST_RTO_MS = 500
LEAST_RTO_MS = 50
MOST_RTO_MS = 4_000

_GRACE_MS = const(20)  # in a timer, for clocks that tick
_MOST_BACKOFF = const(6)
# What is known of a frame in a slot.
_THERE = const(1)  # the peer has it
_RESENT = const(2)  # its round trip tells nothing (Karn's rule, RFC 6298 section 3)
_MISSING = const(4)  # to be sent again at once


class Outgoing:
    """`put` bytes, `due` says which frame to send now, `acknowledged` what came through. `resent` were sent again."""

    def __init__(self, window: int) -> None:
        self.payloads = [memoryview(bytearray(MAX_PAYLOAD)) for _ in range(window)]
        self.sizes = [0] * window
        self.resent = 0
        self.rtt_ms = -1  # smoothed
        self._window = window
        self._orders = [0] * window  # the how manieth frame of all this was when it was sent last; 0: not yet
        self._sent_at = [0] * window
        self._marks = bytearray(window)
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        for slot in range(self._window):
            self.sizes[slot] = self._orders[slot] = self._marks[slot] = 0
        self._base = self._next = 0  # the oldest frame that is not there, and the next one to be made
        self._order = 0
        self._room = self._window  # frames from _base on that the peer takes
        self._rto_ms = FIRST_RTO_MS
        self._spread_ms = 0
        self._backoff = 0
        self.rtt_ms = -1

    def put(self, view: memoryview, start: int, end: int) -> int:
        """Take bytes of `view[start:end]`; how many. A frame that was not sent yet is filled up first."""
        at = start
        while at < end:
            slot = (self._next - 1) % self._window
            if not self._is_open(slot):
                if self._next - self._base == self._window:
                    break
                slot = self._next % self._window
                self._next += 1
                self.sizes[slot] = self._orders[slot] = self._marks[slot] = 0
            size = self.sizes[slot]
            count = min(MAX_PAYLOAD - size, end - at)
            self.payloads[slot][size : size + count] = view[at : at + count]
            self.sizes[slot] = size + count
            at += count
        return at - start

    def _is_open(self, slot: int) -> bool:
        return self._next != self._base and not self._orders[slot] and self.sizes[slot] < MAX_PAYLOAD

    @property
    def has_room(self) -> bool:
        """`put` takes something."""
        return self._next - self._base < self._window or self._is_open((self._next - 1) % self._window)

    @property
    def is_empty(self) -> bool:
        """All is there."""
        return self._next == self._base

    @property
    def is_blocked(self) -> bool:
        """There is something to send, and the peer has no room for it."""
        return self._room == 0 and self._next != self._base

    def due(self, now: int) -> int:
        """The number of the frame to send now, -1 for none; it counts as sent. It is in slot `number % window`."""
        if 0 <= self.wake_at() <= now and not self._has_unsent():
            self._time_out(now)
        for number in range(self._base, min(self._next, self._base + self._room)):
            slot = number % self._window
            if not self._is_due(number, slot):
                continue
            if self._orders[slot]:
                self._marks[slot] = _RESENT
                self.resent += 1
            self._order += 1
            self._orders[slot] = self._order
            self._sent_at[slot] = now
            return number
        return -1

    def wake_at(self) -> int:
        """When `due` may have something, in ms; 0: it has; -1: not before something is put or acknowledged."""
        if self._has_unsent():
            return 0
        for number in range(self._base, min(self._next, self._base + self._room)):
            slot = number % self._window
            if self._orders[slot] and not self._marks[slot] & _THERE:
                return self._sent_at[slot] + min(MOST_RTO_MS, self._rto_ms << self._backoff)
        return -1

    def _has_unsent(self) -> bool:
        for number in range(self._base, min(self._next, self._base + self._room)):
            if self._is_due(number, number % self._window):
                return True
        return False

    def _is_due(self, number: int, slot: int) -> bool:
        if self._orders[slot]:
            return self._marks[slot] & _MISSING > 0
        # The last slot collects small words while others are on their way (Nagle's rule, RFC 896).
        return number == self._base or number - self._base < self._window - 1 or self.sizes[slot] == MAX_PAYLOAD

    def _time_out(self, now: int) -> None:
        # The oldest frame is sent again; what became of the others will be known when it comes through.
        for number in range(self._base, self._next):
            slot = number % self._window
            if not self._marks[slot] & _THERE:
                self._marks[slot] |= _MISSING
                self._backoff = min(self._backoff + 1, _MOST_BACKOFF)
                return

    @property
    def rto_ms(self) -> int:
        """How long an answer is waited for."""
        return min(MOST_RTO_MS, self._rto_ms << self._backoff)

    def acknowledged(self, ack: int, room: int, held: int, now: int) -> None:
        """The peer awaits frame `ack` (16 bits), takes `room` from there on, and has those behind it that `held` says.

        What is older than what is known, or cannot be, is ignored.
        """
        count = (ack - self._base) & 0xFFFF
        if count > self._next - self._base:
            return
        latest = 0
        for ahead in range(self._next - self._base):
            if ahead == count or (ahead > count and not held >> (ahead - count - 1) & 1):
                continue
            slot = (self._base + ahead) % self._window
            marks = self._marks[slot]
            if marks & _THERE or not self._orders[slot]:
                continue
            latest = max(latest, self._orders[slot])
            if not marks & _RESENT:
                self._measure(now - self._sent_at[slot])
                self._backoff = 0
            self._marks[slot] = _THERE
        self._base += count
        self._room = room
        for number in range(self._base, self._next):
            slot = number % self._window
            if 0 < self._orders[slot] < latest and not self._marks[slot] & _THERE:
                self._marks[slot] |= _MISSING  # a line keeps the order: what was sent behind it is there

    def _measure(self, rtt_ms: int) -> None:
        if self.rtt_ms < 0:
            self.rtt_ms, self._spread_ms = rtt_ms, rtt_ms // 2
        else:
            self._spread_ms += (abs(rtt_ms - self.rtt_ms) - self._spread_ms) // 4
            self.rtt_ms += (rtt_ms - self.rtt_ms) // 8
        self._rto_ms = max(LEAST_RTO_MS, min(MOST_RTO_MS, self.rtt_ms + 4 * self._spread_ms + _GRACE_MS))


class Incoming:
    """`take` frames in any order, `get_into` gives their bytes in the right one."""

    def __init__(self, window: int) -> None:
        self._payloads = [memoryview(bytearray(MAX_PAYLOAD)) for _ in range(window)]
        self._sizes = [0] * window  # 0: the frame of this slot has not come
        self._window = window
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        for slot in range(self._window):
            self._sizes[slot] = 0
        self.expected = 0  # the frame that is awaited
        self._read = 0  # the frame that is read
        self._read_at = 0

    @property
    def room(self) -> int:
        """Frames from `expected` on that are taken."""
        return self._window - (self.expected - self._read)

    @property
    def held(self) -> int:
        """Bit i: frame expected + 1 + i is here."""
        held = 0
        for ahead in range(1, self.room):
            if self._sizes[(self.expected + ahead) % self._window]:
                held |= 1 << (ahead - 1)
        return held

    @property
    def has_bytes(self) -> bool:
        """`get_into` has some."""
        return self._read != self.expected

    def take(self, seq: int, data: memoryview) -> bool:
        """Take a frame, `seq` being 16 bits of its number. Whether it was the awaited one."""
        ahead = (seq - self.expected) & 0xFFFF
        if ahead >= self.room:
            return False  # it was here before, or was never allowed
        slot = (self.expected + ahead) % self._window
        if not self._sizes[slot]:
            self._payloads[slot][: len(data)] = data
            self._sizes[slot] = len(data)
        while self.room and self._sizes[self.expected % self._window]:
            self.expected += 1
        return ahead == 0

    def get_into(self, buf: memoryview, start: int, end: int) -> int:
        """Move bytes into `buf[start:end]`; how many."""
        at = start
        while at < end and self._read != self.expected:
            slot = self._read % self._window
            size = self._sizes[slot]
            count = min(size - self._read_at, end - at)
            buf[at : at + count] = self._payloads[slot][self._read_at : self._read_at + count]
            at += count
            self._read_at += count
            if self._read_at == size:
                self._sizes[slot] = self._read_at = 0
                self._read += 1
        return at - start

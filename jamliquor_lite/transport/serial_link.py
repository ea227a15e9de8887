"""A reliable stream of bytes over a serial line that loses and garbles: what a connection has in place of TCP.

One side dials, the other accepts; a line carries one session at a time, and a dialer who begins anew (its board was
reset) ends the session before. Each message is one serial frame (codec/serial_frame.py), so noise and the text that a
board prints cost nothing but themselves. Bodies, numbers big-endian; the acceptor's kinds are larger by 8, so that a
line which echoes is no peer:

    10 OPEN     version 1 | dialer's id 4                          repeated until it is answered
    11 ACCEPT   version 1 | dialer's id 4 | session 4              repeated for each OPEN of that id
    12 DATA     session 4 | seq 2 | ack 2 | room 1 | 1 to 238 bytes of the stream
    13 ACK      session 4 | ack 2 | room 1 | held 1 | asks 1       `asks` 1 wants to be answered by an ACK
    14 CLOSE    session 4 | code 1                                 0 done, 1 unknown session, 2 lost

`seq` counts DATA from 0. `ack` is the seq that is awaited: all before it are here; so many from it on as `room` says
may be sent; bit i of `held` says that seq ack + 1 + i is here already. What was sent before a frame that came, and did
not come, is lost and sent again at once: a line keeps the order. The rest is a timer as TCP has it (RFC 6298). The ids
are random: a frame of a session that is over is not taken for one of this.

Wrong bytes get through where a garbled frame has the CRC of another, once in 2^32 of those; whoever needs more has a
cipher above, as libp2p does. Everything is allocated at the beginning: 3.5 KB on 32 bits for a window of four.
"""

from ..budget.times import earlier
from ..codec import serial_frame
from ..codec.serial_frame import BODY_AT, FRAME, MAX_FRAME, Sorter
from ..const import const
from .serial_window import Incoming, Outgoing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]

# States, the first three as those of a TCP link.
CONNECTING = 0
OPEN = 1
CLOSED = 2
LINGERING = 3  # closed here; what was taken is still sent

ID_BYTES = 4
WINDOW = 4  # frames on their way or unread, in each direction; at most 8
OPEN_MS = 500
CONNECT_MS = 10_000
ACK_MS = 10  # an acknowledgement waits so long for data to travel with
KEEPALIVE_MS = 5_000  # of silence, after which the peer is asked for a sign
LOST_MS = 15_000  # of silence, after which the line counts as lost
LINGER_MS = 2_000
PROBE_MS = 500  # how often a peer that has no room is asked whether it has

_VERSION = const(1)
_OPEN = const(0x10)
_ACCEPT = const(0x11)
_DATA = const(0x12)
_ACK = const(0x13)
_CLOSE = const(0x14)
_ACCEPTOR = const(8)
_OPEN_BYTES = const(6)
_ACCEPT_BYTES = const(10)
_DATA_HEAD = const(10)
_ACK_BYTES = const(10)
_CLOSE_BYTES = const(6)
_DONE = const(0)
_UNKNOWN = const(1)
_LOST = const(2)
_REASONS = ("the peer closed the connection", "the peer began anew", "the line is lost")


class SerialLink:
    """One end of a line, for one session after the other: it dials (`dial`), or accepts while `next_id` is set.

    `session` counts them: whoever uses the link sees by it that another has begun. `state` and `reason` are the latest
    one's. The owner feeds what comes, and sends what `outlet` makes in `out[out_start:out_end]`.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self.state = CLOSED
        self.reason = ""
        self.session = 0
        self.next_id = b""  # random, for the next session to be accepted
        self.out_start = self.out_end = 0
        self.sorter = Sorter()
        self.outgoing = Outgoing(window)
        self.incoming = Incoming(window)
        self._frame = bytearray(MAX_FRAME)
        self.out = memoryview(self._frame)
        self._ours = _ACCEPTOR  # added to the kinds that we send
        self._dialer_id = b""
        self._id = b""  # of the session
        self._farewell = b""  # the session to be told of its end
        self._farewell_code = 0
        self._begin(0)

    def _begin(self, now: int) -> None:
        # Nothing of a session before is left.
        self.outgoing.clear()
        self.incoming.clear()
        self.reason = ""
        self._began_at = self._heard_at = self._asked_at = now
        self._open_at = now
        self._linger_until = 0
        self._ack_at = -1  # when to acknowledge
        self._unacked = 0  # DATA since the last acknowledgement
        self._asks = False
        self._answers = False  # an OPEN is to be answered

    # the user's side

    def dial(self, random: bytes, now: int) -> None:
        """Begin a session. `random`: ID_BYTES that nobody knows."""
        self._begin(now)
        self.session += 1
        self.state = CONNECTING
        self._ours = 0
        self._dialer_id = random
        self._id = b""

    def recv_into(self, buf: memoryview, start: int, end: int, now: int) -> int:
        """Move what came into `buf[start:end]`. How many bytes; 0: none now; -1: the session is over."""
        was_full = not self.incoming.room
        count = self.incoming.get_into(buf, start, end)
        if was_full and self.incoming.room:
            self._ack_at = now  # the peer waits to hear it
        return -1 if count == 0 and end > start and self.state >= CLOSED else count

    def send(self, buf: memoryview, start: int, end: int) -> int:
        """Take bytes of `buf[start:end]` to send. How many; 0 while there is no room, or no session."""
        return self.outgoing.put(buf, start, end) if self.state == OPEN else 0

    @property
    def has_input(self) -> bool:
        """`recv_into` has something to give, or to say."""
        return self.incoming.has_bytes or self.state >= CLOSED

    @property
    def has_room(self) -> bool:
        """`send` takes something."""
        return self.state == OPEN and self.outgoing.has_room

    def close(self, now: int) -> None:
        """End the session; what was taken is still sent, for a while."""
        if self.state == OPEN:
            self.state = LINGERING
            self._linger_until = now + LINGER_MS
        elif self.state == CONNECTING:
            self._end("closed")

    def abort(self) -> None:
        """End the session now: the peer is told so, and what it has not got by then is lost."""
        if self.state == OPEN or self.state == LINGERING:
            self._part(self._id, _DONE)
        if self.state != CLOSED:
            self._end("closed")

    def ended(self, reason: str) -> None:
        """The line itself is gone."""
        self.out_start = self.out_end = 0
        self._farewell = b""
        if self.state != CLOSED:
            self._end(reason)

    # the line's side

    def feed(self, buf: "Buffer", start: int, end: int, now: int) -> None:
        """Take what came over the line, all of it."""
        sorter = self.sorter
        while start < end:
            start = sorter.feed(buf, start, end, now)
            if sorter.event == FRAME:
                self._hear(sorter.buf, sorter.start, sorter.end, now)

    def outlet(self, now: int) -> bool:
        """Whether there is something to send in `out[out_start:out_end]`. `sent` says how much of it was."""
        if self.out_start == self.out_end:
            self._let_pass(now)
            self._make(now)
        return self.out_start != self.out_end

    def sent(self, count: int) -> None:
        """The line took so many bytes."""
        self.out_start += count

    def wake_at(self, now: int) -> int:
        """When to look at `outlet` at the latest, in ms; -1: not before something comes, or is taken by the line."""
        if self.out_start != self.out_end:
            return -1
        if self._farewell or self._answers:
            return now
        if self.state == CONNECTING:
            return min(self._open_at, self._began_at + CONNECT_MS)
        if self.state == CLOSED:
            return -1
        at = earlier(self._heard_at + LOST_MS, max(self._heard_at, self._asked_at) + KEEPALIVE_MS)
        at = earlier(earlier(at, self._ack_at), self.outgoing.wake_at())
        if self.state == LINGERING:
            at = earlier(at, now if self.outgoing.is_empty else self._linger_until)
        return earlier(at, self._probe_at())

    # inside: what comes

    def _hear(self, buf: bytearray, start: int, end: int, now: int) -> None:
        size = end - start
        kind = buf[start]
        if kind == _OPEN:
            if size == _OPEN_BYTES and buf[start + 1] == _VERSION:
                self._hear_open(bytes(memoryview(buf)[start + 2 : end]), now)
            return
        kind -= _ACCEPTOR - self._ours
        if kind == _ACCEPT:
            if size == _ACCEPT_BYTES and buf[start + 1] == _VERSION and _same(buf, start + 2, self._dialer_id):
                self._hear_accept(bytes(memoryview(buf)[start + 2 + ID_BYTES : end]), now)
            return
        if not _DATA <= kind <= _CLOSE or size < _CLOSE_BYTES:
            return
        if self.state == CONNECTING:
            return  # of the session before, which our OPEN ends
        if self.state == CLOSED or not _same(buf, start + 1, self._id):
            if kind != _CLOSE and not self._farewell:
                self._part(bytes(memoryview(buf)[start + 1 : start + 1 + ID_BYTES]), _UNKNOWN)
            return
        self._heard_at = now
        if kind == _CLOSE:
            code = buf[start + 1 + ID_BYTES]
            self._end(_REASONS[code] if code < len(_REASONS) else _REASONS[0])
        elif kind == _DATA and size > _DATA_HEAD:
            self.outgoing.acknowledged(buf[start + 7] << 8 | buf[start + 8], buf[start + 9], 0, now)
            self._hear_data(buf, start, end, now)
        elif kind == _ACK and size == _ACK_BYTES:
            self.outgoing.acknowledged(buf[start + 5] << 8 | buf[start + 6], buf[start + 7], buf[start + 8], now)
            if buf[start + 9]:
                self._ack_at = now

    def _hear_open(self, dialer_id: bytes, now: int) -> None:
        if self.state != CLOSED and self._ours == 0:
            return  # we dial here ourselves
        if dialer_id == self._dialer_id:
            self._answers = self.state == OPEN  # it did not hear us; or this is an echo of a session that is over
        elif self.next_id:
            self._begin(now)
            self.session += 1
            self.state = OPEN
            self._ours = _ACCEPTOR
            self._dialer_id = dialer_id
            self._id, self.next_id = self.next_id, b""
            self._answers = True

    def _hear_accept(self, session: bytes, now: int) -> None:
        if self.state == CONNECTING:
            self._id = session
            self.state = OPEN
            self._heard_at = self._ack_at = now  # an acknowledgement tells the peer that it was heard

    def _hear_data(self, buf: bytearray, start: int, end: int, now: int) -> None:
        seq = buf[start + 5] << 8 | buf[start + 6]
        is_awaited = self.incoming.take(seq, memoryview(buf)[start + _DATA_HEAD : end])
        self._unacked += 1
        if not is_awaited or self._unacked > 1 or self.incoming.held:
            self._ack_at = now  # the peer knows less than it should
        elif self._ack_at < 0:
            self._ack_at = now + ACK_MS

    # inside: time and what goes

    def _probe_at(self) -> int:
        # The peer said that it has no room; what says that it has again may have been lost.
        return self._asked_at + max(PROBE_MS, self.outgoing.rto_ms) if self.outgoing.is_blocked else -1

    def _let_pass(self, now: int) -> None:
        if self.state == CONNECTING:
            if now - self._began_at >= CONNECT_MS:
                self._end("nobody answers on the line")
        elif self.state != CLOSED:
            if now - self._heard_at >= LOST_MS:
                self._part(self._id, _LOST)
                self._end(_REASONS[_LOST])
            elif self.state == LINGERING and (self.outgoing.is_empty or now >= self._linger_until):
                self._part(self._id, _DONE)
                self._end("closed")
            elif now - max(self._heard_at, self._asked_at) >= KEEPALIVE_MS or 0 <= self._probe_at() <= now:
                self._asks = True
                self._asked_at = self._ack_at = now

    def _end(self, reason: str) -> None:
        self.state = CLOSED
        self.reason = reason

    def _part(self, session: bytes, code: int) -> None:
        self._farewell, self._farewell_code = session, code

    def _make(self, now: int) -> None:
        frame = self._frame
        if self._farewell:
            self._head(_CLOSE, self._farewell)
            self._farewell = b""
            frame[BODY_AT + 5] = self._farewell_code
            self._finish(_CLOSE_BYTES)
        elif self._answers:
            self._answers = False
            self._head_of_two(_ACCEPT)
            frame[BODY_AT + 6 : BODY_AT + _ACCEPT_BYTES] = self._id
            self._finish(_ACCEPT_BYTES)
        elif self.state == CONNECTING:
            if now >= self._open_at:
                self._open_at = now + OPEN_MS
                self._head_of_two(_OPEN)
                self._finish(_OPEN_BYTES)
        elif self.state != CLOSED:
            self._make_more(now)

    def _make_more(self, now: int) -> None:
        frame = self._frame
        incoming = self.incoming
        # A gap, and a question, is told by an ACK of its own: DATA says neither.
        number = -1 if 0 <= self._ack_at <= now and (self._asks or incoming.held) else self.outgoing.due(now)
        if number >= 0:
            slot = number % len(self.outgoing.sizes)
            size = self.outgoing.sizes[slot]
            self._head(_DATA, self._id)
            frame[BODY_AT + 5] = number >> 8 & 0xFF
            frame[BODY_AT + 6] = number & 0xFF
            at = BODY_AT + 7
            frame[at + 3 : at + 3 + size] = self.outgoing.payloads[slot][:size]
            end = _DATA_HEAD + size
        elif 0 <= self._ack_at <= now:
            self._head(_ACK, self._id)
            at = BODY_AT + 5
            frame[at + 3] = incoming.held
            frame[at + 4] = 1 if self._asks else 0
            self._asks = False
            end = _ACK_BYTES
        else:
            return
        frame[at] = incoming.expected >> 8 & 0xFF
        frame[at + 1] = incoming.expected & 0xFF
        frame[at + 2] = incoming.room
        self._ack_at = -1
        self._unacked = 0
        self._finish(end)

    def _head(self, kind: int, session: bytes) -> None:
        self._frame[BODY_AT] = kind + self._ours
        self._frame[BODY_AT + 1 : BODY_AT + 1 + ID_BYTES] = session

    def _head_of_two(self, kind: int) -> None:
        # OPEN and ACCEPT.
        self._frame[BODY_AT] = kind + self._ours
        self._frame[BODY_AT + 1] = _VERSION
        self._frame[BODY_AT + 2 : BODY_AT + 2 + ID_BYTES] = self._dialer_id

    def _finish(self, size: int) -> None:
        self.out_start = 0
        self.out_end = serial_frame.finish(self._frame, BODY_AT + size)


def _same(buf: bytearray, start: int, wanted: bytes) -> bool:
    for at in range(len(wanted)):
        if buf[start + at] != wanted[at]:
            return False
    return len(wanted) > 0

"""What a yamux session has to say, and in which order: resets, then SYNs and windows, then data.

Data goes by class (budget/classes.py), the most urgent first, within a class in turn. So that nobody starves, bytes
are counted in rounds: while others wait, a class may say QUANTUM bytes for each part of its weight, then the others
have theirs before the next round begins (deficit round robin: what was said too much is missing in the next round). A
frame is cut at CUT bytes while another class waits, and a class that was silent has all of its round. So what is urgent
goes next, behind nothing but the Noise frame that is sealed already; of what exceeds its part of a round, each further
part waits for at most `ROUND` bytes of the others.

What may wait is gathered, so that a few Noise frames carry it: GOSSIP, and windows of peers who have enough left. It
goes with whatever else is said, or when `batch_bytes` of it wait, or the first has waited for `batch_ms`.
"""

from ..budget.classes import COUNT, GOSSIP, QUERIES, WEIGHTS
from ..const import const
from .yamux_frame import ACK, DATA, FIN, HEADER_BYTES, RST, SYN, WINDOW_UPDATE, put_header
from .yamux_stream import ACK_DUE, FIN_DUE, FIN_SENT, GONE, IN_CONTROL, IN_READY, SYN_DUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .yamux import Session
    from .yamux_frame import WritableBuffer
    from .yamux_stream import Stream

QUANTUM = const(512)
CUT = const(2048)
ROUND = QUANTUM * sum(WEIGHTS) + COUNT * (CUT + HEADER_BYTES)  # a class may exceed its part by the end of one frame
_REST_MS = const(100)  # when to look again whether a protocol may go on

# Whose window is kept back, at most.
_NONE = const(0)
_LOW = const(1)
_URGENT = const(2)


class Output:
    """Lists of streams, each in a list at most once, and the ids of streams to be reset."""

    def __init__(self, session: "Session") -> None:
        self.resets: "list[int]" = []
        self.holds_grants = _NONE  # window that streams have earned is kept back while there is no chunk to fill
        self.rest_until = -1  # ms: a protocol has used up its rate, look again then
        self._session = session
        self._control: "list[Stream]" = []
        self._ready: "list[Stream]" = []
        self._left = [0] * COUNT  # bytes of the round, by class
        self._is_shared = False  # more than one class waits
        self._batch_at = -1  # ms: what is gathered goes then

    def due_at(self, now: int) -> int:
        """When `put` is to be called (ms), which is now unless all there is may wait. -1: there is nothing to say."""
        if self.resets or self.may_grant():
            return now
        control, ready = self._control, self._ready
        if not control and not ready:
            self._batch_at = -1
            return -1
        for stream in control:
            if not stream.may_wait:
                return now
        size = 0
        for stream in ready:
            if stream.cls < GOSSIP:
                return now
            if stream.unsent is not None:
                size += stream.unsent.size
        profile = self._session.profile
        if size >= profile.batch_bytes:
            return now
        if self._batch_at < 0:
            self._batch_at = now + profile.batch_ms
        return self._batch_at

    def may_grant(self) -> bool:
        """Window is kept back, and now there is a chunk for it."""
        return self.holds_grants != _NONE and self._session.inbox.room(self.holds_grants == _URGENT) > 0

    def clear(self) -> None:
        """Nothing of it is to be said any more."""
        self.resets, self._control, self._ready = [], [], []
        self.holds_grants = _NONE
        self.rest_until = -1

    def rest(self) -> None:
        """A protocol has used up its rate for now."""
        if self.rest_until < 0:
            self.rest_until = self._session.now + _REST_MS

    def control(self, stream: "Stream") -> None:
        """It has SYN or window to send."""
        if not stream.bits & (IN_CONTROL | GONE):
            stream.bits |= IN_CONTROL
            self._control.append(stream)

    def data(self, stream: "Stream") -> None:
        """It has data or FIN to send."""
        if not stream.bits & (IN_READY | GONE):
            stream.bits |= IN_READY
            self._ready.append(stream)

    def forget(self, stream: "Stream") -> None:
        """It has nothing to send any more."""
        if stream.bits & IN_CONTROL:
            self._control.remove(stream)
        if stream.bits & IN_READY:
            self._ready.remove(stream)
        stream.bits &= ~(IN_CONTROL | IN_READY)

    def put(self, buf: "WritableBuffer", at: int, end: int, now: int) -> int:
        """Write whole frames into buf[at:end]; where they end."""
        resets, control, ready = self.resets, self._control, self._ready
        while resets and end - at >= HEADER_BYTES:
            at = put_header(buf, at, WINDOW_UPDATE, RST, resets.pop(0), 0)
        while control and end - at >= HEADER_BYTES:
            at = self._put_control(control.pop(0), buf, at, now)
        while ready and end - at > HEADER_BYTES:
            stream = ready.pop(self._next())
            if self._is_shared:
                start = at
                at = self._put_data(stream, buf, at, min(end, at + HEADER_BYTES + CUT), now)
                self._left[stream.cls] -= at - start
            else:
                at = self._put_data(stream, buf, at, end, now)
        return at

    def _next(self) -> int:
        # Where in _ready the stream is whose turn it is.
        ready, left = self._ready, self._left
        while True:
            found = -1
            cls = COUNT
            self._is_shared = False
            for i in range(len(ready)):
                other = ready[i].cls
                if other != ready[0].cls:
                    self._is_shared = True
                if other < cls and left[other] > 0:
                    found = i
                    cls = other
            if found >= 0:
                return found
            for i in range(COUNT):
                part = QUANTUM * WEIGHTS[i]
                left[i] = min(left[i], 0) + part

    def _put_control(self, stream: "Stream", buf: "WritableBuffer", at: int, now: int) -> int:
        stream.bits &= ~IN_CONTROL
        grant = stream.grant()
        flags = 0
        if stream.bits & SYN_DUE:
            # Always in a frame of its own, so that our ids come in order.
            stream.bits &= ~SYN_DUE
            stream.read_at = now  # from now on it waits for an answer
            flags = SYN
        elif grant and not self._session.inbox.room_in(stream.scope):
            self.holds_grants = max(self.holds_grants, _URGENT if stream.cls <= QUERIES else _LOW)
            return at
        elif grant:
            flags = _ack(stream)
        if not grant and not flags:
            return at
        stream.allowance += grant
        return put_header(buf, at, WINDOW_UPDATE, flags, stream.id, grant)

    def _put_data(self, stream: "Stream", buf: "WritableBuffer", at: int, end: int, now: int) -> int:
        stream.bits &= ~IN_READY
        unsent = stream.unsent
        if unsent is not None and unsent.size:
            count = min(unsent.size, stream.window, end - at - HEADER_BYTES)
            if not count:
                return at  # until the window is opened
            at = put_header(buf, at, DATA, _ack(stream), stream.id, count)
            at += unsent.get_into(buf, at, at + count)
            stream.window -= count
            stream.sent_at = now
            if (unsent.size and stream.window) or (not unsent.size and stream.bits & FIN_DUE):
                self.data(stream)
        # FIN comes in a frame of its own: go-yamux and js look at it before the bytes beside it and may lose them,
        # and py-libp2p does not see it beside ACK.
        elif stream.bits & ACK_DUE:
            at = put_header(buf, at, WINDOW_UPDATE, _ack(stream), stream.id, 0)
            self.data(stream)
        elif stream.bits & FIN_DUE:
            at = put_header(buf, at, WINDOW_UPDATE, FIN, stream.id, 0)
            stream.bits = stream.bits & ~FIN_DUE | FIN_SENT
            stream.sent_at = now
            stream.settle()
        return at


def _ack(stream: "Stream") -> int:
    # ACK, if this is the first that the peer hears on its stream.
    flags = stream.bits & ACK_DUE
    stream.bits &= ~ACK_DUE
    return flags and ACK

"""What a yamux session has to say, and in which order: resets, then SYNs and windows, then data in turn."""

from .yamux_frame import ACK, DATA, FIN, HEADER_BYTES, RST, SYN, WINDOW_UPDATE, put_header
from .yamux_stream import ACK_DUE, FIN_DUE, FIN_SENT, GONE, IN_CONTROL, IN_READY, SYN_DUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.pool import Share
    from .yamux_frame import WritableBuffer
    from .yamux_stream import Stream


class Output:
    """Lists of streams, each in a list at most once, and the ids of streams to be reset."""

    def __init__(self, inbox: "Share") -> None:
        self.resets: "list[int]" = []
        self.holds_grants = False  # window that streams have earned is kept back while there is no chunk to fill
        self._inbox = inbox
        self._control: "list[Stream]" = []
        self._ready: "list[Stream]" = []

    @property
    def is_empty(self) -> bool:
        """There is nothing to say now."""
        if self.resets or self._control or self._ready:
            return False
        return not self.holds_grants or not self._inbox.room()

    def clear(self) -> None:
        """Nothing of it is to be said any more."""
        self.resets, self._control, self._ready = [], [], []
        self.holds_grants = False

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
            at = self._put_data(ready.pop(0), buf, at, end, now)
        return at

    def _put_control(self, stream: "Stream", buf: "WritableBuffer", at: int, now: int) -> int:
        stream.bits &= ~IN_CONTROL
        grant = stream.grant()
        flags = 0
        if stream.bits & SYN_DUE:
            # Always in a frame of its own, so that our ids come in order.
            stream.bits &= ~SYN_DUE
            stream.read_at = now  # from now on it waits for an answer
            flags = SYN
        elif grant and not self._inbox.room():
            self.holds_grants = True
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

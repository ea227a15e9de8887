"""A QUIC stream with the face of budget/stream.py."""

from ..budget.stream import (
    CLOSED,
    DEAD,
    READ_ENDED,
    READ_RESET,
    SEND_FINISHED,
    SEND_STOPPED,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aioquic.quic.stream import QuicStream

    from .quic_core import Core


class Stream:
    """One bidirectional stream. `id` is QUIC's stream id, `kind` the JAMNP-S kind byte (-1: not seen yet).

    What the peer sent and nobody read is at most the stream's window: it waits in one bytearray, because a
    list of the frames would let a peer that sends single bytes cost forty times as much.
    """

    def __init__(self, core: "Core", quic: "QuicStream", stream_id: int, kind: int, room: int) -> None:
        self.id = stream_id
        self.kind = kind
        self.state = 0
        self.reset_code = 0
        self.is_refused = False  # what still arrives is dropped
        self.is_for_others = False  # what comes is passed on to somebody who asked for it
        self._core = core
        self._quic = quic
        self._room = room  # bytes that may wait for the peer: profile.send_buffer_bytes
        self._unread = bytearray()
        self._at = 0  # of _unread: what lies before it was handed out
        self._handed = 0
        self._opened = 0  # bytes of window that were opened again
        self._is_finished = False  # the peer's half, by FIN

    # the face

    def recv_into(self, buf: "bytearray | memoryview", start: int, end: int) -> int:
        """Move up to `end - start` received bytes into `buf` at `start`. 0: nothing is here."""
        count = min(end - start, len(self._unread) - self._at)
        if count <= 0:
            return 0
        buf[start : start + count] = self._unread[self._at : self._at + count]
        self._at += count
        self._handed += count
        if self._at == len(self._unread):
            self._unread.clear()
            self._at = 0
            if self._is_finished:
                self.state |= READ_ENDED
                self._settle()
        elif self._at > len(self._unread) // 2:
            del self._unread[: self._at]
            self._at = 0
        return count

    def send(self, buf: "bytes | bytearray | memoryview", start: int, end: int) -> int:
        """Queue bytes of `buf`. Takes fewer, or 0, while `send_buffer_bytes` wait for the peer."""
        if self.state & (SEND_FINISHED | SEND_STOPPED | CLOSED):
            return 0
        sender = self._quic.sender
        count = min(end - start, self._room - (sender._buffer_stop - sender._buffer_start))
        if count <= 0:
            return 0
        sender.write(bytes(buf[start : start + count]))
        return count

    def finish(self) -> None:
        """Our half is complete."""
        if not self.state & (SEND_FINISHED | SEND_STOPPED | CLOSED):
            self._quic.sender.write(b"", end_stream=True)
            self.state |= SEND_FINISHED

    def reset(self, code: int) -> None:
        """Give both halves up; the peer sees `code`. Unread bytes are gone."""
        if self.state & CLOSED:
            return
        if self._core.find(self.id) is not None:
            self._quic.sender.reset(code)
            if not self._quic.receiver.is_finished:
                self._quic.receiver.stop(code)
        self.state |= READ_RESET | SEND_STOPPED
        self._drop()

    def credit(self, count: int) -> None:
        """The reader consumed `count` bytes, at most what it was handed: let the peer send as many more."""
        count = min(count, self._handed - self._opened)
        if count > 0:
            self._opened += count
            self._quic.max_stream_data_local += count
            self._core.raise_window(count)

    # for the connection

    def take_kind(self) -> bool:
        """Read the kind byte of a peer's stream, if it is here."""
        if self.kind < 0 and self._unread:
            self.kind = self._unread[0]
            self._at = 1
            self._handed = 1
            self.credit(1)
            if len(self._unread) == 1:
                self._unread.clear()
                self._at = 0
                if self._is_finished:
                    self.state |= READ_ENDED
        return self.kind >= 0

    def on_data(self, data: bytes, is_last: bool) -> None:
        self._is_finished = self._is_finished or is_last
        if self.is_refused:
            self._settle()
            return
        self._unread += data
        if is_last and not self._unread:
            self.state |= READ_ENDED
            self._settle()

    def on_reset(self, code: int) -> None:
        self.state |= READ_RESET
        self.reset_code = code
        self._drop()

    def on_stop(self, code: int) -> None:
        # aioquic resets our half, unless the peer had acknowledged all of it: then there was nothing left to stop.
        if self._quic.sender._reset_error_code is None:
            return
        self.state |= SEND_STOPPED
        self.reset_code = code

    def on_closed(self) -> None:
        self.state |= CLOSED

    def on_forgotten(self) -> None:
        """aioquic holds nothing of the stream any more; the rest of its data, if any, is all here."""
        self._settle()

    @property
    def is_dead(self) -> bool:
        return bool(self.state & DEAD)

    def _drop(self) -> None:
        self.is_refused = True
        self._unread = bytearray()
        self._at = 0
        self._settle()

    def _settle(self) -> None:
        # All streams share the connection's window: bytes that nobody will ever read must not keep it shut.
        rest = self._quic.receiver.highest_offset - self._opened
        if rest > 0:
            self._opened += rest
            self._core.raise_window(rest)

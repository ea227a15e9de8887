"""Messages on a stream: the length as u32 little-endian, then as many bytes (JAMNP-S, "Messages").

Neither side holds a message: the reader copies content from the stream straight to where its caller wants it,
the writer hands the caller's bytes to the stream. Window credit is given for what was read, when it was read.
"""

from ..budget.stream import CLOSED, READ_ENDED, READ_RESET, SEND_STOPPED
from ..const import const
from ..errors import LocalError, RemoteError
from .events import DONE, LOST, MORE, NOTHING, REFUSED
from .kinds import OVERSIZE, TRUNCATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, Union

    Buffer = Union[bytes, bytearray, memoryview]
    WritableBuffer = Union[bytearray, memoryview]

    class Stream(Protocol):
        """The face of budget/stream.py."""

        @property
        def state(self) -> int: ...
        @property
        def reset_code(self) -> int: ...
        def recv_into(self, buf: WritableBuffer, start: int, end: int) -> int: ...
        def send(self, buf: Buffer, start: int, end: int) -> int: ...
        def finish(self) -> None: ...
        def reset(self, code: int) -> None: ...
        def credit(self, n: int) -> None: ...


    class Sink(Protocol):
        """What takes a header that is longer than the buffer lent for headers (chain/long_header.py). `begin` is
        called with a full buffer of its first bytes, and `finish` at its end; `drop` when that does not come. They
        raise VerifyError for a header that is refused, BudgetError for one that there is no room for."""

        def begin(self, buf: WritableBuffer, end: int, length: int) -> None: ...
        def write(self, buf: WritableBuffer, start: int, end: int) -> None: ...
        def finish(self) -> None: ...
        def drop(self) -> None: ...


_PREFIX = const(4)  # bytes of a message's length
MAX_MESSAGE_BYTES = 0xFFFFFFFF


def put_u32(buf: "WritableBuffer", at: int, value: int) -> None:
    """Write `value` as 4 little-endian bytes."""
    buf[at] = value & 0xFF
    buf[at + 1] = value >> 8 & 0xFF
    buf[at + 2] = value >> 16 & 0xFF
    buf[at + 3] = value >> 24 & 0xFF


def get_u32(buf: "Buffer", at: int) -> int:
    """The number in 4 little-endian bytes."""
    return buf[at] | buf[at + 1] << 8 | buf[at + 2] << 16 | buf[at + 3] << 24


class MessageReader:
    """Finds the messages of one stream. `what` names the exchange in errors, `limit` bounds the next message.

    `next_message()` is called between messages and `read_into()` until `left` is 0.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.limit = MAX_MESSAGE_BYTES  # bytes of content; checked before any content is read
        self.length = 0  # of the message begun last
        self.left = 0  # content bytes of it that were not read yet
        self.ended = NOTHING  # why `read_into` gave nothing: REFUSED or LOST, else simply nothing is here yet
        self._stream: "Stream | None" = None
        self._prefix = bytearray(_PREFIX)
        self._got = 0

    def begin(self, stream: "Stream") -> None:
        """Read from `stream` from here on, at the beginning of a message."""
        self._stream = stream
        self.length = self.left = self._got = 0
        self.ended = NOTHING

    def at_boundary(self) -> bool:
        """No message has been begun, not even its length."""
        return self.left == 0 and self._got == 0

    def next_message(self) -> int:
        """MORE: a message of `length` bytes begins. DONE: the peer finished its half. REFUSED, LOST, or NOTHING.

        RemoteError when the length passes `limit` or the stream ends within the length.
        """
        stream = self._stream
        assert stream is not None and self.left == 0
        while self._got < _PREFIX:
            n = stream.recv_into(self._prefix, self._got, _PREFIX)
            if n == 0:
                return self._why_nothing(self._got != 0)
            stream.credit(n)
            self._got += n
        self._got = 0
        self.length = get_u32(self._prefix, 0)
        if self.length > self.limit:
            raise RemoteError(
                OVERSIZE,
                "%s: a message of %d bytes, at most %d are allowed" % (self.what, self.length, self.limit),
            )
        self.left = self.length
        return MORE

    def read_into(self, buf: "WritableBuffer", start: int, end: int) -> int:
        """Content into buf[start:end], at most what is `left`; 0: see `ended`. RemoteError when cut short."""
        stream = self._stream
        assert stream is not None
        if end - start > self.left:
            end = start + self.left
        if end <= start:
            return 0
        n = stream.recv_into(buf, start, end)
        if n == 0:
            self.ended = self._why_nothing(True)
            return 0
        stream.credit(n)
        self.left -= n
        return n

    def _why_nothing(self, inside: bool) -> int:
        assert self._stream is not None
        state = self._stream.state
        # In this order: what arrived whole stays whole even when the connection went down after it.
        if state & READ_ENDED:
            if inside:
                raise RemoteError(TRUNCATED, "%s: the stream ended inside a message" % self.what)
            return DONE
        if state & READ_RESET:
            return REFUSED
        return LOST if state & CLOSED else NOTHING


class MessageWriter:
    """Sends messages whose length is known before their bytes. Nothing is held but the 4 bytes of a length."""

    def __init__(self) -> None:
        self.left = 0  # content bytes that the current message still lacks
        self.finished = False
        self._stream: "Stream | None" = None
        self._prefix = bytearray(_PREFIX)
        self._sent = _PREFIX

    def begin(self, stream: "Stream") -> None:
        """Send on `stream` from here on."""
        self._stream = stream
        self.left = 0
        self._sent = _PREFIX
        self.finished = False

    def message(self, length: int) -> None:
        """Begin a message; the one before must be complete."""
        if self.left or self._sent < _PREFIX or self.finished:
            raise LocalError("a message was begun before the one before it was complete")
        if not 0 <= length <= MAX_MESSAGE_BYTES:
            raise LocalError("a message of %d bytes cannot be framed" % length)
        put_u32(self._prefix, 0, length)
        self._sent = 0
        self.left = length

    def flush(self) -> bool:
        """Get the length out; True when the stream has taken it."""
        assert self._stream is not None
        while self._sent < _PREFIX:
            n = self._stream.send(self._prefix, self._sent, _PREFIX)
            if n == 0:
                return False
            self._sent += n
        return True

    def write(self, buf: "Buffer", start: int, end: int) -> int:
        """Bytes of buf[start:end] that the stream took now; never more than the message lacks."""
        assert self._stream is not None
        if end - start > self.left:
            end = start + self.left
        if end <= start or not self.flush():
            return 0
        n = self._stream.send(buf, start, end)
        self.left -= n
        return n

    def finish(self) -> bool:
        """Finish our half when everything is out; True when that is so."""
        assert self._stream is not None
        if not self.finished:
            if self.left or not self.flush():
                return False
            self._stream.finish()
            self.finished = True
        return True


def gave_up(stream: "Stream") -> int:
    """Why sending on makes no sense: REFUSED (the peer stopped or reset the stream), LOST, or NOTHING."""
    state = stream.state
    if state & (SEND_STOPPED | READ_RESET):
        return REFUSED
    return LOST if state & CLOSED else NOTHING

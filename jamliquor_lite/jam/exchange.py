"""What all request kinds share: one fixed-size request message with FIN, then an answer with FIN.

`Requester` is the initiator's half, `Responder` the acceptor's. A subclass knows what the bytes mean.
"""

from ..const import const
from ..errors import BudgetError, LocalError, RemoteError, VerifyError
from .events import DONE, LOST, MORE, NOTHING, REFUSED, REQUEST
from .framing import MessageReader, MessageWriter, gave_up, put_u32
from .kinds import CANCELLED, DECLINED, MALFORMED, SURPLUS, TIMED_OUT, TRUNCATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .framing import Buffer, Stream

_PREFIX = const(4)
NEVER = -1  # no deadline


class Requester:
    """Sends the request and hands the reading of the answer to `_step`.

    A fault of the peer resets the stream and is a RemoteError; a bound of ours that the answer passes is a
    BudgetError. `deadline` (ms, same clock as `now`) may be moved while the exchange runs; passing it is a
    RemoteError(TIMED_OUT).
    """

    def __init__(self, what: str, request_size: int) -> None:
        self.what = what
        self.deadline = NEVER
        self.reset_code = 0  # the peer's, after REFUSED
        self._stream: "Stream | None" = None
        self._reader = MessageReader(what)
        self._request = bytearray(_PREFIX + request_size)
        put_u32(self._request, 0, request_size)
        self._sent = 0

    @property
    def busy(self) -> bool:
        """An exchange is running."""
        return self._stream is not None

    def cancel(self) -> None:
        """Give up the running exchange, if any."""
        self._drop(CANCELLED)

    def poll(self, now: int) -> int:
        """One bounded unit of work; an event of events.py."""
        stream = self._stream
        if stream is None:
            return NOTHING
        try:
            if self.deadline != NEVER and now >= self.deadline:
                raise RemoteError(TIMED_OUT, "%s: no complete answer within the time allowed" % self.what)
            event = self._send_request(stream)
            if event == NOTHING:
                event = self._step()
        except RemoteError as error:
            self._drop(error.code)
            raise
        except VerifyError as error:
            self._drop(MALFORMED)
            raise RemoteError(MALFORMED, "%s: %s" % (self.what, error))
        except BudgetError:
            self._drop(CANCELLED)
            raise
        if event == DONE:
            self._stream = None
        elif event == REFUSED or event == LOST:
            self.reset_code = stream.reset_code
            self._drop(CANCELLED)
        return event

    def _begin(self, stream: "Stream", deadline: int) -> None:
        if self._stream is not None:
            raise LocalError("%s: begun while another exchange runs" % self.what)
        self._stream = stream
        self._reader.begin(stream)
        self._sent = 0
        self.deadline = deadline
        self.reset_code = 0

    def _send_request(self, stream: "Stream") -> int:
        size = len(self._request)
        if self._sent < size:
            why = gave_up(stream)
            if why:
                return why
            n = stream.send(self._request, self._sent, size)
            self._sent += n
            if self._sent == size:
                stream.finish()
        return NOTHING

    def _step(self) -> int:
        raise NotImplementedError

    def _drop(self, code: int) -> None:
        stream = self._stream
        self._stream = None
        if stream is not None:
            stream.reset(code)

    def _message(self, what: str) -> int:
        # The next message is due: the end of the stream in its place is the peer's fault.
        event = self._reader.next_message()
        if event == DONE:
            raise RemoteError(TRUNCATED, "%s: the stream ended before the %s" % (self.what, what))
        return event

    def _last(self) -> int:
        # After the last message there is FIN and nothing else.
        event = self._reader.next_message()
        if event == MORE:
            raise RemoteError(SURPLUS, "%s: a message after the last one" % self.what)
        return event


class Responder:
    """Takes one request and sends an answer of messages whose lengths are known beforehand.

    After REQUEST the caller says `answer(lengths)` and calls `write` until `left` is 0, or `refuse()`. DONE comes
    when the last byte and FIN are with the stream. A requester that resets or stops the stream ends it: REFUSED.
    """

    def __init__(self, what: str, request_size: int) -> None:
        self.what = what
        self.deadline = NEVER
        self.request = bytearray(request_size)
        self.left = 0  # bytes of the answer still to be written
        self._stream: "Stream | None" = None
        self._reader = MessageReader(what)
        self._writer = MessageWriter()
        self._got = 0
        self._asked = False
        self._lengths: "tuple[int, ...]" = ()
        self._next = 0
        self._answering = False

    @property
    def busy(self) -> bool:
        """A stream is being served."""
        return self._stream is not None

    def begin(self, stream: "Stream", deadline: int = NEVER) -> None:
        """Serve a stream whose kind byte has been read."""
        if self._stream is not None:
            raise LocalError("%s: begun while another request is served" % self.what)
        self._stream = stream
        self._reader.begin(stream)
        self._reader.limit = len(self.request)
        self._writer.begin(stream)
        self._got = self._next = self.left = 0
        self._asked = self._answering = False
        self._lengths = ()
        self.deadline = deadline

    def poll(self, now: int) -> int:
        """One bounded unit of work: REQUEST, DONE, REFUSED, LOST, MORE or NOTHING."""
        stream = self._stream
        if stream is None:
            return NOTHING
        try:
            if self.deadline != NEVER and now >= self.deadline:
                raise RemoteError(TIMED_OUT, "%s: the requester took too long" % self.what)
            event = self._step(stream)
        except RemoteError as error:
            self._drop(error.code)
            raise
        if event == DONE:
            self._stream = None
        elif event == REFUSED or event == LOST:
            self._drop(CANCELLED)
        return event

    def answer(self, lengths: "tuple[int, ...]") -> None:
        """Begin an answer of as many messages as `lengths` has entries, each of so many bytes."""
        if not self._asked or self._answering:
            raise LocalError("%s: an answer to no request" % self.what)
        self._answering = True
        self._lengths = lengths
        self._next = 0
        for length in lengths:
            self.left += length

    def write(self, buf: "Buffer", start: int, end: int) -> int:
        """Bytes of buf[start:end] taken now; they run on from one message to the next."""
        taken = 0
        while start < end and self.left and self._open_message():
            n = self._writer.write(buf, start, end)
            if n == 0:
                break
            start += n
            taken += n
            self.left -= n
        return taken

    def refuse(self, code: int = DECLINED) -> None:
        """Reset the stream instead of answering (or in the middle of it)."""
        self._drop(code)

    def hand_over(self) -> "Stream":
        """After REQUEST: the stream, for a caller that passes on an answer of lengths it does not know yet."""
        stream = self._stream
        if stream is None or not self._asked or self._answering:
            raise LocalError("%s: no request to hand over" % self.what)
        self._stream = None
        return stream

    def _open_message(self) -> bool:
        # True: the writer has a message that lacks bytes. Empty messages on the way are sent as they come.
        while self._stream is not None and not self._writer.left:
            if self._next == len(self._lengths) or not self._writer.flush():
                return False
            self._writer.message(self._lengths[self._next])
            self._next += 1
        return self._stream is not None

    def _check(self) -> None:
        """Raise RemoteError for a request whose fields make no sense."""

    def _step(self, stream: "Stream") -> int:
        if self._asked:
            why = gave_up(stream)
            if why or not self._answering:
                return why
            self._open_message()
            if self.left == 0 and self._next == len(self._lengths) and self._writer.finish():
                return DONE
            return NOTHING
        size = len(self.request)
        reader = self._reader
        if self._got < size:
            if reader.left == 0:
                event = reader.next_message()
                if event == DONE:
                    raise RemoteError(TRUNCATED, "%s: the stream ended before the request" % self.what)
                if event != MORE:
                    return event
                if reader.length != size:
                    raise RemoteError(
                        MALFORMED, "%s: a request of %d bytes instead of %d" % (self.what, reader.length, size)
                    )
            n = reader.read_into(self.request, self._got, size)
            self._got += n
            return MORE if n else reader.ended
        event = reader.next_message()
        if event == MORE:
            raise RemoteError(SURPLUS, "%s: a second message in a request" % self.what)
        if event == DONE:
            self._check()
            self._asked = True
            return REQUEST
        return event

    def _drop(self, code: int) -> None:
        stream = self._stream
        self._stream = None
        if stream is not None:
            stream.reset(code)

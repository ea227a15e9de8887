"""multistream-select 1.0: two peers agree on the name of what is spoken next (libp2p/specs, connections).

    dialer = Dialer(["/noise-mlkem768-hfs/0.2.0", "/noise"])     listener = Listener(lambda name: name in ours)
    loop while state is RUNNING:   drain what is to be sent, feed what came
    AGREED: `protocol` is the name. REFUSED: the peer has none of ours, or broke the rules (then a RemoteError said so).

A message is a varint length, the text, a newline; the length counts the newline. Both begin with the header
`/multistream/1.0.0`. The dialer proposes, the listener answers with the same name, or `na`. Nothing of this is
authenticated: on a bare connection anybody on the way can strike a name out, which noise_payload.py notices.

`feed` never takes a byte behind the message that decides: what follows belongs to the next layer. What `drain` holds
by then goes out before anything of the next layer. Time plays no part: who waits here too long is the connection's to
judge. A dialer with one proposal is `optimistic`: its caller may send the next layer's bytes right behind it.
"""

from ..codec import varint
from ..const import const
from ..errors import LocalError, RemoteError, VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Union

    Buffer = Union[bytes, bytearray, memoryview]
    WritableBuffer = Union[bytearray, memoryview]

RUNNING = const(0)
AGREED = const(1)
REFUSED = const(2)

PROTOCOL_ERROR = const(1)  # the code of a RemoteError from here; multistream has none of its own, yamux calls it so

MAX_MESSAGE = const(1024)  # bytes with the newline: a peer that names a novel
MAX_TRIES = const(16)  # names a dialer may try: each costs us a look-up and four bytes of answer
MAX_NAME = const(128)  # bytes of a name that we would serve: what is held while it comes in, for every new stream

_NEWLINE = const(10)
_HEADER = b"/multistream/1.0.0"
_NOT_AVAILABLE = b"na"
_WORDS = ("na", "ls")  # of multistream itself: as the name of a protocol they would be taken for an answer


def message(name: "str | bytes") -> bytes:
    """The message that says `name`. LocalError for what cannot be a name: empty, control characters, too long."""
    text = name if isinstance(name, bytes) else name.encode()
    if not text or len(text) >= MAX_MESSAGE:
        raise LocalError("multistream: a name has 1 to %d bytes, not %d" % (MAX_MESSAGE - 1, len(text)))
    for byte in text:
        if byte < 0x20 or byte == 0x7F:
            raise LocalError("multistream: a control character in the name %s" % repr(name))
    return varint.encode(len(text) + 1) + text + b"\n"


class _Negotiation:
    """What both sides have. `_answer` is called with each whole message that came."""

    def __init__(self, first: bytes, room: int) -> None:
        self.state = RUNNING
        self.protocol = ""
        self._out = first  # never more than a header and one answer to each message that came
        self._sent = 0  # bytes of it
        self._line = _Line(room)
        self._greeted = False  # the peer's header has come

    @property
    def has_output(self) -> bool:
        """`drain` has something."""
        return self._sent < len(self._out)

    def drain(self, buf: "WritableBuffer", start: int, end: int, now: int) -> int:
        """Write into buf[start:end] what the peer is to get; returns how many bytes."""
        n = min(len(self._out) - self._sent, end - start)
        if n <= 0:
            return 0
        buf[start : start + n] = self._out[self._sent : self._sent + n]
        self._sent += n
        return n

    def wants(self) -> int:
        """Bytes that surely belong to this talk, for who must not read into the next layer; 0 when it is over."""
        return self._line.wants() if self.state == RUNNING else 0

    def feed(self, buf: "Buffer", start: int, end: int, now: int) -> int:
        """Take bytes of the peer from buf[start:end]; returns how many. RemoteError when they break the rules."""
        line = self._line
        at = start
        try:
            while at < end and self.state == RUNNING:
                at = line.take(buf, at, end)
                if line.is_complete:
                    self._answer(line)
        except RemoteError:
            self.state = REFUSED
            raise
        return at - start

    def _answer(self, line: "_Line") -> None:
        raise NotImplementedError

    def _say(self, data: bytes) -> None:
        self._out = self._out[self._sent :] + data
        self._sent = 0


class Dialer(_Negotiation):
    """Proposes `protocols`, the preferred one first. Its longest name bounds what is held of the peer's answers."""

    def __init__(self, protocols: "list[str]") -> None:
        if not protocols:
            raise LocalError("multistream: nothing to propose")
        longest = len(_HEADER) + 1
        for name in protocols:
            if name in _WORDS:
                raise LocalError("multistream: no protocol can be named " + name)
            longest = max(longest, len(message(name)))
        super().__init__(message(_HEADER) + message(protocols[0]), longest)
        self.optimistic = len(protocols) == 1
        self._protocols = protocols
        self._next = 0  # index of the proposal that is out

    def _answer(self, line: "_Line") -> None:
        if not self._greeted:
            line.expect_header()
            self._greeted = True
            return
        if self.has_output:
            _fail("an answer before the question")
        name = self._protocols[self._next]
        if line.equals(name.encode()):
            self.protocol = name
            self.state = AGREED
        elif not line.equals(_NOT_AVAILABLE):
            _fail("an answer that is neither %s nor na" % name)
        elif self._next + 1 == len(self._protocols):
            self.state = REFUSED
        else:
            self._next += 1
            self._say(message(self._protocols[self._next]))


class Listener(_Negotiation):
    """Takes the first proposal whose name `accept(name)` is true for; every other is answered `na`.

    `accept` is asked for names of ASCII up to `max_name` bytes; we serve no others. `ls`, the request for a list, is
    not served either. After `max_tries` refusals the next one is a RemoteError.
    """

    def __init__(
        self, accept: "Callable[[str], bool]", max_tries: int = MAX_TRIES, max_name: int = MAX_NAME
    ) -> None:
        super().__init__(b"", max(max_name, len(_HEADER)) + 1)
        self.optimistic = False
        self.has_declined = False  # a proposal was answered `na`
        self._accept = accept
        self._tries_left = max_tries

    def _answer(self, line: "_Line") -> None:
        if not self._greeted:
            # Only now do we say the header: who does not speak multistream learns nothing of us.
            line.expect_header()
            self._greeted = True
            self._say(message(_HEADER))
            return
        name = line.name()
        if name and name not in _WORDS and self._accept(name):
            self.protocol = name
            self.state = AGREED
            self._say(message(name))
            return
        if self._tries_left == 0:
            _fail("too many proposals, none of which we serve")
        self._tries_left -= 1
        self.has_declined = True
        self._say(message(_NOT_AVAILABLE))


class _Line:
    """Gathers one message at a time. Of a long one only the first `room` bytes are kept: it is no name of ours."""

    def __init__(self, room: int) -> None:
        self.is_complete = False
        self._kept = bytearray(room)
        self._length = 0  # of the message, with its newline; 0 while the length itself comes in
        self._got = 0
        self._last = 0  # the last byte that came
        self._prefix = varint.VarintReader()

    def wants(self) -> int:
        """Bytes that a message lacks for sure."""
        if self.is_complete or self._length == 0:
            return 1
        return self._length - self._got

    def take(self, buf: "Buffer", at: int, end: int) -> int:
        """Take from buf[at:end] up to the end of the message at most; returns where it stopped."""
        if self.is_complete:
            self.is_complete = False
            self._length = self._got = 0
        while self._length == 0:
            if at == end:
                return at
            at += 1
            if self._push(buf[at - 1]):
                self._length = self._prefix.value
                if not 0 < self._length <= MAX_MESSAGE:
                    _fail("a message of %d bytes" % self._length)
        while at < end and self._got < self._length:
            byte = self._last = buf[at]
            if self._got < len(self._kept):
                self._kept[self._got] = byte
            if (byte < 0x20 or byte == 0x7F) and (byte != _NEWLINE or self._got != self._length - 1):
                _fail("a control character in a name")
            self._got += 1
            at += 1
        if self._got == self._length:
            if self._last != _NEWLINE:
                _fail("a message that does not end in a newline")
            self.is_complete = True
        return at

    def equals(self, text: bytes) -> bool:
        """Whether the message says `text`."""
        return self._length == len(text) + 1 and self._kept[: len(text)] == text

    def expect_header(self) -> None:
        """RemoteError unless the message is the header."""
        if not self.equals(_HEADER):
            _fail("the peer does not speak multistream 1.0.0")

    def name(self) -> str:
        """The message as text; "" for a name that we would not serve: too long, or beyond ASCII."""
        size = self._length - 1
        if size > len(self._kept) - 1:
            return ""
        for i in range(size):
            if self._kept[i] >= 0x7F:
                return ""
        return bytes(self._kept[:size]).decode()

    def _push(self, byte: int) -> bool:
        try:
            return self._prefix.push(byte)
        except VerifyError as error:
            _fail("length: %s" % error)
        return False


def _fail(what: str) -> None:
    raise RemoteError(PROTOCOL_ERROR, "multistream: " + what)

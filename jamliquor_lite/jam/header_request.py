"""The header range: a sequence of headers without their bodies. Ours, and of the lite network only.

Protocol `/jamliquor/<genesis8>/headers/1`, one stream for each request, opened by the one who asks:

    --> header hash 32 ++ direction 1 ++ maximum 4      --> FIN
    <-- [natural length ++ header]                       <-- FIN

Each arrow is one message: the length of its content as u32 little-endian, then the content (framing.py).

Request, 37 bytes, the form of CE 128:
    header hash   BLAKE2b-256 of the encoded header that the range is reckoned from
    direction     0 ascending: its child, the child's child and so on, without the header itself
                  1 descending: the header itself, then its parent and so on, to the genesis header at most
    maximum       u32 little-endian, at least 1: as many headers may come

Answer, one message of at most 131,072 bytes: headers one after the other, each behind its length in bytes as a
Gray Paper natural (appendix C.1.1, shortest form). A header is encoded as the Gray Paper says (C.22) and has from
`plain_header_size` to `max_header_size` bytes of its spec (codec/spec.py): 98,577 at full spec, so any
one header fits. Slots ascend strictly where the direction is ascending, and descend strictly else.

The answer may hold fewer headers than asked for, since they must fit, but one at least where there is one; an empty
message says that nothing follows the header named (ascending only). Ascending goes along the responder's best
chain; a header off that chain is answered from its own branch or by an empty message. A header that the responder
does not know, or no longer serves, is answered by a reset (DECLINED). These are faults of the one who sends them: a
maximum of 0, another direction, a size that is none of its spec, more headers than the maximum, an order that is
none, bytes or messages behind the last header.

A header says itself where it ends, so the length looks superfluous. It costs 2 bytes in 299 and lets a receiver
of any memory refuse, before it holds a byte, what it has no room for and what can be no header of its spec; and
the bytes go straight from the stream to their place, without a buffer to parse in.

Nothing is said here about what the headers hold: that they are a chain, and the one asked for, is the caller's to
check. To fetch one header by its hash: descending, maximum 1.
"""

from ..codec.natural import NaturalReader, encode, size
from ..const import const
from ..errors import BudgetError, LocalError, RemoteError
from .events import HEADER, LONG_HEADER, MORE
from .exchange import NEVER
from .framing import get_u32
from .kinds import HEADER_REQUEST, MALFORMED, SURPLUS
from .range_request import ASCENDING, DESCENDING, RangeRequester, RangeResponder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec
    from .framing import Sink, Stream, WritableBuffer

MAX_ANSWER_BYTES = 128 * 1024  # of content; an answer without end would hold a peer's memory and our line
_MAX_MAXIMUM = 0xFFFFFFFF
_SLOT_AT = const(96)  # in a header: parent 32, prior state root 32, extrinsic hash 32
_WHAT = "header request"


class HeaderRequest(RangeRequester):
    """Asks for headers. Events: HEADER (it is in header_buf[0:header_end] until the next poll), DONE, REFUSED,
    LOST, MORE; LONG_HEADER for one that has gone into `sink`.

    `header_buf` is lent. A header that the spec allows and `header_buf` does not hold goes into `sink`, by pieces of
    that size; without one it is BudgetError("header_buf"), raised before any of it is read.
    """

    kind = HEADER_REQUEST
    whole = HEADER  # the event at which one of the things asked for has come whole

    def __init__(self, spec: "Spec", header_buf: "WritableBuffer") -> None:
        RangeRequester.__init__(self, _WHAT)
        if len(header_buf) < spec.plain_header_size:
            raise LocalError(
                "header request: a buffer of %d bytes holds no header, %d are the least"
                % (len(header_buf), spec.plain_header_size)
            )
        self.header_buf = header_buf
        self.sink: "Sink | None" = None
        self.header_end = 0
        self.headers = 0  # received whole
        self.received_bytes = 0  # content of the answer that has been read
        self._least = spec.plain_header_size
        self._most = spec.max_header_size
        self._natural = NaturalReader()
        self._byte = bytearray(1)
        self._in_length = False  # a length has been begun
        self._length = 0  # of the header that is being read, or 0
        self._filled = 0
        self._passed = 0  # bytes of a long one that the sink has
        self._slot = 0
        self._maximum = 0
        self._direction = ASCENDING
        self._answered = False

    def begin(
        self, stream: "Stream", header_hash: bytes, direction: int, maximum: int, deadline: int = NEVER
    ) -> None:
        """Ask for at most `maximum` headers from `header_hash` on; `deadline` in ms, on the clock of `poll`."""
        if direction not in (ASCENDING, DESCENDING) or not 1 <= maximum <= _MAX_MAXIMUM:
            raise LocalError("header request: direction %d, maximum %d" % (direction, maximum))
        self._ask(stream, header_hash, direction, maximum, deadline)
        self._reader.limit = min(MAX_ANSWER_BYTES, maximum * (size(self._most) + self._most))
        self._natural.reset()
        self._in_length = self._answered = False
        self._length = self._filled = self._slot = self._passed = 0
        self._maximum = maximum
        self._direction = direction
        self.header_end = self.headers = self.received_bytes = 0

    def _step(self) -> int:
        if not self._answered:
            event = self._message("answer")
            self._answered = event == MORE
            return event
        reader = self._reader
        if self._length == 0:
            if reader.left == 0 and not self._in_length:
                return self._last()
            return self._read_length()
        if self._length > len(self.header_buf):
            return self._read_long()
        n = reader.read_into(self.header_buf, self._filled, self._length)
        if n == 0:
            return reader.ended
        self.received_bytes += n
        self._filled += n
        if self._filled < self._length:
            return MORE
        self.header_end = self._filled
        self._length = self._filled = 0
        self._check_order()
        self.headers += 1
        return HEADER

    def _read_long(self) -> int:
        sink, buf = self.sink, self.header_buf
        assert sink is not None
        room = min(len(buf), self._length - self._passed)
        n = self._reader.read_into(buf, self._filled, room)
        if n == 0:
            return self._reader.ended
        self.received_bytes += n
        self._filled += n
        if self._passed:
            sink.write(buf, 0, self._filled)
        elif self._filled < room:
            return MORE  # the sink wants to see enough of it at once
        else:
            self._check_order()
            sink.begin(buf, self._filled, self._length)
        self._passed += self._filled
        self._filled = 0
        if self._passed < self._length:
            return MORE
        self._length = self._passed = 0
        sink.finish()
        self.headers += 1
        return LONG_HEADER

    def _drop(self, code: int) -> None:
        if self.sink is not None and self._passed:
            self.sink.drop()
        RangeRequester._drop(self, code)

    def _read_length(self) -> int:
        reader = self._reader
        if self.headers == self._maximum:
            raise RemoteError(SURPLUS, "%s: more than the %d headers asked for" % (self.what, self._maximum))
        self._in_length = True
        while True:
            if reader.left == 0:
                raise RemoteError(MALFORMED, "%s: the answer ends inside a length" % self.what)
            if reader.read_into(self._byte, 0, 1) == 0:
                return reader.ended
            self.received_bytes += 1
            if self._natural.push(self._byte[0]):
                break
        self._in_length = False
        length = self._natural.value
        if not self._least <= length <= self._most:
            raise RemoteError(
                MALFORMED, "%s: a header of %d bytes, this spec has from %d to %d"
                % (self.what, length, self._least, self._most)
            )
        if length > reader.left:
            raise RemoteError(
                MALFORMED, "%s: a header of %d bytes in an answer that has %d left" % (self.what, length, reader.left)
            )
        if length > len(self.header_buf) and self.sink is None:
            raise BudgetError(
                "header_buf", "%s: a header of %d bytes, %d are there for it"
                % (self.what, length, len(self.header_buf))
            )
        self._length = length
        return MORE

    def _check_order(self) -> None:
        slot = get_u32(self.header_buf, _SLOT_AT)
        if self.headers and (slot <= self._slot if self._direction == ASCENDING else slot >= self._slot):
            raise RemoteError(MALFORMED, "%s: slot %d follows slot %d" % (self.what, slot, self._slot))
        self._slot = slot


class HeaderResponder(RangeResponder):
    """Serves one request. After REQUEST: `header_hash`, `direction`, `maximum`; then `answer_headers(size)` with the
    size of all that `pack` gave, and those bytes through `write`.
    """

    def __init__(self) -> None:
        RangeResponder.__init__(self, _WHAT)

    def answer_headers(self, size: int) -> None:
        """Begin the answer: one message of `size` bytes."""
        if size > MAX_ANSWER_BYTES:
            raise LocalError("header request: an answer of %d bytes, %d are allowed" % (size, MAX_ANSWER_BYTES))
        self.answer((size,))

    def _check(self) -> None:
        RangeResponder._check(self)
        if self.maximum == 0:
            raise RemoteError(MALFORMED, "%s: a request for no header" % self.what)


class Packer:
    """Puts an answer together: `add` headers in their order until it says False."""

    def __init__(self, maximum: int) -> None:
        self.pieces: "list[bytes]" = []  # lengths and headers in turn
        self.size = 0  # bytes of all pieces
        self._left = maximum

    def add(self, header: bytes) -> bool:
        """Whether the header was put in: as many as asked for, and an answer's bytes, are the bounds."""
        length = encode(len(header))
        if self._left == 0 or self.size + len(length) + len(header) > MAX_ANSWER_BYTES:
            return False
        self._left -= 1
        self.size += len(length) + len(header)
        self.pieces.append(length)
        self.pieces.append(header)
        return True

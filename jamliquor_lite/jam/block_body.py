"""Walks over encoded blocks: keeps each header, steps over each extrinsic byte-exactly and holds none of it.

GP 0.7.2 appendix C.2. A block is its header, then the tickets, preimages, guarantees, assurances and disputes. A
light client wants headers, JAMNP-S only serves whole blocks, and a block may be longer than a board's memory. So
the layout is a table of a few operations, run over whatever bytes have come.
"""

from ..codec.natural import NaturalReader
from ..const import const
from ..errors import BudgetError, VerifyError
from .events import BLOCK, HEADER, LONG_HEADER, NOTHING, PART, REPORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec
    from .framing import Buffer, Sink, WritableBuffer

    Items = list[tuple[int, int, "Items"]]

# The operations; each has one number.
_FIXED = const(0)  # so many bytes
_NATURAL = const(1)  # a natural that nobody needs
_ITEMS = const(2)  # a natural n, then n items of so many bytes; 1 makes it a blob
_OPTION = const(3)  # a byte 0 or 1, then so many bytes if it is 1
_RESULT = const(4)  # a byte: 0 and a blob, or an error of 1 to so many
_REPEAT = const(5)  # a natural n, then the part up to the matching _AGAIN n times; the number is where that ends
_AGAIN = const(6)  # go back to there while a repetition is due
_EVENT = const(7)

_NEST = const(2)  # repetitions within each other: work digests within guarantees

_HASH = const(32)
_TICKET_PROOF = const(785)  # attempt 1, ring VRF proof 784
_JUDGMENT = const(67)  # validity 1, judge 2, Ed25519 signature 64
_CULPRIT = const(128)  # work-report hash 32, key 32, signature 64
_FAULT = const(129)  # the same and a validity byte
_CREDENTIAL = const(66)  # validator 2, Ed25519 signature 64
_AVAILABILITY = const(102)  # package hash 32, bundle length 4, erasure root 32, segment root 32, segments 2
_CONTEXT = const(132)  # anchor: hash 32, state root 32, accumulation root 32; lookup anchor: hash 32, slot 4
_SEGMENT_LOOKUP = const(64)  # package hash 32, segment root 32
_DIGEST = const(76)  # service 4, code hash 32, payload hash 32, gas limit 8
_ERRORS = const(6)  # out of gas, panic, bad exports, oversize, BAD, BIG


def _layout(spec: "Spec", parts: bool) -> "Items":
    # Lists of (operation, number, what is repeated).
    part: "Items" = [(_EVENT, PART, [])] if parts else []
    report: "Items" = [(_EVENT, REPORT, [])] if parts else []
    digest: "Items" = [
        (_FIXED, _DIGEST, []),
        (_RESULT, _ERRORS, []),
        (_NATURAL, 0, []),  # gas used
        (_NATURAL, 0, []),  # imports
        (_NATURAL, 0, []),  # extrinsics
        (_NATURAL, 0, []),  # extrinsics' size
        (_NATURAL, 0, []),  # exports
    ]
    guarantee: "Items" = report + [
        (_FIXED, _AVAILABILITY + _CONTEXT, []),
        (_ITEMS, _HASH, []),  # prerequisites
        (_NATURAL, 0, []),  # core
        (_FIXED, _HASH, []),  # authorizer
        (_NATURAL, 0, []),  # gas used by it
        (_ITEMS, 1, []),  # its trace
        (_ITEMS, _SEGMENT_LOOKUP, []),
        (_REPEAT, 0, digest),
    ] + report + [
        (_FIXED, 4, []),  # slot
        (_ITEMS, _CREDENTIAL, []),
    ]
    votes = spec.validators * 2 // 3 + 1
    return [
        (_FIXED, 3 * _HASH + 4, []),  # parent, prior state root, extrinsic hash, slot
        (_OPTION, spec.epoch_mark_size, []),
        (_OPTION, spec.tickets_mark_size, []),
        (_FIXED, 2 + 96, []),  # author, entropy signature
        (_ITEMS, _HASH, []),  # offenders
        (_FIXED, 96, []),  # seal
        (_EVENT, HEADER, []),
        (_ITEMS, _TICKET_PROOF, []),
    ] + part + [
        (_REPEAT, 0, [(_FIXED, 4, []), (_ITEMS, 1, [])]),  # preimages: service, blob
    ] + part + [
        (_REPEAT, 0, guarantee),
    ] + part + [
        (_ITEMS, _HASH + (spec.cores + 7) // 8 + 2 + 64, []),  # assurances: anchor, bits, validator, signature
    ] + part + [
        (_ITEMS, _HASH + 4 + votes * _JUDGMENT, []),  # verdicts: report hash, epoch, judgments
        (_ITEMS, _CULPRIT, []),
        (_ITEMS, _FAULT, []),
        (_EVENT, BLOCK, []),
    ]


def _assemble(layout: "Items", ops: "list[int]", numbers: "list[int]") -> None:
    for op, number, inner in layout:
        at = len(ops)
        ops.append(op)
        numbers.append(number)
        if op == _REPEAT:
            _assemble(inner, ops, numbers)
            ops.append(_AGAIN)
            numbers.append(at + 1)
            numbers[at] = len(ops)


class Skipper:
    """Parses blocks that follow each other, cut anywhere. One per exchange, used again after `begin()`.

    `header_buf` is lent and receives the header; `max_block_bytes` bounds header and body together, so that a
    length that lies cannot keep us reading. Malformed input is a VerifyError("codec") that names the byte of the
    block. A header longer than `header_buf`, though the spec allows it, goes into `sink` by pieces, and its event is
    LONG_HEADER; without a sink it is BudgetError("header_buf").

    With `parts` it also stops at PART, where each of the first four parts of the extrinsic ends, and at REPORT, where a
    work report begins and where it ends: between these lies what its header's extrinsic hash is made of.
    """

    def __init__(self, spec: "Spec", header_buf: "WritableBuffer", max_block_bytes: int, parts: bool = False) -> None:
        self.header_buf = header_buf
        self.sink: "Sink | None" = None
        self.event = NOTHING  # of the last feed: HEADER (LONG_HEADER), BLOCK or NOTHING; PART or REPORT
        self.header_end = 0  # bytes of the header in header_buf, from HEADER until the next feed after BLOCK
        self.block_bytes = 0  # of the current block so far; its whole size at BLOCK
        self.blocks = 0  # completed since begin()
        self._spec = spec
        self._max_block_bytes = max_block_bytes
        ops: "list[int]" = []
        numbers: "list[int]" = []
        _assemble(_layout(spec, parts), ops, numbers)
        self._ops = bytes(ops)
        self._numbers = tuple(numbers)
        self._natural = NaturalReader()
        self._counts = [0] * _NEST  # what is still due of each repetition
        self._depth = 0
        self._in_header = True
        self._is_long = False  # its beginning has gone into the sink
        self._at = 0  # the current operation
        self._skip = 0  # bytes it still steps over
        self._blob = False  # a result that has a blob: its length is being read

    def begin(self) -> None:
        """Forget everything and expect the first byte of a block."""
        self.event = NOTHING
        self.blocks = 0
        self._begin_block()

    def at_boundary(self) -> bool:
        """Between blocks (or before the first)."""
        return self.block_bytes == 0 or self.event == BLOCK

    def finish(self) -> None:
        """The input ends here: VerifyError("codec") inside a block."""
        if not self.at_boundary():
            raise VerifyError("codec", "the block ends at byte %d, inside itself" % self.block_bytes)

    def feed(self, buf: "Buffer", start: int, end: int) -> int:
        """Take bytes of buf[start:end], no further than the next event, which is then in `event`."""
        if self.event == BLOCK:
            self._begin_block()
        self.event = NOTHING
        pos = start
        while True:
            if self._skip:
                n = end - pos
                if n > self._skip:
                    n = self._skip
                if n:
                    self._pass(buf, pos, n)
                    pos += n
                    self._skip -= n
                if self._skip:
                    break
                self._next()
            elif self._ops[self._at] == _FIXED:
                self._expect(self._numbers[self._at])
            elif self._ops[self._at] == _AGAIN:
                self._again()
            elif self._ops[self._at] == _EVENT:
                self.event = self._numbers[self._at]
                if self.event == BLOCK:
                    self.blocks += 1
                else:
                    if self._is_long and self._in_header:
                        self.event = LONG_HEADER
                        self.sink.finish()  # type: ignore[union-attr]
                    self._in_header = False
                    self._at += 1
                break
            elif pos == end:
                break
            else:
                byte = buf[pos]
                self._pass(buf, pos, 1)
                pos += 1
                self._byte(byte)
        return pos - start

    def _begin_block(self) -> None:
        self.header_end = self.block_bytes = 0
        self._in_header = True
        self._is_long = False
        self._at = 0
        self._skip = 0
        self._blob = False
        self._depth = 0
        self._natural.reset()

    def _pass(self, buf: "Buffer", pos: int, n: int) -> None:
        self.block_bytes += n
        if self.block_bytes > self._max_block_bytes:
            self._fail("longer than the %d bytes allowed" % self._max_block_bytes)
        if not self._in_header:
            return
        to = self.header_end
        if to + n > self._spec.max_header_size:
            self._fail("a header longer than %d bytes" % self._spec.max_header_size)
        if to + n > len(self.header_buf):
            self._overflow(buf, pos, n)
        elif n == 1:
            self.header_buf[to] = buf[pos]
        else:
            self.header_buf[to : to + n] = buf[pos : pos + n]
        self.header_end = to + n

    def _overflow(self, buf: "Buffer", pos: int, n: int) -> None:
        head, sink = self.header_buf, self.sink
        if sink is None:
            raise BudgetError("header_buf", "a header longer than the %d bytes there are for it" % len(head))
        end = pos + n
        if not self._is_long:
            room = len(head) - self.header_end
            head[self.header_end :] = buf[pos : pos + room]
            pos += room
            self._is_long = True
            sink.begin(head, len(head), 0)
        if pos < end:
            sink.write(buf, pos, end)  # type: ignore[arg-type]

    def _expect(self, size: int) -> None:
        # Known too large before it is read.
        if self.block_bytes + size > self._max_block_bytes:
            self._fail("a part of %d bytes, longer than the %d bytes allowed" % (size, self._max_block_bytes))
        self._skip = size
        if size == 0:
            self._next()

    def _next(self) -> None:
        self._blob = False
        self._at += 1

    def _again(self) -> None:
        depth = self._depth - 1
        self._counts[depth] -= 1
        if self._counts[depth]:
            self._at = self._numbers[self._at]
        else:
            self._depth = depth
            self._at += 1

    def _byte(self, byte: int) -> None:
        op = self._ops[self._at]
        number = self._numbers[self._at]
        if op == _OPTION:
            if byte > 1:
                self._fail("byte %d is %d, only 0 and 1 are allowed" % (self.block_bytes - 1, byte))
            self._expect(number if byte else 0)
        elif op == _RESULT and not self._blob:
            if byte > number:
                self._fail("byte %d is %d, at most %d is allowed" % (self.block_bytes - 1, byte, number))
            if byte:
                self._next()
            else:
                self._blob = True
        elif self._natural.push(byte):
            count = self._natural.value
            if op == _NATURAL:
                self._next()
            elif op == _ITEMS:
                self._expect(count * number)
            elif op == _RESULT:
                self._expect(count)
            elif count:
                # Every repeated part has bytes, so the block's bound ends the repetitions too.
                self._counts[self._depth] = count
                self._depth += 1
                self._at += 1
            else:
                self._at = number

    def drop(self) -> None:
        """No more will be fed: a header that is half in the sink is let go."""
        if self._is_long and self._in_header and self.sink is not None:
            self.sink.drop()

    def _fail(self, what: str) -> None:
        raise VerifyError("codec", "block %d: %s" % (self.blocks, what))

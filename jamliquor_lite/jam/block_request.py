"""CE 128: a sequence of blocks, of which we keep the headers (JAMNP-S, "CE 128: Block request").

    --> header hash 32 ++ direction 1 ++ maximum 4      --> FIN
    <-- [Block]                                          <-- FIN

Nothing is said here about what the headers hold: that they are the blocks asked for is the caller's to check.
"""

from ..errors import RemoteError
from .block_body import Skipper
from .events import BLOCK, MORE
from .exchange import NEVER
from .kinds import BLOCK_REQUEST, SURPLUS
from .range_request import RangeRequester, RangeResponder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec
    from .framing import Sink, Stream, WritableBuffer

_WHAT = "CE 128"


class BlockRequest(RangeRequester):
    """Asks for blocks. Events: HEADER (it is in header_buf[0:header_end] until the next poll), BLOCK when its body
    has gone by, DONE, REFUSED, LOST, MORE; LONG_HEADER in place of HEADER for one that has gone into `sink`.

    `header_buf` and `chunk_buf` are lent; a header fits the one or goes into `sink` (BudgetError("header_buf") where
    there is none), the other is what is read at a time. A block
    longer than `max_block_bytes`, or blocks beyond those asked for, end the exchange. An answer may hold fewer
    blocks than asked for, or none: so an unknown block is answered by some, where the text asks for a reset.
    """

    kind = BLOCK_REQUEST
    whole = BLOCK  # the event at which one of the things asked for has come whole

    def __init__(
        self, spec: "Spec", header_buf: "WritableBuffer", chunk_buf: "WritableBuffer", max_block_bytes: int
    ) -> None:
        RangeRequester.__init__(self, _WHAT)
        self.header_buf = header_buf
        self.received_bytes = 0  # of the answer, without what is still with the stream
        self._chunk = chunk_buf
        self._start = self._end = 0
        self._max_block_bytes = max_block_bytes
        self._maximum = 0
        self._answered = False
        self._skipper = Skipper(spec, header_buf, max_block_bytes)

    @property
    def sink(self) -> "Sink | None":
        """What takes headers that `header_buf` does not hold."""
        return self._skipper.sink

    @sink.setter
    def sink(self, sink: "Sink | None") -> None:
        self._skipper.sink = sink

    def _drop(self, code: int) -> None:
        self._skipper.drop()
        RangeRequester._drop(self, code)

    @property
    def header_end(self) -> int:
        """Where the header in header_buf ends."""
        return self._skipper.header_end

    @property
    def blocks(self) -> int:
        """Blocks that were received whole."""
        return self._skipper.blocks

    @property
    def block_bytes(self) -> int:
        """Bytes of the current block so far; at BLOCK its size."""
        return self._skipper.block_bytes

    def begin(
        self, stream: "Stream", header_hash: bytes, direction: int, maximum: int, deadline: int = NEVER
    ) -> None:
        """Ask for at most `maximum` blocks from `header_hash` on; `deadline` in ms, on the clock of `poll`."""
        self._ask(stream, header_hash, direction, maximum, deadline)
        # One more than asked for is what typeberry sends when it counts down; only an endless answer is a fault.
        self._maximum = maximum + 1
        self._reader.limit = min(0xFFFFFFFF, self._maximum * self._max_block_bytes)
        self._skipper.begin()
        self._start = self._end = 0
        self._answered = False
        self.received_bytes = 0

    def _step(self) -> int:
        reader = self._reader
        if self._start == self._end:
            if reader.left == 0:
                if self._answered:
                    self._skipper.finish()
                    return self._last()
                event = self._message("answer")
                self._answered = event == MORE
                return event
            n = reader.read_into(self._chunk, 0, len(self._chunk))
            if n == 0:
                return reader.ended
            self.received_bytes += n
            self._start = 0
            self._end = n
        if self._skipper.blocks == self._maximum:
            raise RemoteError(
                SURPLUS, "%s: more than %d blocks where %d were asked for"
                % (self.what, self._maximum, self._maximum - 1)
            )
        self._start += self._skipper.feed(self._chunk, self._start, self._end)
        return self._skipper.event or MORE


class BlockResponder(RangeResponder):
    """Serves one request. After REQUEST: `header_hash`, `direction`, `maximum`; then `answer_blocks(size)` with
    the size of all blocks together, and their bytes through `write`.
    """

    def __init__(self) -> None:
        RangeResponder.__init__(self, _WHAT)

    def answer_blocks(self, size: int) -> None:
        """Begin the answer: one message of `size` bytes, blocks one after the other."""
        self.answer((size,))

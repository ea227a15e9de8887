"""Bytes of a JAMNP-S node passed on as they are: streams copied across, and whole blocks fetched."""

from jamliquor_lite.budget.stream import DEAD, READ_ENDED, READ_RESET
from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.jam.block_body import Skipper
from jamliquor_lite.jam.events import BLOCK, HEADER

from .foreign import ForeignError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from jamliquor_lite.transport.quic_stream import Stream

_CHUNK_BYTES = 16 * 1024
_FETCH_BLOCKS = 32


class Pipe:
    """Two streams with their bytes copied across, ends and resets included."""

    def __init__(self, a: "Stream", b: "Stream") -> None:
        self._ways = [_Way(a, b), _Way(b, a)]

    def pump(self) -> bool:
        """Copy what there is; False when both ways are over."""
        for way in self._ways:
            way.pump()
        return not all(way.over for way in self._ways)


class _Way:
    def __init__(self, source: "Stream", sink: "Stream") -> None:
        self.over = False
        self._source = source
        self._sink = sink
        self._chunk = bytearray(_CHUNK_BYTES)
        self._start = self._end = 0

    def pump(self) -> None:
        while not self.over:
            if self._start == self._end:
                self._start = 0
                self._end = self._source.recv_into(self._chunk, 0, _CHUNK_BYTES)
                self._source.credit(self._end)
            if self._end == 0:
                self._close()
                return
            taken = self._sink.send(self._chunk, self._start, self._end)
            self._start += taken
            if taken == 0:
                self.over = bool(self._sink.state & DEAD)
                return

    def _close(self) -> None:
        state = self._source.state
        if state & READ_ENDED:
            self._sink.finish()
            self.over = True
        elif state & DEAD:
            self._sink.reset(self._source.reset_code if state & READ_RESET else 0)
            self.over = True


class Discard:
    """A stream that is read to its end and thrown away: a reset would cost the whole connection to typeberry."""

    def __init__(self, stream: "Stream") -> None:
        self._stream = stream
        self._chunk = bytearray(_CHUNK_BYTES)

    def pump(self) -> bool:
        """Read what there is; False at the end."""
        while (size := self._stream.recv_into(self._chunk, 0, _CHUNK_BYTES)) > 0:
            self._stream.credit(size)
        if self._stream.state & READ_ENDED:
            self._stream.finish()
        return not self._stream.state & (READ_ENDED | DEAD)


class BlockFetch:
    """One CE 128 exchange with the live node, of which whole blocks are kept."""

    def __init__(self, stream: "Stream", after: bytes) -> None:
        self._stream = stream
        self._answer = bytearray()
        request = after + bytes((0,)) + _FETCH_BLOCKS.to_bytes(4, "little")
        message = len(request).to_bytes(4, "little") + request
        if stream.send(message, 0, len(message)) != len(message):
            raise ForeignError("no room for a block request on a new stream")
        stream.finish()

    def pump(self) -> bool:
        """Read what there is; False when the answer is complete, or none will come."""
        chunk = bytearray(_CHUNK_BYTES)
        while (size := self._stream.recv_into(chunk, 0, _CHUNK_BYTES)) > 0:
            self._stream.credit(size)
            self._answer += chunk[:size]
        return not self._stream.state & (READ_ENDED | DEAD)

    def blocks(self) -> "list[tuple[bytes, Header]]":
        """(block, its header) in the order of the answer; none when it was cut."""
        body = bytes(self._answer[4:])
        if int.from_bytes(self._answer[:4], "little") != len(body):
            return []
        skipper = Skipper(TINY, bytearray(TINY.max_header_size), len(body))
        found: "list[tuple[bytes, Header]]" = []
        start = pos = 0
        header = b""
        while pos < len(body) or skipper.event == HEADER:
            pos += skipper.feed(body, pos, len(body))
            if skipper.event == HEADER:
                header = body[start : start + skipper.header_end]
            elif skipper.event == BLOCK:
                found.append((body[start:pos], Header(TINY, header)))
                start = pos
        return found

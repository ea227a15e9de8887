"""What answers with entries of state have in common: `key 31 ++ natural length ++ value`, read through a lent chunk, so
that nothing longer than the chunk is ever held (JAMNP-S, "CE 129"; difference_request.py)."""

from ..codec.natural import NaturalReader
from ..const import const
from ..errors import LocalError, RemoteError
from .events import MORE, NOTHING, VALUE
from .exchange import Requester
from .kinds import MALFORMED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .framing import WritableBuffer

_KEY = const(31)


class EntryReader(Requester):
    """A requester that reads its answer in pieces: `buf[start:end]` is what was read last, `key` the entry's,
    `value_length` of all its value; `received_bytes` counts the content of messages."""

    def __init__(self, what: str, request_size: int, chunk_buf: "WritableBuffer", needed: int, piece: str) -> None:
        """`chunk_buf` has at least `needed` bytes: as much is read at a time. `piece` is what an answer is made of, as
        errors name it."""
        Requester.__init__(self, what, request_size)
        if len(chunk_buf) < needed:
            raise LocalError("%s: the chunk buffer has %d bytes, %d are needed" % (what, len(chunk_buf), needed))
        self.buf = chunk_buf
        self.start = self.end = 0
        self.key = b""
        self.value_length = 0
        self.received_bytes = 0
        self._piece = piece
        self._natural = NaturalReader()
        self._filled = 0  # buf[end:filled] was read and not handed out
        self._value_left = 0
        self._why = NOTHING

    def _restart(self) -> None:
        self._natural.reset()
        self.start = self.end = self._filled = 0
        self.key = b""
        self.value_length = self._value_left = self.received_bytes = 0

    def _left(self) -> int:
        # Bytes of the message that were not handed out.
        return self._filled - self.end + self._reader.left

    def _fill(self, size: int) -> bool:
        # Whether buf[end:end+size] is there; if not, `_why` is what poll returns. One read at most.
        have = self._filled - self.end
        if have >= size:
            return True
        if have + self._reader.left < size:
            raise RemoteError(MALFORMED, "%s: a message ends inside %s" % (self.what, self._piece))
        buf = self.buf
        for i in range(have):  # less than the chunk, and the ranges may overlap
            buf[i] = buf[self.end + i]
        self.start = self.end = 0
        n = self._reader.read_into(buf, have, len(buf))
        self._filled = have + n
        self.received_bytes += n
        self._why = MORE if n else self._reader.ended
        return have + n >= size

    def _read_key(self) -> bytes:
        # Of 31 bytes that were filled.
        key = bytes(self.buf[self.end : self.end + _KEY])
        self.start = self.end = self.end + _KEY
        return key

    def _read_length(self) -> bool:
        # Whether `value_length` is all there.
        while True:
            if not self._fill(1):
                return False
            byte = self.buf[self.end]
            self.start = self.end = self.end + 1
            if self._natural.push(byte):
                break
        length = self._natural.value
        if length > self._left():
            raise RemoteError(MALFORMED, "%s: a value of %d bytes in a message that has %d left" % (
                self.what, length, self._left()))
        self.value_length = self._value_left = length
        return True

    def _read_value(self) -> int:
        # VALUE with the next piece, or why there is none. `_value_left` says whether it was the last.
        if not self._fill(1):
            return self._why
        n = self._filled - self.end
        if n > self._value_left:
            n = self._value_left
        self.start = self.end
        self.end += n
        self._value_left -= n
        return VALUE

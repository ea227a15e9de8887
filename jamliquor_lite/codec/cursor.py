"""A reading position over bytes that are all here already. Streams have `natural.NaturalReader` instead."""

from ..errors import VerifyError
from .natural import length_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]


class Cursor:
    """Reads Gray Paper encodings (GP 0.7.2 appendix C) from buf[start:end] and keeps its place in `pos`.

    Integers are little-endian. Whatever is short or malformed is a VerifyError("codec") that names the byte,
    counted from the beginning of `buf`; `pos` then still stands at the item that failed.
    """

    def __init__(self, buf: "Buffer", start: int = 0, end: "int | None" = None) -> None:
        self.begin(buf, start, end)

    def begin(self, buf: "Buffer", start: int = 0, end: "int | None" = None) -> None:
        """Read something else from here on."""
        if end is None:
            end = len(buf)
        if not 0 <= start <= end <= len(buf):
            raise ValueError("range outside the buffer")
        self.buf = buf
        self.pos = start
        self.end = end

    def left(self) -> int:
        """Bytes not read yet."""
        return self.end - self.pos

    def _advance(self, count: int, what: str) -> int:
        pos = self.pos
        if count < 0 or count > self.end - pos:
            raise VerifyError(
                "codec", "%s needs %d bytes at byte %d, %d are left" % (what, count, pos, self.end - pos)
            )
        self.pos = pos + count
        return pos

    def u8(self) -> int:
        """One byte."""
        return self.buf[self._advance(1, "u8")]

    def u16(self) -> int:
        """Two bytes."""
        pos = self._advance(2, "u16")
        return self.buf[pos] | self.buf[pos + 1] << 8

    def u32(self) -> int:
        """Four bytes."""
        pos = self._advance(4, "u32")
        buf = self.buf
        return buf[pos] | buf[pos + 1] << 8 | buf[pos + 2] << 16 | buf[pos + 3] << 24

    def u64(self) -> int:
        """Eight bytes."""
        pos = self._advance(8, "u64")
        value = 0
        for i in range(7, -1, -1):
            value = value << 8 | self.buf[pos + i]
        return value

    def natural(self) -> int:
        """A general natural, 1 to 9 bytes; only its shortest form is taken."""
        start = self.pos
        first = self.buf[self._advance(1, "natural")]
        if first < 0x80:
            return first
        extra = length_of(first)
        self.pos = start
        pos = self._advance(1 + extra, "natural") + 1
        value = first & (0x7F >> extra)
        for i in range(extra - 1, -1, -1):
            value = value << 8 | self.buf[pos + i]
        if value >> (7 * extra) == 0:
            self.pos = start
            raise VerifyError("codec", "natural at byte %d is encoded longer than needed" % start)
        return value

    def flag(self) -> int:
        """A byte that may be 0 or 1 only: the discriminator of an optional term, or a boolean."""
        pos = self._advance(1, "flag")
        value = self.buf[pos]
        if value > 1:
            self.pos = pos
            raise VerifyError("codec", "flag at byte %d is %d, only 0 and 1 are allowed" % (pos, value))
        return value

    def take(self, count: int) -> bytes:
        """A copy of the next `count` bytes."""
        pos = self._advance(count, "a field")
        return bytes(self.buf[pos : pos + count])

    def skip(self, count: int) -> int:
        """Step over `count` bytes; returns where they begin."""
        return self._advance(count, "a field")

    def finish(self) -> None:
        """Everything must have been read."""
        if self.pos != self.end:
            raise VerifyError("codec", "%d bytes too many at byte %d" % (self.end - self.pos, self.pos))

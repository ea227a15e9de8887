"""Unsigned varints of libp2p (multiformats/unsigned-varint): seven bits a byte, the least significant first.

The top bit of a byte says that another follows. A number has 63 bits at most, so 9 bytes, and exactly one
encoding: a form with needless zero bits is refused, or one value would have many spellings.
"""

from ..const import const
from ..errors import LocalError, VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]
    WritableBuffer = Union[bytearray, memoryview]

MAX_SIZE = 9  # bytes: a peer cannot make us gather the bits of a number without end
_BITS = const(63)


def size(number: int) -> int:
    """Bytes of the encoding of `number`; LocalError outside 0 ... 2^63 - 1."""
    if number < 0 or number >> _BITS:
        raise LocalError("varint: %d is outside 0 to 2^63 - 1" % number)
    length = 1
    number >>= 7
    while number:
        length += 1
        number >>= 7
    return length


def put(buf: "WritableBuffer", at: int, number: int) -> int:
    """Write `number` from buf[at] on; returns where it ended. The caller made room for `size(number)`."""
    while number > 0x7F:
        buf[at] = number & 0x7F | 0x80
        number >>= 7
        at += 1
    buf[at] = number
    return at + 1


def encode(number: int) -> bytes:
    """The encoding of `number`; LocalError outside 0 ... 2^63 - 1."""
    out = bytearray(size(number))
    put(out, 0, number)
    return bytes(out)


def take(buf: "Buffer", start: int, end: int) -> "tuple[int, int]":
    """(number, where it ended) of the varint at `start`; (-1, start) when buf[start:end] holds only its beginning.

    VerifyError("varint") when it is too long or not the shortest form.
    """
    number = shift = 0
    at = start
    while at < end:
        byte = buf[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift:
                raise VerifyError("varint", "the number at byte %d is encoded longer than needed" % start)
            return number, at
        shift += 7
        if shift == _BITS:
            raise VerifyError("varint", "the number at byte %d has more than %d bytes" % (start, MAX_SIZE))
    return -1, start


class VarintReader:
    """Decodes one varint a byte at a time, for parsers whose input is cut anywhere.

    `push(byte)` is True when that byte completed the number, which is then in `value`; the next push starts
    another number. What `take` refuses is refused here at the same byte.
    """

    def __init__(self) -> None:
        self.value = 0
        self._shift = 0

    @property
    def has_begun(self) -> bool:
        """A number was begun and is not complete."""
        return self._shift != 0

    def reset(self) -> None:
        """Forget a number that was begun."""
        self._shift = 0

    def push(self, byte: int) -> bool:
        """Take one byte; True when `value` is complete."""
        shift = self._shift
        if shift == 0:
            self.value = byte & 0x7F
        else:
            self.value |= (byte & 0x7F) << shift
        self._shift = 0
        if byte < 0x80:
            if byte == 0 and shift:
                raise VerifyError("varint", "a number is encoded longer than needed")
            return True
        shift += 7
        if shift == _BITS:
            raise VerifyError("varint", "a number has more than %d bytes" % MAX_SIZE)
        self._shift = shift
        return False

"""General natural numbers of the Gray Paper (GP 0.7.2 appendix C.1.1): 1 to 9 bytes for 0 ... 2^64 - 1.

The leading ones of the first byte count the bytes that follow. Those bytes are little-endian; the bits of the
first byte below its leading ones are the most significant of the number. A number has exactly one encoding: a
longer form of it is refused, or one value would have many hashes.
"""

from ..errors import LocalError, VerifyError

MAX_SIZE = 9  # bytes
_LIMIT = 1 << 64  # too wide for const(): MicroPython folds small integers only


def length_of(first: int) -> int:
    """How many bytes follow a first byte: 0 to 8."""
    length = 0
    bit = 0x80
    while first & bit:
        length += 1
        bit >>= 1
    return length


def size(number: int) -> int:
    """Bytes of the encoding of `number`."""
    length = 0
    rest = number >> 7
    while rest and length < 8:
        length += 1
        rest >>= 7
    return length + 1


def encode(number: int) -> bytes:
    """The encoding of `number`; LocalError outside 0 ... 2^64 - 1."""
    if not 0 <= number < _LIMIT:
        raise LocalError("natural number %d is outside 0 to 2^64 - 1" % number)
    length = size(number) - 1
    out = bytearray(length + 1)
    out[0] = (0xFF00 >> length & 0xFF) | (number >> (8 * length))
    for i in range(length):
        out[1 + i] = number >> (8 * i) & 0xFF
    return bytes(out)


class NaturalReader:
    """Decodes one natural a byte at a time, for parsers whose input is cut anywhere.

    `push(byte)` is True when that byte completed the number, which is then in `value`; the next push starts
    another number. A form longer than needed is a VerifyError("codec").
    """

    def __init__(self) -> None:
        self.value = 0
        self._extra = -1  # bytes that belong to the number after its first; -1 is "at the first byte"
        self._got = 0

    def reset(self) -> None:
        """Forget a number that was begun."""
        self._extra = -1

    def push(self, byte: int) -> bool:
        """Take one byte; True when `value` is complete."""
        if self._extra < 0:
            self._extra = length_of(byte)
            self._got = 0
            self.value = (byte & (0x7F >> self._extra)) << (8 * self._extra)
        else:
            self.value += byte << (8 * self._got)
            self._got += 1
        if self._got < self._extra:
            return False
        minimal = self._extra == 0 or self.value >> (7 * self._extra) != 0
        self._extra = -1
        if not minimal:
            raise VerifyError("codec", "natural number %d is encoded longer than needed" % self.value)
        return True

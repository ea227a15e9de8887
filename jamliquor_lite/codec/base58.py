"""Base 58 in the alphabet of Bitcoin: the text form of libp2p's peer ids (no checksum, no prefix).

Each leading zero byte is a `1`; the rest is one big-endian number in base 58. The work grows with the square of the
length, so the length is bounded: the longest thing written this way here is a peer id of 44 bytes.
"""

from ..const import const
from ..errors import LocalError, VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_MAX_BYTES = const(128)
_MAX_CHARACTERS = const(176)  # 128 bytes; a longer text would cost us time by the square of its length


def encode(data: "Buffer") -> str:
    """The text of `data`; LocalError beyond 128 bytes."""
    if len(data) > _MAX_BYTES:
        raise LocalError("base58: %d bytes, at most %d are written this way" % (len(data), _MAX_BYTES))
    zeros = 0
    while zeros < len(data) and data[zeros] == 0:
        zeros += 1
    digits: "list[int]" = []  # the least significant first
    for at in range(zeros, len(data)):
        carry = data[at]
        for i in range(len(digits)):
            carry += digits[i] << 8
            digits[i] = carry % 58
            carry //= 58
        while carry:
            digits.append(carry % 58)
            carry //= 58
    digits.reverse()
    return "1" * zeros + "".join([ALPHABET[digit] for digit in digits])


def decode(text: str) -> bytes:
    """The bytes of `text`; VerifyError("base58") names the first character that does not belong."""
    if len(text) > _MAX_CHARACTERS:
        raise VerifyError("base58", "%d characters, at most %d are read" % (len(text), _MAX_CHARACTERS))
    zeros = 0
    while zeros < len(text) and text[zeros] == "1":
        zeros += 1
    out: "list[int]" = []  # the least significant first
    for at in range(zeros, len(text)):
        carry = ALPHABET.find(text[at])
        if carry < 0:
            raise VerifyError("base58", "`%s` (character %d) is not base 58" % (text[at], at + 1))
        for i in range(len(out)):
            carry += out[i] * 58
            out[i] = carry & 0xFF
            carry >>= 8
        while carry:
            out.append(carry & 0xFF)
            carry >>= 8
    out.reverse()
    return bytes(zeros) + bytes(out)

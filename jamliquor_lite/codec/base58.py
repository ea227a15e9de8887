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
_LETTERS = ALPHABET.encode()
_GROUP = const(58 * 58 * 58)  # of digits that are worked on at once: shifted by a byte it still has 30 bits
_MAX_BYTES = const(128)
_MAX_CHARACTERS = const(176)  # 128 bytes; a longer text would cost us time by the square of its length


def encode(data: "Buffer") -> str:
    """The text of `data`; LocalError beyond 128 bytes."""
    if len(data) > _MAX_BYTES:
        raise LocalError("base58: %d bytes, at most %d are written this way" % (len(data), _MAX_BYTES))
    zeros = 0
    while zeros < len(data) and data[zeros] == 0:
        zeros += 1
    groups: "list[int]" = []  # of three digits, the least significant first
    for at in range(zeros, len(data)):
        carry = data[at]
        for i in range(len(groups)):
            carry += groups[i] << 8
            groups[i] = carry % _GROUP
            carry //= _GROUP
        if carry:
            groups.append(carry)
    text = bytearray(zeros + 3 * len(groups))  # not letter by letter: each would be a string of its own
    at = len(text)
    for group in groups:
        for _ in range(3):
            at -= 1
            text[at] = _LETTERS[group % 58]
            group //= 58
    while at < len(text) and text[at] == _LETTERS[0]:  # what the highest group does not fill
        at += 1
    at -= zeros
    for i in range(zeros):
        text[at + i] = _LETTERS[0]
    return text[at:].decode()


def decode(text: str) -> bytes:
    """The bytes of `text`; VerifyError("base58") names the first character that does not belong."""
    if len(text) > _MAX_CHARACTERS:
        raise VerifyError("base58", "%d characters, at most %d are read" % (len(text), _MAX_CHARACTERS))
    zeros = 0
    while zeros < len(text) and text[zeros] == "1":
        zeros += 1
    words: "list[int]" = []  # of 24 bits, the least significant first
    for at in range(zeros, len(text)):
        carry = ALPHABET.find(text[at])
        if carry < 0:
            raise VerifyError("base58", "`%s` (character %d) is not base 58" % (text[at], at + 1))
        for i in range(len(words)):
            carry += words[i] * 58
            words[i] = carry & 0xFFFFFF
            carry >>= 24
        if carry:
            words.append(carry)
    out = bytearray(zeros + 3 * len(words))
    at = len(out)
    for word in words:
        for _ in range(3):
            at -= 1
            out[at] = word & 0xFF
            word >>= 8
    while at < len(out) and out[at] == 0:
        at += 1
    return bytes(out[at - zeros :])  # what lies before are zeros

"""Base 32 in capitals and without padding (RFC 4648, section 6): the letters that a QR code holds in its short form."""

from ..const import const
from ..errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_MAX_CHARACTERS = const(1024)  # the longest thing written this way is a trust string of 332


def encode(data: "Buffer") -> str:
    """The text of `data`."""
    out = []
    bits = held = 0
    for byte in data:
        held = held << 8 | byte
        bits += 8
        while bits >= 5:
            bits -= 5
            out.append(ALPHABET[held >> bits])
            held &= (1 << bits) - 1
    if bits:
        out.append(ALPHABET[held << 5 - bits])
    return "".join(out)


def decode(text: str) -> bytes:
    """The bytes of `text`, in capitals or not; VerifyError("base32") where it is not in its one form."""
    if len(text) > _MAX_CHARACTERS:
        raise VerifyError("base32", "%d characters, at most %d are read" % (len(text), _MAX_CHARACTERS))
    out = bytearray()
    bits = held = 0
    for at in range(len(text)):
        digit = ALPHABET.find(text[at].upper())
        if digit < 0:
            raise VerifyError("base32", "`%s` (character %d) is not base 32" % (text[at], at + 1))
        held = held << 5 | digit
        bits += 5
        if bits >= 8:
            bits -= 8
            out.append(held >> bits)
            held &= (1 << bits) - 1
    if bits >= 5 or held:
        raise VerifyError("base32", "it ends in the middle of a byte")
    return bytes(out)

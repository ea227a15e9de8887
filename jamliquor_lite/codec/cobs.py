"""Consistent Overhead Byte Stuffing (Cheshire and Baker, 1997) in place, for at most 253 bytes.

COBS takes the zeros out of bytes, so that a zero on the wire can mean the end of them: each zero becomes the distance
to the next one, and a byte in front tells where the first is. Up to 253 bytes no distance exceeds 254, and the code 255
("254 bytes and no zero") does not occur: the encoding is exactly one byte longer, and both ways of it only visit the
zeros, which is what makes it cheap in an interpreter.
"""

from ..const import const

TYPE_CHECKING = False

MAX_CONTENT = 253  # bytes
_ZERO = b"\0"
_LONGEST_CODE = const(254)


def encode(buf: bytearray, start: int, end: int) -> None:
    """Encode buf[start + 1 : end], at most MAX_CONTENT bytes, to buf[start:end]: the byte at `start` is overwritten."""
    code_at = start
    while True:
        zero = buf.find(_ZERO, code_at + 1, end)
        if zero < 0:
            buf[code_at] = end - code_at
            return
        buf[code_at] = zero - code_at
        code_at = zero


def decode(buf: bytearray, start: int, end: int) -> bool:
    """Undo `encode`: buf[start + 1 : end] is the content. False when buf[start:end] is no such encoding.

    What comes in must hold no zero: zeros are where the caller cut it.
    """
    at = start
    while at < end:
        code = buf[at]
        if code == 0 or code > _LONGEST_CODE:
            return False
        buf[at] = 0
        at += code
    return at == end and end > start

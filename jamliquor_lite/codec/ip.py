"""IP addresses as text: dotted decimal, and the forms of RFC 4291 section 2.2, written as RFC 5952 wants them.

MicroPython has no `ipaddress`, and on CPython it is a megabyte that a small board need not load.
"""

from ..const import const
from ..errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]

_MAX6 = const(45)  # characters
_HEX = "0123456789abcdefABCDEF"
_MAPPED = b"\x00" * 10 + b"\xff\xff"  # IPv4 within IPv6


def parse4(text: str) -> bytes:
    """The 4 bytes of `text`; VerifyError("ip") unless it is four decimal numbers without leading zeros."""
    out = _dotted(text)
    if out is None:
        raise VerifyError("ip", "`%s` is no IPv4 address" % text)
    return out


def parse6(text: str) -> bytes:
    """The 16 bytes of `text`; VerifyError("ip") when it is no IPv6 address. A zone (`%eth0`) is none of it."""
    out = None
    if len(text) <= _MAX6:
        head, gap, tail = text.partition("::")
        before = _groups(head, not gap)
        after = _groups(tail, True)
        if before is not None and after is not None:
            missing = 16 - len(before) - len(after)
            if missing == 0 and not gap or missing >= 2 and gap:
                out = before + bytes(missing) + after
    if out is None:
        raise VerifyError("ip", "`%s` is no IPv6 address" % text)
    return out


def format4(data: "Buffer") -> str:
    """The text of 4 bytes."""
    return "%d.%d.%d.%d" % (data[0], data[1], data[2], data[3])


def format6(data: "Buffer") -> str:
    """The one text of 16 bytes: lower case, the first of the longest runs of zero groups as `::`."""
    if is_mapped(data):
        return "::ffff:" + format4(data[12:16])
    groups = [data[at] << 8 | data[at + 1] for at in range(0, 16, 2)]
    start = length = at = 0
    while at < 8:
        run = 0
        while at + run < 8 and groups[at + run] == 0:
            run += 1
        if run > length:
            start, length = at, run
        at += run + 1
    if length < 2:  # a single zero group is written out
        return ":".join(["%x" % group for group in groups])
    head = ":".join(["%x" % group for group in groups[:start]])
    tail = ":".join(["%x" % group for group in groups[start + length :]])
    return head + "::" + tail


def is_mapped(data: "Buffer") -> bool:
    """Whether 16 bytes hold an IPv4 address (::ffff:0:0/96), as a socket of both families reports its peers."""
    return len(data) == 16 and bytes(data[:12]) == _MAPPED


def _dotted(text: str) -> "bytes | None":
    parts = text.split(".")
    if len(parts) != 4:
        return None
    out = bytearray(4)
    for at in range(4):
        part = parts[at]
        if not 1 <= len(part) <= 3 or (part[0] == "0" and part != "0"):
            return None
        number = 0
        for character in part:
            digit = _HEX.find(character)
            if not 0 <= digit <= 9:
                return None
            number = number * 10 + digit
        if number > 255:
            return None
        out[at] = number
    return bytes(out)


def _groups(text: str, is_last: bool) -> "bytes | None":
    # The bytes of groups between colons; the last one of an address may be an IPv4 address. None: malformed.
    out = b""
    if not text:
        return out
    parts = text.split(":")
    for at in range(len(parts)):
        part = parts[at]
        if is_last and at == len(parts) - 1 and "." in part:
            dotted = _dotted(part)
            return None if dotted is None else out + dotted
        if not 1 <= len(part) <= 4:
            return None
        for character in part:
            if character not in _HEX:
                return None
        number = int(part, 16)
        out += bytes((number >> 8, number & 0xFF))
    return out

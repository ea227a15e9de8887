"""CBOR (RFC 8949) of the values we store: int, bytes, str, list, dict, bool, None and float.

Wire-compatible with cbor2: `dumps` makes the same bytes, `loads` reads what cbor2 makes of these types. The
rest of CBOR is refused with one clear error: tags (so integers stay within -2^64 ... 2^64 - 1), indefinite
lengths, simple values of other meanings, and every head longer than needed, so that one value has one form.
"""

import struct

from ..const import const
from ..errors import LocalError, VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    Buffer = Union[bytes, bytearray, memoryview]

MAX_DEPTH = 16  # lists and maps within each other: a nest of ten thousand would run out of stack
_UNSIGNED = const(0)
_NEGATIVE = const(1)
_BYTES = const(2)
_TEXT = const(3)
_LIST = const(4)
_MAP = const(5)
_TAG = const(6)
_FALSE = const(0xF4)
_TRUE = const(0xF5)
_NONE = const(0xF6)
_HALF = const(0xF9)
_SINGLE = const(0xFA)
_DOUBLE = const(0xFB)
_NAN = b"\xf9\x7e\x00"
_INFINITY = b"\xf9\x7c\x00"
_MINUS_INFINITY = b"\xf9\xfc\x00"


def dumps(value: "Any", canonical: bool = False, max_depth: int = MAX_DEPTH) -> bytes:
    """The encoding of `value`; LocalError for a type or a size that has none.

    `canonical` sorts the keys of maps (shorter encodings first, then by their bytes) and takes the shortest
    form of a float that keeps its value. What is hashed must be canonical: MicroPython's dicts keep no order.
    """
    out = bytearray()
    _put(out, value, canonical, max_depth)
    return bytes(out)


def _head(out: bytearray, major: int, argument: int) -> None:
    major <<= 5
    if argument < 24:
        out.append(major | argument)
        return
    if argument < 0x100:
        extra = 0
    elif argument < 0x10000:
        extra = 1
    elif argument < 0x100000000:
        extra = 2
    elif argument < 0x10000000000000000:
        extra = 3
    else:
        raise LocalError("cbor: %d is outside -2^64 to 2^64 - 1" % argument)
    out.append(major | 24 + extra)
    for shift in range(8 * (1 << extra) - 8, -8, -8):
        out.append(argument >> shift & 0xFF)


def _put(out: bytearray, value: "Any", canonical: bool, depth: int) -> None:
    # The booleans come first: True is an int to CPython and none to MicroPython.
    if value is None:
        out.append(_NONE)
    elif value is True:
        out.append(_TRUE)
    elif value is False:
        out.append(_FALSE)
    elif isinstance(value, int):
        if value >= 0:
            _head(out, _UNSIGNED, value)
        else:
            _head(out, _NEGATIVE, -1 - value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        _head(out, _BYTES, len(value))
        out.extend(value)
    elif isinstance(value, str):
        try:
            text = value.encode()
        except UnicodeError:
            raise LocalError("cbor: a string has no UTF-8 form")
        _head(out, _TEXT, len(text))
        out.extend(text)
    elif isinstance(value, (list, tuple)):
        if depth <= 0:
            raise LocalError("cbor: lists and maps are nested too deep")
        _head(out, _LIST, len(value))
        for item in value:
            _put(out, item, canonical, depth - 1)
    elif isinstance(value, dict):
        if depth <= 0:
            raise LocalError("cbor: lists and maps are nested too deep")
        _put_map(out, value, canonical, depth - 1)
    elif type(value).__name__ == "float":  # by name: a firmware may do without them, and then there is no such name
        _put_float(out, value, canonical)
    else:
        raise LocalError("cbor: values of type %s are not stored" % type(value).__name__)


def _put_map(out: bytearray, value: "dict[Any, Any]", canonical: bool, depth: int) -> None:
    _head(out, _MAP, len(value))
    keys = list(value)
    if canonical:
        keys.sort(key=_order)
    for key in keys:
        _put(out, key, canonical, depth)
        _put(out, value[key], canonical, depth)


def _order(key: "Any") -> "tuple[int, bytes]":
    # Made anew where it is compared: a board has room for one encoded key, and not for all of them.
    encoded = dumps(key, True, 0)
    return len(encoded), encoded


def _put_float(out: bytearray, value: float, canonical: bool) -> None:
    if value != value:
        out.extend(_NAN)
    elif value - value != 0:
        out.extend(_INFINITY if value > 0 else _MINUS_INFINITY)
    else:
        if canonical:
            for head, form in ((_HALF, ">e"), (_SINGLE, ">f")):
                try:
                    packed = struct.pack(form, value)
                except OverflowError:
                    continue
                if struct.unpack(form, packed)[0] == value:
                    out.append(head)
                    out.extend(packed)
                    return
        out.append(_DOUBLE)
        out.extend(struct.pack(">d", value))


def loads(buf: "Buffer", max_depth: int = MAX_DEPTH) -> "Any":
    """The one value that fills `buf`; VerifyError("cbor") for anything else. Strings and bytes are copies."""
    reader = _Reader(buf)
    value = reader.value(max_depth)
    if reader.pos != len(buf):
        reader.fail("%d bytes too many" % (len(buf) - reader.pos))
    return value


class _Reader:
    def __init__(self, buf: "Buffer") -> None:
        self.buf = buf
        self.pos = 0

    def fail(self, what: str) -> None:
        raise VerifyError("cbor", "%s at byte %d" % (what, self.pos))

    def _take(self, count: int) -> bytes:
        pos = self.pos
        if count > len(self.buf) - pos:
            self.fail("%d bytes are needed and %d left" % (count, len(self.buf) - pos))
        self.pos = pos + count
        return bytes(self.buf[pos : pos + count])

    def _argument(self, low: int) -> int:
        if low < 24:
            return low
        if low > 27:
            self.fail("indefinite lengths are not taken" if low == 31 else "malformed head")
        count = 1 << (low - 24)
        argument = 0
        for byte in self._take(count):
            argument = argument << 8 | byte
        if argument < 24 or (count > 1 and argument >> (4 * count) == 0):
            self.fail("a length or number is encoded longer than needed")
        return argument

    def value(self, depth: int) -> "Any":
        head = self._take(1)[0]
        major = head >> 5
        if major == 7:
            return self._simple(head)
        argument = self._argument(head & 31)
        if major == _UNSIGNED:
            return argument
        if major == _NEGATIVE:
            return -1 - argument
        if major == _BYTES:
            return self._take(argument)
        if major == _TEXT:
            text = self._take(argument)
            try:
                return text.decode()
            except UnicodeError:
                self.fail("a string is not UTF-8")
        if major == _TAG:
            self.fail("tag %d is not taken" % argument)
        if depth <= 0:
            self.fail("lists and maps are nested too deep")
        if major == _LIST:
            return [self.value(depth - 1) for _ in range(self._count(argument, 1))]
        return self._map(self._count(argument, 2), depth - 1)

    def _count(self, count: int, least: int) -> int:
        # Every item takes a byte at least, so a head that promises more than is here fails before any work.
        if count * least > len(self.buf) - self.pos:
            self.fail("%d items do not fit the %d bytes left" % (count, len(self.buf) - self.pos))
        return count

    def _map(self, count: int, depth: int) -> "dict[Any, Any]":
        out: "dict[Any, Any]" = {}
        for _ in range(count):
            key = self.value(depth)
            if isinstance(key, (list, dict)):
                self.fail("a list or map is not taken as a key")
            if key in out:
                self.fail("a key is there twice")
            out[key] = self.value(depth)
        return out

    def _simple(self, head: int) -> "Any":
        if head == _FALSE:
            return False
        if head == _TRUE:
            return True
        if head == _NONE:
            return None
        if head == _HALF:
            return self._float(">e", 2)
        if head == _SINGLE:
            return self._float(">f", 4)
        if head == _DOUBLE:
            return self._float(">d", 8)
        self.fail("simple value 0x%02x is not taken" % head)
        return None

    def _float(self, form: str, size: int) -> "Any":
        try:
            return struct.unpack(form, self._take(size))[0]
        except ValueError:
            self.fail("this firmware has no floats")

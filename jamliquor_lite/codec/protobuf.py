"""The part of Protocol Buffers (wire format, proto2 and proto3) that libp2p's messages use.

A message is a row of fields: a key (field number and wire type, a varint), then the value. `Fields` walks over one
message where it lies and copies nothing. Integers and byte strings are shown; fixed-width values (wire types 1 and
5) are of no message we know and are stepped over; groups are refused. Number 1 to 2^29 - 1, lengths as they fit.
"""

from ..const import const
from ..errors import VerifyError
from . import varint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]

INT = const(0)  # wire types
BYTES = const(2)
_FIXED64 = const(1)
_FIXED32 = const(5)
_VARINT_SHIFTS = const(70)  # ten bytes: a negative int32 is sign-extended to 64 bits
_NUMBER_BITS = const(29)


def field_int(number: int, value: int) -> bytes:
    """A field that holds an integer of 0 ... 2^63 - 1 (also an enum, or a bool as 0 and 1)."""
    return varint.encode(number << 3) + varint.encode(value)


def field_bytes(number: int, data: "Buffer") -> bytes:
    """A field that holds bytes (also UTF-8 text, or a message within the message)."""
    return varint.encode(number << 3 | BYTES) + varint.encode(len(data)) + bytes(data)


class Fields:
    """A place in the message buf[start:end]; `next()` steps to the next field and is False after the last one.

    `number` is the field's number, `wire` its type. INT: the number is in `value`, 0 ... 2^64 - 1. BYTES: they are
    buf[start:end] with this object's `start` and `end`. A field may come more than once, and the last one counts
    unless it is a repeated one; which it is, the caller knows. VerifyError("protobuf") on whatever is malformed.
    """

    def __init__(self, buf: "Buffer", start: int, end: int) -> None:
        self.buf = buf
        self.number = self.wire = self.value = 0
        self.start = self.end = start
        self._at = start
        self._limit = end

    def next(self) -> bool:
        """Step to the next integer or byte string."""
        while self._at < self._limit:
            key = self._varint()
            self.number = key >> 3
            self.wire = key & 7
            if self.number == 0 or self.number >> _NUMBER_BITS:
                self._fail("field number %d" % self.number)
            if self.wire == INT:
                self.value = self._varint()
                return True
            if self.wire == BYTES:
                length = self._varint()
                self.start = self._at
                self._step(length)
                self.end = self._at
                return True
            if self.wire == _FIXED64:
                self._step(8)
            elif self.wire == _FIXED32:
                self._step(4)
            else:
                self._fail("wire type %d" % self.wire)
        return False

    def take(self) -> bytes:
        """A copy of the byte string that the last step found."""
        self.expect(BYTES)
        return bytes(self.buf[self.start : self.end])

    def text(self) -> str:
        """The byte string as UTF-8."""
        data = self.take()
        try:
            return data.decode()
        except UnicodeError:
            self._fail("field %d is not UTF-8" % self.number)
        return ""

    def expect(self, wire: int) -> None:
        """VerifyError unless the field has this wire type."""
        if self.wire != wire:
            self._fail("field %d has wire type %d instead of %d" % (self.number, self.wire, wire))

    def _step(self, count: int) -> None:
        left = self._limit - self._at
        if count > left:
            self._fail("field %d needs %d bytes, %d are left" % (self.number, count, left))
        self._at += count

    def _varint(self) -> int:
        # Longer forms than needed are legal here, unlike in libp2p's own varints.
        value = shift = 0
        while self._at < self._limit:
            byte = self.buf[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >> 64:
                    self._fail("a number of more than 64 bits")
                return value
            shift += 7
            if shift == _VARINT_SHIFTS:
                self._fail("a number of more than 10 bytes")
        self._fail("the message ends inside a number")
        return 0

    def _fail(self, what: str) -> None:
        raise VerifyError("protobuf", "%s, at byte %d" % (what, self._at))

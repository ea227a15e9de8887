# portable: runs on CPython and MicroPython
"""Protocol Buffers: the documentation's examples, what is stepped over, and what is refused."""

from jamliquor_lite.codec.protobuf import BYTES, INT, Fields, field_bytes, field_int
from jamliquor_lite.errors import LocalError, VerifyError
from tests.support import raises, unhex


def read(data, start=0, end=None):
    """(number, value) of each field."""
    fields = Fields(data, start, len(data) if end is None else end)
    out = []
    while fields.next():
        out.append((fields.number, fields.value if fields.wire == INT else fields.take()))
    assert not fields.next()
    return out


def test_documented_examples():
    assert read(unhex("089601")) == [(1, 150)] and field_int(1, 150) == unhex("089601")
    assert read(unhex("120774657374696e67")) == [(2, b"testing")]
    assert field_bytes(2, b"testing") == unhex("120774657374696e67")
    assert read(unhex("1a03089601")) == [(3, unhex("089601"))]


def test_a_message_within_a_buffer():
    data = b"\xff\xff" + field_int(1, 3) + field_bytes(16, b"") + field_int(200, 1 << 62) + b"\xff"
    assert read(memoryview(data), 2, len(data) - 1) == [(1, 3), (16, b""), (200, 1 << 62)]
    assert read(b"") == []


def test_a_message_within_a_message_is_not_copied():
    inner = field_int(7, 9)
    fields = Fields(field_int(1, 1) + field_bytes(3, inner), 0, 4 + len(inner))
    assert fields.next() and fields.next()
    nested = Fields(fields.buf, fields.start, fields.end)
    assert nested.next() and (nested.number, nested.value) == (7, 9) and not nested.next()


def test_fixed_widths_are_stepped_over():
    data = field_int(1, 1) + unhex("110102030405060708") + unhex("1d01020304") + field_int(4, 2)
    assert read(data) == [(1, 1), (4, 2)]


def test_a_negative_int_has_ten_bytes():
    assert read(unhex("08" + "ff" * 9 + "01")) == [(1, (1 << 64) - 1)]


def test_longer_forms_are_legal():
    assert read(unhex("888000 8100")) == [(1, 1)]


def test_malformed():
    for text in (
        "08",  # no value
        "80",  # half a key
        "0a",  # no length
        "0a02ff",  # a byte is missing
        "0affffffffffffffff7f00",  # a length of 2^63 - 1
        "0affffffffffffffffff01",  # and one of 2^64 - 1
        "0900",  # 8 bytes wanted
        "0d0000",  # 4 bytes wanted
        "0b",  # a group
        "0c",
        "0e",
        "0f",
        "0001",  # number 0
        "808080801001",  # number 2^29
        "08" + "ff" * 9 + "02",  # 65 bits
        "08" + "80" * 10 + "00",  # 11 bytes
    ):
        assert raises(VerifyError, read, unhex(text)).rule == "protobuf", text


def test_a_field_does_not_reach_past_its_message():
    raises(VerifyError, read, unhex("0a0361626300"), 0, 4)
    raises(VerifyError, read, unhex("089601"), 0, 2)


def test_types_are_asked_for():
    fields = Fields(field_int(1, 1) + field_bytes(2, b"\xff") + field_bytes(2, "grün".encode()), 0, 13)
    assert fields.next()
    raises(VerifyError, fields.take)
    raises(VerifyError, fields.expect, BYTES)
    fields.expect(INT)
    assert fields.next()
    assert raises(VerifyError, fields.text).rule == "protobuf"
    assert fields.next() and fields.text() == "grün"


def test_what_has_no_encoding():
    raises(LocalError, field_int, 1, -1)
    raises(LocalError, field_int, 1, 1 << 63)

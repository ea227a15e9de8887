# portable: runs on CPython and MicroPython
"""Naturals and the cursor, by hand-made cases."""

from jamliquor_lite.codec.cursor import Cursor
from jamliquor_lite.codec.natural import NaturalReader, encode, length_of, size
from jamliquor_lite.errors import LocalError, VerifyError
from tests.support import raises, unhex

CASES = (
    (0, "00"),
    (1, "01"),
    (127, "7f"),
    (128, "8080"),
    (255, "80ff"),
    (256, "8100"),
    (0x3FFF, "bfff"),
    (0x4000, "c00040"),
    (0x1FFFFF, "dfffff"),
    (0x200000, "e0000020"),
    (0xFFFFFFF, "efffffff"),
    (0x10000000, "f000000010"),
    (0x7FFFFFFFF, "f7ffffffff"),
    (0x800000000, "f80000000008"),
    ((1 << 56) - 1, "feffffffffffffff"),
    (1 << 56, "ff0000000000000001"),
    ((1 << 64) - 1, "ffffffffffffffffff"),
)


def push_all(data):
    reader = NaturalReader()
    for at in range(len(data)):
        if reader.push(data[at]):
            assert at == len(data) - 1
            return reader.value
    return None


def test_known_encodings_both_ways():
    for number, text in CASES:
        data = unhex(text)
        assert encode(number) == data
        assert size(number) == len(data)
        assert length_of(data[0]) == len(data) - 1
        cursor = Cursor(data)
        assert cursor.natural() == number
        cursor.finish()
        assert push_all(data) == number


def test_a_number_cut_short_waits_or_is_refused():
    for _, text in CASES:
        data = unhex(text)
        for end in range(len(data)):
            assert push_all(data[:end]) is None
            cursor = Cursor(data, 0, end)
            assert raises(VerifyError, cursor.natural).rule == "codec"
            assert cursor.pos == 0


def test_longer_forms_are_refused():
    for text in (
        "8000", "807f", "c00000", "c0ff3f", "e0ffff1f", "f0ffffff0f", "ff" + "ff" * 7 + "00", "ff" + "00" * 8,
    ):
        data = unhex(text)
        assert raises(VerifyError, Cursor(data).natural).rule == "codec"
        assert raises(VerifyError, push_all, data).rule == "codec"


def test_numbers_outside_64_bits_are_ours_to_avoid():
    raises(LocalError, encode, -1)
    raises(LocalError, encode, 1 << 64)


def test_reader_is_ready_for_the_next_number():
    reader = NaturalReader()
    got = []
    for byte in unhex("00" "8080" "05" "ff0000000000000001"):
        if reader.push(byte):
            got.append(reader.value)
    assert got == [0, 128, 5, 1 << 56]
    assert not reader.push(0xC0)
    reader.reset()
    assert reader.push(7) and reader.value == 7


def test_cursor_fields():
    data = unhex("aa 01 0201 04030201 0807060504030201 01 616263 ff bb")
    for buf in (data, bytearray(data), memoryview(data)):
        cursor = Cursor(buf, 1, len(data) - 1)
        assert cursor.u8() == 1
        assert cursor.u16() == 0x0102
        assert cursor.u32() == 0x01020304
        assert cursor.u64() == 0x0102030405060708
        assert cursor.flag() == 1
        assert cursor.take(3) == b"abc"
        assert cursor.left() == 1
        assert "1 bytes too many at byte 20" in str(raises(VerifyError, cursor.finish))
        assert cursor.skip(1) == 20
        cursor.finish()
        assert raises(VerifyError, cursor.u8).rule == "codec"


def test_cursor_never_passes_its_end():
    data = bytes(16)
    for call in ("u8", "u16", "u32", "u64", "flag", "natural"):
        cursor = Cursor(data, 8, 8)
        error = raises(VerifyError, getattr(cursor, call))
        assert "at byte 8" in str(error), error
        assert cursor.pos == 8
    cursor = Cursor(data, 0, 8)
    raises(VerifyError, cursor.take, 9)
    raises(VerifyError, cursor.skip, 9)
    raises(VerifyError, cursor.skip, -1)
    assert cursor.take(8) == bytes(8)


def test_cursor_refuses_a_flag_that_is_neither():
    cursor = Cursor(b"\x02")
    assert "flag at byte 0 is 2" in str(raises(VerifyError, cursor.flag))
    assert cursor.pos == 0

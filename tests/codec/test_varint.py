# portable: runs on CPython and MicroPython
"""Unsigned varints: the examples of their specification, every width, and the forms that are refused."""

from jamliquor_lite.codec import varint
from jamliquor_lite.errors import LocalError, VerifyError
from tests.support import raises, unhex

# multiformats/unsigned-varint, "Examples"
EXAMPLES = ((1, "01"), (127, "7f"), (128, "8001"), (255, "ff01"), (300, "ac02"), (16384, "808001"))
HIGHEST = (1 << 63) - 1


def numbers():
    out = [0]
    for bits in range(63):
        for number in ((1 << bits) - 1, 1 << bits, (1 << bits) + 1):
            if number <= HIGHEST:
                out.append(number)
    out.append(HIGHEST)
    return out


def pushed(data):
    """(value, bytes used) that a reader finds, (-1, 0) when it wants more."""
    reader = varint.VarintReader()
    for at, byte in enumerate(data):
        if reader.push(byte):
            assert not reader.has_begun
            return reader.value, at + 1
    assert reader.has_begun == (len(data) > 0)
    return -1, 0


def test_examples():
    for number, text in EXAMPLES:
        data = unhex(text)
        assert varint.encode(number) == data
        assert varint.take(data, 0, len(data)) == (number, len(data))
        assert pushed(data) == (number, len(data))


def test_every_width_and_every_cut():
    buf = bytearray(12)
    for number in numbers():
        data = varint.encode(number)
        assert varint.size(number) == len(data) <= varint.MAX_SIZE
        assert varint.put(buf, 2, number) == 2 + len(data)
        assert bytes(buf[2 : 2 + len(data)]) == data
        assert varint.take(b"\x80\x80" + data + b"\x00", 2, len(data) + 3) == (number, 2 + len(data))
        assert pushed(data + b"\x07") == (number, len(data))
        for cut in range(len(data)):
            assert varint.take(data, 0, cut) == (-1, 0)
            assert pushed(data[:cut]) == (-1, 0)
    assert len(varint.encode(HIGHEST)) == 9


def test_refused_forms():
    for text in ("8000", "808000", "ff8000", "ff" * 9, "80" * 9 + "01", "ff" * 8 + "80"):
        data = unhex(text)
        assert raises(VerifyError, varint.take, data, 0, len(data)).rule == "varint"
        assert raises(VerifyError, pushed, data).rule == "varint"


def test_too_long_is_known_at_the_ninth_byte():
    reader = varint.VarintReader()
    for _ in range(8):
        assert not reader.push(0xFF)
    raises(VerifyError, reader.push, 0x80)
    assert reader.push(5) and reader.value == 5


def test_a_reader_can_forget():
    reader = varint.VarintReader()
    assert not reader.push(0xAC)
    reader.reset()
    assert reader.push(2) and reader.value == 2


def test_what_has_no_encoding():
    for number in (-1, HIGHEST + 1):
        raises(LocalError, varint.encode, number)
        raises(LocalError, varint.size, number)

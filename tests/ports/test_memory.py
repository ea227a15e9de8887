# portable: runs on CPython and MicroPython
"""Copies and comparisons, whoever makes them: the interpreter's slices, or a board's C."""

from jamliquor_lite.ports.memory import copy, find, same
from tests.support import raises

DATA = bytes(range(64))
TABLE = b"".join([bytes([number, 7, number, 7]) for number in range(8)])


def kinds(data):
    """The same bytes in every kind of buffer."""
    return bytes(data), bytearray(data), memoryview(bytearray(data)), memoryview(bytes(data))


def test_copies():
    for source in kinds(DATA):
        for size in (0, 1, 31, 32, 33, 60):
            for out in (bytearray(64), memoryview(bytearray(64))):
                copy(out, 3, source, 4, 4 + size)
                assert bytes(out) == bytes(3) + DATA[4 : 4 + size] + bytes(61 - size)


def test_a_copy_within_a_buffer_may_overlap_downwards():
    for size in (5, 50):
        for out in (bytearray(DATA), memoryview(bytearray(DATA))):
            copy(out, 0, out, 3, 3 + size)
            assert bytes(out) == DATA[3 : 3 + size] + DATA[size:]


def test_comparisons():
    for one in kinds(DATA):
        for other in kinds(DATA[5:]):
            assert same(one, 5, other, 0, 59) and same(one, 7, other, 2, 40) and same(one, 64, other, 3, 3)
            assert not same(one, 5, other, 1, 2) and not same(one, 0, other, 0, 59)
    assert not same(DATA, 0, DATA[:63] + b"!", 0, 64)


def test_records_are_found_at_their_beginning_only():
    for table in kinds(TABLE)[:2]:
        for field in kinds(b"?\x05\x07?"):
            assert find(table, 4, 0, field, 1, 2) == find(table, 4, 5, field, 1, 3) == 5
            assert find(table, 4, 6, field, 1, 2) == -1
        assert find(table, 4, 0, b"\x07\x00", 0, 2) == -1, "it stands across two fields"
        assert find(table, 4, 0, b"\x07", 0, 1) == 7
        assert find(table, 4, 3, b"", 0, 0) == 3 and find(table, 4, 8, b"", 0, 0) == -1
    assert find(TABLE[:30], 4, 0, b"\x07", 0, 1) == -1, "what is left of a record is none"
    assert find(b"", 4, 0, b"\x07", 0, 1) == find(b"", 4, 2, b"\x07", 0, 1) == -1


def test_what_is_not_within_a_buffer_is_refused():
    out = bytearray(8)
    for at, start, end in ((0, 0, 65), (0, -1, 3), (-1, 0, 3), (6, 0, 3), (9, 0, 0), (0, 3, 2)):
        raises(ValueError, copy, out, at, DATA, start, end)
        raises(ValueError, same, out, at, DATA, start, end)

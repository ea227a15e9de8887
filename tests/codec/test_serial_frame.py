# portable: runs on CPython and MicroPython
"""Frames and text on one line: what a frame is byte for byte, what costs what, and what a frame takes of the heap."""

import binascii

from jamliquor_lite.codec import cobs
from jamliquor_lite.codec.serial_frame import (
    FRAME,
    MAX_BODY,
    MAX_FRAME,
    NOTHING,
    STALL_MS,
    TEXT,
    Sorter,
    encode,
)
from tests.support import skip, unhex

# From the examples of the COBS paper and the article on it that everybody quotes; contents of up to 253 bytes.
COBS = (
    ("00", "0101"),
    ("0000", "010101"),
    ("00110000", "0102110101"),
    ("11220033", "0311220233"),
    ("11223344", "0511223344"),
    ("11000000", "0211010101"),
    ("", "01"),
)


def sort(data, sorter=None, step=0, now=0):
    """What a sorter makes of these bytes: bodies as bytes, text as str; in pieces of `step` bytes."""
    sorter = sorter or Sorter()
    found = []
    step = step or len(data)
    for first in range(0, len(data), step):
        at, end = first, min(first + step, len(data))
        while at < end:
            at = sorter.feed(data, at, end, now)
            if sorter.event == FRAME:
                found.append(bytes(sorter.buf[sorter.start : sorter.end]))
            elif sorter.event == TEXT:
                text = "".join([chr(byte) for byte in data[sorter.text_start : sorter.text_end]])
                if found and isinstance(found[-1], str):
                    text = found.pop() + text
                found.append(text)
            else:
                assert sorter.event == NOTHING and at == end
    return found


def noise(size, seed):
    """Bytes that look like chance, the same each time (xorshift32, kept to 30 bits at a time)."""
    out = bytearray(size)
    low, high = seed & 0x7FFF, seed >> 15 & 0x7FFF | 1
    for i in range(size):
        low = (low * 0x1B5 + high + 12345) & 0x7FFF
        high = (high * 0x0C5 + low + 7) & 0x7FFF
        out[i] = (low >> 4 ^ high >> 6) & 0xFF
    return bytes(out)


def test_cobs_as_published():
    for content, encoded in COBS:
        content, encoded = unhex(content), unhex(encoded)
        buf = bytearray(b"*" * (len(content) + 3))
        buf[2 : 2 + len(content)] = content
        cobs.encode(buf, 1, 2 + len(content))
        assert bytes(buf) == b"*" + encoded + b"*", encoded
        assert cobs.decode(buf, 1, 2 + len(content))
        assert bytes(buf[2:-1]) == content


def test_cobs_of_the_longest_contents():
    for filling in (b"x", b"\0"):
        buf = bytearray(b"\0" + filling * cobs.MAX_CONTENT)
        cobs.encode(buf, 0, len(buf))
        assert b"\0" not in bytes(buf)
        assert cobs.decode(buf, 0, len(buf)) and bytes(buf[1:]) == filling * cobs.MAX_CONTENT


def test_what_is_no_cobs_is_seen():
    for encoded in ("", "00", "02", "0211", "031122ff", "ff" + "11" * 254, "05112233", "0102110103"):
        buf = bytearray(unhex(encoded))
        is_sound = encoded == "0211"
        assert cobs.decode(buf, 0, len(buf)) is is_sound, encoded


def test_a_frame_byte_for_byte():
    body = b"hello\0\0x"
    assert binascii.crc32(b"\0" + body) == 0x22E687D4
    assert encode(body) == unhex("00 01 06 68656c6c6f 01 06 78 d487e622 00")
    assert encode(b"status") == unhex("00 01 0b 737461747573 c11bae57 00")


def test_the_longest_frame_is_as_long_as_promised():
    for filling in (b"\0", b"x", b"\xff"):
        frame = encode(filling * MAX_BODY)
        assert len(frame) == MAX_FRAME
        assert frame[0] == frame[-1] == 0 and b"\0" not in frame[1:-1]
        assert sort(frame) == [filling * MAX_BODY]


def test_frames_and_text_side_by_side():
    data = b"one\r\n" + encode(b"A") + b"two" + encode(b"B") + encode(b"C") + b"\xffthree\n" + encode(b"\0\0")
    wanted = ["one\r\n", b"A", "two", b"B", b"C", "\xffthree\n", b"\0\0"]
    for step in (1, 2, 3, 7, 0):
        sorter = Sorter()
        assert sort(data, sorter, step) == wanted, step
        assert (sorter.frames, sorter.broken, sorter.oversize, sorter.cut) == (4, 0, 0, 0)


def test_text_is_seen_at_once():
    assert sort(encode(b"A") + b"s") == [b"A", "s"]
    assert sort(b"\0\0\0status\n\0\0") == ["status\n"], "a lone zero hides nothing"


def test_a_frame_that_lost_a_byte_costs_itself():
    one, two = encode(b"first body\0."), encode(b"the next one")
    for gone in range(1, len(one) - 1):  # without its last zero it is whole: that of the next one ends it too
        sorter = Sorter()
        found = sort(one[:gone] + one[gone + 1 :] + two, sorter)
        assert found[-1] == b"the next one", gone
        assert b"first body\0." not in found


def test_a_frame_with_any_bit_turned_is_not_taken():
    one, two = encode(b"first body\0."), encode(b"the next one")
    for bit in range(8 * len(one)):
        turned = bytearray(one)
        turned[bit >> 3] ^= 1 << (bit & 7)
        found = [item for item in sort(bytes(turned) + two) if not isinstance(item, str)]
        assert found == [b"the next one"], bit


def test_a_frame_cut_anywhere_is_ended_by_the_next():
    one, two = encode(b"first body\0."), encode(b"the next one")
    for size in range(len(one)):
        assert sort(one[:size] + two)[-1] == b"the next one", size
        assert sort(one[size + 1 :] + two)[-1] == b"the next one", size


def test_text_behind_a_cut_frame_comes_through_after_a_while():
    sorter = Sorter()
    assert sort(encode(b"cut short")[:-3], sorter, now=1000) == []
    assert sort(b"sta", sorter, now=1000 + STALL_MS - 1) == [], "this may still be the frame"
    assert sort(b"status\n", sorter, now=2000 + 2 * STALL_MS) == ["status\n"]
    assert sorter.cut == 1
    assert sort(encode(b"and the next"), sorter, now=9000) == [b"and the next"]


def test_what_is_too_long_is_skipped_to_its_end():
    long = b"\0\1" + b"reset\n" * 100
    for step in (1, 5, 0):
        sorter = Sorter()
        assert sort(long + b"\0" + encode(b"A") + b"text", sorter, step) == [b"A", "text"], step
        assert (sorter.oversize, sorter.broken) == (1, 0)
    sorter = Sorter()
    assert sort(long, sorter, now=0) == []
    assert sort(b"status\n", sorter, now=STALL_MS) == ["status\n"], "it ends by silence too"
    assert sorter.oversize == sorter.cut == 1
    sorter = Sorter()
    assert sort(b"\0\1" + b"x" * cobs.MAX_CONTENT + b"\0", sorter) == [] and sorter.broken == 1
    assert sort(b"\0\1" + b"x" * (cobs.MAX_CONTENT + 1) + b"\0", sorter) == [] and sorter.oversize == 1


def test_frames_too_short_for_a_crc_are_broken():
    for size in range(6):
        sorter = Sorter()
        assert sort(b"\0\1" + b"\1" * size + b"\0", sorter) == []
        assert sorter.broken == 1


def test_a_long_frame_leaves_nothing_for_a_short_one_behind_it():
    data = encode(b"\xaa" * MAX_BODY) + encode(b"s") + b"\0\1" + b"\x55" * 250 + b"\0" + encode(b"t") + encode(b"uv")
    assert sort(data) == [b"\xaa" * MAX_BODY, b"s", b"t", b"uv"]


def test_no_frame_is_lost_behind_noise():
    sorter = Sorter()
    for number in range(40):
        body = b"frame %d" % number
        garbage = noise(number * 37, number * 7919 + 1)
        found = [item for item in sort(garbage + encode(body), sorter, 61) if not isinstance(item, str)]
        assert found == [body], number
    assert sorter.frames == 40


def test_feeding_frames_and_text_allocates_nothing():
    try:
        import micropython

        micropython.heap_lock  # noqa: B018
    except (ImportError, AttributeError):
        skip("only MicroPython can lock its heap")
    sorter = Sorter()
    data = encode(b"\xaa\0" * 120) + b"some text\n" + encode(b"s") + b"more\n" + encode(b"crc " * 30)
    frames = text = 0
    size = len(data)
    now = 5
    micropython.heap_lock()
    try:
        for _ in range(20):
            at = 0
            while at < size:
                at = sorter.feed(data, at, size, now)
                if sorter.event == FRAME:
                    frames += 1
                elif sorter.event == TEXT:
                    text += 1
    finally:
        micropython.heap_unlock()
    assert (frames, text) == (60, 40)

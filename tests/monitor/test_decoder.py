"""What comes over the line, told apart however it is cut into pieces."""

import pytest

from jamliquor_lite.codec import serial_frame
from jamliquor_lite.console import messages
from jamliquor_lite.monitor.decoder import LINE_CHARACTERS, Decoder, clean

BODY = messages.request(7, "peers")
FRAME = serial_frame.encode(BODY)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_text_and_frames_in_pieces_of_any_size(size: int) -> None:
    data = b"one\r\n" + FRAME + "zw\u00f6lf \u2192 drei\r\n> ".encode() + FRAME + b"four\r\n"
    decoder = Decoder()
    found = []
    for at in range(0, len(data), size):
        found += decoder.feed(data[at : at + size], at)
    frame = ("frame", (BODY, [0, 7, "peers"]))
    assert found == [("line", "one"), frame, ("line", "zw\u00f6lf \u2192 drei"), frame, ("line", "four")]
    assert (decoder.frames, decoder.broken, decoder.unreadable) == (2, 0, 0)


def test_a_broken_frame_is_counted_and_costs_no_other() -> None:
    bad = bytearray(FRAME)
    bad[5] ^= 0x55
    decoder = Decoder()
    assert list(decoder.feed(bytes(bad) + FRAME, 0)) == [("frame", (BODY, [0, 7, "peers"]))]
    assert decoder.broken == 1


def test_a_frame_that_is_no_message_is_none() -> None:
    assert not list(Decoder().feed(serial_frame.encode(b"\xff\xff"), 0))


def test_a_line_without_end_fills_no_memory() -> None:
    decoder = Decoder()
    found = list(decoder.feed(b"x" * 10_000, 0))
    assert len(found) == (10_000 - 1) // LINE_CHARACTERS
    assert all(len(text) == LINE_CHARACTERS for _, text in found) and len(decoder._text) <= LINE_CHARACTERS


def test_noise_is_seen_as_noise() -> None:
    decoder = Decoder()
    list(decoder.feed(bytes(range(128, 256)) * 4, 0))
    assert decoder.unreadable > decoder.bytes // 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"), ("\x1b[31mred\x1b[0m", "red"), ("abd\b \bc", "abc"), ("a\tb", "a  b"), ("old\rnew", "new"),
        ("bell\x07", "bell?"), ("\x1b[2J\x1b[Htop", "top"), ("cut \x1b[3", "cut "),
    ],
)
def test_nothing_moves_the_terminal(text: str, shown: str) -> None:
    assert clean(text) == shown

# portable: runs on CPython and MicroPython
"""Base 58: known texts, leading zeros, and texts that are none."""

from jamliquor_lite.codec import base58
from jamliquor_lite.errors import LocalError, VerifyError
from tests.support import raises, unhex

# the vectors of draft-msporny-base58, section 5
KNOWN = (
    (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
    (b"The quick brown fox jumps over the lazy dog.", "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"),
    (unhex("0000287fb4cd"), "11233QC4"),
)


def test_known_texts():
    for data, text in KNOWN:
        assert base58.encode(data) == text
        assert base58.encode(memoryview(data)) == text
        assert base58.decode(text) == data


def test_zeros_and_nothing():
    rows = ((b"", ""), (b"\x00", "1"), (bytes(5), "11111"), (b"\x00\x01", "12"), (b"\x39", "z"), (b"\x3a", "21"))
    for data, text in rows:
        assert base58.encode(data) == text
        assert base58.decode(text) == data


def test_every_character():
    for digit, character in enumerate(base58.ALPHABET):
        assert base58.decode("2" + character) == bytes([58 + digit])


def test_what_is_no_base_58():
    for text in ("0", "O", "I", "l", "2NEpo7TZRRrLZSi2U0", " 2", "1é", "a\n"):
        assert raises(VerifyError, base58.decode, text).rule == "base58"
    assert "`0` (character 2)" in str(raises(VerifyError, base58.decode, "10"))


def test_length_is_bounded():
    longest = b"\xff" * 128
    assert base58.decode(base58.encode(longest)) == longest
    raises(LocalError, base58.encode, bytes(129))
    assert base58.decode("1" * 176) == bytes(176)
    raises(VerifyError, base58.decode, "1" * 177)

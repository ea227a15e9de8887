# portable: runs on CPython and MicroPython
"""Base 32: the published vectors, every length there and back, and what is in no one form."""

from jamliquor_lite.codec.base32 import decode, encode
from jamliquor_lite.errors import VerifyError
from tests.support import raises

# RFC 4648, section 10, without the padding.
VECTORS = ((b"", ""), (b"f", "MY"), (b"fo", "MZXQ"), (b"foo", "MZXW6"), (b"foob", "MZXW6YQ"), (b"fooba", "MZXW6YTB"),
           (b"foobar", "MZXW6YTBOI"))


def test_the_published_vectors():
    for data, text in VECTORS:
        assert encode(data) == text
        assert decode(text) == decode(text.lower()) == data


def test_every_length_comes_back():
    for size in range(70):
        data = bytes([(7 * i + size) & 0xFF for i in range(size)])
        assert decode(encode(data)) == data


def test_what_is_not_its_one_form_is_refused():
    for text in ("M", "MZ", "MZXW6YT", "MY======", "MY ", "M1", "MÄ", "0A", "A" * 1025):
        assert raises(VerifyError, decode, text).rule == "base32", text

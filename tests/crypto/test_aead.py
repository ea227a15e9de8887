# portable: runs on CPython and MicroPython
"""ChaCha20-Poly1305, pure and as served: RFC 8439, every length around a block, and every bit that can be wrong."""

import sys

from jamliquor_lite.crypto import chacha20poly1305, choice, suite
from jamliquor_lite.errors import LocalError
from tests.support import raises, unhex

MICROPYTHON = sys.implementation.name == "micropython"

# Appendix A.5: its nonce is four zero bytes and this counter.
KEY = "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"
COUNTER = 0x0807060504030201
AD = "f33388860000000000004e91"
PLAIN = (
    b"Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or obsoleted"
    b" by other documents at any time. It is inappropriate to use Internet-Drafts as reference material or to cite them"
    b" other than as /\xe2\x80\x9cwork in progress./\xe2\x80\x9d"
)
SEALED = (
    "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100"
    "d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b350638"
    "3606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa115"
    "5b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
    "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f"
    "38"
)

LENGTHS = (0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 79, 80, 112, 127, 128, 129, 191, 192, 193, 255, 256, 257, 300)


def ciphers(key):
    """The one that serves here and the pure twin, which may be the same."""
    return suite.Aead(key), chacha20poly1305.Aead(bytes(key))


def sealed(cipher, counter, ad, plain):
    out = bytearray(len(plain) + 16)
    assert cipher.seal(counter, ad, plain, 0, len(plain), out, 0) == len(out)
    return bytes(out)


def opened(cipher, counter, ad, data):
    """The plaintext, or None when it is refused."""
    out = bytearray(max(len(data) - 16, 0))
    size = cipher.open(counter, ad, data, 0, len(data), out, 0)
    if size < 0:
        assert size == -1
        return None
    assert size == len(out)
    return bytes(out)


def test_the_rfc_s_message():
    for cipher in ciphers(unhex(KEY)):
        assert sealed(cipher, COUNTER, unhex(AD), PLAIN) == unhex(SEALED)
        assert opened(cipher, COUNTER, unhex(AD), unhex(SEALED)) == PLAIN


def test_in_place_and_at_an_offset():
    for cipher in ciphers(unhex(KEY)):
        size = len(PLAIN)
        buf = bytearray(b"\xee" * 7) + PLAIN + bytearray(b"\xee" * 20)
        view = memoryview(buf)
        assert cipher.seal(COUNTER, unhex(AD), view, 7, 7 + size, view, 7) == size + 16
        assert buf == b"\xee" * 7 + unhex(SEALED) + b"\xee" * 4
        assert cipher.open(COUNTER, unhex(AD), buf, 7, 7 + size + 16, buf, 7) == size
        assert buf[7 : 7 + size] == PLAIN and buf[:7] == b"\xee" * 7 and buf[-4:] == b"\xee" * 4
        assert len(buf) == size + 27


def test_from_one_buffer_into_another():
    for cipher in ciphers(unhex(KEY)):
        size = len(PLAIN)
        source = memoryview(b"\x11\x22" + PLAIN + b"\x33")
        out = bytearray(b"\xee" * (size + 16 + 10))
        assert cipher.seal(COUNTER, memoryview(unhex(AD)), source, 2, 2 + size, out, 5) == size + 16
        assert out == b"\xee" * 5 + unhex(SEALED) + b"\xee" * 5
        back = bytearray(size + 2)
        assert cipher.open(COUNTER, bytearray(unhex(AD)), out, 5, 5 + size + 16, memoryview(back), 1) == size
        assert back == b"\0" + PLAIN + b"\0"


def test_every_length_around_a_block():
    data = bytes([(i * 7 + 3) & 255 for i in range(300)])
    for key in (bytes(32), b"\xff" * 32, bytes(range(32))):
        served, pure = ciphers(key)
        for size in LENGTHS:
            for ad in (b"", data[:1], data[:16], data[:17], data[:64], data[: size & 31]):
                counter = size * 0x01010101
                result = sealed(served, counter, ad, data[:size])
                if size < 66 or ad == b"":
                    assert result == sealed(pure, counter, ad, data[:size]), (size, len(ad))
                assert opened(served, counter, ad, result) == data[:size]


def test_counters_over_all_64_bits():
    served, pure = ciphers(b"\x5a" * 32)
    seen = set()
    for counter in (0, 1, 255, 256, 1 << 30, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 33, (1 << 64) - 2):
        result = sealed(served, counter, b"", b"plain")
        assert result == sealed(pure, counter, b"", b"plain"), counter
        assert opened(served, counter, b"", result) == b"plain"
        assert opened(served, counter ^ 1, b"", result) is None
        assert opened(served, counter ^ 1 << 40, b"", result) is None
        seen.add(result)
    assert len(seen) == 11


def test_every_wrong_bit_is_seen():
    for cipher in ciphers(unhex(KEY)):
        plain = PLAIN[:21]
        right = sealed(cipher, 9, b"ad", plain)
        for at in range(len(right)):
            wrong = bytearray(right)
            wrong[at] ^= 1 << (at & 7)
            assert opened(cipher, 9, b"ad", wrong) is None, at
        for ad in (b"", b"a", b"ae", b"ad\0", b"Ad"):
            assert opened(cipher, 9, ad, right) is None
        assert opened(cipher, 10, b"ad", right) is None
        assert opened(cipher, 9, b"ad", right) == plain


def test_what_is_shorter_than_a_tag_is_refused():
    for cipher in ciphers(unhex(KEY)):
        right = sealed(cipher, 0, b"", b"x")
        for size in range(17):
            assert opened(cipher, 0, b"", right[:size]) is None
        assert opened(cipher, 0, b"", b"") is None
        assert opened(cipher, 0, b"", sealed(cipher, 0, b"", b"")) == b""
        assert opened(cipher, 0, b"", bytes(16)) is None


def test_a_short_output_is_our_own_mistake_and_nothing_is_written_past_it():
    for cipher in ciphers(unhex(KEY)):
        out = bytearray(31)
        raises(Exception, cipher.seal, 0, b"", bytes(16), 0, 16, out, 0)
        assert len(out) == 31
        right = sealed(cipher, 0, b"", bytes(16))
        raises(Exception, cipher.open, 0, b"", right, 0, 32, bytearray(15), 0)
        raises(Exception, cipher.seal, 0, b"", bytes(8), 0, 16, bytearray(64), 0)


def test_ciphers_do_not_disturb_each_other():
    first, second = suite.Aead(bytes(32)), suite.Aead(b"\x01" * 32)
    a = sealed(first, 0, b"", PLAIN)
    b = sealed(second, 0, b"", PLAIN)
    assert a != b
    assert opened(second, 0, b"", a) is None
    assert opened(first, 0, b"", a) == PLAIN == opened(second, 0, b"", b)


def test_a_key_of_another_length():
    for size in (0, 16, 31, 33):
        assert raises(LocalError, suite.Aead, bytes(size)).exit_code == 2


# RFC 8439 appendix A.3, tests 7 to 11: (r, message, tag), s being zero; blocks at the edge of 2^130 - 5.
_ONE = b"\x01" + bytes(15)
_TWO = b"\x02" + bytes(15)
_FULL = b"\xff" * 16
_BIG = b"\x01" + bytes(7) + b"\x04" + bytes(7)
_HEAD = unhex("e33594d7505e43b900000000000000003394d7505e4379cd0100000000000000") + bytes(16)
POLY = (
    (_TWO, _FULL, b"\x03" + bytes(15)),
    (_ONE, _FULL + b"\xf0" + _FULL[1:] + b"\x11" + bytes(15), b"\x05" + bytes(15)),
    (_ONE, _FULL + b"\xfb" + b"\xfe" * 15 + b"\x01" * 16, bytes(16)),
    (_TWO, b"\xfd" + _FULL[1:], b"\xfa" + _FULL[1:]),
    (_BIG, _HEAD + _ONE, b"\x14" + bytes(7) + b"\x55" + bytes(7)),
    (_BIG, _HEAD, b"\x13" + bytes(15)),
)


def test_poly1305_where_its_sums_wrap():
    for r, message, tag in POLY:
        total = chacha20poly1305._absorb(0, int.from_bytes(r, "little"), memoryview(message))
        assert (total & ((1 << 128) - 1)).to_bytes(16, "little") == tag


def viper():
    """MicroPython's machine code, where it serves."""
    return choice.port.native("aead", ("viper",))[0] if MICROPYTHON else None


def test_viper_serves_on_micropython():
    assert (viper() is not None) == MICROPYTHON
    assert not MICROPYTHON or choice.get("aead").label in ("c", "viper")


def viper_poly1305(it, key, message):
    """The tag that viper's parts make; its words 80 and 82 say from where and how many bytes."""
    tag = bytearray(16)
    it._load_poly(it._words, bytearray(key))
    it._words[80] = 0
    it._words[82] = len(message)
    it._absorb(it._words, message)
    it._tag_of(it._words, tag)
    return int.from_bytes(tag, "little")


def test_viper_s_poly1305_where_its_sums_wrap():
    it = viper()
    if it is None:
        return
    for s in (bytes(16), _ONE, _FULL):
        for r, message, answer in POLY:
            total = int.from_bytes(answer, "little") + int.from_bytes(s, "little")
            assert viper_poly1305(it, r + s, message) == total & (1 << 128) - 1, (r, len(message))


def test_viper_s_poly1305_over_keys_of_all_ones():
    # The largest limbs there are: sums that would pass 32 bits would do so here.
    it = viper()
    if it is None:
        return
    for size in (1, 15, 16, 17, 256, 1000):
        message = b"\xff" * size
        padded = message + bytes(-size % 16)
        total = chacha20poly1305._absorb(0, chacha20poly1305._CLAMP, memoryview(padded)) + (1 << 128) - 1
        assert viper_poly1305(it, _FULL + _FULL, message) == total & (1 << 128) - 1, size


def test_viper_allocates_nothing():
    if viper() is None:
        return
    import micropython

    cipher = suite.Aead(bytes(32))
    buf = bytearray(1016)
    view = memoryview(buf)
    micropython.heap_lock()
    try:
        sealed = cipher.seal(7, b"ad", view, 0, 1000, view, 0)
        opened = cipher.open(7, b"ad", view, 0, 1016, view, 0)
    finally:
        micropython.heap_unlock()
    assert sealed == 1016 and opened == 1000 and buf[:1000] == bytes(1000)

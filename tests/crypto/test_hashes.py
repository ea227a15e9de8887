# portable: runs on CPython and MicroPython
"""BLAKE2b-256 and SHA-512, pure and as served: known answers, all lengths around a block, pieces, views."""

import sys

from jamliquor_lite.crypto import blake2b, sha512, suite
from tests.support import tohex

MICROPYTHON = sys.implementation.name == "micropython"

# BLAKE2b-256 as `b2sum -l 256` gives it; "abc" is the text of RFC 7693 appendix A.
BLAKE2B = (
    (b"", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"),
    (b"abc", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
    (b"a" * 127, "59e2f1aba240f20aa591016f5ef429990bc9c2131dcd0d30f0ffd75ed18f317d"),
    (b"a" * 128, "ae2aa48507885c4c950fb809b2076f959cde9f8ea6da260d9a3587df33dac450"),
    (b"a" * 129, "2f64744a6de0d2c0b56e64cf6e29a5aaa255010d415d51c75ccc82f73dccd865"),
    (b"a" * 256, "eae4d3a7627549b383179dc18049964f91a6fed14c9f3fb26705eda3eeda5558"),
    (b"a" * 1000, "e00b0ddbf1e2cdaf5c898e1a5e8826ea3a2c339bcf2a478da2e5fca9ff126672"),
)

# FIPS 180-4's examples, and `sha512sum` around the lengths where the padding takes another block.
SHA512 = (
    (
        b"",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    ),
    (
        b"abc",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ),
    (
        b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
        b"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
        "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
    ),
)

# Lengths 0 to 299 in one answer, made by hashlib: x = H(x + H(data)), from an empty x.
ALL_BLAKE2B = "9c2180a82f05f33e4a7ac7840f6ea7bf2df7a13dbf2540832af49af3a7fe2bba"
ALL_SHA512 = (
    "28f7a01c58a081181931502012456890f1dc98a969abd1a4beb76b9cebab3928"
    "17ff8475029a8295d5a032194c24f276bb235423861b9acdd81d2b74cadfd32d"
)


def _data(size):
    return bytes([(i * 7 + size) & 255 for i in range(size)])


def test_blake2b_known_answers():
    for data, digest in BLAKE2B:
        assert tohex(blake2b.blake2b_256(data)) == digest, len(data)
        assert tohex(suite.blake2b_256(data)) == digest, len(data)


def test_sha512_known_answers():
    for data, digest in SHA512:
        assert tohex(sha512.sha512(data)) == digest, len(data)
        assert tohex(suite.sha512(data)) == digest, len(data)


def test_every_length():
    for pure, digest in ((blake2b.blake2b_256, ALL_BLAKE2B), (sha512.sha512, ALL_SHA512)):
        chained = b""
        for size in range(300):
            chained = pure(chained + pure(_data(size)))
        assert tohex(chained) == digest


def test_pieces():
    data = _data(700)
    for make in (blake2b.Blake2b256, suite.Blake2b256):
        for step in (1, 63, 64, 127, 128, 129, 256, 700):
            state = make()
            state.update(b"")
            for at in range(0, len(data), step):
                state.update(data[at : at + step])
            assert state.digest() == blake2b.blake2b_256(data), step
            assert state.digest() == blake2b.blake2b_256(data), "a digest changes nothing"


def test_digest_midway():
    data = _data(300)
    state = blake2b.Blake2b256()
    for at in range(0, 300, 20):
        assert state.digest() == blake2b.blake2b_256(data[:at])
        state.update(data[at : at + 20])


def test_any_buffer():
    data = _data(200)
    view = memoryview(bytearray(b"##" + data + b"##"))[2:202]
    for hash_ in (blake2b.blake2b_256, sha512.sha512, suite.blake2b_256, suite.sha512):
        assert hash_(bytearray(data)) == hash_(view) == hash_(data)
    state = suite.Blake2b256()
    state.update(view)
    assert state.digest() == suite.blake2b_256(data)


def test_a_changed_bit_changes_the_hash():
    seen = set()
    for bit in range(0, 8 * 129, 8 if MICROPYTHON else 1):
        data = bytearray(129)
        data[bit >> 3] ^= 1 << (bit & 7)
        seen.add(blake2b.blake2b_256(data))
        seen.add(sha512.sha512(data)[:32])
    assert len(seen) == 2 * (129 if MICROPYTHON else 8 * 129)


def test_sha512_in_pieces():
    data = bytes([i * 7 & 0xFF for i in range(700)])
    whole = sha512.sha512(data)
    for sizes in ((1, 699), (127, 1, 572), (128, 572), (129, 255, 316), (100, 28, 100, 156, 0, 316), (700,)):
        for make in (sha512.Sha512, suite.incremental_sha512):
            state = make()
            at = 0
            for size in sizes:
                state.digest()  # more may follow
                state.update(memoryview(data)[at : at + size])
                at += size
            assert state.digest() == whole == suite.sha512(data)

# portable: runs on CPython and MicroPython
"""X25519, pure and as served: RFC 7748, and the keys that share nothing."""

import sys

from jamliquor_lite.crypto import suite, x25519
from jamliquor_lite.errors import LocalError, VerifyError
from tests.support import raises, unhex

MICROPYTHON = sys.implementation.name == "micropython"

# (secret, public key, shared): section 5.2. The second's public key has its top bit set, which does not count.
SHARED = (
    (
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    ),
    (
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ),
)

# Section 6.1: two secrets, their public keys, and what they share.
ALICE = (
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
)
BOB = (
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
)
BOTH = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"

# After 1 and 1000 rounds of k, u = X25519(k, u), k from k = u = 9: section 5.2.
AFTER_1 = "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
AFTER_1000 = "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"

# Points of small order, in all their encodings below 2^255: 0, 1, two of order 8, p - 1, p and p + 1.
SMALL = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)


def test_shared():
    for secret, public, shared in SHARED:
        assert x25519.exchange(unhex(secret), unhex(public)) == unhex(shared)
        assert suite.x25519(unhex(secret), unhex(public)) == unhex(shared)
        assert suite.x25519(bytearray(unhex(secret)), memoryview(unhex(public))) == unhex(shared)


def test_the_top_bit_of_a_public_key_does_not_count():
    secret, public, shared = [unhex(x) for x in SHARED[0]]
    high = public[:31] + bytes((public[31] ^ 0x80,))
    assert x25519.exchange(secret, high) == shared == suite.x25519(secret, high)


def test_key_agreement():
    for which in (x25519.public, suite.x25519_public):
        assert which(unhex(ALICE[0])) == unhex(ALICE[1])
        assert which(unhex(BOB[0])) == unhex(BOB[1])
    assert suite.x25519(unhex(ALICE[0]), unhex(BOB[1])) == unhex(BOTH)
    assert suite.x25519(unhex(BOB[0]), unhex(ALICE[1])) == unhex(BOTH)


def test_many_rounds():
    # The thousand takes seconds in plain integers, so there the natives run it alone.
    for exchange, rounds, answer in ((x25519.exchange, 1, AFTER_1), (suite.x25519, 1, AFTER_1)):
        k = u = b"\x09" + bytes(31)
        for _ in range(rounds):
            k, u = exchange(k, u), k
        assert k == unhex(answer)
    if not MICROPYTHON:
        k = u = b"\x09" + bytes(31)
        for _ in range(1000):
            k, u = suite.x25519(k, u), k
        assert k == unhex(AFTER_1000)


def test_secrets_are_clamped():
    secret = bytearray(unhex(ALICE[0]))
    for flip in ((0, 1), (0, 2), (0, 4), (31, 128)):
        secret[flip[0]] ^= flip[1]
        assert x25519.public(bytes(secret)) == suite.x25519_public(secret) == unhex(ALICE[1])
    secret[31] &= 63
    assert suite.x25519_public(secret) == x25519.public(bytes(secret)) == unhex(ALICE[1])


def test_points_of_small_order_are_refused():
    secret = unhex(ALICE[0])
    for public in SMALL:
        assert x25519.exchange(secret, unhex(public)) == bytes(32)
        error = raises(VerifyError, suite.x25519, secret, unhex(public))
        assert error.rule == "x25519"


def test_other_lengths_are_refused():
    secret, public = unhex(ALICE[0]), unhex(BOB[1])
    for size in (0, 1, 31, 33, 64):
        error = raises(VerifyError, suite.x25519, secret, (public + public)[:size])
        assert error.rule == "x25519" and str(size) in str(error)
        assert raises(LocalError, suite.x25519, (secret + secret)[:size], public).exit_code == 2
        assert raises(LocalError, suite.x25519_public, (secret + secret)[:size]).exit_code == 2


def test_a_secret_serves_as_often_as_it_is_asked():
    # A native may keep the secret of the last public key for a while; what it keeps must never be another's.
    alice, bob = unhex(ALICE[0]), unhex(BOB[0])
    for _ in range(2):
        assert suite.x25519_public(alice) == unhex(ALICE[1])
        for _ in range(4):
            assert suite.x25519(alice, unhex(BOB[1])) == unhex(BOTH)
            assert suite.x25519(bob, unhex(ALICE[1])) == unhex(BOTH)
        assert suite.x25519_public(bob) == unhex(BOB[1])

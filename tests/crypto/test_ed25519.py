# portable: runs on CPython and MicroPython
"""Ed25519, pure and as served: RFC 8032's vectors, and ZIP-215 where it differs from what libraries do."""

import json
import sys

from jamliquor_lite.crypto import ed25519, suite
from jamliquor_lite.errors import LocalError
from tests.support import raises, read, unhex, vectors

MICROPYTHON = sys.implementation.name == "micropython"
L = 2**252 + 27742317777372353535851937790883648493

# RFC 8032 section 7.1, tests 1 to 3 and SHA(abc): seed, public, message, signature.
RFC8032 = (
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        "454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
        "3dca179c138ac17ad9bef1177331a704",
    ),
)

# The points of small order in every encoding that ZIP-215 admits: canonical, y not reduced, negative zero.
SMALL_ORDER = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
)


def test_rfc8032():
    for row in RFC8032:
        seed, public, message, signature = [unhex(x) for x in row]
        assert ed25519.public(seed) == public == suite.ed25519_public(seed)
        assert ed25519.sign(seed, message) == signature == suite.ed25519_sign(seed, message)
        assert suite.ed25519_sign(seed, message, public) == signature
        assert ed25519.verify(public, signature, message)
        assert suite.ed25519_verify(public, signature, message)


def test_every_part_is_bound():
    _, public, message, signature = [unhex(x) for x in RFC8032[2]]
    parts = [public, signature, message]
    for which in range(3):
        for bit in range(which, len(parts[which]) * 8, 61 if MICROPYTHON else 11):
            changed = [bytearray(p) for p in parts]
            changed[which][bit >> 3] ^= 1 << (bit & 7)
            assert suite.ed25519_verify(changed[0], changed[1], changed[2]) is False, (which, bit)


def test_lengths():
    _, public, message, signature = [unhex(x) for x in RFC8032[0]]
    for verify in (ed25519.verify, suite.ed25519_verify):
        for size in (0, 31, 33, 64):
            assert verify((public * 2)[:size], signature, message) is False
        for size in (0, 63, 65, 128):
            assert verify(public, (signature * 2)[:size], message) is False
    for size in (0, 31, 33):
        error = raises(LocalError, suite.ed25519_public, bytes(size))
        assert error.exit_code == 2 and "32 bytes" in str(error)
        raises(LocalError, suite.ed25519_sign, bytes(size), b"")


def test_s_has_to_be_reduced():
    _, public, message, signature = [unhex(x) for x in RFC8032[1]]
    s = int.from_bytes(signature[32:], "little")
    for verify in (ed25519.verify, suite.ed25519_verify):
        assert verify(public, signature, message)
        assert verify(public, signature[:32] + (s + L).to_bytes(32, "little"), message) is False
        # With a key and an R of small order s = 0 holds, so s = L tells the rule from the equation.
        small = unhex(SMALL_ORDER[0])
        assert verify(small, small + bytes(32), message)
        assert verify(small, small + L.to_bytes(32, "little"), message) is False


def test_small_order_in_every_encoding():
    for first, key in enumerate(SMALL_ORDER):
        for second, r in enumerate(SMALL_ORDER):
            if MICROPYTHON and (first + second) % 5:
                continue
            signature = unhex(r) + bytes(32)
            assert suite.ed25519_verify(unhex(key), signature, b"JAM"), (key, r)


def test_a_y_without_an_x_is_refused():
    refused = 0
    for y in range(2, 20):
        encoded = y.to_bytes(32, "little")
        if ed25519._decode(encoded) is None:
            refused += 1
            assert suite.ed25519_verify(encoded, unhex(SMALL_ORDER[0]) + bytes(32), b"") is False
            assert suite.ed25519_verify(unhex(SMALL_ORDER[0]), encoded + bytes(32), b"") is False
    assert 4 < refused < 14


def test_cofactor():
    # A signature by an honest scalar whose R carries a point of order 8: only the multiplied equation holds.
    seed = bytes(range(32))
    public = ed25519.public(seed)
    expanded = suite.sha512(seed)
    scalar = ed25519._clamp(expanded)
    torsion = ed25519._decode(unhex(SMALL_ORDER[4]))
    r = ed25519._encode(ed25519._add(ed25519._multiply_add(99, ed25519._BASE, 0, ed25519._IDENTITY), torsion))
    k = int.from_bytes(suite.sha512(r + public + b"message"), "little") % L
    signature = r + ((99 + k * scalar) % L).to_bytes(32, "little")
    assert ed25519.verify(public, signature, b"message")
    assert suite.ed25519_verify(public, signature, b"message")
    assert not suite.ed25519_verify(public, signature, b"massage")


def test_zip215_vectors():
    cases = json.loads(read(vectors("ed25519_zip215.json")).decode())
    assert len(cases) == 98
    for case in cases:
        signature = unhex(case["r"]) + unhex(case["s"])
        message = unhex(case["msg"])
        assert suite.ed25519_verify(unhex(case["pk"]), signature, message), case["number"]
        if not MICROPYTHON:
            assert ed25519.verify(unhex(case["pk"]), signature, message), case["number"]

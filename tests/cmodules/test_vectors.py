"""The C code against what others have published: RFCs, ZIP-215, Wycheproof, and a hash over all that ML-KEM made."""

import hashlib

import pytest

from jamliquor_lite.crypto import ed25519, suite
from tests.cmodules.library import Library
from tests.crypto.test_ed25519 import RFC8032, SMALL_ORDER, L
from tests.support import unhex

# RFC 8439 section 2.8.2.
AEAD_KEY = bytes(range(0x80, 0xA0))
AEAD_NONCE = unhex("070000004041424344454647")
AEAD_AD = unhex("50515253c0c1c2c3c4c5c6c7")
AEAD_TEXT = (
    b"Ladies and Gentlemen of the class of '99: "
    b"If I could offer you only one tip for the future, sunscreen would be it."
)
AEAD_SEALED = (
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
    "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
    "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"
)

# RFC 7748 section 5.2: from the point 9, each shared secret the next secret, and the last secret the next point.
ITERATED = {
    1: "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
    1000: "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51",
}

# Wycheproof, x25519_test.json at commit dac1dd4, of each kind of special key and result: tcId, secret, public, shared.
X25519 = (
    (
        2, "d85d8c061a50804ac488ad774ac716c3f5ba714b2712e048491379a500211958",
        "63aa40c6e38346c5caf23a6df0a5e6c80889a08647e551b3563449befcfc9733",
        "279df67a7c4611db4708a0e8282b195e5ac0ed6f4b2f292c6fbd0acac30d1332",
    ),
    (
        7, "d03edde9f3e7b799045f9ac3793d4a9277dadeadc41bec0290f81f744f73775f",
        "0200000000000000000000000000000000000000000000000000000000000000",
        "b87a1722cc6c1e2feecb54e97abd5a22acc27616f78f6e315fd2b73d9f221e57",
    ),
    (
        34, "a8386f7f16c50731d64f82e6a170b142a4e34f31fd7768fcb8902925e7d1e25a",
        "0400000000000000000000000000000000000000000000000000000000000000",
        "34b7e4fa53264420d9f943d15513902342b386b172a0b0b7c8b8f2dd3d669f59",
    ),
    (
        63, "e0f978dfcd3a8f1a5093418de54136a584c20b7b349afdf6c0520886f95b1272",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        65, "c8fe0df92ae68a03023fc0c9adb9557d31be7feed0d3ab36c558143daf4dbb40",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        66, "c8d74acde5934e64b9895d5ff7afbffd7f704f7dfccff7ac28fa62a1e6410347",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        68, "2064b2f4c9dc97ec7cf58932fdfa3265ba6ea4d11f0259b8efc8afb35db88c48",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        84, "7887889bac4c629a101d3724f2ed8b98d936fde79e1a1f77d86779626bf8f263",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        87, "0016b62af5cabde8c40938ebf2108e05d27fa0533ed85d70015ad4ad39762d54",
        "efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "b4d10e832714972f96bd3382e4d082a21a8333a16315b3ffb536061d2482360d",
    ),
    (
        89, "88dd14e2711ebd0b0026c651264ca965e7e3da5082789fbab7e24425e7b4377e",
        "f1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "6919992d6a591e77b3f2bacbd74caf3aea4be4802b18b2bc07eb09ade3ad6662",
    ),
    (
        101, "4866e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba4d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a413",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ),
    (
        103, "60a3a4f130b98a5be4b1cedb7cb85584a3520e142d474dc9ccb909a073a9767f",
        "b7b6d39c765cb60c0c8542f4f3952ffb51d3002d4aeb9f8ff988b192043e6d0a",
        "0200000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        104, "60a3a4f130b98a5be4b1cedb7cb85584a3520e142d474dc9ccb909a073a9767f",
        "3b18df1e50b899ebd588c3161cbd3bf98ebcc2c1f7df53b811bd0e91b4d5153d",
        "0900000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        119, "e0a8be63315c4f0f0a3fee607f44d30a55be63f09561d9af93e0a1c9cf0ed751",
        "0200000000000000000000000000000000000000000000000000000000000000",
        "0c50ac2bfb6815b47d0734c5981379882a24a2de6166853c735329d978baee4d",
    ),
    (
        120, "0840a8af5bc4c48da8850e973d7e14220f45c192cea4020d377eecd25c7c3643",
        "1200000000000000000000000000000000000000000000000000000000000000",
        "77557137a2a2a651c49627a9b239ac1f2bf78b8a3e72168ccecc10a51fc5ae66",
    ),
    (
        511, "a023cdd083ef5bb82f10d62e59e15a6800000000000000000000000000000050",
        "6c05871352a451dbe182ed5e6ba554f2034456ffe041a054ff9cc56b8e946376",
        "6c05871352a451dbe182ed5e6ba554f2034456ffe041a054ff9cc56b8e946376",
    ),)

# How many keys, and SHAKE128 over all that came of them: crypto/mlkem of Go 1.24, its test of accumulated vectors.
MLKEM = {
    100: "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415",
    10_000: "8a518cc63da366322a8e7a818c7a0d63483cb3528d34a4cf42f35d5ad73f22fc",
}


def test_rfc8439(c: Library) -> None:
    sealed = unhex(AEAD_SEALED)
    assert c.seal(AEAD_KEY, AEAD_NONCE, AEAD_AD, AEAD_TEXT) == sealed
    assert c.seal_in_place(AEAD_KEY, AEAD_NONCE, AEAD_AD, AEAD_TEXT) == sealed
    assert c.open(AEAD_KEY, AEAD_NONCE, AEAD_AD, sealed) == AEAD_TEXT
    assert c.open_in_place(AEAD_KEY, AEAD_NONCE, AEAD_AD, sealed) == AEAD_TEXT
    for bit in range(0, 8 * len(sealed), 7):
        wrong = bytearray(sealed)
        wrong[bit // 8] ^= 1 << bit % 8
        assert c.open(AEAD_KEY, AEAD_NONCE, AEAD_AD, bytes(wrong)) is None


def test_rfc7693_and_hashlib(c: Library) -> None:
    abc = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"
    assert c.blake2b(b"abc") == unhex(abc)
    data = bytes(range(256)) * 3
    for size in (*range(140), 255, 256, 257, 383, 384, 385, 700):
        expected = hashlib.blake2b(data[:size], digest_size=32).digest()
        assert c.blake2b(data[:size]) == expected
        for cut in (1, 7, 64, 128, 129):
            assert c.blake2b_pieces([data[:size][at : at + cut] for at in range(0, size, cut)]) == expected


def test_fips202(c: Library) -> None:
    data = bytes(range(256)) * 2
    for size in (*range(12), 71, 72, 73, 135, 136, 137, 167, 168, 169, 272, 500):
        for cut in (0, size // 3, size):
            first, more = data[:cut], data[cut:size]
            assert c.keccak(32, 136, 6, first, more) == hashlib.sha3_256(data[:size]).digest()
            assert c.keccak(64, 72, 6, first, more) == hashlib.sha3_512(data[:size]).digest()
            for length in (1, 136, 137, 400):
                assert c.keccak(length, 136, 0x1F, first, more) == hashlib.shake_256(data[:size]).digest(length)
                assert c.keccak(length, 168, 0x1F, first, more) == hashlib.shake_128(data[:size]).digest(length)


def test_rfc7748(c: Library) -> None:
    secret = point = b"\x09" + bytes(31)
    for turn in range(1, 1001):
        secret, point = c.x25519(secret, point), secret
        if turn in ITERATED:
            assert secret == unhex(ITERATED[turn])
    for secret in (b"\x01" * 32, b"\xff" * 32):
        assert c.x25519_public(secret) == c.x25519(secret, b"\x09" + bytes(31))


@pytest.mark.parametrize("number, secret, public, shared", X25519, ids=[str(row[0]) for row in X25519])
def test_wycheproof_x25519(c: Library, number: int, secret: str, public: str, shared: str) -> None:
    assert c.x25519(unhex(secret), unhex(public)) == unhex(shared)


def test_rfc8032(c: Library) -> None:
    for row in RFC8032:
        seed, public, message, signature = [unhex(x) for x in row]
        assert c.ed25519_public(seed) == public
        assert c.ed25519_sign(seed, message) == signature
        assert c.ed25519_verify(public, signature, message)
        for bit in range(0, 512, 5):
            wrong = bytearray(signature)
            wrong[bit // 8] ^= 1 << bit % 8
            assert not c.ed25519_verify(public, bytes(wrong), message)


def test_points_of_small_order_in_every_encoding(c: Library) -> None:
    for key in SMALL_ORDER:
        for r in SMALL_ORDER:
            assert c.ed25519_verify(unhex(key), unhex(r) + bytes(32), b"JAM")


def test_s_has_to_be_below_the_order(c: Library) -> None:
    small = unhex(SMALL_ORDER[0])
    for multiple in range(1, 16):
        assert not c.ed25519_verify(small, small + (multiple * L).to_bytes(32, "little"), b"")
    assert c.ed25519_verify(small, small + bytes(32), b"")
    assert not c.ed25519_verify(small, small + (L - 1).to_bytes(32, "little"), b"")
    assert not c.ed25519_verify(small, small + b"\xff" * 32, b"")


def test_every_point_of_small_order_beside_an_honest_one(c: Library) -> None:
    # A + T and R + U for all T and U of small order: only the equation times the cofactor holds for all of them.
    torsion = [ed25519._decode(unhex(text)) for text in SMALL_ORDER[:8]]
    a, r = 7777, 99
    for i, t in enumerate(torsion):
        for j, u in enumerate(torsion):
            assert t is not None and u is not None
            public = ed25519._encode(ed25519._add(ed25519._multiply(a, ed25519._BASE), t))
            commitment = ed25519._encode(ed25519._add(ed25519._multiply(r, ed25519._BASE), u))
            message = bytes([i, j])
            k = int.from_bytes(suite.sha512(commitment + public + message), "little") % L
            for s, holds in (((r + k * a) % L, True), ((r + k * a + 1) % L, False)):
                assert c.ed25519_verify(public, commitment + s.to_bytes(32, "little"), message) is holds


def test_a_y_without_an_x_is_refused(c: Library) -> None:
    small = unhex(SMALL_ORDER[0])
    none = [y.to_bytes(32, "little") for y in range(2, 60) if ed25519._decode(y.to_bytes(32, "little")) is None]
    assert 20 < len(none) < 40
    for encoded in none:
        assert not c.ed25519_verify(encoded, small + bytes(32), b"")
        assert not c.ed25519_verify(small, encoded + bytes(32), b"")


@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=pytest.mark.long)])
def test_accumulated_mlkem(c: Library, count: int) -> None:
    drawn = hashlib.shake_128().digest(count * (96 + 1088))
    made = hashlib.shake_128()
    for at in range(0, len(drawn), 96 + 1088):
        seed, entropy, ciphertext = drawn[at : at + 64], drawn[at + 64 : at + 96], drawn[at + 96 : at + 96 + 1088]
        public, secret = c.mlkem_keypair(seed)
        pair = c.mlkem_encapsulate(public, entropy)
        assert pair is not None and c.mlkem_decapsulate(secret, pair[0]) == pair[1]
        for part in (public, *pair, c.mlkem_decapsulate(secret, ciphertext)):
            made.update(part)
    assert made.digest(32) == unhex(MLKEM[count])


def test_no_coefficient_of_a_public_key_may_reach_the_modulus(c: Library) -> None:
    public, _ = c.mlkem_keypair(bytes(64))
    for place in range(768):
        for value in (3328, 3329, 3330, 4095) if place % 97 == 0 else (3328, 3329):
            changed = bytearray(public)
            at = place // 2 * 3
            if place % 2:
                changed[at + 1] = changed[at + 1] & 0x0F | (value & 15) << 4
                changed[at + 2] = value >> 4
            else:
                changed[at] = value & 255
                changed[at + 1] = changed[at + 1] & 0xF0 | value >> 8
            assert (c.mlkem_encapsulate(bytes(changed), bytes(32)) is not None) == (value < 3329), (place, value)

# portable: runs on CPython and MicroPython
"""ML-KEM-768, pure and as served: recorded answers, implicit rejection, and keys that are none."""

from jamliquor_lite.crypto import mlkem768, suite, suite_hosts
from jamliquor_lite.errors import LocalError, VerifyError
from tests.support import raises, unhex

# Seeds of 64 equal bytes: 0x15 and 0x55 are those of the first and fifth vector of the drafts of Noise XXhfs, whose
# public keys begin as told (py-libp2p pull request 1310, commit cea85ba7); the rest was recorded from OpenSSL.
KEYS = (
    (0x15, "b989c17f78bdfc62afa2c0855471be97", "c29190dab0bdfa382433df4a438b162e2221862d611ef305de46c28c9d2730ab"),
    (0x55, "12ec5425115d3a565e93cb462979079a", "bd38559a78dc6960bd9edeb1c689a0ec80ba99f2ce5486f7921a4d3d4d213cd0"),
)

# For the key of 0x15 and the entropy of 32 bytes 0x16: SHA-256 of the ciphertext, the shared bytes, and what a
# ciphertext of 1088 zeros gives.
CIPHERTEXT = "84f230492ef88cebc8e5feef6225a77377ec4910ec29edb485b3c7b6adf0bd8d"
SHARED = "e88984b057af7556c0de6d9c56db9b99cc8a551ea0e3f32b34adf4e8de3520c9"
REJECTED = "cb4c4db367782068bb616e8c0e3b41244e06ad19b29f49d064f37d634c8ebf34"

Q = 3329


def twins():
    """The pure one, and the one that serves here: (what to call, whether it heeds seed and entropy)."""
    from jamliquor_lite.crypto import choice

    served = choice.get("mlkem768")
    return (mlkem768,) if served is mlkem768 else (mlkem768, served)


def test_public_keys():
    for it in twins():
        for byte, begin, digest in KEYS:
            public, _ = it.keypair(bytes((byte,)) * 64)
            assert len(public) == 1184
            if it.takes_seed:
                assert public[:16] == unhex(begin)
                assert suite.sha256(public) == unhex(digest)


def test_recorded_exchange():
    public, secret = mlkem768.keypair(b"\x15" * 64)
    ciphertext, shared = mlkem768.encapsulate(public, b"\x16" * 32)
    assert suite.sha256(ciphertext) == unhex(CIPHERTEXT) and shared == unhex(SHARED)
    for it in twins():
        if it.takes_seed:
            _, secret = it.keypair(b"\x15" * 64)
            assert it.decapsulate(secret, ciphertext) == unhex(SHARED)
            assert it.decapsulate(secret, bytes(1088)) == unhex(REJECTED)


def test_both_sides_share_the_same_bytes():
    for it in twins():
        public, secret = it.keypair(bytes(range(64)))
        ciphertext, shared = it.encapsulate(public, b"\x07" * 32)
        assert len(ciphertext) == 1088 and len(shared) == 32
        assert it.decapsulate(secret, ciphertext) == shared
        assert it.decapsulate(secret, ciphertext) == shared


def test_a_forged_ciphertext_gives_other_bytes_and_always_the_same():
    for it in twins():
        public, secret = it.keypair(bytes(range(64)))
        ciphertext, shared = it.encapsulate(public, bytes(32))
        seen = {shared}
        for at in (0, 959, 960, 1087):
            forged = bytearray(ciphertext)
            forged[at] ^= 1
            rejected = it.decapsulate(secret, bytes(forged))
            assert len(rejected) == 32 and rejected == it.decapsulate(secret, bytes(forged))
            seen.add(rejected)
        assert len(seen) == 5


def test_the_second_half_of_the_seed_counts_for_rejection_only():
    first, secret = mlkem768.keypair(bytes(range(64)))
    second, other = mlkem768.keypair(bytes(range(32)) + bytes(32))
    assert first == second
    ciphertext, shared = mlkem768.encapsulate(first, bytes(32))
    assert mlkem768.decapsulate(secret, ciphertext) == mlkem768.decapsulate(other, ciphertext) == shared
    assert mlkem768.decapsulate(secret, bytes(1088)) != mlkem768.decapsulate(other, bytes(1088))


def test_a_key_that_is_not_reduced_is_refused():
    public, _ = suite.mlkem768_keypair(bytes(range(64)))
    for coefficient in (0, 1, 254, 255, 256, 511, 512, 767):
        for value in (Q, Q + 1, 4095):
            key = bytearray(public)
            at = coefficient // 2 * 3
            if coefficient & 1:
                key[at + 1] = key[at + 1] & 15 | (value & 15) << 4
                key[at + 2] = value >> 4
            else:
                key[at] = value & 255
                key[at + 1] = key[at + 1] & 0xF0 | value >> 8
            assert raises(VerifyError, suite.mlkem768_encapsulate, key, bytes(32)).rule == "mlkem"
            assert mlkem768.encapsulate(bytes(key), bytes(32)) is None
    key = bytearray(public)
    key[0] = (Q - 1) & 255
    key[1] = key[1] & 0xF0 | (Q - 1) >> 8
    assert len(suite.mlkem768_encapsulate(key, bytes(32))[0]) == 1088


def test_other_lengths_are_refused():
    public, secret = suite.mlkem768_keypair(bytes(range(64)))
    ciphertext, shared = suite.mlkem768_encapsulate(memoryview(public), bytearray(32))
    assert suite.mlkem768_decapsulate(secret, memoryview(ciphertext)) == shared
    for size in (0, 1, 800, 1183, 1185, 1568):
        assert raises(VerifyError, suite.mlkem768_encapsulate, (public + public)[:size], bytes(32)).rule == "mlkem"
    for size in (0, 1, 768, 1087, 1089, 1568):
        error = raises(VerifyError, suite.mlkem768_decapsulate, secret, (ciphertext + ciphertext)[:size])
        assert error.rule == "mlkem" and str(size) in str(error)
    for size in (0, 32, 63, 65):
        raises(LocalError, suite.mlkem768_keypair, bytes(size))
    for size in (0, 31, 33, 64):
        raises(LocalError, suite.mlkem768_encapsulate, public, bytes(size))


def test_coefficients_are_packed_and_unpacked_in_all_sizes():
    for bits in (1, 4, 10, 12):
        poly = mlkem768._zero()
        back = mlkem768._zero()
        for i in range(256):
            poly[i] = i * 13 % Q
        packed = bytearray(32 * bits + 2)
        mlkem768._pack(poly, bits, packed, 1)
        assert packed[0] == packed[-1] == 0
        mlkem768._unpack(packed, 1, bits, back)
        for i in range(256):
            distance = (back[i] - poly[i]) % Q
            # Section 4.2.1: compressing and decompressing moves a coefficient by at most q / 2^(bits+1), rounded.
            assert min(distance, Q - distance) <= (0 if bits == 12 else ((Q >> bits) + 1) // 2 + 1)


def test_the_transform_and_back():
    poly = mlkem768._zero()
    for i in range(256):
        poly[i] = (i * i + 17) % Q
    kept = bytes(poly)
    mlkem768._transform(poly)
    assert bytes(poly) != kept
    mlkem768._invert(poly)
    assert bytes(poly) == kept


def test_the_expanded_key_is_that_of_the_standard():
    public, secret = mlkem768.keypair(bytes(range(64)))
    key = mlkem768.expand(secret)
    assert len(key) == 2400
    assert key[1152:2336] == public
    assert key[2336:2368] == suite_hosts.sha3_256(public)
    assert key[2368:] == bytes(range(32, 64))

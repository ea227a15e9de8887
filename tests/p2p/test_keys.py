# portable: runs on CPython and MicroPython
"""Public keys and peer ids: the vectors of the specification, both text forms, and what is neither."""

from jamliquor_lite.codec import base58
from jamliquor_lite.codec.protobuf import field_bytes, field_int
from jamliquor_lite.errors import VerifyError
from jamliquor_lite.p2p import keys
from tests.p2p import vectors
from tests.support import raises

KEYS = (
    (vectors.RSA_KEY, keys.RSA, 550),
    (vectors.ED25519_KEY, keys.ED25519, 32),
    (vectors.SECP256K1_KEY, keys.SECP256K1, 33),
    (vectors.ECDSA_KEY, keys.ECDSA, 91),
)


def test_the_four_key_types():
    for key, key_type, size in KEYS:
        found, data = keys.decode(memoryview(key))
        assert (found, len(data)) == (key_type, size)
        assert keys.encode(key_type, data) == key


def test_a_short_key_is_its_own_peer_id_and_a_long_one_is_hashed():
    assert keys.peer_id(vectors.ED25519_KEY) == b"\x00\x24" + vectors.ED25519_KEY
    assert keys.peer_id(vectors.SECP256K1_KEY) == b"\x00\x25" + vectors.SECP256K1_KEY
    for key in (vectors.RSA_KEY, vectors.ECDSA_KEY):
        assert len(keys.peer_id(key)) == 34 and keys.peer_id(key)[:2] == b"\x12\x20"
    assert keys.peer_id(bytes(42)) == b"\x00\x2a" + bytes(42)
    assert keys.peer_id(bytes(43))[:2] == b"\x12\x20"


def test_every_peer_id_has_a_name():
    for key, _, _ in KEYS:
        peer_id = keys.peer_id(key)
        keys.check_peer_id(peer_id)
        assert len(peer_id) <= keys.MAX_PEER_ID
        assert keys.parse_peer_name(keys.peer_name(peer_id)) == peer_id
    assert keys.peer_name(keys.peer_id(vectors.ED25519_KEY)).startswith("12D3KooW")
    assert keys.peer_name(keys.peer_id(vectors.SECP256K1_KEY)).startswith("16Uiu2HA")
    assert keys.peer_name(keys.peer_id(vectors.RSA_KEY)).startswith("Qm")


def test_text_forms_of_the_specification():
    for name in (vectors.SHA256_NAME, vectors.ED25519_NAME):
        assert keys.peer_name(keys.parse_peer_name(name)) == name
    assert keys.parse_peer_name(vectors.CID_NAME) == keys.parse_peer_name(vectors.SHA256_NAME)


def test_malformed_keys():
    data = bytes(32)
    good = keys.encode(keys.ED25519, data)
    assert keys.decode(good) == (keys.ED25519, data)
    for key in (
        b"",
        b"\xff",
        good[:-1],
        field_int(1, keys.ED25519),
        field_bytes(2, data),
        field_bytes(2, data) + field_int(1, keys.ED25519),  # in the wrong order
        good + field_int(3, 1),
        field_int(1, keys.ED25519) + good,  # the type twice
        b"\x08\x81\x00" + good[2:],  # the type encoded longer than needed
        field_bytes(1, b"\x01") + field_bytes(2, data),
        field_int(1, keys.ED25519) + field_int(2, 7),
        keys.encode(keys.ED25519, bytes(31)),
        keys.encode(keys.ED25519, bytes(33)),
        keys.encode(keys.SECP256K1, bytes(65)),
        keys.encode(keys.RSA, b""),
        keys.encode(keys.RSA, bytes(32)),  # so short that it would be its own peer id
        keys.encode(keys.ECDSA, bytes(38)),
        keys.encode(keys.RSA, bytes(keys.MAX_KEY)),
    ):
        assert raises(VerifyError, keys.decode, key).rule == "identity", key
    assert "type 4 is not known" in str(raises(VerifyError, keys.decode, keys.encode(4, data)))
    assert "without a type" in str(raises(VerifyError, keys.decode, field_bytes(2, data)))


def test_bytes_that_are_no_peer_id():
    ed25519 = keys.peer_id(vectors.ED25519_KEY)
    for data in (
        b"",
        b"\x00",
        b"\x00\x00",
        ed25519[:-1],
        ed25519 + b"\x00",
        b"\x00\x23" + ed25519[2:],
        b"\x00\x24\x08\x00" + ed25519[4:],  # 32 bytes of RSA
        b"\x12\x20" + bytes(31),
        b"\x12\x1f" + bytes(32),
        b"\x13\x20" + bytes(32),  # SHA-512, cut
        b"\x00\x2b" + bytes(43),
    ):
        assert raises(VerifyError, keys.check_peer_id, data).rule == "peer_id", data


def test_texts_that_are_no_peer_id():
    for name, complaint in (
        ("", "begins with neither"),
        ("zQm", "begins with neither"),
        ("Qm", "not the multihash of a key"),
        (vectors.SHA256_NAME[:-1], "not the multihash of a key"),
        (vectors.SHA256_NAME.replace("o", "0"), "`0` (character 7) is not base 58"),
        (vectors.ED25519_NAME + "1", "not the multihash of a key"),
        ("1" * 97, "97 characters"),
        ("b", "not a CID"),
        ("bafkreie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe", "not a CID"),  # another codec
        (vectors.CID_NAME.upper().replace("B", "b", 1), "base 32 in lower case"),
        (vectors.CID_NAME[:-1] + "f", "middle of a byte"),  # bits beyond the last byte
        (vectors.CID_NAME + "a", "middle of a byte"),
        (vectors.CID_NAME + "aa", "not the multihash of a key"),
        ("bafz", "middle of a byte"),
    ):
        error = raises(VerifyError, keys.parse_peer_name, name)
        assert error.rule == "peer_id" and complaint in str(error), (name, str(error))
    raises(VerifyError, keys.parse_peer_name, base58.encode(b"\x00\x24\x08\x01\x12\x1f" + bytes(32)))

# portable: runs on CPython and MicroPython
"""The host's identity, and the checks of a peer's: the published key, wrong signatures, types without a library."""

from jamliquor_lite import ports
from jamliquor_lite.errors import LocalError, VerifyError
from jamliquor_lite.p2p import keys
from jamliquor_lite.p2p.identity import Identity
from tests.p2p import vectors
from tests.support import raises


def test_the_published_key_pair():
    identity = Identity(vectors.ED25519_SEED)
    assert identity.key == vectors.ED25519_KEY
    assert identity.public == vectors.ED25519_KEY[4:]
    assert identity.peer_id == b"\x00\x24" + vectors.ED25519_KEY
    assert keys.parse_peer_name(identity.name) == identity.peer_id


def test_what_one_signs_another_verifies():
    identity = Identity(memoryview(bytes(range(32))))
    signature = identity.sign(b"noise-libp2p-static-key:")
    assert len(signature) == 64
    assert Identity.verify_peer(identity.key, signature, b"noise-libp2p-static-key:") == identity.peer_id


def test_wrong_signatures():
    identity = Identity(bytes(32))
    signature = identity.sign(b"one")
    for key, sig, message in (
        (identity.key, signature, b"two"),
        (identity.key, signature[:-1] + bytes((signature[63] ^ 1,)), b"one"),
        (identity.key, signature[:-1], b"one"),
        (identity.key, signature + b"\x00", b"one"),
        (identity.key, b"", b"one"),
        (vectors.ED25519_KEY, signature, b"one"),
    ):
        error = raises(VerifyError, Identity.verify_peer, key, sig, message)
        assert error.rule == "identity" and "Ed25519" in str(error) and "signature is wrong" in str(error)


def test_a_malformed_key_is_refused_before_any_signature():
    identity = Identity(bytes(32))
    for key in (b"", identity.key[:-1], identity.key + b"\x00"):
        assert raises(VerifyError, Identity.verify_peer, key, identity.sign(b""), b"").rule == "identity"


def test_every_type_is_refused_by_its_name():
    for key, name in ((vectors.RSA_KEY, "RSA"), (vectors.SECP256K1_KEY, "secp256k1"), (vectors.ECDSA_KEY, "ECDSA")):
        error = raises(VerifyError, Identity.verify_peer, key, b"", b"message")
        assert error.rule == "identity" and name in str(error)


def test_without_a_library_the_reason_says_so():
    from jamliquor_lite.crypto import peer_keys

    real = peer_keys.port
    from jamliquor_lite.ports.micropython import peer_keys as bare

    peer_keys.port = bare
    try:
        error = raises(VerifyError, Identity.verify_peer, vectors.RSA_KEY, bytes(512), b"message")
    finally:
        peer_keys.port = real
    assert "RSA" in str(error) and "no library" in str(error)
    assert ports.peer_keys.fault


def test_a_long_signature_reaches_no_library():
    error = raises(VerifyError, Identity.verify_peer, vectors.RSA_KEY, bytes(1025), b"message")
    assert "1025 bytes" in str(error)


def test_a_seed_has_32_bytes():
    raises(LocalError, Identity, bytes(31))


def test_names_and_keys_of_others():
    identity = Identity(bytes(32))
    assert Identity.name_of(memoryview(identity.peer_id)) == identity.name
    assert Identity.ed25519_of(identity.key) == identity.public
    assert Identity.ed25519_of(vectors.SECP256K1_KEY) == b""

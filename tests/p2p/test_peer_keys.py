"""RSA, secp256k1 and ECDSA peers, verified by `cryptography`; and what is said where it is missing. CPython only."""

import sys

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from jamliquor_lite.crypto import peer_keys
from jamliquor_lite.errors import VerifyError
from jamliquor_lite.p2p import keys
from jamliquor_lite.p2p.identity import Identity
from tests.p2p import vectors

MESSAGE = b"noise-libp2p-static-key:" + bytes(32)
SHA256 = hashes.SHA256()


def _spki(private) -> bytes:
    return private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.fixture(scope="module")
def rsa_2048():
    return rsa.generate_private_key(65537, 2048)


def _point(private) -> bytes:
    return private.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )


def _refused(key: bytes, signature: bytes, message: bytes = MESSAGE) -> str:
    with pytest.raises(VerifyError) as caught:
        Identity.verify_peer(key, signature, message)
    assert caught.value.rule == "identity"
    return str(caught.value)


def _holds(key: bytes, signature: bytes) -> None:
    assert Identity.verify_peer(key, signature, MESSAGE) == keys.peer_id(key)
    assert "signature is wrong" in _refused(key, signature, MESSAGE + b"!")
    bad = bytearray(signature)
    bad[-1] ^= 1
    assert "signature is wrong" in _refused(key, bytes(bad))
    assert "signature is wrong" in _refused(key, signature[:-1])
    assert "signature is wrong" in _refused(key, b"")


def test_rsa(rsa_2048):
    key = keys.encode(keys.RSA, _spki(rsa_2048))
    _holds(key, rsa_2048.sign(MESSAGE, padding.PKCS1v15(), SHA256))
    pss = rsa_2048.sign(MESSAGE, padding.PSS(padding.MGF1(SHA256), 32), SHA256)
    assert "signature is wrong" in _refused(key, pss)
    sha1 = rsa_2048.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA512())
    assert "signature is wrong" in _refused(key, sha1)


def test_secp256k1_key_of_the_specification():
    private = ec.derive_private_key(int.from_bytes(vectors.SECP256K1_SECRET, "big"), ec.SECP256K1())
    assert keys.encode(keys.SECP256K1, _point(private)) == vectors.SECP256K1_KEY
    _holds(vectors.SECP256K1_KEY, private.sign(MESSAGE, ec.ECDSA(SHA256)))


def test_ecdsa_key_of_the_specification():
    private = ec.derive_private_key(int.from_bytes(vectors.ECDSA_SECRET, "big"), ec.SECP256R1())
    assert keys.encode(keys.ECDSA, _spki(private)) == vectors.ECDSA_KEY
    _holds(vectors.ECDSA_KEY, private.sign(MESSAGE, ec.ECDSA(SHA256)))


def test_rsa_sizes_are_bounded():
    small = rsa.generate_private_key(65537, 1024)
    signature = small.sign(MESSAGE, padding.PKCS1v15(), SHA256)
    assert "1024 bits; 2048 to 8192" in _refused(keys.encode(keys.RSA, _spki(small)), signature)
    # A modulus need not be a product of two primes to be read.
    long = rsa.RSAPublicNumbers(65537, (1 << 8703) | 1).public_key()
    data = long.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert "8704 bits" in peer_keys.fault(peer_keys.RSA, data, bytes(1024), MESSAGE)


def test_an_rsa_exponent_is_bounded(rsa_2048):
    modulus = rsa_2048.public_key().public_numbers().n
    for exponent, is_taken in (((1 << 32) - 1, True), ((1 << 32) + 1, False), ((1 << 1000) + 1, False)):
        public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        data = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        said = peer_keys.fault(peer_keys.RSA, data, bytes(256), MESSAGE)
        assert ("signature is wrong" in said) is is_taken
        assert ("exponent" in said) is not is_taken


def test_other_curves_are_named():
    private = ec.generate_private_key(ec.SECP384R1())
    signature = private.sign(MESSAGE, ec.ECDSA(SHA256))
    assert "curve secp384r1; P-256 alone" in _refused(keys.encode(keys.ECDSA, _spki(private)), signature)


def test_a_key_of_another_kind_is_refused(rsa_2048):
    others = (rsa_2048, ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate())
    others += (dsa.generate_private_key(2048),)
    for key_type, own in ((keys.RSA, 0), (keys.ECDSA, 1)):
        for at, other in enumerate(others):
            if at != own:
                assert "another kind of key" in _refused(keys.encode(key_type, _spki(other)), bytes(64))


def test_a_point_off_the_curve_is_malformed():
    for point in (b"\x02" + b"\xff" * 32, b"\x04" + bytes(32), bytes(33)):
        assert "malformed" in _refused(keys.encode(keys.SECP256K1, point), bytes(70))


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    for key, name in ((vectors.RSA_KEY, "RSA"), (vectors.SECP256K1_KEY, "secp256k1"), (vectors.ECDSA_KEY, "ECDSA")):
        said = _refused(key, bytes(64))
        assert name in said and "`cryptography`" in said and "not installed" in said


@given(st.sampled_from(peer_keys.KINDS), st.binary(max_size=120), st.binary(max_size=120))
def test_any_bytes_are_a_fault_and_never_raise(kind, key, signature):
    assert peer_keys.fault(kind, key, signature, MESSAGE)


@given(st.sampled_from([vectors.RSA_KEY, vectors.ECDSA_KEY, vectors.SECP256K1_KEY]), st.data())
def test_damaged_keys_never_raise(key, draw):
    key_type, data = keys.decode(key)
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        damaged[draw.draw(st.integers(0, min(len(damaged), 60) - 1))] ^= draw.draw(st.integers(1, 255))
    assert peer_keys.fault(keys.NAMES[key_type], bytes(damaged), bytes(72), MESSAGE)

"""Signatures of libp2p peer keys other than Ed25519, by the `cryptography` library where it is installed.

Ours are Ed25519 and so are those of nearly all peers; these three exist because older peers have them. The library
is imported when the first such peer comes, not before.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# A short modulus can be forged; a long one costs us milliseconds per handshake (Go draws the line there too).
_MIN_RSA_BITS = 2048
_MAX_RSA_BITS = 8192
_MAX_RSA_EXPONENT_BITS = 32  # an exponent as long as the modulus would make one verification as dear as a signature


def fault(kind: str, key: bytes, signature: bytes, message: bytes) -> str:
    """Why `signature` does not hold for `message` under `key`; "" when it does. Never raises.

    `kind` is `RSA` (PKCS #1 v1.5, the key a DER SubjectPublicKeyInfo), `ECDSA` (P-256, the same form of key), or
    `secp256k1` (a compressed point). All hash with SHA-256; the latter two signatures are DER.
    """
    try:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except (ImportError, OSError):  # OSError: a shared library beneath it is missing
        return "the library `cryptography`, which would verify it, is not installed or does not load"
    loaded: "Any"
    try:
        if kind == "secp256k1":
            loaded = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), key)
        else:
            loaded = load_der_public_key(key)
        if kind == "RSA":
            if not isinstance(loaded, rsa.RSAPublicKey):
                return "the bytes are another kind of key"
            if not _MIN_RSA_BITS <= loaded.key_size <= _MAX_RSA_BITS:
                return f"{loaded.key_size} bits; {_MIN_RSA_BITS} to {_MAX_RSA_BITS} are taken"
            if loaded.public_numbers().e.bit_length() > _MAX_RSA_EXPONENT_BITS:
                return f"the exponent has more than {_MAX_RSA_EXPONENT_BITS} bits"
            loaded.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            return ""
        if not isinstance(loaded, ec.EllipticCurvePublicKey):
            return "the bytes are another kind of key"
        if kind == "ECDSA" and loaded.curve.name != "secp256r1":
            return f"the curve {loaded.curve.name}; P-256 alone is taken"
        loaded.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return "the signature is wrong"
    except UnsupportedAlgorithm:
        return "the library `cryptography` of this machine does not know its algorithm"
    except ValueError:
        return "the key is malformed"
    return ""

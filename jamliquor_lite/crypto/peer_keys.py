"""Signatures of libp2p peer keys other than Ed25519, where the port has a library for them.

None of these has a pure twin: nobody needs such a key to run a node of this kind, and a refused peer costs less
than three more signature schemes on a board.
"""

from ..const import const
from ..ports import peer_keys as port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]

RSA = "RSA"
SECP256K1 = "secp256k1"
ECDSA = "ECDSA"
KINDS = (RSA, SECP256K1, ECDSA)
_MAX_SIGNATURE = const(1024)  # bytes of an RSA signature of 8192 bits: more is handed to no library


def fault(kind: str, key: "Buffer", signature: "Buffer", message: "Buffer") -> str:
    """Why `signature` does not hold for `message` under the `key` of this `kind`; "" when it does. Never raises.

    RSA: PKCS #1 v1.5 with a DER SubjectPublicKeyInfo of 2048 to 8192 bits. ECDSA: P-256, same form of key.
    secp256k1: a compressed point. All over SHA-256. Where no library is, the text says so.
    """
    if len(signature) > _MAX_SIGNATURE:
        return "a signature of %d bytes, at most %d are taken" % (len(signature), _MAX_SIGNATURE)
    return port.fault(kind, bytes(key), bytes(signature), bytes(message))

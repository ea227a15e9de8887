"""Signatures of libp2p peer keys other than Ed25519: no library of this port verifies them."""


def fault(kind: str, key: bytes, signature: bytes, message: bytes) -> str:
    """Why `signature` does not hold for `message` under `key`: there is nothing here that could tell."""
    return "this firmware has no library that verifies it"

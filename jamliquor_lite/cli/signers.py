"""Whose key: the three ways in which a person may name an Ed25519 key, and how it is shown."""

from ..const import const
from ..errors import LocalError, VerifyError
from ..p2p import keys

FORM = "a peer id (12D3KooW…), a JAM name (e and 52 characters) or 64 hex digits"
_KEY = const(32)
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_JAM_NAME = const(53)


def parse(text: str) -> bytes:
    """The 32 bytes of the key that a text names; LocalError (the user's) where it names none."""
    try:
        if len(text) == 2 * _KEY:
            return bytes.fromhex(text)
        if len(text) == _JAM_NAME and text[0] == "e":
            return _jam_name(text)
        kind, data = keys.decode(keys.parse_peer_name(text)[2:])
        if kind == keys.ED25519:
            return data
    except (ValueError, VerifyError):
        pass
    raise LocalError("--by %s: allowed is %s" % (ascii(text[:80]), FORM), 2)


def name(key: bytes) -> str:
    """A key as lines show it: the peer id of whoever has it."""
    return keys.peer_name(keys.peer_id(keys.encode(keys.ED25519, key)))


def _jam_name(text: str) -> bytes:
    # The reverse of transport/quic_certificate.py's, which needs a library of cryptography.
    number = 0
    for letter in reversed(text[1:]):
        number = number << 5 | _LETTERS.index(letter)
    if number >> 8 * _KEY:
        raise ValueError("more than a key")
    return number.to_bytes(_KEY, "little")

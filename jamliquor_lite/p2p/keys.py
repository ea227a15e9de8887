"""Public keys of libp2p, and the peer ids that are made of them (libp2p/specs, peer-ids).

A key travels as the protobuf `Type (1): enum, Data (2): bytes`, in exactly one form: both fields, in this order,
nothing else. The peer id is a multihash of that: the key itself where it fits 42 bytes, else its SHA-256.
"""

from ..codec import base58
from ..codec.protobuf import BYTES, INT, Fields, field_bytes, field_int
from ..const import const
from ..crypto import suite
from ..errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]

RSA = 0
ED25519 = 1
SECP256K1 = 2
ECDSA = 3
NAMES = ("RSA", "Ed25519", "secp256k1", "ECDSA")

# Bytes of a whole key: RSA of 8192 bits takes 1,067. A longer one would be hashed, and kept, for each connection.
MAX_KEY = 1200
MAX_PEER_ID = 44  # bytes: an identity multihash of 42
_MAX_INLINE = const(42)  # bytes of a key that is its own hash
_IDENTITY = const(0x00)  # multihash codes
_SHA256 = const(0x12)
_HASH = const(32)
_CID_PREFIX = b"\x01\x72"  # CID version 1, codec libp2p-key
_MAX_NAME = const(96)  # characters: a CID of 46 bytes takes 75
_SIZES = {ED25519: 32, SECP256K1: 33}  # bytes of the keys whose size does not vary


def encode(key_type: int, data: "Buffer") -> bytes:
    """The protobuf of a public key."""
    return field_int(1, key_type) + field_bytes(2, data)


def decode(key: "Buffer") -> "tuple[int, bytes]":
    """(type, data) of a key's protobuf. VerifyError("identity") unless it is the one form of a known type."""
    if len(key) > MAX_KEY:
        raise VerifyError("identity", "a public key of %d bytes, at most %d are taken" % (len(key), MAX_KEY))
    key_type = -1
    data = b""
    fields = Fields(key, 0, len(key))
    try:
        while fields.next():
            if fields.number == 1:
                fields.expect(INT)
                key_type = fields.value
            elif fields.number == 2:
                fields.expect(BYTES)
                data = fields.take()
    except VerifyError as error:
        raise VerifyError("identity", "a malformed public key: %s" % error)
    if key_type < 0:
        raise VerifyError("identity", "a public key without a type")
    if key_type >= len(NAMES):
        raise VerifyError("identity", "key type %d is not known here" % key_type)
    if encode(key_type, data) != bytes(key):
        raise VerifyError("identity", "a public key (%s) that is not in its one form" % NAMES[key_type])
    size = _SIZES.get(key_type, len(data))
    is_whole = len(data) == size and (key_type in _SIZES or len(key) > _MAX_INLINE)
    if not is_whole:  # a shorter one would have a peer id that check_peer_id refuses
        raise VerifyError("identity", "a public key (%s) of %d bytes" % (NAMES[key_type], len(data)))
    return key_type, data


def peer_id(key: "Buffer") -> bytes:
    """The peer id of a key's protobuf: a multihash of at most 44 bytes."""
    if len(key) <= _MAX_INLINE:
        return bytes((_IDENTITY, len(key))) + bytes(key)
    return bytes((_SHA256, _HASH)) + suite.sha256(key)


def check_peer_id(data: "Buffer") -> None:
    """VerifyError("peer_id") unless `data` is the multihash of a key: SHA-256, or a whole Ed25519 or secp256k1 key."""
    size = len(data)
    if size == 2 + _HASH and data[0] == _SHA256 and data[1] == _HASH:
        return
    if 2 < size <= MAX_PEER_ID and data[0] == _IDENTITY and data[1] == size - 2:
        try:
            decode(bytes(data[2:]))
        except VerifyError as error:
            raise VerifyError("peer_id", "no peer id: %s" % error)
        return
    raise VerifyError("peer_id", "no peer id: not the multihash of a key")


def peer_name(data: "Buffer") -> str:
    """A peer id as text: base 58, `12D3KooW…` for an Ed25519 key, `Qm…` for a hash."""
    return base58.encode(data)


def parse_peer_name(text: str) -> bytes:
    """The peer id that a text names, in base 58 or as a CID in base 32 (`bafz…`). VerifyError("peer_id")."""
    if len(text) > _MAX_NAME:
        raise VerifyError("peer_id", "no peer id: %d characters, at most %d are read" % (len(text), _MAX_NAME))
    if text.startswith("b"):
        data = _from_base32(text)
        if data[:2] != _CID_PREFIX:
            raise VerifyError("peer_id", "no peer id: not a CID (version 1) of a libp2p key")
        data = data[2:]
    elif text.startswith(("1", "Qm")):
        try:
            data = base58.decode(text)
        except VerifyError as error:
            raise VerifyError("peer_id", "no peer id: %s" % error)
    else:
        raise VerifyError("peer_id", "no peer id: it begins with neither `1`, `Qm` (base 58) nor `b` (base 32)")
    check_peer_id(data)
    return data


def _from_base32(text: str) -> bytes:
    # RFC 4648 in lower case, without padding. The first character only names the base.
    from ..codec import base32  # few are written this way

    if text != text.lower():
        raise VerifyError("peer_id", "no peer id: what begins with `b` is base 32 in lower case")
    try:
        return base32.decode(text[1:])
    except VerifyError as error:
        raise VerifyError("peer_id", "no peer id: %s" % error)

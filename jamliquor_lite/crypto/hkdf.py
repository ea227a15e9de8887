"""SHA-256 (FIPS 180-4), HMAC (RFC 2104) and the HKDF of the Noise framework (revision 34, section 4.3).

Both interpreters have SHA-256 in C, so there is one source and nothing to choose.
"""

import hashlib

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

_BLOCK = const(64)
# The pads as integers: one exclusive-or of 512 bits in place of a loop over bytes.
_INNER = int.from_bytes(b"\x36" * _BLOCK, "little")
_OUTER = int.from_bytes(b"\x5c" * _BLOCK, "little")


def sha256(data: "Buffer") -> bytes:
    """SHA-256 of `data`, 32 bytes."""
    return hashlib.sha256(data).digest()


def sha256_pair(first: "Buffer", second: "Buffer") -> bytes:
    """SHA-256 of one after the other, which are not put together for that, 32 bytes."""
    hashed = hashlib.sha256(first)
    hashed.update(second)
    return hashed.digest()


def hmac_sha256(key: "Buffer", data: "Buffer") -> bytes:
    """HMAC-SHA-256 of `data` under a key of any length, 32 bytes."""
    if len(key) > _BLOCK:
        key = sha256(key)
    number = int.from_bytes(bytes(key), "little")
    return _hmac((number ^ _INNER).to_bytes(_BLOCK, "little"), (number ^ _OUTER).to_bytes(_BLOCK, "little"), data)


def hkdf(chaining_key: "Buffer", material: "Buffer") -> "tuple[bytes, bytes]":
    """Noise's HKDF with two outputs of 32 bytes: RFC 5869 with the chaining key as salt and no info."""
    number = int.from_bytes(hmac_sha256(chaining_key, material), "little")
    inner, outer = (number ^ _INNER).to_bytes(_BLOCK, "little"), (number ^ _OUTER).to_bytes(_BLOCK, "little")
    first = _hmac(inner, outer, b"\x01")
    return first, _hmac(inner, outer, first + b"\x02")


def _hmac(inner: bytes, outer: bytes, data: "Buffer") -> bytes:
    # The key as it goes before the data, and before the hash of that.
    return sha256_pair(outer, sha256_pair(inner, data))

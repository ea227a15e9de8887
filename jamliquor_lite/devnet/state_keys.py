"""31-byte state keys (GP 0.7.2, appendix D.1)."""

from ..crypto.suite import blake2b_256


def chapter(index: int) -> bytes:
    """C(i)."""
    return bytes([index]) + bytes(30)


def account(service: int) -> bytes:
    """C(255, s)."""
    n = service.to_bytes(4, "little")
    return bytes([255, n[0], 0, n[1], 0, n[2], 0, n[3]]) + bytes(23)


def _item(service: int, data: bytes) -> bytes:
    n = service.to_bytes(4, "little")
    a = blake2b_256(data)
    return bytes([n[0], a[0], n[1], a[1], n[2], a[2], n[3], a[3]]) + a[4:27]


def storage(service: int, key: bytes) -> bytes:
    """C(s, E4(2^32 - 1) ++ k)."""
    return _item(service, b"\xff\xff\xff\xff" + key)


def preimage(service: int, digest: bytes) -> bytes:
    """C(s, E4(2^32 - 2) ++ h)."""
    return _item(service, b"\xfe\xff\xff\xff" + digest)


def request(service: int, digest: bytes, length: int) -> bytes:
    """C(s, E4(l) ++ h)."""
    return _item(service, length.to_bytes(4, "little") + digest)

"""libsodium through PyNaCl: a tenth of the memory that `cryptography` takes, for small boards.

The binding itself is called, not the functions around it: those take new bytes and return new bytes, and importing
them costs more than libsodium does.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Buffer = bytes | bytearray | memoryview

_TAG = 16


def _binding() -> "tuple[Any, Any]":
    """(ffi, lib) of PyNaCl, ready for use."""
    from nacl._sodium import ffi, lib  # type: ignore[import-not-found, unused-ignore]

    if lib.sodium_init() < 0:
        raise OSError("libsodium does not start")
    return ffi, lib


class Ed25519:
    """Stricter than ZIP-215, like OpenSSL's: its yes is final, its no is not."""

    label = "PyNaCl"
    zip215 = False

    def __init__(self) -> None:
        self._ffi, self._lib = _binding()
        self._size = self._ffi.new("unsigned long long *")

    def public(self, seed: bytes) -> bytes:
        return self._pair(seed)[0]

    def sign(self, seed: bytes, message: bytes, public: bytes = b"") -> bytes:
        signed = bytearray(64 + len(message))
        key = self._pair(seed)[1]
        if self._lib.crypto_sign(self._ffi.from_buffer(signed), self._size, message, len(message), key):
            raise OSError("libsodium does not sign")
        return bytes(signed[:64])

    def verify(self, public: bytes, signature: bytes, message: bytes) -> bool:
        signed = signature + message
        opened = self._ffi.from_buffer(bytearray(len(signed)))
        verdict: int = self._lib.crypto_sign_open(opened, self._size, signed, len(signed), public)
        return verdict == 0

    def _pair(self, seed: bytes) -> tuple[bytes, bytes]:
        public = bytearray(32)
        key = bytearray(64)
        self._lib.crypto_sign_seed_keypair(self._ffi.from_buffer(public), self._ffi.from_buffer(key), seed)
        return bytes(public), bytes(key)


class X25519:
    """libsodium's X25519."""

    label = "PyNaCl"

    def __init__(self) -> None:
        self._ffi, self._lib = _binding()

    def public(self, secret: bytes) -> bytes:
        public = bytearray(32)
        self._lib.crypto_scalarmult_base(self._ffi.from_buffer(public), secret)
        return bytes(public)

    def exchange(self, secret: bytes, public: bytes) -> bytes:
        shared = bytearray(32)
        if self._lib.crypto_scalarmult(self._ffi.from_buffer(shared), secret, public):
            return bytes(32)  # a point of small order
        return bytes(shared)


class _Cipher:
    """A key, and libsodium's calls. Its buffers are checked here: the C code writes where it is told."""

    __slots__ = ("_buffer", "_key", "_null", "_open", "_seal")

    def __init__(self, ffi: "Any", lib: "Any", key: bytes) -> None:
        self._buffer = ffi.from_buffer
        self._null = ffi.NULL
        self._seal = lib.crypto_aead_chacha20poly1305_ietf_encrypt
        self._open = lib.crypto_aead_chacha20poly1305_ietf_decrypt
        self._key = key

    def seal(self, counter: int, ad: Buffer, buf: Buffer, start: int, end: int, out: Buffer, at: int) -> int:
        null = self._null
        size = end - start
        source = memoryview(buf)[start:end]
        target = memoryview(out)[at : at + size + _TAG]
        if source.nbytes != size or target.nbytes != size + _TAG:
            raise ValueError("a buffer is too short")
        nonce = b"\0\0\0\0" + counter.to_bytes(8, "little")
        pointer = self._buffer(target, require_writable=True)
        origin = self._buffer(source)
        self._seal(pointer, null, origin, size, self._buffer(ad), len(ad), null, nonce, self._key)
        return size + _TAG

    def open(self, counter: int, ad: Buffer, buf: Buffer, start: int, end: int, out: Buffer, at: int) -> int:
        null = self._null
        size = end - start - _TAG
        if size < 0:
            return -1
        source = memoryview(buf)[start:end]
        target = memoryview(out)[at : at + size]
        if source.nbytes != size + _TAG or target.nbytes != size:
            raise ValueError("a buffer is too short")
        nonce = b"\0\0\0\0" + counter.to_bytes(8, "little")
        pointer = self._buffer(target, require_writable=True)
        origin = self._buffer(source)
        wrong = self._open(pointer, null, null, origin, size + _TAG, self._buffer(ad), len(ad), nonce, self._key)
        return -1 if wrong else size


class ChaCha20Poly1305:
    """libsodium's ChaCha20-Poly1305 of the IETF, in place or from buffer to buffer."""

    label = "PyNaCl"

    def __init__(self) -> None:
        self._ffi, self._lib = _binding()

    def Aead(self, key: bytes) -> _Cipher:
        return _Cipher(self._ffi, self._lib, key)

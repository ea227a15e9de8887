"""The symmetric half of a Noise handshake: the hash of all that was said, and the key that grows out of it.

SymmetricState and CipherState of the Noise framework, revision 34, section 5, for ChaChaPoly and SHA-256. Everything
happens in place, in the buffer that the message lies in.
"""

from ..crypto.suite import Aead, hkdf, sha256, sha256_pair
from ..errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]
    WritableBuffer = Union[bytearray, memoryview]

TAG = 16  # bytes that sealing adds
_HASH = 32


class Symmetric:
    """`hash` is h: 32 bytes over the suite's name, the prologue and every message so far."""

    def __init__(self, name: bytes, prologue: bytes = b"") -> None:
        self.hash = name + bytes(_HASH - len(name)) if len(name) <= _HASH else sha256(name)
        self._chaining_key = bytearray(self.hash)
        self._aead: "Aead | None" = None
        self._counter = 0
        self.mix_hash(prologue, 0, len(prologue))

    def mix_hash(self, buf: "Buffer", start: int, end: int) -> None:
        """MixHash of buf[start:end]."""
        self.hash = self._hash_with(buf, start, end)

    def mix_key(self, material: "Buffer") -> None:
        """MixKey: from here on everything is sealed under a key that also knows `material`."""
        chaining_key, key = hkdf(self._chaining_key, material)
        self._chaining_key[:] = chaining_key
        self._aead = Aead(key)
        self._counter = 0

    def seal(self, buf: "WritableBuffer", start: int, end: int) -> int:
        """EncryptAndHash in place; returns the new end. Without a key it only hashes."""
        if self._aead is not None:
            end = start + self._aead.seal(self._counter, self.hash, buf, start, end, buf, start)
            self._counter += 1
        self.mix_hash(buf, start, end)
        return end

    def open(self, buf: "WritableBuffer", start: int, end: int) -> int:
        """DecryptAndHash in place; returns the new end. VerifyError("noise") when it was tampered with."""
        if self._aead is None:
            self.mix_hash(buf, start, end)
            return end
        mixed = self._hash_with(buf, start, end)  # of the ciphertext, which is about to be overwritten
        size = self._aead.open(self._counter, self.hash, buf, start, end, buf, start)
        if size < 0:
            raise VerifyError("noise", "the handshake does not decrypt")
        self._counter += 1
        self.hash = mixed
        return start + size

    def split(self) -> "tuple[bytes, bytes]":
        """The keys of both directions, the initiator's first."""
        return hkdf(self._chaining_key, b"")

    def wipe(self) -> None:
        """Zero the chaining key and forget the cipher. `hash` is no secret and stays."""
        for i in range(_HASH):
            self._chaining_key[i] = 0
        self._aead = None

    def _hash_with(self, buf: "Buffer", start: int, end: int) -> bytes:
        return sha256_pair(self.hash, memoryview(buf)[start:end])

"""The `cryptography` package: OpenSSL, compiled into its wheel. The fastest where it has a wheel, and the largest.

ML-KEM came with release 47, and so did ciphers that write into a buffer; older ones serve the rest, with a copy.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Buffer = bytes | bytearray | memoryview

_TAG = 16


class Ed25519:
    """OpenSSL's Ed25519. Stricter than ZIP-215: its yes is final, its no is not."""

    label = "cryptography"
    zip215 = False

    def __init__(self) -> None:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

        self._private = Ed25519PrivateKey.from_private_bytes
        self._public = Ed25519PublicKey.from_public_bytes
        self._refusals = (InvalidSignature, UnsupportedAlgorithm, ValueError)

    def public(self, seed: bytes) -> bytes:
        return self._private(seed).public_key().public_bytes_raw()

    def sign(self, seed: bytes, message: bytes, public: bytes = b"") -> bytes:
        return self._private(seed).sign(message)

    def verify(self, public: bytes, signature: bytes, message: bytes) -> bool:
        try:
            self._public(public).verify(signature, message)
        except self._refusals:
            return False
        return True


class X25519:
    """OpenSSL's X25519. Importing a secret costs it a multiplication of its own, so an ephemeral secret whose public
    key was asked for is kept as a key for the two exchanges of a Noise XX handshake, and no longer."""

    label = "cryptography"

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

        self._private = X25519PrivateKey.from_private_bytes
        self._public = X25519PublicKey.from_public_bytes
        self._secret = b""
        self._key: "Any" = None
        self._uses_left = 0

    def public(self, secret: bytes) -> bytes:
        self._key = self._private(secret)
        self._secret = secret
        self._uses_left = 2
        public: bytes = self._key.public_key().public_bytes_raw()
        return public

    def exchange(self, secret: bytes, public: bytes) -> bytes:
        if secret == self._secret:
            key = self._key
            self._uses_left -= 1
            if not self._uses_left:
                self._secret = b""
                self._key = None
        else:
            key = self._private(secret)
        try:
            shared: bytes = key.exchange(self._public(public))
        except ValueError:  # what the pure twin answers with zeros
            return bytes(32)
        return shared


class _IntoCipher:
    """A key's cipher, for releases that write into a buffer, in place as well."""

    __slots__ = ("_open", "_refusal", "_seal")

    def __init__(self, cipher: "Any", refusal: type[Exception]) -> None:
        self._seal = cipher.encrypt_into
        self._open = cipher.decrypt_into
        self._refusal = refusal

    def seal(self, counter: int, ad: Buffer, buf: Buffer, start: int, end: int, out: Buffer, at: int) -> int:
        nonce = b"\0\0\0\0" + counter.to_bytes(8, "little")
        target = memoryview(out)[at : at + end - start + _TAG]
        written: int = self._seal(nonce, memoryview(buf)[start:end], ad, target)
        return written

    def open(self, counter: int, ad: Buffer, buf: Buffer, start: int, end: int, out: Buffer, at: int) -> int:
        size = end - start - _TAG
        if size < 0:
            return -1
        nonce = b"\0\0\0\0" + counter.to_bytes(8, "little")
        try:
            self._open(nonce, memoryview(buf)[start:end], ad, memoryview(out)[at : at + size])
        except self._refusal:
            return -1
        return size


class _CopyingCipher:
    """A key's cipher, for releases that return new bytes only."""

    __slots__ = ("_open", "_refusal", "_seal")

    def __init__(self, cipher: "Any", refusal: type[Exception]) -> None:
        self._seal = cipher.encrypt
        self._open = cipher.decrypt
        self._refusal = refusal

    def seal(self, counter: int, ad: Buffer, buf: Buffer, start: int, end: int, out: Buffer, at: int) -> int:
        nonce = b"\0\0\0\0" + counter.to_bytes(8, "little")
        size = end - start + _TAG
        memoryview(out)[at : at + size] = self._seal(nonce, memoryview(buf)[start:end], ad)
        return size

    def open(self, counter: int, ad: Buffer, buf: Buffer, start: int, end: int, out: Buffer, at: int) -> int:
        size = end - start - _TAG
        if size < 0:
            return -1
        nonce = b"\0\0\0\0" + counter.to_bytes(8, "little")
        try:
            memoryview(out)[at : at + size] = self._open(nonce, memoryview(buf)[start:end], ad)
        except self._refusal:
            return -1
        return size


class ChaCha20Poly1305:
    """OpenSSL's ChaCha20-Poly1305."""

    label = "cryptography"

    def __init__(self) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers import aead

        self._cipher = aead.ChaCha20Poly1305
        self._refusal = InvalidTag
        self._face = _IntoCipher if hasattr(self._cipher, "encrypt_into") else _CopyingCipher

    def Aead(self, key: bytes) -> _IntoCipher | _CopyingCipher:
        return self._face(self._cipher(key), self._refusal)


class MlKem768:
    """OpenSSL's ML-KEM-768. It draws the entropy of an encapsulation itself."""

    label = "cryptography"
    takes_seed = True
    takes_entropy = False

    def __init__(self) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey

        self._private = MLKEM768PrivateKey.from_seed_bytes
        self._public = MLKEM768PublicKey.from_public_bytes
        try:
            self._private(bytes(64))
        except UnsupportedAlgorithm as error:  # a distribution's build over an OpenSSL before 3.5
            raise OSError(str(error))

    def keypair(self, seed: bytes) -> "tuple[bytes, Any]":
        secret = self._private(seed)
        return secret.public_key().public_bytes_raw(), secret

    def encapsulate(self, public: bytes, entropy: bytes) -> tuple[bytes, bytes] | None:
        try:
            shared, ciphertext = self._public(public).encapsulate()
        except ValueError:
            return None
        return ciphertext, shared

    def decapsulate(self, secret: "Any", ciphertext: bytes) -> bytes:
        shared: bytes = secret.decapsulate(ciphertext)
        return shared

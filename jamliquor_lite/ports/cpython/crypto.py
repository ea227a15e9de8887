"""Native cryptography of this port, under the names of the pure twins in `crypto/`.

An implementation is an object with the functions of its twin and `label`, the name shown in status. Libraries are
imported when a primitive is first asked for, so that a board pays only for what it runs; none of them imports ssl.
"""

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Buffer = bytes | bytearray | memoryview


class _HashlibBlake2b256:
    """Incremental BLAKE2b-256."""

    def __init__(self) -> None:
        self._state = hashlib.blake2b(digest_size=32)

    def update(self, data: Buffer) -> None:
        self._state.update(data)

    def digest(self) -> bytes:
        return self._state.digest()


class _HashlibBlake2b:
    label = "hashlib"
    Blake2b256 = _HashlibBlake2b256

    @staticmethod
    def blake2b_256(data: Buffer) -> bytes:
        return hashlib.blake2b(data, digest_size=32).digest()


class _HashlibSha512:
    label = "hashlib"

    @staticmethod
    def sha512(data: Buffer) -> bytes:
        return hashlib.sha512(data).digest()


class _CryptographyEd25519:
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

    def sign(self, seed: bytes, message: bytes) -> bytes:
        return self._private(seed).sign(message)

    def verify(self, public: bytes, signature: bytes, message: bytes) -> bool:
        try:
            self._public(public).verify(signature, message)
        except self._refusals:
            return False
        return True


class _NaclEd25519:
    """libsodium's Ed25519 through PyNaCl, for small boards. Stricter than ZIP-215, like OpenSSL's."""

    label = "PyNaCl"
    zip215 = False

    def __init__(self) -> None:
        from nacl import bindings  # type: ignore[import-not-found, unused-ignore]
        from nacl.exceptions import CryptoError  # type: ignore[import-not-found, unused-ignore]

        self._nacl = bindings
        self._refusals = (CryptoError, ValueError)

    def public(self, seed: bytes) -> bytes:
        public: bytes = self._nacl.crypto_sign_seed_keypair(seed)[0]
        return public

    def sign(self, seed: bytes, message: bytes) -> bytes:
        signed: bytes = self._nacl.crypto_sign(message, self._nacl.crypto_sign_seed_keypair(seed)[1])
        return signed[:64]

    def verify(self, public: bytes, signature: bytes, message: bytes) -> bool:
        try:
            self._nacl.crypto_sign_open(signature + message, public)
        except self._refusals:
            return False
        return True


class _BandersnatchVrfs:
    """The Rust reference through bandersnatch-vrfs.

    It takes `bytes` only, ignores what follows a whole key or proof, and panics (a BaseException, with a backtrace
    on stderr) on a public key that is no point of the subgroup: `trusts_key` asks the caller to check that first.
    """

    label = "bandersnatch-vrfs"
    trusts_key = True

    def __init__(self) -> None:
        import bandersnatch_vrfs

        # pip takes the empty release 0.0.1 where no wheel of the real ones fits: the names tell.
        self._verify = bandersnatch_vrfs.ietf_vrf_verify
        self.public = bandersnatch_vrfs.public_from_secret
        self.secret = bandersnatch_vrfs.secret_from_seed
        self.sign = bandersnatch_vrfs.ietf_vrf_sign
        self.output = bandersnatch_vrfs.vrf_output

    def verify(self, public: bytes, data: bytes, aux: bytes, proof: bytes) -> bytes | None:
        try:
            output: bytes = self._verify(public, data, aux, proof)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # ValueError for a wrong proof; a Rust panic is no Exception
            return None
        return output


_NATIVES: "dict[str, tuple[Any, ...]]" = {
    "blake2b": (_HashlibBlake2b,),
    "sha512": (_HashlibSha512,),
    "ed25519": (_CryptographyEd25519, _NaclEd25519),
    "vrf": (_BandersnatchVrfs,),
    "x25519": (),
    "aead": (),
    "keccak": (),
    "mlkem768": (),
}


# Where the fastest library is not the smallest. PyNaCl needs a third of what `cryptography` does.
_LEAN: "dict[str, tuple[Any, ...]]" = {}


def names(primitive: str, lean: bool = False) -> tuple[str, ...]:
    """The libraries this port knows for `primitive`, whether installed or not: the fastest first, or the smallest."""
    order = _NATIVES[primitive]
    if lean:
        order = _LEAN.get(primitive, order)
    return tuple(cls.label for cls in order)


def native(primitive: str, order: tuple[str, ...] = ()) -> tuple[object | None, str]:
    """(implementation, "") of the first native that loads, else (None, why not) in a few words. `order` names those
    to try; without it, all that `names` gives."""
    notes = []
    for name in order or names(primitive):
        (cls,) = (cls for cls in _NATIVES[primitive] if cls.label == name)
        try:
            return cls(), ""
        except ImportError:
            notes.append(f"{cls.label} is not installed")
        except AttributeError:
            notes.append(f"{cls.label} is an empty or too old release")
        except OSError:  # a shared library beneath it is missing
            notes.append(f"{cls.label} does not load")
    return None, ", ".join(notes) or "no library is known"

"""Native cryptography of this port, under the names of the pure twins in `crypto/`.

An implementation is an object with the functions of its twin and `label`, the name shown in status. Libraries are
imported when a primitive is first asked for, so that a board pays only for what it runs; none of them imports ssl.
"""

import hashlib

from . import crypto_c, crypto_cryptography, crypto_libcrypto, crypto_nacl, crypto_pqcrypto

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
    Sha512 = hashlib.sha512

    @staticmethod
    def sha512(data: Buffer) -> bytes:
        return hashlib.sha512(data).digest()


class _HashlibShake128:
    """hashlib squeezes from the start each time; so ever longer outputs are made, of which ML-KEM needs one."""

    _AHEAD = 4 * 168

    def start(self, data: Buffer) -> None:
        self._state = hashlib.shake_128(data)
        self._squeezed = self._state.digest(self._AHEAD)
        self._at = 0

    def next_into(self, block: bytearray) -> None:
        if self._at == len(self._squeezed):
            self._squeezed = self._state.digest(self._at + self._AHEAD)
        block[:] = self._squeezed[self._at : self._at + 168]
        self._at += 168


class _HashlibKeccak:
    label = "hashlib"
    Shake128 = _HashlibShake128

    @staticmethod
    def sha3_256(data: Buffer) -> bytes:
        return hashlib.sha3_256(data).digest()

    @staticmethod
    def sha3_512(data: Buffer) -> bytes:
        return hashlib.sha3_512(data).digest()

    @staticmethod
    def shake256(data: Buffer, size: int) -> bytes:
        return hashlib.shake_256(data).digest(size)


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


# In the order in which they are tried, by what tools/bench/crypto.py measures. PyNaCl's curves take half the time of
# those of `cryptography`, its cipher twice; but a process that has one library for all is a megabyte smaller, and
# in a handshake of 2 ms the curves make a difference of 0.1.
_NATIVES: "dict[str, tuple[Any, ...]]" = {
    "blake2b": (_HashlibBlake2b,),
    "sha512": (_HashlibSha512,),
    "ed25519": (crypto_cryptography.Ed25519, crypto_nacl.Ed25519),
    "vrf": (_BandersnatchVrfs, crypto_c.Vrf),
    "x25519": (crypto_cryptography.X25519, crypto_nacl.X25519),
    "aead": (crypto_cryptography.ChaCha20Poly1305, crypto_nacl.ChaCha20Poly1305),
    "keccak": (_HashlibKeccak,),
    "mlkem768": (crypto_cryptography.MlKem768, crypto_libcrypto.MlKem768, crypto_pqcrypto.MlKem768),
}

# What each adds to the memory of a process, measured: PyNaCl 1 MB, pqcrypto 3, libcrypto 5 and `cryptography` 12.
_SMALLEST = ("PyNaCl", "pqcrypto", "libcrypto", "cryptography")


def names(primitive: str, lean: bool = False) -> tuple[str, ...]:
    """The libraries this port knows for `primitive`, installed or not, as they are tried: in the order of the table
    above, or the smallest first."""
    labels = [cls.label for cls in _NATIVES[primitive]]
    if lean and labels[0] in _SMALLEST:
        labels.sort(key=_SMALLEST.index)
    return tuple(labels)


def native(primitive: str, order: tuple[str, ...] = ()) -> tuple[object | None, str]:
    """(implementation, "") of the first native that loads, else (None, why not) in a few words. `order` names those
    to try; without it, all that `names` gives."""
    notes = []
    for label in order or names(primitive):
        (cls,) = [cls for cls in _NATIVES[primitive] if cls.label == label]
        try:
            return cls(), ""
        except ImportError as error:
            is_part = "." in (error.name or "")  # the package is there, and older than that part of it
            notes.append(f"{label} is too old a release" if is_part else f"{label} is not installed")
        except AttributeError:
            notes.append(f"{label} is an empty or too old release")
        except crypto_c.Unbuilt as error:
            notes.append(str(error))
        except OSError:  # a shared library beneath it is missing
            notes.append(f"{label} does not load")
    return None, ", ".join(notes)

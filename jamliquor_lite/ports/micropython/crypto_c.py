"""Native cryptography of a firmware that has the C module `jamcrypto` (firmware/cmodules), under the names of the pure
twins. The classes are used as they are, without instances.

What a call returns is allocated, as everywhere behind `crypto.suite`; who must not allocate calls the module itself.
"""

import jamcrypto

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


_hasher = jamcrypto.Blake2b()


class Blake2b:
    label = "c"
    Blake2b256 = jamcrypto.Blake2b
    blake2b_256 = staticmethod(jamcrypto.blake2b_256)

    @staticmethod
    def blake2b_into(out: bytearray, buf: "Buffer", start: int, end: int) -> None:
        _hasher.reset()
        _hasher.update(buf, start, end)
        _hasher.digest_into(out)


class Sha512:
    label = "c"
    Sha512 = jamcrypto.Sha512

    @staticmethod
    def sha512(data: "Buffer") -> bytes:
        digest = bytearray(64)
        jamcrypto.sha512(digest, data)
        return bytes(digest)


class Ed25519:
    label = "c"
    zip215 = True
    verify = staticmethod(jamcrypto.ed25519_verify)

    @staticmethod
    def public(seed: bytes) -> bytes:
        public = bytearray(32)
        jamcrypto.ed25519_public(public, seed)
        return bytes(public)

    @staticmethod
    def sign(seed: bytes, message: bytes, public: bytes = b"") -> bytes:
        signature = bytearray(64)
        if public:
            jamcrypto.ed25519_sign(signature, seed, message, public)
        else:
            jamcrypto.ed25519_sign(signature, seed, message)
        return bytes(signature)


class Vrf:
    """Checks proofs and makes none."""

    label = "c"
    trusts_key = False

    @staticmethod
    def verify(public: bytes, data: bytes, aux: bytes, proof: bytes) -> "bytes | None":
        output = bytearray(32)
        return bytes(output) if jamcrypto.vrf_verify(public, data, aux, proof, output) else None

    @staticmethod
    def verify_into(
        out: bytearray, public: "Buffer", data: "Buffer", buf: "Buffer", start: int, end: int, at: int
    ) -> bool:
        valid: bool = jamcrypto.vrf_verify(public, data, buf, buf, out, start, end, at)
        return valid


class X25519:
    label = "c"

    @staticmethod
    def public(secret: bytes) -> bytes:
        public = bytearray(32)
        jamcrypto.x25519_public(public, secret)
        return bytes(public)

    @staticmethod
    def exchange(secret: bytes, public: bytes) -> bytes:
        shared = bytearray(32)
        jamcrypto.x25519(shared, secret, public)
        return bytes(shared)


class ChaCha20Poly1305:
    label = "c"
    Aead = jamcrypto.Aead


class MlKem768:
    """A secret is the 2400 bytes of FIPS 203."""

    label = "c"
    takes_seed = True
    takes_entropy = True

    @staticmethod
    def keypair(seed: bytes) -> "tuple[bytearray, bytearray]":
        public = bytearray(1184)
        secret = bytearray(2400)
        jamcrypto.mlkem768_keypair(public, secret, seed)
        return public, secret

    @staticmethod
    def encapsulate(public: bytes, entropy: bytes) -> "tuple[bytearray, bytes] | None":
        ciphertext = bytearray(1088)
        shared = bytearray(32)
        if not jamcrypto.mlkem768_encapsulate(ciphertext, shared, public, entropy):
            return None
        return ciphertext, bytes(shared)

    @staticmethod
    def decapsulate(secret: "Buffer", ciphertext: bytes) -> bytes:
        shared = bytearray(32)
        jamcrypto.mlkem768_decapsulate(shared, secret, ciphertext)
        return bytes(shared)


NATIVES = {
    "blake2b": Blake2b,
    "sha512": Sha512,
    "ed25519": Ed25519,
    "x25519": X25519,
    "aead": ChaCha20Poly1305,
    "mlkem768": MlKem768,
}
if hasattr(jamcrypto, "vrf_verify"):  # a firmware may be without it
    Vrf.Check = jamcrypto.VrfCheck
    NATIVES["vrf"] = Vrf

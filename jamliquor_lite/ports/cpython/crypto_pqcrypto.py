"""ML-KEM-768 of PQClean, through pqcrypto 1.0."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class MlKem768:
    """Draws all randomness itself; a secret is the 2400 bytes of FIPS 203."""

    label = "pqcrypto"
    takes_seed = False
    takes_entropy = False

    def __init__(self) -> None:
        from pqcrypto.kem import ml_kem_768  # type: ignore[import-not-found, import-untyped, unused-ignore]

        # Releases before 1.0 have other names and may be the older Kyber.
        self._keygen: "Any" = ml_kem_768.keygen
        self._encaps: "Any" = ml_kem_768.encaps
        self._decaps: "Any" = ml_kem_768.decaps

    def keypair(self, seed: bytes) -> tuple[bytes, bytes]:
        public, secret = self._keygen()
        return public, secret

    def encapsulate(self, public: bytes, entropy: bytes) -> tuple[bytes, bytes] | None:
        try:
            ciphertext, shared = self._encaps(public)
        except ValueError:
            return None
        return ciphertext, shared

    def decapsulate(self, secret: bytes, ciphertext: bytes) -> bytes:
        shared: bytes = self._decaps(secret, ciphertext)
        return shared

"""What `suite` has for hosts alone: a VRF's proofs are made, and Keccak is computed, on no board."""

from ..errors import LocalError
from .choice import get, pure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .suite import Buffer

    class Shake128:
        """SHAKE128 in blocks of 168 bytes."""

        def start(self, data: Buffer) -> None:
            """Forget all before and absorb `data`."""

        def next_into(self, block: bytearray) -> None:
            """Fill `block` with what comes next."""

__all__ = (
    "Shake128",
    "sha3_256",
    "sha3_512",
    "shake256",
    "vrf_output",
    "vrf_public",
    "vrf_secret",
    "vrf_sign",
)


def Shake128() -> "Any":  # type: ignore[no-redef]
    return get("keccak").Shake128()


def _vrf_signer() -> "Any":
    # Our C checks proofs, in any time it likes; signing, which only devnet and tests do, is the pure twin's.
    implementation = get("vrf")
    return implementation if hasattr(implementation, "sign") else pure("vrf")


def vrf_secret(seed: "Buffer") -> bytes:
    """The secret scalar (32 bytes, little-endian, below the group's order) of a seed of any length."""
    secret: bytes = _vrf_signer().secret(bytes(seed))
    return secret


def vrf_public(secret: "Buffer") -> bytes:
    """The public key of a secret scalar."""
    public: bytes = _vrf_signer().public(_scalar(secret))
    return public


def vrf_sign(secret: "Buffer", data: "Buffer", aux: "Buffer") -> bytes:
    """The 96-byte proof (output point, c, s) over the VRF input `data` and the additional data `aux`."""
    proof: bytes = _vrf_signer().sign(_scalar(secret), bytes(data), bytes(aux))
    return proof


def vrf_output(secret: "Buffer", data: "Buffer") -> bytes:
    """The 32-byte VRF output of `data`: what `vrf_verify` returns for a proof over it."""
    output: bytes = _vrf_signer().output(_scalar(secret), bytes(data))
    return output


def sha3_256(data: "Buffer") -> bytes:
    """SHA3-256 of `data`, 32 bytes."""
    digest: bytes = get("keccak").sha3_256(data)
    return digest


def sha3_512(data: "Buffer") -> bytes:
    """SHA3-512 of `data`, 64 bytes."""
    digest: bytes = get("keccak").sha3_512(data)
    return digest


def shake256(data: "Buffer", size: int) -> bytes:
    """The first `size` bytes of SHAKE256 of `data`, at most one block of 136."""
    stream: bytes = get("keccak").shake256(data, size)
    return stream


def _scalar(secret: "Buffer") -> bytes:
    from . import bandersnatch

    if len(secret) != 32 or int.from_bytes(bytes(secret), "little") >= bandersnatch.ORDER:
        raise LocalError("crypto: a VRF secret has 32 bytes and is below the group's order; make it by vrf_secret", 2)
    return bytes(secret)

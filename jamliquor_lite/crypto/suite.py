"""The primitives of JAM and of the lite network, one name each, whoever computes them.

`choice` says who that is: a native of the port where one loads and knows its known answers, else the pure twin.
Inputs are `bytes`, `bytearray` or `memoryview`; keys, seeds and secrets are 32 bytes where nothing else is said.

    blake2b     BLAKE2b-256 without a key (RFC 7693): the hash of JAM
    sha512      SHA-512 (FIPS 180-4)
    ed25519     Ed25519 (RFC 8032), verified by ZIP-215
    vrf         Bandersnatch IETF VRF (davxy/bandersnatch-vrf-spec at 38cf32d): seals and entropy, GP 0.7.2 appendix G
    x25519      X25519 (RFC 7748)
    aead        ChaCha20-Poly1305 (RFC 8439) with the nonces of Noise
    keccak      SHA3 and SHAKE (FIPS 202), for ML-KEM's pure twin
    mlkem768    ML-KEM-768 (FIPS 203)

SHA-256, HMAC and Noise's HKDF are in C on both interpreters; they come from `hkdf` and there is nothing to choose.
What no board calls, signing by the VRF and Keccak itself, is in suite_hosts.py.
"""

from ..errors import LocalError, VerifyError
from .choice import LAZY, PRIMITIVES, _chosen, backends, get, lean, pure, select, self_test, use
from .hkdf import hkdf, hmac_sha256, sha256, sha256_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Buffer = bytes | bytearray | memoryview

    class Blake2b256:
        """BLAKE2b-256 of data that comes in pieces."""

        def update(self, data: Buffer) -> None:
            """Take in the next piece."""

        def digest(self) -> bytes:
            """The hash of all taken in so far, 32 bytes; more may follow."""

    class Aead:
        """ChaCha20-Poly1305 under one 32-byte key; each counter may seal one message only.

        The nonce is four zero bytes and the counter (64 bits, little-endian). `out` may be `buf` where `at` is
        `start`; otherwise the two ranges must not overlap. `out` has to be long enough, it never grows.
        """

        def __init__(self, key: Buffer) -> None: ...

        def seal(self, counter: int, ad: Buffer, buf: Buffer, start: int, end: int, out: Buffer, at: int) -> int:
            """buf[start:end] and a tag of 16 bytes into out[at:at + n]; n."""

        def open(self, counter: int, ad: Buffer, buf: Buffer, start: int, end: int, out: Buffer, at: int) -> int:
            """The plaintext into out[at:at + n]; n, or -1 when the tag is wrong or missing, and what `out` then holds
            is no plaintext."""

    class VrfCheck:
        """`vrf_verify` for additional data that is never whole in memory: a full-spec header that opens an epoch."""

        def __init__(self, public: Buffer, data: Buffer, proof: Buffer) -> None: ...

        def update(self, aux: Buffer) -> None:
            """The next piece of the additional data."""

        def finish(self) -> "bytes | None":
            """The 32-byte output that a valid proof proves, else None. Once, and the last call."""

__all__ = (
    "LAZY",
    "PRIMITIVES",
    "Aead",
    "Blake2b256",
    "VrfCheck",
    "backends",
    "blake2b_256",
    "blake2b_into",
    "ed25519_public",
    "ed25519_sign",
    "ed25519_verify",
    "hkdf",
    "hmac_sha256",
    "incremental_sha512",
    "lean",
    "mlkem768_decapsulate",
    "mlkem768_encapsulate",
    "mlkem768_keypair",
    "select",
    "self_test",
    "sha256",
    "sha256_pair",
    "sha512",
    "use",
    "vrf_verify",
    "vrf_verify_into",
    "x25519",
    "x25519_public",
)

# Answers of the native VRF's key check are remembered, two full-spec validator sets of them. The bound stops forged
# epoch marks, which name new keys by the thousand, from filling the memory.
_MAX_CHECKED_KEYS = 2048

_NO_SECRET = bytes(32)
_PROOF_BYTES = 96  # of a VRF

_checked_keys: "dict[bytes, bool]" = {}


def blake2b_256(data: "Buffer") -> bytes:
    """BLAKE2b-256 of `data`, 32 bytes."""
    try:
        implementation = _chosen["blake2b"]
    except KeyError:  # the first time
        implementation = get("blake2b")
    digest: bytes = implementation.blake2b_256(data)
    return digest


def blake2b_into(out: "bytearray | memoryview", buf: "Buffer", start: int, end: int) -> None:
    """BLAKE2b-256 of buf[start:end] into the 32 bytes of `out`. Where the implementation has this call itself, a
    board's, nothing is allocated."""
    try:
        implementation = _chosen["blake2b"]
    except KeyError:  # the first time
        implementation = get("blake2b")
    into = getattr(implementation, "blake2b_into", None)
    if into is not None:
        into(out, buf, start, end)
    else:
        out[:] = implementation.blake2b_256(memoryview(buf)[start:end])


# What these three make is the implementation's own class, so that no call is passed on; to a reader, and to a checker
# of types, they are classes themselves.


def Blake2b256() -> "Any":  # type: ignore[no-redef]
    return get("blake2b").Blake2b256()


def Aead(key: "Buffer") -> "Any":  # type: ignore[no-redef]
    return get("aead").Aead(_secret(key))


def VrfCheck(public: "Buffer", data: "Buffer", proof: "Buffer") -> "Any":  # type: ignore[no-redef]
    # A native without it (the Rust reference) wants the additional data whole: the pure twin steps in.
    made = getattr(get("vrf"), "Check", None) or pure("vrf").Check
    return made(bytes(public), bytes(data), bytes(proof))


def incremental_sha512() -> "Any":
    """SHA-512 of data that comes in pieces: `update(data)`, `digest()`. The pure twin where the native has none."""
    return (getattr(get("sha512"), "Sha512", None) or pure("sha512").Sha512)()


def sha512(data: "Buffer") -> bytes:
    """SHA-512 of `data`, 64 bytes."""
    digest: bytes = get("sha512").sha512(data)
    return digest


def ed25519_public(seed: "Buffer") -> bytes:
    """The public key of a 32-byte seed."""
    public: bytes = get("ed25519").public(_secret(seed))
    return public


def ed25519_sign(seed: "Buffer", message: "Buffer", public: bytes = b"") -> bytes:
    """The 64-byte signature of `message` by a 32-byte seed, deterministic as in RFC 8032.

    `public` is what `ed25519_public` gave for this seed, where that is known: boards need not make it again. Never
    another one: signatures by two public keys give the seed's scalar away.
    """
    signature: bytes = get("ed25519").sign(_secret(seed), bytes(message), public)
    return signature


def ed25519_verify(public: "Buffer", signature: "Buffer", message: "Buffer") -> bool:
    """Whether `signature` is valid by ZIP-215. Never raises; a wrong length is a no.

    Natives follow stricter rules, so their yes is final and their no is asked again of the pure twin, which is slow:
    a caller bounds how many wrong signatures it takes from one peer.
    """
    if len(public) != 32 or len(signature) != 64:
        return False
    public, signature, message = bytes(public), bytes(signature), bytes(message)
    implementation = get("ed25519")
    if implementation.verify(public, signature, message):
        return True
    return not implementation.zip215 and bool(pure("ed25519").verify(public, signature, message))


def vrf_verify(public: "Buffer", data: "Buffer", aux: "Buffer", proof: "Buffer") -> "bytes | None":
    """The 32-byte output that a valid proof proves, else None. Never raises and never prints."""
    if len(public) != 32 or len(proof) != _PROOF_BYTES:
        return None
    public = bytes(public)
    implementation = get("vrf")
    if implementation.trusts_key and not _key_is_sound(public):
        return None
    output: "bytes | None" = implementation.verify(public, bytes(data), bytes(aux), bytes(proof))
    return output


def vrf_verify_into(
    out: "bytearray | memoryview", public: "Buffer", data: "Buffer", buf: "Buffer", start: int, end: int, at: int
) -> bool:
    """Whether buf[at:] begins with a valid proof over the VRF input `data` and the additional data buf[start:end]; its
    output then is in the 32 bytes of `out`. Where the implementation has this call itself, a board's, nothing is
    allocated."""
    implementation = get("vrf")
    into = getattr(implementation, "verify_into", None)
    if into is not None:
        return bool(into(out, public, data, buf, start, end, at))
    view = memoryview(buf)
    output = vrf_verify(public, data, view[start:end], view[at : at + _PROOF_BYTES])
    if output is None:
        return False
    out[:] = output
    return True


def x25519_public(secret: "Buffer") -> bytes:
    """The X25519 public key of a 32-byte secret."""
    public: bytes = get("x25519").public(_secret(secret))
    return public


def x25519(secret: "Buffer", public: "Buffer") -> bytes:
    """The 32 bytes shared between our secret and the peer's public key. VerifyError("x25519") for a key of another
    length or of small order, with which every secret shares the same zeros (RFC 7748 section 6.1)."""
    if len(public) != 32:
        raise VerifyError("x25519", f"a public key has 32 bytes, this one has {len(public)}")
    shared: bytes = get("x25519").exchange(_secret(secret), bytes(public))
    if shared == _NO_SECRET:
        raise VerifyError("x25519", "the public key is a point of small order")
    return shared


def mlkem768_keypair(seed: "Buffer") -> "tuple[bytes, Any]":
    """(public key of 1184 bytes, secret) of a 64-byte seed (d and z of FIPS 203). The secret is what the
    implementation likes; it can be decapsulated with by the one that made it. An implementation that draws its own
    randomness (`takes_seed` is False) ignores the seed."""
    if len(seed) != 64:
        raise LocalError(f"crypto: an ML-KEM seed has 64 bytes, this one has {len(seed)}")
    pair: "tuple[bytes, Any]" = get("mlkem768").keypair(bytes(seed))
    return pair


def mlkem768_encapsulate(public: "Buffer", entropy: "Buffer") -> "tuple[bytes, bytes]":
    """(ciphertext of 1088 bytes, 32 shared bytes) for a public key and 32 random bytes, which an implementation that
    draws its own (`takes_entropy` is False) ignores. VerifyError("mlkem") for a key of another length or with a
    coefficient that is not reduced (FIPS 203 section 7.2)."""
    if len(entropy) != 32:
        raise LocalError(f"crypto: ML-KEM takes 32 bytes of entropy, these are {len(entropy)}")
    if len(public) != 1184:
        raise VerifyError("mlkem", f"a public key has 1184 bytes, this one has {len(public)}")
    pair: "tuple[bytes, bytes] | None" = get("mlkem768").encapsulate(bytes(public), bytes(entropy))
    if pair is None:
        raise VerifyError("mlkem", "the public key has a coefficient that is not reduced")
    return pair


def mlkem768_decapsulate(secret: "Any", ciphertext: "Buffer") -> bytes:
    """The 32 shared bytes. A forged ciphertext gives other bytes and no error, as FIPS 203 wants it; one of another
    length is a VerifyError("mlkem")."""
    if len(ciphertext) != 1088:
        raise VerifyError("mlkem", f"a ciphertext has 1088 bytes, this one has {len(ciphertext)}")
    shared: bytes = get("mlkem768").decapsulate(secret, bytes(ciphertext))
    return shared


def _key_is_sound(public: bytes) -> bool:
    sound = _checked_keys.get(public)
    if sound is None:
        from . import bandersnatch

        sound = bandersnatch.decode(public) is not None
        if len(_checked_keys) >= _MAX_CHECKED_KEYS:
            _checked_keys.clear()
        _checked_keys[public] = sound
    return sound


def _secret(seed: "Buffer") -> bytes:
    if len(seed) != 32:
        raise LocalError(f"crypto: a seed has 32 bytes, this one has {len(seed)}", 2)
    return bytes(seed)

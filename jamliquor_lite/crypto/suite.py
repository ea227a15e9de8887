"""The primitives of JAM, one name each, whoever computes them.

A native implementation of the port is taken where there is one and where it knows its known answers, else the pure
twin in this package. Inputs are `bytes`, `bytearray` or `memoryview`; keys, seeds and secrets are 32 bytes.

    blake2b     BLAKE2b-256 without a key (RFC 7693): the hash of JAM
    sha512      SHA-512 (FIPS 180-4)
    ed25519     Ed25519 (RFC 8032), verified by ZIP-215
    vrf         Bandersnatch IETF VRF (davxy/bandersnatch-vrf-spec at 38cf32d): seals and entropy, GP 0.7.2 appendix G
"""

from ..errors import LocalError
from ..ports import crypto as port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    Buffer = bytes | bytearray | memoryview

PRIMITIVES = ("blake2b", "sha512", "ed25519", "vrf")

# Answers of the native VRF's key check are remembered, two full-spec validator sets of them. The bound stops forged
# epoch marks, which name new keys by the thousand, from filling the memory.
_MAX_CHECKED_KEYS = 2048

_chosen: "dict[str, Any]" = {}
_notes: "dict[str, str]" = {}
_checked_keys: "dict[bytes, bool]" = {}


def blake2b_256(data: "Buffer") -> bytes:
    """BLAKE2b-256 of `data`, 32 bytes."""
    digest: bytes = _chosen["blake2b"].blake2b_256(data)
    return digest


class Blake2b256:
    """BLAKE2b-256 of data that comes in pieces."""

    def __init__(self) -> None:
        self._state = _chosen["blake2b"].Blake2b256()

    def update(self, data: "Buffer") -> None:
        """Take in the next piece."""
        self._state.update(data)

    def digest(self) -> bytes:
        """The hash of all taken in so far, 32 bytes; more may follow."""
        digest: bytes = self._state.digest()
        return digest


def sha512(data: "Buffer") -> bytes:
    """SHA-512 of `data`, 64 bytes."""
    digest: bytes = _chosen["sha512"].sha512(data)
    return digest


def ed25519_public(seed: "Buffer") -> bytes:
    """The public key of a 32-byte seed."""
    public: bytes = _get("ed25519").public(_secret(seed))
    return public


def ed25519_sign(seed: "Buffer", message: "Buffer") -> bytes:
    """The 64-byte signature of `message` by a 32-byte seed, deterministic as in RFC 8032."""
    signature: bytes = _get("ed25519").sign(_secret(seed), bytes(message))
    return signature


def ed25519_verify(public: "Buffer", signature: "Buffer", message: "Buffer") -> bool:
    """Whether `signature` is valid by ZIP-215. Never raises; a wrong length is a no.

    Natives follow stricter rules, so their yes is final and their no is asked again of the pure twin, which is slow:
    a caller bounds how many wrong signatures it takes from one peer.
    """
    if len(public) != 32 or len(signature) != 64:
        return False
    public, signature, message = bytes(public), bytes(signature), bytes(message)
    implementation = _get("ed25519")
    if implementation.verify(public, signature, message):
        return True
    return not implementation.zip215 and bool(_pure("ed25519").verify(public, signature, message))


def vrf_secret(seed: "Buffer") -> bytes:
    """The secret scalar (32 bytes, little-endian, below the group's order) of a seed of any length."""
    secret: bytes = _get("vrf").secret(bytes(seed))
    return secret


def vrf_public(secret: "Buffer") -> bytes:
    """The public key of a secret scalar."""
    public: bytes = _get("vrf").public(_scalar(secret))
    return public


def vrf_sign(secret: "Buffer", data: "Buffer", aux: "Buffer") -> bytes:
    """The 96-byte proof (output point, c, s) over the VRF input `data` and the additional data `aux`."""
    proof: bytes = _get("vrf").sign(_scalar(secret), bytes(data), bytes(aux))
    return proof


def vrf_output(secret: "Buffer", data: "Buffer") -> bytes:
    """The 32-byte VRF output of `data`: what `vrf_verify` returns for a proof over it."""
    output: bytes = _get("vrf").output(_scalar(secret), bytes(data))
    return output


def vrf_verify(public: "Buffer", data: "Buffer", aux: "Buffer", proof: "Buffer") -> "bytes | None":
    """The 32-byte output that a valid proof proves, else None. Never raises and never prints."""
    if len(public) != 32 or len(proof) != 96:
        return None
    public = bytes(public)
    implementation = _get("vrf")
    if implementation.trusts_key and not _key_is_sound(public):
        return None
    output: "bytes | None" = implementation.verify(public, bytes(data), bytes(aux), bytes(proof))
    return output


def backends() -> "dict[str, str]":
    """Who computes each primitive, for people: `pure`, or a native's name, with a note where one was passed over."""
    shown = {}
    for primitive in PRIMITIVES:
        label = _get(primitive).label
        note = _notes.get(primitive, "")
        shown[primitive] = f"{label} ({note})" if note else label
    return shown


def self_test() -> None:
    """Check a known answer of every primitive, once at start. A native that fails its own is dropped for the pure
    twin, and `backends` says so; LocalError when even the pure one is wrong, for then nothing here can be believed."""
    from . import known_answers

    for primitive in PRIMITIVES:
        implementation = _get(primitive)
        if known_answers.check(primitive, implementation):
            continue
        pure = _pure(primitive)
        if implementation is pure or not known_answers.check(primitive, pure):
            raise LocalError(f"crypto: {primitive} ({pure.label}) gives a wrong answer; this machine computes wrongly")
        _chosen[primitive] = pure
        _notes[primitive] = f"{implementation.label} gives a wrong answer"


class use:
    """`with use(primitive, "pure"):` serves the primitive by the pure twin, `"native"` by the port's native; what
    served before comes back at the end. LocalError where the port has no such native. For tests and benchmarks."""

    def __init__(self, primitive: str, which: str) -> None:
        if primitive not in PRIMITIVES or which not in ("pure", "native"):
            raise LocalError(f"crypto: no {which} {primitive}; there are pure and native {', '.join(PRIMITIVES)}")
        self._primitive = primitive
        self._before = _get(primitive)
        if which == "pure":
            _chosen[primitive] = _pure(primitive)
            return
        implementation, why = port.native(primitive)
        if implementation is None:
            raise LocalError(f"crypto: no native {primitive}: {why}", 2)
        _chosen[primitive] = implementation

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: "type[BaseException] | None", value: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        _chosen[self._primitive] = self._before


def _get(primitive: str) -> "Any":
    """What serves `primitive`, chosen when it is first needed: a native may be megabytes to load."""
    implementation = _chosen.get(primitive)
    if implementation is None:
        implementation, why = port.native(primitive)
        if implementation is None:
            implementation = _pure(primitive)
            _notes[primitive] = why
        _chosen[primitive] = implementation
    return implementation


def _pure(primitive: str) -> "Any":
    if primitive == "blake2b":
        from . import blake2b as twin
    elif primitive == "sha512":
        from . import sha512 as twin  # type: ignore[no-redef]
    elif primitive == "ed25519":
        from . import ed25519 as twin  # type: ignore[no-redef]
    else:
        from . import vrf as twin  # type: ignore[no-redef]
    return twin


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


def _scalar(secret: "Buffer") -> bytes:
    from . import bandersnatch

    if len(secret) != 32 or int.from_bytes(bytes(secret), "little") >= bandersnatch.ORDER:
        raise LocalError("crypto: a VRF secret has 32 bytes and is below the group's order; make it by vrf_secret", 2)
    return bytes(secret)


_get("blake2b")
_get("sha512")

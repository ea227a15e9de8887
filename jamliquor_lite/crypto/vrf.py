"""The IETF VRF with additional data over Bandersnatch, as JAM uses it (GP 0.7.2 appendix G).

Source: davxy/bandersnatch-vrf-spec at commit 38cf32d with its ietf.json, and where that leaves a choice what the Rust
reference (ark-vrf 0.1) does: a challenge is reduced, so c and c + r are the same proof; s has to be below r; the
identity is a key like another. A proof is `output point 32 | c 32 | s 32`, both numbers little-endian, though the
challenge itself is read big-endian from its hash. Not constant time, see `bandersnatch`.
"""

from . import bandersnatch
from .suite import incremental_sha512, sha512

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .bandersnatch import Affine
    from .sha512 import Sha512

    Buffer = bytes | bytearray | memoryview

label = "pure"
trusts_key = False

_R = bandersnatch.ORDER


def secret(seed: bytes) -> bytes:
    """The secret scalar of a seed of any length: 32 bytes, little-endian."""
    return (int.from_bytes(sha512(seed), "little") % _R).to_bytes(32, "little")


def public(secret: bytes) -> bytes:
    """The public key of a secret scalar."""
    return bandersnatch.encode(_public(int.from_bytes(secret, "little")))


def output(secret: bytes, data: bytes) -> bytes:
    """The 32-byte output of `data` under a secret scalar."""
    point = bandersnatch.multiply_add(
        int.from_bytes(secret, "little"), bandersnatch.hash_to_curve(data), 0, bandersnatch.IDENTITY
    )
    return _output(bandersnatch.to_affine([point])[0])


def sign(secret: bytes, data: bytes, aux: bytes) -> bytes:
    """The 96-byte proof over `data` and `aux`. It repeats exactly.

    The nonce is derived as in RFC 8032 from the secret and all that is signed. The specification at 38cf32d leaves
    `aux` out, which gives the key away to who sees two proofs over one input (two headers for one slot); its later
    vectors and the Rust reference take it in. A verifier cannot tell the difference.
    """
    x = int.from_bytes(secret, "little")
    hashed = bandersnatch.hash_to_curve(data)
    product = bandersnatch.multiply_add(x, hashed, 0, bandersnatch.IDENTITY)
    h, o = bandersnatch.to_affine([hashed, product])
    seed = sha512(secret)[32:] + bandersnatch.encode(h) + aux
    nonce = int.from_bytes(sha512(seed), "little") % _R
    u = bandersnatch.multiply_add(nonce, bandersnatch.extend(bandersnatch.GENERATOR), 0, bandersnatch.IDENTITY)
    v = bandersnatch.multiply_add(nonce, hashed, 0, bandersnatch.IDENTITY)
    points = [_public(x), h, o] + bandersnatch.to_affine([u, v])
    c = _challenge(points, aux)
    s = (nonce + c * x) % _R
    return bandersnatch.encode(o) + c.to_bytes(32, "little") + s.to_bytes(32, "little")


class Check:
    """`verify` for additional data that comes in pieces: everything but the hash of it is done at the start."""

    def __init__(self, public: bytes, data: bytes, proof: bytes) -> None:
        self._hash: "Sha512 | None" = None  # None: refused already
        self._c = 0
        self._o = bandersnatch.GENERATOR
        s = int.from_bytes(proof[64:], "little")
        if len(public) != 32 or len(proof) != 96 or s >= _R:
            return
        y = bandersnatch.decode(public)
        o = bandersnatch.decode(proof[:32])
        if y is None or o is None:
            return
        self._c = c = int.from_bytes(proof[32:64], "little") % _R
        self._o = o
        hashed = bandersnatch.hash_to_curve(data)
        # -c as r - c: the scalars stay positive, and no point has to be negated.
        back = (_R - c) % _R
        u = bandersnatch.multiply_add(s, bandersnatch.extend(bandersnatch.GENERATOR), back, bandersnatch.extend(y))
        v = bandersnatch.multiply_add(s, hashed, back, bandersnatch.extend(o))
        h, commitment_g, commitment_h = bandersnatch.to_affine([hashed, u, v])
        self._hash = _begin_challenge([y, h, o, commitment_g, commitment_h])

    def update(self, aux: "Buffer") -> None:
        """The next piece of the additional data."""
        if self._hash is not None:
            self._hash.update(aux)

    def finish(self) -> "bytes | None":
        """The 32-byte output that the proof proves, or None where it does not hold. Nothing may follow."""
        if self._hash is None or _end_challenge(self._hash) != self._c:
            return None
        return _output(self._o)


def verify(public: bytes, data: bytes, aux: bytes, proof: bytes) -> "bytes | None":
    """The 32-byte output that the proof proves, or None where it does not hold."""
    check = Check(public, data, proof)
    check.update(aux)
    return check.finish()


def _public(x: int) -> "Affine":
    point = bandersnatch.multiply_add(
        x, bandersnatch.extend(bandersnatch.GENERATOR), 0, bandersnatch.IDENTITY
    )
    return bandersnatch.to_affine([point])[0]


def _challenge(points: "list[Affine]", aux: bytes) -> int:
    state = _begin_challenge(points)
    state.update(aux)
    return _end_challenge(state)


def _begin_challenge(points: "list[Affine]") -> "Sha512":
    state: "Sha512" = incremental_sha512()
    state.update(bandersnatch.SUITE + b"\x02" + b"".join([bandersnatch.encode(p) for p in points]))
    return state


def _end_challenge(state: "Sha512") -> int:
    state.update(b"\x00")
    return int.from_bytes(state.digest()[:32], "big") % _R


def _output(point: "Affine") -> bytes:
    return sha512(bandersnatch.SUITE + b"\x03" + bandersnatch.encode(point) + b"\x00")[:32]

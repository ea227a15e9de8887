"""Validator keys from seeds (JIP-5), and the pool that the devnet draws its validator sets from."""

import hashlib

from ..crypto.suite import ed25519_public, ed25519_sign
from ..crypto.suite_hosts import vrf_output, vrf_public, vrf_secret, vrf_sign

KEY_SIZE = 336  # bandersnatch 32, ed25519 32, BLS 144, metadata 128 (GP 0.7.2, equation 6.8)
PAIR_SIZE = 64  # bandersnatch, ed25519: what an epoch mark says
_REST = bytes(144 + 128)  # no BLS key and no metadata: BEEFY is not served, and these validators have one address


def trivial_seed(index: int) -> bytes:
    """JIP-5: the 32-byte seed of a 32-bit number. For tests and devnets only."""
    return index.to_bytes(4, "little") * 8


class Validator:
    """The keys of one seed (JIP-5), each derived when it is first needed."""

    def __init__(self, index: int) -> None:
        self.index = index
        self._seed = trivial_seed(index)
        self._ed25519_secret = b""
        self._ed25519 = b""
        self._secret = b""
        self._bandersnatch = b""

    @property
    def ed25519_secret(self) -> bytes:
        """32-byte Ed25519 secret key."""
        if not self._ed25519_secret:
            self._ed25519_secret = hashlib.blake2b(
                self._seed, digest_size=32, person=b"jam-valk-ed25519").digest()
        return self._ed25519_secret

    @property
    def ed25519(self) -> bytes:
        """32-byte Ed25519 public key."""
        if not self._ed25519:
            self._ed25519 = ed25519_public(self.ed25519_secret)
        return self._ed25519

    @property
    def bandersnatch_secret(self) -> bytes:
        """32-byte Bandersnatch secret scalar, little-endian."""
        if not self._secret:
            seed = hashlib.blake2b(self._seed, digest_size=32, person=b"jam-valk-bsnatch").digest()
            self._secret = vrf_secret(seed)
        return self._secret

    @property
    def bandersnatch(self) -> bytes:
        """32-byte Bandersnatch public key."""
        if not self._bandersnatch:
            self._bandersnatch = vrf_public(self.bandersnatch_secret)
        return self._bandersnatch

    @property
    def pair(self) -> bytes:
        """Both public keys as an epoch mark holds them, 64 bytes."""
        return self.bandersnatch + self.ed25519

    @property
    def key(self) -> bytes:
        """The validator key of the state, 336 bytes."""
        return self.pair + _REST

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature, 64 bytes."""
        return ed25519_sign(self.ed25519_secret, message)

    def seal(self, data: bytes, aux: bytes) -> bytes:
        """Bandersnatch IETF VRF signature over input `data` and additional data `aux`, 96 bytes."""
        return vrf_sign(self.bandersnatch_secret, data, aux)

    def output(self, data: bytes) -> bytes:
        """VRF output for input `data`, 32 bytes."""
        return vrf_output(self.bandersnatch_secret, data)


class KeyPool:
    """The validators of trivial seeds `first` to `first + size - 1`, made when asked for (0.2 ms each)."""

    def __init__(self, size: int, first: int = 0) -> None:
        self.size = size
        self.first = first
        self._validators: dict[int, Validator] = {}

    def __getitem__(self, index: int) -> Validator:
        """The validator of a place in the pool, 0 to size - 1."""
        validator = self._validators.get(index)
        if validator is None:
            if not 0 <= index < self.size:
                raise IndexError(f"the pool has validators 0 to {self.size - 1}, not {index}")
            validator = self._validators[index] = Validator(self.first + index)
        return validator


class ValidatorSet:
    """An ordered set of V validators, None where one was struck out as an offender. Does not change."""

    def __init__(self, members: "tuple[Validator | None, ...]") -> None:
        self.members = members
        self._encoded = b""
        self._pairs = b""
        self._places: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self.members)

    @property
    def encoded(self) -> bytes:
        """V x 336 bytes, as C(7), C(8), C(9) hold it."""
        if not self._encoded:
            struck = bytes(KEY_SIZE)
            self._encoded = b"".join(struck if m is None else m.key for m in self.members)
        return self._encoded

    @property
    def pairs(self) -> bytes:
        """V x 64 bytes, as an epoch mark holds it."""
        if not self._pairs:
            struck = bytes(PAIR_SIZE)
            self._pairs = b"".join(struck if m is None else m.pair for m in self.members)
        return self._pairs

    def place(self, bandersnatch: bytes) -> int:
        """The index of a key in the set, or -1; also for the zero key."""
        if not self._places:
            self._places = {m.bandersnatch: i for i, m in enumerate(self.members) if m is not None}
        return self._places.get(bandersnatch, -1)

    def key(self, index: int) -> bytes:
        """The Bandersnatch key at an index; zeroes for one that was struck out."""
        member = self.members[index]
        return bytes(32) if member is None else member.bandersnatch

    def without(self, offenders: "frozenset[bytes]") -> "ValidatorSet":
        """Phi of GP 0.7.2 (6.14): the set with the keys of these Ed25519 keys' owners struck out."""
        members = tuple(None if m is None or m.ed25519 in offenders else m for m in self.members)
        return self if members == self.members else ValidatorSet(members)

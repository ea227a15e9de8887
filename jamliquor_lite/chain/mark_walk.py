"""A header that opens an epoch, read once and not kept: of its 65,833 bytes at full spec stay its hash, the two
entropies of its mark, its author and its two signatures; the keys that the mark names go on to a sink.

What its seal would have to be checked against is not there, and need not be: whoever reads a header like that has votes
of more than 2/3 of the validators for its hash, and they have executed the block.
"""

from ..const import const
from ..crypto.suite import blake2b_256, sha512, vrf_verify
from ..errors import VerifyError
from ..ports.memory import copy
from .header_walk import HeaderWalk
from .sets import Held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..codec.spec import Spec
    from .sets import Set

    Buffer = bytes | bytearray | memoryview

    class KeysSink(Protocol):
        """Takes the keys of one mark, V x (Bandersnatch 32, Ed25519 32) in pieces; `keep` makes a set of them, and
        `begin` forgets them."""

        def begin(self) -> None: ...

        def write(self, buf: Buffer, start: int, end: int) -> None: ...

        def keep(self) -> Set: ...

_HASH = const(32)
_FLAG_AT = const(100)
_MARK_AT = const(101)
_ENTROPIES = const(64)  # at the start of a mark: eta_0 after the parent, and its eta_1
_AUTHOR_BYTES = const(98)
_SIGNATURE = const(96)
_KEY_PAIR = const(64)
_ENTROPY = b"jam_entropy"
_SUITE = b"Bandersnatch_SHA-512_ELL2"  # crypto/bandersnatch.py, which no board has
_NOWHERE = -1


class KeysInMemory:
    """A host's sink: one buffer, lent to one mark after another."""

    def __init__(self, spec: "Spec") -> None:
        self._buf = bytearray(spec.validators * _KEY_PAIR)
        self._at = 0

    def begin(self) -> None:
        self._at = 0

    def write(self, buf: "Buffer", start: int, end: int) -> None:
        copy(self._buf, self._at, buf, start, end)
        self._at += end - start

    def keep(self) -> "Set":
        return Held(self._buf)


class MarkWalk(HeaderWalk):
    """`begin`, `feed` until `is_done`; then `entropies` (eta_0 after the parent, and the parent's eta_1), `author`,
    `entropy_signature` and `seal` are there beside what HeaderWalk has, and the sink has the keys. `has_entropies` says
    that the entropies have come. VerifyError("epoch_mark") at the byte that says that there is no mark."""

    def __init__(self, spec: "Spec", sink: "KeysSink") -> None:
        self.entropies = bytearray(_ENTROPIES)
        self._behind = bytearray(_AUTHOR_BYTES)  # the mark: author and entropy signature
        self.seal = bytearray(_SIGNATURE)
        self._sink = sink
        self._keys_at = _MARK_AT + _ENTROPIES
        self._keys_end = _MARK_AT + spec.epoch_mark_size
        HeaderWalk.__init__(self, spec)

    def begin(self) -> None:
        HeaderWalk.begin(self)
        self._seal_at = _NOWHERE
        self._sink.begin()

    @property
    def has_entropies(self) -> bool:
        return self.size >= self._keys_at

    @property
    def author(self) -> int:
        return self._behind[0] | self._behind[1] << 8

    @property
    def entropy_signature(self) -> bytes:
        return bytes(self._behind[2:])

    def feed(self, buf: "Buffer", start: int, end: int) -> int:
        before = self.size
        taken = HeaderWalk.feed(self, buf, start, end)
        if self.size > _FLAG_AT and not self.has_epoch_mark:
            raise VerifyError("epoch_mark", "the header of slot %d lacks an epoch mark" % self.slot)
        if self.has_tickets_mark:
            raise VerifyError("tickets_mark", "the header of slot %d has two marks" % self.slot)
        shift = start - before  # from a place in the header to its place in buf
        self._cut(self.entropies, _MARK_AT, before, buf, shift)
        at, until = max(before, self._keys_at), min(self.size, self._keys_end)
        if at < until:
            self._sink.write(buf, at + shift, until + shift)
        self._cut(self._behind, self._keys_end + 1, before, buf, shift)
        if self._seal_at != _NOWHERE:
            self._cut(self.seal, self._seal_at, before, buf, shift)
        return taken

    def _cut(self, out: bytearray, place: int, before: int, buf: "Buffer", shift: int) -> None:
        # What of the header's bytes from `place` on has just come, into `out`.
        at, until = max(before, place), min(self.size, place + len(out))
        if at < until:
            copy(out, at - place, buf, at + shift, until + shift)

    def _offenders(self, count: int) -> None:
        HeaderWalk._offenders(self, count)
        self._seal_at = self.size + count * _HASH


def entropy_after(before: "Buffer", key: "Buffer", seal: "Buffer", entropy_signature: "Buffer") -> bytes:
    """eta_0 after a block, of eta_0 before it, its author's Bandersnatch key and its two signatures (GP 0.7.2, 6.22).
    VerifyError("entropy") where the entropy signature is not over the seal's output."""
    # A seal's output is the hash of its first point: what proves it needs the whole header, which is final.
    sealed = sha512(_SUITE + b"\x03" + bytes(seal[:_HASH]) + b"\x00")[:_HASH]
    fresh = vrf_verify(key, _ENTROPY + sealed, b"", entropy_signature)
    if fresh is None:
        raise VerifyError("entropy", "the entropy signature does not verify")
    return blake2b_256(bytes(before) + fresh)

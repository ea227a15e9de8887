"""A header as a view over bytes: fields are decoded when they are asked for (GP 0.7.2, equation C.22).

    parent 32 | prior state root 32 | extrinsic hash 32 | slot 4 | ?epoch mark | ?tickets mark |
    author 2 | entropy signature 96 | offenders: natural, n x 32 | seal 96

A `?` is a byte 0 or 1 that says whether the part follows. Integers are little-endian.
"""

from ..codec.cursor import Cursor
from ..const import const
from ..crypto.suite import blake2b_into, vrf_verify_into
from ..errors import VerifyError
from ..ports.memory import same
from .sets import Held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec
    from .sets import Set

    Buffer = bytes | bytearray | memoryview

_HASH = const(32)
_SIGNATURE = const(96)
_SLOT_AT = const(96)
_KEY_PAIR = const(64)
_TICKET = const(33)
NO_AUTHOR = 0xFFFF  # what a genesis header says


class Header:
    """The header that lies in `buf[start:end]`; the caller owns the bytes and must keep them while it is used.

    With `end` given the header must fill the range exactly. With `end` None it may be the start of something
    longer (a block, an announcement) and `.end` says where it stopped.
    Raises VerifyError("codec") for anything that is no header of this spec. `begin` has the object stand for another
    one, without the heap.
    """

    def __init__(self, spec: "Spec", buf: "Buffer", start: int = 0, end: "int | None" = None) -> None:
        self.spec = spec
        self._reader = Cursor(b"")
        self._digest = bytearray(_HASH)
        self.begin(buf, start, end)

    def begin(self, buf: "Buffer", start: int, end: "int | None") -> None:
        """Be the header in buf[start:end]."""
        spec, reader = self.spec, self._reader
        self.buf = buf
        self.start = start
        self._is_hashed = False
        reader.begin(buf, start, end)
        reader.skip(3 * _HASH)
        self.slot = reader.u32()
        self._epoch_mark = self._tickets_mark = 0  # offset, or 0: no mark lies at offset 0 of a header
        if reader.flag():
            self._epoch_mark = reader.pos
            reader.skip(spec.epoch_mark_size)
        if reader.flag():
            self._tickets_mark = reader.pos
            reader.skip(spec.tickets_mark_size)
        self.author = reader.u16()
        self._entropy_signature = reader.pos
        reader.skip(_SIGNATURE)
        self.offenders_count = reader.natural()
        if self.offenders_count > spec.validators:
            raise VerifyError("codec", "header names %d offenders, at most %d can be"
                              % (self.offenders_count, spec.validators))
        self._offenders = reader.pos
        reader.skip(self.offenders_count * _HASH)
        self._seal = reader.pos
        reader.skip(_SIGNATURE)
        if end is not None:
            reader.finish()
        self.end = reader.pos

    def _bytes(self, start: int, size: int) -> bytes:
        return bytes(memoryview(self.buf)[start : start + size])

    @property
    def parent(self) -> bytes:
        return self._bytes(self.start, _HASH)

    def is_child_of(self, header_hash: "Buffer") -> bool:
        """Whether a header hash is its parent's."""
        return len(header_hash) == _HASH and same(self.buf, self.start, header_hash, 0, _HASH)

    @property
    def prior_state_root(self) -> bytes:
        """Root of the state after the parent block: a claim of the author, see levels.py."""
        return self._bytes(self.start + _HASH, _HASH)

    @property
    def extrinsic_hash(self) -> bytes:
        return self._bytes(self.start + 2 * _HASH, _HASH)

    @property
    def digest(self) -> bytearray:
        """BLAKE2b-256 of the whole header, seal included: ours, and good until `begin`."""
        if not self._is_hashed:
            self._is_hashed = True
            blake2b_into(self._digest, self.buf, self.start, self.end)
        return self._digest

    @property
    def hash(self) -> bytes:
        """The same to keep."""
        return bytes(self.digest)

    def content_into(self, out: "bytearray | memoryview") -> None:
        """BLAKE2b-256 of everything but the seal: seals are malleable, so this is what makes two headers one block."""
        blake2b_into(out, self.buf, self.start, self._seal)

    @property
    def unsigned(self) -> bytes:
        """Everything but the seal: what the seal signs."""
        return self._bytes(self.start, self._seal - self.start)

    def seal_holds(self, out: bytearray, key: bytearray, data: bytearray) -> bool:
        """Whether the seal is valid under a key and the VRF input `data`; its output then is in `out`."""
        return vrf_verify_into(out, key, data, self.buf, self.start, self._seal, self._seal)

    def entropy_holds(self, out: "bytearray | memoryview", key: bytearray, data: bytearray) -> bool:
        """The same of the entropy signature, which signs nothing beside `data`."""
        return vrf_verify_into(out, key, data, self.buf, 0, 0, self._entropy_signature)

    @property
    def seal(self) -> bytes:
        return self._bytes(self._seal, _SIGNATURE)

    @property
    def entropy_signature(self) -> bytes:
        return self._bytes(self._entropy_signature, _SIGNATURE)

    @property
    def epoch_mark(self) -> bool:
        return self._epoch_mark != 0

    @property
    def mark_entropy(self) -> bytes:
        return self._bytes(self._epoch_mark, _HASH)

    @property
    def mark_tickets_entropy(self) -> bytes:
        return self._bytes(self._epoch_mark + _HASH, _HASH)

    @property
    def mark_keys(self) -> bytes:
        """V pairs of Bandersnatch and Ed25519 key, 64 bytes each."""
        return self._bytes(self._epoch_mark + 2 * _HASH, self.spec.validators * _KEY_PAIR)

    def marked_keys(self) -> "Set":
        """The same as a set, which may lie in flash and then is good for as long as the header is."""
        return Held(self.mark_keys)

    @property
    def tickets_mark(self) -> bool:
        return self._tickets_mark != 0

    @property
    def tickets(self) -> bytes:
        """E tickets of id 32 and attempt 1, in the order of the slots they seal."""
        return self._bytes(self._tickets_mark, self.spec.epoch_length * _TICKET)

    def marked_tickets(self) -> "Set":
        """The same as a set, like `marked_keys`."""
        return Held(self.tickets)

    def offender(self, index: int) -> bytes:
        """The Ed25519 key of an offender. Nothing in a header proves that it is one."""
        return self._bytes(self._offenders + index * _HASH, _HASH)


def announced_slot(buf: "Buffer", start: int) -> int:
    """The slot of the header at `start`, which must be there, without looking at the rest."""
    at = start + _SLOT_AT
    return buf[at] | buf[at + 1] << 8 | buf[at + 2] << 16 | buf[at + 3] << 24

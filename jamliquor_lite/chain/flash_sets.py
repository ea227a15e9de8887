"""A board's store of validator sets and tickets: in flash, read a key at a time, written once each.

The area is cut into places for key sets and as many for tickets, each of whole sectors:

    data | ff … | foot 64, at the very end

    foot = "JLS2" | kind 1 | 0 x 3 | size 4 | sequence 4 | BLAKE2b-256 of the data 32 | BLAKE2b-256 of these 48, 16

Numbers are little-endian. The foot is written last and erased first, so a cut write or erase leaves no foot; what has
one is still hashed before it is used. A set is named by its hash, so the same set is never written twice, whichever
fork, restart or peer brings it. Writes go round the places, the one written longest ago first, and never to one that
the chain or the saved checkpoint refers to.

Wear: at full spec a key set takes 16 sectors of 4 KiB, tickets take 5, and an honest day brings 24 of each: 504
erases over the whole area. Whatever peers send, `set_writes` of each kind an epoch is the bound: 8 of them are
192 x 21 = 4,032 erases a day; in an area for 12 pairs (1 MiB) that is 16 a day for a sector, 17 years of 100,000.
"""

from struct import pack_into, unpack_from

from ..const import const
from ..crypto.suite import blake2b_256, blake2b_into
from ..errors import BudgetError, LocalError
from ..ports.memory import same
from .sets import CHUNK_BYTES, KEYS, digest_of, search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..codec.spec import Spec
    from .flash_area import Area
    from .sets import Buffer, Set

_MAGIC = b"JLS2"
_FOOT = const(64)
_CHECKED = const(48)  # bytes of a foot under its checksum
_PAGE = const(256)  # written at a time where a chip wants whole pages
_KEY_PAIR = const(64)
_TICKET = const(33)
_LEAST_PAIRS = const(4)  # the sets of a root, of the epoch after it, of a mark on top, and one that is being written

# bits of `_state`
_USED = const(1)  # by the chain
_PINNED = const(2)  # by a saved checkpoint
_SOUND = const(4)  # its data has been hashed in this run
_BAD = const(8)  # did not hold what was written: not tried again in this run


def place_bytes(size: int, sector_bytes: int) -> int:
    """What a set of `size` bytes takes of an area."""
    return -(-(size + _FOOT) // sector_bytes) * sector_bytes


class FlashSets:
    """`set_writes`: sets of one kind that are written in one epoch at most. LocalError for an area that is too small
    for the spec."""

    def __init__(self, area: "Area", spec: "Spec", set_writes: int) -> None:
        self.area = area
        self._sizes = (spec.validators * _KEY_PAIR, spec.epoch_length * _TICKET, spec.epoch_length * 32)
        self._keys_bytes = place_bytes(self._sizes[0], area.sector_bytes)
        self._tickets_bytes = place_bytes(self._sizes[1], area.sector_bytes)
        self.pairs = area.size // (self._keys_bytes + self._tickets_bytes)
        if self.pairs < _LEAST_PAIRS:
            raise LocalError("flash: %d bytes for validator sets, spec %s needs %d" % (
                area.size, spec.name, _LEAST_PAIRS * (self._keys_bytes + self._tickets_bytes)), 2)
        self.sets_written = 0
        self._state = bytearray(2 * self.pairs)
        self._next = [0, 0]  # where the next set of keys, of tickets, is looked for a place first
        self._chunk = bytearray(CHUNK_BYTES)
        self._foot = bytearray(_FOOT)
        self._hash = bytearray(32)
        self._sequence = 0
        self._limit = set_writes
        self._epoch = -1
        self._left = [0, 0]
        self._survey()

    def put(self, kind: int, source: "Set", epoch: int) -> "Set":
        """Keep a set, unless it is here already. BudgetError("sets") and ("set_writes") as sets.py says."""
        if isinstance(source, FlashSet) and source.store is self:
            self._state[source.place] |= _USED
            return source
        if source.size != self._sizes[kind]:
            raise LocalError("flash: a set of %d bytes, those of its kind have %d" % (source.size, self._sizes[kind]))
        digest = digest_of(source, self._chunk)
        found = self.open(kind, digest)
        if found is None:
            found = self._write(kind, source, digest, epoch)
        self._state[found.place] |= _USED
        return found

    def open(self, kind: int, digest: bytes) -> "FlashSet | None":
        """The set of this kind and hash, or None."""
        first = 0 if kind == KEYS else self.pairs
        for place in range(first, first + self.pairs):
            if self._read_foot(place, kind) and same(self._foot, 16, digest, 0, 32):
                found = FlashSet(self, place, kind, self._sizes[kind], digest)
                if self._state[place] & _SOUND or digest_of(found, self._chunk) == digest:
                    self._state[place] |= _SOUND
                    return found
        return None

    def retain(self, used: "Iterable[Set | None]") -> None:
        """Let go of all sets but these and those of the saved checkpoint."""
        self._mark(used, _USED)

    def pin(self, used: "Iterable[Set]") -> None:
        """The saved checkpoint refers to these, and no longer to others."""
        self._mark(used, _PINNED)

    def free(self, kind: int) -> int:
        """Places that a new set could take."""
        first = 0 if kind == KEYS else self.pairs
        return sum(not self._state[place] & (_USED | _PINNED | _BAD) for place in range(first, first + self.pairs))

    def _mark(self, used: "Iterable[Set | None]", bit: int) -> None:
        state = self._state
        for place in range(len(state)):
            state[place] &= ~bit & 0xFF
        for one in used:
            if isinstance(one, FlashSet) and one.store is self:
                state[one.place] |= bit

    def offset(self, place: int) -> int:
        """Where a place begins in the area."""
        if place < self.pairs:
            return place * self._keys_bytes
        return self.pairs * self._keys_bytes + (place - self.pairs) * self._tickets_bytes

    def _bytes(self, place: int) -> int:
        return self._keys_bytes if place < self.pairs else self._tickets_bytes

    def _survey(self) -> None:
        # The place behind the youngest set is where writing goes on, or every reset would wear the first ones.
        youngest = [0, 0]
        for place in range(2 * self.pairs):
            which = 0 if place < self.pairs else 1
            self._next[which] = self._next[which] or which * self.pairs
            if not self._read_foot(place, -1):
                continue
            sequence = unpack_from("<I", self._foot, 12)[0]
            self._sequence = max(self._sequence, sequence)
            if sequence > youngest[which]:
                youngest[which] = sequence
                self._next[which] = self._after(place)

    def _after(self, place: int) -> int:
        if place < self.pairs:
            return (place + 1) % self.pairs
        return self.pairs + (place + 1 - self.pairs) % self.pairs

    def _read_foot(self, place: int, kind: int) -> bool:
        # Whether there is a whole one, of this kind (-1: any); it is then in `_foot`.
        foot = self._foot
        self.area.read_into(self.offset(place) + self._bytes(place) - _FOOT, foot, 0, _FOOT)
        if not same(foot, 0, _MAGIC, 0, 4):
            return False
        size = foot[8] | foot[9] << 8 | foot[10] << 16 | foot[11] << 24
        if kind >= 0 and (foot[4] != kind or size != self._sizes[kind]):
            return False
        blake2b_into(self._hash, foot, 0, _CHECKED)
        return same(self._hash, 0, foot, _CHECKED, _FOOT)

    def _write(self, kind: int, source: "Set", digest: bytes, epoch: int) -> "FlashSet":
        which = 0 if kind == KEYS else 1
        if epoch > self._epoch:
            self._epoch = epoch
            self._left = [self._limit, self._limit]
        place = self._next[which]
        for _ in range(self.pairs):
            if not self._state[place] & (_USED | _PINNED | _BAD):
                if self._left[which] == 0:
                    raise BudgetError("set_writes", "%d sets of validators or tickets in one epoch are written, no "
                                      "more" % self._limit)
                self._left[which] -= 1
                self._sequence += 1
                self._fill(place, kind, source, digest)
                found = FlashSet(self, place, kind, self._sizes[kind], digest)
                if self._read_foot(place, kind) and digest_of(found, self._chunk) == digest:
                    self._state[place] = _SOUND
                    self._next[which] = self._after(place)
                    return found
                self._state[place] = _BAD
            place = self._after(place)
        raise BudgetError("sets", "no place for another set: all %d are in use" % self.pairs)

    def _fill(self, place: int, kind: int, source: "Set", digest: bytes) -> None:
        area, chunk = self.area, self._chunk
        start, size = self.offset(place), self._bytes(place)
        self._state[place] = 0
        for at in range(start + size - area.sector_bytes, start - 1, -area.sector_bytes):
            area.erase(at, area.sector_bytes)
        whole = source.size - source.size % _PAGE
        for at in range(0, whole, CHUNK_BYTES):
            count = min(CHUNK_BYTES, whole - at)
            source.read_into(at, chunk, 0, count)
            area.write(start + at, chunk, 0, count)
        rest = source.size - whole
        self._blank()
        if rest:
            source.read_into(whole, chunk, 0, rest)
            if whole < size - _PAGE:
                area.write(start + whole, chunk, 0, _PAGE)
                self._blank()
        foot_at = _PAGE - _FOOT
        pack_into("<4sBBHII", chunk, foot_at, _MAGIC, kind, 0, 0, source.size, self._sequence)
        chunk[foot_at + 16 : foot_at + _CHECKED] = digest
        check = blake2b_256(memoryview(chunk)[foot_at : foot_at + _CHECKED])
        chunk[foot_at + _CHECKED : _PAGE] = check[: _FOOT - _CHECKED]
        area.write(start + size - _PAGE, chunk, 0, _PAGE)
        self.sets_written += 1

    def _blank(self) -> None:
        for at in range(_PAGE):
            self._chunk[at] = 0xFF

    def search(self, one: "FlashSet", field: "Buffer", step: int) -> int:
        """`find` of one of our sets, in the buffer that all share."""
        if CHUNK_BYTES % step:
            return search(one, field, step, bytearray(4 * step))
        return search(one, field, step, self._chunk, True)  # a place ends with a sector, and that with a chunk

    def digest(self, one: "FlashSet") -> bytes:
        """The hash of what lies in flash now."""
        return digest_of(one, self._chunk)


class FlashSet:
    """A set in flash; see sets.py. `name` is the digest under which it was kept."""

    def __init__(self, store: FlashSets, place: int, kind: int, size: int, name: bytes) -> None:
        self.store = store
        self.place = place
        self.kind = kind
        self.size = size
        self.name = name
        self._offset = store.offset(place)

    def take(self, at: int, count: int) -> bytes:
        buf = bytearray(count)
        self.store.area.read_into(self._offset + at, buf, 0, count)
        return bytes(buf)

    def read_into(self, at: int, buf: "bytearray | memoryview", start: int, end: int) -> None:
        self.store.area.read_into(self._offset + at, buf, start, end)

    def find(self, field: "Buffer", step: int) -> int:
        return self.store.search(self, field, step)

    def whole(self) -> bytes:
        return self.take(0, self.size)

    def digest(self) -> bytes:
        return self.name

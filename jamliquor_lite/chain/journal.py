"""What a host remembers between runs: records that are appended to one of two segments, and survive a cut at any byte.

    record = "JR" | kind 1 | 0 | number 4 | length 4 | payload | BLAKE2b-256 of the record's offset 4 and all of it, 16

Numbers are little-endian. `number` goes up by one with each record that is ever written. Kinds:

    set      a validator set or tickets; its name is the BLAKE2b-256 of the payload, so it is written once
    head     day 4 | bytes written in it 4 | a checkpoint of version 2, which names its sets (checkpoint.py)
    peers    what the node makes of it (node/journal_keeper.py); the latest counts

The head with the highest number counts whose sets are whole. It is acknowledged when its write has returned. Writing
goes on behind it until the segment is full; then the other one is begun anew, with all that the new head needs. So
each segment stands alone, and whatever a cut or a flipped bit takes, an older state is left that it did not touch. At
full spec that happens once an epoch at most, and writes 171 KB; where a head and its next tickets are all that is
new, it is 0.6 and 20 KB.

A cut leaves records that are not whole, and damage too. Reading goes on behind them, at the next one that is: its
checksum covers where it lies and its number, so nothing that was left there before is taken for it.
"""

from struct import pack, unpack_from

from ..const import const
from ..crypto.suite import Blake2b256, blake2b_256
from ..errors import LocalError, VerifyError
from .checkpoint import Checkpoint
from .sets import Held, MemorySets
from .wear import Wear, blocks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..codec.spec import Spec
    from .sets import Set

    Buffer = bytes | bytearray | memoryview
    Record = tuple[int, Buffer]  # kind, payload

    class Store(Protocol):
        """What a port's SegmentFile offers: two segments, 0 and 1. Its failures are LocalErrors."""

        def name(self, segment: int) -> str: ...

        def read(self, segment: int) -> "bytes | None": ...

        def write(self, segment: int, at: int, pieces: "list[Buffer]") -> None:
            """A segment is now its first `at` bytes and `pieces`, durably. Cut short, it may be anything from there
            on."""

SET = 1
HEAD = 2
PEERS = 3
RECORD_BYTES = 28  # of a record, what is not payload
MAX_PEERS_BYTES = const(16_384)
_MAGIC = b"JR"
_START = const(12)
_CHECK = const(16)
_WEAR = const(8)  # of a head, before its checkpoint
_HEAD_BYTES = const(2_048)  # of a head, with room
_KEY_PAIR = const(64)
_TICKET = const(33)
_HASH = const(32)
_SMALL = const(32_768)  # a segment of a chain whose sets are small
_NONE = const(-1)
# Of the allowance, what heads without new sets may use: the sets that come with the epochs must find some of it left.
_HEADS_PERMILLE = const(500)


def least_segment(spec: "Spec") -> int:
    """Bytes that a segment must have for a chain of this spec: all that one head may name, the peers, and two heads."""
    sets = 2 * _KEY_PAIR * spec.validators + (2 * _TICKET + _HASH) * spec.epoch_length
    return sets + 5 * RECORD_BYTES + MAX_PEERS_BYTES + RECORD_BYTES + 2 * (_HEAD_BYTES + RECORD_BYTES)


def segment_bytes(spec: "Spec", journal_bytes: int) -> int:
    """What a segment of such a chain is given, of a journal that may have so many bytes in all. LocalError (2)."""
    least, half = least_segment(spec), journal_bytes // 2
    if half < least:
        raise LocalError("a journal of %d bytes is too small for spec %s, it needs %d" % (
            journal_bytes, spec.name, 2 * least), 2)
    return min(half, _SMALL) if least <= _SMALL else half


class Journal:
    """`load`, then `save` at any time. `damaged` is one line about what `load` found lost, or None; `peers` is the
    payload of the latest record of that kind.

    `written` counts bytes, `skipped` the heads that were not written because the day's allowance was used up.
    """

    def __init__(self, store: "Store", segment: int, day_bytes: int) -> None:
        self.segment_bytes = segment
        self.wear = Wear(day_bytes)
        self.damaged: "str | None" = None
        self.peers: "bytes | None" = None
        self.written = self.skipped = self.switches = self.sets_written = 0
        self._store = store
        self._loaded = False
        self._reset()

    def _reset(self) -> None:
        # Where the whole sets of each segment lie: name -> (offset, bytes).
        self._places: "list[dict[bytes, tuple[int, int]]]" = [{}, {}]
        self._active = _NONE
        self._end = 0
        self._number = 0
        self._body = b""  # the checkpoint that was acknowledged last

    def load(self) -> "Checkpoint | None":
        """The checkpoint that was acknowledged last, or the latest before it that is whole; None where there is none.
        LocalError from the store."""
        self._reset()
        self._loaded = True
        self.damaged = self.peers = None
        heads: "list[tuple[int, int, bytes]]" = []  # number, segment, payload
        ends, numbers, faults = [0, 0], [0, 0], []
        peers_number = 0
        for segment in (0, 1):
            data = self._store.read(segment)
            if data is None:
                continue
            records, lost = scan(data)
            for kind, number, at, size in records:
                payload = data[at : at + size]
                if kind == SET:
                    self._places[segment][blake2b_256(payload)] = (at, size)
                elif kind == HEAD:
                    heads.append((number, segment, payload))
                elif kind == PEERS and number > peers_number:
                    peers_number, self.peers = number, payload
                ends[segment] = at + size + _CHECK
                numbers[segment] = max(numbers[segment], number)
            for start, end in lost:
                faults.append("%s: bytes %d to %d are no whole record" % (self._store.name(segment), start, end))
        self._number = max(numbers)
        if self._number:
            self._active = 0 if numbers[0] >= numbers[1] else 1
        heads.sort()
        found, gone = None, 0
        while heads and found is None:
            number, segment, payload = heads.pop()
            found = self._decode(payload)
            if found is None:
                gone += 1
            else:
                self._active = segment
        if gone:
            faults.append("%d newer heads name sets that are lost" % gone)
        if self._active != _NONE:
            self._end = ends[self._active]
        if faults:
            self.damaged = "%s: %s" % ("; ".join(faults), "nothing is left of it" if found is None else
                                       "going on from slot %d" % found.slot)
        return found

    def _decode(self, payload: bytes) -> "Checkpoint | None":
        if len(payload) < _WEAR:
            return None
        body = payload[_WEAR:]
        try:
            found = Checkpoint.decode(body, _Found(self._store, self._places))
        except VerifyError:
            return None
        self.wear.day, self.wear.used = unpack_from("<II", payload, 0)
        self._body = bytes(body)
        return found

    @property
    def size(self) -> int:
        """Bytes of the segment that is written to."""
        return self._end

    def save(self, checkpoint: "Checkpoint", seconds: int, peers: "bytes | None" = None, is_last: bool = False) -> bool:
        """Have this checkpoint, and these peers, loaded from now on. Whether it is so: False where the allowance of
        the day that `seconds` lie in is used up; `is_last` may use what is kept for sets. LocalError from the store,
        and then it is as it was before."""
        if not self._loaded:
            self.load()
        body = bytes(checkpoint.encode(True))
        if peers == self.peers:
            peers = None
        if body == self._body and peers is None:
            return True
        sets = {one.digest(): one for one in checkpoint.sets() if one is not None}
        active, at = self._active, self._end
        fresh = [] if active == _NONE else [name for name in sets if name not in self._places[active]]
        size = self._size(sets, fresh, body, peers)
        has_sets = bool(fresh) or is_last
        switches = active == _NONE or at + size > self.segment_bytes
        if switches:
            active, at = 0 if active == _NONE else 1 - active, 0
            fresh = list(sets)
            peers = self.peers if peers is None else peers
            size = self._size(sets, fresh, body, peers)
            if size > self.segment_bytes:
                raise LocalError("journal: %d bytes at once, a segment has %d" % (size, self.segment_bytes), 2)
        cost = blocks(at, size)
        if not self.wear.may(cost, seconds, 1000 if has_sets else _HEADS_PERMILLE):
            self.skipped += 1
            return False
        self.wear.spend(cost, seconds)
        if switches:
            self._places[active] = {}  # from here on, however the write ends
        self._put(active, at, self._records(sets, fresh, body, peers))
        self.switches += switches
        self._body = body
        if peers is not None:
            self.peers = peers
        return True

    def _size(self, sets: "dict[bytes, Set]", fresh: "list[bytes]", body: bytes, peers: "bytes | None") -> int:
        size = RECORD_BYTES + _WEAR + len(body)
        for name in fresh:
            size += RECORD_BYTES + sets[name].size
        return size + (RECORD_BYTES + len(peers) if peers is not None else 0)

    def _records(self, sets: "dict[bytes, Set]", fresh: "list[bytes]", body: bytes,
                 peers: "bytes | None") -> "list[Record]":
        records: "list[Record]" = [(SET, sets[name].whole()) for name in fresh]
        if peers is not None:
            records.append((PEERS, peers))
        records.append((HEAD, pack("<II", self.wear.day, self.wear.used) + body))
        return records

    def _put(self, segment: int, at: int, records: "list[Record]") -> None:
        # One write, durable as a whole; only then does anything here know of it.
        pieces: "list[Buffer]" = []
        places = {}
        end, number = at, self._number
        for kind, payload in records:
            number += 1
            start = pack("<2sBBII", _MAGIC, kind, 0, number, len(payload))
            pieces += [start, payload, _checksum(end, start, payload)]
            if kind == SET:
                places[blake2b_256(payload)] = (end + _START, len(payload))
            end += len(payload) + RECORD_BYTES
        self._number = number  # also where it fails: what was written of it must stay older than what comes next
        self._store.write(segment, at, pieces)
        self._places[segment].update(places)
        self._active, self._end = segment, end
        self.sets_written += len(places)
        self.written += end - at


class _Found(MemorySets):
    """Sets as they lie in the segments, for a checkpoint that names them. Only what it names is read into memory."""

    def __init__(self, store: "Store", places: "list[dict[bytes, tuple[int, int]]]") -> None:
        self._store = store
        self._places = places

    def open(self, kind: int, digest: bytes) -> "Set | None":
        for segment in (0, 1):
            if digest in self._places[segment]:
                at, size = self._places[segment][digest]
                payload = (self._store.read(segment) or b"")[at : at + size]
                if blake2b_256(payload) == digest:
                    return Held(payload)
        return None


def _checksum(at: int, start: "Buffer", payload: "Buffer") -> bytes:
    state = Blake2b256()
    state.update(pack("<I", at))
    state.update(start)
    state.update(payload)
    return state.digest()[:_CHECK]


def scan(data: bytes) -> "tuple[list[tuple[int, int, int, int]], list[tuple[int, int]]]":
    """The whole records of a segment: (kind, number, offset of the payload, its size); and the stretches between them:
    (from, to)."""
    records: "list[tuple[int, int, int, int]]" = []
    lost = []
    at, last = 0, 0
    left = 4 * len(data)  # bytes that are hashed in search of a record: a payload may be full of what looks like one
    while at < len(data):
        size = _whole(data, at, last)
        start = at
        while size < 0:
            at = data.find(_MAGIC, at + 1)
            if at < 0 or left < 0:
                at = len(data)
                break
            if at + _START <= len(data):
                left -= min(unpack_from("<I", data, at + 8)[0], len(data) - at)
                size = _whole(data, at, last)
        if at > start:
            lost.append((start, at))
        if size >= 0:
            last = unpack_from("<I", data, at + 4)[0]
            records.append((data[at + 2], last, at + _START, size))
            at += size + RECORD_BYTES
    return records, lost


def _whole(data: bytes, at: int, last: int) -> int:
    # The size of the payload of the record at `at`, or -1 where there is no whole one younger than number `last`.
    if at + RECORD_BYTES > len(data) or data[at : at + 2] != _MAGIC:
        return -1
    number, size = unpack_from("<II", data, at + 4)
    end = at + _START + size
    if number <= last or end + _CHECK > len(data):
        return -1
    view = memoryview(data)
    if _checksum(at, view[at : at + _START], view[at + _START : end]) != data[end : end + _CHECK]:
        return -1
    return size

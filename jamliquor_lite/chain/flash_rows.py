"""The four hashes of each row of the tree (rows.py) in flash: a full-spec tree of 1,900 rows is 240 KB of them.

Records of 128 bytes are written one after the other, round and round the sectors of an area, and a row knows where
its record is. A sector is erased when none of its records is in use any more, which comes by itself as the root
advances; where forks have left a few behind in all of them, those of the emptiest are moved together. Nothing here
outlives a reset, so nothing has to survive a cut: a node starts again from its checkpoint.

Wear: a day at full spec is 14,400 headers, 450 sectors; in an area of 64 sectors (256 KiB) each is erased 7 times,
100,000 in 38 years. Headers that are refused are not written.
"""

from array import array

from ..const import const
from ..errors import BudgetError, LocalError
from ..ports.memory import copy, find, same
from .rows import HASH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .flash_area import Area

    Buffer = bytes | bytearray | memoryview

_HASH = const(32)
_RECORD = const(128)
_PAGE = const(256)  # written at a time: the record of an odd row waits for the next one
_TAG = const(2)  # bytes of a hash that are kept in memory, to find it by
_NOWHERE = 0xFFFF
_SPARE_SECTORS = const(2)


class FlashRows:
    """`capacity` rows, of which 4 bytes each are in memory. LocalError (2) for an area that is too small."""

    def __init__(self, area: "Area", capacity: int) -> None:
        self._area = area
        self._per_sector = area.sector_bytes // _RECORD
        sectors = area.size // area.sector_bytes
        if sectors < capacity // self._per_sector + 1 + _SPARE_SECTORS or sectors * self._per_sector >= _NOWHERE:
            raise LocalError("flash: an area of %d bytes for %d headers of the tree, which take %d" % (
                area.size, capacity, (capacity // self._per_sector + 1 + _SPARE_SECTORS) * area.sector_bytes), 2)
        self._used = bytearray(sectors)  # records of each sector that belong to a row
        self._places = array("H", (_NOWHERE for _ in range(capacity)))
        self._tags = bytearray(capacity * _TAG)
        self._page = bytearray(_PAGE)
        self._hash = bytearray(_HASH)
        self._record = bytearray(_RECORD)
        self._next = 0  # record to be written next
        self._open = False  # whether its sector has been erased
        self.moved = 0  # records that had to make room

    def put(self, row: int, record: bytearray) -> None:
        copy(self._tags, row * _TAG, record, 0, _TAG)
        self._write(row, record)

    def read_into(self, row: int, field: int, out: "bytearray | memoryview") -> None:
        self._read(row, field * _HASH, out)

    def holds(self, row: int, field: int, buf: "Buffer", at: int) -> bool:
        self._read(row, field * _HASH, self._hash)
        return same(self._hash, 0, buf, at, at + _HASH)

    def find(self, buf: "Buffer", at: int, flags: bytearray) -> int:
        row = find(self._tags, _TAG, 0, buf, at, at + _TAG)
        while row >= 0 and not (flags[row] and self.holds(row, HASH, buf, at)):
            row = find(self._tags, _TAG, row + 1, buf, at, at + _TAG)
        return row

    def rename(self, row: int, header_hash: "bytes | bytearray") -> None:
        record = self._record
        self._read(row, 0, record)
        copy(record, 0, header_hash, 0, _HASH)
        self.free(row)
        self.put(row, record)

    def free(self, row: int) -> None:
        self._used[self._places[row] // self._per_sector] -= 1
        self._places[row] = _NOWHERE

    def _read(self, row: int, at: int, buf: "bytearray | memoryview") -> None:
        place = self._places[row]
        if place == self._next - 1 and place % 2 == 0:  # not written yet
            copy(buf, 0, self._page, at, at + len(buf))
        else:
            self._area.read_into(place * _RECORD + at, buf, 0, len(buf))

    def _write(self, row: int, record: "bytes | bytearray") -> None:
        if self._next % self._per_sector == 0 and not self._open:
            self._make_room()
        place = self._next
        half = place % 2 * _RECORD
        copy(self._page, half, record, 0, _RECORD)
        if half:
            self._area.write((place - 1) * _RECORD, self._page, 0, _PAGE)
        self._places[row] = place
        self._used[place // self._per_sector] += 1
        self._open = False
        self._next = place + 1
        if self._next == len(self._used) * self._per_sector:
            self._next = 0

    def _make_room(self) -> None:
        # The next sector without a record in use, in their order; else the emptiest one.
        count = len(self._used)
        first = self._next // self._per_sector
        sector = first
        while self._used[sector]:
            sector = (sector + 1) % count
            if sector == first:
                break
        if self._used[sector]:
            self._empty_one()
        else:
            self._start(sector)

    def _empty_one(self) -> None:
        moving: "list[tuple[int, bytearray]]" = []
        sector = min(range(len(self._used)), key=lambda one: self._used[one])
        if self._used[sector] >= self._per_sector - 1:
            raise BudgetError("tree_headers", "the flash for the tree is full")
        for row, place in enumerate(self._places):
            if place != _NOWHERE and place // self._per_sector == sector:
                record = bytearray(_RECORD)
                self._read(row, 0, record)
                moving.append((row, record))
        self._start(sector)
        for row, record in moving:
            self._write(row, record)
            self.moved += 1

    def _start(self, sector: int) -> None:
        self._area.erase(sector * self._area.sector_bytes, self._area.sector_bytes)
        self._next = sector * self._per_sector
        self._open = True
        self._used[sector] = 0

# portable: runs on CPython and MicroPython
"""The tree's hashes in flash against those in memory, under any order of what a tree does with its rows."""

import gc

from jamliquor_lite.chain.flash_rows import FlashRows
from jamliquor_lite.chain.rows import HeldRows
from jamliquor_lite.errors import LocalError
from tests.chain.samples import Random
from tests.ports.flash_device import SECTOR, area_over, fresh
from tests.support import raises

FIELDS = range(4)


class Both:
    """The same calls to both stores; every answer is compared."""

    def __init__(self, capacity, sectors):
        self.area = area_over(fresh(sectors * SECTOR))
        self.flash, self.held = FlashRows(self.area, capacity), HeldRows(capacity)
        self.flags = bytearray(capacity)
        self.hashes = {}
        self.here, self.there = bytearray(32), bytearray(32)

    def put(self, row, rng):
        parts = [rng.bytes(32) for _ in FIELDS]
        if rng.below(4) == 0 and self.hashes:  # the same first bytes as another one
            parts[0] = self.hashes[sorted(self.hashes)[0]][:4] + parts[0][4:]
        for store in (self.flash, self.held):
            store.put(row, bytearray(b"".join(parts)))
        self.flags[row] = 1
        self.hashes[row] = parts[0]

    def free(self, row):
        for store in (self.flash, self.held):
            store.free(row)
        self.flags[row] = 0
        del self.hashes[row]

    def rename(self, row, rng):
        self.hashes[row] = rng.bytes(32)
        for store in (self.flash, self.held):
            store.rename(row, self.hashes[row])

    def compare(self):
        for row in self.hashes:
            for field in FIELDS:
                self.flash.read_into(row, field, self.here)
                self.held.read_into(row, field, self.there)
                assert self.here == self.there, (row, field)
                for store in (self.flash, self.held):
                    around = b"?" + bytes(self.here) + b"?"
                    assert store.holds(row, field, around, 1) and not store.holds(row, field, around, 0)
            assert self.find(self.hashes[row]) == row
        assert self.find(b"\1" * 32) == -1

    def find(self, header_hash):
        found = self.flash.find(b"???" + header_hash, 3, self.flags)
        assert found == self.held.find(header_hash, 0, self.flags)
        return found


def test_any_order_of_calls():
    for seed in range(4):
        gc.collect()
        rng = Random(seed)
        both = Both(70, 6)
        for step in range(500):
            what = rng.below(8)
            if what < 4 and len(both.hashes) < 70:
                both.put(both.flags.find(b"\0"), rng)
            elif both.hashes:
                row = sorted(both.hashes)[rng.below(len(both.hashes))]
                if what == 4:
                    both.rename(row, rng)
                else:
                    gone = both.hashes[row]
                    both.free(row)
                    assert both.find(gone) == -1
            if step % 25 == 0:
                both.compare()
        both.compare()


def test_rows_that_stay_make_room_for_others():
    # One of each sector stays: none comes free by itself, and those that stay are moved together.
    rng = Random(9)
    both = Both(100, 6)
    for row in range(100):
        both.put(row, rng)
    for row in range(100):
        if row % 16:
            both.free(row)
    for _ in range(300):
        row = both.flags.find(b"\0")
        both.put(row, rng)
        if len(both.hashes) > 90:
            for old in sorted(both.hashes)[20:80]:
                if old % 16:
                    both.free(old)
    both.compare()
    assert both.flash.moved > 0


def test_a_chain_that_moves_on_wears_evenly_and_moves_nothing():
    rng = Random(3)
    both = Both(64, 8)
    for number in range(1600):
        both.put(number % 64, rng)
        if number >= 63:
            both.free((number + 1) % 64)
    both.compare()
    assert both.flash.moved == 0
    assert both.area.sectors_erased == 1600 // 32 and both.area.bytes_written == 1600 * 128


def test_an_area_too_small_is_refused():
    error = raises(LocalError, FlashRows, area_over(fresh(4 * SECTOR)), 64)
    assert error.exit_code == 2 and str(5 * SECTOR) in str(error)
    FlashRows(area_over(fresh(5 * SECTOR)), 64)

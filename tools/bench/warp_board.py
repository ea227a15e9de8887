"""What tools/bench/warp.py has an emulated board do: check one warp fragment, with all of its votes, as a node would.

Runs on the board, as its main.py. Keys lie in flash and are read from there a key at a time; the mark's keys go through
the scratch area into flash. Under QEMU's -icount `ticks_cpu` counts instructions.
"""

import gc
import time

import _board
import vfs
import virt
from justification import Justification  # put beside this file, since no firmware has them yet
from mark_walk import MarkWalk

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.flash_sets import FlashSets
from jamliquor_lite.chain.sets import KEYS, Held, Window
from jamliquor_lite.codec.spec import by_name
from jamliquor_lite.crypto import suite
from jamliquor_lite.ports.flash import Area

TYPE_CHECKING = False
if TYPE_CHECKING:
    import io

CHUNK = 1024
PAGE = 256


def area_of(name: str) -> Area:
    """An area of the board's flash."""
    at, size = _board.FLASH[name]
    return Area(virt.Blk(at, size), 0, size)


class Sink:
    """Takes the mark's keys into the scratch area, a page at a time; `keep` has the store take them from there."""

    def __init__(self, area: Area, sets: FlashSets, size: int) -> None:
        self._area, self._sets, self._size = area, sets, size
        self._page = bytearray(PAGE)
        self._at = 0

    def begin(self) -> None:
        self._at = 0

    def write(self, buf: bytearray, start: int, end: int) -> None:
        page, area = self._page, self._area
        while start < end:
            within = self._at % PAGE
            n = min(end - start, PAGE - within)
            page[within : within + n] = buf[start : start + n]
            self._at += n
            start += n
            if within + n == PAGE or self._at == self._size:
                at = (self._at - 1) // PAGE * PAGE
                if at % area.sector_bytes == 0:
                    area.erase(at, area.sector_bytes)
                area.write(at, page, 0, PAGE)

    def keep(self) -> None:
        self._sets.put(KEYS, Window(self._area, 0, self._size), 1)


class Reader:
    """The file, through a buffer; what one checker leaves of it the next one takes."""

    def __init__(self, file: "io.FileIO") -> None:
        self._file = file
        self._buf = bytearray(CHUNK)
        self._at = self._end = 0

    def feed(self, checker: "MarkWalk | Justification") -> int:
        """Feed one until it is done; the instructions that it took, without reading."""
        taken = 0
        while not checker.is_done:
            if self._at == self._end:
                self._at, self._end = 0, self._file.readinto(self._buf)
                if not self._end:
                    raise ValueError("the file is at its end")
            since = time.ticks_cpu()
            self._at += checker.feed(self._buf, self._at, self._end)
            taken += time.ticks_diff(time.ticks_cpu(), since)
        return taken


def main() -> None:
    """One fragment."""
    spec = by_name("full")
    vfs.mount(virt.Blk(*_board.FLASH["tree"]), "/t")
    sets = FlashSets(area_of("sets"), spec, 8)
    with open("/keys", "rb") as file:
        keys = sets.put(KEYS, Held(file.read()), 1)
    gc.collect()
    before = gc.mem_alloc()
    sink = Sink(area_of("scratch"), sets, spec.validators * 64)
    walk = MarkWalk(spec, sink)
    votes = Justification(spec, Profile())
    walk.begin()
    with open("/t/fragment", "rb") as file:
        reader = Reader(file)
        print("header", reader.feed(walk))
        since = time.ticks_cpu()
        votes.begin(keys, 0, walk.digest)
        print("voters", time.ticks_diff(time.ticks_cpu(), since))
        print("votes", reader.feed(votes))
    print("support", votes.support)
    since = time.ticks_cpu()
    sink.keep()
    print("mark kept", time.ticks_diff(time.ticks_cpu(), since))
    gc.collect()
    print("heap", gc.mem_alloc() - before)
    print("target", votes.header_hash.hex())


print("by", suite.backends())
main()
print("done")

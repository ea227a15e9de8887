# portable: runs on CPython and MicroPython
"""Checking a header without marks and keeping it takes nothing of the heap, where the cryptography is in C.

The heap is locked from before the first byte is looked at until the header has its place in the tree, support and
levels are counted, and the root has moved on where it does. A header with marks takes what it brings: at tiny size
an epoch's keys or tickets, and its objects.
"""

import gc

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.flash_rows import FlashRows
from jamliquor_lite.chain.flash_sets import FlashSets
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.light import ADDED, KNOWN, LightChain
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.ports.flash import Area
from jamliquor_lite.ports.memory import copy
from tests.data import Carried
from tests.noalloc.heap import locked, need_c

SECTOR = 4096
MARKED_BYTES = 1_536  # the bar for a header with a mark at tiny size, of which its keys are 384 or its tickets 396


class Offered:
    """One header at a time to one chain, by an object that is used for all of them."""

    def __init__(self, chain, data):
        self.chain = chain
        self.header = Header(TINY, data)
        self.data = data
        self.now_slot = -1

    def __call__(self):
        self.header.begin(self.data, 0, len(self.data))
        self.chain.add(self.header, self.now_slot)
        return self.chain.outcome


class Blocks:
    """A block device in memory, which takes nothing of the heap itself."""

    def __init__(self, size):
        self.memory = bytearray(b"\xff" * size)
        self.blank = b"\xff" * SECTOR

    def readblocks(self, block, buf, offset=0):
        copy(buf, 0, self.memory, block * SECTOR + offset, block * SECTOR + offset + len(buf))

    def writeblocks(self, block, buf, offset=0):
        copy(self.memory, block * SECTOR + offset, buf, 0, len(buf))

    def ioctl(self, op, argument):
        if op == 6:
            copy(self.memory, argument * SECTOR, self.blank, 0, SECTOR)
        return SECTOR if op == 5 else 0


def area(sectors):
    return Area(Blocks(sectors * SECTOR), 0, sectors * SECTOR)


def made(in_flash=False):
    profile = Profile()
    profile.tree_headers = 64
    profile.tree_marks = 8
    data = Carried()
    rows = FlashRows(area(8), 64) if in_flash else None
    sets = FlashSets(area(32), TINY, 100) if in_flash else None
    return LightChain(data.checkpoint(), profile, sets=sets, rows=rows), data.headers


def test_a_header_takes_nothing():
    need_c("vrf", "blake2b")
    takes_nothing(*made())


def test_nor_does_one_where_sets_and_hashes_are_in_flash():
    need_c("vrf", "blake2b")
    takes_nothing(*made(True))


def takes_nothing(chain, headers):
    tree, offered = chain.tree, Offered(chain, headers[0])
    plain, roots, vouched = [0, 0], set(), 0
    for data in headers:
        offered.data = data
        offered.header.begin(data, 0, len(data))
        if offered.header.epoch_mark or offered.header.tickets_mark:
            assert offered() == ADDED
            continue
        before = chain.best_vouched()
        # As a clock gives it, whose seconds are an object on 32 bits: that one is made before.
        offered.now_slot = (offered.header.slot + (1 << 40)) - (1 << 40)
        assert locked(offered) == ADDED
        assert locked(offered) == KNOWN
        plain[tree.has(tree.best, 2)] += 1
        vouched += chain.best_vouched() != before
        roots.add(tree.root)
    assert min(plain) > 12, "sealed by fallback keys, and by tickets"
    assert len(roots) > 2 and vouched > 20, "the root has moved on, and so has what is vouched for"


def test_a_header_with_marks_takes_little_more_than_they_do():
    need_c("vrf", "blake2b")
    chain, headers = made()
    offered = Offered(chain, headers[0])
    taken = []
    for data in headers:
        offered.data = data
        offered.header.begin(data, 0, len(data))
        gc.collect()
        gc.disable()
        try:
            before = gc.mem_alloc()
            assert offered() == ADDED
            used = gc.mem_alloc() - before
        finally:
            gc.enable()
        if offered.header.epoch_mark or offered.header.tickets_mark:
            taken.append(used)
        else:
            assert used == 0
    print("bytes of heap for a header with marks: %d to %d" % (min(taken), max(taken)))
    assert len(taken) >= 5 and max(taken) <= MARKED_BYTES

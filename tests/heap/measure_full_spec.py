"""Follows a full-spec chain of files with what a board has: sets, long headers, tree and checkpoint in flash. Runs on
MicroPython, frozen; test_full_spec.py makes the files and starts it.

    micropython -X heapsize=160K -m measure_full_spec FOLDER [RESETS]

In FOLDER lie start.cbor, headers (each behind its length, u32 little-endian), and the flash as a board's image has it:
sets, scratch, tree. With RESETS the node is made anew so many times on the way, from what it has saved. Prints
`name number` lines.
"""

import gc
import os
import sys

SECTOR = 4096
HEADER_BYTES = 512  # a board's buffer; longer headers go through flash
AREAS = ("sets", "scratch", "tree")


class Disk:
    """MicroPython's block device protocol over a file that is as strict as flash: what is written was erased."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "r+b")
        self.size = self._file.seek(0, 2)
        self._blank = b"\xff" * 256

    def readblocks(self, block: int, buf: bytearray, offset: int = 0) -> None:
        self._file.seek(block * SECTOR + offset)
        self._file.readinto(buf)

    def writeblocks(self, block: int, buf: bytearray, offset: int = 0) -> None:
        before = bytearray(len(buf))
        self.readblocks(block, before, offset)
        if before != self._blank[: len(buf)] and len(buf) <= 256:
            raise ValueError("a write onto what is not erased")
        self._file.seek(block * SECTOR + offset)
        self._file.write(buf)

    def ioctl(self, op: int, block: int) -> int:
        if op == 6:
            self._file.seek(block * SECTOR)
            for _ in range(SECTOR // 256):
                self._file.write(self._blank)
        return SECTOR if op == 5 else 0


class Slots:
    """The two slots of the checkpoint, of some 600 bytes each."""

    def __init__(self) -> None:
        self.slots = [None, None]

    def name(self, slot: int) -> str:
        return "slot %d" % slot

    def read(self, slot: int) -> "bytes | None":
        return self.slots[slot]

    def write(self, slot: int, head: bytes, payload: bytes) -> None:
        self.slots[slot] = bytes(head) + bytes(payload)


class Board:
    """One node after the other on the same flash."""

    def __init__(self, folder: str) -> None:
        from jamliquor_lite.budget.profile import Profile
        from jamliquor_lite.chain.checkpoint import Outline
        from jamliquor_lite.chain.tree import rows_for
        from jamliquor_lite.ports.flash import Area

        self.profile = profile = Profile()
        with open(folder + "/start.cbor", "rb") as file:
            self.start = file.read()
        self.spec = Outline(self.start).spec
        profile.tree_headers = min(1936, rows_for(self.spec))
        profile.tree_marks = 8
        profile.held_headers = 4
        profile.equivocations = 8
        self.areas = {}
        for name in AREAS:
            disk = Disk(folder + "/" + name)
            self.areas[name] = Area(disk, 0, disk.size)
        self.slots = Slots()
        self.saved = -1
        self.counts = {}
        self.sealed = 0

    def boot(self) -> None:
        """A node from what was saved, or from the start."""
        from jamliquor_lite.chain.checkpoint import Checkpoint
        from jamliquor_lite.chain.light import LightChain
        from jamliquor_lite.chain.long_header import LongHeaders
        from jamliquor_lite.chain.twoslot import TwoSlot
        from jamliquor_lite.node.flash import Flash
        from jamliquor_lite.sync.follow import Follower

        self.chain = self.long = self.follower = self.sink = None
        gc.collect()
        areas = self.areas
        self.flash = flash = Flash(
            self.spec, self.profile, areas["sets"], areas["scratch"], TwoSlot(self.slots), areas["tree"])
        checkpoint = flash.keeper.load() or Checkpoint.decode(self.start, flash.sets)
        assert checkpoint.slot >= self.saved
        self.chain = LightChain(checkpoint, self.profile, self.hear, sets=flash.sets, rows=flash.rows)
        self.long = LongHeaders(self.chain, flash.scratch, self.profile, lambda: 0, lambda: -1)
        self.follower = Follower(self.chain, self.profile, long_headers=self.long)
        self.sink = self.long.sink("peer")

    def hear(self, name: str, row: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1
        if name == "root":
            self.flash.keeper.save(self.chain.checkpoint())
            self.saved = self.chain.tree.slots[row]

    def take(self, file: object, size: int, buf: bytearray) -> int:
        """The next header of the file, as a core of jam/ would bring it. Its outcome."""
        if size <= len(buf):
            view = memoryview(buf)[:size]
            file.readinto(view)
            return self.follower.offer(buf, 0, size, -1)
        file.readinto(buf)
        self.sink.begin(buf, len(buf), size)
        left = size - len(buf)
        while left:
            n = min(left, len(buf))
            file.readinto(memoryview(buf)[:n])
            self.sink.write(buf, 0, n)
            left -= n
        self.sink.finish()
        return self.follower.offer_long(self.sink, -1)


def main(folder: str, resets: str = "0") -> None:
    """Follow the file of headers to its end."""
    from jamliquor_lite.chain.light import ADDED, KNOWN, STALE
    from jamliquor_lite.crypto import suite

    suite.self_test()
    buf = bytearray(HEADER_BYTES)
    length = bytearray(4)
    board = Board(folder)
    gc.collect()
    gc.threshold(4096)
    modules = gc.mem_alloc()
    board.boot()
    gc.collect()
    made = gc.mem_alloc()
    total = os.stat(folder + "/headers")[6]
    peak = live = long = longest = count = known = 0
    reset_at = [total * (i + 1) // (int(resets) + 1) for i in range(int(resets))]
    at = 0
    with open(folder + "/headers", "rb") as file:
        while file.readinto(length) == 4:
            size = int.from_bytes(length, "little")
            outcome = board.take(file, size, buf)
            at += 4 + size
            if outcome == ADDED:
                count += 1
                long += size > len(buf)
                longest = max(longest, size)
            else:
                assert outcome in (KNOWN, STALE), outcome
                known += 1
            peak = max(peak, gc.mem_alloc())
            if reset_at and at >= reset_at[0]:
                reset_at.pop(0)
                board.boot()
                file.seek(0)
                at = 0
            if count % 50 == 0:
                gc.collect()
                live = max(live, gc.mem_alloc())
    tree = board.chain.tree
    print("backend", suite.backends()["vrf"])
    print("best", "".join(["%02x" % byte for byte in tree.hash(tree.best)]))
    rows = (
        ("headers", count), ("known", known), ("long headers", long), ("longest header", longest),
        ("refused", len(board.chain.refused)), ("root slot", tree.slots[tree.root]),
        ("vouched slot", tree.slots[board.chain.best_vouched()]), ("best slot", tree.slots[tree.best]),
        ("keys adopted", board.counts.get("keys_adopted", 0)),
        ("tickets adopted", board.counts.get("tickets_adopted", 0)),
        ("saved slot", board.saved), ("rows", tree.count), ("rows moved", board.flash.rows.moved),
        ("sets written", board.flash.sets.sets_written), ("wasted", board.long.allowance.wasted),
        ("heap modules", modules), ("heap node", made - modules), ("heap live", live), ("heap peak", peak),
    )
    for name, number in rows:
        print(name, number)
    for name in AREAS:
        print(name + " bytes written", board.areas[name].bytes_written)
        print(name + " sectors erased", board.areas[name].sectors_erased)


if __name__ == "__main__":
    main(*sys.argv[1:])

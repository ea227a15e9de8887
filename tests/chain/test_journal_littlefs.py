# portable: runs on CPython and MicroPython
"""The journal on littlefs, the file system of boards, whose power is cut at a block: on MicroPython, which has it."""

import os
import sys

from jamliquor_lite.chain.journal import Journal
from jamliquor_lite.errors import LocalError
from tests.chain.journals import DAY_S, PLENTY, checkpoint
from tests.support import raises, skip

if sys.implementation.name != "micropython" or not hasattr(os, "VfsLfs2"):
    skip("littlefs is MicroPython's")

NOW = 20_000 * DAY_S
SEGMENT = 3_000
BLOCK = 512
BLOCKS = 96
_EIO = -5


class Device:
    """A disk in memory; with `left`, so many programs and erases more succeed.

    It takes nothing of the heap: a file that a cut left open is closed when it is collected.
    """

    def __init__(self, data: "bytearray | None" = None) -> None:
        self.data = data or bytearray(BLOCK * BLOCKS)
        self.left = -1
        self.done = 0

    def readblocks(self, block: int, buf: bytearray, offset: int = 0) -> None:
        at = block * BLOCK + offset
        for i in range(len(buf)):
            buf[i] = self.data[at + i]

    def writeblocks(self, block: int, buf: bytes, offset: int = 0) -> int:
        if self.left == 0:
            return _EIO
        self._spend()
        at = block * BLOCK + offset
        for i in range(len(buf)):
            self.data[at + i] = buf[i]
        return 0

    def ioctl(self, op: int, argument: int) -> int:
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK
        if op == 6:
            if self.left == 0:
                return _EIO
            self._spend()
            at = argument * BLOCK
            for i in range(BLOCK):
                self.data[at + i] = 0xFF
        return 0

    def _spend(self) -> None:
        self.left -= 1
        self.done += 1


class Files:
    """A journal's store on it. MicroPython's files cannot be made shorter, so what lay behind a write stays there."""

    def __init__(self, device: Device, is_new: bool = False) -> None:
        if is_new:
            os.VfsLfs2.mkfs(device)
        self._disk = os.VfsLfs2(device)

    def name(self, segment: int) -> str:
        return "journal.%d" % segment

    def read(self, segment: int) -> "bytes | None":
        try:
            file = self._disk.open(self.name(segment), "rb")
        except OSError:
            return None
        data = file.read()
        file.close()
        return data

    def write(self, segment: int, at: int, pieces: "list[bytes]") -> None:
        try:
            file = self._disk.open(self.name(segment), "r+b" if at else "wb")
            try:
                file.seek(at)
                for piece in pieces:
                    file.write(piece)
            finally:
                file.close()
        except OSError as error:
            raise LocalError("cannot write %s: %s" % (self.name(segment), error))


def opened(device: Device) -> Journal:
    return Journal(Files(device), SEGMENT, PLENTY)


def test_it_survives_a_cut_at_any_block() -> None:
    device = Device()
    kept = Journal(Files(device, True), SEGMENT, PLENTY)
    kept.load()
    switches = cuts = 0
    for number in range(8):
        before, data = device.done, bytearray(device.data)
        assert kept.save(checkpoint(number), NOW)
        found = opened(device).load()
        assert found is not None and found.encode() == checkpoint(number).encode()
        total = device.done - before
        assert total >= 2
        for cut in range(0, total, 1 if number in (3, 4) else 5):
            other = Device(bytearray(data))
            torn = opened(other)
            torn.load()
            other.left = cut
            raises(LocalError, torn.save, checkpoint(number), NOW)
            again = opened(Device(bytearray(other.data)))
            found = again.load()
            # A cut after the last block that counts leaves the new one.
            assert (found is None) if number == 0 else (found is not None)
            if found is not None:
                assert found.encode() in (checkpoint(number - 1).encode(), checkpoint(number).encode())
            assert again.save(checkpoint(number + 1), NOW)
            cuts += 1
        switches = kept.switches
    assert switches >= 2 and cuts >= 20

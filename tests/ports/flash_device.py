"""Flash in memory for tests: whole for both interpreters, and one whose power is cut at a byte for CPython."""

import sys

from jamliquor_lite.ports.flash import Area

SECTOR = 4096


class Blocks:
    """MicroPython's extended block device protocol over a bytearray. Strict like a chip."""

    def __init__(self, memory, erases=True):
        self.memory = memory
        self._erases = erases  # False: as an emulator's disk, on which an erase does nothing

    def readblocks(self, block, buf, offset=0):
        at = block * SECTOR + offset
        assert offset + len(buf) <= SECTOR
        buf[:] = self.memory[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        at = block * SECTOR + offset
        assert offset + len(buf) <= SECTOR
        for i in range(len(buf)):
            assert not self._erases or self.memory[at + i] == 0xFF, "a write onto what is not erased"
        self.memory[at : at + len(buf)] = buf

    def ioctl(self, op, argument):
        if op == 5:
            return SECTOR
        if op == 6:
            if self._erases:
                self.memory[argument * SECTOR : (argument + 1) * SECTOR] = b"\xff" * SECTOR
            return 0
        raise ValueError(op)


def fresh(size):
    """A device of `size` bytes, full of what was there before: zeros, which are no erased bytes."""
    return bytearray(size)


def area_over(memory, offset=0, size=None):
    """An Area of the running port over a bytearray; it may be made again, as after a reset."""
    size = len(memory) - offset if size is None else size
    if sys.implementation.name == "micropython":
        return Area(Blocks(memory), offset, size)
    return Area(memory, offset, size)


class PowerCut(Exception):
    """The board is off."""


class CutMemory(bytearray):
    """Flash whose power fails when `left` more bytes have been written or erased (None: never). An erase that is cut
    leaves anything in its sector, here what `junk` makes of it: None leaves what was there."""

    left = None
    junk = None

    def __setitem__(self, key, value):
        if self.left is None:
            super().__setitem__(key, value)
            return
        start, size = key.start, len(value)
        done = min(size, self.left)
        self.left -= done
        super().__setitem__(slice(start, start + done), value[:done])
        if done < size:
            if size == SECTOR and self.junk is not None:
                super().__setitem__(slice(start + done, start + size), self.junk(size - done))
            raise PowerCut


class Slots:
    """The face of a port's SlotFile in memory; it shares its power with a CutMemory. A cut write is cut anywhere."""

    def __init__(self, power=None):
        self.slots = [None, None]
        self._power = power

    def name(self, slot):
        return "slot %d" % slot

    def read(self, slot):
        return self.slots[slot]

    def write(self, slot, head, payload):
        data = bytes(head) + bytes(payload)
        power = self._power
        if power is None or power.left is None:
            self.slots[slot] = data
            return
        done = min(len(data), power.left)
        power.left -= done
        self.slots[slot] = data[:done]
        if done < len(data):
            raise PowerCut

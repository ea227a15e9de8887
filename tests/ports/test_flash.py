"""An area of flash: what is written once is there, what is not by the rules is refused. Each has its own port."""
# portable: runs on CPython and MicroPython

import sys

from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports.flash import Area
from tests.ports.flash_device import SECTOR, Blocks, area_over, fresh
from tests.support import raises

MICROPYTHON = sys.implementation.name == "micropython"


def test_erased_bytes_are_written_and_read_at_any_place() -> None:
    memory = fresh(4 * SECTOR)
    area = area_over(memory, SECTOR, 2 * SECTOR)
    assert area.size == 2 * SECTOR and area.sector_bytes == SECTOR
    area.erase(0, 2 * SECTOR)
    source = bytes([i * 7 & 0xFF for i in range(1000)])
    area.write(SECTOR - 300, source, 100, 900)  # over the border of two sectors
    found = bytearray(820)
    area.read_into(SECTOR - 310, found, 0, 820)
    assert found == b"\xff" * 10 + source[100:900] + b"\xff" * 10
    part = bytearray(b"....")
    area.read_into(SECTOR - 300, part, 1, 3)
    assert part == b"." + source[100:102] + b"."
    assert area.bytes_written == 800 and area.sectors_erased == 2
    assert memory[:SECTOR] == bytes(SECTOR) and memory[3 * SECTOR :] == bytes(SECTOR), "its neighbours are as they were"
    area.erase(SECTOR, SECTOR)
    area.read_into(SECTOR, part, 0, 4)
    assert part == b"\xff\xff\xff\xff" and area.sectors_erased == 3
    area.read_into(SECTOR - 300, part, 0, 4)
    assert part == source[100:104]


def test_what_is_out_of_range_is_refused() -> None:
    area = area_over(fresh(2 * SECTOR))
    area.erase(0, 2 * SECTOR)
    buf = bytearray(10)
    for offset, size in ((2 * SECTOR - 9, 10), (-1, 2), (2 * SECTOR, 1)):
        for call in (area.read_into, area.write):
            assert "flash" in str(raises(LocalError, call, offset, buf, 0, size))
    for offset, size in ((1, SECTOR), (0, 1), (SECTOR, 2 * SECTOR), (-SECTOR, SECTOR)):
        raises(LocalError, area.erase, offset, size)
    assert area.bytes_written == 0 and area.sectors_erased == 2
    for offset, size in ((1, SECTOR), (0, SECTOR + 1), (0, 0), (-SECTOR, SECTOR)):
        raises(LocalError, area_over, fresh(3 * SECTOR), offset, size)


def test_a_second_write_is_refused() -> None:
    if MICROPYTHON:
        return  # there it is the device's to say
    area = area_over(fresh(SECTOR))
    raises(LocalError, area.write, 0, b"x", 0, 1)
    area.erase(0, SECTOR)
    area.write(5, b"abc", 0, 3)
    raises(LocalError, area.write, 7, b"zz", 0, 2)
    found = bytearray(6)
    area.read_into(4, found, 0, 6)
    assert found == b"\xffabc\xff\xff" and area.bytes_written == 3


def test_a_disk_that_does_not_erase_looks_like_flash() -> None:
    if not MICROPYTHON:
        return
    memory = fresh(2 * SECTOR)
    area = Area(Blocks(memory, False), 0, 2 * SECTOR)
    area.erase(SECTOR, SECTOR)
    assert memory == bytes(SECTOR) + b"\xff" * SECTOR


def test_an_error_of_the_device_is_one_line() -> None:
    if not MICROPYTHON:
        return

    class Broken(Blocks):
        def readblocks(self, block, buf, offset=0):  # type: ignore[no-untyped-def]
            return -5

    error = raises(LocalError, Area(Broken(fresh(SECTOR)), 0, SECTOR).read_into, 0, bytearray(4), 0, 4)
    assert "-5" in str(error)

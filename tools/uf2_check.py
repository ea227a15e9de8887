#!/usr/bin/env python3
"""Checks that a UF2 file is what a boot loader takes, and is byte for byte what its ELF file says.

    tools/uf2_check.py BOARD UF2 ELF          one line of figures, or one that says what is wrong

Looked at are the structure (jamliquor_lite/flash/uf2.py), the family and the size that board.toml names, every byte of
the ELF file's segments, and what the chip's boot ROM looks for before it starts a program: on the RP2040 the checksum
of the second stage in the first 256 bytes (datasheet 2.8.1.3), on the RP2350 the loop of blocks with the image
definition (datasheet 5.1.4, 5.9).

Exit status: 0 sound, 1 not, 2 wrong words.
"""

import argparse
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from jamliquor_lite.cli.board_file import Board  # noqa: E402
from jamliquor_lite.errors import LocalError  # noqa: E402
from jamliquor_lite.flash import uf2  # noqa: E402
from tools.building import ToolError  # noqa: E402

FLASH = 0x10000000  # where both chips see their flash
FLASH_MOST = 0x01000000
RP2040 = 0xE48BFF56
RISCV, ARM = 243, 40  # e_machine
MACHINES = {RP2040: ARM, 0xE48BFF59: ARM, 0xE48BFF5A: RISCV}
_LOAD = 1
_BOOT2_BYTES = 252  # and 4 of checksum
_CRC_POLYNOMIAL = 0x04C11DB7
# Blocks of the RP2350's boot ROM: a start, items of words, an end with the distance to the next block.
_START, _END = 0xFFFFDED3, 0xAB123579
_SEARCHED_BYTES = 4096  # the first block begins within these
_BLOCKS_MOST = 16
_LAST_ITEM, _IMAGE_TYPE = 0xFF, 0x42
_EXECUTABLE, _RISCV_CPU, _RP2350_CHIP = 1, 1, 1


def check(board: Board, file: bytes, program: bytes) -> uf2.Image:
    """The image in the UF2 file, after all checks. ToolError says which failed."""
    try:
        image = uf2.read(file, "the UF2 file")
    except LocalError as error:
        raise ToolError(f"{board.name}: {error}", 1)
    wanted = board.number("flashing", "uf2_family")
    if image.family != wanted:
        raise ToolError(f"{board.name}: the UF2 file is for {image.family_name}, needed is {uf2.FAMILIES[wanted]}", 1)
    room = board.number("flash", "firmware_kb") * 1024
    if image.start != FLASH or image.end > FLASH + room:
        raise ToolError(
            f"{board.name}: the UF2 file fills 0x{image.start:08x} to 0x{image.end:08x}, "
            f"the firmware has {room:,} B from 0x{FLASH:08x}", 1,
        )  # fmt: skip
    same_as(board, image, program)
    flash = image.flat()
    if image.family == RP2040:
        second_stage(board, flash)
    else:
        image_definition(board, flash)
    return image


def same_as(board: Board, image: uf2.Image, program: bytes) -> None:
    """ToolError unless every byte of flash in the ELF file stands in the image, and no page without one does."""
    machine, segments = loaded(program)
    if machine != MACHINES[image.family]:
        raise ToolError(f"{board.name}: the ELF file is for machine {machine}, not {MACHINES[image.family]}", 1)
    filled = set()
    flash = image.flat()
    for address, data in segments:
        at = address - image.start
        if flash[at : at + len(data)] != data:
            raise ToolError(f"{board.name}: the UF2 file differs from the ELF file's segment at 0x{address:08x}", 1)
        filled.update(range(address // uf2.PAYLOAD_BYTES, (address + len(data) - 1) // uf2.PAYLOAD_BYTES + 1))
    more = [address for address in image.pages if address // uf2.PAYLOAD_BYTES not in filled]
    if more:
        raise ToolError(f"{board.name}: the UF2 file has a page at 0x{min(more):08x}, the ELF file nothing there", 1)


def loaded(program: bytes) -> "tuple[int, list[tuple[int, bytes]]]":
    """(machine, [(address in flash, bytes)]) of a 32-bit little-endian ELF file. ToolError."""
    try:
        if program[:6] != b"\x7fELF\x01\x01":
            raise ToolError("the program is no 32-bit ELF file", 1)
        (machine,) = struct.unpack_from("<H", program, 18)
        (at,) = struct.unpack_from("<I", program, 28)
        step, count = struct.unpack_from("<2H", program, 42)
        segments = []
        for number in range(count):
            kind, offset, _, address, size = struct.unpack_from("<5I", program, at + number * step)
            if kind == _LOAD and size and FLASH <= address < FLASH + FLASH_MOST:
                segments.append((address, program[offset : offset + size]))
    except struct.error:
        raise ToolError("the ELF file is cut short", 1)
    return machine, segments


def second_stage(board: Board, flash: bytes) -> None:
    """ToolError unless the first 252 bytes have the checksum that follows them: else the RP2040 does not start."""
    found = crc32_mpeg2(flash[:_BOOT2_BYTES])
    (said,) = struct.unpack_from("<I", flash, _BOOT2_BYTES)
    if found != said:
        raise ToolError(f"{board.name}: the second stage has the checksum 0x{found:08x} and says 0x{said:08x}", 1)


def crc32_mpeg2(data: bytes) -> int:
    """CRC-32 as the RP2040's boot ROM takes it: the most significant bit first, nothing turned round at the end."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (_CRC_POLYNOMIAL if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def image_definition(board: Board, flash: bytes) -> None:
    """ToolError unless the blocks make a loop, and one of them defines a program for the RP2350's RISC-V cores."""
    first = next((at for at in range(0, _SEARCHED_BYTES, 4) if word(flash, at) == _START), None)
    if first is None:
        raise ToolError(f"{board.name}: no block in the first {_SEARCHED_BYTES} bytes", 1)
    at, seen, types = first, [], []
    while at not in seen:
        if len(seen) == _BLOCKS_MOST or not 0 <= at < len(flash) or word(flash, at) != _START:
            raise ToolError(f"{board.name}: the loop of blocks leads to 0x{FLASH + at:08x}, where none begins", 1)
        seen.append(at)
        items, at = block(board, flash, at)
        types += [item >> 16 for item in items if item & 0xFF == _IMAGE_TYPE]
    if at != first:
        raise ToolError(f"{board.name}: the loop of blocks does not come back to the first", 1)
    wanted = [kind for kind in types if kind & 15 == _EXECUTABLE and kind >> 12 & 7 == _RP2350_CHIP]
    if len(types) != 1 or not wanted or wanted[0] >> 8 & 7 != _RISCV_CPU:
        raise ToolError(f"{board.name}: the image types are {types}, needed is one for RISC-V on the RP2350", 1)


def block(board: Board, flash: bytes, start: int) -> "tuple[list[int], int]":
    """(the first word of each item, where the next block begins)."""
    at, items = start + 4, []
    while (head := word(flash, at)) & 0xFF != _LAST_ITEM:
        size = head >> 8 & (0xFFFF if head & 0x80 else 0xFF)
        if not size or at + 4 * size > len(flash):
            raise ToolError(f"{board.name}: the block at 0x{FLASH + start:08x} has an item without an end", 1)
        items.append(head)
        at += 4 * size
    if head >> 8 & 0xFFFF != (at - start - 4) // 4 or word(flash, at + 8) != _END:
        raise ToolError(f"{board.name}: the block at 0x{FLASH + start:08x} is not as long as it says", 1)
    (link,) = struct.unpack_from("<i", flash, at + 4)
    return items, start + link


def word(flash: bytes, at: int) -> int:
    """The word there; 0 behind the end."""
    return int.from_bytes(flash[at : at + 4], "little")


def main() -> int:
    """The command line."""
    from tools.firmware_build import board_named

    parser = argparse.ArgumentParser(
        prog="uf2_check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("board", metavar="BOARD", help="a folder of boards/")
    parser.add_argument("uf2", type=Path, metavar="UF2")
    parser.add_argument("elf", type=Path, metavar="ELF")
    words = parser.parse_args()
    try:
        board = board_named(words.board)
        if not board.number("flashing", "uf2_family"):
            raise ToolError(f"{board.name} takes no UF2 files", 2)
        image = check(board, words.uf2.read_bytes(), words.elf.read_bytes())
    except ToolError as error:
        print(f"uf2_check: {error}", file=sys.stderr)
        return error.status
    except OSError as error:
        print(f"uf2_check: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    print(f"{words.uf2}: {len(image.pages):,} pages of {image.family_name}, as the ELF file has them")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""UF2 files: what the boot loaders of Raspberry Pi's chips, and others, take as a copy onto their drive.

A file is blocks of 512 bytes, each with a part of the image and where in flash it goes (microsoft/uf2 says the format).
`read` takes a file apart and refuses one that a boot loader would not take, or would take in part; `write` makes one.
"""

import struct

from ..errors import LocalError

BLOCK_BYTES = 512
PAYLOAD_BYTES = 256  # of a block, as Raspberry Pi's boot loaders have it: a page of the flash
FAMILY_FLAG = 0x2000
NOT_FLASH_FLAG = 0x0001  # a block that the boot loader skips
MOST_BYTES = 32 << 20  # of a file: twice the largest flash these chips can have
FAMILIES = {
    0xE48BFF56: "rp2040", 0xE48BFF57: "absolute", 0xE48BFF58: "data", 0xE48BFF59: "rp2350-arm-s",
    0xE48BFF5A: "rp2350-riscv", 0xE48BFF5B: "rp2350-arm-ns",
}  # fmt: skip
ABSOLUTE = 0xE48BFF57

_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_HEAD = struct.Struct("<8I")  # two magics, flags, address, payload's size, number, how many, family
_EXTENSION_FLAG = 0x8000
# The one block of family "absolute" that picotool puts first for the RP2350, because of its erratum E10 (datasheet,
# appendix E). It is "0 of 2", and goes to the end of the address space.
_E10_ADDRESS = 0x10FFFF00


class Image:
    """What a file puts where. `family` is the number that a boot loader knows its own files by; `pages` maps address to
    PAYLOAD_BYTES; `marker` is whether it begins with the block for the RP2350's erratum E10."""

    def __init__(self, family: int, pages: "dict[int, bytes]", marker: bool) -> None:
        self.family = family
        self.pages = pages
        self.marker = marker

    @property
    def family_name(self) -> str:
        """The family as people call it."""
        return FAMILIES.get(self.family, f"0x{self.family:08x}")

    @property
    def start(self) -> int:
        """The lowest address."""
        return min(self.pages)

    @property
    def end(self) -> int:
        """The address behind the highest page."""
        return max(self.pages) + PAYLOAD_BYTES

    def flat(self, fill: int = 0xFF) -> bytes:
        """All bytes from `start` to `end`; what the file leaves out is `fill`, as erased flash is."""
        whole = bytearray([fill]) * (self.end - self.start)
        for address, page in self.pages.items():
            whole[address - self.start : address - self.start + PAYLOAD_BYTES] = page
        return bytes(whole)


def read(data: bytes, name: str = "UF2 file") -> Image:
    """Take a file apart. LocalError, the user's, with `name` and what is wrong with which block."""
    if len(data) > MOST_BYTES:
        raise LocalError(f"{name}: {len(data):,} bytes, allowed are {MOST_BYTES:,}", 2)
    if not data or len(data) % BLOCK_BYTES:
        raise LocalError(f"{name}: {len(data):,} bytes are not whole blocks of {BLOCK_BYTES}: no UF2, or cut short", 2)
    pages: "dict[int, bytes]" = {}
    family = count = None
    marker = False
    for at in range(0, len(data), BLOCK_BYTES):
        block = at // BLOCK_BYTES
        first, second, flags, address, size, number, of, found = _HEAD.unpack_from(data, at)
        if (first, second, *struct.unpack_from("<I", data, at + BLOCK_BYTES - 4)) != _MAGIC:
            raise LocalError(f"{name}: block {block} has not the magic numbers of UF2", 2)
        if flags & NOT_FLASH_FLAG or not flags & FAMILY_FLAG:
            raise LocalError(f"{name}: block {block} is not for the flash, or names no family", 2)
        if size != PAYLOAD_BYTES or address % PAYLOAD_BYTES:
            raise LocalError(f"{name}: block {block} has {size} B for 0x{address:08x}: no page of {PAYLOAD_BYTES} B", 2)
        if block == 0 and _is_marker(flags, address, number, of, found):
            marker = True
            continue
        if family is None:
            family, count = found, of
        if found != family or of != count or number != len(pages):
            raise LocalError(
                f"{name}: block {block} says it is {number} of {of} of family 0x{found:08x}; "
                f"{len(pages)} of {count} of 0x{family:08x} belongs here", 2,
            )  # fmt: skip
        if address in pages:
            raise LocalError(f"{name}: block {block} is for 0x{address:08x}, where another was", 2)
        pages[address] = data[at + _HEAD.size : at + _HEAD.size + PAYLOAD_BYTES]
    if family is None or len(pages) != count:
        raise LocalError(f"{name}: {len(pages)} blocks came and {count or 0} were announced: cut short", 2)
    return Image(family, pages, marker)


def write(pages: "dict[int, bytes]", family: int) -> bytes:
    """A file that puts these pages of PAYLOAD_BYTES, each to its address."""
    out = bytearray()
    for number, address in enumerate(sorted(pages)):
        page = pages[address]
        if len(page) != PAYLOAD_BYTES or address % PAYLOAD_BYTES:
            raise ValueError(f"{len(page)} bytes for 0x{address:x}")
        out += _HEAD.pack(*_MAGIC[:2], FAMILY_FLAG, address, PAYLOAD_BYTES, number, len(pages), family)
        out += page + bytes(BLOCK_BYTES - _HEAD.size - PAYLOAD_BYTES - 4) + struct.pack("<I", _MAGIC[2])
    return bytes(out)


def _is_marker(flags: int, address: int, number: int, of: int, family: int) -> bool:
    there = (flags & (FAMILY_FLAG | _EXTENSION_FLAG), address, number, of, family)
    return there == (FAMILY_FLAG | _EXTENSION_FLAG, _E10_ADDRESS, 0, 2, ABSOLUTE)

"""The flash of a Raspberry Pi Pico for programs that write any number of bytes.

The chip is written by pages of 256 bytes, and writing only clears bits. So a page of ones around the bytes that are
meant leaves the others as they are.
"""

import _rp2

from jamliquor_lite.ports import memory

_PAGE_BYTES = 256

_blank = b"\xff" * _PAGE_BYTES


class Blk:
    """All areas behind the firmware, or from `at` so many bytes of them: both multiples of a sector. The methods are
    MicroPython's protocol for block devices, in its extended form."""

    def __init__(self, at: int = 0, size: int = -1) -> None:
        self._flash = _rp2.Flash(start=at, len=size)
        self._page = bytearray(_PAGE_BYTES)
        self.readblocks = self._flash.readblocks
        self.ioctl = self._flash.ioctl

    def writeblocks(self, block: int, buf: "bytes | bytearray | memoryview", offset: int = 0) -> None:
        """Write all of `buf` onto erased bytes; unlike MicroPython's, it erases nothing before."""
        page = self._page
        at = 0
        size = len(buf)
        while at < size:
            within = offset % _PAGE_BYTES
            end = min(at + _PAGE_BYTES - within, size)
            memory.copy(page, 0, _blank, 0, _PAGE_BYTES)
            memory.copy(page, within, buf, at, end)
            self._flash.writeblocks(block, page, offset - within)
            offset += end - at
            at = end

"""NOR flash behind MicroPython's block device protocol, in its extended form: reads and writes within a block.

`readblocks(block, buf, offset)`, `writeblocks(block, buf, offset)` onto erased bytes, `ioctl(5)` bytes of a block,
`ioctl(6, block)` erases one. A device on which that does nothing (a RAM disk, an emulator's plain disk) is filled with
0xff instead, so that the rest of the program sees flash.
"""

from ...errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Buffer = bytes | bytearray | memoryview
    WritableBuffer = bytearray | memoryview

_BLOCK_SIZE = 5  # ioctl
_ERASE = 6
_FILL_BYTES = 64  # a page of flash is a multiple of it

_blank = b"\xff" * _FILL_BYTES
_probe = bytearray(_FILL_BYTES)


class Area:
    """`size` bytes of `device` from `offset` on, both multiples of a sector. All offsets are in bytes, from the area's
    beginning. `bytes_written` and `sectors_erased` say what this run has worn.

    LocalError: out of range, or the device failed. A write onto bytes that are not erased gives anything.
    """

    def __init__(self, device: "Any", offset: int, size: int) -> None:
        self.sector_bytes = device.ioctl(_BLOCK_SIZE, 0)
        self.size = size
        self.bytes_written = 0
        self.sectors_erased = 0
        self._device = device
        self._offset = offset
        if offset < 0 or size <= 0 or offset % self.sector_bytes or size % self.sector_bytes:
            raise LocalError("flash: no area of %d bytes at %d" % (size, offset))

    def read_into(self, offset: int, buf: "WritableBuffer", start: int, end: int) -> None:
        """Fill buf[start:end] with what lies at `offset`."""
        at = self._whole(offset, buf, start, end)
        if at >= 0:
            _check(self._device.readblocks(at // self.sector_bytes, buf, at % self.sector_bytes))
        else:
            self._move(self._device.readblocks, offset, buf, start, end)

    def write(self, offset: int, buf: "Buffer", start: int, end: int) -> None:
        """Write buf[start:end] to erased bytes at `offset`. Cut short, a part of it may be there."""
        at = self._whole(offset, buf, start, end)
        if at >= 0:
            _check(self._device.writeblocks(at // self.sector_bytes, buf, at % self.sector_bytes))
        else:
            self._move(self._device.writeblocks, offset, buf, start, end)
        self.bytes_written += end - start

    def erase(self, offset: int, size: int) -> None:
        """Erase whole sectors, the first one first. Cut short, one of them may hold anything."""
        at = self._place(offset, size)
        if offset % self.sector_bytes or size % self.sector_bytes:
            raise LocalError("flash: an erase of %d bytes at %d, which is not by sectors" % (size, offset))
        for sector in range(at // self.sector_bytes, (at + size) // self.sector_bytes):
            self.sectors_erased += 1
            _check(self._device.ioctl(_ERASE, sector))
            within = 0
            while within < self.sector_bytes:  # a range with such a step would be an object
                _check(self._device.readblocks(sector, _probe, within))
                if _probe != _blank:
                    _check(self._device.writeblocks(sector, _blank, within))
                within += _FILL_BYTES

    def _whole(self, offset: int, buf: "Buffer", start: int, end: int) -> int:
        # Where on the device, if it is all of a buffer within one sector: the common case, which allocates nothing.
        at = self._place(offset, end - start)
        return at if start == 0 and end == len(buf) and at % self.sector_bytes + end <= self.sector_bytes else -1

    def _move(self, call: "Any", offset: int, buf: "Buffer", start: int, end: int) -> None:
        at = self._place(offset, end - start)
        within = at % self.sector_bytes
        view = memoryview(buf)
        while start < end:
            size = min(end - start, self.sector_bytes - within)
            _check(call(at // self.sector_bytes, view[start : start + size], within))
            start += size
            at += size
            within = 0

    def _place(self, offset: int, size: int) -> int:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise LocalError("flash: %d bytes at %d of an area of %d" % (size, offset, self.size))
        return self._offset + offset


def _check(result: "Any") -> None:
    # Block devices raise OSError, or return a negative number as errors of C do.
    if result:
        raise LocalError("flash: the device says error %s" % result)

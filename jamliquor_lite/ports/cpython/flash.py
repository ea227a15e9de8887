"""NOR flash as a host sees it: a bytearray in tests, a memory-mapped file where an image for a board is made.

It is as strict as a chip: bytes are written once after each erase, and erasing goes by whole sectors. A device may be
anything that slices like a bytearray; one that raises in the middle of an assignment is a power cut.
"""

from ...errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap

    Device = bytearray | mmap.mmap
    Buffer = bytes | bytearray | memoryview
    WritableBuffer = bytearray | memoryview

_SECTOR_BYTES = 4096
_ERASED = 0xFF


class Area:
    """`size` bytes of `device` from `offset` on, both multiples of a sector. All offsets are in bytes, from the area's
    beginning. `bytes_written` and `sectors_erased` say what this run has worn.

    LocalError: out of range, or a write onto bytes that are not erased (and then nothing has been written).
    """

    def __init__(self, device: "Device", offset: int, size: int) -> None:
        self.sector_bytes = _SECTOR_BYTES
        self.size = size
        self.bytes_written = 0
        self.sectors_erased = 0
        self._device = device
        self._offset = offset
        if offset < 0 or size <= 0 or offset % _SECTOR_BYTES or size % _SECTOR_BYTES or offset + size > len(device):
            raise LocalError("flash: no area of %d bytes at %d" % (size, offset))

    def read_into(self, offset: int, buf: "WritableBuffer", start: int, end: int) -> None:
        """Fill buf[start:end] with what lies at `offset`."""
        at = self._place(offset, end - start)
        buf[start:end] = self._device[at : at + end - start]

    def write(self, offset: int, buf: "Buffer", start: int, end: int) -> None:
        """Write buf[start:end] to erased bytes at `offset`. Cut short, a part of it may be there."""
        size = end - start
        at = self._place(offset, size)
        if self._device[at : at + size].count(_ERASED) != size:
            raise LocalError("flash: a write of %d bytes at %d, where not all are erased" % (size, offset))
        self.bytes_written += size
        self._device[at : at + size] = bytes(memoryview(buf)[start:end])

    def erase(self, offset: int, size: int) -> None:
        """Erase whole sectors, the first one first. Cut short, one of them may hold anything."""
        at = self._place(offset, size)
        if offset % _SECTOR_BYTES or size % _SECTOR_BYTES:
            raise LocalError("flash: an erase of %d bytes at %d, which is not by sectors" % (size, offset))
        for sector in range(at, at + size, _SECTOR_BYTES):
            self.sectors_erased += 1
            self._device[sector : sector + _SECTOR_BYTES] = b"\xff" * _SECTOR_BYTES

    def _place(self, offset: int, size: int) -> int:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise LocalError("flash: %d bytes at %d of an area of %d" % (size, offset, self.size))
        return self._offset + offset

"""What this package wants of a port's flash (ports/flash.py); chain/ imports no port, it is handed one."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Area(Protocol):
        """Raw NOR flash: bytes are written once after each erase, which goes by sectors of `sector_bytes`."""

        size: int
        sector_bytes: int
        bytes_written: int
        sectors_erased: int

        def read_into(self, offset: int, buf: "bytearray | memoryview", start: int, end: int) -> None: ...

        def write(self, offset: int, buf: "bytes | bytearray | memoryview", start: int, end: int) -> None: ...

        def erase(self, offset: int, size: int) -> None: ...

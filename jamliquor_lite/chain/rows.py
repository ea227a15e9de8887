"""What the tree knows of a header by its row and rarely needs: four hashes, of 128 of a row's 149 bytes.

A store of them has

    put(row, record)                    128 bytes, the four one after the other, for a row that holds nothing
    read_into(row, field, out)          one of the four into the 32 bytes of `out`
    holds(row, field, buf, at)          whether it is buf[at : at + 32]
    find(buf, at, flags) -> int         the row, among those whose flag byte is not 0, of the header hash that lies at
                                        buf[at : at + 32], or -1
    rename(row, header_hash)            another hash for the same row
    free(row)                           the row holds nothing any more

and takes nothing of the heap for any of it. `HeldRows` is in memory; on boards whose tree is deep it is `FlashRows`
(flash_rows.py).
"""

from ..const import const
from ..ports.memory import copy, find, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    Buffer = bytes | bytearray | memoryview

    class Rows(Protocol):
        """See the module."""

        def put(self, row: int, record: bytearray) -> None: ...

        def read_into(self, row: int, field: int, out: "bytearray | memoryview") -> None: ...

        def holds(self, row: int, field: int, buf: Buffer, at: int) -> bool: ...

        def find(self, buf: Buffer, at: int, flags: bytearray) -> int: ...

        def rename(self, row: int, header_hash: "bytes | bytearray") -> None: ...

        def free(self, row: int) -> None: ...

HASH = 0  # of the header
CONTENT = 1  # of the header without its seal: seals are malleable
STATE_ROOT = 2  # prior state root: commits the state after the parent
ENTROPY = 3  # eta_0 after this header
RECORD_BYTES = 128
_HASH = const(32)
_RECORD = const(128)


class HeldRows:
    """`capacity` rows in memory."""

    def __init__(self, capacity: int) -> None:
        self._records = bytearray(capacity * _RECORD)

    def put(self, row: int, record: bytearray) -> None:
        copy(self._records, row * _RECORD, record, 0, _RECORD)

    def read_into(self, row: int, field: int, out: "bytearray | memoryview") -> None:
        at = row * _RECORD + field * _HASH
        copy(out, 0, self._records, at, at + _HASH)

    def holds(self, row: int, field: int, buf: "Buffer", at: int) -> bool:
        return same(self._records, row * _RECORD + field * _HASH, buf, at, at + _HASH)

    def find(self, buf: "Buffer", at: int, flags: bytearray) -> int:
        # A scan, not a dict: that would take as much as the records, grow, and hold an object for each header.
        row = find(self._records, _RECORD, 0, buf, at, at + _HASH)
        while row >= 0 and not flags[row]:
            row = find(self._records, _RECORD, row + 1, buf, at, at + _HASH)
        return row

    def rename(self, row: int, header_hash: "bytes | bytearray") -> None:
        copy(self._records, row * _RECORD, header_hash, 0, _HASH)

    def free(self, row: int) -> None:
        pass

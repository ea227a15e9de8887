"""What the tree knows of a header by its row and rarely needs: four hashes, of 128 of a row's 149 bytes.

A store of them has

    put(row, header_hash, content, state_root, entropy)    for a row that holds nothing
    take(row, field) -> bytes                               one of the four, 32 bytes
    find(header_hash, flags) -> int                         the row, among those whose flag byte is not 0, or -1
    rename(row, header_hash)                                another hash for the same row
    free(row)                                               the row holds nothing any more

`HeldRows` is in memory; on boards whose tree is deep it is `FlashRows` (flash_rows.py).
"""

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Rows(Protocol):
        """See the module."""

        def put(self, row: int, header_hash: bytes, content: bytes, state_root: bytes, entropy: bytes) -> None: ...

        def take(self, row: int, field: int) -> bytes: ...

        def find(self, header_hash: bytes, flags: bytearray) -> int: ...

        def rename(self, row: int, header_hash: bytes) -> None: ...

        def free(self, row: int) -> None: ...

HASH = 0  # of the header
CONTENT = 1  # of the header without its seal: seals are malleable
STATE_ROOT = 2  # prior state root: commits the state after the parent
ENTROPY = 3  # eta_0 after this header
_HASH = const(32)


class HeldRows:
    """`capacity` rows in memory."""

    def __init__(self, capacity: int) -> None:
        self._columns = [bytearray(capacity * _HASH) for _ in range(4)]

    def put(self, row: int, header_hash: bytes, content: bytes, state_root: bytes, entropy: bytes) -> None:
        at = row * _HASH
        columns = self._columns
        columns[HASH][at : at + _HASH] = header_hash
        columns[CONTENT][at : at + _HASH] = content
        columns[STATE_ROOT][at : at + _HASH] = state_root
        columns[ENTROPY][at : at + _HASH] = entropy

    def take(self, row: int, field: int) -> bytes:
        return bytes(self._columns[field][row * _HASH : row * _HASH + _HASH])

    def find(self, header_hash: bytes, flags: bytearray) -> int:
        # A scan, not a dict: that would take as much as the columns, grow, and hold an object for each header.
        hashes = self._columns[HASH]
        at = hashes.find(header_hash)
        while at >= 0 and (at % _HASH or not flags[at // _HASH]):  # across two hashes; in a row that is free
            at = hashes.find(header_hash, at + 1)
        return at // _HASH if at >= 0 else -1

    def rename(self, row: int, header_hash: bytes) -> None:
        self._columns[HASH][row * _HASH : row * _HASH + _HASH] = header_hash

    def free(self, row: int) -> None:
        pass

"""Validator sets and tickets: the big parts of an epoch, behind one face wherever they lie.

A set is an object with

    size                                  bytes
    take(at, count) -> bytes              a copy of a few of them: one validator's key, one slot's ticket
    read_into(at, buf, start, end)        the same into a lent buffer
    find(field, step) -> int              number of the first record of `step` bytes that begins with `field`, or -1
    whole() -> bytes                      all of it; not on a board
    digest() -> bytes                     BLAKE2b-256 of all of it: its name in flash and in a board's checkpoint

and does not change. `Held` is one in memory. A store keeps sets for a chain: `MemorySets` on hosts, and on boards
`FlashSets` (flash_sets.py), whose sets cost no memory to speak of.
"""

from ..crypto.suite import Blake2b256, blake2b_256
from ..ports.memory import copy
from ..ports.memory import find as find_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol, Union

    from .flash_area import Area

    Buffer = bytes | bytearray | memoryview
    class Set(Protocol):
        """See the module."""

        size: int

        def take(self, at: int, count: int) -> bytes: ...

        def read_into(self, at: int, buf: "bytearray | memoryview", start: int, end: int) -> None: ...

        def find(self, field: Buffer, step: int) -> int: ...

        def whole(self) -> bytes: ...

        def digest(self) -> bytes: ...

    Kept = Union[bytes, Set]  # of a checkpoint or an epoch: bytes, or a set that is kept already

    class Sets(Protocol):
        """A store. `put` keeps a set of a kind, for a chain that stands in `epoch`, and returns the kept one.
        BudgetError("sets"): no place is free until others are let go. BudgetError("set_writes"): not in this epoch.
        `retain` names all sets that the chain still refers to, with Nones among them. `open` finds a kept one by its
        digest. `pin` names those that a saved checkpoint refers to, whatever the chain does.
        """

        def put(self, kind: int, source: Set, epoch: int) -> Set: ...

        def retain(self, used: "Iterable[Set | None]") -> None: ...

        def open(self, kind: int, digest: bytes) -> "Set | None": ...

        def pin(self, used: Iterable[Set]) -> None: ...

KEYS = 0  # V x (Bandersnatch 32, Ed25519 32)
TICKETS = 1  # E x (id 32, attempt 1)
FALLBACK = 2  # E x Bandersnatch 32, as a genesis state may list them


class Held:
    """A set in memory."""

    def __init__(self, data: "Buffer") -> None:
        self._data = bytes(data)
        self.size = len(self._data)

    def take(self, at: int, count: int) -> bytes:
        return self._data[at : at + count]

    def read_into(self, at: int, buf: "bytearray | memoryview", start: int, end: int) -> None:
        copy(buf, start, self._data, at, at + end - start)

    def find(self, field: "Buffer", step: int) -> int:
        return find_record(self._data, step, 0, field, 0, len(field))

    def whole(self) -> bytes:
        return self._data

    def digest(self) -> bytes:
        return blake2b_256(self._data)


class Window:
    """A set that is a stretch of something longer in flash (a header in the scratch area): gone when that is."""

    def __init__(self, area: "Area", offset: int, size: int) -> None:
        self._area = area
        self._offset = offset
        self.size = size

    def take(self, at: int, count: int) -> bytes:
        buf = bytearray(count)
        self._area.read_into(self._offset + at, buf, 0, count)
        return bytes(buf)

    def read_into(self, at: int, buf: "bytearray | memoryview", start: int, end: int) -> None:
        self._area.read_into(self._offset + at, buf, start, end)

    def find(self, field: "Buffer", step: int) -> int:
        return search(self, field, step, bytearray(4 * step))

    def whole(self) -> bytes:
        return self.take(0, self.size)

    def digest(self) -> bytes:
        return digest_of(self, bytearray(CHUNK_BYTES))


CHUNK_BYTES = 256  # read from flash at a time; a multiple of what a record of a key set has, and of a page


def held(data: "Buffer | Set | None") -> "Set | None":
    """A set of bytes in memory; what is a set already stays what it is."""
    if data is None or isinstance(data, (bytes, bytearray, memoryview)):
        return None if data is None else Held(data)
    return data


def search(source: "Set", field: "Buffer", step: int, chunk: bytearray, is_padded: bool = False) -> int:
    """`find` in a set that is read by chunks, of a multiple of `step` bytes. Where something that may be read follows
    it (`is_padded`), they are read whole, which takes no heap."""
    size = len(chunk)
    at = 0
    while at < source.size:
        count = min(size, source.size - at)
        source.read_into(at, chunk, 0, size if is_padded else count)
        found = find_record(chunk, step, 0, field, 0, len(field))
        if 0 <= found < count // step:
            return at // step + found
        at += size
    return -1


def digest_of(source: "Set", chunk: bytearray) -> bytes:
    """BLAKE2b-256 of a set that is read by chunks."""
    state = Blake2b256()
    view = memoryview(chunk)
    for at in range(0, source.size, len(chunk)):
        count = min(len(chunk), source.size - at)
        source.read_into(at, chunk, 0, count)
        state.update(view[:count])
    return state.digest()


class MemorySets:
    """A host's store: a set lives as long as somebody refers to it."""

    def put(self, kind: int, source: "Set", epoch: int) -> "Set":
        return source if isinstance(source, Held) else Held(source.whole())

    def retain(self, used: "Iterable[Set | None]") -> None:
        pass

    def open(self, kind: int, digest: bytes) -> "Set | None":
        return None

    def pin(self, used: "Iterable[Set]") -> None:
        pass

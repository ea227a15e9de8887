"""Two segments in two files, written at their end. `chain/journal.py` decides what they hold; this moves bytes."""

from . import durable
from .store import MAX_SLOT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


class SegmentFile:
    """The segments 0 and 1 of a journal: the files `path`.0 and `path`.1. LocalError as durable.py has it."""

    def __init__(self, path: str) -> None:
        self._path = path

    def name(self, segment: int) -> str:
        """The path of a segment's file."""
        return "%s.%d" % (self._path, segment)

    def read(self, segment: int) -> "bytes | None":
        """All bytes of a segment (of one too long to be ours, the first MAX_SLOT_BYTES), or None where it is not."""
        return durable.read(self.name(segment), MAX_SLOT_BYTES)

    def write(self, segment: int, at: int, pieces: "list[Buffer]") -> None:
        """A segment is its first `at` bytes and `pieces` now, on the disk when this returns; cut short, it may be
        anything from there on."""
        durable.write(self.name(segment), at, *pieces)

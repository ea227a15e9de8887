"""Two durable slots in two files. `chain/twoslot.py` decides what they hold; this writes and reads bytes."""

from . import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

MAX_SLOT_BYTES = 8 * 1024 * 1024  # a file of any size under this name would fill the memory


class SlotFile:
    """The slots 0 and 1 of a store: the files `path`.0 and `path`.1. LocalError as durable.py has it."""

    def __init__(self, path: str) -> None:
        self._path = path

    def name(self, slot: int) -> str:
        """The path of a slot's file."""
        return "%s.%d" % (self._path, slot)

    def read(self, slot: int) -> "bytes | None":
        """All bytes of a slot (of one too long to be ours, the first MAX_SLOT_BYTES), or None if it is not there."""
        return durable.read(self.name(slot), MAX_SLOT_BYTES)

    def write(self, slot: int, head: "Buffer", payload: "Buffer") -> None:
        """A slot has `head` and `payload` now, on the disk when this returns; cut short, they may be anything."""
        durable.write(self.name(slot), 0, head, payload)

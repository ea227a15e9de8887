"""Two durable slots in two files. `chain/twoslot.py` decides what they hold; this writes and reads bytes."""

import os

from . import disk_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

MAX_SLOT_BYTES = 8 * 1024 * 1024  # a file of any size under this name would fill the memory


class SlotFile:
    """The slots 0 and 1 of a store: the files `path`.0 and `path`.1, readable by their owner only.

    What goes wrong is one line in a LocalError that names the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def name(self, slot: int) -> str:
        """The path of a slot's file."""
        return "%s.%d" % (self._path, slot)

    def read(self, slot: int) -> "bytes | None":
        """All bytes of a slot (of one too long to be ours, the first MAX_SLOT_BYTES), or None if it is not there."""
        name = self.name(slot)
        try:
            with open(name, "rb") as file:
                return file.read(MAX_SLOT_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise disk_errors.explained("read", name, error) from None

    def write(self, slot: int, head: "Buffer", payload: "Buffer") -> None:
        """A slot has `head` and `payload` now, on the disk when this returns; cut short, they may be anything."""
        name = self.name(slot)
        try:
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                for piece in (head, payload):
                    view = memoryview(piece)
                    while len(view):
                        view = view[os.write(handle, view) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            # The name of a new file is durable when its folder is.
            folder = os.open(os.path.dirname(name) or ".", os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise disk_errors.explained("write", name, error) from None

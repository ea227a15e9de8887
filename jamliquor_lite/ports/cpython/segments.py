"""Two segments in two files, written at their end. `chain/journal.py` decides what they hold; this moves bytes."""

import os

from . import disk_errors
from .store import MAX_SLOT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


class SegmentFile:
    """The segments 0 and 1 of a journal: the files `path`.0 and `path`.1, readable by their owner only.

    What goes wrong is one line in a LocalError that names the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def name(self, segment: int) -> str:
        """The path of a segment's file."""
        return "%s.%d" % (self._path, segment)

    def read(self, segment: int) -> "bytes | None":
        """All bytes of a segment (of one too long to be ours, the first MAX_SLOT_BYTES), or None where it is not."""
        name = self.name(segment)
        try:
            with open(name, "rb") as file:
                return file.read(MAX_SLOT_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise disk_errors.explained("read", name, error) from None

    def write(self, segment: int, at: int, pieces: "list[Buffer]") -> None:
        """A segment is its first `at` bytes and `pieces` now, on the disk when this returns; cut short, it may be
        anything from there on."""
        name = self.name(segment)
        try:
            is_new = not os.path.lexists(name)
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                os.ftruncate(handle, at)
                os.lseek(handle, at, os.SEEK_SET)
                for piece in pieces:
                    view = memoryview(piece)
                    while len(view):
                        view = view[os.write(handle, view) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            if is_new or at == 0:  # the name of a new file is durable when its folder is
                folder = os.open(os.path.dirname(name) or ".", os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        except OSError as error:
            raise disk_errors.explained("write", name, error) from None

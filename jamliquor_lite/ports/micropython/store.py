"""Two durable slots in two files of the board's file system. `chain/twoslot.py` decides what they hold."""

import errno
import os

from ...errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

MAX_SLOT_BYTES = 256 * 1024  # a file of any size under this name would fill the memory

_WHY = (
    ("EACCES", "permission denied", 2),
    ("EPERM", "permission denied", 2),
    ("EROFS", "the file system is read-only", 2),
    ("ENOENT", "its folder does not exist", 2),
    ("ENOTDIR", "part of its path is not a folder", 2),
    ("EISDIR", "it is a folder, a file is needed", 2),
    ("ENOSPC", "no space left on the device", 1),
)
# Numbers that this interpreter's errno may leave out; they are the same on Linux and in littlefs' port.
_NUMBERS = {"EROFS": 30, "ENOTDIR": 20, "ENOSPC": 28}


class SlotFile:
    """The slots 0 and 1 of a store: the files `path`.0 and `path`.1.

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
            # MicroPython makes room for all that is asked for, whatever the file has.
            size = min(os.stat(name)[6], MAX_SLOT_BYTES)
            with open(name, "rb") as file:
                return file.read(size)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return None
            raise _explained("read", name, error)

    def write(self, slot: int, head: "Buffer", payload: "Buffer") -> None:
        """A slot has `head` and `payload` now, in flash when this returns; cut short, they may be anything."""
        name = self.name(slot)
        try:
            with open(name, "wb") as file:
                for piece in (head, payload):
                    view = memoryview(piece)
                    at = 0
                    while at < len(view):
                        at += file.write(view[at:])
                file.flush()  # littlefs and the unix port sync here
        except OSError as error:
            raise _explained("write", name, error)


def _explained(verb: str, name: str, error: OSError) -> LocalError:
    for symbol, why, exit_code in _WHY:
        if error.errno == getattr(errno, symbol, _NUMBERS.get(symbol, -1)):
            return LocalError("cannot %s %s: %s" % (verb, name, why), exit_code)
    return LocalError("cannot %s %s: error %s" % (verb, name, error.errno))

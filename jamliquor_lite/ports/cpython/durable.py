"""Files of ours that outlive a power cut, readable by their owner only. What goes wrong is one line in a LocalError
that names the file."""

import os

from . import disk_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


def read(name: str, most: int) -> "bytes | None":
    """The first `most` bytes of a file, or None where it is not."""
    try:
        with open(name, "rb") as file:
            return file.read(most)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_errors.explained("read", name, error) from None


def write(name: str, at: int, *pieces: "Buffer") -> None:
    """A file is its first `at` bytes and `pieces` now, on the disk when this returns; cut short, it may be anything
    from there on."""
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

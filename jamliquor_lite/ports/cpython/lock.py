"""One process at a time: a lock that ends with the process, however it ends."""

import fcntl
import os

from ...errors import LocalError


class Lock:
    """Held from here on, until `release` or the end of the process. LocalError when another one has it, or the file
    cannot be made."""

    def __init__(self, path: str) -> None:
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LocalError("cannot open %s: %s" % (path, error.strerror), 2) from None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            raise LocalError("%s is held by another process" % path) from None

    def release(self) -> None:
        """Let others have it."""
        os.close(self._handle)

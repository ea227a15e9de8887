"""What went wrong with a file of ours, as one line, and whether the user can mend it."""

import errno

from ...errors import LocalError

_USERS = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOENT: "its folder does not exist",
    errno.ENOTDIR: "part of its path is not a folder",
    errno.EISDIR: "it is a folder, a file is needed",
    errno.ENAMETOOLONG: "its path is too long",
    errno.ELOOP: "it is a symbolic link, a file is needed",
}
_MACHINES = {errno.ENOSPC: "no space left on the device", errno.EDQUOT: "the disk quota is used up"}


def explained(verb: str, name: str, error: OSError) -> LocalError:
    """`verb` is what could not be done with the file `name`."""
    why = _USERS.get(error.errno or 0)
    if why is not None:
        return LocalError("cannot %s %s: %s" % (verb, name, why), 2)
    why = _MACHINES.get(error.errno or 0) or error.strerror or str(error)
    return LocalError("cannot %s %s: %s" % (verb, name, why))

"""The file that holds a node's 32-byte Ed25519 seed, readable by its owner only."""

import os
import stat

from ..const import const
from ..errors import LocalError
from ..ports import entropy

_SEED_BYTES = const(32)
_OTHERS = const(0o077)  # any right of group or others
FILE_NAME = "node.key"


def load(path: str) -> bytes:
    """The seed in the file. LocalError when it is missing, readable by others, or not 32 bytes long."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO would keep us waiting for its writer
    except FileNotFoundError:
        raise LocalError(f"{path}: no such key file; `jamliquor-lite keygen --file {path}` makes one", 2)
    except OSError as error:
        raise LocalError(f"{path}: cannot read the key file: {error.strerror}", 2)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise LocalError(f"{path}: not a regular file, so no key file", 2)
        mode = stat.S_IMODE(about.st_mode)
        if mode & _OTHERS:
            raise LocalError(
                f"{path}: mode {mode:04o} lets others at the key; allowed is 0600: chmod 600 {path}", 2
            )
        if about.st_size != _SEED_BYTES:
            raise LocalError(f"{path}: {about.st_size} bytes; a key file has exactly {_SEED_BYTES}", 2)
        return os.read(handle, _SEED_BYTES)
    finally:
        os.close(handle)


def create(path: str, force: bool = False) -> bytes:
    """Make the file (and its folder, 0700) with a new seed, and return the seed. The file is whole or absent.

    LocalError when it exists and `force` is not given: a node with another key is another node.
    """
    seed = entropy.random_bytes(_SEED_BYTES)
    folder = os.path.dirname(path) or "."
    partial = f"{path}.{os.getpid()}.partial"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, seed)
            os.fsync(handle)
        finally:
            os.close(handle)
        if force:
            os.replace(partial, path)
        else:
            os.link(partial, path)  # unlike a rename, fails where something is there already
            os.unlink(partial)
    except FileExistsError:
        _remove(partial)
        raise LocalError(f"{path}: exists already; --force replaces it, and the node gets another name", 2)
    except OSError as error:
        _remove(partial)
        raise LocalError(f"{path}: cannot write the key file: {error.strerror}", 2)
    return seed


def load_or_create(path: str) -> bytes:
    """The seed of the node: that of the file, or a new one on the first run."""
    return load(path) if os.path.lexists(path) else create(path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass

"""Runs first at each start: mounts the file system, then imports `main` from it, or else the frozen one."""

import gc

import _board
import vfs
import virt


def _mount() -> None:
    """The board's `fs` area at "/"; a new or unreadable one is formatted, and a line says so."""
    try:
        device = virt.Blk(*_board.FLASH["fs"])
    except (KeyError, OSError, ValueError):
        return  # a board without a disk, or with one that is too small: it runs from what is frozen
    try:
        vfs.mount(device, "/")
    except OSError:
        print("fs: formatted")
        vfs.VfsLfs2.mkfs(device)
        vfs.mount(device, "/")


_mount()
gc.collect()
try:
    import main  # noqa: F401
except ImportError as error:
    if str(error) != "no module named 'main'":
        raise
    print("no main, neither on the disk nor in the firmware")

"""Runs first at each start: mounts the file system, then imports `main` from it, or else the frozen one."""

import gc
import os

import _board
import micropython
import vfs
import virt

_CTRL_C = 3


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


def _has_own_main() -> bool:
    for name in ("main.py", "main.mpy"):
        try:
            os.stat(name)
            return True
        except OSError:
            pass
    return False


_mount()
if _has_own_main():
    micropython.kbd_intr(_CTRL_C)  # a person's program, which a person may stop; the node's console takes any byte
gc.collect()
try:
    import main  # noqa: F401
except ImportError as error:
    if str(error) != "no module named 'main'":
        raise
    print("no main, neither on the disk nor in the firmware")

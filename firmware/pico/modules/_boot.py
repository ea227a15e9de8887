"""Runs first at each start: mounts the file system, as firmware/port/modules/_boot.py does on the emulated boards."""

import _board
import vfs
from pico import Blk


def _mount() -> None:
    """The board's `fs` area at "/"; a new or unreadable one is formatted, and a line says so."""
    device = Blk(*_board.FLASH["fs"])
    try:
        vfs.mount(device, "/")
    except OSError:
        print("fs: formatted")
        vfs.VfsLfs2.mkfs(device)
        vfs.mount(device, "/")


_mount()

"""Serial lines of the running port, for the node and the entry points only: they bring asyncio along."""

import sys

if sys.implementation.name == "micropython":
    from .micropython.tty import Tty, open_tty
else:
    from .cpython.tty import Tty, open_tty

__all__ = ("Tty", "open_tty")

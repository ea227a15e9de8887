"""The store of the running port, in a module of its own: most hosts of a test, and a board without flash, have none."""

import sys

if sys.implementation.name == "micropython":
    from .micropython.store import MAX_SLOT_BYTES, SlotFile
else:
    from .cpython.store import MAX_SLOT_BYTES, SlotFile

__all__ = ("MAX_SLOT_BYTES", "SlotFile")

"""An area of raw flash on the running port, in a module of its own: hosts that follow in memory have none."""

import sys

if sys.implementation.name == "micropython":
    from .micropython.flash import Area
else:
    from .cpython.flash import Area

__all__ = ("Area",)

"""Copies and comparisons of the running port, in a module of its own."""

import sys

if sys.implementation.name == "micropython":
    from .micropython.memory import copy, find, same
else:
    from .cpython.memory import copy, find, same

__all__ = ("copy", "find", "same")

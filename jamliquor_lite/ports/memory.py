"""Copies of the running port, in a module of its own."""

import sys

if sys.implementation.name == "micropython":
    from .micropython.memory import copy
else:
    from .cpython.memory import copy

__all__ = ("copy",)

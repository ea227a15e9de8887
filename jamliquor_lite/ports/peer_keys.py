"""Signatures of rare peer keys in the running port, loaded when such a key comes."""

import sys

if sys.implementation.name == "micropython":
    from .micropython.peer_keys import fault
else:
    from .cpython.peer_keys import fault

__all__ = ("fault",)

"""Pseudo-terminals as the serial ports of boards that come and go.

Linux gives out a number again once both ends are closed. A program that tries to come back to the port of a board that
is gone would then open the port of another test's board, and that test would find it busy.
"""

import os

_kept: "list[int]" = []  # the other ends, open until the tests end


def unplug(ours: int, name: str) -> None:
    """Close our end of the terminal: `name` is gone then, for whoever had it open too, and is not given out again."""
    _kept.append(os.open(name, os.O_RDWR | os.O_NOCTTY))
    os.close(ours)

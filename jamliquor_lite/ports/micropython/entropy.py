"""Randomness for keys and nonces: the system's own generator, and no other."""

import os

from ...errors import LocalError


def random_bytes(size: int) -> bytes:
    """`size` bytes from the system's cryptographic generator. LocalError while a board's is unseeded: without it there
    are no keys."""
    try:
        return os.urandom(size)
    except OSError:
        raise LocalError("the board's random generator is not seeded: it makes no keys")

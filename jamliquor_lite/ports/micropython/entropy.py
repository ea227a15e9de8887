"""Randomness for keys and nonces: the system's own generator, and no other."""

import os


def random_bytes(size: int) -> bytes:
    """`size` bytes from the system's cryptographic generator."""
    return os.urandom(size)

"""What stands for MicroPython's module `socket` on a board without a network: no address can be reached from there."""

import errno

SOCK_STREAM = 1


def getaddrinfo(*_: object) -> "list[object]":
    """OSError: EHOSTUNREACH."""
    raise OSError(errno.EHOSTUNREACH)

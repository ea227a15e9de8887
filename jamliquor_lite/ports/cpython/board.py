"""A Linux host: no flash of its own, no watchdog, and the profile's defaults. ports/board.py says what each name is."""

import os
import sys

NAME = "linux"
PROFILE: "dict[str, int]" = {}
FLASH: "dict[str, tuple[int, int]]" = {}
SECTOR_BYTES = 4096
LINKS: "tuple[str, ...]" = ("tcp",)
TCP_CONNECTIONS = 0
HEAP_BYTES = 0
CPU_MHZ = 0
CPU_SHARE_PERCENT = 100
WATCHDOG_MS = 0


def block_device() -> None:
    """There is none: whoever wants flash on a host names a file."""
    return


def start_network() -> None:
    """The system has it up."""


def start_watchdog() -> bool:
    """False: whoever starts the process looks after it."""
    return False


def feed_watchdog() -> None:
    """Nothing waits for it."""


def memory() -> "tuple[int, int]":
    """(0, 0) where the system does not say."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"), 0
    except (OSError, IndexError, ValueError):
        return 0, 0


def reset_cause() -> str:
    """ "": a process does not know why it was started."""
    return ""


def reset() -> None:
    """Ends the process, with the status of a failure: who looks after it starts it again."""
    sys.exit(1)

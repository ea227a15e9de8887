"""The board that this port runs on: its numbers, flash, watchdog and reset, in a module of its own.

NAME                what the board is called, as its folder under boards/
PROFILE             attributes of budget.profile.Profile that the board sets, and their numbers
FLASH               area -> (offset, size) in bytes on the block device; empty where there is none
SECTOR_BYTES        what is erased at once there
LINKS               kinds of link that there are: "tcp", "serial"
TCP_CONNECTIONS     sockets that can be open at once, 0: as many as the system gives
HEAP_BYTES          what the node may count on, 0: no such promise
CPU_MHZ             the clock that shares are reckoned with, 0: unknown
CPU_SHARE_PERCENT   of the processor's time, for the node
WATCHDOG_MS         between two feeds at most, 0: there is no watchdog

block_device()      what `flash.Area` takes as its device; None where there is none
start_network()     brings the network up, where the board has one of its own to bring up
start_watchdog()    from here on the board is reset unless it is fed; False where there is no watchdog
feed_watchdog()     once for each completed turn of the node, and nowhere else; nothing where none was started
reset_cause()       "power", "reset", "watchdog", "panic", or "" where nobody knows
memory()            (bytes of the heap in use, garbage included; bytes free); on a host (resident bytes, 0)
reset()             starts the board again; a host's process ends instead
"""

import sys

if sys.implementation.name == "micropython":
    from .micropython.board import (
        CPU_MHZ,
        CPU_SHARE_PERCENT,
        FLASH,
        HEAP_BYTES,
        LINKS,
        NAME,
        PROFILE,
        SECTOR_BYTES,
        TCP_CONNECTIONS,
        WATCHDOG_MS,
        block_device,
        feed_watchdog,
        memory,
        reset,
        reset_cause,
        start_network,
        start_watchdog,
    )
else:
    from .cpython.board import (
        CPU_MHZ,
        CPU_SHARE_PERCENT,
        FLASH,
        HEAP_BYTES,
        LINKS,
        NAME,
        PROFILE,
        SECTOR_BYTES,
        TCP_CONNECTIONS,
        WATCHDOG_MS,
        block_device,
        feed_watchdog,
        memory,
        reset,
        reset_cause,
        start_network,
        start_watchdog,
    )

__all__ = (
    "CPU_MHZ",
    "CPU_SHARE_PERCENT",
    "FLASH",
    "HEAP_BYTES",
    "LINKS",
    "NAME",
    "PROFILE",
    "SECTOR_BYTES",
    "TCP_CONNECTIONS",
    "WATCHDOG_MS",
    "block_device",
    "feed_watchdog",
    "memory",
    "reset",
    "reset_cause",
    "start_network",
    "start_watchdog",
)

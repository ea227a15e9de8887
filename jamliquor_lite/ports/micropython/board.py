"""The board whose board.toml `tools/firmware` froze as `_board`, or MicroPython's unix port, which has none.

ports/board.py says what each name is.
"""

import gc
import sys

try:
    import _board
except ImportError:  # the unix port
    _board = None
try:
    import machine
except ImportError:
    machine = None

NAME = getattr(_board, "NAME", "micropython")
PROFILE = getattr(_board, "PROFILE", {})
FLASH = getattr(_board, "FLASH", {})
SECTOR_BYTES = getattr(_board, "SECTOR_BYTES", 4096)
LINKS = getattr(_board, "LINKS", ("tcp",))
TCP_CONNECTIONS = getattr(_board, "TCP_CONNECTIONS", 0)
HEAP_BYTES = getattr(_board, "HEAP_BYTES", 0)
CPU_MHZ = getattr(_board, "CPU_MHZ", 0)
CPU_SHARE_PERCENT = getattr(_board, "CPU_SHARE_PERCENT", 100)
WATCHDOG_MS = getattr(_board, "WATCHDOG_MS", 0)

_CAUSES = (("PWRON_RESET", "power"), ("HARD_RESET", "reset"), ("WDT_RESET", "watchdog"), ("PANIC_RESET", "panic"))
_watchdog = None


def block_device() -> "object | None":
    """The flash behind the firmware, as MicroPython's protocol for block devices has it."""
    try:
        try:
            from virt import Blk  # of the emulated boards
        except ImportError:
            from pico import Blk  # firmware/pico/modules
        return Blk()
    except (ImportError, OSError):
        return None


def start_network() -> None:
    """Bring the board's network up, where it has one; addresses come by DHCP, later."""
    try:
        import network

        network.LAN().active(True)
    except (ImportError, AttributeError, OSError):
        pass  # the unix port, or a board whose link is serial


def start_watchdog() -> bool:
    """The hardware's own; it cannot be stopped again."""
    global _watchdog
    if not WATCHDOG_MS or not hasattr(machine, "WDT"):
        return False
    try:
        _watchdog = machine.WDT(timeout=WATCHDOG_MS)
    except OSError:
        return False
    return True


def feed_watchdog() -> None:
    """As long again."""
    if _watchdog is not None:
        _watchdog.feed()


def memory() -> "tuple[int, int]":
    """What the collector knows."""
    return gc.mem_alloc(), gc.mem_free()


def reset_cause() -> str:
    """Of the last reset, as the port tells it."""
    if hasattr(machine, "reset_cause"):
        cause = machine.reset_cause()
        for name, text in _CAUSES:
            if cause == getattr(machine, name, -1):
                return text
    return ""


def reset() -> None:
    """Does not return."""
    if not hasattr(machine, "reset"):
        sys.exit(1)
    machine.reset()

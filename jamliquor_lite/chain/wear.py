"""How many bytes a store may still write today, so that no pace of a chain wears out what it lies on."""

from ..const import const

BLOCK_BYTES = const(4096)  # what a write of a single byte costs a file system, and most flash
_DAY_S = const(86_400)
_AHEAD_S = const(3_600)  # of the day's allowance, what may be used before its time has come: a start writes at once
_MOST = const(0xFFFFFFFF)


def blocks(at: int, size: int) -> int:
    """Bytes of the blocks that a write of `size` bytes at `at` touches."""
    if size <= 0:
        return 0
    return ((at + size - 1) // BLOCK_BYTES - at // BLOCK_BYTES + 1) * BLOCK_BYTES


class Wear:
    """`day_bytes` in a day (UTC, or of uptime where the clock is not set), spread over it: at each moment no more than
    the part of the day that is over, and an hour of it ahead.

    `day` and `used` are kept by the store with what it writes, so that who restarts it gains nothing.
    """

    def __init__(self, day_bytes: int) -> None:
        self.day_bytes = day_bytes
        self.day = self.used = 0

    def may(self, cost: int, seconds: int, permille: int = 1000) -> bool:
        """Whether `cost` bytes may be written at this time (s), out of so much of the allowance."""
        used = self.used if seconds // _DAY_S == self.day else 0
        due = self.day_bytes * (seconds % _DAY_S + _AHEAD_S) // (_DAY_S + _AHEAD_S)
        return used + cost <= due * permille // 1000

    def spend(self, cost: int, seconds: int) -> None:
        """They are written."""
        day = seconds // _DAY_S
        if day != self.day:
            self.day = day
            self.used = 0
        self.used = min(self.used + cost, _MOST)

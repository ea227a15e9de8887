"""Time: monotonic milliseconds, processor time, and the wall clock where it can be believed at all."""

import time

# The JAM Common Era, 2025-01-01 12:00 UTC (GP 0.7.2, section 4.4). No slot is older, so a clock that says less
# was never set: a board without a battery starts in 1970, or at the date of its image.
_COMMON_ERA_UNIX_S = 1735732800


def ticks_ms() -> int:
    """Milliseconds since some moment before the first call; never goes back, whatever happens to the wall clock."""
    return time.monotonic_ns() // 1_000_000


def cpu_us() -> int:
    """Microseconds of processor time that this thread has had; they pass neither in waits nor while others run."""
    return time.thread_time_ns() // 1000


def cpu_diff(later: int, earlier: int) -> int:
    """Microseconds from one `cpu_us` to a later one."""
    return later - earlier


def wall_seconds() -> "int | None":
    """Seconds since 1970 UTC, or None when the machine's clock was plainly never set."""
    now = int(time.time())
    return now if now >= _COMMON_ERA_UNIX_S else None

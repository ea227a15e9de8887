"""Time: monotonic milliseconds, processor time, and the wall clock where it can be believed at all."""

import time

# The JAM Common Era, 2025-01-01 12:00 UTC (GP 0.7.2, section 4.4). No slot is older, so a clock that says less
# was never set: a board without a battery starts in 1970, 2000, or at the date of its image.
_COMMON_ERA_UNIX_S = 1735732800
_UNIX_S_AT_2000 = 946684800  # several boards count from 2000-01-01 instead of 1970-01-01

_last = time.ticks_ms()
_total = 0
_from = time.ticks_us()  # up to here time has been counted, or was waited
_ran = 0


def ticks_ms() -> int:
    """Milliseconds since some moment before the first call; never goes back, whatever happens to the wall clock.

    The board's own counter wraps (at 2^30 ms on 32 bits, 12.4 days), so the steps are added up here: call it at
    least once in half that time.
    """
    global _last, _total
    now = time.ticks_ms()
    step = time.ticks_diff(now, _last)
    if step > 0:
        _total += step
        _last = now
    return _total


def cpu_us() -> int:
    """Microseconds of processor time that the program has had; they do not pass while it waits for a link or a timer.

    They wrap where the board's counter does (at 2^30 on 32 bits, 18 minutes): call it at least once in half that time,
    as every round of asyncio's loop does, and compare by `cpu_diff`. No call takes heap.
    """
    global _from, _ran
    now = time.ticks_us()
    _ran = time.ticks_add(_ran, time.ticks_diff(now, _from))
    _from = now
    return _ran


def cpu_diff(later: int, earlier: int) -> int:
    """Microseconds from one `cpu_us` to a later one."""
    return time.ticks_diff(later, earlier)


def _waited() -> None:
    # What passed since the last `cpu_us` was a wait (waker.py), of whatever length.
    global _from
    _from = time.ticks_us()


def wall_seconds() -> "int | None":
    """Seconds since 1970 UTC, or None when the board's clock was plainly never set."""
    now = int(time.time())
    if time.gmtime(0)[0] == 2000:
        now += _UNIX_S_AT_2000
    return now if now >= _COMMON_ERA_UNIX_S else None

"""CPU time, spent in quanta: whoever has done a unit of work says whose it was, and asks before the next one.

Time cannot be cut while work runs, so a class may end with a debt; then it, or all, wait. `cpu_us` is the time that
the thread has computed, in microseconds, and stands still while it waits; it may begin again at any multiple of 2^30.
"""

from ..const import const
from .classes import WEIGHTS
from .shares import Shares

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .profile import Profile

_PERIOD = const((1 << 30) - 1)
_WHOLE_PERMILLE = const(1000)


def rate_of(profile: "Profile") -> int:
    """Microseconds of CPU time in a second; 0 where the whole processor is the node's."""
    return profile.cpu_permille * 1000 if profile.cpu_permille < _WHOLE_PERMILLE else 0


class Cpu(Shares):
    """Shares of the processor's time, in microseconds. `spent` counts milliseconds."""

    def __init__(self, profile: "Profile", cpu_us: "Callable[[], int]") -> None:
        super().__init__(rate_of(profile), profile.cpu_burst_ms * 1000, WEIGHTS, 1000)
        self._cpu_us = cpu_us
        self._last = cpu_us()

    def charge(self, cls: int, now: int) -> int:
        """The time since the last charge was the class's, or nobody's when it is -1. Microseconds."""
        at = self._cpu_us()
        count = (at - self._last) & _PERIOD
        self._last = at
        self.spend(cls, count, now)
        return count

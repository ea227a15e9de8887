"""All that a node may spend beside memory, in one object: made once, handed to the carriers and the node.

    cpu         CPU time (cpu.py)
    up, down    bytes on the wire a second, by class (shares.py, wire.py)
    allowance   bytes a day and a month (allowance.py)
    slots       peers (slots.py)
    mode        FULL or IDLE: whether every header is followed (node/mode.py)

A profile's rate is a promise about every window of two seconds, whatever was saved up before. So the buckets are
filled a little slower, by what their burst may add: rate = cap - burst / 2. What the system sends without being asked,
such as its answers to floods, nobody here sees: where a profile says how much that may be, it is left to it.
"""

from ..const import const
from ..errors import LocalError
from .allowance import Allowance
from .classes import SERVING, WEIGHTS
from .cpu import Cpu, rate_of
from .shares import Shares
from .slots import Slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .profile import Profile

FULL = const(0)
IDLE = const(1)

WINDOW_S = const(2)
_MOST_BURST = const(1 << 24)
_SMALL_BURST_MS = const(60)  # of slow links: up to two segments, while they cost no more than 3 % of the rate


def burst_of(cap: int, profile: "Profile") -> int:
    """Bytes that may pass at once where `cap` bytes a second are allowed: one segment at least."""
    if not cap:
        return 1
    segment = profile.segment_bytes + profile.segment_overhead_bytes
    least = min(2 * segment, cap // 1000 * _SMALL_BURST_MS)
    return min(max(cap // 1000 * profile.burst_ms, least, segment), cap, _MOST_BURST)


def rate_under(cap: int, profile: "Profile", system: int = 0) -> int:
    """The rate of a bucket that never lets more than WINDOW_S * cap through in WINDOW_S seconds, while the system may
    send `system` bytes a second beside it."""
    return cap and cap - system - (burst_of(cap, profile) + WINDOW_S - 1) // WINDOW_S


def _bucket(cap: int, profile: "Profile", system: int = 0) -> "tuple[int, int]":
    return rate_under(cap, profile, system), burst_of(cap, profile)


class Budgets:
    """Everything of the profile. `cpu_us` is ports.clock.cpu_us; without it no CPU time is counted."""

    def __init__(self, profile: "Profile", cpu_us: "Callable[[], int] | None" = None) -> None:
        self.profile = profile
        self.mode = FULL
        self.is_asleep = False  # idle, and nobody asks: connections are closed and none begins
        try:
            self.cpu = Cpu(profile, cpu_us or _no_time)
            self.up = Shares(*_bucket(profile.max_upload_rate, profile, profile.system_upload_rate), WEIGHTS)
            self.down = Shares(*_bucket(profile.max_download_rate, profile), WEIGHTS)
            self.down.sure = SERVING  # strangers send before anybody here says that they may
            self.allowance = Allowance(profile.day_bytes, profile.month_bytes, profile.allowance_quantum)
        except ValueError as error:
            raise LocalError("budgets: %s" % error, 2)
        self.slots = Slots(profile)

    def change(self, profile: "Profile") -> None:
        """Go on with other numbers: all of them, or none and a LocalError. Nothing that was spent is forgotten."""
        Budgets(profile)  # complains of what cannot be
        self.cpu.change(rate_of(profile), profile.cpu_burst_ms * 1000)
        self.up.change(*_bucket(profile.max_upload_rate, profile, profile.system_upload_rate))
        self.down.change(*_bucket(profile.max_download_rate, profile))
        self.allowance.change(profile.day_bytes, profile.month_bytes, profile.allowance_quantum)
        self.slots.profile = profile
        self.profile = profile


def _no_time() -> int:
    return 0

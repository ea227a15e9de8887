"""When a node that sleeps between epochs asks for the next set-change block: no oftener than there is one.

The block opens an epoch, and is final some slots later. So it is due `epoch_wait_slots` after the epoch has begun, and
after that by chance within `epoch_jitter_permille` of an epoch, or every such node would come to the peers at once.
Where the chain is its own clock nobody knows when that is, and it is asked for every `epoch_interval_ms`. Who found
nothing comes back after `epoch_retry_ms`, then twice that, up to `epoch_retry_max_ms`.
"""

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..codec.spec import Spec

_MOST_DOUBLINGS = const(16)


class Schedule:
    """`slot` is that of the last set-change block that is known, or of the start. Times are ms of the caller's clock,
    `now_slot` is the wall clock's or -1."""

    def __init__(self, spec: "Spec", profile: "Profile", slot: int, draw: int = 0) -> None:
        self._spec = spec
        self._profile = profile
        self._not_before = -1
        self._failures = 0
        self._is_blind = False  # there is no clock
        self._plan(slot, draw)

    def jumped(self, slot: int, now: int, draw: int) -> None:
        """A newer set-change block is known. `draw` is a random number."""
        self._failures = 0
        self._not_before = now + self._profile.epoch_interval_ms if self._is_blind else -1
        self._plan(slot, draw)

    def failed(self, now: int) -> None:
        """It was due, and there is none yet, or nobody shows it."""
        profile = self._profile
        wait = min(profile.epoch_retry_ms << min(self._failures, _MOST_DOUBLINGS), profile.epoch_retry_max_ms)
        self._failures += 1
        self._not_before = now + (profile.epoch_interval_ms if self._is_blind else wait)

    def wait_ms(self, now: int, now_slot: int) -> int:
        """For how long nothing is to be asked; 0: it is due."""
        self._is_blind = now_slot < 0
        wait = 0 if self._not_before < 0 else max(0, self._not_before - now)
        if now_slot < 0:
            return wait
        return max(wait, (self._due_slot - now_slot) * self._spec.slot_seconds * 1000)

    def _plan(self, slot: int, draw: int) -> None:
        spec, profile = self._spec, self._profile
        opens = (spec.epoch(slot) + 1) * spec.epoch_length
        jitter = draw % (1 + spec.epoch_length * profile.epoch_jitter_permille // 1000)
        self._due_slot = opens + profile.epoch_wait_slots + jitter

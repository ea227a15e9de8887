"""A board's alarm: no new head for `stall_slots` slots, whoever is to blame. It says so, once, and turns to other peers
(leaving.py) as long as it lasts.

A host's (alarm.py) looks at the wall clock as well, which most boards do not have, and at what peers say of it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from .node import Node
    from .status import Status


class Silence:
    """Set as `node.alarm`. `stalls` counts; the events are "stalled" and "recovered", as alarm.py has them."""

    def __init__(self, profile: "Profile", slot_ms: int, now: int) -> None:
        self.stalls = 0
        self._reorgs = self._deepest = 0
        self._after_ms = max(profile.stall_least_ms, profile.stall_slots * slot_ms)
        self._slot = -1
        self._since = -1  # when the last head came, where that is too long ago
        self._now = now
        self._due = now + self._after_ms

    def turn(self, node: "Node", now: int) -> None:
        """Look, say, and turn to others."""
        slot = node.chain.best_slot
        self._now = now
        if slot != self._slot or node.budgets.is_asleep:
            self._slot = slot
            self._due = now + self._after_ms
            if self._since >= 0:
                node.peers.wants_more = False
                node.on_event("recovered", {"slot": slot, "after_ms": now - self._since})
                self._since = -1
        elif now >= self._due:
            from . import leaving  # rarely

            is_new = self._since < 0
            if is_new:
                self.stalls += 1
                self._since = max(0, self._due - self._after_ms)
                node.peers.wants_more = True
            self._due = now + self._after_ms
            doing = leaving.leave_one(node, now - self._since, now)
            if is_new:
                node.on_event("stalled", {"slot": slot, "silent_ms": now - self._since, "doing": doing})

    def heard(self, name: str, slot: int) -> None:
        """A peer announced a head: there is no clock to hold it against."""

    def reorged(self, depth: int) -> None:
        """The head moved to another branch, `depth` blocks went."""
        self._reorgs += 1
        self._deepest = max(self._deepest, depth)

    def tell(self, status: "Status") -> None:
        """Its numbers, as attributes of a status."""
        status.reorgs, status.reorg_depth, status.stalls = self._reorgs, self._deepest, self.stalls
        status.stall_ms = 0 if self._since < 0 else max(1, self._now - self._since)

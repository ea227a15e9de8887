"""Is the node fooled by silence, or by its clock? What it says then, and whom it turns to.

    "stalled"    no head came for `stall_slots` slots; or the wall clock is that far ahead of the head and does not get
                 nearer: a peer that feeds an old chain at its own pace is no better than one that says nothing
    "recovered"  heads come again, and the distance to the clock shrinks
    "clock"      what most peers announce is ahead of our clock, or behind it, head after head, by so many seconds
    "reorg"      of the chain (light.py): the head moved to another branch

While it is stalled, one connected peer goes in each such time (leaving.py), and the spare ones are dialed however many
are connected. Nothing here is part of a level: a head is what it
proves to be, and the clock stays what the board says it is.

A chain that is its own clock has no slots to measure by. Its pace is learned from the heads that come once we have
caught up; until there are some, its slots count as long as its spec has them.
"""

from ..chain.slots import COMMON_ERA
from ..const import const
from ..ports import clock
from .leaving import leave_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..budget.profile import Profile
    from .node import Node
    from .status import Status

NOTHING = 0
STALLED = 1
RECOVERED = 2

_LOOK_MS = const(500)
_PACE_PART = const(8)  # what a head that comes counts for the pace: one eighth
_STEP_SLOTS = const(2)  # the clock moved by so much more, or less, than time passed: somebody set it
_HEADS = const(3)  # in a row: one head that is early is a peer's fault
_FRESH_SLOTS = const(40)  # what a peer announced so long ago says nothing of the clock now
_FUTURE_SLOTS = const(1)  # of chain/light.py: what the network forgives


class Stall:
    """`look` now and then. All times are ms; `now_slot` is the wall clock's, or -1 where there is none to go by."""

    def __init__(self, profile: "Profile", slot_ms: int, now: int) -> None:
        self.pace_ms = self._slot_ms = slot_ms  # of a slot
        self.is_stalled = False
        self.silent_ms = 0  # since the last head
        self.behind = -1  # slots from the head to the clock; -1: unknown
        self._slots = profile.stall_slots
        self._least_ms = profile.stall_least_ms
        self._slot = -1
        self._clock = -1
        self._seen_at = now
        self.rest(now)

    def rest(self, now: int) -> None:
        """Nobody was listening, or the clock was set: what was before says nothing."""
        self._moved_at = self._window_at = now
        self._behind_then = -1

    @property
    def after_ms(self) -> int:
        """How long it may be silent."""
        return max(self._least_ms, self._slots * self.pace_ms)

    def look(self, now: int, slot: int, now_slot: int, is_caught_up: bool) -> int:
        """The head is of `slot`. NOTHING, STALLED or RECOVERED."""
        self._check_clock(now, now_slot)
        if slot != self._slot:
            if slot > self._slot >= 0 and now_slot < 0 and is_caught_up:
                self.pace_ms += ((now - self._moved_at) // (slot - self._slot) - self.pace_ms) // _PACE_PART
            self._slot = slot
            self._moved_at = now
        self.silent_ms = now - self._moved_at
        self.behind = max(0, now_slot - slot) if now_slot >= 0 else -1
        is_far = self.behind >= self._slots
        is_nearer = self._behind_then < 0 or self.behind < self._behind_then
        is_over = now - self._window_at >= self.after_ms
        if not self.is_stalled:
            if self.silent_ms >= self.after_ms or (is_over and is_far and not is_nearer):
                self.is_stalled = True
                self._begin(now)
                return STALLED
        elif self.silent_ms < self.after_ms and (not is_far or (is_over and is_nearer)):
            self.is_stalled = False
            self._begin(now)
            return RECOVERED
        if is_over:
            self._begin(now)
        return NOTHING

    def _begin(self, now: int) -> None:
        self._window_at = now
        self._behind_then = self.behind

    def _check_clock(self, now: int, now_slot: int) -> None:
        passed = (now - self._seen_at) // self._slot_ms
        if self._clock >= 0 and abs(now_slot - self._clock - passed) > _STEP_SLOTS:
            self._behind_then = -1
            self._window_at = now
        self._clock, self._seen_at = now_slot, now


class Skew:
    """What peers announce against our clock. At most `most` of them are remembered."""

    def __init__(self, slot_seconds: int, skew_slots: int, most: int) -> None:
        self._slot_s = slot_seconds
        self._late_s = (skew_slots + 1) * slot_seconds
        self._most = most
        # name -> [1 ahead of our clock, -1 behind it, 0 neither; heads in a row; least seconds; when]
        self._peers: "dict[str, list[int]]" = {}

    def heard(self, name: str, slot: int, seconds: int) -> None:
        """A peer announced a head of `slot` at this Unix time."""
        ahead = slot * self._slot_s + COMMON_ERA - seconds
        side = 1 if ahead > _FUTURE_SLOTS * self._slot_s else -1 if -ahead >= self._late_s else 0
        known = self._peers.get(name)
        if known is None:
            if len(self._peers) >= self._most:
                self._peers.pop(self._oldest())
            known = self._peers[name] = [side, 0, abs(ahead), seconds]
        elif known[0] != side:
            known[0], known[1], known[2] = side, 0, abs(ahead)
        known[1] += 1
        known[2] = min(known[2], abs(ahead))
        known[3] = seconds

    def estimate(self, connected: int, seconds: int) -> int:
        """Seconds by which our clock seems slow, negative where it seems fast; 0: it seems right. More than half of the
        connected peers have to say so, each for itself."""
        for side in (1, -1):
            said = sorted([known[2] for known in self._peers.values()
                           if known[0] == side and known[1] >= _HEADS and self._is_fresh(known, seconds)])
            if said and 2 * len(said) > connected:
                return side * said[len(said) // 2]
        return 0

    def _is_fresh(self, known: "list[int]", seconds: int) -> bool:
        return 0 <= seconds - known[3] <= _FRESH_SLOTS * self._slot_s

    def _oldest(self) -> str:
        found = ""
        for name in self._peers:
            if not found or self._peers[name][3] < self._peers[found][3]:
                found = name
        return found


class Alarm:
    """Set as `node.alarm`, before the node runs. `reorgs` of `deepest` blocks at most, `stalls`, and `skew_s`."""

    def __init__(self, node: "Node", now: int) -> None:
        profile, spec = node.profile, node.chain.spec
        self.reorgs = self.deepest = self.stalls = self.skew_s = 0
        self.stall = Stall(profile, spec.slot_seconds * 1000, now)
        self._skew = Skew(spec.slot_seconds, profile.skew_slots, profile.max_peers)
        self._look_at = now
        self._change_at = 0
        self._stalled_at = 0

    def turn(self, node: "Node", now: int) -> None:
        """Look, say, and turn to others."""
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_MS
        stall = self.stall
        if node.budgets.is_asleep:
            stall.rest(now)
            return
        event = stall.look(now, node.chain.best_slot, node.now_slot(), not node.catching_up)
        if event == RECOVERED:
            node.peers.wants_more = False
            node.on_event("recovered", {"slot": node.chain.best_slot, "after_ms": now - self._stalled_at})
        elif event == STALLED:
            self.stalls += 1
            self._stalled_at = now - stall.silent_ms
            node.peers.wants_more = True
        if stall.is_stalled and (event == STALLED or now >= self._change_at):
            self._change_at = now + stall.after_ms
            fields = self._fields(node)
            fields["doing"] = leave_one(node, stall.silent_ms, now)
            if event == STALLED:
                node.on_event("stalled", fields)
        seconds = clock.wall_seconds()
        if seconds is not None and not node.chain.clock_chain:
            self._judge(node, seconds)

    def heard(self, name: str, slot: int) -> None:
        """A peer announced a head."""
        seconds = clock.wall_seconds()
        if seconds is not None:
            self._skew.heard(name, slot, seconds)

    def reorged(self, depth: int) -> None:
        """The head moved to another branch, `depth` blocks went."""
        self.reorgs += 1
        self.deepest = max(self.deepest, depth)

    @property
    def stall_ms(self) -> int:
        """How long there has been no head, or none near the clock; 0 while it is not stalled."""
        return max(1, self._look_at - _LOOK_MS - self._stalled_at) if self.stall.is_stalled else 0

    def tell(self, status: "Status") -> None:
        """Its numbers, as attributes of a status."""
        status.reorgs, status.reorg_depth = self.reorgs, self.deepest
        status.stalls, status.stall_ms, status.clock_skew_s = self.stalls, self.stall_ms, self.skew_s

    # inside

    def _fields(self, node: "Node") -> "dict[str, Any]":
        stall = self.stall
        fields: "dict[str, Any]" = {"slot": node.chain.best_slot, "silent_ms": stall.silent_ms}
        if stall.behind >= 0:
            fields["slots_behind"] = stall.behind
        fields["peers"] = node.peers.connected
        return fields

    def _judge(self, node: "Node", seconds: int) -> None:
        found = self._skew.estimate(node.peers.connected, seconds)
        before, slot_s = self.skew_s, node.chain.spec.slot_seconds
        if (found == 0) == (before == 0) and abs(found - before) <= slot_s:
            return
        self.skew_s = found
        if found:
            why = "our clock is %s, or they all lie" % ("slow" if found > 0 else "fast")
        else:
            why = "peers and our clock agree again"
        node.on_event("clock", {"skew_s": found, "why": why})

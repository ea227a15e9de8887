"""A watch list: the part of the state that somebody wants to have, and to hear of when it changes.

Full peers keep the state. Here is only what the watched keys need of its trie (chain/witness.py), proved against a
root that a checked header commits to. When a newer root has the level that is asked for, everything below an equal hash
is as it was, and only the rest is asked for: in rounds, each of exchanges that are independent of each other, so that
they run beside each other and with several peers, and a lost one is asked again elsewhere.

What is delivered, and when:
- A state is delivered when all of it is proved and the header that commits it is on the best branch and has the level
  asked for; never below that. Changes come state by state and, within one, in the order of their keys, each with the
  header, its slot, the level and the support.
- While one state is fetched newer ones may come. The next is then the newest: states between are skipped, and a value
  that changed and changed back is not heard of.
- A header that is not final may be abandoned after its state was delivered. Then `Change`s follow from that state to
  the one on the new branch, so that what only the abandoned branch had is taken back like any other change, and
  `abandoned` names the header that is no more.

No I/O here, and no clock: `look` at the chain, take each of `next_piece`, report it `done` or `failed`, take each of
`next_change`. The one who runs it (node/watching.py) owns peers, streams and time.
"""

from ..chain.levels import FINAL, VOUCHED_LEVEL
from ..chain.tree import NONE
from ..chain.witness import Branch, Ranges, Stub, differences, gaps, graft, leaves, settle, size, stub
from ..const import const
from ..errors import BudgetError, LocalError
from .probes import group_of, plan
from .query import choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..budget.profile import Profile
    from ..chain.light import LightChain
    from ..chain.witness import Gap, Leaf, Node
    from .query import Commitment

    Item = tuple[bytes, bytes]

AUTO = -1  # as level: final once this chain has had something final, vouched until then
NOTHING_KNOWN = bytes(32)  # the hash of a header before which we have nothing
_FIRST = bytes(31)
_PERMILLE = const(1000)
_ASSUMED = const(100)  # permille of the watched keys that change, until it is known
_LOOK_BYTES = const(4096)  # of a first answer, where much may be known already
_CHECK_BYTES = const(262_144)  # received, and what is kept is counted again
_PART_ITEMS = const(16)  # a first snapshot is split between peers in parts of so many at least


class Piece:
    """One exchange: the keys from `start` to `end` by CE 129; or, where `items` are given, these by the lite network's
    difference, from what `base` has of the state after `base_hash`."""

    def __init__(self, commitment: "Commitment", start: bytes, end: bytes, max_size: int,
                 items: "list[Item] | None" = None, base: "Node | None" = None,
                 base_hash: bytes = NOTHING_KNOWN) -> None:
        self.commitment = commitment
        self.start, self.end = start, end
        self.max_size = max_size
        self.items = items
        self.base, self.base_hash = base, base_hash


class Change:
    """A watched key in a state that is delivered. `before` and `now` are its leaves, None where it is absent;
    `is_first`: nothing was delivered before, and `before` means nothing. A leaf's `value` is None where it is too long
    to keep."""

    def __init__(self, commitment: "Commitment", key: bytes, before: "Leaf | None", now: "Leaf | None",
                 is_first: bool) -> None:
        self.commitment = commitment
        self.key = key
        self.before, self.now = before, now
        self.is_first = is_first


class Watch:
    """`items` are (start, end), both inclusive, in any order; they may overlap.

    `delivered` is the commitment of the state that was delivered last, None before any. `abandoned` is the header of
    the state before where that is not among its ancestors, else None. Counted for one state: `rounds`, `pieces`.
    """

    def __init__(self, profile: "Profile", items: "list[Item]", level: int = AUTO, support: int = 0) -> None:
        self.ranges = Ranges(items)
        if not items:
            raise LocalError("a watch list needs at least one key", 2)
        if len(self.ranges) > profile.watch_items:
            raise LocalError("watch list: %d keys and ranges, watch_items allows %d" % (
                len(self.ranges), profile.watch_items), 2)
        self._profile = profile
        self._answer_bytes = min(profile.watch_answer_bytes, profile.state_answer_bytes)
        self._level, self._support = level, support
        self.delivered: "Commitment | None" = None
        self.target: "Commitment | None" = None
        self.abandoned: "Commitment | None" = None
        self.updates = self.changes = self.rounds = self.pieces = 0
        self.flying = 0
        self.kept_nodes = self.kept_bytes = 0
        self._base: "Node | None" = None  # what we have of the delivered state
        self._top: "Node | None" = None  # and of the target's
        self._older: "Node | None" = None  # of a target that was given up
        self._newest: "Commitment | None" = None
        self._queue: "list[Piece]" = []
        self._unchecked = 0
        self._coming: "Iterator[Change] | None" = None
        self._told = 0  # changes of the state that is being delivered
        self._heat: "dict[bytes, int]" = {}  # single keys: which update changed it last
        self._permille = _ASSUMED

    @property
    def is_settled(self) -> bool:
        """The newest state that there was at the last `look` is delivered."""
        return self.target is None and self._coming is None and self.delivered is not None

    # --- which state ---

    def look(self, chain: "LightChain") -> None:
        """See what the chain has come to. While changes are being delivered, only what is newest is noted."""
        found = choose(chain, self._wanted(chain), self._support)
        if found is not None:
            self._newest = found
        if self._newest is None or self._coming is not None:
            return
        for _ in range(2):
            if self.target is None and self._is_news(chain, self._newest):
                self._begin(self._newest)
            if self.target is None or not self.is_whole or self._finish(chain):
                return

    def _wanted(self, chain: "LightChain") -> int:
        if self._level != AUTO:
            return self._level
        return FINAL if chain.final is not None else VOUCHED_LEVEL

    def aim(self, found: "Commitment") -> None:
        """Fetch this state, whatever the chain has come to: for who serves differences. Only where no other one is
        being fetched."""
        self._begin(found)

    def drop(self) -> None:
        """Fetch the target no further; what came of it stays. Exchanges under way have been ended."""
        if self.target is not None:
            self._older = self._top
        self.target = None
        self._queue = []
        self.flying = 0

    @property
    def is_whole(self) -> bool:
        """All of the target's state is here that is asked for."""
        return not self.flying and not self._queue and next(gaps(self._top, None, self.ranges), None) is None

    def adopt(self) -> "Node | None":
        """Take the target, which is whole, for delivered, and tell of no change. What is known of it."""
        settle(self._top, self.ranges)
        self._count()
        self._older = None
        self.delivered, self.target = self.target, None
        self._base, self._top = self._top, None
        self.updates += 1
        return self._base

    def _is_news(self, chain: "LightChain", found: "Commitment") -> bool:
        # Not what is delivered, nor what came before it: what becomes final was vouched for earlier.
        known = self.delivered
        if known is None:
            return True
        tree = chain.tree
        row, now = tree.find(known.header_hash), tree.find(found.header_hash)
        return row != now and (row == NONE or now == NONE or not tree.descends(row, now))

    def _begin(self, found: "Commitment") -> None:
        self.target = found
        self._top = stub(found.root)
        if isinstance(self._top, Stub):
            self._top = graft(graft(self._top, self._base), self._older)
        self._queue = []
        self.rounds = self.pieces = 0

    def give_up(self) -> bool:
        """No peer has the target's state any more. Whether there is a newer one to go on with."""
        target, newest = self.target, self._newest
        if target is None or newest is None or newest.header_hash == target.header_hash:
            return False
        self._older = self._top
        self.target = None
        self._queue = []
        return True

    def _finish(self, chain: "LightChain") -> bool:
        # False: its branch was abandoned while it was fetched. What it shares with another one stays.
        target = self.target
        assert target is not None
        tree = chain.tree
        row = tree.find(target.by_hash)
        if row != NONE and not tree.descends(tree.best, row):
            self._older = self._top
            self.target = None
            return False
        self.abandoned = None
        before = self.delivered
        if before is not None:
            row, now = tree.find(before.header_hash), tree.find(target.header_hash)
            if row != NONE and now != NONE and not tree.descends(now, row):
                self.abandoned = before
        settle(self._top, self.ranges)
        self._count()
        self._older = None
        self._told = 0
        self._coming = self._changes(target, before is None)
        return True

    # --- what to ask ---

    def next_piece(self, is_lite: bool, peers: int = 1) -> "Piece | None":
        """The next exchange, or None. `is_lite`: somebody answers differences; `peers` could be asked at once."""
        if self.target is None or self._coming is not None or self.flying >= self._profile.watch_flights:
            return None
        if not self._queue and not self.flying:
            self._plan(is_lite, peers)
        if not self._queue:
            return None
        self.flying += 1
        self.pieces += 1
        return self._queue.pop(0)

    def plan_anew(self) -> None:
        """Forget what was to be asked next: those who would have answered it are gone."""
        self._queue = []

    def _plan(self, is_lite: bool, peers: int) -> None:
        before = self._base if self.delivered is not None else self._older
        missing = list(gaps(self._top, before, self.ranges))
        if not missing:
            return
        self.rounds += 1
        if is_lite:
            self._plan_differences(missing, peers)
            return
        target = self.target
        assert target is not None
        is_first = self.rounds == 1 and before is not None
        group = group_of(self._permille) if is_first else 1
        for gap in missing:
            for start, end in plan(gap, self.ranges, group, self._heat):
                self._queue.append(Piece(target, start, end, self._answer_bytes))

    def _plan_differences(self, missing: "list[Gap]", peers: int) -> None:
        target, ranges = self.target, self.ranges
        assert target is not None
        items: "list[Item]" = []
        for gap in missing:
            high = gap.high
            for index in range(gap.first, gap.after):
                items.append((max(gap.low, ranges.starts[index]), min(high, ranges.ends[index])))
        known = self.delivered
        most = self._answer_bytes
        base, base_hash = self._base, NOTHING_KNOWN
        parts = 1
        if known is not None:
            base_hash = known.header_hash
        else:
            base = None
            if self._older is not None and self.rounds == 1:
                most = _LOOK_BYTES
            else:
                parts = max(1, min(peers, len(items) // _PART_ITEMS if len(missing) == 1 else len(missing)))
        parts = max(parts, -(-len(items) // self._profile.watch_items))
        for part in range(parts):
            chosen = items[part * len(items) // parts : (part + 1) * len(items) // parts]
            if chosen:
                self._queue.append(Piece(target, chosen[0][0], chosen[-1][1], most, chosen, base, base_hash))

    # --- what came ---

    def done(self, piece: Piece, top: "Node | None", received_bytes: int, entries: int) -> bool:
        """A peer has proved this, with so many keys shown. False: it leaves open all that was asked, which no honest
        answer does; it is asked again.

        BudgetError where the watched part of the state is more than may be kept.
        """
        if piece.commitment is not self.target:
            self.flying -= 1
            return True  # too late
        # (CE 129 always shows a path that was not known.)
        if piece.items is not None and not entries and next(gaps(top, None, Ranges(piece.items)), None) is not None:
            self.failed(piece)
            return False
        self.flying -= 1
        top = graft(top, self._base)
        if self._older is not None:
            top = graft(top, self._older)
        self._top = graft(top, self._top)
        self._unchecked += received_bytes
        if self._unchecked > _CHECK_BYTES:
            self._count()
        return True

    def failed(self, piece: Piece) -> None:
        """This exchange came to nothing: it is asked again."""
        self.flying -= 1
        if piece.commitment is self.target:
            self._queue.insert(0, piece)

    def _count(self) -> None:
        self._unchecked = 0
        self.kept_nodes, self.kept_bytes = size(self._top)
        for name, value in (("watch_nodes", self.kept_nodes), ("watch_bytes", self.kept_bytes)):
            limit = getattr(self._profile, name)
            if value > limit:
                raise BudgetError(name, "the watch list takes %d %s of the state, %s allows %d" % (
                    value, "bytes of values" if name == "watch_bytes" else "nodes", name, limit))

    # --- what is delivered ---

    def next_change(self) -> "Change | None":
        """The next one, or None. When the last one of a state has been taken, that state is `delivered`."""
        if self._coming is None:
            return None
        change = next(self._coming, None)
        if change is not None:
            self._told += 1
            return change
        watched = max(len(self.ranges), self._top.watched if isinstance(self._top, Branch) else 0)
        if self.delivered is not None:
            self._permille += (self._told * _PERMILLE // watched - self._permille) // 4
        self._coming = None
        self.delivered, self.target = self.target, None
        self._base, self._top = self._top, None
        self.updates += 1
        self.changes += self._told
        return None

    def _changes(self, commitment: "Commitment", is_first: bool) -> "Iterator[Change]":
        if is_first:
            yield from self._snapshot(commitment)
            return
        for before, now in differences(self._base, self._top, self.ranges):
            leaf = now or before
            assert leaf is not None
            at = self.ranges.from_key(leaf.key, 0, len(self.ranges))
            if at < len(self.ranges) and self.ranges.starts[at] == self.ranges.ends[at] == leaf.key:
                self._heat[leaf.key] = self.updates
            yield Change(commitment, leaf.key, before, now, False)

    def _snapshot(self, commitment: "Commitment") -> "Iterator[Change]":
        # All that is there, and of single keys also those that are not.
        ranges = self.ranges
        at = 0
        for leaf in leaves((self._top, _FIRST, 0, 0, len(ranges)), ranges):
            while at < len(ranges) and ranges.ends[at] < leaf.key:
                if ranges.starts[at] == ranges.ends[at]:
                    yield Change(commitment, ranges.starts[at], None, None, True)
                at += 1
            if at < len(ranges) and ranges.starts[at] == ranges.ends[at] == leaf.key:
                at += 1
            yield Change(commitment, leaf.key, None, leaf, True)
        while at < len(ranges):
            if ranges.starts[at] == ranges.ends[at]:
                yield Change(commitment, ranges.starts[at], None, None, True)
            at += 1

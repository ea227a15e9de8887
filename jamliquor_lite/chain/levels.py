"""How far a header may be believed, in one place.

    linked   its hash chain leads to a trusted header; all else rests on a mark that nobody vouched for yet
    sealed   every check that headers allow has passed under keys that are trusted
    vouched  sealed, and more than V/3 distinct validators of its epoch's set sealed it or a block on top of it
    final    reserved for justifications of more than 2/3 (not served by any released node today)

A seal proves who wrote a header, not that it is valid: one dishonest author may claim any key set, any tickets and
any state root. But an honest validator builds only on blocks it has executed. With fewer than V/3 dishonest, more
than V/3 distinct builders include an honest one. Two branches can both be vouched for: this is no finality.

The ancestors of a vouched header are vouched for with it. That settles tickets marks: at tiny size a mark stands in
one of an epoch's last two blocks, and the validators of the next epoch, whose keys are trusted by then, settle it by
building on it. Whoever forged the tickets can choose the slots of that epoch but not the keys, so it stays one author.

Support of a header is the number of distinct keys of its own epoch's set that sealed it or a descendant. It is
counted for every header, pending epochs too, and counts only once the epoch's set is trusted. A key that stands in
both sets goes on counting in the next epoch: its holder signed on top, whatever was claimed of the set around it.
"""

from array import array

from ..const import const
from .epoch import TRUSTED
from .tree import NONE, PENDING, USED, VOUCHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .epoch import Epoch
    from .tree import Tree

LINKED = 0
SEALED = 1
VOUCHED_LEVEL = 2
FINAL = 3
NAMES = ("linked", "sealed", "vouched", "final")
_KEY = const(32)


def level_by_name(name: str) -> int:
    """The level called `name`, or NONE."""
    return NAMES.index(name) if name in NAMES else NONE


def tag_of(key: bytes) -> int:
    """Two bytes of a key, to find rows by the same author quickly. A chance match is caught by the full key."""
    return key[0] | key[1] << 8


class Levels:
    """Counts support over a tree and its table of epochs (the list is light.py's, indexed by `tree.epochs`)."""

    def __init__(self, tree: "Tree", epochs: "list[Epoch | None]") -> None:
        self.tree = tree
        self.epochs = epochs

    def epoch(self, row: int) -> "Epoch":
        epoch = self.epochs[self.tree.epochs[row]]
        assert epoch is not None
        return epoch

    def level(self, row: int) -> int:
        if self.tree.has(row, VOUCHED):
            return VOUCHED_LEVEL
        return LINKED if self.tree.has(row, PENDING) else SEALED

    def count(self, row: int) -> None:
        """Count the author of a new row for itself and for every ancestor that it is new to."""
        self._add(row, 1)

    def uncount(self, row: int) -> None:
        """Take back what `count` did, before a head is freed: else its author could be counted twice."""
        self._add(row, -1)

    def _add(self, row: int, change: int) -> None:
        tree = self.tree
        author = self.epoch(row).key(tree.authors[row])
        stop = self._counted_up_to(row, author)
        at = row
        entry = NONE
        member = False
        while at != NONE and at != stop and at != tree.root:
            if tree.epochs[at] != entry:
                entry = tree.epochs[at]
                member = self.epoch(at).index_of(author) >= 0
            if member:
                tree.supports[at] += change
            at = tree.parents[at]

    def _counted_up_to(self, row: int, author: bytes) -> int:
        # The deepest ancestor below which this author has sealed something else: from there up it is counted.
        tree = self.tree
        tag = tag_of(author)
        deepest = NONE
        for other in range(tree.top):
            if tree.tags[other] != tag or other == row or not tree.flags[other] & USED:
                continue
            if self.epoch(other).key(tree.authors[other]) != author:
                continue
            meet = tree.common_ancestor(row, other)
            if deepest == NONE or tree.slots[meet] > tree.slots[deepest]:
                deepest = meet
        return deepest

    def vouch(self, row: int) -> "array[int]":
        """Mark the branch of `row` as far as its support allows; return the rows that became vouched, oldest first."""
        tree = self.tree
        at = row
        while at != NONE and not tree.flags[at] & VOUCHED and not self._enough(at):
            at = tree.parents[at]
        count = 0
        below = at
        while below != NONE and not tree.flags[below] & VOUCHED:
            count += 1
            below = tree.parents[below]
        fresh = array("H" if tree.capacity < 65536 else "I", (0 for _ in range(count)))  # hundreds, at full spec
        while count:
            count -= 1
            tree.flags[at] |= VOUCHED
            fresh[count] = at
            at = tree.parents[at]
        return fresh

    def _enough(self, row: int) -> bool:
        epoch = self.epoch(row)
        return epoch.keys_from == TRUSTED and 3 * self.tree.supports[row] > epoch.spec.validators

    def name(self, row: int) -> str:
        """`linked`, `linked (pending)`, `sealed` or `vouched`."""
        level = self.level(row)
        return NAMES[level] + " (pending)" if level == LINKED else NAMES[level]

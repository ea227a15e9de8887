"""How far a header may be believed, in one place.

    linked   its hash chain leads to a trusted header; all else rests on a mark that nobody vouched for yet
    sealed   every check that headers allow has passed under keys that are trusted
    vouched  sealed, and more than V/3 distinct validators of its epoch's set sealed it or a block on top of it
    final    a justification of more than 2/3 of its voters is there for it or a descendant (finality.py)

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

from ..const import const
from .epoch import TRUSTED
from .tree import NONE, PENDING, REPORTED, TWIN, USED, VOUCHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .epoch import Epoch
    from .light import LightChain
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


def tag_of(key: bytearray) -> int:
    """Two bytes of a key, to find rows by the same author quickly. A chance match is caught by the full key."""
    return key[0] | key[1] << 8


class Levels:
    """Counts support over a tree and its table of epochs (the list is light.py's, indexed by `tree.epochs`)."""

    def __init__(self, tree: "Tree", epochs: "list[Epoch | None]") -> None:
        self.tree = tree
        self.epochs = epochs
        self.youngest = NONE  # of the rows that `vouch` marked last
        self.final_slot = NONE  # of the newest final block: of what is not newer, the tree has its ancestors only
        self._author = bytearray(_KEY)
        self._other = bytearray(_KEY)

    def epoch(self, row: int) -> "Epoch":
        epoch = self.epochs[self.tree.epochs[row]]
        assert epoch is not None
        return epoch

    def level(self, row: int) -> int:
        if self.tree.slots[row] <= self.final_slot:
            return FINAL
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
        tree, author = self.tree, self._author
        self.epoch(row).key_into(tree.authors[row], author)
        stop = self._counted_up_to(row, author)
        at = row
        entry = tree.epochs[row]
        member = True
        while at != NONE and at != stop and at != tree.root:
            if tree.epochs[at] != entry:
                entry = tree.epochs[at]
                member = self.epoch(at).index_of(author) >= 0
            if member:
                tree.supports[at] += change
            at = tree.parents[at]

    def _counted_up_to(self, row: int, author: bytearray) -> int:
        # The deepest ancestor below which this author has sealed something else: from there up it is counted.
        tree = self.tree
        tag = tag_of(author)
        deepest = NONE
        for other in range(tree.top):
            if tree.tags[other] != tag or other == row or not tree.flags[other] & USED:
                continue
            if tree.epochs[other] != tree.epochs[row] or tree.authors[other] != tree.authors[row]:
                self.epoch(other).key_into(tree.authors[other], self._other)
                if self._other != author:
                    continue
            meet = tree.common_ancestor(row, other)
            if deepest == NONE or tree.slots[meet] > tree.slots[deepest]:
                deepest = meet
        return deepest

    def vouch(self, row: int) -> int:
        """Mark the branch of `row` as far as its support allows; how many rows became vouched: `youngest` and those
        above it."""
        tree = self.tree
        at = row
        while at != NONE and not tree.flags[at] & VOUCHED and not self._enough(at):
            at = tree.parents[at]
        return self.mark(at)

    def mark(self, row: int) -> int:
        """The same for `row` (NONE: none) and what is above it, whatever supports them."""
        tree = self.tree
        at = self.youngest = row
        count = 0
        while at != NONE and not tree.flags[at] & VOUCHED:
            tree.flags[at] |= VOUCHED
            count += 1
            at = tree.parents[at]
        return count

    def _enough(self, row: int) -> bool:
        epoch = self.epoch(row)
        return epoch.keys_from == TRUSTED and 3 * self.tree.supports[row] > epoch.spec.validators

    def name(self, row: int) -> str:
        """`linked (pending)`, `sealed`, `vouched` or `final`."""
        level = self.level(row)
        return NAMES[level] + " (pending)" if level == LINKED else NAMES[level]


# What follows in a chain once headers are vouched for: their marks are adopted, and what rested on them is trusted.


def vouch(chain: "LightChain", row: int) -> bool:
    """Vouch for as much of the branch of `row` as its support allows, and say so. Whether that is news."""
    return tell(chain, chain.levels.vouch(row))


def tell(chain: "LightChain", count: int) -> bool:
    """So many headers are vouched for now, `levels.youngest` and those above it: say so. Whether there are any."""
    # From the oldest on. It is one or two of them, but for hundreds once a mark has been adopted.
    levels, parents = chain.levels, chain.tree.parents
    told = count
    youngest = levels.youngest
    while told and "vouched" not in chain.quiet:
        told -= 1
        at = youngest
        for _ in range(told):
            at = parents[at]
        chain.on_event("vouched", at)
    return count > 0


def settle(chain: "LightChain") -> None:
    """After news: adopt marks. That makes an epoch trusted, which may let headers of that epoch count, and so on: each
    round settles at least one mark, of which there are at most 2 x tree_marks."""
    tree = chain.tree
    fresh = True
    while fresh and _adopt(chain):
        fresh = False
        for head in range(tree.top):
            if tree.flags[head] and not tree.children[head] and vouch(chain, head):
                fresh = True


def _adopt(chain: "LightChain") -> bool:
    tree = chain.tree
    adopted = False
    for entry in range(len(chain.marks)):
        row = chain.marked_by[entry]
        if chain.marks[entry] is not None and row != TRUSTED and tree.flags[row] & VOUCHED:
            chain.marked_by[entry] = TRUSTED
            chain.adopted_marks += 1
            chain.on_event("tickets_adopted", row)
            adopted = _trust(chain, row) or adopted
    for epoch in chain.epochs:
        if epoch is not None and epoch.first != TRUSTED and tree.flags[epoch.first] & VOUCHED:
            row = epoch.first
            epoch.first = TRUSTED
            chain.adopted_marks += 1
            chain.on_event("keys_adopted", row)
            adopted = _trust(chain, row) or adopted
    return adopted


def _trust(chain: "LightChain", row: int) -> bool:
    tree = chain.tree
    changed = False
    for epoch in chain.epochs:
        if epoch is None:
            continue
        if epoch.keys_from == row:
            epoch.keys_from = TRUSTED
            changed = True
        if epoch.tickets_from == row:
            epoch.tickets_from = TRUSTED
            changed = True
    if changed:
        for at in range(tree.top):
            if tree.flags[at] & PENDING and not chain.levels.epoch(at).pending:
                tree.flags[at] &= ~PENDING
                note_twins(chain, at)
    return changed


# Two blocks of one slot: neither is acceptable while that is undecided (tree.py); by one author they are evidence.


def note_twins(chain: "LightChain", row: int) -> bool:
    """Mark a header and those that it is a twin of; whether there are any. What is evidence is kept, and told once."""
    tree = chain.tree
    found = False
    slot = tree.slots[row]
    other = tree.next_at(slot, NONE)
    while other != NONE:
        # a pending header may be of a forged set that could fill every slot: no evidence against a trusted one
        if (other != row and other != tree.root and tree.has(other, PENDING) == tree.has(row, PENDING)
                and not tree.is_same_block(row, other)):
            found = True
            tree.flags[row] |= TWIN
            tree.flags[other] |= TWIN
            if tree.authors[row] == tree.authors[other] and not tree.flags[row] & REPORTED:
                _report(chain, row, other)
        other = tree.next_at(slot, other)
    return found


def _report(chain: "LightChain", row: int, other: int) -> None:
    tree = chain.tree
    tree.flags[row] |= REPORTED
    tree.flags[other] |= REPORTED
    chain.equivocations += 1
    if len(chain.evidence) >= chain.evidence_most:
        chain.evidence.pop(0)
    chain.evidence.append((tree.slots[row], tree.authors[row], tree.hash(other), tree.hash(row)))
    chain.on_event("equivocation", row)

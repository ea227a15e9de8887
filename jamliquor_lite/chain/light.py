"""The light chain: headers in, a best head and a level for each header out.

`add` does one unit of checking per call: one header, two VRFs at most. What it decides about a header that it does
not keep is an outcome, not an exception; VerifyError means that whoever made the header broke a rule.

What is adopted when: see levels.py for levels and epoch.py for pending epochs. An epoch on one branch is an entry of
a table with `tree_marks` places, and so is a tickets mark; rows of the tree point to their entries.
"""

from ..const import const
from ..errors import BudgetError, VerifyError
from .checkpoint import Checkpoint
from .epoch import TRUSTED, Epoch, check_marks, following
from .header import Header
from .levels import SEALED, VOUCHED_LEVEL, Levels, tag_of
from .marks import Marks
from .seal import check_seal
from .tree import NONE, PENDING, REPORTED, TICKETED, TWIN, VOUCHED, Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..budget.profile import Profile
    from .rows import Rows
    from .sets import Sets

# outcomes of `add`
ADDED = 1
KNOWN = 2  # this header is here
ORPHAN = 3  # its parent is not here: fetch that first
FUTURE = 4  # its slot has not come: offer it again later
STALE = 5  # it cannot descend from the root
HELD = 6  # a third header for its slot and author, or a second seal: comes in only when a child names it

_PER_SLOT_AND_AUTHOR = const(2)
FUTURE_SLOTS = const(1)  # clocks differ; one slot is what the network forgives


def _ignore(event: str, row: int) -> None:
    pass


class LightChain:
    """`on_event(name, row)` hears "best", "vouched", "epoch", "keys_adopted", "tickets_adopted", "equivocation",
    "root". `adopt_at` is the level at which a mark is believed: VOUCHED_LEVEL, except in the tests that show what
    happens without the rule. `sets` is where validator sets and tickets are kept, `rows` where the
    tree's hashes are (rows.py): None is in memory.
    """

    def __init__(self, checkpoint: "Checkpoint", profile: "Profile",
                 on_event: "Callable[[str, int], None]" = _ignore, adopt_at: int = VOUCHED_LEVEL,
                 sets: "Sets | None" = None, rows: "Rows | None" = None) -> None:
        self.spec = spec = checkpoint.spec
        self.genesis_hash = checkpoint.genesis_hash
        self.grandpa_set_id = checkpoint.grandpa_set_id
        self.grandpa_format = checkpoint.grandpa_format
        self.clock_chain = checkpoint.clock_chain
        self.on_event = on_event
        self._adopt_at = adopt_at
        self.tree = Tree(profile.tree_headers, rows)
        self._table = table = Marks(profile.tree_marks, sets)
        self.epochs, self.marks, self.marked_by = table.epochs, table.tickets, table.marked_by
        self.levels = Levels(self.tree, self.epochs)
        self.outcome = 0
        self.ticket_seals = self.fallback_seals = self.epochs_seen = self.equivocations = self.adopted_marks = 0
        self.evidence: "list[tuple[int, int, bytes, bytes]]" = []  # slot, author, two header hashes
        self._evidence_limit = profile.equivocations
        self.refused: "dict[str, int]" = {}  # by rule: bounded by the number of rules
        first = Epoch(spec, spec.epoch(checkpoint.slot), list(checkpoint.entropy[1:]), checkpoint.keys,
                      checkpoint.next_keys, checkpoint.tickets, checkpoint.fallback_keys)
        table.start(checkpoint, first)
        tree = self.tree
        tree.root = tree.best = tree.insert(NONE, checkpoint.header_hash, bytes(32), bytes(32),
                                            checkpoint.entropy[0], checkpoint.slot, 0, 0, False)
        tree.flags[tree.root] |= VOUCHED  # a checkpoint is what the user chose to trust
        if checkpoint.next_tickets is not None:
            tree.marks[tree.root] = 0

    @property
    def headers_checked(self) -> int:
        """Headers whose seals were checked and which were kept."""
        return self.ticket_seals + self.fallback_seals

    @property
    def best_slot(self) -> int:
        return self.tree.slots[self.tree.best]

    def add(self, header: "Header", now_slot: int = -1, named: bool = False) -> int:
        """Check one header and keep it; return its row, or NONE with `outcome` saying why it was not kept.

        `now_slot` is the wall clock's slot, or -1 where the clock is unknown or the chain is its own clock.
        `named` says that a child by another author names this header. Raises VerifyError, BudgetError.
        """
        try:
            return self._add(header, now_slot, named)
        except VerifyError as error:
            self.refuse(error)
            raise

    def refuse(self, error: "VerifyError") -> None:
        """Count a header that broke a rule."""
        self.refused[error.rule] = self.refused.get(error.rule, 0) + 1

    def _add(self, header: "Header", now_slot: int, named: bool) -> int:
        tree = self.tree
        row = tree.find(header.hash)
        if row != NONE:
            self.outcome = KNOWN
            return row
        parent = tree.find(header.parent)
        if parent == NONE:
            self.outcome = STALE if header.slot <= tree.slots[tree.root] else ORPHAN
            return NONE
        parent_slot = tree.slots[parent]
        if header.slot <= parent_slot:
            raise VerifyError("slot", "header of slot %d follows slot %d" % (header.slot, parent_slot))
        if now_slot >= 0 and header.slot > now_slot + FUTURE_SLOTS:
            self.outcome = FUTURE
            return NONE
        content = header.content
        variant = self._variant(header, content)
        if variant != NONE and not (named and tree.children[variant]):
            return self._other_seal(header, variant, named)
        if variant == NONE and not named and self._full_slot(header):
            self.outcome = HELD
            return NONE
        above = self.levels.epoch(parent)
        check_marks(header, parent_slot, above, tree.entropy(parent))
        opens = header.epoch_mark
        epoch = self._following(header, parent, above) if opens else above
        entropy = check_seal(header, epoch, tree.entropy(parent))
        row = self._insert(header, parent, epoch, content, entropy)
        self._after(row, content, opens)
        self.outcome = ADDED
        return row

    def _variant(self, header: "Header", content: bytes) -> int:
        for row in self.tree.rows_at(header.slot):
            if self.tree.content(row) == content:
                return row
        return NONE

    def _other_seal(self, header: "Header", row: int, named: bool) -> int:
        # Anybody can turn a seal into another valid one (c + r), so the variant that the network builds on is kept,
        # and only if its seal is good: else a bad one could push out the block that everybody else has.
        tree = self.tree
        if not named or row == tree.root:
            self.outcome = HELD
            return NONE
        check_seal(header, self.levels.epoch(row), tree.entropy(tree.parents[row]))
        tree.rename(row, header.hash)
        self.outcome = KNOWN
        return row

    def withdraw(self, row: int) -> None:
        """Take back a head that came in only because a child named it, when that child proves to be false."""
        tree = self.tree
        if tree.children[row] or tree.flags[row] & VOUCHED:
            return
        self.levels.uncount(row)
        tree.free(row)
        self._table.sweep(tree)
        tree.choose_best()

    def _full_slot(self, header: "Header") -> bool:
        tree = self.tree
        seen = []
        for row in tree.rows_at(header.slot):
            if tree.authors[row] == header.author and tree.content(row) not in seen:
                seen.append(tree.content(row))
        return len(seen) >= _PER_SLOT_AND_AUTHOR

    def _following(self, header: "Header", parent: int, above: "Epoch") -> "Epoch":
        tree = self.tree
        mark = tree.marks[parent]
        epoch = following(above, header, tree.slots[parent], tree.entropy(parent),
                          None if mark == NONE else self.marks[mark])
        epoch.keys_from = above.first
        if epoch.tickets is not None:
            epoch.tickets_from = self.marked_by[mark]
        if self._adopt_at <= SEALED:
            epoch.keys_from = epoch.tickets_from = TRUSTED
        return epoch

    def _insert(self, header: "Header", parent: int, epoch: "Epoch", content: bytes, entropy: bytes) -> int:
        tree = self.tree
        opens = header.epoch_mark
        entry = mark = NONE
        while True:  # make room first: nothing below may fail half-way
            entry = self._table.free(self.epochs) if opens else tree.epochs[parent]
            mark = self._table.free(self.marks) if header.tickets_mark else NONE if opens else tree.marks[parent]
            limit = "tree_headers"
            if tree.count < tree.capacity:
                limit = "tree_marks"
                if entry != NONE and (mark != NONE or not header.tickets_mark):
                    limit = "sets"
                    if self._table.keep(header, epoch, mark):
                        break
            if not self._drop_worst(parent):
                raise BudgetError(limit, "no room for the header of slot %d: every branch in the tree is needed"
                                  % header.slot)
        ticketed = epoch.tickets is not None
        row = tree.insert(parent, header.hash, content, header.prior_state_root, entropy, header.slot,
                          header.author, tag_of(epoch.key(header.author)), ticketed)
        if opens:
            epoch.first = row
            self.epochs[entry] = epoch
        tree.epochs[row] = entry
        tree.marks[row] = mark
        if header.tickets_mark:
            self.marked_by[mark] = row
        if epoch.pending:
            tree.flags[row] |= PENDING
        if ticketed:
            self.ticket_seals += 1
        else:
            self.fallback_seals += 1
        return row

    def _drop_worst(self, keep: int) -> bool:
        tree = self.tree
        row = tree.worst_head(keep)
        if row == NONE:
            return False
        while not tree.children[row] and not tree.flags[row] & VOUCHED and row not in (keep, tree.best):
            above = tree.parents[row]
            self.levels.uncount(row)
            tree.free(row)
            row = above
        self._table.sweep(tree)
        return True

    def _after(self, row: int, content: bytes, opens: bool) -> None:
        tree = self.tree
        if opens:
            self.epochs_seen += 1
            self.on_event("epoch", row)
        doubt = self._note_twins(row, content)
        self.levels.count(row)
        before = tree.best
        if not doubt and tree.better(row, before) and tree.acceptable(row):
            tree.best = row
        news = self._settle(row)
        if doubt or news:
            tree.choose_best()
        if tree.best != before:
            self.on_event("best", tree.best)
        if news:
            self._advance()

    def _note_twins(self, row: int, content: bytes) -> bool:
        tree = self.tree
        found = False
        for other in tree.rows_at(tree.slots[row]):
            if other == row or tree.content(other) == content or other == tree.root:
                continue
            # a pending header may be of a forged set that could fill every slot: no evidence against a trusted one
            if tree.has(other, PENDING) != tree.has(row, PENDING):
                continue
            found = True
            tree.flags[row] |= TWIN
            tree.flags[other] |= TWIN
            if tree.authors[row] == tree.authors[other] and not tree.flags[row] & REPORTED:
                tree.flags[row] |= REPORTED
                tree.flags[other] |= REPORTED
                self.equivocations += 1
                if len(self.evidence) >= self._evidence_limit:
                    self.evidence.pop(0)
                self.evidence.append((tree.slots[row], tree.authors[row], tree.hash(other), tree.hash(row)))
                self.on_event("equivocation", row)
        return found

    def _settle(self, row: int) -> bool:
        # Vouching for a mark makes an epoch trusted, which may let headers of that epoch count, and so on: each
        # round settles at least one mark, of which there are at most 2 x tree_marks.
        tree = self.tree
        any_news = False
        fresh = self.levels.vouch(row)
        while fresh:
            any_news = True
            for at in fresh:
                self.on_event("vouched", at)
            fresh = fresh[:0]
            if self._adopt():
                for head in range(tree.top):
                    if tree.flags[head] and not tree.children[head]:
                        fresh.extend(self.levels.vouch(head))
        return any_news

    def _adopt(self) -> bool:
        tree = self.tree
        adopted = False
        for entry, row in enumerate(self.marked_by):
            if self.marks[entry] is not None and row != TRUSTED and tree.flags[row] & VOUCHED:
                self.marked_by[entry] = TRUSTED
                self.adopted_marks += 1
                self.on_event("tickets_adopted", row)
                adopted = self._trust(row) or adopted
        for epoch in self.epochs:
            if epoch is not None and epoch.first != TRUSTED and tree.flags[epoch.first] & VOUCHED:
                row = epoch.first
                epoch.first = TRUSTED
                self.adopted_marks += 1
                self.on_event("keys_adopted", row)
                adopted = self._trust(row) or adopted
        return adopted

    def _trust(self, row: int) -> bool:
        tree = self.tree
        changed = False
        for epoch in self.epochs:
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
                if tree.flags[at] & PENDING and not self.levels.epoch(at).pending:
                    tree.flags[at] &= ~PENDING
                    self._note_twins(at, tree.content(at))
        return changed

    def best_vouched(self) -> int:
        """The highest vouched header on the best branch; the root at least."""
        row = self.tree.best
        while not self.tree.flags[row] & VOUCHED:
            row = self.tree.parents[row]
        return row

    def _advance(self) -> None:
        tree, spec = self.tree, self.spec
        vouched = self.best_vouched()
        target = tree.slots[vouched] - 2 * spec.epoch_length
        # every step scans the tree: take them a quarter of an epoch at a time
        if target < tree.slots[tree.root] + max(1, spec.epoch_length // 4):
            return
        root = tree.ancestor_at(vouched, target)
        if root == tree.root:
            return
        tree.advance(root)
        self._table.sweep(tree)
        self.on_event("root", root)

    def checkpoint(self) -> "Checkpoint":
        """What to trust after a restart: the root, two epochs behind what is vouched for."""
        tree = self.tree
        root = tree.root
        epoch = self.levels.epoch(root)
        mark = tree.marks[root]
        return Checkpoint(
            genesis_hash=self.genesis_hash, spec=self.spec, header_hash=tree.hash(root), slot=tree.slots[root],
            entropy=[tree.entropy(root)] + epoch.entropy, keys=epoch.keys, next_keys=epoch.next_keys,
            tickets=epoch.tickets, fallback_keys=epoch.fallback_keys,
            next_tickets=None if mark == NONE else self.marks[mark], grandpa_set_id=self.grandpa_set_id,
            grandpa_format=self.grandpa_format, clock_chain=self.clock_chain,
        )

    @property
    def pending(self) -> bool:
        """Whether the head's epoch rests on a mark that nobody has vouched for yet."""
        return self.tree.has(self.tree.best, PENDING)

    @property
    def stalled(self) -> bool:
        """Pending for a whole epoch: whoever could have vouched is no longer authoring. Only a newer checkpoint, or
        finality where it is served, helps; nothing newer than the last trusted header is answered from."""
        tree = self.tree
        trusted = tree.slots[tree.trusted(tree.best)]
        return self.pending and tree.slots[tree.best] - trusted >= self.spec.epoch_length

    def is_ticketed(self, row: int) -> bool:
        """Whether a ticket sealed this header, rather than a fallback key."""
        return self.tree.has(row, TICKETED)

"""The light chain: headers in, a best head and a level for each header out.

`add` does one unit of checking per call: one header, two VRFs at most. What it decides about a header that it does
not keep is an outcome, not an exception; VerifyError means that whoever made the header broke a rule.

What is adopted when: see levels.py for levels and epoch.py for pending epochs. An epoch on one branch is an entry of
a table with `tree_marks` places, and so is a tickets mark; rows of the tree point to their entries.
"""

from ..const import const
from ..errors import BudgetError, VerifyError
from ..ports.memory import copy
from .checkpoint import Checkpoint
from .epoch import TRUSTED, UNKNOWN_SET, Epoch, check_marks, following
from .header import Header
from .levels import SEALED, VOUCHED_LEVEL, Levels, note_twins, settle, tag_of, vouch
from .marks import Marks
from .rows import CONTENT, ENTROPY, RECORD_BYTES, STATE_ROOT
from .seal import Seals
from .tree import NONE, PENDING, TICKETED, VOUCHED, Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..budget.profile import Profile
    from .finality import FinalBlock
    from .rows import Rows
    from .sets import Set, Sets

# outcomes of `add`
ADDED = 1
KNOWN = 2  # this header is here
ORPHAN = 3  # its parent is not here: fetch that first
FUTURE = 4  # its slot has not come: offer it again later
STALE = 5  # it cannot descend from the root, or from the final block
HELD = 6  # a third header for its slot and author, or a second seal: comes in only when a child names it

_HASH = const(32)
FUTURE_SLOTS = const(1)  # clocks differ; one slot is what the network forgives


def _ignore(event: str, row: int) -> None:
    pass


class LightChain:
    """`on_event(name, row)` hears "best", "reorg" before it (of the head that is left, for another branch),
    "vouched", "epoch", "keys_adopted", "tickets_adopted", "equivocation", "root", "final", "conflict". `adopt_at`
    is the level at which a mark is believed: VOUCHED_LEVEL, except in the tests that show what happens without the
    rule. `sets` is where validator sets and tickets are kept, `rows` where the tree's hashes are (rows.py): None is in
    memory.

    A header without marks is checked and kept without the heap, where the cryptography is in C; one with marks takes
    its epoch, and where `sets` are in memory their bytes.
    """

    def __init__(self, checkpoint: "Checkpoint", profile: "Profile",
                 on_event: "Callable[[str, int], None]" = _ignore, adopt_at: int = VOUCHED_LEVEL,
                 sets: "Sets | None" = None, rows: "Rows | None" = None) -> None:
        self.spec = spec = checkpoint.spec
        self.genesis_hash = checkpoint.genesis_hash
        self.grandpa_format = checkpoint.grandpa_format
        self.clock_chain = checkpoint.clock_chain
        self.final: "FinalBlock | None" = None  # the newest one that was proved since the start
        self.on_event = on_event
        self.quiet: "tuple[str, ...]" = ()  # events that nobody wants to hear of and that need not be told
        self._adopt_at = adopt_at
        self.tree = Tree(profile.tree_headers, rows)
        self._table = table = Marks(profile.tree_marks, sets)
        self.epochs, self.marks, self.marked_by = table.epochs, table.tickets, table.marked_by
        self.levels = Levels(self.tree, self.epochs)
        self._seals = Seals()
        # The four hashes of the header that is being checked, as the tree keeps them, and eta_0 after its parent.
        self._record = record = bytearray(RECORD_BYTES)
        self._content = memoryview(record)[CONTENT * _HASH : STATE_ROOT * _HASH]
        self._entropy = memoryview(record)[ENTROPY * _HASH :]
        self._before = bytearray(_HASH)
        self.outcome = 0
        self.ticket_seals = self.fallback_seals = self.epochs_seen = self.equivocations = self.adopted_marks = 0
        self.evidence: "list[tuple[int, int, bytes, bytes]]" = []  # slot, author, two header hashes
        self.evidence_most = profile.equivocations
        self.refused: "dict[str, int]" = {}  # by rule: bounded by the number of rules
        first = Epoch(spec, spec.epoch(checkpoint.slot), list(checkpoint.entropy[1:]), checkpoint.keys,
                      checkpoint.next_keys, checkpoint.tickets, checkpoint.fallback_keys)
        first.set_id = checkpoint.grandpa_set_id
        table.start(checkpoint, first)
        copy(record, 0, checkpoint.header_hash, 0, _HASH)
        self._entropy[:] = checkpoint.entropy[0]
        tree = self.tree
        tree.root = tree.best = tree.insert(NONE, record, checkpoint.slot, 0, 0, False)
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
        row = tree.find(header.digest)
        if row != NONE:
            self.outcome = KNOWN
            return row
        parent = tree.find(header.buf, header.start)
        if parent == NONE:
            self.outcome = STALE if header.slot <= tree.slots[tree.root] else ORPHAN
            return NONE
        parent_slot = tree.slots[parent]
        if header.slot <= parent_slot:
            raise VerifyError("slot", "header of slot %d follows slot %d" % (header.slot, parent_slot))
        if parent_slot < self.levels.final_slot:
            self.outcome = STALE
            return NONE
        if now_slot >= 0 and header.slot - FUTURE_SLOTS > now_slot:
            self.outcome = FUTURE
            return NONE
        header.content_into(self._content)
        variant = tree.find_block(header.slot, self._content)
        if variant != NONE and not (named and tree.children[variant]):
            return self._other_seal(header, variant, named)
        if variant == NONE and not named and tree.has_two_blocks(header.slot, header.author):
            self.outcome = HELD
            return NONE
        above = self.levels.epoch(parent)
        tree.entropy_into(parent, self._before)
        check_marks(header, parent_slot, above, self._before)
        opens = header.epoch_mark
        epoch = self._following(header, parent, above) if opens else above
        self._seals.check(header, epoch, self._before, self._entropy)
        row = self._insert(header, parent, epoch)
        self._after(row, opens)
        self.outcome = ADDED
        return row

    def _other_seal(self, header: "Header", row: int, named: bool) -> int:
        # Anybody can turn a seal into another valid one (c + r), so the variant that the network builds on is kept,
        # and only if its seal is good: else a bad one could push out the block that everybody else has.
        tree = self.tree
        if not named or row == tree.root:
            self.outcome = HELD
            return NONE
        tree.entropy_into(tree.parents[row], self._before)
        self._seals.check(header, self.levels.epoch(row), self._before, self._entropy)
        tree.rename(row, header.digest)
        self.outcome = KNOWN
        return row

    def withdraw(self, row: int) -> None:
        """Take back a head that came in only because a child named it, when that child proves to be false."""
        tree = self.tree
        if tree.children[row] or tree.flags[row] & VOUCHED:
            return
        before = tree.best
        if before == row:
            before = tree.best = tree.parents[row]
            self.moved(row)
        self.levels.uncount(row)
        tree.free(row)
        self._table.sweep(tree)
        tree.choose_best()
        if tree.best != before:
            self.moved(before)

    def _following(self, header: "Header", parent: int, above: "Epoch") -> "Epoch":
        tree = self.tree
        mark = tree.marks[parent]
        epoch = following(above, header, tree.slots[parent], bytes(self._before),
                          None if mark == NONE else self.marks[mark])
        epoch.keys_from = above.first
        if epoch.tickets is not None:
            epoch.tickets_from = self.marked_by[mark]
        if self._adopt_at <= SEALED:
            epoch.keys_from = epoch.tickets_from = TRUSTED
        return epoch

    def _insert(self, header: "Header", parent: int, epoch: "Epoch") -> int:
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
        copy(self._record, 0, header.digest, 0, _HASH)
        copy(self._record, STATE_ROOT * _HASH, header.buf, header.start + _HASH, header.start + 2 * _HASH)
        row = tree.insert(parent, self._record, header.slot, header.author, tag_of(self._seals.key), ticketed)
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
        while not tree.children[row] and not tree.flags[row] & VOUCHED and row != keep and row != tree.best:
            above = tree.parents[row]
            self.levels.uncount(row)
            tree.free(row)
            row = above
        self._table.sweep(tree)
        return True

    def _after(self, row: int, opens: bool) -> None:
        tree = self.tree
        if opens:
            self.epochs_seen += 1
            self.on_event("epoch", row)
        doubt = note_twins(self, row)
        self.levels.count(row)
        before = tree.best
        if not doubt and tree.better(row, before) and tree.acceptable(row):
            tree.best = row
        news = vouch(self, row)
        if news:
            settle(self)
        if doubt or news:
            tree.choose_best()
        if tree.best != before:
            self.moved(before)
        if news:
            self._advance()

    def moved(self, before: int) -> None:
        """Tell that the best head is another one than the row `before`, which is still in the tree."""
        if not self.tree.descends(self.tree.best, before):
            self.on_event("reorg", before)
        self.on_event("best", self.tree.best)

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
        self.advance(tree.ancestor_at(vouched, target))

    def advance(self, root: int) -> None:
        """Make this row the root."""
        tree = self.tree
        if root == tree.root:
            return
        tree.advance(root)
        self.sweep()
        self.on_event("root", root)

    def sweep(self) -> None:
        """Let go of the sets that no header in the tree needs any more."""
        self._table.sweep(self.tree)

    # What a chain that names a format of finality does besides: its code is loaded when it is called.

    def voters(self, row: int) -> "tuple[Set, int] | None":
        """The keys that vote for this header and their set id; None while those keys are not trusted."""
        from . import finality

        return finality.voters(self, row)

    def finalize(self, row: int, state_root: bytes, support: int = 0, set_id: int = UNKNOWN_SET) -> bool:
        """A justification proves this header final, and the state after it (finality.py). Whether that is news."""
        from . import finality

        return finality.finalize(self, row, state_root, support, set_id)

    @property
    def final_row(self) -> int:
        """The row of the newest final block; NONE where there is none, or the root is newer."""
        return NONE if self.final is None else self.tree.find(self.final.header_hash)

    def final_or_root(self) -> "tuple[bytes, int]":
        """Hash and slot of the newest final block, or of the root, which is as good where nothing newer was proved."""
        tree, final = self.tree, self.final
        if final is not None and final.slot > tree.slots[tree.root]:
            return final.header_hash, final.slot
        return tree.hash(tree.root), tree.slots[tree.root]

    def checkpoint(self) -> "Checkpoint":
        """What to trust after a restart: the root, two epochs behind what is vouched for, or a little behind what is
        final."""
        tree = self.tree
        root = tree.root
        epoch = self.levels.epoch(root)
        mark = tree.marks[root]
        return Checkpoint(
            genesis_hash=self.genesis_hash, spec=self.spec, header_hash=tree.hash(root), slot=tree.slots[root],
            entropy=[tree.entropy(root)] + epoch.entropy, keys=epoch.keys, next_keys=epoch.next_keys,
            tickets=epoch.tickets, fallback_keys=epoch.fallback_keys,
            next_tickets=None if mark == NONE else self.marks[mark], grandpa_set_id=epoch.set_id,
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

"""The fork tree: columns of fixed length, one row per header between the root and the heads.

The number of rows is fixed at construction, so forks cannot take memory. A row is 149 bytes: 21 of numbers, which
are here and are scanned all the time, and four hashes, which may lie in flash (rows.py). The tree
knows ancestry, equivocation and which head is best; it knows nothing of seals (seal.py) or trust (levels.py).
A row's index is its handle; it is valid until the row is freed.
"""

from array import array

from ..const import const
from ..errors import BudgetError
from .rows import CONTENT, ENTROPY, HASH, STATE_ROOT, HeldRows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec
    from .rows import Buffer, Rows

NONE = -1

# bits of `flags`
USED = 1
TICKETED = 2  # sealed with a ticket; `ticketed` counts them along the branch (GP 0.7.2, section 19)
VOUCHED = 4
TWIN = 8  # another block of the same slot exists that differs in more than its seal
REPORTED = 16  # its equivocation has been kept as evidence
PENDING = 32  # its epoch's keys or tickets rest on a mark that nobody has vouched for yet
_STAYS = const(64)  # while the root advances: it descends from the new one
_GOES = const(128)  # it does not


def rows_for(spec: "Spec") -> int:
    """Rows that a chain of this spec needs at most while it goes on: from the root, two epochs and a quarter behind
    what is vouched for (light.py), to a head whose builders are a third of the validators: half of V blocks in the
    mean, and some for forks and for validators that are away."""
    return 2 * spec.epoch_length + spec.epoch_length // 2 + spec.validators + 16


def _zeros(code: str, count: int) -> "array[int]":
    return array(code, (0 for _ in range(count)))


class Tree:
    """`capacity` rows. Row 0 to capacity - 1; `root` and `best` are rows. `rows` holds their hashes: None, memory."""

    def __init__(self, capacity: int, rows: "Rows | None" = None) -> None:
        self.capacity = capacity
        self.count = 0
        self.top = 0  # rows from here on have never been used: scans stop here
        self.root = self.best = NONE
        self._rows: "Rows" = rows or HeldRows(capacity)
        self._field = bytearray(32)
        self.flags = bytearray(capacity)
        self.slots = _zeros("I", capacity)
        self.parents = array("h" if capacity < 32768 else "i", (NONE for _ in range(capacity)))
        self.authors = _zeros("H", capacity)
        self.tags = _zeros("H", capacity)  # first two bytes of the author's key: finds the same author in any set
        self.supports = _zeros("H", capacity)
        self.children = _zeros("H", capacity)
        # Blocks and ticketed blocks below, modulo 2^16 in a tree that is less deep than half of that: see `between`.
        self._modulo = 0xFFFF if capacity < 32768 else 0x3FFFFFFF
        self._heights = _zeros("H" if capacity < 32768 else "I", capacity)
        self._ticketed = _zeros("H" if capacity < 32768 else "I", capacity)
        self.epochs = _zeros("B", capacity)  # entry in light.py's table of epochs
        self.marks = array("b", (NONE for _ in range(capacity)))  # entry in its table of tickets, or NONE

    def find(self, buf: "Buffer", at: int = 0) -> int:
        """Row of the header hash buf[at : at + 32], or NONE."""
        return self._rows.find(buf, at, self.flags)

    def hash(self, row: int) -> bytes:
        return self._take(row, HASH)

    def state_root(self, row: int) -> bytes:
        return self._take(row, STATE_ROOT)

    def entropy(self, row: int) -> bytes:
        return self._take(row, ENTROPY)

    def _take(self, row: int, field: int) -> bytes:
        self._rows.read_into(row, field, self._field)
        return bytes(self._field)

    def entropy_into(self, row: int, out: bytearray) -> None:
        """The same into the 32 bytes of `out`."""
        self._rows.read_into(row, ENTROPY, out)

    def is_same_block(self, row: int, other: int) -> bool:
        """Whether two headers differ in nothing but their seals."""
        self._rows.read_into(row, CONTENT, self._field)
        return self._rows.holds(other, CONTENT, self._field, 0)

    def has(self, row: int, flag: int) -> bool:
        return bool(self.flags[row] & flag)

    def next_at(self, slot: int, row: int) -> int:
        """The row behind `row` that is of this slot, or NONE; behind NONE is the first one. A scan of one column."""
        slots, flags = self.slots, self.flags
        for at in range(row + 1, self.top):
            if slots[at] == slot and flags[at]:
                return at
        return NONE

    def find_block(self, slot: int, content: "bytearray | memoryview") -> int:
        """The first row of a block of this slot, whatever its seal; `content` are 32 bytes. NONE: it is not here."""
        row = self.next_at(slot, NONE)
        while row != NONE and not self._rows.holds(row, CONTENT, content, 0):
            row = self.next_at(slot, row)
        return row

    def has_two_blocks(self, slot: int, author: int) -> bool:
        """Whether two different blocks of this slot and author are here."""
        first = NONE
        row = self.next_at(slot, NONE)
        while row != NONE:
            if self.authors[row] == author:
                if first == NONE:
                    first = row
                elif not self.is_same_block(first, row):
                    return True
            row = self.next_at(slot, row)
        return False

    def insert(self, parent: int, record: bytearray, slot: int, author: int, tag: int, ticketed: bool) -> int:
        """Add a header below `parent` (NONE for the root) and return its row. `record` are its four hashes, in the
        order of rows.py. Raises BudgetError when full."""
        if self.count == self.capacity:
            raise BudgetError("tree_headers", "fork tree holds %d headers, its bound" % self.capacity)
        row = self.flags.find(b"\0")
        self._rows.put(row, record)
        self.flags[row] = USED | (TICKETED if ticketed else 0)
        self.slots[row] = slot
        self.parents[row] = parent
        self.authors[row] = author
        self.tags[row] = tag
        self.supports[row] = self.children[row] = 0
        self.marks[row] = NONE
        self._heights[row] = self._ticketed[row] = 0
        if parent != NONE:
            self._heights[row] = (self._heights[parent] + 1) & self._modulo
            self._ticketed[row] = (self._ticketed[parent] + (1 if ticketed else 0)) & self._modulo
            self.children[parent] += 1
        self.count += 1
        if row >= self.top:
            self.top = row + 1
        return row

    def rename(self, row: int, header_hash: "bytes | bytearray") -> None:
        """Keep another seal of the same header: the variant that a child names."""
        self._rows.rename(row, header_hash)

    def common_ancestor(self, left: int, right: int) -> int:
        """The last header both descend from; one of the two where it is an ancestor of the other."""
        slots, parents = self.slots, self.parents
        while left != right:
            if slots[left] >= slots[right]:
                left = parents[left]
            else:
                right = parents[right]
        return left

    def descends(self, row: int, ancestor: int) -> bool:
        slot = self.slots[ancestor]
        while row != NONE and self.slots[row] > slot:
            row = self.parents[row]
        return row == ancestor

    def ancestor_at(self, row: int, slot: int) -> int:
        """The last header at or before `slot` on the branch of `row`, no further back than the root."""
        while self.slots[row] > slot and self.parents[row] != NONE:
            row = self.parents[row]
        return row

    def acceptable(self, row: int) -> bool:
        """Whether no undecided equivocation lies between the root and `row` (GP 0.7.2, 19.3).

        The Gray Paper excludes both blocks until one is final. Where finality is not served nothing ever is, and one
        dishonest author could stop the head for good. So a block counts as decided once it is vouched for and none
        of its twins is: more than a third of the validators have built on it.
        """
        return self.acceptable_tip(row) == row

    def acceptable_tip(self, row: int) -> int:
        """The last acceptable header on the branch of `row`."""
        tip = row
        flags, parents = self.flags, self.parents
        while row != self.root:
            if flags[row] & TWIN and not self._decided(row):
                tip = parents[row]
            row = parents[row]
        return tip

    def _decided(self, row: int) -> bool:
        if not self.flags[row] & VOUCHED:
            return False
        slot = self.slots[row]
        other = self.next_at(slot, NONE)
        while other != NONE:
            if other != row and self.flags[other] & VOUCHED and not self.is_same_block(row, other):
                return False
            other = self.next_at(slot, other)
        return True

    def trusted(self, row: int) -> int:
        """The last header on the branch of `row` whose epoch is not pending."""
        while self.flags[row] & PENDING:
            row = self.parents[row]
        return row

    def better(self, row: int, than: int) -> bool:
        """Most ticketed ancestors first (GP 0.7.2, 19.4), then the longer branch; a tie keeps what came first.

        Pending headers count last: else one author could mark tickets of its own and outrun everybody with them.
        """
        left, right = self.trusted(row), self.trusted(than)
        more = self.tickets_between(left, right) or self.between(left, right) or self.between(row, than)
        return more > 0

    def between(self, row: int, other: int) -> int:
        """How many blocks longer the branch of `row` is than that of `other`; negative for a shorter one."""
        return self._signed(self._heights[row] - self._heights[other])

    def tickets_between(self, row: int, other: int) -> int:
        """How many more blocks of the branch of `row` were sealed by tickets than of the branch of `other`."""
        return self._signed(self._ticketed[row] - self._ticketed[other])

    def _signed(self, difference: int) -> int:
        difference &= self._modulo
        return difference if difference <= self._modulo >> 1 else difference - self._modulo - 1

    def choose_best(self) -> None:
        """Look at all heads again: after an equivocation, a vouching or a pruning."""
        best = self.acceptable_tip(self.best) if self.flags[self.best] & USED else self.root
        for row in range(self.top):
            if self.flags[row] & USED and not self.children[row]:
                tip = self.acceptable_tip(row)
                if self.better(tip, best):
                    best = tip
        self.best = best

    def heads(self) -> "list[int]":
        """All heads, the best one first."""
        best = self.best
        return [best] + [row for row in range(self.top) if self.flags[row] and not self.children[row] and row != best]

    def worst_head(self, keep: int) -> int:
        """The head to give up when rows run out: never `best`, `keep` or a vouched one. NONE if there is no other."""
        worst = NONE
        for row in range(self.top):
            if self.flags[row] & (USED | VOUCHED) != USED or self.children[row] or row == self.best or row == keep:
                continue
            if worst == NONE or self.better(worst, row):
                worst = row
        return worst

    def advance(self, root: int) -> None:
        """Make `root` the root: free everything that does not descend from it."""
        flags, parents = self.flags, self.parents
        flags[root] |= _STAYS
        for row in range(self.top):
            if not flags[row]:
                continue
            at = row
            while at != NONE and not flags[at] & (_STAYS | _GOES):
                at = parents[at]
            verdict = _GOES if at == NONE else flags[at] & (_STAYS | _GOES)
            at = row
            while at != NONE and not flags[at] & (_STAYS | _GOES):
                flags[at] |= verdict
                at = parents[at]
        for row in range(self.top):
            if flags[row] & _GOES:
                self.free(row)
            flags[row] &= ~_STAYS & 0xFF
        parents[root] = NONE
        self.root = root

    def free(self, row: int) -> None:
        parent = self.parents[row]
        if parent != NONE and self.flags[parent] & USED and self.children[parent]:
            self.children[parent] -= 1
        self._rows.free(row)
        self.flags[row] = 0
        self.slots[row] = 0
        self.count -= 1

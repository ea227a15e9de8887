"""The epochs and tickets marks that rows of the tree point to: tables of fixed length, and the sets behind them."""

from ..const import const
from ..errors import BudgetError
from .sets import FALLBACK, KEYS, TICKETS, MemorySets, held
from .tree import NONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .checkpoint import Checkpoint
    from .epoch import Epoch
    from .header import Header
    from .sets import Kept, Set, Sets
    from .tree import Tree

_EPOCH = const(1)
_MARK = const(2)


class Marks:
    """`places` epochs and as many tickets marks, kept in `sets` (None: in memory)."""

    def __init__(self, places: int, sets: "Sets | None") -> None:
        self.sets: "Sets" = sets or MemorySets()
        self.epochs: "list[Epoch | None]" = [None] * places
        self.tickets: "list[Set | None]" = [None] * places
        self.marked_by = [NONE] * places  # the row whose header made the mark; TRUSTED once believed
        self._is_used = bytearray(places)  # by a row, in `sweep`: bits for an epoch and for a tickets mark
        self._named: "list[Set | None]" = [None] * (5 * places)

    def start(self, checkpoint: "Checkpoint", first: "Epoch") -> None:
        """Keep what a checkpoint names: `first`, its epoch, and the tickets marked for the next one."""
        first.keys = self._kept(KEYS, checkpoint.keys, first.index)  # type: ignore[assignment]
        first.next_keys = self._kept(KEYS, checkpoint.next_keys, first.index)  # type: ignore[assignment]
        first.tickets = self._kept(TICKETS, checkpoint.tickets, first.index)
        first.fallback_keys = self._kept(FALLBACK, checkpoint.fallback_keys, first.index)
        self.epochs[0] = first
        self.tickets[0] = self._kept(TICKETS, checkpoint.next_tickets, first.index)

    def _kept(self, kind: int, data: "Kept | None", epoch: int) -> "Set | None":
        one = held(data)
        return None if one is None else self.sets.put(kind, one, epoch)

    def free(self, table: "list") -> int:
        """A place in one of the tables that nothing occupies, or NONE."""
        for entry, used in enumerate(table):
            if used is None:
                return entry
        return NONE

    def keep(self, header: "Header", epoch: "Epoch", mark: int) -> bool:
        """Keep the sets that the header's marks name, of keys as `epoch.next_keys`, of tickets in place `mark`. False
        when the store has no place for them; BudgetError("set_writes") when it has been written enough."""
        try:
            if header.epoch_mark:
                epoch.next_keys = self.sets.put(KEYS, epoch.next_keys, epoch.index)
            if header.tickets_mark:
                self.tickets[mark] = self.sets.put(TICKETS, header.marked_tickets(), epoch.index)
        except BudgetError as error:
            if error.limit != "sets":
                raise
            return False
        return True

    def sweep(self, tree: "Tree") -> None:
        """Let go of all that no row points to."""
        is_used, kept = self._is_used, self._named
        for entry in range(len(is_used)):
            is_used[entry] = 0
        for row in range(tree.top):
            if tree.flags[row]:
                is_used[tree.epochs[row]] |= _EPOCH
                if tree.marks[row] != NONE:
                    is_used[tree.marks[row]] |= _MARK
        at = 0
        for entry in range(len(is_used)):
            epoch = self.epochs[entry] = self.epochs[entry] if is_used[entry] & _EPOCH else None
            self.tickets[entry] = kept[at + 4] = self.tickets[entry] if is_used[entry] & _MARK else None
            kept[at] = None if epoch is None else epoch.keys
            kept[at + 1] = None if epoch is None else epoch.next_keys
            kept[at + 2] = None if epoch is None else epoch.tickets
            kept[at + 3] = None if epoch is None else epoch.fallback_keys
            at += 5
        self.sets.retain(kept)

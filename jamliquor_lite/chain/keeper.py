"""A board's checkpoint between runs: a small record in the two slots, its sets in flash (checkpoint.py, version 2).

A record names sets by their hash. They are in flash before the record is written, and stay there for as long as a
record that may count names them: while one is being written that is the old one too. So a cut at any byte leaves the
old checkpoint or the new one, with all of its sets.
"""

from ..errors import VerifyError
from .checkpoint import Checkpoint
from .flash_sets import FlashSets
from .sets import FALLBACK, KEYS, TICKETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .flash_area import Area
    from .sets import Set, Sets
    from .twoslot import TwoSlot

_KINDS = (KEYS, KEYS, TICKETS, FALLBACK, TICKETS)  # in the order of Checkpoint.sets()


class Keeper:
    """`damaged` is one line about damage that `load` met, or None."""

    def __init__(self, slots: "TwoSlot", sets: "Sets") -> None:
        self.damaged: "str | None" = None
        self._slots = slots
        self._sets = sets
        self._pinned: "list[Set]" = []

    def load(self) -> "Checkpoint | None":
        """The checkpoint saved last, or None where there is none or (see `damaged`) no whole one."""
        payload = self._slots.load()
        self.damaged = self._slots.damaged
        if payload is None:
            return None
        try:
            found = Checkpoint.decode(payload, self._sets)
        except VerifyError as error:
            self.damaged = str(error)
            return None
        self._pin(_present(found))
        return found

    def hold(self, checkpoint: "Checkpoint") -> None:
        """Nothing was saved yet, and a reset would start from this one again: its sets stay too."""
        self._pin(_present(keep(checkpoint, self._sets)))

    def save(self, checkpoint: "Checkpoint") -> None:
        """Replace the saved checkpoint. BudgetError when its sets have no place; LocalError from the slots, and then
        the old one and the new one are both held on to until the next save."""
        kept = keep(checkpoint, self._sets)
        self._pin(self._pinned + _present(kept))
        self._slots.save(kept.encode(True))
        self._pin(_present(kept))

    def _pin(self, used: "list[Set]") -> None:
        self._pinned = used
        self._sets.pin(used)


def keep(checkpoint: "Checkpoint", sets: "Sets") -> "Checkpoint":
    """The same checkpoint, with all of its sets in the store."""
    epoch = checkpoint.spec.epoch(checkpoint.slot)
    kept = [None if one is None else sets.put(kind, one, epoch)
            for kind, one in zip(_KINDS, checkpoint.sets())]
    keys, next_keys, tickets, fallback_keys, next_tickets = kept
    assert keys is not None and next_keys is not None
    return Checkpoint(
        checkpoint.genesis_hash, checkpoint.spec, checkpoint.header_hash, checkpoint.slot, checkpoint.entropy, keys,
        next_keys, tickets, fallback_keys, next_tickets, checkpoint.grandpa_set_id, checkpoint.grandpa_format,
        checkpoint.clock_chain)


def provision(area: "Area", checkpoint: "Checkpoint") -> bytes:
    """Put a first checkpoint where a board will find it: its sets into `area`, a blank of the board's sets area; the
    record, of some 500 bytes, is returned, for TwoSlot to save. LocalError (2) where the area is too small for the
    spec."""
    return bytes(keep(checkpoint, FlashSets(area, checkpoint.spec, len(_KINDS))).encode(True))


def _present(checkpoint: "Checkpoint") -> "list[Set]":
    return [one for one in checkpoint.sets() if one is not None]

"""A light chain of which only the newest final block is known: a node that follows no headers stands there.

It has one row, which is moved, not followed: whoever moves it has a justification for the block. So everything that
reads a chain finds that block as the best one, the root and the final one, and nothing else to answer from.
"""

from .finality import FinalBlock
from .light import LightChain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.profile import Profile
    from .checkpoint import Checkpoint


class StandingChain(LightChain):
    """`trusted` is the checkpoint that a restart begins with, `clock_slot` the slot that it is now, -1 unknown: how old
    an answer is goes by that. Nothing is ever added."""

    def __init__(self, checkpoint: "Checkpoint", profile: "Profile", on_event: "Callable[[str, int], None]") -> None:
        LightChain.__init__(self, checkpoint, profile, on_event)
        self.trusted = checkpoint
        self.clock_slot = -1

    def stand_at(self, final: FinalBlock) -> bool:
        """This block is final. Whether that is news: an older one is not."""
        tree = self.tree
        row = tree.root
        if final.slot <= max(tree.slots[row], self.levels.final_slot) and self.final is not None:
            return False
        tree.rename(row, final.header_hash)
        tree.slots[row] = final.slot
        tree.supports[row] = final.support
        self.final = final
        self.levels.final_slot = final.slot
        self.on_event("final", row)
        return True

    @property
    def best_slot(self) -> int:
        return max(self.clock_slot, self.tree.slots[self.tree.best])

    def checkpoint(self) -> "Checkpoint":
        return self.trusted

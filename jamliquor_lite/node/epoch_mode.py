"""Mode `epoch`: jumps from epoch to epoch by justifications alone, and no header between them is followed.

    epoch    awake: a jump, or a question, which is answered from what is final and nothing else
    asleep   connections are closed
    spent    the caps are used up (mode.py)

It is chosen at the start (epoch_node.py is the node of this mode), for the other modes' node is another one.
"""

from ..budget.budgets import IDLE
from ..errors import LocalError
from ..ports import clock
from .mode import Mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.budgets import Budgets
    from ..chain.twoslot import TwoSlot
    from .node import Node

EPOCH_WORD = "epoch"


class EpochMode(Mode):
    """Caps and questions as any Mode has them. `is_busy` while its node is awake for a jump."""

    def __init__(self, budgets: "Budgets", store: "TwoSlot | None" = None,
                 wall_seconds: "Callable[[], int | None]" = clock.wall_seconds) -> None:
        Mode.__init__(self, budgets, store, IDLE, wall_seconds)
        budgets.mode = IDLE
        budgets.is_asleep = True
        self.is_busy = False

    @property
    def awake_word(self) -> str:
        return EPOCH_WORD

    @property
    def wanted_word(self) -> str:
        return EPOCH_WORD

    def turn(self, node: "Node", now: int) -> None:
        """As any Mode's."""
        if self.is_busy:
            self._awake_until = max(self._awake_until, now + 1)
        Mode.turn(self, node, now)

    def want(self, wanted: int) -> None:
        """LocalError: it is this mode until a restart."""
        raise LocalError("mode epoch follows no headers, so the others cannot take over from it: restart with another "
                         "--mode, which begins where this one is", 2)

"""Quanta of a gateway: what links serve by themselves and what the relays move are both SERVING, and take turns.

Links come first. When they leave no time for the relays, the relays are the first in the next turn, and the links in
the one after it; so neither keeps the other from its work, however much there is of it.
"""

from ..budget.classes import SERVING
from ..node.turn import Quanta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..node.node import Node
    from .relays import Relays


class ServingQuanta(Quanta):
    """As Quanta. `links` of SERVING moves the relays before, where it is their turn; else `relays` has to be called."""

    def __init__(self, node: "Node", relays: "Relays") -> None:
        Quanta.__init__(self, node)
        self._relays = relays
        self._is_theirs = self._were_first = self._is_busy = self._is_spent = False

    def links(self, cls: int, now: int) -> bool:
        if cls == SERVING and self._relays.count:
            self._is_spent = not self.may(cls, now)  # then it was nobody's turn
            if self._is_theirs and not self._is_spent:
                self._is_theirs = False
                self._were_first = True
                self._is_busy = self._relays.turn(now, self)
        return Quanta.links(self, cls, now)

    def relays(self, now: int) -> bool:
        """Move them, unless they were first in this turn. Whether there may be more at once."""
        if self._were_first:
            self._were_first = False
            return self._is_busy and not self.is_waiting(SERVING)
        busy = self._relays.turn(now, self)
        if not self._is_spent:
            self._is_theirs = self._relays.was_put_off
        return busy

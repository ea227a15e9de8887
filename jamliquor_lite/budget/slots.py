"""Places for peers, counted by how they came: strangers that dialed us, peers we chose, peers that the user named.

This only counts; who has to go when there is no room is the node's to decide (node/peers.py).
"""

from ..const import const
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .profile import Profile

INBOUND = const(0)
OUTBOUND = const(1)
TRUSTED = const(2)  # named by the user, whoever dialed
KINDS = const(3)
NAMES = ("inbound", "outbound", "trusted")


class Slots:
    """`profile.max_peers` places, of which `reserved_peers` are for trusted ones and `inbound_peers` at most inbound.

    `taken[kind]` and `refused[kind]` count; `most` is the most that were taken at once.
    """

    def __init__(self, profile: "Profile") -> None:
        self.profile = profile
        self.taken = [0] * KINDS
        self.refused = [0] * KINDS
        self.most = 0

    @property
    def total(self) -> int:
        """How many are taken."""
        taken = self.taken
        return taken[INBOUND] + taken[OUTBOUND] + taken[TRUSTED]

    def room(self, kind: int) -> int:
        """How many more of a kind there may be now; 0 also when a change of the profile left too many."""
        profile = self.profile
        found = profile.max_peers - self.total
        if kind != TRUSTED:
            held = profile.reserved_peers - self.taken[TRUSTED]
            if held > 0:
                found -= held
        if kind == INBOUND:
            found = min(found, profile.inbound_peers - self.taken[INBOUND])
        return found if found > 0 else 0

    def take(self, kind: int) -> bool:
        """Take a place; False, and counted, when there is no room for this kind."""
        if not self.room(kind):
            self.refused[kind] += 1
            return False
        self.taken[kind] += 1
        total = self.total
        if total > self.most:
            self.most = total
        return True

    def give_back(self, kind: int) -> None:
        """The peer is gone. LocalError when none of this kind was taken."""
        if self.taken[kind] < 1:
            raise LocalError("a slot was given back that nobody took: %s" % NAMES[kind])
        self.taken[kind] -= 1

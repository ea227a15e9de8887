"""State differences for peers (jam/difference_request.py), made of what upstreams prove by CE 129.

JAM's own nodes have no such kind: a gateway asks them for what of a peer's items has changed, as a node does for a
watch list of its own (node/watching.py), and tells the peer that alone, in a tenth of the bytes. Who asks again with
the same items, for the next state, is answered from what is kept of the last one.

Each list costs memory and exchanges upstream. So there are at most `served_watches`, of which the one that nobody has
asked for longest goes, and `served_watch_rate` bounds the exchanges that all peers cause. What goes out is proved here,
and again by who asked.
"""

import copy

from ..budget.meter import Meter
from ..chain.difference_builder import build_difference
from ..chain.tree import NONE
from ..errors import BudgetError, LocalError
from ..jam.difference_request import DifferenceResponder, encode_items
from ..jam.events import NOTHING, REQUEST
from ..jam.kinds import DECLINED
from ..node.answers import Pieces
from ..node.questions import Question
from ..node.watching import Watching
from ..sync.query import Commitment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..chain.witness import Node as Known
    from ..jam.framing import Stream
    from ..sync.watch import Piece
    from .gateway import Gateway

    Item = tuple[bytes, bytes]

_STATES = 4  # of each list that are kept: peers are not all at the same head
_BURST_S = 2
_STATE_MS = 5_000  # for a state that no upstream proves in this time the peer had better ask itself


class ServedList(Watching):
    """One list of items, which any number of peers may have asked for. It is stepped by those who wait for it."""

    _wants_differences = False  # other gateways would ask the same upstreams

    def __init__(self, gateway: "Gateway", items: "list[Item]", meter: Meter, profile: "Profile") -> None:
        Watching.__init__(self, gateway, [Question("", start, end) for start, end in items], profile=profile)
        self.is_busy = False  # there may be more to do at once
        self._gateway = gateway
        self.used_at = 0
        self.waiters = 0
        self._meter = meter
        self._states: "list[tuple[bytes, Known | None]]" = []  # (header hash, what is known), the newest last
        self._until = 0
        self._now = 0

    def state(self, header_hash: bytes) -> "tuple[bool, Known | None]":
        """Whether the state after a header is here, and its trie as far as it is known."""
        for known, top in self._states:
            if known == header_hash:
                return True, top
        return False, None

    def want(self, header_hash: bytes, now: int) -> bool:
        """Fetch the state after this header, when no other one is being fetched. False: it is not to be had."""
        watch = self.watch
        self.used_at = self._now = now
        if watch.target is not None and now >= self._until:
            self._give_up()
        if self.is_done:
            return False
        if watch.target is None:
            found = commitment_of(self._gateway, header_hash)
            if found is None:
                return False
            self._until = now + _STATE_MS
            watch.aim(found)
        self.is_busy = self.step(now)
        if watch.target is not None and watch.is_whole:
            self._keep()
        return True

    def _give_up(self) -> None:
        for flight in self._flights:
            self._end(flight)
        self._flights = []
        self.watch.drop()

    def _keep(self) -> None:
        target = self.watch.target
        assert target is not None
        try:
            top = self.watch.adopt()
        except BudgetError as error:
            self._failed(error)
            self.is_done = True
            return
        self._states.append((target.header_hash, top))
        del self._states[:-_STATES]

    def _look(self) -> None:
        pass  # what is fetched is what somebody asks for

    def _failed(self, error: BudgetError) -> None:
        pass  # that a peer's list is too large is told to the peer, which is declined

    def _next_piece(self, is_lite: bool, peers: int) -> "Piece | None":
        if not self._meter.ready(self._now):
            return None
        piece = Watching._next_piece(self, is_lite, peers)
        if piece is not None:
            self._meter.spend(1, self._now)
        return piece


class Differences:
    """All lists that are served."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        profile = gateway.profile
        self._lists: "dict[bytes, ServedList]" = {}
        # All lists together have the bounds of one.
        self._share = share = copy.copy(profile)
        for field in ("watch_nodes", "watch_bytes", "watch_flights"):
            setattr(share, field, max(1, getattr(profile, field) // profile.served_watches))
        self._meter = Meter(profile.served_watch_rate, _BURST_S * profile.served_watch_rate)
        self.served = 0

    def list_of(self, items: "list[Item]") -> "ServedList | None":
        """The list of these items; None where there are too many, each with somebody who waits."""
        name = encode_items(items)
        found = self._lists.get(name)
        if found is not None and not found.is_done:
            return found
        if found is None and len(self._lists) >= self._gateway.profile.served_watches:
            idle = [key for key, one in self._lists.items() if not one.waiters]
            if not idle:
                return None
            oldest = min(idle, key=lambda key: self._lists[key].used_at)
            self._lists.pop(oldest).cancel()
        self._lists[name] = made = ServedList(self._gateway, items, self._meter, self._share)
        return made


class Differing:
    """One request of a peer, until its answer is out."""

    def __init__(self, gateway: "Gateway", stream: "Stream", now: int) -> None:
        self._gateway = gateway
        self._responder = DifferenceResponder(gateway.profile.watch_items)
        self._responder.begin(stream, now + 2 * gateway.profile.relay_timeout_ms)
        self._list: "ServedList | None" = None
        self._until = 0
        self._pieces = Pieces([])

    @property
    def busy(self) -> bool:
        """The exchange runs."""
        if not self._responder.busy:
            self.leave()
            return False
        return True

    def poll(self, now: int) -> bool:
        """Bounded work; whether there may be more. RemoteError where the requester is to blame."""
        try:
            event = self._responder.poll(now)
        except BaseException:
            self.leave()
            raise
        if event == REQUEST:
            self._list = self._gateway.differences.list_of(self._responder.items)
            if self._list is None:
                self._responder.refuse(DECLINED)
                return False
            self._list.waiters += 1
            self._until = now + _STATE_MS
        if self._list is not None and self._responder.busy:
            return self._wait(self._list, now)
        return self._pieces.write_to(self._responder) or event != NOTHING

    def _wait(self, waiting: ServedList, now: int) -> bool:
        responder = self._responder
        is_here, top = waiting.state(responder.header_hash)
        if not is_here:
            if now >= self._until or not waiting.want(responder.header_hash, now):
                self.leave()
                responder.refuse(DECLINED)
                return False
            return waiting.is_busy or waiting.state(responder.header_hash)[0]
        _, base = waiting.state(responder.base_hash)
        self.leave()
        try:
            pieces = build_difference(top, base, responder.items, responder.max_size)
        except LocalError:
            responder.refuse(DECLINED)
            return False
        self._gateway.differences.served += 1
        responder.answer_difference(sum(map(len, pieces)))
        self._pieces = Pieces([b"".join(pieces)])
        return True

    def leave(self) -> None:
        """It waits no more."""
        if self._list is not None:
            self._list.waiters -= 1
            self._list = None


def commitment_of(gateway: "Gateway", header_hash: bytes) -> "Commitment | None":
    """What commits to the state after a header: the vote that made it final, or a child of it, on the best branch if
    there is one."""
    tree, final = gateway.chain.tree, gateway.chain.final
    parent = tree.find(header_hash)
    if parent == NONE:
        return None
    if final is not None and final.header_hash == header_hash:
        return Commitment(gateway.chain, parent, final.support)
    if not tree.children[parent]:
        return None
    row = tree.best
    while row != NONE and tree.parents[row] != parent:
        row = tree.parents[row]
    if row == NONE:
        row = next(at for at in range(tree.top) if tree.flags[at] and tree.parents[at] == parent)
    found = Commitment(gateway.chain, row, tree.supports[row])
    # Of a child that is final itself, it names the state after the child.
    found.root, found.header_hash, found.slot = tree.state_root(row), header_hash, tree.slots[parent]
    return found

"""The JAM full nodes that a gateway stands in front of: which of them answers what, and whom to ask next.

A JAM node may close the whole connection over a kind that it does not serve, or a stream that is reset (typeberry does
both), so nothing of what lite nodes want is asked on the connection that follows the chain, but on a second one. State
is asked only of those that are known to serve it: because the user says so, or because one of them has proved an answer
to a question of the gateway's own (gateway.py). Finality is asked only of those that have proved a block final to the
gateway itself (node/finality.py).
"""

from ..errors import LocalError
from ..jam.kinds import JUSTIFICATION_REQUEST, STATE_REQUEST, TIMED_OUT, WARP_SYNC_REQUEST
from ..node.libp2p import Libp2pCarrier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..errors import RemoteError
    from ..node.carrier import Connection
    from ..node.node import Node
    from ..node.peers import Record

FINALITY_KINDS = (JUSTIFICATION_REQUEST, WARP_SYNC_REQUEST)

LEARN = "learn"
STATE = "state"
BLOCKS = "blocks"
SERVES = (LEARN, STATE, BLOCKS)

_CUTS = 3  # state answers in a row that were cut or did not come, after which an upstream is not asked any more; where
#            we learn what it serves, it is learned anew. So many of finality, and it is asked when it has proved more;
_CUTS_UNTRIED = 1  # where it has never answered that kind, not before a new connection to it


class _Dealings:
    """What happened with one upstream since its connection stands."""

    def __init__(self) -> None:
        self.cuts: dict[int, int] = {}  # by kind: answers in a row that did not come whole
        self.answered: set[int] = set()  # kinds that it has given a whole answer to
        self.proved = 0  # what it had proved to us when an answer was cut last
        self.running = 0  # exchanges under way
        self.retry_at = 0  # ms: no second connection is made before


class Upstreams:
    """`serves` is what the user says of all of them: LEARN, STATE or BLOCKS."""

    def __init__(self, node: "Node", serves: str = LEARN) -> None:
        if serves not in SERVES:
            raise LocalError("an upstream serves %s: allowed are %s" % (serves, ", ".join(SERVES)), 2)
        self.serves = serves
        self.profile = node.profile
        self._node = node
        self._dealings: dict[str, _Dealings] = {}

    @property
    def records(self) -> "list[Record]":
        """All of them: peers that we dial on JAM's own network."""
        return [record for record in self._node.peers.records if is_upstream(record)]

    @property
    def connected(self) -> int:
        """How many follow connections stand."""
        return sum(1 for record in self.records if record.link is not None and record.link.ready)

    @property
    def state_offered(self) -> bool:
        """Some upstream serves state, as far as is known."""
        return any(self._serves_state(record) for record in self.records)

    @property
    def state_word(self) -> str:
        """`served`, `unknown` (not learned yet) or `unavailable upstream`."""
        if self.state_offered:
            return "served"
        return "unknown" if any(record.serves_state is None for record in self.records) else "unavailable upstream"

    def met(self, record: "Record") -> None:
        """A connection to it begins anew: what was learned may be old."""
        self._dealings[record.name] = _Dealings()
        if self.serves == LEARN:
            record.serves_state = record.serves_state or None
        else:
            record.serves_state = self.serves == STATE

    def unlearned(self) -> "list[Record]":
        """Upstreams that we follow and of which nobody knows whether they serve state."""
        found = [r for r in self.records if r.serves_state is None and r.link is not None and r.link.settled]
        return found if self.serves == LEARN else []

    def may_answer(self, kind: int, tried: "list[Record]") -> bool:
        """Whether anybody is left to ask, now or when it has less to do."""
        return any(record not in tried for record in self._able(kind))

    def choose(self, kind: int, tried: "list[Record]", now: int) -> "Record | None":
        """Whom to ask now; None while all have enough to do."""
        limit = self._node.profile.relays_upstream
        able = [record for record in self._able(kind) if record not in tried and self._of(record).running < limit]
        able = [record for record in able if self._of(record).retry_at <= now]
        return min(able, key=lambda r: (self._of(r).cuts.get(kind, 0), self._of(r).running)) if able else None

    def connection(self, record: "Record", now: int) -> "Connection":
        """Where it is asked."""
        return self._node.state_connection(record, now)

    def may_dial(self, record: "Record", now: int) -> bool:
        """A connection that was lost is not made again at once."""
        return self._of(record).retry_at <= now

    def dealings(self, record: "Record") -> "_Dealings":
        """What happened with this peer, an upstream or a gateway, of late."""
        return self._of(record)

    def forget(self, record: "Record") -> None:
        """A gateway has left."""
        self._dealings.pop(record.name, None)

    # what becomes of exchanges

    def began(self, record: "Record") -> None:
        """It was chosen."""
        self._of(record).running += 1

    def ended(self, record: "Record") -> None:
        """The exchange is over, one way or another."""
        self._of(record).running = max(0, self._of(record).running - 1)

    def answered(self, record: "Record", kind: int) -> None:
        """It gave a whole answer."""
        self._of(record).cuts[kind] = 0
        self._of(record).answered.add(kind)

    def lost(self, record: "Record", kind: int, connection: "Connection | None", now: int) -> None:
        """There is no connection to ask on, or it ended (`connection`) under an exchange."""
        self._of(record).retry_at = now + self._node.profile.peer_retry_ms
        if connection is not None:
            self._cut(record, kind)

    def fault(self, record: "Record", kind: int, error: "RemoteError") -> None:
        """It cut an answer, or was silent."""
        self._node.on_event("refused", {"peer": record.name, "reason": str(error)})
        if error.code != TIMED_OUT:
            record.blamed += 1
        self._cut(record, kind)

    def _able(self, kind: int) -> "list[Record]":
        connected = [record for record in self.records if record.link is not None and record.link.ready]
        if kind in FINALITY_KINDS:
            return [record for record in connected if self._serves_finality(record, kind)]
        if kind != STATE_REQUEST:
            return connected
        return [record for record in connected if self._serves_state(record)]

    def _serves_state(self, record: "Record") -> bool:
        return bool(record.serves_state) and self._of(record).cuts.get(STATE_REQUEST, 0) < _CUTS

    def _serves_finality(self, record: "Record", kind: int) -> bool:
        finality, known = self._node.finality, self._of(record)
        if finality is None or not finality.has_served(record):
            return False
        cuts = known.cuts.get(kind, 0)
        if kind != JUSTIFICATION_REQUEST and kind not in known.answered:
            return cuts < _CUTS_UNTRIED  # whoever shows justifications need not know of warps
        return cuts < _CUTS or record.proved > known.proved

    def _cut(self, record: "Record", kind: int) -> None:
        cuts = self._of(record).cuts
        if kind in FINALITY_KINDS:
            self._of(record).proved = record.proved
        cuts[kind] = cuts.get(kind, 0) + 1
        if kind == STATE_REQUEST and cuts[kind] >= _CUTS and self.serves == LEARN and is_upstream(record):
            cuts[kind] = 0
            record.serves_state = None

    def _of(self, record: "Record") -> _Dealings:
        if record.link is None and not is_upstream(record):
            return _Dealings()  # a gateway that has left, of which nothing is kept
        return self._dealings.setdefault(record.name, _Dealings())


def is_upstream(record: "Record") -> bool:
    """Whether this peer is a JAM full node that we follow."""
    return not record.inbound and not isinstance(record.carrier, Libp2pCarrier)

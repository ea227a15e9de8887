"""Which headers are final, asked of peers (CE 130) where the chainspec names the format of the votes.

Peers say on UP 0 what is final for them. That is a hint of whom to ask for what: the newest such block that is in our
tree; and before it each block on the way that changes the set, of which the voters of the next one depend. One peer is
asked at a time, one signature is checked a unit of work (turn.py, FINALITY). Who sends what proves nothing is left and
blamed; who has no justification, or takes too long, is asked again later, and another one now.

A peer may claim a final block that contradicts ours. Then it has to show the proof: where it can, more than a third of
a set is dishonest, and no node can say which block is the right one. Ours stays, and the event "conflict" is an alarm.
"""

from ..budget.classes import FINALITY
from ..chain import finality
from ..chain.chainspec import FORMAT
from ..chain.justification import Justification
from ..chain.levels import FINAL
from ..chain.tree import NONE
from ..const import const
from ..errors import BudgetError, RemoteError
from ..jam.events import DONE, LOST, MORE, REFUSED
from ..jam.justification_request import JustificationRequest
from ..jam.kinds import CANCELLED, JUSTIFICATION_REQUEST, MALFORMED, TIMED_OUT, protocol
from ..transport.states import CLOSED, READY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..chain.checkpoint import Checkpoint
    from ..chain.light import LightChain
    from ..jam.justification_request import JustificationSink
    from .carrier import Connection
    from .node import Node
    from .peers import Record
    from .status import Status

    class Keeper(Protocol):
        """Takes along what a sink takes (gateway/proved.py), and keeps it when it has made a block final."""

        def over(self, sink: JustificationSink) -> JustificationSink: ...

        def keep(self, header_hash: bytes) -> None: ...

_UNITS_A_TURN = const(32)
_SET_ID_END = const(12)  # of a justification's first bytes, that say which set signed it
_MOST_DOUBLINGS = const(16)


def serves(chain: "LightChain | Checkpoint") -> bool:
    """Whether the chain's finality, or a checkpoint's, is one that we can check."""
    return chain.grandpa_format == FORMAT


class Source:
    """A peer, what it says is final, and when it may be asked again (ms)."""

    def __init__(self, record: "Record") -> None:
        self.record = record
        self.header_hash = b""
        self.slot = -1
        self.failures = 0
        self.rests_until = 0
        self.has_served = False
        self.shown = b""  # its claim contradicts what is final here, and it has shown the proof


class Disputed:
    """The sink for a justification of a block that we do not have: its first bytes say which set it is by."""

    def __init__(self, chain: "LightChain", check: Justification, header_hash: bytes) -> None:
        self._chain = chain
        self._check = check
        self._header_hash = header_hash
        self._first = bytearray(_SET_ID_END)
        self._got = 0

    @property
    def is_done(self) -> bool:
        return self._got == _SET_ID_END and self._check.is_done

    def feed(self, buf: "bytearray | memoryview", start: int, end: int) -> int:
        """As Justification has it. BudgetError where the set is one that we do not know."""
        if self._got == _SET_ID_END:
            return self._check.feed(buf, start, end)
        count = min(_SET_ID_END - self._got, end - start)
        self._first[self._got : self._got + count] = buf[start : start + count]
        self._got += count
        if self._got == _SET_ID_END:
            set_id = int.from_bytes(self._first[8:], "little")
            by = finality.voters_of(self._chain, set_id)
            if by is None:
                raise BudgetError("tree_marks", "a justification by set %d, whose keys are not here" % set_id)
            self._check.begin(by[0], set_id, self._header_hash)
            self._check.feed(self._first, 0, _SET_ID_END)
        return count


class Finality:
    """Of one node, which calls `turn` each turn; its links call `heard`.

    `proved` and `refused` count justifications. `evidence` are votes of members that voted twice in one round, each
    (set id, round, voter, vote, vote), and `conflicts` blocks that are proved final as well as ours, or after which the
    state is another one than what is vouched for says, each (slot, hash).
    """

    def __init__(self, node: "Node") -> None:
        profile, spec = node.profile, node.chain.spec
        self.proved = self.refused = 0
        self.evidence: "list[tuple[int, int, int, bytes, bytes]]" = []
        self.conflicts: "list[tuple[int, bytes]]" = []
        self.keeper: "Keeper | None" = None  # a gateway's, who shows others what was proved here
        self._most = profile.equivocations
        self._node = node
        self._request = JustificationRequest(spec, profile, bytearray(profile.read_bytes))
        self._check = Justification(spec, profile)
        self._sources: "list[Source]" = []
        self._source: "Source | None" = None  # who is asked now
        self._wanted = b""
        self._is_dispute = False
        self._connection: "Connection | None" = None
        self._deadline = 0
        self._is_asked = False
        self._looked = (-1, -1, -1)  # what there was when nothing was found to ask for
        self._news = 0
        self._look_at = 0
        self._not_before = 0  # blocks that change no set
        self._last = 0

    def heard(self, record: "Record", header_hash: bytes, slot: int) -> None:
        """A peer says that this block is final for it."""
        source = self._of(record)
        if source.header_hash == header_hash:
            return
        source.header_hash = header_hash
        source.slot = slot
        self._news += 1

    def has_served(self, record: "Record") -> bool:
        """Whether this peer has shown us justifications that hold, and none since that does not."""
        return any([source.record is record and source.has_served for source in self._sources])

    def turn(self, now: int) -> bool:
        """What may be done in a turn; whether there may be more at once."""
        quanta = self._node.quanta
        for _ in range(_UNITS_A_TURN):
            if self._source is None and not self._begin(now):
                break
            if not quanta.may(FINALITY, now):
                self._deadline += now - self._last  # it is not the peer that takes the time
                break
            is_more = self._advance(now)
            quanta.charge(FINALITY, now)
            if not is_more:
                break
        else:
            self._last = now
            return True
        self._last = now
        return False

    def tell(self, status: "Status") -> None:
        """Say how far finality is."""
        final = self._node.chain.final
        status.double_votes = len(self.evidence)
        status.final_slot, status.final_hash, status.set_id = -1, "", -1
        status.final = "nothing yet"
        if final is not None:
            status.final_slot, status.final_hash = final.slot, final.header_hash.hex()
            status.set_id = final.set_id
            status.final = "slot %d, set %d" % (final.slot, final.set_id)
        if self.evidence:
            status.final += ", %d voted twice" % len(self.evidence)
        if self.conflicts:
            status.final += ", CONFLICT"

    # whom to ask for what

    def _of(self, record: "Record") -> Source:
        for source in self._sources:
            if source.record is record:
                return source
        known = self._node.peers.records
        self._sources = [source for source in self._sources if source.record in known]
        self._sources.append(Source(record))
        return self._sources[-1]

    def _begin(self, now: int) -> bool:
        node = self._node
        seen = (self._news, node.chain.headers_checked, node.chain.levels.final_slot)
        if node.budgets.is_asleep or (seen == self._looked and not 0 <= self._look_at <= now):
            return False
        self._looked = seen
        self._look_at = -1
        wanted = self._next(now)
        if wanted != NONE:
            source = self._able(wanted, now)
            by = node.chain.voters(wanted)
            if source is not None and by is not None:
                header_hash = node.chain.tree.hash(wanted)
                self._check.begin(by[0], by[1], header_hash)
                self._ask(source, header_hash, now)
                return True
        for source in self._sources:
            if source.header_hash != source.shown and finality.contradicts(
                    node.chain, source.header_hash, source.slot) and self._may_ask(source, now):
                self._is_dispute = True
                self._ask(source, source.header_hash, now)
                return True
        return False

    def _next(self, now: int) -> int:
        # The row of the block whose justification is wanted next, or NONE.
        chain = self._node.chain
        newest, slot = NONE, chain.levels.final_slot
        for source in self._sources:
            if source.slot > slot and source.record.link is not None:
                row = chain.tree.find(source.header_hash)
                if row != NONE and row != chain.tree.root and chain.tree.slots[row] == source.slot:
                    newest, slot = row, source.slot
        if newest == NONE:
            return NONE
        wanted = finality.next_to_prove(chain, newest)
        if wanted != newest or finality.changes_set(chain, wanted) or now >= self._not_before or self._is_awaited():
            return wanted
        self._look_later(self._not_before)
        return NONE

    def _is_awaited(self) -> bool:
        return any([not ask.is_done and getattr(ask, "level", -1) == FINAL for ask in self._node.asks])

    def _able(self, wanted: int, now: int) -> "Source | None":
        # Who has that block final and may be asked now, those first who have served before.
        tree = self._node.chain.tree
        found: "Source | None" = None
        for source in self._sources:
            if source.slot < tree.slots[wanted] or (found is not None and found.has_served):
                continue
            row = tree.find(source.header_hash)
            if row != NONE and tree.descends(row, wanted) and self._may_ask(source, now):
                if found is None or source.has_served:
                    found = source
        return found

    def _may_ask(self, source: Source, now: int) -> bool:
        link = source.record.link
        if link is None or not link.ready or (source.record.inbound and not link.connection.carries_lite_kinds):
            return False  # who dialed us over QUIC need not listen anywhere
        if now >= source.rests_until:
            return True
        self._look_later(source.rests_until)
        return False

    def _look_later(self, at: int) -> None:
        self._look_at = at if self._look_at < 0 else min(at, self._look_at)

    def _ask(self, source: Source, header_hash: bytes, now: int) -> None:
        record = source.record
        assert record.link is not None
        self._source = source
        self._wanted = header_hash
        self._deadline = now + self._node.profile.finality_timeout_ms
        terms = getattr(record.carrier, "terms", None)  # QUIC's carrier has none: there a kind is a byte
        if terms is not None and JUSTIFICATION_REQUEST not in terms.names:
            name = protocol(JUSTIFICATION_REQUEST, self._node.chain.genesis_hash[:4].hex())
            terms.speak(name, JUSTIFICATION_REQUEST, FINALITY)
        self._last = now
        self._is_asked = False
        # A peer may close the connection for a kind that it does not serve: not the one that follows the chain.
        is_apart = not source.has_served and not record.link.connection.carries_lite_kinds
        self._connection = record.carrier.dial_for_state(record, now) if is_apart else record.link.connection

    # one exchange

    def _advance(self, now: int) -> bool:
        source, connection = self._source, self._connection
        assert source is not None and connection is not None
        try:
            if not self._is_asked:
                return self._open(connection, source, now)
            self._request.deadline = self._deadline
            event = self._request.poll(now)
        except RemoteError as error:
            self._failed(now)
            if error.code == TIMED_OUT:
                source.record.stalls += 1
            else:
                self.refused += 1
                source.has_served = False
                self._node.blame(source.record, error)
            return True
        except BudgetError as error:
            self._node.on_event("budget", {"limit": error.limit, "reason": str(error)})
            self._failed(now)
            return True
        if event == DONE:
            self._succeeded(source, now)
            return True
        if event == REFUSED or event == LOST:
            source.record.declined += 1
            self._failed(now)
        return event == MORE

    def _open(self, connection: "Connection", source: Source, now: int) -> bool:
        if connection.state == CLOSED or now >= self._deadline or source.record.link is None:
            source.record.declined += 1
            self._failed(now)
            return True
        stream = connection.open(JUSTIFICATION_REQUEST) if connection.state == READY else None
        if stream is None:
            return False
        sink: "JustificationSink" = self._check
        if self._is_dispute:
            sink = Disputed(self._node.chain, self._check, self._wanted)
        elif self.keeper is not None:
            sink = self.keeper.over(sink)
        self._request.begin(stream, self._wanted, sink, self._deadline)
        self._is_asked = True
        return True

    def _failed(self, now: int) -> None:
        self._rest(self._end(), now)

    def _rest(self, source: Source, now: int) -> None:
        profile = self._node.profile
        wait = profile.peer_retry_ms << min(source.failures, _MOST_DOUBLINGS)
        source.failures += 1
        source.rests_until = now + min(wait, profile.peer_retry_max_ms)

    def _end(self) -> Source:
        source, connection = self._source, self._connection
        assert source is not None and connection is not None
        self._request.cancel()
        link = source.record.link
        if (link is None or connection is not link.connection) and connection.state != CLOSED:
            connection.close(CANCELLED, "")
        self._source = self._connection = None
        self._is_dispute = False
        self._look_at = 0
        return source

    def _succeeded(self, source: Source, now: int) -> None:
        check, chain, profile = self._check, self._node.chain, self._node.profile
        is_dispute = self._is_dispute
        self._end()
        failures, source.failures = source.failures, 0
        source.has_served = True
        self.proved += 1
        for voter, one, other in check.evidence:
            self._put(self.evidence, (check.set_id, check.round, voter, one, other))
            self._node.on_event("voted_twice", {"set_id": check.set_id, "round": check.round, "voter": voter,
                                                "slot": check.slot})
        if is_dispute:
            source.shown = self._wanted
            if finality.contradicts(chain, check.header_hash, check.slot):
                self._put(self.conflicts, (check.slot, check.header_hash))
                self._node.on_event("conflict", {
                    "slot": check.slot, "hash": check.header_hash, "set_id": check.set_id,
                    "why": "proved final, as ours is: more than a third of the validators are dishonest"})
            return
        row = chain.tree.find(self._wanted)
        if row == NONE:
            return  # another branch has become final, or the root has passed it
        if chain.tree.slots[row] != check.slot:
            self._node.blame(source.record, RemoteError(MALFORMED, "a final vote names another slot than its header"))
            return
        source.record.proved += 1
        if not chain.finalize(row, check.state_root, check.support, check.set_id):
            if check.slot > chain.levels.final_slot:  # what is vouched for says otherwise; it would be next at once
                self._put(self.conflicts, (check.slot, check.header_hash))
                source.failures = failures
                self._rest(source, now)
            return
        if self.keeper is not None:
            self.keeper.keep(self._wanted)
        if profile.finality_rate:
            self._not_before = now + self._request.received_bytes * 1000 // profile.finality_rate

    def _put(self, kept: "list", one: "tuple") -> None:
        if len(kept) >= self._most:
            kept.pop(0)
        if one not in kept:
            kept.append(one)

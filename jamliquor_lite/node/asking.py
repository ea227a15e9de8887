"""A question about state, put to one peer after another until one of them proves an answer."""

from ..chain.levels import NAMES
from ..const import const
from ..errors import BudgetError, LocalError, RemoteError
from ..jam.events import DONE, LOST, MORE, REFUSED
from ..jam.kinds import STATE_REQUEST, UNSUPPORTED
from ..ports.tcp import Waker
from ..sync.query import Query, choose
from ..transport.states import CLOSED, READY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..sync.query import Answer, Commitment
    from .carrier import Connection
    from .node import Node
    from .peers import Record


_AFTERMATH_MS = const(500)  # after a reset: is the stream declined, or is the connection about to be closed?
_CLOSES = "it closes connections that ask for state"
_DECLINES = const(2)  # times that a peer is asked again after it declined, each for a newer state


class Ask:
    """Steps when the node turns, until `is_done`: `answer` is there, or `error` says why there is none.

    A peer may end the whole connection on a kind it does not serve, so state is asked on a connection of its own,
    never on the one that follows the chain. A peer that proves nothing is left and blamed.
    """

    def __init__(self, node: "Node", start: bytes, end: bytes, level: int, support: int, deadline: int,
                 of: "Record | None" = None) -> None:
        self.is_done = False
        self.answer: "Answer | None" = None
        self.error: "LocalError | BudgetError | None" = None
        self._waker = Waker()  # of whoever waits for the answer
        self._node = node
        self._start, self._end = start, end
        self.level, self._support = level, support
        self._deadline = deadline
        self._of = of
        self._query = node.queries.pop() if node.queries else Query(node.profile)
        self._tried: "list[Record]" = []
        self._declined: "list[Record]" = []
        self._reasons: "list[str]" = []
        self._record: "Record | None" = None
        self._connection: "Connection | None" = None
        self._commitment: "Commitment | None" = None
        self._asked = False
        self._refused_at = -1

    @property
    def ends_at(self) -> int:
        """When its time is over, in ms of the node's clock; -1 once it has its answer."""
        return -1 if self.is_done else self._deadline

    async def result(self) -> "Answer":
        """The answer, once it is there, or the LocalError. Who stops waiting for it stops the asking."""
        try:
            while not self.is_done:
                await self._waker.wait(-1)
        finally:
            self.cancel()
        if self.error is not None:
            raise self.error
        assert self.answer is not None
        return self.answer

    def cancel(self) -> None:
        """Ask no further."""
        self.refuse(LocalError("nobody waits for the answer any more"))

    def refuse(self, error: "LocalError | BudgetError") -> None:
        """It cannot be answered any more, and this is why."""
        if not self.is_done:
            self._end_query()
            self._settle(None, error)

    def step(self, now: int) -> bool:
        """One unit of work; whether there may be more at once."""
        if self.is_done:
            return False
        if now >= self._deadline:
            self._fail()
            return False
        try:
            if self._record is None:
                return self._next_peer(now)
            return self._advance(now)
        except LocalError as error:
            self._end_query()
            self._settle(None, error)
        except RemoteError as error:
            self._node.refused_answers += 1
            self._node.blame(self._record, error)
            self._give_up(str(error))
        return True

    def _next_peer(self, now: int) -> bool:
        if self._node.catching_up:
            return False
        found = choose(self._node.chain, self.level, self._support)
        if found is None:
            return False
        if self._commitment is not None and found.by_slot > self._commitment.by_slot:
            self._ask_again()
        self._commitment = found
        able = [record for record in self._node.peers.for_state() if self._of in (None, record)]
        for record in able:
            if record not in self._tried:
                self._record = record
                self._tried.append(record)
                self._connection = self._node.state_connection(record, now)
                self._asked = False
                self._refused_at = -1
                return True
        if not able and not self._tried:
            self._reasons.append("unavailable upstream: none of %d peers serves state" % len(self._node.peers.records))
        if not able or all(r in self._tried and self._declined.count(r) not in range(1, _DECLINES + 1) for r in able):
            self._fail()
        return False

    def _ask_again(self) -> None:
        # Peers keep recent states only: who declined for an old one may have the new one.
        again = [record for record in self._declined if self._declined.count(record) <= _DECLINES]
        self._tried = [record for record in self._tried if record not in again]

    def _advance(self, now: int) -> bool:
        connection, record = self._connection, self._record
        assert connection is not None and record is not None and self._commitment is not None
        if self._refused_at >= 0:
            return self._aftermath(connection, record, now)
        if not self._asked:
            if connection.state == CLOSED:
                self._give_up(connection.close_reason or "the connection closed")
                return True
            if connection.state != READY:
                return False
            stream = connection.open(STATE_REQUEST)
            if stream is None:
                return False
            until = min(self._deadline, now + self._node.profile.state_sync_timeout_ms)
            self._query.begin(stream, self._commitment, self._start, self._end, until)
            self._asked = True
        event = self._query.poll(now)
        if event == DONE:
            answer = self._query.answer
            assert answer is not None
            answer.peer = record.name
            record.serves_state = True
            record.proved += 1
            self._node.proved_answers += 1
            self._settle(answer, None)
        elif event == REFUSED and connection.carries_lite_kinds and self._query.reset_code == UNSUPPORTED:
            # Asked again next time: it costs a stream, and a gateway may have found an upstream that serves it.
            self._give_up("unavailable upstream: it does not serve state")
        elif event == REFUSED:
            self._refused_at = now
        elif event == LOST:
            self._unavailable(record, _CLOSES)
        return event == MORE

    def _aftermath(self, connection: "Connection", record: "Record", now: int) -> bool:
        # A kind that is not served may be answered by a reset and then, in another datagram, by closing.
        if connection.state == CLOSED:
            self._unavailable(record, _CLOSES)
        elif now - self._refused_at < _AFTERMATH_MS:
            return False
        else:
            record.declined += 1
            self._declined.append(record)
            self._give_up("declined, or has not that state")
        return True

    def _unavailable(self, record: "Record", why: str) -> None:
        record.declined += 1
        if record.serves_state is None:
            record.serves_state = False
        self._give_up("unavailable upstream: " + why)

    def _give_up(self, why: str) -> None:
        name = self._record.name if self._record else "nobody"
        reason = "%s: %s" % (name[:12], why)
        if reason not in self._reasons:
            self._reasons.append(reason)
        self._record = None

    def _end_query(self) -> None:
        if self._asked:
            self._query.cancel()

    def _fail(self) -> None:
        self._end_query()
        if not self._reasons and self._commitment is None and self._node.catching_up:
            text = "still catching up: at slot %d, with %d of %d peers connected" % (
                self._node.chain.best_slot, self._node.peers.connected, len(self._node.peers.records))
        elif not self._reasons and self._commitment is None:
            text = "no header is %s yet%s" % (
                NAMES[self.level],
                " with support %d" % self._support if self._support else "")
        else:
            why = "; ".join(self._reasons) or "no answer within the time allowed"
            text = "no peer gave a proved answer: %s" % why
        self._settle(None, LocalError(text))

    def _settle(self, answer: "Answer | None", error: "LocalError | BudgetError | None") -> None:
        self.answer, self.error = answer, error
        self.is_done = True
        self._node.queries.append(self._query)
        self._waker.wake()

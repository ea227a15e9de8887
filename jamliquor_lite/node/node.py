"""The node: its carriers, the peers behind them, one chain. A turn does bounded work (turn.py) and then waits for a
link, or until the budget allows more."""

import asyncio

from ..budget.budgets import Budgets
from ..budget.classes import GOSSIP, HANDSHAKES, HEADERS, SERVING
from ..budget.slots import OUTBOUND, TRUSTED
from ..budget.times import earlier
from ..chain import slots
from ..chain.header import Header, announced_slot
from ..chain.light import ADDED, LightChain
from ..const import const
from ..errors import BudgetError, LocalError, RemoteError
from ..jam.kinds import OVERSIZE, TIMED_OUT
from ..ports import clock
from ..ports.tcp import Waker
from ..sync.follow import Follower
from ..transport.states import CLOSED
from .carrier import Refusals
from .link import PeerLink
from .peers import Peers, Record
from .told import tell
from .turn import Quanta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Awaitable, Callable

    from ..budget.profile import Profile
    from ..chain.checkpoint import Checkpoint
    from ..chain.long_header import LongHeaders
    from ..sync.query import Answer, Query
    from .alarm import Alarm
    from .asking import Ask
    from .carrier import Carrier, Connection
    from .finality import Finality
    from .flash import Flash
    from .mode import Mode
    from .silence import Silence

_IDLE_MS = const(1000)  # the longest wait: a slot may have come for a header that was early


class Node:
    """`on_event(name, fields)` hears what happens. `attach` the carriers, then `open`, then `run`.

    `bytes_in` and `bytes_out` count UDP and TCP payload. With `flash`, sets and long headers go there, and the
    checkpoint is saved by its keeper instead of `save`. `budgets` are what the carriers have as well.
    """

    def __init__(self, checkpoint: "Checkpoint", profile: "Profile", chain_name: str,
                 on_event: "Callable[[str, dict[str, Any]], None]", save: "Callable[[Checkpoint], None] | None" = None,
                 flash: "Flash | None" = None, budgets: "Budgets | None" = None) -> None:
        self.profile = profile
        self.budgets = budgets or Budgets(profile, clock.cpu_us)
        self.chain_name = chain_name
        self.on_event = on_event
        self.chain = LightChain(checkpoint, profile, self._chain_event, sets=flash.sets if flash else None,
                                rows=flash.rows if flash else None)
        self.long_headers: "LongHeaders | None" = None
        if flash is not None and flash.scratch is not None:
            from ..chain.long_header import LongHeaders

            self.long_headers = LongHeaders(self.chain, flash.scratch, profile, clock.ticks_ms, self.now_slot)
        self.follower = Follower(self.chain, profile, self.header_added, self.long_headers)
        self.peers = Peers(profile, self.budgets.slots)
        self.peers_declined = self.peers_evicted = 0  # strangers for whom there was no slot, and who went for another
        self.proved_answers = self.refused_answers = self.turns = self.busy_ms = 0  # the time that turns took
        self._save = save
        self.flash = flash
        self._saved_at = 0
        self._root_moved = False
        self.carriers: "list[Carrier]" = []
        self._waker = Waker()
        self._pause: "Waker | None" = None  # that no link wakes, where processor time has a limit
        self.asks: "list[Ask]" = []
        self.watches = 0  # of them, those that are watch lists (watching.py)
        self.queries: "list[Query]" = []  # made for questions that are over, and used again
        self.state_connections: "dict[str, Connection]" = {}
        self._refusals = Refusals()
        self._retry_slot = self._retries = 0  # headers that were early, and are offered again in this slot
        self._announce: "bytes | None" = None
        self._announced_by: "PeerLink | None" = None
        self.quanta = Quanta(self)
        self.mode: "Mode | None" = None  # where there are caps, or somebody chose one
        self.alarm: "Alarm | Silence | None" = None  # where silence and clocks are watched
        self.finality: "Finality | None" = None  # on hosts, where the chain names a format that we check

    # what a node that does more than follow (a gateway) overrides

    def make_link(self, record: "Record", connection: "Connection", now: int) -> PeerLink:
        """What is done with a connection that stands, or is on its way."""
        return PeerLink(self, record, connection, now)

    def header_added(self, header: Header) -> None:
        """The chain took this header. Its bytes are gone after the call."""

    def pass_on(self, data: bytes, source: "PeerLink | None") -> None:
        """There is a new best header, which `source` announced."""
        for record in self.peers.records:
            if record.link is not None and record.link.ready and record.link is not source:
                record.link.announce(data)

    def work(self, now: int) -> bool:
        """What else there is to do in a turn; whether there may be more at once."""
        return False

    def work_at(self, now: int) -> int:
        """When `work` is due at the latest (ms), or -1."""
        return -1

    # what others read

    @property
    def addresses(self) -> "list[str]":
        """Where the carriers listen."""
        return [address for carrier in self.carriers for address in carrier.addresses]

    @property
    def bytes_in(self) -> int:
        return sum(carrier.bytes_in for carrier in self.carriers)

    @property
    def bytes_out(self) -> int:
        return sum(carrier.bytes_out for carrier in self.carriers)

    def now_slot(self) -> int:
        """The wall clock's slot, or -1 where it is unknown or the chain is its own clock."""
        return slots.UNKNOWN if self.chain.clock_chain else slots.slot_at(clock.wall_seconds(), self.chain.spec)

    @property
    def catching_up(self) -> bool:
        """Nobody whose heads we have all seen is connected: what we would answer from may be long gone elsewhere."""
        return not any(record.link is not None and record.link.settled for record in self.peers.records)

    def final(self) -> "tuple[bytes, int]":
        """What we tell peers is final. We do not know more, and claim no more."""
        return self.chain.final_or_root()

    def leaves(self) -> "list[tuple[bytes, int]]":
        """Heads of the tree for an UP 0 handshake, the best one first."""
        tree = self.chain.tree
        return [(tree.hash(row), tree.slots[row]) for row in tree.heads()[: self.profile.leaves]]

    def hash_of(self, data: "bytes | bytearray | memoryview", start: int, end: int) -> bytes:
        return Header(self.chain.spec, data, start, end).hash

    # what peers bring

    def offer(self, data: "bytes | bytearray | memoryview", start: int, end: int, source: "PeerLink") -> int:
        """Check a header that `source` announced; pass it on to the others when it is the new best one."""
        before = self.chain.tree.best
        outcome = self.follower.offer(data, start, end, self.now_slot())
        if self.alarm is not None:
            self.alarm.heard(source.record.name, announced_slot(data, start))
        if outcome == ADDED:
            source.record.firsts += 1
            if self.chain.tree.best != before:
                self._announce = bytes(memoryview(data)[start:end])
                self._announced_by = source
        return outcome

    def blame(self, record: "Record | None", error: "RemoteError") -> None:
        """A state answer was at fault: leave the peer, on both connections, unless it was only slow."""
        if record is None:
            return
        record.blamed += 1
        self.on_event("refused", {"peer": record.name, "reason": str(error)})
        if error.code == TIMED_OUT:
            return
        connection = self.state_connections.pop(record.name, None)
        for gone in (connection, record.link.connection if record.link else None):
            if gone is not None:
                gone.close(error.code, str(error)[:100])

    def _chain_event(self, name: str, row: int) -> None:
        if name == "root":
            self._root_moved = True
        if name not in self.chain.quiet:
            tell(self, name, row)

    # connections

    def attach(self, carrier: "Carrier") -> None:
        """Use this network too. Before `open`."""
        self.carriers.append(carrier)
        carrier.evict = self._evict

    def add_peer(self, name: str, host: str, port: int, is_spare: bool = False) -> "Record":
        """Dial this peer from now on; a spare one when there are too few others. LocalError when no carrier reaches it
        or max_peers are known already."""
        for carrier in self.carriers:
            if carrier.carries(name):
                record = self.peers.add(name, host, port, carrier, OUTBOUND if is_spare else TRUSTED)
                if record is None:
                    raise LocalError("peer %s…: %d peers are known, max_peers allows no more" % (
                        name[:12], len(self.peers.records)), 2)
                return record
        raise LocalError("peer %s…: the network it is on is not in use" % name[:12], 2)

    def share(self, waker: Waker) -> None:
        """Wait on this one, which others wake as well. Before `open`."""
        self._waker = waker

    def open(self) -> None:
        """Bind the carriers. LocalError when an address cannot be had."""
        for carrier in self.carriers:
            carrier.open(self._waker)

    def state_connection(self, record: "Record", now: int) -> "Connection":
        """The connection on which this peer is asked for state."""
        connection = self.state_connections.get(record.name)
        if connection is None or connection.state == CLOSED:
            connection = record.carrier.dial_for_state(record, now)
            self.state_connections[record.name] = connection
        return connection

    async def ask(self, start: bytes, end: bytes, level: int, support: int, timeout_ms: int,
                  of: "Record | None" = None) -> "Answer":
        """A proved answer about the keys from `start` to `end`, or a LocalError that says why there is none.

        `of`: the one peer to ask; else one after the other."""
        return await self.begin_ask(start, end, level, support, timeout_ms, of).result()

    def begin_ask(self, start: bytes, end: bytes, level: int, support: int, timeout_ms: int,
                  of: "Record | None" = None) -> "Ask":
        """The same for callers that look every turn whether it `is_done`."""
        if self.mode is not None:
            self.mode.asked(self, clock.ticks_ms())
        self.asks = [ask for ask in self.asks if not ask.is_done]
        if len(self.asks) >= self.profile.asks + self.watches:
            raise BudgetError("asks", "%d questions are open already" % len(self.asks))
        from .asking import Ask  # a board that nobody asks does without

        ask = Ask(self, start, end, level, support, clock.ticks_ms() + timeout_ms, of)
        self.asks.append(ask)
        self._waker.wake()
        return ask

    # turns

    async def run(self, stop: "asyncio.Event") -> None:
        """Follow until `stop` is set, then say goodbye and save. The entry point has run `crypto.suite.self_test`."""
        waiter = asyncio.create_task(self._wake_on(stop))
        try:
            while not stop.is_set():
                await self.rest(self.turn(clock.ticks_ms()))
                await asyncio.sleep(0)  # let the callers of `ask` have their answers
        finally:
            waiter.cancel()
            self.close()

    def rest(self, busy: bool, at_most_ms: int = -1) -> "Awaitable[None]":
        """To be awaited between turns: until something comes or is due, at most so long. `busy` is what `turn` said."""
        now = clock.ticks_ms()
        wait = 0 if busy else self._wake_at(now) - now
        pause = 0 if busy else self.quanta.rest_ms()
        if at_most_ms >= 0:
            wait, pause = min(wait, at_most_ms), min(pause, at_most_ms)
        return self._rest(pause, max(0, wait - pause)) if pause else self._waker.wait(wait)

    async def _rest(self, pause: int, wait: int) -> None:
        self._pause = self._pause or Waker()
        await self._pause.wait(pause)
        await self._waker.wait(wait)

    async def _wake_on(self, stop: "asyncio.Event") -> None:
        await stop.wait()
        for waker in (self._waker, self._pause):
            if waker is not None:
                waker.wake()

    def turn(self, now: int) -> bool:
        """Read what has come, work a bounded amount, send what is due. Whether work is left."""
        quanta = self.quanta
        quanta.begin(now)
        for carrier in self.carriers:
            carrier.receive(now)
        record = self.peers.due(now) if not self.budgets.is_asleep else None
        if record is not None:
            self.follow(record, record.carrier.dial(record, now), now)
        for carrier in self.carriers:
            connection = carrier.accept()
            if connection is not None and connection.state != CLOSED:
                from . import admission  # a board that nobody dials does without

                admission.accept(self, carrier, connection, now)
        reason = self._refusals.take(self.carriers, now)
        if reason:
            self.on_event("turned_away", {"reason": reason})
        quanta.charge(HANDSHAKES, now)
        busy = self.finality is not None and self.finality.turn(now)
        busy = quanta.links(HEADERS, now) or busy
        busy = quanta.asks(now) or busy
        busy = quanta.links(SERVING, now) or busy
        busy = quanta.links(GOSSIP, now) or busy
        busy = self.work(now) or busy
        quanta.charge(GOSSIP, now)
        self._pass_on()
        self._retry(now)
        for carrier in self.carriers:
            carrier.flush(now)
        self._checkpoint(now)
        if self.mode is not None:
            self.mode.turn(self, now)
        if self.alarm is not None:
            self.alarm.turn(self, now)
        quanta.end(now)
        self.turns += 1
        self.busy_ms += clock.ticks_ms() - now
        return busy

    def follow(self, record: "Record", connection: "Connection", now: int) -> None:
        """This is the connection with that peer from now on."""
        if not record.inbound:
            connection.cls = HEADERS
        record.since = now
        record.link = self.make_link(record, connection, now)

    def serve(self, record: "Record", cls: int, now: int) -> bool:
        """One unit of work of this class with a peer; whether there may be more. Ends what has to end."""
        link = record.link
        if link is None:
            return False
        try:
            return link.work(cls, now)
        except RemoteError as error:
            link.connection.close(error.code, str(error)[:100])
            link.close()
            record.stalls += error.code == TIMED_OUT
            self.peers.failed(record, str(error), now)
            self.on_event("peer_left", {"peer": record.name, "reason": str(error)})
        except BudgetError as error:
            self.on_event("budget", {"limit": error.limit, "reason": str(error)})
            if not error.limit.startswith("tree_"):  # a full tree drops one header; other bounds end the exchange
                link.connection.close(OVERSIZE, str(error)[:100])
        return False

    def leave_all(self, reason: str, now: int) -> None:
        """Close every connection, and hold it against nobody."""
        from . import admission

        admission.leave_all(self, reason, now)

    def _evict(self, now: int) -> "Connection | None":
        from . import admission

        return admission.evict(self, now)

    def _pass_on(self) -> None:
        data, self._announce = self._announce, None
        if data is not None:
            self.pass_on(data, self._announced_by)

    def _retry(self, now: int) -> None:
        slot = self.now_slot()
        if slot != self._retry_slot:
            self._retry_slot = slot
            self._retries = self.follower.held
        while self._retries > 0 and self.follower.held and self.quanta.may(HEADERS, now):
            self._retries -= 1
            self.follower.retry(slot)
            self.quanta.charge(HEADERS, now)

    def _wake_at(self, now: int) -> int:
        at = earlier(now + _IDLE_MS, earlier(self.work_at(now), self.quanta.wake_at(now)))
        for carrier in self.carriers:
            at = earlier(at, carrier.watch(now))
        if not self.budgets.is_asleep:
            at = earlier(at, self.peers.next_at())
        for ask in self.asks:
            at = earlier(at, ask.ends_at)
        return max(now, at)

    def _checkpoint(self, now: int) -> None:
        if self._root_moved and now - self._saved_at >= self.profile.checkpoint_interval_ms:
            self.save(now)

    def save(self, now: int) -> None:
        """Write the checkpoint, if there is anywhere to write it and anything new to say."""
        if self._root_moved and (self._save is not None or self.flash is not None):
            if self.flash is not None:
                self.flash.keeper.save(self.chain.checkpoint())
            elif self._save is not None:
                self._save(self.chain.checkpoint())
            self._root_moved = False
            self._saved_at = now

    def close(self) -> None:
        """Close every connection, tell the peers, save, give the sockets back."""
        now = clock.ticks_ms()
        for carrier in self.carriers:
            carrier.close()
            carrier.flush(now)
        self.save(now)
        for carrier in self.carriers:
            carrier.release()
        if self.mode is not None:
            self.mode.close()

"""The node: its carriers, the peers behind them, one chain. A turn does bounded work and then waits for a link."""

import asyncio

from ..chain import slots
from ..chain.header import Header
from ..chain.light import ADDED, LightChain
from ..const import const
from ..errors import BudgetError, LocalError, RemoteError
from ..jam.kinds import OVERSIZE, TIMED_OUT
from ..ports import clock
from ..ports.tcp import Waker
from ..sync.follow import Follower
from ..transport.states import CLOSED
from .carrier import Refusals, earliest
from .link import PeerLink
from .peers import Peers, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ..budget.profile import Profile
    from ..chain.checkpoint import Checkpoint
    from ..chain.long_header import LongHeaders
    from ..sync.query import Answer, Query
    from .asking import Ask
    from .carrier import Carrier, Connection
    from .flash import Flash

_UNITS_A_TURN = const(32)  # of work for each peer before the link is looked at again: 32 headers are about 100 ms
_IDLE_MS = const(1000)  # the longest wait: a slot may have come for a header that was early


class Node:
    """`on_event(name, fields)` hears what happens. `attach` the carriers, then `open`, then `run`.

    `bytes_in` and `bytes_out` count UDP and TCP payload. With `flash`, sets and long headers go there, and the
    checkpoint is saved by its keeper instead of `save`.
    """

    def __init__(self, checkpoint: "Checkpoint", profile: "Profile", chain_name: str,
                 on_event: "Callable[[str, dict[str, Any]], None]", save: "Callable[[bytes], None] | None" = None,
                 flash: "Flash | None" = None) -> None:
        self.profile = profile
        self.chain_name = chain_name
        self.on_event = on_event
        self.chain = LightChain(checkpoint, profile, self._chain_event, sets=flash.sets if flash else None,
                                rows=flash.rows if flash else None)
        self.long_headers: "LongHeaders | None" = None
        if flash is not None and flash.scratch is not None:
            from ..chain.long_header import LongHeaders

            self.long_headers = LongHeaders(self.chain, flash.scratch, profile, clock.ticks_ms, self.now_slot)
        self.follower = Follower(self.chain, profile, self.header_added, self.long_headers)
        self.peers = Peers(profile)
        self.proved_answers = self.refused_answers = 0
        self.turns = self.busy_ms = 0  # turns that were completed, and the time that they took
        self._save = save
        self._flash = flash
        self._saved_at = 0
        self._root_moved = False
        self.carriers: "list[Carrier]" = []
        self._waker = Waker()
        self._asks: "list[Ask]" = []
        self._queries: "list[Query]" = []  # made for questions that are over, and used again
        self._state_connections: "dict[str, Connection]" = {}
        self._refusals = Refusals()
        self._retry_slot = 0
        self._announce: "bytes | None" = None
        self._announced_by: "PeerLink | None" = None

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

    @property
    def clock_name(self) -> str:
        if self.chain.clock_chain:
            return "chain"
        return "unknown" if clock.wall_seconds() is None else "set(system)"

    def now_slot(self) -> int:
        """The wall clock's slot, or -1 where it is unknown or the chain is its own clock."""
        return slots.UNKNOWN if self.chain.clock_chain else slots.slot_at(clock.wall_seconds(), self.chain.spec)

    @property
    def catching_up(self) -> bool:
        """Nobody whose heads we have all seen is connected: what we would answer from may be long gone elsewhere."""
        return not any(record.link is not None and record.link.settled for record in self.peers.records)

    def final(self) -> "tuple[bytes, int]":
        """What we tell peers is final: the root. We do not know more, and claim no more."""
        tree = self.chain.tree
        return tree.hash(tree.root), tree.slots[tree.root]

    def leaves(self) -> "list[tuple[bytes, int]]":
        """Heads of the tree for an UP 0 handshake, the best one first."""
        tree = self.chain.tree
        heads = [tree.best] + [r for r in range(tree.top) if tree.flags[r] and not tree.children[r] and r != tree.best]
        return [(tree.hash(row), tree.slots[row]) for row in heads[: self.profile.leaves]]

    def hash_of(self, data: "bytes | bytearray | memoryview", start: int, end: int) -> bytes:
        return Header(self.chain.spec, data, start, end).hash

    # what peers bring

    def offer(self, data: "bytes | bytearray | memoryview", start: int, end: int, source: "PeerLink") -> int:
        """Check a header that `source` announced; pass it on to the others when it is the new best one."""
        before = self.chain.tree.best
        outcome = self.follower.offer(data, start, end, self.now_slot())
        if outcome == ADDED and self.chain.tree.best != before:
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
        connection = self._state_connections.pop(record.name, None)
        for gone in (connection, record.link.connection if record.link else None):
            if gone is not None:
                gone.close(error.code, str(error)[:100])

    def _chain_event(self, name: str, row: int) -> None:
        tree = self.chain.tree
        if name == "root":
            self._root_moved = True
        fields: "dict[str, Any]" = {"slot": tree.slots[row], "hash": tree.hash(row)}
        if name in ("keys_adopted", "tickets_adopted"):
            fields["blocks_on_top"] = tree.between(tree.best, row)
        if name == "best":
            fields["level"] = self.chain.levels.name(row)
            fields["ticket"] = self.chain.is_ticketed(row)
        self.on_event(name, fields)

    # connections

    def attach(self, carrier: "Carrier") -> None:
        """Use this network too. Before `open`."""
        self.carriers.append(carrier)

    def add_peer(self, name: str, host: str, port: int) -> "Record":
        """Dial this peer from now on. LocalError when no carrier reaches it or max_peers are known already."""
        for carrier in self.carriers:
            if carrier.carries(name):
                record = self.peers.add(name, host, port, carrier)
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
        connection = self._state_connections.get(record.name)
        if connection is None or connection.state == CLOSED:
            connection = record.carrier.dial_for_state(record, now)
            self._state_connections[record.name] = connection
        return connection

    async def ask(self, start: bytes, end: bytes, level: int, support: int, timeout_ms: int,
                  of: "Record | None" = None) -> "Answer":
        """A proved answer about the keys from `start` to `end`, or a LocalError that says why there is none.

        `of`: the one peer to ask; else one after the other."""
        return await self.begin_ask(start, end, level, support, timeout_ms, of).result()

    def begin_ask(self, start: bytes, end: bytes, level: int, support: int, timeout_ms: int,
                  of: "Record | None" = None) -> "Ask":
        """The same for callers that look every turn whether it `is_done`."""
        self._asks = [ask for ask in self._asks if not ask.is_done]
        if len(self._asks) >= self.profile.asks:
            raise BudgetError("asks", "%d questions are open already" % len(self._asks))
        from .asking import Ask  # a board that nobody asks does without

        ask = Ask(self, start, end, level, support, clock.ticks_ms() + timeout_ms, of)
        self._asks.append(ask)
        self._waker.wake()
        return ask

    def lend_query(self) -> "Query":
        """What a question is put with; the asker gives it back by `take_query` when it is idle."""
        if self._queries:
            return self._queries.pop()
        from ..sync.query import Query

        return Query(self.profile)

    def take_query(self, query: "Query") -> None:
        """The question is over."""
        self._queries.append(query)

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

    async def rest(self, busy: bool, at_most_ms: int = -1) -> None:
        """Between two turns: wait until something comes or is due, at most so long. `busy` is what `turn` said."""
        wait = 0 if busy else self._wait(clock.ticks_ms())
        await self._waker.wait(wait if at_most_ms < 0 else min(wait, at_most_ms))

    async def _wake_on(self, stop: "asyncio.Event") -> None:
        await stop.wait()
        self._waker.wake()

    def turn(self, now: int) -> bool:
        """Read what has come, work a bounded amount, send what is due. Whether work is left."""
        for carrier in self.carriers:
            carrier.receive(now)
        self._dial(now)
        for carrier in self.carriers:
            self._accept(carrier, now)
        reason = self._refusals.take(self.carriers, now)
        if reason:
            self.on_event("turned_away", {"reason": reason})
        busy = False
        for record in list(self.peers.records):
            if record.link is not None:
                busy = self._serve(record, now) or busy
        for ask in self._asks:
            for _ in range(_UNITS_A_TURN):
                if not ask.step(now):
                    break
            else:
                busy = True
        busy = self.work(now) or busy
        self._pass_on()
        self._retry()
        for carrier in self.carriers:
            carrier.flush(now)
        self._checkpoint(now)
        self.turns += 1
        self.busy_ms += clock.ticks_ms() - now
        return busy

    def _serve(self, record: "Record", now: int) -> bool:
        link = record.link
        assert link is not None
        try:
            for _ in range(_UNITS_A_TURN):
                if not link.poll(now):
                    return False
        except RemoteError as error:
            link.connection.close(error.code, str(error)[:100])
            link.close()
            self.peers.failed(record, str(error), now)
            self.on_event("peer_left", {"peer": record.name, "reason": str(error)})
            return False
        except BudgetError as error:
            self.on_event("budget", {"limit": error.limit, "reason": str(error)})
            if not error.limit.startswith("tree_"):  # a full tree drops one header; other bounds end the exchange
                link.connection.close(OVERSIZE, str(error)[:100])
            return False
        return True

    def _dial(self, now: int) -> None:
        record = self.peers.due(now)
        if record is not None:
            connection = record.carrier.dial(record, now)
            record.link = self.make_link(record, connection, now)

    def _accept(self, carrier: "Carrier", now: int) -> None:
        connection = carrier.accept()
        if connection is None or connection.state == CLOSED:
            return
        name = connection.peer_name
        known = self.peers.named(name)
        record = known or self.peers.add(name, connection.addr[0], connection.addr[1], carrier)
        if record is None:
            connection.close(0, "no room for another peer")
            return
        link = record.link
        if link is not None:
            # Both dialed at once: both keep the one that the smaller name began. Later than that we stay with ours:
            # typeberry dials whoever left it, finds another name there than it looked for, and leaves. But a peer that
            # comes again has lost the connection by which it came before: a board that was reset says no goodbye.
            if link.connection.is_dialed and (link.greeted or carrier.name < name):
                connection.close(0, "connected already")
                return
            link.connection.close(0, "connected already")
            link.close()
        record.inbound = known is None or known.inbound
        record.link = self.make_link(record, connection, now)

    def _pass_on(self) -> None:
        data, self._announce = self._announce, None
        if data is not None:
            self.pass_on(data, self._announced_by)

    def _retry(self) -> None:
        slot = self.now_slot()
        if slot != self._retry_slot:
            self._retry_slot = slot
            self.follower.retry(slot)

    def _wait(self, now: int) -> int:
        times = [carrier.watch(now) for carrier in self.carriers]
        times += [self.work_at(now), self.peers.next_at()]
        times += [ask.ends_at for ask in self._asks]
        return max(0, earliest(times, now + _IDLE_MS) - now)

    def _checkpoint(self, now: int) -> None:
        if self._root_moved and now - self._saved_at >= self.profile.checkpoint_interval_ms:
            self.save(now)

    def save(self, now: int) -> None:
        """Write the checkpoint, if there is anywhere to write it and anything new to say."""
        if self._root_moved and (self._save is not None or self._flash is not None):
            if self._flash is not None:
                self._flash.keeper.save(self.chain.checkpoint())
            elif self._save is not None:
                self._save(self.chain.checkpoint().encode())
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

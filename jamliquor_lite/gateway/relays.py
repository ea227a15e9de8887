"""Requests of peers on their way to an upstream (or a gateway that is nearer to one) and back: who waits, who has a
turn, and who sat on it for too long.

A request waits in one queue. Its turn comes when a buffer is free, an upstream has room, and its peer has no more than
its share; so neither many requests of one peer nor slow readers keep the others from theirs.
"""

from ..budget.classes import SERVING
from ..budget.pool import Pool
from ..errors import BudgetError, RemoteError
from ..jam.events import DONE, ENDED, LOST, MORE, NOTHING
from ..jam.kinds import CANCELLED, TIMED_OUT
from ..transport.states import CLOSED, READY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from ..budget.meter import Meter
    from ..budget.profile import Profile
    from ..node.carrier import Connection, KindStream
    from ..node.peers import Record
    from ..node.turn import Quanta
    from .passage import Passage
    from .refetch import Refetch
    from .sources import Sources

    Exchange = Union[Passage, Refetch]

_STEPS_A_TURN = 8  # of one exchange: each moves a chunk at most


class _Relay:
    def __init__(self, owner: object, meter: "Meter", kind: int, exchange: "Exchange", now: int, hops: int) -> None:
        self.owner = owner
        self.origin = owner  # who is not asked, for it is who asks
        self.hops = hops
        self.meter = meter
        self.kind = kind
        self.exchange = exchange
        self.since = now
        self.tried: "list[Record]" = []
        # while it has its turn
        self.record: "Record | None" = None
        self.connection: "Connection | None" = None
        self.chunk: "memoryview | None" = None
        self.is_asking = False
        self.stream: "KindStream | None" = None  # that the exchange has not begun on
        self.preamble = b""  # what is still to be sent on it before
        self.is_leaving = False  # nobody wants the answer any more
        self.is_overdue = False  # and it is to be given up, once nobody else has an answer on its connection
        self.began_at = self.moved_at = now

    def is_opened(self, stream: "KindStream") -> bool:
        """What goes before the request is out."""
        if self.preamble:
            sent = stream.send(self.preamble, 0, len(self.preamble))
            self.preamble = self.preamble[sent:]
        return not self.preamble


class Relays:
    """`done` and `declined` count requests by kind; `passed_bytes` counts what came back through here."""

    def __init__(self, sources: "Sources", profile: "Profile") -> None:
        self.done: dict[int, int] = {}
        self.declined: dict[int, int] = {}
        self.passed_bytes = 0
        self._sources = sources
        self._profile = profile
        self._pool = Pool("relays", profile.relays, profile.relay_chunk_bytes)
        self._waiting: list[_Relay] = []
        self._running: list[_Relay] = []
        self._turned_at = 0
        self.was_put_off = False  # the last turn ended for want of processor time
        self._is_crowded = False  # somebody within its share waits only because others have theirs

    @property
    def count(self) -> int:
        """Requests that are here, waiting or under way."""
        return len(self._waiting) + len(self._running)

    @property
    def is_whole(self) -> bool:
        """Nothing is under way and every buffer is back."""
        return self.count == 0 and self._pool.free == self._pool.count

    @property
    def is_waiting_below(self) -> bool:
        """Some requester's stream was full."""
        return any(relay.exchange.is_waiting_below for relay in self._running)

    def add(self, owner: object, meter: "Meter", kind: int, exchange: "Exchange", now: int, hops: int = 0) -> bool:
        """Take a request; `owner` is its peer's link and `meter` the peer's, `hops` how many gateways it may pass.
        False, and declined: there is no room, or nobody to ask."""
        if len(self._waiting) >= self._profile.relay_queue or not self._sources.may_answer(kind, [], hops, owner):
            self._decline(kind, exchange)
            return False
        self._waiting.append(_Relay(owner, meter, kind, exchange, now, hops))
        return True

    def drop(self, owner: object) -> None:
        """The peer is gone."""
        for relay in [relay for relay in self._running if relay.owner is owner]:
            relay.owner = None
            self._leave(relay, relay.moved_at)
        for relay in [relay for relay in self._waiting if relay.owner is owner]:
            self._waiting.remove(relay)
            relay.exchange.cancel()

    def turn(self, now: int, quanta: "Quanta | None" = None) -> bool:
        """Begin what can begin, move what can move, as far as there is processor time for SERVING. Whether there may
        be more at once."""
        passed, self._turned_at = now - self._turned_at, now
        self._is_crowded = self.was_put_off = False
        for relay in list(self._waiting):
            self._wait(relay, now)
        busy = False
        running = list(self._running)
        for at in range(len(running)):
            if quanta is not None and not quanta.may(SERVING, now):
                self._put_off(running[at:], passed, now)
                return False
            busy = self._move(running[at], now) or busy
            if quanta is not None:
                quanta.charge(SERVING, now)
        return busy

    def _put_off(self, relays: "list[_Relay]", passed_ms: int, now: int) -> None:
        # For them the clock stands still, and they are the first next time.
        self.was_put_off = True
        for relay in relays:
            relay.moved_at = min(now, relay.moved_at + passed_ms)
            relay.began_at = min(now, relay.began_at + passed_ms)
        self._running = relays + [relay for relay in self._running if relay not in relays]

    def wake_at(self, now: int) -> int:
        """When `turn` is due at the latest (ms), or -1."""
        times = [relay.moved_at + self._patience_ms(relay) for relay in self._running if not relay.is_leaving]
        if self._is_crowded:
            times += [relay.began_at + self._profile.relay_timeout_ms for relay in self._running]
        times += [
            relay.began_at + self._profile.state_sync_timeout_ms for relay in self._running
            if relay.is_leaving and not relay.is_overdue
        ]
        times += [relay.since + self._profile.relay_timeout_ms for relay in self._waiting]
        times += [at for at in (relay.meter.wake_at(now) for relay in self._waiting) if at > now]
        return min(times) if times else -1

    def _wait(self, relay: _Relay, now: int) -> None:
        exchange, profile = relay.exchange, self._profile
        if exchange.has_left:
            self._waiting.remove(relay)
            exchange.cancel()
            return
        if now - relay.since > profile.relay_timeout_ms or not self._may_answer(relay):
            self._waiting.remove(relay)
            self._decline(relay.kind, exchange)
            return
        if sum(1 for other in self._running if other.owner is relay.owner) >= profile.relays_per_peer:
            return
        if not relay.meter.ready(now):
            return
        closing = [other.record for other in self._running if other.is_overdue and other.record is not None]
        record = self._sources.choose(relay.kind, relay.tried + closing, now, relay.hops, relay.origin)
        chunk = self._pool.lend() if record is not None else None
        if record is None or chunk is None:
            self._is_crowded = True
            return
        relay.meter.spend(1, now)
        relay.record, relay.chunk = record, chunk
        relay.connection = self._sources.connection(record, now)
        relay.is_asking = False
        relay.preamble = self._sources.preamble(record, relay.kind, relay.hops)
        relay.began_at = relay.moved_at = now
        self._sources.began(record)
        self._waiting.remove(relay)
        self._running.append(relay)

    def _move(self, relay: _Relay, now: int) -> bool:
        """Some steps of one exchange; whether there may be more."""
        assert relay.record is not None
        if not relay.is_leaving and relay.exchange.has_left:
            self._leave(relay, now)
            return True
        if not relay.is_asking and not self._ask(relay, now):
            return False
        before = relay.exchange.passed_bytes
        event = NOTHING
        try:
            for _ in range(_STEPS_A_TURN):
                event = relay.exchange.poll()
                if event != MORE:
                    break
            if event in (NOTHING, MORE):
                self._check_time(relay, event == MORE or relay.exchange.passed_bytes != before, now)
                return event == MORE
        except (RemoteError, BudgetError) as error:
            if isinstance(error, RemoteError):
                self._sources.fault(relay.record, relay.kind, error)
            self._next(relay)
            return True
        finally:
            self.passed_bytes += relay.exchange.passed_bytes - before
        if event == DONE:
            self._sources.answered(relay.record, relay.kind)
            self.done[relay.kind] = self.done.get(relay.kind, 0) + 1
        if event in (DONE, ENDED):
            self._stop(relay)
        else:
            if event == LOST:
                self._sources.lost(relay.record, relay.kind, relay.connection, now)
            else:
                self._sources.declined(relay.record, relay.kind)
            self._next(relay)
        return True

    def _ask(self, relay: _Relay, now: int) -> bool:
        """Open the stream, once the connection stands. Whether it is open."""
        connection = relay.connection
        assert relay.record is not None and relay.chunk is not None
        if connection is None or connection.state == CLOSED:
            self._sources.lost(relay.record, relay.kind, None, now)
            self._next(relay)
            return False
        stream = relay.stream
        if stream is None and connection.state == READY:
            stream = relay.stream = self._sources.open(relay.record, connection, relay.kind)
        if stream is None or not relay.is_opened(stream):
            if now - relay.moved_at > self._profile.handshake_timeout_ms:
                self._next(relay)
            return False
        relay.stream = None
        relay.exchange.begin(stream, relay.chunk)
        relay.is_asking = True
        relay.moved_at = now
        return True

    def _patience_ms(self, relay: _Relay) -> int:
        # How long nothing may move: the reason why not decides.
        profile = self._profile
        if not relay.is_asking:
            return profile.handshake_timeout_ms
        if relay.exchange.is_waiting_below:
            return profile.relay_stall_ms if self._is_crowded else profile.relay_timeout_ms
        return profile.state_sync_timeout_ms

    def _check_time(self, relay: _Relay, has_moved: bool, now: int) -> None:
        if relay.is_leaving:
            if relay.exchange.is_sated or now - relay.began_at > self._profile.state_sync_timeout_ms:
                self._give_up(relay)
            return
        if has_moved:
            relay.moved_at = now
        is_long = self._is_crowded and now - relay.began_at > self._profile.relay_timeout_ms
        if not is_long and now - relay.moved_at <= self._patience_ms(relay):
            return
        if is_long or relay.exchange.is_waiting_below:
            self._leave(relay, now)
            return
        relay.exchange.give_up()
        raise RemoteError(TIMED_OUT, "nothing came for %d ms" % (now - relay.moved_at))

    def _give_up(self, relay: _Relay) -> None:
        # A reset may cost an upstream's connection: those who have an answer on it come first, and nobody is added.
        assert relay.record is not None
        relay.is_overdue = self._sources.is_touchy(relay.record) and any(
            other.connection is relay.connection and other.is_asking and not other.is_leaving
            for other in self._running)
        if not relay.is_overdue:
            relay.exchange.give_up()
            self._stop(relay)

    def _leave(self, relay: _Relay, now: int) -> None:
        # What was asked for is read to its end, for so long as nothing else may take.
        if relay.is_leaving:
            return
        relay.exchange.cancel()
        relay.is_leaving, relay.is_overdue = True, False
        relay.began_at = now
        if not relay.is_asking:
            self._stop(relay)

    def _next(self, relay: _Relay) -> None:
        # This upstream gave nothing: another one, unless the requester has something of it already.
        record = relay.record
        assert record is not None
        self._stop(relay)
        if relay.is_leaving:
            return
        if not relay.exchange.is_fresh:
            relay.exchange.cancel()
            return
        relay.tried.append(record)
        self._waiting.insert(0, relay)

    def _stop(self, relay: _Relay) -> None:
        assert relay.record is not None and relay.chunk is not None
        self._running.remove(relay)
        self._sources.ended(relay.record)
        self._pool.give_back(relay.chunk)
        if relay.stream is not None:
            relay.stream.reset(CANCELLED)
            relay.stream = None
        relay.record = relay.connection = relay.chunk = None

    def _may_answer(self, relay: _Relay) -> bool:
        return self._sources.may_answer(relay.kind, relay.tried, relay.hops, relay.origin)

    def _decline(self, kind: int, exchange: "Exchange") -> None:
        exchange.decline()
        self.declined[kind] = self.declined.get(kind, 0) + 1

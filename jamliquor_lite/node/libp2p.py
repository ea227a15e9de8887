"""The lite network for the node: libp2p over TCP, every buffer lent from two pools that are made once.

A carrier (carrier.py). Peers are named by their peer id. Kinds of JAM streams travel as the protocols of jam/kinds.py;
identify and ping are answered here (services.py). What may be read and sent is said in traffic.py.
"""

from ..budget.budgets import Budgets
from ..budget.classes import HANDSHAKES
from ..budget.pools import Pools
from ..budget.times import earlier
from ..const import const
from ..errors import LocalError
from ..p2p import keys
from ..p2p.identity import Identity
from ..ports import entropy
from ..ports.tcp import CLOSED as LINK_CLOSED
from ..ports.tcp import CONNECTING as LINK_CONNECTING
from ..transport.connection import Connection
from ..transport.noise import StaticKey
from ..transport.shedding import PEER, Shedding
from ..transport.states import CLOSED, CONNECTING, HYBRID, READY
from ..transport.terms import REQUIRE, Terms
from ..transport.upgrade import RANDOM_BYTES
from . import members, services
from . import places as places_of_links
from .members import Member, Order
from .pins import Pins
from .places import Places
from .race import Pace, Race
from .traffic import Traffic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..ports.tcp import Waker
    from .carrier import Evict
    from .peers import Record
    from .places import Listener

_ACCEPTS_A_TURN = const(4)
_PREFIXES = ("1", "Q")  # what a peer id in base 58 begins with


class Libp2pCarrier:
    """`listen`: numeric (host, port) to listen on, port 0 is any. `kinds`: JAM kinds that peers may open here.

    `policy` and `pins` decide who is accepted as classical (transport/terms.py). `genesis8` is "" for a host without a
    chain, which then speaks nothing but ping and identify. `pools` are the host's where it has made them already.
    """

    def __init__(
        self,
        seed: bytes,
        genesis8: str,
        profile: "Profile",
        listen: "list[tuple[str, int]]",
        served: "tuple[int, ...]" = (),
        policy: str = REQUIRE,
        pins: "Pins | None" = None,
        budgets: "Budgets | None" = None,
        pools: "Pools | None" = None,
    ) -> None:
        self.pins = pins or Pins(profile)
        self.pins.policy = policy
        self.budgets = budgets or Budgets(profile)
        self.traffic = Traffic(self.budgets)
        self.refused: "dict[str, int]" = {}  # connections that a rule of ours refused, by rule
        self.last_refusal = ""  # the last one of a peer that dialed us, until somebody empties it
        self.evict: "Evict | None" = None
        self._identity = Identity(seed)
        self.pools = pools or Pools(profile)
        static = StaticKey(self._identity, entropy.random_bytes(32))
        self.terms = Terms(static, profile, self.pools.frames, self.pools.chunks, policy, self.pins.judge)
        self.shedding = Shedding(profile, self.pools.frames, self.pools.chunks)
        services.offer(self.terms)
        self._genesis8 = genesis8
        if genesis8:
            from ..jam import kinds  # a host without a chain need not load it

            for kind in kinds.SPOKEN:
                self.terms.speak(kinds.protocol(kind, genesis8), kind, kinds.class_of(kind, True))
        for kind in served:
            self.serve(kind)
        self._listen = listen
        self._listeners: "list[Listener]" = []
        self._members: "list[Member]" = []
        self._reading, self._sending = Order(), Order()
        self._fresh: "list[Connection]" = []  # inbound and READY, not accepted by the node
        self._pace = Pace()
        self._waker: "Waker | None" = None
        self._is_busy = False

    @property
    def name(self) -> str:
        return self._identity.name

    @property
    def peer_id(self) -> bytes:
        return self._identity.peer_id

    @property
    def identity(self) -> Identity:
        return self._identity

    @property
    def profile(self) -> "Profile":
        return self.budgets.profile

    @property
    def bytes_in(self) -> int:
        return self.traffic.bytes_in

    @property
    def bytes_out(self) -> int:
        return self.traffic.bytes_out

    @property
    def addresses(self) -> "list[str]":
        """Where it listens, as multiaddrs."""
        return ["%s/p2p/%s" % (place, self.name) for place in self.places]

    @property
    def places(self) -> "list[str]":
        """The same without the peer id."""
        return [places_of_links.text(*listener.address) for listener in self._listeners]

    @property
    def connections(self) -> "list[Connection]":
        """All of them, also those on their way in or out."""
        return [member.connection for member in self._members]

    def services(self, connection: Connection) -> "services.Services | None":
        """Identify and ping of one of `connections`; None once it is forgotten."""
        for member in self._members:
            if member.connection is connection:
                return member.services
        return None

    @property
    def is_whole(self) -> bool:
        """Every buffer is back in its pool."""
        return self.pools.is_whole

    def serve(self, kind: int) -> None:
        """Let peers open streams of a kind."""
        from ..jam.kinds import class_of

        self.terms.serve(self._protocol(kind), kind, class_of(kind, False))

    def unserve(self, kind: int) -> None:
        """Let them open it no more: who asks is told that it is not served."""
        self.terms.protocols.pop(self._protocol(kind), None)

    def _protocol(self, kind: int) -> str:
        from ..jam import kinds

        return kinds.protocol(kind, self._genesis8)

    def carries(self, name: str) -> bool:
        """Whether a peer of this name is ours to dial."""
        return name.startswith(_PREFIXES)

    def open(self, waker: "Waker") -> None:
        """Bind. LocalError when an address cannot be had."""
        self._waker = waker
        self._dialer = Places(waker, self.profile)
        try:
            for host, port in self._listen:
                self._listeners.append(self._dialer.listen(host, port))
        except LocalError:
            self.release()
            raise

    # connections

    def dial(self, record: "Record", now: int) -> Connection:
        """Begin a connection to the record's places; one that stands is used again."""
        peer_id = keys.parse_peer_name(record.name)
        for member in self._members:
            connection = member.connection
            if connection.peer_id == peer_id and connection.state == READY:
                return connection
        return self.dial_to(peer_id, record.places, now)

    dial_for_state = dial  # a protocol that a libp2p peer does not serve costs nothing but the stream

    def dial_to(self, peer_id: bytes, places: "list[tuple[str, int]]", now: int) -> Connection:
        """Begin a connection to whoever is at one of these places, and must be `peer_id` unless that is b""."""
        assert self._waker is not None
        random = entropy.random_bytes(RANDOM_BYTES)
        connection = Connection(self.terms, places[0] if places else ("", 0), True, random, now, peer_id)
        race = Race(self._dialer, places, self._pace, now)
        self._members.append(Member(connection, None, race))
        self._waker.wake()
        return connection

    def accept(self) -> "Connection | None":
        """The next connection of a peer that dialed us and is READY, or None."""
        return self._fresh.pop(0) if self._fresh else None

    # turns

    def receive(self, now: int) -> None:
        """Read what has come, a bounded amount, and let time pass."""
        self._is_busy = False
        for listener in self._listeners:
            self._take(listener, now)
        self._reading.each(self._members, self._receive, now)
        shedding = self.shedding
        if shedding.is_hungry and shedding.poll(self.connections, now) == PEER and self.evict is not None:
            worst = self.evict(now)
            if worst is not None:
                worst.close(0, "memory is exhausted")
        self._sweep(now)

    def flush(self, now: int) -> None:
        """Send what is due, as far as the links and the budgets take it."""
        sent, kernel = self.bytes_out, self.traffic.kernel
        if kernel is not None:
            kernel.look(self._members, self._listeners, now)
        self._sending.each(self._members, self._send, now)
        if kernel is not None:
            kernel.shed(self._members, now)
        if self.bytes_out != sent:
            # There is room now for those who had more to send, in chunks that others may have held.
            for member in self._members:
                if member.connection.take_shortage():
                    self._is_busy = True
        self._sweep(now)

    def watch(self, now: int) -> int:
        """Let what comes wake the waker. When to come back at the latest (ms), or -1."""
        if self._is_busy:
            return now
        traffic = self.traffic
        traffic.plan()
        at = traffic.accept_at(now)
        has_room = len(self._members) < members.most(self.profile)
        for listener in self._listeners:
            listener.watch(has_room and at == now)
        if not has_room or at == now or not self._listeners:
            at = -1
        for member in self._members:
            at = earlier(at, self._watch(member, now))
        at = earlier(at, self.shedding.wake_at(now))
        return at if traffic.kernel is None else earlier(at, traffic.kernel.shed_at(self._members))

    @property
    def is_drained(self) -> bool:
        """Nothing is left to send."""
        return not self._members

    def close(self, reason: str = "") -> None:
        """Close every connection; `flush` tells the peers, `release` gives the sockets back."""
        for listener in self._listeners:
            listener.close()
        self._listeners = []
        for member in self._members:
            member.connection.close(0, reason)

    def release(self) -> None:
        """Give the sockets and the buffers back."""
        for listener in self._listeners:
            listener.close()
        self._listeners = []
        for member in self._members:
            self._part(member, "closed", 0)
        self._members = []
        if self._waker is not None:
            self._dialer.close()
        self.pins.save()

    # inside

    def _take(self, listener: "Listener", now: int) -> None:
        for _ in range(_ACCEPTS_A_TURN):
            # Who finds no budget waits in the system's backlog, which is short.
            link = listener.accept() if self.traffic.accept_at(now) == now else None
            if link is None:
                return
            refusal = members.full(self._members, self.profile, link.address[0])
            if refusal:
                self._count("slots", refusal, True)
                self.traffic.turn_away(link, now)
            else:
                random = entropy.random_bytes(RANDOM_BYTES)
                member = Member(Connection(self.terms, link.address, False, random, now), link, None)
                self.traffic.begin(member, link, now, 2, 1)
                self._members.append(member)
            self.budgets.cpu.charge(HANDSHAKES, now)

    def _run_race(self, member: Member, race: Race, now: int) -> None:
        connection = member.connection
        link = race.poll(now)
        if link is not None:
            member.link, member.race = link, None
            connection.addr = link.address
            self.traffic.begin(member, link, now, race.tries, 2 * race.tries)
        elif race.is_over or connection.state == CLOSED:
            race.close()
            member.race = None
            connection.ended(race.reason if connection.state != CLOSED else connection.close_reason, now)
            self.traffic.packets(connection.cls, 0, race.tries, now)

    def _receive(self, member: Member, now: int) -> None:
        connection, cls, before = member.connection, member.connection.cls, self.bytes_in
        if member.race is not None:
            self._run_race(member, member.race, now)
        link = member.link
        if link is not None:
            self._is_busy = self.traffic.read(member, link, now) or self._is_busy
            if link.state == LINK_CLOSED:
                connection.ended(link.reason, now)
        is_busy = False
        if self.budgets.cpu.may(cls, now):
            at = connection.wake_at(now)
            if 0 <= at <= now or connection.is_held:
                connection.tick(now)
            if connection.state == READY:
                is_busy = member.services.poll(self, connection, now)
                self._is_busy = self._is_busy or is_busy
        if member.is_new and connection.state != CONNECTING:
            self._settle(member)
        if is_busy or self.bytes_in != before:
            self.budgets.cpu.charge(cls, now)

    def _send(self, member: Member, now: int) -> None:
        connection, cls, before = member.connection, member.connection.cls, self.bytes_out
        if connection.is_held and self.budgets.cpu.may(cls, now) and connection.pump(now):
            self._is_busy = True  # somebody may read what now came through
        if member.link is not None:
            self._is_busy = self.traffic.send(member, member.link, now) or self._is_busy
        if self.bytes_out != before:
            self.budgets.cpu.charge(cls, now)

    def _watch(self, member: Member, now: int) -> int:
        connection, link, traffic = member.connection, member.link, self.traffic
        at = earlier(connection.wake_at(now), member.services.wake_at())
        if at >= 0:  # what is due must be computed, too
            at = max(at, self.budgets.cpu.wake_at(connection.cls, now))
        if member.race is not None:
            at = earlier(at, member.race.wake_at(now))
        if link is not None:
            reading, writing = connection.wants() > 0, link.state == LINK_CONNECTING or member.unsent > 0
            may_at = traffic.read_at(member, now) if reading else now
            if may_at != now:
                reading, at = False, earlier(at, may_at)
            may_at = traffic.send_at(member, now)
            if may_at == now:
                writing = connection.outlet(now) is not None or writing
            elif connection.has_output:
                at = earlier(at, may_at)
            link.watch(reading, writing)
        return at

    def _settle(self, member: Member) -> None:
        # The handshake is over, one way or the other.
        connection = member.connection
        member.is_new = False
        if connection.state == CLOSED:
            if connection.rule:
                self._count(connection.rule, connection.close_reason, not connection.is_dialed)
            return
        if connection.suite == HYBRID:
            self.pins.add(connection.peer_id, connection.is_dialed)
            if connection.is_dialed:
                self.pins.save()  # a power cut must not undo it; strangers' pins wait until the end
        if not connection.is_dialed:
            self._fresh.append(connection)
            if member.link is not None:
                member.link.widen(self.profile.socket_receive_bytes)

    def _count(self, rule: str, reason: str, is_inbound: bool) -> None:
        self.refused[rule] = self.refused.get(rule, 0) + 1
        if is_inbound:
            self.last_refusal = reason

    def _sweep(self, now: int) -> None:
        left = False
        for member in self._members:
            if member.connection.is_gone:
                left = True
                if member.is_new:
                    self._settle(member)
                self._part(member, member.connection.close_reason, now)
        if left:
            self._members = [member for member in self._members if not member.connection.is_gone]

    def _part(self, member: Member, reason: str, now: int) -> None:
        if member.race is not None:
            member.race.close()
        self.traffic.end(member, now)
        member.connection.ended(reason, now)
        member.services.close(self)

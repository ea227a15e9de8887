"""The lite network for the node: libp2p over TCP, every buffer lent from two pools that are made once.

A carrier (carrier.py). Peers are named by their peer id; `bytes_in` and `bytes_out` count TCP payload. Kinds of JAM
streams travel as the protocols of jam/kinds.py; identify and ping are answered here (services.py).
"""

from ..budget.meter import Meter
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
from ..transport.states import CLOSED, CONNECTING, HYBRID, READY
from ..transport.terms import REQUIRE, Terms
from ..transport.upgrade import RANDOM_BYTES
from . import places as places_of_links
from . import services
from .pins import Pins
from .places import Places
from .race import Pace, Race

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..ports.tcp import Waker
    from .peers import Record
    from .places import Link, Listener

_ACCEPTS_A_TURN = const(4)
_READS_A_TURN = const(4)  # of one link: each fills a buffer, then the others have their turn
_SENDS_A_TURN = const(8)
_OVERHEAD = const(2)  # connections above max_peers: those that are ending, and those that come to be refused
_PREFIXES = ("1", "Q")  # what a peer id in base 58 begins with


class _Member:
    """A connection, its link (None while the race for it runs, and when it is over) and its services."""

    def __init__(self, connection: Connection, link: "Link | None", race: "Race | None") -> None:
        self.connection = connection
        self.link = link
        self.race = race
        self.services = services.Services()
        self.is_new = True  # not READY so far


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
        download: "Meter | None" = None,
        upload: "Meter | None" = None,
        pools: "Pools | None" = None,
    ) -> None:
        self.pins = pins or Pins(profile)
        self.pins.policy = policy
        self.profile = profile
        self.bytes_in = self.bytes_out = 0
        self.refused: "dict[str, int]" = {}  # connections that a rule of ours refused, by rule
        self.last_refusal = ""  # the last one of a peer that dialed us, until somebody empties it
        self._identity = Identity(seed)
        self.pools = pools or Pools(profile)
        static = StaticKey(self._identity, entropy.random_bytes(32))
        self.terms = Terms(static, profile, self.pools.frames, self.pools.chunks, policy, self.pins.judge)
        services.offer(self.terms)
        self._genesis8 = genesis8
        if genesis8:
            from ..jam import kinds  # a host without a chain need not load it

            for kind in kinds.SPOKEN:
                self.terms.speak(kinds.protocol(kind, genesis8), kind)
        for kind in served:
            self.serve(kind)
        self._listen = listen
        self._listeners: "list[Listener]" = []
        self._members: "list[_Member]" = []
        self._fresh: "list[Connection]" = []  # inbound and READY, not accepted by the node
        self._pace = Pace()
        self._waker: "Waker | None" = None
        self._download = download or Meter(0, 1)
        self._upload = upload or Meter(0, 1)
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
        self.terms.serve(self._protocol(kind), kind)

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
        self._dialer = Places(waker)
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
        self._members.append(_Member(connection, None, race))
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
        for member in self._members:
            if member.race is not None:
                self._run_race(member, member.race, now)
            if member.link is not None:
                self._read(member, member.link, now)
            connection = member.connection
            at = connection.wake_at(now)
            if 0 <= at <= now or connection.is_held:
                connection.tick(now)
            if connection.state == READY:
                self._is_busy = member.services.poll(self, connection, now) or self._is_busy
            if member.is_new and connection.state != CONNECTING:
                self._settle(member)
        self._sweep()

    def flush(self, now: int) -> None:
        """Send what is due, as far as the links take it."""
        sent = self.bytes_out
        for member in self._members:
            connection, link = member.connection, member.link
            if connection.is_held and connection.pump(now):
                self._is_busy = True  # somebody may read what now came through
            if link is not None:
                self._write(connection, link, now)
        if self.bytes_out != sent:
            # There is room now for those who had more to send, in chunks that others may have held.
            for member in self._members:
                if member.connection.take_shortage():
                    self._is_busy = True
        self._sweep()

    def watch(self, now: int) -> int:
        """Let what comes wake the waker. When to come back at the latest (ms), or -1."""
        if self._is_busy:
            return now
        may_read, may_write = self._download.ready(now), self._upload.ready(now)
        has_room = len(self._members) < self.profile.max_peers + _OVERHEAD
        for listener in self._listeners:
            listener.watch(has_room)
        at = -1
        for member in self._members:
            connection, link = member.connection, member.link
            at = earlier(earlier(at, connection.wake_at(now)), member.services.wake_at())
            if member.race is not None:
                at = earlier(at, member.race.wake_at(now))
            if link is not None:
                wants = connection.wants() > 0
                sends = connection.outlet(now) is not None
                if (wants and not may_read) or (sends and not may_write):
                    at = earlier(at, max(self._download.wake_at(now), self._upload.wake_at(now)))
                link.watch(wants and may_read, link.state == LINK_CONNECTING or (sends and may_write))
        return at

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
            link = listener.accept()
            if link is None:
                return
            refusal = self._full(link.address[0])
            if refusal:
                self._count("slots", refusal, True)
                link.close()
                continue
            random = entropy.random_bytes(RANDOM_BYTES)
            connection = Connection(self.terms, link.address, False, random, now)
            self._members.append(_Member(connection, link, None))

    def _full(self, host: str) -> str:
        """What there is too much of; "" while there is room for one more stranger."""
        inbound = [member.connection for member in self._members if not member.connection.is_dialed]
        begun = [connection for connection in inbound if connection.state == CONNECTING]
        if len(begun) >= self.profile.handshakes:
            return "too many handshakes"
        # Half of them at most, or one host that says nothing would keep all others out.
        if sum(1 for connection in begun if connection.addr[0] == host) >= (self.profile.handshakes + 1) // 2:
            return "too many handshakes from %s" % host
        if sum(1 for connection in inbound if connection.addr[0] == host) >= self.profile.connections_per_source:
            return "too many connections from %s" % host
        return "too many connections" if len(self._members) >= self.profile.max_peers + _OVERHEAD else ""

    def _run_race(self, member: _Member, race: Race, now: int) -> None:
        connection = member.connection
        link = race.poll(now)
        if link is not None:
            member.link, member.race = link, None
            connection.addr = link.address
        elif race.is_over:
            member.race = None
            connection.ended(race.reason, now)
        elif connection.state == CLOSED:
            race.close()
            member.race = None
            connection.ended(connection.close_reason, now)

    def _read(self, member: _Member, link: "Link", now: int) -> None:
        connection = member.connection
        for _ in range(_READS_A_TURN):
            if not self._download.ready(now):
                return
            room = connection.inlet()
            if room is None:
                break
            size = link.recv_into(room, 0, len(room))
            connection.filled(max(size, 0), now)
            if size <= 0:
                break
            self.bytes_in += size
            self._download.spend(size, now)
            if size < len(room):
                break
        else:
            self._is_busy = True
        if link.state == LINK_CLOSED:
            connection.ended(link.reason, now)

    def _write(self, connection: Connection, link: "Link", now: int) -> None:
        for _ in range(_SENDS_A_TURN):
            if not self._upload.ready(now):
                return
            view = connection.outlet(now)
            if view is None:
                return
            size = link.send(view, 0, len(view))
            connection.sent(size)
            self.bytes_out += size
            self._upload.spend(size, now)
            if size < len(view):
                if link.state == LINK_CLOSED:
                    connection.ended(link.reason, now)
                return
        self._is_busy = True

    def _settle(self, member: _Member) -> None:
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

    def _count(self, rule: str, reason: str, is_inbound: bool) -> None:
        self.refused[rule] = self.refused.get(rule, 0) + 1
        if is_inbound:
            self.last_refusal = reason

    def _sweep(self) -> None:
        left = False
        for member in self._members:
            if member.connection.is_gone:
                left = True
                if member.is_new:
                    self._settle(member)
                self._part(member, member.connection.close_reason, 0)
        if left:
            self._members = [member for member in self._members if not member.connection.is_gone]

    def _part(self, member: _Member, reason: str, now: int) -> None:
        if member.race is not None:
            member.race.close()
        if member.link is not None:
            member.link.close()
        member.connection.ended(reason, now)
        member.services.close(self)

"""Many JAMNP-S connections on one UDP socket: those that come in, and those that we dial from the same port.

A first datagram costs a peer nothing and its sender's address may be forged, so there are few places for
connections that have proved nothing, half of them only for addresses that were seen to answer (RFC 9000, section
8.1.2), and few connections for one host. Who finds no place is told so in one datagram, no longer than its own.
"""

import os
from collections import deque

from ..budget.classes import HANDSHAKES
from ..budget.times import earlier
from ..const import const
from . import quic_core
from .quic import CLOSED, CONNECTING, READY, Connection, alpn
from .quic_certificate import Identity
from .quic_core import CID_BYTES, Buffer, Core, QuicProtocolVersion, packet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.meter import Meter
    from ..budget.profile import Profile

_INITIAL_BYTES = const(1200)  # the least of a datagram that begins a connection (RFC 9000, section 14.1)
_OUTBOX = const(32)  # answers to datagrams that belong to no connection


class Listener:
    """`connections` holds all that are not gone; `dropped` counts datagrams that belonged to none of them.

    `takes_strangers`: whether a first datagram begins a connection now; it is dropped otherwise, and may come again.
    """

    def __init__(self, identity: Identity, genesis_hash: bytes, limits: "Profile") -> None:
        protocol = alpn(genesis_hash)
        self.connections: "list[Connection]" = []
        self.dropped = 0
        self.takes_strangers = True
        self.drained = HANDSHAKES  # the class of what `drain` gave last
        self.drained_by: "Meter | None" = None  # and the rate of that peer, where it has one
        self.deferred: "list[int]" = []  # classes that it passed over, for they may not send now
        self._identity = identity
        self._genesis_hash = genesis_hash
        self._protocol = protocol
        self._limits = limits
        # A builder is always to be permitted (simple.md, "ALPN"); what it may do here is no more than others
        # may.
        self._configuration = quic_core.configuration(
            identity, [protocol, protocol + "/builder"], limits, False
        )
        self._routes: "dict[bytes, Connection]" = {}
        # Inbound connections before READY, with the id that the peer chose for us.
        self._first_cids: "dict[Connection, bytes]" = {}
        self._fresh: "deque[Connection]" = deque()
        self._outbox: "deque[tuple[bytes, tuple[str, int]]]" = deque(maxlen=_OUTBOX)
        self._retry = quic_core.retry.QuicRetryTokenHandler()
        self._rounds = 0  # of a class comes first who has sent nothing for longest
        self._round: "deque[Connection] | None" = None  # those that may have something to send, in their order

    def dial(
        self, host: str, port: int, expect_name: "str | None", now: int, identity: "Identity | None" = None
    ) -> Connection:
        """Begin a connection from this socket. It is in `connections` and never comes out of `accept`.

        `identity` is for a second connection to the same peer: peers keep one for each name.
        """
        connection = Connection.dial(
            identity or self._identity, self._genesis_hash, host, port, expect_name,
            limits=self._limits, now=now,
        )
        self._add(connection)
        return connection

    def receive(
        self, datagram: "bytes | bytearray | memoryview", addr: "tuple[str, int]", now: int
    ) -> "Connection | None":
        """Give one datagram to its connection, or begin a new one, or drop it. The connection; nothing is raised."""
        data = bytes(datagram)
        try:
            header = packet.pull_quic_header(Buffer(data=data), host_cid_length=CID_BYTES)
        except ValueError:
            self.dropped += 1
            return None
        connection = self._routes.get(header.destination_cid)
        if connection is None:
            if len(data) < _INITIAL_BYTES or header.version is None:
                self.dropped += 1
                return None
            if header.version != QuicProtocolVersion.VERSION_1:
                if header.packet_type != packet.QuicPacketType.VERSION_NEGOTIATION:
                    self._answer_version(header.source_cid, header.destination_cid, addr)
                return None
            if header.packet_type != packet.QuicPacketType.INITIAL or not self.takes_strangers:
                self.dropped += 1
                return None
            connection = self._begin(header, data, addr, now)
            if connection is None:
                return None
        else:
            connection.receive(data, addr, now)
        self._look_at(connection)
        return connection

    def drain(
        self, now: int, send_at: "Callable[[int], int] | None" = None
    ) -> "tuple[bytes, tuple[str, int]] | None":
        """The next datagram to send and where to, or None: of the most urgent class that may send.

        `send_at` says of a class when it may (ms).
        """
        if self._round is None:
            order = sorted(self.connections, key=lambda connection: (connection.cls, connection.sent_in))
            self._round = deque(order)
            self._rounds += 1
            self.deferred = []
        while self._round:
            connection = self._round[0]
            if connection.up is not None and not connection.up.ready(now):
                pass  # `wake_at` says when it may
            elif send_at is None or send_at(connection.cls) <= now:
                item = connection.drain(now)
                if item is not None:
                    self.drained, self.drained_by = connection.cls, connection.up
                    connection.sent_in = self._rounds
                    return item
            elif connection.cls not in self.deferred:
                self.deferred.append(connection.cls)
            self._round.popleft()
        if self._outbox and (send_at is None or send_at(HANDSHAKES) <= now):
            self.drained, self.drained_by = HANDSHAKES, None
            return self._outbox.popleft()
        self._round = None
        self._sweep()
        return None

    def wake_at(self, now: int, send_at: "Callable[[int], int] | None" = None) -> int:
        """When to call `tick` and `drain` at the latest, in ms; -1: not before something arrives.

        What is due and may not be sent now is due at `send_at` of its class.
        """
        at = -1
        if self._outbox:
            at = now if send_at is None else send_at(HANDSHAKES)
        for connection in self.connections:
            other = connection.wake_at(now)
            if connection.up is not None and not connection.up.ready(now):
                other = connection.up.wake_at(now)  # it may have more to say
            elif 0 <= other <= now and send_at is not None:
                other = send_at(connection.cls)
            at = earlier(at, other)
        if send_at is not None:
            for cls in self.deferred:
                at = earlier(at, send_at(cls))
        return at

    def tick(self, now: int) -> None:
        """Let time pass for all connections."""
        self._round = None
        for connection in self.connections:
            connection.tick(now)
            self._look_at(connection)
        self._sweep()

    def accept(self) -> "Connection | None":
        """The next connection of a peer that is READY, or None. It may be CLOSED again by now."""
        return self._fresh.popleft() if self._fresh else None

    def close(self, code: int = 0, reason: str = "") -> None:
        """Close every connection. Drain afterwards, so that the peers hear of it."""
        for connection in self.connections:
            connection.close(code, reason)

    # the routes, for Connection

    def add_route(self, cid: bytes, connection: Connection) -> None:
        """Datagrams to this connection id are the connection's."""
        self._routes[cid] = connection

    def remove_route(self, cid: bytes) -> None:
        """The peer does not use this connection id any more."""
        self._routes.pop(cid, None)

    # inside

    def _add(self, connection: Connection) -> None:
        self.connections.append(connection)
        connection.route_by(self)

    def _begin(
        self, header: "packet.QuicHeader", data: bytes, addr: "tuple[str, int]", now: int
    ) -> "Connection | None":
        original: bytes = header.destination_cid
        retried: "bytes | None" = None
        if header.token:
            retried = header.destination_cid
            try:
                original = self._retry.validate_token(
                    address=addr, destination_cid=header.destination_cid, token=header.token, now=now / 1000
                )
            except ValueError:
                self.dropped += 1
                return None
        elif 2 * len(self._first_cids) >= self._limits.handshakes:
            self._answer_retry(header, addr, now)
            return None
        full = self._full(addr)
        if full:
            self._outbox.append((quic_core.refusal(header, full), addr))
            return None
        core = Core(self._configuration, self._limits, None, original, retried)
        connection = Connection(core, addr, self._protocol, self._limits, False, now)
        connection.receive(data, addr, now)
        if not core.begun:  # it was no Initial that this id decrypts: nobody is there
            self.dropped += 1
            return None
        self._add(connection)
        self._routes[header.destination_cid] = connection
        self._first_cids[connection] = header.destination_cid
        return connection

    def _full(self, addr: "tuple[str, int]") -> str:
        """What there is too much of, for the peer to read; "" while there is room."""
        open_ones = [c for c in self.connections if not c.is_dialed and c.state != CLOSED]
        if sum(1 for c in open_ones if c.addr[0] == addr[0]) >= self._limits.connections_per_source:
            return "too many connections from this address"
        if len(self._first_cids) >= self._limits.handshakes:
            return "too many handshakes"
        # Closed ones count until they are gone, so that opening and closing does not pile them up.
        if len(self.connections) >= 2 * (self._limits.max_peers + self._limits.handshakes):
            return "too many connections"
        return "too many peers" if len(open_ones) >= self._limits.max_peers else ""

    def _answer_retry(self, header: "packet.QuicHeader", addr: "tuple[str, int]", now: int) -> None:
        cid = os.urandom(CID_BYTES)
        token = self._retry.create_token(
            address=addr,
            original_destination_connection_id=header.destination_cid,
            retry_source_connection_id=cid,
            now=now / 1000,
        )
        answer = packet.encode_quic_retry(
            version=QuicProtocolVersion.VERSION_1,
            source_cid=cid,
            destination_cid=header.source_cid,
            original_destination_cid=header.destination_cid,
            retry_token=token,
        )
        self._outbox.append((answer, addr))

    def _answer_version(self, theirs: bytes, ours: bytes, addr: "tuple[str, int]") -> None:
        answer = packet.encode_quic_version_negotiation(
            source_cid=ours, destination_cid=theirs, supported_versions=[QuicProtocolVersion.VERSION_1]
        )
        self._outbox.append((answer, addr))

    def _look_at(self, connection: Connection) -> None:
        if connection.state != CONNECTING:
            cid = self._first_cids.pop(connection, None)
            if cid is not None:
                self._routes.pop(cid, None)
                if connection.state == READY:
                    self._fresh.append(connection)

    def _sweep(self) -> None:
        gone = [c for c in self.connections if c.is_gone]
        if not gone:
            return
        self.connections = [c for c in self.connections if not c.is_gone]
        self._routes = {cid: c for cid, c in self._routes.items() if not c.is_gone}
        for connection in gone:
            self._first_cids.pop(connection, None)

"""What every libp2p connection does for the peer at its other end, whatever runs above: identify and ping.

Cores are made when they are first needed and dropped when they are done, so that an idle connection holds none. Their
modules are loaded when they are first needed as well: on a board the first handshake, which takes the most heap, comes
before them.
"""

from .. import p2p
from ..budget.times import earlier
from ..const import const
from ..errors import BudgetError, RemoteError
from ..p2p.events import DONE, LOST, MORE, PONG, REFUSED
from ..transport.terms import FIRST_OWN
from .places import SERIAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..p2p import identify, ping
    from ..transport.connection import Connection
    from ..transport.protocol_stream import ProtocolStream
    from ..transport.terms import Terms
    from .libp2p import Libp2pCarrier

IDENTIFY = FIRST_OWN
IDENTIFY_PUSH = FIRST_OWN + 1
PING = FIRST_OWN + 2

AGENT = "jamliquor-lite"
_VERSION = "ipfs/0.1.0"
_UNSPECIFIED = ("0.0.0.0", "::")  # where we listen on every address nobody can dial us by that one
_PINGERS = const(2)  # streams on which a peer may ping at a time (libp2p/specs, ping): js opens one for each ping
_REFUSED = const(4)  # p2p has no name for the code of a stream too many; yamux does not carry it anyway


def offer(terms: "Terms") -> None:
    """Serve these protocols on all connections of a host."""
    terms.serve(p2p.IDENTIFY, IDENTIFY)
    terms.serve(p2p.IDENTIFY_PUSH, IDENTIFY_PUSH)
    terms.serve(p2p.PING, PING)


def describe(carrier: "Libp2pCarrier", connection: "Connection") -> bytes:
    """Our identify message for this peer."""
    from ..p2p import identify, multiaddr

    host, port = connection.addr
    places = [multiaddr.parse(place) for place in carrier.places]
    listen = [place for place in places if place.is_ip and place.host not in _UNSPECIFIED]
    info = identify.Info(
        agent=AGENT,
        protocol_version=_VERSION,
        key=carrier.identity.key,
        listen_addrs=listen,
        # The ends of a serial line have names for it that mean nothing to each other.
        observed_addr=None if host.startswith(SERIAL) else multiaddr.tcp(host, port),
        protocols=sorted(carrier.terms.protocols),
    )
    return identify.encode(info)


class Services:
    """One connection's. `info` is what the peer said of itself, None until it did; `rtt_ms` of the last ping, or -1.

    A peer that breaks one of these protocols loses the stream, not the connection: JAM runs on beside.
    """

    def __init__(self) -> None:
        self.info: "identify.Info | None" = None
        self.rtt_ms = -1
        self.fault = ""  # the last one of the peer's
        self._teller: "identify.Responder | None" = None
        self._hearer: "identify.Receiver | None" = None
        self._room: "memoryview | None" = None  # lent, for what the hearer reads
        self._echoes: "tuple[ping.Responder, ...]" = ()
        self._pinger: "ping.Pinger | None" = None

    # what the owner of the connection may ask

    def ask_identity(self, carrier: "Libp2pCarrier", connection: "Connection", now: int) -> bool:
        """Ask the peer who it is; `info` will have it. False: not now."""
        if self._hearer is not None or not carrier.pools.identify.room():
            return False
        stream = connection.open(IDENTIFY)
        return stream is not None and self._hear(carrier, connection, stream, now)

    def send_ping(self, carrier: "Libp2pCarrier", connection: "Connection", random: bytes, now: int) -> bool:
        """Measure a round trip; `rtt_ms` will have it. False: not now, or the last one is still on its way."""
        if self._pinger is None:
            from ..p2p import ping

            stream = connection.open(PING)
            if stream is None:
                return False
            self._pinger = ping.Pinger(stream, carrier.profile.ping_timeout_ms)
        if self._pinger.is_waiting:
            return False
        self.rtt_ms = -1
        self._pinger.send(random, now)
        return True

    # turns

    def wake_at(self) -> int:
        """When `poll` is due at the latest (ms), or -1."""
        at = -1
        if self._teller is not None:
            at = earlier(at, self._teller.deadline)
        if self._hearer is not None:
            at = earlier(at, self._hearer.deadline)
        if self._pinger is not None:
            at = earlier(at, self._pinger.deadline)
        for echo in self._echoes:
            at = earlier(at, echo.deadline)
        return at

    def poll(self, carrier: "Libp2pCarrier", connection: "Connection", now: int) -> bool:
        """One unit of work of each; whether there may be more at once."""
        busy = False
        if self._teller is not None:
            event = self._step(self._teller, now)
            busy = busy or event == MORE
            if event in (DONE, REFUSED, LOST):
                self._teller = None
        if self._hearer is not None:
            event = self._step(self._hearer, now)
            busy = busy or event == MORE
            if event == DONE:
                self._learn(self._hearer.info)
            if event in (DONE, REFUSED, LOST):
                self.close(carrier)
        for echo in self._echoes:
            event = self._step(echo, now)
            busy = busy or event == MORE
            if event in (DONE, REFUSED, LOST):
                self._echoes = tuple(other for other in self._echoes if other is not echo)
        if self._pinger is not None:
            event = self._step(self._pinger, now)
            if event == PONG:
                self.rtt_ms = self._pinger.rtt_ms
            if event in (DONE, REFUSED, LOST):
                self._pinger = None
        if busy:
            return True
        # Last, so that a stream which has ended does not stand in the way of the one that follows it.
        stream = connection.accept(own=True)
        if stream is not None:
            self._take(carrier, connection, stream, now)
        return stream is not None

    def _take(self, carrier: "Libp2pCarrier", connection: "Connection", stream: "ProtocolStream", now: int) -> None:
        from ..p2p import identify, ping

        # One stream of each kind at a time, but for pings: a second one is refused, as a flood would be.
        is_taken = False
        if stream.kind == IDENTIFY and self._teller is None:
            self._teller = identify.Responder()
            self._teller.begin(stream, describe(carrier, connection), now + carrier.profile.identify_timeout_ms)
            is_taken = True
        elif stream.kind == IDENTIFY_PUSH and self._hearer is None:
            is_taken = self._hear(carrier, connection, stream, now)
        elif stream.kind == PING and len(self._echoes) < _PINGERS:
            echo = ping.Responder(carrier.profile.ping_idle_ms)
            echo.begin(stream, now)
            self._echoes += (echo,)
            is_taken = True
        if not is_taken:
            stream.reset(_REFUSED)

    def _hear(self, carrier: "Libp2pCarrier", connection: "Connection", stream: "ProtocolStream", now: int) -> bool:
        from ..p2p import identify

        # Where too many others are heard out already, it is not now.
        self._room = carrier.pools.identify.lend()
        if self._room is None:
            return False
        self._hearer = identify.Receiver(carrier.profile, self._room)
        self._hearer.begin(stream, now + carrier.profile.identify_timeout_ms, connection.peer_id)
        return True

    def close(self, carrier: "Libp2pCarrier") -> None:
        """The peer was heard out, or the connection is over: what was lent goes back."""
        self._hearer = None
        if self._room is not None:
            carrier.pools.identify.give_back(self._room)
            self._room = None

    def _learn(self, news: "identify.Info") -> None:
        if self.info is None:
            self.info = news
        else:
            self.info.update(news)

    def _step(self, core: "identify.Responder | identify.Receiver | ping.Responder | ping.Pinger", now: int) -> int:
        try:
            return core.poll(now)
        except (RemoteError, BudgetError) as error:
            self.fault = str(error)
            return REFUSED



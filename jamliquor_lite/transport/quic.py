"""JAMNP-S connections over QUIC, without I/O: datagrams and the time come in, datagrams come out.

    connection = Connection.dial(identity, genesis_hash, "127.0.0.1", 12344, limits=profile, now=now)
    loop:   connection.receive(datagram, addr, now)      for each datagram that came
            connection.tick(now)                         at wake_at(now) or later
            connection.drain(now) -> (datagram, addr)    until None: send them
            connection.accept() -> stream of the peer    until None
            connection.open(kind) -> stream of ours, or None

READY means that both certificates were checked and that the peer says so too. A peer may still close at once,
for reasons of its own; `close_reason` then says in one line what it said. Protocol: zdave-parity/jam-np
simple.md over RFC 9000; certificates in quic_certificate.py, aioquic in quic_core.py.
"""

import ipaddress
import math
from collections import deque

from ..budget.classes import HANDSHAKES, HEADERS, SERVING
from ..budget.meter import Meter
from ..const import const
from ..errors import LocalError
from . import quic_core
from .quic_certificate import Identity, alt_name, printable
from .quic_core import Core
from .quic_reason import explain
from .quic_stream import Stream
from .states import CLASSICAL, CLOSED, CONNECTING, READY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..budget.profile import Profile

    class Router(Protocol):
        """Who finds the connection of a datagram by its connection id."""

        def add_route(self, cid: bytes, connection: "Connection") -> None: ...

        def remove_route(self, cid: bytes) -> None: ...


TOO_MANY_STREAMS = const(1)  # what a stream above `inbound_streams` is reset with; JAMNP-S names no codes
_DATAGRAM_BYTES = const(1500)  # what a rate lets pass at once, at least
_FAREWELLS = const(3)  # times a peer that goes on talking hears again that we closed (RFC 9000, 10.2.1)
_REASON_CHARS = const(160)  # of our reason: it must fit one packet


def alpn(genesis_hash: bytes) -> str:
    """The protocol identifier of a chain (simple.md, "ALPN")."""
    return "jamnp-s/0/" + genesis_hash[:4].hex()


class Connection:
    """One connection. `state` is CONNECTING, READY or CLOSED, the last with `close_code` and `close_reason`.

    `addr` is the peer's (host, port). `is_dialed`: we began it. `cls`: what it is for (budget/classes.py); the node
    sets it for peers that it trusts.
    """

    carries_lite_kinds = False

    def __init__(
        self, core: Core, addr: "tuple[str, int]", protocol: str, limits: "Profile", is_dialed: bool, now: int
    ) -> None:
        self.state = CONNECTING
        self.close_code = 0
        self.close_reason = ""
        self.addr = addr
        self.is_dialed = is_dialed
        self.cls = HEADERS if is_dialed else HANDSHAKES
        # Bytes a second on the wire, where one peer has rates of its own; whoever moves datagrams spends of them.
        self.up = _meter(limits.peer_upload_rate, limits)
        self.down = _meter(limits.peer_download_rate, limits)
        self.is_for_others = False  # the last datagram carried what somebody else asked for
        self.sent_in = 0  # the round of the listener in which it last had something to send
        self._core = core
        self._protocol = protocol
        self._limits = limits
        self._streams: "dict[int, Stream]" = {}
        self._inbound: "deque[Stream]" = deque()  # not accepted yet
        self._outbox: "deque[tuple[bytes, tuple[str, int]]]" = deque()
        self._handshake_until = now + limits.handshake_timeout_ms
        self._ping_is_out = False
        self._farewell: "tuple[bytes, tuple[str, int]] | None" = None  # the datagram that says we closed
        self._farewells_left = _FAREWELLS
        self._is_broken = False  # aioquic raised: nothing of it is to be trusted any more
        self._peer_key = b""
        self._router: "Router | None" = None

    @classmethod
    def dial(
        cls,
        identity: Identity,
        genesis_hash: bytes,
        host: str,
        port: int,
        expect_name: "str | None" = None,
        *,
        limits: "Profile",
        now: int,
    ) -> "Connection":
        """Begin a connection to a numeric IP address. LocalError when `host` or `port` is no such thing."""
        addr = numeric_address(host, port)
        protocol = alpn(genesis_hash)
        core = Core(quic_core.configuration(identity, [protocol], limits, True), limits, expect_name)
        core.connect(addr, now / 1000)
        return cls(core, addr, protocol, limits, True, now)

    # who is there

    @property
    def peer_key(self) -> bytes:
        """The peer's 32-byte Ed25519 key; b"" before READY. It stays after CLOSED."""
        return self._peer_key

    @property
    def peer_name(self) -> str:
        """The peer's 53-character name, or ""."""
        key = self.peer_key
        return alt_name(key) if key else ""

    @property
    def suite(self) -> str:
        """CLASSICAL once READY: JAMNP-S has no post-quantum key exchange."""
        return CLASSICAL if self._peer_key else ""

    @property
    def alpn(self) -> str:
        """The protocol identifier that was agreed on, or ""."""
        return self._core.alpn if self._peer_key else ""

    @property
    def is_gone(self) -> bool:
        """CLOSED, and nothing is left to send or to wait for: the connection can be forgotten."""
        return self._is_broken or (self._core.gone and not self._outbox)

    def route_by(self, router: "Router") -> None:
        """Tell `router` which connection ids are this connection's, now and later."""
        self._router = router
        router.add_route(self._core.host_cid, self)

    # the link's side

    def receive(self, datagram: "bytes | bytearray | memoryview", addr: "tuple[str, int]", now: int) -> None:
        """Take one datagram. Whatever it holds, nothing is raised: at worst the connection closes."""
        self.is_for_others = False
        if self._is_broken:
            return
        if self._farewell is not None:
            if self._farewells_left and not self._core.gone:
                self._farewells_left -= 1
                self._outbox.append(self._farewell)
            return
        try:
            self._core.receive_datagram(bytes(datagram), addr, now / 1000)
        except Exception as error:  # a peer must not be able to end the process through a fault of aioquic
            self._break(error)
        self._after(now)

    def drain(self, now: int) -> "tuple[bytes, tuple[str, int]] | None":
        """The next datagram to send and where to, or None."""
        if not self._outbox and not self._is_broken and self._core.has_path():
            try:
                self._outbox.extend(self._core.datagrams_to_send(now / 1000))
            except Exception as error:
                self._break(error)
            self._after(now)
            self._forget_finished()
            if self._outbox and self._core.ended is not None and not self._core.closed_by_peer:
                self._farewell = self._outbox[-1]
        return self._outbox.popleft() if self._outbox else None

    def wake_at(self, now: int) -> int:
        """When to call `tick` and `drain` at the latest, in ms; -1: not before something arrives."""
        if self._outbox:
            return now
        if self.is_gone:
            return -1
        timer = self._core.get_timer()
        at = -1 if timer is None else _ms(timer)
        held = self.down.wake_at(now) if self.down is not None and self._core.held else -1
        for other in (self._handshake_until if self.state == CONNECTING else -1, self._ping_at(), held):
            if other >= 0 and (at < 0 or other < at):
                at = other
        return at

    def tick(self, now: int) -> None:
        """Let time pass: retransmission, keepalive, timeouts."""
        if self.is_gone:
            return
        if self.state == CONNECTING and now >= self._handshake_until:
            what = "handshake not finished" if self._core.begun else "no answer"
            self.close(0, what + " within %d ms" % self._limits.handshake_timeout_ms)
        ping_at = self._ping_at()
        if 0 <= ping_at <= now:
            self._ping_is_out = True
            self._core.send_ping(0)
        if self.down is not None and self._core.held and self.down.ready(now):
            self._core.release()
        try:
            timer = self._core.get_timer()
            if timer is not None and now / 1000 >= timer:
                self._core.handle_timer(now / 1000)
        except Exception as error:
            self._break(error)
        self._after(now)

    # the streams' side

    def open(self, kind: int, for_others: bool = False) -> "Stream | None":
        """Open a stream of a kind (0-255), queued as its first byte. None: not READY, or at a cap. `for_others`: what
        comes on it is passed on, and so is no part of following the chain."""
        if self.state != READY or not self._core.can_open():
            return None
        if self._count(0 if self.is_dialed else 1) >= self._limits.outbound_streams:
            return None
        stream_id = self._core.get_next_available_stream_id()
        self._core.send_stream_data(stream_id, bytes((kind,)))
        stream = self._new_stream(stream_id, kind)
        assert stream is not None
        stream.is_for_others = for_others
        return stream

    def accept(self) -> "Stream | None":
        """The next stream of the peer whose kind is known, or None."""
        if self.state != READY:
            return None
        for stream in self._inbound:
            if stream.take_kind():
                self._inbound.remove(stream)
                return stream
        return None

    def close(self, code: int = 0, reason: str = "") -> None:
        """Close with an application code and one line for the peer. The streams are CLOSED at once."""
        if self.state == CLOSED:
            return
        self._core.close(code, reason_phrase=reason[:_REASON_CHARS])
        self._set_closed(code, reason or "closed")

    # what aioquic has to tell

    def _after(self, now: int) -> None:
        if not self._is_broken:
            while (event := self._core.next_event()) is not None:
                self._handle(event)
        if self.state == CONNECTING and self._core.proved and self._core.ended is None:
            self.state = READY
            if self.cls == HANDSHAKES:
                self.cls = SERVING
            self._peer_key = self._core.peer_key
        ended = self._core.ended
        if ended is not None and self.state != CLOSED:
            core = self._core
            idle_ms = int(core.idle_timeout_s * 1000)
            line = explain(ended, core.closed_by_peer, self._protocol, idle_ms)
            if core.closed_by_peer and self._peer_key and not self._streams:
                line += ", right after the handshake"  # some nodes judge a certificate only then
            self._set_closed(ended.error_code, line)

    def _handle(self, event: object) -> None:
        events = quic_core.aioquic_connection.events
        if isinstance(event, events.StreamDataReceived):
            stream = self._find(event.stream_id)
            if stream is not None:
                self.is_for_others = self.is_for_others or stream.is_for_others
                stream.on_data(event.data, event.end_stream)
                if event.end_stream and stream.kind < 0 and not stream.take_kind():
                    self._refuse(stream, 0)  # it ended before it began
        elif isinstance(event, events.StreamReset):
            stream = self._find(event.stream_id)
            if stream is not None:
                stream.on_reset(event.error_code)
                self._forget_if_waiting(stream)
        elif isinstance(event, events.StopSendingReceived):
            stream = self._find(event.stream_id)
            if stream is not None:
                stream.on_stop(event.error_code)
                self._forget_if_waiting(stream)
        elif isinstance(event, events.PingAcknowledged):
            self._ping_is_out = False
        elif self._router is not None:
            if isinstance(event, events.ConnectionIdIssued):
                self._router.add_route(event.connection_id, self)
            elif isinstance(event, events.ConnectionIdRetired):
                self._router.remove_route(event.connection_id)

    def _find(self, stream_id: int) -> "Stream | None":
        stream = self._streams.get(stream_id)
        if stream is None and (stream_id & 1 == 0) != self.is_dialed:
            stream = self._new_stream(stream_id, -1)
            if stream is not None:
                if self._count(stream_id & 1) > self._limits.inbound_streams or self.state == CLOSED:
                    stream.reset(TOO_MANY_STREAMS)
                else:
                    self._inbound.append(stream)
        return stream

    def _count(self, parity: int) -> int:
        # Streams of one initiator (the client's ids are even) that are not over. One that we gave up counts no more:
        # how long aioquic remembers it depends on the peer, and `_STREAMS_AHEAD` bounds that.
        return sum(1 for s in self._streams.values() if s.id & 1 == parity and not s.is_refused)

    def _new_stream(self, stream_id: int, kind: int) -> "Stream | None":
        quic = self._core.find(stream_id)
        if quic is None:
            return None
        stream = self._streams[stream_id] = Stream(
            self._core, quic, stream_id, kind, self._limits.send_buffer_bytes
        )
        return stream

    def _forget_if_waiting(self, stream: Stream) -> None:
        # Given up by the peer before anybody here took it: it must not wait in the queue, which a peer could
        # fill.
        if stream in self._inbound:
            self._refuse(stream, stream.reset_code)

    def _refuse(self, stream: Stream, code: int) -> None:
        stream.reset(code)
        if stream in self._inbound:  # else it was above the cap
            self._inbound.remove(stream)

    def _forget_finished(self) -> None:
        for stream_id in [i for i in self._streams if self._core.find(i) is None]:
            self._streams.pop(stream_id).on_forgotten()

    # times and ends

    def _ping_at(self) -> int:
        # Half of the idle timeout after the peer was last heard. A ping that is not answered is not repeated:
        # aioquic probes by itself, and a dead peer shall time out.
        if self.state != READY or self._ping_is_out:
            return -1
        return _ms(self._core.last_activity_s + self._core.idle_timeout_s / 2)

    def _break(self, error: Exception) -> None:
        self._is_broken = True
        self._core.abandon()
        self._outbox.clear()
        what = "%s %s" % (type(error).__name__, printable(str(error)))
        self._set_closed(1, "QUIC failed on the peer's datagram: " + what)

    def _set_closed(self, code: int, reason: str) -> None:
        if self.state == CLOSED:
            return
        self.state = CLOSED
        self.close_code = code
        self.close_reason = reason
        self._inbound.clear()
        for stream in self._streams.values():
            stream.on_closed()


def numeric_address(host: str, port: int) -> "tuple[str, int]":
    """`(host, port)` as a socket reports it; LocalError when one of them is impossible."""
    try:
        canonical = str(ipaddress.ip_address(host))
    except ValueError:
        raise LocalError("not an IP address: %s" % printable(host), 2)
    if not 0 < port < 65536:
        raise LocalError("not a UDP port: %d" % port, 2)
    return canonical, port


def _meter(rate: int, limits: "Profile") -> "Meter | None":
    return Meter(rate, max(_DATAGRAM_BYTES, rate * limits.burst_ms // 1000)) if rate else None


def _ms(seconds: float) -> int:
    # Rounded up until the division gives the time back: at the returned moment the timer must be due.
    ms = math.ceil(seconds * 1000)
    return ms if ms / 1000 >= seconds else ms + 1

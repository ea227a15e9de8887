"""JAM's own network for the node: QUIC connections behind one UDP socket. Loading it loads aioquic.

A datagram cannot be cut. One of ours waits until its budget has all of it. How long one is that comes is known when it
is read: that happens while the budget has anything, and what it was too much is a debt that the next ones wait for.
While the node may not read, the system drops what its buffer does not hold, and the peers' congestion control slows
them down. Nobody knows whose a datagram is before it is read, so reading is as urgent as the chain; but a
stranger's first one is dropped while strangers are over their share. Of the rates that each peer has of its own, that
of what it sends (profile.peer_download_rate) holds its window back: it may send one window ahead of that rate. What a
gateway passes on comes on connections that follow the chain, and is charged to SERVING.
"""

from ..budget.budgets import Budgets
from ..budget.classes import HANDSHAKES, HEADERS, SERVING
from ..budget.times import earlier
from ..const import const
from ..ports import entropy
from ..ports.cpython.link import UdpLink
from ..transport.quic_certificate import Identity
from ..transport.quic_listener import Listener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..ports.cpython.waker import Waker
    from ..transport.quic import Connection
    from .carrier import Evict
    from .peers import Record

_DATAGRAMS_A_TURN = const(64)
_OVERHEAD = const(42)  # bytes of Ethernet, IPv4 and UDP beside a datagram
_MORE_V6 = const(20)  # and over IPv6


class QuicCarrier:
    """A carrier (carrier.py) of JAMNP-S. Peers are named `e…`; `bytes_in` and `bytes_out` count UDP payload."""

    def __init__(
        self,
        seed: bytes,
        genesis_hash: bytes,
        profile: "Profile",
        host: str,
        port: int,
        budgets: "Budgets | None" = None,
    ) -> None:
        self.budgets = budgets or Budgets(profile)
        self.wire_in = self.wire_out = 0
        self.unsent = self.resets = 0  # the system holds no datagrams back
        self._identity = Identity(seed)
        # Peers turn a second connection of the same name away (typeberry: code 1), so state is asked under another.
        self._guest = Identity(entropy.random_bytes(32))
        self._listener = Listener(self._identity, genesis_hash, profile)
        self.refused: "dict[str, int]" = {}  # JAMNP-S has one suite and no rule about it
        self.last_refusal = ""
        self.evict: "Evict | None" = None
        self._bind = (host, port)
        self._link: "UdpLink | None" = None
        self._unsent: "tuple[bytes, tuple[str, int]] | None" = None
        self._unsent_cls = HEADERS
        self._now = 0
        self._is_refused = False  # the system takes no datagram now

    @property
    def name(self) -> str:
        return self._identity.name

    @property
    def addresses(self) -> "list[str]":
        """Where it listens, each as `name@ip:port`."""
        assert self._link is not None
        host, port = self._link.address
        return ["%s@%s:%d" % (self.name, "[%s]" % host if ":" in host else host, port)]

    @property
    def bytes_in(self) -> int:
        return self._link.bytes_in if self._link else 0

    @property
    def bytes_out(self) -> int:
        return self._link.bytes_out if self._link else 0

    def carries(self, name: str) -> bool:
        """Whether a peer of this name is ours to dial."""
        return name.startswith("e")

    def open(self, waker: "Waker") -> None:
        """Bind. LocalError when the address cannot be had."""
        self._link = UdpLink(*self._bind, waker=waker, receive_bytes=self.budgets.profile.socket_receive_bytes)

    def dial(self, record: "Record", now: int) -> "Connection":
        """Begin the connection that follows the chain."""
        return self._listener.dial(*record.places[0], record.name, now)

    def dial_for_state(self, record: "Record", now: int) -> "Connection":
        """Begin the connection on which state is asked: a peer may close it for that."""
        return self._listener.dial(*record.places[0], record.name, now, self._guest)

    def accept(self) -> "Connection | None":
        """The next connection of a peer that dialed us and is READY, or None."""
        return self._listener.accept()

    def receive(self, now: int) -> None:
        """Read what has come, a bounded amount, and let time pass."""
        link, listener, budgets = self._link, self._listener, self.budgets
        assert link is not None
        for _ in range(_DATAGRAMS_A_TURN):
            if self._read_at(now) != now:
                break
            size = link.receive()
            if size < 0:
                break
            listener.takes_strangers = not budgets.is_asleep and (
                budgets.cpu.may(HANDSHAKES, now) and budgets.up.may(HANDSHAKES, now))
            datagram = link.view[:size]
            connection = listener.receive(datagram, link.source, now)
            cls = HANDSHAKES if connection is None else SERVING if connection.is_for_others else connection.cls
            size = _wire_bytes(datagram, link.source)
            self.wire_in += size
            if connection is not None and connection.down is not None:
                connection.down.spend(size, now)
            budgets.down.spend(cls, size, now)
            budgets.allowance.spend(size)
            budgets.cpu.charge(cls, now)
        listener.tick(now)

    def flush(self, now: int) -> None:
        """Send what is due, as far as the link and the budgets take it."""
        listener = self._listener
        self._now = now
        self._is_refused = False
        if not self.budgets.allowance.left():
            return
        while True:
            if self._unsent is None:
                self._unsent = listener.drain(now, self._send_at)
                self._unsent_cls = listener.drained
                self.budgets.cpu.charge(listener.drained if self._unsent is not None else -1, now)
            if self._unsent is None or not self._send(*self._unsent, now):
                break
            self._unsent = None
        for cls in listener.deferred:
            (self.budgets.up if self.budgets.cpu.may(cls, now) else self.budgets.cpu).defer(cls)

    def watch(self, now: int) -> int:
        """Let what comes wake the waker. When to come back at the latest (ms), or -1."""
        assert self._link is not None
        read_at = self._read_at(now)
        self._link.watch(read_at == now)
        self._now = now
        at = self._listener.wake_at(now, self._send_at)
        if not self.budgets.allowance.left():
            return at if at > now else -1
        if self._unsent is not None:  # all that come after it wait as well
            size = _wire_bytes(*self._unsent)
            at = now + 1 if self._is_refused else self.budgets.up.wake_at(self._unsent_cls, now, size)
        return at if read_at == now else earlier(at, read_at)

    def _send_at(self, cls: int) -> int:
        # When the class may make and send a datagram, at `_now`.
        return max(self.budgets.up.wake_at(cls, self._now), self.budgets.cpu.wake_at(cls, self._now))

    def _read_at(self, now: int) -> int:
        # When the socket may be read: -1 is not before the allowance is renewed.
        budgets = self.budgets
        if not budgets.allowance.left():
            return -1
        return max(budgets.down.wake_at(HEADERS, now), budgets.cpu.wake_at(HEADERS, now))

    def _send(self, datagram: bytes, addr: "tuple[str, int]", now: int) -> bool:
        link, budgets = self._link, self.budgets
        assert link is not None
        size = _wire_bytes(datagram, addr)
        if budgets.up.wake_at(self._unsent_cls, now, size) != now:
            return False
        self._is_refused = not link.send(datagram, addr)
        if not self._is_refused:
            self.wire_out += size
            budgets.up.spend(self._unsent_cls, size, now)
            if self._listener.drained_by is not None:
                self._listener.drained_by.spend(size, now)
            budgets.allowance.spend(size)
        return not self._is_refused

    @property
    def is_drained(self) -> bool:
        """Nothing is left to send."""
        return self._unsent is None

    def close(self, reason: str = "") -> None:
        """Close every connection; `flush` tells the peers, `release` gives the socket back."""
        self._listener.close(0, reason)

    def release(self) -> None:
        """Give the socket back."""
        if self._link:
            self._link.close()  # its counts stay


def _wire_bytes(datagram: "bytes | memoryview", addr: "tuple[str, int]") -> int:
    return len(datagram) + (_OVERHEAD + _MORE_V6 if ":" in addr[0] else _OVERHEAD)

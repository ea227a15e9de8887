"""JAM's own network for the node: QUIC connections behind one UDP socket. Loading it loads aioquic."""

from ..const import const
from ..ports import entropy
from ..ports.cpython.link import UdpLink
from ..transport.quic_certificate import Identity
from ..transport.quic_listener import Listener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.meter import Meter
    from ..budget.profile import Profile
    from ..ports.cpython.waker import Waker
    from ..transport.quic import Connection
    from .peers import Record

_DATAGRAMS_A_TURN = const(64)


class QuicCarrier:
    """A carrier (carrier.py) of JAMNP-S. Peers are named `e…`; `bytes_in` and `bytes_out` count UDP payload."""

    def __init__(
        self,
        seed: bytes,
        genesis_hash: bytes,
        profile: "Profile",
        host: str,
        port: int,
        download: "Meter | None" = None,
        upload: "Meter | None" = None,
    ) -> None:
        self._identity = Identity(seed)
        # Peers turn a second connection of the same name away (typeberry: code 1), so state is asked under another.
        self._guest = Identity(entropy.random_bytes(32))
        self._listener = Listener(self._identity, genesis_hash, profile)
        self.refused: "dict[str, int]" = {}  # JAMNP-S has one suite and no rule about it
        self.last_refusal = ""
        self._bind = (host, port)
        self._meters = (download, upload)
        self._link: "UdpLink | None" = None
        self._unsent: "tuple[bytes, tuple[str, int]] | None" = None

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
        self._link = UdpLink(*self._bind, *self._meters, waker=waker)

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
        link, listener = self._link, self._listener
        assert link is not None
        for _ in range(_DATAGRAMS_A_TURN):
            size = link.receive()
            if size < 0:
                break
            listener.receive(link.view[:size], link.source, now)
        listener.tick(now)

    def flush(self, now: int) -> None:
        """Send what is due, as far as the link takes it."""
        assert self._link is not None
        item = self._unsent or self._listener.drain(now)
        while item is not None:
            if not self._link.send(*item):
                self._unsent = item
                return
            item = self._listener.drain(now)
        self._unsent = None

    def watch(self, now: int) -> int:
        """Let what comes wake the waker. When to come back at the latest (ms), or -1."""
        assert self._link is not None
        at = self._link.watch(now)
        # While a datagram waits for the upload rate, so do all that come after it.
        sending = self._listener.wake_at(now) if self._unsent is None else self._link.send_at(now)
        return sending if at < 0 or 0 <= sending < at else at

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

"""The peer table: who is known, who is dialed when, and who is left alone for a while."""

from ..const import const

_BLAMES = const(3)  # answers that proved nothing, after which a peer is not asked for state any more

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from .carrier import Carrier
    from .link import PeerLink


class Record:
    """One peer that the user configured, or that dialed us. Times are ms of the node's clock."""

    def __init__(self, name: str, host: str, port: int, carrier: "Carrier") -> None:
        self.carrier = carrier
        self.name = name
        self.places = [(host, port)]
        self.link: "PeerLink | None" = None
        self.failures = 0
        self.dial_at = 0
        self.blamed = 0
        self.reason = ""  # why the last connection ended
        self.serves_state: "bool | None" = None  # None: not tried yet
        self.inbound = False
        self.is_spare = False  # a bootnode, or somebody heard of: dialed when there are too few others

    @property
    def suite(self) -> str:
        """How the connection to this peer is secured, or was when it closed; "" while there is none."""
        return self.link.connection.suite if self.link is not None else ""


class Peers:
    """At most `max_peers` records; a failed peer is dialed again after a time that doubles up to a bound."""

    def __init__(self, profile: "Profile") -> None:
        self._profile = profile
        self.records: "list[Record]" = []

    @property
    def connected(self) -> int:
        return sum(1 for record in self.records if record.link is not None and record.link.ready)

    def add(self, name: str, host: str, port: int, carrier: "Carrier") -> "Record | None":
        """A new record, the known one of that name (with one place more), or None when the table is full."""
        known = self.named(name)
        if known is not None:
            if (host, port) not in known.places and len(known.places) < self._profile.peer_addresses:
                known.places.append((host, port))
            return known
        if len(self.records) >= self._profile.max_peers:
            return None
        record = Record(name, host, port, carrier)
        self.records.append(record)
        return record

    def named(self, name: str) -> "Record | None":
        """The record of that name."""
        for record in self.records:
            if record.name == name:
                return record
        return None

    def due(self, now: int) -> "Record | None":
        """A record that should be dialed now, those that the user named first; None while enough dials are under way.

        Spare ones are dialed while fewer than `min_peers` are connected or on their way.
        """
        waiting = self._waiting()
        for record in waiting:
            if record.dial_at <= now:
                return record
        return None

    def next_at(self) -> int:
        """When the next record is due, or -1."""
        times = [record.dial_at for record in self._waiting()]
        return min(times) if times else -1

    def _waiting(self) -> "list[Record]":
        linked = [record.link for record in self.records if record.link is not None]
        if sum(1 for link in linked if not link.ready) >= self._profile.dials:
            return []
        waiting = [record for record in self.records if record.link is None and not record.inbound]
        named = [record for record in waiting if not record.is_spare]  # not by sort: MicroPython's keeps no order
        if len(linked) >= self._profile.min_peers:
            return named
        return named + [record for record in waiting if record.is_spare]

    def failed(self, record: "Record", reason: str, now: int) -> None:
        """The connection ended. An inbound peer is forgotten: it knows the way."""
        record.link = None
        record.reason = reason
        if record.inbound:
            self.records.remove(record)
            return
        wait = self._profile.peer_retry_ms << min(record.failures, 16)
        record.failures += 1
        record.dial_at = now + min(wait, self._profile.peer_retry_max_ms)

    def for_state(self) -> "list[Record]":
        """Peers worth asking for state: those that served it first, then those nobody has asked, least blamed first."""
        able = [r for r in self.records if r.serves_state is not False and not r.inbound and r.blamed < _BLAMES]
        able.sort(key=lambda r: (r.serves_state is None, r.blamed))
        return able

"""The peer table: who is known, who is dialed when, who is left alone for a while, and who has to go (quality.py)."""

from ..budget.slots import INBOUND, OUTBOUND, TRUSTED, Slots
from ..budget.times import earlier
from ..const import const

_BLAMES = const(3)  # answers that proved nothing, after which a peer is not asked for state any more

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from .carrier import Carrier
    from .link import PeerLink


class Record:
    """One peer that the user configured, or that dialed us. Times are ms of the node's clock.

    What it did, for quality.py: `firsts` headers that nobody had brought before, answers that were `proved`, questions
    that it `declined`, answers that it was `blamed` for, `stalls` while we waited, and units of work `taken`.
    """

    def __init__(self, name: str, host: str, port: int, carrier: "Carrier") -> None:
        self.carrier = carrier
        self.name = name
        self.places = [(host, port)]
        self.link: "PeerLink | None" = None
        self.failures = 0
        self.dial_at = 0
        self.kind = TRUSTED  # of its slot
        self.since = 0  # when the connection began
        self.firsts = self.proved = self.declined = self.blamed = self.stalls = self.taken = 0
        self.reason = ""  # why the last connection ended
        self.serves_state: "bool | None" = None  # None: not tried yet
        self.inbound = False
        self.is_spare = False  # a bootnode, or somebody heard of: dialed when there are too few others

    def seat(self, kind: int) -> None:
        """It has a slot of this kind now."""
        self.kind = kind
        self.inbound = kind == INBOUND
        self.is_spare = kind == OUTBOUND

    @property
    def is_trusted(self) -> bool:
        """The user named it: it is never put out."""
        return not self.inbound and not self.is_spare

    @property
    def suite(self) -> str:
        """How the connection to this peer is secured, or was when it closed; "" while there is none."""
        return self.link.connection.suite if self.link is not None else ""


class Peers:
    """At most `max_peers` records, in slots; a failed peer is dialed again after a time that doubles up to a bound."""

    attested = ""  # how many of the pinned ones chose the checkpoint that we began with, such as 2/3

    def __init__(self, profile: "Profile", slots: "Slots | None" = None) -> None:
        self._profile = profile
        self.slots = slots or Slots(profile)
        self.records: "list[Record]" = []  # never changed, but replaced: a turn goes through it while some leave
        self._faded_at = -1
        self.wants_more = False  # spare ones too, however many are connected

    @property
    def connected(self) -> int:
        return sum(1 for record in self.records if record.link is not None and record.link.ready)

    def add(self, name: str, host: str, port: int, carrier: "Carrier", kind: int = TRUSTED) -> "Record | None":
        """A new record, the known one of that name (with one place more), or None when there is no slot of that kind.

        `kind`: INBOUND for a stranger that dialed us, OUTBOUND for one that we dial, TRUSTED where the user named it.
        """
        slots = self.slots
        known = self.named(name)
        if known is not None:
            if (host, port) not in known.places and len(known.places) < self._profile.peer_addresses:
                known.places.append((host, port))
            if kind > known.kind:  # a stranger whom we want to know, or whom the user names
                slots.give_back(known.kind)
                if slots.take(kind):
                    known.seat(kind)
                else:
                    slots.take(known.kind)
            return known
        if not slots.take(kind):
            return None
        record = Record(name, host, port, carrier)
        record.seat(kind)
        self.records = self.records + [record]
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
        for is_spare in range(self._kinds_to_dial()):
            for record in self.records:
                if record.dial_at <= now and record.is_spare == is_spare and _waits(record):
                    return record
        return None

    def next_at(self) -> int:
        """When the next record is due, or -1."""
        at = -1
        kinds = self._kinds_to_dial()
        for record in self.records:
            if record.is_spare < kinds and _waits(record):
                at = earlier(at, record.dial_at)
        return at

    def _kinds_to_dial(self) -> int:
        # 0: none, 1: those that the user named, 2: spare ones too. Asked every turn, so without a list of them.
        linked = begun = 0
        for record in self.records:
            if record.link is not None:
                linked += 1
                begun += not record.link.ready
        if begun >= self._profile.dials:
            return 0
        return 1 if linked >= self._profile.min_peers and not self.wants_more else 2

    def failed(self, record: "Record", reason: str, now: int) -> None:
        """The connection ended: the peer is left alone for a while."""
        self.left(record, reason, now)
        wait = self._profile.peer_retry_ms << min(record.failures, 16)
        record.failures += 1
        record.dial_at = now + min(wait, self._profile.peer_retry_max_ms)

    def left(self, record: "Record", reason: str, now: int) -> None:
        """The connection ended, and that is no fault. An inbound peer is forgotten: it knows the way."""
        record.link = None
        record.reason = reason
        record.dial_at = now
        if record.inbound and record in self.records:
            self.records = [other for other in self.records if other is not record]
            self.slots.give_back(record.kind)

    def to_evict(self, now: int, is_exhausted: bool = False) -> "Record | None":
        """Whose place a stranger gets that has proved who it is, or who goes because memory `is_exhausted`; or None."""
        from . import quality  # a board that nobody dials does without

        if self._faded_at < 0:
            self._faded_at = now
        elif now - self._faded_at >= quality.FADE_MS:
            self._faded_at = now
            for record in self.records:
                quality.fade(record)
        return quality.to_shed(self.records) if is_exhausted else quality.to_evict(self.records, now)

    def for_state(self) -> "list[Record]":
        """Peers worth asking for state: those that served it first, then those nobody has asked, least blamed first."""
        able = [r for r in self.records if r.serves_state is not False and not r.inbound and r.blamed < _BLAMES]
        able.sort(key=lambda r: (r.serves_state is None, r.blamed))
        return able


def _waits(record: "Record") -> bool:
    return record.link is None and not record.inbound

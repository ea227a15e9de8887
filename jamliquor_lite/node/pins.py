"""Peers that spoke the hybrid handshake once: they are never accepted as classical again (DESIGN §6, "pin").

Striking the hybrid protocol's name out of a handshake looks just like an old peer, so a node remembers who is not old.
Pins live in a two-slot file of the port's store: `natural n`, then n × (flags 1 ++ length 1 ++ peer id).
"""

from ..const import const
from ..errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..chain.twoslot import TwoSlot

RULE = "pin"
_CONFIGURED = const(1)  # flag: named by the user, so never dropped to make room
_MAX_ID = const(44)


class Pins:
    """At most `profile.pins` peers; the oldest that the user did not name makes room. `changed`: `save` has work."""

    def __init__(self, profile: "Profile", slots: "TwoSlot | None" = None, read_only: bool = False) -> None:
        """`read_only`: a node may be running on the same store, which then is the one that writes."""
        self._limit = profile.pins
        self._read_only = read_only
        self._slots = slots
        self._pins: "list[tuple[bytes, int]]" = []  # (peer id, flags), in the order of pinning
        self.changed = False
        self.policy = ""  # our own (transport/terms.py), for the reason of a refusal
        self.damage = ""  # why a stored list could not be read
        if slots is not None:
            self._load(slots)

    def has(self, peer_id: bytes) -> bool:
        """Whether this peer was hybrid once."""
        return self._find(peer_id) >= 0

    def peers(self) -> "list[tuple[bytes, bool]]":
        """(peer id, whether the user named it), the oldest first."""
        return [(known, bool(flags & _CONFIGURED)) for known, flags in self._pins]

    def add(self, peer_id: bytes, is_configured: bool) -> None:
        """The peer spoke the hybrid handshake. In a full list the oldest stranger makes room; no stranger finds room
        where the user named all."""
        at = self._find(peer_id)
        if at >= 0:
            if is_configured and not self._pins[at][1] & _CONFIGURED:
                self._pins[at] = (peer_id, _CONFIGURED)
                self.changed = True
            return
        if len(self._pins) >= self._limit:
            oldest = 0
            while oldest < len(self._pins) and self._pins[oldest][1] & _CONFIGURED:
                oldest += 1
            if oldest == len(self._pins):
                return
            self._pins.pop(oldest)
        self._pins.append((peer_id, _CONFIGURED if is_configured else 0))
        self.changed = True

    def remove(self, peer_id: bytes) -> bool:
        """Forget a pin: the user's decision only. Whether there was one."""
        at = self._find(peer_id)
        if at < 0:
            return False
        self._pins.pop(at)
        self.changed = True
        return True

    def judge(self, peer_id: bytes, is_hybrid: bool) -> str:
        """"" when the peer may come in, else the rule and the reason (transport/terms.py)."""
        if is_hybrid or not self.has(peer_id):
            return ""
        from ..transport.terms import OFF  # who only lists the pins need not load it

        if self.policy == OFF:  # nothing else can come of it, and nobody but us is to blame
            from ..p2p.keys import peer_name

            return RULE + (": this peer is pinned as post-quantum, and pq = off forbids the hybrid handshake: choose "
                           "another pq, or `peers unpin %s`" % peer_name(peer_id))
        return RULE + ": the peer spoke the hybrid handshake before and offers only the classical one now"

    def save(self) -> None:
        """Write the list where there is a store and something new."""
        if self.changed and self._slots is not None and not self._read_only:
            from ..codec.natural import encode  # a host without a store need not load it

            data = encode(len(self._pins))
            for peer_id, flags in self._pins:
                data += bytes((flags, len(peer_id))) + peer_id
            self._slots.save(data)
            self.changed = False

    def _load(self, slots: "TwoSlot") -> None:
        from ..codec.cursor import Cursor

        data = slots.load()
        if slots.damaged:
            self.damage = str(slots.damaged)
        if data is None:
            return
        cursor = Cursor(data)
        found: "list[tuple[bytes, int]]" = []
        try:
            for _ in range(cursor.natural()):
                flags, size = cursor.u8(), cursor.u8()
                if size > _MAX_ID:
                    raise VerifyError("codec", "a peer id of %d bytes" % size)
                found.append((cursor.take(size), flags & _CONFIGURED))
            cursor.finish()
        except VerifyError as error:
            self.damage = "the stored pins are unusable: %s" % error
            return
        self._pins = found

    def _find(self, peer_id: bytes) -> int:
        for at in range(len(self._pins)):
            if self._pins[at][0] == peer_id:
                return at
        return -1

"""What the system holds for the links of one carrier, where it tells (ports/cpython/tcp.py): only on hosts.

An upload cap must hold when peers that did not read open their windows all at once. So where there is one, a link is
handed what the peer's window takes, and one byte when it takes nothing: the system then asks the peer for more window,
and says when there is some. Where many do not read, the others of them are looked at four times a second. What the
system took and could not send (`unsent`) counts against the burst until it is out; a link with unsent bytes is handed
no more; strangers may hold half of the burst; and while others wait for them, the one of the least urgent class that
has been stuck for longest is reset.

A peer that puts less into its segments than a Noise frame has costs many times what it says, and is reset too.
"""

from ..budget.classes import HANDSHAKES, QUERIES, SERVING
from ..budget.wire import payload_bytes, wire_bytes
from ..const import const
from ..transport.states import CLOSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .members import Member
    from .places import Link, Listener
    from .traffic import Traffic

_SETTLE_MS = const(50)  # so often all links are measured, where there is a cap
_QUEUED = const(5)  # segments that the system says to one that nobody has accepted: to its dialing, and to what it says
_LOOK_MS = const(250)  # a closed window is looked at so often where the system does not wake us
_URGENT_SHARE = const(4)  # those that follow the chain wait for a slow reader a quarter as long as strangers do
# The shortest frame of Noise has 30 bytes: length 2, a frame of yamux 12, tag 16.
_LEAST_A_SEGMENT = const(16)
_SEGMENTS = const(128)  # until it is judged


class Kernel:
    """Of the links of one `traffic`. Sums are bytes of the wire."""

    def __init__(self, traffic: "Traffic") -> None:
        self._traffic = traffic
        self._budgets = traffic.budgets
        self._strangers = 0  # of `traffic.unsent`, what connections hold that nobody here chose
        self.prepaid = 0  # connections that nobody has accepted, and that are paid for
        self._unseen = 0  # that the system may have sent for us since we looked
        self._settle_at = 0
        self._waits = -1  # the most urgent class that waits for unsent bytes of others

    @property
    def held(self) -> int:
        """Of the burst, what is spoken for."""
        return self._traffic.unsent + self._unseen

    # a round of sending

    def look(self, members: "list[Member]", listeners: "list[Listener]", now: int) -> None:
        """Before it: see what of the unsent bytes is out, what the system said by itself, and who wastes segments."""
        traffic, up = self._traffic, self._budgets.up
        self._waits = -1
        if not up.rate and not self._budgets.down.rate:
            if traffic.unsent:  # there was a cap until now
                traffic.unsent = 0
                for member in members:
                    member.unsent = 0
            return
        queued = 0
        for listener in listeners:
            queued += listener.measure()
        if queued > self.prepaid:
            traffic.packets(HANDSHAKES, 0, _QUEUED * (queued - self.prepaid), now)
        self.prepaid = queued
        # What it will say before we look again is kept back: an acknowledgement a link.
        unseen = len(members) * self._budgets.profile.segment_overhead_bytes
        self._unseen = min(unseen, max(0, up.burst // 2 - traffic.segment))
        is_due = now >= self._settle_at
        if is_due:
            self._settle_at = now + _SETTLE_MS
        elif not traffic.unsent:
            return
        traffic.unsent = self._strangers = 0  # anew: a stranger may have become one that we follow
        for member in members:
            if member.link is None or not (is_due or member.unsent):
                continue
            held, member.unsent = member.unsent, 0
            counts = traffic.carried(member, member.link, 0, 0, now)
            if held and not member.unsent:
                member.stuck_at = -1
            if counts is not None and counts[6] >= _SEGMENTS and counts[5] < _LEAST_A_SEGMENT * counts[6]:
                self._reset(member, "reset: %d bytes in %d segments" % (counts[5], counts[6]), now)

    def accepted(self, member: "Member") -> None:
        """One that waited to be accepted is a member now."""
        if self.prepaid:
            self.prepaid -= 1
            member.overhead_out = _QUEUED * self._budgets.profile.segment_overhead_bytes

    def is_held_up(self, member: "Member", least: int) -> bool:
        """Whether the system holds too much for this one to be handed `least` bytes, whatever may be spent."""
        up, unsent = self._budgets.up, self._traffic.unsent
        if not up.rate or not unsent:
            return False
        connection = member.connection
        if member.unsent or connection.state == CLOSED:  # a goodbye waits for nobody else
            return member.unsent > 0
        if self.held + least > up.burst:
            return True
        return connection.cls >= SERVING and self._strangers + self._traffic.segment > self._bound

    def wait(self, cls: int) -> None:
        """A connection of this class has something to say, and the system holds too much for others."""
        if self._waits < 0 or cls < self._waits:
            self._waits = cls

    def window(self, member: "Member", link: "Link", most: int, now: int) -> int:
        """How much of it is to be handed over: what the peer's window takes, or the byte that asks for more while that
        leaves room for a segment. If the system keeps it all the same, then no more than strangers may hold."""
        if not self._budgets.up.rate:
            return most
        link.pace()
        profile = self._budgets.profile
        if member.connection.cls >= SERVING:
            most = min(most, payload_bytes(self._bound - self._strangers, profile))
        if member.window < most:
            counts = link.measure()
            if counts is None:  # a serial line
                return most
            member.window = counts[4]
        if member.window >= most:
            return most
        if member.window > 1:
            return member.window
        if self._strangers + wire_bytes(1, profile) + self._traffic.segment > self._bound:
            member.look_at = now + _LOOK_MS
            return 0
        return 1

    def hold(self, member: "Member", unsent: int, now: int) -> None:
        """So much payload of this one is unsent now."""
        if unsent:
            unsent = wire_bytes(unsent, self._budgets.profile)
            if member.stuck_at < 0:
                member.stuck_at = now
        more = unsent - member.unsent
        member.unsent = unsent
        self._traffic.unsent += more
        if member.connection.cls >= SERVING:
            self._strangers += more

    # who has to go

    def shed(self, members: "list[Member]", now: int) -> None:
        """After it: reset one link that takes nothing, if others have waited for it long enough."""
        worst = self._stuck(members) if self._waits >= 0 else None
        if worst is not None and now >= worst.stuck_at + self._patience_ms:
            self._reset(worst, "reset: it did not read what it asked for, and others waited", now)

    def shed_at(self, members: "list[Member]") -> int:
        """When `shed` is due (ms), or -1."""
        worst = self._stuck(members) if self._waits >= 0 else None
        return -1 if worst is None else worst.stuck_at + self._patience_ms

    def _reset(self, member: "Member", reason: str, now: int) -> None:
        self._traffic.resets += 1
        self.hold(member, 0, now)
        assert member.link is not None
        member.link.abort()
        member.connection.ended(reason, now)

    @property
    def _patience_ms(self) -> int:
        return self._budgets.profile.shed_after_ms // (_URGENT_SHARE if self._waits <= QUERIES else 1)

    def _stuck(self, members: "list[Member]") -> "Member | None":
        worst = None
        for member in members:
            if member.unsent and (worst is None or (member.connection.cls, -member.stuck_at) > (
                    worst.connection.cls, -worst.stuck_at)):
                worst = member
        return worst

    @property
    def _bound(self) -> int:
        # Of what strangers hold.
        return max(min(self._budgets.profile.unsent_bytes, self._budgets.up.burst // 2), self._traffic.segment)

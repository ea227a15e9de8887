"""Whether the peer is still there, and the answers to its asking the same of us (yamux frames of kind PING).

Half of the idle timeout after the peer was last heard it is asked; when nothing at all comes for another half, it is
gone. Anything that it says is a sign of life, whether it answers the ping or not.

A peer that only listens, as those who follow a chain do, says nothing for hours. As long as the link takes what we say
to it, TCP hears that the peer is there, and it is asked only every _PATIENCE idle timeouts: asking it each time would
cost a follower 0.8 MB a day, a tenth of what the headers do.
"""

from ..const import const
from ..errors import RemoteError
from .yamux_frame import ACK, HEADER_BYTES, PING, PROTOCOL_ERROR, SYN, put_header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from .yamux_frame import WritableBuffer

_MINUTE_MS = 60_000
_PATIENCE = const(8)


class Pings:
    """Both directions of one session's pings. An answer that waits is replaced by the next: one slot, no queue."""

    def __init__(self, profile: "Profile") -> None:
        self.rtt_ms = -1  # of the last ping that was answered
        self.is_answered = False  # since `rtt_ms` was last looked at
        self._profile = profile
        self._heard_at = -1  # ms; -1 before the session was first used
        self._said_at = 0  # ms: the last thing that we said beside pings
        self._asked_at = -1  # ms, since the peer was last heard; -1: it was not
        self._value = 0  # of our ping
        self._sent_at = -1  # when it went out; -1: none is on its way
        self._is_due = False
        self._answer = -1  # the value of the peer's ping, to be sent back
        self._count = 0  # of the peer's pings since
        self._count_from = 0

    def heard(self, now: int) -> None:
        """The peer said something."""
        self._heard_at = now
        self._asked_at = -1

    def said(self, now: int) -> None:
        """We said something that the link goes on to take."""
        self._said_at = now

    def ask(self) -> None:
        """Send a ping, unless one is on its way."""
        if self._sent_at < 0:
            self._is_due = True

    def on_frame(self, flags: int, value: int, now: int) -> None:
        """The peer's ping or its answer to ours. RemoteError for neither, and for a flood."""
        if flags & SYN:
            if now - self._count_from >= _MINUTE_MS:
                self._count_from = now
                self._count = 0
            self._count += 1
            if self._count > self._profile.pings_per_minute:
                most = self._profile.pings_per_minute
                raise RemoteError(PROTOCOL_ERROR, "yamux: more than %d pings within a minute" % most)
            self._answer = value
        elif flags & ACK:
            # An answer that comes late, or twice, is no fault.
            if self._sent_at >= 0 and value == self._value:
                self.rtt_ms = now - self._sent_at
                self.is_answered = True
                self._sent_at = -1
        else:
            raise RemoteError(PROTOCOL_ERROR, "yamux: a ping that neither asks nor answers")

    @property
    def has_output(self) -> bool:
        """A ping or an answer waits to be sent."""
        return self._is_due or self._answer >= 0

    def put(self, buf: "WritableBuffer", at: int, end: int, now: int) -> int:
        """Write what waits; where it ends."""
        if self._answer >= 0 and end - at >= HEADER_BYTES:
            at = put_header(buf, at, PING, ACK, 0, self._answer)
            self._answer = -1
        if self._is_due and end - at >= HEADER_BYTES:
            self._value = self._value + 1 & 0xFFFF
            at = put_header(buf, at, PING, SYN, 0, self._value)
            self._is_due = False
            self._sent_at = now
        return at

    def wake_at(self, now: int) -> int:
        """When `is_silent` must be asked at the latest, in ms."""
        if self._heard_at < 0:
            self._heard_at = now
        half = self._profile.idle_timeout_ms // 2
        if self._asked_at >= 0:
            return self._asked_at + half
        return self._heard_at + half + max(0, min(self._said_at - self._heard_at, 2 * _PATIENCE * half))

    def is_silent(self, now: int) -> bool:
        """Let time pass: whether the peer has said nothing for too long."""
        if now < self.wake_at(now):
            return False
        if self._asked_at >= 0:
            return True
        self._asked_at = now
        self._sent_at = -1  # one that was never answered is given up
        self._is_due = True
        return False

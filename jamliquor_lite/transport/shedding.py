"""What gives way when memory is exhausted, one step after the other: never the process, and never what is urgent.

    back-pressure        always: who finds no buffer waits, its window stays shut and its link unread
    newest stream        an urgent borrower has found none for `shed_after_ms`: the newest of the streams that are less
                         urgent is reset, of all that hold chunks, or that a frame waits for
    worst peer           there is no such stream: whoever owns the connections ends one, and says so to nobody else

Urgent is own finality, headers and questions (budget/classes.py), on connections of ours and of peers that the node
trusts. The newest goes, as what has been here for long has most to lose, and who opens many streams loses his own.
"""

from ..budget.classes import QUERIES, SERVING
from ..budget.times import earlier
from ..const import const
from .yamux_stream import GONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence

    from ..budget.pool import Pool
    from ..budget.profile import Profile
    from .connection import Connection
    from .yamux_stream import Stream

NOTHING = 0
STREAM = 1
PEER = 2

_LOOK_MS = const(100)  # who waits for a buffer asks again so often
_OVER_MS = const(500)  # and has given up when it did not ask for so long


class _Hunger:
    """Since when urgent borrowers of a pool have asked in vain."""

    def __init__(self, pool: "Pool") -> None:
        self.since = -1  # ms; -1: none has
        self.pool = pool
        self._seen = pool.hungry
        self._asked_at = 0

    def look(self, now: int) -> None:
        """Take note of what was asked since the last look."""
        pool = self.pool
        if not pool.is_hungry:
            self.since = -1
        elif pool.hungry != self._seen:
            self._seen = pool.hungry
            self._asked_at = now
            if self.since < 0:
                self.since = now
        elif now - self._asked_at > _OVER_MS:
            pool.is_hungry = False
            self.since = -1


class Shedding:
    """`streams` were reset and `peers` had to go so far."""

    def __init__(self, profile: "Profile", frames: "Pool", chunks: "Pool") -> None:
        self.streams = self.peers = 0
        self._profile = profile
        self._frames, self._chunks = _Hunger(frames), _Hunger(chunks)

    @property
    def is_hungry(self) -> bool:
        """Somebody urgent waits: poll."""
        return self._chunks.pool.is_hungry or self._frames.pool.is_hungry

    def poll(self, connections: "Sequence[Connection]", now: int) -> int:
        """Do what is due. STREAM: one was reset. PEER: the caller has to end a connection, as no stream was left."""
        return self._relieve(self._chunks, connections, now) or self._relieve(self._frames, connections, now)

    def _relieve(self, hunger: _Hunger, connections: "Sequence[Connection]", now: int) -> int:
        hunger.look(now)
        if not 0 <= hunger.since <= now - self._profile.shed_after_ms:
            return NOTHING
        hunger.since = now  # for the next step
        stream = newest_low(connections, QUERIES, hunger is self._frames)
        if stream is None:
            self.peers += 1
            return PEER
        stream.reset(0)
        self.streams += 1
        return STREAM

    def wake_at(self, now: int) -> int:
        """When to poll at the latest (ms), and to let everybody ask again; -1: nobody waits for a buffer."""
        self._chunks.look(now)
        self._frames.look(now)
        since = earlier(self._frames.since, self._chunks.since)
        return -1 if since < 0 else max(now, min(since + self._profile.shed_after_ms, now + _LOOK_MS))


def newest_low(connections: "Sequence[Connection]", cls: int, is_held: bool = False) -> "Stream | None":
    """The newest stream that is less urgent than `cls` and holds chunks, or `is_held`: for which a frame waits."""
    found = None
    for connection in connections:
        session = connection.session
        if session is None:
            continue
        streams: "Iterable[Stream | None]" = session.streams.values()
        if is_held:
            streams = (session.into,) if connection.is_held else ()
        for stream in streams:
            if stream is None or stream.bits & GONE or not (is_held or stream.chunks):
                continue
            # What is urgent on a stranger's connection is not urgent for us.
            urgency = stream.cls if session.inbox.is_trusted else max(stream.cls, SERVING)
            if urgency > cls and (found is None or (stream.made_at, stream.id) >= (found.made_at, found.id)):
                found = stream
    return found

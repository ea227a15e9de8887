"""Pushes that nobody here has a use for: tickets, assurances, judgments (JAMNP-S, CE 131 to 145).

The one who opens such a stream sends and finishes, and waits for our FIN. A reset in its place is within the text,
but it costs typeberry's whole connection, and it sends eighteen tickets an epoch. So they are read, dropped and
finished as if they had been taken. Requests are another matter: an empty answer would be a lie, a reset is not.
"""

from ..budget.stream import DEAD, READ_ENDED
from ..const import const
from .kinds import OVERSIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .framing import Stream, WritableBuffer

_STREAM_BYTES = const(128 * 1024)  # a push without end: a work-report, the longest there is, has at most 48 KiB


class Discard:
    """The pushes of one connection, all at once. `chunk_buf` is lent: as much is read at a time.

    How many streams there are is the carrier's bound; a stream of more than `max_bytes` is reset.
    """

    def __init__(self, chunk_buf: "WritableBuffer", max_bytes: int = _STREAM_BYTES) -> None:
        self.dropped = 0  # pushes that came to their end
        self._chunk = chunk_buf
        self._max_bytes = max_bytes
        self._streams: "list[Stream]" = []
        self._read: "list[int]" = []  # bytes of each

    def take(self, stream: "Stream") -> None:
        """Drop what comes on a stream whose kind, one of kinds.PUSHES, has been read."""
        self._streams.append(stream)
        self._read.append(0)

    def poll(self) -> bool:
        """At most one chunk of each stream; whether anything came."""
        is_busy = False
        at = len(self._streams)
        while at:
            at -= 1
            stream = self._streams[at]
            n = stream.recv_into(self._chunk, 0, len(self._chunk))
            if n:
                is_busy = True
                stream.credit(n)
                self._read[at] += n
                if self._read[at] > self._max_bytes:
                    stream.reset(OVERSIZE)
                    self._forget(at)
            elif stream.state & READ_ENDED:
                stream.finish()
                self.dropped += 1
                self._forget(at)
            elif stream.state & DEAD:
                self._forget(at)
        return is_busy

    def _forget(self, at: int) -> None:
        self._streams.pop(at)
        self._read.pop(at)

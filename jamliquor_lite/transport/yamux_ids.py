"""The stream ids of a session that are used up, and what may still come on them.

The dialer's ids are odd, the listener's even. A peer's ids need not come in order: rust-yamux numbers a stream when it
is opened and says SYN with its first byte, go-yamux numbers and sends under different locks. So ids that were passed
over are remembered as gaps, and a SYN in one is taken once. Whoever leaves gaps without end loses the oldest ones.
"""

from ..const import const
from ..errors import RemoteError
from .yamux_frame import MAX_U32, PROTOCOL_ERROR

_MAX_GAPS = const(32)  # a peer that opens every second id


class Ids:
    """`most_late` bounds the bytes that may be on their way on streams that are over, all of them together."""

    def __init__(self, is_dialer: bool, most_late: int) -> None:
        self._ours = 1 if is_dialer else 2  # the next id of ours
        self._peers = 2 if is_dialer else 1  # none of the peer's from here on was used
        self._gaps: "list[int]" = []  # first and last id of each gap below, the lowest gap first
        self._most_late = most_late
        self._late = 0

    def is_ours(self, stream_id: int) -> bool:
        """We would have opened it."""
        return (stream_id ^ self._ours) & 1 == 0

    def was_open(self, stream_id: int) -> bool:
        """A stream had this id, or it lies in a gap that was given up."""
        if self.is_ours(stream_id):
            return stream_id < self._ours
        return stream_id < self._peers and self._gap_of(stream_id) < 0

    def new(self) -> int:
        """The next id of ours; 0 when there is none left."""
        stream_id = self._ours
        if stream_id > MAX_U32:
            return 0
        self._ours = stream_id + 2
        return stream_id

    def claim(self, stream_id: int) -> bool:
        """The peer uses an id; False when that was done before."""
        gaps = self._gaps
        if stream_id >= self._peers:
            if stream_id > self._peers:
                gaps.append(self._peers)
                gaps.append(stream_id - 2)
            self._peers = stream_id + 2
        else:
            i = self._gap_of(stream_id)
            if i < 0:
                return False
            last = gaps[i + 1]
            if stream_id < last:
                gaps.insert(i + 2, stream_id + 2)
                gaps.insert(i + 3, last)
            if gaps[i] < stream_id:
                gaps[i + 1] = stream_id - 2
            else:
                gaps.pop(i)
                gaps.pop(i)
        while len(gaps) > 2 * _MAX_GAPS:
            gaps.pop(0)
            gaps.pop(0)
        return True

    def expect_late(self, size: int) -> None:
        """We gave up a stream on which the peer may have sent so many bytes before it hears of that."""
        self._late = min(self._late + size, self._most_late)

    def take_late(self, stream_id: int, size: int) -> None:
        """Bytes on a stream that is not there. RemoteError when they cannot have been sent in good faith."""
        if not self.was_open(stream_id):
            raise RemoteError(PROTOCOL_ERROR, "yamux: data on stream %d, which was never opened" % stream_id)
        if size > self._late:
            raise RemoteError(PROTOCOL_ERROR, "yamux: %d bytes on stream %d, which is over" % (size, stream_id))
        self._late -= size

    def _gap_of(self, stream_id: int) -> int:
        # Where in _gaps the gap with this id is; -1: in none.
        gaps = self._gaps
        for i in range(0, len(gaps), 2):
            if gaps[i] <= stream_id <= gaps[i + 1]:
                return i
        return -1

"""Header announcement and block offer: gateways name by hash what they have. Ours, and of the lite network only.

Protocol `/jamliquor/<genesis8>/announce/1`, one stream for each direction, opened by the side that announces and
kept for as long as the connection:

    --> header hash 32 ++ slot 4                         (again and again)
    <--                                                  <-- FIN, at once

Each announcement is one message: its length, 36, as u32 little-endian, then 36 bytes (framing.py).
    header hash   BLAKE2b-256 of an encoded header
    slot          u32 little-endian, that header's slot

A side announces the heads it has when it opens the stream, and from then on each header that it has checked, so
that it can serve it at once; never one that the peer announced to it, and each at most once. Whoever wants the
header asks for it by its hash (header_request.py: descending, maximum 1), or for the block (CE 128). The acceptor
says nothing, so its half ends at once: a byte in it, or a message of another length, is a fault. A side that has
opened this stream sends no UP 0 announcements on that connection; UP 0 remains for those who do not ask for this.

Why not UP 0 alone: it pushes the whole header, 297 bytes and 65,833 at an epoch's change of the full spec, over
every link on which nobody was quicker. Among 10 gateways of degree 5 that is some 4 copies a node; 36 bytes a link
and one request are a copy a node. The price is a round trip for each hop.

Protocol `/jamliquor/<genesis8>/blocks/1`, a block offer, has the same messages under the same rules, and names blocks:
the side has the whole block, has compared its body with the extrinsic hash of its checked header, and answers CE 128 of
that hash (descending, maximum 1) from its own memory. Blocks that it does not hold in memory are not offered.

An offer of the hash of 32 zero bytes names no block. It says in its slot how far the side is from a JAM node that
answers requests which are passed on (relayed_request.py), and holds until the next one:
    bits 0 to 7    gateways between the side and a node that answers CE 128; 255: none that it knows of
    bits 8 to 15   the same for CE 129
    bits 16 to 23  255 less the same for CE 130, so that 0 says: none
    bits 24 to 31  255 less the same for CE 153

An offer in whose slot bit 31 is set names no block that is here either, but the newest that is final for the side, for
which it has a justification (CE 130) or knows who has; bits 0 to 30 are that block's slot.
"""

from ..const import const
from ..errors import LocalError, RemoteError
from .events import ANNOUNCEMENT, DONE, ENDED, LOST, MORE, NOTHING
from .framing import MessageReader, gave_up, get_u32, put_u32
from .kinds import CANCELLED, MALFORMED, SUPERSEDED, SURPLUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .framing import Stream

OURS = 0  # we opened it and announce on it
THEIRS = 1
_HASH = const(32)
_CONTENT = const(36)
_MESSAGE = const(40)
_QUEUE = const(32)  # announcements that wait for a peer that does not read: 1,280 bytes a connection
HEADERS = "header announcement"
BLOCKS = "block offer"
REACH = bytes(_HASH)  # in the place of a hash: what follows is a distance
FINAL = 0x8000_0000  # in a slot of any other block offer: the block is final for the side


class HeaderAnnouncement:
    """Both streams of one connection; `what` is HEADERS or BLOCKS. `attach` each as it opens; `poll` until it returns
    NOTHING.

    Events:
    ANNOUNCEMENT   `header_hash`, `slot`, until the next poll; the peer may say the same again and again
    ENDED          the stream of `side` is over (finished or reset, `reset_code`); the other one lives on
    LOST           the connection is gone; nothing is attached any more

    A violation resets both streams and is a RemoteError. `queue` bounds what waits to be sent: beyond it the oldest
    is dropped, since who hears of a header hears of its ancestors (`dropped` counts).
    """

    def __init__(self, queue: int = _QUEUE, what: str = HEADERS) -> None:
        if queue < 2:
            raise LocalError("%s: a queue of %d" % (what, queue))
        self.header_hash = b""
        self.slot = 0
        self.side = OURS
        self.reset_code = 0
        self.dropped = 0
        self._queue = queue
        self._ring = bytearray(queue * _MESSAGE)
        self._first = 0  # which place of the ring goes out next
        self._count = 0
        self._sent = 0  # bytes of the first that are out
        self._ours: "Stream | None" = None
        self._theirs: "Stream | None" = None
        self._what = what
        self._reader = MessageReader(what)
        self._reader.limit = _CONTENT
        self._content = bytearray(_CONTENT)
        self._got = 0
        self._probe = bytearray(1)

    def attach(self, stream: "Stream", side: int) -> None:
        """Take a stream that was opened by us (OURS) or by the peer (THEIRS). One of that side that is still there is
        superseded. What was queued for an older stream of ours is forgotten.
        """
        self._drop(side, SUPERSEDED)
        if side == OURS:
            self._ours = stream
            self._count = self._sent = 0
            return
        self._theirs = stream
        self._reader.begin(stream)
        self._got = 0
        stream.finish()

    def attached(self, side: int) -> bool:
        """Whether that stream is there."""
        return (self._ours if side == OURS else self._theirs) is not None

    def close(self) -> None:
        """Let go of both streams."""
        self._close_both(CANCELLED)

    def announce(self, header_hash: bytes, slot: int) -> bool:
        """Queue an announcement; False when there is no stream of ours."""
        if len(header_hash) != _HASH:
            raise LocalError("%s: a header hash has 32 bytes" % self._what)
        if self._ours is None:
            return False
        if self._count == self._queue:
            self._make_room()
        at = (self._first + self._count) % self._queue * _MESSAGE
        put_u32(self._ring, at, _CONTENT)
        at += 4
        self._ring[at : at + _HASH] = header_hash
        put_u32(self._ring, at + _HASH, slot)
        self._count += 1
        self._write(self._ours)  # now: nobody may poll again before the peer says something
        return True

    def poll(self, now: int) -> int:
        """One bounded unit of work: an event, MORE, or NOTHING."""
        try:
            return self._send() or self._read()
        except RemoteError as error:
            self._close_both(error.code)
            raise

    def _make_room(self) -> None:
        # The oldest goes; if it is half out, the second oldest.
        second = (self._first + 1) % self._queue
        if self._sent:
            ring, at = self._ring, self._first * _MESSAGE
            ring[second * _MESSAGE : (second + 1) * _MESSAGE] = ring[at : at + _MESSAGE]
        self._first = second
        self._count -= 1
        self.dropped += 1

    def _send(self) -> int:
        stream = self._ours
        if stream is None:
            return NOTHING
        if stream.recv_into(self._probe, 0, 1):
            raise RemoteError(SURPLUS, "%s: an answer where there is none" % self._what)
        why = gave_up(stream)
        if why:
            return self._over(OURS, why)
        self._write(stream)
        return NOTHING

    def _write(self, stream: "Stream") -> None:
        while self._count:
            at = self._first * _MESSAGE
            self._sent += stream.send(self._ring, at + self._sent, at + _MESSAGE)
            if self._sent < _MESSAGE:
                break
            self._sent = 0
            self._first = (self._first + 1) % self._queue
            self._count -= 1

    def _read(self) -> int:
        if self._theirs is None:
            return NOTHING
        reader = self._reader
        if reader.left == 0:
            event = reader.next_message()
            if event != MORE:
                return self._over(THEIRS, event) if event else NOTHING
            if reader.length != _CONTENT:
                raise RemoteError(MALFORMED, "%s: %d bytes instead of %d" % (self._what, reader.length, _CONTENT))
            self._got = 0
        n = reader.read_into(self._content, self._got, _CONTENT)
        if n == 0:
            return self._over(THEIRS, reader.ended) if reader.ended else NOTHING
        self._got += n
        if self._got < _CONTENT:
            return MORE
        self.header_hash = bytes(self._content[:_HASH])
        self.slot = get_u32(self._content, _HASH)
        return ANNOUNCEMENT

    def _over(self, side: int, event: int) -> int:
        # LOST takes both; else that one stream, whichever way it ended.
        self.side = side
        if event == LOST:
            self._close_both(CANCELLED)
            return LOST
        stream = self._ours if side == OURS else self._theirs
        assert stream is not None
        self.reset_code = 0
        if event == DONE:
            self._theirs = None  # both halves have ended cleanly
        else:
            self.reset_code = stream.reset_code
            self._drop(side, CANCELLED)
        return ENDED

    def _close_both(self, code: int) -> None:
        self._drop(OURS, code)
        self._drop(THEIRS, code)

    def _drop(self, side: int, code: int) -> None:
        if side == OURS:
            stream, self._ours = self._ours, None
        else:
            stream, self._theirs = self._theirs, None
        if stream is not None:
            stream.reset(code)

"""UP 0: each side says which leaves it knows, then announces every block it comes by (JAMNP-S, "UP 0").

    handshake    = final hash 32 ++ final slot 4 ++ natural n ++ n x (leaf hash 32 ++ slot 4)
    announcement = header ++ final hash 32 ++ final slot 4

The text wants one stream, opened by the initiator of the connection. typeberry opens a second one towards its
initiator and announces on that alone, so a connection has two places here: the stream that we opened and the one
that the peer opened. Both get our handshake; announcements are taken from either and sent on one.
"""

from ..budget.stream import CLOSED, READ_RESET, SEND_STOPPED
from ..codec.cursor import Cursor
from ..codec.natural import encode
from ..const import const
from ..errors import BudgetError, LocalError, RemoteError, VerifyError
from .events import ANNOUNCEMENT, DONE, ENDED, HANDSHAKE, LONG_HEADER, LOST, MORE, NOTHING
from .framing import MessageReader, get_u32, put_u32
from .kinds import CANCELLED, MALFORMED, OVERSIZE, SUPERSEDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec
    from .framing import Buffer, Sink, Stream, WritableBuffer

OURS = 0
THEIRS = 1
_HASH = const(32)
_FINAL = const(36)  # hash and slot; a leaf has the same form
_PREFIX = const(4)
_COUNT = const(9)  # the longest natural
_WHAT = "UP 0"


def announcement_size(spec: "Spec") -> int:
    """Bytes of the longest announcement: what `in_buf` must hold, and `out_buf` with 4 more."""
    return spec.max_header_size + _FINAL


class _Place:
    """One of the two streams."""

    def __init__(self) -> None:
        self.stream: "Stream | None" = None
        self.reader = MessageReader(_WHAT)
        self.shaken = False  # the peer's handshake has come
        self.sent = 0  # bytes of our handshake that are out


class BlockAnnouncement:
    """Both streams of one connection. `attach` each as it opens; `poll` until it returns NOTHING.

    Events, with `side` OURS or THEIRS, valid until the next poll:
    HANDSHAKE      `final_hash`, `final_slot`, `leaf_count`, `leaf_hash(i)`, `leaf_slot(i)`
    ANNOUNCEMENT   the header is `in_buf[start:end]`, not parsed; `final_hash`, `final_slot`
    LONG_HEADER    the same, but the header is in `sink`
    ENDED          that stream is over (finished or reset); the other one lives on
    LOST           the connection is gone; nothing is attached any more

    `in_buf` and `out_buf` are lent. While one stream is inside a message the other is not read, so that one buffer
    serves both. A violation resets both streams and is a RemoteError; a message that the protocol allows and
    `in_buf` does not hold goes into `sink`, by pieces; without one it is BudgetError("announcement_buf").
    """

    def __init__(
        self,
        spec: "Spec",
        in_buf: "WritableBuffer",
        out_buf: "WritableBuffer",
        max_leaves: int,
        initiator: bool = True,
    ) -> None:
        handshake_size = _FINAL + _COUNT + max_leaves * _FINAL
        if len(in_buf) < handshake_size:
            raise LocalError("UP 0: %d leaves need a buffer of %d bytes" % (max_leaves, handshake_size))
        self.in_buf = in_buf
        self.sink: "Sink | None" = None
        self.start = 0
        self.end = 0
        self.side = OURS
        self.final_slot = 0
        self.leaf_count = 0
        self.reset_code = 0  # the peer's, after ENDED
        self._leaves_at = 0
        self._final_at = -1  # of in_buf
        self._out = out_buf
        self._out_start = self._out_end = 0
        self._out_side = OURS
        self._preferred = OURS if initiator else THEIRS
        self._max_leaves = max_leaves
        self._handshake_size = handshake_size
        self._least = spec.plain_header_size + _FINAL
        self._most = announcement_size(spec)
        self._hello = bytearray(_PREFIX + handshake_size)
        self._hello_end = 0
        self._places = (_Place(), _Place())
        self._turn = OURS
        self._inside = -1  # the side whose message is being collected, or -1
        self._got = 0
        self._long = 0  # bytes of a header that goes into the sink, or 0
        self._passed = 0  # of them, those that it has

    def attach(self, stream: "Stream", side: int) -> None:
        """Take a stream of kind 0 that was opened by us (OURS) or by the peer (THEIRS).

        A stream of that side that is still there is superseded: the peer opened it anew.
        """
        self._detach(side, SUPERSEDED)
        place = self._places[side]
        place.stream = stream
        place.reader.begin(stream)
        place.shaken = False
        place.sent = 0

    def attached(self, side: int) -> bool:
        """Whether that stream is there."""
        return self._places[side].stream is not None

    def close(self) -> None:
        """Let go of both streams."""
        self._detach(OURS, CANCELLED)
        self._detach(THEIRS, CANCELLED)

    def queue_handshake(self, final_hash: bytes, final_slot: int, leaves: "list[tuple[bytes, int]]") -> bool:
        """What streams attached from now on are greeted with; leaves beyond the bound are left out.

        False, and nothing is changed, while a greeting is half out.
        """
        for place in self._places:
            if place.stream is not None and 0 < place.sent < self._hello_end:
                return False
        hello = self._hello
        at = self._put_final(hello, _PREFIX, final_hash, final_slot)
        count = min(len(leaves), self._max_leaves)
        for byte in encode(count):
            hello[at] = byte
            at += 1
        for i in range(count):
            at = self._put_final(hello, at, leaves[i][0], leaves[i][1])
        put_u32(hello, 0, at - _PREFIX)
        for place in self._places:
            if place.stream is not None and place.sent:
                place.sent = at  # greeted before, with the older one
        self._hello_end = at
        return True

    def announce(self, header: "Buffer", final_hash: bytes, final_slot: int) -> bool:
        """Queue an announcement. False when no stream has been greeted or there is no room: drop it or retry."""
        size = len(header) + _FINAL
        if self._out_start == self._out_end:
            side = self._preferred if self._greeted(self._preferred) else 1 - self._preferred
            self._out_start = self._out_end = 0
            self._out_side = side
        if not self._greeted(self._out_side) or self._out_end + _PREFIX + size > len(self._out):
            return False
        at = self._out_end
        put_u32(self._out, at, size)
        at += _PREFIX
        self._out[at : at + len(header)] = header
        self._out_end = self._put_final(self._out, at + len(header), final_hash, final_slot)
        self._send()  # now: nobody may poll again before the peer says something
        return True

    @property
    def final_hash(self) -> bytes:
        """Hash of the block that the peer said is final."""
        return bytes(self.in_buf[self._final_at : self._final_at + _HASH]) if self._final_at >= 0 else b""

    def leaf_hash(self, index: int) -> bytes:
        """Header hash of one leaf of the handshake."""
        at = self._leaf_at(index)
        return bytes(self.in_buf[at : at + _HASH])

    def leaf_slot(self, index: int) -> int:
        """Slot of one leaf of the handshake."""
        return get_u32(self.in_buf, self._leaf_at(index) + _HASH)

    def poll(self, now: int) -> int:
        """One bounded unit of work: an event, MORE, or NOTHING."""
        self._send()
        for _ in range(2):
            self._turn = 1 - self._turn
            side = self._turn
            if self._places[side].stream is None or self._inside == 1 - side:
                continue
            try:
                event = self._read(side)
            except RemoteError as error:
                self._close_both(error.code)
                raise
            except VerifyError as error:
                self._close_both(MALFORMED)
                raise RemoteError(MALFORMED, "UP 0 handshake: %s" % error)
            except BudgetError:
                self._close_both(CANCELLED)
                raise
            if event:
                return event
        return NOTHING

    def _greeted(self, side: int) -> bool:
        place = self._places[side]
        return place.stream is not None and self._hello_end > 0 and place.sent == self._hello_end

    def _send(self) -> None:
        for place in self._places:
            stream = place.stream
            if stream is not None and place.sent < self._hello_end:
                place.sent += stream.send(self._hello, place.sent, self._hello_end)
        if self._out_start < self._out_end:
            stream = self._places[self._out_side].stream
            if stream is None or stream.state & (SEND_STOPPED | CLOSED):
                self._out_start = self._out_end = 0  # half a message cannot go on elsewhere
            else:
                self._out_start += stream.send(self._out, self._out_start, self._out_end)

    def _read(self, side: int) -> int:
        place = self._places[side]
        reader = place.reader
        if self._inside != side:
            reader.limit = self._most if place.shaken else self._handshake_size
            event = reader.next_message()
            if event != MORE:
                return self._stopped(side, event)
            length = reader.length
            if place.shaken and length < self._least:
                raise RemoteError(
                    MALFORMED, "UP 0: an announcement of %d bytes, the shortest has %d" % (length, self._least)
                )
            if length > len(self.in_buf) and self.sink is None:
                raise BudgetError(
                    "announcement_buf", "UP 0: an announcement of %d bytes, %d are there for it"
                    % (length, len(self.in_buf))
                )
            self._inside = side
            self._got = self._passed = 0
            self._long = length - _FINAL if length > len(self.in_buf) else 0
        if self._long:
            return self._read_long(side, reader)
        if reader.left:
            n = reader.read_into(self.in_buf, self._got, len(self.in_buf))
            if n == 0:
                return self._stopped(side, reader.ended)
            self._got += n
            if reader.left:
                return MORE
        self._inside = -1
        self.side = side
        if place.shaken:
            return self._announcement()
        place.shaken = True
        return self._handshake()

    def _read_long(self, side: int, reader: MessageReader) -> int:
        # First the header, by pieces that fill the buffer, then what follows it.
        sink = self.sink
        assert sink is not None
        left = self._long - self._passed
        room = min(len(self.in_buf), left) if left else _FINAL
        n = reader.read_into(self.in_buf, self._got, room)
        if n == 0:
            return self._stopped(side, reader.ended)
        self._got += n
        if self._got < room:
            return MORE
        self._got = 0
        if left == 0:
            self._inside = -1
            self._long = 0
            self.side = side
            self._take_final(0)
            return LONG_HEADER
        try:
            if self._passed == 0:
                sink.begin(self.in_buf, room, self._long)
            else:
                sink.write(self.in_buf, 0, room)
            self._passed += room
            if self._passed == self._long:
                sink.finish()
        except VerifyError as error:
            raise RemoteError(MALFORMED, "UP 0: %s" % error)
        return MORE

    def _announcement(self) -> int:
        self.start = 0
        self.end = self._got - _FINAL
        self._take_final(self.end)
        return ANNOUNCEMENT

    def _handshake(self) -> int:
        self.start = self.end = 0
        cursor = Cursor(self.in_buf, 0, self._got)
        cursor.skip(_FINAL)
        count = cursor.natural()
        if count > self._max_leaves:
            raise RemoteError(OVERSIZE, "UP 0: %d leaves, at most %d are taken" % (count, self._max_leaves))
        self._leaves_at = cursor.skip(count * _FINAL)
        cursor.finish()
        self.leaf_count = count
        self._take_final(0)
        return HANDSHAKE

    def _take_final(self, at: int) -> None:
        self._final_at = at
        self.final_slot = get_u32(self.in_buf, at + _HASH)

    def _put_final(self, buf: "WritableBuffer", at: int, final_hash: bytes, slot: int) -> int:
        if len(final_hash) != _HASH:
            raise LocalError("UP 0: a header hash has 32 bytes")
        buf[at : at + _HASH] = final_hash
        put_u32(buf, at + _HASH, slot)
        return at + _FINAL

    def _leaf_at(self, index: int) -> int:
        if not 0 <= index < self.leaf_count:
            raise LocalError("UP 0: leaf %d of %d" % (index, self.leaf_count))
        return self._leaves_at + index * _FINAL

    def _stopped(self, side: int, event: int) -> int:
        if event == NOTHING:
            return NOTHING
        self.side = side
        if event == LOST:
            self._close_both(CANCELLED)
            return LOST
        stream = self._places[side].stream
        assert stream is not None
        self.reset_code = stream.reset_code if stream.state & READ_RESET else 0
        if event == DONE:
            stream.finish()
            self._forget(side)
        else:
            self._detach(side, CANCELLED)
        return ENDED

    def _close_both(self, code: int) -> None:
        self._detach(OURS, code)
        self._detach(THEIRS, code)

    def _detach(self, side: int, code: int) -> None:
        stream = self._places[side].stream
        if stream is not None:
            self._forget(side)
            stream.reset(code)

    def _forget(self, side: int) -> None:
        self._places[side].stream = None
        if self._inside == side:
            self._inside = -1
            if self._long and self.sink is not None:
                self.sink.drop()
            self._long = 0
        if self._out_side == side:
            self._out_start = self._out_end = 0

"""yamux: many streams over one connection (hashicorp/yamux spec.md; libp2p/specs yamux/README.md).

    session.feed(buf, start, end, now) -> taken       bytes of the peer, cut anywhere; fewer when streams are full
    session.drain(buf, start, end, now) -> written    whole frames for the peer; HEADER_BYTES + 1 is the least range
    session.next_event() -> NOTHING, STREAM (`stream`), GOAWAY (`goaway_code`) or PONG (`rtt_ms`)
    session.open(now) -> a stream, or None

A frame is never held: its bytes go into chunks of the stream as they come. When there is none, `feed` takes no more
and `wants` is 0 until somebody reads; frames behind it, of whatever stream, wait as long. Whoever sits on chunks too
long while others lack them is reset, so that this ends.

What comes on a stream that we gave up is dropped, as much as the peer was allowed to send when we did; beyond that,
and for any other breach, RemoteError ends the session: its streams are CLOSED, `drain` says GoAway and nothing else.
"""

from ..budget.pool import Share
from ..budget.stream import CLOSED, READ_RESET, SEND_STOPPED
from ..budget.times import earlier
from ..const import const
from ..errors import RemoteError
from .yamux_frame import (
    DATA,
    FIN,
    GO_AWAY,
    HEADER_BYTES,
    INITIAL_WINDOW,
    INTERNAL_ERROR,
    MAX_U32,
    PING,
    PROTOCOL_ERROR,
    RST,
    SYN,
    WINDOW_UPDATE,
    Header,
    put_header,
)
from .yamux_ids import Ids
from .yamux_output import Output
from .yamux_ping import Pings
from .yamux_stream import ACK_DUE, FIN_SENT, GONE, PEER_FIN, SYN_DUE, UNANSWERED, Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.pool import Pool
    from ..budget.profile import Profile
    from .yamux_frame import Buffer, WritableBuffer

NOTHING = 0
STREAM = 1
GOAWAY = 2
PONG = 3

_MAX_RESETS = const(32)  # resets to be sent; a peer that opens streams above the cap and reads none of our answers
_ACK_BACKLOG = const(256)  # streams of ours, acknowledged or not (libp2p/specs yamux, "ACK backlog")
_NONE = const(-1)
_RETRY_MS = const(100)  # when to look again for chunks that other connections have


class Session:
    """One side of a connection. `chunks` is shared by all sessions; each takes of it what its profile says."""

    def __init__(self, is_dialer: bool, profile: "Profile", chunks: "Pool") -> None:
        self.profile = profile
        self.now = 0  # ms, of the last call that brought the time
        self.inbox = Share(chunks, max(1, profile.connection_window_bytes // chunks.size), True)
        self.outbox = Share(chunks, max(1, profile.connection_send_bytes // chunks.size), False, 1)
        self.output = Output(self)
        self.stream: "Stream | None" = None
        self.goaway_code = _NONE  # the peer's, once it has said it
        self.is_over = False
        self.admitted = ACK_DUE  # bits of a stream that the peer opens
        self.is_short = False  # somebody has more to send than there was room for; whoever makes room clears it
        self.wants_more = False  # the same, and the connection clears it when all is out
        self.streams: "dict[int, Stream]" = {}
        self._fresh: "list[Stream]" = []  # opened by the peer, no event yet
        self._inbound = 0  # streams of the peer in _streams
        # At most what all streams that may be open at a time could have on their way.
        self._ids = Ids(is_dialer, (profile.inbound_streams + profile.outbound_streams) * INITIAL_WINDOW)
        self._header = Header()
        self._left = 0  # bytes of the current frame's data that did not come yet
        self.into: "Stream | None" = None  # whose they are; None: they are dropped
        self._ends_half = False  # FIN comes after them
        self._pings = Pings(profile)
        self._goaway_due = _NONE
        self._is_leaving = False  # we said GoAway: streams of the peer are refused
        self._is_goaway_news = False

    # bytes

    def feed(self, buf: "Buffer", start: int, end: int, now: int) -> int:
        """Take bytes of buf[start:end]; how many. RemoteError when they break the protocol."""
        self.now = now
        view = buf if isinstance(buf, memoryview) else memoryview(buf)
        at = start
        while at < end and not self.is_over:
            left = self._left
            if left:
                stream = self.into
                count = min(left, end - at)
                if stream is not None and not stream.bits & GONE:
                    count = stream.put(view, at, at + count)
                    if count == 0:
                        break
                at += count
                self._left = left - count
                if left == count:
                    self._end_frame()
            else:
                if len(self.output.resets) >= _MAX_RESETS:
                    break
                at += self._header.take(view, at, end)
                if not self._header.missing:
                    self._header.restart()
                    try:
                        self._on_header()
                    except RemoteError as error:
                        self._end(error.code)
                        raise
        if at > start:
            self._pings.heard(now)
        return at - start

    def wants(self) -> int:
        """At least so many bytes would be taken now; 0: none."""
        if self.is_over:
            return 0
        if self._left:
            stream = self.into
            return self._left if stream is None or stream.bits & GONE else min(self._left, stream.room())
        return 0 if len(self.output.resets) >= _MAX_RESETS else self._header.missing

    @property
    def has_output(self) -> bool:
        """`drain` has something to say."""
        return self.output_at(self.now) >= 0

    def output_at(self, now: int) -> int:
        """When to `drain` (ms): now, or later for what waits to be gathered (yamux_output.py); -1: nothing to say."""
        if self._goaway_due != _NONE:
            return now
        if self.is_over:
            return -1
        self.now = now
        return now if self._pings.has_output else self.output.due_at(now)

    def drain(self, buf: "WritableBuffer", start: int, end: int, now: int) -> int:
        """Write frames into buf[start:end]; how many bytes. Control first, then each ready stream in its turn."""
        self.now = now
        at = start
        if self._goaway_due != _NONE and end - at >= HEADER_BYTES:
            at = put_header(buf, at, GO_AWAY, 0, 0, self._goaway_due)
            self._goaway_due = _NONE
        if self.is_over:
            return at - start
        output = self.output
        if output.may_grant():
            output.holds_grants = 0
            self._grant()
        pinged = self._pings.put(buf, at, end, now)
        at = output.put(buf, pinged, end, now)
        if at > pinged:
            self._pings.said(now)
        return at - start

    # time

    def wake_at(self, now: int) -> int:
        """When to call `tick` (or `drain`, if there is output) at the latest, in ms; -1: never."""
        at = self.output_at(now)
        return now if 0 <= at <= now else earlier(at, self.tick_at(now))

    def tick_at(self, now: int) -> int:
        """When to call `tick` at the latest, whatever there is to drain; -1: never."""
        if self.is_over:
            return -1
        at = earlier(self._pings.wake_at(now), self.output.rest_until)
        if self.output.holds_grants or (self._left and not self.wants()):
            at = min(at, now + _RETRY_MS)
        inbox_is_short, outbox_is_short = not self.inbox.room(), not self.outbox.room()
        for stream_id in self.streams:  # .values() would be an object for each call
            due = self.streams[stream_id].due_at(now, inbox_is_short, outbox_is_short)
            if 0 <= due < at:
                at = due
        return max(at, now)

    def tick(self, now: int) -> None:
        """Let time pass: pings, and streams past their deadlines. RemoteError when the peer is silent for too long."""
        self.now = now
        if self.is_over:
            return
        if 0 <= self.output.rest_until <= now:
            self.output.rest_until = -1
            self.is_short = True
            self._grant()
        if self._left and not self.wants():
            self._pings.heard(now)  # it is we who do not listen
        if self._pings.is_silent(now):
            self._end(INTERNAL_ERROR)
            raise RemoteError(INTERNAL_ERROR, "yamux: nothing heard for %d ms" % self.profile.idle_timeout_ms)
        inbox_is_short, outbox_is_short = not self.inbox.room(), not self.outbox.room()
        late = None
        for stream_id in self.streams:
            if 0 <= self.streams[stream_id].due_at(now, inbox_is_short, outbox_is_short) <= now:
                late = (late or []) + [self.streams[stream_id]]
        for stream in late or ():
            stream.reset(0)

    def ping(self) -> None:
        """Ask for a PONG event, unless a ping is on its way."""
        self._pings.ask()

    @property
    def rtt_ms(self) -> int:
        """How long the last ping that was answered took; -1: none was."""
        return self._pings.rtt_ms

    # streams

    def next_event(self) -> int:
        """The next event; what it tells stays in its attribute."""
        if self._fresh:
            self.stream = self._fresh.pop(0)
            return STREAM
        self.stream = None
        if self._is_goaway_news:
            self._is_goaway_news = False
            return GOAWAY
        if self._pings.is_answered:
            self._pings.is_answered = False
            return PONG
        return NOTHING

    def open(self, now: int) -> "Stream | None":
        """A new stream, which may be written to at once. None: at a cap, or one side is leaving."""
        self.now = now
        if self.is_over or self._is_leaving or self.goaway_code != _NONE:
            return None
        if len(self.streams) - self._inbound >= min(self.profile.outbound_streams, _ACK_BACKLOG):
            return None
        stream_id = self._ids.new()
        if not stream_id:
            return None
        stream = self.streams[stream_id] = Stream(self, stream_id, SYN_DUE | UNANSWERED)
        self.output.control(stream)
        return stream

    def go_away(self, code: int) -> None:
        """Say GoAway with a reason of yamux_frame.py, before all else. Many peers drop everything when they hear it."""
        if not self._is_leaving:
            self._is_leaving = True
            self._goaway_due = code

    def close(self) -> None:
        """The connection ends: every stream is CLOSED, every chunk back. A GoAway that is due can still be drained."""
        self.is_over = True
        for stream in self.streams.values():
            stream.state |= CLOSED
            self._release(stream)
        self.streams = {}
        self._fresh = []
        self.into = None
        self._inbound = self._left = 0
        self.output.clear()
        self.inbox.close()

    # for its streams

    def give_up(self, stream: Stream) -> None:
        """We reset it: tell the peer, unless it has not heard of the stream or both have finished."""
        bits = stream.bits
        if not bits & SYN_DUE and not (bits & PEER_FIN and bits & FIN_SENT):
            self.output.resets.append(stream.id)
            if not bits & PEER_FIN:
                self._ids.expect_late(stream.allowance)
        self.forget(stream)

    def forget(self, stream: Stream) -> None:
        """It is over."""
        if not self._ids.is_ours(stream.id):
            self._inbound -= 1
        if stream.state & (READ_RESET | SEND_STOPPED) and stream in self._fresh:
            self._fresh.remove(stream)  # given up before anybody here took it
        del self.streams[stream.id]
        self._release(stream)

    def _release(self, stream: Stream) -> None:
        self.output.forget(stream)
        stream.bits |= GONE
        stream.drop_unread()
        stream.drop_unsent()
        if stream.scope is not None:
            stream.scope.streams.give_back()

    def _grant(self) -> None:
        for stream_id in self.streams:
            if self.streams[stream_id].grant():
                self.output.control(self.streams[stream_id])

    # inside: what comes

    def _on_header(self) -> None:
        header = self._header
        kind, stream_id = header.kind, header.stream_id
        if header.version:
            raise _fault("version %d" % header.version)
        if kind == DATA or kind == WINDOW_UPDATE:
            if not stream_id:
                raise _fault("a frame of stream 0")
            self._on_stream_header(kind, header.flags, stream_id, header.length)
        elif kind > GO_AWAY:
            raise _fault("a frame of kind %d" % kind)
        elif stream_id:
            raise _fault("a frame of kind %d on stream %d" % (kind, stream_id))
        elif kind == PING:
            self._pings.on_frame(header.flags, header.length, self.now)
        else:
            if self.goaway_code == _NONE:
                self._is_goaway_news = True
            self.goaway_code = header.length

    def _on_stream_header(self, kind: int, flags: int, stream_id: int, length: int) -> None:
        size = length if kind == DATA else 0
        stream = self.streams.get(stream_id)
        if flags & SYN:
            if self._ids.is_ours(stream_id):
                raise _fault("SYN for stream %d, an id of ours" % stream_id)
            if not self._ids.claim(stream_id):
                raise _fault("SYN for stream %d, which was open before" % stream_id)
            stream = self._admit(stream_id, flags)
        self.into = stream
        self._left = size
        if stream is None:
            # Forgotten, refused, or never there: rust-yamux ends streams that it opened and never used.
            if size:
                if flags & SYN and size > INITIAL_WINDOW:
                    raise _overrun(stream_id, size, INITIAL_WINDOW)
                self._ids.take_late(stream_id, size)
            return
        if size > stream.allowance:
            raise _overrun(stream_id, size, stream.allowance)
        if size and stream.bits & PEER_FIN:
            raise _fault("data on stream %d after its end" % stream_id)
        stream.allowance -= size
        stream.bits &= ~UNANSWERED
        if flags & RST:
            self.into = None
            self._on_reset(stream)
            return
        if kind == WINDOW_UPDATE:
            self._widen(stream, length)
        self._ends_half = flags & FIN != 0
        if not size:
            self._end_frame()

    def _end_frame(self) -> None:
        stream = self.into
        self.into = None
        if stream is not None and self._ends_half and not stream.bits & (GONE | PEER_FIN):
            stream.read_at = self.now
            stream.on_fin()
            stream.settle()

    def _admit(self, stream_id: int, flags: int) -> "Stream | None":
        if flags & RST:
            return None
        if self._inbound >= self.profile.inbound_streams or self._is_leaving:
            self.output.resets.append(stream_id)
            self._ids.expect_late(INITIAL_WINDOW)
            return None
        stream = self.streams[stream_id] = Stream(self, stream_id, self.admitted)
        self._inbound += 1
        self._fresh.append(stream)
        return stream

    def _widen(self, stream: Stream, count: int) -> None:
        if not count:
            return
        if count > MAX_U32 - stream.window:
            raise _fault("a window of more than 32 bits on stream %d" % stream.id)
        stream.window += count
        if not stream.is_sent():
            self.output.data(stream)

    def _on_reset(self, stream: Stream) -> None:
        stream.on_reset()
        self.output.forget(stream)
        stream.settle()

    def _end(self, code: int) -> None:
        self.go_away(code)
        self._goaway_due = code
        self.close()


def _fault(text: str) -> RemoteError:
    return RemoteError(PROTOCOL_ERROR, "yamux: " + text)


def _overrun(stream_id: int, size: int, allowed: int) -> RemoteError:
    return _fault("a frame on stream %d of %d bytes, %d are allowed" % (stream_id, size, allowed))

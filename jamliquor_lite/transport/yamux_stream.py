"""One stream of a yamux session, with the face of budget/stream.py.

yamux resets carry no code, so `reset_code` is always 0 here (a late go-yamux writes one of its own where a window
update has its delta; nobody else does). A reset gives up both halves at once, except that what the peer had finished
before can still be read.
"""

from ..budget.classes import GOSSIP, QUERIES, SERVING
from ..budget.queue import ByteQueue
from ..budget.stream import CLOSED, READ_ENDED, READ_RESET, SEND_FINISHED, SEND_STOPPED
from ..const import const
from .yamux_frame import ACK, INITIAL_WINDOW, SYN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .terms import ProtocolScope
    from .yamux import Session
    from .yamux_frame import Buffer, WritableBuffer

# Bits of `bits`. The first two are the flags that our next frame of the stream has to carry.
SYN_DUE = SYN
ACK_DUE = ACK
FIN_DUE = 4  # our half is finished, the peer was not told yet
FIN_SENT = 8
PEER_FIN = 16
UNANSWERED = 32  # ours, and nothing was heard on it yet
IN_CONTROL = 64  # it waits in the session's list of streams with a header to send
IN_READY = 128  # and of those with data or FIN to send
GONE = 256  # the session has forgotten it
UNNAMED = 512  # the peer's, and what it speaks is not known yet: it gets one chunk

_NOT_NOW_MS = const(1_000)  # who sits on chunks that nobody misses is looked at again after so long


class Stream:
    """Made by `Session` only. What waits here in either direction lies in chunks of the session's two shares."""

    reset_code = 0

    def __init__(self, session: "Session", stream_id: int, bits: int) -> None:
        self.id = stream_id
        self.state = 0
        self.cls = SERVING  # until it is known what it is for
        self.scope: "ProtocolScope | None" = None  # that of its protocol
        self.bits = bits
        self.allowance = INITIAL_WINDOW  # what the peer may still send
        self.window = INITIAL_WINDOW  # what we may still send
        self.unread: "ByteQueue | None" = None  # made when first needed: most streams of an idle peer never do
        self.unsent: "ByteQueue | None" = None
        self.made_at = self.read_at = self.sent_at = session.now  # ms: when reading and sending last got on
        self._session = session
        self._handed = 0  # bytes that the reader has and gave no credit for

    # the face

    def recv_into(self, buf: "WritableBuffer", start: int, end: int) -> int:
        """Move up to `end - start` received bytes into `buf` at `start`. 0: nothing is here."""
        unread = self.unread
        if unread is None or not unread.size:
            return 0
        count = unread.get_into(buf, start, end)
        self._handed += count
        self.read_at = self._session.now
        if not unread.size and self.bits & PEER_FIN:
            self.state |= READ_ENDED
            self.settle()
        return count

    def send(self, buf: "Buffer", start: int, end: int) -> int:
        """Queue bytes of `buf`; fewer, or 0, while `send_buffer_bytes` wait or no chunk is to be had."""
        if self.state & (SEND_FINISHED | SEND_STOPPED | CLOSED):
            return 0
        session = self._session
        unsent = self.unsent
        if unsent is None:
            chunks = session.profile.send_buffer_bytes // session.outbox.size + 2  # both ends may be partly filled
            unsent = self.unsent = ByteQueue(session.outbox, min(chunks, session.outbox.limit), self.scope)
        if not unsent.size:
            self.sent_at = session.now
        stop = min(end, start + session.profile.send_buffer_bytes - unsent.size)
        rate = None if self.scope is None else self.scope.up
        if rate is not None:
            stop = min(stop, start + rate.allowance(session.now))
        count = max(0, unsent.put(buf, start, stop))
        if rate is not None:
            rate.spend(count, session.now)
            if not rate.ready(session.now):
                session.output.rest()
        if count and self.window:
            session.output.data(self)
        if start + count < end:
            session.is_short = session.wants_more = True
        return count

    def finish(self) -> None:
        """Our half is complete; FIN follows the last byte."""
        if not self.state & (SEND_FINISHED | SEND_STOPPED | CLOSED):
            self.state |= SEND_FINISHED
            self.bits |= FIN_DUE
            self._session.output.data(self)

    def reset(self, code: int) -> None:
        """Give up both halves; the peer does not see `code`. Unread and unsent bytes are gone."""
        if self.state & CLOSED:
            return
        self.state |= READ_RESET | SEND_STOPPED
        if not self.bits & GONE:
            self._session.give_up(self)

    def credit(self, count: int) -> None:
        """The reader consumed `count` bytes, at most what it was handed."""
        count = min(count, self._handed)
        if count > 0:
            self._handed -= count
            if self.grant():
                self._session.output.control(self)

    # for the session

    def put(self, buf: "Buffer", start: int, end: int) -> int:
        """Keep bytes that came; fewer, or 0, when there is no chunk for them."""
        unread = self.unread
        if unread is None:
            session = self._session
            most = max(INITIAL_WINDOW, session.profile.stream_window_bytes) // session.inbox.size + 2
            unread = self.unread = ByteQueue(session.inbox, min(most, session.inbox.limit), self.scope)
        if not unread.size:
            self.read_at = self._session.now
        if self.bits & UNNAMED:
            end = min(end, start + (unread.room() if unread.chunks else self._session.inbox.size))
        count = unread.put(buf, start, end)
        if self.scope is not None and self.scope.down is not None:
            self.scope.down.spend(count, self._session.now)
        return count

    def room(self) -> int:
        """Bytes that `put` would take now."""
        inbox = self._session.inbox
        chunks = inbox.room_in(self.scope)
        if self.bits & UNNAMED:
            chunks = min(chunks, 0 if self.unread is not None and self.unread.chunks else 1)
        return (0 if self.unread is None else self.unread.room()) + chunks * inbox.size

    @property
    def has_room(self) -> bool:
        """`send` finds a chunk."""
        return (self.unsent is not None and self.unsent.room() > 0) or self._session.outbox.room_in(self.scope) > 0

    def enter(self, scope: "ProtocolScope") -> bool:
        """Its protocol is known: count it and what it holds there. False when that has too many streams or chunks."""
        if self.bits & GONE:
            return True
        chunks = self.chunks
        if scope.used + chunks > scope.limit:
            scope.refused += 1
            return False
        if not scope.streams.take():
            return False
        while chunks:
            scope.take()
            chunks -= 1
        self.bits &= ~UNNAMED
        self.cls, self.scope = scope.cls, scope
        if self.unread is not None:
            self.unread.scope = scope
        if self.unsent is not None:
            self.unsent.scope = scope
        return True

    @property
    def chunks(self) -> int:
        """How many it holds."""
        return (0 if self.unread is None else self.unread.chunks) + (0 if self.unsent is None else self.unsent.chunks)

    @property
    def may_wait(self) -> bool:
        """The SYN or window that it has to say may go with whatever is said next, or with the next batch."""
        if self.bits & SYN_DUE:
            return self.cls >= GOSSIP
        return self.cls > QUERIES and self.allowance * 4 >= self._session.profile.stream_window_bytes

    def grant(self) -> int:
        """How much more the peer may be allowed to send now. 0: nothing, or too little for a frame.

        What it may send and what nobody has consumed yet are at most `stream_window_bytes` together. It is told
        when it has less than half of that left and when there is a quarter to give, or nothing left to read.
        """
        if self.bits & (PEER_FIN | GONE):
            return 0
        target = self._session.profile.stream_window_bytes
        if self.bits & SYN_DUE:
            return max(0, target - self.allowance)
        if self.allowance * 2 >= target:
            return 0
        unread = 0 if self.unread is None else self.unread.size
        grant = target - self.allowance - unread - self._handed
        if unread and grant * 4 < target:
            return 0
        rate = None if self.scope is None else self.scope.down
        if grant > 0 and rate is not None and not rate.ready(self._session.now):
            self._session.output.rest()
            return 0
        return max(0, grant)

    def is_read(self) -> bool:
        """Nothing waits for the reader."""
        return self.unread is None or not self.unread.size

    def is_sent(self) -> bool:
        """Nothing waits for the peer."""
        return self.unsent is None or not self.unsent.size

    def on_fin(self) -> None:
        """The peer finished its half."""
        self.bits |= PEER_FIN
        if self.is_read():
            self.state |= READ_ENDED

    def on_reset(self) -> None:
        """The peer gave both halves up."""
        if not (self.bits & PEER_FIN and self.bits & FIN_SENT):
            self.state |= SEND_STOPPED
        if not self.bits & PEER_FIN:
            self.state |= READ_RESET
            self.drop_unread()
        self.drop_unsent()
        self.bits = (self.bits | PEER_FIN | FIN_SENT) & ~FIN_DUE

    def settle(self) -> None:
        """Have the session forget it, if it is complete in both directions and read."""
        if self.bits & PEER_FIN and self.bits & FIN_SENT and self.is_read() and not self.bits & GONE:
            self._session.forget(self)

    def drop_unread(self) -> None:
        """Give the chunks of the receiving side back."""
        if self.unread is not None:
            self.unread.clear()

    def drop_unsent(self) -> None:
        """Give the chunks of the sending side back."""
        if self.unsent is not None:
            self.unsent.clear()

    def due_at(self, now: int, inbox_is_short: bool, outbox_is_short: bool) -> int:
        """When the session resets it if nothing moves, in ms; -1: never. A stream that merely waits is left alone."""
        profile = self._session.profile
        if self.scope is not None and self.scope.used >= self.scope.limit:
            inbox_is_short = outbox_is_short = True
        at = -1
        if not self.is_read():
            at = self.read_at + profile.stream_stall_ms
            if not inbox_is_short:
                at = max(at, now + _NOT_NOW_MS)
        elif self.bits & PEER_FIN or self.state & SEND_FINISHED:
            at = max(self.read_at, self.sent_at) + profile.half_closed_ms
        if not self.is_sent():
            stalled = self.sent_at + profile.stream_stall_ms
            if not outbox_is_short:
                stalled = max(stalled, now + _NOT_NOW_MS)
            at = stalled if at < 0 else min(at, stalled)
        if self.bits & UNANSWERED and not self.bits & SYN_DUE:
            unanswered = self.read_at + profile.stream_ack_ms
            at = unanswered if at < 0 else min(at, unanswered)
        return at

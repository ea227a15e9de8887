"""The two lent buffers of a connection: the one that frames come into, and the one that a frame goes out of.

The link reads straight into the first and writes straight from the second:

    buf = inlet()        size = link.recv_into(buf, in_end, len(buf))           filled(size, now)
    buf = outlet(now)    size = link.send(buf, out_start, out_end)              sent(size)

What is handed out is the buffer itself, for a part of it would be an object. A buffer is held only while something is
in it. What becomes of the bytes is said in connection.py.

The reserved ones are for connections of ours or of peers that the node trusts. All that have not proved who they are
hold a bounded number of them together (Terms.handshaking).
"""

from ..budget.classes import HANDSHAKES, HEADERS, QUERIES
from ..ports.memory import copy
from .states import CLOSED, CONNECTING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .terms import Terms
    from .yamux import Session


class FrameBuffers:
    """The byte side of Connection, which says what `filled` and `outlet` do."""

    def __init__(self, terms: "Terms", is_dialed: bool, now: int) -> None:
        self.state = CONNECTING
        self.is_dialed = is_dialed
        self._cls = HEADERS if is_dialed else HANDSHAKES
        self.session: "Session | None" = None  # from READY until what it had to say is said
        self._terms = terms
        self._now = now
        # What came: frames in _in[_in_start:in_end], and of the frame before them, which was decrypted in place, the
        # rest in _in[_plain_start:_plain_end].
        self._in: "memoryview | None" = None
        self._in_start = self.in_end = self._plain_start = self._plain_end = 0
        self._partial_at = -1  # ms at which the unfinished frame in _in was begun
        self._out: "memoryview | None" = None
        self.out_start = self.out_end = 0
        self._stuck_at = -1  # ms at which the link first took less than all that was left of _out

    @property
    def cls(self) -> int:
        """What it is for (budget/classes.py): HANDSHAKES for a stranger, then SERVING; HEADERS for one that we dialed.
        The node sets it for those that it trusts."""
        return self._cls

    @cls.setter
    def cls(self, cls: int) -> None:
        if self._cls == HANDSHAKES and cls != HANDSHAKES:
            self._terms.handshaking.used -= (self._in is not None) + (self._out is not None)
        self._cls = cls
        session = self.session
        if session is not None:
            # What is urgent on a stranger's connection is not urgent for us.
            session.inbox.is_trusted = session.outbox.is_trusted = cls <= QUERIES

    # in

    def inlet(self) -> "memoryview | None":
        """The buffer to read to, from `in_end` on, or None: do not read now. `filled` must follow, with 0 if nothing
        came."""
        if self.state == CLOSED or self._plain_start < self._plain_end:
            return None
        if self._in is None:
            self._in = self._lend()
            if self._in is None:
                return None
            self._in_start = self.in_end = 0
        if self.in_end == len(self._in):
            return None  # all of it waits for an answer of ours to go out
        return self._in

    def filled(self, count: int, now: int) -> None:
        """`count` bytes lie at `in_end` of what `inlet` gave."""
        raise NotImplementedError

    def wants(self) -> int:
        """Bytes that would be taken now; 0: do not read the link."""
        if self.state == CLOSED or self._plain_start < self._plain_end:
            return 0
        if self._in is not None:
            return len(self._in) - self.in_end
        frames, strangers = self._terms.frames, self._terms.handshaking
        if self._cls == HANDSHAKES and strangers.used >= strangers.limit:
            return 0
        return frames.size if frames.room(self._is_urgent) else 0

    @property
    def is_held(self) -> bool:
        """Bytes that came wait here until a stream is read."""
        return self._plain_start < self._plain_end

    def feed(self, buf: "bytes | bytearray | memoryview", start: int, end: int, now: int) -> int:
        """Take bytes of the link from buf[start:end]; how many."""
        at = start
        while at < end:
            room = self.inlet()
            if room is None:
                break
            count = min(len(room) - self.in_end, end - at)
            copy(room, self.in_end, buf, at, at + count)
            at += count
            self.filled(count, now)
        return at - start

    # out

    def outlet(self, now: int) -> "memoryview | None":
        """The buffer whose bytes from `out_start` to `out_end` go next, or None. `sent` says how many the link took."""
        raise NotImplementedError

    def sent(self, count: int, is_cut: bool = False) -> None:
        """The link took `count` bytes of what `outlet` gave, or 0: it takes none now. `is_cut`: it was offered no more,
        and then it is not the peer who keeps the rest waiting."""
        if is_cut:
            self._stuck_at = -1
        # Not put off by the bytes that it takes: a peer that reads one now and then would keep the buffer for ever.
        elif self._stuck_at < 0 and self.out_start + count < self.out_end:
            self._stuck_at = self._now
        self.out_start += count
        if self.out_start >= self.out_end:
            self._drop_out()

    def drain(self, buf: "bytearray | memoryview", start: int, end: int, now: int) -> int:
        """Write bytes for the link into buf[start:end]; how many."""
        at = start
        while at < end:
            out = self.outlet(now)
            if out is None:
                break
            count = min(self.out_end - self.out_start, end - at)
            copy(buf, at, out, self.out_start, self.out_start + count)
            at += count
            self.sent(count)
        return at - start

    # inside

    @property
    def _is_urgent(self) -> bool:
        # Those that we dial leave one for those that stand, where there are two.
        frames = self._terms.frames
        return self._cls <= QUERIES and (self.state != CONNECTING or frames.reserved < 2 or frames.room(True) > 1)

    def _lend(self) -> "memoryview | None":
        strangers = self._terms.handshaking if self._cls == HANDSHAKES else None
        if strangers is not None and not strangers.take():
            return None
        buffer = self._terms.frames.lend(self._is_urgent)
        if buffer is None and strangers is not None:
            strangers.give_back()
        return buffer

    def _give_back(self, buffer: memoryview) -> None:
        self._terms.frames.give_back(buffer)
        if self._cls == HANDSHAKES:
            self._terms.handshaking.give_back()

    def _compact(self, now: int) -> None:
        # Make room behind the unfinished frame, or give the buffer back.
        buf = self._in
        if buf is None or self._plain_start < self._plain_end:
            return
        have = self.in_end - self._in_start
        if self.state == CLOSED or have == 0:
            self._drop_in()
        elif self._in_start:
            copy(buf, 0, buf, self._in_start, self.in_end)
            self._in_start, self.in_end = 0, have
            self._partial_at = now
        elif self._partial_at < 0:
            self._partial_at = now

    def _drop_in(self) -> None:
        if self._in is not None:
            self._give_back(self._in)
            self._in = None
        self._in_start = self.in_end = self._plain_start = self._plain_end = 0
        self._partial_at = -1

    def _drop_out(self) -> None:
        if self._out is not None:
            self._give_back(self._out)
            self._out = None
            self._stuck_at = -1

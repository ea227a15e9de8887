"""The two lent buffers of a connection: the one that frames come into, and the one that a frame goes out of.

The link reads straight into the first (`inlet`, `filled`) and writes straight from the second (`outlet`, `sent`). A
buffer is held only while something is in it. What becomes of the bytes is said in connection.py.
"""

from .states import CLOSED, CONNECTING, READY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .terms import Terms


class FrameBuffers:
    """The byte side of Connection, which says what `filled` and `outlet` do."""

    def __init__(self, terms: "Terms", now: int) -> None:
        self.state = CONNECTING
        self._terms = terms
        self._now = now
        # What came: frames in _in[_in_start:_in_end], and of the frame before them, which was decrypted in place, the
        # rest in _in[_plain_start:_plain_end].
        self._in: "memoryview | None" = None
        self._in_start = self._in_end = self._plain_start = self._plain_end = 0
        self._partial_at = -1  # ms at which the unfinished frame in _in was begun
        self._out: "memoryview | None" = None
        self._out_start = self._out_end = 0
        self._stuck_at = -1  # ms at which the link first took less than all that was left of _out

    # in

    def inlet(self) -> "memoryview | None":
        """Where to read to, or None: do not read now. `filled` must follow, with 0 if nothing came."""
        if self.state == CLOSED or self._plain_start < self._plain_end:
            return None
        if self._in is None:
            self._in = self._terms.frames.lend(self.state == READY)
            if self._in is None:
                return None
            self._in_start = self._in_end = 0
        if self._in_end == len(self._in):
            return None  # all of it waits for an answer of ours to go out
        return self._in[self._in_end :]

    def filled(self, count: int, now: int) -> None:
        """`count` bytes lie at the beginning of what `inlet` gave."""
        raise NotImplementedError

    def wants(self) -> int:
        """Bytes that would be taken now; 0: do not read the link."""
        if self.state == CLOSED or self._plain_start < self._plain_end:
            return 0
        if self._in is not None:
            return len(self._in) - self._in_end
        return self._terms.frames.size if self._terms.frames.room(self.state == READY) else 0

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
            count = min(len(room), end - at)
            room[:count] = memoryview(buf)[at : at + count]
            at += count
            self.filled(count, now)
        return at - start

    # out

    def outlet(self, now: int) -> "memoryview | None":
        """What to send next, or None. `sent` says how much of it the link took."""
        raise NotImplementedError

    def sent(self, count: int) -> None:
        """The link took `count` bytes of what `outlet` gave, or 0: it takes none now."""
        # Not put off by the bytes that it takes: a peer that reads one now and then would keep the buffer for ever.
        if self._stuck_at < 0 and self._out_start + count < self._out_end:
            self._stuck_at = self._now
        self._out_start += count
        if self._out_start >= self._out_end:
            self._drop_out()

    def drain(self, buf: "bytearray | memoryview", start: int, end: int, now: int) -> int:
        """Write bytes for the link into buf[start:end]; how many."""
        at = start
        while at < end:
            view = self.outlet(now)
            if view is None:
                break
            count = min(len(view), end - at)
            memoryview(buf)[at : at + count] = view[:count]
            at += count
            self.sent(count)
        return at - start

    # inside

    def _compact(self, now: int) -> None:
        # Make room behind the unfinished frame, or give the buffer back.
        buf = self._in
        if buf is None or self._plain_start < self._plain_end:
            return
        have = self._in_end - self._in_start
        if self.state == CLOSED or have == 0:
            self._drop_in()
        elif self._in_start:
            # A copy in between: the places may overlap, and not every interpreter minds that in an assignment.
            buf[:have] = bytes(buf[self._in_start : self._in_end])
            self._in_start, self._in_end = 0, have
            self._partial_at = now
        elif self._partial_at < 0:
            self._partial_at = now

    def _drop_in(self) -> None:
        if self._in is not None:
            self._terms.frames.give_back(self._in)
            self._in = None
        self._in_start = self._in_end = self._plain_start = self._plain_end = 0
        self._partial_at = -1

    def _drop_out(self) -> None:
        if self._out is not None:
            self._terms.frames.give_back(self._out)
            self._out = None
            self._stuck_at = -1

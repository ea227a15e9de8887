"""Two yamux sessions back to back, and a peer that says frames by hand. Runs on CPython and MicroPython."""

from jamliquor_lite.budget.pool import Pool
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.transport.terms import ProtocolScope
from jamliquor_lite.transport.yamux import STREAM, Session
from jamliquor_lite.transport.yamux_frame import DATA, HEADER_BYTES, Header, put_header

CHUNK = 1024


def profile(**numbers) -> Profile:
    """Small numbers, so that their ends are reached; any of them can be given."""
    limits = Profile()
    limits.stream_window_bytes = 64 * 1024
    limits.connection_window_bytes = 512 * 1024
    limits.connection_send_bytes = 128 * 1024
    limits.send_buffer_bytes = 16 * 1024
    limits.inbound_streams = limits.outbound_streams = 8
    for name, value in numbers.items():
        assert hasattr(limits, name), name
        setattr(limits, name, value)
    return limits


def scope(cls: int, chunks: int = 600, **numbers) -> ProtocolScope:
    """Of a protocol of that class, which has a pool of so many chunks to itself."""
    return ProtocolScope(cls, profile(**numbers), chunks)


def pool(count: int = 600, size: int = CHUNK) -> Pool:
    return Pool("chunks", count, size, 1)


class Link:
    """Sessions `a` (the dialer) and `b`, each with a pool of its own, and the bytes between them.

    With dice, every step moves a random part. Nothing is lost: what a session does not take waits.
    """

    def __init__(self, dice=None, limits=None, pools=None, range_bytes: int = 5000) -> None:
        limits = limits or profile()
        self.pools = pools or (pool(), pool())
        self.a = Session(True, limits, self.pools[0])
        self.b = Session(False, limits, self.pools[1])
        self.now = 1000
        self._dice = dice
        self._range = range_bytes
        self._flying = [b"", b""]  # to b, to a

    def step(self) -> bool:
        """Carry bytes once in both directions; whether any moved."""
        moved = False
        for i, (source, target) in enumerate(((self.a, self.b), (self.b, self.a))):
            size = self._range if self._dice is None else 13 + self._dice.below(self._range)
            buf = bytearray(size + 2)
            if len(self._flying[i]) < 2 * self._range:  # a link has room for so much
                n = source.drain(buf, 1, size + 1, self.now)
                assert n <= size and buf[0] == buf[-1] == 0
                self._flying[i] += bytes(buf[1 : 1 + n])
                moved = moved or n > 0
            data = self._flying[i]
            if data and (self._dice is None or self._dice.below(4)):
                end = len(data) if self._dice is None else 1 + self._dice.below(len(data))
                wants = target.wants()
                n = target.feed(data, 0, end, self.now)
                assert n >= min(wants, end), "it wants what it takes"
                self._flying[i] = data[n:]
                moved = moved or n > 0
        return moved

    def settle(self) -> None:
        """Step until nothing moves any more."""
        quiet = 0
        while quiet < 20:
            quiet = 0 if self.step() else quiet + 1

    def stream(self):
        """(stream of a, the same as b has it), settled."""
        here = self.a.open(self.now)
        self.settle()
        assert self.b.next_event() == STREAM
        assert self.b.stream.id == here.id
        return here, self.b.stream

    def done(self) -> None:
        """Close both; every chunk must be back."""
        self.a.close()
        self.b.close()
        for lent in self.pools:
            assert lent.free == lent.count


class Hand:
    """A session whose peer is played by the test, frame by frame. The session is the listener unless told otherwise."""

    def __init__(self, limits=None, lent=None, is_dialer: bool = False) -> None:
        self.pool = lent or pool()
        self.session = Session(is_dialer, limits or profile(), self.pool)
        self.now = 1000

    def say(self, kind: int, flags: int, stream_id: int, length: int, data: bytes = b"", version: int = 0) -> int:
        """One frame, with as much of its data as is given; the bytes that the session took."""
        buf = bytearray(HEADER_BYTES)
        put_header(buf, 0, kind, flags, stream_id, length)
        buf[0] = version
        frame = bytes(buf) + data
        return self.session.feed(frame, 0, len(frame), self.now)

    def data(self, stream_id: int, data: bytes, flags: int = 0) -> int:
        """A data frame; the bytes of it that the session took."""
        return self.say(DATA, flags, stream_id, len(data), data)

    def hear(self, size: int = 70000) -> list:
        """What the session has to say: (kind, flags, stream id, length, data) of each frame."""
        buf = bytearray(size)
        found = []
        while True:
            end = self.session.drain(buf, 0, size, self.now)
            if not end:
                return found
            at = 0
            while at < end:
                header = Header()
                at += header.take(buf, at, end)
                assert header.missing == 0 and header.version == 0
                data = b""
                if header.kind == DATA:
                    data = bytes(buf[at : at + header.length])
                    at += header.length
                    assert at <= end
                found.append((header.kind, header.flags, header.stream_id, header.length, data))

    def accept(self):
        """The stream that the peer opened."""
        assert self.session.next_event() == STREAM
        return self.session.stream

    def done(self) -> None:
        """Close; every chunk must be back."""
        self.session.close()
        assert self.pool.free == self.pool.count


def read(stream, size: int = 1000000) -> bytes:
    """All that is here, credited."""
    found = []
    buf = bytearray(min(size, 3000))
    while size:
        n = stream.recv_into(buf, 0, min(size, len(buf)))
        if not n:
            break
        stream.credit(n)
        size -= n
        found.append(bytes(buf[:n]))
    return b"".join(found)


def pattern(start: int, count: int) -> bytes:
    """Bytes that show when one is lost, doubled or moved."""
    data = bytearray(count)  # not a list first: the heap may be small
    for i in range(count):
        data[i] = ((start + i) * 7 + (start + i >> 8)) & 0xFF
    return bytes(data)

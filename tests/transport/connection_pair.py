"""Two libp2p connections back to back, and a peer that says bytes by hand. Runs on CPython and MicroPython.

Most tests of what comes after the handshake take `ready` pairs: no handshake took place and the cipher is a counter
instead of a secret, so that they cost no X25519 in Python. A frame that is replayed or moved is still noticed.
"""

import jamliquor_lite.crypto.suite  # noqa: F401  (first: the stack of a 32-bit MicroPython bounds how deep imports nest)
from jamliquor_lite.budget.pools import Pools
from jamliquor_lite.transport.connection import Connection
from jamliquor_lite.transport.noise import Secure
from jamliquor_lite.transport.states import CLASSICAL
from jamliquor_lite.transport.terms import PREFER, Terms
from jamliquor_lite.transport.upgrade import RANDOM_BYTES
from jamliquor_lite.transport.yamux_frame import DATA, HEADER_BYTES, Header, put_header
from tests.transport.noise_pairs import ALICE, BOB, drawn
from tests.transport.yamux_pair import profile

ECHO, OTHER, OWN = 5, 6, 1000  # stream kinds; the last is the host's own
NAMES = {ECHO: "/test/echo/1", OTHER: "/test/other/1", OWN: "/test/own/1"}
STATICS = (ALICE, BOB)
FRAME_BYTES = 5000


class Counting:
    """A cipher that hides nothing and knows the order of frames: its tag is the counter."""

    def seal(self, counter, ad, buf, start, end, out, at):
        size = end - start
        if out is not buf or at != start:
            out[at : at + size] = bytes(buf[start:end])
        out[at + size : at + size + 16] = self._tag(counter)
        return size + 16

    def open(self, counter, ad, buf, start, end, out, at):
        if bytes(buf[end - 16 : end]) != self._tag(counter):
            return -1
        assert out is buf and at == start
        return end - start - 16

    def _tag(self, counter):
        return b"counted:" + counter.to_bytes(8, "big")


class Agreed:
    """What an upgrade leaves behind."""

    suite = CLASSICAL
    is_bound = True

    def __init__(self, peer):
        self.peer_id = peer.identity.peer_id
        self.peer_public_key = peer.identity.key
        self.secure = Secure(Counting(), Counting())


def terms(who=0, policy=PREFER, judge=None, limits=None, served=(ECHO, OWN), spoken=(OTHER,)):
    """A host with pools of its own. `who`: 0 is Alice, 1 is Bob."""
    limits = limits or bounds()
    pools = Pools(limits)
    host = Terms(STATICS[who], limits, pools.frames, pools.chunks, policy)
    if judge is not None:
        host.judge = judge
    for kind in served:
        host.serve(NAMES[kind], kind)
    for kind in spoken:
        host.speak(NAMES[kind], kind)
    return host


def bounds(**numbers):
    """Small ones; any of them can be given."""
    given = {"frames": 6, "frame_bytes": FRAME_BYTES, "stream_chunks": 40, "chunk_bytes": 1000}
    for name in numbers:
        given[name] = numbers[name]
    return profile(**given)


def connection(host, is_dialed, now=1000, expect=b"", label=""):
    """A connection that is at its beginning."""
    random = drawn("%s %d" % (label, is_dialed), RANDOM_BYTES)
    return Connection(host, ("192.0.2.1", 4001), is_dialed, random, now, expect)


def make_ready(one, other_static):
    """Have it behind its handshake."""
    one._be_ready(Agreed(other_static))
    one.suite = CLASSICAL


def is_whole(*hosts):
    """Every buffer is back."""
    for host in hosts:
        if host.frames.free != host.frames.count or host.chunks.free != host.chunks.count:
            return False
    return True


class Pair:
    """Connections `a`, who dialed, and `b`; `flying` are the bytes on their way to b and to a.

    With dice each step moves random parts. `middle(direction, data)` may change what a side sent; 0 is towards b.
    """

    def __init__(self, a=None, b=None, dice=None, now=1000, expect=b"", middle=None, ready=False, label=""):
        self.hosts = (a or terms(0), b or terms(1))
        self.now = now
        self.a = connection(self.hosts[0], True, now, expect, label)
        self.b = connection(self.hosts[1], False, now, label=label)
        self.flying = [b"", b""]
        self._dice = dice
        self._middle = middle
        self._buf = bytearray(3000)
        self.ends = (self.a, self.b)
        self.is_cut = False
        if ready:
            make_ready(self.a, self.hosts[1].static)
            make_ready(self.b, self.hosts[0].static)

    def part(self, size):
        """How much of `size` moves now."""
        if self._dice is None or size < 2:
            return size
        return 1 if self._dice.below(4) == 0 else 1 + self._dice.below(size)

    def step(self):
        """Carry bytes once in both directions; whether any moved."""
        moved = False
        for i in (0, 1):
            source, target = self.ends[i], self.ends[1 - i]
            if len(self.flying[i]) < 20_000:
                size = source.drain(self._buf, 0, self.part(len(self._buf)), self.now)
                data = bytes(self._buf[:size])
                if size and self._middle is not None:
                    data = self._middle(i, data)
                self.flying[i] += data
                moved = moved or size > 0
            data = self.flying[i]
            if data:
                taken = target.feed(data, 0, self.part(len(data)), self.now)
                self.flying[i] = data[taken:]
                moved = moved or taken > 0
            if target.is_held and target.pump(self.now):
                moved = True
        return moved

    def settle(self):
        """Step until nothing moves any more."""
        quiet = 0
        while quiet < 3:
            quiet = 0 if self.step() else quiet + 1
            self.hang_up()

    def hang_up(self):
        """As a link does: it is closed when one side is gone, and the other hears of it once all has arrived."""
        for i in (0, 1):
            if self.ends[i].is_gone and not self.flying[i] and not self.ends[1 - i].is_gone:
                self.ends[1 - i].ended("end of file", self.now)

    def pass_time(self, ms, step_ms=500):
        """Let time pass in steps, ticking as often as each side asks for it."""
        until = self.now + ms
        while self.now < until:
            self.now = min(until, self.now + step_ms)
            for end in self.ends:
                if 0 <= end.wake_at(self.now) <= self.now:
                    end.tick(self.now)
            self.settle()

    def stream(self, kind=ECHO):
        """(stream of a, the same as b has it), agreed on."""
        here = self.a.open(kind)
        assert here is not None
        self.settle()
        there = self.b.accept(kind >= OWN)
        assert there is not None and there.kind == kind
        self.settle()
        return here, there

    def let_go(self):
        """Close both."""
        for end in self.ends:
            end.close(0, "done")
        self.settle()
        for end in self.ends:
            end.ended("", self.now)
            assert end.is_gone

    def done(self):
        """Close both; every buffer must be back."""
        self.let_go()
        assert is_whole(*self.hosts), whole_text(*self.hosts)


def whole_text(*hosts):
    """What is free, for a failed assertion."""
    return [(host.frames.free, host.frames.count, host.chunks.free, host.chunks.count) for host in hosts]


class Hand:
    """A connection whose peer is played by the test, byte by byte."""

    def __init__(self, host=None, is_dialed=False, ready=False, now=1000):
        self.host = host or terms(1)
        self.end = connection(self.host, is_dialed, now)
        self.now = now
        self.sent = 0  # frames that we sealed
        self._cipher = Counting()
        if ready:
            make_ready(self.end, STATICS[0])

    def say(self, data):
        """Bytes as they are; how many were taken."""
        return self.end.feed(data, 0, len(data), self.now)

    def frame(self, plain, counter=-1):
        """`plain` in a frame, by default the next one."""
        if counter < 0:
            counter = self.sent
            self.sent += 1
        size = len(plain)
        buf = bytearray(size + 18)
        buf[2 : 2 + size] = plain
        self._cipher.seal(counter, b"", buf, 2, 2 + size, buf, 2)
        buf[0], buf[1] = size + 16 >> 8, size + 16 & 0xFF
        return bytes(buf)

    def hear(self):
        """All that the connection has to say, as it is."""
        out = b""
        buf = bytearray(3000)
        while True:
            size = self.end.drain(buf, 0, len(buf), self.now)
            if not size:
                return out
            out += bytes(buf[:size])

    def hear_plain(self):
        """What is in its frames."""
        data = self.hear()
        out = b""
        while data:
            size = data[0] << 8 | data[1]
            assert len(data) >= 2 + size, "frames are sent whole"
            out += data[2 : size + 2 - 16]
            data = data[2 + size :]
        return out

    def pass_time(self, ms, step_ms=250):
        """Tick as often as it asks for."""
        until = self.now + ms
        while self.now < until:
            self.now = min(until, self.now + step_ms)
            if 0 <= self.end.wake_at(self.now) <= self.now:
                self.end.tick(self.now)

    def gone(self):
        """It is closed: the farewell goes out, or its time is over; every buffer must be back."""
        self.hear()
        assert self.end.is_gone, "something is left to send"
        assert is_whole(self.host), whole_text(self.host)


def yamux(kind, flags, stream_id, length, data=b""):
    """One yamux frame."""
    header = bytearray(HEADER_BYTES)
    put_header(header, 0, kind, flags, stream_id, length)
    return bytes(header) + data


def frames_of(plain):
    """(kind, flags, stream id, length) of each yamux frame in what `hear_plain` gave."""
    found = []
    at = 0
    while at < len(plain):
        header = Header()
        at += header.take(plain, at, len(plain))
        assert header.missing == 0
        found.append((header.kind, header.flags, header.stream_id, header.length))
        if header.kind == DATA:
            at += header.length
    assert at == len(plain)
    return found

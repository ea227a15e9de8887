"""A carrier of the lite network on links that are made up, in time that is made up. Runs on CPython and MicroPython.

    world = WireWorld(max_upload_rate=100_000)           the numbers of a profile
    peer = world.join(cls=SERVING)                       peer.says(n): n bytes for us; peer.wants(n): n bytes of ours
    world.run(10_000)                                    ten seconds, a turn whenever the carrier wants one
    world.most("out", 2000)                              the most bytes that left us in any two seconds

A link has a system beneath it, as TCP has: what is handed over leaves at once while the peer's window is open and is
unsent otherwise; what the peer says waits in a buffer that is bounded. Both sides' segments and acknowledgements go
into the log of the wire when they go over it, whatever the carrier knows of it.
"""

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.classes import HANDSHAKES, SERVING
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.node.members import Member
from jamliquor_lite.ports.tcp import CLOSED as LINK_CLOSED
from jamliquor_lite.ports.tcp import OPEN
from jamliquor_lite.transport.states import CLOSED, READY

try:
    from jamliquor_lite.node import kernel  # noqa: F401

    COUNTS = (True, False)  # whether the system tells what it counts: what a test tries
except ImportError:  # a board has no such system
    COUNTS = (False,)
SEGMENT = 1448
HEADERS_OF_ONE = 66
BUFFER = memoryview(bytearray(16 * 1024))  # what is in it is nobody's concern here
_STEP_MS = 10_000  # the longest that a world sleeps


class FakeLink:
    """`window`: bytes that the peer still takes. `segment`: bytes of payload of each of its segments."""

    def __init__(self, world, window, segment, counts):
        self.world = world
        self.state = OPEN
        self.reason = ""
        self.address = ("192.0.2.1", 4001)
        self.window = window
        self.segment = segment
        self.coming = 0  # what the peer has yet to send
        self.unread = self.taken = 0
        self.unsent = 0
        self.segments_in = self.segments_out = self.acks = 0
        self.received = 0  # by the peer
        self.paced = self.aborted = False
        self.lies = False  # the window is smaller than the peer's system says
        self.reading = self.writing = False
        self._counts = counts  # whether the system tells
        self._odd = False

    def measure(self):
        if not self._counts:
            return None
        window = 1 << 28 if self.lies else self.window
        received = self.taken + self.unread
        return self.segments_out, self.segments_in, self.unsent, 0, window, received, self.segments_in - self.acks

    def widen(self, receive_bytes):
        pass

    def pace(self):
        self.paced = True

    def recv_into(self, buf, start, end):
        size = min(self.unread, end - start)
        self.unread -= size
        self.taken += size
        self.arrive()
        return size

    def send(self, buf, start, end):
        assert self.state == OPEN and end > start
        if self.paced and self.unsent:
            return 0
        size = end - start
        self.unsent += size
        self.leave()
        return size

    def arrive(self):
        """The peer sends as long as our buffer has room."""
        size = min(self.coming, self.world.receive_bytes - self.unread)
        if size > 0:
            self.coming -= size
            self.unread += size
            count = (size + self.segment - 1) // self.segment
            self.segments_in += count
            self.world.log("in", size + count * HEADERS_OF_ONE)
            acks = (count + 1) // 2
            self.segments_out += acks
            self.world.log("out", acks * HEADERS_OF_ONE)

    def leave(self):
        """What is unsent goes out as far as the window is open."""
        size = min(self.unsent, self.window)
        if size > 0:
            self.unsent -= size
            self.window -= size
            self.received += size
            count = (size + SEGMENT - 1) // SEGMENT
            self.segments_out += count
            self.world.log("out", size + count * HEADERS_OF_ONE)
            acks = (count + 1) // 2
            self.segments_in += acks
            self.acks += acks
            self.world.log("in", acks * HEADERS_OF_ONE)

    def watch(self, reading, writing):
        self.reading, self.writing = reading, writing

    @property
    def is_ready(self):
        """It ends a wait."""
        return self.state == OPEN and ((self.reading and self.unread > 0) or (self.writing and not self.unsent))

    def poll(self):
        return self.state

    def abort(self):
        self.aborted = True
        self.unsent = 0
        self.close()

    def close(self):
        self.state = LINK_CLOSED
        self.coming = 0


class FakeConnection:
    """What a carrier knows of a connection. It takes whatever comes and has as much to say as the test wants."""

    def __init__(self, cls):
        self.cls = cls
        self.state = READY
        self.is_dialed = cls != SERVING
        self.peer_id = b""
        self.suite = ""
        self.rule = ""
        self.close_reason = ""
        self.is_held = False
        self.in_end = 0
        self.out_start = self.out_end = 0
        self.to_say = 0
        self.said = self.heard = 0
        self.stuck = False  # the peer is to blame for what waits
        self.takes = True  # what comes

    @property
    def is_gone(self):
        return self.state == CLOSED

    @property
    def has_output(self):
        return self.out_end > self.out_start or self.to_say > 0

    def wants(self):
        return len(BUFFER) if self.takes and self.state != CLOSED else 0

    def inlet(self):
        return BUFFER if self.wants() else None

    def filled(self, count, now):
        self.heard += count

    def outlet(self, now):
        if self.out_start == self.out_end:
            size = min(self.to_say, len(BUFFER))
            self.to_say -= size
            self.out_start, self.out_end = 0, size
        return BUFFER if self.out_end > self.out_start else None

    def sent(self, count, is_cut=False):
        self.stuck = not is_cut and self.out_start + count < self.out_end
        self.out_start += count
        self.said += count

    def ended(self, reason, now):
        if self.state != CLOSED:
            self.state = CLOSED
            self.close_reason = reason
        self.to_say = 0
        self.out_start = self.out_end = 0

    def wake_at(self, now):
        return -1

    def tick(self, now):
        pass

    def pump(self, now):
        return False

    def take_shortage(self):
        return False

    def accept(self, own=False):
        return None

    def close(self, code=0, reason=""):
        self.ended(reason, 0)


class Peer:
    """A member of the world."""

    def __init__(self, connection, link):
        self.connection, self.link = connection, link

    def says(self, count):
        """So much comes from the peer, as fast as our buffer lets it."""
        self.link.coming += count
        self.link.arrive()

    def wants(self, count):
        """We have so much for the peer."""
        self.connection.to_say += count

    def opens(self, count):
        """The peer's window opens by so much."""
        self.link.window += count
        self.link.leave()


class Rounds:
    """Has a `carrier`, whose rounds it counts."""

    def turn(self):
        """One round. When the next one is due; -1 is never."""
        self.turns += 1
        self.carrier.receive(self.now)
        self.carrier.flush(self.now)
        return self.carrier.watch(self.now)


class WireWorld(Rounds):
    """See the head. `turns` counts the rounds of the carrier, `now` is its time in ms."""

    def __init__(self, counts=COUNTS[0], cpu_us=None, receive_bytes=64 * 1024, **numbers):
        profile = Profile()
        for name, value in numbers.items():
            assert hasattr(profile, name), name
            setattr(profile, name, value)
        self.receive_bytes = receive_bytes
        self.budgets = Budgets(profile, cpu_us)
        self.carrier = Libp2pCarrier(b"\x01" * 32, "", profile, [], budgets=self.budgets)
        self.peers = []
        self.now = 1000
        self.turns = 0
        self.logs = {"in": ([], []), "out": ([], [])}  # ms, and the bytes that went over the wire then
        self._counts = counts

    def join(self, cls=SERVING, window=1 << 28, segment=SEGMENT, counts=True):
        """A connection that stands."""
        link = FakeLink(self, window, segment, self._counts and counts)
        peer = Peer(FakeConnection(cls), link)
        member = Member(peer.connection, link, None)
        member.is_new = cls == HANDSHAKES
        self.carrier._members.append(member)
        self.carrier.traffic.begin(member, link, self.now, 0, 0)
        self.peers.append(peer)
        return peer

    def log(self, direction, size):
        times, sizes = self.logs[direction]
        if times and times[-1] == self.now:
            sizes[-1] += size
        else:
            times.append(self.now)
            sizes.append(size)

    def run(self, ms, each=None):
        """Let so much time pass. `each(world)` is called before each round."""
        until = self.now + ms
        while self.now < until:
            if each is not None:
                each(self)
            at = self.turn()
            if at >= 0 and at <= self.now or any([peer.link.is_ready for peer in self.peers]):
                self.now += 1  # a round takes its time
            else:
                self.now = min(until, at if at >= 0 else self.now + _STEP_MS)

    def total(self, direction):
        return sum(self.logs[direction][1])

    def most(self, direction, window_ms):
        """The most that went over the wire in any stretch of so long."""
        times, sizes = self.logs[direction]
        most = inside = first = 0
        for last in range(len(times)):
            inside += sizes[last]
            while times[first] <= times[last] - window_ms:
                inside -= sizes[first]
                first += 1
            most = max(most, inside)
        return most

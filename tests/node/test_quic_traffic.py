"""What the budgets let the QUIC carrier move, over a link that is made up, in time that is made up."""

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.classes import HANDSHAKES, HEADERS, SERVING
from jamliquor_lite.budget.meter import Meter
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.node.quic import QuicCarrier
from jamliquor_lite.transport.quic_listener import Listener
from tests.node.wire_world import Rounds
from tests.transport.pipe import GENESIS, identity

ADDRESS = ("192.0.2.1", 30333)
DATAGRAM = bytes(1200)
CAP = 100_000
OVERHEAD = 42


class FakeLink:
    """`coming` datagrams are there; `gone` is the log of what went: (ms, bytes of the wire)."""

    def __init__(self, world):
        self.world = world
        self.view = memoryview(bytearray(2048))
        self.source = ADDRESS
        self.coming = 0
        self.came, self.gone = [], []
        self.reading = False
        self.is_full = False
        self.bytes_in = self.bytes_out = 0

    def receive(self):
        if not self.coming:
            return -1
        self.coming -= 1
        self.came.append((self.world.now, len(DATAGRAM) + OVERHEAD))
        return len(DATAGRAM)

    def send(self, datagram, addr):
        if self.is_full:
            return False
        self.gone.append((self.world.now, len(datagram) + OVERHEAD))
        return True

    def watch(self, reading):
        self.reading = reading


class FakeConnection:
    """`to_say` datagrams are to be sent."""

    def __init__(self, cls):
        self.cls = cls
        self.to_say = self.said = self.sent_in = 0
        self.is_gone = self.is_for_others = False
        self.up = self.down = None

    def drain(self, now):
        if not self.to_say:
            return None
        self.to_say -= 1
        self.said += 1
        return DATAGRAM, ADDRESS

    def wake_at(self, now):
        return -1

    def tick(self, now):
        pass


class FakeListener(Listener):
    """Whose datagrams are all of `heard`'s."""

    def __init__(self):
        super().__init__(identity(1), GENESIS, Profile())
        self.heard = None
        self.was_open = []

    def receive(self, datagram, addr, now):
        self.was_open.append(self.takes_strangers)
        return self.heard

    def _look_at(self, connection):
        pass


class World(Rounds):
    def __init__(self, cpu_us=None, **numbers):
        profile = Profile()
        for name, value in numbers.items():
            assert hasattr(profile, name), name
            setattr(profile, name, value)
        self.now = 1000
        self.turns = 0
        self.budgets = Budgets(profile, cpu_us)
        self.carrier = QuicCarrier(bytes(32), GENESIS, profile, "127.0.0.1", 0, self.budgets)
        self.link = self.carrier._link = FakeLink(self)
        self.listener = self.carrier._listener = FakeListener()

    def join(self, cls):
        self.listener.connections.append(FakeConnection(cls))
        return self.listener.connections[-1]

    def run(self, ms, each=None):
        until = self.now + ms
        while self.now < until:
            if each is not None:
                each()
            at = self.turn()
            if 0 <= at <= self.now or (self.link.reading and self.link.coming):
                self.now += 1
            else:
                self.now = min(until, at if at >= 0 else until)


def most(log, window_ms):
    return max(sum(size for at, size in log if begun <= at < begun + window_ms) for begun, _ in log)


def test_rates_hold_in_every_two_seconds_and_are_used():
    world = World(max_download_rate=CAP, max_upload_rate=CAP)
    for _ in range(3):
        world.join(SERVING).to_say = 10_000
    world.listener.heard = world.join(HEADERS)
    world.link.coming = 10_000
    world.run(10_000)
    for log, wire in ((world.link.came, world.carrier.wire_in), (world.link.gone, world.carrier.wire_out)):
        # How long one is that comes is known when it is read.
        assert most(log, 2000) <= 2 * CAP + (len(DATAGRAM) + OVERHEAD if log is world.link.came else 0)
        assert sum(size for _, size in log) == wire >= 0.97 * 10 * CAP
    assert world.turns <= len(world.link.came) + len(world.link.gone) + 20, "who waits for a rate takes no turns"


def test_of_one_class_all_have_the_same_and_the_urgent_one_waits_for_nobody():
    world = World(max_upload_rate=CAP)
    urgent = world.join(HEADERS)
    others = [world.join(SERVING) for _ in range(4)]
    for connection in others:
        connection.to_say = 10_000
    world.run(1000)
    for _ in range(10):
        urgent.to_say = 1
        world.run(100)
        assert urgent.to_say == 0
        world.run(900)
    said = [connection.said for connection in others]
    assert max(said) - min(said) <= max(said) // 5, said
    assert world.budgets.up.deferred[SERVING] > 0


def test_one_peer_has_its_own_rate_and_costs_no_turns_while_it_waits():
    world = World()
    limited, free = world.join(SERVING), world.join(SERVING)
    limited.up = Meter(10_000, 1500)
    limited.to_say, free.to_say = 10_000, 300
    world.run(20_000)
    assert free.said == 300
    assert 190_000 <= limited.said * (len(DATAGRAM) + OVERHEAD) <= 200_000 + 1500 + 1242
    assert world.turns < 2 * limited.said + 20


def test_what_a_peer_sends_is_of_its_own_rate_as_well():
    world = World()
    sender = world.listener.heard = world.join(HEADERS)
    sender.down = Meter(10_000, 3000)
    world.link.coming = 4
    world.turn()
    assert sender.down.wake_at(world.now) == world.now + (4 * (len(DATAGRAM) + OVERHEAD) - 3000) // 10 + 1


def test_what_is_passed_on_is_charged_to_serving():
    world = World()
    upstream = world.listener.heard = world.join(HEADERS)
    for is_for_others, cls in ((False, HEADERS), (True, SERVING)):
        upstream.is_for_others = is_for_others
        world.link.coming = 2
        world.turn()
        assert world.budgets.down.spent[cls] == 2 * (len(DATAGRAM) + OVERHEAD)


def test_a_datagram_that_the_system_refuses_is_kept_and_comes_first():
    world = World()
    first, second = world.join(HEADERS), world.join(SERVING)
    first.to_say = second.to_say = 1
    world.link.is_full = True
    assert world.turn() == world.now + 1
    assert world.link.gone == [] and not world.carrier.is_drained
    world.link.is_full = False
    world.now += 1
    assert world.turn() == -1
    assert len(world.link.gone) == 2 and world.carrier.is_drained


class Processor:
    def __init__(self):
        self.us = 0

    def __call__(self):
        return self.us


def test_strangers_over_their_share_begin_nothing():
    processor = Processor()
    world = World(processor, cpu_permille=100)
    world.budgets.cpu.charge(-1, world.now)
    world.link.coming = 1
    world.turn()
    processor.us += 50_000
    world.budgets.cpu.charge(HANDSHAKES, world.now)
    world.link.coming = 1
    world.turn()
    assert world.listener.was_open == [True, False], "datagrams of peers are read still"


def test_what_is_no_peers_is_dropped_by_the_listener_while_strangers_must_wait():
    from jamliquor_lite.transport.quic import Connection

    listener = Listener(identity(2), GENESIS, Profile())
    client = Connection.dial(identity(1), GENESIS, "192.0.2.7", 30333, limits=Profile(), now=0)
    initial, _ = client.drain(0)
    listener.takes_strangers = False
    assert listener.receive(initial, ADDRESS, 0) is None
    assert listener.dropped == 1 and listener.connections == []
    listener.takes_strangers = True
    assert listener.receive(initial, ADDRESS, 0) is listener.connections[0]
    assert listener.connections[0].cls == HANDSHAKES and client.cls == HEADERS


def test_strangers_over_their_share_of_cpu_time_are_not_answered_and_cost_no_turns():
    processor = Processor()
    world = World(processor, cpu_permille=100)
    stranger, known = world.join(HANDSHAKES), world.join(HEADERS)
    world.budgets.cpu.charge(-1, world.now)
    processor.us += 100_000
    world.budgets.cpu.charge(HANDSHAKES, world.now)
    world.now += 10
    stranger.to_say = known.to_say = 1
    at = world.turn()
    assert (known.said, stranger.said) == (1, 0) and at > world.now
    assert world.budgets.cpu.deferred[HANDSHAKES] == 1
    world.run(2000)
    assert stranger.said == 1 and world.turns < 20


def test_while_nobody_may_compute_the_socket_is_not_read():
    processor = Processor()
    world = World(processor, cpu_permille=100)
    world.budgets.cpu.charge(-1, world.now)
    processor.us += 400_000
    world.link.coming = 5
    at = world.turn()  # one is read, and the time of it is charged
    assert world.link.coming == 4 and not world.link.reading and at > world.now + 1000
    world.run(at - world.now)
    assert world.link.coming == 4
    world.turn()
    assert world.link.coming == 0


def test_when_the_days_allowance_is_over_nothing_moves():
    world = World(day_bytes=50_000, allowance_quantum=100_000)
    allowance = world.budgets.allowance
    allowance.on_date(1, 1)
    allowance.record()
    allowance.stored()
    world.join(SERVING).to_say = 1000
    world.link.coming = 1000
    world.run(5000)
    assert 50_000 <= world.carrier.wire_in + world.carrier.wire_out <= 50_000 + 65 * (len(DATAGRAM) + OVERHEAD)
    assert world.turn() == -1 and not world.link.reading

# portable: runs on CPython and MicroPython
"""Who stays and who goes: what peers are worth, a thousand strangers at the door, and memory that is exhausted."""

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.slots import INBOUND, OUTBOUND, TRUSTED
from jamliquor_lite.node import admission, quality
from jamliquor_lite.node.peers import Peers, Record
from jamliquor_lite.transport.states import CLOSED, READY
from tests.fake_carrier import Dice

MINUTE = 60_000


class Connection:
    is_dialed = False
    suite = "hybrid"
    addr = ("192.0.2.1", 4001)

    def __init__(self, name):
        self.peer_name = name
        self.state = READY
        self.close_reason = ""

    def close(self, code=0, reason=""):
        self.state = CLOSED
        self.close_reason = reason


class Link:
    greeted = ready = True

    def __init__(self, connection):
        self.connection = connection
        self.is_closed = False

    def close(self):
        self.is_closed = True


class World:
    """A node of which nothing is real but its peers, and strangers at its door."""

    name = "us"

    def __init__(self, max_peers=12, **numbers):
        profile = Profile()
        profile.max_peers = profile.inbound_peers = max_peers
        for name in numbers:
            assert hasattr(profile, name)
            setattr(profile, name, numbers[name])
        self.budgets = Budgets(profile)
        self.peers = Peers(profile, self.budgets.slots)
        self.peers_declined = self.peers_evicted = 0
        self.state_connections = {}
        self.events = []
        self.now = MINUTE
        self.count = 0

    def on_event(self, name, fields):
        self.events.append((name, fields["reason"]))

    def follow(self, record, connection, now):
        record.since = now
        record.link = Link(connection)

    def come(self, name=""):
        """A stranger comes; its connection."""
        self.count += 1
        connection = Connection(name or "stranger %d" % self.count)
        admission.accept(self, self, connection, self.now)
        return connection

    def named(self, kind=TRUSTED):
        """A peer that we dialed."""
        self.count += 1
        record = self.peers.add("peer %d" % self.count, "192.0.2.9", 1, self, kind)
        record.link = Link(Connection(record.name))
        record.since = self.now
        return record


def test_worth():
    record = Record("a", "192.0.2.1", 1, None)
    assert quality.worth(record) == 0
    record.taken = 100
    assert quality.worth(record) == 0, "to ask for a little is no fault"
    record.taken = 2000
    assert quality.worth(record) < 0
    record.firsts = 20
    assert quality.worth(record) > 0
    before = quality.worth(record)
    record.declined += 1
    record.stalls += 1
    assert quality.worth(record) < before
    record.proved += 100
    record.blamed += 2
    good = quality.worth(record)
    record.blamed += 100
    assert quality.worth(record) < 0 < good
    record.blamed = 0
    worths = []
    for _ in range(20):
        quality.fade(record)
        worths.append(quality.worth(record))
    assert worths[-1] == 0 and max(worths) == worths[0]


def test_a_stranger_gets_a_free_slot_and_no_reserved_one():
    world = World(6, reserved_peers=2)
    trusted = world.named()
    came = [world.come() for _ in range(6)]
    assert [connection.state for connection in came] == [READY] * 4 + [CLOSED] * 2
    assert came[5].close_reason == "no room for another peer" and world.peers_declined == 2
    assert world.peers.add("another", "192.0.2.3", 1, world) is not None, "the reserved one"
    assert trusted.link is not None and world.budgets.slots.taken == [4, 0, 2]


def test_who_dialed_us_and_is_then_named_is_never_put_out():
    world = World(3)
    first = world.come()
    record = world.peers.named(first.peer_name)
    assert record.inbound and not record.is_trusted and world.budgets.slots.taken == [1, 0, 0]
    assert world.peers.add(first.peer_name, "192.0.2.1", 4001, world) is record
    assert record.is_trusted and world.budgets.slots.taken == [0, 0, 1]
    for _ in range(50):
        world.now += MINUTE
        world.come()
    assert record.link is not None and first.state == READY


def test_a_thousand_strangers_put_out_neither_the_users_peers_nor_good_ones():
    dice = Dice(5)
    world = World(24, reserved_peers=4)
    trusted = [world.named() for _ in range(3)]
    spare = world.named(OUTBOUND)
    good = []
    for _ in range(8):
        record = world.peers.named(world.come().peer_name)
        record.firsts = 2 + dice.below(5)
        good.append(record)
    old = [world.peers.named(world.come().peer_name) for _ in range(4)]  # they only listen, and do so for long
    world.now += 10 * MINUTE
    kept = set(record.name for record in trusted + good + old + [spare])
    turned_over = 0
    for _ in range(1000):
        world.now += dice.below(8_000)
        connection = world.come()
        if connection.state == READY:
            record = world.peers.named(connection.peer_name)
            record.taken = dice.below(5000)
            turned_over += 1
        for record in good:
            record.firsts += dice.below(200) == 0  # now and then they bring something: not less than one in ten minutes
            record.firsts = max(record.firsts, 2)
        assert len(world.peers.records) <= 24
        assert world.budgets.slots.total == len(world.peers.records)
    names = set(record.name for record in world.peers.records)
    assert kept <= names, "they are all still there"
    assert all([record.link is not None for record in trusted + good + old + [spare]])
    # Strangers did get in, but one in a minute at most for each place that is not kept.
    minutes = (world.now - MINUTE) // MINUTE
    places = 24 - 4 - len(good) - len(old)
    assert 5 < turned_over <= places * (minutes + 2), (turned_over, minutes)
    assert world.peers_declined + turned_over == 1000


def test_the_young_have_their_time_and_of_equals_the_last_one_goes():
    world = World(8)
    came = []
    for _ in range(8):
        came.append(world.come())
        world.now += 1000
    assert world.come().state == CLOSED, "all are younger than a minute"
    world.now += MINUTE
    stranger = world.come()
    assert stranger.state == READY and came[7].state == CLOSED
    assert came[7].close_reason == "another peer has its place"
    assert [connection.state for connection in came[:7]] == [READY] * 7
    assert ("peer_left", "another peer has its place") in world.events and world.peers_evicted == 1


def test_the_worst_goes_before_the_last():
    world = World(8)
    came = [world.come() for _ in range(8)]
    records = [world.peers.named(connection.peer_name) for connection in came]
    records[4].blamed = 1
    records[5].taken = 100_000
    world.now += 2 * MINUTE
    world.come()
    assert came[5].state == CLOSED, "it has taken more than it was blamed for"
    world.come()
    assert came[4].state == CLOSED


def test_a_table_of_good_ones_is_closed_to_strangers():
    world = World(5)
    for _ in range(5):
        world.peers.named(world.come().peer_name).firsts = 1
    world.now += 60 * MINUTE
    # What was done long ago counts half: one header is forgotten, more are not.
    for record in world.peers.records:
        record.firsts = 8
    assert [world.come().state for _ in range(50)] == [CLOSED] * 50
    assert world.peers_evicted == 0


def test_when_memory_is_exhausted_the_worst_goes_first_and_the_users_never():
    world = World(8)
    trusted, spare = world.named(), world.named(OUTBOUND)
    trusted.blamed = 5
    records = []
    for _ in range(3):
        records.append(world.peers.named(world.come().peer_name))
        world.now += 1000
    records[0].stalls = 3  # its streams were reset before
    records[1].firsts = 100
    links = [record.link for record in (records[0], records[2], records[1], spare)]
    for link in links:
        assert admission.evict(world, world.now) is link.connection and link.is_closed
    assert admission.evict(world, world.now) is None
    assert trusted.link is not None and spare.dial_at > world.now and spare in world.peers.records
    assert world.budgets.slots.taken == [0, 1, 1] and world.peers_evicted == 4


class Session:
    """Buffers that are lent for a connection."""

    class Scope:
        used = 0

    def __init__(self, inbox, outbox):
        self.inbox, self.outbox = Session.Scope(), Session.Scope()
        self.inbox.used, self.outbox.used = inbox, outbox


def test_when_memory_is_exhausted_who_holds_it_goes_before_who_does_not():
    world = World(8)
    came = []
    for inbox, outbox in ((0, 0), (1, 1), (40, 20), (0, 2)):
        came.append(world.come())
        came[-1].session = Session(inbox, outbox)
        world.now += 1000
    world.peers.named(came[2].peer_name).firsts = 30  # it is of use, and sits on 60 buffers
    order = [admission.evict(world, world.now) for _ in came]
    assert order == [came[2], came[3], came[1], came[0]]


def test_a_node_that_sleeps_takes_nobody_and_lets_all_go_without_blame():
    world = World(8)
    trusted = world.named()
    came = world.come()
    guest = Connection("guest")
    world.state_connections["peer"] = guest
    link = trusted.link
    world.budgets.is_asleep = True
    admission.leave_all(world, "asleep", world.now)
    assert came.close_reason == link.connection.close_reason == guest.close_reason == "asleep"
    assert world.peers.records == [trusted] and trusted.failures == 0 and trusted.dial_at == world.now
    assert world.state_connections == {} and link.is_closed
    assert world.come().close_reason == "asleep"
    assert world.budgets.slots.taken == [0, 0, 1] and INBOUND == 0

# portable: runs on CPython and MicroPython
"""A board that is told nothing new says so, turns to others, and says when heads come again."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.node.silence import Silence

SLOT_MS = 6_000
AFTER = 60_000


class Link:
    def __init__(self):
        self.ready = True
        self.connection = self
        self.closed = 0

    def close(self, *why):
        self.closed += 1


class Record:
    def __init__(self, name, since, firsts=0, is_linked=True, inbound=False):
        self.name, self.since, self.firsts, self.proved, self.inbound = name, since, firsts, 0, inbound
        self.link = Link() if is_linked else None


class Peers:
    def __init__(self, *records):
        self.records = list(records)
        self.wants_more = False
        self.left = []

    def failed(self, record, reason, now):
        self.left.append((record.name, now))
        record.link = None


class Node:
    """As much of one as is looked at; it is its own chain and budgets."""

    def __init__(self, *records):
        self.peers = Peers(*records)
        self.best_slot = 100
        self.is_asleep = False
        self.events = []
        self.chain = self.budgets = self

    def on_event(self, name, fields):
        self.events.append((name, fields))


class Status:
    pass


def silence(**changed):
    profile = Profile()
    profile.stall_slots = 10
    for name in changed:
        setattr(profile, name, changed[name])
    return Silence(profile, SLOT_MS, 1_000)


def run(alarm, node, start, end, every=0):
    """Half-second turns; a head comes in every so many ms."""
    for now in range(start, end, 500):
        if every and now % every == 0:
            node.best_slot += 1
        alarm.turn(node, now)


def test_who_follows_hears_nothing_of_it():
    alarm, node = silence(), Node(Record("a", 0))
    run(alarm, node, 1_000, 3_600_000, SLOT_MS)
    run(alarm, node, 3_600_000, 7_200_000, 9 * SLOT_MS)
    assert node.events == [] and alarm.stalls == 0


def test_it_is_said_once_and_a_peer_goes_in_each_such_time():
    alarm = silence()
    node = Node(Record("useful", 0, 5), Record("useless", 10), Record("spare", 0, is_linked=False))
    run(alarm, node, 1_000, 60_000)
    node.best_slot += 1
    run(alarm, node, 60_000, 120_000)
    assert node.events == [] and not node.peers.wants_more
    run(alarm, node, 120_000, 121_000)
    assert [name for name, _ in node.events] == ["peer_left", "stalled"] and node.peers.wants_more
    said = node.events[1][1]
    assert said == {"slot": 101, "silent_ms": AFTER, "doing": "leaving useless…, dialing 1"}
    run(alarm, node, 121_000, 300_500)
    assert node.peers.left == [("useless", 120_000), ("useful", 180_000)], "then nobody is there to leave"
    assert [name for name, _ in node.events] == ["peer_left", "stalled", "peer_left"]
    status = Status()
    alarm.tell(status)
    assert (status.stalls, status.stall_ms) == (1, 240_000)
    node.best_slot += 1
    run(alarm, node, 300_500, 301_500)
    assert node.events[-1] == ("recovered", {"slot": 102, "after_ms": 240_500}) and not node.peers.wants_more
    alarm.tell(status)
    assert (status.stalls, status.stall_ms) == (1, 0)
    run(alarm, node, 301_500, 400_000)
    assert node.events[-1][0] == "stalled" and alarm.stalls == 2


def test_the_only_peer_is_kept_and_so_are_all_while_it_sleeps():
    alarm, node = silence(), Node(Record("only", 0))
    run(alarm, node, 1_000, 200_000)
    assert node.peers.left == [] and node.events[0][1]["doing"] == "waiting: no other peer is known"
    alarm, node = silence(), Node()
    run(alarm, node, 1_000, 62_000)
    assert node.events[0][1]["doing"] == "waiting for a peer"
    alarm, node = silence(), Node(Record("a", 0), Record("b", 0))
    node.is_asleep = True
    run(alarm, node, 1_000, 3_600_000)
    assert node.events == []
    node.is_asleep = False
    run(alarm, node, 3_600_000, 3_599_500 + AFTER)
    assert node.events == [], "what was before it woke does not count"
    run(alarm, node, 3_599_500 + AFTER, 3_600_000 + AFTER)
    assert node.events[-1][0] == "stalled"


def test_short_slots_are_no_reason_to_hurry():
    profile = Profile()
    alarm, node = Silence(profile, 100, 0), Node(Record("a", 0), Record("b", 0))
    run(alarm, node, 0, profile.stall_least_ms)
    assert node.events == []
    run(alarm, node, profile.stall_least_ms, profile.stall_least_ms + 500)
    assert node.events[-1][0] == "stalled"


def test_reorgs_are_counted():
    alarm, status = silence(), Status()
    for depth in (2, 5, 1):
        alarm.reorged(depth)
    alarm.heard("a", 7)
    alarm.tell(status)
    assert (status.reorgs, status.reorg_depth) == (3, 5)

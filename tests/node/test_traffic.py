# portable: runs on CPython and MicroPython
"""What the budgets let a carrier move, on links that are made up: rates, order, slow readers, CPU, allowance."""

from jamliquor_lite.budget.classes import HANDSHAKES, HEADERS, SERVING, WEIGHTS
from jamliquor_lite.ports.tcp import CLOSED as LINK_CLOSED
from jamliquor_lite.ports.tcp import OPEN
from jamliquor_lite.transport.shedding import NOTHING, PEER
from jamliquor_lite.transport.states import CLOSED
from tests.node.wire_world import COUNTS, SEGMENT, WireWorld
from tests.support import skip

CAP = 100_000
MUCH = 1 << 26
ALL = 2000  # ms: what a rate is a promise about


def counted():
    """For tests of what a system tells."""
    if not COUNTS[0]:
        skip("no system that counts")


def test_without_caps_all_goes_at_once():
    world = WireWorld()
    peer = world.join()
    peer.wants(300_000)
    peer.says(300_000)
    world.run(100)
    assert peer.link.received == peer.connection.heard == 300_000
    assert world.carrier.bytes_out == world.carrier.bytes_in == 300_000
    assert not peer.link.paced, "only a cap costs a link its buffer in the system"


def test_an_upload_cap_holds_in_every_two_seconds_and_is_used():
    for counts in COUNTS:
        world = WireWorld(counts, max_upload_rate=CAP)
        for _ in range(5):
            world.join().wants(MUCH)
        world.run(20_000)
        assert world.most("out", ALL) <= 2 * CAP
        assert world.total("out") >= 20 * CAP * 97 // 100, world.total("out")
        assert world.carrier.traffic.wire_out == world.total("out")


def test_a_line_of_which_the_system_counts_nothing_shares_the_cap_with_links():
    counted()
    world = WireWorld(max_upload_rate=CAP)
    link, line = world.join(), world.join(counts=False)
    link.wants(MUCH)
    line.wants(MUCH)
    world.run(5000)
    assert min(link.link.received, line.link.received) >= 5 * CAP // (SEGMENT + 66) * SEGMENT * 45 // 100
    assert world.most("out", ALL) <= 2 * CAP


def test_a_download_cap_holds_for_what_is_read_and_is_used():
    for counts in COUNTS:
        world = WireWorld(counts, receive_bytes=16 * 1024, max_download_rate=CAP)
        for _ in range(5):
            world.join().says(MUCH)
        world.run(20_000)
        buffers = 5 * 16 * 1024 * (SEGMENT + 66) // SEGMENT
        assert world.most("in", ALL) <= 2 * CAP + buffers
        assert world.total("in") >= 20 * CAP * 97 // 100, world.total("in")


def test_short_segments_are_paid_for_where_the_system_counts_them():
    counted()
    world = WireWorld(receive_bytes=1024, max_download_rate=CAP)
    peer = world.join(segment=20)
    peer.says(MUCH)
    world.run(20_000)
    assert world.most("in", ALL) <= 2 * CAP + 1024 * 86 // 20
    assert world.carrier.traffic.wire_in >= world.total("in") - 1024 * 86 // 20
    assert peer.link.state == OPEN


def test_who_puts_less_into_a_segment_than_a_frame_has_is_reset():
    counted()
    world = WireWorld(receive_bytes=1024, max_download_rate=CAP)
    peer = world.join(segment=1)
    peer.says(MUCH)
    world.run(1000)
    assert peer.link.aborted and peer.connection.close_reason == "reset: 2048 bytes in 2048 segments"
    assert world.carrier.traffic.resets == 1


def test_acknowledgements_of_what_comes_are_paid_for_by_the_other_direction():
    for counts in COUNTS:
        world = WireWorld(counts, max_upload_rate=CAP)
        peer = world.join()
        peer.says(1 << 20)
        world.run(1000)
        assert peer.connection.heard == 1 << 20
        assert world.budgets.up.spent[SERVING] >= (1 << 20) // (2 * SEGMENT) * 66


def test_who_waits_for_a_rate_takes_no_turns():
    world = WireWorld(max_upload_rate=20_000, max_download_rate=20_000)
    for _ in range(8):
        peer = world.join()
        peer.wants(MUCH)
        peer.says(MUCH)
    world.run(20_000)
    segments = (world.total("out") + world.total("in")) // (SEGMENT + 66)
    assert world.turns <= 3 * segments, (world.turns, segments)


def test_what_is_urgent_goes_first_and_nothing_starves():
    world = WireWorld(max_upload_rate=CAP)
    urgent, others = world.join(HEADERS), [world.join() for _ in range(4)]
    for peer in others:
        peer.wants(MUCH)
    world.run(1000)
    # A message every two seconds: it never waits for what the others have.
    for _ in range(20):
        before = urgent.link.received
        urgent.wants(400)
        world.run(100)
        assert urgent.link.received == before + 400
        world.run(1900)
    # A flood of it leaves the others their share, and is not theirs alone to bear.
    before = [peer.link.received for peer in others]
    mine = urgent.link.received
    urgent.wants(MUCH)
    world.run(40_000)
    theirs = sum(peer.link.received for peer in others) - sum(before)
    assert urgent.link.received - mine > theirs > 40 * CAP * 4 // 32 * 9 // 10
    assert world.budgets.up.deferred[SERVING] > 0


def test_what_strangers_owe_keeps_nobody_from_hearing_of_the_chain():
    for cap in (20_000, CAP, 10 * CAP):
        world = WireWorld(receive_bytes=8 * 1024, max_download_rate=cap)
        known, other = world.join(HEADERS), world.join()
        world.turn()
        world.budgets.down.spend(HANDSHAKES, 4 * cap, world.now)
        other.says(1000)
        known.says(300)
        world.run(20)
        assert known.connection.heard == 300 and other.connection.heard == 0
        turns = world.turns
        known.says(MUCH)
        world.run(2000)  # in debt as it is
        part = 2 * cap * WEIGHTS[HEADERS] // sum(WEIGHTS)
        assert part // 2 <= known.connection.heard - 300 <= part + world.budgets.down.burst, known.connection.heard
        assert other.connection.heard == 0 and world.turns - turns <= 2000 // 4


def test_of_one_class_all_have_the_same():
    world = WireWorld(max_upload_rate=50_000, max_download_rate=50_000)
    peers = [world.join() for _ in range(7)]
    idle = [world.join() for _ in range(9)]
    for peer in peers:
        peer.wants(MUCH)
        peer.says(MUCH)
    world.run(30_000)
    for count in ([peer.link.received for peer in peers], [peer.connection.heard for peer in peers]):
        assert max(count) - min(count) <= max(count) // 10, count
    assert all(peer.link.received == 0 for peer in idle)


def test_our_own_cut_is_not_the_peers_fault():
    counted()
    world = WireWorld(max_upload_rate=20_000)
    peer = world.join()
    peer.wants(64 * 1024)
    world.run(1000)
    assert 0 < peer.connection.said < 64 * 1024 and not peer.connection.stuck
    slow = world.join(window=0)
    slow.wants(64 * 1024)
    world.run(1000)
    assert slow.connection.stuck


def test_one_peer_has_its_own_rate():
    for counts in COUNTS:
        world = WireWorld(counts, peer_upload_rate=10_000, peer_download_rate=20_000)
        peers = [world.join() for _ in range(3)]
        for peer in peers:
            peer.wants(MUCH)
            peer.says(MUCH)
        turns = world.turns
        world.run(20_000)
        for peer in peers:
            assert 170_000 <= peer.link.received <= 200_000, peer.link.received
            assert 340_000 <= peer.connection.heard <= 400_000, peer.connection.heard
        assert world.turns - turns < 2500, world.turns


# slow readers


def slow_readers(count, lies=False, **numbers):
    """All have much to hear and have read as much as a window holds; nobody takes any more."""
    counted()
    world = WireWorld(max_upload_rate=CAP, **numbers)
    slow = [world.join(window=2 * SEGMENT) for _ in range(count)]
    for peer in slow:
        peer.link.lies = lies
        peer.wants(MUCH)
    return world, slow


def test_slow_readers_that_open_their_windows_at_once_break_no_cap():
    for lies in (False, True):
        world, slow = slow_readers(40, lies)
        world.run(4000)
        held = world.carrier.traffic.unsent
        assert 0 < held <= max(world.budgets.up.burst // 2, SEGMENT + 66), "the system holds a bounded number of bytes"
        begun = world.total("out")
        for peer in slow:
            peer.opens(MUCH)
        world.run(4000)
        assert world.most("out", ALL) <= 2 * CAP
        assert world.total("out") - begun >= 4 * CAP * 9 // 10, "and then all of it is used"


def test_who_does_not_read_takes_nothing_from_those_who_do():
    world, slow = slow_readers(40)
    world.run(3000)
    honest = world.join()
    honest.wants(MUCH)
    turns = world.turns
    world.run(5000)
    assert honest.link.received >= 5 * CAP // (SEGMENT + 66) * SEGMENT * 9 // 10, honest.link.received
    assert world.carrier.traffic.resets == 0 and world.turns - turns <= 5 * CAP // SEGMENT + 5 * 4


def test_who_keeps_the_system_full_gives_way_to_those_who_read():
    world, slow = slow_readers(20, lies=True)
    world.run(1000)
    honest, urgent = world.join(), world.join(HEADERS)
    honest.wants(MUCH)
    urgent.wants(2000)
    world.run(world.budgets.profile.shed_after_ms)
    assert urgent.link.received == 2000, "whoever follows the chain with us waits for no stranger"
    world.run(25_000)
    reset = [peer for peer in slow if peer.link.aborted]
    assert len(reset) == world.carrier.traffic.resets == len(slow)
    assert not honest.link.aborted and not urgent.link.aborted
    assert all([peer.connection.close_reason.startswith("reset: ") for peer in reset])
    assert honest.link.received >= 4 * CAP, honest.link.received
    assert world.most("out", ALL) <= 2 * CAP


def test_nobody_is_reset_while_nobody_waits_for_it():
    world, (slow,) = slow_readers(1)
    world.run(60_000)
    assert slow.link.unsent == 1 and world.carrier.traffic.resets == 0
    assert world.turns < 20, "and it costs no turns"
    slow.opens(MUCH)
    world.run(1000)
    assert slow.link.received > CAP // (SEGMENT + 66) * SEGMENT * 9 // 10


def test_who_reads_a_byte_now_and_then_gets_no_more_than_a_part():
    world, slow = slow_readers(10)
    honest = world.join()
    honest.wants(MUCH)

    def drip(world):
        for peer in slow:
            peer.opens(1)

    world.run(5000, drip)
    assert honest.link.received >= 5 * CAP // 2, honest.link.received
    assert world.most("out", ALL) <= 2 * CAP


def test_a_cap_that_is_changed_holds_from_then_on():
    world = WireWorld(max_upload_rate=CAP)
    world.join().wants(MUCH)
    world.run(4000)
    profile = world.budgets.profile
    profile.max_upload_rate = CAP // 2
    world.budgets.change(profile)
    before = world.total("out")
    world.run(4000)
    assert 2 * CAP * 95 // 100 <= world.total("out") - before <= 2 * CAP + CAP // 20


def test_a_cap_that_is_taken_away_holds_nobody_up():
    world, slow = slow_readers(3)
    honest = world.join()
    honest.wants(MUCH)
    world.run(4000)
    assert world.carrier.traffic.unsent > 0
    profile = world.budgets.profile
    profile.max_upload_rate = 0
    world.budgets.change(profile)
    world.run(1000)
    assert honest.link.received == MUCH and world.carrier.traffic.unsent == 0
    turns = world.turns
    world.run(60_000)
    assert world.turns - turns < 100, "what is stuck costs no turns"


# CPU


class Processor:
    """CPU time that a test spends."""

    def __init__(self):
        self.us = 0

    def __call__(self):
        return self.us


def test_a_class_that_may_not_compute_is_not_read_and_costs_no_turns():
    processor = Processor()
    world = WireWorld(cpu_us=processor, cpu_permille=100)
    stranger, known = world.join(HANDSHAKES), world.join(HEADERS)
    heard = stranger.connection.filled

    def compute(count, now):
        processor.us += 20_000  # a handshake
        heard(count, now)

    stranger.connection.filled = compute
    said = []

    def say(world):
        if len(said) <= world.now // 1000:
            said.append(1)
            known.says(100)

    stranger.says(1 << 28)
    world.run(20_000, say)
    assert known.connection.heard == 100 * len(said), "the chain is heard at once"
    assert processor.us <= 20 * 100_000 + 120_000, processor.us
    assert processor.us >= 20 * 100_000 * 9 // 10, "and what is left goes to strangers"
    assert world.budgets.cpu.deferred[HANDSHAKES] > 0
    assert world.turns < 1000, world.turns


class FakeListener:
    """`waiting` connections are in the system's backlog."""

    def __init__(self, world, waiting):
        self.world, self.waiting, self.watched = world, waiting, False
        self.address = ("192.0.2.2", 4001)

    def accept(self):
        if not self.waiting:
            return None
        self.waiting -= 1
        return self.world.join(HANDSHAKES).link

    def measure(self):
        return self.waiting

    def watch(self, accepting):
        self.watched = accepting

    def close(self):
        pass


def test_strangers_wait_in_the_backlog_while_they_are_over_their_share():
    processor = Processor()
    world = WireWorld(cpu_us=processor, cpu_permille=100)
    listener = FakeListener(world, 1)
    world.carrier._listeners.append(listener)
    world.budgets.cpu.charge(-1, world.now)
    processor.us += 150_000
    world.budgets.cpu.charge(HANDSHAKES, world.now)
    at = world.turn()
    assert listener.waiting == 1 and not listener.watched and at > world.now
    world.now = at
    world.turn()
    while listener.waiting:
        assert not listener.watched
        world.now = world.turn()
    assert world.now <= 1000 + 20_000


def test_what_the_system_says_to_those_in_the_backlog_is_paid_for_once():
    counted()
    world = WireWorld(max_upload_rate=CAP)
    world.join()
    listener = FakeListener(world, 0)
    world.carrier._listeners.append(listener)
    world.turn()
    before = world.budgets.up.spent[HANDSHAKES]
    listener.waiting = 16
    world.budgets.up.spend(HANDSHAKES, world.budgets.up.burst, world.now)  # strangers must wait
    before += world.budgets.up.burst
    world.turn()
    assert listener.waiting == 16 and world.budgets.up.spent[HANDSHAKES] - before == 16 * 5 * 66
    world.now += 1
    world.turn()
    assert world.budgets.up.spent[HANDSHAKES] - before == 16 * 5 * 66


# memory


class FakeShedding:
    """Memory is exhausted, until one of two has gone."""

    is_hungry = True

    def poll(self, connections, now):
        return PEER if len(connections) == 2 else NOTHING

    def wake_at(self, now):
        return -1


def test_when_no_stream_is_left_to_give_way_the_peer_goes_that_the_node_names():
    world = WireWorld()
    one, other = world.join(), world.join()
    asked = []
    world.carrier.evict = lambda now: asked.append(now) or other.connection
    world.turn()
    assert asked == []
    world.carrier.shedding = FakeShedding()
    world.turn()
    assert asked == [world.now] and other.connection.close_reason == "memory is exhausted"
    world.turn()
    assert world.carrier.connections == [one.connection] and other.link.state == LINK_CLOSED


# the allowance


def test_when_the_days_allowance_is_over_nothing_moves_until_it_is_renewed():
    world = WireWorld(day_bytes=200_000, allowance_quantum=300_000)
    allowance = world.budgets.allowance
    allowance.on_date(1, 1)
    allowance.record()
    allowance.stored()
    peer = world.join()
    peer.wants(MUCH)
    peer.says(MUCH)
    world.run(10_000)
    spent = world.carrier.traffic.wire_in + world.carrier.traffic.wire_out
    # What passes in one read or send beyond it: a buffer at most.
    assert 200_000 <= spent <= 200_000 + 2 * 64 * 1024 * 1514 // 1448 + 4096, spent
    assert allowance.left() == 0 and not peer.link.reading and not peer.link.writing
    assert world.turn() == -1, "it wakes for nothing"
    peer.connection.state, peer.connection.to_say = CLOSED, 0
    allowance.on_date(2, 1)
    assert allowance.left() == 0
    allowance.record()
    allowance.stored()
    assert allowance.left() > 0
    world.turn()
    assert peer.link.state == LINK_CLOSED

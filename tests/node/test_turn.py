# portable: runs on CPython and MicroPython
"""Quanta of processor time in a turn, on a made-up clock: who waits, nobody starves, and the average holds."""

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.classes import COUNT, GOSSIP, HEADERS, QUERIES, SERVING, WEIGHTS
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.node.turn import NOBODY, Quanta

FOREVER = 1 << 29
_ORDER = 100  # units whose order is kept: a board has no room for all
LINKS = (HEADERS, SERVING, GOSSIP)


class Link:
    """Units of work that wait, by class; `done` counts those that were done."""

    def __init__(self, waiting):
        self.waiting = dict(waiting)
        self.done = [0] * COUNT
        self.put_offs = 0

    def put_off(self, cls, now):
        self.put_offs += 1


class Record:
    def __init__(self, waiting):
        self.link = Link(waiting)
        self.taken = 0


class Ask:
    def __init__(self, world, units, ends_at=FOREVER):
        self.world, self.units, self.ends_at = world, units, ends_at
        self.done = 0
        self.is_done = False

    def step(self, now):
        if now >= self.ends_at or self.done == self.units:
            self.is_done = True
            return False
        self.world.spend(QUERIES)
        self.done += 1
        return True


class World:
    """A node of which nothing is real but its budgets and its quanta. A unit of `cls` costs `cost_us[cls]`, a turn
    `turn_us` beside. `now` passes as the processor computes, and in rests."""

    def __init__(self, *waiting, permille=100, burst_ms=50, cost_us=10_000, turn_us=200):
        profile = Profile()
        profile.cpu_permille = permille
        profile.cpu_burst_ms = burst_ms
        self.cpu_us = self.now_us = 1_000_000
        self.cost_us = [cost_us] * COUNT
        self.turn_us = turn_us
        self.peers = self
        self.records = [Record(units) for units in waiting]
        self.asks = []
        self.budgets = Budgets(profile, lambda: self.cpu_us & 0x3FFFFFFF)
        self.quanta = Quanta(self)
        self.order = []
        self.turns = 0

    @property
    def now(self):
        return self.now_us // 1000

    def spend(self, cls, us=0):
        us = us or self.cost_us[cls]
        self.cpu_us += us
        self.now_us += us

    def serve(self, record, cls, now):
        link = record.link
        if link is None or not link.waiting.get(cls):
            return False
        self.spend(cls)
        link.waiting[cls] -= 1
        link.done[cls] += 1
        if len(self.order) < _ORDER:
            self.order.append(cls)
        return True

    def turn(self):
        """One turn, and the rest after it."""
        quanta, now = self.quanta, self.now
        self.turns += 1
        self.spend(0, self.turn_us)
        quanta.begin(now)
        busy = quanta.links(HEADERS, now)
        busy = quanta.asks(now) or busy
        for cls in LINKS[1:]:
            busy = quanta.links(cls, now) or busy
        busy = self.work(now) or busy
        now = self.now
        quanta.end(now)
        if not busy:
            waits = quanta.wake_at(now)
            at = waits if 0 <= waits < now + 1000 else now + 1000
            self.now_us = max(self.now_us, max(at, now + quanta.rest_ms()) * 1000)

    def work(self, now):
        return False

    def run(self, ms):
        until = self.now + ms
        while self.now < until:
            self.turn()

    def done(self, cls):
        return sum(record.link.done[cls] for record in self.records)


def everything():
    return dict((cls, FOREVER) for cls in LINKS)


def test_without_a_budget_all_that_there_is_is_done_and_counted():
    world = World({HEADERS: 5, GOSSIP: 40}, {SERVING: 7}, permille=1000)
    world.turn()
    assert [world.done(cls) for cls in LINKS] == [5, 7, 32], "so many units of a peer in one turn"
    world.turn()
    assert world.done(GOSSIP) == 40
    cpu = world.budgets.cpu
    assert (cpu.spent[HEADERS], cpu.spent[SERVING], cpu.spent[GOSSIP]) == (50, 70, 400)
    assert sum(cpu.deferred) == 0 and world.records[1].taken == 7
    assert world.quanta.wake_at(world.now) == -1 and world.quanta.rest_ms() == 0


def test_the_average_holds_over_any_long_time_whatever_there_is_to_do():
    for permille in (20, 100, 500, 900):
        world = World(everything(), everything(), permille=permille)
        world.run(20_000)
        first_us, first = world.cpu_us, world.now_us
        for _ in range(3):
            world.run(20_000)
            share = (world.cpu_us - first_us) * 1000 // ((world.now_us - first) // 1000) // 1000
            assert permille * 95 // 100 <= share <= permille * 105 // 100, (permille, share)
        # The turns themselves are in it: one for each 3 ms that are earned, and a unit takes 10.
        assert world.turns < 4 * sum([world.done(cls) for cls in LINKS]) + 20


def test_each_class_gets_its_part_and_what_is_left_over_goes_to_the_most_urgent():
    world = World(everything(), everything())
    world.asks.append(Ask(world, FOREVER))
    world.run(120_000)
    spent = world.budgets.cpu.spent
    total = sum(spent[:COUNT])
    for cls in (HEADERS, QUERIES, SERVING, GOSSIP):
        least = total * WEIGHTS[cls] // sum(WEIGHTS)
        assert spent[cls] >= least * 9 // 10, (cls, spent)
    # Nobody claims what finality and handshakes are promised.
    assert spent[HEADERS] > spent[QUERIES] > spent[SERVING] and spent[HEADERS] > 2 * spent[GOSSIP]
    deferred = world.budgets.cpu.deferred
    assert deferred[GOSSIP] > 0 and deferred[SERVING] > 0 and deferred[HEADERS] <= deferred[GOSSIP]


def test_a_class_that_is_alone_gets_all_of_it():
    world = World({GOSSIP: FOREVER})
    world.run(60_000)
    assert world.budgets.cpu.spent[GOSSIP] * 1000 >= 60_000 * 100 * 95 // 100


def test_the_least_urgent_waits_first():
    world = World({HEADERS: 12, SERVING: 12, GOSSIP: 12}, turn_us=1)
    world.run(20_000)
    order = world.order
    assert sorted(order) == sorted([HEADERS, SERVING, GOSSIP] * 12), "nothing is lost"
    ends = [len(order) - order[::-1].index(cls) for cls in LINKS]
    assert ends == sorted(ends) and order[0] == HEADERS
    assert order[: ends[0]].count(GOSSIP) < 12 > order[: ends[1]].count(GOSSIP)


def test_nobody_starves_among_peers():
    for cls in LINKS:
        world = World(*[{cls: FOREVER} for _ in range(7)])
        world.run(60_000)
        done = [record.link.done[cls] for record in world.records]
        assert min(done) > 0 and max(done) - min(done) <= 12, done


def test_a_peer_without_work_is_not_in_the_way():
    world = World({HEADERS: 0}, {HEADERS: FOREVER}, {HEADERS: 0}, {HEADERS: FOREVER})
    world.run(30_000)
    one, other = world.records[1].link.done[HEADERS], world.records[3].link.done[HEADERS]
    assert one > 100 and abs(one - other) <= 12


def test_a_peer_that_leaves_takes_nothing_along():
    world = World(*[{HEADERS: FOREVER} for _ in range(5)])
    for _ in range(5):
        world.run(2_000)
        gone = world.records.pop(0)
        gone.link = None
    assert world.records == []
    world.run(2_000)


def test_work_that_costs_more_than_the_burst_is_done_and_paid_for():
    world = World({HEADERS: FOREVER, SERVING: FOREVER}, cost_us=400_000, burst_ms=20)
    world.run(200_000)
    assert world.done(HEADERS) > 20 and world.done(SERVING) > 5
    share = (world.cpu_us - 1_000_000) * 1000 // (world.now_us - 1_000_000)
    assert share <= 105


def test_before_its_time_a_turn_would_only_cost():
    world = World({HEADERS: 100})
    while world.budgets.cpu.may(HEADERS, world.now):
        quanta, now = world.quanta, world.now
        quanta.begin(now)
        quanta.links(HEADERS, now)
    assert quanta.is_waiting(HEADERS) and not quanta.is_waiting(GOSSIP)
    debt_us = world.budgets.cpu.debt()
    assert quanta.rest_ms() == (debt_us + 3125) // 100, "what is owed, and 1/16 of 50 ms, come at 100 permille"
    quanta.begin(world.now)
    assert quanta.rest_ms() == 0, "nobody was put off so far"
    world.budgets.cpu.defer(SERVING)  # as a carrier does
    assert quanta.rest_ms() == (debt_us + 3125) // 100
    world.spend(0, 2_000)
    quanta.end(world.now)
    assert quanta.rest_ms() == (world.budgets.cpu.debt() + 8000) // 100, "four times what the turn cost"
    world.spend(0, 50_000)
    quanta.end(world.now)
    assert quanta.rest_ms() == (world.budgets.cpu.debt() + 12_500) // 100, "a quarter of a burst at most"


def test_turns_that_find_nothing_they_may_do_leave_most_of_the_budget_to_work():
    # A gateway under a flood, where a turn alone takes 8 ms: links wake it all the time, but not while it rests.
    world = World(everything(), everything(), turn_us=8_000, burst_ms=100, cost_us=3_000)
    world.run(60_000)
    first = sum(world.budgets.cpu.spent[:COUNT])
    nobody = world.budgets.cpu.spent[NOBODY]
    world.run(60_000)
    worked = sum(world.budgets.cpu.spent[:COUNT]) - first
    nobody = world.budgets.cpu.spent[NOBODY] - nobody
    assert worked >= 2 * nobody and worked + nobody <= 6_300, (worked, nobody)


def test_questions_take_turns_and_end_in_time_though_there_is_none():
    world = World({HEADERS: FOREVER})
    world.asks = [Ask(world, FOREVER) for _ in range(4)]
    world.run(60_000)
    done = [ask.done for ask in world.asks]
    assert min(done) > 0 and max(done) - min(done) <= 12, done
    late = Ask(world, FOREVER, world.now)
    world.asks.append(late)
    world.budgets.cpu.spend(QUERIES, 500_000, world.now)
    world.quanta.asks(world.now)
    assert late.is_done or world.quanta.is_waiting(QUERIES)
    world.asks.remove(late)
    world.asks.insert(0, late)
    world.quanta.asks(world.now)
    assert late.is_done and late.done == 0


def test_who_was_not_looked_at_is_told():
    world = World({HEADERS: FOREVER}, {HEADERS: FOREVER}, {HEADERS: FOREVER})
    world.turn()
    assert [record.link.put_offs for record in world.records] == [1, 1, 1]
    assert world.records[0].link.done[HEADERS] > 0
    first = world.records[1].link.done[HEADERS]
    world.turn()
    assert world.records[1].link.done[HEADERS] > first, "the next turn begins behind whoever had something of this one"


def test_what_others_did_meanwhile_is_nobodys_and_paid_by_all():
    world = World({GOSSIP: FOREVER})
    world.quanta.begin(world.now)
    world.spend(0, 700_000)
    world.quanta.begin(world.now)
    assert world.budgets.cpu.spent[NOBODY] == 700
    assert not world.quanta.may(HEADERS, world.now) and world.quanta.wake_at(world.now) > world.now + 5_000

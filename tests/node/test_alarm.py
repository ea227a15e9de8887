# portable: runs on CPython and MicroPython
"""When a node is stalled and when its clock is suspect: the policy, without a network."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.slots import COMMON_ERA
from jamliquor_lite.node.alarm import NOTHING, RECOVERED, STALLED, Skew, Stall

SLOT_MS = 6_000
SLOTS = 10
AFTER = SLOTS * SLOT_MS
UNKNOWN = -1


def numbers(**changed):
    profile = Profile()
    profile.stall_slots = SLOTS
    for name in changed:
        setattr(profile, name, changed[name])
    return profile


class Run:
    """Looks every half a second, at a head and a clock that a test moves."""

    def __init__(self, has_clock=True, profile=None, slot_ms=SLOT_MS):
        self.now = 5_000
        self.stall = Stall(profile or numbers(), slot_ms, self.now)
        self.slot = 100
        self.clock_ms = 100 * SLOT_MS  # the wall clock's
        self.has_clock = has_clock
        self.is_caught_up = True
        self.said = []

    def tick(self, ms=500):
        self.now += ms
        self.clock_ms += ms
        event = self.stall.look(self.now, self.slot, self.clock_ms // SLOT_MS if self.has_clock else UNKNOWN,
                                self.is_caught_up)
        if event != NOTHING:
            self.said.append((event, self.now))
        return event

    def follow(self, ms, lag=0, every=1):
        """The head is so many slots behind the clock, and comes in every so many slots."""
        for _ in range(ms // 500):
            at = self.clock_ms // SLOT_MS - lag
            if at % every == 0 or self.slot < at - every:
                self.slot = max(self.slot, at)
            self.tick()


def test_who_follows_is_never_stalled():
    for has_clock in (True, False):
        run = Run(has_clock)
        run.follow(3_600_000)
        assert run.said == []
        run.follow(3_600_000, every=5)
        assert run.said == [], "five slots without a block"


def test_silence_is_a_stall_after_so_many_slots_and_ends_with_a_head():
    for has_clock in (True, False):
        run = Run(has_clock)
        run.follow(120_000)
        began = run.now
        while not run.said:
            run.tick()
        assert run.said[0][0] == STALLED and AFTER - SLOT_MS <= run.now - began <= AFTER + 1_000
        assert run.stall.is_stalled and run.stall.silent_ms >= AFTER
        assert run.stall.behind == (run.clock_ms // SLOT_MS - run.slot if has_clock else -1)
        for _ in range(200):
            assert run.tick() == NOTHING, "said once"
        run.follow(5_000)
        assert [event for event, _ in run.said] == [STALLED, RECOVERED] and not run.stall.is_stalled
        run.follow(600_000)
        assert len(run.said) == 2


def test_an_old_chain_at_its_own_pace_is_a_stall_with_a_clock_only():
    # Hours behind, a new head in each slot: the distance never shrinks.
    run = Run()
    run.slot = 10
    run.clock_ms = 1_000 * SLOT_MS
    for _ in range(4 * AFTER // 500):
        if run.now % SLOT_MS < 500:
            run.slot += 1
        run.tick()
    assert [event for event, _ in run.said] == [STALLED] and run.stall.behind > 900
    assert run.stall.silent_ms < AFTER, "heads came"
    blind = Run(has_clock=False)
    blind.clock_ms = 2_000 * SLOT_MS
    blind.follow(4 * AFTER, lag=1_000)
    assert blind.said == []


def test_catching_up_is_no_stall_and_ends_one():
    run = Run()
    run.clock_ms = 5_000 * SLOT_MS
    for _ in range(10 * AFTER // 500):
        run.slot += 1  # two slots a second, where one passes in six
        run.tick()
    assert run.said == []
    for _ in range(2 * AFTER // 500):
        run.tick()
    assert [event for event, _ in run.said] == [STALLED]
    for _ in range(3 * AFTER // 500):
        run.slot += 1
        run.tick()
    assert [event for event, _ in run.said] == [STALLED, RECOVERED]
    assert run.stall.behind > SLOTS, "not there yet, and on its way"


def test_a_clock_that_is_set_and_a_rest_are_no_stall():
    run = Run()
    run.follow(60_000)
    run.clock_ms += 7_200_000  # a laptop was asleep
    for _ in range(AFTER // 1_000):
        run.slot += 10
        run.tick()
    assert run.said == []
    run.follow(600_000)
    run.now += 3_600_000
    run.clock_ms += 3_600_000
    run.stall.rest(run.now)  # the node slept
    run.tick(500)
    assert run.said == []


def test_a_chain_that_is_its_own_clock_is_measured_by_its_pace():
    run = Run(has_clock=False)
    assert run.stall.after_ms == AFTER, "its spec's, until there is more to go by"
    run.is_caught_up = False
    for _ in range(400):  # thousands of headers while it catches up say nothing of the pace
        run.slot += 50
        run.tick(500)
    assert run.stall.after_ms == AFTER
    run.is_caught_up = True
    for _ in range(60):
        run.slot += 1
        run.tick(1_500)
    assert SLOTS * 1_500 <= run.stall.after_ms <= SLOTS * 1_700
    for _ in range(60):
        run.slot += 1
        run.tick(500)
    assert run.stall.after_ms == 10_000, "and no sooner than the least"
    for _ in range(60):
        run.slot += 1
        run.tick(20_000)
    assert run.stall.after_ms >= SLOTS * 19_000, "a slow one too"
    assert run.said == []
    for _ in range(2 * SLOTS):
        run.tick(19_500)
    assert [event for event, _ in run.said] == [STALLED]


SECONDS = COMMON_ERA + 6_000 * 6


def heard(skew, name, ahead, count=3, seconds=SECONDS):
    for at in range(count):
        skew.heard(name, (seconds - COMMON_ERA) // 6 + ahead + at, seconds + 6 * at)


def test_heads_in_time_say_nothing_of_the_clock():
    skew = Skew(6, 2, 16)
    for ahead in (1, 0, -1, -2):
        heard(skew, "a", ahead, 9)
        heard(skew, "b", ahead, 9)
        assert skew.estimate(2, SECONDS + 54) == 0


def test_most_of_the_peers_have_to_say_so_and_go_on_saying_it():
    skew = Skew(6, 2, 16)
    heard(skew, "a", 100)
    assert skew.estimate(1, SECONDS + 12) == 600, "the only one"
    assert skew.estimate(2, SECONDS + 12) == 0 == skew.estimate(3, SECONDS + 12), "one of several"
    heard(skew, "b", 90, 2)
    assert skew.estimate(3, SECONDS + 12) == 0, "two heads may be chance"
    heard(skew, "b", 92, 1, SECONDS + 12)
    assert 540 <= skew.estimate(3, SECONDS + 12) <= 600
    assert skew.estimate(4, SECONDS + 12) == 0, "half of them"
    assert skew.estimate(3, SECONDS + 12 + 41 * 6) == 0, "that was long ago"
    heard(skew, "a", 0, 1, SECONDS + 18)
    assert skew.estimate(3, SECONDS + 18) == 0, "and no longer does"


def test_a_fast_clock_is_told_from_a_slow_one():
    skew = Skew(6, 2, 16)
    heard(skew, "a", -50)
    heard(skew, "b", -52)
    heard(skew, "c", 70)
    assert -312 <= skew.estimate(3, SECONDS + 12) <= -300
    heard(skew, "a", 70)
    heard(skew, "b", 71)
    assert 420 <= skew.estimate(3, SECONDS + 12) <= 426


def test_it_remembers_so_many_peers():
    skew = Skew(6, 2, 4)
    for number in range(40):
        heard(skew, "peer %d" % number, 100, 3, SECONDS + number)
    assert len(skew._peers) == 4
    assert skew.estimate(4, SECONDS + 60) > 0

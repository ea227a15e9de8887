# portable: runs on CPython and MicroPython
"""Full, idle and asleep over a fake clock: hysteresis, caps that end and begin again, and what a power cut costs."""

from jamliquor_lite.budget.budgets import FULL, IDLE, Budgets
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.slots import COMMON_ERA
from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.errors import BudgetError
from jamliquor_lite.node.mode import AUTO, Mode, civil

DAY_S = 86_400
NOON = COMMON_ERA // DAY_S * DAY_S + 12 * 3600  # of 2025-01-01
CAP = 10_000_000


class Store:
    """Two slots in memory."""

    def __init__(self):
        self.slots = [None, None]
        self.writes = 0

    def name(self, slot):
        return "allowance.%d" % slot

    def read(self, slot):
        return self.slots[slot]

    def write(self, slot, head, payload):
        self.slots[slot] = bytes(head) + bytes(payload)
        self.writes += 1


class Record:
    dial_at = 99_999


class Asked:
    def __init__(self):
        self.is_done = False
        self.error = None

    def refuse(self, error):
        self.is_done = True
        self.error = error


class Spec:
    slot_seconds = 6


class Chain:
    spec = Spec()
    clock_chain = False
    best_slot = 0


class Table:
    def __init__(self):
        self.records = [Record(), Record()]


class World:
    """A node as far as a mode sees it. Its clock begins at 1000 ms and, unless nobody set it, at noon."""

    def __init__(self, seconds=NOON, store=None, wanted=AUTO, **numbers):
        self.profile = Profile()
        self.profile.allowance_quantum = 100_000
        for name in numbers:
            setattr(self.profile, name, numbers[name])
        self.budgets = Budgets(self.profile)
        self.store = store or Store()
        self.seconds = seconds
        self.left = []
        self.chain = Chain()
        self.peers = Table()
        self.asks = []
        self.events = []
        self.now = 1000
        self.mode = Mode(self.budgets, TwoSlot(self.store), wanted, lambda: self.seconds)
        self.turn()

    def on_event(self, name, fields):
        self.events.append((name, fields["now"]))

    def leave_all(self, reason, now):
        self.left.append((reason, now))

    def turn(self):
        self.mode.turn(self, self.now)

    def pass_s(self, seconds):
        """Time passes, in two turns."""
        self.now += 1000 * seconds
        if self.seconds is not None:
            self.seconds += seconds
        self.turn()
        self.now += 1
        self.turn()

    def spend(self, count):
        """As carriers do: never more than is left. What was spent."""
        spent = 0
        while spent < count:
            piece = min(10_000, count - spent, self.budgets.allowance.left())
            if not piece:
                break
            self.budgets.allowance.spend(piece)
            spent += piece
            self.turn()
        self.pass_s(1)
        return spent

    def ask(self):
        self.mode.asked(self, self.now)
        ask = Asked()
        self.asks.append(ask)
        self.turn()
        return ask


def test_dates():
    assert civil(0) == (1970, 1, 1)
    assert civil(11_016) == (2000, 2, 29) and civil(11_017) == (2000, 3, 1)
    assert civil(COMMON_ERA // DAY_S) == (2025, 1, 1) and civil(COMMON_ERA // DAY_S - 1) == (2024, 12, 31)
    assert civil(19_782) == (2024, 2, 29) and civil(47_540) == (2100, 2, 28) and civil(47_541) == (2100, 3, 1)
    lengths = {}
    for day in range(20_089, 20_089 + 365):  # 2025
        year, month, of_month = civil(day)
        assert year == 2025 and of_month == lengths.get(month, 0) + 1
        lengths[month] = of_month
    assert [lengths[month] for month in range(1, 13)] == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def test_without_caps_every_header_is_followed():
    world = World()
    world.spend(50_000_000)
    assert world.budgets.mode == FULL and world.mode.word == "full"
    assert world.events == [] and world.store.writes == 0 and world.left == []
    world.mode.close()
    assert world.store.writes == 0


def test_near_the_end_of_a_cap_it_sleeps_until_the_next_day():
    world = World(day_bytes=CAP)
    world.spend(9_400_000)
    assert world.mode.word == "full"
    world.spend(150_000)
    assert world.budgets.mode == IDLE and world.mode.word == "asleep" and world.events == [("mode", "idle")]
    assert len(world.left) == 1
    world.pass_s(11 * 3600)
    assert world.mode.word == "asleep"
    world.pass_s(3600)  # midnight
    assert world.mode.word == "full" and not world.budgets.is_asleep
    assert world.events == [("mode", "idle"), ("mode", "full")]
    assert world.budgets.allowance.day_used == 0


def test_between_both_bounds_it_stays_what_it_is():
    world = World(day_bytes=CAP)
    world.spend(9_499_000)
    assert world.mode.word == "full"
    world.spend(2_000)
    for cap in (CAP + 400_000, CAP, CAP + 500_000):  # 914, 950 and 905 permille
        world.profile.day_bytes = cap
        world.budgets.change(world.profile)
        world.pass_s(2)
        assert world.budgets.mode == IDLE
    world.profile.day_bytes = CAP + 600_000  # 896
    world.budgets.change(world.profile)
    world.pass_s(2)
    assert world.budgets.mode == FULL
    world.profile.day_bytes = CAP + 100_000  # 940
    world.budgets.change(world.profile)
    world.pass_s(2)
    assert world.budgets.mode == FULL
    assert world.events == [("mode", "idle"), ("mode", "full")]  # no flapping in between


def test_a_question_wakes_it_and_it_sleeps_again():
    world = World(wanted=IDLE, idle_after_ms=60_000)
    assert world.mode.word == "asleep" and world.left == [("asleep", 1000)]
    ask = world.ask()
    assert world.mode.word == "idle" and not world.budgets.is_asleep
    assert [record.dial_at for record in world.peers.records] == [world.now] * 2
    world.pass_s(600)  # it takes long
    assert world.mode.word == "idle"
    ask.is_done = True
    world.pass_s(59)
    assert world.mode.word == "idle"
    world.pass_s(2)
    assert world.mode.word == "asleep" and len(world.left) == 2
    assert world.events == [("mode", "idle")]


def test_the_owner_changes_his_mind():
    world = World(wanted=FULL, day_bytes=CAP)
    world.spend(9_700_000)
    assert world.mode.word == "full"  # he wants it until the end
    world.mode.want(AUTO)
    world.turn()
    assert world.mode.word == "asleep"
    world.mode.want(FULL)
    world.turn()
    assert world.mode.word == "full" and not world.budgets.is_asleep
    world.mode.want(IDLE)
    world.turn()
    assert world.mode.word == "asleep"


def test_when_all_is_used_nothing_passes_and_questions_are_told_until_when():
    world = World(wanted=FULL, day_bytes=CAP)
    ask = world.ask()
    assert world.spend(20_000_000) <= CAP
    assert world.mode.word == "spent" and world.budgets.is_asleep and world.events[-1] == ("mode", "spent")
    text = "the day's 10000000 bytes are used up, until 2025-01-02 00:00 UTC"
    assert ask.error.limit == "day_bytes" and str(ask.error) == text
    try:
        world.mode.asked(world, world.now)
        assert False, "a question was taken"
    except BudgetError as error:
        assert str(error) == text and error.limit == "day_bytes"
    world.pass_s(12 * 3600)
    assert world.mode.word == "full" and world.budgets.allowance.left() > 0 and world.events[-1] == ("mode", "full")
    world.mode.asked(world, world.now)


def test_a_month_ends_with_the_month():
    world = World(seconds=NOON + 30 * DAY_S, wanted=FULL, month_bytes=CAP)  # 2025-01-31
    world.spend(20_000_000)
    try:
        world.mode.asked(world, world.now)
        assert False, "a question was taken"
    except BudgetError as error:
        assert error.limit == "month_bytes" and str(error).endswith("until 2025-02-01 00:00 UTC")
    world.pass_s(12 * 3600)
    assert world.mode.word == "full"
    december = World(seconds=NOON + 340 * DAY_S, wanted=FULL, month_bytes=CAP)
    december.spend(20_000_000)
    try:
        december.mode.asked(december, december.now)
        assert False, "a question was taken"
    except BudgetError as error:
        assert str(error).endswith("until 2026-01-01 00:00 UTC")
    december.pass_s(DAY_S)
    assert december.mode.word == "spent"  # a day later it is the same month


def test_without_a_clock_no_day_ends():
    world = World(seconds=None, wanted=FULL, day_bytes=CAP)
    world.chain.clock_chain = True
    world.spend(20_000_000)
    world.pass_s(10 * DAY_S)
    assert world.mode.word == "spent"
    try:
        world.mode.asked(world, world.now)
        assert False, "a question was taken"
    except BudgetError as error:
        assert str(error).endswith("until the clock is set and says another day")


def test_the_chain_s_slots_are_a_clock_where_there_is_no_other():
    world = World(seconds=None, wanted=FULL, day_bytes=CAP)
    world.spend(20_000_000)
    assert world.mode.word == "spent"
    world.chain.best_slot = DAY_S // 6 - 1 - 7200  # the era begins at noon: a slot before midnight
    world.pass_s(1)
    assert world.mode.word == "spent"
    world.chain.best_slot += 1
    world.pass_s(1)
    assert world.mode.word == "full"


def test_a_restart_goes_on_with_what_was_used():
    store = Store()
    world = World(store=store, day_bytes=CAP, month_bytes=5 * CAP)
    world.spend(3_000_000)
    world.mode.close()
    again = World(seconds=NOON + 3600, store=store, day_bytes=CAP, month_bytes=5 * CAP)
    assert again.budgets.allowance.day_used == again.budgets.allowance.month_used == 3_000_000
    again.mode.close()
    tomorrow = World(seconds=NOON + DAY_S, store=store, day_bytes=CAP, month_bytes=5 * CAP)
    assert tomorrow.budgets.allowance.day_used == 0 and tomorrow.budgets.allowance.month_used == 3_000_000


def test_a_power_cut_never_makes_a_day_longer():
    store = Store()
    passed = 0
    for _ in range(200):  # it comes back again and again, and is cut off each time
        world = World(store=store, wanted=FULL, day_bytes=2_000_000)
        passed += world.spend(30_000)
    assert passed <= 2_000_000
    assert world.mode.word == "spent"
    assert store.writes < 400


def test_a_store_that_is_damaged_is_told():
    store = Store()
    store.slots = [b"x" * 60, None]
    world = World(store=store, day_bytes=CAP)
    assert world.mode.damage.startswith("the used allowance: allowance.0 is damaged")
    other = Store()
    TwoSlot(other).save(b"\x09" + bytes(24))
    assert World(store=other, day_bytes=CAP).mode.damage == "the allowance's record is of version 9, known is 1"


def test_few_writes_for_much_traffic():
    world = World(wanted=FULL, month_bytes=1_000_000_000)
    before = world.store.writes
    assert world.spend(5_000_000) == 5_000_000
    assert world.store.writes - before <= 110  # one for half a quantum at the most

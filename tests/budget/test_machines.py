"""Budgets against their models, by chance: the same operations on CPython and on MicroPython, every answer compared.

hypothesis makes the operations. Each is a line for driver.py, which one process of MicroPython runs for all of them;
the models are in models.py. What must hold whatever happens: never negative, never over, all returned.
"""

import ast
import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.budget.driver import Driver
from tests.budget.models import LinkModel, MeterModel, PoolModel, SharesModel, SlotsModel

DRIVER = Path(__file__).with_name("driver.py")
MICROPYTHON = Path(sys.executable).with_name("micropython")
SETTINGS = settings(
    max_examples=25, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
COUNT = 6


class Child:
    """MicroPython with driver.py, started when it is first needed, for all machines of this process."""

    process: "subprocess.Popen[str] | None" = None

    def run(self, line: str) -> str:
        if Child.process is None:
            Child.process = subprocess.Popen(
                [str(MICROPYTHON), "-X", "heapsize=8M", str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True, bufsize=1)
        assert Child.process.stdin is not None and Child.process.stdout is not None
        Child.process.stdin.write(line + "\n")
        Child.process.stdin.flush()
        answer = Child.process.stdout.readline()
        assert answer, "MicroPython ended"
        return answer.rstrip("\n")


@pytest.fixture(scope="module", autouse=True)
def _end_of_the_child() -> Any:
    if not MICROPYTHON.exists():
        pytest.skip("no MicroPython beside this Python")
    yield
    if Child.process is not None:
        assert Child.process.stdin is not None
        Child.process.stdin.close()
        assert Child.process.wait(60) == 0
        Child.process = None


class Both(RuleBasedStateMachine):
    """Does each line on both interpreters, whose answers must be the same."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = Driver()
        self.child = Child()
        self.child.run("forget()")

    def do(self, line: str) -> Any:
        """What the line gave, on both: a value, or an exception's text."""
        here, there = self.driver.run(line), self.child.run(line)
        assert here == there, line
        try:
            return ast.literal_eval(here)
        except (ValueError, SyntaxError):
            return here

    @property
    def there(self) -> "dict[str, Any]":
        """The objects on this side."""
        return self.driver.names


class MeterMachine(Both):
    @initialize(rate=st.sampled_from((0, 1, 3, 999, 1000, 65_537, 5_000_000)), ms=st.integers(0, 2_000))
    def begin(self, rate: int, ms: int) -> None:
        burst = 1 + rate * ms // 1000
        self.do(f"m = Meter({rate}, {burst})")
        self.model = MeterModel(rate, burst)
        self.now = 1000

    @rule(ms=st.one_of(st.integers(0, 50), st.integers(0, 2_000)))
    def wait(self, ms: int) -> None:
        self.now += ms

    @rule(ms=st.integers(0, 10**7))
    def sleep(self, ms: int) -> None:
        self.now += ms

    @rule(permille=st.integers(0, 1500), is_allowed=st.booleans())
    def spend(self, permille: int, is_allowed: bool) -> None:
        count = self.model.burst * permille // 1000
        allowed = self.do(f"m.allowance({self.now})")
        if self.model.rate:
            assert allowed == self.model.allowance(self.now)
        assert self.do(f"m.ready({self.now})") is self.model.ready(self.now)
        count = min(count, allowed) if is_allowed else count
        self.do(f"m.spend({count}, {self.now})")
        self.model.spend(count, self.now)
        assert self.do("m.total_bytes") == self.model.total

    @rule(back=st.integers(1, 10_000))
    def mix_up_times(self, back: int) -> None:
        assert self.do(f"m.ready({max(0, self.now - back)})") is self.model.ready(max(0, self.now - back))

    @rule()
    def come_back(self) -> None:
        at = self.do(f"m.wake_at({self.now})")
        self.model.ready(self.now)
        assert at == self.now or not copy.deepcopy(self.model).ready(at - 1)
        assert copy.deepcopy(self.model).ready(at)

    @invariant()
    def never_over(self) -> None:
        if "m" in self.there:
            tokens = self.there["m"]._tokens
            assert tokens <= self.model.burst and (not self.model.rate or tokens == self.model.tokens // 1)


class SharesMachine(Both):
    @initialize(
        rate=st.sampled_from((0, 7, 1000, 7_001, 32_768, 1_000_000)), ms=st.integers(10, 500),
        weights=st.tuples(*[st.integers(1, 8)] * COUNT), unit=st.sampled_from((1, 1000)), sure=st.sampled_from((0, 3)))
    def begin(self, rate: int, ms: int, weights: "tuple[int, ...]", unit: int, sure: int) -> None:
        burst = 1 + rate * ms // 1000
        self.do(f"s = Shares({rate}, {burst}, {weights}, {unit})")
        self.model = SharesModel(rate, burst, weights)
        if sure:
            self.do(f"s.sure = {sure}")
            self.model.sure = sure
        self.unit = unit
        self.now = 5
        self.deferred = [0] * COUNT
        self.forget_rate()

    def forget_rate(self) -> None:
        # A promise about any time holds for the time since the last change of the rate.
        self.since = self.now
        self.passed: "list[tuple[int, int]]" = []  # (ms, units)
        self.beyond = 0  # the largest amount spent beyond what was allowed

    @rule(ms=st.one_of(st.integers(0, 30), st.integers(0, 200)))
    def wait(self, ms: int) -> None:
        self.now += ms

    @precondition(lambda self: self.passed)
    @rule(ms=st.integers(0, 10**8))
    def sleep(self, ms: int) -> None:
        self.now += ms
        self.passed = []

    @rule(ms=st.integers(1, 4), greedy=st.sets(st.integers(0, COUNT - 1), min_size=1, max_size=4),
          permille=st.integers(1, 2500))
    def contend(self, ms: int, greedy: "set[int]", permille: int) -> None:
        """Classes that always want something, every ms, in order of urgency."""
        count = 1 + self.model.burst * permille // 1000
        for _ in range(ms):
            self.now += 1
            for cls in sorted(greedy):
                self.spend_up_to(cls, count, False)

    @rule(cls=st.integers(0, COUNT - 1))
    def ask(self, cls: int) -> None:
        assert self.do(f"s.may({cls}, {self.now})") is self.model.may(cls, self.now)

    @precondition(lambda self: self.model.rate)
    @rule(classes=st.permutations(range(COUNT)), rounds=st.integers(1, 8), permille=st.integers(1000, 3000))
    def starve(self, classes: "list[int]", rounds: int, permille: int) -> None:
        """One class, or two, take more than there is whenever they may; another one asks when nothing is left."""
        count = 1 + self.model.burst * permille // 1000
        for _ in range(rounds):
            at = self.do(f"s.wake_at({classes[0]}, {self.now})")
            self.model.pass_to(self.now)
            self.model.may(classes[0], self.now)
            self.now = max(self.now + 1, min(at, self.now + 5_000))
            for cls in classes[:2]:
                self.spend_up_to(cls, count, False)
            self.ask(classes[2])

    @rule(cls=st.integers(0, COUNT - 1), permille=st.integers(0, 2500), is_patient=st.booleans())
    def spend(self, cls: int, permille: int, is_patient: bool) -> None:
        self.spend_up_to(cls, self.model.burst * permille // 1000, is_patient)

    def spend_up_to(self, cls: int, count: int, is_patient: bool) -> None:
        allowed = self.do(f"s.allowance({cls}, {self.now})")
        assert allowed == self.model.allowance(cls, self.now)
        if not allowed:
            self.do(f"s.defer({cls})")
            self.deferred[cls] += 1 if self.model.rate else 0
            return
        count = min(count, allowed) if is_patient else count
        self.pay(cls, count, max(0, count - allowed))

    @rule(permille=st.integers(0, 1500))
    def spend_for_nobody(self, permille: int) -> None:
        self.pay(-1, self.model.burst * permille // 1000, 0)

    def pay(self, cls: int, count: int, beyond: int) -> None:
        self.do(f"s.spend({cls}, {count}, {self.now})")
        self.model.spend(cls, count, self.now)
        if cls >= 0:
            self.beyond = max(self.beyond, beyond)
            self.passed.append((self.now, count))
        assert self.do("s.spent") == [count // self.unit for count in self.model.spent]
        assert self.do("s.most") == self.model.most
        if self.model.rate:
            assert self.do("list(s.deferred)") == self.deferred

    @rule(cls=st.integers(0, COUNT - 1), count=st.integers(1, 3000))
    def come_back(self, cls: int, count: int) -> None:
        at = self.do(f"s.wake_at({cls}, {self.now}, {count})")
        count = min(count, self.model.burst)

        def may(when: int) -> bool:
            model = copy.deepcopy(self.model)
            if not model.rate:
                return True
            model.pass_to(when)
            if not model.may(cls, when):
                return False
            own = min(count, max(1, model.cap(cls)))
            return model.whole() >= count or (cls < model.sure and model.floor(cls) >= own)

        if at == self.now:
            assert may(at)
        else:
            assert at > self.now and not may(at - 1), "it is never late"
        if self.model.rate:
            self.model.pass_to(self.now)
        self.model.may(cls, self.now)

    @rule(rate=st.sampled_from((0, 1000, 7_001)), burst=st.integers(1, 2_000))
    def change(self, rate: int, burst: int) -> None:
        had = copy.deepcopy(self.model)
        self.do(f"s.change({rate}, {burst})")
        self.model.change(rate, burst)
        self.forget_rate()
        if rate and (rate, burst) != (had.rate, had.burst):
            allowed = self.do(f"s.allowance(0, {self.now})")
            had_most = max(had.whole(), had.floor(0) if had.sure else 0, 0)
            assert allowed == self.model.allowance(0, self.now) <= (had_most if had.rate else 0)

    @invariant()
    def never_over(self) -> None:
        shares = self.there.get("s")
        if shares is None or shares._state is None:
            return
        state = list(shares._state)
        if shares.rate:
            assert state[: COUNT + 1] == [*map(self.model.floor, range(COUNT)), self.model.whole()]
            assert state[COUNT] <= shares.burst
            assert sum(state[:COUNT]) < state[COUNT] + COUNT, "what classes are promised is there, but for rests"

    @invariant()
    def no_more_than_the_rate(self) -> None:
        if "s" not in self.there or not self.model.rate:
            return
        total = 0
        for at, count in reversed(self.passed):  # every time that ends now
            total += count
            most = self.model.burst + (self.model.most if self.model.sure else self.beyond)
            assert total * 1000 <= self.model.rate * (self.now - at) + 1000 * most


class SlotsMachine(Both):
    @initialize(most=st.integers(1, 12), reserved=st.integers(0, 4), inbound=st.integers(0, 12))
    def begin(self, most: int, reserved: int, inbound: int) -> None:
        self.do("p = Profile()")
        self.do("s = Slots(p)")
        self.model = SlotsModel(0, 0, 0)
        self.taken = 0
        self.refused = [0, 0, 0]
        self.change(most, reserved, inbound)

    @rule(most=st.integers(1, 12), reserved=st.integers(0, 4), inbound=st.integers(0, 12))
    def change(self, most: int, reserved: int, inbound: int) -> None:
        for name, value in (("max_peers", most), ("reserved_peers", reserved), ("inbound_peers", inbound)):
            self.do(f"p.{name} = {value}")
        self.model.most, self.model.reserved, self.model.inbound = most, reserved, inbound

    @rule(kind=st.integers(0, 2))
    def take(self, kind: int) -> None:
        room = self.model.room(kind)
        assert self.do(f"s.room({kind})") == room
        if self.do(f"s.take({kind})"):
            assert room > 0
            self.taken += 1
            self.model.there[kind].append(self.taken)
            assert sum(map(len, self.model.there)) <= self.model.most, "never over"
        else:
            assert room == 0
            self.refused[kind] += 1

    @rule(kind=st.integers(0, 2))
    def give_back(self, kind: int) -> None:
        answer = self.do(f"s.give_back({kind})")
        if self.model.there[kind]:
            assert answer is None
            self.model.there[kind].pop()
        else:
            assert "LocalError" in answer

    @invariant()
    def counted(self) -> None:
        if "s" in self.there:
            assert self.do("s.taken") == [len(there) for there in self.model.there]
            assert self.do("s.refused") == self.refused
            assert self.do("s.total") == sum(map(len, self.model.there))

    def teardown(self) -> None:
        if "s" in self.there:
            for kind, there in enumerate(self.model.there):
                for _ in there:
                    self.do(f"s.give_back({kind})")
            assert self.do("s.taken") == [0, 0, 0], "all returned"


class PoolMachine(Both):
    """Users with shares of one pool, and somebody without ("")."""

    @initialize(count=st.integers(1, 9), reserved=st.integers(0, 2))
    def begin(self, count: int, reserved: int) -> None:
        reserved = min(reserved, count - 1)
        self.do(f"p = Pool('test', {count}, 2, {reserved})")
        self.model = PoolModel(count, reserved)
        self.limits: "dict[str, tuple[int, int]]" = {}  # by user: of all, and of those that may wait
        self.made = self.refused = 0
        self.least = count

    @precondition(lambda self: len(self.limits) < 6)
    @rule(limit=st.integers(1, 8), keeps_first=st.booleans(), spare=st.integers(0, 2), is_trusted=st.booleans())
    def another_user(self, limit: int, keeps_first: bool, spare: int, is_trusted: bool) -> None:
        self.made += 1
        user = f"u{self.made}"
        self.do(f"{user} = Share(p, {limit}, {keeps_first}, {spare})")
        self.do(f"{user}.is_trusted = {is_trusted}")
        self.limits[user] = (limit, limit - min(spare, limit // 4))
        if keeps_first:
            self.model.keep(user)

    def who(self, number: int) -> str:
        users = ["", *self.limits]
        return users[number % len(users)]

    @rule(number=st.integers(0, 6), urgent=st.booleans())
    def lend(self, number: int, urgent: bool) -> None:
        user = self.who(number)
        within = not user or self.model.holds(user) < self.limits[user][0 if urgent else 1]
        room = self.do(f"{user or 'p'}.room({urgent})")
        self.made += 1
        buffer = f"b{self.made}"
        self.do(f"{buffer} = {user or 'p'}.lend({urgent})")
        is_lent = not self.do(f"{buffer} is None")
        is_urgent = urgent and (not user or self.there[user].is_trusted)
        assert is_lent == bool(room) == (within and self.model.may(user, is_urgent))
        if is_lent:
            self.model.lend(user, buffer)
            self.do(f"mark({buffer}, {self.made & 0xFF})")
            self.least = min(self.least, self.model.free)
        elif within:
            self.refused += 1

    @precondition(lambda self: self.model.lent)
    @rule(number=st.integers(0, 20))
    def give_back(self, number: int) -> None:
        buffer = sorted(self.model.lent)[number % len(self.model.lent)]
        user = self.model.lent[buffer]
        assert self.do(f"{buffer}[0]") == int(buffer[1:]) & 0xFF, "nobody else had it"
        assert self.do(f"{user or 'p'}.give_back({buffer})") is None
        self.model.give_back(buffer)
        assert "LocalError" in self.do(f"{user or 'p'}.give_back({buffer})"), "but once"

    @rule()
    def lend_all(self) -> None:
        while self.model.may("", False):
            self.lend(0, False)

    @rule()
    def give_back_what_is_not_lent(self) -> None:
        assert "LocalError" in self.do("p.give_back(memoryview(bytearray(2)))")

    @rule()
    def fill(self) -> None:
        self.do("p.fill()")

    @precondition(lambda self: self.limits)
    @rule(number=st.integers(0, 5))
    def user_goes(self, number: int) -> None:
        user = sorted(self.limits)[number % len(self.limits)]
        for buffer in [buffer for buffer, holder in self.model.lent.items() if holder == user]:
            self.do(f"{user}.give_back({buffer})")
            self.model.give_back(buffer)
        self.do(f"{user}.close()")
        self.model.close(user)
        del self.limits[user]

    @invariant()
    def counted(self) -> None:
        if "p" not in self.there:
            return
        model = self.model
        assert self.do("(p.free, p.kept, p.owed, p.keepers)") == (
            model.free, len(model.kept), len(model.owed), len(model.keepers))
        assert self.do("(p.least_free, p.refused)") == (self.least, self.refused)
        free = model.free - len(model.kept)
        assert self.do("(p.room(), p.room(True))") == (max(0, free - model.reserved - len(model.owed)), free)
        assert 0 <= len(model.kept) <= model.free <= model.count, "never negative, never over"
        for user, (limit, _) in self.limits.items():
            assert self.do(f"{user}.used") == model.holds(user) <= limit
            assert user not in model.kept or self.do(f"{user}.room()") >= 1, "what is kept is there"

    def teardown(self) -> None:
        if "p" in self.there:
            while self.limits:
                self.user_goes(0)
            for buffer in list(self.model.lent):
                self.do(f"p.give_back({buffer})")
                self.model.give_back(buffer)
            assert self.do("(p.free, p.kept, p.owed, p.keepers)") == (self.model.count, 0, 0, 0), "all returned"


class AllowanceMachine(Both):
    """The node obeys `left`, and writes when it is due; the power goes whenever it likes."""

    @initialize(day=st.integers(0, 5_000), month=st.integers(0, 20_000), quantum=st.integers(2, 2_000))
    def begin(self, day: int, month: int, quantum: int) -> None:
        self.caps = (day, month, quantum)
        self.do(f"a = Allowance{self.caps}")
        self.truth = LinkModel()
        self.ahead = self.asked = 0
        self.disk: "bytes | None" = None
        self.pending: "bytes | None" = None
        self.date = (-1, -1)

    @property
    def is_capped(self) -> bool:
        return self.caps[0] > 0 or self.caps[1] > 0

    @rule(count=st.integers(0, 3_000))
    def pass_bytes(self, count: int) -> None:
        left = self.do("a.left()")
        if self.is_capped:
            assert left == max(0, min(self.ahead, self.do("a.unused()")))
        count = min(count, left)
        self.do(f"a.spend({count})")
        if self.is_capped:
            self.ahead -= count
            self.asked -= count
            self.truth.passed(count)
            for cap, passed in zip(self.caps, (self.truth.day_bytes, self.truth.month_bytes), strict=False):
                assert not cap or not count or passed <= cap, "never over"

    @rule(counts=st.lists(st.integers(0, 1_000), min_size=1, max_size=4))
    def live(self, counts: "list[int]") -> None:
        for count in counts:
            self.begin_to_write()
            self.pass_bytes(count // 4)
            self.written()
            self.pass_bytes(count)

    @rule()
    def begin_to_write(self) -> None:
        if not self.do("a.is_due"):
            return
        self.pending = self.do("a.record()")
        self.asked = self.caps[2]

    @rule()
    def written(self) -> None:
        if self.pending is None:
            return
        self.disk, self.pending = self.pending, None
        self.do("a.stored()")
        self.ahead = self.asked

    @rule(has_landed=st.booleans())
    def power_cut(self, has_landed: bool) -> None:
        if has_landed and self.pending is not None:
            self.disk = self.pending
        self.start()

    @rule()
    def stop_and_start(self) -> None:
        used = self.do("(a.day_used, a.month_used)")
        self.disk = self.do("a.record(True)")
        self.start()
        assert self.do("(a.day_used, a.month_used)") == used, "a clean stop loses nothing"

    def start(self) -> None:
        self.pending = None
        self.ahead = self.asked = 0
        self.do(f"a = Allowance{self.caps}")
        if self.disk is not None:
            assert self.do(f"a.load({self.disk!r})") == ""
        self.tell()

    @rule(days=st.one_of(st.integers(0, 2), st.integers(0, 40)))
    def another_day(self, days: int) -> None:
        day = max(self.date[0], 20_000) + days
        self.date = (day, day // 30)
        self.tell()

    @rule(days=st.integers(1, 40))
    def clock_goes_back(self, days: int) -> None:
        before = self.do("(a.day_used, a.month_used)")
        self.do(f"a.on_date({self.date[0] - days}, {(self.date[0] - days) // 30})")
        if self.date[0] >= 0:
            assert self.do("(a.day_used, a.month_used)") == before
        self.tell()

    @rule()
    def clock_is_lost(self) -> None:
        before = self.do("(a.day_used, a.month_used, a.left())")
        self.do("a.on_date(-1, -1)")
        assert self.do("(a.day_used, a.month_used, a.left())") == before

    def tell(self) -> None:
        before = self.do("(a.day, a.month)")
        self.do(f"a.on_date{self.date}")
        if self.do("(a.day, a.month)") != before:
            self.ahead = self.asked = 0
        self.truth.on_date(*self.date)

    @rule(day=st.integers(0, 5_000), month=st.integers(0, 20_000), quantum=st.integers(2, 2_000))
    def change(self, day: int, month: int, quantum: int) -> None:
        self.caps = (day, month, quantum)
        self.do(f"a.change{self.caps}")
        self.pending = None
        self.ahead = self.asked = 0

    @rule(data=st.binary(max_size=30))
    def foreign_records(self, data: bytes) -> None:
        self.do("b = Allowance(1000, 0, 10)")
        if self.do(f"b.load({data!r})"):
            assert self.do("(b.day, b.month, b.day_used, b.month_used, b.left())") == (-1, -1, 0, 0, 0)

    @invariant()
    def never_counts_less_than_passed(self) -> None:
        if "a" in self.there:
            used = self.do("(a.day_used, a.month_used)")
            assert used[0] >= self.truth.day_bytes and used[1] >= self.truth.month_bytes
            assert self.do("a.left()") >= 0 and self.do("a.unused()") >= 0
            assert not self.is_capped or self.there["a"]._ahead == self.ahead
            assert 0 <= self.do("a.permille_used")


for _machine in (PoolMachine, MeterMachine, SharesMachine, SlotsMachine, AllowanceMachine):
    _machine.TestCase.settings = SETTINGS
TestPool = PoolMachine.TestCase
TestMeter = MeterMachine.TestCase
TestShares = SharesMachine.TestCase
TestSlots = SlotsMachine.TestCase
TestAllowance = AllowanceMachine.TestCase

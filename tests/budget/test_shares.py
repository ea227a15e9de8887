# portable: runs on CPython and MicroPython
"""A rate divided among classes: who may spend, who gets what is left, and that no more passes than the rate."""

from jamliquor_lite.budget.classes import COUNT, FINALITY, GOSSIP, HANDSHAKES, HEADERS, QUERIES, SERVING, WEIGHTS
from jamliquor_lite.budget.shares import UNLIMITED, Shares
from tests.fake_carrier import Dice
from tests.support import raises


def run(shares, classes, ms, piece, start=0):
    """What each class spent that always has something to send, asked in order at every ms."""
    before = list(shares.spent)
    for now in range(start, start + ms):
        for cls in classes:
            while shares.may(cls, now):
                shares.spend(cls, min(piece, shares.allowance(cls, now)), now)
    return [shares.spent[i] - before[i] for i in range(COUNT)]


def test_without_a_rate_everything_passes_and_is_counted():
    shares = Shares(0, 1, WEIGHTS)
    assert shares.may(GOSSIP, 5) and shares.allowance(GOSSIP, 5) == UNLIMITED and shares.wake_at(GOSSIP, 5) == 5
    shares.spend(GOSSIP, 10**6, 5)
    shares.spend(-1, 7, 5)
    shares.defer(GOSSIP)
    assert shares.spent[GOSSIP] == 10**6 and shares.spent[-1] == 7 and shares.total == 10**6 + 7
    assert shares.most == 0 and list(shares.deferred) == [0] * COUNT


def test_impossible_shares_are_refused():
    for rate, burst, weights in ((-1, 10, WEIGHTS), (10, 0, WEIGHTS), (10, 10, (1, 1)), (10, 10, (0,) * COUNT)):
        raises(ValueError, Shares, rate, burst, weights)


def test_a_class_that_is_alone_has_the_whole_rate():
    for cls in range(COUNT):
        shares = Shares(10_000, 1_000, WEIGHTS)
        spent = run(shares, (cls,), 10_000, 300)
        assert 100_000 <= spent[cls] <= 101_000 + 300, (cls, spent)


def test_each_class_has_its_part_and_the_urgent_what_is_left():
    shares = Shares(10_000, 1_000, WEIGHTS)
    spent = run(shares, (HEADERS, SERVING, HANDSHAKES), 20_000, 100)
    assert sum(spent) <= 200_000 + 1_000 + 100
    parts = [200_000 * weight // sum(WEIGHTS) for weight in WEIGHTS]
    for cls in (SERVING, HANDSHAKES):
        assert parts[cls] - 1_100 <= spent[cls] <= parts[cls] + 1_100, (cls, spent[cls], parts[cls])
    assert spent[HEADERS] >= 200_000 - parts[SERVING] - parts[HANDSHAKES] - 2_200
    assert spent[FINALITY] == spent[QUERIES] == 0


def test_a_debt_is_paid_by_who_made_it():
    shares = Shares(1_000, 600, WEIGHTS)
    shares.spend(GOSSIP, 600, 0)  # its own part of a burst is 75
    assert not shares.may(GOSSIP, 0) and not shares.may(HEADERS, 0)
    assert shares.may(HEADERS, 1) and not shares.may(GOSSIP, 1)


def test_what_is_nobodys_is_paid_by_all():
    shares = Shares(1_000, 640, (1,) * COUNT)
    shares.spend(-1, 1_240, 0)
    assert shares.most == 600 and shares.wake_at(HEADERS, 0) == 601
    assert not shares.may(HEADERS, 600)


def test_a_change_is_no_gift():
    shares = Shares(1_000, 500, WEIGHTS)
    shares.spend(HEADERS, 900, 0)
    shares.change(100_000, 50_000)
    assert not shares.may(HEADERS, 10_000), "nothing is earned between the last use and the change"
    assert shares.allowance(GOSSIP, 10_005) == 100 and not shares.may(HEADERS, 10_005)
    shares.change(0, 1)
    assert shares.allowance(HEADERS, 10_006) == UNLIMITED
    shares.change(1_000, 500)
    assert shares.allowance(GOSSIP, 20_000) == 0, "it begins with nothing"
    assert shares.allowance(GOSSIP, 20_010) == 10


def test_it_tells_when_to_come_back():
    shares = Shares(1_000, 640, (1,) * COUNT)
    shares.may(HEADERS, 0)
    shares.spend(HEADERS, 640, 0)
    at = shares.wake_at(GOSSIP, 0)
    assert at == 1 and shares.may(GOSSIP, at)
    assert shares.wake_at(GOSSIP, 1, 300) == 300
    now = 0
    for _ in range(20):
        at = shares.wake_at(HEADERS, now)
        assert at >= now
        if at == now:
            break
        assert not shares.may(HEADERS, at - 1)
        now = at
    assert shares.may(HEADERS, now)


def test_long_sleeps_and_times_that_go_back():
    shares = Shares(1_000_000, 100_000, WEIGHTS)
    shares.spend(HEADERS, 300_000, 0)
    assert shares.allowance(GOSSIP, 1_000_000_000) == 100_000
    shares.spend(HEADERS, 100_000, 1_000_000_000)
    assert not shares.may(HEADERS, 5) and not shares.may(GOSSIP, 1_000_000_000)


class Watched:
    """Shares, and what its promises are measured by: `wanting` always has something to send."""

    def __init__(self, dice, wanting, most):
        weights = tuple([1 + dice.below(8) for _ in range(COUNT)])
        self.rate = (1_000, 7_001, 32_768)[dice.below(3)]
        self.burst = self.rate // (2 + dice.below(24))
        self.shares = Shares(self.rate, self.burst, weights)
        self.wanting = wanting
        self.debt = most * self.burst // 2  # how much others may spend at once, whatever is allowed
        self.part = self.rate * weights[wanting]
        self.sum = sum(weights)
        self.own = self.all = self.lag = self.rush = self.most_own = self.least_all = 0

    def spend(self, cls, count, now):
        self.shares.spend(cls, count, now)
        self.all += count
        if cls == self.wanting:
            self.own += count

    def measure(self, ms):
        """By how much the wanting class lags behind its part, and all are before the rate, in any time up to now."""
        own = self.own - self.part * ms // (1000 * self.sum)
        self.most_own = max(self.most_own, own)
        self.lag = max(self.lag, self.most_own - own)
        all_ = self.all - self.rate * ms // 1000
        self.least_all = min(self.least_all, all_)
        self.rush = max(self.rush, all_ - self.least_all)


def test_promises_hold_whatever_the_others_do():
    for seed in range(1, 13):
        dice = Dice(seed)
        watched = Watched(dice, dice.below(COUNT), seed % 3)
        shares = watched.shares
        others = [cls for cls in range(COUNT) if cls != watched.wanting]
        habits = [dice.below(3) for _ in others]
        for ms in range(4_000):
            for cls, habit in zip(others, habits):  # noqa: B905  (MicroPython has no strict)
                wants = habit == 0 or (habit == 1 and dice.below(20) == 0) or (habit == 2 and ms // 170 % 2 == 0)
                while wants and shares.may(cls, ms):
                    watched.spend(cls, 1 + dice.below(watched.debt) if watched.debt else shares.allowance(cls, ms), ms)
            while shares.may(watched.wanting, ms):  # it asks last of all
                watched.spend(watched.wanting, shares.allowance(watched.wanting, ms), ms)
            watched.measure(ms)
        assert watched.rush <= watched.burst + watched.debt + 1, seed
        assert watched.lag <= COUNT * (watched.burst + watched.debt), (seed, watched.lag)
        assert watched.own > 0, seed


def test_the_sure_do_not_wait_for_debts_of_others():
    shares = Shares(1_000, 640, (4, 4, 4, 1, 1, 2))
    shares.sure = SERVING
    shares.spend(HANDSHAKES, 5_000, 0)
    assert shares.allowance(HEADERS, 0) == 160 and shares.allowance(SERVING, 0) == 0
    shares.spend(HEADERS, 160, 0)
    assert not shares.may(HEADERS, 0) and shares.wake_at(HEADERS, 0) == 4
    assert shares.wake_at(HEADERS, 0, 100) == 400 and shares.wake_at(SERVING, 0) > 4_000
    assert shares.allowance(HEADERS, 400) == 100

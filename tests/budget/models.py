"""What the budgets promise, in the plainest terms: fractions, sets and one number each. The machines compare."""

from fractions import Fraction

from jamliquor_lite.budget.shares import UNLIMITED


class MeterModel:
    """A bucket that is filled all the time and never above its burst."""

    def __init__(self, rate: int, burst: int) -> None:
        self.rate = rate
        self.burst = burst
        self.tokens = Fraction(burst)
        self.at: "int | None" = None
        self.total = 0

    def pass_to(self, now: int) -> None:
        if self.at is not None and now > self.at:
            self.tokens = min(self.tokens + Fraction(self.rate * (now - self.at), 1000), Fraction(self.burst))
        self.at = now if self.at is None else max(now, self.at)

    def ready(self, now: int) -> bool:
        if not self.rate:
            return True
        self.pass_to(now)
        return self.tokens >= 1

    def allowance(self, now: int) -> int:
        return max(0, int(self.tokens // 1)) if self.ready(now) else 0

    def spend(self, count: int, now: int) -> None:
        self.total += count
        if self.rate:
            self.pass_to(now)
            self.tokens -= count


class SharesModel:
    """The buckets of shares.py in fractions. `debt` is the largest there was; `owed_by` who spends."""

    def __init__(self, rate: int, burst: int, weights: "tuple[int, ...]") -> None:
        self.weights = weights
        self.parts = sum(weights)
        self.rate, self.burst = rate, burst
        self.total = Fraction(burst)
        self.own = [Fraction(self.cap(i)) for i in range(len(weights))]
        self.waiting: "set[int]" = set()
        self.at: "int | None" = None
        self.most = 0
        self.spent = [0] * (len(weights) + 1)
        self.sure = 0

    def cap(self, i: int) -> int:
        return self.burst * self.weights[i] // self.parts

    def floor(self, i: int) -> int:
        return int(self.own[i] // 1)

    def whole(self) -> int:
        return int(self.total // 1)

    def promised(self, cls: int) -> int:
        return sum(max(self.floor(i), 0) for i in range(len(self.own)) if i != cls)

    def earn(self, units: int) -> None:
        idle = self.whole() + units >= self.burst
        if idle:
            self.waiting.clear()
        for i in range(len(self.own)):
            before = self.floor(i)
            self.own[i] += Fraction(units * self.weights[i], self.parts)
            top = self.cap(i)
            if self.floor(i) >= top:
                if i in self.waiting:
                    top = self.burst + 5 * self.most
                elif before > top and not idle:
                    top = before
                if self.floor(i) >= top:
                    self.own[i] = Fraction(top)

    def pass_to(self, now: int) -> None:
        if self.at is None:
            self.at = now
        if now <= self.at:
            return
        after = self.total + Fraction(self.rate * (now - self.at), 1000)
        units = int(after // 1) - self.whole()
        self.at = now
        self.earn(units)
        self.total = min(after, Fraction(self.burst))

    def may(self, cls: int, now: int) -> bool:
        if not self.rate:
            return True
        if self.floor(cls) > 0 and (self.whole() > 0 or cls < self.sure):
            return True  # without a look at the time
        self.pass_to(now)
        may = self.whole() > 0 and (self.floor(cls) > 0 or self.whole() > self.promised(cls))
        may = may or (cls < self.sure and self.floor(cls) > 0)
        if not may:
            self.waiting.add(cls)
        return may

    def allowance(self, cls: int, now: int) -> int:
        if not self.rate:
            return UNLIMITED
        self.pass_to(now)
        if not self.may(cls, now):
            return 0
        return max(self.whole(), self.floor(cls)) if cls < self.sure else self.whole()

    def spend(self, cls: int, count: int, now: int) -> None:
        self.spent[cls] += count
        if not self.rate or count <= 0:
            return
        self.pass_to(now)
        if cls < 0:
            self.earn(-count)
            self.total -= count
        else:
            own = max(self.floor(cls), 0)
            free = max(self.whole() - own - self.promised(cls), 0)
            after = self.own[cls] - min(own, count) - max(count - own - free, 0)
            if after < (least := min(self.floor(cls), -max(self.burst, count))):
                after = least + self.own[cls] % 1
            self.own[cls] = after
            self.total -= count
            self.waiting.discard(cls)
        self.most = max(self.most, -self.whole())

    def change(self, rate: int, burst: int) -> None:
        if (rate, burst) == (self.rate, self.burst):
            return
        was, self.rate, self.burst = self.rate, rate, burst
        self.at = None
        self.total = min(Fraction(self.whole()), Fraction(burst if was else 0))
        for i in range(len(self.own)):
            self.own[i] = min(Fraction(self.floor(i)), Fraction(self.cap(i) if was else 0))


class SlotsModel:
    """Who is there, by kind."""

    def __init__(self, most: int, reserved: int, inbound: int) -> None:
        self.most, self.reserved, self.inbound = most, reserved, inbound
        self.there: "list[list[int]]" = [[], [], []]

    def room(self, kind: int) -> int:
        free = self.most - sum(map(len, self.there))
        if kind != 2:
            free -= max(0, self.reserved - len(self.there[2]))
        if kind == 0:
            free = min(free, self.inbound - len(self.there[0]))
        return max(0, free)


class PoolModel:
    """Who has how many buffers, for whom one is kept (`kept`), and for whom one would be (`owed`)."""

    def __init__(self, count: int, reserved: int) -> None:
        self.count, self.reserved = count, reserved
        self.lent: "dict[str, str]" = {}  # buffer to user
        self.kept: "set[str]" = set()
        self.owed: "set[str]" = set()
        self.keepers: "set[str]" = set()

    @property
    def free(self) -> int:
        return self.count - len(self.lent)

    def holds(self, user: str) -> int:
        return sum(1 for holder in self.lent.values() if holder == user)

    def may(self, user: str, urgent: bool) -> bool:
        if user in self.kept:
            return True
        free = self.free - len(self.kept)
        if not urgent:
            free -= self.reserved
            if user not in self.owed:
                free -= len(self.owed)
        return free > 0

    def lend(self, user: str, buffer: str) -> None:
        self.lent[buffer] = user
        self.kept.discard(user)
        self.owed.discard(user)

    def give_back(self, buffer: str) -> None:
        user = self.lent.pop(buffer)
        if user in self.keepers and not self.holds(user):
            self.kept.add(user)

    def keep(self, user: str) -> None:
        if 2 * len(self.keepers) + 2 <= self.count - self.reserved:
            (self.kept if self.may("", False) else self.owed).add(user)
            self.keepers.add(user)

    def close(self, user: str) -> None:
        for users in (self.kept, self.owed, self.keepers):
            users.discard(user)


class LinkModel:
    """The truth about a metered link: what passed on the day and in the month that the node believes in."""

    def __init__(self) -> None:
        self.day_bytes = self.month_bytes = 0
        self.day = self.month = -1

    def on_date(self, day: int, month: int) -> None:
        if day > self.day:
            self.day_bytes = self.day_bytes if self.day < 0 else 0
            self.day = day
        if month > self.month:
            self.month_bytes = self.month_bytes if self.month < 0 else 0
            self.month = month

    def passed(self, count: int) -> None:
        self.day_bytes += count
        self.month_bytes += count

"""One rate for all classes: each is promised a part of it, and what nobody claims is for whoever asks first.

A hierarchical token bucket in integers. The total bucket holds T units, filled at the rate up to the burst. Class i
has a bucket c_i of its own, filled with its part of the same units, w_i of W, up to that part of the burst. A class
may spend while T > 0 and either its own bucket has something or T holds more than all other classes are promised:

    may(i) = T > 0 and (c_i > 0 or T > sum of c_j over j != i with c_j > 0)

What is spent comes out of T, and out of c_i first; then out of what nobody is promised; what is still missing is a
debt of c_i, of a burst at most, paid back before the class spends of its own part again. So the sum of all c_i exceeds
T by the rests of divisions at most, and who has something in its own bucket waits for others' debts only. While it
waits, its bucket is filled beyond its part of the burst, by as much as others may owe, until the total is full.
Hence, with D for the largest amount spent at once beyond what was allowed,
- all classes together spend at most rate * t + burst + D in any time t,
- a class that asks whenever `wake_at` says so gets its part of rate * t, less at most 6 * (burst + D), one for each
  class, and a class that is alone gets the whole rate.
Callers ask for the classes in order of urgency: that order decides who gets what is left.

Rests of divisions are kept, so slow rates lose nothing. No integer exceeds a word of 32 bits as MicroPython has it as
long as rate and 8 * burst are below 2^29 and what is spent at once is below 2^24.
"""

from array import array

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableSequence, Sequence

UNLIMITED = const((1 << 30) - 1)  # what `allowance` says where there is no rate

_COUNT = const(6)  # classes.py: its COUNT, for MicroPython folds constants within a module only
_STEP = const(1 << 29)  # rate * ms of one step of a refill
_MOST = const(1 << 29)  # rates, and bursts times a weight
_DEBT = const(1 << 24)  # a debt is not counted beyond this
# Places in `_state`: the buckets, then the rests of the last divisions, by W and of the total by 1000.
_TOTAL = const(6)
_RESTS = const(7)
_TOTAL_REST = const(13)
_SUM = const(14)  # W
_WAITING = const(15)  # a bit for each class that was refused and has not spent since
_SIZE = const(16)
_NONE = (0, 0, 0, 0, 0, 0)


class Shares:
    """`rate` units a second, 0 is no limit; `burst` units at once; `weights` are COUNT integers of at least 1.

    `spent[class]` counts in `unit`s, rounded down, `spent[-1]` what was nobody's; `deferred[class]` how often a caller
    put work off; `most` is the highest debt of all together. Classes below `sure` wait for nobody's debts: where others
    can spend without asking, these go on with their own parts, and the others pay the debt.
    """

    sure = 0

    def __init__(self, rate: int, burst: int, weights: "Sequence[int]", unit: int = 1) -> None:
        self.rate = self.burst = 0
        self.spent = [0] * (_COUNT + 1)
        self.deferred: "Sequence[int]" = _NONE
        self.most = 0
        self._weights = weights
        self._unit = unit
        self._odd: "list[int] | None" = None if unit == 1 else [0] * (_COUNT + 1)  # of a unit, spent and not counted
        self._state: "MutableSequence[int] | None" = None
        self._at = -1  # ms of the last refill; -1 before the first
        if len(weights) != _COUNT or min(weights) < 1:
            raise ValueError("each of the %d classes needs a weight of at least 1" % _COUNT)
        self.change(rate, burst)
        if rate:
            self._earn(burst)

    @property
    def total(self) -> int:
        """What all classes have spent, in units, with what was nobody's."""
        return sum(self.spent)

    def promised(self, cls: int) -> int:
        """Units a second that the class has whatever the others do."""
        return self.rate * self._weights[cls] // sum(self._weights)

    def debt(self, cls: int = _TOTAL) -> int:
        """What the class owes, as of when it was last asked or spent; without a class, what all owe together."""
        return max(0, -self._state[cls]) if self._state is not None and self.rate else 0

    def change(self, rate: int, burst: int) -> None:
        """Another rate from now on. Nothing is won by it: no bucket holds more than it did, and debts stay."""
        if rate < 0 or (rate and burst < 1) or rate > _MOST or burst * max(self._weights) > _MOST:
            most = _MOST // max(self._weights)
            raise ValueError("shares need a rate of 0 to %d and a burst of 1 to %d" % (_MOST, most))
        if rate == self.rate and burst == self.burst:
            return
        state = self._state
        if rate and state is None:
            self._state = state = array("i", [0] * _SIZE)
            state[_SUM] = sum(self._weights)
            self.deferred = [0] * _COUNT
        if state is not None:
            for i in range(_TOTAL + 1):
                if not self.rate:
                    most = 0
                else:
                    most = burst if i == _TOTAL else burst * self._weights[i] // state[_SUM]
                state[i] = min(state[i], most)
                state[_RESTS + i] = 0
        self._at = -1
        self.rate = rate
        self.burst = burst

    def may(self, cls: int, now: int) -> bool:
        """Whether the class may spend something."""
        if not self.rate:
            return True
        state = self._state
        assert state is not None
        if state[cls] > 0 and (state[_TOTAL] > 0 or cls < self.sure):
            return True  # what was earned meanwhile can wait
        self._refill(now)
        total = state[_TOTAL]
        if (state[cls] > 0 and (total > 0 or cls < self.sure)) or (total > 0 and total > self._promised(cls)):
            return True
        state[_WAITING] |= 1 << cls
        return False

    def allowance(self, cls: int, now: int) -> int:
        """How much the class may spend at once: all that there is, when it `may` spend at all."""
        if not self.rate:
            return UNLIMITED
        state = self._state
        assert state is not None
        self._refill(now)
        if not self.may(cls, now):
            return 0
        return max(state[_TOTAL], state[cls]) if cls < self.sure else state[_TOTAL]

    def spend(self, cls: int, count: int, now: int) -> None:
        """The class has spent `count`, which may be more than it might; class -1 is nobody, whom all pay for."""
        if self._odd is None:
            self.spent[cls] += count
        else:
            odd = self._odd[cls] + count
            self.spent[cls] += odd // self._unit
            self._odd[cls] = odd % self._unit
        if not self.rate or count <= 0:
            return
        self._refill(now)
        if cls < 0:
            self._earn(-count)
        else:
            self._take(cls, count)
        assert self._state is not None
        debt = -self._state[_TOTAL]
        if debt > self.most:
            self.most = debt

    def defer(self, cls: int) -> None:
        """Work of the class was put off."""
        if self.rate:
            self.deferred[cls] += 1  # type: ignore[index]  # a list since there is a rate

    def wake_at(self, cls: int, now: int, count: int = 1) -> int:
        """When (ms) the class may spend, and `count` units are there, unless others spend: never later than that.

        It may be earlier, by what other buckets earn meanwhile: whoever wakes asks `may` again. `now` if it may now.
        """
        if not self.rate:
            return now
        self._refill(now)
        may = self.may(cls, now)
        state = self._state
        assert state is not None
        total = state[_TOTAL]
        missing = min(count, self.burst) - total
        if not may:
            # Once the total is full nobody waits: what others were promised beyond their parts of it is void.
            own = min(self._promised(cls) + 1 - total, self._until(cls, 1), self.burst - total)
            missing = max(missing, 1 - total, own)
        if cls < self.sure and missing > 0:
            part = self.burst * self._weights[cls] // state[_SUM]
            missing = min(missing, self._until(cls, max(1, min(count, part))))
        if missing <= 0:
            return now
        rate = self.rate
        rest = missing % rate * 1000 - state[_TOTAL_REST] + rate - 1
        return now + max(1, missing // rate * 1000 + rest // rate)

    def _until(self, cls: int, count: int) -> int:
        # How much all together earn until the class has so much in its own bucket.
        state, part = self._state, self._weights[cls]
        assert state is not None
        return ((count - state[cls]) * state[_SUM] - state[_RESTS + cls] + part - 1) // part

    def _promised(self, cls: int) -> int:
        # What the other classes have in their own buckets.
        state = self._state
        assert state is not None
        found = 0
        for i in range(_COUNT):
            if i != cls and state[i] > 0:
                found += state[i]
        return found

    def _take(self, cls: int, count: int) -> None:
        state = self._state
        assert state is not None
        total, own = state[_TOTAL], state[cls]
        state[_TOTAL] = total - count if count < total + _DEBT else -_DEBT
        state[_WAITING] &= ~(1 << cls)
        if count <= own:
            state[cls] = own - count
            return
        before = own
        if own < 0:
            own = 0
        free = max(total - own - self._promised(cls), 0)  # promised to nobody
        debt = max(count - own - free, 0)
        # What a class takes while it owes a burst is what nobody else claimed: it never has to pay that back.
        most = -min(max(self.burst, count), _DEBT)
        state[cls] = max(before - own - debt, min(before, most))

    def _refill(self, now: int) -> None:
        at, self._at = self._at, now
        if at < 0:
            return
        elapsed = now - at
        if elapsed <= 0:  # the caller mixed up its times; nothing is earned
            self._at = at
            return
        state = self._state
        assert state is not None
        step = _STEP // self.rate
        while elapsed > 0:
            # One word holds what is earned in a step. Once all is full, the rest of a long sleep earns nothing.
            ms = step if step < elapsed else elapsed
            elapsed -= ms
            earned = self.rate * ms + state[_TOTAL_REST]
            state[_TOTAL_REST] = earned % 1000
            if self._earn(earned // 1000):
                return

    def _earn(self, count: int) -> bool:
        """Put units into all buckets, or take them out of all; whether everything is full then."""
        state, weights, burst = self._state, self._weights, self.burst
        assert state is not None
        parts = state[_SUM]
        total = state[_TOTAL] + count
        full = idle = total >= burst
        if idle:  # nobody can be waiting
            total = burst
            state[_TOTAL_REST] = state[_WAITING] = 0
        state[_TOTAL] = max(total, -_DEBT)
        for i in range(_COUNT):
            earned = count * weights[i] + state[_RESTS + i]
            before = state[i]
            there = before + earned // parts
            state[_RESTS + i] = earned % parts
            most = burst * weights[i] // parts
            if there < most:
                full = False
            else:
                if state[_WAITING] >> i & 1:
                    most = burst + 5 * self.most
                elif before > most and not idle:
                    most = before
                if there >= most:
                    there = most
                    state[_RESTS + i] = 0
            state[i] = there if there > -_DEBT else -_DEBT
        return full

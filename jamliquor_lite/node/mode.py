"""Whether every header is followed, and how long a metered link's allowance lasts.

    full    every header, all the time
    idle    asleep: connections are closed. A question wakes the node: it dials, catches up, answers, and sleeps again
            after `idle_after_ms` without another one
    auto    full, but idle from `cap_near_permille` of a cap on, until less than `cap_clear_permille` of it is used: by
            the next day or month, or a larger cap

Whoever owns the node chooses by `want`; auto is what nobody chose. What is used of the caps (budget/allowance.py) lies
in a two-slot file, written ahead by a quantum, so that neither a restart nor a power cut makes a day longer. Days are
UTC days of the wall clock; where nobody has set that, of the newest slot; where the chain is its own clock, none pass.

When the caps are used up, all connections are closed, nothing is read or sent, and questions are refused with the
moment from which they will be answered again.
"""

from ..budget.budgets import FULL, IDLE
from ..chain.slots import COMMON_ERA
from ..const import const
from ..errors import BudgetError
from ..ports import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.budgets import Budgets
    from ..chain.twoslot import TwoSlot
    from .node import Node

AUTO = const(2)
WORDS = ("full", "idle", "auto")  # by FULL, IDLE, AUTO

_LOOK_MS = const(1000)  # how often the date is looked at, and what is used
_DAY_S = const(86_400)
# What is kept of a cap: for closing connections, and for what links carry that nobody here sees (a day measured on the
# wire had 0.04 % of that).
_GOODBYES = const(8192)
_UNSEEN_SHIFT = const(8)


class Mode:
    """Of one node, which calls `turn` once each turn, `asked` before each question and `close` at the end.

    `wanted` is FULL, IDLE or AUTO, `damage` what was wrong with the stored allowance, "" for nothing. `wall_seconds`
    as in ports/clock.py.
    """

    def __init__(self, budgets: "Budgets", store: "TwoSlot | None" = None, wanted: int = AUTO,
                 wall_seconds: "Callable[[], int | None]" = clock.wall_seconds) -> None:
        self.wanted = wanted
        self.damage = ""
        self.is_spent = False
        self._budgets = budgets
        self._store = store
        self._wall_seconds = wall_seconds
        self._look_at = 0
        self._awake_until = 0
        if store is not None and budgets.allowance.is_capped:
            self._load(store)

    @property
    def word(self) -> str:
        """How it is now: full, idle (awake for a question), asleep, or spent."""
        if self.is_spent:
            return "spent"
        return "asleep" if self._budgets.is_asleep else self.awake_word

    @property
    def awake_word(self) -> str:
        """How it follows while it is awake."""
        return WORDS[self._budgets.mode]

    @property
    def wanted_word(self) -> str:
        """What the owner chose."""
        return WORDS[self.wanted]

    def want(self, wanted: int) -> None:
        """The owner chooses; in force with the next turn."""
        self.wanted = wanted
        self._look_at = 0

    def asked(self, node: "Node", now: int) -> None:
        """Somebody has a question. BudgetError when the caps do not allow an answer."""
        if self.is_spent:
            raise self._refusal(node)
        self._awake_until = now + node.profile.idle_after_ms
        if self._budgets.is_asleep:
            self._budgets.is_asleep = False
            for record in node.peers.records:
                record.dial_at = now

    def keep_ahead(self) -> None:
        """Write what may be spent next, where there is no node yet whose turns do so."""
        seconds = self._wall_seconds()
        if seconds is not None:
            self._date(seconds // _DAY_S)
        if self._budgets.allowance.is_due:
            self._write(False)

    def turn(self, node: "Node", now: int) -> None:
        """See what is used, write it, and fall asleep or wake up."""
        budgets = self._budgets
        if now >= self._look_at:
            self._look_at = now + _LOOK_MS
            self._look(node)
        allowance = budgets.allowance
        if allowance.is_due:
            self._write(False)
        is_spent = _is_near(allowance.day_bytes, allowance.day_used) or _is_near(
            allowance.month_bytes, allowance.month_used)
        if is_spent != self.is_spent:
            self.is_spent = is_spent
            if is_spent:
                refusal = self._refusal(node)
                for ask in node.asks:
                    ask.refuse(refusal)
                node.on_event("mode", {"now": "spent", "why": str(refusal)})
            else:
                node.on_event("mode", {"now": self.awake_word, "why": "there is an allowance again"})
        for ask in node.asks:
            if not ask.is_done:
                self._awake_until = now + node.profile.idle_after_ms
        sleeps = is_spent or (budgets.mode == IDLE and now >= self._awake_until)
        if sleeps != budgets.is_asleep:
            budgets.is_asleep = sleeps
            if sleeps:
                node.leave_all(self.word, now)

    def close(self) -> None:
        """The node ends: what is stored is what was used, and nothing ahead."""
        if self._budgets.allowance.is_capped:
            self._write(True)

    # inside

    def _look(self, node: "Node") -> None:
        budgets, profile = self._budgets, node.profile
        day = self._day(node)
        if day >= 0:
            self._date(day)
        used = budgets.allowance.permille_used
        mode = self.wanted
        if mode == AUTO:
            mode = budgets.mode
            if used >= profile.cap_near_permille:
                mode = IDLE
            elif used < profile.cap_clear_permille:
                mode = FULL
        if mode != budgets.mode:
            budgets.mode = mode
            why = "the owner wants it" if self.wanted != AUTO else "%d permille of the cap are used" % used
            node.on_event("mode", {"now": WORDS[mode], "why": why})

    def _refusal(self, node: "Node") -> BudgetError:
        allowance = self._budgets.allowance
        is_month = _is_near(allowance.month_bytes, allowance.month_used)
        limit, cap = ("month_bytes", allowance.month_bytes) if is_month else ("day_bytes", allowance.day_bytes)
        until, day = "the clock is set and says another day", self._day(node)
        if day >= 0:
            year, month, of_month = civil(day + 1)
            if is_month:
                year, month, of_month = civil(day)
                year, month, of_month = year + month // 12, month % 12 + 1, 1
            until = "%d-%02d-%02d 00:00 UTC" % (year, month, of_month)
        return BudgetError(limit, "the %s's %d bytes are used up, until %s" % (
            "month" if is_month else "day", cap, until))

    def _date(self, day: int) -> None:
        year, month, _ = civil(day)
        self._budgets.allowance.on_date(day, 12 * year + month - 1)

    def _day(self, node: "Node") -> int:
        # Days since 1970, UTC; -1 where nothing says what day it is.
        seconds = self._wall_seconds()
        if seconds is None:
            chain = node.chain
            if chain.clock_chain:
                return -1
            seconds = COMMON_ERA + chain.best_slot * chain.spec.slot_seconds
        return seconds // _DAY_S

    def _load(self, store: "TwoSlot") -> None:
        data = store.load()
        if store.damaged:
            self.damage = "the used allowance: %s" % store.damaged
        if data is not None:
            self.damage = self._budgets.allowance.load(data) or self.damage

    def _write(self, is_last: bool) -> None:
        allowance = self._budgets.allowance
        record = allowance.record(is_last)
        if self._store is not None:
            self._store.save(record)
        allowance.stored()


def _is_near(cap: int, used: int) -> bool:
    return cap > 0 and cap - used < _GOODBYES + (cap >> _UNSEEN_SHIFT)


def civil(day: int) -> "tuple[int, int, int]":
    """(year, month, day of the month) of a day since 1970-01-01, in the Gregorian calendar.

    Years begin in March here, so that the leap day is the last one; 400 of them have 146,097 days.
    """
    era, of_era = divmod(day + 719_468, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    of_month = of_year - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    return 400 * era + year + (month <= 2), month, of_month

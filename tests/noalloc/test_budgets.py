# portable: runs on CPython and MicroPython
"""Asking and paying a budget allocates nothing, whatever the answer is, on a board with all of them limited."""

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.classes import COUNT
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.slots import INBOUND, KINDS
from jamliquor_lite.budget.wire import ack_bytes, payload_bytes, wire_bytes
from tests.noalloc.heap import locked, need_c

ROUNDS = 200
MS = 37  # between two rounds: some find a full bucket, some an empty one


class Worked:
    def __init__(self):
        self.us = 0

    def __call__(self):
        return self.us


class Board:
    """A board's budgets and what it does with them."""

    def __init__(self, is_limited):
        profile = Profile()
        if is_limited:
            profile.cpu_permille = 250
            profile.max_upload_rate = 32_768
            profile.max_download_rate = 65_536
            profile.day_bytes = 10_000_000
            profile.month_bytes = 100_000_000
            profile.max_peers = 2
        self.profile = profile
        self.clock = Worked()
        self.budgets = Budgets(profile, self.clock)
        self.now = 0
        self.granted = self.refused = 0

    def work(self):
        budgets, now = self.budgets, self.now
        for _ in range(ROUNDS):
            now += MS
            for cls in range(COUNT):
                if budgets.cpu.may(cls, now):
                    self.clock.us = (self.clock.us + 9_000) & 0x3FFFFFFF
                    budgets.cpu.charge(cls, now)
                    self.granted += 1
                else:
                    budgets.cpu.defer(cls)
                    budgets.cpu.wake_at(cls, now)
                    self.refused += 1
                room = min(budgets.up.allowance(cls, now), budgets.allowance.left())
                size = wire_bytes(min(payload_bytes(room, self.profile), 2_000), self.profile)
                budgets.up.spend(cls, size, now)
                budgets.down.spend(cls, 700, now)
                budgets.up.spend(cls, ack_bytes(700, self.profile), now)
                budgets.up.wake_at(cls, now, 1_514)
                budgets.allowance.spend(size)
                budgets.allowance.on_date(20_000, 240)
                budgets.allowance.permille_used  # noqa: B018
                if budgets.allowance.is_due:
                    budgets.allowance.stored()
            budgets.cpu.charge(-1, now)
            for kind in range(KINDS):
                if budgets.slots.take(kind):
                    budgets.slots.give_back(kind)
            while budgets.slots.take(INBOUND):
                pass
            while budgets.slots.taken[INBOUND]:
                budgets.slots.give_back(INBOUND)
        self.now = now


def test_budgets_take_nothing_of_the_heap():
    need_c()
    for is_limited in (True, False):
        board = Board(is_limited)
        board.budgets.allowance.record()
        board.budgets.allowance.stored()
        board.work()
        locked(board.work)
        assert board.granted > ROUNDS and (board.refused > ROUNDS) is is_limited

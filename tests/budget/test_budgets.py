# portable: runs on CPython and MicroPython
"""CPU time, slots, the wire, and all budgets in one object."""

from jamliquor_lite.budget.budgets import FULL, Budgets, burst_of, rate_under
from jamliquor_lite.budget.classes import COUNT, FINALITY, GOSSIP, HEADERS, NAMES, WEIGHTS
from jamliquor_lite.budget.cpu import Cpu
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.shares import UNLIMITED, Shares
from jamliquor_lite.budget.slots import INBOUND, OUTBOUND, TRUSTED, Slots
from jamliquor_lite.budget.wire import ack_bytes, payload_bytes, wire_bytes
from jamliquor_lite.errors import LocalError
from tests.support import raises


class Worked:
    """A thread's CPU time."""

    def __init__(self, us=0):
        self.us = us

    def __call__(self):
        return self.us


def test_every_class_has_a_name_and_a_weight():
    assert len(NAMES) == len(WEIGHTS) == COUNT == len(Shares(0, 1, WEIGHTS).deferred)
    assert list(WEIGHTS) == sorted(WEIGHTS, reverse=True), "the more urgent a class, the more it is promised"


def test_cpu_time_goes_to_who_worked():
    profile = Profile()
    profile.cpu_permille = 250
    profile.cpu_burst_ms = 100
    clock = Worked((1 << 30) - 5_000)
    cpu = Cpu(profile, clock)
    clock.us = 7_400  # it began again
    assert cpu.charge(HEADERS, 0) == 12_400
    clock.us += 100_000
    assert cpu.charge(-1, 0) == 100_000
    assert cpu.spent[HEADERS] == 12 and cpu.spent[-1] == 100
    assert not cpu.may(HEADERS, 0) and cpu.most == 12_400
    assert cpu.wake_at(HEADERS, 0) == 50 and not cpu.may(FINALITY, 49) and cpu.may(FINALITY, 50)


def test_a_whole_processor_is_no_limit():
    cpu = Cpu(Profile(), Worked())
    cpu.spend(HEADERS, 10**7, 0)
    assert cpu.may(HEADERS, 0) and cpu.spent[HEADERS] == 10**4


def test_payload_and_wire():
    profile = Profile()
    assert [wire_bytes(n, profile) for n in (0, 1, 1448, 1449)] == [0, 67, 1514, 1581]
    assert [payload_bytes(n, profile) for n in (0, 66, 67, 1514, 1515, 1581)] == [0, 0, 1, 1448, 1448, 1449]
    for n in range(0, 5_000, 7):
        payload = payload_bytes(n, profile)
        assert wire_bytes(payload, profile) <= n < wire_bytes(payload + 1, profile)
    assert ack_bytes(0, profile) == 0 and ack_bytes(2896, profile) == 66 and ack_bytes(2897, profile) == 132


def test_slots_are_for_whom_they_are():
    profile = Profile()
    profile.max_peers, profile.reserved_peers, profile.inbound_peers = 5, 2, 2
    slots = Slots(profile)
    assert [slots.room(kind) for kind in (INBOUND, OUTBOUND, TRUSTED)] == [2, 3, 5]
    assert slots.take(INBOUND) and slots.take(INBOUND) and not slots.take(INBOUND)
    assert slots.take(OUTBOUND) and not slots.take(OUTBOUND)
    assert slots.take(TRUSTED) and slots.take(TRUSTED) and not slots.take(TRUSTED)
    assert slots.total == slots.most == 5 and slots.refused == [1, 1, 1]
    slots.give_back(OUTBOUND)
    assert slots.take(TRUSTED)
    profile.max_peers = 3
    assert slots.room(TRUSTED) == 0
    raises(LocalError, slots.give_back, OUTBOUND)
    for kind in (TRUSTED, TRUSTED, TRUSTED, INBOUND, INBOUND):
        slots.give_back(kind)
    assert slots.total == 0 and slots.most == 5


def test_by_default_nothing_is_limited():
    budgets = Budgets(Profile())
    for shares in (budgets.up, budgets.down, budgets.cpu):
        shares.spend(GOSSIP, 10**8, 0)
        assert shares.may(GOSSIP, 0) and shares.allowance(GOSSIP, 0) == UNLIMITED
    assert budgets.allowance.left() == UNLIMITED and not budgets.allowance.is_due
    assert budgets.mode == FULL and budgets.slots.room(INBOUND) == budgets.profile.max_peers


def test_two_seconds_hold_no_more_than_the_cap():
    profile = Profile()
    for cap in (1_500, 3_000, 20_000, 32_768, 65_536, 10**6, 10**8, 1 << 29):
        rate, burst = rate_under(cap, profile), burst_of(cap, profile)
        assert burst >= min(cap, 1514) and rate > 0
        assert 2 * rate + burst <= 2 * cap
        assert cap < 26_000 or rate >= cap * 97 // 100, (cap, rate)
        assert rate_under(cap, profile, cap // 4) == rate - cap // 4
    assert rate_under(0, profile) == rate_under(0, profile, 100) == 0


def test_what_is_the_systems_is_left_to_it():
    profile = Profile()
    profile.max_upload_rate = profile.max_download_rate = 100_000
    profile.system_upload_rate = 2_000
    budgets = Budgets(profile)
    assert budgets.up.rate == budgets.down.rate - 2_000
    other = Profile()
    other.max_upload_rate, other.system_upload_rate = 100_000, 3_000
    budgets.change(other)
    assert budgets.up.rate == rate_under(100_000, other) - 3_000


def test_a_change_applies_whole_or_not_at_all():
    profile = Profile()
    budgets = Budgets(profile)
    budgets.up.spend(HEADERS, 1000, 0)
    other = Profile()
    other.max_upload_rate, other.day_bytes, other.max_peers, other.cpu_permille = 50_000, 10**7, 3, 500
    budgets.change(other)
    assert budgets.profile is other and budgets.slots.room(INBOUND) == 3 and budgets.cpu.rate == 500_000
    assert budgets.up.rate == rate_under(50_000, other) and budgets.up.spent[HEADERS] == 1000
    assert budgets.allowance.left() == 0 and budgets.allowance.is_due
    wrong = Profile()
    wrong.allowance_quantum, wrong.max_upload_rate = 0, 70_000
    raises(LocalError, budgets.change, wrong)
    assert budgets.profile is other and budgets.up.rate == rate_under(50_000, other)

# portable: runs on CPython and MicroPython
"""A day's and a month's bytes: what is left, when a new day counts, and what a power cut costs."""

from jamliquor_lite.budget.allowance import Allowance
from jamliquor_lite.budget.shares import UNLIMITED
from tests.support import raises


def write(allowance):
    """What the caller does when it is due: the record that lies in the store."""
    data = allowance.record()
    allowance.stored()
    return data


def test_without_caps_it_only_counts():
    allowance = Allowance(0, 0, 1000)
    allowance.spend(10**6)
    assert allowance.left() == UNLIMITED and not allowance.is_due and allowance.permille_used == 0
    assert allowance.day_used == allowance.month_used == 10**6
    for numbers in ((-1, 0, 10), (0, -1, 10), (10, 10, 1)):
        raises(ValueError, Allowance, *numbers)


def test_a_quantum_is_written_before_it_is_spent():
    allowance = Allowance(10_000, 0, 1000)
    assert allowance.is_due and allowance.left() == 0
    write(allowance)
    assert not allowance.is_due and allowance.left() == 1000
    allowance.spend(499)
    assert not allowance.is_due and allowance.left() == 501
    allowance.spend(1)
    assert allowance.is_due and allowance.left() == 500
    data = allowance.record()
    allowance.spend(100)  # while it is being written
    allowance.stored()
    assert allowance.left() == 900
    again = Allowance(10_000, 0, 1000)
    assert again.load(data) == "" and again.day_used == 1500


def test_the_cap_ends_it():
    allowance = Allowance(2_500, 4_000, 1000)
    spent = 0
    while True:
        if allowance.is_due:
            write(allowance)
        if not allowance.left():
            break
        spent += min(70, allowance.left())
        allowance.spend(min(70, allowance.left()))
    assert spent == 2_500 and allowance.permille_used == 1000 and allowance.unused() == 0
    assert not allowance.is_due
    allowance.on_date(20_000, 24_312)
    assert not allowance.left(), "the first known date is no new day"
    allowance.on_date(20_001, 24_312)
    assert allowance.is_due and allowance.unused() == 1_500
    allowance.on_date(20_002, 24_313)
    assert allowance.unused() == 2_500


def test_clocks_that_go_back_or_stand_still_earn_nothing():
    allowance = Allowance(1_000, 5_000, 1000)
    allowance.on_date(20_000, 24_312)
    allowance.spend(700)
    for day, month in ((19_999, 24_311), (-1, -1), (20_000, 24_312)):
        allowance.on_date(day, month)
        assert allowance.unused() == 300 and allowance.day == 20_000


def test_a_power_cut_counts_what_was_written_and_a_stop_what_was_used():
    allowance = Allowance(10_000, 0, 1000)
    allowance.on_date(20_000, 24_312)
    data = write(allowance)
    allowance.spend(40)
    after_cut = Allowance(10_000, 0, 1000)
    assert after_cut.load(data) == ""
    after_cut.on_date(20_000, 24_312)
    assert after_cut.day_used == 1000
    after_stop = Allowance(10_000, 0, 1000)
    assert after_stop.load(allowance.record(True)) == ""
    assert after_stop.day_used == after_stop.month_used == 40 and after_stop.day == 20_000


def test_records_that_cannot_be_are_not_taken():
    good = Allowance(10_000, 0, 1000).record()
    for data, word in (
        (b"", "0 bytes"), (good + b"x", "26 bytes"), (b"\x02" + good[1:], "version 2"),
        (good[:1] + b"\xff\xff\xff\x7f" + good[5:], "impossible"), (good[:-1] + b"\xff", "impossible"),
    ):
        allowance = Allowance(10_000, 0, 1000)
        assert word in allowance.load(data)
        assert allowance.day_used == 0 and allowance.day == -1


def test_a_change_of_caps_forgets_nothing():
    allowance = Allowance(0, 0, 1000)
    allowance.spend(800)
    allowance.change(1000, 0, 500)
    assert allowance.unused() == 200 and allowance.left() == 0 and allowance.is_due
    allowance.change(500, 0, 500)
    assert allowance.unused() == 0 and not allowance.is_due and allowance.permille_used == 1600


def test_shares_of_large_caps():
    allowance = Allowance(0, 1 << 40, 1000)
    allowance.spend(1 << 39)
    assert allowance.permille_used == 500

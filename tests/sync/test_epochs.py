# portable: runs on CPython and MicroPython
"""When a sleeping node asks for the next set-change block: by the clock, by an interval, and again after nothing."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.sync.epochs import Schedule


def test_by_the_clock_it_is_due_some_slots_after_the_epoch_began_and_not_for_all_at_once():
    profile = Profile()
    dues = set()
    for draw in range(0, 1000, 7):
        schedule = Schedule(FULL, profile, 600 * 9 + 17, draw)
        wait = schedule.wait_ms(5, 600 * 9 + 300)
        dues.add(wait)
        least = (300 + profile.epoch_wait_slots) * 6000
        assert least <= wait <= least + 600 * 6000 * profile.epoch_jitter_permille // 1000
        assert schedule.wait_ms(5, 600 * 9 + 299) == wait + 6000, "the slots tell, and not the time that passed"
        assert schedule.wait_ms(5, 600 * 10 + 5 + 30) == 0
    assert len(dues) == 31


def test_after_a_jump_it_is_due_in_the_next_epoch():
    schedule = Schedule(TINY, Profile(), 12 * 4, 0)
    assert schedule.wait_ms(0, 12 * 5 + 5) == 0
    schedule.jumped(12 * 5, 0, 0)
    assert schedule.wait_ms(0, 12 * 5 + 5) == 12 * 6000
    schedule.jumped(12 * 5, 0, 0)
    assert schedule.wait_ms(0, 12 * 9) == 0, "it is epochs behind: at once"


def test_who_found_nothing_comes_back_later_each_time():
    profile = Profile()
    schedule = Schedule(TINY, profile, 12, 0)
    now, waits = 0, []
    for _ in range(8):
        schedule.failed(now)
        waits.append(schedule.wait_ms(now, 12 * 20))
        now += waits[-1]
        assert schedule.wait_ms(now, 12 * 20) == 0
    assert waits == [30_000, 60_000, 120_000, 240_000, 480_000, 900_000, 900_000, 900_000]
    schedule.jumped(24, now, 0)
    schedule.failed(now)
    assert schedule.wait_ms(now, 12 * 20) == 30_000


def test_where_the_chain_is_its_own_clock_there_is_an_interval():
    profile = Profile()
    schedule = Schedule(TINY, profile, 0, 0)
    assert schedule.wait_ms(100, -1) == 0
    schedule.jumped(12, 100, 0)
    assert schedule.wait_ms(100, -1) == profile.epoch_interval_ms
    for _ in range(6):
        schedule.failed(200)
        assert schedule.wait_ms(200, -1) == profile.epoch_interval_ms
    assert schedule.wait_ms(200 + profile.epoch_interval_ms, -1) == 0

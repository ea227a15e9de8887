# portable: runs on CPython and MicroPython
"""Wall-clock time in slots, and the two refusals that rest on it."""

from jamliquor_lite.chain.slots import COMMON_ERA, MAX_AGE_SECONDS, UNKNOWN, check_age, check_clock, slot_at
from jamliquor_lite.codec.spec import FULL, TINY, Spec
from jamliquor_lite.errors import LocalError
from tests.support import raises

WEEK_SLOTS = 7 * 24 * 600  # of 6 seconds
SLOW = Spec("slow", 6, 12, 10, 2, 3, 4)


def test_the_common_era_begins_at_noon_of_the_first_of_january_2025():
    leap_days = len([year for year in range(1970, 2025) if year % 4 == 0 and (year % 100 or year % 400 == 0)])
    assert COMMON_ERA == ((2025 - 1970) * 365 + leap_days) * 86400 + 12 * 3600


def test_a_slot_lasts_as_long_as_the_spec_says():
    for spec, seconds in ((TINY, 6), (FULL, 6), (SLOW, 4)):
        assert slot_at(COMMON_ERA, spec) == 0
        assert slot_at(COMMON_ERA + seconds - 1, spec) == 0
        assert slot_at(COMMON_ERA + seconds, spec) == 1
        assert slot_at(COMMON_ERA + 86400 * 365, spec) == 86400 * 365 // seconds


def test_a_time_that_is_unknown_or_before_the_era_has_no_slot():
    for moment in (None, 0, 946684800, COMMON_ERA - 1):  # a board without a clock counts from 1970 or from 2000
        assert slot_at(moment, TINY) == UNKNOWN
    assert UNKNOWN < 0


def test_a_clock_before_the_checkpoint_is_refused():
    check_clock(100, 100)
    check_clock(101, 100)
    check_clock(UNKNOWN, 100)
    error = raises(LocalError, check_clock, 99, 100)
    assert error.exit_code == 2 and "slot 99" in str(error) and "slot 100" in str(error)


def test_a_checkpoint_of_more_than_a_week_is_refused():
    assert MAX_AGE_SECONDS == WEEK_SLOTS * 6
    check_age(5, 5, TINY)
    check_age(5 + WEEK_SLOTS, 5, TINY)
    check_age(UNKNOWN, 0, TINY)
    error = raises(LocalError, check_age, 5 + WEEK_SLOTS + 1, 5, TINY)
    assert error.exit_code == 2 and "--old-checkpoint" in str(error)
    # The bound is one of time, not of slots.
    check_age(5 + WEEK_SLOTS + 1, 5, SLOW)
    assert "8 days old" in str(raises(LocalError, check_age, 8 * 86400 // 4, 0, SLOW))


def test_a_clock_behind_the_checkpoint_makes_it_no_older():
    check_age(0, 10 * WEEK_SLOTS, TINY)

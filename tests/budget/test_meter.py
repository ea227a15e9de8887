# portable: runs on CPython and MicroPython
"""The token bucket: what it lets through, when it says to come back, and that it never lets more through."""

from jamliquor_lite.budget.meter import Meter
from tests.support import raises


def test_rate_zero_is_no_limit():
    meter = Meter(0, 1)
    meter.spend(10**6, 5)
    assert meter.ready(5) and meter.wake_at(5) == 5 and meter.total_bytes == 10**6


def test_impossible_meters_are_refused():
    for rate, burst in ((-1, 10), (10, 0), (10, -1)):
        raises(ValueError, Meter, rate, burst)


def test_a_burst_passes_then_the_debt_is_waited_for():
    meter = Meter(1000, 500)
    assert meter.ready(0)
    meter.spend(500, 0)
    assert not meter.ready(0)
    assert meter.wake_at(0) == 1
    meter.spend(100, 0)  # a datagram is not cut: it goes into debt
    assert meter.wake_at(0) == 101
    assert not meter.ready(100) and meter.ready(101)


def test_wake_at_is_the_first_ready_moment():
    for rate in (1, 3, 7, 999, 1000, 1001, 65_537, 5_000_000):
        for debt in (1, 2, 1199, 1200, 50_000):
            meter = Meter(rate, 1200)
            meter.spend(1199 + debt, 1000)
            at = meter.wake_at(1000)
            assert at > 1000 or meter.ready(1000), (rate, debt)
            late = Meter(rate, 1200)
            late.spend(1199 + debt, 1000)
            assert at == 1000 or not late.ready(at - 1), (rate, debt)
            assert late.ready(at), (rate, debt)


def test_nothing_is_lost_to_rounding_and_nothing_is_won():
    # 3 bytes a second, asked every 7 ms for 100 s: the grants are what the rate says, plus the bucket.
    meter = Meter(3, 10)
    passed = 0
    for now in range(0, 100_000, 7):
        while meter.ready(now):
            meter.spend(1, now)
            passed += 1
    assert passed == 10 + 3 * 100 - 1, passed


def test_average_holds_for_datagrams():
    rate = 10_000
    meter = Meter(rate, 2400)
    passed = 0
    now = 0
    while now < 60_000:
        if meter.ready(now):
            meter.spend(1200, now)
            passed += 1200
        else:
            now = meter.wake_at(now)
    assert rate * 60 <= passed <= rate * 60 + 2400 + 1200, passed


def test_idle_fills_the_bucket_and_no_more():
    meter = Meter(1000, 500)
    meter.spend(400, 0)
    meter.ready(3_600_000_000)
    meter.spend(500, 3_600_000_000)
    assert not meter.ready(3_600_000_000)


def test_time_that_goes_back_earns_nothing():
    meter = Meter(1000, 100)
    meter.spend(100, 10_000)
    assert not meter.ready(5_000) and not meter.ready(10_000)
    assert meter.ready(10_001)


def test_what_can_be_cut_is_cut_to_the_allowance_and_leaves_no_debt():
    meter = Meter(1000, 500)
    assert meter.allowance(0) == 500 and Meter(0, 1).allowance(0) > 1 << 29
    meter.spend(480, 0)
    assert meter.allowance(0) == 20 and meter.wake_at(0, 20) == 0
    assert meter.wake_at(0, 120) == 100, "a byte a millisecond"
    assert meter.allowance(100) == 120 and meter.wake_at(100, 120) == 100
    meter.spend(620, 100)
    assert meter.allowance(100) == 0 and meter.wake_at(100) == 601
    assert meter.wake_at(100, 10_000) == 100 + 1000, "no more than the burst will ever be there"

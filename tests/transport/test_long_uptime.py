# portable: runs on CPython and MicroPython
"""Moments grow beyond a small integer of a 32-bit MicroPython (2^30 ms, 12.4 days), an int (2^31) and a word (2^32):
what waits, meters and gives up does so all the same."""

from jamliquor_lite.budget.classes import COUNT, WEIGHTS
from jamliquor_lite.budget.meter import Meter
from jamliquor_lite.budget.shares import Shares
from jamliquor_lite.transport.states import CLOSED, READY
from tests.transport.connection_pair import Hand, Pair, bounds
from tests.transport.yamux_pair import read

LIMITS = bounds()
ENDS = (1 << 30, 1 << 31, 1 << 32)


def metered(now):
    """What meters say in ten seconds from `now` on, in moments that are counted from there."""
    shares, meter = Shares(10_000, 2_000, WEIGHTS), Meter(3_000, 500)
    said = []
    for step in range(400):
        at = now + 25 * step
        cls = step * 7 % COUNT
        said += [shares.may(cls, at), shares.allowance(cls, at), shares.wake_at(cls, at, 1_500) - at]
        said += [meter.ready(at), meter.wake_at(at, 400) - at]
        if shares.may(cls, at):
            shares.spend(cls, 100 + step % 7 * 300, at)
        if meter.ready(at):
            meter.spend(step % 5 * 100, at)
    return said


def test_meters_and_shares_say_the_same_at_any_time():
    young = metered(1_000)
    for end in ENDS:
        assert metered(end - 5_000) == young


def test_a_connection_lives_on_and_keeps_its_deadlines():
    for end in ENDS:
        pair = Pair(ready=True, now=end - 5 * LIMITS.idle_timeout_ms)
        stream, there = pair.stream()
        assert read(stream) == b""
        for _ in range(10):
            pair.pass_time(LIMITS.idle_timeout_ms, 1000)
        assert pair.now > end and pair.a.state == pair.b.state == READY
        stream.send(b"still here", 0, 10)
        pair.settle()
        assert read(there) == b"still here"
        pair.done()


def test_who_falls_silent_is_given_up_in_time():
    for end in ENDS:
        hand = Hand(ready=True, now=end - LIMITS.idle_timeout_ms // 2)
        hand.pass_time(LIMITS.idle_timeout_ms // 2 + 250)
        assert hand.now > end and hand.end.state == READY and hand.hear_plain(), "it is asked"
        hand.pass_time(LIMITS.idle_timeout_ms // 2)
        assert hand.end.state == CLOSED
        hand.gone()

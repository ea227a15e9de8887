# portable: runs on CPython and MicroPython
"""The running port's clock: moments never go back, and processor time passes in work alone."""

import asyncio
import time

from jamliquor_lite.ports import clock
from jamliquor_lite.ports.tcp import Waker


def test_ticks_never_go_back():
    last = clock.ticks_ms()
    for _ in range(2000):
        now = clock.ticks_ms()
        assert isinstance(now, int) and now >= last
        last = now


def test_processor_time_passes_in_work():
    first = last = clock.cpu_us()
    while clock.cpu_diff(last, first) < 2000:
        now = clock.cpu_us()
        assert isinstance(now, int) and clock.cpu_diff(now, last) >= 0
        last = now


def test_processor_time_stands_still_in_waits():
    # A busy machine may make a program late on its way into a wait and out of it, but not every time.

    async def waits():
        waker = Waker()
        for _ in range(50):
            begun, at = clock.cpu_us(), clock.ticks_ms()
            await waker.wait(40)
            if clock.ticks_ms() - at >= 40 and clock.cpu_diff(clock.cpu_us(), begun) < 20_000:
                return True
        return False

    assert asyncio.run(waits())


def test_wall_seconds():
    now = clock.wall_seconds()
    assert now is None or (isinstance(now, int) and now >= 1735732800)


class Counter:
    """A board's counters of 30 bits, as `time` of a 32-bit MicroPython has them."""

    PERIOD = 1 << 30

    def __init__(self, at):
        self.at = at

    def ticks_ms(self):
        return self.at % self.PERIOD

    ticks_us = ticks_ms

    def ticks_add(self, ticks, delta):
        return (ticks + delta) % self.PERIOD

    def ticks_diff(self, end, start):
        half = self.PERIOD // 2
        return (end - start + half) % self.PERIOD - half


def of_board():
    """MicroPython's clock, which CPython has to be helped with."""
    if hasattr(time, "ticks_ms"):
        return clock
    names = ("ticks_ms", "ticks_us")
    for name in names:
        setattr(time, name, lambda: 0)
    try:
        from jamliquor_lite.ports.micropython import clock as found
    finally:
        for name in names:
            delattr(time, name)
    return found


def test_moments_go_on_where_the_boards_counter_begins_again():
    board = of_board()
    before, board.time = board.time, Counter(before_ticks(board))
    try:
        counter = board.time
        first, begun = board.ticks_ms(), counter.at
        step = 0
        while counter.at - begun < 5 * Counter.PERIOD:  # two months
            step = step * 5 % 1_000_003 + 77_777_777
            counter.at += step
            assert board.ticks_ms() - first == counter.at - begun
        assert board.ticks_ms() - first > 1 << 32
    finally:
        board.time = before


def before_ticks(board):
    # Where the counter stands for the module, which was imported with the real one.
    return board._last % Counter.PERIOD

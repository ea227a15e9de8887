"""What is ready wakes who waits, and keeps no loop busy while nobody does."""

import asyncio
import socket

from jamliquor_lite.ports.cpython.readiness import Readiness
from jamliquor_lite.ports.cpython.waker import Waker

PATIENCE_S = 120


def test_who_waits_is_told_each_time_and_nobody_else_more_than_once():
    async def main():
        here, there = socket.socketpair()
        waker = Waker()
        told = []
        wake = waker.wake
        waker.wake = lambda: told.append(1) or wake()
        readiness = Readiness(waker)
        readiness.watch(here.fileno(), True, False)
        there.send(b"x")
        async with asyncio.timeout(PATIENCE_S):
            await waker.wait(-1)
            await waker.wait(-1)  # it is readable still, and nobody said otherwise
        told.clear()
        for _ in range(50):  # somebody else's turns of the loop
            await asyncio.sleep(0)
        assert len(told) == 1
        async with asyncio.timeout(PATIENCE_S):
            await waker.wait(-1)  # it is not lost
            readiness.watch(here.fileno(), True, True)
            await waker.wait(-1)
        here.close()
        there.close()

    asyncio.run(main())

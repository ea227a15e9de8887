"""What a node waits on: one place that every link, timer and caller of it can end.

It moves its task within the queue of tasks of asyncio, as cancelling one does: asyncio's own Event and timeout are a
kilobyte of code, and make a task for each wait.

Its loop waits in one place, for sockets and timers alike. There the clock of processor time is told.
"""

import asyncio

from ...const import const
from . import clock

_LONGEST_MS = const(0x0FFFFFFF)  # three days: asyncio's clock wraps, and tells before from after within half of that
_wait_io_event = asyncio.core.IOQueue.wait_io_event


def _wait(queue: object, timeout_ms: int) -> None:
    clock.cpu_us()
    _wait_io_event(queue, timeout_ms)
    if timeout_ms:  # else it only looks, and on a board the network's stack works meanwhile
        clock._waited()


asyncio.core.IOQueue.wait_io_event = _wait


class Waker:
    """`await wait(timeout_ms)` ends at `wake()`, whether it came during the wait or before it, or when time is over."""

    def __init__(self) -> None:
        self._is_woken = False
        self._waiter: "asyncio.Task[None] | None" = None

    def wake(self) -> None:
        """End the wait, or the next one."""
        self._is_woken = True
        task = self._waiter
        if task is not None:
            self._waiter = None
            queue = asyncio.core._task_queue
            queue.remove(task)
            queue.push(task)

    async def wait(self, timeout_ms: int) -> None:
        """Wait for at most `timeout_ms`; -1 is without end. What is ready on a link is looked for in any case."""
        if self._is_woken or timeout_ms == 0:
            self._is_woken = False
            await asyncio.sleep_ms(0)
            return
        try:
            self._waiter = asyncio.current_task()
            await asyncio.sleep_ms(_LONGEST_MS if timeout_ms < 0 else min(timeout_ms, _LONGEST_MS))
        finally:
            self._waiter = None
            self._is_woken = False

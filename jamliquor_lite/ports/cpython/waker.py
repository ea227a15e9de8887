"""What a node waits on: one place that every link, timer and caller of it can end."""

import asyncio


class Waker:
    """`await wait(timeout_ms)` ends at `wake()`, whether it came during the wait or before it, or when time is over."""

    def __init__(self) -> None:
        self._is_awaited = False
        self._is_woken = False
        self._waiter: "asyncio.Future[None] | None" = None

    def wake(self) -> bool:
        """End the wait, or the next one. Whether anybody is in one (MicroPython's twin does not say)."""
        self._is_woken = True
        if self._waiter is not None:
            _end(self._waiter)
        return self._is_awaited

    async def wait(self, timeout_ms: int) -> None:
        """Wait for at most `timeout_ms`; -1 is without end. What is ready on a link is looked for in any case."""
        loop = asyncio.get_running_loop()
        self._is_awaited = True
        if self._is_woken or timeout_ms == 0:
            self._is_woken = False
            try:
                await asyncio.sleep(0)  # one round of the loop: readiness is reported, other tasks have their turn
            finally:
                self._is_awaited = False
            return
        waiter = self._waiter = loop.create_future()
        timer = loop.call_later(timeout_ms / 1000, _end, waiter) if timeout_ms > 0 else None
        try:
            await waiter
        finally:
            self._waiter = None
            self._is_woken = self._is_awaited = False
            if timer is not None:
                timer.cancel()


def _end(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)

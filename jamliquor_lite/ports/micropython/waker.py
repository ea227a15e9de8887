"""What a node waits on: one place that every link, timer and caller of it can end."""

import asyncio


class Waker:
    """`await wait(timeout_ms)` ends at `wake()`, whether it came during the wait or before it, or when time is over."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """End the wait, or the next one."""
        self._event.set()

    async def wait(self, timeout_ms: int) -> None:
        """Wait for at most `timeout_ms`; -1 is without end. What is ready on a link is looked for in any case."""
        if self._event.is_set() or timeout_ms == 0:
            self._event.clear()
            await asyncio.sleep_ms(0)
            return
        try:
            if timeout_ms < 0:
                await self._event.wait()
            else:
                await asyncio.wait_for_ms(self._event.wait(), timeout_ms)
        except asyncio.TimeoutError:
            pass
        self._event.clear()

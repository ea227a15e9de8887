"""What a link, a listener and a serial line watch their descriptor for."""

import asyncio

from .waker import Waker


class Readiness:
    """The readiness of one descriptor that wakes `waker`; none at first.

    asyncio tells of it in every round of its loop. So whoever is told while nobody waits is not told again before the
    next `watch`: a node that rests would keep the loop busy.
    """

    __slots__ = ("_descriptor", "_reading", "_waker", "_writing")

    def __init__(self, waker: Waker) -> None:
        self._descriptor = -1
        self._waker = waker
        self._reading = self._writing = False

    def watch(self, descriptor: int, reading: bool, writing: bool) -> None:
        """From now on: bytes to read or a connection to accept (`reading`), room to write (`writing`)."""
        if reading == self._reading and writing == self._writing:
            return
        self._descriptor = descriptor
        loop = asyncio.get_running_loop()
        if reading != self._reading:
            self._reading = reading
            if reading:
                loop.add_reader(descriptor, self._on_readable)
            else:
                loop.remove_reader(descriptor)
        if writing != self._writing:
            self._writing = writing
            if writing:
                loop.add_writer(descriptor, self._on_writable)
            else:
                loop.remove_writer(descriptor)

    def _on_readable(self) -> None:
        if not self._waker.wake():
            self.watch(self._descriptor, False, self._writing)

    def _on_writable(self) -> None:
        if not self._waker.wake():
            self.watch(self._descriptor, self._reading, False)

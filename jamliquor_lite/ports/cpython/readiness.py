"""What a link, a listener and a serial line watch their descriptor for."""

import asyncio

from .waker import Waker


class Readiness:
    """The readiness of one descriptor that wakes `waker`; none at first."""

    __slots__ = ("_reading", "_waker", "_writing")

    def __init__(self, waker: Waker) -> None:
        self._waker = waker
        self._reading = self._writing = False

    def watch(self, descriptor: int, reading: bool, writing: bool) -> None:
        """From now on: bytes to read or a connection to accept (`reading`), room to write (`writing`)."""
        if reading == self._reading and writing == self._writing:
            return
        loop = asyncio.get_running_loop()
        if reading != self._reading:
            self._reading = reading
            if reading:
                loop.add_reader(descriptor, self._waker.wake)
            else:
                loop.remove_reader(descriptor)
        if writing != self._writing:
            self._writing = writing
            if writing:
                loop.add_writer(descriptor, self._waker.wake)
            else:
                loop.remove_writer(descriptor)

# portable: runs on CPython and MicroPython
"""A socket is read into a part of a buffer, and written from one, without the heap, where reads take ranges in C."""

import asyncio

from jamliquor_lite.ports.tcp import Waker, dial
from tests.loopback import HOST, listen
from tests.noalloc.heap import locked, need_c

SIZE = 1_000
DATA = bytes([number * 11 & 0xFF for number in range(SIZE)])


class Moved:
    """Bytes from one link to another, out of the middle of a buffer and into the middle of one, as they come."""

    def __init__(self, here, there):
        self.here, self.there = here, there
        self.out = memoryview(bytearray(b"??" + DATA + b"??"))
        self.got = memoryview(bytearray(SIZE + 4))

    def __call__(self):
        sent = got = 0
        while got < SIZE:
            sent += self.here.send(self.out, 2 + sent, 2 + SIZE)
            size = self.there.recv_into(self.got, 1 + got, 1 + min(SIZE, got + 300))
            assert size >= 0
            got += size
        return self.there.recv_into(self.got, 0, SIZE)


async def pair(waker):
    """A listener, a link that was dialed, and the one that was accepted."""
    listener, port = listen(waker)
    here = dial(waker, HOST, port)
    there = listener.accept()
    while there is None:
        listener.watch(True)
        await waker.wait(1000)
        there = listener.accept()
    return listener, here, there


async def move():
    listener, here, there = await pair(Waker())
    moved = Moved(here, there)
    for number in range(10):
        assert (locked(moved) if number else moved()) == 0
        assert bytes(moved.got) == b"\0" + DATA + bytes(3)
    for link in (listener, here, there):
        link.close()


def test_a_link_takes_nothing():
    need_c("aead")
    asyncio.run(move())

"""A host of the lite network and those that dial it, honest or not, over real sockets of the loopback."""

import asyncio
import os
import socket

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.states import CONNECTING
from jamliquor_lite.transport.terms import OFF

PATIENCE_S = 120
HERE = "127.0.0.1"
ELSEWHERE = "127.0.0.2"  # the whole of 127.0.0.0/8 is this machine: other sources
ECHO = 900
NAME = "/test/echo/1"


def bounds(**numbers):
    profile = Profile()
    profile.max_peers = 12
    for name, value in numbers.items():
        assert hasattr(profile, name), name
        setattr(profile, name, value)
    return profile


class World:
    """A listener and dialers, driven together. Time is the clock's and what `later` adds to it."""

    def __init__(self, policy=OFF, dialers=1, **numbers):
        self.waker = Waker()
        self.added = 0
        profile = bounds(**numbers)
        self.listener = Libp2pCarrier(b"\xfe" * 32, "", profile, [(HERE, 0)], policy=policy)
        self.dialers = [Libp2pCarrier(bytes([i + 1]) * 32, "", profile, [], policy=policy) for i in range(dialers)]
        self.carriers = [self.listener, *self.dialers]
        for carrier in self.carriers:
            carrier.open(self.waker)
        self.listener.terms.serve(NAME, ECHO)
        for dialer in self.dialers:
            dialer.terms.speak(NAME, ECHO)
        self.port = int(self.listener.places[0].rpartition("/")[2])
        self.accepted = []
        self.strangers = []

    @property
    def now(self):
        return clock.ticks_ms() + self.added

    def turn(self):
        for carrier in self.carriers:
            carrier.receive(self.now)
        while True:
            connection = self.listener.accept()
            if connection is None:
                break
            self.accepted.append(connection)
        for carrier in self.carriers:
            carrier.flush(self.now)
            carrier.watch(self.now)

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.turn()
                await self.waker.wait(2)

    async def later(self, ms):
        """Time passes, and everybody has looked at what came of it."""
        self.added += ms
        for _ in range(5):
            self.turn()
            await self.waker.wait(1)

    def stranger(self, source=HERE, words=b""):
        """A connection that says so much and no more."""
        sock = socket.create_connection((HERE, self.port), source_address=(source, 0))
        sock.setblocking(False)
        if words:
            sock.send(words)
        self.strangers.append(sock)
        self.turn()  # or the system's backlog would be full
        return sock

    async def dial(self, dialer=0, places=None):
        carrier = self.dialers[dialer]
        connection = carrier.dial_to(self.listener.peer_id, places or [(HERE, self.port)], self.now)
        await self.until(lambda: connection.state != CONNECTING)
        return connection

    async def end(self):
        for sock in self.strangers:
            sock.close()
        for carrier in self.carriers:
            carrier.close("enough")
        await self.until(lambda: all(carrier.is_drained for carrier in self.carriers) or self.leave())
        for carrier in self.carriers:
            carrier.release()
            assert carrier.is_whole

    def leave(self):
        self.added += 100  # whoever takes no goodbye has a second for it
        return False


def is_over(sock):
    """The other side has closed it."""
    try:
        while True:
            if sock.recv(4096) == b"":
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def take(connection, found):
    """Put the next stream of the peer into `found`, if there is one."""
    stream = connection.accept()
    if stream is not None:
        found.append(stream)
    return found


def run(main):
    asyncio.run(main())


def descriptors():
    return len(os.listdir("/proc/self/fd"))

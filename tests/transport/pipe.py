"""Two ends over a network that exists in memory only, with a clock that the test turns."""

import random

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.transport.quic import READY, Connection
from jamliquor_lite.transport.quic_certificate import Identity
from jamliquor_lite.transport.quic_listener import Listener

GENESIS = bytes.fromhex("2bf11dc5e1c7b9bbaafc2c8533017abc12daeb0baf22c92509ad50f7875e5716")
CLIENT_ADDR = ("10.0.0.1", 1001)
SERVER_ADDR = ("10.0.0.2", 2002)
DELAY_MS = 5


class Pipe:
    """Moves datagrams between `client` and `server`; anything with receive, drain, tick and wake_at will do.

    `loss` is the share of datagrams lost, `reorder` the share that is 3 delays late; both from a fixed seed.
    `cut` loses all. `bytes` counts what each end sent.
    """

    def __init__(self, client, server, loss=0.0, reorder=0.0, seed=1):
        self.client, self.server = client, server
        self.now = 1_000_000
        self.loss, self.reorder, self.cut = loss, reorder, False
        self.random = random.Random(seed)
        self.flying = []
        self.count = 0
        self.bytes = {CLIENT_ADDR: 0, SERVER_ADDR: 0}

    def _drain(self, end, addr):
        moved = False
        while (item := end.drain(self.now)) is not None:
            moved = True
            self.bytes[addr] += len(item[0])
            if self.cut or self.random.random() < self.loss:
                continue
            late = 3 if self.random.random() < self.reorder else 1
            self.count += 1
            self.flying.append((self.now + DELAY_MS * late, self.count, addr, item[0]))
        return moved

    def step(self):
        """Deliver what is due, send what is queued, then turn the clock to the next thing that happens."""
        while self._drain(self.client, CLIENT_ADDR) | self._drain(self.server, SERVER_ADDR):
            pass
        times = [at for end in (self.client, self.server) if (at := end.wake_at(self.now)) >= 0]
        times += [item[0] for item in self.flying]
        if not times:
            return False
        self.now = max(self.now, min(times))
        due = sorted(item for item in self.flying if item[0] <= self.now)
        self.flying = [item for item in self.flying if item[0] > self.now]
        for _, _, source, datagram in due:
            if source is CLIENT_ADDR:
                self.server.receive(datagram, CLIENT_ADDR, self.now)
            else:
                self.client.receive(datagram, SERVER_ADDR, self.now)
        self.client.tick(self.now)
        self.server.tick(self.now)
        return True

    def run(self, until=None, ms=60_000):
        """Step until `until()` holds (True), or `ms` of the fake clock passed or nothing is left (False)."""
        end = self.now + ms
        for _ in range(200_000):
            if until is not None and until():
                return True
            if self.now > end or not self.step():
                return False
        raise AssertionError("the two ends are busy and get nowhere")


def identity(number):
    return Identity(bytes([number]) * 32)


def pair(limits=None, server_limits=None, client_id=1, genesis=GENESIS, expect_name=None, **network):
    """A client that has just dialed, a listener, and the pipe between them."""
    limits = limits or Profile()
    listener = Listener(identity(2), GENESIS, server_limits or limits)
    client = Connection.dial(
        identity(client_id), genesis, *SERVER_ADDR, expect_name=expect_name, limits=limits, now=1_000_000
    )
    return client, listener, Pipe(client, listener, **network)


def connected(**arguments):
    """The same after the handshake: client, the server's connection, listener, pipe."""
    client, listener, pipe = pair(**arguments)
    accepted = []

    def ready():
        if (connection := listener.accept()) is not None:
            accepted.append(connection)
        return client.state == READY and accepted

    assert pipe.run(ready), (client.close_reason, [c.close_reason for c in listener.connections])
    return client, accepted[0], listener, pipe

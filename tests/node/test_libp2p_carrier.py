"""The carrier of the lite network under attack, over real sockets of the loopback: floods, churn, dead addresses."""

import asyncio
import os
import socket

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.node.race import Race
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.multistream import message
from jamliquor_lite.transport.noise import PLAIN
from jamliquor_lite.transport.states import CLOSED, CONNECTING, READY
from jamliquor_lite.transport.terms import OFF, PREFER, REQUIRE

PATIENCE_S = 20
HERE = "127.0.0.1"
ELSEWHERE = "127.0.0.2"  # the whole of 127.0.0.0/8 is this machine: other sources
ECHO = 900
NAME = "/test/echo/1"
HELLO = message("/multistream/1.0.0") + message(PLAIN)


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


def run(main):
    asyncio.run(main())


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_a_flood_of_connections_that_say_nothing():
    async def main():
        world = World(handshakes=4, connections_per_source=8)
        for _ in range(20):
            world.stranger()
        await world.until(lambda: world.listener.refused.get("slots") == 16)
        assert len(world.listener.connections) == 4 and world.listener.last_refusal == "too many handshakes"
        assert sum(is_over(sock) for sock in world.strangers) == 16
        assert world.listener.is_whole, "silence holds no buffer"
        await world.later(world.listener.profile.handshake_timeout_ms + 1)
        assert world.listener.connections == [] and world.listener.refused == {"slots": 16, "time": 4}
        await world.until(lambda: all(is_over(sock) for sock in world.strangers))
        assert (await world.dial()).state == READY, "the next one is let in"
        await world.end()

    run(main)


def test_a_flood_from_one_source_leaves_room_for_others():
    async def main():
        world = World(handshakes=8, connections_per_source=3)
        for _ in range(10):
            world.stranger(ELSEWHERE, HELLO)
        await world.until(lambda: world.listener.refused.get("slots") == 7)
        assert world.listener.last_refusal == "too many connections from %s" % ELSEWHERE
        assert (await world.dial()).state == READY
        assert len(world.listener.connections) == 4
        await world.end()

    run(main)


def test_connections_that_stand_count_for_their_source_too():
    async def main():
        world = World(dialers=4, connections_per_source=3)
        states = [(await world.dial(number)).state for number in range(4)]
        assert states == [READY, READY, READY, CLOSED]
        assert world.listener.refused == {"slots": 1}
        await world.until(lambda: len(world.accepted) == 3)
        # One of them leaves, and there is room.
        world.dialers[0].connections[0].close()
        await world.until(lambda: len(world.listener.connections) == 2)
        assert (await world.dial(3)).state == READY
        await world.end()

    run(main)


def test_no_more_peers_than_the_board_has_slots():
    async def main():
        world = World(max_peers=3, handshakes=32, connections_per_source=32)
        for _ in range(12):
            world.stranger(ELSEWHERE)
        # Two above max_peers are let in, to be told.
        await world.until(lambda: len(world.listener.connections) == 5)
        await world.later(10)
        assert len(world.listener.connections) == 5 and world.listener.is_whole
        await world.end()

    run(main)


def test_half_open_peers_at_every_step_are_gone_in_time():
    async def main():
        world = World(policy=PREFER, handshakes=16, connections_per_source=16)
        steps = [HELLO[:cut] for cut in (1, 5, 20, 21, 27)] + [HELLO, HELLO + b"\x00", HELLO + b"\x00\x20" + b"x" * 31]
        steps += [HELLO + b"\x00\x20" + bytes(range(1, 33))]  # a whole first message: we answer, and wait
        for step in steps:
            world.stranger(HERE, step)
        await world.until(lambda: len(world.listener.connections) == len(steps))
        await world.later(world.listener.profile.handshake_timeout_ms + 1)
        await world.until(lambda: world.listener.connections == [])
        assert world.listener.refused == {"time": len(steps)} and world.listener.is_whole
        assert world.listener.last_refusal.startswith("time: handshake not finished")
        await world.end()

    run(main)


def test_garbage_from_strangers_costs_nothing():
    async def main():
        world = World(policy=PREFER, handshakes=16, connections_per_source=16)
        words = [bytes(5000), b"\xff" * 5000, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"]
        words += [HELLO + bytes(5000), HELLO + b"\xff" * 70_000]
        for said in words:
            world.stranger(HERE, said)
        await world.until(lambda: sum(world.listener.refused.values()) == len(words))
        assert set(world.listener.refused) <= {"multistream", "noise", "size"}
        await world.until(lambda: all(is_over(sock) for sock in world.strangers))
        assert world.listener.connections == [] and world.listener.is_whole
        await world.end()

    run(main)


async def exchange(world, connection):
    """A question and its answer on a new stream."""
    await world.until(lambda: world.accepted)
    there = world.accepted.pop()
    stream = connection.open(ECHO)
    stream.send(b"hello", 0, 5)
    found = []
    await world.until(lambda: take(there, found))
    found[0].send(b"world", 0, 5)
    buf = bytearray(10)
    await world.until(lambda: stream.recv_into(buf, 0, 10) == 5)
    assert bytes(buf[:5]) == b"world"


def take(connection, found):
    stream = connection.accept()
    if stream is not None:
        found.append(stream)
    return found


def test_two_hundred_connections_leave_nothing_behind():
    async def main():
        world = World(connections_per_source=8)
        counts = []
        for number in range(200):
            connection = await world.dial()
            assert connection.state == READY, connection.close_reason
            await exchange(world, connection)
            if number % 3 == 0:
                connection.close(number % 2, "enough")
            elif number % 3 == 1:
                world.listener.connections[0].close(0, "enough")
            else:
                connection.ended("cut", world.now)  # the link is closed without a word
            await world.until(lambda: not world.listener.connections and not world.dialers[0].connections)
            assert world.listener.is_whole and world.dialers[0].is_whole
            counts.append(descriptors())
        assert max(counts[100:]) <= max(counts[:5]), "no descriptor is left open"
        for carrier in world.carriers:
            assert carrier.terms.frames._made <= 4 and carrier.terms.chunks._made <= 6, "no buffer is made for a connection"
            assert carrier.refused == {}
        await world.end()

    run(main)


def test_churn_of_strangers_leaves_nothing_behind():
    async def main():
        world = World(handshakes=4)
        counts = []
        for number in range(200):
            sock = world.stranger(HERE, HELLO[: number % len(HELLO)])
            for _ in range(2):
                world.turn()
                await world.waker.wait(1)
            sock.close()
            world.strangers.clear()
            await world.until(lambda: not world.listener.connections)
            assert world.listener.is_whole
            counts.append(descriptors())
        assert max(counts[100:]) <= max(counts[:5])
        assert (await world.dial()).state == READY
        await world.end()

    run(main)


def test_the_hybrid_handshake_holds_no_more():
    async def main():
        world = World(policy=REQUIRE)
        for _ in range(5):
            connection = await world.dial()
            assert connection.state == READY and connection.suite == "hybrid"
            connection.close()
            await world.until(lambda: not world.listener.connections and not world.dialers[0].connections)
        assert all(carrier.is_whole for carrier in world.carriers)
        await world.end()

    run(main)


def refusing():
    """A port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind((HERE, 0))
        return sock.getsockname()


def test_an_address_that_refuses_does_not_keep_us():
    async def main():
        world = World()
        connection = await world.dial(places=[refusing(), (HERE, world.port)])
        assert connection.state == READY and connection.addr == (HERE, world.port)
        connection = world.dialers[0].dial_to(b"", [refusing(), refusing()], world.now)
        await world.until(lambda: connection.state == CLOSED)
        assert "refused" in connection.close_reason.lower() and "during the handshake" in connection.close_reason
        connection = world.dialers[0].dial_to(b"", [], world.now)
        await world.until(lambda: connection.state == CLOSED)
        assert connection.close_reason.startswith("no address")
        await world.end()

    run(main)


def full_backlog():
    """A listener that takes no connection: its backlog is full, so that another one hangs as at a dead address."""
    sock = socket.socket()
    sock.bind((HERE, 0))
    sock.listen(0)
    filler = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(sock.getsockname())
        filler.append(one)
    return sock, filler


def test_an_address_that_is_dead_does_not_keep_us_either():
    async def main():
        world = World()
        sock, filler = full_backlog()
        begun = world.now
        connection = await world.dial(places=[sock.getsockname(), (HERE, world.port)])
        assert connection.state == READY and connection.addr == (HERE, world.port)
        assert world.now - begun < 2000, "the second one is tried long before the system gives the first up"
        # A host of which connections were lately short is waited for no longer than that.
        assert world.dialers[0]._pace.patience_ms < 250
        connection.close()
        await world.until(lambda: not world.dialers[0].connections)
        race = Race(world.waker, [sock.getsockname(), (HERE, world.port)], world.dialers[0]._pace, world.now)
        assert race.poll(world.now) is None
        assert 0 < race.wake_at(world.now) - world.now < 250
        race.close()
        assert race.is_over
        for one in [sock, *filler]:
            one.close()
        await world.end()

    run(main)


def test_a_dial_to_a_dead_address_ends_with_the_handshake_s_time():
    async def main():
        world = World()
        sock, filler = full_backlog()
        before = descriptors()
        connection = world.dialers[0].dial_to(b"", [sock.getsockname()], world.now)
        world.turn()
        assert descriptors() == before + 1
        await world.later(world.dialers[0].profile.handshake_timeout_ms + 1)
        assert connection.state == CLOSED and connection.rule == "time" and descriptors() == before
        assert world.dialers[0].connections == [] and world.dialers[0].is_drained
        for one in [sock, *filler]:
            one.close()
        await world.end()

    run(main)


def test_one_connection_is_used_again():
    async def main():
        world = World()
        connection = await world.dial()

        class Known:
            name = world.listener.name
            places = [(HERE, world.port)]

        assert world.dialers[0].dial(Known, world.now) is connection
        assert world.dialers[0].dial_for_state(Known, world.now) is connection
        connection.close()
        assert world.dialers[0].dial(Known, world.now) is not connection, "not one that is ending"
        await world.end()

    run(main)

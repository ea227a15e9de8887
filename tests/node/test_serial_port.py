# portable: runs on CPython and MicroPython
"""libp2p over a serial line: two carriers, sockets for its ends, and a wire that garbles, breaks and comes back."""

import asyncio

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.errors import LocalError
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.node.places import Places, text
from jamliquor_lite.node.serial_port import BAUD, SerialPort
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.states import CLOSED, CONNECTING, READY
from jamliquor_lite.transport.terms import OFF
from tests.node.serial_line import SerialLine
from tests.support import raises

PATIENCE_MS = 120_000
ECHO = 900
NAME = "/test/echo/1"
WORDS = bytes(range(256)) * 24


def bounds():
    profile = Profile()
    profile.frames, profile.stream_chunks, profile.chunk_bytes, profile.frame_bytes = 6, 16, 2048, 8192
    profile.stream_window_bytes = profile.connection_window_bytes = 8192
    return profile


class World:
    """A listener and a dialer at the ends of a line."""

    def __init__(self, garble=0):
        self.waker = Waker()
        self.line = SerialLine(self.waker, garble)
        profile = bounds()
        self.listener = Libp2pCarrier(b"\xfe" * 32, "", profile, [self.line.places[0]], policy=OFF)
        self.dialer = Libp2pCarrier(b"\x01" * 32, "", profile, [], policy=OFF)
        self.carriers = [self.listener, self.dialer]
        for carrier in self.carriers:
            carrier.open(self.waker)
        self.listener.terms.serve(NAME, ECHO)
        self.dialer.terms.speak(NAME, ECHO)
        self.accepted = []

    async def until(self, condition, what=""):
        late = clock.ticks_ms() + PATIENCE_MS
        while not condition():
            now = clock.ticks_ms()
            assert now < late, what
            self.line.turn()
            for carrier in self.carriers:
                carrier.receive(now)
            while True:
                connection = self.listener.accept()
                if connection is None:
                    break
                self.accepted.append(connection)
            for carrier in self.carriers:
                carrier.flush(now)
                carrier.watch(now)
            await self.waker.wait(5)

    async def dial(self):
        connection = self.dialer.dial_to(self.listener.peer_id, [self.line.places[1]], clock.ticks_ms())
        await self.until(lambda: connection.state != CONNECTING)
        return connection

    async def echo(self, connection):
        """Send words and have them back."""
        here = connection.open(ECHO)
        buf = memoryview(bytearray(1024))
        words = memoryview(WORDS)
        sent, back, got = [0], [], bytearray()

        def is_done():
            if sent[0] < len(words):
                sent[0] += here.send(words, sent[0], min(sent[0] + 512, len(words)))
            if not back and self.accepted:
                there = self.accepted[-1].accept()
                if there is not None:
                    back.append(there)
                    back.append(b"")
            elif back and not back[1]:
                size = back[0].recv_into(buf, 0, 1024)
                back[1] = bytes(buf[: max(0, size)])
            if back and back[1]:
                taken = back[0].send(memoryview(back[1]), 0, len(back[1]))
                back[1] = back[1][taken:]
            size = here.recv_into(buf, 0, 1024)
            got.extend(buf[: max(0, size)])
            return len(got) >= len(words)

        await self.until(is_done, "the echo")
        assert bytes(got) == WORDS

    async def end(self):
        for carrier in self.carriers:
            carrier.close()
            carrier.release()
        self.line.close()
        for _ in range(3):
            await asyncio.sleep(0)


def run(test):
    asyncio.run(test())


def test_a_connection_and_its_streams():
    async def main():
        world = World()
        assert world.listener.places == [text(*world.line.places[0])]
        assert world.listener.places[0].startswith("/serial/socket:%2F%2F127.0.0.1:")
        connection = await world.dial()
        assert connection.state == READY and connection.addr == world.line.places[1]
        await world.echo(connection)
        connection.close()
        await world.until(lambda: not world.listener.connections)
        assert world.listener.is_whole and world.dialer.is_whole
        again = await world.dial()
        assert again.state == READY, "one session after the other"
        await world.echo(again)
        await world.end()

    run(main)


def test_a_line_that_garbles_is_only_slow():
    async def main():
        world = World(garble=1500)
        connection = await world.dial()
        assert connection.state == READY, connection.close_reason
        await world.echo(connection)
        assert world.line.spoiled > 5
        await world.end()

    run(main)


def test_peers_tell_each_other_no_names_of_ports():
    async def main():
        world = World()
        connection = await world.dial()
        services = world.dialer.services(connection)
        assert services.ask_identity(world.dialer, connection, clock.ticks_ms())
        await world.until(lambda: services.info is not None)
        assert services.info.listen_addrs == [] and services.info.observed_addr is None
        await world.end()

    run(main)


def test_a_port_that_vanishes_comes_back():
    async def main():
        world = World()
        connection = await world.dial()
        await world.echo(connection)
        line = world.listener._dialer._lines[world.line.places[0][0]]
        world.line.break_off(0)
        await world.until(lambda: world.accepted[-1].state == CLOSED)
        assert "serial port socket://" in world.accepted[-1].close_reason
        connection.close()
        await world.until(lambda: line.opened == 2 and not world.dialer.connections)
        world.line.break_off(1)
        again = await world.dial()
        while again.state != READY:
            again = await world.dial()
        await world.echo(again)
        await world.end()

    run(main)


def test_a_dialer_that_was_reset_takes_the_place_of_what_it_was():
    async def main():
        world = World()
        connection = await world.dial()
        await world.echo(connection)
        # Its board starts anew: nobody says goodbye, and another host is there.
        dead = world.dialer
        world.dialer = Libp2pCarrier(b"\x02" * 32, "", bounds(), [], policy=OFF)
        world.dialer.open(world.waker)
        world.dialer.terms.speak(NAME, ECHO)
        world.carriers[1] = world.dialer
        for line in dead._dialer._lines.values():
            line._task.cancel()
            line.core.ended("")
            line._shut("")
        again = await world.dial()
        while again.state != READY:
            again = await world.dial()
        assert world.accepted[0].state == CLOSED and "began anew" in world.accepted[0].close_reason
        await world.echo(again)
        await world.end()

    run(main)


def test_a_goodbye_is_heard():
    async def main():
        world = World()
        await world.dial()
        await world.until(lambda: world.accepted)
        world.dialer.close()
        world.dialer.flush(clock.ticks_ms())
        world.dialer.release()
        await world.until(lambda: world.accepted[-1].state == CLOSED)
        await world.end()

    run(main)


def test_what_is_no_place():
    async def main():
        waker = Waker()
        places = Places(waker, Profile())
        raises(LocalError, places.dial, "/serial/no/such/port", 0)
        raises(LocalError, places.listen, "/serial/socket://127.0.0.1", 0)
        port = SerialPort(waker, "/serial/ttyS1@9600")
        assert (port._device, port._baud, port.address) == ("ttyS1", 9600, ("/serial/ttyS1@9600", 0))
        port = SerialPort(waker, "/serial/unix:/tmp/a@b")
        assert (port._device, port._baud) == ("unix:/tmp/a@b", BAUD)
        line = SerialLine(waker)
        listener = places.listen(*line.places[0])
        assert "not dialed" in str(raises(LocalError, places.dial, *line.places[0]))
        assert listener.accept() is None
        places.close()
        line.close()
        await asyncio.sleep(0)

    run(main)

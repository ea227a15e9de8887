"""Back-pressure end to end, on real sockets: a slow application, or a peer that does not read, stops who feeds it.

    application slow → window closed → pools used up → link unread → the system's buffers fill → the peer's send() gives
    EAGAIN → the peer's streams take no more → the peer's application, or whatever feeds it, waits

in both directions, over libp2p on the sockets themselves, over QUIC as far as its own flow control shows it. Nothing is
lost meanwhile, and nothing grows.
"""

import asyncio
import fcntl
import struct
import termios

from jamliquor_lite.node.members import Member
from jamliquor_lite.node.quic import QuicCarrier
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.states import READY
from tests.node.lite_world import ECHO, World, bounds, run, take

PATIENCE_S = 120
SIOCOUTQ = termios.TIOCOUTQ  # linux/sockios.h: bytes of the send queue that the peer has not acknowledged
SMALL = {
    "chunk_bytes": 4096, "stream_chunks": 24, "frames": 8, "frame_bytes": 8192, "stream_window_bytes": 64 * 1024,
    "connection_window_bytes": 64 * 1024, "send_buffer_bytes": 16 * 1024, "connection_send_bytes": 32 * 1024,
    "socket_receive_bytes": 32 * 1024, "socket_send_bytes": 32 * 1024, "stream_stall_ms": 600_000,
    "idle_timeout_ms": 600_000, "frame_stall_ms": 600_000, "shed_after_ms": 600_000,
}
# What can be under way from one application to a peer that does not read: what its stream and its connection hold, both
# systems, and a frame. The systems count in their own way, so that a byte may get through now and then.
UNDER_WAY = sum(SMALL[name] for name in (
    "send_buffer_bytes", "frame_bytes", "socket_send_bytes", "socket_receive_bytes", "frame_bytes"))
STILL = 250  # rounds without a byte that make a standstill: a closed window is looked at again after 250 ms
TOTAL = 1 << 20


def pattern(start, size):
    """Bytes of a stream from a place on: each place has its own, modulo 251."""
    first = start % 251
    return bytes(range(251))[first:] + bytes(range(251)) * (size // 251 + 1)


class Watched:
    """A link that tells what the system said: how often it took nothing, and whether it did so last."""

    def __init__(self, link):
        self._link = link
        self.refusals = 0
        self.is_refused = False

    def __getattr__(self, name):
        return getattr(self._link, name)

    def send(self, buf, start, end):
        size = self._link.send(buf, start, end)
        self.is_refused = size < end - start  # EAGAIN is not an error here
        self.refusals += self.is_refused
        return size

    @property
    def unacknowledged(self):
        return struct.unpack("i", fcntl.ioctl(self._link._socket.fileno(), SIOCOUTQ, bytes(4)))[0]

    @property
    def unread(self):
        return struct.unpack("i", fcntl.ioctl(self._link._socket.fileno(), termios.FIONREAD, bytes(4)))[0]


def watched(carrier, connection) -> "tuple[Member, Watched]":
    """The member of a connection, whose link tells from now on."""
    for member in carrier._members:
        if member.connection is connection:
            member.link = Watched(member.link)
            return member, member.link
    raise AssertionError("no such connection")


class Source:
    """An application that has a pattern to say, as fast as its stream takes it."""

    def __init__(self, stream):
        self.stream = stream
        self.said = 0

    def step(self):
        if self.said < TOTAL:
            size = min(8192, TOTAL - self.said)
            self.said += self.stream.send(pattern(self.said, size), 0, size)


class Sink:
    """An application that reads, unless it is slow; each byte must be the one that follows."""

    def __init__(self, stream):
        self.stream = stream
        self.heard = 0
        self.is_slow = True
        self._buf = bytearray(8192)

    def step(self):
        if not self.is_slow:
            size = self.stream.recv_into(self._buf, 0, len(self._buf))
            assert bytes(self._buf[:size]) == pattern(self.heard, size)[:size], "a byte is lost or twice"
            self.stream.credit(size)
            self.heard += size


async def opened(world, dialer=0):
    """A stream from a dialer to the listener: both ends, with their connections."""
    dialed = await world.dial(dialer)
    assert dialed.state == READY
    await world.until(lambda: world.accepted)
    accepted = world.accepted.pop()
    here = dialed.open(ECHO)
    found = []
    await world.until(lambda: take(accepted, found))
    return dialed, here, accepted, found[0]


async def standstill(world, applications, moved):
    """Turns until nothing has moved for a while; `moved()` grows with everything that does."""
    before, still = -1, 0
    async with asyncio.timeout(PATIENCE_S):
        while still < STILL:
            for application in applications:
                application.step()
            world.turn()
            await world.waker.wait(2)
            now = moved()
            still = still + 1 if now == before else 0
            before = now


async def finish(world, applications, is_done):
    async with asyncio.timeout(PATIENCE_S):
        while not is_done():
            for application in applications:
                application.step()
            world.turn()
            await world.waker.wait(2)


def test_a_slow_application_stops_the_peers_socket_and_loses_nothing():
    async def main():
        world = World(**SMALL)
        dialed, there, accepted, here = await opened(world)
        member, link = watched(world.listener, accepted)
        _, peer = watched(world.dialers[0], dialed)
        source, sink = Source(there), Sink(here)
        await standstill(world, (source, sink), lambda: world.listener.bytes_in + source.said + peer.unacknowledged)
        assert accepted.wants() == 0, "no buffer is left for what comes: the link is not read"
        assert link.unread > 0, "what has come lies in our system"
        assert peer.is_refused and peer.unacknowledged > 0, "the peer's system takes no more"
        assert source.stream.send(b"x", 0, 1) == 0 and source.said < TOTAL, "nor do its streams"
        held = source.said
        most = UNDER_WAY + SMALL["stream_chunks"] * SMALL["chunk_bytes"]
        assert held <= most, "what is under way is what the buffers have, all together"
        pools = world.listener.pools
        free = (pools.chunks.free, pools.frames.free, pools.chunks._made, pools.frames._made)
        for _ in range(200):  # time does not change it
            world.turn()
            await world.waker.wait(1)
        assert (pools.chunks.free, pools.frames.free, pools.chunks._made, pools.frames._made) == free
        assert source.said <= most and world.listener.connections == [accepted]
        # It reads again, and all of it comes, in its order.
        sink.is_slow = False
        await finish(world, (source, sink), lambda: sink.heard == TOTAL)
        assert source.said == TOTAL and pools.chunks._made <= pools.chunks.count
        await world.end()

    run(main)


class Frozen:
    """A world in which some carriers do not run at all: their processes are stopped."""

    def __init__(self, world, *carriers):
        self._world = world
        self._carriers = carriers

    def __enter__(self):
        self._all = self._world.carriers
        self._world.carriers = [carrier for carrier in self._all if carrier not in self._carriers]

    def __exit__(self, *_):
        self._world.carriers = self._all


def test_a_peer_that_does_not_read_stops_our_application():
    for cap in (0, 1 << 20):  # with a cap on what we send, the system is not handed what the peer does not take

        async def main(cap=cap):
            world = World(**SMALL, max_upload_rate=cap)
            dialed, here, accepted, there = await opened(world)
            _, link = watched(world.listener, accepted)
            source, sink = Source(there), Sink(here)
            with Frozen(world, world.dialers[0]):
                await standstill(world, (source,), lambda: source.said + link.unacknowledged)
                assert source.stream.send(b"x", 0, 1) == 0 and source.said < TOTAL
                if cap:
                    assert link.measure()[2] <= 1, "one byte asks for more window"
                else:
                    assert link.is_refused and link.unacknowledged > 0
                for _ in range(200):
                    source.step()
                    world.turn()
                    await world.waker.wait(1)
                assert source.said <= UNDER_WAY, "time does not change it"
            sink.is_slow = False
            await finish(world, (source, sink), lambda: sink.heard == TOTAL)
            await world.end()

        run(main)


class Relay:
    """What a gateway does with an answer: it reads from one peer no more than another one takes."""

    def __init__(self, source, sink):
        self._source, self._sink = source, sink
        self._buf = bytearray(4096)
        self._start = self._end = 0
        self.passed = 0

    def step(self):
        if self._start == self._end:
            self._start = 0
            self._end = self._source.recv_into(self._buf, 0, len(self._buf))
            self._source.credit(self._end)
        taken = self._sink.send(self._buf, self._start, self._end)
        self._start += taken
        self.passed += taken


def test_a_peer_that_does_not_read_stops_the_peer_that_feeds_it_through_us():
    async def main():
        world = World(dialers=2, **SMALL)
        fed, feeding, from_peer, source_stream = await opened(world, 0)
        reading, there, to_peer, sink_stream = await opened(world, 1)
        _, peer = watched(world.dialers[0], fed)
        source, sink, relay = Source(feeding), Sink(there), Relay(source_stream, sink_stream)
        with Frozen(world, world.dialers[1]):
            await standstill(world, (source, relay), lambda: source.said + relay.passed + world.listener.bytes_in)
            assert from_peer.wants() == 0 and peer.is_refused and peer.unacknowledged > 0
            assert feeding.send(b"x", 0, 1) == 0 and relay.passed <= source.said < TOTAL
        sink.is_slow = False
        await finish(world, (source, relay, sink), lambda: sink.heard == TOTAL)
        assert relay.passed == TOTAL
        await world.end()

    run(main)


# QUIC: one socket for all, so a peer is slowed by its own windows


class QuicWorld:
    """Two QUIC carriers on the loopback, driven together."""

    def __init__(self, **numbers):
        self.waker = Waker()
        genesis = bytes(range(32))
        profile = bounds(**numbers)
        self.carriers = [QuicCarrier(bytes([seed]) * 32, genesis, profile, "127.0.0.1", 0) for seed in (1, 2)]
        for carrier in self.carriers:
            carrier.open(self.waker)
        self.accepted = []

    def turn(self):
        now = clock.ticks_ms()
        for carrier in self.carriers:
            carrier.receive(now)
        connection = self.carriers[-1].accept()
        if connection is not None:
            self.accepted.append(connection)
        for carrier in self.carriers:
            carrier.flush(now)
            carrier.watch(now)

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.turn()
                await self.waker.wait(2)

    async def opened(self):
        dialer, listener = self.carriers
        place = listener.addresses[0].partition("@")[2].rpartition(":")

        class Record:
            name = listener.name
            places = [(place[0], int(place[2]))]

        dialed = dialer.dial(Record, clock.ticks_ms())
        await self.until(lambda: dialed.state == READY and self.accepted)
        here = dialed.open(129)
        here.send(b"\x00", 0, 1)
        found = []
        await self.until(lambda: take(self.accepted[0], found))
        buf = bytearray(1)
        await self.until(lambda: found[0].recv_into(buf, 0, 1))
        return here, found[0]

    def end(self):
        for carrier in self.carriers:
            carrier.close()
            carrier.release()


def test_over_quic_a_slow_application_stops_the_peers_stream():
    async def main():
        numbers = {"quic_stream_window_bytes": 64 * 1024, "quic_connection_window_bytes": 64 * 1024,
                   "send_buffer_bytes": 32 * 1024, "idle_timeout_ms": 600_000}
        world = QuicWorld(**numbers)
        there, here = await world.opened()
        source, sink = Source(there), Sink(here)
        await standstill(world, (source, sink), lambda: source.said)
        assert there.send(b"x", 0, 1) == 0 and source.said < TOTAL
        assert source.said <= 64 * 1024 + 32 * 1024, "the window, and what may wait for it"
        assert 0 < source.said
        held = source.said
        for _ in range(100):
            source.step()
            world.turn()
            await world.waker.wait(1)
        assert source.said == held
        sink.is_slow = False
        await finish(world, (source, sink), lambda: sink.heard == TOTAL)
        # And the other way round: what we say to a peer that does not read.
        source, sink = Source(here), Sink(there)
        await standstill(world, (source, sink), lambda: source.said)
        assert here.send(b"x", 0, 1) == 0 and source.said < TOTAL
        sink.is_slow = False
        await finish(world, (source, sink), lambda: sink.heard == TOTAL)
        world.end()

    run(main)

# portable: runs on CPython and MicroPython
"""The carrier of the lite network on the numbers of a small board: two of them in one process, over the loopback."""

import asyncio

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.stream import READ_ENDED
from jamliquor_lite.errors import LocalError
from jamliquor_lite.node import places
from jamliquor_lite.node.carrier import earliest
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.ports import clock, entropy
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.states import CLASSICAL, CLOSED, CONNECTING, HYBRID, READY
from jamliquor_lite.transport.terms import OFF, REQUIRE

PATIENCE_MS = 120_000
ECHO = 900
NAME = "/test/echo/1"
HOST = "127.0.0.1"
PING = bytes(range(32))


def board(**numbers):
    """Fewer and smaller buffers than anything that goes through them."""
    profile = Profile()
    for name in numbers:
        setattr(profile, name, numbers[name])
    profile.frame_bytes = 2050
    profile.frames = 4
    profile.chunk_bytes = 256
    profile.stream_chunks = 8
    profile.identify_bytes = 512
    profile.identify_buffers = 1
    profile.stream_window_bytes = profile.connection_window_bytes = 1024
    profile.send_buffer_bytes = 512
    profile.connection_send_bytes = 768  # a chunk of which is for what is urgent
    profile.handshake_timeout_ms = PATIENCE_MS
    return profile


class Hosts:
    """A carrier that listens and one that dials, driven together."""

    def __init__(self, policy, dialers_policy="", **numbers):
        """`numbers`: of the profile of the one that dials."""
        self.waker = Waker()
        self.dialer = Libp2pCarrier(b"\x01" * 32, "", board(**numbers), [], policy=dialers_policy or policy)
        self.dialer.open(self.waker)
        for _ in range(50):  # not every port of MicroPython says which port the system picked
            self.port = 20_000 + int.from_bytes(entropy.random_bytes(2), "little") % 12_000
            self.listener = Libp2pCarrier(b"\x02" * 32, "", board(), [(HOST, self.port)], policy=policy)
            try:
                self.listener.open(self.waker)
                break
            except LocalError:
                pass
        for carrier in (self.dialer, self.listener):
            carrier.pools.fill()

    async def until(self, is_done):
        """Rounds of both, as a node has them: read, look at what came, send, wait."""
        both = (self.dialer, self.listener)
        until = clock.ticks_ms() + PATIENCE_MS
        while True:
            now = clock.ticks_ms()
            assert now < until, "out of time"
            for carrier in both:
                carrier.receive(now)
            if is_done():
                return
            for carrier in both:
                carrier.flush(now)
            at = earliest([carrier.watch(now) for carrier in both], now + 1000)
            await self.waker.wait(max(0, at - clock.ticks_ms()))

    async def dial(self, port=0):
        connection = self.dialer.dial_to(self.listener.peer_id, [(HOST, port or self.port)], clock.ticks_ms())
        await self.until(lambda: connection.state != CONNECTING)
        return connection

    async def accept(self):
        """The listener's side of the connection."""
        found = []
        await self.until(lambda: found.append(self.listener.accept()) or found[-1] is not None)
        return found[-1]

    async def close(self):
        """Say goodbye; every buffer is back then."""
        for carrier in (self.dialer, self.listener):
            carrier.close("enough")
            while not carrier.is_drained:
                await self.until(lambda: True)
                carrier.flush(clock.ticks_ms())
            carrier.release()
            assert carrier.is_whole


async def _identify_and_ping(carrier, connection, hosts, other):
    services = carrier.services(connection)
    assert services.ask_identity(carrier, connection, clock.ticks_ms())
    assert services.send_ping(carrier, connection, PING, clock.ticks_ms())
    await hosts.until(lambda: services.fault or (services.info is not None and services.rtt_ms >= 0))
    assert services.fault == ""
    assert services.info.key == other.identity.key and "/ipfs/ping/1.0.0" in services.info.protocols
    assert services.info.observed_addr.host == HOST


async def _both_ways(policy, suite):
    hosts = Hosts(policy)
    dialed = await hosts.dial()
    assert dialed.state == READY and dialed.suite == suite and dialed.is_bound, dialed.close_reason
    accepted = await hosts.accept()
    assert accepted.peer_id == hosts.dialer.peer_id and accepted.suite == suite
    await _identify_and_ping(hosts.dialer, dialed, hosts, hosts.listener)
    await _identify_and_ping(hosts.listener, accepted, hosts, hosts.dialer)
    await hosts.close()
    assert dialed.state == accepted.state == CLOSED


def test_classical_ping_and_identify_both_ways():
    asyncio.run(_both_ways(OFF, CLASSICAL))


def test_hybrid_ping_and_identify_both_ways():
    asyncio.run(_both_ways(REQUIRE, HYBRID))


async def _much(size, **numbers):
    hosts = Hosts(OFF, **numbers)
    hosts.listener.terms.serve(NAME, ECHO)
    hosts.dialer.terms.speak(NAME, ECHO)
    dialed = await hosts.dial()
    accepted = await hosts.accept()
    there = dialed.open(ECHO)
    data = bytearray(size)
    for at in range(size):
        data[at] = at * 7 & 0xFF
    buf = bytearray(size)
    progress = [0, 0, None]

    def is_done():
        progress[0] += there.send(data, progress[0], size)
        if progress[0] == size:
            there.finish()
        progress[2] = progress[2] or accepted.accept()
        if progress[2] is not None:
            count = progress[2].recv_into(buf, progress[1], size)
            progress[2].credit(count)
            progress[1] += count
        return progress[2] is not None and progress[2].state & READ_ENDED

    traffic = hosts.dialer.traffic
    sent_before, begun = traffic.wire_out, clock.ticks_ms()
    await hosts.until(is_done)
    assert progress[1] == size and buf == data
    cap = traffic.budgets.profile.max_upload_rate
    if cap:
        passed = clock.ticks_ms() - begun
        assert size < traffic.wire_out - sent_before <= cap * passed // 1000 + traffic.budgets.up.burst
    assert traffic.wire_out > traffic.bytes_out and traffic.wire_in > traffic.bytes_in
    await hosts.close()


def test_more_than_all_buffers_together_arrives():
    asyncio.run(_much(20_000))


def test_what_is_sent_keeps_to_its_cap_however_long_it_takes():
    asyncio.run(_much(40_000, max_upload_rate=100_000))


async def _nobody_there():
    hosts = Hosts(OFF)
    port = hosts.port
    hosts.listener.close()
    connection = await hosts.dial(port)
    assert connection.state == CLOSED and connection.rule == "" and "handshake" in connection.close_reason
    await hosts.close()


def test_a_port_without_a_listener():
    asyncio.run(_nobody_there())


async def _refused():
    hosts = Hosts(REQUIRE, OFF)
    connection = await hosts.dial()
    assert connection.state == CLOSED and connection.rule == "noise", connection.close_reason
    await hosts.until(lambda: hosts.listener.refused)
    assert hosts.listener.refused == {"policy": 1} and hosts.dialer.refused == {"noise": 1}
    await hosts.close()


def test_a_classical_dialer_is_refused_by_policy():
    asyncio.run(_refused())


async def _no_socket():
    hosts = Hosts(OFF)

    def shortage(waker, host, port, *sizes):
        raise LocalError("cannot dial: too many open files")

    before, places.dial = places.dial, shortage
    try:
        connection = await hosts.dial()
    finally:
        places.dial = before
    assert connection.state == CLOSED and "too many open files" in connection.close_reason
    await hosts.close()


def test_a_machine_without_a_socket_to_spare_fails_the_dial_and_nothing_else():
    asyncio.run(_no_socket())

"""The UDP link on the loopback: what it moves and counts, what slows it, and QUIC over it."""

import asyncio
import socket

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.stream import READ_ENDED
from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports.cpython.clock import ticks_ms
from jamliquor_lite.ports.cpython.link import DATAGRAM_BYTES, UdpLink, resolve
from jamliquor_lite.ports.cpython.waker import Waker
from jamliquor_lite.transport.quic import READY, Connection
from jamliquor_lite.transport.quic_listener import Listener
from tests.transport.pipe import GENESIS, identity

SOON_MS = 120_000  # how long a test waits for what must come


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


LOOPBACKS = [
    "127.0.0.1",
    pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")),
]


@pytest.mark.parametrize("host", LOOPBACKS)
def test_there_and_back(host):
    async def main():
        one, two = UdpLink(host, 0), UdpLink(host, 0)
        assert one.address[0] == host and one.address[1] > 0
        assert two.receive() == -1
        assert one.send(b"hello", two.address)
        assert await two.readable(SOON_MS)
        assert two.receive() == 5 and bytes(two.view[:5]) == b"hello" and two.source == one.address
        assert two.send(two.view[:3], two.source)
        assert await one.readable(SOON_MS)
        assert one.receive() == 3 and one.receive() == -1
        assert (one.bytes_out, one.bytes_in, one.datagrams_out, one.datagrams_in) == (5, 3, 1, 1)
        assert (two.bytes_out, two.bytes_in, two.datagrams_out, two.datagrams_in) == (3, 5, 1, 1)
        one.close()
        two.close()

    asyncio.run(main())


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_one_socket_for_both_families_shows_plain_addresses():
    async def main():
        both, four = UdpLink("::", 0), UdpLink("127.0.0.1", 0)
        assert four.send(b"4", ("127.0.0.1", both.address[1]))
        assert await both.readable(SOON_MS) and both.receive() == 1
        assert both.source == four.address
        assert both.send(b"back", both.source)
        assert await four.readable(SOON_MS) and four.receive() == 4
        both.close()
        four.close()

    asyncio.run(main())


def test_the_buffer_is_the_callers():
    async def main():
        buffer = bytearray(b"." * 8)
        one, two = UdpLink("127.0.0.1", 0), UdpLink("127.0.0.1", 0, buffer=buffer)
        one.send(b"abc", two.address)
        one.send(b"much too long", two.address)
        await two.readable(SOON_MS)
        assert two.receive() == 3 and buffer == b"abc....."
        await two.readable(SOON_MS)
        assert two.receive() == 8, "cut to the buffer"
        one.close()
        two.close()

    asyncio.run(main())
    assert DATAGRAM_BYTES >= 1500


def test_an_empty_datagram_is_one():
    async def main():
        one, two = UdpLink("127.0.0.1", 0), UdpLink("127.0.0.1", 0)
        one.send(b"", two.address)
        assert await two.readable(SOON_MS) and two.receive() == 0 and two.receive() == -1
        one.close()
        two.close()

    asyncio.run(main())


def test_readable_ends_by_timeout_and_by_wake():
    async def main():
        link = UdpLink("127.0.0.1", 0)
        assert not await link.readable(0)
        assert not await link.readable(5)
        task = asyncio.create_task(link.readable(-1))
        await asyncio.sleep(0)
        link.wake()
        assert not await task
        link.wake()  # before the wait: it must not be lost
        assert not await link.readable(-1)
        task = asyncio.create_task(link.readable(-1))
        await asyncio.sleep(0)
        link.close()
        assert not await task

    asyncio.run(asyncio.wait_for(main(), SOON_MS / 1000))


def test_a_wait_can_be_cancelled():
    async def main():
        one, two = UdpLink("127.0.0.1", 0), UdpLink("127.0.0.1", 0)
        task = asyncio.create_task(two.readable(-1))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        one.send(b"x", two.address)
        assert await two.readable(SOON_MS)
        one.close()
        two.close()

    asyncio.run(main())


def test_what_is_not_watched_wakes_nobody_and_is_there_later():
    async def main():
        waker = Waker()
        one, two = UdpLink("127.0.0.1", 0), UdpLink("127.0.0.1", 0, waker=waker, receive_bytes=64 * 1024)
        one.send(b"x", two.address)
        two.watch(True)
        await waker.wait(SOON_MS)
        two.watch(False)
        waiting = asyncio.create_task(waker.wait(-1))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not waiting.done(), "the socket is readable, and nobody wants to know"
        two.watch(True)
        await waiting
        assert two.receive() == 1
        assert two._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 64 * 1024
        one.close()
        two.close()

    asyncio.run(asyncio.wait_for(main(), SOON_MS / 1000))


def test_what_the_system_refuses_is_lost_and_counted():
    link = UdpLink("127.0.0.1", 0)
    assert link.send(bytes(70_000), ("127.0.0.1", 9)) and link.failed == 1 and link.bytes_out == 0
    assert link.send(b"x", ("127.0.0.1", 70_000)) and link.failed == 2
    link.close()


def test_an_address_in_use_is_one_clear_line():
    link = UdpLink("127.0.0.1", 0)
    with pytest.raises(
        LocalError, match="cannot listen on UDP 127.0.0.1 port %d: .*in use" % link.address[1]
    ) as e:
        UdpLink("127.0.0.1", link.address[1])
    assert e.value.exit_code == 2
    link.close()
    for host, port in (("192.0.2.1", 0), ("127.0.0.1", 70_000), ("nonsense.invalid", 0)):
        with pytest.raises(LocalError, match="cannot listen on UDP"):
            UdpLink(host, port)


def test_resolve():
    assert asyncio.run(resolve("127.0.0.1", 5)) == ("127.0.0.1", 5)
    assert asyncio.run(resolve("localhost", 5))[0] in ("127.0.0.1", "::1")
    for bad in ("no-such-host.invalid", "a" * 300):
        with pytest.raises(LocalError, match="cannot resolve") as caught:
            asyncio.run(resolve(bad, 5))
        assert "\n" not in str(caught.value)


class End:
    """A connection or a listener on a link, driven until `done` says so."""

    def __init__(self, link, core):
        self.link, self.core = link, core

    async def run(self, turn):
        link, core = self.link, self.core
        held = None
        while True:
            for _ in range(64):
                size = link.receive()
                if size < 0:
                    break
                core.receive(link.view[:size], link.source, ticks_ms())
            core.tick(ticks_ms())
            if turn():
                return
            while held or (held := core.drain(ticks_ms())):
                if not link.send(*held):
                    break
                held = None
            now = ticks_ms()
            at = now + 1 if held else core.wake_at(now)
            await link.readable(-1 if at < 0 else max(0, at - now))


@pytest.mark.parametrize("host", LOOPBACKS)
def test_quic_over_the_loopback(host):
    answer = bytes(range(256)) * 1200

    async def main():
        server_link, client_link = UdpLink(host, 0), UdpLink(host, 0)
        listener = Listener(identity(2), GENESIS, Profile())
        client = Connection.dial(identity(1), GENESIS, *server_link.address, limits=Profile(), now=ticks_ms())
        served, got, buf, streams = [], bytearray(), bytearray(65536), []

        def serve():
            if (connection := listener.accept()) is not None:
                served.append([connection, None, 0])
            for entry in served:
                entry[1] = entry[1] or entry[0].accept()
                if entry[1] is not None and entry[2] < len(answer):
                    entry[2] += entry[1].send(answer, entry[2], len(answer))
                    if entry[2] == len(answer):
                        entry[1].finish()
            return False

        def ask():
            if client.state == READY and not streams:
                streams.append(client.open(128))
                streams[0].finish()
            if streams and (count := streams[0].recv_into(buf, 0, len(buf))):
                got.extend(buf[:count])
                streams[0].credit(count)
            return bool(streams) and streams[0].state & READ_ENDED

        serving = asyncio.create_task(End(server_link, listener).run(serve))
        await End(client_link, client).run(ask)
        serving.cancel()
        assert bytes(got) == answer and client.peer_name == identity(2).name
        assert client_link.bytes_in > len(answer)
        client_link.close()
        server_link.close()

    asyncio.run(asyncio.wait_for(main(), SOON_MS / 1000))

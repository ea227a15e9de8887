"""What the system says of a TCP link, and what it is told: buffers, what is unsent, segments, resets. Linux only."""

import asyncio
import errno
import fcntl
import socket
import struct
import termios

from jamliquor_lite.ports.cpython.tcp import CLOSED, OPEN, TcpListener, dial
from jamliquor_lite.ports.cpython.waker import Waker

HOST = "127.0.0.1"
PATIENCE_S = 120
SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes of the send queue that were not sent


async def pair(receive_bytes=0, send_bytes=0):
    """A listener, a link that it accepted, and the plain socket at the other end."""
    waker = Waker()
    listener = TcpListener(waker, HOST, 0, receive_bytes, send_bytes)
    listener.watch(True)
    sock = socket.create_connection(listener.address)
    sock.setblocking(False)
    async with asyncio.timeout(PATIENCE_S):
        while (link := listener.accept()) is None:
            await waker.wait(-1)
    return waker, listener, link, sock


def fill(link, size=1448):
    """Send until the system takes no more; how much it took."""
    total, piece = 0, memoryview(bytes(size))
    while taken := link.send(piece, 0, size):
        total += taken
    return total


def unsent(link):
    return link.measure()[2]


def test_what_a_closed_window_holds_back_is_unsent_as_the_system_counts_it():
    async def main():
        _, listener, link, sock = await pair(send_bytes=64 * 1024)
        assert unsent(link) == 0
        fill(link)
        assert unsent(link) > 0
        held = fcntl.ioctl(link._socket.fileno(), SIOCOUTQNSD, bytes(4))
        assert struct.unpack("i", held) == (unsent(link),)
        link.close()
        listener.close()
        sock.close()

    asyncio.run(main())


def test_a_paced_link_takes_nothing_while_anything_is_unsent_and_wakes_when_all_is_out():
    async def main():
        waker, listener, link, sock = await pair()
        link.pace()
        idle = 0
        while idle < 20:  # until it is the peer's window that holds it back, and not an acknowledgement on its way
            if unsent(link) == 0:
                assert 0 < link.send(memoryview(bytes(4096)), 0, 4096) <= 4096
                idle = 0
            else:
                idle += 1
                await asyncio.sleep(0.002)
        assert unsent(link) <= 4096, "a piece, no more"
        link.watch(False, True)
        waiting = asyncio.create_task(waker.wait(-1))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not waiting.done(), "there is no room while bytes are unsent"
        async with asyncio.timeout(PATIENCE_S):
            while not waiting.done():
                try:
                    sock.recv(1 << 20)
                except BlockingIOError:
                    pass
                await asyncio.sleep(0)
        assert unsent(link) == 0
        assert link.send(memoryview(b"x"), 0, 1) == 1 and link.state == OPEN
        link.close()
        listener.close()
        sock.close()

    asyncio.run(main())


def test_buffers_are_bounded_on_both_ends_before_the_connection_stands():
    async def main():
        waker, listener, link, sock = await pair(16 * 1024, 32 * 1024)
        option = link._socket.getsockopt
        assert option(socket.SOL_SOCKET, socket.SO_RCVBUF) == 16 * 1024
        assert option(socket.SOL_SOCKET, socket.SO_SNDBUF) == 32 * 1024
        sent = 0
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(200):  # all that the peer's system can push over
                try:
                    sent += sock.send(bytes(4096))
                except BlockingIOError:
                    await asyncio.sleep(0.001)
        waiting = struct.unpack("i", fcntl.ioctl(link._socket.fileno(), termios.FIONREAD, bytes(4)))[0]
        assert 0 < waiting <= 16 * 1024 < sent
        link.close()
        dialed = dial(waker, *listener.address, 16 * 1024, 32 * 1024)
        assert dialed._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 16 * 1024
        dialed.close()
        listener.close()
        sock.close()

    asyncio.run(main())


def test_who_waits_to_be_accepted_is_counted():
    async def main():
        listener = TcpListener(Waker(), HOST, 0)
        assert listener.measure() == 0
        socks = [socket.create_connection(listener.address) for _ in range(3)]
        assert listener.measure() == 3
        link = listener.accept()
        assert listener.measure() == 2
        link.close()
        listener.close()
        assert listener.measure() == 0
        for sock in socks:
            sock.close()

    asyncio.run(main())


def test_a_narrow_connection_can_be_widened():
    async def main():
        _, listener, link, sock = await pair(8 * 1024)

        async def unread():
            """All that the peer's system can push over."""
            while True:
                try:
                    sock.send(bytes(4096))
                except BlockingIOError:
                    for _ in range(20):
                        await asyncio.sleep(0.001)
                        if link.measure()[5] != counts[0]:
                            break
                    else:
                        return link.measure()[5] - taken[0]
                counts[0] = link.measure()[5]

        counts, taken, buf = [0], [0], memoryview(bytearray(1 << 20))
        assert 0 < await unread() <= 8 * 1024
        link.widen(128 * 1024)
        assert link._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 128 * 1024
        for _ in range(5):  # the peer hears of the window as it goes
            taken[0] += link.recv_into(buf, 0, len(buf))
            held = await unread()
        assert 32 * 1024 < held <= 128 * 1024
        link.close()
        listener.close()
        sock.close()

    asyncio.run(main())


def test_every_segment_is_counted_however_little_is_in_it():
    async def main():
        _, listener, link, sock = await pair()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        outs, ins = link.measure()[:2]
        buf = memoryview(bytearray(100))
        for _ in range(100):  # one after the other, or the peer's system would put them together
            sock.send(b".")
            async with asyncio.timeout(PATIENCE_S):
                while not link.recv_into(buf, 0, 100):
                    await asyncio.sleep(0)
        assert link.measure()[1] - ins >= 100, "what acknowledges ours is one as well"
        assert link.send(memoryview(bytes(10)), 0, 10) == 10
        counts = link.measure()
        assert counts[0] > outs
        link.close()
        assert link.state == CLOSED and link.measure() == counts, "they are not lost with the socket"
        listener.close()
        sock.close()

    asyncio.run(main())


def test_an_abort_is_a_reset_and_drops_what_is_unsent():
    async def main():
        _, listener, link, sock = await pair()
        fill(link, 65_536)
        link.abort()
        assert link.state == CLOSED and link.reason == "reset"
        reason = 0
        async with asyncio.timeout(PATIENCE_S):
            while not reason:
                try:
                    if sock.recv(1 << 20) == b"":
                        reason = -1
                except BlockingIOError:
                    await asyncio.sleep(0.001)
                except OSError as error:
                    reason = error.errno
        assert reason == errno.ECONNRESET
        link.abort()
        listener.close()
        sock.close()

    asyncio.run(main())

# portable: runs on CPython and MicroPython
"""TCP links of the running port on the loopback: dialing, what comes and goes, ends, and what wakes the waker."""

import asyncio

from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.tcp import CLOSED, CONNECTING, OPEN, TcpListener, Waker, dial, resolve
from tests.loopback import HOST, listen
from tests.support import raises

PATIENCE_MS = 120_000


async def until(waker, is_done):
    """Wait for links only: what does not wake the waker makes this fail."""
    late = clock.ticks_ms() + PATIENCE_MS
    while not is_done():
        await waker.wait(PATIENCE_MS)
        assert clock.ticks_ms() < late, "nothing woke the waker"


async def pair(waker):
    """(listener, dialing link, accepted link), both OPEN."""
    listener, port = listen(waker)
    here = dial(waker, HOST, port)
    assert here.state in (CONNECTING, OPEN) and here.address == (HOST, port)
    here.watch(False, here.state == CONNECTING)
    await until(waker, lambda: here.poll() == OPEN)
    found = []
    listener.watch(True)
    await until(waker, lambda: found.append(listener.accept()) or found[-1] is not None)
    assert found[-1].state == OPEN and found[-1].address[0] == HOST
    assert listener.accept() is None
    return listener, here, found[-1]


def run(test):
    """Call a coroutine function with a waker."""
    asyncio.run(test(Waker()))


async def _there_and_back(waker):
    listener, here, there = await pair(waker)
    buf = memoryview(bytearray(b"." * 16))
    assert there.recv_into(buf, 0, 16) == 0, "nothing has come"
    assert here.send(memoryview(b"xhellox"), 1, 6) == 5
    there.watch(True, False)
    got = [0]

    def all_came():
        size = there.recv_into(buf, 4 + got[0], 16)
        assert size >= 0
        got[0] += size
        there.watch(True, False)
        return got[0] == 5

    await until(waker, all_came)
    assert bytes(buf) == b"....hello......."
    # The other way, and no more than there is room for.
    assert there.send(memoryview(b"answer"), 0, 6) == 6
    here.watch(True, False)
    await until(waker, lambda: here.recv_into(buf, 0, 2) == 2)
    assert bytes(buf[:4]) == b"an.."
    for link in (listener, here, there):
        link.close()
    assert here.state == there.state == CLOSED and here.reason == "closed"
    assert here.recv_into(buf, 0, 1) == -1 and here.send(buf, 0, 1) == 0


def test_there_and_back():
    run(_there_and_back)


async def _peer_closes(waker):
    listener, here, there = await pair(waker)
    assert there.send(memoryview(b"last"), 0, 4) == 4
    there.close()
    there.close()  # once more does nothing
    buf = memoryview(bytearray(8))
    sizes = []

    def is_over():
        size = here.recv_into(buf, 0, 8)
        sizes.append(size)
        here.watch(True, False)
        return size == -1

    await until(waker, is_over)
    assert sum(sizes) == 3 and max(sizes) == 4, "what was sent before the end is read first"
    assert here.state == CLOSED and here.reason == "the peer closed the connection"
    listener.close()


def test_the_peer_closes():
    run(_peer_closes)


async def _refused(waker):
    listener, port = listen(waker)
    listener.close()
    link = dial(waker, HOST, port)
    link.watch(False, link.state == CONNECTING)
    await until(waker, lambda: link.poll() != CONNECTING)
    assert link.state == CLOSED and link.reason
    assert link.recv_into(memoryview(bytearray(1)), 0, 1) == -1


def test_a_port_that_nobody_listens_on():
    run(_refused)


async def _full(waker):
    # The system takes what fits, then nothing; no byte is lost or doubled.
    listener, here, there = await pair(waker)
    piece = memoryview(bytes(range(256)) * 64)
    size = len(piece)
    sent = taken = 0
    while True:
        taken = here.send(piece, sent % size, size)
        if not taken:
            break
        sent += taken
        assert sent < 64 * 1024 * 1024
    here.watch(False, True)
    buf = memoryview(bytearray(size))
    came = 0
    late = clock.ticks_ms() + PATIENCE_MS
    while came < sent:
        there.watch(True, False)
        count = there.recv_into(buf, 0, min(size, size - came % size))
        assert count >= 0 and bytes(buf[:count]) == bytes(piece[came % size : came % size + count])
        came += count
        if not count:
            await waker.wait(PATIENCE_MS)
            assert clock.ticks_ms() < late
    assert here.send(piece, sent % size, size) > 0
    for link in (listener, here, there):
        link.close()


def test_more_than_the_system_takes_goes_on_when_there_is_room():
    run(_full)


async def _in_use(waker):
    listener, port = listen(waker)
    error = raises(LocalError, TcpListener, waker, HOST, port)
    assert error.exit_code == 2 and str(port) in str(error)
    listener.close()
    again = TcpListener(waker, HOST, port)
    again.close()


def test_a_port_in_use():
    run(_in_use)


async def _resolve(waker):
    assert await resolve(HOST, 7) == [(HOST, 7)]
    try:
        found = await resolve("nowhere.invalid", 7)
    except LocalError as error:
        assert error.exit_code == 2
    else:
        raise AssertionError(found)


def test_resolve():
    run(_resolve)


async def _waits(waker):
    begun = clock.ticks_ms()
    await waker.wait(20)
    assert clock.ticks_ms() - begun >= 19
    waker.wake()  # before the wait: it is not lost
    await waker.wait(-1)
    await waker.wait(0)

    async def other():
        waker.wake()
        waker.wake()  # twice is once

    task = asyncio.create_task(other())
    await waker.wait(-1)
    await task
    begun = clock.ticks_ms()
    await waker.wait(20)
    assert clock.ticks_ms() - begun >= 19, "a wake is used up by the wait it ended"
    # Who waits can be called off, and the next wait is none the worse for it.
    waiting = asyncio.create_task(waker.wait(-1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    try:
        await waiting
    except asyncio.CancelledError:
        pass
    waker.wake()
    await waker.wait(-1)


def test_waits_end_by_time_and_by_wake():
    run(_waits)

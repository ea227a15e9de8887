"""Serial lines of both ports on pseudo-terminals and sockets, and why one cannot be had. CPython runs it."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import tty as terminal

import pytest

from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports.cpython.tty import open_tty
from jamliquor_lite.ports.tcp import CLOSED, OPEN, Waker
from tests import terminals
from tests.support import ROOT

PATIENCE_S = 120


async def _until(waker, is_done):
    async with asyncio.timeout(PATIENCE_S):
        while not is_done():
            await waker.wait(-1)


def run(test):
    asyncio.run(test(Waker()))


def test_two_ends_of_a_pseudo_terminal():
    async def main(waker):
        ours = open_tty(waker, "pty", 0)
        theirs = open_tty(waker, ours.name, 115200)
        assert ours.name.startswith("/dev/pts/") and theirs.address == (ours.name, 115200)
        every = bytes(range(256))
        buf = memoryview(bytearray(300))
        assert theirs.recv_into(buf, 0, 300) == 0, "nothing has come"
        assert ours.send(memoryview(every), 0, 256) == 256
        theirs.watch(True, False)
        got = bytearray()
        await _until(waker, lambda: got.extend(buf[10 : 10 + theirs.recv_into(buf, 10, 300)]) or len(got) == 256)
        assert bytes(got) == every, "no byte is turned into another"
        assert theirs.send(memoryview(every), 1, 3) == 2
        ours.watch(True, False)
        await _until(waker, lambda: ours.recv_into(buf, 0, 300) == 2)
        assert bytes(buf[:2]) == b"\1\2" and theirs.poll() == ours.poll() == OPEN
        theirs.close()
        assert theirs.state == CLOSED and theirs.reason == "closed"
        assert theirs.recv_into(buf, 0, 1) == -1 and theirs.send(buf, 0, 1) == 0
        assert ours.recv_into(buf, 0, 300) == 0, "who left may come again"
        ours.close()

    run(main)


def test_a_line_that_nobody_reads_takes_so_much_and_no_more():
    async def main(waker):
        ours = open_tty(waker, "pty", 0)
        view = memoryview(bytes(4096))
        sizes = [ours.send(view, 0, 4096) for _ in range(100)]
        assert sizes[-1] == 0 and ours.state == OPEN
        ours.close()

    run(main)


def test_a_port_that_vanishes_is_closed_with_a_reason():
    async def main(waker):
        master, slave = os.openpty()
        name = os.ttyname(slave)
        line = open_tty(waker, name, 9600)
        os.close(slave)
        line.watch(True, False)
        terminals.unplug(master, name)
        buf = memoryview(bytearray(8))
        await _until(waker, lambda: line.recv_into(buf, 0, 8) < 0)
        assert line.state == CLOSED and line.reason in ("the port is gone", "Input/output error")

    run(main)


def test_sockets_as_an_emulator_offers_them(tmp_path):
    async def main(waker):
        for family, place, device in (
            (socket.AF_INET, ("127.0.0.1", 0), "socket://127.0.0.1:%d"),
            (socket.AF_UNIX, str(tmp_path / "sock"), "unix:" + str(tmp_path / "sock")),
        ):
            with socket.socket(family) as listener:
                listener.bind(place)
                listener.listen()
                name = device % listener.getsockname()[1] if "%" in device else device
                line = open_tty(waker, name, 0)
                line.watch(True, True)
                await _until(waker, lambda line=line: line.poll() == OPEN)
                peer = listener.accept()[0]
                peer.sendall(b"hello")
                buf = memoryview(bytearray(8))
                await _until(waker, lambda line=line, buf=buf: line.recv_into(buf, 0, 8) == 5)
                peer.close()
                line.close()

    run(main)


@pytest.mark.parametrize(
    ("device", "baud", "complaint"),
    [
        ("/dev/ttyNone7", 115200, "serial port '/dev/ttyNone7': there is no such port"),
        ("ttyNone7", 115200, "serial port '/dev/ttyNone7': there is no such port"),
        ("/dev/null", 115200, "serial port '/dev/null': "),
        ("/tmp", 115200, "serial port '/tmp': Is a directory"),
        ("socket://127.0.0.1", 0, "allowed is socket://IP:PORT"),
        ("socket://:17", 0, "allowed is socket://IP:PORT"),
        ("unix:/nowhere/at/all", 0, "No such file or directory"),
    ],
)
def test_what_is_no_port_is_one_line(device, baud, complaint):
    with pytest.raises(LocalError) as caught:
        open_tty(Waker(), device, baud)
    assert complaint in str(caught.value) and "\n" not in str(caught.value) and caught.value.exit_code == 2


def test_a_port_in_use_and_a_speed_that_there_is_not():
    async def main(waker):
        ours = open_tty(waker, "pty", 0)
        with pytest.raises(LocalError, match="it does not take -3 baud"):
            open_tty(waker, ours.name, -3)
        theirs = open_tty(waker, ours.name, 115200)
        with pytest.raises(LocalError, match="another program has it open"):
            open_tty(waker, ours.name, 115200)
        theirs.close()
        open_tty(waker, ours.name, 115200).close()
        ours.close()

    run(main)


@pytest.mark.skipif(os.getuid() == 0, reason="root may open anything")
def test_a_port_that_is_not_ours_names_the_group(tmp_path):
    path = tmp_path / "tty"
    path.touch(0o000)
    with pytest.raises(LocalError, match="permission denied: you have to be in the group"):
        open_tty(Waker(), str(path), 115200)


ECHO = """
import asyncio, sys
from jamliquor_lite.ports.tty import open_tty
from jamliquor_lite.ports.tcp import Waker
async def main():
    waker = Waker()
    line = open_tty(waker, sys.argv[1], 0)
    buf = memoryview(bytearray(600))
    at = end = 0
    while end < 512:
        line.watch(True, False)
        await waker.wait(-1)
        size = line.recv_into(buf, end, 600)
        assert size >= 0, line.reason
        end += size
    while at < end:
        line.watch(False, True)
        await waker.wait(-1)
        at += line.send(buf, at, end)
asyncio.run(main())
"""


@pytest.mark.parametrize("device", ["stdio", "path"])
def test_micropython_echoes_every_byte(device, tmp_path):
    master, slave = os.openpty()
    terminal.setraw(slave)
    script = tmp_path / "echo.py"
    script.write_text(ECHO)
    name = os.ttyname(slave) if device == "path" else device
    command = [os.path.join(os.path.dirname(sys.executable), "micropython"), str(script), name]
    if not os.path.exists(command[0]):
        pytest.skip("no MicroPython beside the checkout's Python")
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=subprocess.PIPE,
                             env={**os.environ, "MICROPYPATH": str(ROOT) + ":.frozen"})
    timer = threading.Timer(PATIENCE_S, child.kill)
    timer.start()
    try:
        sent = bytes(range(256)) + bytes(range(255, -1, -1))
        os.write(master, sent)
        got = b""
        while len(got) < len(sent) and child.poll() is None:
            got += os.read(master, 1024)
        assert child.wait() == 0, child.stderr.read()
        while len(got) < len(sent):
            got += os.read(master, 1024)
        assert got == sent
    finally:
        timer.cancel()
        child.kill()
        child.wait()
        child.stderr.close()
        os.close(master)
        os.close(slave)

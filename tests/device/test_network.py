"""The network of a board: DHCP, TCP both ways, what a long computation does to it, and that waiting costs nothing."""

import hashlib
import socket
import threading
from pathlib import Path

from tests.device.emulated import Emulated

UP = """
import network, time
lan = network.LAN()
lan.active(True)
while not lan.isconnected():
    time.sleep_ms(1)
"""


class EchoServer:
    """A TCP server on this machine that sends back what comes, and keeps the hash of it."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.hash = hashlib.sha256()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            while data := connection.recv(8192):
                self.hash.update(data)
                connection.sendall(data)

    def close(self) -> None:
        self.listener.close()


ECHO = UP + """
import asyncio, hashlib, os
from jamliquor_lite.ports import tcp
from jamliquor_lite.ports.tcp import Waker
async def echo():
    waker = Waker()
    link = tcp.dial(waker, "10.0.2.2", PORT)
    out = os.urandom(1000)
    sent = hashlib.sha256()
    back = hashlib.sha256()
    inbox = bytearray(2048)
    n_sent = n_back = 0
    while n_back < SIZE:
        at = n_sent % 1000
        n = link.send(memoryview(out), at, min(1000, at + SIZE - n_sent))
        sent.update(memoryview(out)[at : at + n])
        n_sent += n
        m = link.recv_into(memoryview(inbox), 0, 2048)
        assert m >= 0, link.reason
        back.update(memoryview(inbox)[:m])
        n_back += m
        if not n and not m:
            link.watch(True, n_sent < SIZE)
            await waker.wait(1000)
    digest = sent.digest()
    print("echo", n_back, digest == back.digest(), digest.hex())
asyncio.run(echo())
"""


def test_dhcp_and_a_quarter_mebibyte_of_echo(board_name: str, tmp_path: Path) -> None:
    server = EchoServer()
    program = ECHO.replace("PORT", str(server.port)).replace("SIZE", str(256 * 1024))
    with Emulated(board_name, tmp_path, {"main.py": program.encode()}) as board:
        found = board.expect(r"^echo (\d+) (\S+) (\S+)$")
        server.close()
    assert found.groups()[:2] == (str(256 * 1024), "True")
    assert found.group(3) == server.hash.hexdigest()


SERVE = UP + """
import socket
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", 7000))
listener.listen(2)
print("listening", lan.ifconfig()[0])
"""


def test_the_host_reaches_it(boot) -> None:
    board = boot(SERVE + """
while True:
    connection, address = listener.accept()
    line = connection.readline()
    connection.write(b"you said " + line)
    connection.close()
""", ports=(7000,))
    board.expect(r"^listening 10\.0\.2\.15$")
    for text in (b"1\n", b"2\n", b"3\n", b"4\n", b"5\n", b"6\n", b"7\n"):  # more than it has sockets
        with socket.create_connection(board.reach(7000), timeout=60) as connection:
            connection.sendall(text)
            with connection.makefile("rb") as answer:
                assert answer.read() == b"you said " + text


def test_a_listener_can_be_closed_and_made_again(boot) -> None:
    board = boot(SERVE + """
for _ in range(5):
    listener.close()
    listener = socket.socket()
    listener.bind(("0.0.0.0", 7000))
    listener.listen(1)
print("again")
connection, address = listener.accept()
connection.write(connection.read(5))
connection.close()
listener.close()
print("closed")
""", ports=(7000,))
    board.expect("^again$")
    with socket.create_connection(board.reach(7000), timeout=60) as connection:
        connection.sendall(b"hello")
        with connection.makefile("rb") as answer:
            assert answer.read() == b"hello"
    board.expect("^closed$")


def test_a_long_computation_does_not_stall_tcp(boot) -> None:
    """The board loops in Python and looks at no socket, until its TCP has taken a connection and acknowledged data: the
    two frames that are counted are not sent by the loop. Without polling in the VM it would never end."""
    board = boot(SERVE + """
print("counting")
before = lan.stats()[1]
while lan.stats()[1] - before < 2:
    pass
print("counted")
connection, address = listener.accept()
print("read", len(connection.read(2000)))
""", ports=(7000,))
    board.expect("^counting$")
    with socket.create_connection(board.reach(7000), timeout=60) as connection:
        connection.sendall(bytes(2000))
        board.expect("^counted$")
        board.expect("^read 2000$")


def test_an_idle_board_takes_no_processor_time(boot) -> None:
    board = boot(UP + """
print("idle")
time.sleep(3)
print("awake")
""")
    board.expect("^idle$")
    before = _cpu_ticks(board.pid)
    board.expect("^awake$")
    ticks = _cpu_ticks(board.pid) - before
    assert ticks < 100, "a third of three seconds: it does not sleep"


def _cpu_ticks(pid: int) -> int:
    """Hundredths of a second that a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])

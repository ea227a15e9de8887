"""A listener on the loopback of the port that runs. Runs on CPython and MicroPython."""

from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports import entropy
from jamliquor_lite.ports.tcp import TcpListener

HOST = "127.0.0.1"


def listen(waker):
    """(listener, port). Not every port of MicroPython says which port the system picked."""
    for _ in range(50):
        port = 20_000 + int.from_bytes(entropy.random_bytes(2), "little") % 12_000
        try:
            return TcpListener(waker, HOST, port), port
        except LocalError:
            pass
    raise AssertionError("no free port")

"""Serial lines, with the face of a TCP link. The twin of ports/cpython/tty.py.

    tty = open_tty(waker, "stdio", 0)          standard input and output: the UART, on a board
    tty = open_tty(waker, "port", 0)           the second serial port of our QEMU board
    tty = open_tty(waker, "uart1", 115200)     `machine.UART`, with the board's pins for it
    tty = open_tty(waker, "socket://127.0.0.1:4444", 0)     a TcpLink, on ports with a network
    tty = open_tty(waker, "/dev/ttyUSB0", 0)   the unix port; speed and raw mode are set by whoever starts it
"""

import errno
import select
import sys

from ...const import const
from ...errors import LocalError
from .tcp import CLOSED, OPEN, TcpLink, _Watched, dial
from .waker import Waker

_URL = "socket://"
_SENDS = const(64)  # bytes at a time: the write of a UART waits until all of it is on its way
_WAITING_BYTES = const(2048)  # what a window of the serial link can bring while a signature is checked
_NO_INTERRUPT = const(-1)


class Tty(_Watched):
    """One line. `state` is OPEN or CLOSED, the last with `reason`; `name` is its own, `address` (name, baud)."""

    def __init__(self, waker: Waker, descriptor: object, name: str, baud: int, keep: object = None) -> None:
        """`descriptor` is the stream that is read, `keep` the one that is written where that is another."""
        super().__init__(waker, descriptor, keep)
        self.state = OPEN
        self.reason = ""
        self.name = name
        self.address = (name, baud)
        self._one = bytearray(1)
        # A stream that waits for all that was asked for is read byte by byte, each only when it is there.
        self._is_patient = keep is not None or name.startswith("/")
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)
        self._room = select.poll()
        self._room.register(self._sink, select.POLLOUT)

    def recv_into(self, buf: "memoryview", start: int, end: int) -> int:
        """Read what is here into `buf[start:end]`. How many bytes; 0: none now; -1: the line is gone."""
        if self.state != OPEN:
            return -1
        try:
            if self._is_patient:
                return self._recv_each(buf, start, end)
            size = self._socket.readinto(buf if start == 0 else buf[start:], end - start)
        except OSError as error:
            return self._fail(error)
        return size or 0

    def _recv_each(self, buf: "memoryview", start: int, end: int) -> int:
        at = start
        while at < end and _ready(self._poller, select.POLLIN):
            if not self._socket.readinto(self._one, 1):
                if at == start:
                    self._end("the port is gone")
                    return -1
                break
            buf[at] = self._one[0]
            at += 1
        return at - start

    def send(self, buf: "memoryview", start: int, end: int) -> int:
        """Hand `buf[start:end]` to the system. How many bytes it took, 0 while it takes none or the line is gone."""
        if self.state != OPEN:
            return 0
        try:
            if not _ready(self._room, select.POLLOUT):
                return 0
            return self._sink.write(buf, start, min(end - start, _SENDS)) or 0
        except OSError as error:
            self._fail(error)
            return 0

    def watch(self, reading: bool, writing: bool) -> None:
        """What ends a wait: bytes that came (`reading`), room for more (`writing`)."""
        if self.state != CLOSED:
            self._watch(reading, writing)

    def poll(self) -> int:
        """The state."""
        return self.state

    def close(self) -> None:
        """Give the line back."""
        if self.state != CLOSED:
            self._end("closed")

    def _fail(self, error: OSError) -> int:
        if error.errno == errno.EAGAIN:
            return 0
        self._end(errno.errorcode.get(error.errno) or "error %s" % error.errno)
        return -1

    def _end(self, reason: str) -> None:
        self.state = CLOSED
        self.reason = reason
        self._unwatch()
        if self._sink is self._socket and hasattr(self._socket, "close"):
            self._socket.close()  # standard input and output were there before us


def open_tty(waker: Waker, device: str, baud: int) -> "Tty | TcpLink":
    """The line of this name. LocalError, the user's, says why it cannot be had."""
    if device.startswith(_URL):
        host, _, port = device[len(_URL) :].rpartition(":")
        try:
            return dial(waker, host.strip("[]"), int(port))
        except ValueError:
            raise LocalError("serial port %s: allowed is socket://IP:PORT" % device, 2)
    try:
        if device == "stdio":
            return _standard(waker, baud)
        if device == "port":
            import virt

            return Tty(waker, virt.Port(), device, baud)
        if device.startswith("uart"):
            import machine

            uart = machine.UART(int(device[4:]), baud, timeout=0, rxbuf=_WAITING_BYTES)
            return Tty(waker, uart, device, baud)
        return Tty(waker, open(device, "r+b"), device, baud)
    except (OSError, ImportError, ValueError) as error:
        raise LocalError("serial port %s: %s" % (device, error), 2)


def _standard(waker: Waker, baud: int) -> Tty:
    import micropython

    if hasattr(micropython, "kbd_intr"):
        micropython.kbd_intr(_NO_INTERRUPT)  # the byte 03 stands in frames, and ends no program there
    try:
        from virt import Uart  # our port's, which never waits
    except ImportError:
        return Tty(waker, sys.stdin.buffer, "stdio", baud, sys.stdout.buffer)
    return Tty(waker, Uart(), "stdio", baud)


def _ready(poller: "select.poll", event: int) -> bool:
    for item in poller.ipoll(0):
        if item[1] & (event | select.POLLHUP | select.POLLERR):
            return True
    return False

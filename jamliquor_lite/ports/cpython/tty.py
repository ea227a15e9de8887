"""Serial lines, with the face of a TCP link (tcp.py): read straight into the caller's buffer, and never waiting.

    tty = open_tty(waker, "/dev/ttyUSB0", 115200)     a port, opened with pyserial and for nobody else
    tty = open_tty(waker, "pty", 0)                   a new pseudo-terminal; `name` is what to open at its other end
    tty = open_tty(waker, "socket://127.0.0.1:4444", 0)     what QEMU gives for a serial port; a TcpLink
    tty = open_tty(waker, "unix:/run/board.sock", 0)        the same without a port number
"""

import errno
import os
import socket

from ...errors import LocalError
from .readiness import Readiness
from .tcp import CLOSED, OPEN, TcpLink, dial
from .waker import Waker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_URL = "socket://"
_UNIX = "unix:"


class Tty:
    """One line. `state` is OPEN or CLOSED, the last with `reason`; `name` is its own, `address` (name, baud)."""

    def __init__(self, waker: Waker, descriptor: int, name: str, baud: int, keep: "Any" = None) -> None:
        """`descriptor` does not block. `keep` is closed with it, and was opened for it."""
        self.state = OPEN
        self.reason = ""
        self.name = name
        self.address = (name, baud)
        self._readiness = Readiness(waker)
        self._descriptor = descriptor
        self._keep = keep

    def recv_into(self, buf: "memoryview", start: int, end: int) -> int:
        """Read what is here into `buf[start:end]`. How many bytes; 0: none now; -1: the line is gone."""
        if self.state != OPEN:
            return -1
        try:
            size = os.readv(self._descriptor, [buf[start:end]])
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._end(error.strerror or str(error))
            return -1
        if size == 0 and end > start:
            self._end("the port is gone")
            return -1
        return size

    def send(self, buf: "memoryview", start: int, end: int) -> int:
        """Hand `buf[start:end]` to the system. How many bytes it took, 0 while it takes none or the line is gone."""
        if self.state != OPEN:
            return 0
        try:
            return os.write(self._descriptor, buf[start:end])
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._end(error.strerror or str(error))
            return 0

    def watch(self, reading: bool, writing: bool) -> None:
        """What ends a wait: bytes that came (`reading`), room for more (`writing`)."""
        if self.state != CLOSED:
            self._readiness.watch(self._descriptor, reading, writing)

    def poll(self) -> int:
        """The state."""
        return self.state

    def close(self) -> None:
        """Give the line back."""
        if self.state != CLOSED:
            self._end("closed")

    def _end(self, reason: str) -> None:
        try:
            self.watch(False, False)
        except RuntimeError:
            pass  # the loop has ended, and its readers with it
        self.state = CLOSED
        self.reason = reason
        if self._keep is not None:
            self._keep.close()
        else:
            os.close(self._descriptor)


class _Pty:
    """Both ends of a pseudo-terminal. The other one is kept open too: else it is an error when its reader leaves."""

    def __init__(self) -> None:
        import tty

        self.ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        os.set_blocking(self.ours, False)
        self.name = os.ttyname(self._theirs)

    def close(self) -> None:
        os.close(self.ours)
        os.close(self._theirs)


def open_tty(waker: Waker, device: str, baud: int) -> "Tty | TcpLink":
    """The line of this name. LocalError, the user's, says why it cannot be had."""
    if device == "pty":
        pty = _Pty()
        return Tty(waker, pty.ours, pty.name, baud, pty)
    if device.startswith(_URL):
        host, colon, port = device[len(_URL) :].rpartition(":")
        if not colon or not port.isdecimal() or not host:
            raise LocalError("serial port %s: allowed is socket://IP:PORT" % ascii(device), 2)
        return dial(waker, host.strip("[]"), int(port))
    if device.startswith(_UNIX):
        return _dial_unix(waker, device)
    return _open_port(waker, device, baud)


def _dial_unix(waker: Waker, device: str) -> TcpLink:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(device[len(_UNIX) :])
    except OSError as error:
        sock.close()
        raise LocalError("serial port %s: %s" % (ascii(device), error.strerror or error), 2)
    return TcpLink(waker, sock, (device, 0), OPEN)


def _open_port(waker: Waker, device: str, baud: int) -> Tty:
    try:
        import serial
    except ImportError:
        raise LocalError("serial ports need pyserial: pip install 'jamliquor-lite[serial]'", 2)
    import termios

    if "/" not in device:
        device = "/dev/" + device
    try:
        port = serial.Serial(device, baud, timeout=0, write_timeout=0, exclusive=True)
    except ValueError:
        raise LocalError("serial port %s: it does not take %d baud" % (ascii(device), baud), 2)
    except OSError as error:  # serial.SerialException is one
        raise LocalError("serial port %s: %s" % (ascii(device), _why(device, error)), 2)
    descriptor = port.fileno()
    try:
        # Without data a read then says so, and a read of nothing means that the port is gone; pyserial's way is 0.
        attributes: "list[Any]" = termios.tcgetattr(descriptor)
        attributes[6][termios.VMIN] = 1
        termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
        os.set_blocking(descriptor, False)
    except (OSError, termios.error) as error:
        port.close()
        raise LocalError("serial port %s: %s" % (ascii(device), error.args[-1]), 2)
    return Tty(waker, descriptor, device, baud, port)


def _why(device: str, error: OSError) -> str:
    code = error.errno
    if code is None and "lock" in str(error) or code in (errno.EAGAIN, errno.EBUSY):
        return "another program has it open"
    if code == errno.ENOENT:
        return "there is no such port"
    if code == errno.EACCES:
        return "permission denied%s" % _group(device)
    return os.strerror(code) if code else str(error)


def _group(device: str) -> str:
    # Ports belong to a group (dialout, uucp) that a user has to be in.
    import grp

    try:
        return ": you have to be in the group %s" % grp.getgrgid(os.stat(device).st_gid).gr_name
    except (OSError, KeyError):
        return ""

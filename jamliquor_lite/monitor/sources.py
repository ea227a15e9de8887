"""Where the bytes of a console come from, and where what is typed goes.

    serial:/dev/ttyUSB0@115200    a port, through pyserial, for nobody else meanwhile
    pty:/dev/pts/4                the same without a speed that matters
    socket:/run/node/console      a Unix socket: a Linux node, or `jamliquor-lite qemu` beside which it is started
    socket:127.0.0.1:4444         a TCP socket: QEMU's serial port
    replay:FILE                   a recording (recording.py, which reads it)

Nothing here waits: `fileno()` is what to select on.
"""

import errno
import grp
import os
import socket

from ..const import const
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BAUD = 115_200
KINDS = ("serial", "pty", "socket", "replay")
_READ_BYTES = const(4096)
_CONNECT_S = const(3)
_BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000,
          1500000, 2000000, 3000000)
_TAKEN = {errno.EAGAIN, errno.EBUSY}


class Gone(Exception):
    """The other end is not there (any more); the text says why. It may come back."""


def split(source: str) -> "tuple[str, str]":
    """(kind, the rest) of a source; LocalError, the user's, where it is none."""
    kind, colon, rest = source.partition(":")
    if not colon or kind not in KINDS or not rest:
        raise LocalError(f"source {ascii(source[:80])}: allowed are serial:PORT@BAUD, socket:PATH, socket:HOST:PORT, "
                         "pty:PATH, replay:FILE", 2)
    return kind, rest


def make(source: str) -> "Serial | Socket":
    """The source of this name, not opened yet. LocalError where the name is wrong."""
    kind, rest = split(source)
    if kind == "socket":
        return Socket(rest)
    if kind == "pty":
        return Serial(rest, BAUD)
    port, at, speed = rest.rpartition("@")
    if not at:
        return Serial(rest, BAUD)
    if not speed.isdecimal() or int(speed) not in _BAUDS:
        raise LocalError(f"serial port {ascii(rest[:80])}: the speed must be one of "
                         f"{', '.join(map(str, _BAUDS))}", 2)
    return Serial(port, int(speed))


class Serial:
    """A serial port or a pseudo-terminal. `open`, then `read` and `write`; each raises Gone when it is unplugged."""

    def __init__(self, port: str, baud: int) -> None:
        self.name = port if "/" in port else "/dev/" + port
        self.baud = baud
        self._port: "Any" = None

    def open(self) -> None:
        """Gone while it is not there; LocalError for what waiting does not mend."""
        import serial

        try:
            self._port = serial.Serial(self.name, self.baud, timeout=0, write_timeout=0, exclusive=True)
            os.set_blocking(self._port.fileno(), False)
        except ValueError:
            raise LocalError(f"serial port {self.name}: it does not take {self.baud} baud", 2)
        except OSError as error:  # serial.SerialException is one
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        code = error.errno
        if code == errno.EACCES:
            raise LocalError(f"serial port {self.name}: permission denied{_group(self.name)}", 2)
        if code in _TAKEN or (code is None and "lock" in str(error)):
            raise Gone(f"serial port {self.name}: another program has it open{_holder(self.name)}")
        if code in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
            raise Gone(f"serial port {self.name}: there is no such port")
        if code in (errno.ENOTTY, errno.EINVAL, errno.EISDIR):
            raise LocalError(f"serial port {self.name}: this is no serial port", 2)
        if "Could not configure port" in str(error):
            raise LocalError(f"serial port {self.name}: this is no serial port", 2)
        raise Gone(f"serial port {self.name}: {os.strerror(code) if code else error}")

    def fileno(self) -> int:
        """What to select on; -1 while it is closed."""
        return self._port.fileno() if self._port is not None else -1

    def read(self) -> bytes:
        """What is here, b"" for nothing now."""
        try:
            data = os.read(self._port.fileno(), _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise Gone(f"{self.name} was unplugged ({error.strerror})")
        if not data and not os.path.exists(self.name):
            raise Gone(f"{self.name} was unplugged")
        if not data and self._port.in_waiting == 0 and self._is_hung_up():
            raise Gone(f"{self.name}: the other end was closed")
        return data

    def _is_hung_up(self) -> bool:
        import select

        poll = select.poll()
        poll.register(self._port.fileno(), select.POLLIN)
        return any(events & select.POLLHUP for _, events in poll.poll(0))

    def write(self, data: bytes) -> int:
        """How many bytes it took."""
        try:
            return os.write(self._port.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise Gone(f"{self.name} was unplugged ({error.strerror})")

    def close(self) -> None:
        """Give it back."""
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except OSError:
                pass  # it was unplugged


class Socket:
    """A Unix socket (a path, with a `/` in it) or a TCP one (HOST:PORT)."""

    def __init__(self, place: str) -> None:
        """LocalError where it is neither."""
        self.name = place
        self._sock: "socket.socket | None" = None
        self._address: "str | tuple[str, int]" = place
        host, colon, port = place.rpartition(":")
        if "/" not in place:
            if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
                raise LocalError(f"socket {ascii(place[:80])}: allowed are a path with a / in it, or HOST:PORT", 2)
            self._address = host.strip("[]"), int(port)

    def open(self) -> None:
        """Connect."""
        try:
            if isinstance(self._address, str):
                sock = socket.socket(socket.AF_UNIX)
                try:
                    sock.connect(self._address)
                except OSError:
                    sock.close()
                    raise
            else:
                sock = socket.create_connection(self._address, _CONNECT_S)
        except OSError as error:
            if error.errno == errno.EACCES:
                raise LocalError(f"socket {self.name}: permission denied: it is for the user that runs the node", 2)
            why = {errno.ENOENT: "there is no such socket", errno.ECONNREFUSED: "nobody listens there"}
            raise Gone(f"socket {self.name}: {why.get(error.errno or 0, error.strerror or error)}")
        sock.setblocking(False)
        self._sock = sock

    def fileno(self) -> int:
        """What to select on; -1 while it is closed."""
        return self._sock.fileno() if self._sock is not None else -1

    def read(self) -> bytes:
        """What is here, b"" for nothing now."""
        assert self._sock is not None
        try:
            data = self._sock.recv(_READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise Gone(f"socket {self.name}: {error.strerror}")
        if not data:
            raise Gone(f"socket {self.name}: the other end has closed it")
        return data

    def write(self, data: bytes) -> int:
        """How many bytes it took."""
        assert self._sock is not None
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise Gone(f"socket {self.name}: {error.strerror}")

    def close(self) -> None:
        """Hang up."""
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()


def _group(device: str) -> str:
    # Ports belong to a group (dialout, uucp) that a user has to be in.
    try:
        name = grp.getgrgid(os.stat(device).st_gid).gr_name
    except (OSError, KeyError):
        name = "dialout"
    if name == "root":  # nobody is meant to be in that one
        return ": it is for root alone; a udev rule can give it to the group dialout"
    return f": you have to be in the group {name} (sudo usermod -aG {name} $USER, then log in again)"


def _holder(device: str) -> str:
    # The process that has the device open, where /proc lets us see it.
    device = os.path.realpath(device)
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            folder = f"/proc/{pid}/fd"
            if pid != str(os.getpid()) and any(
                    os.readlink(f"{folder}/{fd}") == device for fd in os.listdir(folder)):
                with open(f"/proc/{pid}/comm") as file:
                    return f" ({file.read().strip()}, process {pid})"
        except OSError:
            continue
    return ""

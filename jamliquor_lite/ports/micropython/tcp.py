"""TCP links: sockets that are read straight into the caller's buffer and never wait. The twin of ports/cpython/tcp.py.

asyncio's queue of sockets tells once that something is ready and then forgets it, so each side that is watched is a
small task that waits for it and wakes the waker. The sizes of lwIP's buffers are set when it is built.
"""

import asyncio
import errno
import select
import socket

from ...const import const
from ...errors import LocalError
from .waker import Waker

try:
    from jamcrypto import readinto
except ImportError:
    readinto = None

CONNECTING = const(0)
OPEN = const(1)
CLOSED = const(2)

_BACKLOG = const(4)
_WAIT = (errno.EAGAIN, errno.EINPROGRESS, 119)  # 119: EINPROGRESS where the port's errno has none
_IPPROTO_TCP = const(6)  # not every port names these two
_NO_DELAY = getattr(socket, "TCP_NODELAY", 1)  # with lwIP a number of its own
_INET6 = const(10)  # AF_INET6, as the unix port writes it in an address


class _Watched:
    """A socket that wakes the waker when it can be read, and when it can be written, if one wants to know.

    `sink` is what is written where that is another stream.
    """

    def __init__(self, waker: Waker, sock: "socket.socket", sink: object = None) -> None:
        self._waker = waker
        self._socket = sock
        self._sink = sink or sock
        self._reader = self._writer = None  # the tasks that wait for it

    def _watch(self, reading: bool, writing: bool) -> None:
        # A side that is not wanted any more is left to fire once: to stop it would cost more than one idle turn.
        if reading and self._reader is None:
            self._reader = asyncio.create_task(self._wait(False))
        if writing and self._writer is None:
            self._writer = asyncio.create_task(self._wait(True))

    def _wait(self, writing: bool) -> "object":
        # A coroutine, as MicroPython spells those that wait for a stream.
        queue = asyncio.core._io_queue
        try:
            if writing:
                yield queue.queue_write(self._sink)
            else:
                yield queue.queue_read(self._socket)
        finally:
            if writing:
                self._writer = None
            else:
                self._reader = None
        self._waker.wake()

    def _unwatch(self) -> None:
        for task in (self._reader, self._writer):
            if task is not None:
                task.cancel()

    def _give_back(self) -> None:
        self._unwatch()
        self._socket.close()


class TcpLink(_Watched):
    """One connection. `state` is CONNECTING, OPEN or CLOSED, the last with `reason`; `address` is the peer's."""

    def __init__(self, waker: Waker, sock: socket.socket, address: "tuple[str, int]", state: int) -> None:
        super().__init__(waker, sock)
        self.state = state
        self.reason = ""
        self.address = address
        sock.setblocking(False)
        try:
            sock.setsockopt(_IPPROTO_TCP, _NO_DELAY, 1)
        except OSError:
            pass  # the port has no such option; it only costs a little delay

    def recv_into(self, buf: "memoryview", start: int, end: int) -> int:
        """Read what is here into `buf[start:end]`. How many bytes; 0: none now; -1: the link is over."""
        if self.state != OPEN:
            return 0 if self.state == CONNECTING else -1
        try:
            if readinto is not None:
                size = readinto(self._socket, buf, start, end)  # without a view for the range
            else:
                size = self._socket.readinto(buf[start:end])
        except OSError as error:
            if error.errno in _WAIT:
                return 0
            self._end(_why(error))
            return -1
        if size is None:
            return 0
        if size == 0 and end > start:
            self._end("the peer closed the connection")
            return -1
        return size

    def send(self, buf: "memoryview", start: int, end: int) -> int:
        """Hand `buf[start:end]` to the system. How many bytes it took, 0 while it takes none or the link is over."""
        if self.poll() != OPEN:
            return 0
        try:
            size = self._socket.write(buf, start, end - start)
        except OSError as error:
            if error.errno not in _WAIT:
                self._end(_why(error))
            return 0
        if size is None:
            return 0
        return size

    def watch(self, reading: bool, writing: bool) -> None:
        """What ends a wait: bytes that came (`reading`), room for more or the end of connecting (`writing`)."""
        if self.state != CLOSED:
            self._watch(reading, writing)

    def measure(self) -> None:
        """None: the system does not tell what it counts."""

    def pace(self) -> None:
        """Nothing: lwIP holds a few segments at most."""

    def widen(self, receive_bytes: int) -> None:
        """Nothing, for the same reason."""

    def poll(self) -> int:
        """Look whether connecting has ended; the state."""
        if self.state == CONNECTING:
            poller = select.poll()
            poller.register(self._socket, select.POLLOUT)
            for item in poller.ipoll(0):
                if item[1] & (select.POLLERR | select.POLLHUP):
                    self._end("the connection was refused")
                elif item[1] & select.POLLOUT:
                    self.state = OPEN
        return self.state

    def close(self) -> None:
        """Give the socket back. What the system took already is still sent."""
        if self.state != CLOSED:
            self._end("closed")

    def abort(self) -> None:
        """Close: no port has SO_LINGER."""
        self.close()

    def _end(self, reason: str) -> None:
        self._give_back()
        self.state = CLOSED
        self.reason = reason


class TcpListener(_Watched):
    """A listening socket; `address` is our own (host, port)."""

    def __init__(self, waker: Waker, host: str, port: int, receive_bytes: int = 0, send_bytes: int = 0) -> None:
        """Bind to a numeric address; LocalError when refused. Port 0 is for ports whose system picks one."""
        try:
            sock, address = _make(host, port)
        except OSError as error:
            raise LocalError("cannot listen on TCP %s port %d: %s" % (host, port, _why(error)), 2)
        super().__init__(waker, sock)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(_BACKLOG)
        except OSError as error:
            sock.close()
            raise LocalError("cannot listen on TCP %s port %d: %s" % (host, port, _why(error)), 2)
        self.address = (host, port)

    def accept(self) -> "TcpLink | None":
        """The next connection, or None."""
        try:
            sock, address = self._socket.accept()
        except OSError:
            return None
        return TcpLink(self._waker, sock, _plain(address), OPEN)

    def measure(self) -> int:
        """0: the system does not tell."""
        return 0

    def watch(self, accepting: bool) -> None:
        """Whether a new connection ends a wait. While it does not, they wait in the system's backlog."""
        self._watch(accepting, False)

    def close(self) -> None:
        """Give the port back."""
        self._give_back()


def dial(waker: Waker, host: str, port: int, receive_bytes: int = 0, send_bytes: int = 0) -> TcpLink:
    """Begin a connection to a numeric address. What fails at once is a link that is CLOSED already; LocalError when
    there is no socket to be had."""
    try:
        sock, address = _make(host, port)
    except OSError as error:
        raise LocalError("cannot dial %s port %d: %s" % (host, port, _why(error)))
    link = TcpLink(waker, sock, (host, port), CONNECTING)
    try:
        sock.connect(address)
        link.state = OPEN
    except OSError as error:
        if error.errno not in _WAIT:
            link._end(_why(error))
    return link


async def resolve(host: str, port: int) -> "list[tuple[str, int]]":
    """The numeric addresses of a host name; LocalError when it has none. It blocks: MicroPython has no other way."""
    try:
        found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except OSError as error:
        raise LocalError("cannot resolve %s: %s" % (host, _why(error)), 2)
    return [(_plain(entry[-1])[0], port) for entry in found]


def _make(host: str, port: int) -> "tuple[socket.socket, object]":
    # A socket of the address's family, and the address as it wants it.
    entry = socket.getaddrinfo(host, port)[0]
    return socket.socket(entry[0], socket.SOCK_STREAM), entry[-1]


def _why(error: OSError) -> str:
    code = error.errno  # a text where a name was not resolved
    return errno.errorcode.get(code) or "error %s" % code


def _plain(address: "tuple[str, int] | bytes") -> "tuple[str, int]":
    # The unix port shows addresses as the system's own structure: family 2, port 2 (big-endian), then IPv4's 4 bytes,
    # or 4 bytes of something else and IPv6's 16.
    if not isinstance(address, (bytes, bytearray)):
        return address[0], address[1]
    if address[0] == _INET6:
        host = socket.inet_ntop(socket.AF_INET6, address[8:24])
    else:
        host = ".".join([str(byte) for byte in address[4:8]])
    return host, address[2] << 8 | address[3]

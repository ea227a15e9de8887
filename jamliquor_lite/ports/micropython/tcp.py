"""TCP links: sockets that are read straight into the caller's buffer and never wait. The twin of ports/cpython/tcp.py.

asyncio's queue of sockets tells once that something is ready and then forgets it, so each side that is watched is a
small task that waits for it and wakes the waker.
"""

import asyncio
import errno
import select
import socket

from ...const import const
from ...errors import LocalError
from .waker import Waker

CONNECTING = const(0)
OPEN = const(1)
CLOSED = const(2)

_BACKLOG = const(4)
_WAIT = (errno.EAGAIN, errno.EINPROGRESS, 119)  # 119: EINPROGRESS where the port's errno has none
_NO_DELAY = const(1)


class _Readiness:
    """Wakes the waker when a socket can be read, and when it can be written."""

    def __init__(self, waker: Waker, sock: socket.socket) -> None:
        self._waker = waker
        self._socket = sock
        self._tasks = [None, None]

    def watch(self, reading: bool, writing: bool) -> None:
        self._side(0, reading)
        self._side(1, writing)

    def _side(self, side: int, wanted: bool) -> None:
        # A side that is not wanted any more is left to fire once: to stop it would cost more than one idle turn.
        if wanted and self._tasks[side] is None:
            self._tasks[side] = asyncio.create_task(self._wait(side))

    def _wait(self, side: int) -> "object":
        # A coroutine, as MicroPython spells those that wait for a stream.
        queue = asyncio.core._io_queue
        try:
            if side:
                yield queue.queue_write(self._socket)
            else:
                yield queue.queue_read(self._socket)
        finally:
            self._tasks[side] = None
        self._waker.wake()

    def stop(self) -> None:
        for task in self._tasks:
            if task is not None:
                task.cancel()
        asyncio.core._io_queue.remove(self._socket)


class TcpLink:
    """One connection. `state` is CONNECTING, OPEN or CLOSED, the last with `reason`; `address` is the peer's."""

    def __init__(self, waker: Waker, sock: socket.socket, address: "tuple[str, int]", state: int) -> None:
        self.state = state
        self.reason = ""
        self.address = address
        self.bytes_in = self.bytes_out = 0
        self._socket = sock
        self._readiness = _Readiness(waker, sock)
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, _NO_DELAY, 1)
        except (OSError, AttributeError):
            pass  # the port has no such option; it only costs a little delay

    def recv_into(self, buf: "memoryview", start: int, end: int) -> int:
        """Read what is here into `buf[start:end]`. How many bytes; 0: none now; -1: the link is over."""
        if self.state != OPEN:
            return 0 if self.state == CONNECTING else -1
        try:
            size = self._socket.readinto(buf[start:end])
        except OSError as error:
            if error.errno in _WAIT:
                return 0
            self._end("error %d" % error.errno)
            return -1
        if size is None:
            return 0
        if size == 0 and end > start:
            self._end("the peer closed the connection")
            return -1
        self.bytes_in += size
        return size

    def send(self, buf: "memoryview", start: int, end: int) -> int:
        """Hand `buf[start:end]` to the system. How many bytes it took, 0 while it takes none or the link is over."""
        if self.poll() != OPEN:
            return 0
        try:
            size = self._socket.write(buf[start:end])
        except OSError as error:
            if error.errno not in _WAIT:
                self._end("error %d" % error.errno)
            return 0
        if size is None:
            return 0
        self.bytes_out += size
        return size

    def watch(self, reading: bool, writing: bool) -> None:
        """What ends a wait: bytes that came (`reading`), room for more or the end of connecting (`writing`)."""
        if self.state != CLOSED:
            self._readiness.watch(reading, writing)

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

    def _end(self, reason: str) -> None:
        self._readiness.stop()
        self.state = CLOSED
        self.reason = reason
        self._socket.close()


class TcpListener:
    """A listening socket; `address` is our own (host, port)."""

    def __init__(self, waker: Waker, host: str, port: int) -> None:
        """Bind to a numeric address; LocalError when refused. Port 0 is for ports whose system picks one."""
        self._waker = waker
        self._socket = socket.socket()
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(socket.getaddrinfo(host, port)[0][-1])
            self._socket.listen(_BACKLOG)
        except OSError as error:
            self._socket.close()
            raise LocalError("cannot listen on TCP %s port %d: error %s" % (host, port, error.errno), 2)
        self._readiness = _Readiness(waker, self._socket)
        self.address = (host, port)

    def accept(self) -> "TcpLink | None":
        """The next connection, or None."""
        try:
            sock, address = self._socket.accept()
        except OSError:
            return None
        return TcpLink(self._waker, sock, _plain(address), OPEN)

    def watch(self, accepting: bool) -> None:
        """Whether a new connection ends a wait. While it does not, they wait in the system's backlog."""
        self._readiness.watch(accepting, False)

    def close(self) -> None:
        """Give the port back."""
        self._readiness.stop()
        self._socket.close()


def dial(waker: Waker, host: str, port: int) -> TcpLink:
    """Begin a connection to a numeric address. What fails at once is a link that is CLOSED already."""
    sock = socket.socket()
    link = TcpLink(waker, sock, (host, port), CONNECTING)
    try:
        sock.connect(socket.getaddrinfo(host, port)[0][-1])
        link.state = OPEN
    except OSError as error:
        if error.errno not in _WAIT:
            link._end("error %d" % error.errno)
    return link


async def resolve(host: str, port: int) -> "list[tuple[str, int]]":
    """The numeric addresses of a host name; LocalError when it has none. It blocks: MicroPython has no other way."""
    try:
        found = socket.getaddrinfo(host, port)
    except OSError as error:
        raise LocalError("cannot resolve %s: error %s" % (host, error.errno), 2)
    return [(_plain(entry[-1])[0], port) for entry in found]


def _plain(address: "tuple[str, int] | bytes") -> "tuple[str, int]":
    # The unix port shows addresses as the system's own structure: family 2, port 2 (big-endian), IPv4 4.
    if isinstance(address, (bytes, bytearray)):
        return ".".join([str(byte) for byte in address[4:8]]), address[2] << 8 | address[3]
    return address[0], address[1]

"""TCP links: sockets that are read straight into the caller's buffer and never wait.

    listener = TcpListener(waker, "0.0.0.0", 0)          link = listener.accept()
    link = dial(waker, "192.0.2.7", 4001)                 numeric addresses only
    size = link.recv_into(buf, start, end)                0: nothing is here; -1: it is over, see `reason`
    size = link.send(buf, start, end)                     0: not now
    link.watch(reading, writing)                          what of it ends a wait of the waker
    link.measure()                                        what went over the wire, and what waits in the system

`receive_bytes` and `send_bytes` bound what the system holds for one connection in each direction, its own bookkeeping
counted in; 0 leaves it to the system, which then grows a buffer to megabytes.
"""

import asyncio
import errno
import os
import socket
import struct

from ...const import const
from ...errors import LocalError
from .readiness import Readiness
from .waker import Waker

CONNECTING = const(0)
OPEN = const(1)
CLOSED = const(2)

_BACKLOG = const(16)  # connections that the system holds for us until we accept them
_DEAD_MS = const(30_000)  # bytes that no peer acknowledges, or takes, for so long are the end of a connection
_SHORTAGE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# Of struct tcp_info (linux/tcp.h, Linux 5.4): bytes_acked, bytes_received, segs_out, segs_in, notsent_bytes,
# data_segs_in, bytes_sent, bytes_retrans, snd_wnd.
_INFO = struct.Struct("=120x2Q3I4xI44x2Q12xI")
_QUEUED = struct.Struct("=24xI")  # of the same, tcpi_unacked: of a listening socket the length of its queue
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER for no time: closing sends RST and drops what is unsent
_MAPPED = "::ffff:"  # an IPv4 address as an IPv6 socket shows it (RFC 4291, section 2.5.5.2)


class TcpLink:
    """One connection. `state` is CONNECTING, OPEN or CLOSED, the last with `reason`; `address` is the peer's.

    A peer that finished its half has ended the link for us: none of our protocols goes on after that.
    """

    __slots__ = ("address", "reason", "state", "_counts", "_is_paced", "_readiness", "_socket")

    def __init__(self, waker: Waker, sock: socket.socket, address: "tuple[str, int]", state: int) -> None:
        self.state = state
        self.reason = ""
        self.address = address
        self._counts: "tuple[int, ...] | None" = None
        self._is_paced = False
        self._readiness = Readiness(waker)
        self._socket = sock
        sock.setblocking(False)
        try:
            # A message is handed over whole: waiting for more of it would add a round trip of the peer's delay.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            pass  # the connection is over already, which the first read will tell

    def recv_into(self, buf: "memoryview", start: int, end: int) -> int:
        """Read what is here into `buf[start:end]`. How many bytes; 0: none now; -1: the link is over."""
        if self.state != OPEN:
            return 0 if self.state == CONNECTING else -1
        try:
            size = self._socket.recv_into(buf[start:end])
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._end(_why(error))
            return -1
        if size == 0 and end > start:
            self._end("the peer closed the connection")
            return -1
        return size

    def send(self, buf: "memoryview", start: int, end: int) -> int:
        """Hand `buf[start:end]` to the system. How many bytes it took, 0 while it takes none or the link is over."""
        if self.state == CONNECTING:
            self._look()
        if self.state != OPEN:
            return 0
        try:
            size = self._socket.send(buf[start:end])
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._end(_why(error))
            return 0
        return size

    def watch(self, reading: bool, writing: bool) -> None:
        """What ends a wait: bytes that came (`reading`), room for more or the end of connecting (`writing`)."""
        if self.state != CLOSED:
            self._readiness.watch(self._socket.fileno(), reading, writing)

    def measure(self) -> "tuple[int, ...] | None":
        """What the system counts: segments sent and received, those without payload too; bytes that it took and has not
        sent, for a window is closed; bytes that it sent again; bytes that the peer's window takes beside those on their
        way; bytes received, read or not; the segments that brought them. The last counts once the link is over; None
        where the system does not tell."""
        if self.state == OPEN:
            try:
                info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
            except (OSError, AttributeError):
                return self._counts
            if len(info) == _INFO.size:
                acked, received, segments_out, segments_in, unsent, brought, sent, again, window = _INFO.unpack(info)
                window -= max(0, sent - again - acked)
                self._counts = segments_out, segments_in, unsent, again, window, received, brought
        return self._counts

    def pace(self) -> None:
        """From now on `watch` finds room for more when the system has sent all that it took, and not before."""
        if not self._is_paced and self.state == OPEN:
            self._is_paced = True
            try:
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, 1)
            except (OSError, AttributeError):
                pass  # there is room earlier, which costs idle turns

    def widen(self, receive_bytes: int) -> None:
        """Let the system hold so much unread from now on. What the connection began with may have been less."""
        if receive_bytes and self.state == OPEN:
            try:
                _bound(self._socket, receive_bytes, 0)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, receive_bytes)
            except (OSError, AttributeError):
                pass  # it is over, or stays narrow

    def poll(self) -> int:
        """Look whether connecting has ended; the state."""
        if self.state == CONNECTING:
            self._look()
        return self.state

    def close(self) -> None:
        """Give the socket back. What the system took already is still sent."""
        if self.state != CLOSED:
            self._end("closed")

    def abort(self) -> None:
        """Give the socket back and drop what the system holds: the peer gets a reset."""
        if self.state != CLOSED:
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            except OSError:
                pass  # the connection is over already
            self._end("reset")

    def _look(self) -> None:
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._end(os.strerror(code))
            return
        try:
            self._socket.getpeername()
        except OSError:
            return  # still on the way
        self.state = OPEN

    def _end(self, reason: str) -> None:
        try:
            self.watch(False, False)
        except RuntimeError:
            pass  # the loop has ended, and its readers with it
        self.measure()
        self.state = CLOSED
        self.reason = reason
        self._socket.close()


class TcpListener:
    """A listening socket; `address` is our own (host, port)."""

    def __init__(self, waker: Waker, host: str, port: int, receive_bytes: int = 0, send_bytes: int = 0) -> None:
        """Bind to a numeric address, IPv4 or IPv6 (`::` takes both), port 0 is any; LocalError when refused."""
        self._waker = waker
        self._readiness = Readiness(waker)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            _bound(self._socket, receive_bytes, send_bytes)  # those that are accepted have the same
            self._socket.bind((host, port))
            self._socket.listen(_BACKLOG)
        except (OSError, OverflowError) as error:
            self._socket.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise LocalError("cannot listen on TCP %s port %d: %s" % (host, port, reason), 2)
        self.address = _plain(self._socket.getsockname())

    def accept(self) -> "TcpLink | None":
        """The next connection, or None."""
        while True:
            try:
                sock, address = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return None
            except OSError as error:
                if error.errno in _SHORTAGE:
                    return None  # it stays in the backlog until there is room
                continue  # that one was over before we came to it
            return TcpLink(self._waker, sock, _plain(address), OPEN)

    def measure(self) -> int:
        """Connections that the system holds for us, which nobody has accepted; 0 where it does not tell."""
        try:
            found: int = _QUEUED.unpack(self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUED.size))[0]
            return found
        except (OSError, AttributeError, struct.error):
            return 0

    def watch(self, accepting: bool) -> None:
        """Whether a new connection ends a wait. While it does not, they wait in the system's backlog."""
        self._readiness.watch(self._socket.fileno(), accepting, False)

    def close(self) -> None:
        """Give the port back."""
        if self._socket.fileno() >= 0:
            self.watch(False)
            self._socket.close()


def dial(waker: Waker, host: str, port: int, receive_bytes: int = 0, send_bytes: int = 0) -> TcpLink:
    """Begin a connection to a numeric address. What fails at once is a link that is CLOSED already; LocalError when
    there is no socket to be had."""
    try:
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        _bound(sock, receive_bytes, send_bytes)
    except OSError as error:
        raise LocalError("cannot dial %s port %d: %s" % (host, port, _why(error)))
    link = TcpLink(waker, sock, (host, port), CONNECTING)
    try:
        sock.connect((host, port))
        link.state = OPEN
    except (BlockingIOError, InterruptedError):
        pass
    except (OSError, OverflowError) as error:
        link._end(_why(error))
    return link


async def resolve(host: str, port: int) -> "list[tuple[str, int]]":
    """The numeric addresses of a host name, in the system's order; LocalError when it has none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise LocalError("cannot resolve %s: %s" % (host, getattr(error, "strerror", None) or error), 2)
    return [(str(entry[4][0]), port) for entry in found]


def _bound(sock: socket.socket, receive_bytes: int, send_bytes: int) -> None:
    # Before the socket connects or listens: the scale of the window is agreed on then, after the buffer's size. Linux
    # takes half of what it allows itself; its own bookkeeping is to come from the other half.
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes // 2)
    if send_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes // 2)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_MS)
    except (OSError, AttributeError):
        pass  # not on this system: pings find out


def _why(error: "OSError | OverflowError") -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _plain(address: "tuple[str, int] | tuple[str, int, int, int]") -> "tuple[str, int]":
    host = address[0]
    return (host[len(_MAPPED) :] if host.startswith(_MAPPED) else host), address[1]

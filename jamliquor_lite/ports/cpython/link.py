"""The UDP link: one socket, read when asyncio says so, into one lent buffer.

    link = UdpLink("0.0.0.0", 0)
    while await link.readable(timeout_ms):                   False when the time is over or `wake` was called
        while (size := link.receive()) >= 0:
            connection.receive(link.view[:size], link.source, now)

The counts are UDP payload.
"""

import asyncio
import socket

from ...const import const
from ...errors import LocalError
from .clock import ticks_ms
from .waker import Waker

# No peer may send more than it can know to pass, and an Ethernet frame is 1,500. A longer one is cut here,
# its packet fails to decrypt, and QUIC treats it as lost.
DATAGRAM_BYTES = const(2048)
_SOCKET_BUFFER_BYTES = const(1024 * 1024)  # asked of the system, which may give less: bursts while we verify
_LEAST_BUFFER_BYTES = const(64 * 1024)  # what many peers send at once
_MAPPED = "::ffff:"  # an IPv4 address as an IPv6 socket shows it (RFC 4291, section 2.5.5.2)


class UdpLink:
    """`bytes_in`, `bytes_out`, `datagrams_in`, `datagrams_out` count; `failed` those that the system refused.

    `view` is the lent buffer, `source` the (host, port) of what `receive` put there. `address` is our own.
    A `waker` serves who waits for more than this link: it is woken where `watch` says. `receive_bytes` bounds what the
    system holds unread; 0 is a number of ours. What comes beyond it is lost, which the peers' congestion control sees.
    """

    def __init__(
        self,
        host: str,
        port: int,
        buffer: "bytearray | None" = None,
        waker: "Waker | None" = None,
        receive_bytes: int = 0,
    ) -> None:
        """Bind to a numeric address, IPv4 or IPv6 (`::` takes both), port 0 is any; LocalError when refused."""
        self.view = memoryview(buffer if buffer is not None else bytearray(DATAGRAM_BYTES))
        self.source = ("", 0)
        self.bytes_in = self.bytes_out = self.datagrams_in = self.datagrams_out = self.failed = 0
        self._is_v6 = ":" in host
        self._waker = waker or Waker()
        self._is_woken = self._is_readable = self._is_watched = False
        self._socket = socket.socket(socket.AF_INET6 if self._is_v6 else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            if self._is_v6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            size = max(receive_bytes // 2, _LEAST_BUFFER_BYTES // 2) if receive_bytes else _SOCKET_BUFFER_BYTES
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            self._socket.bind((host, port))
        except (OSError, OverflowError) as error:
            self._socket.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise LocalError("cannot listen on UDP %s port %d: %s" % (host, port, reason), 2)
        self.address = self._plain(self._socket.getsockname())

    async def readable(self, timeout_ms: int) -> bool:
        """Wait for a datagram that may be read now. False after `timeout_ms` (-1: never), at once by `wake`."""
        until = -1 if timeout_ms < 0 else ticks_ms() + timeout_ms
        while not self._is_woken:
            now = ticks_ms()
            self.watch(True)
            self._is_readable = False
            try:
                await self._waker.wait(-1 if until < 0 else max(0, until - now))
            finally:
                self.watch(False)
            if self._is_readable:
                return True
            if 0 <= until <= ticks_ms():
                break
        self._is_woken = False
        return False

    def watch(self, reading: bool) -> None:
        """Whether a datagram wakes the waker. While it does not, the system drops what its buffer does not hold."""
        if reading != self._is_watched:
            self._is_watched = reading
            loop = asyncio.get_running_loop()
            if reading:
                loop.add_reader(self._socket.fileno(), self._on_readable)
            else:
                loop.remove_reader(self._socket.fileno())

    def wake(self) -> None:
        """End a wait in `readable`, or the next one: there is something else to do."""
        self._is_woken = True
        self._waker.wake()

    def receive(self) -> int:
        """Read one datagram into `view`. Its size; -1 when there is none."""
        while True:
            try:
                size, address = self._socket.recvfrom_into(self.view)
                break
            except (BlockingIOError, InterruptedError):
                return -1
            except OSError:  # what an ICMP message left behind; the next datagram may be fine
                self.failed += 1
        self.bytes_in += size
        self.datagrams_in += 1
        self.source = self._plain(address)
        return size

    def send(self, datagram: "bytes | bytearray | memoryview", addr: "tuple[str, int]") -> bool:
        """Send to a numeric address. False: not now, keep it and come back a moment later.

        What the system refuses for good (no route, too long) counts as sent and in `failed`: UDP may lose
        anything.
        """
        host, port = addr
        if self._is_v6 and ":" not in host:
            host = _MAPPED + host
        try:
            self._socket.sendto(datagram, (host, port))
        except (BlockingIOError, InterruptedError):
            return False
        except (OSError, OverflowError):
            self.failed += 1
            return True
        self.bytes_out += len(datagram)
        self.datagrams_out += 1
        return True

    def close(self) -> None:
        """Give the socket back. A wait in `readable` ends."""
        self.watch(False)
        self.wake()
        self._socket.close()

    def _on_readable(self) -> None:
        self._is_readable = True
        if not self._waker.wake():
            self.watch(False)  # or the loop would tell of it in every round (readiness.py)

    def _plain(self, address: "tuple[str, int] | tuple[str, int, int, int]") -> "tuple[str, int]":
        # QUIC compares addresses, so one peer must look the same whichever way its datagrams came.
        host = address[0]
        if host.startswith(_MAPPED):
            host = host[len(_MAPPED) :]
        elif len(address) > 2 and address[3]:
            host = "%s%%%d" % (host.split("%")[0], address[3])
        return host, address[1]


async def resolve(host: str, port: int) -> "tuple[str, int]":
    """The numeric address of a host name, IPv4 first; LocalError when it has none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise LocalError("cannot resolve %s: %s" % (host, getattr(error, "strerror", None) or error), 2)
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return str(found[0][4][0]), port

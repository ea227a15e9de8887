"""A serial line as a place to dial, or to listen on: the link core (transport/serial_link.py), a port and a task.

The task moves bytes between the two, and lets the link's time pass, however long the node's turn takes. What it hands
to a carrier has the face of a TCP link. A port that vanishes while somebody listens on it is opened again, after a time
that doubles up to a bound; one that is dialed is opened by the next `dial`.
"""

import asyncio

from ..const import const
from ..errors import LocalError
from ..ports import clock, entropy
from ..ports.tcp import CLOSED as TTY_CLOSED
from ..ports.tcp import OPEN as TTY_OPEN
from ..ports.tcp import Waker
from ..ports.tty import open_tty
from ..transport.serial_link import CLOSED, CONNECTING, ID_BYTES, OPEN, SerialLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ports.tcp import TcpLink
    from ..ports.tty import Tty

BAUD = 115_200  # where a port names none
REOPEN_MS = 500
REOPEN_MAX_MS = 10_000
_PTY = "pty"
_PREFIX = const(8)  # characters of `/serial/`
_READ_BYTES = const(256)  # at a time
_READS = const(8)  # of those, before others have their turn


class SerialPeer:
    """One session of a line, with the face of a TCP link. `address` is the line's place."""

    def __init__(self, line: "SerialPort", address: "tuple[str, int]") -> None:
        self.address = address
        self._line = line
        self._core = line.core
        self._session = line.core.session
        self._is_closed = False
        self.reason = ""

    @property
    def state(self) -> int:
        """CONNECTING, OPEN or CLOSED; what came before the end can be read first."""
        if self._is_closed:
            return CLOSED
        core = self._core
        if core.session != self._session:
            self._is_closed = True
            self.reason = "the peer began anew"
            return CLOSED
        if core.state >= CLOSED:
            if core.incoming.has_bytes:
                return OPEN
            self._is_closed = True
            self.reason = core.reason
        return CLOSED if core.state >= CLOSED else core.state

    def recv_into(self, buf: "memoryview", start: int, end: int) -> int:
        """Read what is here into `buf[start:end]`. How many bytes; 0: none now; -1: the link is over."""
        if self.state != OPEN:
            return 0 if self.state == CONNECTING else -1
        size = self._core.recv_into(buf, start, end, clock.ticks_ms())
        if size:
            self._line.wake()  # there is room to be told of
        return size

    def send(self, buf: "memoryview", start: int, end: int) -> int:
        """Take `buf[start:end]` to send. How many bytes, 0 while there is no room or the link is over."""
        if self.state != OPEN:
            return 0
        size = self._core.send(buf, start, end)
        if size:
            self._line.wake()
        return size

    def watch(self, reading: bool, writing: bool) -> None:
        """What ends a wait: bytes that came (`reading`), room for more or the end of connecting (`writing`)."""
        if not self._is_closed and self._core.session == self._session:
            self._line.watch_session(reading, writing)

    def poll(self) -> int:
        """The state."""
        return self.state

    def measure(self) -> None:
        """None: nobody counts segments here."""

    def pace(self) -> None:
        """Nothing: the line's window is small."""

    def widen(self, receive_bytes: int) -> None:
        """Nothing, for the same reason."""

    def abort(self) -> None:
        """The same as `close`."""
        self.close()

    def close(self) -> None:
        """End it. What was taken already is still sent."""
        if not self._is_closed:
            if self._core.session == self._session:
                self._core.close(clock.ticks_ms())
                self._line.wake()
            self._is_closed = True
            self.reason = "closed"


def device_and_baud(port: str) -> "tuple[str, int]":
    """The parts of `DEVICE@BAUD`, or of `DEVICE`, which is at BAUD."""
    device, at, speed = port.rpartition("@")
    if at and speed and all(["0" <= digit <= "9" for digit in speed]):
        return device, int(speed)
    return port, BAUD


class SerialPort:
    """`dial` for a link; or `listen`, and then it has the face of a TCP listener. One session at a time.

    `opened` counts how often the port was opened. Made for a place of places.py.
    """

    def __init__(self, waker: Waker, place: str) -> None:
        self.address = (place, 0)
        self.core = SerialLink()
        self.opened = 0
        self.fault = ""  # why the port is not open
        self._waker = waker  # the node's
        self._own = Waker()
        self._device, self._baud = device_and_baud(place[_PREFIX:])
        self._tty: "Tty | TcpLink | None" = None
        self._open_at = 0
        self._wait_ms = REOPEN_MS
        self._buf = memoryview(bytearray(_READ_BYTES))
        self._task: "asyncio.Task[None] | None" = None
        self._is_listening = self._is_accepting = False
        self._reading = self._writing = False
        self._accepted = 0  # the session that `accept` gave last

    # for those who use it

    def dial(self) -> SerialPeer:
        """Begin a session. LocalError when the port cannot be had, or is listened on."""
        if self._is_listening:
            raise LocalError("%s: a line that is listened on is not dialed" % self.address[0])
        now = clock.ticks_ms()
        if self._tty is None or self._tty.state == TTY_CLOSED:
            self._open(now)
        self._start()
        self.core.dial(entropy.random_bytes(ID_BYTES), now)
        self.wake()
        return SerialPeer(self, self.address)

    def listen(self) -> None:
        """Take sessions from now on. LocalError, the user's, when the port cannot be had."""
        self._open(clock.ticks_ms())
        self._is_listening = True
        self._accepted = self.core.session
        self.core.next_id = entropy.random_bytes(ID_BYTES)
        self._start()

    def accept(self) -> "SerialPeer | None":
        """The session that was begun since the last call, or None."""
        if not self._is_listening or self.core.session == self._accepted:
            return None
        self._accepted = self.core.session
        return SerialPeer(self, self.address)

    def measure(self) -> int:
        """0: nobody waits."""
        return 0

    def watch(self, accepting: bool) -> None:
        """Whether a new session ends a wait."""
        self._is_accepting = accepting
        if accepting and self._is_listening and self.core.session != self._accepted:
            self._waker.wake()

    def close(self) -> None:
        """Take no more sessions. The one that stands goes on until `end`."""
        self._is_listening = False
        self.core.next_id = b""

    def end(self) -> None:
        """Give the port back. The peer is told, after what the port takes at once of what it was to hear."""
        self.close()
        tty = self._tty
        if tty is not None and tty.poll() == TTY_OPEN:
            now = clock.ticks_ms()
            self._write(tty, now)
            self.core.abort()
            self._write(tty, now)
        if self._task is not None:
            self._task.cancel()
        self._shut("closed")

    # for the session

    def wake(self) -> None:
        """There is something to do for the task."""
        self._own.wake()

    def watch_session(self, reading: bool, writing: bool) -> None:
        """What of the session ends a wait of the node."""
        self._reading, self._writing = reading, writing
        self._tell()

    # the task

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._tty is not None or self._is_listening:
                now = clock.ticks_ms()
                is_busy = self._turn(now)
                at = self.core.wake_at(now) if self._tty is not None else self._open_at
                await self._own.wait(0 if is_busy else max(0, at - clock.ticks_ms()) if at >= 0 else -1)
                if is_busy:
                    await asyncio.sleep(0)
        finally:
            self._task = None
            self._shut("closed")

    def _turn(self, now: int) -> bool:
        """Move what can be moved. Whether there is more at once."""
        if self._tty is None and now >= self._open_at:
            self._try_open(now)
        tty = self._tty
        if tty is None:
            return False
        is_busy = False
        if tty.poll() == TTY_OPEN:
            is_busy = self._read(tty, now)
            self._write(tty, now)
        if tty.state == TTY_CLOSED:
            self._shut("serial port %s: %s" % (self._device, tty.reason))
            self._open_at = now + self._wait_ms
            return False
        core = self.core
        if self._is_listening and not core.next_id:
            core.next_id = entropy.random_bytes(ID_BYTES)
        tty.watch(True, tty.state != TTY_OPEN or core.out_start != core.out_end)
        self._tell()
        return is_busy

    def _read(self, tty: "Tty | TcpLink", now: int) -> bool:
        for _ in range(_READS):
            size = tty.recv_into(self._buf, 0, _READ_BYTES)
            if size <= 0:
                return False
            self._wait_ms = REOPEN_MS
            self.core.feed(self._buf, 0, size, now)
        return True

    def _write(self, tty: "Tty | TcpLink", now: int) -> None:
        core = self.core
        while core.outlet(now):
            size = tty.send(core.out, core.out_start, core.out_end)
            if size <= 0:
                return
            core.sent(size)

    def _tell(self) -> None:
        core = self.core
        is_news = (self._reading and core.has_input) or (self._writing and core.state != CONNECTING and (
            core.has_room or core.state >= CLOSED))
        if is_news or (self._is_accepting and self._is_listening and core.session != self._accepted):
            self._waker.wake()

    # the port

    def _open(self, now: int) -> None:
        self._tty = open_tty(self._own, self._device, self._baud)
        self.opened += 1
        self.fault = ""
        if self._device == _PTY:
            self.address = (self.address[0][:_PREFIX] + self._tty.address[0], 0)  # what the other end is to open

    def _try_open(self, now: int) -> None:
        try:
            self._open(now)
        except LocalError as error:
            self.fault = str(error)
        if self._tty is None or self._tty.state == TTY_CLOSED:
            self._tty = None
            self._open_at = now + self._wait_ms
        self._wait_ms = min(REOPEN_MAX_MS, 2 * self._wait_ms)

    def _shut(self, reason: str) -> None:
        # The port is gone, and the session with it.
        tty, self._tty = self._tty, None
        if tty is not None:
            tty.close()
            self.fault = reason
        self.core.ended(reason)
        self._waker.wake()

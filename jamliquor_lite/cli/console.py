"""The console of a node on Linux: on a serial port (`--console PORT`), and on a Unix socket, for `monitor --socket`.

What it answers is the same as on a board (console/); its frames also have what the system says of the process.
"""

import asyncio
import contextlib
import errno
import os
import socket
import stat

from ..console.commands import LEAST_STATUS_MS, MOST_STATUS_MS, whole
from ..console.console import Console
from ..console.log import Log
from ..const import const
from ..errors import LocalError
from ..node.face import NodeFace
from ..node.serial_port import device_and_baud
from ..node.status import Status
from ..ports import clock
from ..ports.tcp import CLOSED, OPEN, TcpLink, Waker
from ..ports.tty import open_tty

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..node.node import Node
    from ..ports.tty import Tty
    from .output import Output

READERS = 4  # of the socket, at once
FILE_NAME = "console"  # of the socket in the data folder
_REOPEN_MS = const(2_000)
_UNIX = "unix:"


def add_console_argument(parser: "argparse.ArgumentParser") -> None:
    """`--console PORT`."""
    parser.add_argument(
        "--console", metavar="PORT[@BAUD]",
        help="answer `help`, `status`, `peers` and so on, as lines and as frames, on this serial port; `pty` makes a "
        "pseudo-terminal, socket://IP:PORT dials, unix:PATH offers a socket (default: the socket `console` in the data "
        "folder; `none`: nothing)",
    )
    parser.add_argument(
        "--console-status", metavar="MS", default="0", help="send a status frame there every MS ms (default: 0, never)"
    )


class HostStatus(Status):
    """With what the system says: resident bytes against `memory_bytes`, if there is such a bound, and HostFace.more."""

    def __init__(self, memory_bytes: int) -> None:
        from ..ports.cpython.process import Process  # and psutil with it: a node that nobody watches does without

        super().__init__()
        self._memory_bytes = memory_bytes
        self._process = Process()
        self._own = len(self.budgets)
        self.budgets += [0] * len(HostFace.more)

    def read(self, node: "Node") -> "HostStatus":
        """Take all numbers, now."""
        super().read(node)
        process = self._process.read()
        self.heap_used = process.rss_bytes
        self.heap_free = max(0, self._memory_bytes - process.rss_bytes) if self._memory_bytes else 0
        self.budgets[self._own :] = [process.cpu_ms, process.available_bytes, process.milli_celsius]
        return self


class HostFace(NodeFace):
    """A node on Linux. `more` are the names of the numbers behind those that every board tells."""

    more = ("process_ms", "host_available", "host_milli_celsius")

    def __init__(self, node: "Node") -> None:
        super().__init__(node)
        self._status = HostStatus(node.profile.memory_bytes)


class Consoles:
    """Those of one run, with one log. `say` what happens, `run` them, `close` in any case."""

    def __init__(self, text: "str | None", status: str, data_dir: str, out: "Output") -> None:
        """`text` is what --console says; `data_dir` is where the socket is by default, "" where nothing is kept.
        LocalError, the user's, when what was asked for cannot be had."""
        self.log = Log()
        self._out = out
        self._status_ms = whole(status, LEAST_STATUS_MS, MOST_STATUS_MS, "--console-status") if status != "0" else 0
        self._open: "list[Console]" = []
        self._serial: "_Serial | None" = None
        self._socket: "_Socket | None" = None
        if text is not None and text.startswith(_UNIX):
            self._socket = _Socket(text[len(_UNIX) :])
        elif text is None:
            self._socket = self._default(data_dir) if data_dir else None
        elif text != "none":
            self._serial = _Serial(text)

    def say(self, text: str) -> None:
        """A line for people: on every console now, and in the log for later."""
        self.log.add(clock.ticks_ms(), text)
        for console in self._open:
            console.tell(text)
            self._wake()

    async def run(self, node: "Node") -> None:
        """Answer until cancelled."""
        try:
            if self._serial is not None:
                await self._run_serial(node, self._serial)
            elif self._socket is not None:
                self._out.line("console at %s" % self._socket.path)
                await self._run_socket(node, self._socket)
            else:
                await asyncio.Event().wait()
        finally:
            self.close()

    def close(self) -> None:
        """Give the port or the socket back."""
        if self._serial is not None:
            self._serial.tty.close()
        if self._socket is not None:
            self._socket.close()

    def _default(self, data_dir: str) -> "_Socket | None":
        # Nobody asked for it: where it cannot be, there is none.
        if os.path.exists(data_dir) and not os.path.isdir(data_dir):
            return None  # whoever keeps its data there says so
        try:
            os.makedirs(data_dir, exist_ok=True)
            return _Socket(os.path.join(data_dir, FILE_NAME))
        except (LocalError, OSError) as error:
            self._out.line("no console in the data folder: %s" % error)
            return None

    def _wake(self) -> None:
        for waker in self._wakers:
            waker.wake()

    @property
    def _wakers(self) -> "list[Waker]":
        wakers = [self._serial.waker] if self._serial is not None else []
        return wakers + (list(self._socket.wakers) if self._socket is not None else [])

    async def _run_serial(self, node: "Node", serial: "_Serial") -> None:
        self._out.line("console at %s" % serial.name)
        console = Console(serial.tty, HostFace(node), self.log, self._status_ms)
        self._open.append(console)
        while True:
            await _serve(console, serial.tty, serial.waker)
            self._out.line("console at %s: %s" % (serial.name, serial.tty.reason))
            await serial.reopen()
            console.attach(serial.tty)

    async def _run_socket(self, node: "Node", offered: "_Socket") -> None:
        loop = asyncio.get_running_loop()
        tasks: "set[asyncio.Task[None]]" = set()
        while True:
            sock, _ = await loop.sock_accept(offered.sock)
            if len(tasks) >= READERS:
                sock.close()
                continue
            task = asyncio.create_task(self._serve_reader(node, offered, sock))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _serve_reader(self, node: "Node", offered: "_Socket", sock: socket.socket) -> None:
        waker = Waker()
        link = TcpLink(waker, sock, (offered.path, 0), OPEN)
        console = Console(link, HostFace(node), self.log, self._status_ms)
        self._open.append(console)
        offered.wakers.append(waker)
        try:
            await _serve(console, link, waker)
        finally:
            self._open.remove(console)
            offered.wakers.remove(waker)
            link.close()


async def _serve(console: Console, tty: "Tty | TcpLink", waker: Waker) -> None:
    """Answer until the line is closed."""
    while True:
        now = clock.ticks_ms()
        if tty.poll() == OPEN:
            console.poll(now)
            at = console.wake_at(now)
        else:
            tty.watch(False, True)
            at = -1
        if tty.state == CLOSED:
            return
        await waker.wait(max(0, at - clock.ticks_ms()) if at >= 0 else -1)


class _Serial:
    """A port, which is opened at once and, when it vanishes, again and again."""

    def __init__(self, text: str) -> None:
        self.waker = Waker()
        self._device, self._baud = device_and_baud(text)
        self.tty: "Tty | TcpLink" = open_tty(self.waker, self._device, self._baud)

    @property
    def name(self) -> str:
        """What others open."""
        return getattr(self.tty, "name", self._device)

    async def reopen(self) -> None:
        """Until it is there again."""
        while self.tty.state == CLOSED:
            await asyncio.sleep(_REOPEN_MS / 1000)
            try:
                self.tty = open_tty(self.waker, self._device, self._baud)
            except LocalError:
                pass  # it was said why it went; that it is not back is no news


class _Socket:
    """A Unix socket that nobody but its owner can open. What an earlier run has left there is removed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.wakers: "list[Waker]" = []
        self.sock = socket.socket(socket.AF_UNIX)
        self._inode = -1
        mask = os.umask(0o177)
        try:
            self._remove_stale()
            self.sock.bind(path)
            self._inode = os.stat(path).st_ino
            self.sock.listen(READERS)
            self.sock.setblocking(False)
        except LocalError:
            self.sock.close()
            raise
        except OSError as error:
            self.sock.close()
            why = "another node has it open" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
            raise LocalError("console %s: %s" % (ascii(path), why), 2)
        finally:
            os.umask(mask)

    def _remove_stale(self) -> None:
        try:
            is_socket = stat.S_ISSOCK(os.stat(self.path).st_mode)
        except FileNotFoundError:
            return
        if not is_socket:
            raise LocalError("console %s: a file is there that is no socket" % ascii(self.path), 2)
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self.path)
            except ConnectionRefusedError:
                os.unlink(self.path)

    def close(self) -> None:
        """Take it away, unless another run has made one of its own there."""
        self.sock.close()
        with contextlib.suppress(OSError):
            if os.stat(self.path).st_ino == self._inode:
                os.unlink(self.path)
        self._inode = -1

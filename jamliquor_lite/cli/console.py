"""`--console PORT`: the serial console of a board, on a Linux host. What it answers is the same (console/)."""

import asyncio

from ..console.commands import LEAST_STATUS_MS, MOST_STATUS_MS, whole
from ..console.console import Console
from ..console.log import Log
from ..const import const
from ..errors import LocalError
from ..node.face import NodeFace
from ..node.serial_port import device_and_baud
from ..ports import clock
from ..ports.tcp import CLOSED, OPEN, Waker
from ..ports.tty import open_tty

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..node.node import Node
    from ..ports.tcp import TcpLink
    from ..ports.tty import Tty
    from .output import Output

_REOPEN_MS = const(2_000)


def add_console_argument(parser: "argparse.ArgumentParser") -> None:
    """`--console PORT`."""
    parser.add_argument(
        "--console", metavar="PORT[@BAUD]",
        help="answer `help`, `status`, `peers` and so on, as lines and as frames, on this serial port; `pty` makes a "
        "pseudo-terminal, socket://IP:PORT dials",
    )
    parser.add_argument(
        "--console-status", metavar="MS", default="0", help="send a status frame there every MS ms (default: 0, never)"
    )


class SerialConsole:
    """A console and its port, which is opened at once and, when it vanishes, again and again."""

    def __init__(self, text: str, status: str, out: "Output") -> None:
        """LocalError, the user's, when the port cannot be had."""
        self.log = Log()
        self._status_ms = whole(status, LEAST_STATUS_MS, MOST_STATUS_MS, "--console-status") if status != "0" else 0
        self._device, self._baud = device_and_baud(text)
        self._waker = Waker()
        self._tty: "Tty | TcpLink" = open_tty(self._waker, self._device, self._baud)
        self._out = out

    async def run(self, node: "Node") -> None:
        """Answer until cancelled."""
        self._out.line("console at %s" % self.name)
        console = Console(self._tty, NodeFace(node), self.log, self._status_ms)
        try:
            while True:
                now = clock.ticks_ms()
                if self._tty.poll() == OPEN:
                    console.poll(now)
                    at = console.wake_at(now)
                else:
                    self._tty.watch(False, True)
                    at = -1
                if self._tty.state == CLOSED:
                    self._out.line("console at %s: %s" % (self.name, self._tty.reason))
                    await self._reopen()
                    console.attach(self._tty)
                    continue
                await self._waker.wait(max(0, at - clock.ticks_ms()) if at >= 0 else -1)
        finally:
            self._tty.close()

    @property
    def name(self) -> str:
        """What others open."""
        return getattr(self._tty, "name", self._device)

    async def _reopen(self) -> None:
        while self._tty.state == CLOSED:
            await asyncio.sleep(_REOPEN_MS / 1000)
            try:
                self._tty = open_tty(self._waker, self._device, self._baud)
            except LocalError:
                pass  # it was said why it went; that it is not back is no news

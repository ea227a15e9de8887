"""From the start of the program to the first turn, on a board: what firmware/main.py runs.

The order is that of the heap: first the buffers, while it is in one piece; then the modules, which stay; then what the
node keeps. `Pools` is made by main.py, before this module is imported.
"""

import asyncio
import gc

from .console.console import Console
from .console.log import Log
from .const import const
from .crypto import suite
from .crypto.choice import get
from .errors import LocalError
from .node.board_node import BoardNode
from .ports import board, clock
from .ports.tty import open_tty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .budget.pools import Pools
    from .budget.profile import Profile
    from .chain.flash_area import Area

_THRESHOLD_BYTES = const(768)  # garbage that is let lie: the peak of the heap is that much above what lives
_RING_BYTES = const(640)
_LOG_LINES = const(8)
_LOG_BYTES = const(80)  # of a line
_AREAS = ("sets", "scratch", "tree")


class Boot:
    """`run` is the whole life of a board; it ends where the program is told to, which on a board nothing does."""

    def __init__(self, profile: "Profile", pools: "Pools", folder: str = "", tty: str = "stdio") -> None:
        gc.threshold(_THRESHOLD_BYTES)  # type: ignore[attr-defined]
        self.node = BoardNode(folder, profile, pools, self.say, areas(), board.reset)
        self.console = Console(
            open_tty(self.node.waker, tty, 0), None, Log(_LOG_LINES, _LOG_BYTES), ring_bytes=_RING_BYTES)

    def say(self, line: str) -> None:
        """A line for people: on the console now, and in its log for later."""
        self.console.log.add(clock.ticks_ms(), line)
        self.console.tell(line)

    def run(self) -> None:
        """Never ends on a board."""
        cause = board.reset_cause()
        self.say("jamliquor-lite on %s%s" % (board.NAME, ", reset by " + cause if cause else ""))
        try:
            suite.self_test()
            get("mlkem768")  # lazy, and checked when it is first wanted: now, while there is more room than later
        except LocalError as error:
            self.say(str(error))
            raise
        board.start_network()
        board.start_watchdog()
        gc.collect()
        asyncio.run(self.node.run(board.feed_watchdog, self.console))


def areas() -> "dict[str, Area]":
    """The board's flash, by name."""
    device = board.block_device() if board.FLASH else None
    if device is None:
        return {}
    from .ports.flash import Area as Flash

    return {name: Flash(device, *board.FLASH[name]) for name in _AREAS if name in board.FLASH}

"""What `run` and `gateway` have in common: a node that runs until it is told to stop, what it says meanwhile, and its
last words."""

import asyncio
import os

from ..crypto import suite
from ..node.node import Node
from ..node.status import Status
from ..ports import board
from . import session as sessions

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, Callable, Coroutine

    from .output import Output
    from .session import Hear, Make
    from .settings import Settings

_STATUS_SECONDS = 1.0
DEV_LISTEN = "/ip4/127.0.0.1/tcp/0"
# 40 blocks are there when the node starts, so that a first look shows it catching up over three epochs.
DEV_OPTIONS = ["--slot-ms", "1000", "--accelerated", "--blocks", "40"]


class Running:
    """A node made from what the user said: `session.start`, then `until_stopped`, then `summarize`."""

    def __init__(self, args: "argparse.Namespace", settings: "Settings", chainspec: str,
                 addresses: "list[str]", out: "Output", on_event: "Hear", make: "Make" = Node) -> None:
        """`addresses` are followed as well as the chainspec's own."""
        self.is_dev = settings.chain == "dev"
        if self.is_dev:
            settings.listen_addr = "127.0.0.1"
        self._out = out
        trusted = sessions.parse_checkpoint(args.checkpoint)
        self.session = sessions.Session(
            settings, chainspec, not self.is_dev, args.old_checkpoint, out, on_event, trusted, make=make)
        for text in addresses:
            self.session.networks.add_bootnode(text)

    def ready(self, **more: "Any") -> None:
        """Say that it is there."""
        node = self.session.node
        self._out.ready(addresses=node.addresses, chain=node.chain_name, genesis=node.chain.genesis_hash,
                        pid=os.getpid(), crypto=suite.backends(), **more)

    async def until_stopped(self, duration: "float | None", line: "Callable[[Status], str]",
                            *helpers: "Coroutine[Any, Any, None]") -> None:
        """Run for so many seconds, or until a signal, with a status `line` and the `helpers` beside it."""
        stop = asyncio.Event()
        sessions.stop_on_signals(stop)
        if duration is not None:
            asyncio.get_running_loop().call_later(duration, stop.set)
        tasks = [asyncio.create_task(helper) for helper in (self._show(line), *helpers)]
        try:
            await self.session.node.run(stop)
        finally:
            for task in tasks:
                task.cancel()

    def summarize(self, more: "Callable[[Status], dict[str, Any]]") -> None:
        """The last line: what every node says, and what `more` makes of the same status."""
        status = Status().read(self.session.node)
        self._out.summary(
            chain=status.chain,
            best_slot=status.best_slot,
            level=status.level,
            headers_checked=status.headers_checked,
            headers_refused=status.headers_refused,
            rss_bytes=board.memory()[0],
            bytes_in=status.bytes_in,
            bytes_out=status.bytes_out,
            peers_hybrid=status.peers_hybrid,
            peers_classical=status.peers_classical,
            peers_refused=status.peers_refused,
            **more(status),
        )

    async def _show(self, line: "Callable[[Status], str]") -> None:
        status = Status()
        while True:
            await asyncio.sleep(_STATUS_SECONDS)
            status.read(self.session.node)
            traffic = "%d KB in, %d KB out" % (status.bytes_in // 1024, status.bytes_out // 1024)
            self._out.status("%s | %s" % (line(status), traffic))

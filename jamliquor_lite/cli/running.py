"""What `run` and `gateway` have in common: a node that runs until it is told to stop, what it says meanwhile, and its
last words."""

import asyncio
import os
import signal

from ..crypto import suite
from ..errors import LocalError
from ..node.status import Status
from ..ports import board, clock
from ..ports.cpython import limits
from . import session as sessions
from . import start as starts
from .reload import Reload
from .warp import Way

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, Callable, Coroutine

    from .output import Output
    from .session import Hear, Make
    from .settings import Settings

_STATUS_SECONDS = 1.0
_RESERVE_BYTES = 1024 * 1024  # given back when no other memory is left
DEV_LISTEN = "/ip4/127.0.0.1/tcp/0"
# 40 blocks are there when the node starts, so that a first look shows it catching up over three epochs.
DEV_OPTIONS = ["--slot-ms", "1000", "--accelerated", "--blocks", "40"]


class Running:
    """A node made from what the user said: `session.start`, then `until_stopped`, then `summarize`."""

    def __init__(self, args: "argparse.Namespace", settings: "Settings", chainspec: str,
                 addresses: "list[str]", out: "Output", on_event: "Hear", make: "Make" = sessions.make_node) -> None:
        """`addresses` are followed as well as the chainspec's own."""
        if not os.isatty(0):
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # who asks for other settings before it runs must not end it
        self.is_dev = settings.chain == "dev"
        if self.is_dev:
            settings.listen_addr = "127.0.0.1"
        self._out = out
        self._memory_bytes = settings.profile.memory_bytes
        start = starts.parse(args.checkpoint)
        self.session = sessions.Session(
            settings, chainspec, not self.is_dev, args.old_checkpoint, out, on_event, start, make=make,
            way=Way(args.sync, args.strict))
        self._reload = Reload(args, settings, self.session, out)
        for text in addresses:
            self.session.networks.add_bootnode(text)

    def ready(self, **more: "Any") -> None:
        """Say that it is there."""
        node = self.session.node
        self._out.ready(addresses=node.addresses, chain=node.chain_name, genesis=node.chain.genesis_hash,
                        pid=os.getpid(), crypto=suite.backends(), **more)

    async def until_stopped(self, duration: "float | None", line: "Callable[[Status], str]",
                            *helpers: "Coroutine[Any, Any, None]") -> None:
        """Run for so many seconds, or until a signal, with a status `line` and the `helpers` beside it.

        LocalError where memory is at its end: what was checked is saved before.
        """
        stop = asyncio.Event()
        sessions.stop_on_signals(stop)
        loop = asyncio.get_running_loop()
        has_terminal = os.isatty(0)

        def hang_up() -> None:
            # It is also what a terminal says that is closed, and then nobody waits for us.
            if has_terminal and not os.isatty(0):
                stop.set()
            else:
                self._reload()

        loop.add_signal_handler(signal.SIGHUP, hang_up)
        if duration is not None:
            loop.call_later(duration, stop.set)
        failures: "list[BaseException]" = []

        def end(error: "BaseException | None") -> None:
            if error is not None:
                failures.append(error)
                stop.set()

        def heard(_: object, context: "dict[str, Any]") -> None:
            if isinstance(context.get("exception"), MemoryError):
                end(context["exception"])
            else:
                loop.default_exception_handler(context)

        loop.set_exception_handler(heard)  # of callbacks, where nobody waits
        reserve: "bytearray | None" = bytearray(_RESERVE_BYTES)
        tasks = [asyncio.create_task(helper) for helper in (self._show(line), *helpers)]
        for task in tasks:
            task.add_done_callback(lambda done: end(None if done.cancelled() else done.exception()))
        try:
            if self._memory_bytes:
                limits.limit_memory(self._memory_bytes)
            await self.session.node.run(stop)
            for failure in failures:
                raise failure
        except MemoryError:
            reserve = None  # so that there is some to say goodbye with
            self.session.node.save(clock.ticks_ms())
            used = board.memory()[0]
            raise LocalError("no memory is left: %d bytes are in use%s" % (
                used, " of %d allowed" % self._memory_bytes if self._memory_bytes else "")) from None
        finally:
            self.session.close()
            del reserve
            for task in tasks:
                task.cancel()

    def summarize(self, more: "Callable[[Status], dict[str, Any]]") -> None:
        """The last line: what every node says, and what `more` makes of the same status. LocalError where it ends
        without a head to go by: who waits for it must not take it for success."""
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
            mode=status.mode,
            reorgs=status.reorgs,
            reorg_depth=status.reorg_depth,
            stalls=status.stalls,
            stall_ms=status.stall_ms,
            clock_skew_s=status.clock_skew_s,
            budgets=status.budgets_by_name(),
            # QUIC lends nothing.
            pools_whole=all(getattr(carrier, "is_whole", True) for carrier in self.session.node.carriers),
            **({"attested": status.attested} if status.attested else {}),
            **more(status),
        )
        if status.stall_ms:
            raise LocalError("stalled: no new head since slot %d, for %d s; what was answered is that old" % (
                status.best_slot, status.stall_ms // 1000))

    async def _show(self, line: "Callable[[Status], str]") -> None:
        status = Status()
        while True:
            await asyncio.sleep(_STATUS_SECONDS)
            status.read(self.session.node)
            traffic = "%d KB in, %d KB out" % (status.bytes_in // 1024, status.bytes_out // 1024)
            mode = "" if status.mode == "full" else " | " + status.mode
            if status.stall_ms:
                mode += " | STALLED for %d s" % (status.stall_ms // 1000)
            if status.clock_skew_s:
                mode += " | clock off by %d s?" % status.clock_skew_s
            self._out.status("%s%s | %s" % (line(status), mode, traffic))

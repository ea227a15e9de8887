"""What `run` and `state` have in common: from settings to a node that is ready to follow."""

import asyncio
import os
import signal

from ..budget.meter import Meter
from ..chain import slots
from ..chain.chainspec import ChainSpec
from ..chain.checkpoint import Checkpoint
from ..chain.twoslot import TwoSlot
from ..crypto import suite
from ..errors import LocalError, VerifyError
from ..node.node import Node
from ..ports import clock, store
from ..ports.cpython.link import resolve
from . import keyfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .addresses import JamAddress
    from .output import Output
    from .settings import Settings

_BURST_MS = 250  # a rate is spent in pieces of at most so long


class Session:
    """Holds the node and where it came from. Use `start`, then `node.run`."""

    def __init__(
        self,
        settings: "Settings",
        chainspec_path: str,
        keep: bool,
        old_checkpoint: bool,
        out: "Output",
        on_event: "Callable[[str, dict[str, Any]], None]",
    ) -> None:
        """`keep`: use and write the checkpoint in the data folder. LocalError for all that is wrong with any of it."""
        self._settings = settings
        self._out = out
        suite.self_test()
        chainspec = ChainSpec.read(chainspec_path)
        self.checkpoint = chainspec.checkpoint()
        self.peers: "list[JamAddress]" = list(settings.peers)
        known = {peer.name for peer in self.peers}
        for text in chainspec.bootnodes:
            self._bootnode(text, known)
        save = None
        if keep:
            self._slots = TwoSlot(store.SlotFile(self._checkpoint_path()))
            self._load(old_checkpoint)
            save = self._slots.save
        if not self.checkpoint.clock_chain:
            slots.check_clock(slots.slot_at(clock.wall_seconds(), self.checkpoint.spec), self.checkpoint.slot)
        seed = keyfile.load_or_create(settings.key_file) if keep else os.urandom(32)
        self.node = Node(seed, self.checkpoint, settings.profile, chainspec.id, on_event, save)

    def _bootnode(self, text: str, known: "set[str]") -> None:
        from .addresses import JamAddress, parse

        try:
            peer = parse(text)
        except LocalError as error:
            self._out.warn("chainspec bootnode skipped: %s" % error)
            return
        if isinstance(peer, JamAddress) and peer.name not in known:
            known.add(peer.name)
            self.peers.append(peer)

    def _checkpoint_path(self) -> str:
        folder = os.path.join(self._settings.data_dir, self.checkpoint.genesis_hash[:4].hex())
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError as error:
            raise LocalError("cannot make the data folder %s: %s" % (folder, error.strerror), 2) from None
        return os.path.join(folder, "checkpoint")

    def _load(self, old_checkpoint: bool) -> None:
        payload = self._slots.load()
        if self._slots.damaged:
            self._out.warn(str(self._slots.damaged))
        if payload is None:
            return
        try:
            found = Checkpoint.decode(payload)
        except VerifyError as error:
            self._out.warn(
                "the saved checkpoint is unusable (%s): starting from the chainspec's genesis" % error
            )
            return
        if found.genesis_hash != self.checkpoint.genesis_hash:
            raise LocalError(
                "the data folder holds a checkpoint of another chain (genesis %s)"
                % found.genesis_hash.hex()[:8],
                2,
            )
        if not old_checkpoint and not found.clock_chain:
            slots.check_age(slots.slot_at(clock.wall_seconds(), found.spec), found.slot, found.spec)
        self.checkpoint = found

    async def start(self) -> None:
        """Bind the link and name the peers. LocalError when there is nobody to follow."""
        profile = self._settings.profile
        self.node.open(
            self._settings.listen_addr,
            self._settings.listen_port,
            _meter(profile.max_download_rate),
            _meter(profile.max_upload_rate),
        )
        for peer in self.peers:
            host, port = await resolve(peer.host, peer.port)
            self.node.add_peer(peer.name, host, port)
        if not self.peers:
            raise LocalError("no peer to follow: give --peer NAME@IP:PORT, or a chainspec with bootnodes", 2)


def _meter(rate: int) -> "Meter | None":
    return Meter(rate, max(4096, rate * _BURST_MS // 1000)) if rate else None


def stop_on_signals(stop: "asyncio.Event") -> None:
    """SIGINT and SIGTERM end a run cleanly; a second one is the interpreter's again."""
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)


def rss_bytes() -> int:
    """Resident memory of this process now, or 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0

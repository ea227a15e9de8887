"""What `run` and `state` have in common: from settings to a node that is ready to follow."""

import asyncio
import os
import signal

from ..chain import slots
from ..chain.chainspec import ChainSpec
from ..chain.checkpoint import Checkpoint
from ..chain.twoslot import TwoSlot
from ..crypto import suite
from ..errors import LocalError, VerifyError
from ..node.bootstrap import Bootstrap
from ..node.node import Node
from ..node.peers import Peers
from ..node.pins import Pins
from ..ports import clock, store
from . import crypto_choice, keyfile
from .networks import Networks, open_pins

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, Callable

    from ..budget.profile import Profile
    from .output import Output
    from .settings import Settings

    Hear = Callable[[str, dict[str, Any]], None]
    Make = Callable[[Checkpoint, Profile, str, Hear, "Callable[[bytes], None] | None"], Node]


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
        checkpoint_hash: "bytes | None" = None,
        guest: bool = False,
        make: "Make" = Node,
    ) -> None:
        """`keep`: use and write the checkpoint in the data folder. `checkpoint_hash`: start from this block instead.
        `guest`: a node may be running on this data folder, so write nothing and take a name of our own.
        `make` makes the node, as Node's constructor does.

        LocalError for all that is wrong with any of it.
        """
        self._settings = settings
        self._out = out
        self._old_checkpoint = old_checkpoint
        self._checkpoint_hash = checkpoint_hash
        self._on_event = on_event
        self._make = make
        crypto_choice.apply(settings.crypto)
        suite.self_test()
        chainspec = ChainSpec.read(chainspec_path)
        self.checkpoint = chainspec.checkpoint()
        self.networks = Networks(settings, out)
        for text in chainspec.bootnodes:
            self.networks.add_bootnode(text)
        self._chain_name = chainspec.id
        self._save: "Callable[[bytes], None] | None" = None
        if keep:
            self._slots = TwoSlot(store.SlotFile(self._checkpoint_path()))
            if checkpoint_hash is None:
                self._load()
            self._save = None if guest else self._slots.save
        self._check_time(False)
        self._seed = keyfile.load_or_create(settings.key_file) if keep and not guest else os.urandom(32)
        self.pins = open_pins(settings.data_dir, settings.profile, out, guest) if keep else Pins(settings.profile)

    def _check_time(self, with_age: bool) -> None:
        checkpoint = self.checkpoint
        if checkpoint.clock_chain:
            return
        now_slot = slots.slot_at(clock.wall_seconds(), checkpoint.spec)
        slots.check_clock(now_slot, checkpoint.slot)
        if with_age and not self._old_checkpoint:
            slots.check_age(now_slot, checkpoint.slot, checkpoint.spec)

    def _checkpoint_path(self) -> str:
        folder = os.path.join(self._settings.data_dir, self.checkpoint.genesis_hash[:4].hex())
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError as error:
            raise LocalError("cannot make the data folder %s: %s" % (folder, error.strerror), 2) from None
        return os.path.join(folder, "checkpoint")

    def _load(self) -> None:
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
        self.checkpoint = found
        self._check_time(True)

    async def start(self) -> Node:
        """The node, with its links bound and its peers named. LocalError when there is nobody to follow."""
        profile, networks = self._settings.profile, self.networks
        if networks.is_empty:
            raise LocalError(
                "no peer to follow: give --peer NAME@IP:PORT or --peer MULTIADDR, or a chainspec with bootnodes", 2)
        found = await networks.places()
        genesis = self.checkpoint
        if self._checkpoint_hash is not None:
            carriers = networks.carriers(self._seed, genesis.genesis_hash, self.pins)
            table = Peers(profile)
            for name, host, port in found:
                for carrier in carriers:
                    if carrier.carries(name):
                        table.add(name, host, port, carrier)
            bootstrap = Bootstrap(carriers, genesis.spec, genesis.genesis_hash, profile)
            self.checkpoint = await bootstrap.run(self._checkpoint_hash, table.records, genesis.clock_chain)
            self._check_time(True)
        self.node = self._make(self.checkpoint, profile, self._chain_name, self._on_event, self._save)
        for carrier in networks.carriers(self._seed, genesis.genesis_hash, self.pins):
            self.node.attach(carrier)
        self.node.open()
        own = [carrier.name for carrier in self.node.carriers]
        for name, host, port in found:
            if name not in own:  # a chainspec may name its reader
                self.node.add_peer(name, host, port).is_spare = name in networks.spares
        return self.node


def parse_checkpoint(text: "str | None") -> "bytes | None":
    """The block hash of `--checkpoint`, None when it was not given. LocalError for anything but 64 hex digits."""
    if text is None:
        return None
    try:
        found = bytes.fromhex(text[2:] if text.startswith("0x") else text)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise LocalError("--checkpoint %s: must be a header hash of 64 hex digits" % ascii(text[:80]), 2)
    return found


def add_checkpoint_arguments(parser: "argparse.ArgumentParser") -> None:
    """`--checkpoint HASH` and `--old-checkpoint`."""
    parser.add_argument(
        "--checkpoint", metavar="HASH", help="start from the block of this hash, which you trust, not from genesis"
    )
    parser.add_argument("--old-checkpoint", action="store_true", help="start from a checkpoint of any age")


def stop_on_signals(stop: "asyncio.Event") -> None:
    """SIGINT and SIGTERM end a run cleanly; a second one is the interpreter's again."""
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)

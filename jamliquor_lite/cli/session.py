"""What `run` and `state` have in common: from settings to a node that is ready to follow."""

import asyncio
import os
import signal

from ..budget.budgets import Budgets
from ..chain import slots
from ..chain.chainspec import FORMAT, ChainSpec
from ..chain.checkpoint import Checkpoint
from ..chain.epoch import UNKNOWN_SET
from ..chain.twoslot import TwoSlot
from ..crypto import suite
from ..errors import LocalError
from ..node.alarm import Alarm
from ..node.bootstrap import Bootstrap
from ..node.mode import WORDS, Mode
from ..node.node import Node
from ..node.peers import Peers
from ..node.pins import Pins
from ..ports import clock, store
from ..ports.cpython.lock import Lock
from . import crypto_choice, epoch, keyfile, warp
from . import start as starts
from .kept import Kept
from .knobs import EPOCH
from .networks import Networks, open_pins
from .start import Start

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, Callable

    from ..budget.profile import Profile
    from ..node.carrier import Carrier
    from ..node.peers import Record
    from .output import Output
    from .settings import Settings

    Buffer = bytes | bytearray | memoryview
    Hear = Callable[[str, dict[str, Any]], None]
    Make = Callable[[Checkpoint, Profile, str, Hear, "Callable[[Checkpoint], None] | None", Budgets], Node]

_ALLOWANCE_FILE = "allowance"
_WARP_FILE = "warp"  # how far a warp came that was interrupted


class Unwritten(TwoSlot):
    """Another process's: it is read and not written."""

    def save(self, payload: "Buffer") -> None:
        """What is proved is not kept."""


def make_node(checkpoint: Checkpoint, profile: "Profile", chain_name: str, on_event: "Hear",
              save: "Callable[[Checkpoint], None] | None", budgets: Budgets) -> Node:
    """A node that only follows."""
    return Node(checkpoint, profile, chain_name, on_event, save, budgets=budgets)


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
        start: "Start | None" = None,
        guest: bool = False,
        make: "Make" = make_node,
        way: "warp.Way | None" = None,
    ) -> None:
        """`keep`: use and write the checkpoint in the data folder. `start`: start from there instead.
        `guest`: a node may be running on this data folder, so write nothing and take a name of our own.
        `make` makes the node. `way`: how to come from the start to the head.

        LocalError for all that is wrong with any of it.
        """
        self._settings = settings
        self._out = out
        self._old_checkpoint = old_checkpoint
        self._start = start or Start()
        self._is_guest = guest
        self._way = way or warp.Way()
        self._on_event = on_event
        self._make = make
        crypto_choice.apply(settings.crypto)
        suite.self_test()
        chainspec = ChainSpec.read(chainspec_path)
        self.checkpoint = chainspec.checkpoint()
        self._genesis_slot = self.checkpoint.slot
        epoch.refuse(settings, self.checkpoint)
        for field, text in epoch.faults(settings, self.checkpoint):
            raise LocalError(settings.blame(field, text), 2)
        self.networks = Networks(settings, out)
        for text in chainspec.bootnodes:
            self.networks.add_bootnode(text)
        self.chain_name = chainspec.id
        self._save: "Callable[[Checkpoint], None] | None" = None
        self._kept: "Kept | None" = None
        self.keeps = keep
        self._lock: "Lock | None" = None
        built_in = None if chainspec.start is None else starts.built_in(chainspec.start, "chainspec " + chainspec_path)
        is_saved = False
        if keep:
            self._kept = Kept(self._chain_folder(), self.checkpoint.spec, settings.profile, out.warn, guest)
            is_saved = start is None and self._load(self._kept, built_in)
            if start is None and not is_saved and settings.attest is not None:
                self._start.is_attested = True
            self._save = None if guest else self._kept.save
        is_chainspecs = start is None and not is_saved and not self._start.is_attested
        if is_chainspecs and built_in is not None:
            self._start = built_in
        self._limits_age = not is_chainspecs  # whoever ships a chainspec cannot renew it every week
        self.checkpoint = starts.of_chain(self._start, self.checkpoint)
        if self._start.is_attested and settings.attest is None:
            raise LocalError("--checkpoint attested: by whom? Give --attest N/M, and M peers by --peer MULTIADDR", 2)
        if self._start.trust is not None:
            self._check_time(self._limits_age, self._start.trust.slot)
        self._check_time(self._limits_age and self._start.checkpoint is not None)
        if is_chainspecs and not old_checkpoint:
            self._way.check_chainspecs(self.checkpoint.spec, max(self._start.slot, self.checkpoint.slot),
                                       self._now_slot(), "genesis" if built_in is None else "checkpoint", out)
        self._seed = keyfile.load_or_create(settings.key_file) if keep and not guest else os.urandom(32)
        self.budgets = Budgets(settings.profile, clock.cpu_us)
        self.mode: Mode = self._make_mode(keep)
        self.pins = open_pins(settings.data_dir, settings.profile, out, guest) if keep else Pins(settings.profile)

    def _make_mode(self, keep: bool) -> Mode:
        store_ = None
        if keep:
            folder = self._make_folder(self._settings.data_dir)
            store_ = TwoSlot(store.SlotFile(os.path.join(folder, _ALLOWANCE_FILE)))
            if self.budgets.allowance.is_capped:
                self.lock_allowance()
        if self._settings.mode == EPOCH:
            mode: Mode = epoch.make_mode(self.budgets, store_)
        else:
            mode = Mode(self.budgets, store_, WORDS.index(self._settings.mode))
        if mode.damage:
            self._out.warn(mode.damage)
        return mode

    def lock_allowance(self) -> None:
        """Have the caps of this data folder for this process alone: two that count for themselves would spend them
        twice. LocalError when another one has them."""
        if self._lock is None:
            path = os.path.join(self._settings.data_dir, _ALLOWANCE_FILE + ".lock")
            try:
                self._lock = Lock(path)
            except LocalError as error:
                raise LocalError(
                    "%s: it spends the caps of this data folder; ask it (`run --ask`, `run --console`), or give "
                    "another --data" % error, error.exit_code) from None

    def _now_slot(self) -> int:
        # slots.UNKNOWN where the chain is its own clock.
        checkpoint = self.checkpoint
        seconds = None if checkpoint.clock_chain else clock.wall_seconds()
        return slots.slot_at(seconds, checkpoint.spec)

    def _check_time(self, with_age: bool, slot: int = -1) -> None:
        checkpoint = self.checkpoint
        slot = checkpoint.slot if slot < 0 else slot
        if checkpoint.clock_chain:
            return
        now_slot = self._now_slot()
        slots.check_clock(now_slot, slot)
        if with_age and not self._old_checkpoint:
            slots.check_age(now_slot, slot, checkpoint.spec)

    def _chain_folder(self) -> str:
        return self._make_folder(os.path.join(self._settings.data_dir, self.checkpoint.genesis_hash[:4].hex()))

    def _make_folder(self, folder: str) -> str:
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError as error:
            raise LocalError("cannot make the data folder %s: %s" % (folder, error.strerror), 2) from None
        return folder

    def _load(self, kept: Kept, built_in: "Start | None") -> bool:
        # Whether there is a saved checkpoint to start from.
        attest = self._settings.attest
        instead = ("what pinned peers attest" if attest else
                   "the chainspec's " + ("genesis" if built_in is None else "checkpoint"))
        found = kept.load(instead)
        if found is None:
            return False
        if found.genesis_hash != self.checkpoint.genesis_hash:
            raise LocalError(
                "the data folder holds a checkpoint of another chain (genesis %s)"
                % found.genesis_hash.hex()[:8],
                2,
            )
        if found.grandpa_format is None and found.header_hash != found.genesis_hash:
            found.grandpa_set_id = UNKNOWN_SET  # older releases did not count
        found.grandpa_format = self.checkpoint.grandpa_format
        genesis, self.checkpoint = self.checkpoint, found
        try:
            self._check_time(True)
        except LocalError as error:
            if attest is None and not (built_in is not None and built_in.slot > found.slot):
                raise
            self._out.warn("the saved checkpoint is not used (%s): starting from %s" % (error, instead))
            self.checkpoint = genesis
            return False
        kept.accept(found)
        return True

    async def start(self) -> Node:
        """The node, with its links bound and its peers named. LocalError when there is nobody to follow."""
        profile, networks = self._settings.profile, self.networks
        if networks.is_empty:
            raise LocalError(
                "no peer to follow: give --peer NAME@IP:PORT or --peer MULTIADDR, or a chainspec with bootnodes", 2)
        found = await networks.places()
        genesis = self.checkpoint
        attested = ""
        if self._start.is_attested or self._start.header_hash is not None:
            attested = await self._bootstrap(found)
        self.node: Node
        if self._settings.mode == EPOCH:
            self.node = epoch.make_node(self, self.mode, self._on_event, self._save, lambda: self._dialers(found),
                                        self._genesis_slot)
            self.node.peers.attested = attested
            return self.node
        voted = await self._warp(found)
        self.node = self._make(
            self.checkpoint, profile, self.chain_name, self._on_event, self._save, self.budgets)
        self.node.mode = self.mode
        if self.node.chain.grandpa_format == FORMAT:
            from ..node.finality import Finality

            self.node.finality = Finality(self.node)
        if voted:
            self.node.chain.finalize(self.node.chain.tree.root, *voted)
        if attested:
            self.node.peers.attested = attested
        for carrier in networks.carriers(self._seed, genesis.genesis_hash, self.pins, budgets=self.budgets):
            self.node.attach(carrier)
        self.node.open()
        own = [carrier.name for carrier in self.node.carriers]
        for name, host, port in found:
            if name not in own:  # a chainspec may name its reader
                self.node.add_peer(name, host, port, name in networks.spares)
        self.node.alarm = Alarm(self.node, clock.ticks_ms())
        if self._kept is not None:
            self._kept.attach(self.node)
        return self.node

    def close(self) -> None:
        """The node has ended: what is left to be kept is."""
        if self._kept is not None:
            self._kept.close()

    def _dialers(self, places: "list[tuple[str, str, int]]") -> "tuple[list[Carrier], list[Record]]":
        # Carriers that are not open yet, and everybody who is to be dialed by them.
        carriers = self.networks.carriers(self._seed, self.checkpoint.genesis_hash, self.pins, budgets=self.budgets)
        table = Peers(self._settings.profile)
        for name, host, port in places:
            for carrier in carriers:
                if carrier.carries(name):
                    table.add(name, host, port, carrier)
        return carriers, table.records

    def warp_store(self) -> "TwoSlot | None":
        """Where the progress of jumps is kept between runs, if it is. A guest only reads it."""
        if not self.keeps or (self._is_guest and self._settings.mode != EPOCH):
            return None
        path = os.path.join(self._chain_folder(), _WARP_FILE)
        return (Unwritten if self._is_guest else TwoSlot)(store.SlotFile(path))

    async def _warp(self, places: "list[tuple[str, str, int]]") -> "tuple[bytes, int, int] | None":
        # By justifications as far as they go. Where they did: the root that the last of them voted for, how many did,
        # and as which set.
        start, now_slot = self.checkpoint, self._now_slot()
        if not self._way.leads_by_warp(start, now_slot, self._out):
            return None
        warping = warp.Warping(self._way.word, self._out, self.mode.keep_ahead)
        found = await warping.run(start, self._genesis_slot, now_slot, *self._dialers(places), self.budgets,
                                  self.warp_store())
        if found is None:
            return None
        self.checkpoint = found
        if self._save is not None:
            self._save(found)
        from ..chain.justification import needed

        return warping.state_root, needed(found.spec.validators), found.grandpa_set_id - 1

    async def _bootstrap(self, places: "list[tuple[str, str, int]]") -> str:
        # The checkpoint of a block that is known by its hash alone; how many peers attest it, or "".
        settings, genesis = self._settings, self.checkpoint
        wanted, word = self._start.header_hash, ""
        if self._start.is_attested:
            folder = self._chain_folder() if self.keeps and not self._is_guest else ""
            from . import attest

            verdict = await attest.choose(
                settings, genesis, *self._dialers(places), self.mode, self._old_checkpoint, self._out, folder)
            assert verdict.entry is not None
            wanted, word = verdict.entry.header_hash, verdict.word
        assert wanted is not None
        carriers, records = self._dialers(places)
        bootstrap = Bootstrap(carriers, genesis.spec, genesis.genesis_hash, settings.profile, self.mode.keep_ahead)
        self.checkpoint = await bootstrap.run(wanted, records, genesis.clock_chain)
        self.checkpoint.grandpa_format = genesis.grandpa_format
        self._check_time(self._limits_age)
        return word


def add_checkpoint_arguments(parser: "argparse.ArgumentParser") -> None:
    """`--checkpoint WHAT` and `--old-checkpoint`."""
    what = "start from there, which you trust, and not from genesis: " + starts.ALLOWED
    parser.add_argument("--checkpoint", metavar="WHAT", help=what)
    parser.add_argument("--old-checkpoint", action="store_true", help="start from a checkpoint of any age")
    warp.add_arguments(parser)


def stop_on_signals(stop: "asyncio.Event") -> None:
    """SIGINT and SIGTERM end a run cleanly; a second one is the interpreter's again."""
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)

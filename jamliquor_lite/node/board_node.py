"""A board's node from its files to its turns: the part of boot that is the same on every board.

In one folder of the file system lie

    board.conf          whom to follow (board_config.py)
    start.cbor          the first checkpoint, which whoever made the image chose to trust; it is whole, or (where the
                        board has flash for them) its sets are there already
    node.key            32 bytes, made on the first boot
    checkpoint.0, .1    what has been checked since (chain/twoslot.py): a reset goes on from there
    pins.0, .1          peers that spoke the hybrid handshake (pins.py)
    allowance.0, .1     what is used of the caps, where the board has any (mode.py)

What is wrong with them is one line; the board then stays in its console, tells the line, and looks again. Nothing here
ends by an exception that a person has to read.
"""

import gc
import os

from ..budget.budgets import Budgets
from ..budget.times import earlier
from ..chain.checkpoint import Checkpoint, Outline
from ..chain.tree import rows_for
from ..chain.twoslot import TwoSlot
from ..const import const
from ..errors import LocalError, VerifyError
from ..jam.kinds import BLOCK_ANNOUNCEMENT
from ..ports import clock, entropy, store
from ..ports.tcp import Waker
from . import board_config
from .libp2p import Libp2pCarrier
from .node import Node
from .pins import Pins
from .silence import Silence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Protocol

    from ..budget.pools import Pools
    from ..budget.profile import Profile
    from ..chain.flash_area import Area
    from .face import NodeFace
    from .flash import Flash

    class Console(Protocol):
        """What a board's loop asks of its console (console/console.py)."""

        face: Any
        status_ms: int

        def poll(self, now: int) -> None: ...

        def wake_at(self, now: int) -> int: ...


_SEED_BYTES = const(32)
_START_BYTES = const(256 * 1024)  # a first checkpoint is shorter; a file without end would fill the memory
_AGAIN_MS = const(2000)  # how often files that were at fault are looked at again
_QUIET = ("best", "epoch", "keys_adopted", "root", "tickets_adopted", "vouched")  # what `_heard` says nothing about
_NAME_CHARACTERS = const(16)  # of a peer, in a line


class NoNode:
    """What the console sees while there is no node: whatever it asks, the answer is why."""

    def __init__(self, board: "BoardNode") -> None:
        self.reset = board.reset
        self._board = board

    def __getattr__(self, name: str) -> "Any":
        raise LocalError("no node: %s" % (self._board.fault or "it is about to start"))


class LateFace:
    """What the console sees of the node, made when somebody looks: until then a board saves 3 KB."""

    def __init__(self, node: "Node", reset: "Callable[[], None] | None") -> None:
        self.reset = reset
        self._node = node
        self._face: "NodeFace | None" = None

    def __getattr__(self, name: str) -> "Any":
        if self._face is None:
            from .face import NodeFace

            self._face = NodeFace(self._node, self.reset)
        return getattr(self._face, name)


class BoardNode:
    """`node` is None while the files do not allow one; `fault` then is the line that says why.

    `out` is given lines for people; `reset` restarts the board, where the console may ask for it. `pools` were made
    before this module was imported, while the heap was in one piece. `areas` are those of the board's flash by name, of
    which "sets", "scratch" and "tree" are used; without them all is kept in memory, and a long header is refused.
    """

    def __init__(self, folder: str, profile: "Profile", pools: "Pools", out: "Callable[[str], None]",
                 areas: "dict[str, Area] | None" = None, reset: "Callable[[], None] | None" = None) -> None:
        self.profile = profile
        self.node: "Node | None" = None
        self.fault = ""
        self.status_ms = 0
        self.is_ending = False
        self.waker = Waker()
        self.reset = self._end if reset is not None else None
        self._restart = reset
        self._folder = folder
        self._pools = pools
        self._out = out
        self._areas = areas or {}
        self._look_at = 0

    # files

    def path(self, name: str) -> str:
        """Where a file of that name lies."""
        return name if not self._folder else self._folder.rstrip("/") + "/" + name

    def start(self) -> Node:
        """The node as the files want it, with its peers named. LocalError is what is wrong with them."""
        config = board_config.read(self.path(board_config.FILE_NAME))
        self.status_ms = config.status_ms
        slots = TwoSlot(store.SlotFile(self.path("checkpoint")))
        start = self._read_start(self.path(config.start))
        flash = self._flash(start, slots)
        checkpoint = self._checkpoint(config, start, slots, flash)
        seed = self._seed(self.path(config.key))
        pins = Pins(self.profile, TwoSlot(store.SlotFile(self.path("pins"))))
        if pins.damage:
            self._out(pins.damage)
        gc.collect()
        budgets = Budgets(self.profile, clock.cpu_us)
        save = None if flash is not None else lambda checkpoint: slots.save(checkpoint.encode())
        node = Node(checkpoint, self.profile, config.chain, self._heard, save, flash, budgets)
        node.chain.quiet = _QUIET
        node.attach(Libp2pCarrier(
            seed, checkpoint.genesis_hash[:4].hex(), self.profile, [], (BLOCK_ANNOUNCEMENT,), config.pq, pins,
            budgets, self._pools))
        if budgets.allowance.is_capped:
            from .mode import Mode

            node.mode = Mode(budgets, TwoSlot(store.SlotFile(self.path("allowance"))))
            if node.mode.damage:
                self._out(node.mode.damage)
        node.alarm = Silence(self.profile, checkpoint.spec.slot_seconds * 1000, clock.ticks_ms())
        node.share(self.waker)
        node.open()
        for name, host, port in config.peers:
            node.add_peer(name, host, port)
        self._out("following %s from slot %d as %s" % (config.chain, checkpoint.slot, node.carriers[0].name))
        return node

    def _flash(self, start: bytes, slots: TwoSlot) -> "Flash | None":
        spec = Outline(start).spec
        self.profile.tree_headers = min(self.profile.tree_headers, rows_for(spec))
        if "sets" not in self._areas:
            return None
        from .flash import Flash

        return Flash(spec, self.profile, self._areas["sets"], self._areas.get("scratch"), slots,
                     self._areas.get("tree"))

    def _checkpoint(self, config: "board_config.BoardConfig", start: bytes, slots: TwoSlot,
                    flash: "Flash | None") -> Checkpoint:
        first = Outline(start)
        found = flash.keeper.load() if flash else self._decode(slots.load())
        damaged = flash.keeper.damaged if flash else slots.damaged
        if damaged:
            self._out(damaged)
        if found is not None and found.genesis_hash != first.genesis_hash:
            raise LocalError("%s is of another chain (genesis %s…) than the saved checkpoint (%s…): remove one" % (
                config.start, first.genesis_hash[:4].hex(), found.genesis_hash[:4].hex()), 2)
        if found is not None and found.slot >= first.slot:
            return found
        try:
            found = Checkpoint.decode(start, flash.sets if flash else None)
        except VerifyError as error:
            raise LocalError("%s: %s" % (config.start, error), 2)
        if flash:
            flash.keeper.hold(found)
        return found

    def _decode(self, payload: "bytes | None") -> "Checkpoint | None":
        if payload is None:
            return None
        try:
            return Checkpoint.decode(payload)
        except VerifyError as error:
            self._out("the saved checkpoint is unusable: %s" % error)
            return None

    def _read_start(self, path: str) -> bytes:
        try:
            size = os.stat(path)[6]
            if size > _START_BYTES:
                raise LocalError("%s: %d bytes, a checkpoint has at most %d" % (path, size, _START_BYTES), 2)
            with open(path, "rb") as file:
                data = file.read(size)
            Outline(data)
            return data
        except OSError:
            raise LocalError("%s: no such checkpoint; a node must be told what to trust first" % path, 2)
        except VerifyError as error:
            raise LocalError("%s: %s" % (path, error), 2)

    def _seed(self, path: str) -> bytes:
        # Whole or absent: a file cut short by a reset would be another identity, or none.
        try:
            with open(path, "rb") as file:
                seed = file.read(_SEED_BYTES + 1)
        except OSError:
            seed = entropy.random_bytes(_SEED_BYTES)
            try:
                with open(path + ".new", "wb") as file:
                    file.write(seed)
                os.rename(path + ".new", path)
            except OSError as error:
                raise LocalError("%s: cannot write the key file: error %s" % (path, error.args[0]), 1)
            self._out("made a key: " + path)
        if len(seed) != _SEED_BYTES:
            raise LocalError("%s: no key file, which has exactly %d bytes" % (path, _SEED_BYTES), 2)
        return seed

    # the loop

    async def run(self, feed: "Callable[[], None]", console: "Console | None" = None) -> None:
        """Turn after turn until `is_ending`. `feed` is called after each one that was completed: a watchdog that
        hears nothing from it resets the board."""
        if console is not None:
            console.face = NoNode(self)
        while not self.is_ending:
            now = clock.ticks_ms()
            node = self.node or self._look(now, console)
            busy = node is not None and node.turn(now)
            feed()
            at = now + _AGAIN_MS
            if console is not None:
                console.poll(now)
                at = earlier(console.wake_at(now), at)
            most_ms = max(0, at - clock.ticks_ms())
            await (self.waker.wait(most_ms) if node is None else node.rest(busy, most_ms))
        if self.node is not None:
            self.node.close()

    def _look(self, now: int, console: "Console | None") -> "Node | None":
        if now < self._look_at:
            return None
        self._look_at = now + _AGAIN_MS
        try:
            self.node = node = self.start()
            self.fault = ""
            if console is not None:
                console.face = LateFace(node, self.reset)
                console.status_ms = self.status_ms
        except LocalError as error:
            if str(error) != self.fault:
                self.fault = str(error)
                self._out(self.fault)
        gc.collect()
        return self.node

    def _end(self) -> None:
        """As the console wants it: peers are told and what was checked is saved before the board starts again."""
        if self.node is not None:
            self.node.close()
        assert self._restart is not None
        self._restart()

    # lines

    def _heard(self, name: str, fields: "dict[str, Any]") -> None:
        if name == "peer":
            self._out("peer %s: connected, %s" % (fields["peer"][:_NAME_CHARACTERS], fields["suite"]))
        elif name == "peer_left":
            self._out("peer %s: %s" % (fields["peer"][:_NAME_CHARACTERS], fields["reason"]))
        elif name == "refused":
            self._out("peer %s: answer refused: %s" % (fields["peer"][:_NAME_CHARACTERS], fields["reason"]))
        elif name == "mode":
            self._out("mode: now %s: %s" % (fields["now"], fields["why"]))
        elif name in ("budget", "turned_away"):
            self._out(fields["reason"])
        elif name == "stalled":
            self._out("stalled: no new head for %d s: %s" % (fields["silent_ms"] // 1000, fields["doing"]))
        elif name == "recovered":
            self._out("recovered: a head after %d s" % (fields["after_ms"] // 1000))
        elif name == "equivocation":
            self._out("two blocks by one author at slot %d" % fields["slot"])

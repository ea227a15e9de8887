"""A node among liars, over real links, and whoever looks at it after each of its turns.

The honest chain is known here, so what is false is known too: a header that is not of it, a final block that its voters
did not make final, a value that is not in its state. The watch sees every event, each status, every header in the tree
with its level, and every answer. What is above what the attack may reach makes `until` raise Fooled.
"""

import asyncio
import contextlib
import re

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.chain import state_key
from jamliquor_lite.chain.chainspec import FORMAT
from jamliquor_lite.chain.levels import FINAL, NAMES, VOUCHED_LEVEL
from jamliquor_lite.chain.tree import USED
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.devnet.service import SERVICE
from jamliquor_lite.errors import BudgetError, LocalError
from jamliquor_lite.node.alarm import Alarm
from jamliquor_lite.node.finality import Finality
from jamliquor_lite.node.peers import Record
from jamliquor_lite.node.status import Status
from jamliquor_lite.node.warp_sync import WarpSync
from jamliquor_lite.ports import clock
from tests.chain.chains import of_devnet
from tests.node.world import CARRIERS, World, address, profile_of

NETWORK = "libp2p"
HEIGHT = state_key.service_storage(SERVICE, b"height")  # which a `forged-state-root` falsifies, as all the rest is true
KEYS = (HEIGHT, state_key.chapter(11))
ASK_MS = 20_000
PEER = re.compile(r"\b12D3KooW\w+")
ALL = 1 << 32


class Fooled(AssertionError):
    """The node said, of what is false, more than the attack may reach."""


class Attack:
    """One row. `reach` are the levels that headers of the attackers' had at most, by their names and the highest first,
    or "nothing"; `says` is a pattern that some sentence of the node's has. `run` stages it in a Scene."""

    def __init__(self, title, reach, says, run):
        self.title = title
        self.reach = reach
        self.says = says
        self.stage = run

    async def run(self, folder, **options):
        """The Scene, once all of it went as it should; AssertionError, of which Fooled is one, where it did not."""
        scene = Scene(folder)
        await self.stage(scene, **options)
        assert scene.reach == self.reach, f"{self.title}: reached {scene.reach}"
        assert scene.sentence(self.says), f"{self.title}: {self.says} is in none of {sorted(scene.said)}"
        return scene


class Scene:
    """What came of an attack, over all of its stages."""

    def __init__(self, folder):
        self.folder = folder
        self.levels = {}  # names of levels that false headers had -> how high they are
        self.said = {}  # the sentences, as keys in their order
        self.answers = 0

    @property
    def reach(self):
        return ", ".join(sorted(self.levels, key=self.levels.get, reverse=True)) or "nothing"

    def say(self, text):
        if len(self.said) < 10_000:
            self.said[PEER.sub("…", text).replace("……", "…")] = None

    def sentence(self, pattern):
        """The first one that has the pattern, or None."""
        return next((text for text in self.said if re.search(pattern, text)), None)

    def stage(self, honest, *liars, **options):
        return Stage(self, honest, *liars, **options)

    async def warp(self, honest, *served, start=None, final_until=ALL):
        """Warp from the start by what servers of these chains show; the checkpoint, or None after a LocalError. Each
        set-change block on the way must be the honest chain's, and none newer than `final_until`."""
        start = start or start_of_chain(honest)
        servers = [Server(chain, TINY, seed=bytes([n + 1]) * 32, port=-1, listen=[("127.0.0.1", 0)])
                   for n, chain in enumerate(served)]
        false = []

        def tell(name, fields):
            self.say(f"{name}: {fields['reason']}" if "reason" in fields else name)
            progress = sync.progress
            if progress.header_hash != start.header_hash:
                is_true = progress.header_hash in {one.header_hash for one in honest.finality._changes.values()}
                if not is_true or progress.slot > final_until:
                    false.append(f"a warp took slot {progress.slot} for final")

        async with contextlib.AsyncExitStack() as stack:
            for server in servers:
                await stack.enter_async_context(server)
            profile = profile_of(warp_timeout_ms=5_000)
            carrier = CARRIERS[NETWORK](b"\7" * 32, start.genesis_hash, profile)
            sync = WarpSync([carrier], start, Budgets(profile, clock.cpu_us), tell)
            found = None
            try:
                found = await sync.run([Record(*address(server), carrier) for server in servers])
            except LocalError as error:
                self.say(str(error))
        if found is not None and honest.block(found.header_hash) is None:
            false.append(f"a warp ended at slot {found.slot}, which is not the chain's")
        if false:
            raise Fooled(false[0])
        return found


def start_of_chain(chain):
    """The genesis checkpoint, of a chain that names the format where it has voters."""
    start = of_devnet(chain)
    start.clock_chain = True
    start.grandpa_format = FORMAT if chain.finality is not None else None
    return start


class Stage(World):
    """`async with scene.stage(honest, liar, …) as stage:` a node that knows the liars alone, until `join`.

    `allowed` is the highest level (chain/levels.py) that a false header may have, and -1 where there may be none. No
    header is final that is newer than `final_until`, until an honest peer has joined. `trusted` are hashes of headers
    that the user chose to trust, whatever they are. `asked` are the levels at which the state is asked all the time.
    """

    def __init__(self, scene, honest, *liars, wires=(), allowed=-1, final_until=ALL, trusted=(), start=None,
                 is_watchful=False, asked=(VOUCHED_LEVEL, FINAL), save=None, **numbers):
        start = start or start_of_chain(honest)
        wires = [*wires, *["honest"] * (len(liars) - len(wires))]
        numbers = {"finality_rate": 0, "finality_timeout_ms": 1_000, **numbers}
        super().__init__(honest, *wires, start=start, chains=liars, network=NETWORK, profile=profile_of(**numbers),
                         save=save)
        self.scene = scene
        self.allowed = allowed
        self.final_until = final_until
        self.trusted = set(trusted)
        self.levels = set()  # names of levels that false headers had
        self.false = set()  # hashes of the false headers that were there
        self._fooled = []
        self._seen = None
        self._status = Status()
        self._asked = [level for level in asked if level < FINAL or honest.finality is not None]
        if start.grandpa_format is not None:
            self.node.finality = Finality(self.node)
        if is_watchful:
            self.node.alarm = Alarm(self.node, clock.ticks_ms())
            self.node.alarm.stall.pace_ms = 60
        self._turn = self.node.turn
        self.node.turn = self._watched_turn

    async def __aenter__(self):
        await super().__aenter__()
        self._asking = [asyncio.create_task(self._ask_on(level)) for level in self._asked]
        return self

    async def __aexit__(self, kind, *rest):
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        await super().__aexit__(kind, *rest)
        if kind is None:
            self._check()

    async def join(self, chain=None):
        """An honest peer is there: from now on what is final may be shown."""
        self.final_until = ALL
        server = Server(chain or self.chain, TINY, seed=bytes([200 + len(self.servers)]) * 32, port=-1,
                        listen=[("127.0.0.1", 0)])
        await server.start()
        self.servers.append(server)
        self.node.add_peer(*address(server))
        return server

    async def until(self, condition):
        await super().until(lambda: self._fooled or condition())
        self._check()

    async def caught_up(self):
        """The node has the head of the honest chain, and a proved value of its state."""
        chain, tree = self.chain, self.node.chain.tree
        await self.until(lambda: tree.hash(tree.best) == chain.best.hash)
        before = self.scene.answers
        await self.until(lambda: self.scene.answers > before)

    async def is_final(self):
        """The final block of the honest chain is final here."""
        await self.until(lambda: self.node.chain.final is not None
                         and self.node.chain.final.header_hash == self.chain.finality.final.hash)

    def _check(self):
        if self._fooled:
            raise Fooled(self._fooled[0])

    # the watch

    def _hear(self, name, fields):
        super()._hear(name, fields)
        text = fields.get("reason") or fields.get("doing") or fields.get("why")
        self.scene.say(f"{name}: {text}" if text else f"{name} in slot {fields['slot']}" if "slot" in fields else name)
        if name in ("vouched", "keys_adopted", "tickets_adopted", "final", "root") and self._is_false(fields["hash"]):
            if self.allowed < VOUCHED_LEVEL:
                self._fooled.append(f"event {name} of a false header of slot {fields['slot']}")

    def _is_false(self, header_hash):
        return self.chain.block(header_hash) is None and header_hash not in self.trusted

    def _watched_turn(self, now):
        busy = self._turn(now)
        self._look()
        return busy

    def _look(self):
        chain = self.node.chain
        tree, levels = chain.tree, chain.levels
        state = (chain.headers_checked, levels.final_slot, chain.adopted_marks, tree.best, tree.count, tree.root)
        if state == self._seen:
            return
        self._seen = state
        for row in range(tree.top):
            if tree.flags[row] & USED:
                self._judge(row, tree.hash(row), levels.level(row), levels.name(row))
        status = self._status.read(self.node)
        if self._is_false(bytes.fromhex(status.best_hash)):
            stalled = ", stalled" if status.stalled else ""
            said = f"the head is {status.level}{stalled}, support {status.support}/{status.validators}"
            self.scene.say(said)
            if NAMES.index(status.level.split()[0]) > self.allowed:
                self._fooled.append(f"status: a false head, {said}")
        final = getattr(status, "final_hash", "")
        if final and self._is_false(bytes.fromhex(final)):
            self._fooled.append(f"status: slot {status.final_slot} is final, which is false")

    def _judge(self, row, header_hash, level, name):
        slot = self.node.chain.tree.slots[row]
        if self._is_false(header_hash):
            self.false.add(header_hash)
            self.levels.add(name)
            self.scene.levels[name] = level
            if level > self.allowed:
                self._fooled.append(f"a false header of slot {slot} is {name}")
        elif level == FINAL and header_hash not in self.trusted:
            if slot > self.final_until or not self.chain.is_final(self.chain.block(header_hash)):
                self._fooled.append(f"slot {slot} is final, by nobody's votes")

    async def _ask_on(self, level):
        number = 0
        while True:
            key = KEYS[number % len(KEYS)]
            number += 1
            try:
                self._judge_answer(key, level, await self.node.ask(key, key, level, 0, ASK_MS))
            except (LocalError, BudgetError) as error:
                self.scene.say(str(error))
            await asyncio.sleep(0.02)

    def _judge_answer(self, key, level, answer):
        commitment = answer.commitment
        block = self.chain.block(commitment.header_hash)
        value = answer.entries[0].value if answer.entries else None
        what = f"{answer.level} answer about the state after slot {commitment.slot}"
        if commitment.level < level:
            self._fooled.append(f"{what}: {NAMES[level]} was asked for")
        if commitment.header_hash in self.trusted:
            return
        if block is None or block.state is None or block.state.trie.get(key) != value:
            self._fooled.append(f"{what}: a false value")
        self.scene.answers += 1

"""Mode epoch over real links: jump after jump, questions answered from what is final, liars, restarts and caps."""

import asyncio

import pytest

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.chain.levels import VOUCHED_LEVEL
from jamliquor_lite.chain.slots import COMMON_ERA
from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.finality import Finality
from jamliquor_lite.devnet.finality_faults import by_name
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.errors import BudgetError, LocalError
from jamliquor_lite.node.epoch_mode import EpochMode
from jamliquor_lite.node.epoch_node import EpochNode
from jamliquor_lite.node.face import NodeFace
from jamliquor_lite.node.peers import Record
from jamliquor_lite.node.questions import describe, parse_question
from jamliquor_lite.node.status import Status
from jamliquor_lite.node.warp_sync import WarpSync
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.store import SlotFile
from tests.node.test_warp_sync import Warping, goes_on
from tests.node.world import ASK_MS, CARRIERS, address, profile_of

SLOT = parse_question(["slot"])


class Sleeper:
    """A devnet's chain with finality, its servers, and a node that sleeps: `async with Sleeper(world) as sleeper`.

    `served` are the chains of the servers. The node's clock is the chain's; it jumps every `epoch_interval_ms`.
    """

    def __init__(self, world, *served, network="libp2p", store=None, start=None, wall=None, **numbers):
        self.world = world
        self.events = []
        self.kept = []
        self.network = network
        self.servers = []
        for number, chain in enumerate(served or (world.chain,)):
            over = {} if network == "quic" else {"port": -1, "listen": [("127.0.0.1", 0)]}
            self.servers.append(Server(chain, TINY, seed=bytes([number + 1]) * 32, **over))
        numbers.setdefault("idle_after_ms", 0)
        numbers.setdefault("epoch_interval_ms", 100)
        profile = profile_of(warp_timeout_ms=2_000, **numbers)
        self.budgets = Budgets(profile, clock.cpu_us)
        self.carriers = []
        mode = EpochMode(self.budgets, None, wall or clock.wall_seconds)
        self.node = EpochNode(start or world.start, profile, "test", self._hear, self._dial, self.budgets, mode, store,
                              self.kept.append)
        self._stop = asyncio.Event()

    def _dial(self):
        carrier = CARRIERS[self.network](b"\x66" * 32, self.world.start.genesis_hash, self.node.profile,
                                         budgets=self.budgets)
        self.carriers.append(carrier)
        return [carrier], [Record(*address(server), carrier) for server in self.servers]

    def _hear(self, name, fields):
        self.events.append((name, fields))

    async def __aenter__(self):
        for server in self.servers:
            await server.start()
        self._running = asyncio.create_task(self.node.run(self._stop))
        return self

    async def __aexit__(self, *_):
        self._stop.set()
        await self._running
        for server in self.servers:
            await server.stop()

    def told(self, name):
        return [fields for event, fields in self.events if event == name]

    async def until(self, is_so):
        for _ in range(4_000):
            if is_so():
                return
            assert not self._running.done(), self._running.exception()
            await asyncio.sleep(0.01)
        raise AssertionError("it did not come to that: %s" % self.events[-5:])

    async def ask(self, **options):
        return await self.node.ask(SLOT.start, SLOT.end, VOUCHED_LEVEL, options.pop("support", 0),
                                   options.pop("timeout_ms", ASK_MS))

    @property
    def jumps(self):
        return [(fields["set_id"], fields["slot"]) for fields in self.told("jump")]

    def all_changes(self):
        finality = self.world.finality
        return [(set_id, _slot(finality.change(set_id))) for set_id in range(finality.set_id)]


def _slot(ended):
    return int.from_bytes(ended.header[96:100], "little")


def slept(sleeper):
    """A coroutine: the node sleeps and has caught up."""
    return sleeper.until(lambda: sleeper.node.progress.set_id == sleeper.world.finality.set_id
                         and sleeper.budgets.is_asleep and not sleeper.node.carriers)


@pytest.mark.parametrize("network", CARRIERS)
def test_jump_after_jump_and_connections_are_closed_between(network):
    async def go():
        world = Warping(30)
        async with Sleeper(world, network=network) as sleeper:
            await slept(sleeper)
            assert sleeper.jumps == sleeper.all_changes() and len(sleeper.jumps) >= 2
            for _ in range(3):
                world.chain.advance(12)
                await slept(sleeper)
                assert sleeper.jumps == sleeper.all_changes()
            await sleeper.until(lambda: sleeper.budgets.is_asleep and all(s.peers == 0 for s in sleeper.servers))
            final = sleeper.node.chain.final
            assert final.header_hash == world.finality.change(world.finality.set_id - 1).header_hash
            status = Status().read(sleeper.node)
            assert (status.final_slot, status.best_slot, status.level) == (final.slot, final.slot, "final")
            assert status.set_id == final.set_id == world.finality.set_id - 1 and status.headers_checked == 0
            assert status.final_hash == status.best_hash == final.header_hash.hex()
            assert status.bytes_in > 0 and status.day_used > status.bytes_in
            assert status.as_dict()["next_jump_s"] == status.next_jump_s <= 1
            assert {fields["level"] for fields in sleeper.told("jump")} == {"final"}
            assert sleeper.told("asleep")[-1]["bytes_today"] <= status.day_used
    asyncio.run(go())


@pytest.mark.parametrize("network", CARRIERS)
def test_a_question_wakes_it_and_is_answered_from_the_newest_final_block(network):
    async def go():
        world = Warping(30)
        # Nothing but questions wakes it, once it has caught up.
        async with Sleeper(world, network=network, epoch_interval_ms=10**9) as sleeper:
            await slept(sleeper)
            for blocks in (2, 3, 14, 40):
                world.chain.advance(blocks)
                answer = await sleeper.ask()
                final = world.finality.final
                found = answer.commitment
                assert (answer.level, found.slot, found.header_hash) == ("final", final.slot, final.hash)
                assert found.root == final.state.trie.root() and found.by_hash == final.hash
                shown = describe(SLOT, answer, sleeper.node)
                assert shown["shown"] == str(final.slot) and shown["level"] == "final" and shown["age_slots"] == 0
                assert found.support >= 5 and shown["peer"] == address(sleeper.servers[0])[0]
                assert sleeper.node.progress.set_id == world.finality.set_id
            assert sleeper.jumps == sleeper.all_changes()
            assert sleeper.node.proved_answers == 4
            await sleeper.until(lambda: sleeper.budgets.is_asleep and not sleeper.node.carriers)
    asyncio.run(go())


def test_it_stays_awake_for_the_next_question():
    async def go():
        world = Warping(30)
        async with Sleeper(world, epoch_interval_ms=10**9, idle_after_ms=10**9) as sleeper:
            await slept_or_awake(sleeper)
            first = await sleeper.ask()
            dialed = len(sleeper.carriers)
            world.chain.advance(3)
            for server in sleeper.servers:
                server.announce(world.chain.best)
            second = await sleeper.ask()
            assert len(sleeper.carriers) == dialed, "the connection was kept"
            assert second.commitment.slot >= first.commitment.slot
            assert sleeper.node.mode.word == "epoch"
    asyncio.run(go())


def slept_or_awake(sleeper):
    return sleeper.until(lambda: sleeper.node.progress.set_id == sleeper.world.finality.set_id)


# What each does to whom: in a jump, in a question between two set changes, or nothing that anybody could tell.
LIARS = ("too-few-votes", "one-third-votes", "duplicate-voters", "counted-equivocators", "votes-by-removed-validators",
         "wrong-set-justification", "relabelled-set", "wrong-state-root-in-vote", "forged-warp-fragment",
         "retargeted-warp-fragment", "swapped-warp-fragment", "skipped-warp-fragment", "truncated-finality",
         "endless-finality")


@pytest.mark.parametrize("fault", LIARS)
def test_liars_are_refused_and_somebody_else_is_asked(fault):
    async def go():
        world = Warping(40)
        async with Sleeper(world, world.twin(by_name(fault)), world.chain, epoch_interval_ms=10**9) as sleeper:
            await slept(sleeper)
            refused = sleeper.told("refused")
            answer = await sleeper.ask()
            final = world.finality.final
            assert (answer.commitment.header_hash, answer.level) == (final.hash, "final")
            liar = address(sleeper.servers[0])[0]
            assert [fields["peer"] for fields in refused] == [liar]
            assert sleeper.node.faults == {liar: len(sleeper.told("refused"))}
        # Alone it brings us no further than what it shows that is true.
        alone = Warping(40)
        async with Sleeper(alone, alone.twin(by_name(fault)), epoch_interval_ms=10**9) as sleeper:
            await sleeper.until(lambda: sleeper.told("no_jump") or sleeper.jumps)
            await sleeper.until(lambda: not sleeper.node.carriers)
            assert sleeper.told("refused") and all(jump in sleeper.all_changes() for jump in sleeper.jumps)
            try:
                found = (await sleeper.ask(timeout_ms=3_000)).commitment
                block = next(one for one in alone.chain.chain() if one.hash == found.header_hash)
                assert alone.chain.is_final(block) and found.root == block.state.trie.root() and sleeper.jumps
            except LocalError as error:
                assert "\n" not in str(error)
    asyncio.run(go())


def test_nothing_below_final_is_answered():
    async def go():
        world = Warping(1)
        world.chain.advance(1)
        stalled = DevChain(TINY, seed=13, keys=20)
        Finality(stalled, 2, by_name("finality-stall-0-0"))
        stalled.advance(30)
        async with Sleeper(world, stalled, epoch_interval_ms=10**9) as sleeper:
            await sleeper.until(lambda: sleeper.told("no_jump"))
            with pytest.raises(LocalError, match="nothing is final yet after slot 0"):
                await sleeper.ask()
            status = Status().read(sleeper.node)
            assert status.final.startswith("nothing yet") and status.final_slot == -1
    asyncio.run(go())


def test_more_support_than_voted_is_not_answered():
    async def go():
        world = Warping(30)
        async with Sleeper(world) as sleeper:
            with pytest.raises(LocalError, match="is final by [56] votes that were checked, 99 are asked for"):
                await sleeper.ask(support=99)
            assert (await sleeper.ask(support=5)).commitment.support >= 5
    asyncio.run(go())


def test_it_goes_on_after_a_restart_and_another_mode_goes_on_from_it(tmp_path):
    async def go():
        world = Warping(40)
        store = SlotFile(str(tmp_path / "warp"))
        async with Sleeper(world, store=TwoSlot(store)) as sleeper:
            await slept(sleeper)
            before = sleeper.jumps
        world.chain.advance(24)
        async with Sleeper(world, store=TwoSlot(store)) as sleeper:
            assert sleeper.node.progress.fragments == len(before) and sleeper.node.chain.final is not None
            await slept(sleeper)
            assert before + sleeper.jumps == sleeper.all_changes() and sleeper.jumps
            assert not sleeper.kept
        events = []
        server = Server(world.chain, TINY, seed=b"\1" * 32, port=-1, listen=[("127.0.0.1", 0)])
        await server.start()
        try:
            carrier = CARRIERS["libp2p"](b"\7" * 32, world.start.genesis_hash, sleeper.node.profile)
            warp = WarpSync([carrier], world.start, Budgets(sleeper.node.profile), lambda *told: events.append(told),
                            TwoSlot(store))
            found = await warp.run([Record(*address(server), carrier)])
        finally:
            await server.stop()
        assert [name for name, _ in events if name == "warp_fragment"] == []
        goes_on(world, found)
    asyncio.run(go())


def test_what_it_stands_on_becomes_a_checkpoint_every_so_often():
    async def go():
        world = Warping(40)
        async with Sleeper(world, epoch_checkpoints=2) as sleeper:
            await slept(sleeper)
            assert [one.grandpa_set_id for one in sleeper.kept] == [world.finality.set_id]
            assert sleeper.node.chain.checkpoint() is sleeper.kept[0] is sleeper.node.start
            world.chain.advance(12)
            await slept(sleeper)
            assert len(sleeper.kept) == 1 and sleeper.node.progress.fragments == 1
            world.chain.advance(12)
            await sleeper.until(lambda: len(sleeper.kept) == 2)
            assert sleeper.jumps == sleeper.all_changes()
            assert (await sleeper.ask()).level == "final"
            for found in sleeper.kept:
                goes_on(world, found)
    asyncio.run(go())


def test_caps_hold_and_questions_are_refused_until_the_next_day():
    async def go():
        seconds = [COMMON_ERA // 86_400 * 86_400]
        world = Warping(60)
        async with Sleeper(world, day_bytes=100_000, allowance_quantum=10_000, epoch_retry_ms=100,
                           wall=lambda: seconds[0]) as sleeper:
            await slept(sleeper)
            for _ in range(40):
                try:
                    await sleeper.ask()
                except (BudgetError, LocalError) as error:
                    refusal = error
                    break
            else:
                raise AssertionError("the cap let everything through")
            await sleeper.until(lambda: sleeper.node.mode.word == "spent")
            assert "the day's 100000 bytes are used up, until 2025-01-02 00:00 UTC" in str(refusal)
            assert sleeper.budgets.allowance.day_used <= 100_000
            with pytest.raises(BudgetError):
                await sleeper.ask()
            visits = len(sleeper.carriers)
            world.chain.advance(24)
            assert not sleeper.node.carriers
            seconds[0] += 86_400
            await slept(sleeper)
            assert len(sleeper.carriers) > visits and (await sleeper.ask()).level == "final"
            assert [fields["now"] for fields in sleeper.told("mode")] == ["spent", "epoch"]
    asyncio.run(go())


def test_the_console_of_such_a_node():
    async def go():
        world = Warping(30)
        async with Sleeper(world) as sleeper:
            await slept(sleeper)
            face = NodeFace(sleeper.node)
            assert face.mode("")[1] == "epoch"
            for word in ("full", "idle", "auto"):
                with pytest.raises(LocalError, match="restart with another --mode"):
                    face.mode(word)
            assert face.read().set_id == world.finality.set_id - 1
            assert list(face.peers(False)) and list(face.budget(0)) and list(face.chain(3))
            assert face.trust().startswith("JLC1:")
            asked = face.ask(["slot"], "final", 0, ASK_MS)
            await sleeper.until(lambda: asked.is_done)
            assert asked.describe()["level"] == "final"
    asyncio.run(go())

"""The node and finality: what peers say is final, proved by what they can show, and nothing else."""

import asyncio

import pytest

from jamliquor_lite.chain import state_key
from jamliquor_lite.chain.chainspec import FORMAT
from jamliquor_lite.chain.levels import FINAL
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet import finality_faults
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.finality import Finality as DevFinality
from jamliquor_lite.errors import LocalError
from jamliquor_lite.jam.kinds import JUSTIFICATION_REQUEST
from jamliquor_lite.node.finality import Finality, serves
from jamliquor_lite.node.status import Status
from tests.chain.chains import of_devnet
from tests.node.world import World, profile_of

NETWORKS = ["quic", "libp2p"]
SLOT = state_key.chapter(11)


def voted(blocks, fault="", lag=2, seed=17, finality_lag=True, **options):
    """A chain of so many blocks with voters."""
    chain = DevChain(TINY, seed=seed, keys=30, **options)
    chain.states_kept = 1_000
    DevFinality(chain, lag, finality_faults.by_name(fault) if fault else None)
    chain.advance(blocks)
    return chain


class Finals(World):
    """A world whose chainspec names the format."""

    def __init__(self, chain, *wires, **options):
        start = options.pop("start", None) or of_devnet(DevChain(TINY, seed=17, keys=30))
        start.grandpa_format = FORMAT
        options.setdefault("profile", profile_of(finality_rate=0, finality_timeout_ms=1_000))
        super().__init__(chain, *wires, start=start, **options)
        assert serves(self.node.chain)
        self.finality = self.node.finality = Finality(self.node)

    @property
    def final_slot(self):
        final = self.node.chain.final
        return -1 if final is None else final.slot

    async def advance(self, blocks=1):
        for block in self.chain.advance(blocks):
            for server in self.servers:
                server.announce(block)

    async def is_final(self, slot=None):
        await self.until(lambda: self.final_slot >= (slot or self.chain.finality.final.slot))

    @property
    def status(self):
        return Status().read(self.node)

    def asked(self, server=0):
        return self.servers[server].requests.get(JUSTIFICATION_REQUEST, 0)


@pytest.mark.parametrize("network", NETWORKS)
def test_reaches_finality_and_follows_it_over_set_changes(network):
    async def scene():
        async with Finals(voted(40), "honest", network=network) as world:
            await world.is_final()
            first = world.node.chain.final.set_id
            assert first == world.chain.finality.round.set_id >= 2
            for _ in range(40):
                await world.advance()
                await world.is_final()
            final = world.node.chain.final
            assert final.set_id >= first + 2 and final.header_hash == world.chain.finality.final.hash
            assert final.state_root == world.chain.finality.round.state_root and world.lines == []
            status = world.status
            assert status.final == "slot %d, set %d" % (final.slot, final.set_id)
            assert (status.final_slot, status.set_id) == (final.slot, final.set_id)
            assert status.final_hash == final.header_hash.hex() and status.double_votes == 0
            told = world.named("final")
            assert told[-1] == {"slot": final.slot, "hash": final.header_hash}
            assert world.node.final() == (final.header_hash, final.slot)
            assert world.node.chain.tree.count < 16
            # While it catches up, the root may pass a block that is being proved.
            assert world.finality.refused == 0 and len(told) <= world.finality.proved <= len(told) + 2

    asyncio.run(scene())


@pytest.mark.parametrize("network", NETWORKS)
def test_state_is_proved_at_level_final(network):
    async def scene():
        async with Finals(voted(20), "honest", network=network) as world:
            await world.is_final()
            answer = await world.ask(SLOT, level=FINAL)
            commitment = answer.commitment
            assert answer.level == "final" and commitment.support >= 5
            block = world.chain.block(commitment.header_hash)
            # By the vote itself: of the state after the block that it is for.
            assert commitment.by_hash == commitment.header_hash == block.hash
            assert commitment.root == block.state.trie.root()
            assert int.from_bytes(answer.entries[0].value, "little") == block.slot == world.final_slot

    asyncio.run(scene())


def test_nothing_is_final_where_nobody_votes():
    async def scene():
        async with Finals(voted(20, "finality-stall-1-0"), "honest") as world:
            await world.caught_up()
            with pytest.raises(LocalError, match="no header is final yet"):
                await world.node.ask(SLOT, SLOT, FINAL, 0, 300)
            assert (await world.ask(SLOT)).level == "vouched"
            assert world.node.chain.final is None and world.status.final == "nothing yet"

    asyncio.run(scene())


# Each of these proves nothing: nothing becomes final by it, and the liar is left; the honest one behind it is asked.
REFUSED = [
    "too-few-votes", "one-third-votes", "duplicate-voters", "counted-equivocators", "votes-by-removed-validators",
    "wrong-set-justification", "relabelled-set", "wrong-state-root-in-vote", "cut-finality", "truncated-finality",
    "oversized-finality", "endless-finality",
]


@pytest.mark.parametrize("fault", REFUSED)
def test_what_proves_nothing_is_refused_and_blamed(fault):
    async def scene():
        honest, liar = voted(60), voted(60, fault)
        async with Finals(honest, "honest", chains=(liar,)) as world:
            await world.until(lambda: world.finality.refused)
            reason = world.named("refused")[0]["reason"]
            assert "CE 130" in reason and "\n" not in reason
            # Where there was no set before the first ones, these liars could not but say the truth.
            final = world.node.chain.final
            if final is not None:
                assert fault in ("votes-by-removed-validators", "wrong-set-justification") and final.set_id == 0
            assert world.finality.conflicts == [] and world.node.peers.records[0].blamed >= 1
            return True

    assert asyncio.run(scene())


@pytest.mark.parametrize("fault", ["too-few-votes", "silent-finality", "refusing-finality", "wrong-state-root-in-vote"])
@pytest.mark.parametrize("network", NETWORKS)
def test_another_peer_is_asked(fault, network):
    async def scene():
        honest, liar = voted(30), voted(30, fault)
        async with Finals(honest, "honest", "honest", chains=(liar, honest), network=network) as world:
            await world.is_final()
            assert world.node.chain.final.header_hash == honest.finality.final.hash
            if fault.startswith("silent"):
                assert world.node.peers.records[0].blamed == 0  # slow, and no liar
            # It goes on so: the honest one is known to serve, and asked first.
            before = world.asked(0)
            for _ in range(10):
                for made in (honest.advance(), liar.advance()):
                    for block in made:
                        for server in world.servers:
                            server.announce(block)
                await world.is_final()
            assert world.asked(0) <= before + 2

    asyncio.run(scene())


def test_voters_ahead_and_voters_that_voted_twice():
    async def scene():
        async with Finals(voted(30, "voters-ahead"), "honest") as world:
            await world.is_final()
            assert world.finality.refused == 0
        async with Finals(voted(30, "equivocating-voters"), "honest") as world:
            await world.is_final()
            evidence = world.finality.evidence
            assert evidence and world.finality.refused == 0
            set_id, round_number, voter, one, other = evidence[-1]
            assert len(one) == len(other) == 68 and one != other and 0 <= voter < 6
            assert world.status.double_votes == len(evidence) and "voted twice" in world.status.final
            assert world.named("voted_twice")[-1]["voter"] == voter
            # All votes of one are evidence once, however often they are shown.
            assert len(set(evidence)) == len(evidence)

    asyncio.run(scene())


def test_a_stall_ends_in_a_longer_step_and_stops_at_no_set_change():
    async def scene():
        chain = voted(22, "finality-stall-20-30")
        async with Finals(chain, "honest") as world:
            await world.is_final()
            assert world.node.chain.final.slot == chain.at(19).slot
            before = len(world.named("final"))
            while chain.finality.final.number < 24:
                await world.advance()
                await world.caught_up()
            await world.is_final()
            stalled = chain.block(world.node.chain.final.header_hash).number - 19
            for _ in range(30):
                await world.advance()
                await world.is_final()
            slots = [fields["slot"] for fields in world.named("final")[before:]]
            changes = [block.slot for block in chain.chain()[20:]
                       if TINY.epoch(block.slot) != TINY.epoch(chain.block(block.parent).slot)]
            assert stalled > 5
            # Of those that the root has not passed meanwhile.
            expected = [slot for slot in changes if slots[0] <= slot <= slots[-1]]
            assert len(expected) >= 3 and [slot for slot in slots if slot in changes] == expected

    asyncio.run(scene())


def test_two_final_blocks_are_an_alarm_and_change_nothing():
    # Beyond the promise: the voters of one chain also vote on another one. Two hosts, one of each.
    async def scene():
        honest = voted(30)
        fork = honest.fork_from(honest.at(20), alone=False)
        honest.finality.fork(fork)
        slot = honest.at(21).slot  # which stays empty here
        while fork.finality.final.slot < honest.finality.final.slot:
            slot += 1
            fork.next(slot)
        assert fork.finality.final.slot == honest.finality.final.slot and fork.at(21).hash != honest.at(21).hash
        async with Finals(honest, "honest", "honest", chains=(honest, fork)) as world:
            await world.until(lambda: world.finality.conflicts)
            final = world.node.chain.final
            alarm = world.named("conflict")[0]
            assert "more than a third" in alarm["why"] and alarm["slot"] == world.finality.conflicts[0][0]
            assert "CONFLICT" in world.status.final
            slot, header_hash = world.finality.conflicts[0]
            assert world.node.chain.tree.find(header_hash) < 0
            assert world.node.chain.tree.descends(world.node.chain.tree.best, world.node.chain.final_row)
            both = {honest.finality.final.hash, fork.finality.final.hash}
            assert {final.header_hash, header_hash} == both

    asyncio.run(scene())


def test_what_a_peer_claims_without_a_proof_is_nothing():
    class Boaster(Finals):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            heard = self.finality.heard
            self.finality.heard = lambda record, header_hash, slot: heard(record, self.claim or header_hash, slot)

    async def scene():
        async with Boaster(voted(30), "honest") as world:
            world.claim = b""
            await world.is_final()
            final = world.node.chain.final
            world.claim = b"\x17" * 32  # of a slot that is final already: contradicts, and nobody can show it
            record = world.node.peers.records[0]
            before = world.asked()
            world.finality.heard(record, world.claim, final.slot)
            await world.until(lambda: world.asked() > before)
            await world.until(lambda: record.declined)
            assert world.finality.conflicts == [] and world.node.chain.final is final

    Boaster.claim = b""
    asyncio.run(scene())


def test_justifications_have_a_rate():
    async def scene():
        profile = profile_of(finality_rate=1, finality_timeout_ms=1_000)
        async with Finals(voted(10), "honest", profile=profile) as world:
            await world.is_final(1)
            await world.advance(1)
            await world.caught_up()
            chain, first = world.node.chain, world.node.chain.final
            asked = world.asked()
            # Not before about 900 seconds have passed, but for a set change, or who asks for it.
            while TINY.phase(world.chain.finality.final.slot + 1):
                await world.advance(1)
                await world.caught_up()
            assert world.node.chain.final is first and world.asked() == asked
            await world.advance(4)
            await world.until(lambda: chain.final is not first)
            assert finality_changed(world)
            answer = await world.ask(SLOT, level=FINAL)
            assert answer.commitment.slot >= first.slot

    def finality_changed(world):
        block = world.chain.block(world.node.chain.final.header_hash)
        return TINY.epoch(block.slot) != TINY.epoch(world.chain.block(block.parent).slot)

    asyncio.run(scene())


def test_a_chain_that_names_no_format_asks_for_nothing():
    async def scene():
        chain = voted(20)
        async with World(chain, "honest") as world:
            await world.caught_up()
            assert world.node.finality is None and world.node.chain.final is None and not serves(world.node.chain)
            assert Status().read(world.node).final == "not served"
            assert JUSTIFICATION_REQUEST not in world.servers[0].requests
            assert not hasattr(Status().read(world.node), "final_slot")

    asyncio.run(scene())

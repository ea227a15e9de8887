"""What a devnet attests, and that a node which follows it by headers alone attests the same."""

import asyncio

from jamliquor_lite.chain.levels import VOUCHED_LEVEL
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.attested import Attested
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.wire import by_name
from jamliquor_lite.gateway.gateway import Gateway
from jamliquor_lite.jam.attestation import FINAL, MAX_ENTRIES, VOUCHED
from tests.gateway.test_attesting import asked
from tests.gateway.world import World


class Serving:
    """What it needs of a server."""

    def __init__(self, blocks, wire=None):
        self.chain = DevChain(TINY, seed=9, keys=5)
        self.chain.advance(blocks)
        self.spec = TINY
        self.wire = wire


def test_it_attests_the_newest_openings_that_are_deep_enough():
    serving = Serving(80)
    attested = Attested(serving)
    found = attested.entries()
    assert 3 <= len(found) <= MAX_ENTRIES and all(entry.level == VOUCHED == VOUCHED_LEVEL for entry in found)
    slots = [entry.slot for entry in found]
    assert slots == sorted(slots, reverse=True) and len({TINY.epoch(slot) for slot in slots}) == len(slots)
    assert slots[0] <= serving.chain.final.slot < slots[0] + TINY.epoch_length
    for entry in found:
        block = serving.chain.block(entry.header_hash)
        assert TINY.epoch(serving.chain.block(block.parent).slot) < TINY.epoch(block.slot)
    assert [entry.digest for entry in attested.entries()] == [entry.digest for entry in found]
    assert Attested(Serving(5)).entries() == [] and FINAL != VOUCHED


def test_a_chain_whose_states_are_forgotten_attests_less():
    serving = Serving(80)
    newest = Attested(serving).entries()[0]
    serving.chain.block(newest.header_hash).state = None
    assert all(entry.slot < newest.slot for entry in Attested(serving).entries())
    assert Attested(serving).entries() == []  # what lies below cannot be told from what was forgotten


def test_devnets_and_a_gateway_agree_over_the_network_and_a_lying_devnet_is_named():
    async def body():
        async with World(70) as world:
            over = {"listen": [("127.0.0.1", 0)]}
            honest = await world.upstream(**over)
            liar = await world.upstream("false-attestation", **over)
            gateway = world.gateway(honest.addresses[0], kind=Gateway)
            await world.until(lambda: gateway.node.chain.best_slot == world.chain.best.slot)
            lite = [next(text for text in server.addresses if text.startswith("/")) for server in (honest, liar)]
            verdict, _ = await asked(world, [lite[0], gateway.lite, lite[1]])
            assert verdict.word == "2/3" and not verdict.silent
            assert [name for name, _ in verdict.outvoted] == [lite[1].split("/")[-1]]
            # One computed the content from the state, the other from headers.
            assert world.chain.block(verdict.entry.header_hash).slot == verdict.entry.slot
            assert verdict.alarms() and len(verdict.alarms()) == len(verdict.disputes)

    asyncio.run(body())


def test_the_fault_changes_the_blocks_and_nothing_else():
    true, false = Attested(Serving(80)).entries(), Attested(Serving(80, by_name("false-attestation"))).entries()
    assert len(true) == len(false) >= 3
    for one, other in zip(true, false):
        assert one.header_hash != other.header_hash and (one.slot, one.digest) == (other.slot, other.digest)
    assert by_name("false-attestation").attest([]) == []

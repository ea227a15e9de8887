"""A gateway that sleeps leaves its upstreams and its peers, and nothing but a question of its owner's wakes it."""

import asyncio

from jamliquor_lite.chain import state_key
from jamliquor_lite.node.mode import FULL, IDLE, Mode
from tests.gateway.world import World

SLOT = state_key.chapter(11)


def test_it_sleeps_through_probes_and_dials_and_wakes_for_its_owner():
    async def scene():
        async with World(30) as world:
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses, idle_after_ms=200)
            node = gateway.node
            node._probe_at = 1 << 40  # what the upstream serves is not learned yet
            lite = world.lite(gateway.lite, handshake_timeout_ms=1_000, peer_retry_max_ms=300)
            await world.caught_up()
            node.mode = Mode(node.budgets, None, IDLE)
            await world.until(lambda: node.budgets.is_asleep)
            assert node.peers.connected == 0 and not gateway.named("peer_left")
            node._probe_at = 0
            turns = node.turns
            await asyncio.sleep(0.5)
            assert node.budgets.is_asleep and node.turns - turns < 20, "the lite node dials, and nobody listens"
            answer = await node.ask(SLOT, SLOT, 2, 0, 10_000)
            assert answer.entries and node.chain.best_slot == world.chain.best.slot
            await world.until(lambda: node.budgets.is_asleep)
            node.mode.want(FULL)
            world.author(2)
            await world.caught_up()
            assert lite.node.chain.best_slot == world.chain.best.slot

    asyncio.run(scene())

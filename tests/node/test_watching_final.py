"""A watch list where finality is served: it follows what is final, once something is."""

import asyncio

import pytest

from jamliquor_lite.chain.state_key import chapter
from jamliquor_lite.node.watching import Watching, parse_item
from tests.node.test_finality import NETWORKS, Finals, voted


@pytest.mark.parametrize("network", NETWORKS)
def test_final_states_are_told_with_their_voters_behind_them(network):
    async def scene():
        async with Finals(voted(40), "honest", network=network) as world:
            watching = Watching(world.node, [parse_item(["slot"]), parse_item(["prefix", "0d"])])
            watching.start()
            for _ in range(10):
                await world.advance()
                await world.is_final()
                final = world.node.chain.final
                await world.until(lambda slot=final.slot: (
                    watching.watch.delivered is not None and watching.watch.delivered.slot >= slot))
            assert watching.watch.delivered.root == world.node.chain.final.state_root
            changes = [fields for fields in world.named("watch_change") if fields["key"] == chapter(11)]
            slots = [fields["slot"] for fields in changes]
            assert slots == sorted(set(slots)), "what becomes final is not told again where it was vouched for"
            levels = [fields["level"] for fields in changes]
            assert levels[-1] == "final" and set(levels) <= {"vouched", "final"}
            assert levels == sorted(levels, reverse=True), "once there was finality, nothing below it is told"
            for fields in world.named("watch_change"):
                value = world.chain.trie(fields["header"]).get(fields["key"])
                assert fields["value"] == value.hex()
                if fields["level"] == "final":
                    assert fields["support"] >= 5 and fields["committed_by"] == fields["header"]

    asyncio.run(scene())

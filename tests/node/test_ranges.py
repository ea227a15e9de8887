"""Which kind of range a gap is filled with: whole blocks where only JAMNP-S is spoken, else headers alone."""

import asyncio

import pytest

from jamliquor_lite.jam.kinds import BLOCK_REQUEST, HEADER_REQUEST
from tests.node.world import World, chain_of


@pytest.mark.parametrize("network, kind, requests", [("quic", BLOCK_REQUEST, 4), ("libp2p", HEADER_REQUEST, 2)])
def test_a_gap_is_filled_with_what_the_connection_carries(network, kind, requests):
    async def main():
        chain = chain_of(400)
        async with World(chain, "honest", network=network) as world:
            await world.caught_up()
            assert world.servers[0].requests == {kind: requests}
            assert world.lines == []

    asyncio.run(main())

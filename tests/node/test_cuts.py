"""A peer of state that hangs up after any byte of its answer, and who is blamed for which fault."""

import asyncio

import pytest

from jamliquor_lite.chain.state_key import service_account
from jamliquor_lite.devnet.wire import WIRE_FAULTS
from tests.node.world import World, chain_of

KEY = service_account(1)
CUTS = [*range(70), 100, 131, 132, 133, 200, 260, 300, 340]
# Silent, slow or without state is no lie: such a peer is passed over and goes on feeding us headers.
NO_LIE = ("silent", "refusing", "unsupported", "cut", "close-after", "mute", "false-attestation")
LIES = [name for name in WIRE_FAULTS if name not in NO_LIE]


def name_of(server):
    return server.addresses[0].partition("@")[0]


def test_hanging_up_after_any_byte_proves_nothing_and_harms_nobody():
    async def scene():
        async with World(chain_of(30), "close-after-0", "honest") as world:
            await world.caught_up()
            cutter, honest = world.node.peers.records
            for count in CUTS:
                world.servers[0].wire.count = count
                cutter.serves_state = honest.serves_state = None  # nobody has been asked yet: the cutter comes first
                cutter.blamed = 0
                asked = sum(world.servers[0].requests.values())
                answer = await world.ask(KEY)
                trie = world.chain.block(answer.commitment.header_hash).state.trie
                assert answer.peer == name_of(world.servers[1]), count
                assert answer.entries[0].value == trie.get(KEY), count
                assert sum(world.servers[0].requests.values()) > asked, count
            assert world.node.proved_answers == len(CUTS)
            assert len(world.node.state_connections) <= 2 and cutter.link is not None and world.lines == []
            world.servers[0].announce(world.chain.advance(1)[0])
            await world.caught_up()  # heard from the cutter alone: the connection that follows was never touched

    asyncio.run(scene())


@pytest.mark.parametrize("wire", LIES)
def test_every_lie_is_blamed_on_its_teller_who_is_left(wire):
    async def scene():
        async with World(chain_of(30), wire, "honest") as world:
            await world.caught_up()
            await world.until(lambda: world.node.peers.connected == 2)
            await world.ask(KEY)
            await world.until(lambda: world.lines)
            liar, honest = world.node.peers.records
            refused = world.named("refused")
            assert [one["peer"] for one in refused] == [name_of(world.servers[0])]
            assert "\n" not in refused[0]["reason"] and refused[0]["reason"]
            assert liar.blamed == 1 and honest.blamed == 0 and honest.link is not None
            assert [one["peer"] for one in world.named("peer_left")] == [name_of(world.servers[0])]

    asyncio.run(scene())

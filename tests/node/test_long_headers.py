"""A node with a board's buffers: headers with a mark go through flash, announced or asked for, on both networks."""

import asyncio

import pytest

from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.jam.kinds import BLOCK_REQUEST, HEADER_REQUEST
from jamliquor_lite.node.flash import Flash
from jamliquor_lite.node.node import Node
from tests.chain.chains import of_devnet
from tests.node.world import CARRIERS, World, address, chain_of, profile_of
from tests.ports.flash_device import SECTOR, Slots, area_over, fresh

BUFFER = TINY.plain_header_size
NETWORKS = sorted(CARRIERS)
EPOCH_HEADER = 65_833


def flash_for(spec, profile, sets_kb=200, tree=False):
    return Flash(spec, profile, area_over(fresh(sets_kb * 1024)), area_over(fresh(18 * SECTOR)), TwoSlot(Slots()),
                 area_over(fresh((profile.tree_headers // 32 + 3) * SECTOR)) if tree else None)


def small(**numbers):
    return profile_of(header_bytes=BUFFER, tree_headers=256, leaves=4, **numbers)


def marked(blocks):
    return [block for block in blocks if len(block.header) > BUFFER]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_gap_is_filled_through_flash(network):
    async def main():
        chain = chain_of(100)
        profile = small()
        flash = flash_for(TINY, profile, tree=True)
        async with World(chain, "honest", network=network, profile=profile, flash=flash) as world:
            await world.caught_up()
            node = world.node
            assert node.chain.tree.hash(node.chain.tree.best) == chain.best.hash
            assert node.long_headers.written == len(marked(chain.chain()[1:])) > 10
            assert node.long_headers.allowance.wasted == 0 and not node.chain.refused and not world.lines
            assert world.servers[0].requests[BLOCK_REQUEST if network == "quic" else HEADER_REQUEST] >= 1
            root = node.chain.tree.slots[node.chain.tree.root]
            assert root > 40
        kept = flash.keeper.load()  # the goodbye has saved it
        assert kept is not None and kept.slot == root

    asyncio.run(main())


@pytest.mark.parametrize("network", NETWORKS)
def test_announced_marks_go_through_flash(network):
    async def main():
        chain = chain_of(10)
        profile = small()
        async with World(chain, "honest", "honest", network=network, profile=profile,
                         flash=flash_for(TINY, profile)) as world:
            await world.caught_up()
            node = world.node
            await world.until(lambda: all(len(server._sessions) and all(s.greeted for s in server._sessions)
                                          for server in world.servers))
            asked = sum(sum(server.requests.values()) for server in world.servers)
            before = node.long_headers.written
            made = []
            for _ in range(40):
                block = chain.advance(1)[0]
                made.append(block)
                for server in world.servers:
                    server.announce(block)
                await world.until(lambda block=block: node.chain.tree.find(block.hash) >= 0)
            # Both peers announce each: the second time it is hashed, and not written.
            assert node.long_headers.written - before == len(marked(made)) > 5
            assert sum(sum(server.requests.values()) for server in world.servers) == asked
            assert node.chain.best_slot == chain.best.slot and not world.lines and not node.chain.refused

    asyncio.run(main())


@pytest.mark.parametrize("network", NETWORKS)
def test_a_header_without_scratch_is_our_bound(network):
    async def main():
        chain = chain_of(40)
        profile = small()
        flash = flash_for(TINY, profile)
        flash.scratch = None
        async with World(chain, "honest", network=network, profile=profile, flash=flash) as world:
            await world.until(lambda: world.lines or world.named("budget"))
            after = next(block for block in chain.chain() if block.slot > world.node.chain.best_slot)
            assert len(after.header) > BUFFER

    asyncio.run(main())


def test_full_spec_marks_over_the_lite_network():
    async def main():
        chain = DevChain(FULL, seed=11, keys=20, genesis_slot=590)
        start = of_devnet(chain)
        start.clock_chain = True
        profile = profile_of(header_bytes=512, tree_headers=1936, tree_marks=8)
        flash = flash_for(FULL, profile, 924, True)
        events = []
        node = Node(start, profile, "full", lambda name, fields: events.append(name), None, flash)
        node.attach(CARRIERS["libp2p"](b"\x55" * 32, start.genesis_hash, profile))
        stop = asyncio.Event()
        async with Server(chain, FULL, seed=b"\1" * 32, port=-1, listen=[("127.0.0.1", 0)]) as server:
            node.open()
            node.add_peer(*address(server))
            running = asyncio.create_task(node.run(stop))

            async def until(condition):
                async with asyncio.timeout(120):
                    while not condition():
                        assert not running.done(), running.exception()
                        await asyncio.sleep(0.005)

            await until(lambda: len(server._sessions) == 1 and server._sessions[0].greeted)
            for slot in range(591, 606):  # announced
                block = chain.next(slot)
                server.announce(block)
                await until(lambda block=block: node.chain.tree.find(block.hash) >= 0)
            for slot in (1195, 1199, 1200, 1201):  # found in a gap
                chain.next(slot)
            server.announce(chain.best)
            await until(lambda: node.chain.tree.find(chain.best.hash) >= 0)
            assert sum(len(block.header) == EPOCH_HEADER for block in chain.chain()[1:]) == 2
            assert node.long_headers.written == 2 and node.chain.epochs_seen == 2
            assert flash.sets.area.sectors_erased == 4 * 16 + 5  # those of the start, and one for each mark
            assert node.long_headers.area.sectors_erased == 2 * 17 and not node.chain.refused
            stop.set()
            await running

    asyncio.run(main())

"""Ten gateways on real TCP lines with delays, two of them in front of a JAM node: what a header costs each of them."""

import asyncio
import random

import pytest

from jamliquor_lite.devnet import faults
from jamliquor_lite.gateway.gateway import Gateway
from jamliquor_lite.gateway.link import GatewayLink
from jamliquor_lite.jam.header_announcement import REACH
from jamliquor_lite.jam.kinds import BLOCK_REQUEST
from tests.gateway.world import World, place

GATEWAYS = 10
FED = (0, 5)  # have an upstream
MESH = [(i, (i + 1) % GATEWAYS) for i in range(GATEWAYS)] + [(i, (i + 3) % GATEWAYS) for i in range(0, GATEWAYS, 2)]
BLOCKS = 30
BAR = 1.3  # copies of a header that a node receives, of any of them


class WatchedLink(GatewayLink):
    """Writes down what the peer announced and what we announced to it."""

    def __init__(self, gateway, record, connection, now):
        GatewayLink.__init__(self, gateway, record, connection, now)
        self.heard = set()
        self.told = []
        announce = self.announcer.announce

        def tell(header_hash, slot):
            gateway.echoes += header_hash in self.heard
            gateway.repeats += header_hash in self.told
            self.told.append(header_hash)
            return announce(header_hash, slot)

        self.announcer.announce = tell
        self.offered = set()
        self.offers = []
        offer = self.trade.announcer.announce

        def tell_of_block(header_hash, slot):
            if header_hash != REACH:
                gateway.offer_echoes += header_hash in self.offered
                gateway.offer_repeats += header_hash in self.offers
                self.offers.append(header_hash)
            return offer(header_hash, slot)

        self.trade.announcer.announce = tell_of_block

    def _hear(self, header_hash, slot, now):
        self.heard.add(header_hash)
        GatewayLink._hear(self, header_hash, slot, now)

    def announce(self, data):
        GatewayLink.announce(self, data)
        self.gateway.whole += self.is_mesh and data in self._untold


class Watched(Gateway):
    echoes = repeats = whole = offer_echoes = offer_repeats = 0

    def __init__(self, *args, **options):
        Gateway.__init__(self, *args, **options)
        heard = self.blocks.heard

        def hear(link, header_hash, now):
            link.offered.add(header_hash)
            heard(link, header_hash, now)

        self.blocks.heard = hear

    def make_link(self, record, connection, now):
        link = WatchedLink(self, record, connection, now)
        if link.is_upstream:
            self.upstreams.met(record)
        return link


async def mesh_of(world, longest_ms, dice):
    """The gateways, connected and in step with the chain."""
    upstream = await world.upstream()
    gateways = []
    for number in range(GATEWAYS):
        fed = upstream.addresses if number in FED else []
        gateways.append(world.gateway(*fed, kind=Watched))
    for one, other in MESH:
        address = gateways[other].lite
        if longest_ms:
            address = await world.line(address, dice.uniform(1, longest_ms))
        gateways[one].node.add_peer(*place(address))
    degrees = [sum(number in link for link in MESH) for number in range(GATEWAYS)]
    assert degrees == [3] * GATEWAYS
    await world.until(lambda: all(sum(link.is_mesh for link in gateway.node.links) == 3 for gateway in gateways))
    await world.caught_up()
    return upstream, gateways


def nodes_of(gateways):
    return [gateway.node for gateway in gateways]


def has_blocks(node, blocks):
    return all(node.blocks.get(block.hash) == block.encode() for block in blocks)


def counts(gateways):
    return [(gateway.node.headers_in, gateway.node.chain.headers_checked) for gateway in gateways]


@pytest.mark.parametrize("longest_ms, pause_ms", [(0, 0), (40, 150), (80, 40)],
                         ids=["loopback", "regional", "in a hurry"])
def test_every_gateway_gets_every_header_about_once(longest_ms, pause_ms):
    async def scene():
        dice = random.Random(longest_ms)
        async with World(20) as world:
            upstream, gateways = await mesh_of(world, longest_ms, dice)
            before = counts(gateways)
            asked = upstream.requests[BLOCK_REQUEST]
            for _ in range(BLOCKS):
                world.author()
                if pause_ms:
                    await asyncio.sleep(dice.uniform(0.5, 1.5) * pause_ms / 1000)
                else:
                    await world.caught_up()
            await world.caught_up()
            headers = [block.header for block in world.chain.chain()[1:]]
            copies = []
            for gateway, (headers_in, checked) in zip(gateways, before, strict=True):
                node = gateway.node
                assert node.range(world.genesis.genesis_hash, 0, 500) == headers, "each has each, and serves it"
                assert node.chain.headers_checked - checked == BLOCKS
                assert node.headers_in >= node.chain.headers_checked
                copies.append((node.headers_in - headers_in) / BLOCKS)
                assert (node.echoes, node.repeats, node.whole) == (0, 0, 0)
                assert gateway.named("peer_left") == [] and gateway.named("refused") == []
            mean = sum(copies) / GATEWAYS
            print("copies a node: %.3f on average, from %.3f to %.3f" % (mean, min(copies), max(copies)))
            assert 1.0 <= mean and max(copies) <= BAR
            # The same for whole blocks: each gateway has every one, of which it has compared header and body.
            recent = [block for block in world.chain.chain()[-BLOCKS:]]
            await world.until(lambda: all(has_blocks(gateway.node, recent) for gateway in gateways))
            bodies = [gateway.node.blocks.blocks_in / BLOCKS for gateway in gateways]
            print("copies of a block a node: %.3f on average, from %.3f to %.3f" % (
                sum(bodies) / GATEWAYS, min(bodies), max(bodies)))
            assert 1.0 <= min(bodies) and max(bodies) <= BAR
            assert [(node.offer_echoes, node.offer_repeats) for node in nodes_of(gateways)] == [(0, 0)] * GATEWAYS
            assert sum(node.blocks.refused + node.blocks.too_long for node in nodes_of(gateways)) == 0
            assert upstream.requests[BLOCK_REQUEST] - asked <= len(FED) * BLOCKS * BAR, "the others have it from these"
            total = [gateway.node.headers_in / gateway.node.chain.headers_checked for gateway in gateways]
            print("with catching up: %.3f on average" % (sum(total) / GATEWAYS))
            assert sum(total) / GATEWAYS <= BAR

    asyncio.run(scene())


def test_a_gateway_that_comes_late_catches_up_from_one_of_its_peers():
    async def scene():
        async with World(500) as world:
            upstream = await world.upstream()
            first = [world.gateway(*upstream.addresses) for _ in range(2)]
            await world.caught_up()
            late = world.gateway(*[gateway.lite for gateway in first], kind=Watched)
            await world.caught_up()
            assert late.node.headers_in <= 1.1 * 500, "all that its peers have, but not from each of them"
            assert late.node.upstreams.records == [] and late.node.echoes == 0
            assert sum(gateway.node.ranges_served for gateway in first) >= 2
            world.author(3)
            await world.caught_up()

    asyncio.run(scene())


def test_a_part_that_was_cut_off_is_told_by_whoever_is_left():
    async def scene():
        async with World(10) as world:
            _, gateways = await mesh_of(world, 0, random.Random(1))
            gone = gateways[FED[0]]
            world.nodes.remove(gone)
            await gone.end()
            world.author(5)
            await world.caught_up()
            others = [gateway for gateway in gateways if gateway is not gone]
            assert any(gateway.named("peer_left") for gateway in others)
            for gateway in others:
                assert gateway.node.echoes == 0
                assert len(gateway.node.range(world.genesis.genesis_hash, 0, 500)) == 15

    asyncio.run(scene())


def test_headers_that_break_a_rule_go_no_further():
    async def scene():
        async with World(10) as world:
            upstream = await world.upstream()
            front = world.gateway(*upstream.addresses)
            behind = world.gateway(front.lite, kind=Watched)
            await world.caught_up()
            false = None
            slot = world.chain.best.slot
            while false is None:
                slot += 1
                false = faults.by_name("broken-seal").commit(world.chain, slot)
            upstream.announce(false)
            # The upstream has the false block as a head of its own, so each new connection ends as the first one did:
            # what happened is waited for, not a state that stands for some ms.
            await world.until(lambda: len(front.named("upstream_found")) >= 2 and len(front.named("peer_left")) >= 2)
            assert sum(front.node.chain.refused.values()) >= 1
            assert behind.node.chain.refused == {} and behind.named("peer_left") == []
            assert front.node.store.get(false.hash) is None and not front.node.knows(false.hash)

    asyncio.run(scene())

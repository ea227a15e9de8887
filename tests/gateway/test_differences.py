"""Watch lists of lite nodes through a gateway, which makes differences of what JAM's own nodes prove."""

import asyncio

from jamliquor_lite.chain.state_key import chapter, service_account, service_storage
from jamliquor_lite.jam.kinds import DIFFERENCE_REQUEST, STATE_REQUEST
from jamliquor_lite.node.watching import Watching, parse_item
from tests.gateway.world import World

ITEMS = ["slot", "service 1", "prefix 0d", "key " + "05" * 31]
ITEMS += ["key " + service_storage(1, b"entry %d" % number).hex() for number in range(20)]


def watch(running, items=ITEMS):
    watching = Watching(running.node, [parse_item(text.split()) for text in items])
    watching.start()
    return watching


async def followed(world, running, watching):
    """The newest state that may be told is told."""
    def there():
        chain, delivered = running.node.chain, watching.watch.delivered
        above = chain.tree.parents[chain.best_vouched()]
        return delivered is not None and above >= 0 and delivered.slot == chain.tree.slots[above]

    await world.until(there)


def check(world, running):
    """What was told is the devnet's own state."""
    known, header = {}, None
    for fields in running.named("watch_change"):
        header = fields["header"]
        value = world.chain.trie(header).get(fields["key"])
        assert fields["value"] == (None if value is None else value.hex()) and fields["level"] == "vouched"
        known[fields["key"]] = value
    assert set(known) >= {chapter(11), chapter(13), service_account(1), b"\x05" * 31}
    trie = world.chain.trie(header)
    assert all(trie.get(key) == value for key, value in known.items())


async def ready(world, wire="honest", **numbers):
    upstream = await world.upstream(wire)
    gateway = world.gateway(*upstream.addresses, **numbers)
    await world.caught_up()
    await world.until(lambda: gateway.node.upstreams.state_offered)
    return upstream, gateway


def test_a_lite_node_watches_through_a_gateway_for_a_fraction_of_the_bytes():
    async def scene():
        async with World(60) as world:
            upstream, gateway = await ready(world)
            lite = world.lite(gateway.lite)
            watching = watch(lite)
            await world.caught_up()
            await followed(world, lite, watching)
            for _ in range(6):
                world.author()
                await world.caught_up()
                await followed(world, lite, watching)
            check(world, lite)
            assert gateway.node.differences.served >= 4 and not watching.refused
            assert STATE_REQUEST not in gateway.node.relays.done, "no range was asked for"
            assert upstream.requests[STATE_REQUEST] > 40 and DIFFERENCE_REQUEST not in upstream.requests
            assert watching.bytes_in + watching.bytes_out < 256 * upstream.requests[STATE_REQUEST]

    asyncio.run(scene())


def test_two_with_the_same_list_cost_upstreams_as_much_as_one():
    async def scene():
        async with World(60) as world:
            upstream, gateway = await ready(world)
            one = world.lite(gateway.lite)
            first = watch(one)
            await world.caught_up()
            await followed(world, one, first)
            cost = upstream.requests[STATE_REQUEST]
            two = world.lite(gateway.lite)
            second = watch(two)
            await world.caught_up()
            await followed(world, two, second)
            assert upstream.requests[STATE_REQUEST] == cost and gateway.node.differences.served >= 2
            for running in (one, two):
                check(world, running)

    asyncio.run(scene())


def test_a_lying_upstream_is_found_out_by_the_gateway_and_another_one_asked():
    async def scene():
        async with World(60) as world:
            liar, gateway = await ready(world)
            honest = await world.upstream()
            gateway.node.add_peer(*_place(honest))
            await world.until(lambda: gateway.node.upstreams.connected == 2)
            from jamliquor_lite.devnet.wire import by_name

            liar.wire = by_name("mutated-value")
            lite = world.lite(gateway.lite)
            watching = watch(lite)
            await world.caught_up()
            await followed(world, lite, watching)
            world.author(2)
            await world.caught_up()
            await followed(world, lite, watching)
            check(world, lite)
            assert not lite.named("refused") and watching.refused == 0

    asyncio.run(scene())


def _place(server):
    from tests.node.world import place

    return place(server.addresses[0])


def test_more_lists_than_are_kept_and_a_list_that_is_too_large():
    async def scene():
        async with World(60) as world:
            _, gateway = await ready(world, served_watches=2, watch_nodes=4096)
            lites = []
            for items in (["slot"], ["service 1"], ["entropy"], ITEMS):
                lite = world.lite(gateway.lite)
                lites.append((lite, watch(lite, items)))
            await world.caught_up()
            for lite, watching in lites:
                await followed(world, lite, watching)
            assert len(gateway.node.differences._lists) <= 2
            # This one is declined, and proved by ranges through the relays.
            lite = world.lite(gateway.lite)
            watching = watch(lite, ["range %s %s" % ("00" * 31, "ff" * 31)])
            gateway.node.differences._share.watch_bytes = 100
            await world.caught_up()
            await followed(world, lite, watching)
            assert gateway.node.relays.done[STATE_REQUEST] >= 1 and not lite.named("refused")
            assert gateway.named("watch_failed") == [], "which is the peer's affair"

    asyncio.run(scene())

"""A watch list over real links: what a node is told of each state, past liars, lost peers, and peers of JAM's own."""

import asyncio

import pytest

from jamliquor_lite.chain.state_key import chapter, service_account, service_storage
from jamliquor_lite.devnet import serve
from jamliquor_lite.errors import LocalError
from jamliquor_lite.jam.kinds import DIFFERENCE_REQUEST, STATE_REQUEST
from jamliquor_lite.node.watching import Watching, parse_item
from tests.node.world import World, chain_of, profile_of

ITEMS = ("slot", "service 1", "prefix 01", "key " + "05" * 31)
NETWORKS = ("quic", "libp2p")


class Watched(World):
    """A world whose node watches; what it was told is checked against the devnet's own states."""

    def __init__(self, chain, *wires, items=ITEMS, **options):
        super().__init__(chain, *wires, **options)
        self.watching = Watching(self.node, [parse_item(text.split()) for text in items])
        self.watching.start()

    @property
    def slot(self):
        """Of the state that was delivered last."""
        delivered = self.watching.watch.delivered
        return -1 if delivered is None else delivered.slot

    async def follows(self, to=None):
        """The newest state that may be told is told."""
        def there():
            chain = self.node.chain
            vouched = chain.best_vouched()
            above = chain.tree.parents[vouched]
            return above >= 0 and self.slot == chain.tree.slots[above] and (to is None or self.slot >= to)

        await self.until(there)

    def advance(self, count=1):
        for _ in range(count):
            block = None
            while block is None:
                block = self.chain.next(self.chain.slot + 1)
            for server in self.servers:
                server.announce(block)

    def check(self):
        """Every state that was told is as the devnet has it, and the order is that of the chain and of the keys."""
        known, last = {}, None
        states = []
        for fields in self.named("watch_change"):
            if fields["header"] != last:
                last = fields["header"]
                states.append([])
            states[-1].append(fields)
        slots = [fields[0]["slot"] for fields in states]
        assert slots == sorted(set(slots))
        for fields in states:
            trie = self.chain.trie(fields[0]["header"])
            keys = [one["key"] for one in fields]
            assert keys == sorted(keys)
            for one in fields:
                value = trie.get(one["key"])
                assert one["present"] == (value is not None)
                assert one["value"] == (None if value is None else value.hex())
                assert one["level"] == "vouched" and one["support"] > 2
                assert known or one["was"] == "" or one["was"] in ("present", "absent")
                known[one["key"]] = value
            for key, value in known.items():
                assert trie.get(key) == value, "a change was not told"
        return known


@pytest.mark.parametrize("network", NETWORKS)
def test_a_snapshot_and_then_every_state_that_is_vouched_for(network):
    async def scene():
        async with Watched(chain_of(40), "honest", network=network) as world:
            await world.follows()
            ready = world.named("watch_ready")
            assert len(ready) == 1 and ready[0]["slot"] == world.slot and ready[0]["level"] == "vouched"
            for _ in range(6):
                world.advance()
                await world.caught_up()
                await world.follows()
            known = world.check()
            assert set(known) >= {chapter(11), service_account(1), b"\x05" * 31}
            assert known[b"\x05" * 31] is None and len(known) > 30
            kind = DIFFERENCE_REQUEST if network == "libp2p" else STATE_REQUEST
            assert set(world.servers[0].requests) & {DIFFERENCE_REQUEST, STATE_REQUEST} == {kind}
            assert not world.named("refused") and world.watching.refused == 0

    asyncio.run(scene())


LIES = ("mutated-node", "mutated-value", "withheld-change", "wrong-subtree", "other-header")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("wire", LIES)
def test_a_liar_is_refused_and_another_peer_is_asked(network, wire):
    async def scene():
        async with Watched(chain_of(40), wire, "honest", network=network) as world:
            liar, honest = world.node.peers.records
            for _ in range(4):
                await world.follows()
                world.advance()
                await world.caught_up()
            await world.follows()
            world.check()
            assert world.watching.refused >= 1 and liar.blamed >= 1 and honest.blamed == 0 and honest.proved >= 1
            assert {fields["peer"] for fields in world.named("refused")} == {liar.name}

    asyncio.run(scene())


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("wire", ["silent", "refusing"])
def test_a_peer_without_an_answer_is_passed_over(network, wire):
    async def scene():
        async with Watched(chain_of(40), wire, "honest", network=network) as world:
            await world.follows()
            world.advance()
            await world.caught_up()
            await world.follows()
            world.check()
            assert world.node.peers.records[0].proved == 0 and world.node.peers.records[1].proved >= 1

    asyncio.run(scene())


@pytest.mark.parametrize("network", NETWORKS)
def test_a_peer_that_goes_away_is_missed_by_nobody(network):
    async def scene():
        async with Watched(chain_of(40), "honest", "honest", network=network) as world:
            await world.follows()
            asked = [server for server in world.servers if set(server.requests) & {DIFFERENCE_REQUEST, STATE_REQUEST}]
            gone = world.servers.index(asked[0])
            await world.servers.pop(gone).stop()
            world.advance(2)
            await world.caught_up()
            await world.follows()
            world.check()

    asyncio.run(scene())


def test_a_lite_peer_that_does_not_know_differences_is_asked_for_ranges(monkeypatch):
    monkeypatch.setattr(serve, "_SERVED", tuple(kind for kind in serve._SERVED if kind != DIFFERENCE_REQUEST))

    async def scene():
        async with Watched(chain_of(40), "honest", network="libp2p") as world:
            await world.follows()
            world.advance(2)
            await world.caught_up()
            await world.follows()
            world.check()
            assert world.servers[0].requests[STATE_REQUEST] > 3
            assert DIFFERENCE_REQUEST not in world.servers[0].requests
            assert not world.named("refused")

    asyncio.run(scene())


def test_a_snapshot_is_shared_between_peers():
    async def scene():
        items = ["key " + (bytes([number]) * 31).hex() for number in range(64)]
        async with Watched(chain_of(40), "honest", "honest", "honest", network="quic", items=items) as world:
            await world.follows()
            world.check()
            assert len([server for server in world.servers if server.requests.get(STATE_REQUEST, 0) > 3]) == 3

    asyncio.run(scene())


@pytest.mark.parametrize("network", NETWORKS)
def test_without_anybody_who_serves_state_the_chain_is_followed_all_the_same(network):
    async def scene():
        async with Watched(chain_of(40), "refusing", network=network) as world:
            await world.caught_up()
            await world.until(lambda: world.watching.reason)
            world.advance(4)
            await world.caught_up()
            await world.until(lambda: "unavailable upstream" in world.watching.reason)
            assert world.slot == -1 and world.node.refused_answers == 0

    asyncio.run(scene())


def test_a_list_that_is_too_much_for_its_budget_ends_and_says_so():
    async def scene():
        profile = profile_of(watch_bytes=300)
        async with Watched(chain_of(40), "honest", profile=profile) as world:
            await world.until(lambda: world.named("watch_failed"))
            failed = world.named("watch_failed")[0]
            assert failed["limit"] == "watch_bytes" and "300" in failed["reason"]
            world.advance(2)
            await world.caught_up()
            assert not world.node.begin_ask(chapter(11), chapter(11), 2, 0, 1000).is_done

    asyncio.run(scene())


def test_nobody_is_dialed_while_the_node_may_spend_nothing():
    async def scene():
        async with Watched(chain_of(40), "honest") as world:
            await world.follows()
            told = world.slot
            world.node.budgets.is_asleep = True
            world.watching.refuse(LocalError("the caps are used up"))
            for connection in world.node.state_connections.values():
                connection.close(0, "asleep")
            world.node.state_connections.clear()
            world.advance(2)
            await world.caught_up()
            assert not world.node.state_connections and world.slot == told and not world.watching.is_done
            world.node.budgets.is_asleep = False
            while world.slot == told:
                world.advance()
                await world.caught_up()
                await world.follows()
            world.check()

    asyncio.run(scene())


def test_items_and_what_is_none():
    prefix = parse_item(["prefix", "0xAB01"])
    assert (prefix.start, prefix.end) == (b"\xab\x01" + bytes(29), b"\xab\x01" + b"\xff" * 29)
    whole = parse_item(["prefix", "07" * 31])
    assert whole.start == whole.end == b"\x07" * 31
    storage = parse_item(["storage", "1", "aa"])
    assert storage.start == storage.end == service_storage(1, b"\xaa")
    for words, line in (
        ([], "allowed are service ID"), (["prefix"], "allowed are"), (["prefix", ""], "1 to 31 bytes"),
        (["prefix", "zz"], "1 to 31 bytes"), (["prefix", "00" * 32], "1 to 31 bytes"),
        (["services", "1"], "allowed are"),
        (["service", "-1"], "service id"), (["range", "02" * 31, "01" * 31], "above the end"),
    ):
        with pytest.raises(LocalError) as caught:
            parse_item(words)
        assert caught.value.exit_code == 2 and line in str(caught.value), words

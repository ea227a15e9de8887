"""The node among its peers: following, forks, strangers, restarts, clocks."""

import asyncio

import pytest

from jamliquor_lite.chain import slots
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import BudgetError, LocalError
from jamliquor_lite.ports import clock, store
from tests.chain.chains import of_devnet
from tests.node.world import World, address, chain_of, profile_of


def test_catches_up_and_goes_on_with_announcements():
    async def scene():
        async with World(chain_of(200), "honest") as world:
            await world.caught_up()
            assert world.node.chain.headers_checked == 200
            for _ in range(15):
                world.servers[0].announce(world.chain.advance(1)[0])
                await world.caught_up()
            assert world.node.chain.headers_checked == 215 and world.lines == []
            assert len(world.named("keys_adopted")) >= 14

    asyncio.run(scene())


def test_reaches_the_best_head_among_forks():
    async def scene():
        async with World(chain_of(150, fork_rate=0.25), "honest") as world:
            tree = world.node.chain.tree
            await world.until(lambda: tree.hash(tree.best) == world.chain.best.hash)
            for _ in range(25):
                for block in world.chain.advance(1):
                    world.servers[0].announce(block)
            await world.until(lambda: tree.hash(tree.best) == world.chain.best.hash)
            assert world.lines == []

    asyncio.run(scene())


def test_two_peers_of_one_chain_cost_one_check_a_header():
    async def scene():
        async with World(chain_of(60), "honest", "honest") as world:
            await world.caught_up()
            await world.until(lambda: world.node.peers.connected == 2)
            for _ in range(5):
                block = world.chain.advance(1)[0]
                for server in world.servers:
                    server.announce(block)
                await world.caught_up()
            assert world.node.chain.headers_checked == 65

    asyncio.run(scene())


def left(world):
    async def scene():
        async with world:
            await world.until(lambda: world.lines)
            return world.lines[0]

    line = asyncio.run(scene())
    assert "\n" not in line
    return line


@pytest.mark.parametrize("network", ["quic", "libp2p"])
def test_a_peer_of_another_genesis_is_left_with_its_reason(network):
    stranger = DevChain(TINY, seed=99, keys=5)
    stranger.advance(5)
    assert "genesis" in left(World(chain_of(5), "honest", chains=(stranger,), network=network))


def test_a_peer_with_another_name_is_left_with_its_reason():
    class Renamed(World):
        async def __aenter__(self):
            await super().__aenter__()
            record = self.node.peers.records[0]
            _, host, port = address(self.servers[0])
            self.node.peers.records = [other for other in self.node.peers.records if other is not record]
            self.node.add_peer("e" + "a" * 52, host, port)
            return self

    line = left(Renamed(chain_of(5), "honest"))
    assert "e" + "a" * 11 in line or "name" in line or "other peer" in line


def test_an_address_where_nobody_listens_is_tried_again_with_patience():
    async def scene():
        profile = profile_of(handshake_timeout_ms=200)
        async with World(chain_of(5), "honest", profile=profile) as world:
            await world.caught_up()
            world.node.add_peer("e" + "b" * 52, "127.0.0.1", 9)
            await world.until(lambda: len(world.lines) >= 2)
            record = world.node.peers.records[1]
            assert record.failures >= 2 and record.dial_at > 0
            assert world.node.peers.connected == 1

    asyncio.run(scene())


def test_more_peers_than_the_profile_allows_are_refused():
    world = World(chain_of(1), profile=profile_of(max_peers=2))
    world.node.add_peer("e" + "a" * 52, "127.0.0.1", 1)
    world.node.add_peer("e" + "b" * 52, "127.0.0.1", 2)
    with pytest.raises(LocalError, match="max_peers"):
        world.node.add_peer("e" + "c" * 52, "127.0.0.1", 3)
    world.node.add_peer("e" + "a" * 52, "127.0.0.1", 1)


def test_open_questions_are_bounded():
    async def scene():
        async with World(chain_of(3)) as world:
            asks = [asyncio.create_task(world.node.ask(bytes(31), bytes(31), 2, 0, 30_000)) for _ in range(8)]
            await asyncio.sleep(0)
            with pytest.raises(BudgetError):
                await world.node.ask(bytes(31), bytes(31), 2, 0, 30_000)
            for ask in asks:
                ask.cancel()

    asyncio.run(scene())


def test_a_restart_goes_on_from_the_saved_checkpoint(tmp_path):
    kept = TwoSlot(store.SlotFile(str(tmp_path / "checkpoint")))

    async def scene(start):
        chain = chain_of(80)
        async with World(chain, "honest", start=start, save=lambda found: kept.save(found.encode())) as world:
            await world.caught_up()
            return world.node.chain.headers_checked

    assert asyncio.run(scene(None)) == 80
    saved = Checkpoint.decode(kept.load())
    assert saved.slot > 0
    again = asyncio.run(scene(saved))
    assert 24 <= again < 80


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path):
    path = tmp_path / "checkpoint"
    kept = TwoSlot(store.SlotFile(str(path)))
    first, second = of_devnet(DevChain(TINY, seed=1, keys=1)), of_devnet(DevChain(TINY, seed=2, keys=1))
    kept.save(first.encode())
    kept.save(second.encode())
    newest = tmp_path / "checkpoint.1"
    data = bytearray(newest.read_bytes())
    data[100] ^= 1
    newest.write_bytes(data)
    again = TwoSlot(store.SlotFile(str(path)))
    assert Checkpoint.decode(again.load()).genesis_hash == first.genesis_hash
    assert "checkpoint.1 is damaged" in again.damaged
    (tmp_path / "checkpoint.0").write_bytes(b"")
    empty = TwoSlot(store.SlotFile(str(path)))
    assert empty.load() is None and "nothing is left" in empty.damaged


def test_a_header_from_the_future_waits_for_its_slot(monkeypatch):
    chain = DevChain(TINY, seed=17, keys=30, genesis_slot=24)
    start = of_devnet(chain)
    chain.advance(10)
    now = [slots.COMMON_ERA + 6 * chain.at(4).slot]
    monkeypatch.setattr(clock, "wall_seconds", lambda: now[0])

    async def scene():
        async with World(chain, "honest", start=start, clock_chain=False) as world:
            await world.until(lambda: world.node.chain.best_slot == chain.at(5).slot)
            await asyncio.sleep(0.3)
            assert world.node.chain.best_slot == chain.at(5).slot and world.lines == []
            now[0] = slots.COMMON_ERA + 6 * chain.best.slot
            world.servers[0].announce(chain.advance(1)[0])
            await world.until(lambda: world.node.chain.best_slot >= chain.at(10).slot)
            assert world.lines == []

    asyncio.run(scene())

"""A node that is fed nothing, or old news, or by another clock: what it says, and whom it turns to."""

import asyncio

from jamliquor_lite.chain import slots
from jamliquor_lite.chain.journal import Journal
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import LocalError
from jamliquor_lite.node.alarm import Alarm
from jamliquor_lite.node.journal_keeper import JournalKeeper, Known, read_peers, write_peers
from jamliquor_lite.node.status import Status
from jamliquor_lite.ports import clock
from tests.chain.chains import of_devnet
from tests.chain.journals import Memory
from tests.node.world import World, address, chain_of, profile_of

PACE_MS = 60  # of a slot, here: ten of them are no time


def watched(world, pace_ms=PACE_MS):
    world.node.alarm = Alarm(world.node, clock.ticks_ms())
    world.node.alarm.stall.pace_ms = pace_ms
    return world.node.alarm


def test_a_peer_that_falls_silent_is_left_for_a_spare_one_and_the_head_comes():
    silent, full = chain_of(40), chain_of(90)

    async def scene():
        profile = profile_of(min_peers=1, stall_least_ms=1_000)
        async with World(full, "honest", "honest", chains=[silent, full], profile=profile) as world:
            node = world.node
            spare = node.peers.records[1]
            spare.is_spare = True
            alarm = watched(world)
            await world.until(lambda: node.chain.best_slot == silent.best.slot)
            assert spare.link is None, "one peer is enough, as long as it has heads"
            await world.until(lambda: world.named("stalled"))
            said = world.named("stalled")[0]
            assert said["slot"] == silent.best.slot and said["silent_ms"] >= 1_000 and said["peers"] == 1
            assert said["doing"].startswith("leaving ") and said["doing"].endswith("dialing 1")
            assert "no new head for " in world.lines[0]
            await world.caught_up()
            await world.until(lambda: world.named("recovered"))
            assert world.named("recovered")[0]["slot"] >= silent.best.slot
            names = [name for name, _ in world.events]
            assert names.index("stalled") < names.index("recovered")
            status = Status().read(node)
            assert status.stalls >= 1 == len(world.named("recovered")) or alarm.stall.is_stalled
            assert {"stall_ms", "stalls", "reorgs", "reorg_depth", "clock_skew_s"} <= set(status.as_dict())

    asyncio.run(scene())


def test_where_nobody_else_is_known_the_only_peer_stays():
    chain = chain_of(30)

    async def scene():
        async with World(chain, "honest", profile=profile_of(stall_least_ms=1_000)) as world:
            watched(world)
            await world.until(lambda: world.named("stalled"))
            assert world.named("stalled")[0]["doing"] == "waiting: no other peer is known"
            assert world.lines == [] and Status().read(world.node).stall_ms > 0
            world.servers[0].announce(chain.advance(1)[0])
            await world.until(lambda: world.named("recovered"))
            assert Status().read(world.node).stall_ms == 0 and len(world.named("stalled")) == 1

    asyncio.run(scene())


def test_a_slow_clock_is_told_and_changes_no_level(monkeypatch):
    chain = DevChain(TINY, seed=17, keys=30, genesis_slot=24)
    start = of_devnet(chain)
    chain.advance(10)
    now = [slots.COMMON_ERA + 6 * chain.best.slot]
    monkeypatch.setattr(clock, "wall_seconds", lambda: now[0])

    async def scene():
        async with World(chain, "honest", "honest", start=start, clock_chain=False) as world:
            node, alarm = world.node, watched(world, 60_000)
            await world.until(lambda: node.chain.best_slot == chain.best.slot and node.peers.connected == 2)
            behind = chain.best.slot
            chain.slot += 20  # their clock is two minutes ahead of ours
            for block in chain.advance(4):
                for server in world.servers:
                    server.announce(block)
                await asyncio.sleep(0.1)
            await world.until(lambda: world.named("clock"))
            said = world.named("clock")[0]
            assert 110 <= said["skew_s"] <= 180 and "our clock is slow" in said["why"]
            assert node.chain.best_slot == behind, "whatever they say, what has no slot yet is not here"
            assert Status().read(node).clock_skew_s == said["skew_s"] and Status().read(node).clock == "set(system)"
            assert world.named("stalled") == [] and alarm.stall.behind == 0

    asyncio.run(scene())


def test_an_unset_clock_stays_unknown(monkeypatch):
    monkeypatch.setattr(clock, "wall_seconds", lambda: None)
    chain = chain_of(30)

    async def scene():
        async with World(chain, "honest", clock_chain=False) as world:
            watched(world, 60_000)
            await world.caught_up()
            for block in chain.advance(5):
                world.servers[0].announce(block)
            await world.caught_up()
            assert Status().read(world.node).clock == "unknown" and world.named("clock") == []

    asyncio.run(scene())


def unlocked():
    pass


def test_good_peers_are_known_to_the_next_run_as_spare_ones():
    chain = chain_of(80)
    memory, warnings = Memory(), []

    def kept(lock=unlocked):
        keeper = JournalKeeper(Journal(memory, 1 << 15, 1 << 24), profile_of(), warnings.append, lock)
        return keeper, keeper.load()

    async def first():
        keeper, found = kept()
        assert found is None and keeper.peers == []
        async with World(chain, "honest", "honest", save=keeper.save) as world:
            keeper.node = world.node
            assert keeper.dial(world.node) == 0
            await world.caught_up()
            await world.until(lambda: world.node.peers.connected == 2)
            places = [address(server) for server in world.servers]
        keeper.close()
        return places

    places = asyncio.run(first())
    keeper, found = kept()
    assert found is not None and found.slot > 0 and warnings == []
    assert {(one.name, one.host, one.port) for one in keeper.peers} == set(places)
    assert all(one.seconds > 0 and one.suite for one in keeper.peers)

    async def second():
        # The one that the user names has nothing; a remembered one has the rest.
        async with World(chain, "honest", start=found, chains=[chain_of(0)], profile=profile_of(min_peers=4)) as world:
            own = address(world.servers[0])[0]
            keeper.peers.append(Known(own, "127.0.0.1", 1, "", 0, False))
            assert keeper.dial(world.node) == len([one for one in keeper.peers if one.name != own])
            spares = [record for record in world.node.peers.records if record.is_spare]
            assert spares and not any(record.is_trusted for record in spares)
            return len(spares)

    assert asyncio.run(second()) >= 1


def test_a_disk_that_is_full_is_told_once_and_the_node_goes_on():
    chain = chain_of(120)
    warnings = []

    class Full(Memory):
        is_full = True

        def write(self, segment, at, pieces):
            if self.is_full:
                raise LocalError("cannot write journal.%d: no space left on the device" % segment)
            Memory.write(self, segment, at, pieces)

    memory = Full()
    profile = profile_of(checkpoint_interval_ms=0)
    keeper = JournalKeeper(Journal(memory, 1 << 15, 1 << 24), profile, warnings.append, unlocked)

    async def scene():
        async with World(chain, "honest", profile=profile, save=keeper.save) as world:
            keeper.node = world.node
            await world.caught_up()
            told = "cannot write journal.0: no space left on the device"
            assert warnings == [told + ": going on with what was saved last"]
        memory.is_full = False
        keeper.close()

    asyncio.run(scene())
    found = Journal(memory, 1 << 15, 1 << 24).load()
    assert found is not None and found.slot > 0 and len(warnings) == 1


def test_what_is_no_list_of_peers_is_none():
    good = [Known("e" * 53, "127.0.0.1", 9, "quic", 5, True), Known("x", "::1", 1, "", 0, False)]
    found = read_peers(write_peers(good), 8)
    assert [vars(one) for one in found] == [vars(one) for one in good]
    assert len(read_peers(write_peers(good * 9), 8)) == 8
    for bad in (b"", b"\x80\x80", b"\xff" * 9, b"\xa0", b"\x81\x01", write_peers([Known("x", "y", 0, "", 0, False)]),
                write_peers([Known("x" * 129, "y", 1, "", 0, False)]), write_peers([Known("x", "y", 1, "", -1, False)]),
                write_peers([Known("x", 7, 1, "", 0, False)])):
        assert read_peers(bad, 8) == []

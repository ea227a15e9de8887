"""A gateway's work by classes, within a budget of processor time: what is put off, and that all of it comes to pass."""

import asyncio

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.classes import GOSSIP, HEADERS, SERVING
from jamliquor_lite.gateway.gateway import Gateway
from jamliquor_lite.gateway.quanta import ServingQuanta
from jamliquor_lite.jam.events import DONE, HEADER
from jamliquor_lite.jam.header_announcement import OURS, THEIRS
from jamliquor_lite.jam.kinds import HEADER_ANNOUNCEMENT
from jamliquor_lite.jam.range_request import ASCENDING
from tests.gateway.test_link import Scene, range_of
from tests.gateway.world import World
from tests.node.test_turn import FOREVER
from tests.node.test_turn import World as MadeUp

LONG_MS = 60_000  # a fail-safe of who is served slowly


def work(scene, peer, cls, turns=8):
    for _ in range(turns):
        peer.pair.pump()
        while peer.link.work(cls, scene.now):
            pass
        peer.pair.pump()


def test_what_peers_ask_waits_for_its_class_and_headers_do_not():
    scene = Scene(20)
    peer = scene.peer()
    scene.turn()
    request = range_of(peer, scene.chain.genesis.hash, ASCENDING, 20)
    request.poll(scene.now)
    work(scene, peer, HEADERS)
    work(scene, peer, GOSSIP)
    assert not peer.link.is_serving and request.poll(scene.now) != HEADER
    (block,) = scene.chain.advance(1)
    scene.take(block)
    assert scene.gateway.chain.best_slot == block.slot, "it follows meanwhile"
    work(scene, peer, SERVING)
    found = 0
    event = request.poll(scene.now)
    while event != DONE:
        found += event == HEADER
        work(scene, peer, SERVING, 1)
        event = request.poll(scene.now)
    assert found >= 20 and peer.link.record.taken == 0, "the turn counts what it takes, not the link"


def test_hashes_are_heard_and_told_as_gossip():
    scene = Scene(10)
    peer = scene.peer()
    scene.turn()
    peer.announcer.attach(peer.open(HEADER_ANNOUNCEMENT), OURS)
    work(scene, peer, HEADERS)
    assert not peer.link.announcer.attached(THEIRS)
    work(scene, peer, SERVING)
    assert peer.link.announcer.attached(THEIRS), "streams are taken with what is served"
    work(scene, peer, HEADERS)
    assert not peer.link.is_mesh
    work(scene, peer, GOSSIP)
    assert peer.link.is_mesh


class Relaying(MadeUp):
    """Peers, and relays with so many units of work."""

    def __init__(self, units, *waiting, **numbers):
        MadeUp.__init__(self, *waiting, **numbers)
        self.relays = Relays(self, units)
        self.quanta = ServingQuanta(self, self.relays)

    def work(self, now):
        return self.quanta.relays(now)


class Relays:
    def __init__(self, world, units):
        self.world, self.units = world, units
        self.done = 0
        self.was_put_off = False

    @property
    def count(self):
        return self.units - self.done

    def turn(self, now, quanta):
        self.was_put_off = False
        while self.done < self.units:
            if not quanta.may(SERVING, now):
                self.was_put_off = True
                break
            self.world.spend(SERVING)
            self.done += 1
            quanta.charge(SERVING, now)
        return False


def test_what_links_serve_and_what_is_relayed_do_not_starve_each_other():
    for waiting in ({SERVING: FOREVER}, {SERVING: FOREVER, HEADERS: FOREVER, GOSSIP: FOREVER}):
        world = Relaying(FOREVER, waiting, waiting)
        world.run(60_000)
        done = world.done(SERVING)
        assert min(done, world.relays.done) * 3 >= done + world.relays.done > 30, (done, world.relays.done)
    idle = Relaying(40, {SERVING: 40}, permille=1000)
    idle.turn()
    assert (idle.done(SERVING), idle.relays.done) == (32, 40), "where there is time nobody waits for the other"


def test_a_gateway_that_is_short_of_time_serves_everybody_in_the_end():
    class Slow(Gateway):
        """Everything that it charges takes 300 us of the processor, and it may have a tenth of that."""

        def __init__(self, checkpoint, profile, name, on_event, serves):
            self.us = 0
            Gateway.__init__(self, checkpoint, profile, name, on_event, serves=serves,
                             budgets=Budgets(profile, self.passes))

        def passes(self):
            self.us += 300
            return self.us & 0x3FFFFFFF

    async def scene():
        async with World(120) as world:
            upstream = await world.upstream()
            gateway = world.gateway(upstream.addresses[0], kind=Slow, serves="state", cpu_permille=100,
                                    cpu_burst_ms=20, state_sync_timeout_ms=LONG_MS)
            # Nobody gives up while something is put off.
            lites = [world.lite(gateway.lite, state_sync_timeout_ms=LONG_MS) for _ in range(3)]
            await world.caught_up()
            world.author(5)
            await world.caught_up()
            key = bytes([11]) + bytes(30)
            answers = await asyncio.gather(*[
                lite.node.ask(key, key, 2, 0, LONG_MS) for lite in lites for _ in range(2)])
            assert all(answer.entries for answer in answers)
            cpu = gateway.node.budgets.cpu
            assert cpu.deferred[HEADERS] > 0 and cpu.deferred[SERVING] > 0 and cpu.spent[SERVING] > 0
            assert gateway.node.relays.done and gateway.node.relays.is_whole
            assert not gateway.named("peer_left") and not any(lite.named("peer_left") for lite in lites)

    asyncio.run(scene())

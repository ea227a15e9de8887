"""What the console sees of a node: budgets in one table, and the status that its frames are made of."""

import asyncio

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.classes import GOSSIP, HEADERS, SERVING
from jamliquor_lite.chain.trust import Trust
from jamliquor_lite.node.face import NodeFace
from jamliquor_lite.node.node import Node
from jamliquor_lite.node.status import Status
from tests.chain.chains import of_devnet
from tests.node.world import World, chain_of, libp2p, profile_of


class Timed:
    """A node on a made-up processor clock, that is not run."""

    def __init__(self, **numbers):
        self.us = 0
        start = of_devnet(chain_of(0))
        start.clock_chain = True
        profile = profile_of(**numbers)
        self.budgets = Budgets(profile, lambda: self.us)
        self.node = Node(start, profile, "test", lambda *event: None, budgets=self.budgets)
        self.node.attach(libp2p(bytes(32), start.genesis_hash, profile, budgets=self.budgets))
        self.face = NodeFace(self.node)

    def table(self, now):
        return {row[0]: row[1:] for row in self.face.budget(now)}


def test_what_a_restart_trusts_is_a_string():
    world = Timed()
    found = Trust.parse(world.face.trust())
    assert found.statement == Trust.of(of_devnet(chain_of(0))).statement


def test_budgets_in_one_table():
    world = Timed(cpu_permille=100, cpu_burst_ms=50, max_upload_rate=100_000)
    cpu, up = world.budgets.cpu, world.budgets.up
    first = world.table(1_000)
    assert first["cpu"] == (0, 100, 0, 0, "ms/s") and first["upload"][1] == up.rate and first["download"][1] == 0
    assert "cpu headers" not in first, "nothing was spent of it"
    world.us = 300_000
    cpu.charge(HEADERS, 1_500)
    cpu.defer(GOSSIP)
    up.spend(SERVING, 40_000, 1_500)
    found = world.table(3_000)
    assert found["cpu"] == (150, 100, cpu.debt() // 1000, 1, "ms/s"), "300 ms in two seconds"
    assert found["cpu headers"][:2] == (300, 25) and found["cpu headers"][3:] == (0, "ms")
    assert found["cpu headers"][2] == cpu.debt(HEADERS) // 1000 > 0
    assert found["cpu gossip"] == (0, 12, 0, 1, "ms")
    assert found["upload"][0] == 20_000 and found["upload serving"][0] == 40_000
    assert found["upload serving"][1] == up.rate * 4 // 32
    for name in ("peers", "tree", "heap", "frames", "stream_chunks", "identify"):
        assert len(found[name]) == 5, name
    assert world.table(5_000)["cpu"][0] == 0


def test_the_status_of_a_node_has_its_budgets():
    world = Timed(cpu_permille=100, cpu_burst_ms=50, reserved_peers=2)
    world.node.add_peer(*address_of_nobody())
    status = Status().read(world.node)
    assert status.mode == "full" and status.cpu_rate == 100_000 and status.reserved_peers == 2
    assert status.slots_trusted == 1 and status.frames_count == world.node.profile.frames
    assert status.handshaking_limit > 0 and status.wire_out == status.streams_shed == 0
    found = status.as_dict()
    assert found["slots_trusted"] == 1 and found["best_slot"] == 0 and "budgets" not in found
    assert set(status.budgets_by_name()) < set(found)
    assert not hasattr(status, "nothing_of_the_kind")


def test_peers_show_what_they_are_worth_and_hold():
    world = Timed()
    record = world.node.add_peer(*address_of_nobody())
    record.firsts, record.blamed = 7, 1
    spare = world.node.add_peer("12D3KooWHXkTTHa1jC4zc4wDaPMRNaxee2dFUkM5U48zzvRpNQCE", "127.0.0.1", 1, True)
    rows = list(world.face.peers(True))
    assert rows[0][1:3] == ("out", "waiting") and rows[0][6:8] == (7 - 64, 0)
    assert rows[0][4] == "-" and list(world.face.peers(False))[0][4] == -1, "nobody measured a round trip"
    assert rows[1][1] == "spare" and spare.is_spare and not spare.is_trusted


def test_a_round_trip_is_measured_once_somebody_looks():
    async def run():
        async with World(chain_of(3), "honest", network="libp2p") as world:
            await world.caught_up()
            face = NodeFace(world.node)
            session = world.node.peers.records[0].link.connection.session
            assert session.rtt_ms == -1 and [row[4] for row in face.peers(True)] == ["-"]
            await world.until(lambda: session.rtt_ms >= 0)
            assert [row[4] for row in face.peers(True)] == [row[4] for row in face.peers(False)] == [session.rtt_ms]
            assert not session._pings.has_output, "once is enough"

    asyncio.run(run())


def address_of_nobody():
    return "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp", "127.0.0.1", 9

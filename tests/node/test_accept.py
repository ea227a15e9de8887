"""Which of two connections with the same peer a node keeps."""

import asyncio

from jamliquor_lite.node.node import Node
from jamliquor_lite.p2p.identity import Identity
from jamliquor_lite.ports import clock
from jamliquor_lite.transport.shedding import NOTHING, PEER
from jamliquor_lite.transport.terms import OFF, REQUIRE
from tests.chain.chains import of_devnet
from tests.node.world import address, chain_of, libp2p, profile_of

FIRST, SECOND = sorted((b"\x55" * 32, b"\x66" * 32), key=lambda seed: Identity(seed).name)
_PATIENCE_S = 120


class Follower:
    """A node that listens on the loopback. `events` are what it said."""

    def __init__(self, seed, policy=REQUIRE):
        self.events = []
        start = of_devnet(chain_of(0))
        start.clock_chain = True
        self.node = Node(start, profile_of(), "test", lambda name, fields: self.events.append((name, fields)))
        self.carrier = libp2p(seed, start.genesis_hash, self.node.profile, policy=policy)
        self.node.attach(self.carrier)
        self.node.open()
        self._stop = asyncio.Event()
        self._running = None

    @property
    def link(self):
        """With the only peer that it has."""
        assert len(self.node.peers.records) <= 1
        return self.node.peers.records[0].link if self.node.peers.records else None

    @property
    def is_settled(self):
        """It has one peer, with one connection."""
        link = self.link
        return link is not None and link.greeted and len(self.carrier.connections) == 1

    def left(self):
        return [fields["reason"] for name, fields in self.events if name == "peer_left"]

    def met(self):
        return sum(name == "peer" for name, _ in self.events)

    def start(self):
        self._running = asyncio.create_task(self.node.run(self._stop))

    async def stop(self):
        self._stop.set()
        await self._running


async def until(condition):
    async with asyncio.timeout(_PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def dial_each_other(dials_of_first, dials_of_second):
    first, second = Follower(FIRST), Follower(SECOND)
    if dials_of_first:
        first.node.add_peer(*address(second.node))
    if dials_of_second:
        second.node.add_peer(*address(first.node))
    first.start()
    second.start()
    await until(lambda: first.is_settled and second.is_settled)
    return first, second


def test_of_two_that_dial_each_other_at_once_both_keep_the_same():
    async def main():
        first, second = await dial_each_other(True, True)
        assert first.link.connection.is_dialed and not second.link.connection.is_dialed
        assert first.met() == 1 and second.left() == []
        await first.stop()
        await second.stop()

    asyncio.run(main())


def test_a_connection_that_works_is_not_given_up_for_a_later_one():
    async def main():
        # The second node dialed; were it the names' matter, the first one's later dial would replace that connection.
        first, second = await dial_each_other(False, True)
        kept = second.link.connection
        identity = first.carrier.terms.static.identity
        name, host, port = address(second.node)
        again = first.carrier.dial_to(second.carrier.terms.static.identity.peer_id, [(host, port)], clock.ticks_ms())
        await until(lambda: again.state == 2)
        assert identity.name < name and again.close_reason != ""
        assert second.link.connection is kept and second.is_settled and second.left() == [] and second.met() == 1
        assert first.is_settled and first.left() == []
        await first.stop()
        await second.stop()

    asyncio.run(main())


def test_a_peer_that_comes_again_replaces_what_it_lost():
    async def main():
        first, second = await dial_each_other(True, False)
        kept = second.link.connection
        again = first.carrier.dial_to(second.carrier.terms.static.identity.peer_id, [
            address(second.node)[1:]], clock.ticks_ms())
        await until(lambda: second.link is not None and second.link.connection is not kept)
        assert second.link.connection.peer_id == kept.peer_id and not second.link.connection.is_dialed
        assert kept.close_reason == "connected already" and again is not None
        await first.stop()
        await second.stop()

    asyncio.run(main())


def test_who_is_turned_away_is_said_and_not_again_and_again():
    async def main():
        node, old = Follower(FIRST), Follower(SECOND, OFF)
        old.node.profile.peer_retry_ms = 1
        old.node.add_peer(*address(node.node))
        node.start()
        old.start()
        await until(lambda: node.carrier.refused.get("policy", 0) >= 3)
        said = [fields["reason"] for name, fields in node.events if name == "turned_away"]
        assert said == ["policy: the peer offers only /noise, and pq = require demands a post-quantum handshake"]
        assert node.node.peers.records == [] and set(node.carrier.refused) == {"policy"}
        assert old.left()[0] == "noise: the peer speaks none of /noise"
        await node.stop()
        await old.stop()

    asyncio.run(main())


class Exhausted:
    """As transport/shedding.py, when streams were reset in vain."""

    streams, peers = 3, 0

    def __init__(self):
        self.due = 0

    @property
    def is_hungry(self):
        return self.due > 0

    def poll(self, connections, now):
        due, self.due = self.due, 0
        self.peers += due > 0
        return PEER if due else NOTHING

    def wake_at(self, now):
        return now if self.due else -1


def test_when_memory_is_exhausted_the_worst_stranger_is_told_to_go_and_no_peer_of_the_users():
    async def main():
        node, *others = [Follower(bytes([number]) * 32) for number in range(1, 5)]
        node.carrier.shedding = shedding = Exhausted()
        for other in others:
            other.node.profile.peer_retry_ms = 600_000
            other.node.add_peer(*address(node.node))
        node.node.add_peer(*address(others[0].node))  # the user wants this one
        for follower in (node, *others):
            follower.start()
        await until(lambda: node.node.peers.connected == 3 and all(
            other.link is not None and other.link.greeted for other in others))
        records = {record.name: record for record in node.node.peers.records}
        names = [other.carrier.name for other in others]
        records[names[0]].blamed, records[names[1]].stalls = 2, 1
        for left in (1, 2):
            shedding.due = 1
            await until(lambda n=left: node.node.peers_evicted == n)
            await until(lambda n=left: others[n].left() != [])
        gone = ["the peer closed the connection"]
        assert [other.left() for other in others] == [[], gone, gone], "the worse one first"
        shedding.due = 1
        await until(lambda: not shedding.due)
        assert [record.name for record in node.node.peers.records] == names[:1] and node.node.peers_evicted == 2
        assert node.left() == ["memory is exhausted"] * 2 and shedding.peers == 3
        assert node.node.budgets.slots.taken == [0, 0, 1]
        for follower in (node, *others):
            await follower.stop()
        assert node.carrier.is_whole

    asyncio.run(main())

"""Full spec over QUIC: 1,023 validators, epochs of 600 slots, headers of 65,833 bytes, a value of 343,728.

The devnet starts a few slots before the end of an epoch and leaves slots empty where nothing is to be seen, so that
an epoch costs as many blocks as its rules need, not 600.
"""

import asyncio
import os

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.levels import SEALED, VOUCHED_LEVEL
from jamliquor_lite.chain.state_key import chapter
from jamliquor_lite.chain.tree import NONE
from jamliquor_lite.cli.addresses import parse_jam
from jamliquor_lite.codec.spec import FULL
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.errors import LocalError
from jamliquor_lite.jam.kinds import BLOCK_REQUEST
from jamliquor_lite.node.node import Node
from tests.chain.chains import of_devnet

EPOCH_HEADER = 65_833  # a header with an epoch mark: 297 and 2 x 32 + 1,023 x 64
TICKETS_HEADER = 20_097  # and one with a tickets mark: 297 and 600 x 33
VALIDATORS = chapter(8)  # the active set: 1,023 x 336 bytes
VALIDATORS_SIZE = 343_728
PATIENCE_S = 60
ANSWER_MS = 20_000


class Following:
    """A node that follows `server`, and the lengths of the headers it was announced and was given on request."""

    def __init__(self, checkpoint, server, profile=None):
        checkpoint.clock_chain = True
        self.events = []
        self.announced = []
        self.requested = []
        self.node = Node(os.urandom(32), checkpoint, profile or Profile(), "full", self.hear)
        self.node.open("127.0.0.1", 0)
        peer = parse_jam(server.addresses[0])
        self.node.add_peer(peer.name, peer.host, peer.port)
        self.node.offer = self.watch(self.node.offer, self.announced)
        self.node.follower.offer = self.watch(self.node.follower.offer, self.requested)
        self.stop = asyncio.Event()

    @property
    def chain(self):
        return self.node.chain

    def hear(self, name, fields):
        self.events.append((name, fields))

    def heard(self, name):
        return [fields for event, fields in self.events if event == name]

    def watch(self, call, sizes):
        def offer(data, start, end, *rest):
            sizes.append(end - start)
            return call(data, start, end, *rest)

        return offer

    async def __aenter__(self):
        self.task = asyncio.create_task(self.node.run(self.stop))
        return self

    async def __aexit__(self, *_):
        self.stop.set()
        await self.task

    def has(self, block):
        return self.chain.tree.find(block.hash) != NONE

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.001)

    async def follow(self, chain, server, slots):
        """Author and announce the blocks of these slots, each when the one before has been checked."""
        for slot in slots:
            block = chain.next(slot)
            if block is not None:
                server.announce(block)
                await self.until(lambda block=block: self.has(block))

    def level(self, block):
        return self.chain.levels.level(self.chain.tree.find(block.hash))


async def epoch_change_by_both_ways():
    chain = DevChain(FULL, seed=11, keys=20, genesis_slot=590)
    start = of_devnet(chain)
    async with Server(chain, FULL) as server, Following(start, server) as first:
        await first.until(lambda: first.node.peers.connected == 1)
        await first.follow(chain, server, range(591, 606))
        head = chain.best
        assert head.slot >= 602
        assert EPOCH_HEADER in first.announced
        assert server.requests.get(BLOCK_REQUEST, 0) == 0
        assert first.level(head) == SEALED
        assert first.chain.epochs_seen == 1

        # One who comes later, and for whom a value of 1 KB is long: it asks for the blocks.
        small = Profile()
        small.value_bytes = 1024
        async with Following(of_devnet_again(chain, start), server, small) as second:
            await second.until(lambda: second.has(head))
            assert server.requests[BLOCK_REQUEST] == 1
            assert EPOCH_HEADER in second.requested and EPOCH_HEADER not in second.announced
            assert second.level(head) == SEALED

            whole = await first.node.ask(VALIDATORS, VALIDATORS, SEALED, 0, ANSWER_MS)
            streamed = await second.node.ask(VALIDATORS, VALIDATORS, SEALED, 0, ANSWER_MS)
            with pytest.raises(LocalError, match="vouched"):
                await first.node.ask(VALIDATORS, VALIDATORS, VOUCHED_LEVEL, 0, 500)
        for answer in (whole, streamed):
            commitment = answer.commitment
            assert (commitment.header_hash, commitment.by_hash) == (head.parent, head.hash)
            assert (commitment.level, commitment.validators) == (SEALED, FULL.validators)
            assert [entry.length for entry in answer.entries] == [VALIDATORS_SIZE]
            assert 0 < answer.proof_bytes <= 64 * 32
        expected = chain.trie(head.parent).get(VALIDATORS)
        assert whole.entries[0].value == expected
        assert expected != chain.genesis_trie.get(VALIDATORS)  # it is the new epoch's set
        assert streamed.entries[0].value is None

        # The same value with one bit of its last byte changed, as a liar would serve it.
        false = chain.trie(head.parent).snapshot()
        false.set(VALIDATORS, expected[:-1] + bytes([expected[-1] ^ 1]))
        chain.false_tries[head.parent] = false
        with pytest.raises(LocalError, match="no peer gave a proved answer"):
            await first.node.ask(VALIDATORS, VALIDATORS, SEALED, 0, 3_000)
        assert first.node.refused_answers == 1


def of_devnet_again(chain, start):
    """A checkpoint of its own for a second node."""
    return type(start).decode(start.encode())


def test_an_epoch_mark_comes_by_announcement_and_by_request_and_a_long_value_is_proved():
    asyncio.run(epoch_change_by_both_ways())

"""Full spec over QUIC: 1,023 validators, epochs of 600 slots, headers of 65,833 bytes, a value of 343,728.

The devnet starts a few slots before the end of an epoch and leaves slots empty where nothing is to be seen, so that
an epoch costs as many blocks as its rules need, not 600.
"""

import asyncio
import os

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.levels import LINKED, SEALED, VOUCHED_LEVEL
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
from tests.node.world import quic

EPOCH_HEADER = 65_833  # a header with an epoch mark: 297 and 2 x 32 + 1,023 x 64
TICKETS_HEADER = 20_097  # and one with a tickets mark: 297 and 600 x 33
VALIDATORS = chapter(8)  # the active set: 1,023 x 336 bytes
VALIDATORS_SIZE = 343_728
PATIENCE_S = 120
ANSWER_MS = 20_000


class Following:
    """A node that follows `server`, and the lengths of the headers it was announced and was given on request."""

    def __init__(self, checkpoint, server, profile=None):
        checkpoint.clock_chain = True
        self.events = []
        self.saved = []
        self.announced = []
        self.requested = []
        profile = profile or Profile()
        self.node = Node(checkpoint, profile, "full", self.hear, self.saved.append)
        self.node.attach(quic(os.urandom(32), checkpoint.genesis_hash, profile))
        self.node.open()
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
        async with Following(Checkpoint.decode(start.encode()), server, small) as second:
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
            await first.node.ask(VALIDATORS, VALIDATORS, SEALED, 0, 1_000)
        assert first.node.refused_answers == 1


def test_an_epoch_mark_comes_by_announcement_and_by_request_and_a_long_value_is_proved():
    asyncio.run(epoch_change_by_both_ways())


async def three_epochs():
    chain = DevChain(FULL, seed=5, keys=20, genesis_slot=590, contests="always")
    async with Server(chain, FULL) as server, Following(of_devnet(chain), server) as first:
        await first.until(lambda: first.node.peers.connected == 1)
        # Epoch 1, sealed by fallback keys, until more than a third of its 1,023 validators have built on its mark.
        await first.follow(chain, server, range(591, 1040))
        opening = next(block for block in chain.chain() if block.slot == 600)
        assert len(opening.header) == EPOCH_HEADER
        assert first.level(opening) == VOUCHED_LEVEL and first.level(chain.best) == SEALED
        assert len(first.heard("keys_adopted")) == 1
        assert first.heard("keys_adopted")[0]["blocks_on_top"] >= FULL.validators // 3

        # Its tickets mark, and epoch 2 under the keys that were adopted and tickets that nobody vouched for yet.
        await first.follow(chain, server, [1099, 1100, 1199, *range(1200, 1260)])
        assert TICKETS_HEADER in first.announced
        assert first.chain.ticket_seals > 0 and first.level(chain.best) == LINKED
        await first.follow(chain, server, range(1260, 1700))
        assert len(first.heard("tickets_adopted")) == 1 and len(first.heard("keys_adopted")) == 2
        assert first.level(chain.best) == SEALED

        # Epoch 3, until the root has moved two epochs behind what is vouched for.
        await first.follow(chain, server, range(1799, 2399))
        head = chain.best
        assert server.requests.get(BLOCK_REQUEST, 0) == 0
        assert first.announced.count(EPOCH_HEADER) == 3 and first.announced.count(TICKETS_HEADER) >= 2
        assert first.level(head) == SEALED
        assert not first.chain.refused
        assert first.chain.tree.count <= Profile.tree_headers // 2
        assert first.heard("root")
        answer = await first.node.ask(VALIDATORS, VALIDATORS, VOUCHED_LEVEL, 0, ANSWER_MS)
        assert answer.entries[0].value == chain.trie(answer.commitment.header_hash).get(VALIDATORS)
        assert answer.commitment.support > FULL.validators // 3

        # A restart: from the checkpoint, all the rest by request.
        await first.until(lambda: first.saved)
        checkpoint = Checkpoint.decode(first.saved[-1].encode())
        assert 590 < checkpoint.slot < head.slot - 2 * FULL.epoch_length
        async with Following(checkpoint, server) as second:
            await second.until(lambda: second.has(head))
            assert server.requests[BLOCK_REQUEST] >= second.chain.headers_checked // 128
            assert second.level(head) == SEALED and not second.chain.refused
            slot = first.chain.tree.slots[first.chain.best_vouched()]
            assert second.chain.tree.slots[second.chain.best_vouched()] == slot


@pytest.mark.long
def test_three_epochs_with_every_mark_adopted_and_a_restart():
    asyncio.run(three_epochs())

"""Reorgs: each is told before the new head, with what was left, and a model that knows all blocks agrees."""

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain import finality
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.justification import Justification
from jamliquor_lite.chain.light import LightChain
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.sync.follow import Follower
from tests.chain.chains import of_devnet
from tests.chain.devnet_votes import justified


class Subscriber:
    """Knows what it is told, and the parents of all blocks. Every head that is told has to follow from the one before,
    or a reorg says otherwise."""

    def __init__(self, checkpoint):
        self.parents = {}
        self.slots = {checkpoint.header_hash: checkpoint.slot}
        self.head = checkpoint.header_hash
        self.reorgs = []
        self.left = None
        self.chain = LightChain(checkpoint, Profile(), self.hear)

    def know(self, block):
        self.parents[block.hash] = block.parent
        self.slots[block.hash] = block.slot

    def branch(self, header_hash):
        found = [header_hash]
        while found[-1] in self.parents:
            found.append(self.parents[found[-1]])
        return found

    def hear(self, name, row):
        tree = self.chain.tree
        if name == "reorg":
            assert self.left is None and tree.hash(row) == self.head, "what is left is the head that was told last"
            self.left = (tree.hash(row), tree.hash(tree.best))
            ours, other = self.branch(self.left[0]), self.branch(self.left[1])
            common = next(at for at in ours if at in other)
            ancestor = tree.common_ancestor(row, tree.best)
            depth = tree.between(row, ancestor)
            assert tree.hash(ancestor) == common and depth == ours.index(common) > 0
            self.reorgs.append((depth, self.slots[ours[0]] - self.slots[common]))
            self.head = self.left[1]
        elif name == "best":
            told = tree.hash(tree.best)
            assert self.head in self.branch(told), "it descends from what was told last"
            self.head, self.left = told, None

    def add(self, block):
        self.know(block)
        self.chain.add(Header(self.chain.spec, block.header))


@pytest.mark.parametrize("rate", [0.15, 0.35])
def test_among_forks_every_head_follows_or_a_reorg_says_why(rate):
    devnet = DevChain(TINY, seed=3, keys=10, fork_rate=rate)
    heard = Subscriber(of_devnet(devnet))
    for block in devnet.advance(200):
        heard.add(block)
    assert heard.head == devnet.best.hash == heard.chain.tree.hash(heard.chain.tree.best)
    assert heard.reorgs and max(depth for depth, _ in heard.reorgs) >= 1


@pytest.mark.parametrize("depth", [1, 7, 18])
def test_a_fork_of_any_depth_within_the_tree_is_one_reorg(depth):
    devnet = DevChain(TINY, seed=4, keys=10, contests="never")
    devnet.states_kept = 1_000
    heard = Subscriber(of_devnet(devnet))
    fork = devnet.fork_from(devnet.best, alone=False)
    for block in devnet.advance(depth):
        heard.add(block)
    assert heard.reorgs == []
    fork.slot = devnet.best.slot  # it began later and goes on longer: no slot has two blocks
    made = fork.advance(depth + 3)
    for block in made:
        heard.add(block)
    assert heard.head == made[-1].hash
    assert [found for found, _ in heard.reorgs] == [depth]


def test_a_head_that_is_withdrawn_is_left_too():
    devnet = DevChain(TINY, seed=5, keys=10, contests="never")
    heard = Subscriber(of_devnet(devnet))
    for block in devnet.advance(6):
        heard.add(block)
    block = devnet.advance(1)[0]
    heard.know(block)
    row = heard.chain.add(Header(TINY, block.header), named=True)
    assert heard.head == block.hash
    heard.chain.withdraw(row)
    assert heard.reorgs == [(1, block.slot - heard.slots[block.parent])]
    assert heard.head == block.parent == heard.chain.tree.hash(heard.chain.tree.best)


def test_a_justification_of_another_branch_is_a_reorg():
    devnet = DevChain(TINY, seed=6, keys=10, contests="never")
    devnet.states_kept = 1_000
    heard = Subscriber(of_devnet(devnet))
    for block in devnet.advance(2):
        heard.add(block)
    fork = devnet.fork_from(devnet.best, alone=False)
    fork.states_kept = 1_000
    theirs = devnet.advance(5)
    fork.slot = theirs[-1].slot
    made = fork.advance(2)
    for block in [*theirs, *made]:
        heard.add(block)
    assert heard.head == theirs[-1].hash and heard.reorgs == []
    chain, final = heard.chain, made[0]
    row = chain.tree.find(final.hash)
    assert finality.next_to_prove(chain, row) == row
    keys, set_id = chain.voters(row)
    check = Justification(TINY, Profile())
    check.begin(keys, set_id, final.hash)
    data = justified(fork, final)
    at = 0
    while not check.is_done:
        at += check.feed(data, at, len(data))
    assert chain.finalize(row, check.state_root, check.support, check.set_id)
    assert heard.head == made[-1].hash and [depth for depth, _ in heard.reorgs] == [5]


def test_who_follows_hears_the_same_whoever_brings_the_headers():
    devnet = DevChain(TINY, seed=7, keys=10, fork_rate=0.3)
    heard = Subscriber(of_devnet(devnet))
    follower = Follower(heard.chain, Profile())
    for block in devnet.advance(120):
        heard.know(block)
        follower.offer(block.header, 0, len(block.header), -1)
    assert heard.head == devnet.best.hash and heard.reorgs

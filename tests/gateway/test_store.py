"""The store of checked headers: ranges both ways, along the best chain, within its bounds."""

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.gateway.store import HeaderStore


def header_of(block):
    return Header(TINY, block.header)


def store_of(blocks, root, best=None, **bounds):
    profile = Profile()
    for name, value in bounds.items():
        setattr(profile, name, value)
    store = HeaderStore(profile, root)
    for block in blocks:
        store.add(header_of(block), best or block.hash)
    return store


@pytest.fixture(scope="module")
def chain():
    chain = DevChain(TINY, seed=4, keys=3)
    chain.advance(30)
    return chain


@pytest.fixture(scope="module")
def blocks(chain):
    return chain.chain()[1:]


def bytes_of(blocks):
    return [block.header for block in blocks]


def test_a_range_ascends_without_and_descends_with_the_header_named(chain, blocks):
    store = store_of(blocks, chain.genesis.hash)
    assert store.ascending(chain.genesis.hash, 100) == bytes_of(blocks)
    assert store.ascending(blocks[9].hash, 5) == bytes_of(blocks[10:15])
    assert store.ascending(blocks[-1].hash, 5) == [], "the head: nothing follows"
    assert store.descending(blocks[9].hash, 3) == bytes_of(blocks[9:6:-1])
    assert store.descending(blocks[1].hash, 100) == bytes_of(blocks[1::-1]), "the root's own bytes are not here"
    assert store.count == 30 and store.lowest_slot == blocks[0].slot


def test_what_is_not_here_is_not_answered(chain, blocks):
    store = store_of(blocks[:10], chain.genesis.hash)
    assert store.ascending(blocks[10].hash, 5) is None and store.descending(blocks[10].hash, 5) is None
    assert store.descending(chain.genesis.hash, 1) is None and store.get(blocks[10].hash) is None
    assert store_of([], chain.genesis.hash).ascending(chain.genesis.hash, 5) == [], "the root is known, and the head"


@pytest.mark.parametrize("bounds, kept", [
    ({"header_store_headers": 7}, 7), ({"header_store_headers": 1}, 1), ({"header_store_bytes": 3_000}, 0),
])
def test_the_oldest_go_first(chain, blocks, bounds, kept):
    store = store_of(blocks, chain.genesis.hash, **bounds)
    assert store.count == kept or not kept
    assert 0 < store.count < 30 and store.dropped == 30 - store.count
    assert store.size_bytes == sum(len(store.get(block.hash) or b"") for block in blocks)
    assert store.size_bytes <= bounds.get("header_store_bytes", store.size_bytes)
    left = blocks[-store.count:]
    assert store.descending(blocks[-1].hash, 100) == bytes_of(left[::-1])
    assert store.ascending(blocks[-store.count - 1].hash, 100) == bytes_of(left), "what follows the first that is gone"
    assert store.ascending(blocks[-store.count - 2].hash, 100) is None
    assert store.ascending(chain.genesis.hash, 100) is None and store.lowest_slot == left[0].slot


def test_a_header_that_comes_twice_is_kept_once(chain, blocks):
    store = store_of(blocks + blocks[3:6], chain.genesis.hash, best=blocks[-1].hash)
    assert store.count == 30 and store.size_bytes == sum(len(block.header) for block in blocks)


class Forked:
    """The chain to block 10, then `ours` (three blocks) and `theirs` (five) on top of it."""

    def __init__(self):
        chain = DevChain(TINY, seed=4, keys=3)
        self.trunk = chain.advance(10)
        other = chain.fork_from(chain.best)
        self.ours = []
        self.theirs = chain.advance(5)
        slot = self.theirs[-1].slot + 1
        while len(self.ours) < 3:
            block = other.next(slot)
            if block is not None:
                self.ours.append(block)
            slot += 1
        self.root = chain.genesis.hash


def test_ascending_goes_towards_the_best_head_and_turns_with_it():
    fork = Forked()
    store = store_of(fork.trunk + fork.theirs, fork.root)
    for block in fork.ours:
        store.add(header_of(block), fork.theirs[-1].hash)
    base = fork.trunk[-1].hash
    assert store.ascending(base, 100) == bytes_of(fork.theirs)
    assert store.ascending(fork.ours[0].hash, 100) == bytes_of(fork.ours[1:]), "its own branch"
    store.lead(fork.ours[-1].hash)
    assert store.ascending(base, 100) == bytes_of(fork.ours)
    assert store.ascending(fork.theirs[0].hash, 100) == bytes_of(fork.theirs[1:])
    store.lead(fork.theirs[2].hash)
    assert store.ascending(base, 100) == bytes_of(fork.theirs), "further than the best, on its branch"
    assert store.ascending(fork.root, 11) == bytes_of(fork.trunk + fork.theirs[:1])


def test_a_branch_that_goes_leaves_the_other_one_whole():
    fork = Forked()
    store = store_of(fork.trunk + fork.theirs + fork.ours, fork.root, header_store_headers=6)
    left = (fork.theirs + fork.ours)[-6:]
    assert store.count == 6
    assert store.ascending(fork.trunk[-1].hash, 100) == bytes_of(fork.ours)
    assert store.descending(fork.ours[-1].hash, 100) == bytes_of(fork.ours[::-1])
    assert store.descending(fork.theirs[-1].hash, 100) == bytes_of(
        [block for block in left if block in fork.theirs][::-1])
    store.lead(fork.theirs[-1].hash)
    assert store.ascending(fork.trunk[-1].hash, 100) is not None

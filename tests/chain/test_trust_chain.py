"""The digest of a checkpoint is the same from a state and from headers, whoever computes it at whatever head."""

from jamliquor_lite.chain import state_key
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.trust import Trust, checkpoint_at, openings
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from tests.chain.chains import Recorder, of_devnet


def from_state(chain, block):
    trie = block.state.trie
    values = [trie.get(state_key.chapter(number)) for number in (4, 6, 8)]
    return Checkpoint.from_state(TINY, chain.genesis.hash, block.hash, block.slot, *values)


def followed(start, blocks):
    light = Recorder(start)
    for block in blocks:
        light.add(block.header)
    return light.chain


def test_it_is_the_same_from_the_state_and_from_the_headers_in_both_modes():
    chain = DevChain(TINY, seed=3, keys=10)
    start = of_devnet(chain)
    light = Recorder(start)
    modes = set()
    for _ in range(60):
        block = chain.advance()[0]
        light.add(block.header)
        state, headers = from_state(chain, block), checkpoint_at(light.chain, light.chain.tree.find(block.hash))
        assert Trust.of(state).agrees(Trust.of(headers)) == ""
        modes.add((state.tickets is None, state.next_tickets is None))
    assert len(modes) == 4


def test_nodes_at_different_heads_name_the_same_openings():
    chain = DevChain(TINY, seed=3, keys=10)
    start = of_devnet(chain)
    chain.advance(90)
    blocks = chain.chain()[1:]
    named = []
    for behind in range(14):
        light = followed(start, blocks[: len(blocks) - behind])
        rows = openings(light, 4)
        named.append([light.tree.hash(row) for row in rows])
        assert all(light.tree.slots[row] // TINY.epoch_length > light.tree.slots[light.tree.parents[row]]
                   // TINY.epoch_length for row in rows)
        assert len(rows) >= 2 and len(openings(light, 1)) == 1
    # No more than an epoch apart, all of them share one of the newest two.
    shared = set(named[0])
    for one in named:
        shared &= set(one)
    assert shared
    assert len({one[0] for one in named}) == 2

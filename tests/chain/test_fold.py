"""Folding leaves gives the same hash as the trie that holds them."""
# portable: runs on CPython and MicroPython

from jamliquor_lite.chain.fold import Fold
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.chain.trie_node import EMPTY, leaf_node
from jamliquor_lite.crypto.suite import blake2b_256
from tests.chain.samples import Random, random_state


def test_a_fold_is_the_root_of_its_leaves() -> None:
    rng = Random(30)
    fold = Fold()
    for size in (0, 1, 2, 5, 30):
        state = sorted(random_state(rng, size))
        fold.begin(0)
        for key, value in state:
            fold.add(key, blake2b_256(leaf_node(key, value)))
        assert fold.close() == Trie(state).root()


def test_a_fold_below_a_prefix_starts_at_that_depth() -> None:
    fold = Fold()
    one, two = b"\xe0" + bytes(30), b"\xf0" + bytes(30)
    leaves = [blake2b_256(leaf_node(one, b"1")), blake2b_256(leaf_node(two, b"2"))]
    fold.begin(3)
    fold.add(one, leaves[0])
    assert fold.close() == leaves[0]  # alone: the leaf itself is the sub-trie
    fold.begin(3)
    fold.add(one, leaves[0])
    fold.add(two, leaves[1])
    node = Trie([(one, b"1"), (two, b"2")]).path(one)[3]
    assert fold.close() == blake2b_256(node)
    fold.begin(5)
    assert fold.close() == EMPTY

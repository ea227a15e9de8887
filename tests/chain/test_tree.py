# portable: runs on CPython and MicroPython
"""The fork tree and the counting of support, against slow models that follow the definitions word by word."""

import random

from jamliquor_lite.chain.epoch import Epoch
from jamliquor_lite.chain.levels import Levels, tag_of
from jamliquor_lite.chain.tree import NONE, TICKETED, TWIN, USED, VOUCHED, Tree
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.errors import BudgetError


def name_of(number):
    return bytes([number & 255, number >> 8]) + bytes(30)


def record_of(number):
    return bytearray(name_of(number) * 2 + bytes(64))


def key_at(epoch, author):
    key = bytearray(32)
    epoch.key_into(author, key)
    return bytes(key)


def key_of(number):
    return bytes([number + 1]) * 32


def epoch_of(index, members):
    keys = b"".join(key_of(member) + bytes(32) for member in members)
    return Epoch(TINY, index, [bytes(32)] * 3, keys, keys, None)


def add(tree, levels, parent, number, slot, entry, author, ticketed=False):
    row = tree.insert(parent, record_of(number), slot, author, tag_of(key_at(levels.epochs[entry], author)), ticketed)
    tree.epochs[row] = entry
    return row


class Model:
    """Support by its definition: distinct keys of the header's own set among itself and all its descendants."""

    def __init__(self, tree, levels):
        self.tree, self.levels = tree, levels

    def support(self, row):
        tree = self.tree
        own = self.levels.epoch(row)
        keys = set()
        for other in range(tree.top):
            if tree.flags[other] & USED and other != tree.root and tree.descends(other, row):
                key = key_at(self.levels.epoch(other), tree.authors[other])
                if own.index_of(key) >= 0:
                    keys.add(key)
        return len(keys)


def build(seed, size):
    rng = random.Random(seed) if hasattr(random, "Random") else random
    if not hasattr(random, "Random"):
        random.seed(seed)
    tree = Tree(64)
    epochs = [epoch_of(0, [0, 1, 2, 3, 4, 5]), epoch_of(1, [5, 4, 6, 7, 8, 9]), epoch_of(2, [9, 1, 10, 11, 5, 12])]
    levels = Levels(tree, epochs)
    tree.root = tree.best = tree.insert(NONE, record_of(0), 0, 0, 0, False)
    tree.flags[tree.root] |= VOUCHED
    rows = [tree.root]
    for number in range(1, size):
        parent = rows[max(0, len(rows) - 1 - rng.randrange(0, 4))]
        slot = tree.slots[parent] + 1 + rng.randrange(0, 2)
        entry = min(2, slot // 8)
        row = add(tree, levels, parent, number, slot, entry, rng.randrange(0, 6), bool(rng.randrange(0, 2)))
        levels.count(row)
        rows.append(row)
    return tree, levels, rows


def test_support_is_what_the_definition_says():
    for seed in range(20):
        tree, levels, rows = build(seed, 40)
        model = Model(tree, levels)
        for row in rows[1:]:
            assert tree.supports[row] == model.support(row), (seed, row)


def test_freeing_heads_takes_their_support_back():
    for seed in range(20):
        tree, levels, rows = build(seed, 40)
        model = Model(tree, levels)
        for row in rows[:0:-1]:
            if not tree.children[row] and row % 3:
                levels.uncount(row)
                tree.free(row)
        for row in rows[1:]:
            if tree.flags[row] & USED:
                assert tree.supports[row] == model.support(row), (seed, row)


def test_one_author_on_many_branches_counts_once():
    tree, levels, rows = build(1, 2)
    base = add(tree, levels, tree.root, 100, 5, 0, 1)
    levels.count(base)
    for number in range(5):
        levels.count(add(tree, levels, base, 101 + number, 6 + number, 0, 2))
    assert tree.supports[base] == 2
    assert levels.vouch(base) == 0
    levels.count(add(tree, levels, base, 120, 12, 0, 3))
    assert tree.supports[base] == 3
    assert levels.vouch(base) == 1 and levels.youngest == base


def test_a_key_named_twice_in_a_set_counts_once():
    tree = Tree(16)
    levels = Levels(tree, [epoch_of(0, [0, 0, 0, 1, 1, 1])])
    tree.root = tree.best = tree.insert(NONE, record_of(0), 0, 0, 0, False)
    at = tree.root
    for number in range(1, 7):
        at = add(tree, levels, at, number, number, 0, number - 1)
        levels.count(at)
    assert tree.supports[tree.find(name_of(1))] == 2


def test_best_has_most_tickets_then_length_and_a_tie_keeps_the_first():
    tree, levels, _ = build(1, 1)
    long = tree.root
    for number in range(1, 5):
        long = add(tree, levels, long, number, number, 0, number)
    tree.choose_best()
    assert tree.best == long
    short = add(tree, levels, tree.root, 20, 3, 0, 1, True)
    tree.choose_best()
    assert tree.best == short and tree.flags[short] & TICKETED
    rival = add(tree, levels, tree.root, 21, 4, 0, 2, True)
    assert not tree.better(rival, tree.best)


def test_an_equivocation_excludes_both_until_one_is_vouched_for():
    tree, levels, _ = build(1, 1)
    left = add(tree, levels, tree.root, 1, 1, 0, 1)
    right = add(tree, levels, tree.root, 2, 1, 0, 1)
    tree.flags[left] |= TWIN
    tree.flags[right] |= TWIN
    over = add(tree, levels, left, 3, 2, 0, 2)
    tree.choose_best()
    assert tree.best == tree.root and not tree.acceptable(over)
    tree.flags[left] |= VOUCHED
    tree.choose_best()
    assert tree.best == over
    tree.flags[right] |= VOUCHED
    assert not tree.acceptable(over)


def test_advance_frees_what_does_not_descend_from_the_new_root():
    tree, levels, rows = build(3, 40)
    root = rows[12]
    kept = [row for row in rows if tree.descends(row, root)]
    names = [tree.hash(row) for row in rows]
    tree.advance(root)
    assert tree.count == len(kept) and tree.root == root
    for row, name in zip(rows, names):
        assert (tree.find(name) != NONE) == (row in kept)


def test_a_full_tree_says_so():
    tree, levels, _ = build(1, 64)
    try:
        add(tree, levels, tree.root, 999, 500, 0, 1)
    except BudgetError as error:
        assert error.limit == "tree_headers"
    else:
        raise AssertionError("a 65th header found room among 64")


def test_counts_that_wrap_compare_as_if_they_did_not():
    # A node that has followed for 65,536 blocks without a restart.
    for start in (0, 65530, 65535):
        tree, levels, _ = build(1, 1)
        tree._heights[tree.root] = tree._ticketed[tree.root] = start
        long = short = tree.root
        for number in range(1, 9):
            long = add(tree, levels, long, number, number, 0, 1)
        for number in range(11, 17):
            short = add(tree, levels, short, number, number, 0, 2)
        assert tree.between(long, tree.root) == 8 and tree.between(short, long) == -2
        assert tree.better(long, short) and not tree.better(short, long) and not tree.better(long, long)
        rival = add(tree, levels, short, 30, 30, 0, 3, True)
        assert tree.tickets_between(rival, long) == 1 and tree.better(rival, long) and not tree.better(long, rival)

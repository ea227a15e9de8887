"""The part of a trie that a watch list needs: put together from answers, and compared with what it was."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.proof import RangeVerifier
from jamliquor_lite.chain.range_builder import build_range
from jamliquor_lite.chain.shown import from_range
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.chain.witness import (
    HIDDEN,
    Branch,
    Leaf,
    Ranges,
    Stub,
    differences,
    gaps,
    graft,
    leaf_at,
    leaf_of,
    settle,
    size,
    stub,
)
from jamliquor_lite.errors import VerifyError
from tests.fake_carrier import Dice
from tests.support import raises

LOW, HIGH = bytes(31), b"\xff" * 31


def key_of(dice):
    """Keys that share few bits, or many, or are among few."""
    sort = dice.below(3)
    if sort == 0:
        return bytes([dice.below(4)]) + bytes(30)
    if sort == 1:
        return bytes([dice.below(2), dice.below(4)]) + bytes(28) + bytes([dice.below(3)])
    return bytes([dice.below(256) for _ in range(31)])


def value_of(dice):
    return bytes([dice.below(256)]) * (0, 1, 32, 33, 80)[dice.below(5)]


def answer(trie, start, end, most=1 << 20):
    """What a verified CE 129 answer says of a trie."""
    nodes, entries = build_range(trie, start, end, most)
    verifier = RangeVerifier(Profile())
    verifier.begin(trie.root(), start, end)
    for node in nodes:
        verifier.node(node, 0)
    for key, value in entries:
        verifier.entry(key, len(value))
        verifier.value(value, 0, len(value))
    proved_to = verifier.finish()
    return from_range(trie.root(), nodes, [leaf_of(key, value) for key, value in entries], start, proved_to)


def whole(trie, ranges, dice, top=None):
    """The witness of these ranges, from answers about whatever is missing, in any order and of any size."""
    top = graft(stub(trie.root()), top)
    for _ in range(1000):
        missing = list(gaps(top, None, ranges))
        if not missing:
            settle(top, ranges)
            return top
        gap = missing[dice.below(len(missing))]
        at = gap.first + dice.below(gap.after - gap.first)
        start = max(gap.low, ranges.starts[at])
        end = start if dice.below(3) == 0 else min(gap.high, ranges.ends[at])
        top = graft(graft(answer(trie, start, end, (0, 400, 9000)[dice.below(3)]), top), top)
    raise AssertionError("no end")


def seen(before, now, ranges):
    return [(old and (old.key, old.value), new and (new.key, new.value))
            for old, new in differences(before, now, ranges)]


def test_ranges_that_touch_or_overlap_are_one():
    ranges = Ranges([(b"\x05" * 31, b"\x07" * 31), (b"\x01" * 31, b"\x01" * 31), (b"\x06" * 31, b"\x09" * 31),
                     (b"\x07" * 31, b"\x07" * 31)])
    assert (ranges.starts, ranges.ends) == ([b"\x01" * 31, b"\x05" * 31], [b"\x01" * 31, b"\x09" * 31])
    for number in range(12):
        key = bytes([number]) * 31
        assert ranges.hold(key, 0, len(ranges)) == (number == 1 or 5 <= number <= 9)
    raises(ValueError, Ranges, [(HIGH, LOW)])
    raises(ValueError, Ranges, [(b"", b"")])


def test_whatever_order_answers_come_in_they_make_the_state():
    dice = Dice(4)
    for _ in range(60):
        state = {key_of(dice): value_of(dice) for _ in range(dice.below(50))}
        trie = Trie(state.items())
        pairs = [sorted([key_of(dice), key_of(dice)]) for _ in range(1 + dice.below(4))]
        ranges = Ranges([(low, high) for low, high in pairs])
        top = whole(trie, ranges, dice)
        inside = [(key, state[key]) for key in sorted(state) if ranges.hold(key, 0, len(ranges))]
        assert seen(None, top, ranges) == [(None, pair) for pair in inside]


def test_what_changed_is_told_and_what_did_not_is_neither_asked_nor_looked_at():
    dice = Dice(9)
    state = {key_of(dice): value_of(dice) for _ in range(200)}
    trie = Trie(state.items())
    ranges = Ranges([(LOW, HIGH)])
    before = whole(trie, ranges, dice)
    keys = sorted(state)
    for turn in range(20):
        old = dict(state)
        for _ in range(dice.below(4)):
            key = keys[dice.below(len(keys))] if dice.below(2) else key_of(dice)
            if dice.below(3) == 0 and key in state:
                del state[key]
                trie.remove(key)
            else:
                state[key] = bytes([turn, dice.below(256)]) * 20
                trie.set(key, state[key])
        top = graft(stub(trie.root()), before)
        changed = [key for key in sorted(set(old) | set(state)) if old.get(key) != state.get(key)]
        if changed:
            for key in changed:
                top = graft(graft(answer(trie, key, key), before), top)
            # A removed key may take its neighbour up with it: that one's new place is asked for as well.
            left = list(gaps(top, before, ranges))
            assert len(left) <= len(changed)
            top = whole(trie, ranges, dice, top)
        else:
            assert not list(gaps(top, before, ranges))
        expected = [((key, old[key]) if key in old else None, (key, state[key]) if key in state else None)
                    for key in changed]
        assert seen(before, top, ranges) == expected
        before = top
    nodes, held = size(before)
    assert nodes >= 2 * len(state) - 1 and held == sum([len(value) for value in state.values()])


def test_the_value_of_a_watched_leaf_that_only_ends_another_path_is_missing():
    key, other = b"\x10" + bytes(30), b"\x11" + bytes(30)
    trie = Trie([(key, b"v" * 40), (b"\xf0" + bytes(30), b"w")])
    ranges = Ranges([(key, key), (other, other)])
    top = answer(trie, other, other)  # absent: proved by the leaf of `key`, without its value
    missing = list(gaps(top, None, ranges))
    assert len(missing) == 1 and missing[0].low <= key <= missing[0].high
    leaf = top.left
    assert isinstance(leaf, Leaf) and (leaf.key, leaf.length) == (key, HIDDEN)
    top = graft(answer(trie, key, key), top)
    assert not list(gaps(top, None, ranges)) and top.left.value == b"v" * 40
    # and one that was known stays known where it only ends a path again
    again = graft(answer(trie, other, other), top)
    assert again.left.value == b"v" * 40 and not list(gaps(again, None, ranges))


def test_entries_that_are_not_those_of_the_boundary_are_refused():
    dice = Dice(2)
    trie = Trie([(key_of(dice), b"v%d" % i) for i in range(60)])
    nodes, entries = build_range(trie, LOW, HIGH, 1 << 20)
    good = [leaf_of(key, value) for key, value in entries]
    assert isinstance(from_range(trie.root(), nodes, good, LOW, HIGH), Branch)
    for at in (1, len(good) // 2):
        bad = list(good)
        bad[at] = leaf_of(bad[at].key, b"other")
        raises(VerifyError, from_range, trie.root(), nodes, bad, LOW, HIGH)
        raises(VerifyError, from_range, trie.root(), nodes, good[:at] + good[at + 1 :], LOW, HIGH)


def test_a_leaf_must_be_one_and_stand_on_its_own_path():
    good = b"\x81" + b"\x40" + bytes(30) + b"x" + bytes(31)
    assert leaf_at(good, 2, b"\x40" + bytes(30)).value == b"x"
    for head in (0x00, 0x7F, 0xA1, 0xBF, 0xC1, 0xFF):
        raises(VerifyError, leaf_at, bytes([head]) + good[1:], 2, b"\x40" + bytes(30))
    raises(VerifyError, leaf_at, good, 2, b"\x80" + bytes(30))


def test_an_empty_state_needs_no_answer():
    ranges = Ranges([(LOW, HIGH)])
    assert stub(Trie().root()) is None and not list(gaps(None, None, ranges))
    only = leaf_of(b"\x01" * 31, b"v")
    assert seen(None, None, ranges) == [] and seen(only, None, ranges) == [((only.key, b"v"), None)]
    assert isinstance(graft(stub(only.hash), None), Stub) and graft(stub(only.hash), only) is only

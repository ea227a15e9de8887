"""Differences between two states: what a true one shows, and that no other one passes."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.difference import DifferenceVerifier
from jamliquor_lite.chain.difference_builder import build_difference
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.chain.witness import Ranges, differences, gaps, graft, settle
from jamliquor_lite.codec.natural import NaturalReader
from jamliquor_lite.errors import BudgetError, VerifyError
from tests.chain.test_witness import HIGH, LOW, key_of, seen, value_of, whole
from tests.fake_carrier import Dice
from tests.support import raises

EMPTY, SAME, HASH, BRANCH, LEAF, ENTRY = range(6)


class Few(Profile):
    watch_value_bytes = 60
    watch_nodes = 4096


def played(root, base, ranges, pieces, step=7):
    """What the verifier makes of an answer, values in pieces of `step` bytes."""
    verifier = DifferenceVerifier(Few())
    verifier.begin(root, base, ranges)
    for piece in pieces:
        op = piece[0]
        if op == EMPTY:
            verifier.empty()
        elif op == SAME:
            verifier.same()
        elif op == HASH:
            verifier.hashed(piece, 1)
        elif op == BRANCH:
            verifier.branch()
        elif op == LEAF:
            verifier.leaf(piece, 1)
        else:
            natural = NaturalReader()
            at = 32
            while not natural.push(piece[at]):
                at += 1
            verifier.entry(piece[1:32], natural.value)
            at += 1
            while at < len(piece):
                verifier.value(piece, at, min(len(piece), at + step))
                at = min(len(piece), at + step)
    return verifier.finish()


def scene(seed, count=40, changes=4):
    """(trie before, what is known of it, trie now, ranges)."""
    dice = Dice(seed)
    longest = Few.watch_value_bytes if seed & 1 else 80
    before = Trie([(key_of(dice), value_of(dice)[:longest]) for _ in range(count)])
    keys = [key for key, _ in before.items()]
    pairs = [(key, key) for key in keys[::3]] + [tuple(sorted([key_of(dice), key_of(dice)]))]
    ranges = Ranges(pairs + [(b"\x77" * 31, b"\x77" * 31)])
    known = whole(before, ranges, dice)
    now = before.snapshot()
    for _ in range(changes):
        key = keys[dice.below(len(keys))] if dice.below(3) else key_of(dice)
        if dice.below(3) == 0:
            now.remove(key)
        else:
            now.set(key, b"changed %d" % dice.below(99))
    return before, known, now, ranges


def items_of(ranges):
    return list(zip(ranges.starts, ranges.ends))


def told(before, now, ranges):
    """The changes by definition."""
    old, new = dict(before.items()), dict(now.items())
    return [((key, old[key]) if key in old else None, (key, new[key]) if key in new else None)
            for key in sorted(set(old) | set(new))
            if old.get(key) != new.get(key) and ranges.hold(key, 0, len(ranges))]


def short(pairs):
    """Values as far as they are kept."""
    cut = lambda one: one and (one[0], one[1] if len(one[1]) <= Few.watch_value_bytes else None)  # noqa: E731
    return [(cut(old), cut(new)) for old, new in pairs]


def test_a_difference_makes_the_new_state_out_of_the_old_one():
    for seed in range(1, 40):
        before, known, now, ranges = scene(seed)
        pieces = build_difference(now.hashed_top(), before.hashed_top(), items_of(ranges), 1 << 20)
        top = played(now.root(), known, ranges, pieces)
        assert not list(gaps(top, None, ranges))
        if all([len(value) <= Few.watch_value_bytes for _, value in now.items()]):
            assert build_difference(top, known, items_of(ranges), 1 << 20) == pieces, "a part serves as the whole does"
        settle(top, ranges)
        found = [(old and (old.key, old.value), new and (new.key, new.value if new.length <= 60 else None))
                 for old, new in differences(known, top, ranges)]
        expected = [(old, short([(None, new)])[0][1]) for old, new in told(before, now, ranges)]
        assert found == expected


def test_without_a_base_it_is_a_snapshot():
    for seed in range(1, 10):
        _, _, now, ranges = scene(seed)
        pieces = build_difference(now.hashed_top(), None, items_of(ranges), 1 << 20)
        assert all([piece[0] != SAME for piece in pieces])
        top = played(now.root(), None, ranges, pieces)
        settle(top, ranges)
        assert seen(None, top, ranges) == short([(None, pair) for pair in now.items()
                                                 if ranges.hold(pair[0], 0, len(ranges))])


def test_two_states_that_are_the_same_differ_by_a_byte():
    before, known, _, ranges = scene(3)
    pieces = build_difference(before.snapshot().hashed_top(), before.hashed_top(), items_of(ranges), 1 << 20)
    assert pieces == [b"\1"] and played(before.root(), known, ranges, pieces) is known


def test_an_answer_that_is_cut_leaves_gaps_and_the_rest_closes_them():
    _, _, now, ranges = scene(5, count=120)
    top = None
    for turn in range(100):
        missing = list(gaps(top, None, ranges)) if turn else []
        items = items_of(ranges)
        if turn:
            if not missing:
                break
            items = [(max(gap.low, ranges.starts[i]), min(gap.high, ranges.ends[i]))
                     for gap in missing for i in range(gap.first, gap.after)]
        pieces = build_difference(now.hashed_top(), None, items, 500)
        assert sum([len(piece) for piece in pieces]) < 500 + 249 * 33 + 200
        assert any([piece[0] == ENTRY for piece in pieces]) or turn
        part = played(now.root(), None, Ranges(items), pieces)
        top = graft(part, top)
    assert turn > 3 and not list(gaps(top, None, ranges))
    settle(top, ranges)
    assert len(list(differences(None, top, ranges))) == len([1 for key, _ in now.items()
                                                             if ranges.hold(key, 0, len(ranges))])


def spoiled(pieces):
    """Every answer that differs from a true one in one place."""
    for at in range(len(pieces)):
        piece = pieces[at]
        yield "without", pieces[:at] + pieces[at + 1 :]
        yield "twice", pieces[: at + 1] + pieces[at:]
        for other in (b"\0", b"\1", b"\2" + b"\x5a" * 32, b"\3"):
            if other != piece:
                yield "as %d" % other[0], pieces[:at] + [other] + pieces[at + 1 :]
        for index in range(1, len(piece), 13):
            flipped = piece[:index] + bytes([piece[index] ^ 0x40]) + piece[index + 1 :]
            if piece[0] != ENTRY or not 32 <= index < 34:
                yield "flipped", pieces[:at] + [flipped] + pieces[at + 1 :]


def test_no_other_answer_passes():
    count = 0
    for seed in (2, 6):
        before, known, now, ranges = scene(seed, count=16)
        pieces = build_difference(now.hashed_top(), before.hashed_top(), items_of(ranges), 1 << 20)
        assert len(pieces) > 10
        true = played(now.root(), known, ranges, pieces).hash
        for what, bad in spoiled(pieces):
            count += 1
            try:
                top = played(now.root(), known, ranges, bad)
            except VerifyError:
                continue
            # A sub-trie may be shown by its true hash, or as it was where it was so: it is no lie, and nothing else.
            assert top.hash == true and what.startswith("as"), (what, seed)
            assert seen(known, top, ranges) is not None
    assert count > 300


def test_what_was_withheld_is_missed():
    before, known, now, ranges = scene(8, changes=12)
    pieces = build_difference(now.hashed_top(), before.hashed_top(), items_of(ranges), 1 << 20)
    at = [index for index, piece in enumerate(pieces) if piece[0] == ENTRY][0]
    error = raises(VerifyError, played, now.root(), known, ranges, pieces[:at] + [b"\1"] + pieces[at + 1 :])
    assert error.rule == "difference"
    # A watched leaf as one that nobody asked for, so that its value stays unknown:
    key = pieces[at][1:32]
    from jamliquor_lite.chain.trie_node import leaf_node

    leaf = b"\4" + leaf_node(key, now.get(key))
    assert "without its value" in str(raises(VerifyError, played, now.root(), known, ranges,
                                             pieces[:at] + [leaf] + pieces[at + 1 :]))


def test_the_walk_is_bounded():
    ranges = Ranges([(LOW, HIGH)])

    def walk(count):
        verifier = DifferenceVerifier(Few())
        verifier.begin(b"\1" * 32, None, ranges)
        for _ in range(count):
            verifier.branch()

    walk(248)
    assert "deeper" in str(raises(VerifyError, walk, 249))
    verifier = DifferenceVerifier(Few())
    verifier.begin(b"\1" * 32, None, ranges)

    def wide(depth):
        verifier.branch()
        for _ in range(2):
            if depth < 12:
                wide(depth + 1)
            else:
                verifier.empty()

    assert raises(BudgetError, wide, 0).limit == "watch_nodes"
    narrow = DifferenceVerifier(Few())
    narrow.begin(b"\1" * 32, None, Ranges([(LOW, LOW)]))
    narrow.branch()
    narrow.empty()
    assert "nothing was asked" in str(raises(VerifyError, narrow.branch))
    assert "more places" in str(raises(VerifyError, over, narrow))


def over(verifier):
    for _ in range(9):
        verifier.empty()

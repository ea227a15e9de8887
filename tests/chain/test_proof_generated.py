"""Generated states, ranges and damage for range proofs; and what a long answer costs in memory."""

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.proof import RangeVerifier
from jamliquor_lite.chain.range_builder import build_range
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.errors import VerifyError
from tests.chain.test_proof import check_true, verify

# Few distinct bytes at few places: keys that share long and short prefixes, and ranges that end next to
# keys.
_BYTE = st.sampled_from([0x00, 0x01, 0x7F, 0x80, 0xFF])
_KEY = st.builds(lambda head, fill, tail: bytes(head) + bytes([fill]) * 28 + bytes([tail]),
                 st.tuples(_BYTE, _BYTE), st.sampled_from([0x00, 0xFF]), _BYTE)
_VALUE = st.one_of(st.binary(max_size=3), st.binary(min_size=31, max_size=34), st.just(bytes(200)))
_STATE = st.dictionaries(_KEY, _VALUE, max_size=14)
_CAP = st.sampled_from([0, 400, 1500, 1 << 20])


@settings(max_examples=150, deadline=None)
@given(_STATE, _KEY, _KEY, _CAP, st.integers(1, 40))
def test_honest_answers_are_accepted(state: "dict[bytes, bytes]", a: bytes, b: bytes, cap: int,
                                     step: int) -> None:
    trie = Trie(state.items())
    start, end = min(a, b), max(a, b)
    nodes, entries = build_range(trie, start, end, cap)
    proved = verify(trie.root(), start, end, nodes, entries, step)
    check_true(sorted(state.items()), start, end, proved, entries)


@settings(max_examples=300, deadline=None)
@given(_STATE, st.tuples(_KEY, _KEY), st.tuples(_KEY, _KEY), st.data())
def test_whatever_is_accepted_is_true(state: "dict[bytes, bytes]", asked: "tuple[bytes, bytes]",
                                      answered: "tuple[bytes, bytes]", data: st.DataObject) -> None:
    """An answer mixed from two honest ones, of this range and of another, with pieces left out and changed."""
    trie = Trie(state.items())
    start, end = sorted(asked)
    cap = data.draw(_CAP)
    nodes, entries = build_range(trie, start, end, cap)
    more_nodes, more_entries = build_range(trie, *sorted(answered), cap)
    pool = list(dict.fromkeys(nodes + more_nodes))
    mixed = data.draw(st.lists(st.sampled_from(pool), max_size=len(pool), unique=True)) if pool else []
    if data.draw(st.booleans()):
        mixed = [node for node in pool if node in mixed]  # in the order of a server
    keep = sorted(set(entries + more_entries))
    if keep:
        keep = sorted(data.draw(st.lists(st.sampled_from(keep), max_size=len(keep), unique=True)))
    if data.draw(st.booleans()):
        mixed = nodes
    if data.draw(st.booleans()):
        keep = entries
    try:
        proved = verify(trie.root(), start, end, mixed, keep)
    except VerifyError as error:
        assert error.rule == "proof"
    else:
        check_true(sorted(state.items()), start, end, proved, keep)


def test_a_long_answer_and_a_long_value_take_no_memory() -> None:
    big = bytes(4 * 1024 * 1024)
    state = [(i.to_bytes(3, "big") + bytes(28), b"%d" % i) for i in range(3000)] + [(b"\xf0" * 31, big)]
    trie = Trie(state)
    start, end = bytes(31), b"\xff" * 31
    nodes, entries = build_range(trie, start, end, 1 << 30)
    assert len(entries) == 3001
    root = trie.root()
    chunk = bytes(4096)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        verifier = RangeVerifier(Profile())
        verifier.begin(root, start, end)
        for node in nodes:
            verifier.node(node, 0)
        for key, value in entries:
            verifier.entry(key, len(value))
            if value is big:
                for _ in range(len(big) // len(chunk)):
                    verifier.value(chunk, 0, len(chunk))
            else:
                verifier.value(value, 0, len(value))
        assert verifier.finish() == end
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    # 497 nodes of 64 bytes, 248 waiting hashes, and small change
    assert peak < 64 * 1024, peak

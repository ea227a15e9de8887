"""What a server answers: the range, the size cap, and the rules for boundary nodes (jam-np, CE 129)."""
# portable: runs on CPython and MicroPython

from jamliquor_lite.chain.range_builder import build_range
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.codec import natural
from tests.chain.samples import Random, random_key, random_state


def encoded_size(nodes: "list[bytes]", entries: "list[tuple[bytes, bytes]]") -> int:
    return 64 * len(nodes) + sum([31 + natural.size(len(v)) + len(v) for _, v in entries])


def test_answers_keep_the_rules_and_are_as_long_as_the_cap_allows() -> None:
    rng = Random(20)
    for size in (1, 5, 30):
        state = sorted(random_state(rng, size))
        trie = Trie(state)
        for _ in range(20):
            start, end = sorted((random_key(rng), random_key(rng)))
            cap = rng.below(6000)
            nodes, entries = build_range(trie, start, end, cap)
            wanted = [item for item in state if start <= item[0] <= end]
            assert entries == wanted[: len(entries)]
            assert bool(entries) == bool(wanted)
            assert len(entries) <= 1 or encoded_size(nodes, entries) <= cap
            if len(entries) < len(wanted):
                more = wanted[: len(entries) + 1]
                paths = set(trie.path(start) + trie.path(more[-1][0]))
                assert encoded_size(list(paths), more) > cap
            paths = set(trie.path(start) + (trie.path(entries[-1][0]) if entries else []))
            assert len(nodes) == len(set(nodes)) and set(nodes) == paths
            for path in (trie.path(start), trie.path(entries[-1][0]) if entries else []):
                places = [nodes.index(node) for node in path]
                assert places == sorted(places)  # parents first


def test_a_single_entry_may_exceed_the_cap() -> None:
    key = bytes(31)
    trie = Trie([(key, bytes(5000)), (b"\xff" * 31, b"")])
    nodes, entries = build_range(trie, key, b"\xff" * 31, 0)
    assert entries == [(key, bytes(5000))] and len(nodes) == 2


def test_an_empty_trie_answers_with_nothing() -> None:
    assert build_range(Trie(), bytes(31), b"\xff" * 31, 100) == ([], [])

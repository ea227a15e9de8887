"""The trie against the Gray Paper's definition, written down directly."""
# portable: runs on CPython and MicroPython

from jamliquor_lite.chain.trie import Trie, merkle_root
from jamliquor_lite.chain.trie_node import EMPTY, bit, branch_node, common_bits, leaf_node
from jamliquor_lite.crypto.suite import blake2b_256
from tests.chain.samples import Random, random_state
from tests.support import raises


def root_by_definition(items: "list[tuple[bytes, bytes]]") -> bytes:
    """M of GP 0.7.2 (D.6) as it stands there, with a list for its recursion: a board's stack is short."""
    done: "list[bytes]" = []
    todo: "list[tuple[list[tuple[bytes, bytes]] | None, int]]" = [(items, 0)]
    while todo:
        part, depth = todo.pop()
        if part is None:
            right, left = done.pop(), done.pop()
            done.append(blake2b_256(branch_node(left, right)))
        elif not part:
            done.append(bytes(32))
        elif len(part) == 1:
            done.append(blake2b_256(leaf_node(part[0][0], part[0][1])))
        else:
            todo.append((None, 0))
            todo.append(([item for item in part if bit(item[0], depth)], depth + 1))
            todo.append(([item for item in part if not bit(item[0], depth)], depth + 1))
    return done[0]


def test_leaf_and_branch_are_64_bytes_laid_out_as_the_gray_paper_says() -> None:
    key = bytes(range(1, 32))
    assert leaf_node(key, b"") == b"\x80" + key + bytes(32)
    assert leaf_node(key, b"abc") == b"\x83" + key + b"abc" + bytes(29)
    assert leaf_node(key, bytes(32)) == b"\xa0" + key + bytes(32)
    assert leaf_node(key, bytes(33)) == b"\xc0" + key + blake2b_256(bytes(33))
    assert branch_node(b"\xff" * 32, b"\xfe" * 32) == b"\x7f" + b"\xff" * 31 + b"\xfe" * 32


def test_the_smallest_tries() -> None:
    assert merkle_root([]) == EMPTY
    one, two = b"\x20" + bytes(30), b"\xa0" + bytes(30)
    alone = blake2b_256(leaf_node(one, b"\x01\x02"))
    assert merkle_root([(one, b"\x01\x02")]) == alone
    both = blake2b_256(branch_node(alone, blake2b_256(leaf_node(two, b""))))
    assert merkle_root([(two, b""), (one, b"\x01\x02")]) == both


def test_bits_go_from_the_most_significant() -> None:
    key = b"\x80\x01" + bytes(29)
    assert [i for i in range(248) if bit(key, i)] == [0, 15]
    assert common_bits(key, bytes(31)) == 0
    assert common_bits(key, b"\x80" + bytes(30)) == 15
    assert common_bits(key, key) == 248
    assert common_bits(bytes(31), bytes(30) + b"\x01") == 247


def test_changes_in_any_order_end_at_the_root_of_the_definition() -> None:
    rng = Random(1)
    for _ in range(6):
        trie = Trie()
        content: "dict[bytes, bytes]" = {}
        for key, value in random_state(rng, 25):
            trie.set(key, value)
            content[key] = value
            if rng.below(3) == 0:
                gone = sorted(content)[rng.below(len(content))]
                assert trie.remove(gone)
                del content[gone]
            if rng.below(5) == 0:
                assert trie.root() == root_by_definition(list(content.items()))
        assert len(trie) == len(content)
        assert trie.root() == root_by_definition(list(content.items()))
        assert list(trie.items()) == sorted(content.items())
        for key in sorted(content):
            assert trie.get(key) == content[key]
            assert trie.remove(key)
            assert not trie.remove(key)
        assert trie.root() == EMPTY and len(trie) == 0


def test_items_start_anywhere() -> None:
    rng = Random(2)
    state = sorted(random_state(rng, 30))
    trie = Trie(state)
    starts = [key for key, _ in state] + [rng.bytes(31) for _ in range(10)] + [bytes(31), b"\xff" * 31]
    for start in starts:
        assert list(trie.items(start)) == [item for item in state if item[0] >= start]
    for leaf, depth in trie.leaves(bytes(31)):
        assert len(trie.path(leaf.key)) == depth + 1


def test_a_snapshot_keeps_its_content() -> None:
    rng = Random(3)
    state = random_state(rng, 20)
    trie = Trie(state)
    held = []
    for key, _ in state:
        held.append((trie.snapshot(), trie.root(), list(trie.items())))
        if rng.below(2):
            trie.set(key, rng.bytes(rng.below(40)))
        else:
            trie.remove(key)
        trie.set(rng.bytes(31), b"new")
    for twin, root, items in held:
        assert twin.root() == root and list(twin.items()) == items
        assert merkle_root(items) == root


def test_paths_hash_up_to_the_root() -> None:
    rng = Random(4)
    trie = Trie(random_state(rng, 20))
    for key in [key for key, _ in trie.items()] + [rng.bytes(31) for _ in range(20)]:
        want = trie.root()
        nodes = trie.path(key)
        for depth, node in enumerate(nodes):
            assert len(node) == 64
            digest = blake2b_256(node)
            if depth and not bit(key, depth - 1):
                digest = bytes((digest[0] & 0x7F,)) + digest[1:]
            assert digest == want
            want = node[32:] if bit(key, depth) else node[:32]
        last = nodes[-1]
        assert last[0] & 0x80 or want == EMPTY
        assert (last[1:32] == key) == (trie.get(key) is not None)


def test_a_key_of_another_size_is_our_own_mistake() -> None:
    assert "31 bytes" in str(raises(ValueError, Trie().set, bytes(32), b""))

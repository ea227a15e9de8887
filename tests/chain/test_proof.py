"""Range proofs: honest answers are accepted, every change of one is refused or still says something true."""
# portable: runs on CPython and MicroPython

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.proof import RangeVerifier
from jamliquor_lite.chain.range_builder import build_range
from jamliquor_lite.chain.single import KeyVerifier, verify_single
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.chain.trie_node import branch_node, leaf_node
from jamliquor_lite.crypto.suite import blake2b_256
from jamliquor_lite.errors import BudgetError, VerifyError
from tests.chain.samples import Random, random_key, random_state, random_value
from tests.support import raises

TYPE_CHECKING = False
if TYPE_CHECKING:
    Nodes = list[bytes]
    Entries = list[tuple[bytes, bytes]]

LOWEST = bytes(31)
HIGHEST = b"\xff" * 31
VERIFIER = RangeVerifier(Profile())


KEY_VERIFIER = KeyVerifier()


def verify(root: bytes, start: bytes, end: bytes, nodes: "Nodes", entries: "Entries", step: int = 7) -> bytes:
    """Feed an answer as a stream would bring it, values in pieces of `step` bytes. Of a range of one key both
    verifiers must say the same."""
    try:
        proved = feed(VERIFIER, root, start, end, nodes, entries, step)
    except VerifyError:
        if start == end:
            raises(VerifyError, feed, KEY_VERIFIER, root, start, end, nodes, entries, step)
        raise
    if start == end:
        assert feed(KEY_VERIFIER, root, start, end, nodes, entries, step) == proved
    return proved


def feed(verifier, root: bytes, start: bytes, end: bytes, nodes: "Nodes", entries: "Entries", step: int) -> bytes:
    verifier.begin(root, start, end)
    for node in nodes:
        verifier.node(b"?" + node, 1)
    for key, value in entries:
        verifier.entry(key, len(value))
        for at in range(0, len(value), step):
            verifier.value(value, at, min(at + step, len(value)))
    return bytes(verifier.finish())


def before(key: bytes) -> bytes:
    """The key just below; the lowest has none."""
    number = int.from_bytes(key, "big") - 1
    return number.to_bytes(31, "big")


def after(key: bytes) -> bytes:
    return (int.from_bytes(key, "big") + 1).to_bytes(31, "big")


def check_true(state: "Entries", start: bytes, end: bytes, proved: bytes, entries: "Entries") -> None:
    """The oracle: [start, proved] of the sorted `state` holds exactly `entries`."""
    assert start <= proved <= end
    assert entries == [item for item in state if start <= item[0] <= proved]


def random_range(rng: Random, state: "Entries") -> "tuple[bytes, bytes]":
    """From keys of the state, their neighbours, random keys and the ends of the key space."""
    ends = []
    for _ in range(2):
        kind = rng.below(6)
        key = state[rng.below(len(state))][0] if state and kind < 4 else random_key(rng)
        if kind == 2 and key != LOWEST:
            key = before(key)
        elif kind == 3 and key != HIGHEST:
            key = after(key)
        elif kind == 5:
            key = HIGHEST if rng.below(2) else LOWEST
        ends.append(key)
    if rng.below(4) == 0:
        ends[1] = ends[0]
    return min(ends), max(ends)


def test_honest_answers_prove_what_they_say() -> None:
    rng = Random(10)
    for size in (0, 1, 2, 3, 12, 40):
        state = sorted(random_state(rng, size))
        trie = Trie(state)
        for _ in range(12):
            start, end = random_range(rng, state)
            limit = (64, 600, 3000, 100000)[rng.below(4)]
            nodes, entries = build_range(trie, start, end, limit)
            proved = verify(trie.root(), start, end, nodes, entries, 1 + rng.below(50))
            check_true(state, start, end, proved, entries)
            if entries:
                assert VERIFIER.last_key == entries[-1][0] and proved >= entries[-1][0]
            else:
                assert VERIFIER.last_key is None
            assert VERIFIER.entries == len(entries)
            if start == end:
                value = entries[0][1] if entries else None
                verify_single(trie.root(), start, nodes, value)
                assert proved == end


def test_the_whole_state_in_one_answer_and_in_many() -> None:
    rng = Random(11)
    state = sorted(random_state(rng, 30))
    trie = Trie(state)
    nodes, entries = build_range(trie, LOWEST, HIGHEST, 1 << 30)
    assert entries == state
    assert verify(trie.root(), LOWEST, HIGHEST, nodes, entries) == HIGHEST
    got: "Entries" = []
    start = LOWEST
    answers = 0
    while True:
        nodes, entries = build_range(trie, start, HIGHEST, 1500)
        proved = verify(trie.root(), start, HIGHEST, nodes, entries)
        got += entries
        answers += 1
        if proved == HIGHEST:
            break
        start = after(proved)
    assert got == state and answers > 3


def test_an_empty_answer_proves_up_to_the_first_unknown_sub_trie_only() -> None:
    low, mid, high = b"\x10" + bytes(30), b"\x68" + bytes(30), b"\xf0" + bytes(30)
    trie = Trie([(low, b"1"), (mid, b"2"), (high, b"3")])
    # 0x48 shares two bits with 0x68: the path to it ends at mid's leaf, which lies beyond the range.
    start, end = b"\x48" + bytes(30), b"\x50" + bytes(30)
    nodes, entries = build_range(trie, start, end, 1000)
    assert entries == [] and verify(trie.root(), start, end, nodes, entries) == end
    # The same nodes prove nothing about [start, mid], where the key of that leaf must be answered.
    error = raises(VerifyError, verify, trie.root(), start, mid, nodes, [])
    assert error.rule == "proof" and "end before" in str(error)
    # From 0x70 up to the branch of `high`, which is known by hash only.
    start = b"\x70" + bytes(30)
    nodes, entries = build_range(trie, start, b"\xe0" + bytes(30), 1000)
    assert verify(trie.root(), start, b"\xe0" + bytes(30), nodes, entries) == b"\x7f" + b"\xff" * 30
    # Beyond the last key nothing is unknown.
    start = b"\xf1" + bytes(30)
    assert verify(trie.root(), start, HIGHEST, trie.path(start), []) == HIGHEST


def test_an_empty_value_may_come_in_no_pieces_or_in_empty_ones() -> None:
    key = b"\x31" * 31
    trie = Trie([(key, b"")])
    verify_single(trie.root(), key, trie.path(key), b"")
    assert verify(trie.root(), key, key, trie.path(key), [(key, b"")]) == key


def test_an_empty_state_needs_no_nodes() -> None:
    assert verify(bytes(32), LOWEST, HIGHEST, [], []) == HIGHEST
    verify_single(bytes(32), LOWEST, [], None)
    leaf = leaf_node(LOWEST, b"")
    raises(VerifyError, verify, bytes(32), LOWEST, HIGHEST, [leaf], [(LOWEST, b"")])
    raises(VerifyError, verify, bytes(32), LOWEST, HIGHEST, [], [(LOWEST, b"")])
    raises(VerifyError, verify_single, bytes(32), LOWEST, [], b"")


def flip(data: bytes, rng: Random) -> bytes:
    out = bytearray(data)
    out[rng.below(len(out))] ^= 1 << rng.below(8)
    return bytes(out)


def mutants(rng: Random, nodes: "Nodes", entries: "Entries") -> "list[tuple[Nodes, Entries]]":
    """One of each kind of damage, at random places."""
    out: "list[tuple[Nodes, Entries]]" = []
    if nodes:
        i, j = rng.below(len(nodes)), rng.below(len(nodes))
        out.append((nodes[:i] + nodes[i + 1 :], entries))
        out.append((nodes[:i], entries))
        out.append((nodes[: i + 1] + nodes[i:], entries))
        out.append((nodes + [nodes[i]], entries))
        out.append((nodes[:i] + [flip(nodes[i], rng)] + nodes[i + 1 :], entries))
        out.append((nodes + [leaf_node(random_key(rng), b"surplus")], entries))
        if i != j:
            swapped = list(nodes)
            swapped[i], swapped[j] = swapped[j], swapped[i]
            out.append((swapped, entries))
    if entries:
        i = rng.below(len(entries))
        key, value = entries[i]
        out.append((nodes, entries[:i] + entries[i + 1 :]))
        out.append((nodes, entries[:i]))
        out.append((nodes, entries[: i + 1] + entries[i:]))
        out.append((nodes, entries[:i] + [(key, value + b"\0")] + entries[i + 1 :]))
        out.append((nodes, entries[:i] + [(flip(key, rng), value)] + entries[i + 1 :]))
        if value:
            out.append((nodes, entries[:i] + [(key, value[:-1])] + entries[i + 1 :]))
            out.append((nodes, entries[:i] + [(key, flip(value, rng))] + entries[i + 1 :]))
        if len(entries) > 1:
            out.append((nodes, entries[1:] + entries[:1]))
    extra = (random_key(rng), random_value(rng))
    out.append((nodes, sorted(entries + [extra])))
    out.append((nodes, entries + [extra]))
    return out


def test_mutated_answers_are_refused_or_still_true() -> None:
    rng = Random(12)
    refused = 0
    for size in (1, 3, 10, 24):
        state = sorted(random_state(rng, size))
        trie = Trie(state)
        root = trie.root()
        for _ in range(6):
            start, end = random_range(rng, state)
            nodes, entries = build_range(trie, start, end, (300, 2000)[rng.below(2)])
            for bad_nodes, bad_entries in mutants(rng, nodes, entries):
                try:
                    proved = verify(root, start, end, bad_nodes, bad_entries)
                except VerifyError as error:
                    assert error.rule == "proof"
                    refused += 1
                else:
                    check_true(state, start, end, proved, bad_entries)
            if nodes:
                raises(VerifyError, verify, flip(root, rng), start, end, nodes, entries)
    assert refused > 200


def sample() -> "tuple[Trie, Entries]":
    rng = Random(13)
    state = sorted([(rng.bytes(31), rng.bytes(20 + 5 * i)) for i in range(12)])
    return Trie(state), state


def test_each_fault_has_its_line() -> None:
    trie, state = sample()
    root, start, end = trie.root(), state[2][0], state[8][0]
    nodes, entries = build_range(trie, start, end, 100000)
    assert entries == state[2:9]
    other = state[11]
    missing = after(entries[2][0])
    table = [
        (nodes[1:], entries, "continues neither path"),
        (nodes + nodes[-1:], entries, "continues neither path"),
        (nodes[:2] + nodes[1:], entries, "continues neither path"),
        ([nodes[1], nodes[0]] + nodes[2:], entries, "continues neither path"),
        (nodes + trie.path(other[0])[-1:], entries, "continues neither path"),
        (nodes[:1], entries, "end before the path to the start key"),
        (nodes[:-1], entries, "end before the path to the last entry"),
        (nodes, entries[1:], "keys are missing before entry 0"),
        (nodes, entries[:3] + entries[4:], "do not hash"),
        (nodes, entries[:-1], "entries end before"),
        (nodes, [], "entries end before"),
        (nodes, [state[1]] + entries, "outside the range"),
        (nodes, entries + [other], "outside the range"),
        (nodes, entries[:2] + entries[1:], "not above the one before"),
        (nodes, entries[:3] + [(missing, b"")] + entries[3:], ""),
        (nodes, [(start, entries[0][1] + b"!")] + entries[1:], "is not the proved one"),
    ]
    for bad_nodes, bad_entries, words in table:
        error = raises(VerifyError, verify, root, start, end, bad_nodes, bad_entries)
        assert error.rule == "proof" and words in str(error), (words, str(error))
    # A path that leaves the range on its right.
    wide, _ = build_range(trie, start, other[0], 100000)
    assert "beyond the end" in str(raises(VerifyError, verify, root, start, state[9][0], wide, entries))
    assert verify(root, start, end, nodes, entries) == end


def test_a_wrong_value_is_refused_at_its_last_byte_and_a_wrong_key_before_its_value() -> None:
    trie, state = sample()
    key, value = state[11]
    VERIFIER.begin(trie.root(), key, key)
    for node in trie.path(key):
        VERIFIER.node(node, 0)
    VERIFIER.entry(key, len(value))
    VERIFIER.value(value, 0, len(value) - 1)
    raises(VerifyError, VERIFIER.value, b"?", 0, 1)
    raises(VerifyError, VERIFIER.finish)  # a refused answer stays refused

    start, end = state[2][0], state[8][0]
    nodes, entries = build_range(trie, start, end, 100000)
    VERIFIER.begin(trie.root(), start, end)
    for node in nodes:
        VERIFIER.node(node, 0)
    raises(VerifyError, VERIFIER.entry, state[3][0], 10)  # state[2] was withheld


def test_values_have_exactly_their_length() -> None:
    trie, state = sample()
    key, value = state[5]
    nodes = trie.path(key)

    def begin() -> None:
        VERIFIER.begin(trie.root(), key, key)
        for node in nodes:
            VERIFIER.node(node, 0)
        VERIFIER.entry(key, len(value))

    begin()
    VERIFIER.value(value, 0, len(value))
    assert "longer" in str(raises(VerifyError, VERIFIER.value, value, 0, 1))
    begin()
    VERIFIER.value(value, 0, 3)
    assert "ends within" in str(raises(VerifyError, VERIFIER.finish))
    begin()
    VERIFIER.value(value, 0, 3)
    assert "out of turn" in str(raises(VerifyError, VERIFIER.entry, key, 1))
    begin()
    assert "out of turn" in str(raises(VerifyError, VERIFIER.node, nodes[0], 0))


def test_a_left_child_is_compared_without_its_top_bit_and_a_right_child_with_it() -> None:
    found = 0
    for i in range(40):
        low, high = leaf_node(bytes(30) + bytes((i,)), b"l"), leaf_node(b"\xff" * 30 + bytes((i,)), b"r")
        left, right = blake2b_256(low), blake2b_256(high)
        top = branch_node(left, right)
        root = blake2b_256(top)
        verify(root, low[1:32], low[1:32], [top, low], [(low[1:32], b"l")])
        verify_single(root, low[1:32], [top, low], b"l")
        verify_single(root, high[1:32], [top, high], b"r")
        # The same branch with the top bit of its right hash turned is another node, with another root.
        turned = top[:32] + bytes((top[32] ^ 0x80,)) + top[33:]
        root = blake2b_256(turned)
        raises(VerifyError, verify, root, high[1:32], high[1:32], [turned, high], [(high[1:32], b"r")])
        raises(VerifyError, verify_single, root, high[1:32], [turned, high], b"r")
        # A root has all its bits.
        root = blake2b_256(top)
        root = bytes((root[0] ^ 0x80,)) + root[1:]
        raises(VerifyError, verify, root, low[1:32], low[1:32], [top, low], [(low[1:32], b"l")])
        raises(VerifyError, verify_single, root, low[1:32], [top, low], b"l")
        found += left[0] >> 7
    assert 0 < found < 40


def test_leaves_and_branches_are_not_confused() -> None:
    key = b"\x20" + bytes(30)
    for head in (0xA1, 0xBF, 0xC1, 0xFF):  # no leaf begins so
        leaf = bytes((head,)) + key + bytes(32)
        error = raises(VerifyError, verify, blake2b_256(leaf), key, key, [leaf], [(key, b"")])
        assert "leaf begins" in str(error)
        raises(VerifyError, verify_single, blake2b_256(leaf), key, [leaf], b"")
    # A leaf whose padding is not zero is not the leaf of that value.
    leaf = b"\x81" + key + b"v" + bytes(30) + b"\1"
    raises(VerifyError, verify, blake2b_256(leaf), key, key, [leaf], [(key, b"v")])
    # A value of 32 bytes is embedded; its hash in a leaf of the other kind proves nothing about it.
    value = bytes(range(32))
    leaf = b"\xc0" + key + blake2b_256(value)
    raises(VerifyError, verify, blake2b_256(leaf), key, key, [leaf], [(key, value)])
    # A leaf below a branch on the side where its key does not lead.
    leaf = leaf_node(key, b"v")
    top = branch_node(bytes(32), blake2b_256(leaf))
    wrong = b"\x80" + bytes(30)
    error = raises(VerifyError, verify, blake2b_256(top), wrong, HIGHEST, [top, leaf], [])
    assert "does not lead" in str(error)
    raises(VerifyError, verify_single, blake2b_256(top), wrong, [top, leaf], None)


def test_a_value_that_is_the_hash_of_a_node_has_no_children() -> None:
    # A service may store any 32 bytes, a hash of its own "node" as well.
    forged_key = b"\xc1" + bytes(30)
    forged = leaf_node(forged_key, b"forged")
    near, far = b"\x20" + bytes(30), b"\xc0" + bytes(30)
    trie = Trie([(near, blake2b_256(forged)), (far, blake2b_256(forged))])
    nodes, entries = build_range(trie, near, HIGHEST, 10000)
    assert verify(trie.root(), near, HIGHEST, nodes, entries) == HIGHEST
    lie = entries + [(forged_key, b"forged")]
    for bad_nodes in (nodes + [forged], nodes[:2] + [forged], nodes[:2] + [forged] + nodes[2:]):
        error = raises(VerifyError, verify, trie.root(), near, HIGHEST, bad_nodes, lie)
        assert "continues neither path" in str(error)
    raises(VerifyError, verify, trie.root(), near, HIGHEST, nodes, lie)
    raises(VerifyError, verify_single, trie.root(), forged_key, trie.path(far) + [forged], b"forged")


def test_a_node_beyond_the_range_is_refused_at_once() -> None:
    trie = Trie([(b"\x20" + bytes(30), b"1"), (b"\xc0" + bytes(30), b"2"), (b"\xe0" + bytes(30), b"3")])
    start, end = b"\x20" + bytes(30), b"\x30" + bytes(30)
    VERIFIER.begin(trie.root(), start, end)
    for node in trie.path(start):
        VERIFIER.node(node, 0)
    error = raises(VerifyError, VERIFIER.node, trie.path(b"\xc0" + bytes(30))[1], 0)
    assert "continues neither path" in str(error)


def test_a_key_that_cannot_be_is_refused_before_its_value() -> None:
    keys = [b"\x20" + bytes(30), b"\x21" + bytes(30), b"\xc0" + bytes(30)]
    trie = Trie([(key, b"v") for key in keys])
    nodes, entries = build_range(trie, keys[0], HIGHEST, 10000)
    for count, bad, words in (
        (1, b"\x20" + bytes(29) + b"\1", "no key"),  # where start's leaf stands
        (2, b"\x50" + bytes(30), "where the trie is empty"),
        (2, b"\xb0" + bytes(30), "no key"),  # where the last leaf stands
        (3, b"\xd0" + bytes(30), "do not cover"),
    ):
        VERIFIER.begin(trie.root(), keys[0], HIGHEST)
        for node in nodes:
            VERIFIER.node(node, 0)
        for key, value in entries[:count]:
            VERIFIER.entry(key, 1)
            VERIFIER.value(value, 0, 1)
        error = raises(VerifyError, VERIFIER.entry, bad, 1)
        assert words in str(error), str(error)


def test_a_path_longer_than_a_key_is_refused() -> None:
    # Such a trie has a root, though no state has it.
    for top_right in (False, True):
        node = branch_node(blake2b_256(b"left"), blake2b_256(b"right"))
        nodes = [node]
        for i in range(248):
            digest = blake2b_256(node)
            node = branch_node(bytes(32), digest) if top_right and i == 247 else branch_node(digest, bytes(32))
            nodes.insert(0, node)
        root = blake2b_256(node)
        assert len(nodes) == 249
        key = b"\x80" + bytes(30) if top_right else LOWEST
        for start in (key, LOWEST):
            error = raises(VerifyError, verify, root, start, HIGHEST, nodes, [])
            assert "deeper than a key" in str(error)
        error = raises(VerifyError, verify_single, root, key, nodes, None)
        assert "deeper than a key" in str(error)


def test_the_nodes_that_are_held_are_bounded() -> None:
    state = [(LOWEST, b"1"), (bytes(30) + b"\1", b"2"), (b"\1" * 31, b"3")]
    trie = Trie(state)
    nodes, entries = build_range(trie, LOWEST, HIGHEST, 100000)
    assert verify(trie.root(), LOWEST, HIGHEST, nodes, entries) == HIGHEST
    assert len(trie.path(LOWEST)) == 249

    small = Profile()
    small.proof_nodes = 16
    verifier = RangeVerifier(small)
    verifier.begin(trie.root(), LOWEST, HIGHEST)
    for node in nodes[:16]:
        verifier.node(node, 0)
    assert raises(BudgetError, verifier.node, nodes[16], 0).limit == "proof_nodes"
    raises(VerifyError, verifier.node, nodes[16], 0)


def test_single_proofs_refuse_what_they_do_not_show() -> None:
    trie, state = sample()
    root = trie.root()
    key, value = state[4]
    nodes = trie.path(key)
    absent = after(key)
    verify_single(root, key, nodes, value)
    verify_single(root, absent, nodes, None)
    table = [
        (key, nodes, None, "has the key"),
        (absent, nodes, b"", "has no key"),
        (key, nodes, value + b"\0", "not the proved one"),
        (key, nodes[:-1], value, "end before"),
        (key, nodes + nodes[-1:], value, "surplus"),
        (key, nodes[1:], value, "does not hash"),
        (key, [], value, "end before"),
        (state[11][0], nodes, None, "hash"),
    ]
    for bad_key, bad_nodes, bad_value, words in table:
        error = raises(VerifyError, verify_single, root, bad_key, bad_nodes, bad_value)
        assert error.rule == "proof" and words in str(error), (words, str(error))

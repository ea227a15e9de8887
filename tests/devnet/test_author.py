"""The authored chain against a follower and a trie that were written apart from it."""

import hashlib

import pytest

from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import LocalError

from .follower import Follower, Parsed, Reader, Wrong, blake, root_of


def entry(block, index):
    return block.state.trie.get(bytes([index]) + bytes(30))


def follow_from(spec, block):
    return Follower(spec, block.hash, block.slot, entry(block, 4), entry(block, 6), entry(block, 8))


def follow(spec, blocks):
    """Follow `blocks` from the first one's state; the follower."""
    follower = follow_from(spec, blocks[0])
    for block in blocks[1:]:
        follower.follow(Parsed(spec, block.header))
    return follower


@pytest.fixture(scope="module")
def mixed():
    chain = DevChain(TINY, seed=7, keys=60)
    chain.states_kept = 10_000
    chain.advance(130)
    return chain


def test_a_follower_accepts_every_header_and_sees_all_kinds(mixed):
    seen = follow(TINY, mixed.chain()).seen
    assert seen["ticket"] > 30 and seen["fallback"] > 30
    assert seen["epoch"] >= 10 and seen["tickets_mark"] >= 5 and seen["struck"] >= 2


def test_a_follower_may_start_at_any_block_from_its_state(mixed):
    blocks = mixed.chain()
    for start in range(60):
        follow(TINY, blocks[start : start + 15])


def test_each_prior_state_root_is_that_of_the_parents_entries(mixed):
    blocks = mixed.chain()
    for parent, block in list(zip(blocks, blocks[1:], strict=False))[::9]:
        assert Parsed(TINY, block.header).root == root_of(parent.state.trie.items()) == parent.state.trie.root()
    assert len({block.state.trie.root() for block in blocks}) == len(blocks)


def test_the_extrinsic_hash_is_that_of_the_body(mixed):
    sizes = set()
    for block in mixed.chain()[1:]:
        parts = split_body(TINY, block.body)
        assert Parsed(TINY, block.header).body_hash == blake(b"".join(blake(part) for part in parts))
        sizes.add(len(block.body))
    assert len(sizes) > 20


def split_body(spec, body):
    """The five parts, by an own walk over the encoding."""
    r = Reader(body)
    marks = [0]
    for _ in range(r.natural()):
        r.take(785)
    marks.append(r.pos)
    for _ in range(r.natural()):
        r.take(4)
        r.take(r.natural())
    marks.append(r.pos)
    assert r.natural() == 0
    marks.append(r.pos)
    for _ in range(r.natural()):
        r.take(32 + (spec.cores + 7) // 8 + 2 + 64)
    marks.append(r.pos)
    for _ in range(r.natural()):
        r.take(32 + 4 + (2 * spec.validators // 3 + 1) * 67)
    for _ in range(r.natural()):
        r.take(128)
    for _ in range(r.natural()):
        r.take(129)
    marks.append(r.pos)
    assert r.pos == len(body)
    return [body[a:b] for a, b in zip(marks, marks[1:], strict=False)]


def test_entries_of_the_state_say_what_the_headers_say(mixed):
    follower = follow_from(TINY, mixed.chain()[0])
    for block in mixed.chain()[1:]:
        follower.follow(Parsed(TINY, block.header))
        assert entry(block, 6) == b"".join(follower.eta)
        assert entry(block, 11) == block.slot.to_bytes(4, "little")
        active, pending = entry(block, 8), entry(block, 4)
        for i in range(6):
            assert active[336 * i : 336 * i + 64] == b"".join(follower.active[i])
            assert pending[336 * i : 336 * i + 64] == b"".join(follower.next[i])


def test_an_offender_in_a_header_is_struck_out_of_later_sets(mixed):
    named = set()
    struck = False
    for block in mixed.chain()[1:]:
        h = Parsed(TINY, block.header)
        if h.epoch_mark:
            keys = [pair[1] for pair in h.epoch_mark[2]]
            assert not named & set(keys)
            struck = struck or bytes(32) in keys
            assert not struck or named
        named |= set(h.offenders)
    assert struck and len(named) == 2


def test_the_sets_differ_in_every_epoch(mixed):
    sets = [Parsed(TINY, block.header).epoch_mark[2] for block in mixed.chain()[1:]
            if Parsed(TINY, block.header).epoch_mark]
    for one, other in zip(sets, sets[1:], strict=False):
        assert set(one) != set(other)
    assert len({key for one in sets for key in one}) > 18


def test_the_service_has_entries_that_change_and_a_preimage(mixed):
    from jamliquor_lite.chain import state_key
    from jamliquor_lite.devnet.service import CODE, SERVICE

    key = state_key.service_storage(SERVICE, b"height")
    items = set()
    for block in mixed.chain():
        trie = block.state.trie
        assert trie.get(key) == block.number.to_bytes(4, "little")
        assert trie.get(state_key.service_preimage(SERVICE, blake(CODE))) == CODE
        account = trie.get(state_key.service_account(SERVICE))
        assert len(account) == 89
        items.add(int.from_bytes(account[73:77], "little"))
    # items of the account: storage entries once, requests twice
    assert items <= {62 - 1 + 2 * n for n in range(2, 11)} | {62 + 4}


def test_statistics_count_blocks_of_the_epoch(mixed):
    counts = [0] * 6
    epoch = 0
    for block in mixed.chain()[1:]:
        if block.slot // 12 != epoch:
            epoch, counts = block.slot // 12, [0] * 6
        counts[block.author] += 1
        value = entry(block, 13)
        assert [int.from_bytes(value[24 * i : 24 * i + 4], "little") for i in range(6)] == counts


def test_the_same_seed_makes_the_same_bytes_and_another_does_not():
    def digest(**kw):
        chain = DevChain(TINY, keys=20, **kw)
        made = chain.advance(30)
        return hashlib.sha256(b"".join(block.encode() for block in made)).digest()

    settings = {"seed": 3, "offline": 0.2, "fork_rate": 0.3}
    assert digest(**settings) == digest(**settings)
    assert digest(**settings) != digest(**{**settings, "seed": 4})


def test_offline_validators_leave_their_slots_empty():
    chain = DevChain(TINY, seed=2, keys=5, offline=0.34, contests="always")
    chain.advance(100)
    authors = {}
    for block in chain.chain()[1:]:
        authors.setdefault(block.slot // 12, set()).add(block.author)
    assert all(len(found) <= 4 for found in authors.values())
    assert 100 < chain.best.slot
    follow(TINY, chain.chain()[-30:])


@pytest.mark.parametrize("contests, kind", [("always", "ticket"), ("never", "fallback")])
def test_contests_decide_the_kind_of_seal(contests, kind):
    chain = DevChain(TINY, seed=5, keys=5, contests=contests)
    chain.advance(35)
    seen = follow(TINY, chain.chain()[13 if kind == "ticket" else 0 :]).seen
    assert seen[kind] == len(chain.chain()) - (14 if kind == "ticket" else 1)


def test_forks_have_true_headers_and_the_heaviest_wins():
    chain = DevChain(TINY, seed=11, keys=5, fork_rate=0.3)
    chain.states_kept = 1000
    made = chain.advance(80)
    best = {block.hash for block in chain.chain()}
    side = [block for block in made if block.hash not in best]
    assert len(side) > 8
    for block in side:
        follow(TINY, [chain.block(block.parent), block])
        assert (block.ticketed_count, block.number) <= (chain.best.ticketed_count, chain.best.number)
    assert any(block.slot > chain.at(block.number).slot for block in side)  # the later one lost
    assert any(block.slot < chain.at(block.number).slot for block in side)  # and the earlier one: a reorganisation
    assert [chain.at(block.number) for block in chain.chain()] == chain.chain()


def test_old_states_are_forgotten_after_two_epochs_and_no_sooner():
    chain = DevChain(TINY, seed=1, keys=5)
    chain.advance(60)
    kept = [block for block in chain.chain() if block.state]
    assert len(kept) == chain.states_kept >= 2 * TINY.epoch_length
    with pytest.raises(LocalError):
        chain.author(chain.best.slot + 1, chain.genesis)


def test_a_fork_is_private():
    chain = DevChain(TINY, seed=1, keys=5)
    chain.advance(10)
    fork = chain.fork_from(chain.at(8), alone=False)
    fork.advance(5)
    assert fork.best.number == 13 and chain.best.number == 10
    assert chain.block(fork.best.hash) is None and len(chain.children(chain.at(8).hash)) == 1


def test_a_bad_argument_is_one_clear_error():
    for kw in ({"offline": 1.0}, {"fork_rate": -0.1}, {"contests": "x"}, {"pool": 3}):
        with pytest.raises(LocalError) as caught:
            DevChain(TINY, **kw)
        assert caught.value.exit_code == 2


def test_the_follower_of_these_tests_refuses_a_changed_header(mixed):
    block = mixed.chain()[20]
    refused = 0
    for at in range(0, len(block.header), 7):
        header = bytearray(block.header)
        header[at] ^= 4
        follower = follow_from(TINY, mixed.chain()[19])
        with pytest.raises(Wrong):
            follower.follow(Parsed(TINY, bytes(header)))
        refused += 1
    assert refused > 40


def test_full_spec_crosses_an_epoch_with_headers_of_the_true_size():
    chain = DevChain(FULL, seed=1, keys=10, genesis_slot=598)
    chain.advance(3)
    blocks = chain.chain()
    assert [len(block.header) for block in blocks[2:]] == [65_833, 297]
    follow(FULL, blocks)

"""What the devnet's validators make final: read and checked apart from the code that checks it for a node."""

import pytest

from jamliquor_lite.budget.profile import LINUX
from jamliquor_lite.chain.justification import Justification, needed
from jamliquor_lite.chain.sets import Held
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.finality import Finality
from jamliquor_lite.errors import LocalError

from .follower import Parsed
from .justified import Read, sets_of, target_of


def make(blocks=60, lag=2, fault=None, spec=TINY, **settings):
    chain = DevChain(spec, seed=settings.pop("seed", 9), keys=settings.pop("keys", 20), **settings)
    chain.states_kept = 10_000
    finality = Finality(chain, lag, fault)
    chain.advance(blocks)
    return chain, finality


def node_takes(spec, data, keys, set_id, block):
    """Whether chain/justification.py takes it, by all of its bytes."""
    checker = Justification(spec, LINUX)
    checker.begin(Held(b"".join(bytes(32) + key for key in keys)), set_id, block.hash)
    at = 0
    while at < len(data) and not checker.is_done:
        at += checker.feed(data, at, min(len(data), at + 4096))
    return checker.is_done and at == len(data) and checker.state_root == block.state.trie.root()


@pytest.mark.parametrize("settings", [{}, {"fork_rate": 0.3}, {"lag": 5}, {"seed": 3, "contests": "always"}])
def test_each_block_is_final_by_the_votes_of_its_own_set(settings):
    chain, finality = make(**settings)
    lag = settings.get("lag", 2)
    line = chain.chain()
    assert chain.final is line[-1 - lag] and finality.final is chain.final
    sets = sets_of(TINY, line)
    rounds, struck = {}, 0
    for block in line[1 : 1 + chain.final.number]:
        data = finality.justification(block.hash)
        found = Read(TINY, data)
        keys, set_id = sets[block.hash]
        assert found.end == len(data) and found.set_id == set_id and found.headers == []
        assert found.target == target_of(block, block.state.trie.root())
        assert len(found.supporters(keys)) == len(found.votes) == 5
        assert found.round == rounds.get(set_id, 0 if set_id else 1)
        rounds[set_id] = found.round + 1
        assert node_takes(TINY, data, keys, set_id, block)
        struck += bytes(32) in keys
    assert len(rounds) == finality.set_id + 1 >= 5 and struck > 5
    for block in (line[0], *line[1 + chain.final.number :]):
        assert finality.justification(block.hash) is None
    assert finality.justification(bytes(32)) is None


def test_the_prior_root_of_a_child_is_what_was_voted_for():
    chain, finality = make(20)
    line = chain.chain()
    for block, child in zip(line[1:-3], line[2:], strict=False):
        assert Read(TINY, finality.justification(block.hash)).target[32:64] == Parsed(TINY, child.header).root


def test_there_is_a_fragment_for_each_set_that_handed_over():
    chain, finality = make(100)
    line = chain.chain()
    sets = sets_of(TINY, line)
    changes = [block for block in line[1 : 1 + chain.final.number] if Parsed(TINY, block.header).epoch_mark]
    assert len(changes) == finality.set_id >= 7
    fragments = finality.fragments(0, 1000)
    assert fragments == [block.header + finality.justification(block.hash) for block in changes]
    assert [finality.fragment_size(i) for i in range(len(changes) + 1)] == [*map(len, fragments), 0]
    assert [sets[block.hash][1] for block in changes] == list(range(len(changes)))
    assert finality.fragments(3, 2) == fragments[3:5] and finality.fragments(len(changes), 9) == []
    assert any(bytes(32) in [pair[1] for pair in Parsed(TINY, data).epoch_mark[2]] for data in fragments)
    assert any(Parsed(TINY, block.header).offenders for block in line)


def test_epochs_without_a_block_have_no_set_of_their_own():
    chain = DevChain(TINY, seed=4, keys=5)
    finality = Finality(chain, 1)
    for slot in (1, 2, 13, 14, 49, 50, 51, 61, 62):
        assert chain.next(slot) or chain.next(slot + 5)
    assert finality.set_id == 3 and TINY.epoch(chain.final.slot) == 5
    line = chain.chain()
    for block in line[1:-1]:
        keys, set_id = sets_of(TINY, line)[block.hash]
        assert node_takes(TINY, finality.justification(block.hash), keys, set_id, block)


def test_a_fork_that_does_not_descend_from_the_final_block_never_leads():
    chain, finality = make(30, lag=1)
    final = chain.final
    side = chain.at(final.number - 2)
    slot = chain.slot + 1
    for _ in range(12):  # as heavy as it likes
        block = None
        while block is None:
            block = chain.author(slot, side)
            slot += 1
        side = block
    assert side.number > chain.best.number + 5
    assert chain.final is final and chain.best.number == final.number + 1
    assert finality.justification(side.hash) is None
    chain.advance(3)
    assert chain.descends(chain.best, final) and chain.final.number == final.number + 3
    assert all(chain.descends(block, chain.final) for block in chain.tied)


def test_an_equal_of_the_best_that_is_not_final_is_an_equal_no_more():
    chain = DevChain(TINY, seed=9, keys=5, contests="never")
    chain.advance(20)
    side, slot = chain.at(18), chain.slot + 1
    while side.number < 20:
        side = chain.author(slot, side) or side
        slot += 1
    assert chain.tied == [chain.best, side] and chain.best is not side
    Finality(chain, 1)
    assert chain.final.number == 19 and chain.tied == [chain.best]


def test_too_many_who_are_away_make_nothing_final():
    chain, finality = make(40, offline=0.34)
    assert chain.final is chain.genesis and finality.set_id == 0 and finality.round is None
    chain, finality = make(40, offline=0.17, offences=False)
    assert chain.final.number == chain.best.number - 2
    absent = [chain.absent(block.state.active) for block in chain.chain()]
    assert all(len(found) == 1 for found in absent)


def test_what_was_signed_is_kept_within_its_bound(monkeypatch):
    chain, finality = make(30)
    monkeypatch.setattr("jamliquor_lite.devnet.finality._CACHE_BYTES", 3000)
    signed = []
    before = finality.fault.justification
    monkeypatch.setattr(finality.fault, "justification", lambda *a: signed.append(a[1].height) or before(*a))
    for number in (5, 6, 5, 6, 7, 8, 9, 6, 5):
        finality.justification(chain.at(number).hash)
    assert signed == [5, 6, 7, 8, 9, 6, 5]
    assert sum(map(len, finality._signed.values())) == finality._signed_bytes <= 3000


def test_it_may_begin_late_but_not_too_late():
    chain, finality = make(30)
    other = DevChain(TINY, seed=9, keys=20)
    other.max_offenders = chain.max_offenders
    other.advance(30)
    late = Finality(other, 2)
    for block in chain.chain():
        assert late.justification(block.hash) == finality.justification(block.hash)
    other.advance(30)
    with pytest.raises(LocalError):
        Finality(other)
    with pytest.raises(LocalError) as caught:
        Finality(DevChain(TINY, keys=5), 0)
    assert caught.value.exit_code == 2


def test_the_set_that_votes_at_full_spec_and_the_size_of_its_votes():
    chain, finality = make(6, 1, spec=FULL, genesis_slot=597, keys=5)
    line = chain.chain()
    (change,) = [block for block in line[1:] if len(block.header) == 65_833]
    assert change.number <= chain.final.number
    keys, set_id = sets_of(FULL, line)[change.hash]
    (fragment,) = finality.fragments(0, 9)
    found = Read(FULL, fragment, len(change.header))
    assert len(found.supporters(keys)) == needed(1023) == 683 and set_id == 0
    assert len(fragment) == finality.fragment_size(0) == 65_833 + 80 + 2 + 683 * 164 + 1
    assert node_takes(FULL, fragment[65_833:], keys, 0, change)

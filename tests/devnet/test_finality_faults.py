"""Faults of finality: each is made, and none but the good ones proves a thing to a node."""

import pytest

from jamliquor_lite.budget.profile import LINUX
from jamliquor_lite.chain.justification import Justification
from jamliquor_lite.chain.sets import Held
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.crypto.suite import blake2b_256
from jamliquor_lite.devnet import faults, finality_faults
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.finality import Finality
from jamliquor_lite.errors import BudgetError, LocalError, VerifyError

from .follower import Parsed
from .justified import Read, sets_of, target_of
from .test_finality import make

# What a node says of a justification (CE 130) of block 20, and of fragment 1; None: it takes it.
REFUSALS = {
    "finality-stall": (None, None),
    "too-few-votes": ("votes", "votes"),
    "one-third-votes": ("votes", "votes"),
    "duplicate-voters": ("votes", "votes"),
    "equivocating-voters": (None, None),
    "counted-equivocators": ("votes", "votes"),
    "voters-ahead": (None, None),
    "votes-by-removed-validators": ("voter", "voter"),
    "wrong-set-justification": ("set_id", "set_id"),
    "relabelled-set": ("signature", "signature"),
    "wrong-state-root-in-vote": ("ancestry", "ancestry"),
    "wrong-state-root-by-majority": (None, None),
    "forged-warp-fragment": (None, "target"),
    "retargeted-warp-fragment": (None, "signature"),
    "swapped-warp-fragment": (None, "target"),
    "skipped-warp-fragment": (None, "set_id"),
    "cut-finality": (None, None),  # what is wrong with these is on the wire: below
    "truncated-finality": (None, None),
    "oversized-finality": (None, None),
    "endless-finality": ("votes", "votes"),
    "silent-finality": (None, None),
    "refusing-finality": (None, None),
}


def check(data, keys, set_id, header_hash):
    """None when a node takes it to its last byte, else the rule that it breaks."""
    checker = Justification(TINY, LINUX)
    checker.begin(Held(b"".join(bytes(32) + key for key in keys)), set_id, header_hash)
    at = 0
    try:
        while at < len(data) and not checker.is_done:
            at += checker.feed(data, at, len(data))
    except (VerifyError, BudgetError) as error:
        return error.rule
    return None if checker.is_done and at == len(data) else "short"


@pytest.mark.parametrize("name", sorted(finality_faults.FINALITY_FAULTS))
def test_a_node_takes_none_but_the_good_ones(name):
    fault = finality_faults.by_name(name)
    chain, finality = make(60, fault=fault)
    line = chain.chain()
    sets = sets_of(TINY, line)
    block = line[20]
    rules = [check(finality.justification(block.hash), *sets[block.hash], block.hash)]
    change = finality.change(1)
    (fragment,) = finality.fragments(1, 1)
    header = Parsed(TINY, fragment)
    rules.append(check(fragment[header.end :], *sets[change.header_hash], header.hash))
    assert tuple(rules) == REFUSALS[name]
    assert finality.fragment_size(1) == len(fragment)
    if name not in ("forged-warp-fragment", "retargeted-warp-fragment", "swapped-warp-fragment",
                    "skipped-warp-fragment"):
        assert header.hash == change.header_hash


def test_all_faults_are_listed_and_an_unknown_one_is_one_line():
    names = [name for name, _ in finality_faults.describe()]
    assert names == list(finality_faults.FINALITY_FAULTS) and set(names) == set(REFUSALS)
    assert all(what for _, what in finality_faults.describe())
    for name in ("tea", "finality-stall-", "finality-stall-1", "finality-stall-1-2-3", "finality-stall-1--2"):
        assert not finality_faults.known(name)
        with pytest.raises(LocalError) as caught:
            finality_faults.by_name(name)
        assert caught.value.exit_code == 2


def test_a_stall_begins_and_ends():
    chain, finality = make(30, fault=finality_faults.by_name("finality-stall-17-20"))
    assert chain.final.number == 16
    began = chain.at(17 + finality.lag).slot
    while chain.final.number == 16:
        chain.advance()
    assert chain.slot >= began + 20 and chain.final.number == chain.best.number - 2
    # It catches up by the blocks that change the set; those between have no votes of their own.
    sets = sets_of(TINY, chain.chain())
    proved = [block for block in chain.chain()[17 : 1 + chain.final.number] if finality.justification(block.hash)]
    assert [bool(Parsed(TINY, block.header).epoch_mark) for block in proved[:-1]] == [True] * (len(proved) - 1)
    assert len(proved) > 2 and proved[-1] is chain.final
    for block in proved:
        assert check(finality.justification(block.hash), *sets[block.hash], block.hash) is None
    chain, _ = make(80, fault=finality_faults.by_name("finality-stall-17-0"))
    assert chain.final.number == 16


def test_a_stall_without_end_takes_bounded_memory(monkeypatch):
    monkeypatch.setattr("jamliquor_lite.devnet.finality._MAX_ROUNDS", 40)
    chain, finality = make(100, fault=finality_faults.by_name("finality-stall-17-0"))
    assert len(finality._standings) == 40 and (chain.best.number, chain.final.number) == (100, 16)
    finality.fault = finality_faults.FinalityFault()
    chain.advance(20)  # what was passed over is never voted for, nor what is on top of it
    assert 16 < chain.final.number <= 16 + 39 and finality.justification(chain.final.hash)


def test_equivocators_are_a_minority_and_sign_both():
    chain, finality = make(40, fault=finality_faults.by_name("equivocating-voters"))
    line = chain.chain()
    found = Read(TINY, finality.justification(line[20].hash))
    keys, set_id = sets_of(TINY, line)[line[20].hash]
    assert len(found.supporters(keys)) == 5 and len(found.votes) == 6
    (other,) = [vote for vote in found.votes if vote[0] != found.target]
    assert other[0] == target_of(line[21], line[21].state.trie.root())
    assert other[2] in [vote[2] for vote in found.votes[:-1]]
    checker = Justification(TINY, LINUX)
    checker.begin(Held(b"".join(bytes(32) + key for key in keys)), set_id)
    data, at = finality.justification(line[20].hash), 0
    while not checker.is_done:
        at += checker.feed(data, at, len(data))
    assert checker.support == 5 and len(checker.evidence) == 1


def test_a_wrong_root_by_all_is_served_and_proved():
    chain, finality = make(40, fault=finality_faults.by_name("wrong-state-root-by-majority"))
    block = chain.at(30)
    root = Read(TINY, finality.justification(block.hash)).target[32:64]
    assert root != block.state.trie.root() and root == chain.trie(block.hash).root()
    chain.states_kept = 10
    chain.advance(3)
    assert len(chain.false_tries) == 10


def test_a_removed_validator_is_not_of_the_set_that_votes():
    chain, finality = make(40, fault=finality_faults.by_name("votes-by-removed-validators"))
    line = chain.chain()
    before, now = sets_of(TINY, line)[line[8].hash][0], sets_of(TINY, line)[line[20].hash]
    found = Read(TINY, finality.justification(line[20].hash))
    assert found.set_id == now[1] == 1
    assert all(found.is_signed(*vote) for vote in found.votes)
    assert {vote[2] for vote in found.votes} <= set(before) and found.votes[0][2] not in now[0]


@pytest.mark.parametrize("depth", [13, 40])
def test_a_long_range_fork_is_sealed_and_voted_with_the_true_keys(depth):
    chain, finality = make(60)
    old = chain.at(depth)
    fork = finality.long_range_fork(old, 70)
    assert fork.best.number > chain.best.number and chain.block(fork.best.hash) is None
    line = fork.chain()
    assert line[: depth + 1] == chain.chain()[: depth + 1] and line[depth + 1].hash != chain.at(depth + 1).hash
    sets = sets_of(TINY, line)  # an honest follower takes every header of it
    for block in line[1 : 1 + fork.final.number]:
        data = fork.finality.justification(block.hash)
        assert check(data, *sets[block.hash], block.hash) is None
    assert fork.finality.set_id > finality.set_id
    assert fork.finality.fragments(0, 1) == finality.fragments(0, 1)
    assert fork.finality.fragments(4, 1) != finality.fragments(4, 1)
    assert finality.final is chain.final and chain.finality is finality


def test_a_devnet_may_leave_the_chain_by_itself():
    def made(*dishonest):
        chain = DevChain(TINY, seed=6, keys=5)
        chain.states_kept = 1000
        Finality(chain)
        for _ in range(60):
            slot = chain.due()
            if not any(fault.commit(chain, slot) for fault in dishonest):
                chain.next(slot)
        return chain

    honest, forked = made(), made(faults.LongRangeFork())
    same = [one for one, other in zip(honest.chain(), forked.chain(), strict=False) if one.hash == other.hash]
    assert honest.finality.change(0).height <= len(same) - 1 < 25
    assert forked.final.number > 50 and forked.final.outcast
    sets = sets_of(TINY, forked.chain())
    data = forked.finality.justification(forked.final.hash)
    assert check(data, *sets[forked.final.hash], forked.final.hash) is None


def test_a_forged_fragment_names_made_up_keys():
    chain, finality = make(40, fault=finality_faults.by_name("retargeted-warp-fragment"))
    (fragment,) = finality.fragments(1, 1)
    header = Parsed(TINY, fragment)
    assert [b"".join(pair) for pair in header.epoch_mark[2]] == [chain.attackers[i].pair for i in range(6)]
    found = Read(TINY, fragment, header.end)
    assert found.target[:32] == blake2b_256(fragment[: header.end]) and {v[0] for v in found.votes} == {found.target}

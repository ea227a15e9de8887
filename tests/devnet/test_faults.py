"""Each fault does what its name says, and nothing else about its block is wrong."""

import pytest

from jamliquor_lite.chain import state_key
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet import faults
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.service import SERVICE
from jamliquor_lite.errors import LocalError

from .follower import Parsed, Wrong, outside_in
from .test_author import follow, follow_from

INSIDE, FIRST, CLOSING = 44, 48, 46  # slots: after a full contest of epoch 3

# What a follower that checks all that headers allow must find wrong; None: nothing, for only a seal is his.
EXPECTED = {
    "forged-epoch-mark": (FIRST, None),
    "wrong-entropy-in-mark": (FIRST, "epoch mark entropy"),
    "wrong-tickets-entropy-in-mark": (FIRST, "epoch mark entropy"),
    "missing-epoch-mark": (FIRST, "epoch mark"),
    "surplus-epoch-mark": (INSIDE, "epoch mark"),
    "forged-tickets-mark": (CLOSING, None),
    "missing-tickets-mark": (CLOSING, None),
    "unordered-tickets-mark": (CLOSING, "tickets mark order"),
    "forged-state-root": (INSIDE, None),
    "endless-headers": (INSIDE, None),
    "equivocation": (INSIDE, None),
    "long-range-fork": (INSIDE, None),
    "keys-one-epoch-early": (INSIDE + 1, "seal"),  # the same place of another set
    "keys-one-epoch-late": (INSIDE, "seal"),
    "future-slot": (INSIDE, None),
    "malleated-seal": (INSIDE, None),
    "broken-seal": (INSIDE, "seal"),
    "wrong-author": (INSIDE, "fallback author"),
    "unknown-parent": (INSIDE, "parent"),
    "forged-offender": (INSIDE, None),
}


@pytest.fixture(scope="module")
def chain():
    """Epoch 3 (slots 36 to 47) is a fallback epoch with a full contest."""
    made = DevChain(TINY, seed=3, keys=20)
    while made.best.slot < INSIDE - 1 or made.best.state.tickets is not None:
        made.advance()
    assert made.best.slot == INSIDE - 1
    return made


def parent_for(chain, slot):
    """A private copy whose head is the last honest block before `slot`."""
    fork = chain.fork_from(chain.best, alone=False)
    while fork.best.slot < slot:
        before = fork.best
        fork.next(fork.slot + 1)
    return fork.fork_from(before)


def test_every_fault_is_tested():
    assert set(EXPECTED) == set(faults.FAULTS)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_fault_breaks_its_rule_and_no_other(chain, name):
    slot, rule = EXPECTED[name]
    fork = parent_for(chain, slot)
    before = fork.best
    block = fork.author(slot, fault=name)
    assert block is not None and fork.best is block
    honest = fork.fork_from(before, alone=False).author(slot)
    if name == "future-slot":  # nothing but the time is wrong with it
        assert block is honest
        return
    assert honest.hash != block.hash and block.fault == name and block.outcast
    follower = follow_from(TINY, before)
    if name == "malleated-seal":
        assert Parsed(TINY, block.header).unsigned == Parsed(TINY, honest.header).unsigned
        return  # whether it verifies is the VRF's to say
    if rule is None:
        follower.follow(Parsed(TINY, block.header))
    else:
        with pytest.raises(Wrong) as caught:
            follower.follow(Parsed(TINY, block.header))
        assert str(caught.value) == rule


def test_a_forger_of_keys_seals_alone_in_the_epoch_after(chain):
    fork = parent_for(chain, FIRST)
    before = fork.best
    forged = fork.author(FIRST, fault="forged-epoch-mark")
    first_own = [fork.next(slot) for slot in range(FIRST + 1, 60)]
    assert {b.validator for b in first_own if b} <= {forged.validator}
    later = [fork.next(slot) for slot in range(60, 72)]
    assert all(later) and len({b.validator for b in later}) > 1
    assert all(b.validator is forged.validator or b.validator.index >= 1 << 24 for b in later)
    branch = [before, forged] + [b for b in first_own if b] + later
    follow(TINY, branch)  # a follower that adopts marks at once is fooled: that is the attack


def test_a_forger_of_tickets_seals_his_slots_in_the_epoch_after():
    """Where he stands in the next set, too: his tickets are checked under its keys."""
    sealed = {True: [], False: []}
    for seed in range(12):
        chain = DevChain(TINY, seed=seed, keys=5, contests="always")
        while TINY.phase(chain.best.slot) < TINY.tickets_end - 1:
            chain.advance()
        fork = chain.fork_from(chain.best)
        forged = fork.author(10, fault="forged-tickets-mark")
        if forged is None:  # the slot's owner was struck out
            continue
        in_next = forged.validator in forged.state.next.members
        made = [block for block in (fork.next(slot) for slot in range(11, 24)) if block]
        own = [block for block in made if block.slot >= 12]
        assert all(block.validator is forged.validator and block.ticketed for block in own)
        follow(TINY, [chain.best, forged, *made])
        sealed[in_next].append(len(own))
    assert sealed[True] and all(0 < count <= TINY.attempts for count in sealed[True])
    assert sealed[False] and not any(sealed[False])


def test_a_false_state_is_provable_against_the_forged_root(chain):
    fork = parent_for(chain, INSIDE)
    before = fork.best
    block = fork.author(INSIDE, fault="forged-state-root")
    key = state_key.service_storage(SERVICE, b"height")
    false = fork.trie(before.hash)
    assert false.root() == Parsed(TINY, block.header).root != before.state.trie.root()
    assert false.get(key) == b"\xff" * 4 and before.state.trie.get(key) == before.number.to_bytes(4, "little")
    assert chain.trie(before.hash) is before.state.trie  # the honest chain serves the truth


def test_headers_of_one_slot_without_end(chain):
    fork = parent_for(chain, INSIDE)
    before = fork.best
    made = {fork.author(INSIDE, before, fault="endless-headers").hash for _ in range(20)}
    assert len(made) == 20


def test_an_equivocation_is_two_valid_blocks(chain):
    fork = parent_for(chain, INSIDE)
    before = fork.best
    other = fork.author(INSIDE, before, fault="equivocation")
    honest = fork.author(INSIDE, before)
    assert other.validator is honest.validator and other.body != honest.body
    for block in (other, honest):
        follow(TINY, [before, block])


def test_the_forged_tickets_mark_is_in_order_and_partly_his(chain):
    fork = parent_for(chain, CLOSING)
    block = fork.author(CLOSING, fault="forged-tickets-mark")
    mark = Parsed(TINY, block.header).tickets_mark
    assert outside_in(sorted(mark)) == mark
    assert sum(1 for t in block.state.accumulator if t.maker is block.validator) == TINY.attempts


def test_honest_authors_do_not_build_on_a_faulty_block():
    chain = DevChain(TINY, seed=3, keys=5)
    chain.advance(10)
    best = chain.best
    faulty = chain.author(best.slot + 1, fault="forged-state-root")
    assert chain.best is best and chain.block(faulty.hash) is faulty
    made = chain.advance(5)
    assert made[0].parent == best.hash and not any(block.outcast for block in made)
    on_top = chain.author(chain.slot + 1, faulty)
    assert on_top.outcast and chain.best is made[-1]


@pytest.mark.parametrize("name", ["forged-epoch-mark", "missing-epoch-mark", "forged-tickets-mark"])
def test_a_mark_fault_away_from_its_place_is_a_clear_error(chain, name):
    fork = parent_for(chain, INSIDE)
    with pytest.raises(LocalError):
        fork.author(INSIDE, fault=name)
    with pytest.raises(LocalError) as caught:
        faults.by_name("no-such-fault")
    assert caught.value.exit_code == 2 and name in str(caught.value)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_devnet_goes_on_beside_any_fault(name):
    chain = DevChain(TINY, seed=6, keys=5)
    fault = faults.by_name(name)
    faulty = 0
    for slot in range(1, 40):
        block = fault.commit(chain, slot)
        faulty += block is not None
        if block is None or fault.beside:
            chain.next(slot)
    assert faulty >= 1
    assert chain.best.slot >= 36
    assert chain.best.outcast == (name == "long-range-fork")  # that one all of them commit
    follow(TINY, chain.chain()[-12:])

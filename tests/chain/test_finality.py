"""Final headers: who votes for which, what a justification makes of the tree, and what it cannot."""

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain import finality
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.epoch import TRUSTED, UNKNOWN_SET
from jamliquor_lite.chain.justification import Justification
from jamliquor_lite.chain.levels import FINAL, SEALED, VOUCHED_LEVEL
from jamliquor_lite.chain.light import ADDED, STALE
from jamliquor_lite.chain.tree import NONE
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import VerifyError
from tests.chain.chains import Recorder, of_devnet
from tests.chain.devnet_votes import branch, changes_set, justified, posterior, voters


def world(blocks, seed=5, **options):
    """A devnet whose states are all kept, and a light chain that has all of its blocks."""
    chain = DevChain(TINY, seed=seed, keys=10, **options)
    chain.states_kept = 1_000
    light = Recorder(of_devnet(chain))
    for block in chain.advance(blocks):
        assert light.add(block.header) == ADDED
    return chain, light


def proved(light, data, header_hash):
    """Check a justification by what the light chain trusts, and take what it proves."""
    chain = light.chain
    row = chain.tree.find(header_hash)
    by = chain.voters(row)
    assert by is not None
    check = Justification(TINY, Profile())
    check.begin(by[0], by[1], header_hash)
    at = 0
    while not check.is_done:
        at += check.feed(data, at, len(data))
    return chain.finalize(row, check.state_root, check.support, check.set_id)


def prove_up_to(light, devnet, block):
    """Prove what has to be, in its order: how many it were."""
    chain, count = light.chain, 0
    while True:
        row = finality.next_to_prove(chain, chain.tree.find(block.hash))
        if row == NONE:
            return count
        wanted = devnet.block(chain.tree.hash(row))
        assert proved(light, justified(devnet, wanted), wanted.hash)
        count += 1


def test_a_final_header_and_its_ancestors_are_final():
    devnet, light = world(9, contests="never")
    chain, tree = light.chain, light.chain.tree
    final = devnet.at(5)
    assert chain.final is None and chain.final_row == NONE
    assert proved(light, justified(devnet, final), final.hash)
    assert chain.final_row == tree.find(final.hash) and chain.final.state_root == posterior(final)
    assert (chain.final.slot, chain.final.support, chain.final.set_id) == (final.slot, 5, 0)
    for block in devnet.chain():
        row = tree.find(block.hash)
        if row != NONE:
            assert (chain.levels.level(row) == FINAL) == (block.slot <= final.slot)
            assert chain.levels.name(row) == "final" or block.slot > final.slot
    assert light.events["final"] == 1 and tree.hash(tree.best) == devnet.best.hash
    # Once more, and an ancestor, are no news.
    assert not chain.finalize(tree.find(final.hash), posterior(final))
    assert light.events["final"] == 1


def test_each_set_change_is_proved_by_the_set_before_it():
    devnet, light = world(8)
    sets = set()
    for _ in range(90):
        block = devnet.advance(1)[0]
        light.add(block.header)
        assert prove_up_to(light, devnet, block) <= 1  # a set change is the newest block itself
        chain = light.chain
        members, set_id = voters(devnet, block)
        assert chain.final.header_hash == block.hash and chain.final.set_id == set_id
        sets.add(set_id)
        # The root stays near, and a restart begins there with the right set.
        assert chain.tree.count <= 12
        saved = Checkpoint.decode(chain.checkpoint().encode())
        root = devnet.block(saved.header_hash)
        after = [at for at in branch(devnet, root) if changes_set(devnet, at)]
        assert saved.grandpa_set_id == len(after)
        assert chain.pending is False
    assert len(sets) >= 8


def test_after_a_while_away_the_changes_between_come_first():
    devnet, light = world(70)
    block = devnet.best
    count = prove_up_to(light, devnet, block)
    assert 2 <= count <= 4 and light.chain.final.header_hash == block.hash
    assert light.chain.levels.level(light.chain.tree.best) == FINAL


def test_both_readings_of_whose_set_votes():
    # Ours: the keys that author an epoch vote in it, and for the block that ends their time. The other reading: the
    # keys that an epoch mark names vote from that mark on; an epoch early.
    devnet, light = world(8)
    found = set()
    for _ in range(60):
        block = devnet.advance(1)[0]
        light.add(block.header)
        members, set_id = voters(devnet, block)
        ahead = [at for at in branch(devnet, block)[:-1] if changes_set(devnet, at)]
        named = (ahead[-1] if ahead else devnet.genesis).state.next.members
        pairs = b"".join(bytes(64) if m is None else m.pair for m in members)
        chain = light.chain
        assert chain.voters(chain.tree.find(block.hash))[0].whole() == pairs
        if ahead and named != members:
            other = justified(devnet, block, 6, by=(named, set_id))
            with pytest.raises(VerifyError) as refused:
                proved(light, other, block.hash)
            found.add(refused.value.rule)
            if changes_set(devnet, block):  # the new set, and its id, for the block that brings it in
                new = justified(devnet, block, 6, by=(block.state.active.members, set_id + 1))
                with pytest.raises(VerifyError) as refused:
                    proved(light, new, block.hash)
                assert refused.value.rule == "set_id"
        assert proved(light, justified(devnet, block), block.hash)
    assert found <= {"voter", "votes"} and found


def test_finality_settles_epochs_that_nobody_vouched_for():
    # Two of six author: that is not more than a third, so that nothing is vouched for and all marks stay pending.
    devnet, light = world(30, contests="never", offline=0.67)
    chain = light.chain
    assert "keys_adopted" not in light.events and chain.pending and chain.stalled
    assert chain.voters(chain.tree.best) is None
    assert prove_up_to(light, devnet, devnet.best) >= 5
    assert light.events["keys_adopted"] >= 5 and not chain.pending and not chain.stalled
    assert chain.levels.level(chain.tree.best) == FINAL


def test_voters_that_one_author_named_are_none():
    devnet, light = world(30)
    chain, tree = light.chain, light.chain.tree
    row = tree.best
    while finality.changes_set(chain, row):
        row = tree.parents[row]
    epoch = chain.levels.epoch(row)
    epoch.keys_from = row
    assert chain.voters(row) is None
    epoch.keys_from = TRUSTED
    assert chain.voters(row) == (epoch.keys, epoch.set_id)


def test_another_branch_goes_and_does_not_come_back():
    devnet, light = world(6, contests="never")
    tree = light.chain.tree
    fork = devnet.author(devnet.best.slot + 1, devnet.at(4))
    assert light.add(fork.header) == ADDED
    child = devnet.author(devnet.best.slot + 2, fork)
    assert light.add(child.header) == ADDED
    supports = tree.supports[tree.find(devnet.at(3).hash)]
    assert proved(light, justified(devnet, devnet.at(5)), devnet.at(5).hash)
    assert tree.find(fork.hash) == NONE and tree.find(child.hash) == NONE
    assert light.add(fork.header) == STALE and tree.find(fork.hash) == NONE
    assert tree.hash(tree.best) == devnet.at(6).hash and tree.supports[tree.find(devnet.at(3).hash)] <= supports
    assert light.add(devnet.author(devnet.slot + 1, devnet.at(6)).header) == ADDED


def test_the_head_moves_to_the_final_branch():
    devnet, light = world(6, contests="never")
    tree = light.chain.tree
    fork = devnet.author(devnet.best.slot + 1, devnet.at(5))
    light.add(fork.header)
    assert tree.hash(tree.best) == devnet.at(6).hash
    assert proved(light, justified(devnet, fork), fork.hash)
    assert tree.hash(tree.best) == fork.hash and tree.find(devnet.at(6).hash) == NONE


def test_a_child_that_claims_another_state_goes_or_is_an_alarm():
    devnet, light = world(6, contests="never")
    chain, tree = light.chain, light.chain.tree
    wrong = b"\x66" * 32
    row = tree.find(devnet.at(6).hash)
    assert tree.has(tree.find(devnet.at(2).hash), 4)  # vouched for
    # The child of 1 is vouched for: then a vote for another state is an alarm, and nothing changes.
    before = (tree.count, tree.best)
    assert not chain.finalize(tree.find(devnet.at(1).hash), wrong, 5, 0)
    assert light.events["conflict"] == 1 and chain.final is None and (tree.count, tree.best) == before
    assert chain.levels.level(row) in (SEALED, VOUCHED_LEVEL)
    # Of 5 it is not: the vote is believed, and the child is false.
    assert not tree.has(row, 4)
    assert chain.finalize(tree.find(devnet.at(5).hash), wrong, 5, 0)
    assert tree.find(devnet.at(6).hash) == NONE and tree.best == chain.final_row


def test_two_final_blocks_contradict_each_other():
    devnet, light = world(10, contests="never")
    chain = light.chain
    final, fork = devnet.at(8), devnet.author(devnet.slot + 1, devnet.at(6))
    assert not finality.contradicts(chain, fork.hash, devnet.at(7).slot)  # nothing is final yet
    prove_up_to(light, devnet, final)
    root = devnet.block(chain.tree.hash(chain.tree.root))
    assert finality.contradicts(chain, b"\x01" * 32, final.slot)
    assert finality.contradicts(chain, fork.hash, devnet.at(7).slot)
    assert not finality.contradicts(chain, devnet.at(7).hash, devnet.at(7).slot)
    assert not finality.contradicts(chain, b"\x01" * 32, final.slot + 1)  # it may descend from ours
    assert not finality.contradicts(chain, b"\x01" * 32, root.slot)  # and of that nobody can say


def test_a_set_whose_number_nobody_knows_is_learned():
    devnet, _ = world(40)
    light = Recorder(of_devnet(DevChain(TINY, seed=5, keys=10)))
    light.chain.levels.epoch(light.chain.tree.root).set_id = UNKNOWN_SET
    blocks = devnet.chain()[1:]
    for block in blocks[:20]:
        light.add(block.header)
    chain = light.chain
    assert {epoch.set_id for epoch in chain.epochs if epoch is not None} == {UNKNOWN_SET}
    assert prove_up_to(light, devnet, blocks[19]) >= 1
    for block in blocks[19:]:
        light.add(block.header)
        prove_up_to(light, devnet, block)
        assert chain.final.set_id == voters(devnet, block)[1]
    assert UNKNOWN_SET not in {epoch.set_id for epoch in chain.epochs if epoch is not None}
    assert finality.voters_of(chain, chain.final.set_id) is not None and finality.voters_of(chain, 99) is None


def test_the_root_may_pass_a_final_block_that_is_old():
    devnet, light = world(5)
    chain, tree = light.chain, light.chain.tree
    prove_up_to(light, devnet, devnet.best)
    first = chain.final
    for block in devnet.advance(60):
        assert light.add(block.header) == ADDED
    assert tree.slots[tree.root] > first.slot and chain.final is first and chain.final_row == NONE
    assert chain.levels.level(tree.best) < FINAL and chain.levels.level(tree.root) == VOUCHED_LEVEL
    prove_up_to(light, devnet, devnet.best)
    assert chain.final_row == tree.best


def test_set_ids_are_counted_where_no_format_is_named():
    devnet, light = world(50)
    chain = light.chain
    assert chain.grandpa_format is None
    by = chain.voters(chain.tree.best)
    assert by is not None and by[1] == voters(devnet, devnet.best)[1] >= 3

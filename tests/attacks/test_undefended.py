"""The same attacks on a node without the defence that stops each: they succeed, so what stages them does stage them.

And those that no defence stops, of which the README says so.
"""

import asyncio

import pytest

from jamliquor_lite.chain import checkpoint, journal, justification, tree
from jamliquor_lite.chain.justification import Justification
from jamliquor_lite.chain.levels import FINAL, SEALED
from jamliquor_lite.chain.light import LightChain
from jamliquor_lite.node import node
from jamliquor_lite.node.status import Status

from . import attacks
from .stage import Fooled, Scene


def marks_believed_when_sealed(patch):
    class Credulous(LightChain):
        def __init__(self, *args, **options):
            super().__init__(*args, adopt_at=SEALED, **options)

    patch.setattr(node, "LightChain", Credulous)


def a_third_is_enough(patch):
    patch.setattr(justification, "needed", lambda validators: validators // 3)


def two_thirds_are_enough(patch):
    patch.setattr(justification, "needed", lambda validators: 2 * validators // 3)


def anybody_votes(patch):
    def find(self, record):
        if not self.support:
            self.seen = []
        key = bytes(record[-32:])
        if key not in self.seen:
            self.seen.append(key)
        return self.seen.index(key)

    patch.setattr(Justification, "_find", find)


def each_vote_counts(patch):
    def find(self, record):
        self.seen = self.seen + 1 if self.support else 0
        return self.seen

    patch.setattr(Justification, "_find", find)


def nobody_looks_at_signatures(patch):
    patch.setattr(justification, "ed25519_verify", lambda *_: True)


def all_votes_are_for_the_target(patch):
    patch.setattr(Justification, "_choice", lambda self, record: 1)


def every_block_has_a_place(patch):
    patch.setattr(tree.Tree, "has_two_blocks", lambda self, slot, author: False)


class Whatever:
    """Equal to all there is."""

    def __ne__(self, other):
        return False


def nothing_is_checksummed(patch):
    patch.setattr(journal, "_checksum", lambda at, start, payload: bytes(16))
    patch.setattr(checkpoint, "_binding", lambda version, body: Whatever())


@pytest.mark.parametrize("defence, attack", [
    (marks_believed_when_sealed, attacks.forged_marks),
    (marks_believed_when_sealed, attacks.eclipse),
    (a_third_is_enough, attacks.votes_missing),
    (two_thirds_are_enough, attacks.one_vote_missing),
    (anybody_votes, attacks.removed_validators),
    (each_vote_counts, attacks.counted_twice),
    (nobody_looks_at_signatures, attacks.relabelled),
    (all_votes_are_for_the_target, attacks.other_root),
    (every_block_has_a_place, attacks.equivocation),
    (nothing_is_checksummed, attacks.broken_journal),
], ids=lambda one: one.__name__)
def test_without_its_defence_the_attack_succeeds(defence, attack, monkeypatch, tmp_path):
    defence(monkeypatch)
    with pytest.raises(Fooled):
        asyncio.run(attack(Scene(tmp_path)))


def test_who_asks_for_less_than_vouched_is_answered_from_a_forged_root(tmp_path):
    with pytest.raises(Fooled, match="sealed answer about the state after slot .* a false value"):
        asyncio.run(attacks.false_root(Scene(tmp_path), asked=(SEALED,)))


def test_who_starts_from_before_the_fork_cannot_tell_it_from_the_chain(tmp_path):
    with pytest.raises(Fooled, match="took slot .* for final"):
        asyncio.run(attacks.long_range_fork(Scene(tmp_path), start=0))


def test_more_than_two_thirds_of_a_set_that_is_trusted_make_a_false_block_final(tmp_path):
    async def scene():
        honest = attacks.still()
        fork = honest.finality.long_range_fork(honest.at(45), 20)
        async with Scene(tmp_path).stage(honest, fork, start=attacks.checkpoint_in(honest, 40)) as stage:
            await stage.is_final()

    with pytest.raises(Fooled):
        asyncio.run(scene())


def test_votes_of_a_whole_set_for_a_false_state_are_an_alarm_where_authors_are_honest(tmp_path):
    async def scene():
        liars = attacks.chain_of(fault="wrong-state-root-by-majority")
        stage = Scene(tmp_path).stage(attacks.still(), liars, final_until=-1, asked=(FINAL,), peer_retry_ms=50)
        async with stage:
            # Who shows it is asked again, but less and less often: no flood of events, and no processor time for it.
            await stage.until(lambda: stage.node.finality.proved >= 3)
            told = stage.named("conflict")
            assert len(told) == stage.node.finality.proved and len({fields["slot"] for fields in told}) == 1
            assert "CONFLICT" in Status().read(stage.node).final
            (source,) = stage.node.finality._sources
            assert source.failures >= 3 and stage.node.finality.refused == 0
            return stage.node.chain.final

    assert asyncio.run(scene()) is None

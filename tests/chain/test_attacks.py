"""One dishonest author against a follower that sees nobody else. Each attack fools a node without the rule.

The author seals with a real key and all else in the block is in order, so every header passes every check that a
header allows. What stops it is that nobody else builds on it.
"""

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain import light as light_module
from jamliquor_lite.chain.epoch import Epoch
from jamliquor_lite.chain.levels import SEALED, VOUCHED_LEVEL
from jamliquor_lite.chain.light import ADDED, HELD
from jamliquor_lite.chain.tree import NONE, PENDING, Tree
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.build import encode_epoch_mark
from jamliquor_lite.devnet.faults import Fault
from jamliquor_lite.devnet.keys import ValidatorSet
from jamliquor_lite.devnet.safrole import Ticket
from jamliquor_lite.errors import LocalError, VerifyError
from jamliquor_lite.sync.query import choose
from tests.chain.chains import Recorder, of_devnet


class ForgedKeys(Fault):
    """An epoch mark that names keys of the attacker's own."""

    def change(self, chain, draft):
        forged = ValidatorSet(tuple(chain.attackers[i] for i in range(TINY.validators)))
        draft.state.next = forged
        eta = draft.parent.state.entropy
        draft.epoch_mark = encode_epoch_mark(eta[0], eta[1], forged.pairs)


class ForgedTickets(Fault):
    """A tickets mark full of ids that nobody has, but for the three that the attacker's own key can claim."""

    def change(self, chain, draft):
        state = draft.state
        maker = next(member for member in state.next.members if member is not None)
        own = [Ticket(maker.output(b"jam_ticket_seal" + state.entropy[2] + bytes([i])), i, maker) for i in range(3)]
        filler = [Ticket(bytes([20 * i]) * 32, 0, None) for i in range(1, 10)]
        state.accumulator = sorted(own + filler, key=lambda ticket: ticket.id)
        from jamliquor_lite.devnet.safrole import outside_in

        draft.tickets_mark = b"".join(ticket.encode() for ticket in outside_in(state.accumulator))


class ForgedRoot(Fault):
    """A state that never was."""

    def change(self, chain, draft):
        draft.prior_state_root = b"\x66" * 32


class Different(Fault):
    def __init__(self, number):
        self.number = number

    def change(self, chain, draft):
        draft.extrinsic_hash = self.number.to_bytes(32, "little")


def devnet_at(phase, blocks=20):
    """A chain whose next slot has this phase, all of its blocks and the checkpoint of its genesis."""
    chain = DevChain(TINY, seed=21, keys=5, contests="never", offences=False)
    start = of_devnet(chain)
    chain.advance(blocks)
    while TINY.phase(chain.best.slot + 1) != phase:
        chain.advance(1)
    return chain, start


def followed(start, chain, **options):
    light = Recorder(start, **options)
    for block in chain.chain()[1:]:
        assert light.add(block.header) == ADDED
    return light


def author_alone(fork, fault, blocks):
    """The fork's next block with the fault, then what the same author can add without anybody's help."""
    made = []
    slot = fork.best.slot
    while not made:
        slot += 1
        block = fork.author(slot, fault=fault)
        if block is not None:
            made.append(block)
    fork.best = made[0]
    while len(made) < blocks and slot < made[0].slot + 40:
        slot += 1
        block = fork.author(slot, parent=made[-1])
        if block is not None:
            made.append(block)
    return made


def test_forged_keys_are_never_adopted():
    chain, start = devnet_at(0)
    fork = chain.fork_from(chain.best)
    forged = author_alone(fork, ForgedKeys(), 20)
    assert len(forged) > 8 and TINY.epoch(forged[-1].slot) > TINY.epoch(forged[0].slot)
    light = followed(start, chain)
    for block in forged:
        light.add(block.header)
    tree = light.chain.tree
    last = tree.find(forged[-1].hash)
    assert last != NONE and light.chain.levels.name(last) == "linked (pending)"
    for level in (SEALED, VOUCHED_LEVEL):
        found = choose(light.chain, level)
        assert found is None or TINY.epoch(found.by_slot) <= TINY.epoch(forged[0].slot)
    assert choose(light.chain, VOUCHED_LEVEL).by_slot < forged[0].slot
    # the same headers fool a node that adopts marks as soon as they are sealed
    fooled = followed(start, chain, adopt_at=SEALED)
    for block in forged:
        fooled.add(block.header)
    assert choose(fooled.chain, VOUCHED_LEVEL).by_slot > forged[0].slot


def test_the_honest_branch_wins_over_forged_keys():
    chain, start = devnet_at(0)
    forged = author_alone(chain.fork_from(chain.best), ForgedKeys(), 20)
    light = followed(start, chain)
    honest = chain.advance(30)
    for block in forged:
        light.add(block.header)
    for block in honest:
        light.add(block.header)
    tree = light.chain.tree
    assert tree.hash(tree.best) == honest[-1].hash
    assert choose(light.chain, VOUCHED_LEVEL).by_slot > forged[0].slot


def test_forged_tickets_are_never_adopted():
    chain, start = devnet_at(TINY.tickets_end)
    fork = chain.fork_from(chain.best)
    forged = author_alone(fork, ForgedTickets(), 1)
    fork.alone = False  # whoever holds one of the tickets may join in: at most one key does
    slot, parent = forged[0].slot, forged[0]
    while slot < forged[0].slot + 13:
        slot += 1
        block = fork.author(slot, parent=parent)
        if block is not None and TINY.epoch(slot) > TINY.epoch(forged[0].slot):
            forged.append(block)
            parent = block
    assert len(forged) == 4
    light = followed(start, chain)
    for block in forged:
        assert light.add(block.header) == ADDED
    tree = light.chain.tree
    assert all(tree.has(tree.find(block.hash), PENDING) for block in forged[1:])
    assert choose(light.chain, SEALED).by_slot <= forged[0].slot
    fooled = followed(start, chain, adopt_at=SEALED)
    for block in forged:
        fooled.add(block.header)
    assert choose(fooled.chain, SEALED).by_slot > forged[0].slot


def test_a_forged_state_root_is_not_answered_from():
    chain, start = devnet_at(5)
    forged = author_alone(chain.fork_from(chain.best), ForgedRoot(), 3)
    light = followed(start, chain)
    for block in forged:
        light.add(block.header)
    assert choose(light.chain, VOUCHED_LEVEL).root != b"\x66" * 32
    # who asks for less than `vouched` is fooled: the rule is what protects
    assert b"\x66" * 32 in [c.root for c in _committed(light.chain, SEALED)]
    assert b"\x66" * 32 not in [c.root for c in _committed(light.chain, VOUCHED_LEVEL)]


def _committed(chain, level):
    from jamliquor_lite.sync.query import Commitment

    row, found = chain.tree.best, []
    while row != chain.tree.root:
        if chain.levels.level(row) >= level:
            found.append(Commitment(chain, row, 0))
        row = chain.tree.parents[row]
    return found


def test_two_children_with_different_roots_are_refused_until_one_is_vouched_for():
    chain, start = devnet_at(5)
    light = followed(start, chain)
    forged = author_alone(chain.fork_from(chain.best), ForgedRoot(), 1)
    honest = chain.advance(1)
    light.add(forged[0].header)
    tree = light.chain.tree
    while chain.best.slot <= forged[0].slot:
        honest += chain.advance(1)
    light.add(honest[0].header)
    if tree.parents[tree.find(honest[0].hash)] == tree.parents[tree.find(forged[0].hash)]:
        tree.best = tree.find(honest[0].hash)
        with pytest.raises(LocalError):
            choose(light.chain, SEALED)
    for block in honest[1:] + chain.advance(5):
        light.add(block.header)
    assert choose(light.chain, VOUCHED_LEVEL).by_slot >= forged[0].slot


def flood(light, chain, count):
    outcomes = []
    slot = chain.best.slot + 1
    for number in range(count):
        block = chain.fork_from(chain.best, alone=False).author(slot, fault=Different(number))
        outcomes.append(light.add(block.header))
    return outcomes


def test_endless_headers_in_one_slot_take_two_places(monkeypatch):
    chain, start = devnet_at(5)
    light = followed(start, chain)
    before = light.chain.tree.count
    assert flood(light, chain, 40) == [ADDED] * 2 + [HELD] * 38
    assert light.chain.tree.count == before + 2 and light.chain.equivocations == 1
    monkeypatch.setattr(Tree, "has_two_blocks", lambda self, slot, author: False)
    open_door = followed(start, chain)
    assert flood(open_door, chain, 40) == [ADDED] * 40


def test_an_equivocation_stops_the_head_until_the_network_has_chosen():
    chain, start = devnet_at(5)
    light = followed(start, chain)
    head = light.chain.best_slot
    flood(light, chain, 1)
    assert light.chain.best_slot == head + 1
    honest = chain.advance(1)
    light.add(honest[0].header)
    assert light.chain.best_slot == head
    for block in chain.advance(6):
        light.add(block.header)
    tree = light.chain.tree
    assert tree.hash(tree.best) == chain.best.hash


@pytest.mark.parametrize("reading", ["early", "late", "never"])
def test_keys_adopted_at_the_wrong_epoch_fail_on_an_honest_chain(monkeypatch, reading):
    right = light_module.following

    def wrong(epoch, header, parent_slot, parent_entropy, next_tickets):
        made = right(epoch, header, parent_slot, parent_entropy, next_tickets)
        keys = {"early": header.mark_keys, "late": getattr(epoch, "late", epoch.keys), "never": epoch.keys}[reading]
        found = Epoch(made.spec, made.index, made.entropy, keys, made.next_keys, made.tickets)
        found.late = epoch.next_keys
        return found

    chain = DevChain(TINY, seed=4, keys=5)
    start = of_devnet(chain)
    blocks = chain.advance(40)
    assert {Recorder(start).add(block.header) for block in blocks[:1]} == {ADDED}
    monkeypatch.setattr(light_module, "following", wrong)
    light = Recorder(start)
    with pytest.raises(VerifyError):
        for block in blocks:
            light.add(block.header)
    assert light.chain.headers_checked < 26


def test_the_rule_does_not_refuse_honest_chains_that_are_slow_to_vouch():
    chain = DevChain(TINY, seed=6, keys=5, offline=0.5, contests="never")
    start = of_devnet(chain)
    light = Recorder(start, Profile())
    added = 0
    for block in chain.advance(80):
        added += light.add(block.header) == ADDED
    assert added == 80

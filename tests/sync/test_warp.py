# portable: runs on CPython and MicroPython
"""Warp sync set after set: what a chain of fragments proves, and every way in which one of them does not."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec.natural import encode
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.crypto import suite
from jamliquor_lite.errors import VerifyError
from jamliquor_lite.sync.warp import Tail, Warp, checkpoint, fragment_bytes
from jamliquor_lite.sync.warp_progress import Progress
from tests.chain.votes import joined, signed, target_of
from tests.data.handmade import Parts, counted
from tests.support import raises
from tests.sync.warps import GENESIS, Warps, feed

SETS = 4
WORLD = Warps(SETS)


class Few(Profile):
    finality_targets = 2
    finality_headers = 3
    equivocations = 2


def warp(progress=None, world=WORLD):
    return Warp(TINY, Few(), progress or world.start())


def refused(rule, data, progress=None, world=WORLD, step=0):
    """The fragment is refused and nothing has changed; the words, and how many bytes were taken before."""
    one = warp(progress, world)
    before = one.progress
    taken = [0]

    def run():
        while taken[0] < len(data) and not one.is_done:
            end = min(taken[0] + step, len(data)) if step else len(data)
            taken[0] += one.feed(data, taken[0], end)

    error = raises(VerifyError, run)
    assert error.rule == rule, str(error)
    assert one.progress is before
    one.begin()
    good = world.fragments[before.set_id]
    assert feed(one, good) == len(good) and one.progress.set_id == before.set_id + 1, "another peer's is taken"
    return str(error), taken[0]


def edited(number, **fields):
    """A fragment whose header has other fields, voted for as it stands."""
    parts = Parts(WORLD.headers[number].slot, number)
    for name in ("parent", "epoch_mark"):
        setattr(parts, name, getattr(WORLD.headers[number], name))
    for name, value in fields.items():
        setattr(parts, name, value)
    data = parts.bytes()
    return data + WORLD.justified(number, target_of(suite.blake2b_256(data), counted(60, 32), parts.slot))


def after(count, world=WORLD):
    """A progress that stands behind so many fragments."""
    one = warp(None, world)
    for fragment in world.fragments[:count]:
        one.begin()
        feed(one, fragment)
    return one.progress


def test_fragment_after_fragment():
    for step in (0, 1, 97, 4096):
        one = warp()
        for number, fragment in enumerate(WORLD.fragments):
            assert one.want() == number
            one.begin()
            assert feed(one, fragment + b"more", step) == len(fragment) and one.is_done
            assert one.feed(b"more", 0, 4) == 0
            found, parts = one.progress, WORLD.headers[number]
            assert found.set_id == number + 1 and found.fragments == number + 1 and found.slot == parts.slot
            assert found.header_hash == suite.blake2b_256(parts.bytes()) and found.parent == parts.parent
            assert found.state_root == counted(60 + number, 32) and found.origin == GENESIS
            assert found.keys.whole() == WORLD.keys[number + 1]
            assert found.next_keys.whole() == WORLD.keys[number + 2]
            assert found.entropy[0] == WORLD.entropies[number]
            assert found.author == number and found.seal == parts.seal
            assert found.entropy_signature == parts.entropy_signature
        assert found.entropy == [WORLD.entropies[3], WORLD.entropies[2], WORLD.entropies[1]]
        assert one.votes == SETS * 5 and one.evidence == []


def test_one_call_checks_one_signature():
    one = warp()
    at, calls = 0, 0
    fragment = WORLD.fragments[0]
    while not one.is_done:
        before = one.votes
        at += one.feed(fragment, at, len(fragment))
        calls += 1
        assert one.votes - before <= 1
    assert calls == 1 + 5 + 1


def test_it_is_small_at_any_number_of_fragments():
    assert fragment_bytes(TINY) >= len(WORLD.fragments[0]) > fragment_bytes(TINY) - 4


def test_every_byte_counts():
    whole = WORLD.fragments[0]
    for at in range(0, len(whole), 7):
        bad = bytearray(whole)
        bad[at] ^= 0x40
        one = warp()
        try:
            feed(one, bytes(bad))
        except VerifyError:
            pass
        assert not one.is_done, at
    for end in range(0, len(whole), 41):
        one = warp()
        feed(one, whole[:end])
        assert not one.is_done


def test_another_sets_fragment_is_refused():
    words, taken = refused("mark_entropy", WORLD.fragments[1])
    assert "not ours" in words
    words, taken = refused("slot", WORLD.fragments[1], after(2))
    assert "whose epoch it does not end" in words and taken < 165


def test_early_refusal():
    plain = Parts(WORLD.headers[0].slot)
    assert refused("epoch_mark", plain.bytes(), step=1)[1] == 100
    slot = Parts(5)
    slot.epoch_mark = WORLD.headers[0].epoch_mark
    assert refused("slot", slot.bytes(), step=1)[1] == 99
    mark = bytearray(WORLD.headers[0].epoch_mark)
    mark[40] ^= 1
    assert refused("mark_entropy", edited(0, epoch_mark=bytes(mark)), step=1)[1] == 164
    both = edited(0, tickets_mark=counted(1, TINY.tickets_mark_size))
    assert refused("tickets_mark", both, step=1)[1] == 101 + TINY.epoch_mark_size
    # Of a justification for another block no vote is looked at.
    header = WORLD.headers[0].bytes()
    other = WORLD.justified(0, target_of(counted(1, 32), counted(2, 32), WORLD.headers[0].slot))
    assert refused("target", header + other)[1] == len(header)
    assert refused("set_id", header + WORLD.justified(0, WORLD.targets[0], set_id=1))[1] == len(header)
    late = WORLD.targets[0][:64] + (WORLD.headers[0].slot + 1).to_bytes(4, "little")
    assert "its votes name slot" in refused("target", header + WORLD.justified(0, late))[0]


def test_who_may_vote():
    header, target = WORLD.headers[1].bytes(), WORLD.targets[1]
    stand = after(1)
    # The sets before and after have no vote in it, though all signed its id, and nor has who was never in a set.
    for number in (0, 2):
        refused("voter", header + WORLD.justified(number, target, set_id=1), stand)
    seeds = WORLD.validators[1].seeds
    votes = [signed(seeds[i], target, 3, 1) for i in range(4)]
    refused("votes", header + joined(target, votes, 3, 1), stand)
    refused("votes", header + joined(target, votes + votes[:1], 3, 1), stand)
    refused("signature", header + joined(target, votes + [signed(seeds[4], target, 3, 2)], 3, 1), stand)


def test_the_other_reading_of_pull_request_6_fails():
    """Sets that vote for the block that opens their own epoch: reading B (chain/epoch.py)."""
    header, target = WORLD.headers[0].bytes(), WORLD.targets[0]
    refused("voter", header + WORLD.justified(1, target, set_id=0))


def test_struck_keys_do_not_vote():
    world = Warps(2, struck=[(1, 4)])
    one = warp(after(1, world), world)
    words = raises(VerifyError, lambda: feed(one, world.fragments[1]))  # by the first five, one of whom was struck out
    assert words.rule == "voter"
    zero = world.targets[1] + b"\1" + bytes(63) + bytes(32)  # ZIP-215 has it signed everything
    votes = [signed(world.validators[1].seeds[i], world.targets[1], 3, 1) for i in range(4)]
    one.begin()
    forged = world.headers[1].bytes() + joined(world.targets[1], votes + [zero], 3, 1)
    words = raises(VerifyError, lambda: feed(one, forged))
    assert words.rule == "voter"
    one.begin()
    feed(one, world.headers[1].bytes() + world.justified(1, world.targets[1], (0, 1, 2, 3, 5)))
    assert one.progress.set_id == 2


def test_equivocators_are_evidence():
    header, target = WORLD.headers[0].bytes(), WORLD.targets[0]
    child = Parts(WORLD.headers[0].slot + 1)
    child.parent = target[:32]
    other = target_of(suite.blake2b_256(child.bytes()), counted(1, 32), child.slot)
    seeds = WORLD.validators[0].seeds
    votes = [signed(seeds[i], target, 3, 0) for i in range(5)] + [signed(seeds[2], other, 3, 0)]
    one = warp()
    feed(one, header + joined(target, votes, 3, 0, [child.bytes()]))
    assert one.evidence == [(0, 2, target, other)]


def test_skipped_epochs_have_no_set():
    header = WORLD.headers[1]
    assert TINY.epoch(header.slot) == 2
    skipped = edited(1, slot=TINY.epoch_length * 7 + 3)
    one = warp(after(1))
    feed(one, skipped)
    assert one.progress.set_id == 2 and TINY.epoch(one.progress.slot) == 7


def test_progress_is_kept():
    found = after(3)
    again = Progress.decode(found.encode(), TINY)
    assert again.encode() == found.encode()
    one = warp(again)
    feed(one, WORLD.fragments[3])
    assert one.progress.set_id == 4
    data = found.encode()
    for bad in (b"", b"\x80", data[:-1], data + b"\0", data.replace(b"jamliquor-warp", b"jamliquor-wasp"),
                data.replace(b"set_id", b"sat_id")):
        assert raises(VerifyError, Progress.decode, bad, TINY).rule == "progress"
    # Nothing proved yet is nothing to keep.
    assert raises(VerifyError, Progress.decode, WORLD.start().encode(), TINY).rule == "progress"


def marked(slot, parent, tickets=None):
    parts = Parts(slot)
    parts.parent = parent
    parts.tickets_mark = tickets
    return parts.bytes()


def line(slots, mark_at=None):
    """Headers of these slots, oldest first, the last of which a progress names as its parent."""
    parent, made = counted(7, 32), []
    for slot in slots:
        made.append(marked(slot, parent, counted(9, TINY.tickets_mark_size) if slot == mark_at else None))
        parent = suite.blake2b_256(made[-1])
    found = after(1)
    found.parent = parent
    found.slot = 5 * TINY.epoch_length
    return found, [Header(TINY, one) for one in made[::-1]]


def test_a_tail_finds_the_tickets():
    base = 4 * TINY.epoch_length
    for slots, mark_at, needed in (
        ((base + 8, base + 10, base + 11), base + 10, 2),
        ((base + 8, base + 10, base + 11), base + 11, 1),
        ((base + 8, base + 10, base + 11), None, 3),  # the accumulator was not full
        ((base - 1, base + 11), None, 2),
        ((base + 8,), None, 1),
        ((base - 2,), base - 2, 1),  # an epoch was skipped: the tickets of then are of no use
    ):
        found, headers = line(slots, mark_at)
        tail = Tail(TINY, found)
        used = 0
        while not tail.is_done:
            tail.add(headers[used])
            used += 1
        assert used == needed <= tail.most, slots
        has = mark_at is not None and TINY.epoch(mark_at) == 4
        assert tail.tickets == (counted(9, TINY.tickets_mark_size) if has else None)


def test_a_tail_takes_ancestors_alone():
    base = 4 * TINY.epoch_length
    found, headers = line((base + 8, base + 10, base + 11))
    tail = Tail(TINY, found)
    assert raises(VerifyError, tail.add, headers[1]).rule == "parent"
    tail.add(headers[0])
    assert raises(VerifyError, tail.add, headers[0]).rule == "parent"
    assert tail.tickets is None and not tail.is_done


def test_no_checkpoint_without_a_fragment_or_with_a_false_signature():
    assert raises(VerifyError, checkpoint, TINY, WORLD.start(), None, "x", True).rule == "author"
    assert raises(VerifyError, checkpoint, TINY, after(1), None, "x", True).rule == "entropy"
    found = after(1)
    found.author = TINY.validators
    assert raises(VerifyError, checkpoint, TINY, found, None, "x", True).rule == "author"


def test_an_answer_of_no_fragments():
    assert WORLD.answer(SETS) == encode(0)

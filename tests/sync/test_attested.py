# portable: runs on CPython and MicroPython
"""n of m: who is heard, what is chosen, who is outvoted, and what is said of those who disagree."""

from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.jam.attestation import FINAL, VOUCHED, Entry
from jamliquor_lite.sync.attested import Witnesses, policy

A, B, C = "12D3KooWA" + "a" * 40, "12D3KooWB" + "b" * 40, "12D3KooWC" + "c" * 40
EPOCH = TINY.epoch_length


def block(epoch, kind=0, slot=0, level=VOUCHED, set_id=7):
    """The block that opened an epoch; of another `kind` it is another one."""
    content = bytes((epoch & 0xFF, kind)) * 16
    return Entry(epoch * EPOCH + slot, content, set_id, level, bytes(reversed(content)))


def decided(said, needed=2, names=(A, B, C), **options):
    witnesses = Witnesses(needed, list(names), TINY, **options)
    for name in said:
        if isinstance(said[name], str):
            witnesses.fails(name, said[name])
        else:
            witnesses.heard(name, said[name])
    return witnesses.decide()


def test_policies():
    for text, found in (("2/3", (2, 3)), ("3/3", (3, 3)), ("3/5", (3, 5)), ("33/64", (33, 64)), ("64/64", (64, 64))):
        assert policy(text) == found
    for text in ("", "2", "1/3", "2/2", "1/1", "2/4", "4/3", "0/3", "32/64", "33/65", "2/3/4", " 2/3", "2/ 3", "+2/3",
                 "a/3", "2/3 ", "-2/3", "2 of 3", "002/3", "²/3"):
        assert policy(text) is None, text


def test_all_agree_and_nothing_is_said():
    entries = [block(9), block(8), block(7)]
    verdict = decided({A: entries, B: entries, C: entries})
    assert verdict.entry.slot == 9 * EPOCH and verdict.word == "3/3"
    assert verdict.agreed == [A, B, C] and not verdict.outvoted and not verdict.alarms() and not verdict.reasons()


def test_one_liar_in_three_is_outvoted_and_named_whoever_it_is():
    for liar in (A, B, C):
        said = {name: [block(9), block(8)] for name in (A, B, C)}
        said[liar] = [block(9, kind=1), block(8)]
        verdict = decided(said)
        assert verdict.entry.header_hash == block(9).header_hash and verdict.word == "2/3"
        assert liar not in verdict.agreed and [name for name, _ in verdict.outvoted] == [liar]
        (line,) = verdict.alarms()
        for name in (A, B, C):
            assert name[:16] in line
        assert "epoch 9" in line and "slot 108" in line


def test_a_liar_about_the_slot_or_the_content_alone_is_one_too():
    other = block(9)
    other.digest = bytes(32)
    for lie in (other, block(9, slot=3)):
        verdict = decided({A: [block(9)], B: [lie], C: [block(9)]})
        assert [name for name, _ in verdict.outvoted] == [B] and verdict.word == "2/3"


def test_set_ids_and_levels_are_no_part_of_what_must_agree():
    verdict = decided({A: [block(9, set_id=1)], B: [block(9, level=FINAL, set_id=2)], C: [block(9)]})
    assert verdict.word == "3/3" and verdict.level == VOUCHED and not verdict.alarms()
    assert decided({A: [block(9, level=FINAL)], B: [block(9, level=FINAL)], C: [block(9)]}).level == FINAL


def test_three_that_say_three_things_choose_nothing():
    verdict = decided({A: [block(9)], B: [block(9, 1)], C: [block(9, 2)]})
    assert verdict.entry is None and verdict.word == "" and not verdict.outvoted
    (line,) = verdict.alarms()
    for name in (A, B, C):
        assert name[:16] in line


def test_who_is_an_epoch_behind_is_no_liar():
    new, old = [block(9), block(8), block(7)], [block(8), block(7)]
    verdict = decided({A: new, B: old, C: old})
    assert verdict.entry.slot == 8 * EPOCH and verdict.word == "3/3" and not verdict.alarms()
    verdict = decided({A: new, B: new, C: old})
    assert verdict.entry.slot == 9 * EPOCH and verdict.word == "2/3" and not verdict.alarms()


def test_a_dispute_above_what_is_chosen_is_an_alarm_all_the_same():
    verdict = decided({A: [block(9), block(8)], B: [block(9, 1), block(8)], C: [block(8)]})
    assert verdict.entry.slot == 8 * EPOCH and verdict.word == "3/3" and not verdict.outvoted
    (line,) = verdict.alarms()
    assert "epoch 9" in line and A[:16] in line and B[:16] in line and C[:16] not in line


def test_a_liar_who_names_an_epoch_far_ahead_changes_nothing():
    verdict = decided({A: [block(9)], B: [block(9)], C: [block(4000)]}, latest=9 * EPOCH + 5)
    assert verdict.entry.slot == 9 * EPOCH and "has not come" in verdict.reasons() and C[:16] in verdict.reasons()
    assert decided({A: [block(9)], B: [block(9)], C: [block(4000)]}).entry.slot == 9 * EPOCH
    assert decided({A: [block(9)], B: [block(9)], C: [block(9)]}, latest=9 * EPOCH).word == "3/3"
    assert decided({A: [block(9)], B: [block(9)], C: [block(9)]}, latest=9 * EPOCH - 1).entry is None


def test_what_is_too_old_does_not_count():
    old = [block(3), block(2)]
    verdict = decided({A: old, B: old, C: [block(9)]}, earliest=5 * EPOCH)
    assert verdict.entry is None and not verdict.alarms()
    assert verdict.reasons().count("too old") == 2
    assert decided({A: old, B: old, C: old}, earliest=3 * EPOCH).entry.slot == 3 * EPOCH


def test_two_blocks_for_one_epoch_are_nobodys_word():
    both = [block(9, 1, slot=5), block(9)]
    verdict = decided({A: both, B: [block(9)], C: [block(9, 1, slot=5)]})
    assert verdict.entry is None and "two blocks for one epoch" in verdict.reasons()


def test_who_is_not_pinned_is_not_heard_and_nobody_is_heard_twice():
    strangers = {"12D3KooWX" + str(number): [block(9, 1)] for number in range(9)}
    verdict = decided(dict(strangers, **{A: [block(9)], B: [block(9, 1)]}))
    assert verdict.entry is None and verdict.of == 3
    witnesses = Witnesses(2, [A, B, C], TINY)
    assert witnesses.missing == [A, B, C]
    witnesses.heard(A, [block(9)])
    witnesses.heard(A, [block(9, 1)])
    witnesses.fails(A, "gone")
    witnesses.fails("12D3KooWX", "gone")
    assert witnesses.missing == [B, C]
    witnesses.heard(B, [block(9)])
    verdict = witnesses.decide()
    assert verdict.word == "2/3" and verdict.silent == [(C, "said nothing")]


def test_too_few_who_answer():
    verdict = decided({A: [block(9)], B: "it did not answer", C: []})
    assert verdict.entry is None and not verdict.alarms()
    assert verdict.reasons() == "%s…: it did not answer; %s…: has seen no epoch begin" % (B[:16], C[:16])


def test_the_order_in_which_they_answer_makes_no_difference():
    said = {A: [block(9), block(8)], B: [block(9, 1), block(8)], C: [block(9), block(8, 1)]}
    found = set()
    for order in ((A, B, C), (B, C, A), (C, A, B), (C, B, A)):
        verdict = decided({name: said[name] for name in order})
        found.add((verdict.word, verdict.entry.header_hash, "\n".join(verdict.alarms())))
    assert len(found) == 1 and "2/3" in found.pop()


def test_three_of_five():
    names = [chr(65 + i) * 20 for i in range(5)]
    two, three = [block(9, 1)], [block(9)]
    said = dict(zip(names, [three, two, three, two, three]))
    assert decided(said, needed=3, names=names).word == "3/5"
    said[names[0]] = two
    verdict = decided(said, needed=3, names=names)
    assert verdict.entry.header_hash == block(9, 1).header_hash and len(verdict.outvoted) == 2
    said[names[0]] = "gone"
    assert decided(said, needed=3, names=names).entry is None

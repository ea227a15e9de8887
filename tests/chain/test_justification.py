# portable: runs on CPython and MicroPython
"""GRANDPA justifications while they stream in: what proves a block final, and every way in which it does not."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.header_walk import HeaderWalk
from jamliquor_lite.chain.justification import Justification, needed
from jamliquor_lite.chain.sets import Held
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.crypto.suite import blake2b_256
from jamliquor_lite.errors import BudgetError, VerifyError
from tests.chain.votes import Voters, joined, signed, target_of
from tests.data.handmade import Parts, counted
from tests.support import raises

ROUND, SET_ID, SLOT = (5 << 32) + 3, 9, 1000
VOTERS = Voters(TINY.validators)
KEYS = Held(VOTERS.keys)
TARGET = target_of(counted(50, 32), counted(51, 32), SLOT)
ENOUGH = range(5)
VOTES = VOTERS.votes(range(6), TARGET, ROUND, SET_ID)


class Few(Profile):
    finality_targets = 2
    finality_headers = 3
    equivocations = 1


def check(data, step=0, keys=KEYS, set_id=SET_ID, wanted=None, checker=None):
    """The checker, fed by pieces of `step` bytes (0: all at once) until it has taken all that it wants."""
    found = checker or Justification(TINY, Few())
    found.begin(keys, set_id, wanted)
    at = 0
    while at < len(data) and not found.is_done:
        end = min(at + step, len(data)) if step else len(data)
        taken = found.feed(data, at, end)
        assert taken > 0 or found.is_done
        at += taken
    found.taken = at
    return found


def refused(rule, data, **options):
    error = raises(VerifyError, lambda: check(data, **options))
    assert error.rule == rule, str(error)
    return str(error)


def descendants(count, above=None, slot=SLOT):
    """Headers, each the child of the one before; the first one's parent is `above`, else the target."""
    out = []
    parent = above or TARGET[:32]
    for i in range(count):
        parts = Parts(slot + 1 + i)
        parts.parent = parent
        out.append(parts.bytes())
        parent = blake2b_256(out[-1])
    return out


def vote_for(header, slot):
    return target_of(blake2b_256(header), counted(60, 32), slot)


def test_enough_votes_for_one_block_prove_it_final():
    for step in (0, 1, 7, 164, 300):
        data = joined(TARGET, VOTES[:5], ROUND, SET_ID)
        found = check(data + b"more", step)
        assert found.is_done and found.taken == len(data) and found.feed(b"more", 0, 4) == 0
        assert found.header_hash + found.state_root == TARGET[:64] and found.slot == SLOT
        assert found.round == ROUND and found.support == 5 and found.duplicates == 0 and found.evidence == []


def test_one_call_checks_one_signature():
    data = joined(TARGET, VOTES, ROUND, SET_ID)
    found = Justification(TINY, Few())
    found.begin(KEYS, SET_ID)
    at, calls = 0, 0
    while not found.is_done:
        at += found.feed(data, at, len(data))
        calls += 1
        assert found.support <= calls
    assert at == len(data) and calls == len(VOTES) + 1


def test_more_than_two_thirds_are_needed_of_all():
    assert [needed(count) for count in (1, 3, 4, 6, 1023)] == [1, 3, 3, 5, 683]
    assert "5 to 12" in refused("votes", joined(TARGET, VOTES[:4], ROUND, SET_ID))
    too_many = joined(TARGET, VOTES + VOTES + VOTES[:1], ROUND, SET_ID)
    assert "13 votes" in refused("votes", too_many)


def test_it_is_refused_as_soon_as_it_cannot_hold():
    data = joined(TARGET, [VOTES[0]] * 2 + VOTES[1:4], ROUND, SET_ID)
    found = Justification(TINY, Few())
    found.begin(KEYS, SET_ID)
    at = found.feed(data, 0, len(data))
    assert found.support == 1
    error = raises(VerifyError, lambda: found.feed(data, at, len(data)))
    assert error.rule == "votes" and "1 good votes and 3 to come: 5 are needed" in str(error)


def test_a_vote_that_stands_there_twice_counts_once():
    found = check(joined(TARGET, VOTES[:5] + VOTES[2:4], ROUND, SET_ID))
    assert found.is_done and found.support == 5 and found.duplicates == 2 and found.evidence == []


def test_what_was_signed_counts_as_it_was_signed():
    data = joined(TARGET, VOTES[:5], ROUND, SET_ID)
    refused("set_id", data, set_id=SET_ID + 1)
    for other in (joined(TARGET, VOTES[:5], ROUND + 1, SET_ID),
                  joined(TARGET, VOTES[:4] + [signed(VOTERS.seeds[4], TARGET, ROUND, SET_ID + 1)], ROUND, SET_ID),
                  joined(TARGET, VOTES[:4] + [signed(VOTERS.seeds[4], TARGET, ROUND, SET_ID, 0)], ROUND, SET_ID),
                  joined(TARGET, VOTES[:4] + [VOTES[4][:132] + VOTERS.publics[5]], ROUND, SET_ID)):
        assert "did not sign" in refused("signature", other)


def test_every_byte_counts():
    data = joined(TARGET, VOTES[:5], ROUND, SET_ID)
    assert check(data).is_done
    # With the bit 6 of a count it is longer than the data, and so it is not done.
    for at in range(0, len(data), 5):
        bad = bytearray(data)
        bad[at] ^= 0x40
        try:
            assert not check(bytes(bad)).is_done, at
        except (VerifyError, BudgetError):
            pass
    for end in range(0, len(data), 41):
        assert not check(data[:end]).is_done


def test_who_is_nobody_of_the_set_is_refused():
    stranger = signed(bytes([99]) * 32, TARGET, ROUND, SET_ID)
    refused("voter", joined(TARGET, VOTES[:4] + [stranger], ROUND, SET_ID))
    # A Bandersnatch key of the set is no voter's.
    refused("voter", joined(TARGET, VOTES[:4] + [VOTES[4][:132] + bytes([4]) * 32], ROUND, SET_ID))


def test_a_key_of_zeros_is_nobodys():
    # By ZIP-215 the zero key has signed everything: R = [s]B, whatever was hashed, for s = 0 is R the neutral point.
    keys = bytearray(VOTERS.keys)
    keys[64 * 4 : 64 * 5] = bytes(64)
    forged = TARGET + b"\1" + bytes(63) + bytes(32)
    refused("voter", joined(TARGET, VOTES[:4] + [forged], ROUND, SET_ID), keys=Held(bytes(keys)))
    # And more than 2/3 of all are needed even so.
    votes = VOTES[:4] + VOTES[5:]
    assert check(joined(TARGET, votes, ROUND, SET_ID), keys=Held(bytes(keys))).support == 5
    refused("votes", joined(TARGET, VOTES[:4], ROUND, SET_ID), keys=Held(bytes(keys)))


def test_keys_that_begin_alike_are_told_apart():
    keys = bytearray(VOTERS.keys)
    other = bytearray(VOTERS.publics[3])
    other[31] ^= 1
    keys[32:64] = other  # the first one has the first bytes of the fourth one's
    assert check(joined(TARGET, VOTES[1:], ROUND, SET_ID), keys=Held(bytes(keys))).support == 5


def test_the_genesis_round_has_no_votes():
    votes = VOTERS.votes(ENOUGH, TARGET, 0, 0)
    refused("round", joined(TARGET, votes, 0, 0), set_id=0)
    assert check(joined(TARGET, VOTERS.votes(ENOUGH, TARGET, 1, 0), 1, 0), set_id=0).round == 1
    assert check(joined(TARGET, VOTERS.votes(ENOUGH, TARGET, 0, 1), 0, 1), set_id=1).round == 0


def test_another_block_than_was_asked_for_is_refused_at_once():
    data = joined(TARGET, VOTES[:5], ROUND, SET_ID)
    assert check(data, wanted=TARGET[:32]).is_done
    refused("target", data[:80], wanted=counted(52, 32))


def test_votes_for_descendants_count_when_their_headers_are_there():
    headers = descendants(3)
    for order in ([0, 1, 2], [2, 0, 1]):
        votes = VOTES[:3]
        votes += VOTERS.votes([3], vote_for(headers[2], SLOT + 3), ROUND, SET_ID)
        votes += VOTERS.votes([4], vote_for(headers[1], SLOT + 2), ROUND, SET_ID)
        data = joined(TARGET, votes, ROUND, SET_ID, [headers[i] for i in order])
        for step in (0, 1, 100):
            found = check(data, step)
            assert found.is_done and found.support == 5 and found.taken == len(data)


def test_a_vote_for_no_descendant_is_refused():
    headers = descendants(3)
    other = VOTERS.votes([4], vote_for(headers[1], SLOT + 2), ROUND, SET_ID)
    for shown in ([], headers[1:2], headers[:1], [headers[0], headers[2]]):
        refused("ancestry", joined(TARGET, VOTES[:4] + other, ROUND, SET_ID, shown))
    assert check(joined(TARGET, VOTES[:4] + other, ROUND, SET_ID, headers[:2])).is_done
    # A header too many, and the same one twice.
    assert "no vote needs" in refused("ancestry", joined(TARGET, VOTES[:4] + other, ROUND, SET_ID, headers))
    refused("ancestry", joined(TARGET, VOTES[:4] + other, ROUND, SET_ID, headers[:2] + headers[:1]))
    refused("ancestry", joined(TARGET, VOTES[:5], ROUND, SET_ID, headers[:1]))
    # A branch of another block, a slot that is not the header's, one that is not after the target's.
    branch = descendants(2, counted(70, 32))
    vote = VOTERS.votes([4], vote_for(branch[1], SLOT + 2), ROUND, SET_ID)
    refused("ancestry", joined(TARGET, VOTES[:4] + vote, ROUND, SET_ID, branch))
    vote = VOTERS.votes([4], vote_for(headers[0], SLOT + 2), ROUND, SET_ID)
    refused("ancestry", joined(TARGET, VOTES[:4] + vote, ROUND, SET_ID, headers[:1]))
    early = descendants(1, slot=SLOT - 1)
    vote = VOTERS.votes([4], vote_for(early[0], SLOT), ROUND, SET_ID)
    refused("ancestry", joined(TARGET, VOTES[:4] + vote, ROUND, SET_ID, early))
    # Slots that do not fall on the way.
    late = descendants(1, slot=SLOT + 8)
    young = descendants(1, blake2b_256(late[0]), SLOT + 1)
    vote = VOTERS.votes([4], vote_for(young[0], SLOT + 2), ROUND, SET_ID)
    refused("ancestry", joined(TARGET, VOTES[:4] + vote, ROUND, SET_ID, late + young))
    # The target's header with another state root is another vote.
    root = target_of(TARGET[:32], counted(71, 32), SLOT)
    refused("ancestry", joined(TARGET, VOTES[:4] + VOTERS.votes([4], root, ROUND, SET_ID), ROUND, SET_ID))


def test_who_votes_for_two_blocks_is_evidence_and_counts_once():
    headers = descendants(1)
    other = vote_for(headers[0], SLOT + 1)
    votes = VOTES[:5] + VOTERS.votes([1, 2], other, ROUND, SET_ID)
    found = check(joined(TARGET, votes, ROUND, SET_ID, headers))
    assert found.is_done and found.support == 5
    assert found.evidence == [(1, TARGET, other)]  # as many as the profile keeps
    # Its second vote must be good as well: nobody may be accused by a stranger.
    forged = VOTES[:5] + [other + VOTES[1][68:]]
    refused("signature", joined(TARGET, forged, ROUND, SET_ID, headers))
    # Two votes of one are not two members.
    votes = VOTES[:4] + VOTERS.votes([1], other, ROUND, SET_ID)
    refused("votes", joined(TARGET, votes, ROUND, SET_ID, headers))


def test_more_blocks_or_headers_than_there_is_room_for_are_a_bound_reached():
    headers = descendants(3)
    votes = [VOTERS.votes([i], vote_for(headers[i], SLOT + 1 + i), ROUND, SET_ID)[0] for i in range(3)]
    error = raises(BudgetError, lambda: check(joined(TARGET, votes + VOTES[3:], ROUND, SET_ID, headers)))
    assert error.limit == "finality_targets"
    error = raises(BudgetError, lambda: check(joined(TARGET, VOTES[:5], ROUND, SET_ID, descendants(4))))
    assert error.limit == "finality_headers"


def test_one_object_checks_many():
    checker = Justification(TINY, Few())
    headers = descendants(1)
    other = VOTERS.votes([4], vote_for(headers[0], SLOT + 1), ROUND, SET_ID)
    for _ in range(2):
        refused("ancestry", joined(TARGET, VOTES[:4] + other, ROUND, SET_ID), checker=checker)
        assert not checker.is_done
        found = check(joined(TARGET, VOTES[:4] + other, ROUND, SET_ID, headers), checker=checker)
        assert found.is_done and found.support == 5
        # The headers of the one before prove nothing for this one.
        refused("ancestry", joined(TARGET, VOTES[:4] + other, ROUND, SET_ID), checker=checker)


def test_a_walk_finds_the_end_of_every_header():
    plain, marked = Parts(7), Parts(8)
    marked.epoch_mark = counted(80, TINY.epoch_mark_size)
    marked.tickets_mark = counted(81, TINY.tickets_mark_size)
    marked.offenders = [counted(82, 32), counted(83, 32)]
    tickets = Parts(9)
    tickets.tickets_mark = counted(84, TINY.tickets_mark_size)
    walk = HeaderWalk(TINY)
    for parts in (plain, marked, tickets):
        data = parts.bytes()
        for step in (1, 3, 150, 5000):
            walk.begin()
            at = 0
            long = data + plain.bytes()
            while not walk.is_done:
                at += walk.feed(long, at, min(len(long), at + step))
            assert at == walk.size == len(data) and walk.digest == blake2b_256(data) and walk.slot == parts.slot
            assert bytes(walk.head) == data[:100]
            assert walk.has_epoch_mark == (parts is marked) and walk.has_tickets_mark == (parts is not plain)
    for at, what in ((100, "flag"), (101, "flag"), (200, "offenders")):
        bad = bytearray(plain.bytes())
        bad[at] = 7
        walk.begin()
        error = raises(VerifyError, walk.feed, bad, 0, len(bad))
        assert error.rule == "codec" and what in str(error)

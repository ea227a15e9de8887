"""CE 130 over any carrier. Each function takes a fresh carrier; test_justification_request.py runs them."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.justification import Justification
from jamliquor_lite.chain.sets import Held
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.errors import BudgetError, LocalError, RemoteError
from jamliquor_lite.jam.events import DONE, LOST, MORE, REFUSED
from jamliquor_lite.jam.justification_request import JustificationRequest, longest
from jamliquor_lite.jam.kinds import (
    DECLINED,
    JUSTIFICATION_REQUEST,
    MALFORMED,
    OVERSIZE,
    SURPLUS,
    TIMED_OUT,
    TRUNCATED,
)
from tests.chain.votes import Voters, joined, target_of
from tests.data.handmade import Parts, counted
from tests.jam.blocks import message, u32
from tests.jam.carriers import accepted
from tests.jam.drive import carried, fails, raw_peer, reset_seen, run, settle
from tests.support import raises

ROUND, SET_ID, SLOT = 3, 9, 1000
VOTERS = Voters(TINY.validators)
KEYS = Held(VOTERS.keys)
TARGET = target_of(counted(50, 32), counted(51, 32), SLOT)
VOTES = VOTERS.votes(range(6), TARGET, ROUND, SET_ID)
GOOD = joined(TARGET, VOTES[:5], ROUND, SET_ID)
NEVER = -1


class Few(Profile):
    finality_targets = 1
    finality_headers = 2


def ask(carrier, request=None, deadline=NEVER, set_id=SET_ID, wanted=TARGET[:32], chunk=300):
    request = request or JustificationRequest(TINY, Few(), bytearray(chunk))
    sink = Justification(TINY, Few())
    sink.begin(KEYS, set_id, wanted)
    stream = carrier.a.open(JUSTIFICATION_REQUEST)
    request.begin(stream, wanted, sink, deadline)
    return request, sink, stream


def takes_one_that_holds(carrier) -> None:
    for chunk in (64, 300, 5000):
        request, sink, _ = ask(carrier, chunk=chunk)
        peer = raw_peer(carrier, message(GOOD))
        assert run(carrier, request, [peer]) == DONE
        assert sink.is_done and sink.header_hash == TARGET[:32] and sink.support == 5
        assert request.received_bytes == request.length == len(GOOD) and not request.busy
        settle(carrier, peer)
        assert peer.received == u32(32) + TARGET[:32]


def a_poll_checks_one_signature(carrier) -> None:
    request, sink, _ = ask(carrier, chunk=5000)
    peer = raw_peer(carrier, message(GOOD))
    settle(carrier, peer)  # all of it has come
    supports = []
    event = MORE
    while event != DONE:
        event = request.poll(0)
        carrier.pump()
        peer.poll(0)
        supports.append(sink.support)
    assert [count for i, count in enumerate(supports) if i and count > supports[i - 1] + 1] == []
    assert supports[-1] == 5


def what_is_wrong_is_refused_at_its_first_bytes(carrier) -> None:
    # Another set, another block: of what is announced two chunks are read at most.
    for data, options, what in (
        (GOOD, {"set_id": SET_ID + 1}, "where set 10 votes"),
        (GOOD, {"wanted": counted(52, 32)}, "another block"),
        (joined(TARGET, VOTES[:1], ROUND, SET_ID), {}, "1 votes"),
    ):
        request, sink, stream = ask(carrier, chunk=128, **options)
        peer = raw_peer(carrier, u32(2000) + data + bytes(2000 - len(data)))
        error = fails(carrier, request, [peer])
        assert error.code == MALFORMED and what in str(error) and "CE 130" in str(error)
        assert request.received_bytes < 81 + 128 and not sink.is_done
        reset_seen(carrier, peer.stream, MALFORMED)


def a_vote_that_is_no_vote_ends_it(carrier) -> None:
    bad = bytearray(GOOD)
    bad[80 + 1 + 164 * 2 + 70] ^= 1  # the third signature
    request, sink, _ = ask(carrier, chunk=64)
    error = fails(carrier, request, [raw_peer(carrier, message(bad))])
    assert error.code == MALFORMED and "did not sign" in str(error)
    assert sink.support == 2 and request.received_bytes < len(GOOD) - 164


def an_answer_is_one_justification(carrier) -> None:
    for data, code in (
        (message(b""), MALFORMED),
        (message(GOOD[:-1]), MALFORMED),
        (message(GOOD + b"\0"), SURPLUS),
        (message(GOOD) + message(b""), SURPLUS),
        (message(GOOD)[:-1], TRUNCATED),
        (b"", TRUNCATED),
        (b"\1\0", TRUNCATED),
        (u32(longest(TINY, Few()) + 1), OVERSIZE),
    ):
        request, _, _ = ask(carrier)
        assert fails(carrier, request, [raw_peer(carrier, data)]).code == code, data[:8]
        assert not request.busy


def a_bound_of_ours_is_no_fault_of_the_peer(carrier) -> None:
    headers = [Parts(SLOT + 1 + i).bytes() for i in range(3)]
    request, _, _ = ask(carrier)
    peer = raw_peer(carrier, message(joined(TARGET, VOTES[:5], ROUND, SET_ID, headers)))
    assert raises(BudgetError, run, carrier, request, [peer]).limit == "finality_headers" and not request.busy


def the_longest_is_known(carrier) -> None:
    assert longest(FULL, Profile()) == 80 + 18 + 2046 * 164 + 64 * FULL.max_header_size
    assert len(GOOD) < longest(TINY, Few()) == 80 + 18 + 12 * 164 + 2 * TINY.max_header_size


def a_peer_may_decline(carrier) -> None:
    request, _, _ = ask(carrier)
    accepted(carrier, carrier.b).reset(DECLINED)
    assert run(carrier, request) == REFUSED and request.reset_code == carried(carrier, DECLINED)
    request, _, _ = ask(carrier, request)
    carrier.cut()
    assert run(carrier, request) == LOST


def a_peer_may_not_dawdle(carrier) -> None:
    request, _, _ = ask(carrier, deadline=100)
    peer = raw_peer(carrier, message(GOOD)[:500], fin=False)
    settle(carrier, request, peer)
    error = raises(RemoteError, request.poll, 100)
    assert error.code == TIMED_OUT and not request.busy
    request, _, _ = ask(carrier, request)
    request.cancel()
    assert not request.busy


def mistakes_of_ours(carrier) -> None:
    raises(LocalError, JustificationRequest, TINY, Few(), bytearray(63))
    request, sink, stream = ask(carrier)
    raises(LocalError, request.begin, stream, TARGET[:32], sink)
    request.cancel()
    raises(LocalError, request.begin, stream, TARGET[:31], sink)


SCENARIOS = (
    takes_one_that_holds,
    a_poll_checks_one_signature,
    what_is_wrong_is_refused_at_its_first_bytes,
    a_vote_that_is_no_vote_ends_it,
    an_answer_is_one_justification,
    a_bound_of_ours_is_no_fault_of_the_peer,
    the_longest_is_known,
    a_peer_may_decline,
    a_peer_may_not_dawdle,
    mistakes_of_ours,
)

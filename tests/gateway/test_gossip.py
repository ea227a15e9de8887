"""The gossip policy, case by case. The ten gateways are in test_gossip_network.py."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jamliquor_lite.gateway.gossip import Gossip

A, B, C = "a", "b", "c"


def name(number):
    return number.to_bytes(32, "big")


def joined(*peers, **options):
    gossip = Gossip(**options)
    for peer in peers:
        gossip.joined(peer)
    return gossip


def test_a_header_is_asked_for_once_and_passed_on_without_an_echo():
    gossip = joined(A, B, C)
    gossip.heard(A, name(1), 0)
    gossip.heard(B, name(1), 5)
    assert gossip.next_request(5) == (A, name(1))
    assert gossip.next_request(5) is None
    assert gossip.received(A, name(1))
    assert gossip.next_request(6) is None
    assert gossip.accepted(name(1)) == [C]
    assert gossip.accepted(name(1)) == []
    gossip.heard(C, name(1), 9)
    assert gossip.next_request(9) is None
    assert (gossip.announcements, gossip.requests, gossip.copies, gossip.headers) == (3, 1, 1, 1)
    assert gossip.copies_per_header == 1.0


def test_nobody_is_told_before_it_was_checked():
    gossip = joined(A, B)
    gossip.heard(A, name(1), 0)
    gossip.next_request(0)
    gossip.received(A, name(1))
    assert gossip.headers == 0
    gossip.rejected(name(1))
    gossip.heard(B, name(1), 1)
    assert gossip.next_request(1) is None, "what broke a rule is not fetched twice"


def test_who_announces_while_it_is_checked_is_not_told():
    gossip = joined(A, B, C)
    gossip.heard(A, name(1), 0)
    gossip.next_request(0)
    gossip.received(A, name(1))
    gossip.heard(B, name(1), 1)
    assert gossip.accepted(name(1)) == [C]


@pytest.mark.parametrize("way", ["refused", "time", "left"])
def test_the_next_announcer_is_asked_when_one_fails(way):
    gossip = joined(A, B, C, timeout_ms=100)
    for peer in (A, B, C):
        gossip.heard(peer, name(1), 0)
    assert gossip.next_request(0) == (A, name(1))
    assert gossip.wake_at(0) == 100
    if way == "refused":
        gossip.failed(A, name(1))
    elif way == "left":
        gossip.left(A)
    else:
        assert gossip.next_request(99) is None
    assert gossip.next_request(100) == (B, name(1))
    gossip.failed(A, name(1))  # the caller's own timer, later than ours
    assert gossip.next_request(101) is None
    gossip.failed(B, name(1))
    assert gossip.next_request(101) == (C, name(1))
    gossip.failed(C, name(1))
    assert gossip.next_request(101) is None and gossip.wake_at(101) == -1
    gossip.heard(C, name(1), 200)
    assert gossip.next_request(200) is None
    assert gossip.next_request(gossip.wake_at(200)) == (C, name(1)), "a peer that failed may come by it after all"


def test_an_answer_after_its_time_counts_as_a_copy():
    gossip = joined(A, B, timeout_ms=100)
    gossip.heard(A, name(1), 0)
    gossip.heard(B, name(1), 0)
    assert gossip.next_request(0) == (A, name(1))
    assert gossip.next_request(100) == (B, name(1))
    assert gossip.received(A, name(1)) and not gossip.received(B, name(1))
    gossip.accepted(name(1))
    assert gossip.copies == 2 and gossip.copies_per_header == 2.0


def test_a_header_that_comes_another_way_is_not_fetched():
    gossip = joined(A, B)
    gossip.heard(A, name(1), 0)
    assert gossip.received("upstream", name(1))
    assert gossip.next_request(0) is None
    assert gossip.accepted(name(1)) == [B]
    gossip.heard(A, name(2), 0)
    assert gossip.next_request(0) == (A, name(2))
    assert gossip.accepted(name(2)) == [B], "from a gap that was filled, say"
    gossip.failed(A, name(2))
    assert gossip.failures == 0, "it was cancelled, and is nobody's fault"
    gossip.heard(A, name(3), 0)
    assert gossip.next_request(0) == (A, name(3)), "and the peer is free again"


def test_one_request_at_a_time_for_each_peer():
    gossip = joined(A, B)
    for number in (1, 2, 3):
        gossip.heard(A, name(number), 0)
    gossip.heard(B, name(3), 0)
    assert gossip.next_request(0) == (A, name(1))
    assert gossip.next_request(0) == (B, name(3))
    assert gossip.next_request(0) is None
    gossip.received(A, name(1))
    assert gossip.next_request(0) == (A, name(2))


def test_what_we_have_is_neither_wanted_nor_remembered():
    gossip = joined(A)
    gossip.heard(A, name(1), 0, is_known=True)
    assert gossip.next_request(0) is None


def test_a_peer_that_failed_is_the_last_to_be_asked():
    gossip = joined(A, B, timeout_ms=100)
    gossip.heard(A, name(1), 0)
    assert gossip.next_request(0) == (A, name(1))
    gossip.failed(A, name(1))
    gossip.heard(A, name(2), 10)
    assert gossip.next_request(10) is None and gossip.wake_at(10) == 510, "somebody else may announce it yet"
    gossip.heard(B, name(2), 20)
    assert gossip.next_request(20) == (B, name(2))
    gossip.received(B, name(2))
    gossip.heard(A, name(3), 30)
    assert gossip.next_request(529) is None
    assert gossip.next_request(530) == (A, name(3))
    gossip.received(A, name(3))
    gossip.heard(A, name(4), 540)
    assert gossip.next_request(540) == (A, name(4)), "forgiven"


def shown(gossip, peer, number):
    """`peer` announces a header and shows it."""
    gossip.heard(peer, name(number), 0)
    assert gossip.next_request(0) == (peer, name(number))
    gossip.received(peer, name(number))


def test_who_has_shown_nothing_yet_keeps_a_header_from_us_for_a_moment_only():
    gossip = joined(A, B, C)
    shown(gossip, B, 1)
    gossip.heard(A, name(2), 0)
    assert gossip.next_request(0) == (A, name(2))
    gossip.heard(C, name(2), 10)
    gossip.heard(B, name(2), 10)
    assert gossip.next_request(499) is None and gossip.wake_at(499) == 500
    assert gossip.next_request(500) == (B, name(2)), "who has shown one, before who has not"
    assert gossip.next_request(2000) is None
    gossip.failed(B, name(2))
    assert gossip.next_request(2000) is None, "C is no better than A, who is still asked"
    assert gossip.next_request(3000) == (C, name(2))


def test_who_has_shown_headers_has_all_its_time():
    gossip = joined(A, B)
    shown(gossip, A, 1)
    shown(gossip, B, 2)
    gossip.heard(A, name(3), 0)
    gossip.heard(B, name(3), 0)
    assert gossip.next_request(0) == (A, name(3))
    assert gossip.next_request(2999) is None and gossip.wake_at(2999) == gossip.wake_at(3001) == 3000
    assert gossip.next_request(3000) == (B, name(3))


def test_a_suspect_that_is_asked_keeps_nobody_from_being_asked():
    gossip = joined(A, B)
    shown(gossip, B, 1)
    gossip.heard(A, name(2), 0)
    gossip.next_request(0)
    gossip.failed(A, name(2))
    gossip.heard(A, name(3), 0)
    assert gossip.next_request(500) == (A, name(3))
    gossip.heard(B, name(3), 501)
    assert gossip.next_request(501) == (B, name(3))
    gossip.received(B, name(3))
    gossip.failed(A, name(3))
    assert gossip.failures == 1, "it came from elsewhere meanwhile"
    assert not gossip._wanted


def test_a_peer_without_a_word_of_truth_becomes_useless():
    gossip = joined(A, B)
    now = 0
    for number in range(4):
        assert not gossip.is_useless(A)
        gossip.heard(A, name(number), now)
        now += 500
        assert gossip.next_request(now) == (A, name(number))
        gossip.failed(A, name(number))
    assert gossip.is_useless(A) and not gossip.is_useless(B) and gossip.failures == 4
    gossip.heard(A, name(9), now)
    assert gossip.next_request(now + 10_000) is None
    gossip.left(A)
    gossip.joined(A)
    assert not gossip.is_useless(A)


def test_invented_hashes_have_a_bound_for_each_peer():
    gossip = joined(A, B)
    for number in range(1000):
        gossip.heard(A, name(number), 0)
    gossip.heard(B, name(5000), 0)
    gossip.heard(B, name(3), 0)
    assert len(gossip._wanted) == 65
    assert gossip.next_request(0) == (A, name(0))
    assert gossip.next_request(0) == (B, name(3)), "the flood keeps nobody else's out"
    gossip.left(A)
    assert len(gossip._wanted) == 2
    gossip.left(B)
    assert not gossip._wanted


def test_room_is_free_again_whichever_way_a_hash_goes():
    gossip = joined(A, B)
    for round_ in range(50):
        base = 100 * round_
        gossip.heard(A, name(base), 0)
        gossip.heard(B, name(base), 0)
        gossip.heard(A, name(base + 1), 0)
        gossip.heard(B, name(base + 1), 0)
        gossip.heard(A, name(base + 2), 0)
        gossip.received(A, name(base))
        gossip.accepted(name(base + 1))
        gossip.rejected(name(base + 2))
    assert not gossip._wanted
    assert all(record.open == 0 for record in gossip._peers.values())


def test_memory_of_what_came_has_a_bound():
    gossip = joined(A, B, headers=10)
    for number in range(100):
        gossip.received(A, name(number))
        gossip.accepted(name(number))
    assert len(gossip._seen) == 10
    gossip.heard(B, name(3), 0, is_known=True)
    assert gossip.next_request(0) is None
    gossip.heard(B, name(95), 0)
    assert gossip.next_request(0) is None


def test_who_joins_is_told_of_our_heads_once():
    gossip = joined(A)
    gossip.received(A, name(1))
    gossip.accepted(name(1))
    gossip.joined(B)
    assert gossip.tell(B, name(1)) and not gossip.tell(B, name(1)) and not gossip.tell(A, name(1))
    assert gossip.tell(B, name(77)), "older than our memory"
    gossip.left(B)
    gossip.joined(B)
    assert gossip.tell(B, name(1)), "it may have forgotten"


def test_a_header_without_a_parent_here_may_come_again():
    gossip = joined(A, B)
    gossip.heard(A, name(1), 0)
    gossip.next_request(0)
    gossip.received(A, name(1))
    gossip.forget(name(1))
    gossip.heard(B, name(1), 0)
    assert gossip.next_request(0) == (B, name(1))


def test_strangers_are_not_heard():
    gossip = joined(A)
    gossip.heard(B, name(1), 0)
    gossip.failed(B, name(1))
    gossip.left(B)
    assert gossip.next_request(0) is None and gossip.announcements == 0
    gossip.joined(A)  # twice is once
    gossip.heard(A, name(1), 0)
    gossip.heard(A, name(1), 0)
    assert gossip.next_request(0) == (A, name(1))
    gossip.failed(A, name(1))
    assert gossip._peers[A].open == 0


CALLS = ("joined", "left", "heard", "heard", "heard", "next", "next", "received", "failed", "accepted", "rejected",
         "forget", "later")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CALLS), st.sampled_from([A, B, C]), st.integers(0, 4)), max_size=80))
def test_no_order_of_events_confuses_the_books(calls):
    gossip, now = joined(A, B, headers=3), 0
    for call, peer, number in calls:
        if call in ("joined", "left"):
            getattr(gossip, call)(peer)
        elif call == "heard":
            gossip.heard(peer, name(number), now)
        elif call in ("received", "failed"):
            getattr(gossip, call)(peer, name(number))
        elif call == "later":
            now += 400 * number
        elif call == "next":
            found = gossip.next_request(now)
            assert found is None or found[0] in gossip._peers
        else:
            result = getattr(gossip, call)(name(number))
            assert call != "accepted" or len(set(result)) == len(result)
        assert gossip.wake_at(now) >= -1
        assert len(gossip._seen) <= 3 and not set(gossip._seen) & set(gossip._wanted)
        for who, record in gossip._peers.items():
            assert record.open == sum(who in wanted.sources for wanted in gossip._wanted.values())
            assert sum(who in wanted.asked for wanted in gossip._wanted.values()) <= 1
        for wanted in gossip._wanted.values():
            assert wanted.sources and set(wanted.asked) <= set(wanted.sources) <= set(gossip._peers)
            assert len(wanted.asked) <= 2


def test_who_cannot_be_asked_now_is_passed_over_without_a_strike():
    gossip = joined(A, B)
    for peer in (A, B):
        gossip.heard(peer, name(1), 0)
    assert gossip.next_request(0, lambda peer, header_hash: peer != A) == (B, name(1))
    gossip.heard(A, name(2), 0)
    for _ in range(10):
        assert gossip.next_request(0, lambda peer, header_hash: False) is None
    assert gossip.requests == 1 and gossip.failures == 0
    assert gossip.next_request(1) == (A, name(2))

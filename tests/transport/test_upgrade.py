# portable: runs on CPython and MicroPython
"""What a listener makes of a peer that goes on before it was answered."""

from jamliquor_lite.transport.multistream import message
from jamliquor_lite.transport.noise import PLAIN
from jamliquor_lite.transport.states import CLOSED, CONNECTING
from jamliquor_lite.transport.terms import PREFER, REQUIRE
from tests.transport.connection_pair import Hand, terms

HELLO = message("/multistream/1.0.0") + message(PLAIN)
BEGUN = b"\0\x20" + bytes(range(32))  # the first message of Noise XX


def test_a_declined_handshake_that_began_anyway_is_refused_by_policy():
    hand = Hand(terms(1, REQUIRE))
    hand.say(HELLO)
    assert hand.end.state == CONNECTING
    hand.say(BEGUN)
    assert hand.end.state == CLOSED and hand.end.rule == "policy"
    assert hand.end.close_reason == (
        "policy: the peer offers only /noise, and pq = require demands a post-quantum handshake"
    )
    hand.gone()


def test_in_one_piece_and_with_nothing_declined():
    hand = Hand(terms(1, REQUIRE))
    hand.say(HELLO + BEGUN)
    assert hand.end.rule == "policy"
    hand.gone()
    hand = Hand(terms(1, PREFER))
    hand.say(HELLO + BEGUN)
    assert hand.end.state == CONNECTING
    hand = Hand(terms(1, REQUIRE))
    hand.say(message("/multistream/1.0.0") + BEGUN)
    assert hand.end.rule == "multistream"
    hand.gone()

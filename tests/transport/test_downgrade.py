# portable: runs on CPython and MicroPython
"""Somebody on the way who wants two peers to speak classical, and the rule that notices.

multistream is not authenticated, so whoever carries the bytes can strike the hybrid handshake's name out of it.
"""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.node.pins import Pins
from jamliquor_lite.transport import upgrade
from jamliquor_lite.transport.multistream import message
from jamliquor_lite.transport.noise import HYBRID as HYBRID_NAME
from jamliquor_lite.transport.noise import PLAIN, Handshake, StaticKey
from jamliquor_lite.transport.states import CLASSICAL, CLOSED, HYBRID, READY
from jamliquor_lite.transport.terms import OFF, PREFER, REQUIRE
from tests.transport.connection_pair import ECHO, Pair, is_whole, terms
from tests.transport.noise_pairs import ALICE, BOB, drawn, is_slow
from tests.transport.yamux_pair import read

HYBRID_MESSAGE = message(HYBRID_NAME)
PLAIN_MESSAGE = message(PLAIN)
NA = message("na")
NOBODYS = message("/noise-mlkem768-hfs/9.9.9")
assert len(NOBODYS) == len(HYBRID_MESSAGE)


def renames(direction, data):
    """The dialer's proposal becomes another one; the listener's own no does the rest."""
    return data.replace(HYBRID_MESSAGE, NOBODYS) if direction == 0 else data


class Answers:
    """Never lets the proposal through and says no itself, in the listener's place."""

    def __init__(self):
        self.pair = None

    def __call__(self, direction, data):
        if direction == 0 and HYBRID_MESSAGE in data:
            self.pair.flying[1] += message("/multistream/1.0.0") + NA
            return b""  # and the header, which comes with it
        if direction == 0 and data.startswith(PLAIN_MESSAGE):
            return message("/multistream/1.0.0") + data
        if direction == 1 and data.startswith(message("/multistream/1.0.0")):
            return data[len(message("/multistream/1.0.0")) :]
        return data


class Proposes:
    """Asks the listener for the classical one at once, and tells the dialer no until it asks for the same."""

    def __init__(self):
        self.pair = None
        self.held = b""

    def __call__(self, direction, data):
        if direction == 0 and HYBRID_MESSAGE in data:
            return data.replace(HYBRID_MESSAGE, PLAIN_MESSAGE)
        if direction == 0 and data.startswith(PLAIN_MESSAGE):
            self.pair.flying[1] += self.held
            return data[len(PLAIN_MESSAGE) :]
        if direction == 1 and data.endswith(PLAIN_MESSAGE):
            self.held = PLAIN_MESSAGE
            return data[: -len(PLAIN_MESSAGE)] + NA
        return data


class Unbound(Handshake):
    """Of before there was a transcript binding."""

    def __init__(self, static, is_initiator, is_hybrid, random, muxers, securities, *more):
        super().__init__(static, is_initiator, is_hybrid, random, muxers, [], *more)


class Careless(Handshake):
    """Says what it offered and does not look at what the other did."""

    def read(self, buf, start, end):
        kept, self._securities = self._securities, []
        try:
            super().read(buf, start, end)
        finally:
            self._securities = kept


def meet(dialer, listener, middle=None, dialers=Handshake, listeners=Handshake, expect=b"", label=""):
    """Two hosts and what lies between them, once all is quiet."""
    real = upgrade.noise.Handshake

    def make(static, is_initiator, *more):
        return (dialers if is_initiator else listeners)(static, is_initiator, *more)

    upgrade.noise.Handshake = make
    try:
        pair = Pair(dialer, listener, middle=middle, expect=expect, label=label)
        if isinstance(middle, (Answers, Proposes)):
            middle.pair = pair
        pair.settle()
    finally:
        upgrade.noise.Handshake = real
    return pair


def refused(pair, end, rule):
    """This side refused by this rule, before a stream could be opened; the other side is closed too."""
    assert end.state == CLOSED and end.rule == rule, end.close_reason
    assert end.close_reason.startswith(rule + ": "), end.close_reason
    assert end.suite != HYBRID and end.open(ECHO) is None and end.close_code == 1
    other = pair.b if end is pair.a else pair.a
    assert other.state == CLOSED and other.is_gone and end.is_gone
    assert is_whole(*pair.hosts)


def talks(pair, suite, is_bound=True):
    assert pair.a.state == pair.b.state == READY, (pair.a.close_reason, pair.b.close_reason)
    assert pair.a.suite == pair.b.suite == suite and pair.a.is_bound == pair.b.is_bound == is_bound
    stream, there = pair.stream()
    stream.send(b"hello", 0, 5)
    pair.settle()
    assert read(there) == b"hello"
    pair.done()


def test_each_way_to_strike_the_name_out_is_missed():
    """Both prefer the hybrid: each signs what it offered, and the dialer sees that something else should run."""
    for middle in (renames, Answers(), Proposes()):
        pair = meet(terms(0, PREFER), terms(1, PREFER), middle)
        refused(pair, pair.a, "transcript")
        assert pair.a.close_reason == (
            "transcript: the offers of both sides lead to %s, but this is /noise: "
            "somebody on the way changed the negotiation" % HYBRID_NAME
        )
        # The dialer had shown nothing of itself.
        assert pair.b.peer_id == b"" and pair.b.rule == ""


def test_without_the_binding_the_same_would_not_be_noticed():
    """What the attacks above are good for: two peers of before. The tests of the pin build on it."""
    for middle in (renames, Answers(), Proposes()):
        pair = meet(terms(0, PREFER), terms(1, PREFER), middle, Unbound, Unbound)
        talks(pair, CLASSICAL, False)


def test_the_listener_misses_it_too():
    pair = meet(terms(0, PREFER), terms(1, PREFER), renames, dialers=Careless)
    refused(pair, pair.b, "transcript")


def test_one_old_side_binds_nothing_and_is_shown_as_such():
    if not is_slow():
        for dialers, listeners in ((Unbound, Handshake), (Handshake, Unbound)):
            pair = meet(terms(0, PREFER), terms(1, PREFER), None, dialers, listeners)
            assert pair.a.state == pair.b.state == READY and pair.a.suite == HYBRID
            assert not pair.a.is_bound or not pair.b.is_bound
            pair.done()
    pair = meet(terms(0, PREFER), terms(1, PREFER), renames, Unbound, Handshake)
    assert pair.a.suite == CLASSICAL and not pair.b.is_bound
    pair.done()


def test_require_needs_no_signature():
    """The dialer has nothing else to propose; the listener takes nothing else."""
    for middle in (renames, Answers()):
        pair = meet(terms(0, REQUIRE), terms(1, PREFER), middle)
        refused(pair, pair.a, "policy")
        assert pair.a.close_reason == (
            "policy: the peer has no post-quantum handshake, which pq = require demands"
        )
    pair = meet(terms(0, PREFER), terms(1, REQUIRE), renames)
    refused(pair, pair.b, "policy")
    assert pair.a.rule == "noise", "all that the dialer was told"
    # Told that it is the hybrid while the listener runs the other: the first message fits nothing.
    pair = meet(terms(0, REQUIRE), terms(1, PREFER), lambda direction, data: (
        data.replace(HYBRID_MESSAGE, PLAIN_MESSAGE) if direction == 0 else data.replace(PLAIN_MESSAGE, HYBRID_MESSAGE)
    ))
    refused(pair, pair.b, "noise")


def test_no_byte_of_what_is_signed_can_be_changed():
    """The lists travel sealed: whoever alters one is found out by the cipher, whichever byte it is."""
    counted = [0, 0]

    def count(direction, data):
        counted[direction] += len(data)
        return data

    meet(terms(0, OFF), terms(1, OFF), count)
    sizes = tuple(counted)
    for direction, end in ((1, 0), (0, 1)):
        # The payload is the end of the second message, and of all that the dialer says for the third.
        for back in (1, 17, 60, 100) if is_slow() else range(1, 160):
            seen = [0, 0]

            def flip(towards, data, direction=direction, back=back, seen=seen):
                at = sizes[direction] - back - seen[towards]
                seen[towards] += len(data)
                if towards == direction and 0 <= at < len(data):
                    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
                return data

            pair = meet(terms(0, OFF), terms(1, OFF), flip)
            refused(pair, pair.ends[end], "noise")
            if is_slow():
                break


def test_off_is_classical_whoever_offers_more():
    talks(meet(terms(0, OFF), terms(1, PREFER)), CLASSICAL)
    talks(meet(terms(0, PREFER), terms(1, OFF)), CLASSICAL)


def pinned(*identities):
    pins = Pins(Profile())
    for identity in identities:
        pins.add(identity.peer_id, True)
    return pins


def test_a_pinned_peer_that_comes_back_classical_is_refused():
    """Neither side knows the binding, so that the pin alone speaks."""
    for middle in (renames, Answers()):
        pair = meet(terms(0, PREFER, pinned(BOB.identity).judge), terms(1, PREFER), middle, Unbound, Unbound)
        refused(pair, pair.a, "pin")
        assert pair.a.close_reason == (
            "pin: the peer spoke the hybrid handshake before and offers only the classical one now"
        )
        assert pair.a.peer_id == BOB.identity.peer_id, "whom it was about"
    pair = meet(terms(0, PREFER), terms(1, PREFER, pinned(ALICE.identity).judge), renames, Unbound, Unbound)
    refused(pair, pair.b, "pin")
    # A peer that turned the hybrid off looks the same.
    pair = meet(terms(0, PREFER, pinned(BOB.identity).judge), terms(1, OFF))
    refused(pair, pair.a, "pin")


def test_a_pin_lets_others_and_the_hybrid_in():
    talks(meet(terms(0, PREFER, pinned(ALICE.identity).judge), terms(1, OFF)), CLASSICAL)
    pins = pinned(BOB.identity)
    if not is_slow():
        talks(meet(terms(0, PREFER, pins.judge), terms(1, PREFER)), HYBRID)
    assert pins.remove(BOB.identity.peer_id)
    talks(meet(terms(0, PREFER, pins.judge), terms(1, OFF)), CLASSICAL)


class Forged(StaticKey):
    """Another static key under somebody's signature."""

    def __init__(self, of, secret):
        super().__init__(of.identity, secret)
        self.signature = of.signature


def test_every_refusal_names_its_rule():
    def hosts(dialer=PREFER, listener=OFF):
        return terms(0, dialer), terms(1, listener)

    dialer, listener = hosts(REQUIRE)
    rules = [("policy", meet(dialer, listener).a)]
    dialer, listener = hosts()
    dialer.judge = pinned(BOB.identity).judge
    rules.append(("pin", meet(dialer, listener).a))
    rules.append(("transcript", meet(*hosts(PREFER, PREFER), renames).a))
    rules.append(("peer", meet(*hosts(), expect=ALICE.identity.peer_id).a))
    dialer, listener = hosts()
    listener.static = Forged(BOB, drawn("a thief's", 32))
    rules.append(("identity", meet(dialer, listener).a))
    rules.append(("noise", meet(*hosts(), lambda towards, data: (
        data if towards == 0 or len(data) < 100 else data[:-1] + bytes([data[-1] ^ 1])
    )).a))
    for rule, end in rules:
        assert end.state == CLOSED and end.rule == rule, (rule, end.close_reason)
        assert end.close_reason.startswith(rule + ": ") and len(end.close_reason) > len(rule) + 10
        assert "\n" not in end.close_reason

# portable: runs on CPython and MicroPython
"""Two libp2p connections back to back: who agrees with whom on what, whatever the bytes are cut into."""

from jamliquor_lite.errors import LocalError
from jamliquor_lite.transport import upgrade
from jamliquor_lite.transport.multistream import message
from jamliquor_lite.transport.noise import HYBRID as HYBRID_NAME
from jamliquor_lite.transport.noise import PLAIN, Handshake
from jamliquor_lite.transport.states import CLASSICAL, CLOSED, CONNECTING, HYBRID, READY
from jamliquor_lite.transport.terms import OFF, POLICIES, PREFER, REQUIRE
from jamliquor_lite.transport.yamux_frame import DATA, SYN
from tests.fake_carrier import Dice
from tests.support import raises
from tests.transport.connection_pair import ECHO, NAMES, OWN, Pair, bounds, connection, is_whole, terms, yamux
from tests.transport.noise_pairs import ALICE, BOB, is_slow
from tests.transport.yamux_pair import pattern, read

LEAST_FRAME_BYTES = 1536

# (dialer, listener): the suite, or the rules that refused at the dialer and at the listener. A side that is merely
# hung up on has no rule to name.
OUTCOMES = {
    (REQUIRE, REQUIRE): HYBRID,
    (REQUIRE, PREFER): HYBRID,
    (PREFER, REQUIRE): HYBRID,
    (PREFER, PREFER): HYBRID,
    (PREFER, OFF): CLASSICAL,
    (OFF, PREFER): CLASSICAL,
    (OFF, OFF): CLASSICAL,
    (REQUIRE, OFF): ("policy", ""),
    (OFF, REQUIRE): ("noise", "policy"),
}


def pair_of(dialer, listener, **more):
    return Pair(terms(0, dialer), terms(1, listener), label=dialer + listener, **more)


def talk(pair):
    """A question and its answer, on streams of both sides."""
    for near, far in ((pair.a, pair.b), (pair.b, pair.a)):
        stream = near.open(ECHO)
        question = pattern(3, 700)
        assert stream.send(question, 0, 700) == 700
        stream.finish()
        pair.settle()
        there = far.accept()
        assert there.kind == ECHO and read(there) == question
        assert there.send(question, 0, 500) == 500
        there.finish()
        pair.settle()
        assert read(stream) == question[:500] and stream.is_agreed


def agreed(pair, suite):
    """Both are READY, know each other, and can talk."""
    for end, static in ((pair.a, BOB), (pair.b, ALICE)):
        assert end.state == READY, end.close_reason
        assert end.suite == suite and end.is_bound
        assert end.peer_id == static.identity.peer_id and end.peer_name == static.identity.name
        assert end.peer_key == static.identity.public and end.peer_public_key == static.identity.key
        assert end.rule == "" and end.close_reason == "" and not end.is_gone
    talk(pair)
    pair.done()


def check_outcome(dialer, listener):
    expected = OUTCOMES[(dialer, listener)]
    pair = pair_of(dialer, listener, dice=Dice(len(dialer) + 7 * len(listener)))
    pair.settle()
    if isinstance(expected, str):
        agreed(pair, expected)
        return
    for end, rule in zip(pair.ends, expected):
        assert end.state == CLOSED and end.is_gone, "%s meets %s" % (dialer, listener)
        assert end.rule == rule and end.suite == "", end.close_reason
        assert end.close_reason.startswith(rule + ": " if rule else "end of file"), end.close_reason
        assert end.close_code == (1 if rule else 0) and end.peer_id == b"" and end.peer_key == b""
    assert is_whole(*pair.hosts)


def test_every_pair_of_policies():
    assert len(OUTCOMES) == len(POLICIES) ** 2
    for dialer, listener in OUTCOMES:
        if OUTCOMES[(dialer, listener)] != HYBRID or not is_slow():
            check_outcome(dialer, listener)


def test_two_of_today_speak_hybrid():
    check_outcome(REQUIRE, REQUIRE)


def test_a_policy_that_refuses_says_what_it_demands():
    pair = pair_of(REQUIRE, OFF)
    pair.settle()
    assert pair.a.close_reason == "policy: the peer has no post-quantum handshake, which pq = require demands"
    pair = pair_of(OFF, REQUIRE)
    pair.settle()
    assert pair.a.close_reason == "noise: the peer speaks none of /noise"
    assert pair.b.close_reason == (
        "policy: the peer offers only /noise, and pq = require demands a post-quantum handshake"
    )


def test_cut_anywhere():
    for seed in (1,) if is_slow() else range(1, 40):
        policy = OFF if seed % 2 else PREFER
        pair = pair_of(policy, policy, dice=Dice(seed))
        pair.settle()
        agreed(pair, CLASSICAL if seed % 2 else HYBRID)


def test_a_byte_at_a_time():
    if is_slow():
        return  # test_cut_anywhere does
    pair = pair_of(PREFER, PREFER)
    pair.part = lambda size: 1
    pair.settle()
    agreed(pair, HYBRID)


def turns_until_ready(pair):
    """How often the direction of talk changes: half round trips, before the dialer may send."""
    turns = 0
    while pair.a.state == CONNECTING:
        for i in (0, 1):
            source, target = pair.ends[i], pair.ends[1 - i]
            buf = bytearray(20000)
            size = source.drain(buf, 0, len(buf), pair.now)
            if size:
                turns += 1
                assert target.feed(buf, 0, size, pair.now) == size
        assert turns < 30
    return turns


class Mute(Handshake):
    """Offers no muxers and does not look at ours, as py-libp2p does."""

    def __init__(self, static, is_initiator, is_hybrid, random, muxers, *more):
        super().__init__(static, is_initiator, is_hybrid, random, [], *more)

    def read(self, buf, start, end):
        super().read(buf, start, end)
        self.muxers = []


class Stranger(Mute):
    """Offers only one that we do not have."""

    def __init__(self, static, is_initiator, is_hybrid, random, muxers, *more):
        Handshake.__init__(self, static, is_initiator, is_hybrid, random, ["/mplex/6.7.0"], *more)


class Foreign(Handshake):
    """Offers one that we do not have, before ours."""

    def __init__(self, static, is_initiator, is_hybrid, random, muxers, *more):
        super().__init__(static, is_initiator, is_hybrid, random, ["/mplex/6.7.0"] + muxers, *more)


def with_handshakes(dialer, listener, use, dice=None):
    """Call `use` with a pair of sides that have these classes of handshake."""
    real = upgrade.noise.Handshake

    def make(static, is_initiator, *more):
        return (dialer if is_initiator else listener)(static, is_initiator, *more)

    upgrade.noise.Handshake = make
    try:
        use(pair_of(OFF, OFF, dice=dice))
    finally:
        upgrade.noise.Handshake = real


def settle_and_agree(pair):
    pair.settle()
    agreed(pair, CLASSICAL)


def test_the_muxer_is_settled_inside_noise():
    pair = pair_of(OFF, OFF)
    # Name, answer, three messages of Noise; the third is sent together with the first streams.
    assert turns_until_ready(pair) == 5 and pair.b.state == READY
    agreed(pair, CLASSICAL)


def test_the_muxer_is_negotiated_with_who_offers_none():
    for dialer, listener in ((Mute, Stranger), (Mute, Handshake), (Handshake, Stranger), (Stranger, Mute)):
        with_handshakes(dialer, listener, settle_and_agree, Dice(5))
        if is_slow():
            break


def test_a_foreign_muxer_does_not_matter():
    with_handshakes(Foreign, Handshake, settle_and_agree)


def test_frames_may_come_with_the_last_word_of_the_upgrade():
    """A dialer that sends its first stream at once, before the listener has said its last word about the muxer."""

    def use(pair):
        buf = bytearray(20000)
        while pair.b.state == CONNECTING:
            size = pair.a.drain(buf, 0, len(buf), pair.now)
            if pair.a.state == READY:
                break
            assert pair.b.feed(buf, 0, size, pair.now) == size
            size = pair.b.drain(buf, 0, len(buf), pair.now)
            assert pair.a.feed(buf, 0, size, pair.now) == size
        assert pair.a.state == READY
        agreed(pair, CLASSICAL)

    with_handshakes(Mute, Mute, use)


def test_a_stream_may_come_in_the_frame_that_names_the_muxer():
    """A dialer that has one muxer to propose may send what comes next right behind the name."""

    def use(pair):
        buf = bytearray(3000)
        while pair.a._upgrade.secure is None:  # up to the third message, and not a frame more
            words = pair.a.outlet(pair.now)
            start, end = pair.a.out_start, pair.a.out_end
            assert pair.b.feed(words, start, end, pair.now) == end - start
            pair.a.sent(end - start)
            size = pair.b.drain(buf, 0, len(buf), pair.now)
            assert pair.a.feed(buf, 0, size, pair.now) == size
        name = message("/multistream/1.0.0") + message(NAMES[ECHO])
        plain = message("/multistream/1.0.0") + message("/yamux/1.0.0")
        plain += yamux(DATA, SYN, 1, len(name) + 5, name + b"hello")
        buf[2 : 2 + len(plain)] = plain
        size = pair.a._upgrade.secure.seal(buf, 2, 2 + len(plain), buf, 2)
        buf[0], buf[1] = size >> 8, size & 0xFF
        assert pair.b.feed(buf, 0, size + 2, pair.now) == size + 2
        assert pair.b.drain(buf, 0, 3000, pair.now) and pair.b.state == READY
        assert read(pair.b.accept()) == b"hello"

    with_handshakes(Mute, Mute, use)


def test_the_expected_peer_is_there():
    pair = Pair(terms(0, OFF), terms(1, OFF), expect=BOB.identity.peer_id)
    pair.settle()
    agreed(pair, CLASSICAL)


def test_another_peer_than_expected():
    pair = Pair(terms(0, OFF), terms(1, OFF), expect=ALICE.identity.peer_id)
    pair.settle()
    assert pair.a.state == CLOSED and pair.a.rule == "peer" and pair.a.close_code == 1
    assert pair.a.close_reason == "peer: the peer is %s, expected %s" % (BOB.identity.name, ALICE.identity.name)
    # The listener hears nothing of who we are: we left before the third message.
    assert pair.b.state == CLOSED and pair.b.peer_id == b""
    assert pair.b.close_reason == "end of file, during the handshake" and pair.b.rule == ""
    pair.done()


def test_a_judge_may_refuse_either_side():
    for refusing in (0,) if is_slow() else (0, 1):
        asked = []

        def judge(peer_id, is_hybrid, asked=asked):
            asked.append((peer_id, is_hybrid))
            return "pin: not this one"

        hosts = [terms(0, OFF), terms(1, OFF)]
        hosts[refusing].judge = judge
        pair = Pair(*hosts)
        pair.settle()
        end = pair.ends[refusing]
        other = (BOB, ALICE)[refusing].identity
        assert end.state == CLOSED and end.rule == "pin" and end.close_reason == "pin: not this one"
        assert asked == [(other.peer_id, False)] and end.peer_id == other.peer_id
        assert pair.ends[1 - refusing].state == CLOSED
        pair.done()


def test_a_profile_with_small_frames_shakes_hands():
    """Just enough for the handshake's longest message: what is larger goes in more frames."""
    error = raises(LocalError, terms, 0, OFF, None, bounds(frame_bytes=LEAST_FRAME_BYTES - 1))
    assert "frame_bytes" in str(error)
    limits = bounds(frame_bytes=LEAST_FRAME_BYTES, frames=4)
    policy = OFF if is_slow() else REQUIRE
    pair = Pair(terms(0, policy, limits=limits), terms(1, policy, limits=limits), dice=Dice(9))
    pair.settle()
    agreed(pair, CLASSICAL if is_slow() else HYBRID)


def test_no_buffer_for_a_stranger_is_no_fault():
    """Two buffers are kept for what is urgent. A connection waits for one, and goes on when there is one."""
    host = terms(1, OFF)
    lent = [host.frames.lend() for _ in range(4)]
    assert host.frames.lend() is None
    pair = Pair(terms(0, OFF), host)
    pair.settle()
    assert pair.b.state == CONNECTING and pair.b.inlet() is None and pair.b.wants() == 0
    assert pair.b.outlet(pair.now) is None
    for buffer in lent:
        host.frames.give_back(buffer)
    pair.settle()
    agreed(pair, CLASSICAL)


def test_nor_do_our_own_words_to_strangers_take_the_last_buffers():
    host = terms(0)
    dialed = [connection(host, True) for _ in range(host.frames.count)]
    words = [end.outlet(1000) for end in dialed]
    assert words.count(None) == host.frames.free == 1, "it is for those that stand"
    for end in dialed:
        end.ended("", 1000)
    assert is_whole(host)


def test_own_protocols_are_accepted_apart():
    pair = Pair(ready=True)
    streams = [pair.a.open(kind) for kind in (OWN, ECHO, OWN)]
    assert None not in streams
    pair.settle()
    assert pair.b.accept().kind == ECHO and pair.b.accept() is None
    assert pair.b.accept(own=True).kind == OWN and pair.b.accept(True).kind == OWN and pair.b.accept(True) is None
    pair.done()


def test_names_on_the_wire():
    """The dialer's first words are those that any libp2p host expects."""
    pair = pair_of(PREFER, PREFER)
    buf = bytearray(300)
    size = pair.a.drain(buf, 0, len(buf), pair.now)
    assert bytes(buf[:size]) == message("/multistream/1.0.0") + message(HYBRID_NAME)
    assert PLAIN.encode() not in bytes(buf[: size - len(HYBRID_NAME)])
    assert pair.b.drain(buf, 0, len(buf), pair.now) == 0, "a listener waits"

# portable: runs on CPython and MicroPython
"""Two connections and the time: keepalive, silence, farewells, and who is still there when the other is gone."""

from jamliquor_lite.budget.stream import CLOSED as STREAM_CLOSED
from jamliquor_lite.budget.stream import DEAD, READ_ENDED
from jamliquor_lite.transport.states import CLOSED, CONNECTING, READY
from jamliquor_lite.transport.terms import OFF
from jamliquor_lite.transport.yamux_frame import ACK, GO_AWAY, PING, SYN
from tests.transport.connection_pair import ECHO, OWN, Hand, Pair, bounds, connection, frames_of, is_whole, terms, yamux
from tests.transport.yamux_pair import pattern, read

LIMITS = bounds()


def test_an_idle_connection_lives_and_holds_nothing():
    pair = Pair(ready=True)
    stream, there = pair.stream()
    assert read(stream) == b"" and stream.is_agreed
    least = [(host.frames.least_free, host.chunks.least_free) for host in pair.hosts]
    for _ in range(20):
        pair.pass_time(LIMITS.idle_timeout_ms, 1000)
        assert is_whole(*pair.hosts), "nothing lent while nothing moves"
    assert pair.a.state == pair.b.state == READY
    assert least == [(host.frames.least_free, host.chunks.least_free) for host in pair.hosts]
    stream.send(b"still here", 0, 10)
    pair.settle()
    assert read(there) == b"still here"
    pair.done()


def test_an_idle_connection_wakes_nobody_but_for_its_pings():
    pair = Pair(ready=True)
    wakes = 0
    until = pair.now + 10 * LIMITS.idle_timeout_ms
    while pair.now < until:
        pair.now = max(pair.now, min(end.wake_at(pair.now) for end in pair.ends))
        for end in pair.ends:
            if end.wake_at(pair.now) <= pair.now:
                wakes += 1
                end.tick(pair.now)
        pair.settle()
    assert 10 <= wakes <= 50
    pair.done()


def test_a_peer_that_falls_silent_is_asked_and_given_up():
    hand = Hand(ready=True)
    hand.pass_time(LIMITS.idle_timeout_ms // 2 + 250)
    assert frames_of(hand.hear_plain()) == [(PING, SYN, 0, 1)]
    hand.pass_time(LIMITS.idle_timeout_ms // 2)
    end = hand.end
    assert end.state == CLOSED and end.rule == "yamux" and end.close_code == 2
    assert end.close_reason == "yamux: nothing heard for %d ms" % LIMITS.idle_timeout_ms
    assert frames_of(hand.hear_plain()) == [(GO_AWAY, 0, 0, 2)]
    hand.gone()


def test_an_answer_keeps_it():
    hand = Hand(ready=True)
    for _ in range(8):
        hand.pass_time(LIMITS.idle_timeout_ms // 2 + 250)
        for kind, flags, _, value in frames_of(hand.hear_plain()):
            assert (kind, flags) == (PING, SYN)
            hand.say(hand.frame(yamux(PING, ACK, 0, value)))
    assert hand.end.state == READY and is_whole(hand.host)


def test_a_goodbye_is_heard():
    pair = Pair(ready=True)
    stream, there = pair.stream()
    pair.a.close(0, "enough")
    assert pair.a.state == CLOSED and not pair.a.is_gone and stream.state & STREAM_CLOSED
    assert pair.a.close_code == 0 and pair.a.close_reason == "enough" and pair.a.rule == ""
    pair.a.close(1, "again")
    assert pair.a.close_reason == "enough", "the first reason stays"
    pair.step()
    assert pair.b.state == READY and pair.b.open(ECHO) is None, "it does not take any more streams"
    pair.settle()
    assert pair.a.is_gone and pair.b.state == CLOSED and pair.b.close_reason == "end of file"
    assert there.state & STREAM_CLOSED
    pair.done()


def test_a_goodbye_with_a_code_ends_the_other_side_at_once():
    for code, said in ((1, 1), (2, 2), (7, 0)):  # codes that yamux does not have are not said
        pair = Pair(ready=True)
        pair.a.close(code, "fault")
        while pair.flying[0] or not pair.a.is_gone:
            pair.step()
        assert pair.a.close_code == code
        if said:
            assert pair.b.state == CLOSED and pair.b.close_code == said and pair.b.rule == ""
            assert pair.b.close_reason == "the peer ended it with yamux code %d" % said
        else:
            assert pair.b.state == READY
        pair.done()


def test_after_a_goodbye_without_code_streams_go_on():
    hand = Hand(ready=True)
    stream = hand.end.open(ECHO)
    hand.hear()
    hand.say(hand.frame(yamux(GO_AWAY, 0, 0, 0)))
    assert hand.end.state == READY and hand.end.open(ECHO) is None
    answer = b"\x13/multistream/1.0.0\n\x0d/test/echo/1\n" + b"last words"
    hand.say(hand.frame(yamux(0, 4, stream.id, len(answer), answer)))
    assert read(stream) == b"last words" and stream.state & READ_ENDED
    hand.end.close()
    hand.gone()


def test_codes_of_goodbyes_are_passed_on_as_they_are():
    hand = Hand(ready=True)
    hand.say(hand.frame(yamux(GO_AWAY, 0, 0, 0xDEADBEEF)))
    assert hand.end.state == CLOSED and hand.end.close_code == 0xDEADBEEF and hand.end.rule == ""
    assert frames_of(hand.hear_plain()) == [(GO_AWAY, 0, 0, 0)]
    hand.gone()


def test_a_farewell_that_nobody_takes_ends_after_its_time():
    pair = Pair(ready=True)
    end = pair.a
    stream = end.open(ECHO)
    stream.send(pattern(0, 3000), 0, 3000)
    assert end.outlet(pair.now)
    end.sent((end.out_end - end.out_start) // 2)  # the link takes half a frame and then nothing more
    end.close(0, "bye")
    assert not end.is_gone and end.wake_at(pair.now) == pair.now + LIMITS.farewell_ms
    end.tick(pair.now + LIMITS.farewell_ms - 1)
    assert not end.is_gone
    end.tick(pair.now + LIMITS.farewell_ms)
    assert end.is_gone and end.wake_at(pair.now) == -1 and end.outlet(pair.now) is None
    assert is_whole(pair.hosts[0])


def test_a_frame_under_way_is_finished_before_the_farewell():
    pair = Pair(ready=True)
    stream, there = pair.stream()
    data = pattern(0, 2000)
    stream.send(data, 0, 2000)
    buf = bytearray(5000)
    cut = pair.a.drain(buf, 0, 100, pair.now)
    pair.a.close()
    size = cut + pair.a.drain(buf, cut, 5000, pair.now)
    assert pair.b.feed(buf, 0, size, pair.now) == size
    assert pair.b.state == READY and read(there) == data
    pair.done()


def test_a_handshake_has_its_time_and_no_more():
    """However slowly it goes on: the deadline is for the whole."""
    for is_dialed in (True, False):
        host = terms(0, OFF)
        end = connection(host, is_dialed)
        assert end.wake_at(1000) == 1000 + LIMITS.handshake_timeout_ms
        end.tick(1000 + LIMITS.handshake_timeout_ms - 1)
        assert end.state == CONNECTING
        end.tick(1000 + LIMITS.handshake_timeout_ms)
        assert end.state == CLOSED and end.rule == "time" and end.is_gone
        assert end.close_reason == "time: handshake not finished within %d ms" % LIMITS.handshake_timeout_ms
        assert end.wake_at(9000) == -1 and is_whole(host)


def test_the_link_ends_in_any_state():
    for is_ready in (False, True):
        pair = Pair(terms(0, OFF), terms(1, OFF), ready=is_ready)
        stream = pair.a.open(ECHO) if is_ready else None
        pair.step()
        pair.a.ended("reset by peer", pair.now)
        assert pair.a.is_gone and pair.a.rule == "" and pair.a.close_code == 0
        assert pair.a.close_reason == "reset by peer" + ("" if is_ready else ", during the handshake")
        assert stream is None or stream.state & STREAM_CLOSED
        pair.a.ended("again", pair.now)
        assert pair.a.close_reason.startswith("reset by peer")
        pair.done()


def test_a_link_that_takes_nothing_is_given_up():
    """Nobody reads at the other side: what is to go out waits, the peer's silence does not come first."""
    hand = Hand(ready=True)
    stream = hand.end.open(ECHO)
    stream.send(pattern(0, 3000), 0, 3000)
    view = hand.end.outlet(hand.now)
    assert view is not None
    hand.end.sent(0)
    for _ in range(8):
        hand.say(hand.frame(yamux(PING, ACK, 0, 0)))  # it is alive
        hand.pass_time(LIMITS.idle_timeout_ms // 4)
    assert hand.end.state == CLOSED and hand.end.rule == "time"
    assert hand.end.close_reason == "time: the peer did not take a frame within %d ms" % LIMITS.idle_timeout_ms
    hand.pass_time(LIMITS.farewell_ms + 250)
    assert hand.end.is_gone and is_whole(hand.host)


def test_a_stream_of_ours_that_is_never_answered_is_reset_and_nothing_else():
    hand = Hand(ready=True)
    stream = hand.end.open(OWN)
    for _ in range(12):
        hand.hear()
        hand.pass_time(LIMITS.stream_ack_ms // 10)
        hand.say(hand.frame(yamux(PING, ACK, 0, 0)))
    assert stream.state & DEAD and hand.end.state == READY and is_whole(hand.host)


def test_a_half_ended_stream_on_which_nothing_moves_is_reset():
    pair = Pair(ready=True)
    stream, there = pair.stream()
    stream.finish()
    pair.settle()
    assert there.state & READ_ENDED
    pair.pass_time(LIMITS.half_closed_ms + 2000, 2000)
    assert there.state & DEAD and stream.state & DEAD and pair.a.state == pair.b.state == READY
    pair.done()

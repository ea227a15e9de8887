# portable: runs on CPython and MicroPython
"""yamux and the clock: pings, silence, and streams on which nothing moves."""

from jamliquor_lite.budget.stream import DEAD, READ_ENDED, READ_RESET, SEND_FINISHED
from jamliquor_lite.errors import RemoteError
from jamliquor_lite.transport.yamux import NOTHING, PONG
from jamliquor_lite.transport.yamux_frame import (
    ACK,
    FIN,
    GO_AWAY,
    INTERNAL_ERROR,
    PING,
    PROTOCOL_ERROR,
    RST,
    SYN,
    WINDOW_UPDATE,
)
from tests.support import raises
from tests.transport.yamux_pair import Hand, Link, pool, profile, read

IDLE = 30000
HALF = IDLE // 2


def pings(frames) -> list:
    return [frame[:4] for frame in frames if frame[0] == PING]


def test_a_quiet_peer_is_asked_and_its_answer_measured():
    hand = Hand()
    session = hand.session
    assert session.wake_at(hand.now) == hand.now + HALF and session.rtt_ms == -1
    session.tick(hand.now + HALF - 1)
    assert not hand.hear()
    hand.now += HALF
    session.tick(hand.now)
    assert session.wake_at(hand.now) == hand.now
    ((_, flags, _, value),) = pings(hand.hear())
    assert flags == SYN
    assert session.wake_at(hand.now) == hand.now + HALF
    session.tick(hand.now + 5)
    assert not hand.hear(), "once is enough"
    hand.now += 70
    hand.say(PING, ACK, 0, value)
    assert session.next_event() == PONG and session.rtt_ms == 70 and session.next_event() == NOTHING
    assert session.wake_at(hand.now) == hand.now + HALF
    hand.now += HALF
    session.tick(hand.now)
    ((_, flags, _, again),) = pings(hand.hear())
    assert flags == SYN and again != value
    hand.done()


def test_silence_ends_the_session():
    hand = Hand()
    hand.say(WINDOW_UPDATE, SYN, 1, 0)
    stream = hand.accept()
    hand.session.tick(hand.now + HALF)
    hand.hear()
    hand.session.tick(hand.now + IDLE - 1)
    error = raises(RemoteError, hand.session.tick, hand.now + IDLE)
    assert error.code == INTERNAL_ERROR and "30000 ms" in str(error)
    assert stream.state & DEAD and hand.session.is_over
    assert hand.hear() == [(GO_AWAY, 0, 0, INTERNAL_ERROR, b"")]
    assert hand.session.wake_at(hand.now) == -1
    hand.done()


def test_anything_that_a_peer_says_is_a_sign_of_life():
    hand = Hand()
    hand.say(PING, ACK, 0, 0)
    for _ in range(10):
        hand.now += HALF
        hand.session.tick(hand.now)
        assert len(pings(hand.hear())) == 1
        hand.now += HALF - 1
        hand.session.tick(hand.now)
        hand.session.feed(b"\0", 0, 1, hand.now)  # not even a whole header
    assert not hand.session.is_over
    hand.done()


def test_a_peer_that_we_do_not_listen_to_is_not_blamed():
    hand = Hand(lent=pool(2))
    hand.data(1, bytes(5000), SYN)
    assert hand.session.wants() == 0
    # And who sits on the chunks is not somebody else's fault either: one reader, slow but steady.
    stream = hand.accept()
    for _ in range(20):
        hand.now += 9000
        hand.session.tick(hand.now)
        stream.recv_into(bytearray(1), 0, 1)
    assert not hand.session.is_over
    hand.done()


def test_a_peer_that_is_not_taken_from_because_it_does_not_listen_is_gone():
    hand = Hand()
    for i in range(50):
        hand.say(WINDOW_UPDATE, SYN, 1 + 2 * i, 0)
    assert hand.session.wants() == 0
    start = hand.now
    hand.session.tick(start + HALF)
    assert hand.say(PING, ACK, 0, 0) == 0
    hand.now = start + IDLE - 1
    assert hand.say(PING, ACK, 0, 0) == 0
    hand.session.tick(hand.now)
    assert raises(RemoteError, hand.session.tick, start + IDLE).code == INTERNAL_ERROR
    hand.done()


def test_a_peer_that_only_listens_is_asked_now_and_then():
    """Whoever follows a chain says nothing, and TCP tells that it is there as long as it takes what we say."""
    hand = Hand()
    hand.say(WINDOW_UPDATE, SYN, 1, 0)
    stream = hand.accept()
    start, asked = hand.now, []
    for _ in range(20 * IDLE // 6000):
        hand.now += 6000
        hand.session.tick(hand.now)
        assert stream.send(bytes(333), 0, 333) == 333
        found = pings(hand.hear())
        if found:
            asked.append(hand.now - start)
            hand.say(PING, ACK, 0, found[0][3])
    assert asked == [8 * IDLE + HALF + 3000, 2 * (8 * IDLE + HALF + 3000)]
    # It is asked as soon as ever when we have nothing to say either, and is gone when it does not answer.
    hand.now += HALF
    hand.session.tick(hand.now)
    assert len(pings(hand.hear())) == 1
    hand.session.tick(hand.now + HALF - 1)
    assert raises(RemoteError, hand.session.tick, hand.now + HALF).code == INTERNAL_ERROR
    hand.done()


def test_two_sessions_keep_each_other_alive():
    link = Link()
    for _ in range(50):
        at = min(link.a.wake_at(link.now), link.b.wake_at(link.now))
        assert at >= link.now
        link.now = max(at, link.now + 1)
        link.a.tick(link.now)
        link.b.tick(link.now)
        link.settle()
    assert link.now > 50 * 7000 and not link.a.is_over and not link.b.is_over
    link.done()


def test_pings_are_answered_the_latest_only():
    hand = Hand()
    hand.say(PING, SYN, 0, 5)
    assert hand.hear() == [(PING, ACK, 0, 5, b"")]
    for value in (1, 2, 0xFFFFFFFF):
        hand.say(PING, SYN, 0, value)
    assert hand.hear() == [(PING, ACK, 0, 0xFFFFFFFF, b"")]
    hand.say(PING, SYN, 0, 0)
    assert hand.hear() == [(PING, ACK, 0, 0, b"")]
    hand.done()


def test_a_flood_of_pings():
    hand = Hand(profile(pings_per_minute=10))
    for _ in range(5):
        for _ in range(10):
            hand.say(PING, SYN, 0, 5)
        hand.now += 60000
    for _ in range(10):
        hand.say(PING, SYN, 0, 5)
        hand.now += 5999
    error = raises(RemoteError, hand.say, PING, SYN, 0, 5)
    assert error.code == PROTOCOL_ERROR and hand.session.is_over
    assert hand.hear() == [(GO_AWAY, 0, 0, PROTOCOL_ERROR, b"")]
    hand.done()


def test_answers_that_nobody_waits_for():
    hand = Hand()
    for value in (0, 1, 77):
        hand.say(PING, ACK, 0, value)
    hand.session.ping()
    hand.session.ping()
    ((_, _, _, value),) = pings(hand.hear())
    hand.say(PING, ACK, 0, value + 1)
    assert hand.session.next_event() == NOTHING
    hand.session.ping()
    assert not hand.hear(), "one at a time"
    hand.now += 9
    hand.say(PING, ACK, 0, value)
    hand.say(PING, ACK, 0, value)
    assert hand.session.next_event() == PONG and hand.session.rtt_ms == 9
    assert hand.session.next_event() == NOTHING
    hand.done()


def alive(hand, now) -> None:
    """Turn the clock, with a peer that is heard now and then."""
    while hand.now < now:
        hand.now = min(now, hand.now + 10000)
        hand.say(PING, ACK, 0, 0)
        hand.session.tick(hand.now)
        hand.hear()


def test_a_stream_of_ours_that_is_never_answered():
    hand = Hand()
    silent = hand.session.open(hand.now)
    taken = hand.session.open(hand.now)
    hand.now += 2000
    hand.hear()  # the clock runs from here
    hand.say(WINDOW_UPDATE, ACK, taken.id, 0)
    start = hand.now
    assert hand.session.wake_at(hand.now) == start + 15000
    alive(hand, start + 14999)
    assert not silent.state & DEAD
    hand.session.tick(start + 15000)
    assert silent.state & DEAD and not taken.state & DEAD
    assert (WINDOW_UPDATE, RST, silent.id, 0, b"") in hand.hear()
    hand.done()


def test_a_stream_that_we_could_not_even_announce_is_not_late():
    hand = Hand()
    stream = hand.session.open(hand.now)
    for _ in range(3):
        hand.now += 14000
        hand.say(PING, ACK, 0, 0)
        hand.session.tick(hand.now)
    assert not stream.state & DEAD
    hand.hear()
    assert hand.session.wake_at(hand.now) == hand.now + 15000
    hand.done()


def test_a_stream_with_one_half_ended_and_nothing_moving():
    hand = Hand()
    ours = hand.session.open(hand.now)
    hand.hear()
    hand.say(WINDOW_UPDATE, ACK, 2, 0)
    ours.finish()
    hand.data(1, b"data", SYN | FIN)
    theirs = hand.accept()
    assert read(theirs) == b"data" and theirs.state == READ_ENDED
    hand.data(3, b"data", SYN)
    both = hand.accept()
    hand.hear()
    start = hand.now
    alive(hand, start + 100000)
    hand.say(WINDOW_UPDATE, FIN, 1, 0)  # nothing new
    hand.data(2, b"something")  # moves on
    read(ours)
    assert not theirs.state & DEAD
    alive(hand, start + 120000)
    assert theirs.state & DEAD and not ours.state & DEAD
    alive(hand, start + 219999)
    assert not ours.state & DEAD
    alive(hand, start + 220000)
    assert ours.state & READ_RESET and ours.state & SEND_FINISHED
    assert not both.state & DEAD, "as long as it likes"
    hand.done()


def test_a_half_that_ends_with_bytes_no_peer_takes_is_bounded_too():
    hand = Hand(profile(send_buffer_bytes=300 * 1024, connection_send_bytes=300 * 1024))
    hand.say(WINDOW_UPDATE, SYN | FIN, 1, 0)
    stream = hand.accept()
    stream.send(bytes(300 * 1024), 0, 300 * 1024)
    stream.finish()
    hand.hear()
    assert stream.unsent.size > 0
    start = hand.now
    alive(hand, start + 119999)
    assert not stream.state & DEAD
    alive(hand, start + 120000)
    assert stream.state & DEAD and hand.pool.free == hand.pool.count
    hand.done()


def test_unread_bytes_may_wait_as_long_as_there_are_chunks():
    hand = Hand()
    hand.data(1, b"data", SYN | FIN)
    stream = hand.accept()
    alive(hand, hand.now + 600000)
    assert hand.session.wake_at(hand.now) == hand.now + 1000
    assert not stream.state & DEAD and read(stream) == b"data"
    assert (WINDOW_UPDATE, FIN, 1, 0, b"") not in hand.hear()
    hand.done()

# portable: runs on CPython and MicroPython
"""Peers that break yamux: each breach is a RemoteError with the wire code, GoAway follows, every chunk comes back."""

from jamliquor_lite.budget.stream import CLOSED, DEAD, READ_ENDED, READ_RESET, SEND_STOPPED
from jamliquor_lite.errors import RemoteError
from jamliquor_lite.transport.yamux import GOAWAY, NOTHING, STREAM
from jamliquor_lite.transport.yamux_frame import (
    ACK,
    DATA,
    FIN,
    GO_AWAY,
    INITIAL_WINDOW,
    MAX_U32,
    PING,
    PROTOCOL_ERROR,
    RST,
    SYN,
    WINDOW_UPDATE,
)
from jamliquor_lite.transport.yamux_ids import Ids
from tests.support import raises
from tests.transport.yamux_pair import Hand, pattern, pool, profile, read

BYE = (GO_AWAY, 0, 0, PROTOCOL_ERROR, b"")


def breaks(hand, *frame) -> None:
    """The frame ends the session: code 1, GoAway as its only word, nothing taken any more, nothing held."""
    error = raises(RemoteError, hand.say, *frame)
    assert error.code == PROTOCOL_ERROR and str(error).startswith("yamux: "), str(error)
    session = hand.session
    assert hand.pool.free == hand.pool.count, frame
    assert session.is_over and session.wants() == 0 and session.has_output
    assert hand.hear() == [BYE] and not session.has_output
    assert hand.say(DATA, 0, 1, 0) == 0 and session.next_event() == NOTHING and session.open(5) is None


def with_streams() -> Hand:
    """Streams 1 (the peer's, with unread bytes) and 2 (ours), and 3, which is over."""
    hand = Hand()
    hand.data(1, b"unread", SYN)
    hand.data(3, b"x", SYN | FIN)
    ours = hand.session.open(hand.now)
    ours.send(b"data", 0, 4)
    hand.session.next_event()
    assert hand.session.next_event() == STREAM
    read(hand.session.stream)
    hand.session.stream.finish()
    assert ours.id == 2 and len(hand.hear()) == 4
    return hand


def test_each_breach():
    table = (
        (DATA, 0, 1, 0, b"", 1),  # version
        (PING, SYN, 0, 0, b"", 255),
        (4, 0, 0, 0),  # kind
        (255, SYN, 5, 0),
        (DATA, 0, 0, 0),  # streams that are no streams
        (WINDOW_UPDATE, SYN, 0, 0),
        (PING, SYN, 1, 0),
        (GO_AWAY, 0, 2, 0),
        (PING, 0, 0, 7),  # neither asks nor answers
        (PING, FIN, 0, 7),
        (WINDOW_UPDATE, SYN, 4, 0),  # ids of ours
        (DATA, SYN, 2, 4),
        (WINDOW_UPDATE, SYN, 1, 0),  # ids that were used
        (WINDOW_UPDATE, SYN, 3, 0),
        (DATA, 0, 5, 1),  # never opened
        (DATA, 0, 4, 1),
        (DATA, FIN, 999, 5),
        (DATA, 0, 3, 1),  # after its end, and forgotten
        (DATA, 0, 1, INITIAL_WINDOW - 5),  # 6 bytes of the window are used
        (DATA, 0, 2, INITIAL_WINDOW + 1),
        (DATA, SYN, 5, INITIAL_WINDOW + 1),
        (DATA, SYN, 5, MAX_U32),
        (DATA, SYN | RST, 5, 1),
        (WINDOW_UPDATE, 0, 1, MAX_U32),
    )
    for frame in table:
        hand = with_streams()
        try:
            breaks(hand, *frame)
        except Exception:
            print("frame:", frame)
            raise


def test_after_a_breach_the_streams_are_closed():
    hand = with_streams()
    streams = list(hand.session.streams.values())
    assert len(streams) == 2
    breaks(hand, 9, 0, 0, 0)
    for stream in streams:
        assert stream.state & CLOSED and stream.recv_into(bytearray(9), 0, 9) == 0


def test_data_after_fin():
    hand = Hand()
    hand.data(1, b"all", SYN | FIN)
    hand.say(DATA, 0, 1, 0)
    hand.say(WINDOW_UPDATE, FIN, 1, 5)  # said twice, which costs nobody anything
    breaks(hand, DATA, 0, 1, 1, b"x")


def test_a_window_is_used_up_piece_by_piece():
    hand = Hand()
    stream = None
    left = INITIAL_WINDOW
    while left:
        size = min(left, 60000)
        assert hand.data(1, bytes(size), 0 if stream else SYN) == size + 12
        stream = stream or hand.accept()
        left -= size
        buf = bytearray(size)
        assert stream.recv_into(buf, 0, size) == size
    assert not hand.hear(), "no credit, no window"
    hand.say(DATA, 0, 1, 0)
    breaks(hand, DATA, 0, 1, 1, b"x")


def test_the_same_for_a_window_that_was_opened_again():
    hand = Hand()
    hand.data(1, bytes(INITIAL_WINDOW), SYN)
    assert len(read(hand.accept())) == INITIAL_WINDOW
    ((kind, flags, _, grant, _),) = hand.hear()
    assert (kind, flags) == (WINDOW_UPDATE, ACK) and 32 * 1024 <= grant <= 64 * 1024
    hand.data(1, bytes(grant - 7))
    breaks(hand, DATA, 0, 1, 8, bytes(8))


def test_frames_for_streams_that_are_over():
    hand = with_streams()
    for kind in (DATA, WINDOW_UPDATE):
        for flags in (0, ACK, FIN, RST, FIN | ACK, 0xFFF0):
            hand.say(kind, flags, 3, 0)
            hand.say(kind, flags, 777, 0)  # rust-yamux ends streams whose SYN it never sent
    hand.say(WINDOW_UPDATE, 0, 3, MAX_U32)
    hand.say(WINDOW_UPDATE, RST, 2, 5)  # go-yamux has a code there
    assert not hand.hear() and not hand.session.is_over
    hand.done()


def test_what_comes_after_our_reset_is_dropped_as_far_as_it_was_allowed():
    hand = Hand()
    hand.data(1, bytes(1000), SYN)
    stream = hand.accept()
    stream.reset(5)
    assert hand.hear() == [(WINDOW_UPDATE, RST, 1, 0, b"")]
    late = INITIAL_WINDOW - 1000
    for size in (1, 5000, late - 5001):
        assert hand.data(1, bytes(size)) == 12 + size
    assert hand.pool.free == hand.pool.count and not hand.session.has_output
    hand.say(WINDOW_UPDATE, RST, 1, 0)
    hand.say(DATA, FIN, 1, 0)
    breaks(hand, DATA, 0, 1, 1, b"x")


def test_a_reset_in_the_middle_of_a_frame():
    hand = Hand()
    hand.say(DATA, SYN | FIN, 1, 5000, bytes(3000))
    stream = hand.accept()
    assert stream.recv_into(bytearray(100), 0, 100) == 100
    stream.reset(5)
    assert hand.pool.free == hand.pool.count
    assert hand.session.wants() == 2000
    assert hand.session.feed(bytes(2000), 0, 2000, 1) == 2000
    hand.data(3, b"next", SYN)
    assert read(hand.accept()) == b"next"
    hand.done()


def test_a_peer_s_reset_beside_data():
    hand = Hand()
    hand.data(1, b"before", SYN)
    stream = hand.accept()
    stream.send(b"data", 0, 4)
    hand.data(1, b"gone with it", RST)
    assert stream.state & DEAD == READ_RESET | SEND_STOPPED and not read(stream)
    assert not hand.hear(), "nobody answers to a reset"
    assert hand.pool.free == hand.pool.count
    hand.done()


def test_a_reset_of_a_stream_that_still_has_much_to_say():
    hand = Hand()
    hand.data(1, b"all that it had to say", SYN | FIN)
    stream = hand.accept()
    stream.send(bytes(5000), 0, 5000)
    stream.finish()
    hand.say(WINDOW_UPDATE, RST, 1, 0)
    assert hand.pool.free == hand.pool.count - 1, "what is unread stays, what is unsent goes"
    assert not hand.session.has_output and not hand.hear()
    assert read(stream) == b"all that it had to say" and stream.state & READ_ENDED
    assert not hand.session.streams
    hand.done()


def test_streams_above_the_cap():
    hand = Hand()
    for i in range(8):
        hand.data(1 + 2 * i, b"data", SYN)
    assert hand.data(101, bytes(70000), SYN | FIN) == 70012, "its bytes are dropped"
    hand.data(103, b"x", SYN)
    hand.data(103, bytes(INITIAL_WINDOW - 1))
    assert hand.hear() == [(WINDOW_UPDATE, RST, 101, 0, b""), (WINDOW_UPDATE, RST, 103, 0, b"")]
    breaks(hand, DATA, 0, 103, INITIAL_WINDOW - 70000 + 1)


def test_ten_thousand_streams():
    for drains in (True, False):
        hand = Hand()
        taken = 0
        heard = 0
        for i in range(10000):
            taken += hand.say(WINDOW_UPDATE, SYN, 1 + 2 * i, 0)
            if drains:
                heard += len(hand.hear())
        events = 0
        while hand.session.next_event() == STREAM:
            events += 1
        assert events == 8
        if drains:
            assert taken == 12 * 10000 and heard == 10000 - 8
        else:
            # Who does not read our answers is not listened to: the list of them has an end.
            assert taken == 12 * (8 + 32) and hand.session.wants() == 0
            assert len(hand.hear()) == 32 and hand.session.wants() > 0
        assert not hand.session._ids._gaps or not drains
        hand.done()


def test_streams_opened_and_given_up_at_once():
    hand = Hand()
    for i in range(3000):
        hand.data(1 + 2 * i, b"data", SYN)
        hand.say(WINDOW_UPDATE, RST, 1 + 2 * i, 0)
        hand.say(WINDOW_UPDATE, SYN | RST, 100001 + 2 * i, 0)
    assert hand.session.next_event() == NOTHING and not hand.hear()
    assert hand.pool.free == hand.pool.count and not hand.session.streams
    hand.done()


def test_ids_out_of_order():
    ids = Ids(True, 0)
    assert [ids.claim(i) for i in (6, 2, 6, 12, 8, 8, 4, 10, 10, 2)] == [True] * 2 + [False] + [True] * 2 + [
        False, True, True, False, False,
    ]
    assert ids._gaps == []
    assert ids.claim(40) and ids.was_open(12) and not ids.was_open(14) and not ids.was_open(42)
    assert ids.claim(20) and ids.claim(38) and ids.claim(14)
    assert ids._gaps == [16, 18, 22, 36]
    assert [ids.was_open(i) for i in (14, 16, 18, 20, 22, 36, 38)] == [True, False, False, True, False, False, True]
    assert not ids.was_open(1)
    assert (ids.new(), ids.new()) == (1, 3) and ids.was_open(3) and not ids.was_open(5)


def test_every_set_of_ids_is_used_once():
    from tests.fake_carrier import Dice

    for seed in range(1, 40):
        dice = Dice(seed)
        ids = Ids(False, 0)
        used = set()
        for _ in range(60):
            stream_id = 1 + 2 * dice.below(40)
            assert ids.was_open(stream_id) == (stream_id in used)
            assert ids.claim(stream_id) == (stream_id not in used)
            used.add(stream_id)


def test_late_bytes_have_a_ceiling():
    ids = Ids(False, 100)
    assert ids.claim(1)
    ids.expect_late(60)
    ids.expect_late(60)
    ids.take_late(1, 99)
    assert raises(RemoteError, ids.take_late, 1, 2).code == PROTOCOL_ERROR
    ids.take_late(1, 1)
    ids.expect_late(5)
    raises(RemoteError, ids.take_late, 3, 1)
    raises(RemoteError, ids.take_late, 2, 1)
    ids.take_late(1, 5)


def test_gaps_without_end_are_forgotten():
    ids = Ids(False, 0)
    for i in range(1000):
        assert ids.claim(1 + 4 * i)
    assert len(ids._gaps) == 64
    assert not ids.claim(3) and ids.claim(4 * 999 - 1) and len(ids._gaps) == 62


def test_the_last_ids():
    hand = Hand(is_dialer=True)
    hand.session._ids._ours = MAX_U32 - 2
    assert hand.session.open(1).id == MAX_U32 - 2 and hand.session.open(1).id == MAX_U32
    assert hand.session.open(1) is None
    hand.say(WINDOW_UPDATE, SYN, MAX_U32 - 1, 0)
    assert hand.accept().id == MAX_U32 - 1
    hand.done()


def test_goodbyes():
    for code in (0, 1, 2, 4101, MAX_U32):
        hand = Hand()
        hand.data(1, b"data", SYN | FIN)
        stream = hand.accept()
        hand.say(GO_AWAY, 0, 0, code)
        hand.say(GO_AWAY, 0, 0, code)
        assert hand.session.next_event() == GOAWAY and hand.session.goaway_code == code
        assert hand.session.next_event() == NOTHING and hand.session.open(5) is None
        assert read(stream) == b"data" and stream.state == READ_ENDED
        hand.done()


def test_peers_open_streams_in_either_way():
    # hashicorp's text allows both; go, js and py send a window, rust sends data. Ours answer with what comes first.
    for kind in (DATA, WINDOW_UPDATE):
        hand = Hand()
        hand.say(kind, SYN, 1, 0)
        stream = hand.accept()
        assert not hand.hear()
        stream.send(b"answer", 0, 6)
        stream.finish()
        assert hand.hear() == [(DATA, ACK, 1, 6, b"answer"), (WINDOW_UPDATE, FIN, 1, 0, b"")]
        hand.done()
    hand = Hand()
    hand.say(WINDOW_UPDATE, SYN, 1, 0)
    hand.accept().finish()
    # Not in one frame: py-libp2p would not see FIN there.
    assert hand.hear() == [(WINDOW_UPDATE, ACK, 1, 0, b""), (WINDOW_UPDATE, FIN, 1, 0, b"")]
    hand.done()


def test_the_window_that_a_peer_gives_is_kept_to():
    hand = Hand(profile(send_buffer_bytes=600000, connection_send_bytes=600000), pool(700))
    hand.say(WINDOW_UPDATE, SYN, 1, 1000)
    stream = hand.accept()
    data = pattern(0, 300000)
    assert stream.send(data, 0, len(data)) == len(data)
    sent = b"".join([frame[4] for frame in hand.hear()])
    assert len(sent) == INITIAL_WINDOW + 1000 and not hand.session.has_output
    hand.say(WINDOW_UPDATE, 0, 1, 0)
    assert not hand.hear()
    for more in (1, 2, 20000, MAX_U32):
        hand.say(WINDOW_UPDATE, 0, 1, more)
        sent += b"".join([frame[4] for frame in hand.hear()])
    assert sent == data
    hand.done()

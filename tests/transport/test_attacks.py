# portable: runs on CPython and MicroPython
"""Peers that mean harm, once the connection stands: each loses it or its stream, and every buffer comes back."""

from jamliquor_lite.budget.stream import DEAD
from jamliquor_lite.transport.multistream import MAX_TRIES, message
from jamliquor_lite.transport.states import CLOSED, READY
from jamliquor_lite.transport.yamux_frame import (
    ACK,
    DATA,
    FIN,
    GO_AWAY,
    INITIAL_WINDOW,
    PING,
    RST,
    SYN,
    WINDOW_UPDATE,
)
from tests.transport.connection_pair import ECHO, NAMES, Hand, Pair, bounds, frames_of, is_whole, terms, yamux
from tests.transport.yamux_pair import pattern, read

HEADER = message("/multistream/1.0.0")
NAMED = HEADER + message(NAMES[ECHO])


def ends(hand, rule, text="", code=1):
    """The connection is refused by this rule, says GoAway as its last word, and holds nothing any more."""
    end = hand.end
    assert end.state == CLOSED and end.rule == rule and end.close_code == code, end.close_reason
    assert end.close_reason.startswith(rule + ": ") and text in end.close_reason, end.close_reason
    assert frames_of(hand.hear_plain())[-1] == (GO_AWAY, 0, 0, code)
    assert hand.say(b"more") == 0 and hand.end.wants() == 0 and hand.end.inlet() is None
    hand.gone()


def small_board():
    """Frames and chunks of 16 KiB each, and 16 KiB of either that can be used at a time."""
    return bounds(
        frames=3, frame_bytes=5461, stream_chunks=17, chunk_bytes=1024, stream_window_bytes=4096,
        connection_window_bytes=16 * 1024, send_buffer_bytes=4096, connection_send_bytes=8192,
    )  # fmt: skip


def open_stream(hand, stream_id=1, data=b""):
    """The peer opens a stream of ECHO with `data` behind the name; as we have it."""
    words = NAMED + data
    hand.say(hand.frame(yamux(DATA, SYN, stream_id, len(words), words)))
    stream = hand.end.accept()
    assert stream is not None and hand.end.state == READY
    return stream


# frames of Noise


def test_a_frame_of_64_kib_to_a_board_of_16():
    """Refused at its length, before a byte of it is kept."""
    for size in (65_535, 5460, 16_384):
        hand = Hand(terms(1, limits=small_board()), ready=True)
        hand.say(bytes([size >> 8, size & 0xFF]))
        ends(hand, "size", "a Noise frame of %d bytes, at most 5459 are taken" % size)
    hand = Hand(terms(1, limits=small_board()), ready=True)
    plain = yamux(PING, ACK, 0, 7) * (5443 // 12) + yamux(PING, ACK, 0, 7)[: 5443 % 12]
    hand.say(hand.frame(plain))
    assert hand.end.state == READY, "the longest that is taken"


def test_a_frame_that_is_never_finished():
    """A byte at a time, as long as it likes: the deadline is the frame's, not the byte's."""
    hand = Hand(ready=True)
    limits = hand.end._terms.profile
    frame = hand.frame(yamux(DATA, SYN, 1, 2000, bytes(2000)))
    for at in range(len(frame)):
        if hand.end.state == CLOSED:
            break
        assert hand.say(frame[at : at + 1]) == 1
        assert hand.host.frames.free == hand.host.frames.count - 1
        hand.pass_time(limits.frame_stall_ms // 50)
    assert 40 <= at <= 60
    ends(hand, "time", "a frame was begun and not finished")


def test_frames_that_are_replayed_moved_or_left_out():
    pings = [(yamux(PING, SYN, 0, number)) for number in range(4)]
    for order in ((0, 0), (1,), (0, 2), (0, 1, 1), (0, 1, 2, 0), (1, 0)):
        hand = Hand(ready=True)
        for place, number in enumerate(order):
            hand.say(hand.frame(pings[number], number))
            if number != place:
                break
        ends(hand, "noise", "does not decrypt")


def test_frames_too_short_for_a_tag():
    for size in (0, 1, 15):
        hand = Hand(ready=True)
        hand.say(bytes([0, size]) + bytes(size))
        ends(hand, "noise", "cannot be opened")


def test_any_other_bytes_instead_of_a_frame():
    hand = Hand(ready=True)
    hand.say(b"GET / HTTP/1.1\r\n")
    ends(hand, "size")  # "GE" is a length of 18 KB


def test_empty_frames_move_nothing_and_keep_nobody_alive():
    hand = Hand(ready=True)
    limits = hand.end._terms.profile
    begun = hand.now
    while hand.end.state == READY and hand.now < begun + 2 * limits.idle_timeout_ms:
        for _ in range(20):
            assert hand.say(hand.frame(b"")) == 18
        hand.hear()
        hand.pass_time(1000)
    ends(hand, "yamux", "nothing heard", 2)


def test_a_reader_that_takes_a_byte_now_and_then():
    """It may not keep a buffer for ever, however alive it is: a frame has its time."""
    hand = Hand(ready=True)
    limits = hand.end._terms.profile
    stream = hand.end.open(ECHO)
    stream.send(pattern(0, 3000), 0, 3000)
    for _ in range(40):
        if hand.end.state == CLOSED:
            break
        assert hand.end.outlet(hand.now) and hand.end.out_end - hand.end.out_start > 100
        hand.end.sent(1)
        hand.say(hand.frame(yamux(PING, ACK, 0, 0)))
        hand.pass_time(limits.idle_timeout_ms // 20)
    assert hand.end.state == CLOSED and hand.end.rule == "time"
    assert hand.end.close_reason == "time: the peer did not take a frame within %d ms" % limits.idle_timeout_ms
    assert stream.state & DEAD
    hand.pass_time(limits.farewell_ms + 250)
    assert hand.end.is_gone and is_whole(hand.host)


# streams


def test_more_than_the_window():
    for at_once in (True, False):
        hand = Hand(terms(1, limits=small_board()), ready=True)
        stream = open_stream(hand)
        if at_once:
            hand.say(hand.frame(yamux(DATA, 0, 1, INITIAL_WINDOW + 1)))
        else:
            # All that yamux allows, read and never credited; then one byte.
            left = INITIAL_WINDOW - len(NAMED)
            while left:
                size = min(left, 4000)
                hand.say(hand.frame(yamux(DATA, 0, 1, size, bytes(size))))
                assert len(taken(stream)) == size and hand.end.state == READY
                left -= size
            hand.say(hand.frame(yamux(DATA, 0, 1, 1, b"!")))
        ends(hand, "yamux", "stream 1")
        assert stream.state & DEAD


def taken(stream):
    """All that is here, without credit."""
    buf = bytearray(5000)
    found = b""
    size = stream.recv_into(buf, 0, len(buf))
    while size:
        found += bytes(buf[:size])
        size = stream.recv_into(buf, 0, len(buf))
    return found


def test_a_window_without_end():
    hand = Hand(ready=True)
    open_stream(hand)
    hand.say(hand.frame(yamux(WINDOW_UPDATE, 0, 1, 0xFFFFFFFF)))
    ends(hand, "yamux", "more than 32 bits")


def test_frames_that_yamux_does_not_have():
    for frame in (
        yamux(9, 0, 0, 0),
        b"\1" + yamux(PING, SYN, 0, 0)[1:],
        yamux(DATA, SYN, 0, 0),
        yamux(DATA, SYN, 2, 0),  # an id of ours
        yamux(DATA, 0, 7, 5, b"never"),
        yamux(PING, SYN, 3, 0),
        yamux(PING, 0, 0, 0),
    ):
        hand = Hand(ready=True)
        hand.say(hand.frame(frame))
        ends(hand, "yamux")


def test_a_whole_window_that_nobody_reads():
    """64 KiB in one frame of yamux: what there is no chunk for is not even read from the link."""
    hand = Hand(terms(1, limits=small_board()), ready=True)
    limits = hand.end._terms.profile
    stream = open_stream(hand)
    pieces = [hand.frame(yamux(DATA, 0, 1, 64 * 1024)[:12])]
    pieces += [hand.frame(pattern(at, 4096)) for at in range(0, 64 * 1024, 4096)]
    data = b"".join(pieces)
    at = hand.say(data)
    assert hand.end.is_held and hand.end.wants() == 0 and hand.host.chunks.free >= 1
    assert at < 16 * 1024 + 5461 + 100
    # Chunks are short now, so whoever sits on them is late some time, and what then comes for it is thrown away.
    hand.pass_time(limits.stream_stall_ms + 1250)
    assert stream.state & DEAD and hand.end.state == READY
    assert (WINDOW_UPDATE, RST, 1, 0) in frames_of(hand.hear_plain())
    while at < len(data):
        size = hand.end.feed(data, at, len(data), hand.now)
        assert size > 0
        at += size
    assert is_whole(hand.host) and hand.end.state == READY
    assert taken(open_stream(hand, 3, b"hello")) == b"hello", "the next stream is served"


def test_a_whole_window_goes_through_the_small_board_when_it_is_read():
    hand = Hand(terms(1, limits=small_board()), ready=True)
    stream = open_stream(hand)
    data = hand.frame(yamux(DATA, 0, 1, 64 * 1024)[:12])
    at = read_so_far = made = 0
    while read_so_far < 64 * 1024:
        if at == len(data) and made < 64 * 1024:
            data, at = hand.frame(pattern(made, 4096)), 0
            made += 4096
        at += hand.end.feed(data, at, len(data), hand.now)
        hand.end.pump(hand.now)
        found = read(stream, 700)
        assert found == pattern(read_so_far, len(found))
        read_so_far += len(found)
    hand.hear()  # our yes to the name, and windows
    assert hand.end.state == READY and is_whole(hand.host)


def test_a_flood_of_streams_is_reset_and_no_more():
    hand = Hand(ready=True)
    most = hand.end._terms.profile.inbound_streams
    answers = []
    for stream_id in range(1, 2001, 2):
        hand.say(hand.frame(yamux(WINDOW_UPDATE, SYN, stream_id, 0)))
        answers += frames_of(hand.hear_plain())
    resets = [found[2] for found in answers if found[1] == RST]
    assert resets == list(range(1 + 2 * most, 2001, 2)) and hand.end.state == READY
    assert is_whole(hand.host), "a stream on which nothing was said holds no buffer"
    # Those that were taken have to say what they are.
    hand.pass_time(hand.end._terms.profile.handshake_timeout_ms + 250)
    resets = [found[2] for found in frames_of(hand.hear_plain()) if found[1] == RST]
    assert resets == list(range(1, 1 + 2 * most, 2))
    assert taken(open_stream(hand, 2001, b"at last")) == b"at last"


def test_a_flood_of_streams_of_who_reads_no_answers():
    hand = Hand(ready=True)
    frame = b"".join([yamux(WINDOW_UPDATE, SYN, stream_id, 0) for stream_id in range(1, 401, 2)])
    hand.say(hand.frame(frame))
    assert hand.end.is_held and hand.end.wants() == 0, "no more than a few resets wait"
    view = hand.end.outlet(hand.now)
    assert view is not None
    hand.end.sent(0)
    hand.pass_time(hand.end._terms.profile.idle_timeout_ms + 250)
    assert hand.end.state == CLOSED and hand.end.rule == "time"
    hand.pass_time(2000)
    assert hand.end.is_gone and is_whole(hand.host)


def test_streams_opened_and_given_up_at_once():
    hand = Hand(ready=True)
    for stream_id in range(1, 4001, 40):
        frame = b""
        for i in range(0, 40, 2):
            frame += yamux(DATA, SYN, stream_id + i, len(NAMED), NAMED) + yamux(WINDOW_UPDATE, RST, stream_id + i, 0)
        hand.say(hand.frame(frame))
        hand.hear()
        assert hand.end.accept() is None
    assert hand.end.state == READY and is_whole(hand.host)


def test_a_flood_of_pings():
    hand = Hand(ready=True)
    for number in range(hand.end._terms.profile.pings_per_minute):
        hand.say(hand.frame(yamux(PING, SYN, 0, number)))
    assert frames_of(hand.hear_plain()) == [(PING, ACK, 0, number)], "the latest is answered"
    hand.say(hand.frame(yamux(PING, SYN, 0, 0)))
    ends(hand, "yamux", "pings within a minute")


# names


def test_a_name_that_comes_a_byte_at_a_time():
    hand = Hand(ready=True)
    limits = hand.end._terms.profile
    hand.say(hand.frame(yamux(WINDOW_UPDATE, SYN, 1, 0)))
    heard = []
    for byte in NAMED:
        hand.say(hand.frame(yamux(DATA, 0, 1, 1, bytes([byte]))))
        hand.pass_time(limits.handshake_timeout_ms // 20)
        heard += frames_of(hand.hear_plain())
    assert heard[-1] == (WINDOW_UPDATE, RST, 1, 0)
    assert hand.end.accept() is None and hand.end.state == READY and is_whole(hand.host)


def test_a_flood_of_names_on_one_stream():
    """Each is answered `na`, so many times; then our half ends and what still comes is thrown away."""
    hand = Hand(ready=True)
    names = HEADER + message("/no/such/name/1") * (MAX_TRIES + 40)
    hand.say(hand.frame(yamux(DATA, SYN, 1, len(names), names)))
    plain = hand.hear_plain()
    assert plain.count(message("na")) == MAX_TRIES
    assert frames_of(plain)[-1] == (WINDOW_UPDATE, FIN, 1, 0)
    for _ in range(100):
        hand.say(hand.frame(yamux(DATA, 0, 1, 1000, bytes(1000))))
    assert hand.end.accept() is None and hand.end.state == READY and is_whole(hand.host)
    hand.pass_time(hand.end._terms.profile.handshake_timeout_ms + 250)
    assert (WINDOW_UPDATE, RST, 1, 0) in frames_of(hand.hear_plain())


def test_novels_and_garbage_instead_of_a_name():
    for words in (
        HEADER + b"\x81\x08" + b"x" * 1024 + b"\n",  # a message of 1,025 bytes
        HEADER + b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        HEADER + b"\x00",
        HEADER + b"\x04\x00\x01\x02\n",
        b"\x13/multistream/2.0.0\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ):
        hand = Hand(ready=True)
        hand.say(hand.frame(yamux(DATA, SYN, 1, len(words), words)))
        assert (WINDOW_UPDATE, RST, 1, 0) in frames_of(hand.hear_plain()), words
        assert hand.end.accept() is None and hand.end.state == READY and is_whole(hand.host)


def test_names_on_every_stream_and_all_the_time():
    """Streams whose names nobody serves, opened as fast as they are refused: nothing grows."""
    hand = Hand(ready=True)
    words = HEADER + message("/x" * 60)
    stream_id = 1
    least = 1 << 30
    for _ in range(60):
        for _ in range(4):
            named = yamux(DATA, SYN, stream_id, len(words), words)
            hand.say(hand.frame(named + yamux(WINDOW_UPDATE, FIN, stream_id, 0)))
            stream_id += 2
        least = min(least, hand.host.chunks.free)
        hand.hear()
        hand.pass_time(100)
    assert hand.end.state == READY and hand.end.accept() is None and is_whole(hand.host)
    assert least >= hand.host.chunks.count - 2 * hand.end._terms.profile.inbound_streams


def test_answers_to_our_name_that_are_none():
    for words in (
        HEADER + message("/something/else"),
        HEADER + HEADER,
        b"\x01\n",
        b"\xff" * 12,
        message("/multistream/0.9.0"),
        HEADER + message("ls"),
    ):
        hand = Hand(ready=True)
        stream = hand.end.open(ECHO)
        stream.send(b"question", 0, 8)
        hand.hear()
        hand.say(hand.frame(yamux(DATA, ACK, stream.id, len(words), words)))
        assert read(stream) == b"" and stream.state & DEAD and not stream.is_agreed
        assert stream.send(b"more", 0, 4) == 0
        assert (WINDOW_UPDATE, RST, stream.id, 0) in frames_of(hand.hear_plain()), words
        assert hand.end.state == READY and is_whole(hand.host)


def test_the_real_cipher_sees_it_too():
    """As above with a handshake and ChaCha20-Poly1305: frames doubled, swapped, left out, or changed by one bit."""
    doubled = lambda frames: [frames[0], frames[0], frames[1]]  # noqa: E731
    swapped = lambda frames: [frames[1], frames[0]]  # noqa: E731
    missing = lambda frames: [frames[1]]  # noqa: E731
    changed = lambda frames: [frames[0][:-1] + bytes([frames[0][-1] ^ 1]), frames[1]]  # noqa: E731
    for change in (doubled, swapped, missing, changed):
        pair = Pair(terms(0, "off"), terms(1, "off"))
        pair.settle()
        stream, there = pair.stream()
        frames = []
        for number in range(2):
            stream.send(pattern(number, 100), 0, 100)
            buf = bytearray(300)
            frames.append(bytes(buf[: pair.a.drain(buf, 0, 300, pair.now)]))
        for frame in change(frames):
            pair.b.feed(frame, 0, len(frame), pair.now)
        assert pair.b.state == CLOSED and pair.b.rule == "noise" and pair.b.close_code == 1
        pair.settle()
        assert pair.a.state == CLOSED and pair.a.close_code == 1, "it heard GoAway"
        assert there.state & DEAD and stream.state & DEAD
        pair.done()

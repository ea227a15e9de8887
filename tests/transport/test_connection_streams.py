# portable: runs on CPython and MicroPython
"""Streams of two connections back to back: halves, caps, windows, and whose buffers they take."""

from jamliquor_lite.budget.stream import CLOSED, DEAD, READ_ENDED, READ_RESET, SEND_FINISHED, SEND_STOPPED
from jamliquor_lite.transport.protocol_stream import UNSUPPORTED
from tests.fake_carrier import Dice
from tests.transport.connection_pair import ECHO, OTHER, OWN, Pair, bounds, is_whole, terms
from tests.transport.yamux_pair import pattern, read


def pair_within(dice=None, **numbers):
    """A pair that has these bounds on both sides."""
    limits = bounds(**numbers)
    return Pair(terms(0, limits=limits), terms(1, limits=limits), dice=dice, ready=True)


def carry(pair, stream, there, data, limit=2000):
    """Send all of `data` and finish; what the other side read, which it does as it comes."""
    at = 0
    found = b""
    is_finished = False
    for _ in range(limit):
        at += stream.send(data, at, len(data))
        if at == len(data) and not is_finished:
            stream.finish()
            is_finished = True
        pair.step()
        found += read(there, 3000)
        if there.state & READ_ENDED:
            return found
    raise AssertionError("%d bytes sent, %d arrived" % (at, len(found)))


def test_each_half_ends_by_itself():
    for seed in (0, 1, 2):
        pair = Pair(dice=Dice(seed) if seed else None, ready=True)
        stream, there = pair.stream()
        question, answer = pattern(1, 3000), pattern(2, 4000)
        assert carry(pair, stream, there, question) == question
        assert there.state == READ_ENDED and stream.state == SEND_FINISHED
        assert stream.send(b"more", 0, 4) == 0, "it said that it was done"
        assert carry(pair, there, stream, answer) == answer
        pair.settle()
        assert stream.state == there.state == READ_ENDED | SEND_FINISHED
        assert stream.reset_code == there.reset_code == 0
        assert is_whole(*pair.hosts), "an ended stream holds nothing"
        pair.done()


def test_an_empty_half_ends_too():
    pair = Pair(ready=True)
    stream = pair.a.open(ECHO)
    stream.finish()
    pair.settle()
    there = pair.b.accept()
    assert there.kind == ECHO and there.state == READ_ENDED
    there.finish()
    pair.settle()
    assert read(stream) == b"" and stream.state == READ_ENDED | SEND_FINISHED and stream.is_agreed
    pair.done()


def test_who_accepts_may_speak_first():
    pair = Pair(ready=True)
    stream, there = pair.stream(OWN)
    words = pattern(5, 900)
    assert carry(pair, there, stream, words) == words
    assert there.state == SEND_FINISHED and stream.state == READ_ENDED
    assert stream.protocol == there.protocol == "/test/own/1"
    pair.done()


def test_a_reset_ends_both_halves_and_no_other_stream():
    pair = Pair(ready=True)
    stream, there = pair.stream()
    other, other_there = pair.stream()
    stream.send(pattern(0, 2000), 0, 2000)
    pair.settle()
    there.reset(9)
    pair.settle()
    assert stream.state & (READ_RESET | SEND_STOPPED) == READ_RESET | SEND_STOPPED
    assert stream.reset_code == 0, "yamux carries none"
    assert stream.send(b"x", 0, 1) == 0 and read(there) == b""
    assert carry(pair, other, other_there, pattern(1, 500)) == pattern(1, 500)
    pair.done()


def test_what_nobody_serves_is_declined_by_name():
    pair = Pair(ready=True)
    stream = pair.a.open(OTHER)
    pair.settle()
    assert read(stream) == b"" and stream.reset_code == UNSUPPORTED and stream.state & DEAD
    assert pair.b.accept() is None and pair.b.accept(own=True) is None
    assert pair.a.open(77) is None, "a kind that we do not speak"
    pair.done()


def test_streams_of_ours_are_capped():
    pair = pair_within(outbound_streams=3, inbound_streams=5)
    streams = [pair.a.open(ECHO) for _ in range(3)]
    assert None not in streams and pair.a.open(ECHO) is None
    pair.settle()
    assert len([1 for _ in range(9) if pair.b.accept() is not None]) == 3
    streams[1].reset(0)
    assert pair.a.open(ECHO) is not None and pair.a.open(ECHO) is None
    # The other side has a cap of its own.
    assert pair.b.open(ECHO) is not None
    pair.done()


def test_streams_of_the_peer_are_capped_whether_accepted_or_not():
    pair = Pair(terms(0), terms(1, limits=bounds(inbound_streams=2)), ready=True)
    streams = [pair.a.open(ECHO) for _ in range(4)]
    pair.settle()
    states = [stream.state & DEAD != 0 for stream in streams]
    assert states == [False, False, True, True]
    first = pair.b.accept()
    assert first is not None and pair.b.accept() is not None and pair.b.accept() is None
    extra = pair.a.open(ECHO)
    pair.settle()
    assert extra.state & DEAD, "an accepted stream counts"
    first.reset(0)
    pair.settle()
    read(streams[0])
    again = pair.a.open(ECHO)
    pair.settle()
    assert not again.state & DEAD and pair.b.accept() is not None
    pair.done()


def test_a_stream_that_was_reset_before_it_was_accepted_is_not_shown():
    pair = Pair(ready=True)
    stream = pair.a.open(ECHO)
    pair.settle()
    stream.reset(0)
    pair.settle()
    assert pair.b.accept() is None
    pair.done()


def test_more_than_a_window_needs_the_reader():
    pair = pair_within(stream_window_bytes=8000, connection_window_bytes=20_000, send_buffer_bytes=4000)
    stream, there = pair.stream()
    sent = read_so_far = 0
    for _ in range(400):
        sent += stream.send(pattern(sent, 1000), 0, 1000)
        pair.step()
    pair.settle()
    # yamux lets the peer have 256 KiB ahead; what there are no chunks for waits on the link.
    assert sent < 256 * 1024 and pair.hosts[1].chunks.free == 40 - 20
    assert pair.b.wants() == 0 and pair.b.is_held
    for _ in range(2000):
        found = read(there, 1500)
        assert found == pattern(read_so_far, len(found))
        read_so_far += len(found)
        pair.b.pump(pair.now)
        if sent < 400_000:
            sent += stream.send(pattern(sent, 1000), 0, 1000)
        pair.step()
    assert read_so_far == sent >= 400_000
    # Once the peer has used up what yamux gave it, it gets no more than the profile's window.
    for _ in range(400):
        sent += stream.send(pattern(sent, 1000), 0, 1000)
        pair.step()
    assert sent - read_so_far <= 8000 + 4000, "a window, and what waits to be sent"
    pair.done()


def test_a_stream_that_nobody_reads_does_not_take_the_chunks_of_other_connections():
    limits = bounds(connection_window_bytes=8000, stream_chunks=40)
    host = terms(1, limits=limits)
    greedy, modest = Pair(terms(0), host, ready=True), Pair(terms(0), host, ready=True)
    full, _ = greedy.stream()
    stream, there = modest.stream()
    for _ in range(40):
        full.send(bytes(4000), 0, 4000)
        greedy.step()
    greedy.settle()
    assert greedy.b.is_held and host.chunks.free >= 40 - 8
    data = pattern(3, 6000)
    assert carry(modest, stream, there, data) == data
    greedy.let_go()
    modest.let_go()
    assert is_whole(host, greedy.hosts[0], modest.hosts[0])


def test_who_finds_no_chunk_to_send_leaves_word_and_goes_on():
    host = terms(0)
    pair = Pair(host, terms(1), ready=True)
    stream, there = pair.stream()
    taken = [host.chunks.lend(True) for _ in range(host.chunks.free)]
    assert stream.send(b"hello", 0, 5) == 0 and pair.a.take_shortage() and not pair.a.take_shortage()
    assert pair.a.open(ECHO) is None and pair.a.take_shortage(), "its name could not be said"
    for chunk in taken:
        host.chunks.give_back(chunk)
    assert stream.send(b"hello", 0, 5) == 5
    pair.settle()
    assert read(there) == b"hello" and pair.a.open(ECHO) is not None
    pair.done()


def test_no_answer_to_a_name_is_lost_for_want_of_a_chunk():
    """The accepting side has no chunk for its yes: the stream is shown none the less, and the yes follows."""
    host = terms(1)
    pair = Pair(terms(0), host, ready=True)
    taken = [host.chunks.lend(True) for _ in range(host.chunks.free - 1)]  # the last one takes the name
    stream = pair.a.open(ECHO)
    stream.send(b"hello", 0, 5)
    pair.settle()
    there = pair.b.accept()
    assert read(there) == b"hello" and there.is_stuck and pair.b.accept() is None
    assert read(stream) == b"" and not stream.is_agreed and there.send(b"early", 0, 5) == 0
    for chunk in taken:
        host.chunks.give_back(chunk)
    assert pair.b.wake_at(pair.now) == pair.now, "there is room now"
    pair.pass_time(1)
    assert not there.is_stuck and there.send(b"world", 0, 5) == 5 and pair.b._inbound == []
    pair.settle()
    assert read(stream) == b"world" and stream.is_agreed
    pair.done()


def test_an_answer_that_never_finds_a_chunk_ends_its_stream_in_time():
    host = terms(1)
    pair = Pair(terms(0), host, ready=True)
    taken = [host.chunks.lend(True) for _ in range(host.chunks.free - 1)]
    stream = pair.a.open(ECHO)
    pair.settle()
    there = pair.b.accept()
    pair.pass_time(host.profile.handshake_timeout_ms + 500)
    assert there.state & DEAD and stream.state & DEAD and pair.b.state == pair.a.state
    for chunk in taken:
        host.chunks.give_back(chunk)
    pair.done()


def test_bytes_behind_a_name_leave_chunks_for_its_answer():
    """Until the name is known its stream has one; what does not fit waits in the frame."""
    small, large = bounds(stream_chunks=4, chunk_bytes=40), bounds()
    pair = Pair(terms(0, limits=large), terms(1, limits=small), ready=True)
    stream = pair.a.open(ECHO)
    data = pattern(9, 2000)
    stream.send(data, 0, 2000)
    pair.settle()
    there = pair.b.accept()
    assert there is not None and not there.is_stuck and pair.b.is_held
    found = b""
    for _ in range(100):
        found += read(there)
        pair.b.pump(pair.now)
        pair.step()
    assert found == data
    pair.pass_time(1)
    assert read(stream) == b"" and stream.is_agreed and not there.is_stuck
    pair.done()


def test_frames_are_packed():
    """What several streams have to say goes in as few frames as possible: a tag and a length each cost 18 bytes."""
    pair = Pair(ready=True)
    streams = [pair.stream()[0] for _ in range(4)]
    for stream in streams:
        stream.send(pattern(1, 480), 0, 480)
    buf = bytearray(6000)
    size = pair.a.drain(buf, 0, len(buf), pair.now)
    assert size == 18 + 4 * (12 + 480) and buf[0] << 8 | buf[1] == size - 2


def test_what_is_said_at_one_go_begins_with_short_frames():
    """Boards take no long ones. A burst of 136 KiB later, more than an answer of headers has, they may be as long as
    our buffers."""
    many = bounds(send_buffer_bytes=200_000, connection_send_bytes=200_000, stream_window_bytes=256 * 1024,
                  connection_window_bytes=256 * 1024, stream_chunks=512)
    pair = Pair(terms(0, limits=many), terms(1, limits=many), ready=True)
    stream, _ = pair.stream()
    assert stream.send(pattern(1, 180_000), 0, 180_000) == 180_000
    buf = bytearray(200_000)
    sizes = frame_sizes(buf, pair.a.drain(buf, 0, len(buf), pair.now))
    short = sizes.index(max(sizes))
    assert sizes[:short] == [2050] * short and 136 * 1024 <= sum(sizes[:short]) < 141 * 1024 and max(sizes) > 4_000
    stream.send(pattern(1, 3_000), 0, 3_000)  # nothing was left to say: a new beginning
    assert frame_sizes(buf, pair.a.drain(buf, 0, len(buf), pair.now))[0] == 2050


def frame_sizes(buf, end):
    """Of the Noise frames in buf[:end], each with its length."""
    sizes = []
    at = 0
    while at < end:
        sizes.append(2 + (buf[at] << 8 | buf[at + 1]))
        at += sizes[-1]
    return sizes


def test_after_the_end_streams_are_closed_and_say_nothing():
    pair = Pair(ready=True)
    stream, there = pair.stream()
    stream.send(pattern(1, 3000), 0, 3000)
    pair.step()
    pair.done()
    for end in (stream, there):
        assert end.state & CLOSED and end.send(b"x", 0, 1) == 0
        end.finish()
        end.reset(1)
        end.credit(1)
    assert pair.a.open(ECHO) is None and pair.b.accept() is None and is_whole(*pair.hosts)


def test_what_goes_on_where_room_had_run_out_is_the_same_burst():
    """A long transfer fills our buffers again and again: short frames are for its beginning alone."""
    many = bounds(send_buffer_bytes=20_000, connection_send_bytes=20_000, stream_chunks=256)
    pair = Pair(terms(0, limits=many), terms(1, limits=many), ready=True)
    stream, there = pair.stream()
    data, got = pattern(1, 240_000), bytearray(4096)
    buf = bytearray(30_000)
    sizes = []
    at = 0
    while at < len(data):
        at += stream.send(data, at, len(data))
        end = pair.a.drain(buf, 0, len(buf), pair.now)
        sizes += frame_sizes(buf, end)
        assert pair.b.feed(buf, 0, end, pair.now) == end
        there = there or pair.b.accept()
        while there is not None:
            count = there.recv_into(got, 0, len(got))
            if not count:
                break
            there.credit(count)
        end = pair.b.drain(buf, 0, len(buf), pair.now)
        pair.a.feed(buf, 0, end, pair.now)
    first = [size > 2050 for size in sizes].index(True)
    assert 136 * 1024 <= sum(sizes[:first]) < 145 * 1024 and max(sizes[first:]) > 4_000
    assert sum(size > 2050 for size in sizes[first:]) >= 15

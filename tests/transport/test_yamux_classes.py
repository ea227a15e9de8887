# portable: runs on CPython and MicroPython
"""Who goes first, who never starves, how long what is urgent waits, and what a batch saves."""

from jamliquor_lite.budget.classes import COUNT, FINALITY, GOSSIP, HANDSHAKES, HEADERS, QUERIES, SERVING, WEIGHTS
from jamliquor_lite.budget.stream import DEAD
from jamliquor_lite.jam import kinds
from jamliquor_lite.transport.yamux_frame import DATA, HEADER_BYTES, INITIAL_WINDOW, SYN, WINDOW_UPDATE
from jamliquor_lite.transport.yamux_output import CUT, QUANTUM, ROUND
from tests.transport.connection_pair import ECHO, NAMES, OTHER, Pair, bounds, terms
from tests.transport.yamux_pair import CHUNK, Hand, profile, read, scope

FRAME = 2014  # what fits into a Noise frame of 2,050 bytes, less the header
MANY = {"send_buffer_bytes": 200 * CHUNK, "connection_send_bytes": 580 * CHUNK}


def streams(hand, *classes):
    """A stream of ours for each class, whose SYN has been said."""
    found = []
    for cls in classes:
        stream = hand.session.open(hand.now)
        assert stream.enter(scope(cls))
        found.append(stream)
    hand.hear()
    return found


def fill(stream, count):
    """So many bytes wait on it."""
    assert stream.send(bytes(count), 0, count) == count


def frames(hand, buf):
    """(stream id, bytes) of each data frame of one drain into `buf`; windows are left out."""
    end = hand.session.drain(buf, 0, len(buf), hand.now)
    found = []
    at = 0
    while at < end:
        size = (buf[at + 8] << 24 | buf[at + 9] << 16 | buf[at + 10] << 8 | buf[at + 11]) if buf[at + 1] == DATA else 0
        found.append((buf[at + 7], size))
        at += HEADER_BYTES + size
    return found


def test_what_is_urgent_goes_before_a_backlog():
    """A header is next, whatever waits: behind nothing but what has left the session already."""
    for cls in (FINALITY, HEADERS, QUERIES):
        hand = Hand(profile(**MANY))
        backlog = streams(hand, SERVING, SERVING, GOSSIP, SERVING)
        for stream in backlog:
            fill(stream, 120 * CHUNK)
        (urgent,) = streams_apart(hand, cls)
        buf = bytearray(2032)
        for _ in range(30):
            frames(hand, buf)
        fill(urgent, 297)
        assert frames(hand, buf)[0] == (urgent.id, 297)
        hand.done()


def streams_apart(hand, cls):
    """One more stream, whose SYN goes out with whatever is due."""
    stream = hand.session.open(hand.now)
    assert stream.enter(scope(cls))
    hand.session.drain(bytearray(HEADER_BYTES + 1), 0, HEADER_BYTES + 1, hand.now)
    return (stream,)


def test_long_urgent_words_wait_a_round_for_each_part_at_most():
    """All classes have more to say than goes out: no class waits for more than ROUND bytes between two of its turns."""
    hand = Hand(profile(**MANY))
    classes = (FINALITY, HEADERS, QUERIES, SERVING, GOSSIP)
    held = streams(hand, *classes)
    by_id = {stream.id: cls for stream, cls in zip(held, classes)}
    for stream in held:
        fill(stream, 110 * CHUNK)
    waited, longest, said = [0] * COUNT, [0] * COUNT, [0] * COUNT
    buf = bytearray(2032)
    for _ in range(100):
        for stream_id, size in frames(hand, buf):
            turn = by_id[stream_id]
            for cls in classes:
                waited[cls] = 0 if cls == turn else waited[cls] + size + HEADER_BYTES
                longest[cls] = max(longest[cls], waited[cls])
            said[turn] += size + HEADER_BYTES
            assert size <= CUT
    assert max(longest) <= ROUND, longest
    # Each has its weight's part of what went out, to within two rounds.
    parts = sum(WEIGHTS[cls] for cls in classes)
    for cls in classes:
        assert abs(said[cls] - sum(said) * WEIGHTS[cls] // parts) <= 2 * ROUND, (cls, said)
    assert said[GOSSIP] >= sum(said) * WEIGHTS[GOSSIP] // parts - ROUND
    hand.done()


def test_what_others_do_not_take_goes_to_whoever_has_something_to_say():
    """Gossip alone gets everything, in frames as long as there is room for; beside headers what they leave."""
    hand = Hand(profile(**MANY))
    gossip, header = streams(hand, GOSSIP, HEADERS)
    fill(gossip, 100 * CHUNK)
    buf = bytearray(20_000)
    assert frames(hand, buf) == [(gossip.id, 20_000 - HEADER_BYTES)]
    total = gossiped = 0
    small = bytearray(2032)
    for _ in range(20):
        fill(header, 297)  # one for each frame, as much as a seventh of what goes out
        for stream_id, size in frames(hand, small):
            total += size
            gossiped += size if stream_id == gossip.id else 0
    assert header.is_sent() and gossiped >= total - 20 * 297
    hand.done()


def test_within_a_class_streams_take_turns():
    hand = Hand(profile(**MANY))
    held = streams(hand, SERVING, SERVING, SERVING, HEADERS)
    for stream in held:
        fill(stream, 30 * CHUNK)
    order = []
    buf = bytearray(2032)
    for _ in range(60):
        order += [stream_id for stream_id, _ in frames(hand, buf) if stream_id != held[3].id]
    turns = [order[i : i + 3] for i in range(0, len(order) - 2, 3)]
    assert len(turns) > 4 and all(sorted(turn) == sorted(stream.id for stream in held[:3]) for turn in turns), order
    hand.done()


def test_who_has_no_window_keeps_nobody_waiting():
    hand = Hand(profile(send_buffer_bytes=INITIAL_WINDOW * 2, connection_send_bytes=580 * CHUNK))
    stuck, other = streams(hand, FINALITY, GOSSIP)
    fill(stuck, INITIAL_WINDOW)
    hand.hear()
    stuck.send(bytes(CHUNK), 0, CHUNK)
    fill(other, 50 * CHUNK)
    buf = bytearray(2032)
    got = 0
    while got < 50 * CHUNK:
        found = frames(hand, buf)
        assert found and found[0][0] == other.id
        got += sum(size for _, size in found)
    hand.say(WINDOW_UPDATE, 0, stuck.id, CHUNK)
    assert (stuck.id, CHUNK) in frames(hand, buf)
    hand.done()


def test_on_the_wire_what_is_urgent_waits_for_one_frame():
    """The one that was sealed before it was said: as long as our buffers, or a sixteenth of a second of a cap."""
    for cap, longest in ((0, 5000), (64_000, 4000), (8_000, 2050)):
        limits = bounds(max_upload_rate=cap, send_buffer_bytes=300_000, connection_send_bytes=300_000,
                        stream_chunks=400, protocol_permille=1000)
        host = terms(0, limits=limits, served=(), spoken=(ECHO,))
        host.speak(NAMES[OTHER], OTHER, HEADERS)
        pair = Pair(host, terms(1, served=(ECHO, OTHER)), ready=True)
        answer, announcement = pair.a.open(ECHO), pair.a.open(OTHER)
        pair.settle()
        assert (answer.cls, announcement.cls) == (SERVING, HEADERS)
        answer.send(bytes(300_000), 0, 300_000)
        sizes = [sealed(pair.a) for _ in range(75)]  # until short frames are no more for the beginning
        assert max(sizes) == longest
        behind = pair.a.out_end if pair.a.outlet(pair.now) is not None else 0
        assert announcement.send(bytes([7]) * 297, 0, 297) == 297
        assert 0 < behind <= longest
        pair.a.sent(behind)
        buf = pair.a.outlet(pair.now)
        assert bytes(buf[14 : 14 + 297]) == bytes([7]) * 297, "the first in the next frame"
        for end in pair.ends:
            end.ended("", pair.now)


def sealed(end):
    """Bytes of the next frame, which is thrown away."""
    assert end.outlet(1000) is not None
    size = end.out_end
    end.sent(size)
    return size


# batches


def test_gossip_is_gathered_and_never_waits_longer_than_it_may():
    hand = Hand(profile(batch_ms=20, batch_bytes=1000))
    session = hand.session
    held = streams(hand, GOSSIP, GOSSIP, GOSSIP)
    start = hand.now
    assert session.output_at(start) == -1
    for i, stream in enumerate(held):
        fill(stream, 40)
        assert session.output_at(start + 5 * i) == start + 20, "from the first on"
    assert session.wake_at(start + 19) == start + 20 and session.output_at(start + 20) == start + 20
    assert [size for _, size in frames(hand, bytearray(2032))] == [40, 40, 40]
    assert session.output_at(start + 21) == -1
    fill(held[0], 40)
    assert session.output_at(start + 100) == start + 120, "a new batch"
    fill(held[1], 960)
    assert session.output_at(start + 101) == start + 101, "it is long enough"
    hand.done()


def test_a_batch_goes_along_with_what_is_urgent():
    hand = Hand(profile(batch_ms=20))
    gossip, header = streams(hand, GOSSIP, HEADERS)
    fill(gossip, 40)
    assert hand.session.output_at(hand.now) == hand.now + 20
    fill(header, 297)
    assert hand.session.output_at(hand.now) == hand.now, "headers wait for nobody"
    assert frames(hand, bytearray(2032)) == [(header.id, 297), (gossip.id, 40)]
    assert hand.session.output_at(hand.now) == -1
    hand.done()


def test_a_stream_for_gossip_is_opened_with_its_first_words():
    hand = Hand(profile(batch_ms=20))
    stream = hand.session.open(hand.now)
    assert stream.enter(scope(GOSSIP))
    assert hand.session.output_at(hand.now) == hand.now + 20
    fill(stream, 40)
    stream.finish()
    assert hand.session.output_at(hand.now + 1) == hand.now + 20
    assert len(hand.hear()) == 3, "SYN, the bytes, FIN"
    hand.done()


def test_window_for_who_has_enough_waits():
    """A peer with a quarter of its window left is told of more with the next words; one with less at once."""
    for cls, waits in ((SERVING, True), (HEADERS, False)):
        hand = Hand(profile(batch_ms=20, stream_window_bytes=INITIAL_WINDOW))
        hand.say(WINDOW_UPDATE, SYN, 1, 0)
        stream = hand.accept()
        assert stream.enter(scope(cls))
        half = INITIAL_WINDOW // 2 + CHUNK
        hand.data(1, bytes(half))
        assert len(read(stream)) == half
        assert hand.session.output_at(hand.now) == hand.now + (20 if waits else 0)
        more = INITIAL_WINDOW // 4
        hand.data(1, bytes(more))
        assert hand.session.output_at(hand.now) == hand.now, "now it is less"
        assert len(read(stream)) == more
        assert hand.hear() == [(WINDOW_UPDATE, 2, 1, half + more, b"")]
        hand.done()


def test_what_batches_save_on_the_wire():
    """Thirty messages of 36 bytes, one a millisecond, through whole connections: a Noise frame costs 18 bytes, and what
    goes into one TCP segment saves 66 bytes for each that would have been one more."""
    costs = []
    for batch_ms in (0, 10):
        limits = bounds(batch_ms=batch_ms)
        host = terms(0, limits=limits, served=(), spoken=())
        host.speak(NAMES[ECHO], ECHO, GOSSIP)
        pair = Pair(host, terms(1), ready=True)
        stream = pair.a.open(ECHO)
        assert stream.cls == GOSSIP
        pair.pass_time(50, 5)
        there = pair.b.accept()
        sent, got, latest = [], 0, 0
        count = size = 0
        buf = bytearray(3000)
        for _ in range(45):
            pair.now += 1
            if len(sent) < 30:
                assert stream.send(bytes(36), 0, 36) == 36
                sent.append(pair.now)
            while pair.a.outlet(pair.now) is not None:
                n = pair.a.drain(buf, 0, pair.a.out_end - pair.a.out_start, pair.now)
                count += 1
                size += n
                assert pair.b.feed(buf, 0, n, pair.now) == n
            here = len(read(there)) // 36
            for at in sent[got : got + here]:
                latest = max(latest, pair.now - at)
            got += here
        assert got == 30 and latest <= batch_ms
        assert pair.a.wake_at(pair.now) > pair.now
        costs.append((count, size))
        pair.settle()
        pair.done()
    (alone, alone_bytes), (gathered, gathered_bytes) = costs
    assert alone == 30 and alone_bytes == 30 * (18 + HEADER_BYTES + 36)
    assert gathered == 3 and gathered_bytes < alone_bytes - 27 * (18 + HEADER_BYTES - 1)


def test_a_connection_wakes_for_its_batch():
    host = terms(0, limits=bounds(batch_ms=20), served=(), spoken=())
    host.speak(NAMES[ECHO], ECHO, GOSSIP)
    pair = Pair(host, terms(1), ready=True)
    stream = pair.a.open(ECHO)
    start = pair.now
    assert pair.a.outlet(start) is None and pair.a.wake_at(start) == start + 20
    assert pair.a.outlet(start + 19) is None and host.frames.free == host.frames.count
    assert pair.a.outlet(start + 20) is not None
    pair.now += 20
    pair.settle()
    assert not stream.state & DEAD and pair.b.accept() is not None
    pair.done()


# classes


def test_what_a_stream_is_for():
    ours, theirs = {}, {}
    for kind in range(300):
        ours[kind], theirs[kind] = kinds.class_of(kind, True), kinds.class_of(kind, False)
    for kind in (kinds.BLOCK_ANNOUNCEMENT, kinds.HEADER_ANNOUNCEMENT):
        assert ours[kind] == theirs[kind] == HEADERS
    assert (ours[kinds.HEADER_REQUEST], theirs[kinds.HEADER_REQUEST]) == (HEADERS, SERVING)
    assert (ours[kinds.STATE_REQUEST], theirs[kinds.STATE_REQUEST]) == (QUERIES, SERVING)
    assert (ours[kinds.RELAYED_REQUEST], theirs[kinds.RELAYED_REQUEST]) == (SERVING, SERVING)
    for kind in kinds.PUSHES:
        assert ours[kind] == theirs[kind] == GOSSIP
    assert HANDSHAKES not in ours.values() and max(theirs[kind] for kind in theirs) == GOSSIP


def test_streams_and_connections_carry_their_class():
    host = terms(0, served=(), spoken=())
    host.speak(NAMES[OTHER], OTHER, QUERIES)
    other = terms(1, served=())
    other.serve(NAMES[OTHER], OTHER, GOSSIP)
    pair = Pair(host, other)
    assert pair.a.cls == HEADERS and pair.b.cls == HANDSHAKES, "we dialed; a stranger"
    ready = Pair(host, other, ready=True)
    assert ready.a.cls == HEADERS and ready.b.cls == SERVING
    here, there = ready.stream(OTHER)
    assert (here.cls, there.cls) == (QUERIES, GOSSIP)
    assert host.scope(OTHER, True).streams.used == other.scope(OTHER, False).streams.used == 1
    ready.b.cls = HEADERS
    assert ready.b.cls == HEADERS
    ready.done()
    for end in pair.ends:
        end.ended("", 1000)


def test_the_bound_on_what_waits_is_what_it_says():
    assert ROUND == QUANTUM * sum(WEIGHTS) + COUNT * (CUT + HEADER_BYTES) == 16_384 + 12_360

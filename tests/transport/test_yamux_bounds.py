# portable: runs on CPython and MicroPython
"""When chunks run out: what waits waits, nothing is lost, nothing grows, and who sits on chunks is reset."""

from jamliquor_lite.budget.classes import HEADERS, SERVING
from jamliquor_lite.budget.pool import Pool
from jamliquor_lite.budget.stream import DEAD, READ_RESET, SEND_STOPPED
from jamliquor_lite.transport.yamux import STREAM
from jamliquor_lite.transport.yamux_frame import DATA, FIN, HEADER_BYTES, INITIAL_WINDOW, RST, SYN, WINDOW_UPDATE
from tests.fake_carrier import Dice
from tests.transport.yamux_pair import CHUNK, Hand, Link, pattern, pool, profile, read, scope


def test_a_frame_larger_than_all_chunks_comes_in_pieces():
    hand = Hand(lent=pool(4))
    data = pattern(0, 50000)
    taken = hand.say(DATA, SYN | FIN, 1, len(data), data)
    assert taken == HEADER_BYTES + 3 * CHUNK and hand.session.wants() == 0 and hand.pool.free == 1
    assert hand.session.feed(data, taken - HEADER_BYTES, len(data), 1) == 0
    stream = hand.accept()
    got = b""
    at = taken - HEADER_BYTES
    while at < len(data):
        buf = bytearray(100)
        n = stream.recv_into(buf, 0, 100)
        got += bytes(buf[:n])
        wants = hand.session.wants()
        n = hand.session.feed(data, at, len(data), 1)
        assert n >= wants
        at += n
    assert got + read(stream) == data and hand.pool.free == 4 and hand.pool.least_free == 1
    hand.done()


def test_frames_behind_wait_as_long():
    hand = Hand(lent=pool(4))
    ours = hand.session.open(1)
    hand.hear()
    hand.data(1, bytes(4 * CHUNK), SYN)
    stream = hand.accept()
    left = bytes(CHUNK) + b"\0\1\0\4\0\0\0\1\0\0\0\0" + b"\0\1\0\0\0\0\0\2\0\0\0\5"
    assert hand.session.feed(left, 0, len(left), 1) == 0
    assert len(read(stream)) == 3 * CHUNK
    assert hand.session.feed(left, 0, len(left), 1) == len(left)
    assert ours.window == INITIAL_WINDOW + 5
    hand.done()


def test_one_peer_does_not_take_all():
    lent = pool(20)
    limits = profile(connection_window_bytes=8 * CHUNK)
    greedy, modest = Hand(limits, lent), Hand(limits, lent)
    for i in range(8):
        greedy.data(1 + 2 * i, bytes(3 * CHUNK), SYN)
        if greedy.session.wants() == 0:
            break
    assert lent.free == 12
    assert modest.data(1, bytes(5 * CHUNK), SYN) == HEADER_BYTES + 5 * CHUNK
    greedy.session.close()
    modest.session.close()
    assert lent.free == 20


def test_the_last_chunk_is_for_who_has_none():
    lent = pool(4)
    first, second = Hand(lent=lent), Hand(lent=lent)
    ours = first.session.open(1)
    assert lent.kept == 1, "of four, one is reserved and one more may be kept"
    assert ours.send(bytes(9 * CHUNK), 0, 9 * CHUNK) == 2 * CHUNK, "what we send leaves both alone"
    assert second.session.open(1).send(b"x", 0, 1) == 0
    assert first.data(1, bytes(3 * CHUNK), SYN) == HEADER_BYTES + CHUNK, "the one that was kept for it"
    assert second.data(1, b"x", SYN) == HEADER_BYTES and second.session.wants() == 0
    for hand in (first, second):
        hand.session.close()
    assert lent.free == 4 and lent.kept == 0


def test_every_peer_gets_on_by_its_first_chunk():
    """However much the others sit on: sixteen peers, and fifteen take all that they are given."""
    lent = Pool("chunks", 40, CHUNK, 2)
    hands = [Hand(lent=lent) for _ in range(16)]
    assert lent.kept == 16
    for hand in hands[1:]:
        assert hand.data(1, bytes(40 * CHUNK), SYN) >= HEADER_BYTES + CHUNK
    assert lent.free == 2 + 1 and lent.kept == 1
    modest = hands[0]
    total = 20 * CHUNK
    at = modest.data(1, bytes(total), SYN) - HEADER_BYTES
    stream = modest.accept()
    while at < total:
        assert len(read(stream)) >= min(CHUNK, at)
        at += modest.session.feed(bytes(total - at), 0, total - at, modest.now)
    for hand in hands:
        hand.session.close()
    assert lent.free == 40 and lent.kept == 0


def test_of_what_a_peer_may_be_sent_the_last_chunk_is_for_what_is_urgent():
    hand = Hand(profile(connection_send_bytes=4 * CHUNK))
    answer, announcement = hand.session.open(1), hand.session.open(1)
    assert announcement.enter(scope(HEADERS)) and answer.enter(scope(SERVING))
    assert answer.send(bytes(9 * CHUNK), 0, 9 * CHUNK) == 3 * CHUNK
    assert announcement.send(bytes(9 * CHUNK), 0, 9 * CHUNK) == CHUNK
    assert hand.session.outbox.used == hand.session.outbox.most == 4 and hand.session.outbox.refused == 2
    hand.done()


def test_a_stranger_s_streams_are_not_urgent():
    """They get no reserved chunk whatever they speak, and what the connection is for can change while it stands."""
    lent = Pool("chunks", 10, CHUNK, 3)
    hand = Hand(lent=lent)
    hand.session.inbox.is_trusted = hand.session.outbox.is_trusted = False
    stream = hand.session.open(1)
    assert stream.enter(scope(HEADERS))
    assert stream.send(bytes(9 * CHUNK), 0, 9 * CHUNK) == 6 * CHUNK and lent.free == 4 and not lent.is_hungry
    hand.session.outbox.is_trusted = True
    assert stream.send(bytes(9 * CHUNK), 0, 9 * CHUNK) == 3 * CHUNK and lent.free == lent.kept == 1
    assert stream.send(b"x", 0, 1) == 0 and lent.is_hungry
    hand.done()


def test_no_window_is_given_while_there_is_no_chunk_to_fill():
    lent = pool(6)
    hand = Hand(profile(stream_window_bytes=4 * CHUNK), lent)
    window = INITIAL_WINDOW
    stream = None
    while window > CHUNK:
        hand.data(1, bytes(CHUNK), 0 if stream else SYN)
        stream = stream or hand.accept()
        assert stream.recv_into(bytearray(CHUNK), 0, CHUNK) == CHUNK
        window -= CHUNK
    hand.data(3, b"x", SYN)  # the chunk that is kept for the peer holds this
    others = [lent.lend(True) for _ in range(5)]
    stream.credit(INITIAL_WINDOW)
    assert not hand.hear() and not hand.session.has_output
    assert hand.session.wake_at(5000) == 5100, "chunks come back unheard: look again"
    lent.give_back(others.pop())
    assert not hand.session.has_output, "the last one is reserved"
    lent.give_back(others.pop())
    assert hand.session.has_output and hand.session.wake_at(5000) == 5000
    ((kind, _, stream_id, grant, _),) = hand.hear()
    assert (kind, stream_id, grant) == (WINDOW_UPDATE, 1, 3 * CHUNK) and not hand.session.has_output
    for buffer in others:
        lent.give_back(buffer)
    hand.done()


def test_window_for_what_is_urgent_comes_with_the_reserved_chunks():
    """Others wait until there are chunks for them; and where there is none at all, it goes out with the first."""
    lent = Pool("chunks", 8, CHUNK, 2)
    hand = Hand(profile(stream_window_bytes=4 * CHUNK), lent)
    held = []
    for stream_id, cls in ((1, HEADERS), (3, SERVING)):
        hand.say(WINDOW_UPDATE, SYN, stream_id, 0)
        stream = hand.accept()
        assert stream.enter(scope(cls))
        for left in range(INITIAL_WINDOW, 0, -CHUNK):  # all of it is used up, and all but the last byte is read
            hand.data(stream_id, bytes(CHUNK))
            count = CHUNK - (left == CHUNK)
            assert stream.recv_into(bytearray(CHUNK), 0, count) == count
        held.append(stream)
    assert not hand.hear() and lent.used == 2
    others = [lent.lend(True) for _ in range(lent.room(True))]
    for stream in held:
        stream.credit(INITIAL_WINDOW)
    assert not hand.hear() and not hand.session.has_output
    lent.give_back(others.pop())
    ((_, _, stream_id, grant, _),) = hand.hear()
    assert (stream_id, grant) == (1, 4 * CHUNK - 1) and not hand.session.has_output
    lent.give_back(others.pop())
    assert not hand.hear() and not hand.session.has_output, "two are reserved"
    lent.give_back(others.pop())
    ((_, _, stream_id, grant, _),) = hand.hear()
    assert (stream_id, grant) == (3, 4 * CHUNK - 1)
    for buffer in others:
        lent.give_back(buffer)
    hand.done()


def test_a_small_board_s_window_is_kept_small():
    # The peer begins with 256 KiB whatever we want; from then on it never has more than the board says.
    hand = Hand(profile(stream_window_bytes=2 * CHUNK), pool(10))
    hand.say(WINDOW_UPDATE, SYN, 1, 0)
    stream = hand.accept()
    window = INITIAL_WINDOW
    frames = 0
    for _ in range(2000):
        size = min(window, 500)
        hand.data(1, bytes(size))
        window -= size
        assert len(read(stream)) == size
        for kind, _, _, length, _ in hand.hear():
            assert kind == WINDOW_UPDATE and window < CHUNK
            window += length
            frames += 1
            assert window <= 2 * CHUNK
    sent = INITIAL_WINDOW + frames * 2 * CHUNK
    assert 2000 * 500 * 0.9 < sent and frames < 2000 * 500 / CHUNK, "and it is not told with every byte"
    hand.done()


def used_up(limits=None):
    """A hand and the peer's stream 1, whose first window is used up; nothing of it was consumed, nor is it here."""
    hand = Hand(limits)
    size = INITIAL_WINDOW // 4
    for i in range(4):
        assert hand.data(1, bytes(size), 0 if i else SYN) == HEADER_BYTES + size
        if i == 0:
            stream = hand.accept()
        assert stream.recv_into(bytearray(size), 0, size) == size
    assert not hand.hear()
    return hand, stream


def test_what_a_reader_keeps_is_not_granted_again():
    hand, stream = used_up()
    held = INITIAL_WINDOW
    stream.credit(held - 40 * 1024)
    assert hand.hear() == [(WINDOW_UPDATE, 2, 1, 24 * 1024, b"")], "64 KiB less what the reader keeps"
    stream.credit(10 * 1024)
    assert hand.hear() == [(WINDOW_UPDATE, 0, 1, 10 * 1024, b"")]
    hand.done()


def test_a_reader_of_single_bytes_does_not_cost_a_frame_for_each():
    hand, stream = used_up()
    stream.credit(INITIAL_WINDOW)
    assert len(hand.hear()) == 1
    assert hand.data(1, bytes(64 * 1024)) == HEADER_BYTES + 64 * 1024
    frames = []
    for _ in range(64 * 1024):
        assert stream.recv_into(bytearray(1), 0, 1) == 1
        stream.credit(1)
        frames += hand.hear()
    assert 2 <= len(frames) <= 4, len(frames)
    hand.done()


def test_a_finished_half_gets_no_window():
    hand, stream = used_up()
    hand.say(WINDOW_UPDATE, FIN, 1, 0)
    stream.credit(INITIAL_WINDOW)
    assert not hand.hear() and not hand.session.has_output
    hand.done()


def test_a_window_wider_than_yamux_begins_with():
    hand = Hand(profile(stream_window_bytes=INITIAL_WINDOW + 5000, connection_window_bytes=500000), pool(500))
    ours = hand.session.open(1)
    assert hand.hear() == [(WINDOW_UPDATE, SYN, 2, 5000, b"")]
    size = INITIAL_WINDOW + 5000
    assert hand.data(2, pattern(0, size)) == HEADER_BYTES + size
    assert read(ours) == pattern(0, size)
    hand.done()


def test_nothing_is_lost_and_nothing_grows_when_chunks_are_short():
    for seed in range(1, 9):
        dice = Dice(seed)
        pools = (pool(3 + dice.below(9), 200), pool(3 + dice.below(9), 300))
        limits = profile(stream_window_bytes=700, connection_window_bytes=2000, send_buffer_bytes=900)
        link = Link(dice, limits, pools, 600)
        pairs = [link.stream() for _ in range(3)]
        sent, got = [0] * 6, [0] * 6
        total = 4000
        for _ in range(60000):
            for i in range(6):
                a, b = pairs[i // 2] if i % 2 else (pairs[i // 2][1], pairs[i // 2][0])
                data = pattern(i + sent[i], min(total - sent[i], dice.below(400)))
                sent[i] += a.send(data, 0, len(data))
                data = read(b, dice.below(500))
                assert data == pattern(i + got[i], len(data))
                got[i] += len(data)
            link.step()
            if got == [total] * 6:
                break
        assert got == [total] * 6, (seed, sent, got)
        assert [p.free for p in pools] == [p.count for p in pools]
        link.done()


def test_who_does_not_read_while_others_lack_chunks_is_reset():
    hand = Hand(lent=pool(6))
    hand.data(1, bytes(3 * CHUNK), SYN)
    sits = hand.accept()
    hand.now += 5000
    hand.data(3, bytes(CHUNK), SYN)
    waits = hand.accept()
    session = hand.session
    session.tick(hand.now + 9000)  # nobody lacks anything, so it may sit
    assert not sits.state & DEAD and session.wake_at(hand.now + 9000) == hand.now + 10000
    hand.data(3, bytes(5 * CHUNK))
    assert session.wants() == 0
    due = sits.read_at + 10000
    assert session.wake_at(hand.now) == hand.now + 100, "the pool may have chunks again before"
    session.tick(due - 1)
    assert not sits.state & DEAD
    session.tick(due)
    assert sits.state & DEAD == READ_RESET | SEND_STOPPED and not waits.state & DEAD
    assert session.wants() > 0 and session.feed(bytes(CHUNK), 0, CHUNK, due) == CHUNK
    assert (WINDOW_UPDATE, RST, 1, 0, b"") in hand.hear()
    hand.done()


def test_who_reads_now_and_then_is_left_alone():
    hand = Hand(lent=pool(2))
    hand.data(1, bytes(CHUNK), SYN)
    stream = hand.accept()
    hand.data(1, bytes(3 * CHUNK))
    for i in range(1, 30):
        hand.session.now = hand.now + 9000 * i
        assert stream.recv_into(bytearray(1), 0, 1) == 1
        hand.session.tick(hand.now + 9000 * i + 8999)
    assert not stream.state & DEAD
    hand.done()


def test_what_no_peer_takes_is_dropped_while_others_lack_chunks():
    hand = Hand(profile(send_buffer_bytes=INITIAL_WINDOW * 2, connection_send_bytes=300 * CHUNK), pool(310))
    stuck = hand.session.open(hand.now)
    stuck.send(bytes(INITIAL_WINDOW), 0, INITIAL_WINDOW)
    hand.hear()
    hand.say(WINDOW_UPDATE, 0, 2, 0)
    rest = stuck.send(bytes(310 * CHUNK), 0, 310 * CHUNK)
    assert rest == 299 * CHUNK and not hand.session.has_output, "one is for what is urgent"
    other = hand.session.open(hand.now)
    assert other.send(b"x", 0, 1) == 0, "the connection's share is used up"
    hand.session.tick(hand.now + 9999)
    assert not stuck.state & DEAD
    hand.session.tick(hand.now + 10000)
    assert stuck.state & DEAD and other.send(b"x", 0, 1) == 1
    hand.done()


def test_a_stream_is_not_late_because_it_was_at_rest_before():
    hand = Hand(lent=pool(4))
    hand.data(1, b"x", SYN)
    reads, sends = hand.accept(), hand.session.open(hand.now)
    read(reads)
    hand.hear()
    hand.say(WINDOW_UPDATE, 2, sends.id, 0)
    hand.now += 60000
    hand.data(1, bytes(2 * CHUNK))
    sends.send(bytes(2 * CHUNK), 0, 2 * CHUNK)
    assert hand.session.inbox.room() == hand.session.outbox.room() == 0
    hand.session.tick(hand.now + 9999)
    assert not reads.state & DEAD and not sends.state & DEAD
    hand.session.tick(hand.now + 10000)
    assert reads.state & DEAD and sends.state & DEAD
    hand.done()


def test_a_stream_that_gets_on_is_not_late():
    hand = Hand(lent=pool(4))
    stream = hand.session.open(hand.now)
    hand.hear()
    hand.say(WINDOW_UPDATE, 2, stream.id, 0)
    stream.send(bytes(3 * CHUNK), 0, 3 * CHUNK)
    buf = bytearray(50)
    for _ in range(10):
        hand.now += 9000
        hand.session.feed(b"", 0, 0, hand.now)
        assert hand.session.drain(buf, 0, 50, hand.now) == 50
        stream.send(bytes(3 * CHUNK), 0, 3 * CHUNK)
        hand.session._pings.heard(hand.now)
        hand.session.tick(hand.now + 8999)
        assert not stream.state & DEAD
    hand.done()


def test_sending_is_bounded_per_stream_and_takes_up_again():
    hand = Hand(profile(send_buffer_bytes=5000))
    stream = hand.session.open(1)
    data = pattern(0, 20000)
    sent = stream.send(data, 0, 3000)
    assert sent == 3000
    sent += stream.send(data, sent, 20000)
    assert sent == 5000 and stream.send(data, sent, 20000) == 0
    got = b""
    while len(got) < 20000:
        # In a range that fits nothing in particular; frames come whole.
        buf = bytearray(777)
        end = hand.session.drain(buf, 3, 770, 1)
        at = 3
        while at < 3 + end:
            length = buf[at + 10] << 8 | buf[at + 11] if buf[at + 1] == DATA else 0
            got += bytes(buf[at + 12 : at + 12 + length])
            at += 12 + length
        assert at == 3 + end <= 770
        sent += stream.send(data, sent, 20000)
    assert got == data
    hand.done()


def test_ranges_too_small_for_a_frame():
    hand = Hand()
    stream = hand.session.open(1)
    stream.send(b"data", 0, 4)
    buf = bytearray(40)
    assert hand.session.drain(buf, 0, 11, 1) == 0 and hand.session.has_output
    assert hand.session.drain(buf, 0, 12, 1) == 12 and buf[1] == WINDOW_UPDATE
    assert hand.session.drain(buf, 0, 12, 1) == 0 and hand.session.has_output
    assert [hand.session.drain(buf, 0, 13, 1) for _ in range(5)] == [13, 13, 13, 13, 0]
    hand.done()


def test_a_session_at_rest_holds_no_chunk_and_no_stream():
    link = Link()
    for i in range(200):
        a, b = link.stream()
        assert a.id == 1 + 2 * i
        a.send(b"question", 0, 8)
        a.finish()
        link.settle()
        assert read(b) == b"question"
        b.send(b"answer", 0, 6)
        b.finish()
        link.settle()
        assert read(a) == b"answer"
    for end, lent in ((link.a, link.pools[0]), (link.b, link.pools[1])):
        assert not end.streams and not end._fresh and end._inbound == 0
        assert not end.has_output and lent.free == lent.count
    assert link.b.open(1) is not None and link.b.next_event() != STREAM
    link.done()


def test_whoever_finds_no_room_to_send_leaves_word():
    link = Link(limits=profile(send_buffer_bytes=4 * CHUNK))
    here, there = link.stream()
    assert here.send(bytes(4 * CHUNK), 0, 4 * CHUNK) == 4 * CHUNK and not link.a.is_short
    assert here.send(b"more", 0, 4) == 0 and link.a.is_short
    link.settle()
    assert read(there) == bytes(4 * CHUNK) and not link.b.is_short
    link.done()

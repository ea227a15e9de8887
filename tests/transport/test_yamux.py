# portable: runs on CPython and MicroPython
"""Two sessions back to back: streams open, carry, end half by half, and leave nothing behind."""

from jamliquor_lite.budget.stream import CLOSED, DEAD, READ_ENDED, READ_RESET, SEND_FINISHED, SEND_STOPPED
from jamliquor_lite.transport.yamux import GOAWAY, NOTHING, STREAM
from jamliquor_lite.transport.yamux_frame import NORMAL
from tests.fake_carrier import Dice
from tests.transport.yamux_pair import Link, pattern, profile, read


def over_links(test) -> None:
    """Run test(link) without and with random cuts."""
    for seed in range(4):
        link = Link(Dice(seed) if seed else None)
        test(link)
        link.done()


def carry(link, source, target, total: int, start: int = 0) -> None:
    """Send `total` bytes and read them, with windows and buffers in the way."""
    sent = got = 0
    for _ in range(100000):
        if got == total:
            return
        piece = pattern(start + sent, min(3001, total - sent))
        sent += source.send(piece, 0, len(piece))
        link.step()
        data = read(target)
        assert data == pattern(start + got, len(data))
        got += len(data)
    raise AssertionError("got %d of %d" % (got, total))


def test_a_stream_carries_both_ways_and_ends():
    def scenario(link):
        a, b = link.stream()
        assert (a.id, a.state, b.state, a.reset_code) == (1, 0, 0, 0)
        carry(link, a, b, 20000)
        carry(link, b, a, 20000)
        a.send(b"last", 0, 4)
        a.finish()
        assert a.state == SEND_FINISHED and a.send(b"x", 0, 1) == 0
        link.settle()
        assert b.state == 0, "not before it is read"
        assert read(b) == b"last" and b.state == READ_ENDED
        carry(link, b, a, 5000)  # the other half goes on
        b.finish()
        link.settle()
        assert a.state == READ_ENDED | SEND_FINISHED == b.state
        for pool in link.pools:
            assert pool.free == pool.count, "nothing waits for close()"
        a.reset(1)  # and what is over stays over
        assert not link.a.has_output

    over_links(scenario)


def test_both_sides_open_at_once():
    def scenario(link):
        ours = [link.a.open(link.now) for _ in range(5)]
        theirs = [link.b.open(link.now) for _ in range(5)]
        for i, stream in enumerate(ours + theirs):
            stream.send(bytes((i,)), 0, 1)
            stream.finish()
        link.settle()
        assert [s.id for s in ours] == [1, 3, 5, 7, 9] and [s.id for s in theirs] == [2, 4, 6, 8, 10]
        for end, count, first in ((link.b, 5, 0), (link.a, 5, 5)):
            for i in range(count):
                assert end.next_event() == STREAM
                assert read(end.stream) == bytes((first + i,)) and end.stream.state == READ_ENDED
                end.stream.finish()
            assert end.next_event() == NOTHING
        link.settle()
        for stream in ours + theirs:
            assert stream.state == READ_ENDED | SEND_FINISHED

    over_links(scenario)


def test_more_than_a_window_needs_the_reader_s_credit():
    def scenario(link):
        a, b = link.stream()
        carry(link, a, b, 3 * 256 * 1024)
        sent = 0
        data = bytes(4000)
        for _ in range(2000):
            sent += a.send(data, 0, len(data))
            link.step()
        waiting = b.unread.size + a.unsent.size
        assert sent == waiting, "nothing is lost"
        assert b.unread.size <= 64 * 1024, "nobody reads: the window stays shut"
        buf = bytearray(4000)
        while b.recv_into(buf, 0, 4000):
            pass
        before = sent
        for _ in range(200):
            sent += a.send(data, 0, len(data))
            link.step()
        assert b.unread.size == 0 and sent - before <= 16 * 1024, "read, but not consumed"
        b.credit(1 << 30)  # more than was handed out counts as that
        assert b.allowance + b.grant() <= 64 * 1024
        for _ in range(200):
            sent += a.send(data, 0, len(data))
            link.step()
        assert 0 < b.unread.size <= 64 * 1024

    over_links(scenario)


def test_zero_and_one_byte_at_a_time():
    def scenario(link):
        a, b = link.stream()
        data = pattern(0, 300)
        got = b""
        for i in range(300):
            assert a.send(data, i, i) == 0 and a.send(data, i + 1, i) == 0
            assert a.send(data, i, i + 1) == 1
            link.settle()
            if i % 3 == 0:
                buf = bytearray(4)
                while b.recv_into(buf, 1, 2):
                    got += bytes(buf[1:2])
                    b.credit(1)
                assert b.recv_into(buf, 2, 2) == 0
        assert got + read(b) == data

    over_links(scenario)


def test_a_reset_reaches_the_other_side():
    def scenario(link):
        a, b = link.stream()
        a.send(bytes(5000), 0, 5000)
        b.send(bytes(5000), 0, 5000)
        link.settle()
        b.reset(77)
        assert b.state == READ_RESET | SEND_STOPPED
        assert b.recv_into(bytearray(9), 0, 9) == 0 and b.send(b"x", 0, 1) == 0
        assert link.pools[1].free == link.pools[1].count
        a.send(bytes(5000), 0, 5000)  # crosses the reset on its way, and is dropped there
        link.settle()
        assert a.state & DEAD == READ_RESET | SEND_STOPPED and a.reset_code == 0
        assert link.pools[0].free == link.pools[0].count
        assert link.b.next_event() == NOTHING
        c, d = link.stream()
        carry(link, c, d, 3000)

    over_links(scenario)


def test_both_sides_reset_at_once():
    def scenario(link):
        a, b = link.stream()
        a.send(bytes(9000), 0, 9000)
        b.send(bytes(9000), 0, 9000)
        a.reset(1)
        b.reset(2)
        link.settle()
        c, d = link.stream()
        carry(link, c, d, 3000)
        carry(link, d, c, 3000)

    over_links(scenario)


def test_what_was_finished_before_a_reset_can_still_be_read():
    def scenario(link):
        a, b = link.stream()
        a.send(b"whole", 0, 5)
        a.finish()
        link.settle()
        a.reset(1)
        link.settle()
        assert b.state == SEND_STOPPED and b.send(b"x", 0, 1) == 0
        assert read(b) == b"whole" and b.state == SEND_STOPPED | READ_ENDED

    over_links(scenario)


def test_a_stream_that_was_reset_before_anybody_took_it_is_not_shown():
    link = Link()
    a = link.a.open(link.now)
    a.send(b"data", 0, 4)
    link.settle()
    a.reset(1)
    link.settle()
    assert link.b.next_event() == NOTHING
    link.done()


def test_a_stream_that_was_reset_before_it_was_sent_is_never_seen():
    link = Link()
    for _ in range(100):
        a = link.a.open(link.now)
        a.send(b"data", 0, 4)
        a.finish()
        a.reset(1)
    assert not link.a.has_output
    a, b = link.stream()
    carry(link, a, b, 100)
    link.done()


def test_streams_of_ours_are_capped():
    link = Link()
    streams = [link.a.open(link.now) for _ in range(8)]
    assert link.a.open(link.now) is None
    streams[3].reset(0)
    assert link.a.open(link.now) is not None and link.a.open(link.now) is None
    link.settle()
    streams[0].finish()
    assert link.b.next_event() == STREAM
    link.b.stream.finish()
    link.settle()
    assert streams[0].state & READ_ENDED
    assert link.a.open(link.now) is not None, "one that is over counts no more"
    link.done()


def test_streams_above_the_peer_s_cap_are_reset():
    def scenario(link):
        link.a.profile = profile(outbound_streams=20)
        streams = [link.a.open(link.now) for _ in range(12)]
        for stream in streams:
            stream.send(bytes(3000), 0, 3000)
        link.settle()
        assert [bool(s.state & DEAD) for s in streams] == [False] * 8 + [True] * 4
        accepted = []
        while link.b.next_event() == STREAM:
            accepted.append(link.b.stream)
            assert read(link.b.stream) == bytes(3000)
        assert len(accepted) == 8
        accepted[0].reset(0)
        link.settle()
        a = link.a.open(link.now)
        link.settle()
        assert link.b.next_event() == STREAM and not a.state & DEAD

    over_links(scenario)


def test_streams_take_turns():
    link = Link()
    streams = [link.stream() for _ in range(4)]
    got = [0] * 4
    data = bytes(4096)
    for _ in range(100):
        for a, _ in streams:
            a.send(data, 0, len(data))
        link.step()
        for i, (_, b) in enumerate(streams):
            got[i] += len(read(b))
    assert min(got) > 80000 and max(got) - min(got) <= 2 * 5000, got
    link.done()


def test_a_small_stream_does_not_wait_for_a_large_one():
    link = Link()
    large, _ = link.stream()
    small, there = link.stream()
    large.send(bytes(16000), 0, 16000)
    link.step()
    small.send(b"ping", 0, 4)
    link.step()
    link.step()
    assert read(there) == b"ping"
    link.done()


def test_after_going_away_no_stream_is_opened_and_the_old_ones_go_on():
    def scenario(link):
        a, b = link.stream()
        assert link.b.open(link.now) is not None
        late = link.a.open(link.now)
        link.b.go_away(NORMAL)
        link.b.go_away(NORMAL)
        assert link.b.open(link.now) is None
        link.settle()
        assert link.a.next_event() == STREAM
        assert link.a.next_event() == GOAWAY and link.a.goaway_code == NORMAL
        assert link.a.next_event() == NOTHING
        assert link.a.open(link.now) is None
        assert late.state & DEAD, "it crossed the goodbye and was refused"
        carry(link, a, b, 3000)
        carry(link, b, a, 3000)

    over_links(scenario)


def test_closing_takes_everything_back():
    for seed in range(1, 20):
        link = Link(Dice(seed))
        pairs = [link.stream() for _ in range(4)]
        for _ in range(seed):
            for a, b in pairs:
                a.send(bytes(2000), 0, 2000)
                b.send(bytes(2000), 0, 2000)
            link.step()
        link.a.open(link.now)
        link.step()
        link.done()
        for a, b in pairs:
            for stream in (a, b):
                assert stream.state & CLOSED
                stream.reset(1)
                stream.finish()
                stream.credit(5)
                assert stream.send(b"x", 0, 1) == 0 and stream.recv_into(bytearray(5), 0, 5) == 0
        for end in (link.a, link.b):
            assert not end.has_output and end.wants() == 0 and end.wake_at(link.now) == -1
            assert end.feed(bytes(12), 0, 12, link.now) == 0 and end.drain(bytearray(50), 0, 50, link.now) == 0
            assert end.open(link.now) is None and end.next_event() == NOTHING
            end.tick(link.now + 1000000)


def test_a_goodbye_can_still_be_said_after_closing():
    link = Link()
    link.stream()
    link.a.go_away(NORMAL)
    link.a.close()
    assert link.a.has_output
    link.settle()
    assert link.b.next_event() == GOAWAY and not link.a.has_output
    link.done()

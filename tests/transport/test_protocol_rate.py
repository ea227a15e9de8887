# portable: runs on CPython and MicroPython
"""What one protocol may carry a second, all peers together, each way: profile.protocol_rate."""

from jamliquor_lite.budget.classes import SERVING
from jamliquor_lite.transport.yamux_frame import INITIAL_WINDOW, SYN
from tests.transport.connection_pair import ECHO, NAMES, OTHER, Pair, bounds, terms
from tests.transport.yamux_pair import CHUNK, Hand, pool, profile, read, scope

RATE = 20_000  # bytes a second


def limited(who=0, served=(ECHO,), **numbers):
    return terms(who, limits=bounds(protocol_rate=RATE, **numbers), served=served, spoken=())


def carried(pairs, ends, ms, targets):
    """Bytes that come through while `ends` send all that is taken, each ms; who is woken ticks."""
    got = 0
    for _ in range(ms // 10):
        for pair, source, target in zip(pairs, ends, targets):
            pair.now += 10
            source.send(bytes(20_000), 0, 20_000)
            for end in pair.ends:
                if 0 <= end.wake_at(pair.now) <= pair.now:
                    end.tick(pair.now)
            pair.settle()
            got += len(read(target))
    return got


def test_what_we_send_on_a_protocol_is_limited_over_all_peers():
    node = limited(1)
    pairs = [Pair(terms(0, spoken=(ECHO,)), node, ready=True) for _ in range(2)]
    both = [pair.stream() for pair in pairs]
    got = carried(pairs, [there for _, there in both], 10_000, [here for here, _ in both])
    assert 0.97 * RATE * 10 <= got <= RATE * 10 + RATE // 4, got
    # Another protocol is not slowed by it.
    node.serve(NAMES[OTHER], OTHER)
    pairs[0].hosts[0].speak(NAMES[OTHER], OTHER)
    here, there = pairs[0].stream(OTHER)
    assert there.send(bytes(4000), 0, 4000) == 4000
    for pair in pairs:
        pair.done()


def test_whoever_waits_for_a_rate_is_woken():
    node = limited(1)
    pair = Pair(terms(0, spoken=(ECHO,)), node, ready=True)
    here, there = pair.stream()
    pair.now += 1000
    pair.b.tick(pair.now)
    first = there.send(bytes(9000), 0, 9000)
    assert first == RATE // 4 and there.send(b"x", 0, 1) == 0 and pair.b.take_shortage()
    pair.settle()
    at = pair.b.wake_at(pair.now)
    assert pair.now < at <= pair.now + 100
    assert there.send(b"x", 0, 1) == 0
    pair.b.take_shortage()
    pair.now = at
    pair.b.tick(at)
    assert pair.b.take_shortage(), "it may go on"
    assert RATE // 10 - 20 <= there.send(bytes(9000), 0, 9000) <= RATE // 10
    pair.settle()
    assert len(read(here)) >= first + RATE // 10 - 20
    pair.done()


def test_what_peers_send_on_a_protocol_gets_no_window_beyond_its_rate():
    window = 16 * CHUNK
    hand = Hand(profile(stream_window_bytes=window, connection_window_bytes=window), pool(40))
    session = hand.session
    hand.say(1, SYN, 1, 0)
    stream = hand.accept()
    assert stream.enter(scope(SERVING, protocol_rate=RATE))
    hand.hear()
    start, allowed, sent, heard = hand.now, INITIAL_WINDOW, 0, []
    while hand.now < start + 60_000:
        count = min(allowed, CHUNK)
        if count:
            hand.data(1, bytes(count))
            sent += count
            allowed -= count
            assert len(read(stream)) == count
        hand.now += 10
        if 0 <= session.tick_at(hand.now) <= hand.now:
            session.tick(hand.now)
        for frame in hand.hear():
            heard.append(frame)
            allowed += frame[3] if frame[2] == 1 else 0
    # What yamux gave at first is beyond anybody's control; then the rate holds, to within a window.
    assert sent <= INITIAL_WINDOW + RATE * 60 + window
    assert sent >= RATE * 60 - window and len(heard) > 20
    hand.done()

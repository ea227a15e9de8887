# portable: runs on CPython and MicroPython
"""Memory runs out: who gets on all the same, and what gives way, step by step, in fake time."""

from jamliquor_lite.budget.classes import FINALITY, HEADERS, QUERIES, SERVING
from jamliquor_lite.budget.pool import Pool
from jamliquor_lite.budget.stream import DEAD
from jamliquor_lite.transport.shedding import NOTHING, PEER, STREAM, Shedding, newest_low
from jamliquor_lite.transport.states import READY
from jamliquor_lite.transport.yamux_frame import DATA
from tests.transport.connection_pair import ECHO, NAMES, OTHER, Hand, Pair, bounds, is_whole, terms, yamux
from tests.transport.yamux_pair import CHUNK, pattern, read, scope
from tests.transport.yamux_pair import Hand as Muxed

AFTER = 1000  # shed_after_ms


def node_and_peer(**numbers):
    """A host that serves ECHO and asks OTHER, which is urgent, and a peer that answers to it."""
    node = terms(0, limits=bounds(shed_after_ms=AFTER, **numbers), served=(ECHO,), spoken=())
    node.speak(NAMES[OTHER], OTHER, HEADERS)
    return node, terms(1, served=(OTHER,), spoken=(ECHO,))


def greedy_peer(node):
    """(pair, the node's end of its streams): it asks on four streams, reads no answer and sends more and more."""
    pair = Pair(terms(1, served=(), spoken=(ECHO,)), node, ready=True)
    theirs, ours = [], []
    for _ in range(4):
        stream = pair.a.open(ECHO)
        if stream is not None:
            theirs.append(stream)
            pair.settle()
            there = pair.b.accept()
            if there is not None:
                ours.append(there)
    for _ in range(3):
        for stream in theirs:
            stream.send(bytes(4000), 0, 4000)
        pair.settle()
        for there in ours:
            there.send(bytes(4000), 0, 4000)  # nobody at the other end gives it window for long
    return pair, ours


def hold_answers(ours):
    """The links to the peers take nothing any more: what we say to them waits in chunks."""
    for there in ours:
        there.send(bytes(30_000), 0, 30_000)


def test_one_protocol_of_peers_gets_half_of_the_chunks():
    """Whatever peers ask on it, the other half is for the rest; a stream too many is refused, and others go on."""
    node, _ = node_and_peer(stream_chunks=64, connection_window_bytes=16_000, connection_send_bytes=16_000, frames=20)
    node.serve(NAMES[OTHER], OTHER)
    greedy = [greedy_peer(node) for _ in range(8)]
    for _, ours in greedy:
        hold_answers(ours)
    asked = node.scope(ECHO, False)
    assert asked.used == asked.most == asked.limit == 32 and asked.refused and node.chunks.used <= 32 + 2 * 8
    pair = Pair(terms(1, served=(), spoken=(OTHER, ECHO)), node, ready=True)
    more = pair.a.open(ECHO)
    pair.settle()
    assert more.state & DEAD and pair.b.accept() is None and asked.used == 32
    here, there = pair.stream(OTHER)
    assert here.send(b"hello", 0, 5) == 5
    pair.settle()
    assert read(there) == b"hello"
    for one, _ in greedy:
        one.let_go()
    pair.let_go()
    assert is_whole(node) and asked.used == asked.streams.used == 0 and asked.streams.most >= 8


def test_one_protocol_of_peers_gets_so_many_streams():
    node = terms(1, limits=bounds(protocol_streams=3), served=(ECHO, OTHER))
    pairs = [Pair(terms(0, served=(), spoken=(ECHO, OTHER)), node, ready=True) for _ in range(2)]
    held = [pairs[i % 2].stream()[0] for i in range(3)]
    streams = node.scope(ECHO, False).streams
    more = pairs[1].a.open(ECHO)
    pairs[1].settle()
    assert more.state & DEAD and (streams.used, streams.most, streams.refused) == (3, 3, 1)
    assert pairs[1].stream(OTHER), "another protocol has its own"
    held[0].reset(0)
    pairs[0].settle()
    assert streams.used == 2 and pairs[1].stream()
    ours = terms(0, limits=bounds(protocol_streams=2), served=(), spoken=(ECHO,))
    asking = Pair(ours, terms(1), ready=True)
    assert [asking.a.open(ECHO) is not None for _ in range(3)] == [True, True, False]
    for pair in pairs + [asking]:
        pair.done()


def test_an_urgent_stream_gets_on_while_eight_peers_sit_on_everything():
    """No stream is reset for it: the last chunks are for what is urgent, and its connection's first is kept."""
    node, good = node_and_peer(stream_chunks=64, connection_window_bytes=16_000, connection_send_bytes=16_000,
                               frames=20, protocol_permille=1000)
    asking = Pair(node, good, ready=True)
    greedy = [greedy_peer(node) for _ in range(8)]
    for _, ours in greedy:
        hold_answers(ours)
    chunks = node.chunks
    assert chunks.room() == 0 and chunks.free == chunks.reserved + chunks.kept == 4 + 1, "they have all they can get"
    assert chunks.refused and not chunks.is_hungry
    shedding = Shedding(node.profile, node.frames, chunks)
    connections = [asking.a] + [pair.b for pair, _ in greedy]
    question = asking.a.open(OTHER)
    assert question is not None
    asking.settle()
    answer = asking.b.accept()
    data = pattern(5, 40_000)
    for source, target in ((question, answer), (answer, question)):
        sent, got = 0, b""
        for _ in range(400):
            sent += source.send(data, sent, len(data))
            asking.step()
            got += read(target)
            if len(got) == len(data):
                break
            assert shedding.poll(connections, asking.now) == NOTHING
        assert got == data and sent == len(data)
    assert shedding.streams == shedding.peers == 0
    for pair, ours in greedy:
        assert pair.b.state == READY and not any(there.state & DEAD for there in ours)
        pair.let_go()
    asking.done()
    assert is_whole(node) and chunks.kept == chunks.keepers == 0


class Exhausted:
    """Urgent streams of ours that no peer takes from hold every chunk that is not kept, beside two of a stranger.

    `node` is the host, `asking` one more connection of ours that now finds nothing.
    """

    def __init__(self):
        self.node, good = node_and_peer(stream_chunks=24)
        node = self.node
        self.asking = Pair(node, good, ready=True)
        self.peer = Pair(terms(1, served=(), spoken=(ECHO,)), node, ready=True)
        self.low = []
        for _ in range(2):
            self.peer.now += 10
            stream = self.peer.a.open(ECHO)
            stream.send(bytes(1500), 0, 1500)
            self.peer.settle()
            self.low.append(self.peer.b.accept())
        self.stuck = Pair(node, terms(1, served=(OTHER,)), ready=True)
        self.urgent = []
        while node.chunks.room(True):
            stream = self.stuck.a.open(OTHER)
            assert stream is not None
            self.urgent.append(stream)
            while stream.send(bytes(1000), 0, 1000):
                pass
        self.shedding = Shedding(node.profile, node.frames, node.chunks)
        self.connections = [self.asking.a, self.peer.b, self.stuck.a]
        self.now = 2000

    def done(self):
        for pair in (self.asking, self.peer, self.stuck):
            pair.let_go()
        assert is_whole(self.node)


def test_first_it_waits_then_the_newest_low_stream_goes_then_the_worst_peer():
    world = Exhausted()
    shedding, chunks = world.shedding, world.node.chunks
    taken = []

    def wait(start, last):
        """What gives way while an urgent borrower asks every 100 ms and gets nothing, by its moment."""
        found = {}
        for at in range(start, start + last + 1, 100):
            assert chunks.lend(True) is None and chunks.is_hungry
            what = shedding.poll(world.connections, at)
            assert at < shedding.wake_at(at) <= at + 100
            if what != NOTHING:
                found[at - start] = what
        return found

    def take_all(now):
        """It gets what there is, until there is nothing again."""
        while True:
            buffer = chunks.lend(True)
            if buffer is None:
                return
            taken.append(buffer)
            assert not chunks.is_hungry and shedding.poll(world.connections, now) == NOTHING
            assert shedding.wake_at(now) == -1

    older, newest = world.low
    assert wait(2000, AFTER - 100) == {}, "back-pressure, and nothing else"
    assert wait(2000 + AFTER, 0) == {0: STREAM}
    assert newest.state & DEAD and not older.state & DEAD and world.peer.b.state == READY
    take_all(2000 + AFTER)
    assert len(taken) == 2, "as many as the stream held"
    assert wait(5000, AFTER) == {AFTER: STREAM} and older.state & DEAD
    take_all(5000 + AFTER)
    assert wait(8000, 2 * AFTER) == {AFTER: PEER, 2 * AFTER: PEER}, "there is no stream that is less urgent"
    assert (shedding.streams, shedding.peers) == (2, 2)
    assert not any(stream.state & DEAD for stream in world.urgent), "what is urgent is never reset"
    world.stuck.a.close(0, "the worst of our peers")
    take_all(10_000)
    for buffer in taken:
        chunks.give_back(buffer)
    world.done()


def test_who_gives_up_asking_costs_nobody_anything():
    world = Exhausted()
    shedding, chunks, now = world.shedding, world.node.chunks, world.now
    assert chunks.lend(True) is None
    assert shedding.poll(world.connections, now) == NOTHING and shedding.wake_at(now) == now + 100
    for at in range(now, now + 20 * AFTER, 100):
        assert shedding.poll(world.connections, at) == NOTHING
    assert not chunks.is_hungry and shedding.wake_at(at) == -1 and shedding.streams == 0
    world.done()


def test_who_is_not_urgent_resets_nobody():
    world = Exhausted()
    shedding, chunks = world.shedding, world.node.chunks
    chunks.is_hungry = False
    for at in range(world.now, world.now + 5 * AFTER, 100):
        assert chunks.lend() is None and shedding.poll(world.connections, at) == NOTHING
    world.done()


def test_the_newest_of_all_connections_by_urgency():
    """Strangers' streams are low whatever they speak; ours only where they are; those without chunks hold nothing."""
    class End:
        is_held = False

        def __init__(self, is_trusted):
            self.hand = Muxed(lent=lent)
            self.session = self.hand.session
            self.session.inbox.is_trusted = self.session.outbox.is_trusted = is_trusted

        def stream(self, cls, now, count=1):
            self.hand.session.now = now
            stream = self.session.open(now)
            assert stream.enter(scope(cls)) and stream.send(b"x" * count, 0, count) == count
            return stream

    lent = Pool("chunks", 60, CHUNK, 1)
    ours, strangers = End(True), End(False)
    ends = [ours, strangers]
    assert newest_low(ends, QUERIES) is None
    for cls in (FINALITY, HEADERS, QUERIES):
        ours.stream(cls, 9000)
    assert newest_low(ends, QUERIES) is None and newest_low(ends, FINALITY) is not None
    old = ours.stream(SERVING, 10)
    assert newest_low(ends, QUERIES) is old
    announcing = strangers.stream(HEADERS, 20)
    assert newest_low(ends, QUERIES) is announcing
    ours.stream(SERVING, 30, 0)
    assert newest_low(ends, QUERIES) is announcing, "one that holds nothing frees nothing"
    announcing.reset(0)
    assert newest_low(ends, QUERIES) is old
    ours.hand.done()
    strangers.session.close()


def test_a_frame_that_waits_for_a_stream_is_free_when_that_is_reset():
    """Every frame is held: by strangers, and by peers whose streams are full. An urgent connection finds none."""
    node, good = node_and_peer(frames=4, stream_chunks=16, protocol_permille=1000)
    hands = [Hand(node, ready=True) for _ in range(2)]
    for hand in hands:
        hand.say(hand.frame(yamux(DATA, 1, 1, 34, named_echo())))
        assert hand.end.accept() is not None
        while not hand.end.is_held:
            hand.say(hand.frame(yamux(DATA, 0, 1, 2000, bytes(2000))))
    taken = [node.frames.lend(True) for _ in range(node.frames.free)]
    asking = Pair(node, good, ready=True)
    shedding = Shedding(node.profile, node.frames, node.chunks)
    connections = [asking.a] + [hand.end for hand in hands]
    asking.a.open(OTHER)
    for at in range(2000, 2000 + AFTER, 100):
        assert asking.a.outlet(at) is None and shedding.poll(connections, at) == NOTHING
    assert asking.a.outlet(2000 + AFTER) is None
    assert shedding.poll(connections, 2000 + AFTER) == STREAM
    assert [hand.end.pump(2000 + AFTER) for hand in hands].count(True) == 1
    assert node.frames.free == 1 and asking.a.outlet(2000 + AFTER) is not None
    for buffer in taken:
        node.frames.give_back(buffer)
    for hand in hands:
        hand.end.ended("", 4000)
    asking.let_go()
    assert is_whole(node)


def named_echo():
    """A header and a name, as multistream says them."""
    name = (NAMES[ECHO] + "\n").encode()
    return b"\x13/multistream/1.0.0\n" + bytes([len(name)]) + name

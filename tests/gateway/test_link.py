"""What a gateway does with one peer, on a made-up connection and clock: what it serves, declines, and waits for."""

import pytest

from jamliquor_lite.budget.classes import COUNT, HEADERS
from jamliquor_lite.budget.slots import INBOUND, TRUSTED
from jamliquor_lite.budget.stream import DEAD
from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import RemoteError
from jamliquor_lite.gateway.gateway import Gateway
from jamliquor_lite.jam.block_announcement import OURS, THEIRS, BlockAnnouncement, announcement_size
from jamliquor_lite.jam.events import ANNOUNCEMENT, DONE, HANDSHAKE, HEADER, NOTHING, REFUSED, REQUEST
from jamliquor_lite.jam.header_announcement import HeaderAnnouncement
from jamliquor_lite.jam.header_request import HeaderRequest, HeaderResponder, Packer
from jamliquor_lite.jam.kinds import (
    BLOCK_ANNOUNCEMENT,
    BLOCK_REQUEST,
    DECLINED,
    HEADER_ANNOUNCEMENT,
    HEADER_REQUEST,
    MALFORMED,
    STATE_REQUEST,
    TIMED_OUT,
    TOO_MANY_STREAMS,
    UNSUPPORTED,
)
from jamliquor_lite.jam.range_request import ASCENDING, DESCENDING
from jamliquor_lite.jam.state_request import StateRequest
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.transport.states import CLOSED, HYBRID, READY
from tests.chain.chains import of_devnet
from tests.fake_carrier import Pair
from tests.gateway.world import profile_of

START = 1_000


class Connection:
    """One end of a Pair, with the face of transport/states.py."""

    def __init__(self, endpoint, lite, is_dialed):
        self.carries_lite_kinds = lite
        self.is_dialed = is_dialed
        self.state = READY
        self.suite = HYBRID
        self.close_code = 0
        self.close_reason = ""
        self.may_open = True
        self._endpoint = endpoint

    def open(self, kind):
        return self._endpoint.open(kind) if self.may_open else None

    def accept(self):
        return self._endpoint.accept()

    def close(self, code=0, reason=""):
        self.state = CLOSED


class Scene:
    """A gateway that has `blocks` blocks, and peers of it. `now` is what its clock says."""

    def __init__(self, blocks=10, **numbers):
        self.chain = DevChain(TINY, seed=17, keys=3)
        genesis = of_devnet(self.chain)
        genesis.clock_chain = True
        self.events = []
        self.profile = profile_of(**numbers)
        self.gateway = Gateway(genesis, self.profile, "test", lambda *event: self.events.append(event))
        self.gateway.gossip.timeout_ms = 1_000
        self.now = START
        self.peers = []
        self.source = self.peer()
        for block in self.chain.advance(blocks):
            self.take(block)

    def peer(self, **options):
        peer = Peer(self, len(self.peers), **options)
        self.peers.append(peer)
        return peer

    def take(self, block):
        """The gateway hears of a block from its source, as on UP 0."""
        self.gateway.offer(block.header, 0, len(block.header), self.source.link)

    def turn(self, wait=0):
        self.now += wait
        for _ in range(8):
            for peer in self.peers:
                peer.pair.pump()
                if peer.link.connection.state == READY:
                    while any([peer.link.work(cls, self.now) for cls in range(COUNT)]):
                        pass
            self.gateway.work(self.now)


class Peer:
    """The other side of one connection of the gateway's: it opens streams, and reads what it likes."""

    def __init__(self, scene, number, dialed=False, lite=True, upstream=False, pair=None):
        self.pair = pair or Pair()
        carrier = Libp2pCarrier.__new__(Libp2pCarrier) if lite else None  # it is only looked at
        kind = TRUSTED if dialed or upstream else INBOUND
        record = scene.gateway.peers.add("peer %d" % number, "127.0.0.1", 1, carrier, kind)
        self.connection = Connection(self.pair.a, lite, dialed or upstream)
        record.link = self.link = scene.gateway.make_link(record, self.connection, scene.now)
        assert self.link.is_upstream == upstream
        self.announcer = HeaderAnnouncement()
        self.heard = []

    def open(self, kind):
        return self.pair.b.open(kind)

    def listen(self, scene):
        """Take the streams that the gateway opens, and note what it announces by hash; others are returned."""
        others = []
        stream = self.pair.b.accept()
        while stream is not None:
            if stream.kind == HEADER_ANNOUNCEMENT:
                self.announcer.attach(stream, THEIRS)
            else:
                others.append(stream)
            stream = self.pair.b.accept()
        while (event := self.announcer.poll(scene.now)) != NOTHING:
            if event == ANNOUNCEMENT:
                self.heard.append(self.announcer.header_hash)
        return others

    def join(self, scene):
        """Announce by hash from now on, and listen to such announcements."""
        self.announcer.attach(self.open(HEADER_ANNOUNCEMENT), OURS)
        scene.turn()
        self.listen(scene)

    def say(self, scene, block):
        self.announcer.announce(block.hash, block.slot)
        self.listen(scene)
        scene.turn()


def code_of(stream):
    """The code that the gateway reset a stream with, 0 while it did not."""
    return stream.reset_code if stream.state & DEAD else 0


def range_of(peer, header_hash, direction, maximum):
    request = HeaderRequest(TINY, bytearray(TINY.max_header_size))
    request.begin(peer.open(HEADER_REQUEST), header_hash, direction, maximum)
    return request


def run(scene, request, turns=200):
    """The headers of a range, and how it ended."""
    found = []
    for _ in range(turns):
        event = request.poll(scene.now)
        if event == HEADER:
            found.append(bytes(request.header_buf[: request.header_end]))
        elif event in (DONE, REFUSED):
            return found, event
        elif event == NOTHING:
            scene.turn()
    return found, NOTHING


# serving

def test_ranges_come_from_the_store():
    scene = Scene(20)
    peer = scene.peer()
    blocks = scene.chain.chain()
    assert run(scene, range_of(peer, blocks[0].hash, ASCENDING, 1_000)) == ([b.header for b in blocks[1:]], DONE)
    assert run(scene, range_of(peer, blocks[7].hash, DESCENDING, 3)) == (
        [b.header for b in blocks[7:4:-1]], DONE)
    assert run(scene, range_of(peer, blocks[-1].hash, ASCENDING, 5)) == ([], DONE)
    assert run(scene, range_of(peer, b"\x55" * 32, ASCENDING, 5)) == ([], REFUSED), "no upstream knows it either"
    assert scene.gateway.ranges_served == 3 and not peer.link.is_serving


def test_a_peer_has_so_many_answers_at_once_and_no_more():
    scene = Scene(served_streams=3)
    peer = scene.peer()
    streams = [peer.open(HEADER_REQUEST) for _ in range(5)]
    scene.turn()
    assert [code_of(stream) for stream in streams] == [0] * 3 + [TOO_MANY_STREAMS] * 2 and peer.link.is_serving
    scene.turn(2 * scene.profile.relay_timeout_ms)
    assert not peer.link.is_serving and peer.connection.state == READY
    assert run(scene, range_of(peer, scene.chain.genesis.hash, ASCENDING, 2))[1] == DONE


@pytest.mark.parametrize("kind", [HEADER_REQUEST, STATE_REQUEST, BLOCK_REQUEST])
@pytest.mark.parametrize("count", [0, 3, 40])
def test_who_does_not_finish_a_request_loses_the_stream_and_no_more(kind, count):
    scene = Scene()
    scene.gateway.offers = lambda kind: True
    peer = scene.peer()
    stream = peer.open(kind)
    request = (98 if kind == STATE_REQUEST else 37).to_bytes(4, "little") + bytes(98)
    stream.send(request, 0, count)
    scene.turn()
    assert peer.link.is_serving
    scene.turn(9_000)
    assert peer.link.is_serving
    scene.turn(60_000)
    assert not peer.link.is_serving and code_of(stream) == TIMED_OUT and peer.connection.state == READY


@pytest.mark.parametrize("kind", [HEADER_REQUEST, STATE_REQUEST, BLOCK_REQUEST])
def test_a_request_that_is_none_costs_the_connection(kind):
    scene = Scene()
    scene.gateway.offers = lambda kind: True
    peer = scene.peer()
    stream = peer.open(kind)
    stream.send(b"\x05\0\0\0hello", 0, 9)
    stream.finish()
    with pytest.raises(RemoteError) as refused:
        scene.turn()
    assert refused.value.code == MALFORMED


@pytest.mark.parametrize("kind, code", [
    (BLOCK_REQUEST, UNSUPPORTED), (STATE_REQUEST, UNSUPPORTED), (200, UNSUPPORTED), (HEADER_REQUEST, 0),
])
def test_what_is_not_offered_is_not_taken(kind, code):
    scene = Scene()
    stream = scene.peer().open(kind)
    scene.turn()
    assert code_of(stream) == code


def test_an_upstream_is_not_served_by_itself():
    scene = Scene()
    scene.gateway.offers = lambda kind: True
    upstream = scene.peer(upstream=True, lite=False)
    streams = [upstream.open(kind) for kind in (BLOCK_REQUEST, STATE_REQUEST)]
    scene.turn()
    assert [code_of(stream) for stream in streams] == [UNSUPPORTED] * 2 and not upstream.link.is_serving


def test_state_is_declined_while_no_upstream_is_there():
    scene = Scene()
    scene.gateway.offers = lambda kind: True
    peer = scene.peer()
    request = StateRequest(scene.profile, bytearray(64))
    request.begin(peer.open(STATE_REQUEST), b"\x01" * 32, bytes(31), b"\xff" * 31, 1_000)
    event = NOTHING
    while event != REFUSED:
        event = request.poll(scene.now)
        scene.turn()
    assert request.reset_code == DECLINED and scene.gateway.relays.declined == {STATE_REQUEST: 1}


def test_who_asks_for_a_range_and_does_not_read_it_is_let_go_after_a_while():
    scene = Scene(40)
    peer = scene.peer(pair=Pair(window=500, send_buffer=500))
    request = range_of(peer, scene.chain.genesis.hash, ASCENDING, 1_000)
    for _ in range(20):
        request._send_request(request._stream)
        scene.turn()
    assert peer.link.is_serving
    scene.turn(2 * scene.profile.relay_timeout_ms - 1_000)
    assert peer.link.is_serving
    scene.turn(2_000)
    assert not peer.link.is_serving and peer.connection.state == READY
    assert run(scene, request)[1] == REFUSED


# UP 0

def up0(peer):
    size = announcement_size(TINY)
    core = BlockAnnouncement(TINY, bytearray(max(size, 40 * 66)), bytearray(size + 4), 64)
    core.queue_handshake(bytes(32), 0, [])
    core.attach(peer.open(BLOCK_ANNOUNCEMENT), OURS)
    return core


def announced(scene, core):
    """Hashes of what the gateway announced on UP 0."""
    found = []
    for _ in range(60):
        event = core.poll(scene.now)
        if event == ANNOUNCEMENT:
            found.append(Header(TINY, bytes(core.in_buf[core.start : core.end])).hash)
        elif event not in (HANDSHAKE, NOTHING):
            continue
        else:
            scene.turn()
    return found


def test_a_lite_peer_hears_every_header_whole_but_its_own():
    scene = Scene()
    teller, hearer = scene.peer(), scene.peer()
    cores = [up0(peer) for peer in (teller, hearer)]
    for core in cores:
        assert announced(scene, core) == []
    (block,) = scene.chain.advance(1)
    assert cores[0].announce(block.header, bytes(32), 0)
    assert [announced(scene, core) for core in cores] == [[], [block.hash]]
    more = scene.chain.advance(3)
    for block in more:
        scene.take(block)
    for core in cores:
        assert announced(scene, core) == [block.hash for block in more]


def test_a_lite_peer_that_does_not_read_hears_the_last_ones():
    scene = Scene(announce_queue=4)
    peer = scene.peer(pair=Pair(window=400, send_buffer=400))
    core = up0(peer)
    assert announced(scene, core) == []
    blocks = scene.chain.advance(30)
    for block in blocks:
        scene.take(block)
        scene.turn()
    heard = announced(scene, core)
    assert heard[-4:] == [block.hash for block in blocks[-4:]] and len(heard) <= 12, "a few were under way"


# announcements by hash

def serve(scene, peer, headers):
    """Answer all requests for headers that reach this peer from `headers`: by hash, None refuses, absent is silence."""
    served = []
    for stream in peer.listen(scene):
        if stream.kind != HEADER_REQUEST:
            continue
        responder = HeaderResponder()
        responder.begin(stream)
        while responder.poll(scene.now) != REQUEST:
            peer.pair.pump()
        asked = responder.header_hash
        served.append(asked)
        if asked not in headers:
            continue
        if headers[asked] is None:
            responder.refuse()
            continue
        packer = Packer(1)
        packer.add(headers[asked])
        responder.answer_headers(packer.size)
        for piece in packer.pieces:
            responder.write(piece, 0, len(piece))
        responder.poll(scene.now)
    scene.turn()
    return served


def test_an_announced_header_is_asked_for_once_and_told_to_the_others():
    scene = Scene()
    first, second, third = [scene.peer() for _ in range(3)]
    for peer in (first, second, third):
        peer.join(scene)
        assert peer.link.is_mesh and peer.heard[:1] == [scene.chain.best.hash]
        peer.heard.clear()
    (block,) = scene.chain.advance(1)
    first.say(scene, block)
    second.say(scene, block)
    assert serve(scene, first, {block.hash: block.header}) == [block.hash]
    assert serve(scene, second, {}) == [] and serve(scene, third, {}) == []
    for peer in (first, second, third):
        peer.listen(scene)
    assert (first.heard, second.heard, third.heard) == ([], [], [block.hash]), "who told us is not told"
    assert scene.gateway.knows(block.hash) and scene.gateway.gossip.requests == 1
    assert run(scene, range_of(third, block.hash, DESCENDING, 1)) == ([block.header], DONE)


@pytest.mark.parametrize("how", ["refuses", "silent", "no stream"])
def test_who_does_not_show_it_is_not_waited_for(how):
    scene = Scene()
    first, second = scene.peer(), scene.peer()
    for peer in (first, second):
        peer.join(scene)
    first.connection.may_open = how != "no stream"
    (block,) = scene.chain.advance(1)
    first.say(scene, block)
    second.say(scene, block)
    asked = serve(scene, first, {block.hash: None} if how == "refuses" else {})
    assert asked == ([] if how == "no stream" else [block.hash])
    if how == "silent":
        scene.turn(1_001)
    assert serve(scene, second, {block.hash: block.header}) == [block.hash]
    assert scene.gateway.knows(block.hash) and first.connection.state == READY
    assert scene.gateway.gossip.failures == (how != "no stream"), "that we cannot ask is no fault of the peer's"


def test_who_never_shows_what_it_announces_is_left():
    scene = Scene()
    peer = scene.peer()
    peer.join(scene)
    with pytest.raises(RemoteError, match="does not show them"):
        for number in range(10):
            peer.announcer.announce(bytes([number]) * 32, scene.chain.best.slot + 1)
            peer.listen(scene)
            scene.turn()
            peer.listen(scene)
            scene.turn(1_001)
    assert scene.gateway.gossip.failures == 4


def test_who_shows_another_header_is_left_at_once():
    scene = Scene()
    peer = scene.peer()
    peer.join(scene)
    block, other = scene.chain.advance(2)
    peer.say(scene, other)
    with pytest.raises(RemoteError, match="another header") as refused:
        serve(scene, peer, {other.hash: block.header})
    assert refused.value.code == MALFORMED and not scene.gateway.knows(block.hash)


def test_who_shows_a_header_that_breaks_a_rule_is_left_and_nobody_hears_of_it():
    scene = Scene()
    peer, other = scene.peer(), scene.peer()
    for one in (peer, other):
        one.join(scene)
        one.heard.clear()
    (block,) = scene.chain.advance(1)
    false = block.header[:-1] + bytes([block.header[-1] ^ 1])
    header_hash = Header(TINY, false).hash
    peer.announcer.announce(header_hash, block.slot)
    peer.listen(scene)
    scene.turn()
    with pytest.raises(RemoteError) as refused:
        serve(scene, peer, {header_hash: false})
    assert refused.value.code == MALFORMED
    peer.link.connection.close()
    peer.link.close()
    scene.turn()
    other.listen(scene)
    assert other.heard == [] and not scene.gateway.knows(header_hash)
    other.announcer.announce(header_hash, block.slot)
    scene.peers.remove(peer)
    scene.turn()
    other.listen(scene)
    scene.turn()
    assert serve(scene, other, {}) == [], "nobody is asked for it again"


def test_a_header_without_its_parent_is_fetched_with_those_before_it():
    scene = Scene()
    peer, other = scene.peer(), scene.peer()
    for one in (peer, other):
        one.join(scene)
        one.heard.clear()
    blocks = scene.chain.advance(4)
    peer.say(scene, blocks[-1])
    assert serve(scene, peer, {blocks[-1].hash: blocks[-1].header}) == [blocks[-1].hash]
    assert peer.link.is_behind
    (stream,) = [stream for stream in peer.listen(scene) if stream.kind == HEADER_REQUEST]
    responder = HeaderResponder()
    responder.begin(stream)
    while responder.poll(scene.now) != REQUEST:
        peer.pair.pump()
    assert (responder.direction, responder.header_hash) == (ASCENDING, blocks[0].parent)
    packer = Packer(10)
    for block in blocks:
        packer.add(block.header)
    responder.answer_headers(packer.size)
    for piece in packer.pieces:
        responder.write(piece, 0, len(piece))
    responder.poll(scene.now)
    peer.say(scene, blocks[-1])
    scene.turn()
    assert scene.gateway.chain.best_slot == blocks[-1].slot and not peer.link.is_behind
    for one in (peer, other):
        one.listen(scene)
    assert other.heard == [block.hash for block in blocks] and peer.heard == [], "it has them, and said so"


def test_a_peer_that_ends_its_part_goes_back_to_up0():
    scene = Scene()
    peer = scene.peer()
    peer.join(scene)
    core = up0(peer)
    assert announced(scene, core) == []
    (block,) = scene.chain.advance(1)
    scene.take(block)
    assert announced(scene, core) == [], "it is told by hash"
    peer.listen(scene)
    assert peer.heard[-1] == block.hash
    peer.announcer.close()
    scene.turn()
    assert not peer.link.is_mesh
    (block,) = scene.chain.advance(1)
    scene.take(block)
    assert announced(scene, core) == [block.hash]


def test_a_gateway_that_the_user_named_and_that_is_none_hears_up0():
    scene = Scene()
    peer = scene.peer(dialed=True)
    scene.turn()
    kinds = {}
    while (stream := peer.pair.b.accept()) is not None:
        kinds[stream.kind] = stream
    assert set(kinds) == {BLOCK_ANNOUNCEMENT, HEADER_ANNOUNCEMENT}
    kinds[HEADER_ANNOUNCEMENT].reset(UNSUPPORTED)
    scene.turn()
    assert not peer.link.is_mesh
    scene.turn()
    assert peer.pair.b.accept() is None, "it is not asked again"


def test_what_was_under_way_with_a_peer_that_goes_is_asked_of_another():
    scene = Scene()
    first, second = scene.peer(), scene.peer()
    for peer in (first, second):
        peer.join(scene)
    (block,) = scene.chain.advance(1)
    first.say(scene, block)
    second.say(scene, block)
    first.link.connection.close()
    with pytest.raises(RemoteError):
        first.link.work(HEADERS, scene.now)
    first.link.close()
    scene.turn()
    assert serve(scene, second, {block.hash: block.header}) == [block.hash]
    assert scene.gateway.knows(block.hash)


def ranges(scene, peer):
    """The header requests that reached this peer: (direction, header hash) of each, without an answer."""
    found = []
    for stream in peer.listen(scene):
        if stream.kind == HEADER_REQUEST:
            responder = HeaderResponder()
            responder.begin(stream)
            while responder.poll(scene.now) != REQUEST:
                peer.pair.pump()
            found.append((responder.direction, responder.header_hash))
    return found


def behind(scene, peer, block):
    """The peer names a head of which the gateway lacks the parents."""
    peer.say(scene, block)
    serve(scene, peer, {block.hash: block.header})
    assert peer.link.is_behind


def test_one_peer_at_a_time_fills_a_gap_and_another_one_when_it_does_not():
    scene = Scene(state_sync_timeout_ms=60_000)
    first, second = scene.peer(), scene.peer()
    for peer in (first, second):
        peer.join(scene)
    blocks = scene.chain.advance(4)
    best = blocks[0].parent
    behind(scene, first, blocks[-1])
    second.link.gap.named(blocks[-1].hash, blocks[-1].slot)
    scene.turn()
    assert (ranges(scene, first), ranges(scene, second)) == ([(ASCENDING, best)], [])
    scene.turn(3_000)
    assert ranges(scene, second) == [], "an answer is under way"
    scene.turn(8_000)
    assert ranges(scene, second) == [(ASCENDING, best)]


def test_a_header_that_a_peer_named_while_we_were_behind_is_not_told_to_it():
    scene = Scene()
    peer, other = scene.peer(), scene.peer()
    for one in (peer, other):
        one.join(scene)
        one.heard.clear()
    blocks = scene.chain.advance(5)
    behind(scene, peer, blocks[2])
    peer.say(scene, blocks[4])
    for block in blocks:
        scene.take(block)
    for one in (peer, other):
        scene.turn()
        one.listen(scene)
    assert peer.heard == [] and other.heard == [block.hash for block in blocks]


def test_a_header_that_came_without_its_parent_counts_as_not_had():
    scene = Scene()
    first, second = scene.peer(), scene.peer()
    for peer in (first, second):
        peer.join(scene)
    blocks = scene.chain.advance(3)
    behind(scene, first, blocks[2])
    first.link.connection.close()
    first.link.close()
    scene.peers.remove(first)
    for block in blocks[:2]:
        scene.take(block)
    second.say(scene, blocks[2])
    assert serve(scene, second, {blocks[2].hash: blocks[2].header}) == [blocks[2].hash]
    assert scene.gateway.knows(blocks[2].hash)


def test_who_has_shown_a_header_and_not_ended_the_stream_is_not_struck():
    scene = Scene()
    peer = scene.peer()
    peer.join(scene)
    first, second = scene.chain.advance(2)
    peer.say(scene, first)
    (stream,) = peer.listen(scene)
    packer = Packer(1)
    packer.add(first.header)
    message = packer.size.to_bytes(4, "little") + b"".join(packer.pieces)
    assert stream.send(message, 0, len(message)) == len(message)
    scene.turn()
    assert scene.gateway.knows(first.hash)
    peer.say(scene, second)
    assert serve(scene, peer, {}) == [] and scene.gateway.gossip.failures == 0
    stream.finish()
    scene.turn()
    assert serve(scene, peer, {second.hash: second.header}) == [second.hash]
    assert scene.gateway.knows(second.hash) and scene.gateway.gossip.failures == 0

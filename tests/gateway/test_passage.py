"""Answers on their way through a gateway: whole, cut, too long, too slow, or for somebody who has gone."""

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.stream import DEAD, READ_ENDED, READ_RESET
from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import BudgetError, RemoteError
from jamliquor_lite.gateway import passage
from jamliquor_lite.gateway.refetch import Refetch
from jamliquor_lite.jam.block_request import BlockRequest, BlockResponder
from jamliquor_lite.jam.events import DONE, ENDED, ENTRY, HEADER, LOST, MORE, NODE, NOTHING, REFUSED, REQUEST, VALUE
from jamliquor_lite.jam.framing import get_u32
from jamliquor_lite.jam.header_request import HeaderRequest
from jamliquor_lite.jam.kinds import (
    BLOCK_REQUEST,
    CANCELLED,
    DECLINED,
    HEADER_REQUEST,
    MALFORMED,
    OVERSIZE,
    STATE_REQUEST,
    SURPLUS,
    TRUNCATED,
)
from jamliquor_lite.jam.range_request import ASCENDING, DESCENDING
from jamliquor_lite.jam.state_request import StateRequest, StateResponder
from jamliquor_lite.node.answers import HeaderAnswer
from tests.fake_carrier import Pair
from tests.jam.drive import Server

CHUNK = 64
LOW, HIGH = bytes(31), b"\xff" * 31
NODES = b"".join(bytes([i]) * 64 for i in range(9))
VALUES = [(bytes([i + 1]) * 31, bytes([i]) * (i * 40)) for i in range(1, 8)]
ENDS = (DONE, ENDED, REFUSED, LOST)


def natural(size):
    # GP C.1.1, below 2^14
    return bytes([size]) if size < 128 else bytes([0x80 | size >> 8, size & 0xFF])


ENTRIES = b"".join(key + natural(len(value)) + value for key, value in VALUES)
ANSWER = len(NODES).to_bytes(4, "little") + NODES + len(ENTRIES).to_bytes(4, "little") + ENTRIES


class Scene:
    """A lite node's question on its way through a gateway to an upstream, over two carriers."""

    def __init__(self, down=None, up=None, size=100_000, start=LOW, end=HIGH, **bounds):
        self.profile = Profile()
        for name, value in bounds.items():
            setattr(self.profile, name, value)
        self.down, self.up = down or Pair(), up or Pair()
        self.lite = StateRequest(self.profile, bytearray(CHUNK))
        self.lite.begin(self.down.a.open(STATE_REQUEST), b"\x11" * 32, start, end, size)
        responder = StateResponder()
        self.below = self.down.b.accept()
        responder.begin(self.below)
        while responder.poll(0) != REQUEST:
            self.lite.poll(0)
            self.down.pump()
        self.passage = passage.of_state(responder, self.profile)
        self.got = []

    def ask(self):
        """Begin on a stream of an upstream; its other end."""
        self.passage.begin(self.up.a.open(STATE_REQUEST), memoryview(bytearray(CHUNK)))
        return self.up.b.accept()

    def read(self):
        """What the lite node makes of what has come; its event."""
        while True:
            event = self.lite.poll(0)
            if event in (NODE, ENTRY, VALUE):
                key = self.lite.key if event == ENTRY else b""
                self.got.append((event, key, bytes(self.lite.buf[self.lite.start : self.lite.end])))
            elif event != MORE:
                return event

    def run(self, *others, reads=True):
        """Turns until the passage ends, then until the lite node has all that is under way: both last events."""
        event = NOTHING
        for _ in range(20_000):
            for other in others:
                other.poll(0)
            for pair in (self.up, self.down):
                pair.pump()
            event = self.passage.poll()
            if event in ENDS:
                break
            if reads:
                self.read()
        assert event in ENDS
        return event, self.settle() if reads else NOTHING

    def settle(self):
        for _ in range(20_000):
            event = self.read()
            if event in ENDS:
                return event
            self.down.pump()
        return NOTHING

    @property
    def nodes(self):
        return b"".join(data for event, _, data in self.got if event == NODE)

    @property
    def values(self):
        found = []
        for event, key, data in self.got:
            if event == ENTRY:
                found.append((key, b""))
            elif event == VALUE:
                found[-1] = found[-1][0], found[-1][1] + data
        return found


class Says:
    """An upstream that sends these bytes on a stream, whatever it was asked, and then ends its half or not."""

    def __init__(self, stream, data, fin=True):
        self.stream = stream
        self._data = data
        self._fin = fin
        self._buf = bytearray(4096)
        self.request = b""

    def poll(self, now):
        if self.stream.abandoned >= 0:
            return NOTHING
        n = self.stream.recv_into(self._buf, 0, 4096)
        self.request += bytes(self._buf[:n])
        self.stream.credit(n)
        if self._data and not self.stream.state & DEAD:
            n = self.stream.send(self._data, 0, len(self._data))
            self._data = self._data[n:]
        if not self._data and self._fin:
            self.stream.finish()
            self._fin = False
        return NOTHING


def state_server(stream, nodes=NODES, entries=ENTRIES):
    responder = StateResponder()
    responder.begin(stream)

    def reply(asked):
        asked.answer_state(len(nodes), len(entries))
        return nodes + entries

    return Server(responder, reply)


NODES_AND_MORE = (1 << 20).to_bytes(4, "little") + bytes(1 << 16)

CARRIERS = [
    ("whole", {}), ("bytewise", {"limit": 1}), ("small", {"seed": 5, "window": 97, "send_buffer": 61}),
    ("random", {"seed": 9, "window": 700}),
]


@pytest.mark.parametrize("up", [options for _, options in CARRIERS], ids=[name for name, _ in CARRIERS])
@pytest.mark.parametrize("down", [options for _, options in CARRIERS], ids=[name for name, _ in CARRIERS])
def test_an_answer_comes_through_as_it_was_sent(up, down):
    scene = Scene(Pair(**down), Pair(**up))
    assert scene.run(state_server(scene.ask())) == (DONE, DONE)
    assert scene.nodes == NODES and scene.values == VALUES
    assert scene.passage.passed_bytes == len(NODES) + len(ENTRIES)


def test_an_answer_without_anything_in_it_is_one_too():
    scene = Scene()
    assert scene.run(state_server(scene.ask(), b"", b"")) == (DONE, DONE)
    assert scene.got == []


def test_the_upstream_is_asked_what_the_lite_node_asked():
    scene = Scene(size=5_000, start=b"\x01" * 31, end=b"\x02" * 31)
    upstream = Says(scene.ask(), ANSWER)
    scene.run(upstream, reads=False)
    assert upstream.request == (98).to_bytes(4, "little") + b"\x11" * 32 + b"\x01" * 31 + b"\x02" * 31 + (
        5_000).to_bytes(4, "little")
    assert upstream.stream.state & READ_ENDED


def test_a_size_that_we_do_not_pass_back_is_not_asked_for():
    scene = Scene(size=0xFFFFFFFF)
    upstream = Says(scene.ask(), ANSWER)
    scene.run(upstream)
    assert get_u32(upstream.request, 98) == scene.profile.state_answer_bytes


def test_a_range_that_is_none_is_declined_and_not_passed_on():
    scene = Scene(start=HIGH, end=LOW)
    assert scene.passage is None
    assert scene.settle() == REFUSED and scene.lite.reset_code == DECLINED


# cuts

BOUNDARIES = {0, 1, 4, 5, 4 + len(NODES) - 1, 4 + len(NODES), 4 + len(NODES) + 1, 8 + len(NODES), 9 + len(NODES)}
CUTS = sorted(BOUNDARIES | {CHUNK, 3 * CHUNK, len(ANSWER) - 1})


@pytest.mark.parametrize("ends", ["fin", "reset", "lost"])
@pytest.mark.parametrize("count", CUTS)
def test_a_cut_answer_is_the_upstreams_fault_and_never_looks_whole(count, ends):
    scene = Scene()
    stream = scene.ask()
    upstream = Says(stream, ANSWER[:count], fin=ends == "fin")

    def turn():
        for _ in range(200):
            upstream.poll(0)
            scene.up.pump()
            scene.down.pump()
            event = scene.passage.poll()
            scene.read()
            if event in ENDS:
                return event
            if event == NOTHING and not upstream._data:
                if ends == "reset" and stream.abandoned < 0:
                    stream.reset(7)
                elif ends == "lost":
                    scene.up.cut()
        raise AssertionError("it neither ended nor failed")

    if count == 0 and ends == "fin":
        with pytest.raises(RemoteError) as failed:
            turn()
        assert failed.value.code == TRUNCATED and scene.passage.is_fresh
    elif count < 4 and ends != "fin":
        assert turn() == (REFUSED if ends == "reset" else LOST)
        assert scene.passage.is_fresh and stream.abandoned in (-1, 7)
    else:
        with pytest.raises(RemoteError) as failed:
            turn()
        assert failed.value.code == TRUNCATED
        assert scene.passage.is_fresh == (count < 4)
    assert scene.passage.poll() == NOTHING, "it has let go"
    if not scene.passage.is_fresh:
        assert scene.settle() == REFUSED, "the lite node sees that the answer is cut"
    else:
        # Nothing of it went out, so somebody else may answer.
        scene.up = Pair()
        assert scene.run(state_server(scene.ask())) == (DONE, DONE)
        assert scene.nodes == NODES and scene.values == VALUES


def test_declining_and_another_upstream_after_a_refusal():
    scene = Scene()
    responder = StateResponder()
    responder.begin(scene.ask())
    assert scene.run(Server(responder, lambda asked: asked.refuse(DECLINED)), reads=False)[0] == REFUSED
    assert scene.passage.is_fresh and scene.settle() == NOTHING, "it waits"
    scene.passage.decline()
    assert scene.settle() == REFUSED and scene.lite.reset_code == DECLINED


def test_a_message_too_many_is_the_upstreams_fault():
    scene = Scene()
    upstream = Says(scene.ask(), ANSWER + bytes(4))
    with pytest.raises(RemoteError) as failed:
        scene.run(upstream)
    assert failed.value.code == SURPLUS and scene.up.halves[1].stop_code == SURPLUS
    assert scene.settle() == REFUSED


@pytest.mark.parametrize("first", [True, False])
def test_an_answer_longer_than_we_pass_on_is_nobodys_fault(first):
    scene = Scene(state_answer_bytes=len(NODES) - 1 if first else len(NODES) + 1)
    with pytest.raises(BudgetError) as failed:
        scene.run(Says(scene.ask(), ANSWER))
    assert failed.value.limit == "passage" and scene.passage.is_fresh == first
    assert scene.up.halves[1].stop_code == CANCELLED
    assert scene.settle() == (NOTHING if first else REFUSED)
    if first:  # what it was counts for nothing with the next one
        scene.up = Pair()
        assert scene.run(state_server(scene.ask(), b"", ENTRIES[: 31 + 1 + 40])) == (DONE, DONE)


# slow and gone

def test_who_does_not_read_stops_the_upstream_and_loses_nothing():
    big = [(bytes([i + 1]) * 31, bytes([i]) * 16_000) for i in range(40)]
    entries = b"".join(key + natural(len(value)) + value for key, value in big)
    scene = Scene(Pair(window=2_000, send_buffer=3_000), Pair(window=4_000, send_buffer=5_000), size=1 << 20)
    upstream = state_server(scene.ask(), NODES, entries)
    for _ in range(2_000):
        upstream.poll(0)
        scene.up.pump()
        scene.down.pump()
        assert scene.passage.poll() in (MORE, NOTHING)
    assert scene.passage.is_waiting_below and scene.passage.poll() == NOTHING
    taken = scene.passage.passed_bytes
    assert taken <= 2_000 + 3_000
    assert upstream.responder.left > len(entries) - taken - 4_000 - 5_000 - CHUNK - len(NODES) - 8, "it waits as well"
    assert scene.run(upstream) == (DONE, DONE)
    assert scene.values == big and not scene.passage.is_waiting_below


@pytest.mark.parametrize("how", ["reset", "lost"])
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_an_answer_for_nobody_is_read_to_its_end_and_dropped(how, when):
    # A reset in its middle costs the whole connection to typeberry.
    scene = Scene(Pair(window=100, send_buffer=50), Pair(seed=8, window=200))
    stream = scene.ask()
    upstream = state_server(stream)
    if when == "meanwhile":
        for _ in range(50):
            upstream.poll(0)
            scene.up.pump()
            scene.down.pump()
            scene.passage.poll()
        assert not scene.passage.is_fresh
    if how == "reset":
        scene.lite.cancel()
    else:
        scene.down.cut()
    assert scene.passage.has_left
    passed = scene.passage.passed_bytes
    assert scene.run(upstream, reads=False)[0] == ENDED and scene.passage.poll() == NOTHING
    assert upstream.end == DONE and stream.state & DEAD == 0 and scene.passage.passed_bytes == passed
    assert scene.below.abandoned == CANCELLED


def test_an_answer_for_nobody_is_not_read_without_end(monkeypatch):
    monkeypatch.setattr(passage, "DROPPED_BYTES", 1_000)
    scene = Scene()
    stream = scene.ask()
    upstream = Says(stream, NODES_AND_MORE, fin=False)
    scene.lite.cancel()
    while not scene.passage.is_sated:
        upstream.poll(0)
        scene.up.pump()
        scene.passage.poll()
    assert scene.passage.is_sated and scene.passage.poll() == NOTHING and not stream.state & DEAD, "the relays decide"
    scene.passage.give_up()
    scene.up.pump()
    assert stream.state & DEAD and stream.reset_code == CANCELLED and scene.passage.poll() == NOTHING


@pytest.mark.parametrize("fault", ["cut", "reset", "lost", "surplus"])
def test_what_becomes_of_an_answer_for_nobody_is_nobodys_fault(fault):
    scene = Scene()
    stream = scene.ask()
    upstream = Says(stream, ANSWER + bytes(4) if fault == "surplus" else ANSWER[:500], fin=fault in ("cut", "surplus"))
    for _ in range(4):
        upstream.poll(0)
        scene.up.pump()
        scene.passage.poll()
    scene.lite.cancel()
    if fault == "reset":
        stream.reset(3)
    elif fault == "lost":
        scene.up.cut()
    assert scene.run(upstream, reads=False)[0] == ENDED
    assert scene.passage.poll() == NOTHING


def test_an_upstream_that_is_too_slow_leaves_the_requester_waiting():
    scene = Scene()
    stream = scene.ask()
    assert scene.passage.poll() == NOTHING
    scene.passage.give_up()
    assert stream.state & READ_RESET and scene.settle() == NOTHING
    scene.up = Pair()
    assert scene.run(state_server(scene.ask())) == (DONE, DONE)


# blocks

def chain_of(blocks):
    chain = DevChain(TINY, seed=4, keys=3)
    chain.advance(blocks)
    return chain


def block_server(stream, blocks):
    responder = BlockResponder()
    responder.begin(stream)
    data = b"".join(block.encode() for block in blocks)

    def reply(asked):
        asked.answer_blocks(len(data))
        return data

    return Server(responder, reply)


def test_blocks_come_through_and_no_more_of_them_are_asked_for_than_we_would():
    blocks = chain_of(5).chain()[1:]
    profile = Profile()
    down, up = Pair(seed=3), Pair(seed=4)
    lite = BlockRequest(TINY, bytearray(TINY.max_header_size), bytearray(4096), profile.block_bytes)
    lite.begin(down.a.open(BLOCK_REQUEST), b"\x22" * 32, ASCENDING, 1_000_000)
    responder = BlockResponder()
    responder.begin(down.b.accept())
    while responder.poll(0) != REQUEST:
        lite.poll(0)
        down.pump()
    through = passage.of_blocks(responder, profile)
    through.begin(up.a.open(BLOCK_REQUEST), memoryview(bytearray(CHUNK)))
    upstream = block_server(up.b.accept(), blocks)
    headers, ends = [], []
    while len(ends) < 2:
        upstream.poll(0)
        up.pump()
        down.pump()
        if through.poll() == DONE:
            ends.append("passage")
        event = lite.poll(0)
        if event == HEADER:
            headers.append(bytes(lite.header_buf[: lite.header_end]))
        elif event == DONE:
            ends.append("lite")
    assert headers == [block.header for block in blocks]
    assert upstream.responder.maximum == profile.block_request_blocks


def test_a_request_for_no_block_is_declined():
    down = Pair()
    lite = BlockRequest(TINY, bytearray(TINY.max_header_size), bytearray(4096), 1000)
    lite.begin(down.a.open(BLOCK_REQUEST), b"\x22" * 32, ASCENDING, 0)
    responder = BlockResponder()
    responder.begin(down.b.accept())
    while responder.poll(0) != REQUEST:
        lite.poll(0)
        down.pump()
    assert passage.of_blocks(responder, Profile()) is None and not responder.busy
    down.pump()
    assert lite.poll(0) == REFUSED


# headers out of blocks

class Range:
    """A header range that the store did not have, asked of an upstream's blocks."""

    def __init__(self, header_hash, direction, maximum, most=128):
        self.down, self.up = Pair(seed=6), Pair(seed=7)
        self.lite = HeaderRequest(TINY, bytearray(TINY.max_header_size))
        self.lite.begin(self.down.a.open(HEADER_REQUEST), header_hash, direction, maximum)
        self.answer = HeaderAnswer(self.down.b.accept(), -1, lambda *asked: None)
        self.answer.asked = lambda now: None
        while self.answer.responder.maximum == 0 or not self.answer.responder._asked:
            self.lite.poll(0)
            self.down.pump()
            self.answer.poll(0)
        self.refetch = Refetch(self.answer, TINY, Profile(), most, lambda *data: Header(TINY, *data))
        self.headers = []

    def ask(self):
        self.refetch.begin(self.up.a.open(BLOCK_REQUEST), memoryview(bytearray(CHUNK)))
        return self.up.b.accept()

    def run(self, upstream):
        event = NOTHING
        while event not in ENDS:
            upstream.poll(0)
            self.up.pump()
            event = self.refetch.poll()
        return event

    def settle(self):
        for _ in range(5_000):
            self.answer.poll(0)
            self.down.pump()
            event = self.lite.poll(0)
            if event == HEADER:
                self.headers.append(bytes(self.lite.header_buf[: self.lite.header_end]))
            elif event in ENDS:
                return event
        return NOTHING


@pytest.fixture(scope="module")
def blocks():
    return chain_of(20).chain()


def test_headers_are_taken_from_blocks_both_ways(blocks):
    up = Range(blocks[0].hash, ASCENDING, 50)
    assert up.run(block_server(up.ask(), blocks[1:])) == DONE and up.settle() == DONE
    assert up.headers == [block.header for block in blocks[1:]]
    down = Range(blocks[9].hash, DESCENDING, 4)
    upstream = block_server(down.ask(), blocks[9:5:-1])
    assert down.run(upstream) == DONE and down.settle() == DONE
    assert upstream.responder.maximum == 4 and down.headers == [block.header for block in blocks[9:5:-1]]


def test_a_block_too_many_is_dropped_and_the_stream_read_to_its_end(blocks):
    # typeberry sends one more than it was asked for, and a reset could cost the connection.
    scene = Range(blocks[0].hash, ASCENDING, 3, most=2)
    upstream = block_server(scene.ask(), blocks[1:4])
    assert scene.run(upstream) == DONE and scene.settle() == DONE
    assert scene.headers == [block.header for block in blocks[1:3]]
    upstream.poll(0)
    assert upstream.end == DONE and scene.up.halves[1].stop_code == -1


@pytest.mark.parametrize("spoil", ["other", "gap", "backwards", "noise"])
def test_headers_that_are_no_chain_from_the_one_asked_about_are_the_upstreams_fault(blocks, spoil):
    scene = Range(blocks[0].hash, ASCENDING, 50)
    served = {"other": blocks[2:], "gap": blocks[1:4] + blocks[5:], "backwards": blocks[5:0:-1], "noise": None}[spoil]
    if served is None:
        upstream = Says(scene.ask(), (900).to_bytes(4, "little") + b"\xee" * 900)
    else:
        upstream = block_server(scene.ask(), served)
    with pytest.raises(RemoteError) as failed:
        scene.run(upstream)
    assert failed.value.code in (MALFORMED, OVERSIZE)
    assert scene.refetch.is_fresh and scene.answer.busy, "another upstream may know better"
    scene.up = Pair()
    assert scene.run(block_server(scene.ask(), blocks[1:])) == DONE and scene.settle() == DONE
    assert scene.headers == [block.header for block in blocks[1:]], "nothing of the first one's"


def test_no_block_at_all_says_nothing(blocks):
    scene = Range(blocks[-1].hash, ASCENDING, 5)
    assert scene.run(block_server(scene.ask(), [])) == DONE
    assert scene.settle() == REFUSED, "whether the upstream knows the one named, nobody can tell"


@pytest.mark.parametrize("how", ["left", "cancelled", "too slow"])
def test_blocks_for_nobody_are_read_to_their_end_or_given_up(blocks, how):
    scene = Range(blocks[0].hash, ASCENDING, 5)
    stream = scene.ask()
    upstream = block_server(stream, blocks[1:6])
    if how == "left":
        scene.lite.cancel()
        scene.down.pump()
        scene.answer.poll(0)
        assert scene.refetch.has_left
    else:
        scene.refetch.cancel()
        assert scene.settle() == REFUSED
    if how == "too slow":
        scene.refetch.give_up()
        assert scene.refetch.poll() == ENDED and stream.state & DEAD
    else:
        assert scene.run(upstream) == ENDED and upstream.end == DONE and stream.state & DEAD == 0

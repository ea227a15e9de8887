"""Generated blocks and mutated streams. CPython only."""

from hypothesis import given, settings
from hypothesis import strategies as st

from jamliquor_lite.codec.natural import encode
from jamliquor_lite.codec.spec import FULL, TINY, Spec
from jamliquor_lite.errors import RemoteError
from jamliquor_lite.jam.block_announcement import OURS, BlockAnnouncement, announcement_size
from jamliquor_lite.jam.block_body import Skipper
from jamliquor_lite.jam.block_request import BlockRequest
from jamliquor_lite.jam.events import BLOCK, HEADER, NOTHING
from jamliquor_lite.jam.header_announcement import THEIRS, HeaderAnnouncement
from jamliquor_lite.jam.header_request import HeaderRequest, HeaderResponder
from jamliquor_lite.jam.state_request import StateRequest
from tests.fake_carrier import Dice, Pair
from tests.jam.blocks import block, header, message, u32
from tests.jam.drive import ENDS, Raw
from tests.jam.scenarios_header_request import answer, made
from tests.jam.scenarios_state import HIGH, LOW, limits

ODD = Spec("odd", 100, 7, 5, 17, 2)  # sizes that neither tiny nor full has
ROOM = b"\xa5" * 64  # stands before and behind every lent buffer


class Lent:
    """A buffer inside a larger one, so that a write past its ends shows."""

    def __init__(self, size: int) -> None:
        self._whole = bytearray(ROOM + bytes(size) + ROOM)
        self.view = memoryview(self._whole)[len(ROOM) : len(ROOM) + size]

    def check(self) -> None:
        assert self._whole[: len(ROOM)] == ROOM == self._whole[-len(ROOM) :]


@given(st.sampled_from([TINY, ODD, FULL]), st.integers(1, 2**30), st.lists(st.integers(1, 5000), min_size=1))
@settings(max_examples=150, deadline=None)
def test_blocks_of_every_shape_at_every_cut(spec, seed, sizes):
    dice = Dice(seed)
    made = [block(spec, dice) for _ in range(2)]
    data = b"".join(whole for _, whole in made)
    lent = Lent(spec.max_header_size)
    skipper = Skipper(spec, lent.view, 1 << 20)
    found = []
    at = turn = 0
    head = b""
    while at < len(data):
        end = min(len(data), at + sizes[turn % len(sizes)])
        turn += 1
        while at < end:
            at += skipper.feed(data, at, end)
            if skipper.event == HEADER:
                head = bytes(lent.view[: skipper.header_end])
            elif skipper.event == BLOCK:
                found.append((head, skipper.block_bytes))
    skipper.finish()
    lent.check()
    assert found == [(head, len(whole)) for head, whole in made]


@st.composite
def mutated(draw, make):
    """Bytes of make(seed), with pieces changed, cut out, doubled or put in."""
    data = bytearray(make(draw(st.integers(1, 2**30))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 40)))
        data[at:to] = draw(
            st.binary(min_size=to - at, max_size=to - at)
            | st.binary(max_size=12)
            | st.just(bytes(data[at:to]) * 2)
        )
    return bytes(data)


def drain(core, data: bytes, seed: int, kind: int, fin: bool, attach) -> None:
    """Run the core against those bytes until it ends or nothing moves; only blame for the peer may come out."""
    pair = Pair(seed=seed, window=2000)
    attach(pair.a.open(kind))
    peer = Raw(pair.b.accept(), data, fin)
    idle = 0
    while idle < 20:
        peer.poll(0)
        pair.pump()
        idle += 1
        while True:
            try:
                event = core.poll(0)
            except RemoteError:
                return
            if event in ENDS:
                return
            if event == NOTHING:
                break
            idle = 0
        if any(half.sending for half in pair.halves):
            idle = 0


def ce128(seed: int) -> bytes:
    dice = Dice(seed)
    return message(b"".join(block(TINY, dice)[1] for _ in range(2)))


def ce129(seed: int) -> bytes:
    dice = Dice(seed)
    nodes = message(bytes(64 * dice.below(4)))
    entries = b""
    for number in range(dice.below(5)):
        length = (0, 5, 300)[dice.below(3)]
        entries += bytes((number,)) + bytes(30) + encode(length) + bytes(length)
    return nodes + message(entries)


def up0(seed: int) -> bytes:
    dice = Dice(seed)
    hello = message(bytes(36) + encode(2) + bytes(72))
    return hello + b"".join(message(header(TINY, dice) + bytes(32) + u32(9)) for _ in range(2))


@settings(max_examples=150, deadline=None)
@given(mutated(ce128), st.integers(1, 1000), st.booleans())
def test_mutated_block_answers(data, seed, fin):
    heads = Lent(TINY.max_header_size)
    chunk = Lent(100)
    request = BlockRequest(TINY, heads.view, chunk.view, 20000)
    drain(request, data, seed, 128, fin, lambda stream: request.begin(stream, bytes(32), 0, 2))
    assert request.blocks <= 3
    heads.check()
    chunk.check()


@settings(max_examples=150, deadline=None)
@given(mutated(ce129), st.integers(1, 1000), st.booleans())
def test_mutated_state_answers(data, seed, fin):
    chunk = Lent(80)
    request = StateRequest(limits(nodes=5, answer=3000, entries=5), chunk.view)
    drain(request, data, seed, 129, fin, lambda stream: request.begin(stream, bytes(32), LOW, HIGH, 2000))
    assert request.nodes <= 5 and request.entries <= 5 and request.received_bytes <= 3000
    chunk.check()


@settings(max_examples=150, deadline=None)
@given(mutated(up0), st.integers(1, 1000), st.booleans())
def test_mutated_announcements(data, seed, fin):
    lent = Lent(announcement_size(TINY))
    up = BlockAnnouncement(TINY, lent.view, bytearray(2000), 10)
    up.queue_handshake(bytes(32), 0, [])
    drain(up, data, seed, 0, fin, lambda stream: up.attach(stream, OURS))
    lent.check()


def header_range(seed: int) -> bytes:
    dice = Dice(seed)
    return answer(made(dice.below(5), dice.below(1000), 1 - 2 * dice.below(2)))


def ask_headers(data, seed, fin, direction, maximum):
    heads = Lent(TINY.max_header_size)
    request = HeaderRequest(TINY, heads.view)
    drain(request, data, seed, 128, fin, lambda stream: request.begin(stream, bytes(32), direction, maximum))
    assert request.headers <= maximum and request.received_bytes <= 128 * 1024
    heads.check()
    return request


@settings(max_examples=150, deadline=None)
@given(mutated(header_range), st.integers(1, 1000), st.booleans(), st.integers(0, 1), st.integers(1, 4))
def test_mutated_header_answers(data, seed, fin, direction, maximum):
    ask_headers(data, seed, fin, direction, maximum)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=900), st.integers(1, 1000), st.booleans(), st.integers(0, 1), st.booleans())
def test_random_bytes_as_header_answers(data, seed, fin, direction, framed):
    ask_headers(message(data) if framed else data, seed, fin, direction, 3)


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=33, max_size=45) | st.binary(max_size=50), st.integers(1, 1000), st.booleans(), st.booleans())
def test_random_bytes_as_header_requests(data, seed, fin, framed):
    responder = HeaderResponder()
    drain(responder, message(data) if framed else data, seed, 128, fin, responder.begin)


def hashes(seed: int) -> bytes:
    return b"".join(message(bytes(32) + u32(seed + i)) for i in range(4))


@settings(max_examples=150, deadline=None)
@given(mutated(hashes) | st.binary(max_size=200), st.integers(1, 1000), st.booleans())
def test_mutated_header_announcements(data, seed, fin):
    core = HeaderAnnouncement()
    drain(core, data, seed, 0, fin, lambda stream: core.attach(stream, THEIRS))

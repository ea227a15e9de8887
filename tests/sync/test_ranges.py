# portable: runs on CPython and MicroPython
"""A gap filled by either kind of range, CE 128 and the lite network's headers, over streams."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.tree import NONE
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.errors import RemoteError, VerifyError
from jamliquor_lite.jam.block_request import BlockRequest, BlockResponder
from jamliquor_lite.jam.events import BLOCK, DONE, HEADER, LOST, NOTHING, REFUSED, REQUEST
from jamliquor_lite.jam.header_request import HeaderRequest, HeaderResponder, Packer
from jamliquor_lite.jam.kinds import BLOCK_REQUEST, HEADER_REQUEST
from jamliquor_lite.jam.range_request import DESCENDING
from jamliquor_lite.sync.follow import BACKWARDS, Follower, Gap
from tests.chain.chains import Recorder
from tests.data import FORK_AT, Carried, view
from tests.fake_carrier import Pair
from tests.jam.blocks import EMPTY_EXTRINSIC
from tests.support import raises

DATA = Carried()
PIECE = 6


class Blocks:
    """CE 128 as a follower and its peer have it."""

    def __init__(self):
        self.request = BlockRequest(TINY, bytearray(TINY.max_header_size), bytearray(300), 20000)
        self.responder = BlockResponder()

    def answer(self, found):
        data = b"".join([head + EMPTY_EXTRINSIC for head in found])
        self.responder.answer_blocks(len(data))
        return data


class Headers:
    """And the header range."""

    def __init__(self):
        self.request = HeaderRequest(TINY, bytearray(TINY.max_header_size))
        self.responder = HeaderResponder()

    def answer(self, found):
        packer = Packer(self.responder.maximum)
        for head in found:
            packer.add(head)
        self.responder.answer_headers(packer.size)
        return b"".join(packer.pieces)


class World:
    """A follower that has `headers`, and a peer that has `branch` and knows of `beside`."""

    def __init__(self, kind, headers, branch, beside=(), seed=1):
        profile = Profile()
        profile.tree_headers = 64
        profile.fork_headers = 8
        self.light = Recorder(DATA.checkpoint(), profile)
        follower = Follower(self.light.chain, profile)
        for data in headers:
            follower.offer(data, 0, len(data), -1)
        self.gap = Gap(follower, profile, PIECE)
        self.kind = kind()
        self.branch = [DATA.genesis] + list(branch)
        self.known = self.branch + list(beside)
        self.carrier = Pair(seed=seed, window=3000)
        self.asked = []
        self.spoil = None

    def has(self, data):
        return self.light.chain.tree.find(view(data).hash) != NONE

    def find(self):
        # What a full node answers: forwards along its branch, backwards from whatever it knows; None is a reset.
        responder = self.kind.responder
        wanted, maximum = responder.header_hash, responder.maximum
        self.asked.append((wanted, responder.direction, maximum))
        found = []
        here = [data for data in self.known if view(data).hash == wanted]
        if not here:
            return None
        if responder.direction == DESCENDING:
            while here and len(found) < maximum:
                found.append(here[0])
                here = [data for data in self.known if view(data).hash == view(here[0]).parent]
            return found
        if here[0] in self.branch:
            at = self.branch.index(here[0]) + 1
            found = self.branch[at : at + maximum]
        return self.spoil(found) if self.spoil else found

    def exchange(self, wanted):
        # As node/link.py does it: the request's class says which kind, the rest is the same.
        request, responder = self.kind.request, self.kind.responder
        request.begin(self.carrier.a.open(request.kind), *wanted)
        stream = self.carrier.b.accept()
        assert stream.kind == request.kind
        responder.begin(stream)
        data, at, whole = b"", 0, 0
        for _ in range(100000):
            if responder.poll(0) == REQUEST:
                found = self.find()
                if found is None:
                    responder.refuse()
                else:
                    data = self.kind.answer(found)
            at += responder.write(data, at, len(data))
            self.carrier.pump()
            event = request.poll(0)
            while event != NOTHING:
                if event == request.whole:
                    whole += 1
                if event == HEADER:
                    self.gap.header(request.header_buf, 0, request.header_end, -1)
                if event in (DONE, REFUSED, LOST):
                    assert whole == self.gap.received
                    self.gap.done(-1)
                    while self.gap.join(-1):
                        pass
                    return
                event = request.poll(0)
        raise AssertionError("no end")

    def fill(self, head):
        self.gap.named(view(head).hash, view(head).slot)
        while True:
            wanted = self.gap.next_request()
            if wanted is None:
                return self.has(head)
            assert len(self.asked) < 20, "the follower goes round in circles"
            self.exchange(wanted)


def both(check):
    asked = []
    for kind in (Blocks, Headers):
        asked.append(check(kind))
    assert asked[0] == asked[1], "the same questions, whichever kind carries them"


def test_each_kind_says_what_it_is():
    assert (BlockRequest.kind, BlockRequest.whole) == (BLOCK_REQUEST, BLOCK)
    assert (HeaderRequest.kind, HeaderRequest.whole) == (HEADER_REQUEST, HEADER)


def test_catches_up_in_pieces():
    def check(kind):
        world = World(kind, [], DATA.headers[:14])
        assert world.fill(DATA.headers[13])
        assert [count for _, _, count in world.asked] == [PIECE] * 3
        return world.asked

    both(check)


def test_steps_back_to_where_branches_part():
    def check(kind):
        world = World(kind, DATA.headers[: FORK_AT + 3], DATA.headers[:FORK_AT] + [DATA.fork], seed=2)
        assert world.fill(DATA.fork)
        return world.asked

    both(check)


def test_fetches_a_leaf_backwards():
    def check(kind):
        world = World(kind, DATA.headers[: FORK_AT - 2], DATA.headers[: FORK_AT + 1], [DATA.fork], seed=3)
        assert world.fill(DATA.fork)
        assert world.asked[-1] == (view(DATA.fork).hash, BACKWARDS, 8)
        return world.asked

    both(check)


def test_a_refusal_is_an_answer():
    def check(kind):
        world = World(kind, DATA.headers[:2], [])
        world.known = []
        assert not world.fill(DATA.headers[9]) and world.gap.lost
        return world.asked

    both(check)


def test_a_peer_that_lies_is_blamed():
    broken = DATA.headers[2][:-1] + bytes([DATA.headers[2][-1] ^ 1])
    for spoil, error in (
        (lambda found: [found[0], found[1], broken], VerifyError),
        (lambda found: found[1:], RemoteError),
        (lambda found: [found[0], found[2]], RemoteError),
        (lambda found: [found[0], found[1] + b"\0"], VerifyError),
        (lambda found: [found[0], found[1][:-1]], RemoteError),
        (lambda found: [found[0], found[1][:100] + b"\7" + found[1][101:]], VerifyError),
    ):
        world = World(Headers, [], DATA.headers[:5])
        world.spoil = spoil
        raises(error, world.fill, DATA.headers[4])
        assert not world.has(DATA.headers[2])

"""The devnet's answers to header range requests, over the fake carrier."""

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.answer import HeaderAnswer
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.wire import WireFault
from jamliquor_lite.errors import RemoteError
from jamliquor_lite.jam.events import DONE, REFUSED
from jamliquor_lite.jam.header_request import MAX_ANSWER_BYTES, HeaderRequest
from jamliquor_lite.jam.kinds import DECLINED, HEADER_REQUEST, MALFORMED
from jamliquor_lite.jam.range_request import ASCENDING, DESCENDING
from tests.fake_carrier import Pair
from tests.jam.blocks import message
from tests.jam.drive import Raw, run
from tests.jam.scenarios_header_request import Seen


class Serving:
    """What an answer needs of a server."""

    def __init__(self, blocks=40, **settings):
        self.chain = DevChain(TINY, seed=9, keys=5, **settings)
        self.chain.advance(blocks)
        self.profile = Profile()
        self.wire = None
        self.requests = []

    def count(self, kind):
        self.requests.append(kind)

    def ask(self, header_hash, direction, maximum, **pair):
        """(how it ended, the headers)."""
        carrier = Pair(**pair)
        request = HeaderRequest(TINY, bytearray(TINY.max_header_size))
        request.begin(carrier.a.open(HEADER_REQUEST), header_hash, direction, maximum)
        stream = carrier.b.accept()
        assert stream.kind == HEADER_REQUEST
        answer = HeaderAnswer(self, None, stream, 0)
        seen = Seen(request)
        end = run(carrier, request, [answer], seen)
        self.reset_code = request.reset_code
        self.bytes = request.received_bytes
        for _ in range(1000):
            if not answer.busy:
                break
            answer.poll(0)
            carrier.pump()
        assert not answer.busy
        return end, seen.found


def headers(blocks):
    return [block.header for block in blocks]


@pytest.mark.parametrize("pair", [{}, {"seed": 3, "window": 500}], ids=["whole", "pieces"])
def test_headers_ascend_and_descend(pair):
    serving = Serving()
    line = serving.chain.chain()
    assert serving.ask(line[10].hash, ASCENDING, 5, **pair) == (DONE, headers(line[11:16]))
    assert serving.ask(line[10].hash, DESCENDING, 5, **pair) == (DONE, headers(line[10:5:-1]))
    assert serving.ask(line[3].hash, DESCENDING, 100, **pair) == (DONE, headers(line[3::-1]))
    assert serving.ask(line[0].hash, ASCENDING, 0xFFFFFFFF, **pair) == (DONE, headers(line[1:]))
    assert serving.ask(line[-1].hash, ASCENDING, 9, **pair) == (DONE, [])
    assert serving.ask(line[-1].hash, DESCENDING, 1, **pair) == (DONE, headers(line[-1:]))
    assert serving.requests == [HEADER_REQUEST] * 6


def test_what_is_unknown_or_refused_is_reset():
    serving = Serving(5)
    assert serving.ask(bytes(32), DESCENDING, 1) == (REFUSED, []) and serving.reset_code == DECLINED
    serving.wire = WireFault()
    assert serving.ask(serving.chain.best.hash, DESCENDING, 1)[0] == DONE
    serving.wire.refuses_blocks = True
    assert serving.ask(serving.chain.best.hash, DESCENDING, 1)[0] == REFUSED


def test_an_answer_is_as_long_as_128_kib_and_goes_on_from_there():
    serving = Serving(450)
    line = serving.chain.chain()
    end, found = serving.ask(line[0].hash, ASCENDING, 1000)
    assert end == DONE and found == headers(line[1 : 1 + len(found)])
    following = line[1 + len(found)]
    assert serving.bytes <= MAX_ANSWER_BYTES < serving.bytes + len(following.header) + 2
    assert serving.ask(line[len(found)].hash, ASCENDING, 1000) == (DONE, headers(line[1 + len(found) :]))


def test_a_side_branch_is_served_while_it_may_win():
    serving = Serving(12, fork_rate=0.4)
    chain = serving.chain
    for _ in range(200):
        chain.advance()
        side = [leaf for leaf in chain.leaves() if chain.at(leaf.number) is not leaf]
        if side:
            break
    assert serving.ask(side[0].hash, DESCENDING, 1) == (DONE, [side[0].header])
    while chain.servable(side[0]):
        chain.advance()
    assert serving.ask(side[0].hash, DESCENDING, 1) == (REFUSED, [])


def test_a_broken_request_is_the_requesters_fault():
    serving = Serving(2)
    for data in (message(bytes(37)), message(bytes(32) + b"\2\1\0\0\0"), message(bytes(36))):
        carrier = Pair()
        peer = Raw(carrier.a.open(HEADER_REQUEST), data)
        answer = HeaderAnswer(serving, None, carrier.b.accept(), 0)
        peer.poll(0)
        carrier.pump()
        with pytest.raises(RemoteError) as caught:
            for _ in range(9):
                answer.poll(0)
        assert caught.value.code == MALFORMED and not answer.busy
    assert serving.requests == []

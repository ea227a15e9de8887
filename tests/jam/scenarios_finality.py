"""Answers to CE 130 and CE 153 over any carrier, to a peer that sees bytes. test_finality_answer.py runs them."""

from jamliquor_lite.budget.stream import READ_ENDED
from jamliquor_lite.codec.natural import encode
from jamliquor_lite.errors import RemoteError
from jamliquor_lite.jam.events import DONE, NOTHING, REFUSED, REQUEST
from jamliquor_lite.jam.finality_answer import JustificationResponder, WarpResponder
from jamliquor_lite.jam.kinds import DECLINED, JUSTIFICATION_REQUEST, MALFORMED, OVERSIZE, WARP_SYNC_REQUEST
from tests.fake_carrier import Dice
from tests.jam.blocks import fill, message, u32
from tests.jam.carriers import accepted
from tests.jam.drive import Raw, Trickle, reset_seen
from tests.support import raises

HASH = bytes(range(60, 92))
SIZES = (700, 1, 5000, 64, 2048)


class Shelf:
    """Fragments of sets 3 to 7; it counts how many bytes of them were made."""

    set_id = 8

    def __init__(self) -> None:
        dice = Dice(8)
        self._fragments = [fill(dice, size) for size in SIZES]
        self.made = 0

    def fragment_size(self, set_id: int) -> int:
        return len(self._fragments[set_id - 3]) if 3 <= set_id < 8 else 0

    def fragment(self, set_id: int) -> bytes:
        self.made += self.fragment_size(set_id)
        return self._fragments[set_id - 3]

    def joined(self, first: int, end: int) -> bytes:
        return b"".join(self._fragments[first - 3 : end - 3])


class Gate(Trickle):
    """A stream that takes `left` bytes until there are more, and can end."""

    def credit(self, n: int) -> None:
        self._stream.credit(n)

    def finish(self) -> None:
        self._stream.finish()


def asked(carrier, kind, responder, request, fin=True):
    """The raw peer that has asked, when the request is complete on the other side or has failed."""
    client = Raw(carrier.a.open(kind), message(request), fin)
    there = accepted_of(carrier, client)
    assert there.kind == kind
    responder.begin(there)
    for _ in range(5000):
        client.poll(0)
        carrier.pump()
        if responder.poll(0) == REQUEST:
            return client
    raise AssertionError("no request")


def accepted_of(carrier, client):
    client.poll(0)
    return accepted(carrier, carrier.b)


def answered(carrier, client, responder):
    """What the peer got, when the responder is done."""
    for _ in range(200000):
        responder.pump()
        if responder.busy:
            assert responder.poll(0) in (DONE, NOTHING)
        client.poll(0)
        carrier.pump()
        if client.stream.state & READ_ENDED:
            assert not responder.busy
            return client.received
    raise AssertionError("no end")


def a_justification_is_one_message(carrier) -> None:
    data = fill(Dice(3), 9000)
    responder = JustificationResponder()
    for content in (data, b"x", data):  # one responder answers one request after another
        client = asked(carrier, JUSTIFICATION_REQUEST, responder, HASH)
        assert responder.header_hash == HASH
        responder.answer_justification(content)
        assert answered(carrier, client, responder) == message(content)


def fragments_are_one_message_from_the_set_asked_for(carrier) -> None:
    for first, most, end in ((3, 9, 8), (3, 2, 5), (7, 9, 8), (5, 3, 8), (8, 9, 8)):
        shelf, responder = Shelf(), WarpResponder()
        client = asked(carrier, WARP_SYNC_REQUEST, responder, u32(first))
        assert responder.set_id == first
        assert responder.answer_fragments(shelf, most)
        data = shelf.joined(first, end)
        assert answered(carrier, client, responder) == message(encode(end - first) + data)
        assert shelf.made == len(data)


def a_set_without_a_fragment_begins_no_answer(carrier) -> None:
    for first in (2, 9, 0xFFFFFFFF):
        responder = WarpResponder()
        client = asked(carrier, WARP_SYNC_REQUEST, responder, u32(first))
        assert not responder.answer_fragments(Shelf(), 4)
        responder.refuse()
        reset_seen(carrier, client.stream, DECLINED)
        assert not responder.busy


def one_fragment_is_held_at_a_time(carrier) -> None:
    shelf, responder = Shelf(), WarpResponder()
    client = Raw(carrier.a.open(WARP_SYNC_REQUEST), message(u32(3)))
    stream = Gate(accepted_of(carrier, client), 4 + 1 + SIZES[0] + SIZES[1] + 10)
    responder.begin(stream)
    while responder.poll(0) != REQUEST:
        client.poll(0)
        carrier.pump()
    assert responder.answer_fragments(shelf, 9) and shelf.made == 0
    for _ in range(20000):
        responder.pump()
        responder.poll(0)
        client.poll(0)
        carrier.pump()
        if not stream.left:
            break
    assert not responder.pump() and responder.busy
    assert shelf.made == sum(SIZES[:3])  # what does not go out is not followed by another
    stream.left = 1 << 20
    assert answered(carrier, client, responder) == message(encode(5) + shelf.joined(3, 8))


def a_peer_that_has_enough_ends_it(carrier) -> None:
    responder = WarpResponder()
    client = asked(carrier, WARP_SYNC_REQUEST, responder, u32(3))
    assert responder.answer_fragments(Shelf(), 9)
    client.stream.reset(1)
    for _ in range(5000):
        carrier.pump()
        if responder.poll(0) == REFUSED:
            assert not responder.busy and not responder.pump()
            return
    raise AssertionError("it went on")


def a_request_of_another_length_is_the_peers_fault(carrier) -> None:
    for kind, make, request, code in (
        (JUSTIFICATION_REQUEST, JustificationResponder, HASH[:31], MALFORMED),
        (JUSTIFICATION_REQUEST, JustificationResponder, HASH + b"x", OVERSIZE),
        (WARP_SYNC_REQUEST, WarpResponder, b"abc", MALFORMED),
        (WARP_SYNC_REQUEST, WarpResponder, u32(3) + b"x", OVERSIZE),
    ):
        responder = make()
        error = raises(RemoteError, asked, carrier, kind, responder, request)
        assert error.code == code and not responder.busy


SCENARIOS = (
    a_justification_is_one_message,
    fragments_are_one_message_from_the_set_asked_for,
    a_set_without_a_fragment_begins_no_answer,
    one_fragment_is_held_at_a_time,
    a_peer_that_has_enough_ends_it,
    a_request_of_another_length_is_the_peers_fault,
)

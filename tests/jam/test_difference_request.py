# portable: runs on CPython and MicroPython
"""The lite difference over the carriers that both interpreters have: requests, answers, and every malformed one."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.errors import LocalError, RemoteError
from jamliquor_lite.jam import difference_request as wire
from jamliquor_lite.jam.difference_request import DifferenceRequest, DifferenceResponder
from jamliquor_lite.jam.events import DONE, ENTRY, PLACE, REFUSED, VALUE
from jamliquor_lite.jam.kinds import DECLINED, DIFFERENCE_REQUEST, MALFORMED, OVERSIZE, SURPLUS, TRUNCATED, protocol
from tests.fake_carrier import Pair
from tests.jam.blocks import message
from tests.jam.carriers import accepted, over_all
from tests.jam.drive import Raw, Server, fails, raw_peer, run, settle
from tests.support import raises

HEADER, BASE = b"\x11" * 32, b"\x22" * 32
ITEMS = [(b"\x01" * 31, b"\x01" * 31), (b"\x03" * 31, b"\x04" * 31), (b"\x09" * 31, b"\x09" * 31)]
LEAF = b"\xa0" + b"\x30" * 31 + b"\x31" * 32
KEY = b"\x01" * 31
ANSWER = b"\3\3\1\0\3\2" + b"\x77" * 32 + b"\3\4" + LEAF + b"\5" + KEY + b"\x81\x00" + b"v" * 256
SEEN = [(3, b""), (3, b""), (1, b""), (0, b""), (3, b""), (2, b"\x77" * 32), (3, b""), (4, LEAF), (KEY, 256),
        b"v" * 256]


def request_of(profile=None):
    return DifferenceRequest(profile or Profile(), bytearray(100))


def begun(carrier, request=None, **more):
    request = request or request_of(**more)
    request.begin(carrier.a.open(DIFFERENCE_REQUEST), HEADER, BASE, ITEMS, 5000)
    return request


def watcher(request):
    seen = []

    def see(event):
        if event == PLACE:
            seen.append((request.op, bytes(request.buf[request.start : request.end])))
        elif event == ENTRY:
            seen.append((request.key, request.value_length))
        else:
            assert event == VALUE
            piece = bytes(request.buf[request.start : request.end])
            if isinstance(seen[-1], bytes):
                seen[-1] += piece
            else:
                seen.append(piece)

    return seen, see


def test_a_request_and_its_answer_over_every_carrier():
    def scenario(carrier):
        request = begun(carrier)
        heard = []

        def reply(responder):
            heard.append((responder.header_hash, responder.base_hash, responder.max_size, responder.items))
            responder.answer_difference(len(ANSWER))
            return ANSWER

        server = Server(DifferenceResponder(8), reply)
        server.responder.begin(accepted(carrier, carrier.b))
        seen, see = watcher(request)
        assert run(carrier, request, [server], see) == DONE
        assert heard == [(HEADER, BASE, 5000, ITEMS)] and seen == SEEN
        assert request.received_bytes == len(ANSWER) and request.request_bytes == 4 + 68 + 32 + 63 + 32

    over_all(scenario)


def test_the_bytes_of_a_request():
    carrier = Pair()
    asked = begun(carrier)
    peer = raw_peer(carrier, b"", fin=False)
    request = b""
    for _ in range(50):
        asked.poll(0)
        peer.poll(0)
        carrier.pump()
        request = peer.received
        if len(request) == 199:
            break
    content = HEADER + BASE + b"\x88\x13\0\0" + b"\0" + b"\x01" * 31 + b"\1" + b"\x03" * 31 + b"\x04" * 31 + b"\0"
    assert request == message(content + b"\x09" * 31)
    assert protocol(DIFFERENCE_REQUEST, "0011aabb") == "/jamliquor/0011aabb/difference/1"


def test_a_peer_may_decline():
    carrier = Pair()
    request = begun(carrier)
    responder = DifferenceResponder(8)
    server = Server(responder, lambda asked: asked.refuse())
    responder.begin(accepted(carrier, carrier.b))
    assert run(carrier, request, [server]) == REFUSED and request.reset_code == DECLINED


def test_answers_that_are_none():
    deep = b"\3" * 249 + b"\0" * 250
    cases = (
        (message(b""), MALFORMED),
        (message(b"\6"), MALFORMED),
        (message(b"\3\0"), MALFORMED),
        (message(b"\0\0"), MALFORMED),
        (message(b"\2" + bytes(31)), MALFORMED),
        (message(b"\4" + bytes(63)), MALFORMED),
        (message(b"\5" + bytes(30)), MALFORMED),
        (message(b"\5" + KEY + b"\5abcd"), MALFORMED),
        (message(deep), MALFORMED),
        (message(b"\0") + message(b"\0"), SURPLUS),
        (b"", TRUNCATED),
        (message(b"\3\0\0")[:-1], TRUNCATED),
    )
    for data, code in cases:
        carrier = Pair()
        request = begun(carrier)
        error = fails(carrier, request, [raw_peer(carrier, data)])
        assert error.code == code, (data[:20], error)


def test_the_deepest_walk_there_is():
    carrier = Pair()
    request = begun(carrier)
    assert run(carrier, request, [raw_peer(carrier, message(b"\3" * 248 + b"\0" * 249))]) == DONE


def test_an_answer_longer_than_the_profile_takes():
    class Few(Profile):
        state_answer_bytes = 1000

    carrier = Pair()
    error = fails(carrier, begun(carrier, profile=Few()), [raw_peer(carrier, message(bytes(1001)))])
    assert error.code == OVERSIZE


def test_requests_that_are_none():
    head = HEADER + BASE + bytes(4)
    one, other = b"\0" + b"\5" * 31, b"\1" + b"\6" * 31 + b"\7" * 31
    cases = (
        (message(head), MALFORMED),
        (message(head[:-1]), MALFORMED),
        (message(head + b"\2" + bytes(31)), MALFORMED),
        (message(head + one[:-1]), MALFORMED),
        (message(head + other[:-1]), MALFORMED),
        (message(head + other + one), MALFORMED),
        (message(head + one + one), MALFORMED),
        (message(head + b"\1" + b"\7" * 31 + b"\6" * 31), MALFORMED),
        (message(head + one * 100), OVERSIZE),
        (message(head + one) + message(b""), SURPLUS),
        (b"", MALFORMED),
        (message(head + one)[:-3], TRUNCATED),
    )
    for data, code in cases:
        carrier = Pair()
        peer = Raw(carrier.a.open(DIFFERENCE_REQUEST), data)
        responder = DifferenceResponder(4)
        responder.begin(accepted(carrier, carrier.b))
        error = raises(RemoteError, settle, carrier, peer, responder)
        assert error.code == code, (data[68:80], error)
        assert not responder.busy
    carrier = Pair()
    peer = Raw(carrier.a.open(DIFFERENCE_REQUEST), message(head + one + other))
    responder = DifferenceResponder(4)
    responder.begin(accepted(carrier, carrier.b))
    settle(carrier, peer, responder)
    assert responder.items == [(b"\5" * 31, b"\5" * 31), (b"\6" * 31, b"\7" * 31)]


def test_mistakes_of_ours():
    raises(LocalError, DifferenceRequest, Profile(), bytearray(64))
    request = request_of()
    stream = Pair().a.open(DIFFERENCE_REQUEST)
    raises(LocalError, request.begin, stream, HEADER, BASE, [], 5000)
    raises(LocalError, request.begin, stream, HEADER[1:], BASE, ITEMS, 5000)
    assert wire.encode_items(ITEMS[:1]) == b"\0" + b"\x01" * 31

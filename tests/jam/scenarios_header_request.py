"""The header range over any carrier. Each function takes a fresh carrier; test_header_request.py runs them."""

from jamliquor_lite.codec.natural import encode
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.errors import BudgetError, LocalError, RemoteError
from jamliquor_lite.jam.events import DONE, HEADER, LONG_HEADER, LOST, NOTHING, REFUSED, REQUEST
from jamliquor_lite.jam.header_request import MAX_ANSWER_BYTES, HeaderRequest, HeaderResponder, Packer
from jamliquor_lite.jam.kinds import (
    CANCELLED,
    DECLINED,
    MALFORMED,
    OVERSIZE,
    SURPLUS,
    TIMED_OUT,
    TRUNCATED,
)
from jamliquor_lite.jam.range_request import ASCENDING, DESCENDING
from tests.fake_carrier import Dice
from tests.jam.blocks import header, message, u32
from tests.jam.carriers import accepted
from tests.jam.drive import Raw, Server, carried, fails, raw_peer, reset_seen, run, settle
from tests.jam.long_headers import BUFFER, Kept
from tests.support import raises

HASH = bytes(range(32))
# A stream is opened by any number that fits a byte: how a carrier names the kind is its own affair, and a carrier
# of JAMNP-S has no name for this one.
NUMBER = 128


def client(room: int = 0) -> HeaderRequest:
    return HeaderRequest(TINY, bytearray(room or TINY.max_header_size))


def made(count: int, first: int = 100, step: int = 1, spec=TINY) -> "list[bytes]":
    """Headers of slots first, first + step … of several shapes."""
    dice = Dice(first + count)
    found = []
    for i in range(count):
        head = header(spec, dice, i % 5 == 1, i % 5 == 3, i % 3)
        found.append(head[:96] + u32(first + i * step) + head[100:])
    return found


def entry(head: bytes) -> bytes:
    return encode(len(head)) + head


def answer(heads) -> bytes:
    return message(b"".join([entry(head) for head in heads]))


class Seen:
    """Collects the headers."""

    def __init__(self, request: HeaderRequest) -> None:
        self.request = request
        self.found: "list[bytes]" = []

    def __call__(self, event: int) -> None:
        assert event == HEADER
        self.found.append(bytes(self.request.header_buf[: self.request.header_end]))
        assert self.request.headers == len(self.found)


def ask(carrier, request, direction=ASCENDING, maximum=10, deadline=-1):
    stream = carrier.a.open(NUMBER)
    request.begin(stream, HASH, direction, maximum, deadline)
    return stream


def long_headers_go_into_the_sink(carrier) -> None:
    heads = made(9)
    request = client(BUFFER)
    request.sink = sink = Kept()
    ask(carrier, request)
    order = []

    def see(event):
        if event == HEADER:
            order.append(bytes(request.header_buf[: request.header_end]))
        else:
            assert event == LONG_HEADER
            order.append(sink.found[-1][0])
            assert sink.found[-1][1] == len(order[-1]) > BUFFER
        assert request.headers == len(order)

    assert run(carrier, request, [raw_peer(carrier, answer(heads))], see) == DONE
    assert order == heads and 3 < len(sink.found) < 9 and "d" not in sink.log


def a_long_header_that_does_not_come_whole_is_dropped(carrier) -> None:
    head = made(2)[1]
    assert len(head) > BUFFER + 80
    request = client(BUFFER)
    whole = answer([head])
    for cut, log in ((3 + 4 + 200, ""), (3 + 4 + BUFFER + 9, "bwd"), (len(whole) - 1, "bwd")):
        request.sink = sink = Kept()
        ask(carrier, request)
        assert fails(carrier, request, [raw_peer(carrier, whole[:cut])]).code == TRUNCATED
        assert sink.log in (log, log.replace("w", "")) and not sink.found
    for what, log in (("begin", "b"), ("write", "bw"), ("finish", "bwf")):
        request.sink = sink = Kept(what)
        ask(carrier, request)
        peer = raw_peer(carrier, whole)
        error = fails(carrier, request, [peer])
        assert error.code == MALFORMED and "what the sink says" in str(error)
        assert sink.log in (log, log + "d")
        reset_seen(carrier, peer.stream, MALFORMED)
    request.sink = sink = Kept()
    ask(carrier, request)
    out_of_order = made(2, 100)[:1] + made(2, 90)[1:]
    assert fails(carrier, request, [raw_peer(carrier, answer(out_of_order))]).code == MALFORMED
    assert sink.log == "", "the order is known before the sink hears of it"


def fetches_headers_both_ways(carrier) -> None:
    request = client()
    for direction, heads in ((ASCENDING, made(7)), (DESCENDING, made(7, 0xFFFFFFFF, -3)), (DESCENDING, made(1, 0))):
        stream = ask(carrier, request, direction, 7)
        asked = []

        def reply(responder, heads=heads, asked=asked):
            asked.append((responder.header_hash, responder.direction, responder.maximum))
            packer = Packer(responder.maximum)
            assert all([packer.add(head) for head in heads])
            responder.answer_headers(packer.size)
            return b"".join(packer.pieces)

        server = Server(HeaderResponder(), reply)
        server.responder.begin(accepted(carrier, carrier.b))
        seen = Seen(request)
        assert run(carrier, request, [server], seen) == DONE
        assert asked == [(HASH, direction, 7)]
        assert seen.found == heads
        assert request.received_bytes == sum([len(entry(head)) for head in heads])
        assert not request.busy and request.poll(0) == NOTHING
        for _ in range(1000):
            if server.end:
                break
            server.poll(0)
            carrier.pump()
        assert server.end == DONE and stream.reset_code == 0


def the_bytes_are_those_that_the_module_prescribes(carrier) -> None:
    # By hand, both ways: a request as it lies on the wire, and the smallest answer.
    request = client()
    ask(carrier, request, DESCENDING, 0x01020304)
    peer = raw_peer(carrier, b"", False)
    settle(carrier, peer, request)
    assert peer.received == b"\x25\0\0\0" + HASH + b"\x01" + b"\x04\x03\x02\x01"
    head = made(1)[0]
    assert len(head) == 297
    rest = Raw(peer.stream, b"\x2b\x01\0\0" + b"\x81\x29" + head)
    seen = Seen(request)
    assert run(carrier, request, [rest], seen) == DONE and seen.found == [head]


def an_empty_answer_is_the_end_of_the_chain(carrier) -> None:
    request = client()
    ask(carrier, request)
    assert run(carrier, request, [raw_peer(carrier, u32(0))]) == DONE
    assert request.headers == 0


def faults_of_the_peer(carrier) -> None:
    # The bytes, the code. Every fault on a stream of its own, one client for all of them; two are asked for.
    one, two, three = [entry(head) for head in made(3)]
    head = made(1)[0]
    low = TINY.plain_header_size
    most = TINY.max_header_size
    request = client()
    for data, code in (
        (b"", TRUNCATED),
        (u32(5)[:3], TRUNCATED),
        (u32(500), TRUNCATED),
        (message(one)[:-1], TRUNCATED),
        (message(one)[:5], TRUNCATED),
        (message(one + two)[: 4 + len(one) + 40], TRUNCATED),
        (u32(2 * (2 + most) + 1), OVERSIZE),
        (u32(0xFFFFFFFF), OVERSIZE),
        (message(one[:-1]), MALFORMED),
        (message(one[:1]), MALFORMED),
        (message(one + b"\x81"), MALFORMED),
        (message(one + b"\x80"), MALFORMED),
        (message(one + two + b"\0"), SURPLUS),
        (message(one + two + three), SURPLUS),
        (message(one) + u32(0), SURPLUS),
        (message(one) + message(two), SURPLUS),
        (message(one) + b"\0", TRUNCATED),
        (message(two + one), MALFORMED),
        (message(one + one), MALFORMED),
        (message(b"\0" * 300), MALFORMED),
        (message(encode(low - 1) + head[1:]), MALFORMED),
        (message(encode(most + 1) + bytes(600)), MALFORMED),
        (message(b"\xff" * 9 + bytes(600)), MALFORMED),
        (message(b"\xc0\x29\x01" + head), MALFORMED),  # the length, longer than it need be
        (message(head), MALFORMED),
    ):
        ask(carrier, request, maximum=2)
        peer = raw_peer(carrier, data)
        error = fails(carrier, request, [peer])
        assert error.code == code, (data, code, str(error))
        reset_seen(carrier, peer.stream, code)
    ask(carrier, request, maximum=2)
    assert run(carrier, request, [raw_peer(carrier, message(one + two))]) == DONE


def an_order_that_is_none(carrier) -> None:
    up = made(3)
    down = made(3, 100, -1)
    for direction, heads, fine in (
        (ASCENDING, up, True),
        (ASCENDING, down, False),
        (DESCENDING, up, False),
        (DESCENDING, down, True),
        (DESCENDING, [up[1], up[1]], False),
        (ASCENDING, [up[0], up[2], up[1]], False),
        (DESCENDING, [up[2], up[0], up[1]], False),
    ):
        request = client()
        ask(carrier, request, direction)
        peer = raw_peer(carrier, answer(heads))
        if fine:
            assert run(carrier, request, [peer]) == DONE
        else:
            assert fails(carrier, request, [peer]).code == MALFORMED


def an_answer_passes_no_128_kib(carrier) -> None:
    for maximum in (1000, 0xFFFFFFFF):
        request = client()
        ask(carrier, request, maximum=maximum)
        peer = raw_peer(carrier, u32(MAX_ANSWER_BYTES + 1))
        assert fails(carrier, request, [peer]).code == OVERSIZE
    request = client()
    ask(carrier, request, maximum=1000)
    peer = raw_peer(carrier, u32(MAX_ANSWER_BYTES), False)
    settle(carrier, peer, request)
    assert request.busy
    request.cancel()
    responder = HeaderResponder()
    raises(LocalError, responder.answer_headers, MAX_ANSWER_BYTES + 1)


def a_header_is_refused_before_it_is_held(carrier) -> None:
    # What its length says is enough: not one byte of it has come, and the buffer is as it was.
    for room, length, limit in ((300, 301, True), (300, TINY.max_header_size, True), (300, 10000, False)):
        request = client(room)
        ask(carrier, request)
        peer = raw_peer(carrier, u32(9000) + encode(length), False)
        if limit:
            error = raises(BudgetError, run, carrier, request, [peer])
            assert error.limit == "header_buf" and not request.busy
            reset_seen(carrier, peer.stream, CANCELLED)
        else:
            assert fails(carrier, request, [peer]).code == MALFORMED
        assert request.header_buf == bytearray(room)
    raises(LocalError, client, TINY.plain_header_size - 1)


def a_small_buffer_takes_header_after_header(carrier) -> None:
    dice = Dice(8)
    heads = [header(TINY, dice) for _ in range(40)]
    heads = [heads[i][:96] + u32(i) + heads[i][100:] for i in range(40)]
    request = client(TINY.plain_header_size)
    ask(carrier, request, maximum=40)
    seen = Seen(request)
    assert run(carrier, request, [raw_peer(carrier, answer(heads))], seen) == DONE
    assert seen.found == heads


def a_refusal_is_no_fault(carrier) -> None:
    request = client()
    ask(carrier, request)
    server = Server(HeaderResponder(), lambda responder: responder.refuse())
    server.responder.begin(accepted(carrier, carrier.b))
    assert run(carrier, request, [server]) == REFUSED
    assert request.reset_code == carried(carrier, DECLINED) and not request.busy


def a_cut_connection_is_lost(carrier) -> None:
    request = client()
    ask(carrier, request)
    peer = raw_peer(carrier, answer(made(2))[:400], False)
    for _ in range(2000):
        peer.poll(0)
        carrier.pump()
        request.poll(0)
    carrier.cut()
    assert run(carrier, request) == LOST
    assert not request.busy and request.headers == 1


def an_answer_without_an_end_runs_out_of_time(carrier) -> None:
    request = client()
    ask(carrier, request, deadline=500)
    peer = raw_peer(carrier, answer(made(1)), False)
    for _ in range(2000):
        peer.poll(0)
        carrier.pump()
        assert request.poll(499) != DONE
    assert request.headers == 1
    assert raises(RemoteError, request.poll, 500).code == TIMED_OUT
    reset_seen(carrier, peer.stream, TIMED_OUT)


def requests_that_a_server_refuses(carrier) -> None:
    good = HASH + b"\1" + u32(5)
    responder = HeaderResponder()
    for data, code in (
        (b"", TRUNCATED),
        (message(good)[:-1], TRUNCATED),
        (message(good[:-1]), MALFORMED),
        (message(b""), MALFORMED),
        (message(good + b"\0"), OVERSIZE),
        (message(good) + message(b""), SURPLUS),
        (message(HASH + b"\2" + u32(5)), MALFORMED),
        (message(HASH + b"\xff" + u32(5)), MALFORMED),
        (message(HASH + b"\0" + u32(0)), MALFORMED),
        (message(HASH + b"\1" + u32(0)), MALFORMED),
    ):
        peer = Raw(carrier.a.open(NUMBER), data)
        for _ in range(50):
            peer.poll(0)
            carrier.pump()
        responder.begin(accepted(carrier, carrier.b))
        assert fails(carrier, responder, [peer]).code == code, (data, code)
        reset_seen(carrier, peer.stream, code)
    peer = Raw(carrier.a.open(NUMBER), message(good))
    responder.begin(accepted(carrier, carrier.b))
    for _ in range(1000):
        peer.poll(0)
        carrier.pump()
        if responder.poll(0) == REQUEST:
            break
    assert (responder.header_hash, responder.direction, responder.maximum) == (HASH, DESCENDING, 5)


def misuse_is_ours(carrier) -> None:
    request = client()
    stream = carrier.a.open(NUMBER)
    for name, direction, maximum in (
        (HASH[:31], 0, 1), (HASH, 2, 1), (HASH, -1, 1), (HASH, 0, 0), (HASH, 1, 1 << 32),
    ):
        raises(LocalError, request.begin, stream, name, direction, maximum)
        assert not request.busy
    request.begin(stream, HASH, 0, 1)
    raises(LocalError, request.begin, stream, HASH, 0, 1)


SCENARIOS = (
    long_headers_go_into_the_sink,
    a_long_header_that_does_not_come_whole_is_dropped,
    fetches_headers_both_ways,
    the_bytes_are_those_that_the_module_prescribes,
    an_empty_answer_is_the_end_of_the_chain,
    faults_of_the_peer,
    an_order_that_is_none,
    an_answer_passes_no_128_kib,
    a_header_is_refused_before_it_is_held,
    a_small_buffer_takes_header_after_header,
    a_refusal_is_no_fault,
    a_cut_connection_is_lost,
    an_answer_without_an_end_runs_out_of_time,
    requests_that_a_server_refuses,
    misuse_is_ours,
)

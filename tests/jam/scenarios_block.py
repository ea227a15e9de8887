"""CE 128 over any carrier. Each function takes a fresh carrier; test_block_request.py runs them."""

from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.errors import BudgetError
from jamliquor_lite.jam.block_request import BlockRequest, BlockResponder
from jamliquor_lite.jam.events import BLOCK, DONE, HEADER, LONG_HEADER, LOST, NOTHING, REFUSED, REQUEST
from jamliquor_lite.jam.kinds import (
    BLOCK_REQUEST,
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
from tests.jam.blocks import EMPTY_EXTRINSIC, block, header, message, u32
from tests.jam.carriers import accepted
from tests.jam.drive import Raw, Server, carried, fails, raw_peer, reset_seen, run
from tests.jam.long_headers import BUFFER, Kept
from tests.support import raises

HASH = bytes(range(32))
MOST = 100000


def client(chunk: int = 333) -> BlockRequest:
    return BlockRequest(TINY, bytearray(TINY.max_header_size), bytearray(chunk), MOST)


def small(dice) -> "tuple[bytes, bytes]":
    head = header(TINY, dice)
    return head, head + EMPTY_EXTRINSIC


class Seen:
    """Collects (header, block size)."""

    def __init__(self, request: BlockRequest) -> None:
        self.request = request
        self.found: "list[tuple[bytes, int]]" = []
        self._head = b""

    def __call__(self, event: int) -> None:
        request = self.request
        if event == HEADER:
            assert not self._head
            self._head = bytes(request.header_buf[: request.header_end])
        else:
            assert event == BLOCK
            self.found.append((self._head, request.block_bytes))
            self._head = b""


def ask(carrier, request, direction=DESCENDING, maximum=10, deadline=-1):
    stream = carrier.a.open(BLOCK_REQUEST)
    request.begin(stream, HASH, direction, maximum, deadline)
    return stream


def long_headers_go_into_the_sink(carrier) -> None:
    dice = Dice(22)
    made = [block(TINY, dice) for _ in range(3)]
    for i in range(6):
        head = header(TINY, dice, i % 3 == 1, i % 3 == 2)
        made.append((head, head + EMPTY_EXTRINSIC))
    for chunk in (1, 333, 5000):
        request = BlockRequest(TINY, bytearray(BUFFER), bytearray(chunk), MOST)
        request.sink = sink = Kept()
        ask(carrier, request)
        order = []

        def see(event, request=request, sink=sink, order=order):
            if event == HEADER:
                order.append(bytes(request.header_buf[: request.header_end]))
            elif event == LONG_HEADER:
                order.append(sink.found[-1][0])
                assert sink.found[-1][1] == 0, "its length is not known before its end"

        assert run(carrier, request, [raw_peer(carrier, message(b"".join([whole for _, whole in made])))], see) == DONE
        assert order == [head for head, _ in made]
        assert request.blocks == len(made) and len(sink.found) >= 4 and "d" not in sink.log


def a_long_header_that_does_not_come_whole_is_dropped(carrier) -> None:
    head = header(TINY, Dice(1), True)
    data = message(head + EMPTY_EXTRINSIC)
    for cut, log in ((4 + BUFFER - 10, ""), (4 + BUFFER + 10, "bwd"), (4 + len(head) + 2, "bwf")):
        request = BlockRequest(TINY, bytearray(BUFFER), bytearray(50), MOST)
        request.sink = sink = Kept()
        ask(carrier, request)
        assert fails(carrier, request, [raw_peer(carrier, data[:cut])]).code == TRUNCATED
        assert sink.log == log, (cut, sink.log)
    for what in ("begin", "write", "finish"):
        request = BlockRequest(TINY, bytearray(BUFFER), bytearray(50), MOST)
        request.sink = sink = Kept(what)
        ask(carrier, request)
        error = fails(carrier, request, [raw_peer(carrier, data)])
        assert error.code == MALFORMED and "what the sink says" in str(error) and not sink.found


def fetches_blocks(carrier) -> None:
    dice = Dice(21)
    made = [block(TINY, dice) for _ in range(4)]
    data = b"".join([whole for _, whole in made])
    request = client()
    stream = ask(carrier, request, ASCENDING, 4)
    asked = []

    def reply(responder):
        asked.append((responder.header_hash, responder.direction, responder.maximum))
        responder.answer_blocks(len(data))
        return data

    server = Server(BlockResponder(), reply)
    there = accepted(carrier, carrier.b)
    assert there.kind == BLOCK_REQUEST
    server.responder.begin(there)
    seen = Seen(request)
    assert run(carrier, request, [server], seen) == DONE
    assert asked == [(HASH, ASCENDING, 4)]
    assert seen.found == [(head, len(whole)) for head, whole in made]
    assert request.blocks == 4 and request.received_bytes == len(data)
    assert not request.busy and request.poll(0) == NOTHING
    for _ in range(1000):
        if server.end:
            break
        server.poll(0)
        carrier.pump()
    assert server.end == DONE
    assert stream.reset_code == 0


def an_unknown_block_may_be_answered_by_an_empty_message(carrier) -> None:
    request = client()
    ask(carrier, request)
    assert run(carrier, request, [raw_peer(carrier, u32(0))]) == DONE
    assert request.blocks == 0


def one_block_more_than_asked_is_taken(carrier) -> None:
    dice = Dice(1)
    made = [small(dice) for _ in range(3)]
    request = client()
    ask(carrier, request, maximum=2)
    seen = Seen(request)
    peer = raw_peer(carrier, message(b"".join([whole for _, whole in made])))
    assert run(carrier, request, [peer], seen) == DONE
    assert len(seen.found) == 3


def two_blocks_more_are_refused(carrier) -> None:
    dice = Dice(1)
    data = b"".join([small(dice)[1] for _ in range(4)])
    request = client()
    ask(carrier, request, maximum=2)
    peer = raw_peer(carrier, message(data))
    assert fails(carrier, request, [peer]).code == SURPLUS
    reset_seen(carrier, peer.stream, SURPLUS)


def an_endless_answer_is_refused(carrier) -> None:
    request = client()
    ask(carrier, request, maximum=2)
    assert fails(carrier, request, [raw_peer(carrier, b"\xff\xff\xff\xff")]).code == OVERSIZE


def faults_of_the_peer(carrier) -> None:
    # The bytes, whether FIN follows, the code. Every fault on a stream of its own, one client for all of them.
    head, whole = small(Dice(6))
    request = client()
    table = (
        (b"", TRUNCATED),
        (u32(5)[:3], TRUNCATED),
        (u32(500), TRUNCATED),
        (message(whole)[:-1], TRUNCATED),
        (message(whole[:-1]), MALFORMED),
        (message(whole + whole[:50]), MALFORMED),
        (message(whole) + u32(0), SURPLUS),
        (message(whole) + b"\0", TRUNCATED),
        (message(head[:100] + b"\5" + head[101:]), MALFORMED),
        (message(head + b"\xff" * 9), MALFORMED),
    )
    for data, code in table:
        ask(carrier, request)
        peer = raw_peer(carrier, data)
        assert fails(carrier, request, [peer]).code == code, (data, code)
        reset_seen(carrier, peer.stream, code)
    ask(carrier, request)
    assert run(carrier, request, [raw_peer(carrier, message(whole))]) == DONE


def a_header_too_long_for_the_buffer_is_our_bound(carrier) -> None:
    request = BlockRequest(TINY, bytearray(300), bytearray(64), MOST)
    ask(carrier, request)
    peer = raw_peer(carrier, message(header(TINY, Dice(1), True) + EMPTY_EXTRINSIC))
    error = raises(BudgetError, run, carrier, request, [peer])
    assert error.limit == "header_buf" and not request.busy
    reset_seen(carrier, peer.stream, CANCELLED)


def a_refusal_is_no_fault(carrier) -> None:
    request = client()
    ask(carrier, request)
    server = Server(BlockResponder(), lambda responder: responder.refuse())
    server.responder.begin(accepted(carrier, carrier.b))
    assert run(carrier, request, [server]) == REFUSED
    assert request.reset_code == carried(carrier, DECLINED) and not request.busy


def a_refusal_in_the_middle_is_no_fault(carrier) -> None:
    dice = Dice(3)
    data = b"".join([small(dice)[1] for _ in range(3)])
    request = client()
    ask(carrier, request)
    responder = BlockResponder()
    responder.begin(accepted(carrier, carrier.b))
    sent = 0
    while sent < 400:
        request.poll(0)
        carrier.pump()
        if responder.poll(0) == REQUEST:
            responder.answer_blocks(len(data))
        sent += responder.write(data, sent, 400)
    responder.refuse(99)
    assert run(carrier, request) == REFUSED
    assert request.reset_code == carried(carrier, 99)


def a_cut_connection_is_lost(carrier) -> None:
    request = client()
    ask(carrier, request)
    peer = raw_peer(carrier, message(small(Dice(3))[1])[:200], False)
    for _ in range(2000):
        peer.poll(0)
        carrier.pump()
        request.poll(0)
    carrier.cut()
    assert run(carrier, request) == LOST
    assert not request.busy


def a_connection_cut_before_the_request_is_out(carrier) -> None:
    request = client()
    ask(carrier, request)
    carrier.cut()
    assert run(carrier, request) == LOST


def an_answer_without_an_end_runs_out_of_time(carrier) -> None:
    whole = small(Dice(3))[1]
    request = client()
    ask(carrier, request, deadline=500)
    peer = raw_peer(carrier, message(whole), False)
    for _ in range(2000):
        peer.poll(0)
        carrier.pump()
        assert request.poll(499) != DONE
    assert request.blocks == 1
    assert raises_at(request, 500).code == TIMED_OUT
    reset_seen(carrier, peer.stream, TIMED_OUT)
    ask(carrier, request, deadline=1500)
    assert request.poll(1499) == NOTHING
    request.deadline = 3000
    assert request.poll(1500) == NOTHING
    request.cancel()
    assert not request.busy


def raises_at(core, now):
    from jamliquor_lite.errors import RemoteError

    return raises(RemoteError, core.poll, now)


def a_cancelled_request_resets_its_stream(carrier) -> None:
    request = client()
    ask(carrier, request)
    responder = BlockResponder()
    responder.begin(accepted(carrier, carrier.b))
    while responder.poll(0) != REQUEST:
        request.poll(0)
        carrier.pump()
    responder.answer_blocks(100000)
    request.cancel()
    for _ in range(1000):
        carrier.pump()
        responder.write(bytes(100), 0, 100)
        if responder.poll(0) == REFUSED:
            break
    assert not responder.busy and not request.busy


def requests_that_a_server_refuses(carrier) -> None:
    good = HASH + b"\1" + u32(5)
    responder = BlockResponder()
    for data, code in (
        (b"", TRUNCATED),
        (message(good)[:-1], TRUNCATED),
        (message(good[:-1]), MALFORMED),
        (message(b""), MALFORMED),
        (message(good + b"\0"), OVERSIZE),
        (message(good) + message(b""), SURPLUS),
        (message(HASH + b"\2" + u32(5)), MALFORMED),
    ):
        peer = Raw(carrier.a.open(BLOCK_REQUEST), data)
        for _ in range(50):
            peer.poll(0)
            carrier.pump()
        responder.begin(accepted(carrier, carrier.b))
        assert fails(carrier, responder, [peer]).code == code, (data, code)
        reset_seen(carrier, peer.stream, code)


def a_request_without_its_end_is_not_answered(carrier) -> None:
    responder = BlockResponder()
    peer = Raw(carrier.a.open(BLOCK_REQUEST), message(HASH + b"\1" + u32(5)), False)
    for _ in range(200):
        peer.poll(0)
        carrier.pump()
    responder.begin(accepted(carrier, carrier.b), 1000)
    for _ in range(200):
        assert responder.poll(999) != REQUEST
        carrier.pump()
    assert raises_at(responder, 1000).code == TIMED_OUT


SCENARIOS = (
    long_headers_go_into_the_sink,
    a_long_header_that_does_not_come_whole_is_dropped,
    fetches_blocks,
    an_unknown_block_may_be_answered_by_an_empty_message,
    one_block_more_than_asked_is_taken,
    two_blocks_more_are_refused,
    an_endless_answer_is_refused,
    faults_of_the_peer,
    a_header_too_long_for_the_buffer_is_our_bound,
    a_refusal_is_no_fault,
    a_refusal_in_the_middle_is_no_fault,
    a_cut_connection_is_lost,
    a_connection_cut_before_the_request_is_out,
    an_answer_without_an_end_runs_out_of_time,
    a_cancelled_request_resets_its_stream,
    requests_that_a_server_refuses,
    a_request_without_its_end_is_not_answered,
)

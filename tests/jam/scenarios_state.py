"""CE 129 over any carrier. Each function takes a fresh carrier; test_state_request.py runs them."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.codec.natural import encode
from jamliquor_lite.errors import LocalError, RemoteError
from jamliquor_lite.jam.events import DONE, ENTRY, LOST, NODE, NOTHING, REFUSED, VALUE
from jamliquor_lite.jam.kinds import (
    DECLINED,
    MALFORMED,
    OVERSIZE,
    STATE_REQUEST,
    SURPLUS,
    TIMED_OUT,
    TRUNCATED,
)
from jamliquor_lite.jam.state_request import StateRequest, StateResponder
from tests.fake_carrier import Dice
from tests.jam.blocks import fill, message, u32
from tests.jam.carriers import accepted
from tests.jam.drive import Raw, Server, carried, fails, raw_peer, reset_seen, run
from tests.support import raises

HASH = bytes(range(100, 132))
LOW = bytes(31)
HIGH = b"\xff" * 31


def limits(nodes: int = 50, answer: int = 200000, entries: int = 100) -> Profile:
    profile = Profile()
    profile.proof_nodes = nodes
    profile.state_answer_bytes = answer
    profile.state_entries = entries
    return profile


def client(chunk: int = 100, **bounds) -> StateRequest:
    return StateRequest(limits(**bounds), bytearray(chunk))


def ask(carrier, request, start=LOW, end=HIGH, max_size=100000, deadline=-1) -> None:
    request.begin(carrier.a.open(STATE_REQUEST), HASH, start, end, max_size, deadline)


def key(number: int) -> bytes:
    return bytes((number,)) + bytes(30)


def entry(number: int, value: bytes) -> bytes:
    return key(number) + encode(len(value)) + value


class Seen:
    """Puts the pieces together again."""

    def __init__(self, request: StateRequest) -> None:
        self.request = request
        self.nodes: "list[bytes]" = []
        self.entries: "list[list]" = []

    def __call__(self, event: int) -> None:
        request = self.request
        data = bytes(request.buf[request.start : request.end])
        if event == NODE:
            assert not self.entries and len(data) == 64
            self.nodes.append(data)
        elif event == ENTRY:
            assert not self.entries or len(self.entries[-1][2]) == self.entries[-1][1]
            assert data == b""
            self.entries.append([request.key, request.value_length, b""])
        else:
            assert event == VALUE and data
            self.entries[-1][2] += data
            assert len(self.entries[-1][2]) <= self.entries[-1][1]


def fetches_a_range(carrier) -> None:
    dice = Dice(4)
    nodes = [fill(dice, 64) for _ in range(9)]
    values = [fill(dice, n) for n in (0, 1, 32, 127, 128, 3000, 0, 64)]
    entries = [(key(3 * i + 1), values[i]) for i in range(len(values))]
    first = b"".join(nodes)
    second = b"".join([entry(name[0], value) for name, value in entries])
    for chunk in (64, 65, 4096):
        request = client(chunk)
        ask(carrier, request, key(1), key(30), 12345)
        asked = []

        def reply(responder, asked=asked):
            asked.append((responder.header_hash, responder.start_key, responder.end_key, responder.max_size))
            responder.answer_state(len(first), len(second))
            return first + second

        server = Server(StateResponder(), reply)
        there = accepted(carrier, carrier.b)
        assert there.kind == STATE_REQUEST
        server.responder.begin(there)
        seen = Seen(request)
        assert run(carrier, request, [server], seen) == DONE
        assert asked == [(HASH, key(1), key(30), 12345)]
        assert seen.nodes == nodes
        assert [(name, value) for name, _, value in seen.entries] == entries
        assert request.nodes == len(nodes) and request.entries == len(entries)
        assert request.received_bytes == len(first) + len(second)
        for _ in range(1000):
            if server.end:
                break
            server.poll(0)
            carrier.pump()
        assert server.end == DONE and not request.busy


def answers_without_entries_or_nodes(carrier) -> None:
    node = fill(Dice(1), 64)
    for first, second in ((node, b""), (b"", b""), (b"", entry(1, b"x"))):
        request = client()
        ask(carrier, request)
        seen = Seen(request)

        def reply(responder, first=first, second=second):
            responder.answer_state(len(first), len(second))
            return first + second

        server = Server(StateResponder(), reply)
        server.responder.begin(accepted(carrier, carrier.b))
        assert run(carrier, request, [server], seen) == DONE
        assert b"".join(seen.nodes) == first and len(seen.entries) == (1 if second else 0)


def faults_of_the_peer(carrier) -> None:
    node = fill(Dice(1), 64)
    one = entry(1, b"value")
    two = entry(2, b"")
    nodes = message(node + node)
    request = client(nodes=4, answer=6000, entries=3)
    table = (
        (b"", TRUNCATED),
        (nodes[:3], TRUNCATED),
        (nodes[:-1], TRUNCATED),
        (message(node[:63]), MALFORMED),
        (message(node + b"x"), MALFORMED),
        (message(node * 5), OVERSIZE),
        (u32(0xFFFFFFC0), OVERSIZE),
        (nodes, TRUNCATED),
        (nodes + u32(10)[:2], TRUNCATED),
        (nodes + u32(0xFFFFFFFF), OVERSIZE),
        (nodes + u32(6000 - 127), OVERSIZE),
        (nodes + message(one)[:-1], TRUNCATED),
        (nodes + message(one[:-1]), MALFORMED),
        (nodes + message(one[:31]), MALFORMED),
        (nodes + message(one[:30]), MALFORMED),
        (nodes + message(one + b"\0"), MALFORMED),
        (nodes + message(one + key(2)), MALFORMED),
        (nodes + message(key(1) + b"\xff" * 9), MALFORMED),
        (nodes + message(key(1) + b"\x80\x01" + b"x"), MALFORMED),
        (nodes + message(key(1) + b"\x06value"), MALFORMED),
        (nodes + message(two + one), MALFORMED),
        (nodes + message(one + one), MALFORMED),
        (nodes + message(one) + u32(0), SURPLUS),
        (nodes + message(one) + b"\0", TRUNCATED),
        (nodes + nodes + message(one), MALFORMED),
        (nodes + message(one + two + entry(3, b"") + entry(4, b"")), SURPLUS),
        (nodes + message(entry(9, b"")), MALFORMED),
        (nodes + message(entry(0, b"")), MALFORMED),
    )
    for data, code in table:
        ask(carrier, request, key(1), key(8), 100000)
        peer = raw_peer(carrier, data)
        assert fails(carrier, request, [peer]).code == code, (data, code)
        reset_seen(carrier, peer.stream, code)
    ask(carrier, request, key(1), key(8))
    assert run(carrier, request, [raw_peer(carrier, nodes + message(one + two))]) == DONE


def only_a_lone_entry_may_pass_the_size_asked_for(carrier) -> None:
    node = message(bytes(64))
    request = client()
    for second, size, fine in (
        (entry(1, bytes(500)), 400, True),
        (entry(1, bytes(500)), 64 + 31 + 2 + 500, True),
        (entry(1, bytes(300)) + entry(2, bytes(100)), 64 + 33 + 300 + 32 + 100, True),
        (entry(1, bytes(300)) + entry(2, bytes(100)), 64 + 33 + 300 + 32 + 99, False),
        (entry(1, bytes(300)) + entry(2, bytes(100)), 400, False),
        (entry(1, b"") + entry(2, bytes(500)), 400, False),
        (b"", 1, True),
    ):
        ask(carrier, request, max_size=size)
        peer = raw_peer(carrier, node + message(second))
        if fine:
            assert run(carrier, request, [peer]) == DONE
        else:
            assert fails(carrier, request, [peer]).code == OVERSIZE


def a_value_longer_than_its_message_is_never_begun(carrier) -> None:
    request = client()
    for length in (6, 10000, (1 << 64) - 1):
        ask(carrier, request)
        peer = raw_peer(carrier, message(b"") + message(key(1) + encode(length) + b"value"), False)
        assert fails(carrier, request, [peer]).code == MALFORMED
        assert request.entries == 0


def a_refusal_is_no_fault(carrier) -> None:
    request = client()
    ask(carrier, request)
    server = Server(StateResponder(), lambda responder: responder.refuse())
    server.responder.begin(accepted(carrier, carrier.b))
    assert run(carrier, request, [server]) == REFUSED
    assert request.reset_code == carried(carrier, DECLINED)


def a_cut_connection_is_lost(carrier) -> None:
    whole = message(bytes(128)) + message(entry(1, bytes(3000)))
    request = client()
    ask(carrier, request)
    peer = raw_peer(carrier, whole[:1500], False)
    for _ in range(3000):
        peer.poll(0)
        carrier.pump()
        request.poll(0)
    carrier.cut()
    assert run(carrier, request) == LOST


def an_answer_without_an_end_runs_out_of_time(carrier) -> None:
    request = client()
    ask(carrier, request, deadline=100)
    peer = raw_peer(carrier, message(bytes(64)) + message(entry(1, b"v")), False)
    for _ in range(2000):
        peer.poll(0)
        carrier.pump()
        assert request.poll(99) != DONE
    assert request.entries == 1
    assert raises(RemoteError, request.poll, 100).code == TIMED_OUT
    reset_seen(carrier, peer.stream, TIMED_OUT)


def a_slow_consumer_slows_the_peer(carrier) -> None:
    # Nobody polls the request: what the peer can get rid of is bounded, and not by the answer's length.
    request = client(answer=3000000)
    ask(carrier, request, max_size=2000000)
    request.poll(0)
    peer = raw_peer(carrier, b"", False)
    value = 1000000
    begin = message(b"") + u32(31 + len(encode(value)) + value) + key(1) + encode(value)
    more = bytes(10000)
    taken = 0
    for _ in range(3000):
        if taken < len(begin):
            taken += peer.stream.send(begin, taken, len(begin))
        else:
            taken += peer.stream.send(more, 0, len(more))
        carrier.pump()
    assert len(begin) < taken < 500000, taken
    assert request.poll(0) != NOTHING
    request.cancel()


def requests_that_a_server_refuses(carrier) -> None:
    good = HASH + LOW + HIGH + u32(5)
    responder = StateResponder()
    for data, code in (
        (message(good)[:-1], TRUNCATED),
        (message(good[:-1]), MALFORMED),
        (message(good + b"\0"), OVERSIZE),
        (message(good) + message(b""), SURPLUS),
    ):
        peer = Raw(carrier.a.open(STATE_REQUEST), data)
        for _ in range(150):
            peer.poll(0)
            carrier.pump()
        responder.begin(accepted(carrier, carrier.b))
        assert fails(carrier, responder, [peer]).code == code, (data, code)
        reset_seen(carrier, peer.stream, code)


def misuse_is_ours(carrier) -> None:
    raises(LocalError, StateRequest, limits(), bytearray(63))
    request = client()
    stream = carrier.a.open(STATE_REQUEST)
    raises(LocalError, request.begin, stream, HASH, LOW, HIGH + b"x", 1)
    raises(LocalError, request.begin, stream, HASH[:31], LOW, HIGH, 1)
    assert not request.busy
    request.begin(stream, HASH, LOW, HIGH, 1)
    raises(LocalError, request.begin, stream, HASH, LOW, HIGH, 1)
    responder = StateResponder()
    responder.begin(accepted(carrier, carrier.b))
    raises(LocalError, responder.answer_state, 0, 0)


SCENARIOS = (
    fetches_a_range,
    answers_without_entries_or_nodes,
    faults_of_the_peer,
    only_a_lone_entry_may_pass_the_size_asked_for,
    a_value_longer_than_its_message_is_never_begun,
    a_refusal_is_no_fault,
    a_cut_connection_is_lost,
    an_answer_without_an_end_runs_out_of_time,
    a_slow_consumer_slows_the_peer,
    requests_that_a_server_refuses,
    misuse_is_ours,
)

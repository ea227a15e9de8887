"""Streams over a connection: the face of budget/stream.py, its windows both ways, and what a peer may not fill."""

import gc
import random

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.stream import CLOSED, DEAD, READ_ENDED, READ_RESET, SEND_FINISHED, SEND_STOPPED
from jamliquor_lite.transport import quic
from jamliquor_lite.transport.quic import TOO_MANY_STREAMS
from tests.transport.pipe import connected

WINDOW = 4096
CONNECTION = 10_000
BUFFER = 6000


def small(**changes):
    limits = Profile()
    limits.quic_stream_window_bytes = WINDOW
    limits.quic_connection_window_bytes = CONNECTION
    limits.send_buffer_bytes = BUFFER
    for name, value in changes.items():
        setattr(limits, name, value)
    return limits


def opened(client, server, pipe, kind=128):
    """A stream of the client's and the server's end of it."""
    stream = client.open(kind)
    ends = []
    assert pipe.run(lambda: bool((end := server.accept()) and not ends.append(end)))
    return stream, ends[0]


def send_all(stream, data, pipe, at=0):
    """Send what fits while the pipe runs and nobody reads; how far it got."""
    quiet = 0
    while at < len(data) and quiet < 20:
        taken = stream.send(data, at, len(data))
        at += taken
        quiet = 0 if taken else quiet + 1
        pipe.run(ms=500)
    return at


def read(stream, limit=1 << 30, credit=True):
    buf = bytearray(min(limit, 65536))
    out = b""
    while len(out) < limit and (count := stream.recv_into(buf, 0, min(len(buf), limit - len(out)))):
        out += buf[:count]
        if credit:
            stream.credit(count)
    return out


def test_request_and_answer():
    client, server, _, pipe = connected()
    stream, end = opened(client, server, pipe, 129)
    assert (stream.kind, end.kind, stream.id, end.id) == (129, 129, 0, 0)
    buf = bytearray(b"........")
    assert end.recv_into(buf, 0, 8) == 0 and end.state == 0
    assert stream.send(b"xxhelloxx", 2, 7) == 5
    stream.finish()
    assert stream.state == SEND_FINISHED and stream.send(b"more", 0, 4) == 0
    pipe.run(ms=100)
    assert end.recv_into(buf, 2, 4) == 2 and bytes(buf) == b"..he...."
    assert not end.state & READ_ENDED, "not all of it was read"
    assert end.recv_into(buf, 1, 8) == 3 and bytes(buf) == b".llo...."
    assert end.state == READ_ENDED and end.recv_into(buf, 0, 8) == 0
    assert end.send(memoryview(b"answer"), 0, 6) == 6
    end.finish()
    pipe.run(ms=100)
    assert read(stream) == b"answer" and stream.state == SEND_FINISHED | READ_ENDED


def test_a_datagram_for_others_is_known_by_what_it_carries():
    client, server, _, pipe = connected()
    own, others = client.open(7), client.open(8, True)
    ends = []
    assert pipe.run(lambda: len(ends) == 2 or (end := server.accept()) and ends.append(end))
    for stream, expected in ((own, False), (others, True), (own, False)):
        answer = ends[0 if stream is own else 1]
        answer.send(bytes(100), 0, 100)
        assert pipe.run(lambda stream=stream: read(stream))
        assert client.is_for_others is expected


def test_both_sides_open_streams():
    client, server, _, pipe = connected()
    mine = client.open(0)
    theirs = server.open(0)
    pipe.run(ms=100)
    assert client.accept().id == theirs.id == 1 and server.accept().id == mine.id == 0
    assert client.accept() is None and server.accept() is None


@pytest.mark.parametrize("loss, reorder, seed", [(0, 0, 1), (0.2, 0, 2), (0, 0.4, 3), (0.15, 0.3, 4)])
def test_bytes_arrive_in_order_whatever_the_network_does(loss, reorder, seed):
    client, server, _, pipe = connected(limits=small(), loss=loss, reorder=reorder, seed=seed)
    stream, end = opened(client, server, pipe)
    draw = random.Random(seed)
    there, back = draw.randbytes(50_000), draw.randbytes(70_000)
    got, got_back, at, at_back = b"", b"", 0, 0

    def move():
        nonlocal got, got_back, at, at_back
        at += stream.send(there, at, len(there))
        at_back += end.send(back, at_back, min(len(back), at_back + 700))
        got += read(end, draw.randrange(1, 3000))
        got_back += read(stream, draw.randrange(1, 3000))
        if at == len(there):
            stream.finish()
        if at_back == len(back):
            end.finish()
        return end.state & stream.state & READ_ENDED

    assert pipe.run(move, 600_000)
    assert got == there and got_back == back


@pytest.mark.parametrize("from_client", [True, False], ids=["client sends", "server sends"])
def test_a_slow_reader_slows_the_sender(from_client):
    client, server, _, pipe = connected(limits=small())
    stream, end = opened(client, server, pipe)
    sender, reader = (stream, end) if from_client else (end, stream)
    data = random.Random(1).randbytes(60_000)

    # Nobody reads: one window is under way, one buffer waits, and that is all.
    at = send_all(sender, data, pipe)
    assert sender.send(data, at, len(data)) == 0
    kind = 1 if from_client else 0  # the kind byte was credited by the carrier
    received = reader._quic.receiver.highest_offset
    assert WINDOW <= received <= WINDOW + kind
    assert at == received - kind + BUFFER
    assert sum(len(s._unread) for s in (stream, end)) <= WINDOW

    # It reads and gives no credit: still nothing moves.
    got = read(reader, credit=False)
    assert len(got) == received - kind
    pipe.run(ms=5000)
    assert reader._quic.receiver.highest_offset == received and sender.send(data, at, len(data)) == 0

    # Half the credit brings half a window.
    reader.credit(WINDOW // 2)
    pipe.run(ms=1000)
    assert reader._quic.receiver.highest_offset == received + WINDOW // 2
    assert (more := sender.send(data, at, len(data))) == WINDOW // 2
    at += more
    reader.credit(len(got) - WINDOW // 2)

    # With all of it, the rest comes.
    def move():
        nonlocal got, at
        got += read(reader)
        at += sender.send(data, at, len(data))
        return len(got) == len(data)

    assert pipe.run(move)
    assert got == data


def test_credit_is_no_more_than_what_was_handed_out():
    client, server, _, pipe = connected(limits=small())
    stream, end = opened(client, server, pipe)
    end.credit(1 << 40)
    end.credit(-5)
    data = bytes(60_000)
    at = send_all(stream, data, pipe)
    received = end._quic.receiver.highest_offset
    assert received == WINDOW + 1 and at == WINDOW + BUFFER
    read(end, 100, credit=False)
    end.credit(1 << 40)
    assert end._quic.max_stream_data_local == WINDOW + 1 + 100


def test_all_streams_share_the_connection_window():
    client, server, _, pipe = connected(limits=small())
    pairs = [opened(client, server, pipe) for _ in range(6)]
    for stream, _ in pairs:
        send_all(stream, bytes(20_000), pipe)
    held = sum(end._quic.receiver.highest_offset for _, end in pairs)
    assert held <= CONNECTION + len(pairs), "no more than one window, and the kind bytes"
    assert held > CONNECTION - WINDOW
    # The streams that are read give way to those that are not.
    unread = [end for _, end in pairs[3:]]

    def shared():
        for _, end in pairs[:3]:
            read(end)
        return sum(len(end._unread) for end in unread) > CONNECTION - WINDOW

    assert pipe.run(shared, 30_000)


def overstep(client, pipe, stream, data, raise_stream, raise_connection):
    """Send past the windows the peer gave, as a peer without manners would."""
    if raise_stream:
        stream._quic.max_stream_data_remote += 1 << 20
    if raise_connection:
        client._core._remote_max_data += 1 << 20
    stream._quic.sender.write(data)
    pipe.run(lambda: client.state == quic.CLOSED, 3000)


def test_a_peer_that_oversteps_its_windows_loses_the_connection():
    client, server, _, pipe = connected(limits=small())
    stream, end = opened(client, server, pipe)
    overstep(client, pipe, stream, bytes(WINDOW + 2000), True, True)
    assert server.close_reason == "peer broke QUIC: Over stream data limit (FLOW_CONTROL_ERROR)"
    assert end.state & CLOSED and len(end._unread) <= WINDOW

    limits = small(quic_connection_window_bytes=5000, quic_stream_window_bytes=4000)
    client, server, _, pipe = connected(limits=limits)
    one, two = opened(client, server, pipe)[0], opened(client, server, pipe)[0]
    overstep(client, pipe, one, bytes(3900), False, True)
    overstep(client, pipe, two, bytes(3900), False, True)
    assert server.close_reason == "peer broke QUIC: Over connection data limit (FLOW_CONTROL_ERROR)"


def test_reset_ends_both_halves():
    client, server, _, pipe = connected()
    stream, end = opened(client, server, pipe)
    stream.send(b"lost", 0, 4)
    pipe.run(ms=100)
    stream.reset(77)
    assert stream.state & DEAD and stream.send(b"x", 0, 1) == 0
    stream.finish()
    pipe.run(ms=100)
    assert end.state == READ_RESET | SEND_STOPPED and end.reset_code == 77
    assert read(end) == b"" and end.send(b"x", 0, 1) == 0
    pipe.run(ms=100)
    assert not client._streams and not server._streams and not client._core._streams


def test_reset_by_the_acceptor_refuses_the_request():
    client, server, _, pipe = connected()
    stream, end = opened(client, server, pipe)
    stream.send(b"request", 0, 7)
    stream.finish()
    end.reset(5)
    pipe.run(ms=200)
    assert stream.state & (READ_RESET | SEND_STOPPED) and stream.reset_code == 5
    assert not client._streams and not server._streams


def test_reset_of_one_half_leaves_the_other():
    client, server, _, pipe = connected()
    stream, end = opened(client, server, pipe)
    stream._quic.sender.reset(3)  # the peer gives up sending, and still listens
    pipe.run(ms=100)
    assert end.state == READ_RESET and end.reset_code == 3
    assert end.send(b"sorry", 0, 5) == 5
    end.finish()
    pipe.run(ms=100)
    assert read(stream) == b"sorry"


@pytest.mark.parametrize("how", ["reset by sender", "reset by reader", "never read"])
def test_bytes_that_nobody_reads_do_not_shut_the_connection_window(how):
    client, server, _, pipe = connected(limits=small())
    for _ in range(30):
        stream, end = opened(client, server, pipe)
        at = send_all(stream, bytes(3000), pipe)
        assert at == 3000, "the window of the connection leaked away"
        if how == "reset by sender":
            stream.reset(1)
            pipe.run(ms=100)
            end.reset(1)
        elif how == "reset by reader":
            end.reset(1)
        else:
            stream.finish()
            end.finish()
        pipe.run(ms=500)
    assert not client._streams and not server._streams


def test_streams_above_the_cap_are_reset():
    limits = small(inbound_streams=4)
    client, server, _, pipe = connected(server_limits=limits)
    streams = [client.open(128) for _ in range(7)]
    pipe.run(ms=300)
    ends = [server.accept() for _ in range(8)]
    assert [e is not None for e in ends] == [True] * 4 + [False] * 4
    assert [s.reset_code for s in streams] == [0] * 4 + [TOO_MANY_STREAMS] * 3
    assert all(s.state & DEAD for s in streams[4:])
    # A place that is given back is taken by the next.
    ends[0].reset(9)
    pipe.run(ms=300)
    late = client.open(130)
    pipe.run(ms=300)
    assert server.accept().kind == 130 and not late.state & DEAD


def test_streams_above_the_cap_may_end_at_once():
    # typeberry's tickets: a stream each, all of it in one frame, and more of them than there are places.
    client, server, _, pipe = connected(server_limits=small(inbound_streams=4))
    for _ in range(7):
        client.open(132).finish()
    pipe.run(ms=300)
    assert server.state == quic.READY
    assert sum(1 for _ in range(8) if server.accept()) == 4


def test_streams_far_above_the_cap_wait_at_the_opener():
    limits = small(inbound_streams=2, outbound_streams=1000)
    client, server, _, pipe = connected(limits=limits)
    count = 0
    while client.open(128) is not None:
        count += 1
    assert count == 8, "four times the cap may be asked for at once"
    pipe.run(ms=1000)
    assert sum(1 for _ in range(20) if server.accept()) == 2
    assert len(server._streams) <= 8 and len(server._core._streams) <= 8
    assert client.open(128) is not None, "the refused ones made room"


def test_a_peer_that_opens_more_streams_than_allowed_loses_the_connection():
    client, server, _, pipe = connected(limits=small(inbound_streams=2, outbound_streams=1000))
    client._core._remote_max_streams_bidi = 1 << 30
    for _ in range(9):
        client.open(128)
    pipe.run(lambda: server.state == quic.CLOSED, 1000)
    assert server.close_reason == "peer broke QUIC: Too many streams open (STREAM_LIMIT_ERROR)"
    assert len(server._core._streams) <= 8


def test_our_own_streams_have_a_cap():
    client, server, _, pipe = connected(limits=small(outbound_streams=3, inbound_streams=10))
    streams = [client.open(128) for _ in range(4)]
    assert [s is not None for s in streams] == [True, True, True, False]
    pipe.run(ms=100)
    streams[0].reset(0)
    assert client.open(128) is not None


def test_unidirectional_streams_are_not_spoken():
    client, server, _, pipe = connected()
    client._core._remote_max_streams_uni = 5
    client._core._remote_max_stream_data_uni = 100
    client._core.send_stream_data(2, b"x")
    pipe.run(lambda: server.state == quic.CLOSED, 1000)
    assert server.close_reason == "peer broke QUIC: Too many streams open (STREAM_LIMIT_ERROR)"


def test_streams_given_up_before_they_were_accepted_do_not_queue():
    client, server, _, pipe = connected(limits=small(inbound_streams=4))
    for i in range(200):
        stream = client.open(128)
        assert stream is not None, i
        if i % 3 == 0:
            pipe.run(ms=20)
        if i % 3 == 2:  # ends without its kind byte
            stream._quic.sender._buffer.clear()
            stream._quic.sender._pending = type(stream._quic.sender._pending)()
            stream._quic.sender._buffer_stop = 0
            stream.finish()
            pipe.run(ms=20)
        stream.reset(1)
        pipe.run(ms=60)
        assert len(server._inbound) <= 4 and len(server._streams) <= 16
    pipe.run(ms=500)
    assert not server._streams and server.accept() is None


def test_a_stream_in_single_bytes_costs_no_more_than_its_window():
    client, server, _, pipe = connected(limits=small())
    stream, end = opened(client, server, pipe)
    for _ in range(500):
        stream.send(b"a", 0, 1)
        pipe.run(lambda: len(client._core._streams[0].sender._pending) == 0, 100)
    pipe.run(ms=100)
    assert len(end._unread) == 500 and type(end._unread) is bytearray
    assert read(end) == b"a" * 500


def test_a_stream_in_too_many_pieces_ends_the_connection():
    client, server, _, pipe = connected()
    stream, end = opened(client, server, pipe)
    sender = stream._quic.sender
    sender.write(bytes(4000))
    sender._pending.subtract(1, 2)
    for at in range(3, 2000, 2):  # every other byte stays behind
        sender._pending.subtract(at, at + 1)
    most = 0

    def closed():
        nonlocal most
        most = max(most, len(end._quic.receiver._ranges))
        return server.state == quic.CLOSED

    assert pipe.run(closed, 5000)
    assert server.close_reason == "peer broke QUIC: stream in too many pieces (INTERNAL_ERROR)"
    # One datagram of 1,200 bytes may bring some more before the first check of it fails the connection.
    assert 100 < most < 600


def test_nothing_grows_with_the_number_of_requests():
    client, server, _, pipe = connected(limits=small(quic_connection_window_bytes=20_000))
    counts = []
    for i in range(1500):
        stream, end = opened(client, server, pipe)
        stream.send(b"q" * 100, 0, 100)
        stream.finish()
        end.send(b"a" * 300, 0, 300)
        end.finish()
        assert pipe.run(lambda s=stream, e=end: read(s) + read(e) and s.state & e.state & READ_ENDED)
        pipe.run(ms=40)
        del stream, end
        if i % 500 == 499:
            gc.collect()
            counts.append(len(gc.get_objects()))
    assert len(client._streams) <= 1 and len(client._core._streams) <= 1
    assert len(server._streams) <= 1 and len(server._core._streams) <= 1
    assert counts[-1] - counts[0] < 100, counts

"""A peer's own download rate on QUIC: its window opens no faster than it may send, however fast we read."""

from jamliquor_lite.budget.profile import Profile
from tests.transport.pipe import connected

SIZE = 300_000
WINDOW = 32 * 1024
RATE = 20_000


def limits(rate):
    found = Profile()
    found.quic_stream_window_bytes = found.quic_connection_window_bytes = WINDOW
    found.peer_download_rate = rate
    return found


def taken_ms(rate, watch=None):
    """How long a client needs to send SIZE bytes to a server that reads at once. `watch(ms, bytes)` sees them come."""
    client, server, listener, pipe = connected(server_limits=limits(rate))
    receive = listener.receive

    def metered(datagram, addr, now):  # as the carrier does
        connection = receive(datagram, addr, now)
        if connection.down is not None:
            connection.down.spend(len(datagram), now)
        return connection

    listener.receive = metered
    stream = client.open(1)
    data, buf = bytes(SIZE), bytearray(8192)
    sent = got = 0
    theirs = None
    begun = pipe.now

    def over():
        nonlocal sent, got, theirs
        sent += stream.send(data, sent, SIZE)
        theirs = theirs or server.accept()
        while theirs is not None and (size := theirs.recv_into(buf, 0, len(buf))):
            theirs.credit(size)
            got += size
        if watch is not None:
            watch(pipe.now - begun, got)
        return got == SIZE

    assert pipe.run(over, 120_000), (got, client.close_reason, server.close_reason)
    return pipe.now - begun


def test_a_peer_sends_as_fast_as_it_may_and_no_faster():
    seen = []
    took = taken_ms(RATE, lambda ms, count: seen.append((ms, count)))
    least = (SIZE - WINDOW) * 1000 // RATE
    assert least * 95 // 100 <= took <= least * 120 // 100, (least, took)
    for ms, count in seen:
        assert count <= 2 * WINDOW + RATE * ms // 1000, "one window ahead, and one that was just opened"


def test_without_a_rate_of_its_own_nothing_holds_it_back():
    assert taken_ms(0) < 3_000


def test_both_ends_say_when_to_come_back():
    # `pipe.run` turns the clock to what `wake_at` says: a window that nobody opens would end it before all is there.
    assert taken_ms(4 * RATE) > (SIZE - WINDOW) * 1000 // (4 * RATE) * 95 // 100

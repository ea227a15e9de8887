# portable: runs on CPython and MicroPython
"""What becomes of a stream whose protocol the peer does not serve, while its opener has sent more behind the name."""

from jamliquor_lite.budget.stream import DEAD, READ_ENDED
from tests.fake_carrier import Dice
from tests.transport.connection_pair import ECHO, OTHER, Pair, bounds, terms
from tests.transport.yamux_pair import read

UNSUPPORTED = 3


def declined(pair, size):
    """A stream of a kind that the other side does not serve, with `size` bytes behind its name, when all is quiet."""
    stream = pair.a.open(OTHER)
    data = b"x" * size
    sent = 0
    for _ in range(50):
        sent += stream.send(data, sent, size)
        pair.step()
    pair.settle()
    buf = bytearray(10)
    assert stream.recv_into(buf, 0, 10) == 0
    return stream


def test_no_is_heard_whatever_was_sent_behind_the_name():
    for size, seed in ((0, 1), (1, 2), (70, 3), (700, 4), (30_000, 5)):
        pair = Pair(dice=Dice(seed), ready=True)
        stream = declined(pair, size)
        assert stream.reset_code == UNSUPPORTED and stream.state & DEAD and not stream.is_agreed
        assert not stream.state & READ_ENDED, "a no is no complete answer"
        pair.settle()
        assert pair.b.accept() is None
        # The other direction is as good as before.
        assert pair.a.open(OTHER) is not None and pair.b.open(OTHER) is not None
        pair.done()


def test_who_goes_on_sending_after_no_is_given_up_at_the_deadline():
    limits = bounds(stream_ack_ms=2_000, inbound_streams=1)
    pair = Pair(b=terms(1, limits=limits), ready=True)
    stream = pair.a.open(OTHER)
    stream.send(b"y" * 200, 0, 200)
    pair.settle()
    assert not stream.state & DEAD, "its opener has not looked at the answer"
    waits = pair.b.wake_at(pair.now)
    assert 0 <= waits - pair.now <= limits.identify_timeout_ms + limits.stream_ack_ms + limits.stream_stall_ms
    pair.pass_time(waits - pair.now + 1)
    assert stream.state & DEAD
    pair.done()


def test_no_is_heard_by_who_sent_a_whole_request_at_once():
    for size in (0, 1, 98, 700, 5_000):
        pair = Pair(ready=True)
        stream = pair.a.open(OTHER)
        assert stream.send(b"x" * size, 0, size) == size
        stream.finish()
        pair.settle()
        assert stream.recv_into(bytearray(10), 0, 10) == 0
        assert stream.reset_code == UNSUPPORTED and stream.state & DEAD and not stream.state & READ_ENDED, size
        pair.done()


def test_an_answer_that_nobody_waits_for_any_more_keeps_nobody_awake():
    """Its opener has finished and given up before the yes could be sent: what it said before can still be read."""
    host = terms(1)
    pair = Pair(b=host, ready=True)
    taken = [host.chunks.lend(True) for _ in range(host.chunks.free - 1)]  # none is left for the yes
    stream = pair.a.open(ECHO)
    stream.send(b"last words", 0, 10)
    stream.finish()
    pair.settle()
    stream.reset(0)
    pair.settle()
    for chunk in taken:
        host.chunks.give_back(chunk)
    pair.b.tick(pair.now)
    assert pair.b.wake_at(pair.now) > pair.now
    assert read(pair.b.accept()) == b"last words"
    pair.done()

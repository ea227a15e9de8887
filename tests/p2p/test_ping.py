# portable: runs on CPython and MicroPython
"""Ping over connections that cut anything anywhere, and peers that answer late, wrong, too early or not at all."""

from jamliquor_lite.budget.stream import CLOSED, DEAD, READ_ENDED
from jamliquor_lite.errors import LocalError, RemoteError
from jamliquor_lite.p2p import events
from jamliquor_lite.p2p.events import DONE, LOST, NOTHING, PONG, REFUSED
from jamliquor_lite.p2p.ping import SIZE, Pinger, Responder
from tests.fake_carrier import Pair
from tests.p2p.drive import Say, pairs, run, settle, streams
from tests.support import raises, skip

PING = bytes(range(32))
END = (PONG, DONE, REFUSED, LOST)


assert SIZE == len(PING)


def both(pair):
    here, there = streams(pair)
    responder = Responder(1000)
    responder.begin(there, 0)
    return Pinger(here, 100), responder, here, there


def test_pings_one_after_the_other_then_the_end():
    for pair in pairs():
        pinger, responder, here, there = both(pair)
        for count in range(1, 6):
            ping = bytes([count]) * 32
            pinger.send(ping, count * 10)
            assert pinger.is_waiting and pinger.deadline == count * 10 + 100
            assert run(pair, pinger, (responder,), count * 10 + 7, END) == PONG
            assert pinger.rtt_ms == 7 and not pinger.is_waiting and pinger.deadline == events.NEVER
            settle(pair, responder)
            assert responder.pings == count
        pinger.finish()
        assert run(pair, pinger, (responder,), 99) == DONE
        assert not responder.busy and here.abandoned < 0 and there.abandoned < 0
        assert pinger.poll(0) == NOTHING


def test_the_end_waits_for_the_ping_under_way():
    for pair in pairs():
        pinger, responder, _, _ = both(pair)
        pinger.send(PING, 0)
        pinger.finish()
        assert run(pair, pinger, (responder,), 0, END) == PONG
        assert run(pair, pinger, (responder,), 0, END) == DONE


def test_one_ping_at_a_time():
    pair = Pair()
    pinger, _, _, _ = both(pair)
    raises(LocalError, pinger.send, PING[:31], 0)
    pinger.send(PING, 0)
    raises(LocalError, pinger.send, PING, 0)
    pinger.cancel()
    raises(LocalError, pinger.send, PING, 0)
    raises(LocalError, Pinger(pair.a.open(0), 1).send, PING + b"\x00", 0)
    ending = Pinger(pair.a.open(0), 1)
    ending.finish()
    raises(LocalError, ending.send, PING, 0)


def test_no_answer_in_time():
    for pair in pairs():
        here, there = streams(pair)
        pinger = Pinger(here, 100)
        pinger.send(PING, 50)
        settle(pair, pinger, now=149)
        assert raises(RemoteError, pinger.poll, 150).code == events.TIMED_OUT
        assert here.abandoned == events.TIMED_OUT
        assert pinger.poll(151) == NOTHING and pinger.deadline == events.NEVER


def test_a_question_that_the_peer_does_not_take():
    pair = Pair(window=10)
    here, _ = streams(pair)
    pinger = Pinger(here, 100)
    pinger.send(PING, 0)
    settle(pair, pinger, now=99)
    assert raises(RemoteError, pinger.poll, 100).code == events.TIMED_OUT


def test_answers_that_are_wrong():
    for data, code in (
        (bytes(32), events.MALFORMED),
        (PING[:31] + b"\x00", events.MALFORMED),
        (b"\x01", events.MALFORMED),
        (PING[:31], events.TRUNCATED),
        (b"", events.TRUNCATED),
    ):
        for pair in pairs():
            here, there = streams(pair)
            pinger = Pinger(here, 100)
            pinger.send(PING, 0)
            say = Say(there, data)
            error = raises(RemoteError, run, pair, pinger, (say,), 0, END)
            assert error.code == code and here.abandoned == code


def test_an_answer_to_no_question():
    for pair in pairs():
        here, there = streams(pair)
        pinger = Pinger(here, 100)
        say = Say(there, b"\x00", False)
        assert raises(RemoteError, run, pair, pinger, (say,)).code == events.SURPLUS
    pair = Pair()
    here, there = streams(pair)
    pinger = Pinger(here, 100)
    pinger.send(PING, 0)
    say = Say(there, PING + b"\x00", False)
    assert run(pair, pinger, (say,), 0, END) == PONG
    assert raises(RemoteError, run, pair, pinger, (say,)).code == events.SURPLUS


def test_an_answer_before_the_question():
    pair = Pair(send_buffer=10)
    here, there = streams(pair)
    pinger = Pinger(here, 100)
    pinger.send(PING, 0)
    for at in range(0, 30, 10):
        assert there.send(PING, at, 32) == 10
        pair.pump()
    assert raises(RemoteError, pinger.poll, 0).code == events.MALFORMED


def test_resets_and_lost_connections():
    for pair in pairs():
        pinger, responder, here, there = both(pair)
        pinger.send(PING, 0)
        there.reset(7)
        assert run(pair, pinger) == REFUSED and here.abandoned == events.CANCELLED
        pinger, responder, here, there = both(pair)
        here.reset(7)
        assert run(pair, responder) == REFUSED and not responder.busy
    for pair in pairs():
        pinger, _, here, _ = both(pair)
        _, responder, _, _ = both(pair)
        pinger.send(PING, 0)
        pair.cut()
        assert run(pair, pinger) == LOST and run(pair, responder) == LOST
        assert here.state & CLOSED


def test_the_peer_ends_an_idle_stream():
    for pair in pairs():
        here, there = streams(pair)
        pinger = Pinger(here, 100)
        there.finish()
        assert run(pair, pinger) == DONE
        pair.pump()
        assert there.state & READ_ENDED


def test_a_half_that_stays_open_after_the_end():
    pair = Pair()
    here, there = streams(pair)
    pinger = Pinger(here, 100)
    pinger.finish()
    settle(pair, pinger, now=5)
    assert pinger.deadline == 105 and pinger.poll(104) == NOTHING
    assert pinger.poll(105) == DONE and here.abandoned == events.CANCELLED


def test_an_echo_that_nobody_takes():
    pair = Pair(window=40)
    here, there = streams(pair)
    responder = Responder(1000)
    responder.begin(there, 0)
    here.send(PING, 0, 32)
    settle(pair, responder, now=10)  # the first answer is on its way
    here.send(PING, 0, 32)
    settle(pair, responder, now=20)
    assert responder.pings == 1 and responder.deadline == 1020
    assert responder.poll(1019) == NOTHING
    assert raises(RemoteError, responder.poll, 1020).code == events.TIMED_OUT
    assert there.abandoned == events.TIMED_OUT and not responder.busy


def test_half_a_ping():
    pair = Pair()
    here, there = streams(pair)
    responder = Responder(1000)
    responder.begin(there, 0)
    for now in range(0, 1000, 100):  # bytes that trickle in do not buy time
        here.send(PING, 0, 1)
        settle(pair, responder, now=now)
    here.send(PING, 0, 1)
    pair.pump()
    assert raises(RemoteError, responder.poll, 1000).code == events.TIMED_OUT
    here, there = streams(pair)
    responder.begin(there, 0)
    here.send(PING, 0, 5)
    settle(pair, responder, now=900)  # its own time begins with its first byte
    assert responder.poll(1899) == NOTHING
    assert raises(RemoteError, responder.poll, 1900).code == events.TIMED_OUT
    for pair in pairs():
        here, there = streams(pair)
        responder = Responder(1000)
        responder.begin(there, 0)
        say = Say(here, PING + PING[:5])
        assert raises(RemoteError, run, pair, responder, (say,)).code == events.TRUNCATED
        assert there.abandoned == events.TRUNCATED


def test_an_idle_stream_is_given_up_without_blame():
    pair = Pair()
    here, there = streams(pair)
    responder = Responder(1000)
    responder.begin(there, 500)
    assert responder.poll(1499) == NOTHING
    assert responder.poll(1500) == DONE and not responder.busy
    assert there.abandoned == events.CANCELLED and here.state & DEAD
    raises(LocalError, lambda: (responder.begin(pair.b.open(0), 0), responder.begin(pair.b.open(0), 0)))


def test_both_sides_can_be_cancelled():
    pinger, responder, here, there = both(Pair())
    pinger.send(PING, 0)
    pinger.cancel()
    responder.cancel()
    for core, stream in ((pinger, here), (responder, there)):
        assert stream.abandoned == events.CANCELLED
        assert core.poll(10**6) == NOTHING and core.deadline == events.NEVER
        core.cancel()
    assert not responder.busy and not pinger.is_waiting


def test_a_flood_is_answered_one_ping_at_a_poll():
    pair = Pair()
    here, there = streams(pair)
    responder = Responder(1000)
    responder.begin(there, 0)
    here.send(PING * 5, 0, 160)
    pair.pump()
    for count in range(1, 6):
        assert responder.poll(0) == events.MORE and responder.pings == count
    assert responder.poll(0) == NOTHING


class _Loop:
    """A stream that hands back what it was sent. It allocates nothing."""

    def __init__(self):
        self.buf = bytearray(32)
        self.size = 0
        self.state = 0
        self.reset_code = 0

    def send(self, buf, start, end):
        for at in range(start, end):
            self.buf[at] = buf[at]
        self.size = end
        return end - start

    def recv_into(self, buf, start, end):
        n = self.size if self.size < end - start else end - start
        for at in range(n):
            buf[start + at] = self.buf[at]
        self.size -= n
        return n

    def credit(self, n):
        pass


def test_pings_allocate_nothing():
    try:
        import micropython
    except ImportError:
        skip("CPython has no heap_lock")
    if not hasattr(micropython, "heap_lock"):
        skip("this build has no heap_lock")
    asked, answered = _Loop(), _Loop()
    pinger, responder = Pinger(asked, 100), Responder(1000)
    responder.begin(answered, 0)
    pongs = 0
    micropython.heap_lock()
    try:
        for now in range(20):
            pinger.send(PING, now)
            if pinger.poll(now) == PONG:
                pongs += 1
            answered.send(PING, 0, 32)
            responder.poll(now)
    finally:
        micropython.heap_unlock()
    assert pongs == 20 and responder.pings == 20

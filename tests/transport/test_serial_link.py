# portable: runs on CPython and MicroPython
"""The serial link: its frames byte for byte, bad lines, slow readers, resets at either end, silence, its size."""

import gc

from jamliquor_lite.codec.serial_frame import encode
from jamliquor_lite.transport.serial_link import (
    CLOSED,
    CONNECT_MS,
    CONNECTING,
    KEEPALIVE_MS,
    LINGER_MS,
    LINGERING,
    LOST_MS,
    OPEN,
    OPEN_MS,
    SerialLink,
)
from jamliquor_lite.transport.serial_window import MAX_PAYLOAD, Incoming, Outgoing
from tests.support import skip, unhex
from tests.transport.serial_pair import Pair

SHARES = (
    {},
    {"lose": 100},
    {"garble": 150},
    {"cut": 150},
    {"double": 200},
    {"noise": 300},
    {"lose": 50, "garble": 50, "cut": 50, "double": 50, "noise": 50},
    {"lose": 300, "garble": 100},
    {"lose": 30, "delay_ms": 40},
)


def pattern(size, seed=1):
    out = bytearray(size)
    for i in range(size):
        out[i] = (i * 7 + (i >> 8) * 13 + seed) & 0xFF
    return bytes(out)


def take_out(link, now=0):
    """All frames that the link has to send."""
    found = []
    while link.outlet(now):
        found.append(bytes(link.out[link.out_start : link.out_end]))
        link.sent(link.out_end - link.out_start)
    return found


def give(link, body, now=0):
    data = encode(unhex(body))
    link.feed(data, 0, len(data), now)


def test_the_frames_byte_for_byte():
    dialer, acceptor = SerialLink(), SerialLink()
    acceptor.next_id = b"SESS"
    dialer.dial(b"DIAL", 0)
    assert take_out(dialer) == [encode(unhex("10 01 4449414c"))]
    give(acceptor, "10 01 4449414c")
    assert take_out(acceptor) == [encode(unhex("19 01 4449414c 53455353"))]
    give(dialer, "19 01 4449414c 53455353")
    assert dialer.state == acceptor.state == OPEN and dialer.session == acceptor.session == 1
    assert take_out(dialer) == [encode(unhex("13 53455353 0000 04 00 00"))], "it says that it was heard"
    assert dialer.send(memoryview(b"..hi"), 2, 4) == 2
    assert take_out(dialer) == [encode(unhex("12 53455353 0000 0000 04 6869"))]
    give(acceptor, "12 53455353 0000 0000 04 6869")
    assert take_out(acceptor, 9) == [], "an answer may come to carry it"
    assert take_out(acceptor, 10) == [encode(unhex("1b 53455353 0001 03 00 00"))]
    buf = memoryview(bytearray(8))
    assert acceptor.recv_into(buf, 3, 8, 11) == 2 and bytes(buf[3:5]) == b"hi"
    give(acceptor, "12 53455353 0002 0000 04 7a")
    assert take_out(acceptor, 12) == [encode(unhex("1b 53455353 0001 04 01 00"))], "a gap is told at once"
    give(acceptor, "13 53455353 0000 04 00 01", 13)
    assert take_out(acceptor, 13) == [encode(unhex("1b 53455353 0001 04 01 00"))], "and so is what was asked"
    dialer.close(20)
    assert dialer.state == LINGERING
    give(dialer, "1b 53455353 0001 04 00 00", 21)
    assert take_out(dialer, 21) == [encode(unhex("14 53455353 00"))] and dialer.state == CLOSED
    give(acceptor, "14 53455353 00", 22)
    assert acceptor.state == CLOSED and acceptor.reason == "the peer closed the connection"
    give(acceptor, "12 53455353 0001 0000 04 6869", 23)
    assert take_out(acceptor, 23) == [encode(unhex("1c 53455353 01"))], "whoever goes on is told"


def test_bytes_arrive_over_any_line():
    for shares in SHARES:
        for seed in (1, 2):
            pair = Pair(seed, **shares)
            assert pair.dial(), shares
            assert pair.carry(pattern(9000, seed), pattern(5000, seed + 1)), (shares, seed)
            assert pair.dialer.state == pair.acceptor.state == OPEN


def test_a_sound_line_carries_everything_once():
    pair = Pair()
    assert pair.dial() and pair.carry(pattern(20_000))
    assert pair.dialer.outgoing.resent == 0
    assert pair.wires[0].frames <= 20_000 // MAX_PAYLOAD + 10
    assert pair.dialer.outgoing.rtt_ms >= 1


def test_a_small_word_is_there_at_once():
    pair = Pair()
    pair.dial()
    begun = pair.now
    assert pair.carry(b"?", b"!") and pair.now - begun <= 4


def test_words_are_put_together_while_the_window_is_full():
    pair = Pair(delay_ms=20)
    pair.dial()
    before = pair.wires[0].frames
    for _ in range(300):
        assert pair.dialer.send(memoryview(b"abc"), 0, 3) == 3
        pair.step()
    assert pair.until(lambda: len(pair.received[1]) == 900)
    assert pair.wires[0].frames - before < 40


def test_who_does_not_read_stops_the_other():
    pair = Pair()
    pair.dial()
    pair.readers[1] = 0
    data = memoryview(pattern(8000))
    at = 0
    for _ in range(3000):
        at += pair.dialer.send(data, at, 8000)
        pair.step()
    assert at == 8 * MAX_PAYLOAD, "four frames there and four here"
    assert not pair.dialer.has_room and pair.dialer.state == OPEN and pair.acceptor.has_input
    frames = pair.wires[0].frames
    for _ in range(2000):
        pair.step(10)
    assert pair.dialer.state == OPEN and pair.wires[0].frames - frames < 100, "it asks now and then"
    pair.readers[1] = 100
    while at < 8000:
        at += pair.dialer.send(data, at, 8000)
        pair.step()
    assert pair.until(lambda: len(pair.received[1]) == 8000) and bytes(pair.received[1]) == bytes(data)


def test_a_lost_word_of_room_stops_nobody():
    pair = Pair()
    pair.dial()
    pair.readers[1] = 0
    data = memoryview(pattern(4000))
    at = 0
    for _ in range(500):
        at += pair.dialer.send(data, at, 4000)
        pair.step()
    pair.wires[1].is_cut = True
    pair.readers[1] = 1000
    for _ in range(100):
        pair.step()
    pair.wires[1].is_cut = False
    while at < 4000:
        assert pair.until(lambda: pair.dialer.has_room)
        at += pair.dialer.send(data, at, 4000)
    assert pair.until(lambda: len(pair.received[1]) == 4000)


def test_nobody_there():
    pair = Pair()
    pair.wires[0].is_cut = True
    assert not pair.dial()
    assert pair.dialer.state == CLOSED and pair.dialer.reason == "nobody answers on the line"
    assert pair.is_over[0] and pair.wires[0].frames == CONNECT_MS // OPEN_MS
    pair.wires[0].is_cut = False
    pair.acceptor.next_id = b""
    assert not pair.dial(), "nobody accepts"


def test_a_line_that_breaks_is_lost_at_both_ends():
    pair = Pair()
    pair.dial()
    assert pair.carry(b"hello")
    for wire in pair.wires:
        wire.is_cut = True
    pair.dialer.send(memoryview(b"more"), 0, 4)
    begun = pair.now
    assert pair.until(lambda: pair.dialer.state == CLOSED and pair.acceptor.state == CLOSED)
    assert pair.dialer.reason == pair.acceptor.reason == "the line is lost"
    assert LOST_MS <= pair.now - begun <= LOST_MS + 100


def test_silence_is_no_loss():
    pair = Pair()
    pair.dial()
    frames = pair.wires[0].frames + pair.wires[1].frames
    for _ in range(1000):
        pair.step(100)
    assert pair.dialer.state == pair.acceptor.state == OPEN
    frames = pair.wires[0].frames + pair.wires[1].frames - frames
    assert 20 <= frames <= 100_000 // KEEPALIVE_MS * 4 + 4


def test_it_may_sleep_until_it_says():
    pair = Pair(lose=200)
    pair.dial()
    assert pair.carry(pattern(3000))
    for end in pair.ends:
        at = end.wake_at(pair.now)
        assert at >= pair.now or end.outlet(pair.now)
    # Whoever sleeps for as long as wake_at allows sees the same happen.
    data, at = memoryview(pattern(3000)), 0
    while len(pair.received[1]) < 6000:
        at += pair.dialer.send(data, at, 3000)
        moments = [end.wake_at(pair.now) for end in pair.ends]
        moments += [wire._queue[0][0] for wire in pair.wires if wire._queue]
        moments = [moment for moment in moments if moment > pair.now]
        pair.step(max(1, min(moments) - pair.now) if moments else 1)
        assert pair.now < 400_000
    assert bytes(pair.received[1][3000:]) == bytes(data)


def test_a_dialer_that_was_reset_begins_anew():
    pair = Pair()
    pair.dial()
    pair.carry(pattern(500))
    pair.acceptor.send(memoryview(b"old words"), 0, 9)
    pair.dialer = SerialLink()
    pair.ends = (pair.dialer, pair.acceptor)
    pair.acceptor.next_id = pair.new_id()
    assert pair.dial() and pair.acceptor.session == 2
    before = len(pair.received[0])
    assert pair.carry(b"new", b"words") and bytes(pair.received[0][before:]) == b"words"


def test_an_acceptor_that_was_reset_is_noticed():
    pair = Pair()
    pair.dial()
    pair.carry(pattern(500))
    pair.acceptor = SerialLink()
    pair.ends = (pair.dialer, pair.acceptor)
    pair.acceptor.next_id = pair.new_id()
    pair.dialer.send(memoryview(b"are you there"), 0, 13)
    assert pair.until(lambda: pair.dialer.state == CLOSED, 1000)
    assert pair.dialer.reason == "the peer began anew"
    assert pair.dial() and pair.carry(pattern(500))


def test_a_session_that_was_given_up_is_forgotten_by_the_other():
    pair = Pair()
    pair.dial()
    pair.wires[0].is_cut = True
    pair.dialer.close(pair.now)
    assert pair.until(lambda: pair.dialer.state == CLOSED)
    pair.wires[0].is_cut = False
    assert pair.until(lambda: pair.acceptor.state == CLOSED, KEEPALIVE_MS + 100), "its question was answered"


def test_what_was_taken_before_closing_arrives():
    def check(pair):
        pair.dial()
        data = pattern(4 * MAX_PAYLOAD)
        assert pair.dialer.send(memoryview(data), 0, len(data)) == len(data)
        pair.dialer.close(pair.now)
        assert pair.dialer.send(memoryview(b"late"), 0, 4) == 0
        assert pair.until(lambda: pair.acceptor.state == CLOSED, LOST_MS + 1000)
        for _ in range(5):
            pair.step()
        assert bytes(pair.received[1]) == data and pair.is_over[1]
        assert pair.dialer.state == CLOSED and pair.now < 1000 + LINGER_MS + LOST_MS + 2000

    check(Pair(3))
    check(Pair(3, lose=200))


def test_a_session_of_somebody_else_is_left_alone():
    pair = Pair()
    pair.dial()
    data = encode(unhex("12 deadbeef 0000 0000 04") + b"wrong")
    pair.acceptor.feed(data, 0, len(data), pair.now)
    assert take_out(pair.acceptor, pair.now)[-1] == encode(unhex("1c deadbeef 01"))
    assert pair.carry(b"right")
    for body in ("10", "10 02 01020304", "1001", "11 01", "12", "13", "14", "12 01020304 00", "00", "ff" * 8):
        for end in pair.ends:
            give(end, body, pair.now)
    assert pair.carry(b"still right", b"and here")


def test_an_echo_is_no_peer():
    link = SerialLink()
    link.dial(b"DIAL", 0)
    now = 0
    while link.state == CONNECTING:
        now += 100
        for frame in take_out(link, now):
            link.feed(frame, 0, len(frame), now)
    assert link.reason == "nobody answers on the line"


def test_an_open_that_comes_again_disturbs_nothing():
    pair = Pair()
    pair.dial()
    again = encode(b"\x10\x01" + pair.dialer._dialer_id)
    pair.carry(pattern(300))
    pair.acceptor.next_id = pair.new_id()
    pair.acceptor.feed(again, 0, len(again), pair.now)
    assert pair.carry(pattern(300)) and pair.acceptor.session == 1
    pair.dialer.close(pair.now)
    assert pair.until(lambda: pair.acceptor.state == CLOSED)
    pair.acceptor.feed(again, 0, len(again), pair.now)
    assert pair.acceptor.state == CLOSED, "not even when its session is over"


def test_windows_by_themselves():
    out, into = Outgoing(2), Incoming(2)
    assert out.put(memoryview(bytes(1000)), 0, 1000) == 2 * MAX_PAYLOAD and not out.has_room
    assert [out.due(0), out.due(0), out.due(0)] == [0, 1, -1]
    assert into.take(1, memoryview(b"b")) is False and into.held == 1 and into.room == 2
    assert into.take(1, memoryview(b"x")) is False and into.take(2, memoryview(b"c")) is False
    assert into.take(0, memoryview(b"a")) is True and into.room == 0 and into.expected == 2
    buf = memoryview(bytearray(4))
    assert into.get_into(buf, 0, 4) == 2 and bytes(buf[:2]) == b"ab" and into.room == 2
    out.acknowledged(5, 2, 0, 1)
    assert out.due(1) == -1 and not out.has_room, "nonsense changes nothing"
    out.acknowledged(0, 2, 1, 1)
    assert out.due(1) == 0 and out.resent == 1, "what was sent behind it is there"
    out.acknowledged(2, 2, 0, 2)
    assert out.is_empty and out.has_room and out.wake_at() == -1


def test_numbers_pass_their_16_bits():
    out, into = Outgoing(4), Incoming(4)
    buf = memoryview(bytearray(8))
    for number in range(70_000):
        assert out.put(buf, 0, 1) == 1 and out.due(number) == number
        assert into.take(number & 0xFFFF, memoryview(b"z")) and into.get_into(buf, 0, 8) == 1
        out.acknowledged(into.expected & 0xFFFF, into.room, 0, number)
    assert out.is_empty and into.expected == 70_000


def test_it_is_small():
    if not hasattr(gc, "mem_alloc"):
        skip("CPython does not count the bytes that it allocates")
    gc.collect()
    before = gc.mem_alloc()
    link = SerialLink()
    gc.collect()
    assert gc.mem_alloc() - before < 5000 and link.state == CLOSED
    print("a serial link takes %d bytes" % (gc.mem_alloc() - before))

"""The serial link over generated lines: what arrives is what was sent, from its beginning on, or the link is lost."""

from hypothesis import event, given, settings
from hypothesis import strategies as st

from jamliquor_lite.transport.serial_link import CLOSED, OPEN, SerialLink
from tests.transport.serial_pair import Pair

_shares = st.integers(0, 150)  # of a thousand frames each: half of them are hit at the worst
_steps = st.sampled_from(["reset", "send", "close", "answer", "cut"])
_lines = st.fixed_dictionaries(
    {"lose": _shares, "garble": _shares, "cut": _shares, "double": _shares, "noise": _shares,
     "delay_ms": st.integers(0, 60)}
)


@settings(deadline=None, max_examples=40)
@given(_lines, st.integers(1, 1 << 20), st.integers(1, 8), st.integers(0, 3000), st.integers(0, 2000))
def test_all_of_it_or_the_link_says_that_it_is_lost(shares, seed, window, there, back):
    pair = Pair(seed, window, **shares)
    if not pair.dial():
        assert pair.dialer.state == CLOSED or pair.acceptor.state != OPEN
        return
    data, answer = bytes([seed & 0xFF]) * 7 + bytes(range(256)) * 12, bytes(range(255, -1, -1)) * 8
    data, answer = data[:there], answer[:back]
    arrived = pair.carry(data, answer)
    assert data.startswith(bytes(pair.received[1])) and answer.startswith(bytes(pair.received[0]))
    assert arrived or CLOSED in (pair.dialer.state, pair.acceptor.state)
    event("arrived" if arrived else "lost")


@settings(deadline=None, max_examples=40)
@given(_lines, st.integers(1, 1 << 20), st.lists(_steps, max_size=12))
def test_no_session_gets_bytes_of_another(shares, seed, steps):
    pair = Pair(seed, **shares)
    number = 0
    for step in ["send", *steps]:
        if pair.dialer.state != OPEN or pair.dialer.session != pair.acceptor.session:
            pair.acceptor.next_id = pair.new_id()
            pair.dialer.session = pair.acceptor.session  # a reset dialer counts from 0
            if not pair.dial():
                return
            number += 1
            pair.received = (bytearray(), bytearray())
        if step == "send":
            pair.dialer.send(memoryview(bytes([number]) * 500), 0, 500)
        elif step == "answer":
            pair.acceptor.send(memoryview(bytes([number | 0x80]) * 500), 0, 500)
        elif step == "reset":
            pair.dialer = SerialLink()
            pair.ends = (pair.dialer, pair.acceptor)
        elif step == "close":
            pair.dialer.close(pair.now)
        elif step == "cut":
            pair.wires[0]._queue.clear()
        for _ in range(pair.chance.below(400)):
            pair.step()
        assert set(pair.received[1]) <= {number} and set(pair.received[0]) <= {number | 0x80}


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_no_bytes_upset_an_end(pieces):
    ends = [SerialLink() for _ in range(3)]
    ends[1].next_id = b"next"
    ends[2].dial(b"dial", 0)
    now = 0
    for piece in pieces:
        now += 100
        for end in ends:
            end.feed(piece, 0, len(piece), now)
            if end.outlet(now):
                end.sent(end.out_end)
            assert end.wake_at(now) >= -1

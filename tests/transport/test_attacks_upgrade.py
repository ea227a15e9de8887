# portable: runs on CPython and MicroPython
"""Peers that mean harm before they have said who they are: slow ones, silent ones, and garbage at every step.

An honest handshake is recorded once. The same host with the same random bytes says the same again, so that its first
part can be played to a fresh connection and something else after it.
"""

from jamliquor_lite.transport.multistream import MAX_TRIES, message
from jamliquor_lite.transport.noise import PLAIN
from jamliquor_lite.transport.states import CLOSED, CONNECTING, READY
from jamliquor_lite.transport.terms import OFF, PREFER
from tests.fake_carrier import Dice
from tests.transport.connection_pair import Pair, bounds, connection, is_whole, terms
from tests.transport.noise_pairs import is_slow

HEADER = message("/multistream/1.0.0")
LIMITS = bounds()
RULES = ("noise", "size", "multistream", "time", "identity", "transcript", "policy")


def recorded(policy):
    """What an honest peer says to the listener, and to the dialer, until both are READY."""
    said = [b"", b""]

    def keep(direction, data):
        said[direction] += data
        return data

    pair = Pair(terms(0, policy), terms(1, policy), middle=keep)
    while pair.a.state == CONNECTING or pair.b.state == CONNECTING:
        pair.step()
    assert pair.a.state == pair.b.state == READY
    found = tuple(said)
    pair.done()
    return found


class Played:
    """A connection that hears `said[:cut]` of the record, cut up as it was, and answers into nothing."""

    def __init__(self, policy, direction, said, cut):
        self.host = terms(1 - direction, policy)
        self.end = connection(self.host, direction == 1)
        self.now = 1000
        self.hear()
        at = 0
        while at < cut:  # in small pieces: it answers in between, as it would
            size = self.end.feed(said, at, min(cut, at + 7), self.now)
            assert size
            at += size
            self.hear()

    def hear(self):
        buf = bytearray(3000)
        while self.end.drain(buf, 0, len(buf), self.now):
            pass

    def say(self, data):
        return self.end.feed(data, 0, len(data), self.now)

    def pass_to(self, now):
        self.now = now
        if 0 <= self.end.wake_at(now) <= now:
            self.end.tick(now)

    def ended(self, rules):
        """It is closed by one of these rules, and holds nothing."""
        end = self.end
        assert end.state == CLOSED and end.rule in rules, (end.state, end.close_reason)
        assert end.close_code == 1 and end.close_reason.startswith(end.rule + ": ")
        self.hear()
        assert end.is_gone and end.wake_at(self.now) == -1 and is_whole(self.host)
        assert self.say(b"more") == 0 and end.outlet(self.now) is None


RECORDS = {OFF: recorded(OFF)}
if not is_slow():
    RECORDS[PREFER] = recorded(PREFER)


def cuts(policy, direction):
    """Places in the record at which to leave it: each step of the upgrade, and between the steps."""
    size = len(RECORDS[policy][direction])
    places = [0, 1, 10, 20, 21, 26, 28, 30, 60, 62, 63, size // 2, size - 100, size - 17, size - 1]
    return [at for at in (places[::4] if is_slow() else places) if at < size]


def each():
    """(policy, direction, cut) for all of them."""
    for policy in RECORDS:
        for direction in (0, 1):
            for cut in cuts(policy, direction):
                yield policy, direction, cut


def test_the_record_leads_to_ready():
    for policy in RECORDS:
        for direction in (0, 1):
            said = RECORDS[policy][direction]
            if policy == PREFER and direction == 0:
                # A native ML-KEM draws its own randomness for the listener's answer: the dialer's last message fits
                # no other.
                assert Played(policy, direction, said, len(said) - 1).end.state == CONNECTING
                continue
            played = Played(policy, direction, said, len(said))
            assert played.end.state == READY and is_whole(played.host)
            assert Played(policy, direction, said, len(said) - 1).end.state == CONNECTING


def test_silence_at_every_step():
    """A peer that says so much and then nothing: half-open for the time of a handshake, no longer."""
    for policy, direction, cut in each():
        played = Played(policy, direction, RECORDS[policy][direction], cut)
        assert played.end.state == CONNECTING
        assert played.end.wake_at(1000) == 1000 + LIMITS.handshake_timeout_ms
        played.pass_to(1000 + LIMITS.handshake_timeout_ms - 1)
        assert played.end.state == CONNECTING
        played.pass_to(1000 + LIMITS.handshake_timeout_ms)
        played.ended(("time",))


def test_a_byte_at_a_time_at_every_step():
    """The right bytes, each just in time: the deadline is for the whole."""
    for policy, direction, cut in each():
        said = RECORDS[policy][direction]
        if len(said) - cut < 20:
            continue
        played = Played(policy, direction, said, cut)
        for i in range(20):
            assert played.end.state == CONNECTING and played.say(said[cut + i : cut + i + 1]) == 1
            played.hear()
            played.pass_to(played.now + LIMITS.handshake_timeout_ms // 20)
        played.ended(("time",))


def test_a_peer_that_leaves_at_every_step():
    for policy, direction, cut in each():
        played = Played(policy, direction, RECORDS[policy][direction], cut)
        played.end.ended("reset by peer", played.now)
        assert played.end.close_reason == "reset by peer, during the handshake" and played.end.rule == ""
        assert played.end.is_gone and is_whole(played.host)


def test_garbage_at_every_step():
    """It is refused as soon as it can be told from the truth, or at the deadline."""
    dice = Dice(11)
    for policy, direction, cut in each():
        for kind in range(4):
            played = Played(policy, direction, RECORDS[policy][direction], cut)
            if kind == 0:
                garbage = bytes(3000)
            elif kind == 1:
                garbage = b"\xff" * 3000
            else:
                garbage = bytes([dice.below(256) for _ in range(3000)])
            played.say(garbage)
            played.pass_to(1000 + LIMITS.handshake_timeout_ms)
            played.ended(RULES)


def test_one_bit_wrong_at_every_step():
    dice = Dice(3)
    for policy in RECORDS:
        for direction in (0, 1):
            said = RECORDS[policy][direction]
            for at in range(dice.below(5), len(said), 97 if is_slow() else 5):
                bad = said[:at] + bytes([said[at] ^ 1 << dice.below(8)]) + said[at + 1 :]
                played = Played(policy, direction, bad[:at], at)
                played.say(bad[at:])
                played.hear()
                played.pass_to(1000 + LIMITS.handshake_timeout_ms)
                played.ended(RULES)


def test_a_handshake_that_is_played_again():
    """The whole of an honest dialer's words, to the same host with other random bytes of its own."""
    said = RECORDS[OFF][0]
    host = terms(1, OFF)
    end = connection(host, False, label="another time")
    buf = bytearray(3000)
    at = 0
    while at < len(said) and end.state == CONNECTING:
        at += end.feed(said, at, min(len(said), at + 7), 1000)
        end.drain(buf, 0, len(buf), 1000)
    assert end.state == CLOSED and end.rule == "noise" and end.peer_id == b"" and is_whole(host)


def test_messages_in_another_order():
    """The third message in place of the first."""
    said = RECORDS[OFF][0]
    third = said[len(HEADER) + len(message(PLAIN)) + 2 + 32 :]
    played = Played(OFF, 0, said, len(HEADER) + len(message(PLAIN)))
    played.say(third)
    played.ended(("noise",))


def test_lengths_are_bounded_before_anything_is_known():
    for direction, start in ((0, len(HEADER) + len(message(PLAIN))), (1, len(HEADER) + len(message(PLAIN)))):
        for size, rule in ((4097, "size"), (65_535, "size"), (0, "noise"), (31, "noise")):
            played = Played(OFF, direction, RECORDS[OFF][direction], start)
            played.say(bytes([size >> 8, size & 0xFF]))
            if rule == "noise":
                assert played.end.state == CONNECTING or not size
                played.say(bytes(size))
            played.ended((rule,))


def test_a_flood_of_names_before_the_handshake():
    played = Played(OFF, 0, HEADER, len(HEADER))
    for number in range(MAX_TRIES):
        assert played.say(message("/no/such/%d" % number)) and played.end.state == CONNECTING
        played.hear()
    played.say(message("/no/such/handshake"))
    played.ended(("multistream",))
    played = Played(OFF, 0, HEADER, len(HEADER))
    flood = message("/no/such/handshake") * 200
    while played.end.state == CONNECTING:
        played.say(flood)
        played.hear()
    played.ended(("multistream",))


def test_a_flood_of_names_of_who_reads_no_answers():
    """What we have to say waits in few bytes, however many names come."""
    played = Played(OFF, 0, HEADER, len(HEADER))
    before = played.end.feed(message("/no/such/handshake") * 5, 0, 100, played.now)
    assert before == 100 and played.host.frames.free >= played.host.frames.count - 1
    assert played.end.outlet(played.now) is not None
    played.end.sent(0)
    played.pass_to(1000 + LIMITS.handshake_timeout_ms)
    played.hear()
    played.ended(("time", "multistream"))


def test_no_handshake_takes_the_buffers_of_those_that_stand():
    """As many strangers as like, each in the middle of a message: they have half of what is not reserved."""
    host = terms(1, OFF)
    said = RECORDS[OFF][0]
    start = len(HEADER) + len(message(PLAIN))
    strangers = [connection(host, False) for _ in range(12)]
    buf = bytearray(3000)
    taken = 0
    for end in strangers:
        at = end.feed(said, 0, start, 1000)
        end.drain(buf, 0, len(buf), 1000)
        taken += at == start and end.feed(said, start, start + 10, 1000) == 10
    strange = host.handshaking
    assert taken == strange.used == strange.most == strange.limit == 2 and host.frames.free == 4
    assert strange.refused >= 10 and host.frames.refused == 0
    known = Pair(terms(0), host, ready=True)
    stream, there = known.stream()
    stream.send(b"hello", 0, 5)
    known.settle()
    assert there.recv_into(buf, 0, 10) == 5
    known.let_go()
    for end in strangers:
        end.tick(1000 + LIMITS.handshake_timeout_ms)
        assert end.state == CLOSED and end.is_gone
    assert is_whole(host) and strange.used == 0

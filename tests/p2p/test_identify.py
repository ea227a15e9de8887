# portable: runs on CPython and MicroPython
"""Identify and push, both sides back to back; messages in parts; claims that are too many, too long or not true."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.stream import READ_ENDED, SEND_FINISHED
from jamliquor_lite.codec import varint
from jamliquor_lite.codec.protobuf import field_bytes, field_int
from jamliquor_lite.errors import BudgetError, LocalError, RemoteError
from jamliquor_lite.p2p import events, keys, multiaddr
from jamliquor_lite.p2p.events import DONE, LOST, NOTHING, REFUSED
from jamliquor_lite.p2p.identify import Info, Receiver, Responder, encode
from tests.fake_carrier import Pair
from tests.p2p import vectors
from tests.p2p.drive import Say, pairs, run, settle, streams
from tests.support import raises, unhex

KEY = vectors.ED25519_KEY
PEER_ID = keys.peer_id(KEY)
HERE = multiaddr.parse("/ip4/192.0.2.7/tcp/4001")
THERE = multiaddr.parse("/ip6/2001:db8::1/tcp/9")
INFO = Info("jamliquor-lite/1", "/jam/1", KEY, [HERE, THERE], THERE, ["/ipfs/ping/1.0.0", "/ipfs/id/1.0.0"])


class Small(Profile):
    identify_bytes = 300
    identify_addrs = 2
    identify_protocols = 3
    protocol_name_bytes = 40


class Wide(Small):
    identify_bytes = 1000


def framed(*messages):
    return b"".join([varint.encode(len(message)) + message for message in messages])


def heard(pair, data, peer_id=PEER_ID, profile=None, size=8192):
    """The receiver after a peer said `data`."""
    here, there = streams(pair)
    receiver = Receiver(profile or Profile(), bytearray(size))
    receiver.begin(here, 1000, peer_id)
    assert run(pair, receiver, (Say(there, data),)) == DONE
    assert not receiver.busy and here.state & SEND_FINISHED and here.abandoned < 0
    return receiver


def fault(data, fin=True, kind=RemoteError, profile=None, size=8192):
    """What is said of a peer that said `data`: the same on every connection."""
    found = None
    for pair in pairs():
        here, there = streams(pair)
        receiver = Receiver(profile or Profile(), bytearray(size))
        receiver.begin(here, 1000, PEER_ID)
        error = raises(kind, run, pair, receiver, (Say(there, data, fin),))
        assert not receiver.busy and here.abandoned >= 0 and receiver.poll(0) == NOTHING
        assert found is None or str(found) == str(error)
        found = error
    return found


def test_the_message_is_that_of_the_specification():
    message = (
        field_bytes(1, KEY) + field_bytes(2, HERE.encode()) + field_bytes(2, THERE.encode())
        + field_bytes(3, b"/ipfs/ping/1.0.0") + field_bytes(3, b"/ipfs/id/1.0.0") + field_bytes(4, THERE.encode())
        + field_bytes(5, b"/jam/1") + field_bytes(6, b"jamliquor-lite/1")
    )  # fmt: skip
    assert encode(INFO) == framed(message)
    assert encode(Info()) == b"\x00"


def test_asked_and_answered():
    data = encode(INFO)
    for pair in pairs():
        here, there = streams(pair)
        receiver = Receiver(Profile(), bytearray(512))
        responder = Responder()
        receiver.begin(here, 1000, PEER_ID)
        responder.begin(there, data, 1000)
        raises(LocalError, receiver.begin, here, 1000, PEER_ID)
        raises(LocalError, responder.begin, there, data, 1000)
        assert run(pair, receiver, (responder,)) == DONE
        settle(pair, responder)
        assert not responder.busy and there.abandoned < 0 and there.state & READ_ENDED
        info = receiver.info
        assert (info.agent, info.protocol_version, info.key) == ("jamliquor-lite/1", "/jam/1", KEY)
        assert info.listen_addrs == [HERE, THERE] and info.observed_addr == THERE
        assert info.protocols == ["/ipfs/ping/1.0.0", "/ipfs/id/1.0.0"] and receiver.skipped == 0


def test_a_push_changes_what_it_says():
    known = heard(Pair(), encode(INFO)).info
    news = Info(listen_addrs=[THERE], agent="jamliquor-lite/2")
    for pair in pairs():
        here, there = streams(pair)
        receiver, responder = Receiver(Profile(), bytearray(512)), Responder()
        responder.begin(here, encode(news), 1000)  # on a push, the one who opened the stream tells
        receiver.begin(there, 1000, PEER_ID)
        assert run(pair, responder, (receiver,)) == DONE
        known.update(receiver.info)
    assert known.listen_addrs == [THERE] and known.agent == "jamliquor-lite/2"
    assert known.protocols == INFO.protocols and known.key == KEY and known.observed_addr == THERE


def test_messages_in_parts_belong_together():
    parts = [
        field_bytes(1, KEY) + field_bytes(3, b"/a") + field_bytes(6, b"one"),
        b"",
        field_bytes(3, b"/b") + field_bytes(2, HERE.encode()) + field_bytes(6, b"two"),
    ]
    for pair in pairs():
        info = heard(pair, framed(*parts)).info
        assert info.key == KEY and info.protocols == ["/a", "/b"]
        assert info.listen_addrs == [HERE] and info.agent == "two", "the last one counts"


def test_what_is_not_known_is_stepped_over():
    extra = field_bytes(8, bytes(200)) + field_int(9, 5) + unhex("7d01020304") + field_bytes(1000, b"x")
    info = heard(Pair(), framed(extra + field_bytes(6, b"agent") + extra)).info
    assert info.agent == "agent" and info.key == b""


def test_a_message_without_anything():
    info = heard(Pair(), b"\x00").info
    assert (info.agent, info.key, info.listen_addrs, info.observed_addr, info.protocols) == ("", b"", [], None, [])


def test_the_key_is_that_of_the_connection():
    for key in (vectors.SECP256K1_KEY, KEY[:-1], b"", bytes(1201)):
        error = fault(framed(field_bytes(1, key)))
        assert error.code == events.MALFORMED and "not that of the connection" in str(error)
    fault(framed(field_bytes(1, KEY) + field_bytes(1, vectors.SECP256K1_KEY)))
    rsa = keys.peer_id(vectors.RSA_KEY)
    assert heard(Pair(), framed(field_bytes(1, vectors.RSA_KEY)), rsa).info.key == vectors.RSA_KEY


def test_addresses_that_are_left_out():
    other = keys.peer_id(vectors.SECP256K1_KEY)
    unknown = unhex("0401020304 06 1fa1 9903")  # a protocol of code 409 behind /tcp
    ours = HERE.with_peer(PEER_ID)
    relayed = THERE.with_peer(other).circuit(PEER_ID)
    said = [
        HERE.encode(), ours.encode(), HERE.with_peer(other).encode(), b"\xff\xff", b"", unknown,
        relayed.encode(), THERE.with_peer(other).circuit().encode(), HERE.encode(),
    ]  # fmt: skip
    receiver = heard(Pair(), framed(b"".join([field_bytes(2, data) for data in said]) + field_bytes(4, b"\x01")))
    assert receiver.info.listen_addrs == [HERE, ours, relayed, THERE.with_peer(other).circuit()]
    assert receiver.skipped == 4 and receiver.info.observed_addr is None


def test_lists_are_bounded():
    message = b"".join([field_bytes(2, multiaddr.tcp("192.0.2.1", port).encode()) for port in range(5)])
    message += b"".join([field_bytes(3, b"/%d" % number) for number in range(7)])
    receiver = heard(Pair(), framed(message), PEER_ID, Small)
    assert [address.port for address in receiver.info.listen_addrs] == [0, 1]
    assert receiver.info.protocols == ["/0", "/1", "/2"] and receiver.skipped == 3 + 4


def test_names_and_texts_are_plain():
    message = (
        field_bytes(3, b"/a\x1b[2J") + field_bytes(3, b"\xff") + field_bytes(3, b"") + field_bytes(3, b"/" * 41)
        + field_bytes(3, b"/ok") + field_bytes(3, b"/ok") + field_bytes(6, b"go\x1b[31m\xff\n" + b"x" * 200)
        + field_bytes(5, b"v")
    )  # fmt: skip
    receiver = heard(Pair(), framed(message), PEER_ID, Wide)
    assert receiver.info.protocols == ["/ok"] and receiver.skipped == 4
    assert receiver.info.agent == "go?[31m??" + "x" * 119 and receiver.info.protocol_version == "v"


def test_size_is_bounded():
    full = field_bytes(9, bytes(297))
    assert len(full) == 300
    assert heard(Pair(), framed(full), PEER_ID, Small, 300).info.agent == ""
    for data, size in (
        (framed(full + b"\x00"), 8192),
        (framed(full, b"\x08"), 8192),  # all messages together
        (framed(full), 299),  # the lent buffer
        (varint.encode((1 << 63) - 1), 8192),
    ):
        error = fault(data, False, BudgetError, Small, size)
        assert error.limit == "identify_bytes" and "300 bytes" in str(error)


def test_messages_are_counted():
    heard(Pair(), b"\x00" * 10)
    assert fault(b"\x00" * 11, False).code == events.SURPLUS


def test_malformed_messages():
    for data, code in (
        (b"", events.TRUNCATED),
        (b"\x80", events.TRUNCATED),
        (b"\x05\x08", events.TRUNCATED),
        (framed(field_bytes(6, b"a")) + b"\x01", events.TRUNCATED),
        (b"\x80\x00", events.MALFORMED),
        (b"\xff" * 9, events.MALFORMED),
        (framed(b"\x08"), events.MALFORMED),
        (framed(b"\x0b"), events.MALFORMED),
        (framed(field_int(1, 5)), events.MALFORMED),
        (framed(field_int(2, 5)), events.MALFORMED),
        (framed(field_int(3, 5)), events.MALFORMED),
        (framed(field_int(6, 5)), events.MALFORMED),
    ):
        assert fault(data).code == code, data


def test_a_slow_peer():
    for pair in pairs():
        here, there = streams(pair)
        receiver = Receiver(Profile(), bytearray(512))
        receiver.begin(here, 1000, PEER_ID)
        say = Say(there, encode(INFO)[:-1], False)
        settle(pair, receiver, say, now=999)
        assert receiver.busy
        assert raises(RemoteError, receiver.poll, 1000).code == events.TIMED_OUT
        assert here.abandoned == events.TIMED_OUT


def test_resets_and_lost_connections():
    data = encode(INFO)
    for pair in pairs():
        here, there = streams(pair)
        receiver, responder = Receiver(Profile(), bytearray(512)), Responder()
        receiver.begin(here, 1000, PEER_ID)
        there.reset(3)
        assert run(pair, receiver) == REFUSED
        here, there = streams(pair)
        responder.begin(here, data, 1000)
        there.reset(3)
        assert run(pair, responder) in (REFUSED, DONE)
        here, there = streams(pair)
        receiver.begin(here, 1000, PEER_ID)
        responder.begin(pair.a.open(1), data, 1000)
        pair.cut()
        assert run(pair, receiver) == LOST and run(pair, responder) == LOST
    here, there = streams(Pair(window=5))
    responder = Responder()
    responder.begin(here, data, 1000)
    responder.poll(0)
    there.reset(3)
    assert responder.poll(0) == REFUSED


def test_a_peer_that_does_not_listen():
    for pair in (Pair(window=5), Pair(window=5, limit=1)):
        here, _ = streams(pair)
        responder = Responder()
        responder.begin(here, encode(INFO), 1000)
        settle(pair, responder, now=999)
        assert raises(RemoteError, responder.poll, 1000).code == events.TIMED_OUT
        assert here.abandoned == events.TIMED_OUT


def test_a_peer_that_talks_back():
    for pair in pairs():
        here, there = streams(pair)
        responder = Responder()
        responder.begin(here, encode(INFO), 1000)
        say = Say(there, b"\x00", False)
        assert raises(RemoteError, run, pair, responder, (say,)).code == events.SURPLUS


def test_a_half_that_stays_open_ends_without_blame():
    for pair in pairs():
        here, there = streams(pair)
        responder = Responder()
        responder.begin(here, encode(INFO), 1000)
        say = Say(there, b"", False)
        settle(pair, responder, say, now=999)
        assert say.heard == encode(INFO) and responder.busy and here.abandoned < 0
        assert responder.poll(1000) == DONE and here.abandoned == events.CANCELLED


def test_a_receiver_is_used_again():
    pair = Pair(seed=3)
    receiver = Receiver(Profile(), bytearray(512))
    for data in (encode(INFO)[:20], encode(INFO), b"\x80", framed(field_bytes(6, b"x"))):
        here, there = streams(pair)
        receiver.begin(here, 1000, PEER_ID)
        say = Say(there, data)
        try:
            assert run(pair, receiver, (say,)) == DONE
        except RemoteError:
            pass
    assert receiver.info.agent == "x" and receiver.info.protocols == []
    here, _ = streams(pair)
    receiver.begin(here, 1000, PEER_ID)
    receiver.cancel()
    assert not receiver.busy and here.abandoned == events.CANCELLED

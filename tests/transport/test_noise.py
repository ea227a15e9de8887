# portable: runs on CPython and MicroPython
"""The handshake and its frames, two sides back to back, and everything that somebody in between may try."""

from jamliquor_lite.codec.protobuf import field_bytes, field_int
from jamliquor_lite.errors import LocalError, VerifyError
from jamliquor_lite.p2p.identity import Identity
from jamliquor_lite.transport import noise_payload
from jamliquor_lite.transport.multistream import AGREED, Dialer, Listener, message
from jamliquor_lite.transport.noise import (
    DONE,
    FAILED,
    HYBRID,
    MAX_FRAME,
    MAX_HANDSHAKE,
    PLAIN,
    READ,
    TAG,
    WRITE,
    Handshake,
    Secure,
    StaticKey,
    random_size,
)
from tests.support import raises, skip, unhex
from tests.transport.noise_pairs import (
    ALICE,
    BOB,
    OFFER,
    YAMUX,
    drawn,
    is_slow,
    pair,
    run,
    say,
    side,
    some,
    take,
    up_to,
    written,
)

BOTH = (False, True)
SMALL_ORDER = (
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
)


def fault(call, *args):
    return raises(VerifyError, call, *args).rule


def refuses(handshake, data):
    """The rule by which `data` is refused; the handshake must then be over and hold no secret."""
    rule = fault(take, handshake, data)
    assert handshake.turn == FAILED and handshake._pattern is None
    assert handshake.peer_id == handshake.peer_key == b"" and handshake.sender is None
    raises(LocalError, take, handshake, data)
    return rule


# what works


def test_both_sides_end_up_with_the_same():
    for is_hybrid in BOTH:
        alice, bob = pair(is_hybrid)
        assert (alice.turn, bob.turn) == (WRITE, READ)
        run(alice, bob)
        assert alice.handshake_hash == bob.handshake_hash and len(alice.handshake_hash) == 32
        assert (alice.peer_id, alice.peer_key) == (BOB.identity.peer_id, BOB.identity.key)
        assert (bob.peer_id, bob.peer_key) == (ALICE.identity.peer_id, ALICE.identity.key)
        assert alice.muxers == bob.muxers == [YAMUX]
        assert alice.is_bound and bob.is_bound
        for sender, receiver in ((alice, bob), (bob, alice)):
            data = bytearray(b"the first frame" + bytes(TAG))
            assert sender.sender.seal(0, b"", data, 0, 15, data, 0) == 15 + TAG
            assert receiver.receiver.open(0, b"", data, 0, 15 + TAG, data, 0) == 15
            assert bytes(data[:15]) == b"the first frame"


def test_the_sizes_are_those_of_the_drafts():
    for is_hybrid, sizes in ((False, [32, 200, 168]), (True, [1216, 1304, 168])):
        sides = [side(static, static is ALICE, is_hybrid, muxers=(), offer=[]) for static in (ALICE, BOB)]
        assert [len(data) for data in run(sides[0], sides[1])] == sizes
        assert not sides[0].is_bound and not sides[1].is_bound and sides[0].muxers == []
    assert random_size(True, True) == 96 and random_size(False, True) == 64
    assert random_size(True, False) == random_size(False, False) == 32


def test_a_message_is_read_where_it_lies():
    alice, bob = pair(False)
    buf = bytearray(MAX_HANDSHAKE + 10)
    view = memoryview(buf)
    reader, writer = bob, alice
    for at in (3, 5, 7):
        size = writer.write(view, at, len(buf))
        assert bytes(buf[:at]) == bytes(at)
        reader.read(view, at, at + size)
        reader, writer = writer, reader
        view[:] = bytes(len(buf))
    assert alice.turn == bob.turn == DONE


def test_what_was_secret_is_zeroed():
    for is_hybrid in BOTH:
        randoms = [bytearray(drawn("r", random_size(is_first, is_hybrid))) for is_first in (True, False)]
        alice = Handshake(ALICE, True, is_hybrid, randoms[0], [YAMUX], [])
        bob = Handshake(BOB, False, is_hybrid, randoms[1], [YAMUX], [])
        symmetric = [alice._pattern._symmetric, bob._pattern._symmetric]
        run(alice, bob)
        for random in randoms:
            assert bytes(random) == bytes(len(random))
        for state in symmetric:
            assert bytes(state._chaining_key) == bytes(32) and state._aead is None
        assert alice._pattern is None and alice._static is None and bob._pattern is None
        raises(LocalError, alice.read, bytearray(40), 0, 40)
        raises(LocalError, alice.write, bytearray(4096), 0, 4096)
    random = bytearray(drawn("r", 32))
    bob = Handshake(BOB, False, False, random, [], [])
    refuses(bob, b"")
    assert bytes(random) == bytes(32)


def test_the_expected_peer_is_demanded():
    alice, bob = side(ALICE, True, False, expect=BOB.identity.peer_id), side(BOB, False, False)
    run(alice, bob)
    assert alice.peer_id == BOB.identity.peer_id
    alice, bob = side(ALICE, True, False, expect=ALICE.identity.peer_id), side(BOB, False, False)
    data, _ = up_to(1, alice, bob)
    error = raises(VerifyError, take, alice, data)
    assert error.rule == "peer"
    assert BOB.identity.name in str(error) and ALICE.identity.name in str(error)
    bob = side(BOB, False, False, expect=BOB.identity.peer_id)
    data, _ = up_to(2, side(ALICE, True, False), bob)
    assert refuses(bob, data) == "peer"


# who sits in between


def test_every_byte_counts():
    for is_hybrid in BOTH:
        for number in range(3):
            size = len(up_to(number, *pair(is_hybrid))[0])
            step = size // 3 + 1 if is_slow() else 1
            for at in range(number, size, step):
                alice, bob = pair(is_hybrid)

                def flip(n, data, number=number, at=at):
                    if n == number:
                        data[at] ^= 1 << at % 8
                    return data

                # The top bit of an X25519 key is ignored by the curve; the hash sees it.
                assert fault(run, alice, bob, flip) == "noise"
                assert FAILED in (alice.turn, bob.turn)
                assert DONE != bob.turn, "the responder is last to be sure, and it is not"


def test_cut_and_padded_messages():
    for is_hybrid in BOTH:
        for number in range(3):
            whole, _ = up_to(number, *pair(is_hybrid))
            cuts = [0, 1, 31, 32, 47, 48, 80, len(whole) - 16, len(whole) - 1]
            for cut in some(cuts, 4):
                data, reader = up_to(number, *pair(is_hybrid))
                if cut < len(whole):
                    assert refuses(reader, data[:cut]) == "noise"
            room = MAX_HANDSHAKE - len(whole)
            for more in some((1, 16, room, room + 1, MAX_FRAME), 3):
                data, reader = up_to(number, *pair(is_hybrid))
                assert refuses(reader, data + bytes(more)) == "noise"


def test_messages_of_another_place_or_session():
    for is_hybrid in BOTH:
        messages = run(*pair(is_hybrid))
        for number in range(3):
            for other in range(3):
                if other != number:
                    _, reader = up_to(number, *pair(is_hybrid))
                    rule = None
                    if number == 0 and len(messages[other]) == len(messages[0]):
                        continue
                    rule = refuses(reader, messages[other])
                    assert rule == "noise"
        for number in (1, 2):  # the same place, recorded from another session with the same two hosts
            _, reader = up_to(number, *pair(is_hybrid, "another"))
            assert refuses(reader, messages[number]) == "noise"
        # A replayed first message gets an answer, as it must, and nothing more.
        bob = side(BOB, False, is_hybrid, "replayed to")
        take(bob, messages[0])
        written(bob)
        assert refuses(bob, messages[2]) == "noise"


def test_a_message_out_of_turn():
    alice, bob = pair(False)
    first = written(alice)
    take(bob, first)
    assert refuses(bob, first) == "noise", "it is we who are to speak"
    for is_hybrid in BOTH:  # two that both dialed, as when both punch a hole: neither takes the other's part
        alice, bob = side(ALICE, True, is_hybrid), side(BOB, True, is_hybrid)
        assert refuses(alice, written(bob)) == "noise"


def test_suites_do_not_mix():
    alice, bob = side(ALICE, True, False, offer=[]), side(BOB, False, True, offer=[])
    assert refuses(bob, written(alice)) == "noise"
    alice, bob = side(ALICE, True, True, offer=[]), side(BOB, False, False, offer=[])
    assert refuses(bob, written(alice)) == "noise"


def test_nobody_else_can_answer():
    # Whoever has all but Bob's static secret: his identity's signature is no secret, for he tells it everybody.
    thief = StaticKey(BOB.identity, drawn("stolen", 32))
    thief.public = BOB.public
    alice, mallory = side(ALICE, True, False), side(thief, False, False)
    data, _ = up_to(1, alice, mallory)
    assert refuses(alice, data) == "noise"
    thief = StaticKey(BOB.identity, drawn("stolen", 32))
    thief.signature = BOB.signature
    data, alice = up_to(1, side(ALICE, True, False), side(thief, False, False))
    assert refuses(alice, data) == "identity"


# keys that are none


def test_points_of_small_order():
    points = some(SMALL_ORDER, 3)
    for text in points:
        point = unhex(text)
        for is_hybrid in BOTH:
            alice, bob = pair(is_hybrid)
            data = written(alice)
            data[:32] = point
            assert refuses(bob, data) == "noise"
            data, alice = up_to(1, *pair(is_hybrid))
            data[:32] = point
            assert refuses(alice, data) == "noise"
    for number in (1, 2):  # as a static key, under the seal of somebody who holds the session
        bad = StaticKey(ALICE.identity, drawn("bad", 32))
        bad.public = unhex(points[-1])
        sides = [side(bad, True, False), side(BOB, False, False)]
        if number == 1:
            sides = [side(ALICE, True, False), side(bad, False, False)]
        data, reader = up_to(number, *sides)
        assert refuses(reader, data) == "noise"


def test_malformed_kem_keys():
    for at, value in ((32, 0xFF), (32 + 1151, 0xFF)):
        alice, bob = pair(True)
        data = written(alice)
        data[at] = value
        if at == 32:
            data[33] |= 0x0F
        else:
            data[at - 1] |= 0xF0
        assert refuses(bob, data) == "noise", "a coefficient above the modulus"
    bob = side(BOB, False, True)
    assert refuses(bob, drawn("x", 32) + b"\xff" * 1184) == "noise"


def test_another_kem_secret_opens_nothing():
    alice, bob = pair(True)
    other = side(ALICE, True, True, "another")
    written(other)
    data, _ = up_to(1, alice, bob)
    alice._pattern._kem_secret = other._pattern._kem_secret
    assert refuses(alice, data) == "noise"


# payloads of a peer that holds the keys and says what it likes


def last_word(payload, offer=None):
    """Bob, and the third message of an Alice who seals `payload(h)`."""
    alice, bob = pair(False, offer=offer)
    take(bob, written(alice))
    take(alice, written(bob))
    return bob, say(alice, payload)


def identity_fields():
    return field_bytes(1, ALICE.identity.key) + field_bytes(2, ALICE.signature)


def test_garbage_instead_of_an_identity():
    key, signature = ALICE.identity.key, ALICE.signature
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    for payload in (
        b"",
        b"\x00",
        b"\xff" * 40,
        b"\x0a\xff\x7f",
        identity_fields()[:-1],
        field_bytes(1, key),
        field_bytes(2, signature),
        field_int(1, 5) + field_bytes(2, signature),
        field_bytes(1, key) + field_int(2, 5),
        field_bytes(1, key) + field_bytes(2, flipped),
        field_bytes(1, key) + field_bytes(2, signature[:-1]),
        field_bytes(1, key) + field_bytes(2, signature + b"\x00"),
        field_bytes(1, BOB.identity.key) + field_bytes(2, signature),
        field_bytes(1, key[:-1]) + field_bytes(2, signature),
        field_bytes(1, key + b"\x00") + field_bytes(2, signature),
        identity_fields() + field_bytes(4, b"\x0a"),
        identity_fields() + field_int(4, 1),
        identity_fields() + field_bytes(4, field_bytes(2, b"\xff\xfe")),
        identity_fields() + field_bytes(4, field_int(2, 7)),
        identity_fields() + field_bytes(4, field_bytes(2, b"/m") * 33),
    ):
        bob, data = last_word(lambda h, payload=payload: payload)
        assert refuses(bob, data) == "identity"


def test_a_key_that_nothing_here_verifies():
    for key_type in (0, 2, 3, 4, 77):
        key = field_int(1, key_type) + field_bytes(2, bytes(33))
        bob, data = last_word(lambda h, key=key: field_bytes(1, key) + field_bytes(2, bytes(64)))
        assert refuses(bob, data) == "identity"


def test_what_we_do_not_know_is_skipped():
    unknown = field_int(9, 5) + field_bytes(3, b"early data") + b"\x3d\x01\x02\x03\x04"
    extensions = field_bytes(1, bytes(34)) + field_bytes(2, b"/mplex/6.7.0") + field_bytes(2, YAMUX.encode())
    bob, data = last_word(
        lambda h: unknown + identity_fields() + field_bytes(4, extensions + unknown) + unknown
    )
    take(bob, data)
    assert bob.turn == DONE and bob.muxers == ["/mplex/6.7.0", YAMUX]
    assert not bob.is_bound, "an older peer says nothing of what it offered"


def test_a_payload_has_a_bound():
    room = MAX_HANDSHAKE - 48 - TAG
    body = identity_fields()
    rest = room - len(body) - 3
    bob, data = last_word(lambda h: body + field_bytes(7, bytes(rest)))
    assert len(data) == MAX_HANDSHAKE
    take(bob, data)
    bob, data = last_word(lambda h: body + field_bytes(7, bytes(rest + 1)))
    assert refuses(bob, data) == "noise"
    bob, data = last_word(lambda h: bytes(MAX_FRAME - 48 - TAG))
    assert refuses(bob, data) == "noise"


# a negotiation that was tampered with


class Stripper:
    """Sits between two hosts and answers every proposal of the hybrid suite itself: not available."""

    def __init__(self):
        self.stripped = 0

    def to_listener(self, data):
        hybrid = message(HYBRID)
        while hybrid in data:
            data = data.replace(hybrid, b"")
            self.stripped += 1
        return data

    def to_dialer(self, data):
        stripped, self.stripped = self.stripped, 0
        return data + message("na") * stripped


def negotiate(between, offered, served):
    dialer, listener = Dialer(offered), Listener(lambda name: name in served)
    buf = bytearray(512)
    for _ in range(8):
        data = between.to_listener(bytes(buf[: dialer.drain(buf, 0, 512, 0)]))
        listener.feed(data, 0, len(data), 0)
        data = between.to_dialer(bytes(buf[: listener.drain(buf, 0, 512, 0)]))
        dialer.feed(data, 0, len(data), 0)
    assert dialer.state == listener.state == AGREED and dialer.protocol == listener.protocol
    return dialer.protocol


class Nobody:
    def to_listener(self, data):
        return data

    def to_dialer(self, data):
        return data


def test_a_stripped_proposal_is_missed():
    assert negotiate(Nobody(), OFFER, OFFER) == HYBRID
    assert negotiate(Stripper(), OFFER, OFFER) == PLAIN, "multistream notices nothing"
    alice, bob = side(ALICE, True, False, offer=OFFER), side(BOB, False, False, offer=OFFER)
    data, _ = up_to(1, alice, bob)
    error = raises(VerifyError, take, alice, data)
    assert error.rule == "transcript" and HYBRID in str(error)
    assert alice.turn == FAILED, "so Bob never hears who called"


def test_the_listener_misses_it_too():
    # An Alice who does not look at Bob's list, and tells hers.
    alice, bob = side(ALICE, True, False, offer=[PLAIN]), side(BOB, False, False, offer=[PLAIN])
    take(bob, written(alice))
    take(alice, written(bob))
    alice._securities = OFFER
    bob._securities = OFFER
    assert refuses(bob, written(alice)) == "transcript"


def test_honest_choices_are_bound():
    for dialed, served, is_hybrid in (
        (OFFER, OFFER, True),
        ([HYBRID], OFFER, True),
        (OFFER, [HYBRID], True),
        (OFFER, [PLAIN], False),
        ([PLAIN], OFFER, False),
        ([PLAIN, HYBRID], OFFER, False),  # the dialer's preference counts
        (["/tls/1.0.0", PLAIN], OFFER, False),
    ):
        alice, bob = side(ALICE, True, is_hybrid, offer=dialed), side(BOB, False, is_hybrid, offer=served)
        run(alice, bob)
        assert alice.is_bound and bob.is_bound


def test_lists_that_cannot_lead_here():
    for dialed, served in (([PLAIN], ["/tls/1.0.0", PLAIN]), (["/tls/1.0.0", PLAIN], ["/tls/1.0.0", PLAIN])):
        alice, bob = side(ALICE, True, False, offer=dialed), side(BOB, False, False, offer=served)
        if dialed == [PLAIN]:
            run(alice, bob)
            continue
        data, _ = up_to(1, alice, bob)
        assert refuses(alice, data) == "transcript"
    bob, data = last_word(lambda h: bound(h, ["/tls/1.0.0"]), [PLAIN])
    error = raises(VerifyError, take, bob, data)
    assert error.rule == "transcript" and "nothing" in str(error)


def test_without_a_binding_on_one_side_nothing_is_bound():
    for ours, theirs in (([], OFFER), (OFFER, [])):
        alice, bob = side(ALICE, True, True, offer=ours), side(BOB, False, True, offer=theirs)
        run(alice, bob)
        assert not alice.is_bound and not bob.is_bound


def bound(handshake_hash, names, signed=None, identity=ALICE.identity):
    """A payload whose list is `names` and whose signature is over `signed`."""
    signature = identity.sign(noise_payload.transcript(handshake_hash, names if signed is None else signed))
    extensions = b""
    for name in names:
        extensions += field_bytes(4, name.encode())
    return identity_fields() + field_bytes(4, extensions + field_bytes(5, signature))


def test_a_binding_is_whole_and_of_this_session():
    plain = [PLAIN]
    bob, data = last_word(lambda h: bound(h, plain), plain)
    take(bob, data)
    assert bob.is_bound
    half = field_bytes(4, field_bytes(4, PLAIN.encode()))
    for payload in (
        lambda h: bound(h, plain, [HYBRID]),
        lambda h: bound(h, ["/noise/"], ["/noise", "/"]),
        lambda h: bound(h, ["/a", PLAIN], [PLAIN, "/a"]),
        lambda h: bound(bytes(32), plain),
        lambda h: bound(h, plain, identity=BOB.identity),
        lambda h: bound(h, [], plain),
        lambda h: identity_fields() + half,
        lambda h: identity_fields() + half + field_bytes(4, field_bytes(5, bytes(64))),
    ):
        bob, data = last_word(payload, plain)
        assert refuses(bob, data) == "transcript"
    for payload in (lambda h: bound(h, []), lambda h: identity_fields() + half):
        bob, data = last_word(payload, plain)
        assert "without" in str(raises(VerifyError, take, bob, data))
    bob, data = last_word(lambda h: bound(h, [PLAIN] + ["/x"] * 31), plain)
    take(bob, data)
    bob, data = last_word(lambda h: bound(h, [PLAIN] + ["/x"] * 32), plain)
    assert refuses(bob, data) == "identity"


def test_what_is_signed():
    # Two lists that would be the same without their lengths (published with the draft).
    assert noise_payload.transcript(b"", ["ab", "c"]) == b"noise-libp2p-transcript:\x00\x02ab\x00\x01c"
    assert noise_payload.transcript(b"h", ["a", "bc"]) == b"noise-libp2p-transcript:h\x00\x01a\x00\x02bc"
    assert noise_payload.expected(["b", "a"], ["a", "b"]) == "b"
    assert noise_payload.expected(["x"], ["a", "b"]) == noise_payload.expected([], ["a"]) == ""


# frames


def channel():
    alice, bob = pair(False)
    run(alice, bob)
    return Secure(alice.sender, alice.receiver), Secure(bob.sender, bob.receiver)


def sealed(secure, data):
    out = bytearray(len(data) + TAG)
    assert secure.seal(data, 0, len(data), out, 0) == len(out)
    return out


def test_frames_both_ways_in_place_and_apart():
    ends = channel()
    for sender, receiver in (ends, (ends[1], ends[0])):
        for data in (b"", b"x", b"frame " * 200):
            frame = sealed(sender, data)
            assert bytes(frame[: len(data)]) != data or not data
            out = bytearray(len(data) + 2)
            assert receiver.open(memoryview(frame), 0, len(frame), memoryview(out), 1) == len(data)
            assert bytes(out) == b"\x00" + data + b"\x00"
            buf = bytearray(b"..") + bytearray(data) + bytearray(TAG + 1)
            assert sender.seal(buf, 2, 2 + len(data), buf, 2) == len(data) + TAG
            assert receiver.open(buf, 2, 2 + len(data) + TAG, buf, 2) == len(data)
            assert bytes(buf[: 2 + len(data)]) == b".." + data
    assert ends[0].sent == ends[0].received == 6


def test_frames_are_bounded():
    alice, bob = channel()
    buf = bytearray(MAX_FRAME + 1)
    raises(LocalError, alice.seal, buf, 0, MAX_FRAME - TAG + 1, buf, 0)
    assert alice.sent == 0
    assert alice.seal(buf, 0, MAX_FRAME - TAG, buf, 0) == MAX_FRAME
    assert bob.open(buf, 0, MAX_FRAME, buf, 0) == MAX_FRAME - TAG
    for size in (0, 1, TAG - 1):
        _, bob = channel()
        assert fault(bob.open, buf, 0, size, buf, 0) == "noise"
    alice, bob = channel()
    assert alice._sender.seal(0, b"", buf, 0, MAX_FRAME - TAG + 1, buf, 0) == MAX_FRAME + 1
    assert fault(bob.open, buf, 0, MAX_FRAME + 1, buf, 0) == "noise", "well sealed, and too long"


def test_changed_moved_and_repeated_frames():
    alice, bob = channel()
    frames = [sealed(alice, b"frame %d" % i) for i in range(3)]
    step = 9 if is_slow() else 1
    for at in range(0, len(frames[0]), step):
        bad = bytearray(frames[0])
        bad[at] ^= 1 << at % 8
        receiver = Secure(bob._sender, bob._receiver)
        assert fault(receiver.open, bad, 0, len(bad), bad, 0) == "noise"
        good = bytearray(frames[0])
        assert fault(receiver.open, good, 0, len(good), good, 0) == "noise", "nothing is taken after a fault"
    for order in ((1,), (0, 0), (0, 2), (2,), (0, 1, 0)):
        receiver = Secure(bob._sender, bob._receiver)
        for i in order[:-1]:
            data = bytearray(frames[i])
            receiver.open(data, 0, len(data), data, 0)
        data = bytearray(frames[order[-1]])
        assert fault(receiver.open, data, 0, len(data), data, 0) == "noise"
    for data in (frames[0][:-1], frames[0] + b"\x00"):
        receiver = Secure(bob._sender, bob._receiver)
        assert fault(receiver.open, data, 0, len(data), data, 0) == "noise"
    own = bytearray(frames[0])  # our own frame, sent back
    assert fault(Secure(alice._sender, alice._receiver).open, own, 0, len(own), own, 0) == "noise"


def test_counters_end():
    alice, bob = channel()
    alice.sent = bob.received = (1 << 64) - 2
    frame = sealed(alice, b"the last one")
    assert bob.open(frame, 0, len(frame), frame, 0) == 12
    raises(LocalError, alice.seal, frame, 0, 4, frame, 0)
    assert fault(bob.open, frame, 0, len(frame), frame, 0) == "noise"


class Nothing:
    """A cipher that seals nothing: what is left is Secure's own work."""

    def seal(self, counter, ad, buf, start, end, out, at):
        return end - start + TAG

    def open(self, counter, ad, buf, start, end, out, at):
        return end - start - TAG


def test_frames_take_no_memory():
    try:
        import micropython
    except ImportError:
        skip("CPython has no heap_lock")
    if not hasattr(micropython, "heap_lock"):
        skip("this build has no heap_lock")
    secure = Secure(Nothing(), Nothing())
    buf = bytearray(100)
    secure.seal(buf, 0, 10, buf, 0)
    micropython.heap_lock()
    try:
        for _ in range(20):
            secure.open(buf, 0, secure.seal(buf, 0, 50, buf, 0), buf, 0)
    finally:
        micropython.heap_unlock()
    assert secure.received == 20


# our own mistakes, and noise in the other sense


def test_our_own_mistakes_are_local():
    for is_hybrid in BOTH:
        for is_initiator in BOTH:
            size = random_size(is_initiator, is_hybrid)
            for wrong in (0, size - 1, size + 1):
                raises(LocalError, Handshake, ALICE, is_initiator, is_hybrid, bytes(wrong), [], [])
    raises(LocalError, side, ALICE, True, True, "", (), [PLAIN])
    raises(LocalError, StaticKey, Identity(bytes(32)), bytes(31))
    raises(LocalError, side(BOB, False, False).write, bytearray(4096), 0, 4096)
    alice = side(ALICE, True, True)
    raises(LocalError, alice.write, bytearray(1215), 0, 1215)
    assert alice.turn == FAILED
    alice, bob = pair(False)
    take(bob, written(alice))
    raises(LocalError, bob.write, bytearray(200), 0, 200)
    assert bob.turn == FAILED
    for muxers, offer in ((["/m"] * 33, []), (["/m"], [PLAIN] * 33), (["/" + "m" * 4000], [])):
        alice, bob = pair(False)
        bob = side(BOB, False, False, muxers=muxers, offer=offer)
        take(bob, written(alice))
        raises(LocalError, bob.write, bytearray(9000), 0, 9000)


def test_another_name_of_the_hybrid_suite():
    draft = "/noise-mlkem768-hfs/0.1.0"
    offer = [draft, PLAIN]
    sides = [
        Handshake(static, first, True, drawn("n", random_size(first, True)), [], offer, b"", draft)
        for static, first in ((ALICE, True), (BOB, False))
    ]
    run(*sides)
    assert sides[0].is_bound and sides[1].is_bound


def test_noise_is_refused():
    sizes = (0, 1, 32, 33, 200, 1216, 1304, 4096, 4097)
    for is_hybrid in BOTH:
        for size in some(sizes, 2):
            data = drawn("noise %d" % size, size)
            alice, bob = pair(is_hybrid)
            written(alice)
            assert refuses(alice, data) == "noise"
            if size != (1216 if is_hybrid else 32):
                assert refuses(bob, data) == "noise"

"""Attestations over any carrier. Each function takes a fresh carrier; test_attestation.py runs them."""

from jamliquor_lite.errors import RemoteError
from jamliquor_lite.jam.attestation import (
    ENTRY_BYTES,
    FINAL,
    MAX_ANSWER_BYTES,
    MAX_ENTRIES,
    SIGNATURE_BYTES,
    VOUCHED,
    AttestationRequest,
    AttestationResponder,
    Entry,
    decode,
    encode_entries,
    signed_bytes,
)
from jamliquor_lite.jam.events import DONE, LOST, REFUSED
from jamliquor_lite.jam.kinds import DECLINED, MALFORMED, OVERSIZE, SURPLUS, TIMED_OUT, TRUNCATED
from tests.fake_carrier import Dice
from tests.jam.blocks import fill, message
from tests.jam.carriers import accepted
from tests.jam.drive import Raw, Server, fails, raw_peer, run
from tests.support import raises

NUMBER = 200  # of the stream: some carriers here are QUIC, where ours has none
CHALLENGE = bytes(range(60, 92))
GENESIS = bytes(range(7, 39))
SIGNATURE = bytes(range(64))


def entries_of(count):
    dice = Dice(4)
    return [Entry(5000 - 12 * i, fill(dice, 32), 9 - i, FINAL if i else VOUCHED, fill(dice, 32)) for i in range(count)]


def ask(carrier, deadline=-1):
    request = AttestationRequest()
    request.begin(carrier.a.open(NUMBER), CHALLENGE, deadline)
    return request


def serve(carrier, reply):
    responder = AttestationResponder()
    responder.begin(accepted(carrier, carrier.b))
    return Server(responder, reply)


def every_count_comes_as_it_was_sent(carrier):
    for count in range(MAX_ENTRIES + 1):
        content = encode_entries(entries_of(count)) + SIGNATURE
        assert len(content) == 1 + count * ENTRY_BYTES + SIGNATURE_BYTES <= MAX_ANSWER_BYTES
        request = ask(carrier)

        def reply(responder, content=content):
            assert responder.challenge == CHALLENGE
            responder.answer((len(content),))
            return content

        server = serve(carrier, reply)
        assert run(carrier, request, [server]) == DONE
        assert request.answer == content
        found, signed, signature = decode(request.answer)
        assert signature == SIGNATURE and signed == content[:-64]
        for one, other in zip(found, entries_of(count)):
            assert (one.slot, one.header_hash, one.set_id, one.level, one.digest) == (
                other.slot, other.header_hash, other.set_id, other.level, other.digest)
        assert len(found) == count


def a_refusal_is_no_fault(carrier):
    request = ask(carrier)
    assert run(carrier, request, [serve(carrier, lambda responder: responder.refuse(DECLINED))]) == REFUSED
    assert not request.busy


def what_is_no_answer_is_a_fault_of_the_peers(carrier):
    good = encode_entries(entries_of(2)) + SIGNATURE
    for data, fin, code in (
        (message(good) + message(b""), True, SURPLUS),
        (message(bytes(MAX_ANSWER_BYTES + 1)), True, OVERSIZE),
        (message(good)[:-1], True, TRUNCATED),
        (b"", True, TRUNCATED),
    ):
        request = ask(carrier)
        peer = raw_peer(carrier, data, fin)
        assert fails(carrier, request, [peer]).code == code, data[:8]
        assert not request.busy


def a_peer_that_says_nothing_costs_the_time_allowed(carrier):
    request = ask(carrier, deadline=50)
    raw_peer(carrier, b"", False)
    error = raises(RemoteError, request.poll, 50)
    assert error.code == TIMED_OUT


def a_request_that_is_none_is_refused(carrier):
    for data, code in ((message(CHALLENGE[:31]), MALFORMED), (message(CHALLENGE + b"\0"), OVERSIZE), (b"", TRUNCATED)):
        stream = carrier.a.open(NUMBER)
        raw = Raw(stream, data)
        server = serve(carrier, None)
        raw.poll(0)
        for _ in range(2000):
            carrier.pump()
            try:
                raw.poll(0)
                server.poll(0)
            except RemoteError as error:
                assert error.code == code, data
                break
        else:
            raise AssertionError("it was taken")


def a_connection_that_goes_is_no_fault(carrier):
    request = ask(carrier)
    accepted(carrier, carrier.b)
    carrier.cut()
    assert run(carrier, request) == LOST


def decoding_refuses(_):
    good = encode_entries(entries_of(3)) + SIGNATURE

    def bad(content):
        assert raises(RemoteError, decode, content).code == MALFORMED

    for end in range(len(good)):
        bad(good[:end])
    bad(good + b"\0")
    bad(bytes((5,)) + bytes(5 * ENTRY_BYTES + SIGNATURE_BYTES))
    for level in (0, 1, 4, 255):
        one = entries_of(1)
        one[0].level = level
        bad(encode_entries(one) + SIGNATURE)
    for slot in (5000, 5001):
        two = entries_of(2)
        two[1].slot = slot
        bad(encode_entries(two) + SIGNATURE)


def what_is_signed_is_byte_for_byte_as_the_module_says(_):
    entry = Entry(0x01020304, bytes(range(32)), 0x05060708, FINAL, bytes(range(32, 64)))
    data = b"\1" + bytes((4, 3, 2, 1)) + bytes(range(32)) + bytes((8, 7, 6, 5, 3)) + bytes(range(32, 64))
    assert encode_entries([entry]) == data
    assert signed_bytes(GENESIS, CHALLENGE, data) == b"jamliquor_attest_1" + GENESIS + CHALLENGE + data


SCENARIOS = (
    every_count_comes_as_it_was_sent,
    a_refusal_is_no_fault,
    what_is_no_answer_is_a_fault_of_the_peers,
    a_peer_that_says_nothing_costs_the_time_allowed,
    a_request_that_is_none_is_refused,
    a_connection_that_goes_is_no_fault,
    decoding_refuses,
    what_is_signed_is_byte_for_byte_as_the_module_says,
)

# portable: runs on CPython and MicroPython
"""Trust strings and signed files: there and back, and every letter, byte and field that is another one."""

from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.epoch import Epoch
from jamliquor_lite.chain.trust import (
    MAX_SIGNERS,
    PREFIX,
    STATEMENT_BYTES,
    Trust,
    digest_of,
    is_string,
    split_file,
    trailer,
)
from jamliquor_lite.crypto.suite import blake2b_256, ed25519_public, ed25519_verify
from jamliquor_lite.errors import VerifyError
from tests.chain import genesis
from tests.chain.genesis import SMALL
from tests.chain.samples import Random
from tests.support import raises

SEED = bytes(range(32))


def sample(**changed):
    rng = Random(41)
    fields = {
        "genesis_hash": rng.bytes(32), "spec": SMALL, "header_hash": rng.bytes(32), "slot": 1234,
        "entropy": [rng.bytes(32) for _ in range(4)], "keys": rng.bytes(64 * SMALL.validators),
        "next_keys": rng.bytes(64 * SMALL.validators), "tickets": genesis.tickets(rng, SMALL.epoch_length),
        "next_tickets": genesis.tickets(rng, SMALL.epoch_length), "grandpa_set_id": 7,
    }
    fields.update(changed)
    return Checkpoint(**fields)


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_the_digest_is_of_every_field_that_is_believed():
    whole = sample()
    seen = {digest_of(whole)}
    entropy, keys, tickets = whole.entropy, whole.keys, whole.tickets
    changes = [{"genesis_hash": bytes(32)}, {"header_hash": bytes(32)}, {"slot": 1235}, {"tickets": None},
               {"next_tickets": None}, {"keys": flipped(keys, 0)}, {"next_keys": keys},
               {"tickets": flipped(tickets, 40)}, {"next_tickets": tickets}]
    changes += [{"entropy": entropy[:i] + [bytes(32)] + entropy[i + 1 :]} for i in range(4)]
    for change in changes:
        seen.add(digest_of(sample(**change)))
    assert len(seen) == len(changes) + 1
    same = digest_of(whole)
    for change in ({"grandpa_set_id": 8}, {"grandpa_format": "x"}, {"clock_chain": True}):
        assert digest_of(sample(**change)) == same  # what the chainspec names, or nobody can know


def test_the_digest_as_the_module_says_byte_for_byte():
    whole = sample()
    spec = whole.spec
    numbers = (whole.slot, spec.validators, spec.epoch_length, spec.tickets_end, spec.attempts, spec.slot_seconds)
    data = b"jamliquor_checkpoint_1" + whole.genesis_hash + whole.header_hash
    data += b"".join([number.to_bytes(4, "little") for number in numbers]) + b"".join(whole.entropy)
    data += blake2b_256(whole.keys) + blake2b_256(whole.next_keys) + b"\0" + blake2b_256(whole.tickets)
    assert digest_of(whole) == blake2b_256(data + blake2b_256(whole.next_tickets))


def test_fallback_keys_that_are_listed_and_those_that_are_computed_are_the_same():
    bare = sample(tickets=None)
    epoch = Epoch(SMALL, SMALL.epoch(1234), bare.entropy[1:], bare.keys, bare.next_keys, None)
    listed = b""
    for phase in range(SMALL.epoch_length):
        key = bytearray(32)
        epoch.fallback_into(phase, key, bytearray(36))
        listed += bytes(key)
    assert digest_of(sample(tickets=None, fallback_keys=listed)) == digest_of(bare)
    assert digest_of(sample(tickets=None, fallback_keys=flipped(listed, 5))) != digest_of(bare)


def test_a_string_says_what_went_into_it():
    plain = Trust.of(sample())
    signed = Trust.of(sample())
    signed.sign(SEED)
    for trust in (plain, signed):
        for text in (trust.text(), trust.text().lower(), "  %s\n" % trust.text()):
            found = Trust.parse(text)
            assert is_string(text)
            assert (found.statement, found.key, found.signature) == (trust.statement, trust.key, trust.signature)
            assert found.set_id == 7 and found.slot == 1234
    assert len(plain.statement) == STATEMENT_BYTES and len(signed.text()) == 5 + 327
    assert signed.key == ed25519_public(SEED)
    assert ed25519_verify(signed.key, signed.signature, b"jamliquor_trust_1" + signed.statement)


def test_every_wrong_letter_is_found():
    text = Trust.of(sample()).text()
    for at in range(len(text)):
        other = "B" if text[at] != "B" else "C"
        raises(VerifyError, Trust.parse, text[:at] + other + text[at + 1 :])
        raises(VerifyError, Trust.parse, text[:at])
    for junk in ("", PREFIX, PREFIX + "AA", text + "A", "jlc2:" + text[5:], "0x11", "JLC1:" + "É" * 40):
        raises(VerifyError, Trust.parse, junk)


def test_a_signature_by_another_or_over_another_is_refused():
    signed = Trust.of(sample())
    signed.sign(SEED)
    other = Trust.of(sample(slot=1233))
    other.key, other.signature = signed.key, signed.signature
    assert raises(VerifyError, Trust.parse, other.text()).rule == "signature"
    signed.key = bytes(ed25519_public(bytes(32)))
    assert raises(VerifyError, Trust.parse, signed.text()).rule == "signature"
    unsigned = Trust.of(sample(genesis_hash=bytes(32)))
    assert raises(VerifyError, unsigned.check, ed25519_public(SEED), signed.signature).rule == "signature"


def test_what_two_statements_differ_in():
    mine = Trust.of(sample())
    assert mine.agrees(Trust.of(sample(grandpa_set_id=9))) == ""
    assert "another chain" in mine.agrees(Trust.of(sample(genesis_hash=bytes(32))))
    assert "another block" in mine.agrees(Trust.of(sample(slot=3)))
    assert "another content" in mine.agrees(Trust.of(sample(next_tickets=None)))


def test_files_with_signatures_behind_them():
    data = bytes(sample().encode())
    assert split_file(data) == (data, [])
    signers = [(bytes([n]) * 32, bytes([n]) * 64) for n in range(MAX_SIGNERS)]
    file = data
    for key, signature in signers:
        file += trailer(key, signature)
    assert split_file(file) == (data, signers)
    assert raises(VerifyError, split_file, file + trailer(bytes(32), bytes(64))).rule == "signature"
    assert split_file(file[:-1]) == (file[:-1], [])  # then the checkpoint's own hash finds it damaged
    raises(VerifyError, Checkpoint.decode, file[:-1])
    for short in (b"", b"JLSG", trailer(bytes(32), bytes(64))):
        assert split_file(short) == (short, [])

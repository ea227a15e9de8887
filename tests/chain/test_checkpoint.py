"""Checkpoints: made from a state, encoded, decoded, and refused for every kind of damage."""
# portable: runs on CPython and MicroPython

from jamliquor_lite.chain import state_key
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.epoch import UNKNOWN_SET
from jamliquor_lite.codec import cbor
from jamliquor_lite.codec.spec import TINY, Spec
from jamliquor_lite.crypto.suite import blake2b_256
from jamliquor_lite.errors import VerifyError
from tests.chain import genesis
from tests.chain.genesis import SMALL
from tests.chain.samples import Random
from tests.support import raises

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FIELDS = ("genesis_hash", "header_hash", "slot", "entropy", "keys", "next_keys", "tickets", "fallback_keys",
          "next_tickets", "grandpa_set_id", "grandpa_format", "clock_chain")


def sample(spec: Spec = SMALL) -> Checkpoint:
    """Every field set, as far as fields can be set together."""
    rng = Random(40)
    return Checkpoint(
        rng.bytes(32), spec, rng.bytes(32), 1234, [rng.bytes(32) for _ in range(4)],
        rng.bytes(64 * spec.validators), rng.bytes(64 * spec.validators),
        genesis.tickets(rng, spec.epoch_length), None, genesis.tickets(rng, spec.epoch_length),
        7, "jamnp-pr6-737b8ae", True,
    )


def same(a: Checkpoint, b: Checkpoint) -> bool:
    for name in FIELDS:
        if getattr(a, name) != getattr(b, name):
            return False
    return cbor.dumps(spec_list(a.spec)) == cbor.dumps(spec_list(b.spec))


def spec_list(spec: Spec) -> "list[Any]":
    return [spec.name, spec.validators, spec.epoch_length, spec.tickets_end, spec.cores, spec.attempts,
            spec.slot_seconds]


def test_what_is_encoded_comes_back() -> None:
    full = sample()
    assert same(Checkpoint.decode(full.encode()), full)
    assert Checkpoint.decode(full.encode()).encode() == full.encode()
    tiny = sample(TINY)
    assert Checkpoint.decode(tiny.encode()).spec is TINY
    bare = sample()
    bare.tickets = bare.next_tickets = bare.grandpa_format = None
    bare.fallback_keys = bytes(32 * SMALL.epoch_length)
    bare.clock_chain = False
    assert same(Checkpoint.decode(memoryview(bare.encode())), bare)
    bare.fallback_keys = None
    assert same(Checkpoint.decode(bare.encode()), bare)


def test_every_byte_and_every_length_is_bound() -> None:
    whole = sample().encode()
    for at in range(len(whole)):
        bad = bytearray(whole)
        bad[at] ^= 1 << (at & 7)
        error = raises(VerifyError, Checkpoint.decode, bytes(bad))
        assert error.rule == "checkpoint" and "\n" not in str(error)
    for size in range(0, len(whole), 5):
        assert raises(VerifyError, Checkpoint.decode, whole[:size]).rule == "checkpoint"
    assert raises(VerifyError, Checkpoint.decode, whole + b"\0").rule == "checkpoint"


def body_of(checkpoint: Checkpoint) -> "dict[str, Any]":
    fields: "dict[str, Any]" = cbor.loads(cbor.loads(checkpoint.encode())[2])
    return fields


def sealed(fields: "Any", version: int = 1, magic: str = "jamliquor-checkpoint") -> bytes:
    """A checkpoint with a hash that fits, whatever it says."""
    body = cbor.dumps(fields, canonical=True)
    return cbor.dumps([magic, version, body, blake2b_256(cbor.dumps([magic, version, body]))])


def refused(data: bytes) -> str:
    error = raises(VerifyError, Checkpoint.decode, data)
    assert error.rule == "checkpoint" and "\n" not in str(error)
    return str(error)


def test_the_envelope() -> None:
    fields = body_of(sample())
    assert same(Checkpoint.decode(sealed(fields)), sample())
    assert "version 3, this release reads versions 1 and 2" in refused(sealed(fields, 3))
    assert "it is a board's" in refused(sealed(fields, 2))
    assert "no checkpoint" in refused(sealed(fields, 1, "another-thing"))
    assert "no checkpoint" in refused(cbor.dumps({"slot": 1}))
    assert "not CBOR" in refused(b"\xff\xff") and "not CBOR" in refused(b"")
    assert "not a map" in refused(sealed([1, 2]))
    outer = cbor.loads(sealed(fields))
    outer[3] = bytes(32)
    assert "damaged" in refused(cbor.dumps(outer))
    for name in fields:
        less = dict(fields)
        del less[name]
        assert "it has no " + name in refused(sealed(less))
    more = dict(fields)
    more["extra"] = 1
    assert "fields that version 1 does not" in refused(sealed(more))


def test_every_field_is_checked_against_the_spec() -> None:
    fields = body_of(sample())
    ticket_of_attempt_2 = bytearray(fields["tickets"])
    ticket_of_attempt_2[32] = 2
    table: "list[tuple[str, Any, str]]" = [
        ("genesis", bytes(31), "genesis is not 32 bytes"),
        ("genesis", "x" * 32, "genesis is not 32 bytes"),
        ("header", None, "header is not 32 bytes"),
        ("slot", -1, "slot is no number from 0 to 4294967295"),
        ("slot", 1 << 32, "slot is no number"),
        ("slot", True, "slot is no number"),
        ("entropy", [bytes(32)] * 3, "not a list of 4"),
        ("entropy", bytes(128), "not a list of 4"),
        ("entropy", [bytes(32)] * 3 + [bytes(33)], "entropy is not 32 bytes"),
        ("keys", bytes(64 * 3 - 1), "keys is not 192 bytes"),
        ("next_keys", bytes(64 * 4), "next_keys is not 192 bytes"),
        ("tickets", bytes(33 * 4 + 1), "tickets is not 132 bytes"),
        ("tickets", bytes(ticket_of_attempt_2), "tickets: ticket 0 has attempt 2, allowed are 0 to 1"),
        ("next_tickets", b"", "next_tickets is not 132 bytes"),
        ("fallback_keys", bytes(128), "sealed by one of them"),
        ("grandpa_set_id", "1", "grandpa_set_id is no number"),
        ("grandpa_set_id", 1 << 32, "grandpa_set_id is no number"),
        ("grandpa_format", 5, "grandpa_format is no text"),
        ("grandpa_format", "x" * 65, "grandpa_format is no text"),
        ("clock_chain", 1, "clock_chain is not true or false"),
        ("spec", ["small", 3, 4, 3, 2, 2], "spec is not a list of 7"),
        ("spec", ["", 3, 4, 3, 2, 2, 5], "spec name is no text"),
        ("spec", ["s", 0, 4, 3, 2, 2, 5], "validators is no number from 1"),
        ("spec", ["s", 1 << 30, 4, 3, 2, 2, 5], "validators is no number from 1"),
        ("spec", ["s", 3, 1 << 30, 3, 2, 2, 5], "epoch length is no number"),
        ("spec", ["s", 3, 4, 4, 2, 2, 5], "ends at slot 4, after its epoch of 4"),
        ("spec", ["s", 3, 4, 3, 2, 257, 5], "attempts is no number"),
        ("spec", ["s", 3, 4, 3, 2, 2, 0], "slot seconds is no number"),
        ("spec", ["tiny", 3, 4, 3, 2, 2, 5], "other numbers than this release's"),
    ]
    for name, value, words in table:
        changed = dict(fields)
        changed[name] = value
        line = refused(sealed(changed))
        assert words in line, (name, words, line)


def test_from_a_state_with_tickets() -> None:
    rng = Random(41)
    active, pairs = genesis.validators(SMALL, 5)
    following, next_pairs = genesis.validators(SMALL, 6)
    seals = genesis.tickets(rng, 4)
    best = genesis.tickets(rng, 4)
    entropy = rng.bytes(128)
    a, b, c, d = [best[i * 33 : i * 33 + 33] for i in range(4)]
    for slot, accumulator, expected in (
        (103, best, a + d + b + c),  # phase 3: submission has ended, the order is outside-in
        (102, best, None),  # not yet: tickets may still be pushed out
        (103, best[:-33], None),  # not full: the next epoch falls back
    ):
        c4 = genesis.safrole(SMALL, following, seals, accumulator)
        found = Checkpoint.from_state(SMALL, b"g" * 32, b"h" * 32, slot, c4, entropy, active)
        assert found.next_tickets == expected
        assert found.tickets == seals and found.fallback_keys is None
        assert found.keys == pairs and found.next_keys == next_pairs
        assert b"".join(found.entropy) == entropy and len(found.entropy) == 4
        assert (found.genesis_hash, found.header_hash, found.slot) == (b"g" * 32, b"h" * 32, slot)
        assert (found.grandpa_set_id, found.grandpa_format, found.clock_chain) == (UNKNOWN_SET, None, False)
        assert same(Checkpoint.decode(found.encode()), found)


def test_from_a_state_in_fallback() -> None:
    state = genesis.state(SMALL)
    c4, c6, c8 = [state[state_key.chapter(i)] for i in (4, 6, 8)]
    found = Checkpoint.from_state(SMALL, bytes(32), bytes(32), 0, c4, c6, c8)
    assert found.tickets is None and found.next_tickets is None
    assert found.fallback_keys is not None and len(found.fallback_keys) == 32 * 4
    assert found.fallback_keys[:32] == found.keys[:32] and found.fallback_keys[32:64] == found.keys[64:96]


def test_state_values_of_another_spec_are_refused() -> None:
    state = genesis.state(SMALL)
    c4, c6, c8 = [state[state_key.chapter(i)] for i in (4, 6, 8)]
    active, _ = genesis.validators(SMALL, 5)
    for bad in (
        (c4[:-1], c6, c8), (c4 + b"\0", c6, c8), (b"", c6, c8),
        (genesis.safrole(SMALL, active, bytes(33 * 4), bytes(33 * 5)), c6, c8),
        (genesis.safrole(SMALL, active, bytes(33 * 4), b"", 2), c6, c8),
        (c4, c6[:-1], c8), (c4, c6 + b"\0", c8), (c4, c6, c8[:-1]), (c4, c6, c8 + bytes(336)), (c4, c6, b""),
    ):
        error = raises(VerifyError, Checkpoint.from_state, SMALL, bytes(32), bytes(32), 0, bad[0], bad[1], bad[2])
        assert error.rule == "codec"
    assert raises(VerifyError, Checkpoint.from_state, TINY, bytes(32), bytes(32), 0, c4, c6, c8).rule == "codec"

"""A genesis of a spec of our own, small enough for any interpreter, and its chainspec. Runs on both."""

import binascii

from jamliquor_lite.chain import state_key
from jamliquor_lite.codec.spec import Spec
from tests.chain.samples import Random

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SMALL = Spec("custom", 3, 4, 3, 2, 2, 5)


def tickets(rng: Random, count: int) -> bytes:
    """Tickets in ascending order of their ids."""
    return b"".join(sorted([rng.bytes(32) + bytes((rng.below(2),)) for _ in range(count)]))


def validators(spec: Spec, seed: int) -> "tuple[bytes, bytes]":
    """(V x 336 bytes as in the state, V x 64 bytes of key pairs)."""
    rng = Random(seed)
    full, pairs = b"", b""
    for _ in range(spec.validators):
        pair = rng.bytes(64)
        pairs += pair
        full += pair + rng.bytes(272)
    return full, pairs


def safrole(spec: Spec, next_set: bytes, seals: bytes, accumulator: bytes, kind: "int | None" = None) -> bytes:
    """C(4). `kind` is 0 for tickets, 1 for keys; None takes it from the size of `seals`."""
    if kind is None:
        kind = 0 if len(seals) == 33 * spec.epoch_length else 1
    return next_set + bytes(144) + bytes((kind,)) + seals + bytes((len(accumulator) // 33,)) + accumulator


def header(spec: Spec, pairs: bytes, slot: int = 0) -> bytes:
    """A genesis header with an epoch mark."""
    mark = bytes(64) + pairs
    return (bytes(96) + slot.to_bytes(4, "little") + b"\1" + mark + b"\0" + b"\xff\xff" + bytes(96) + b"\0"
            + bytes(96))


def parameters(spec: Spec) -> bytes:
    """The 134 bytes of GP 0.7.2, B.6; what a light node does not read is 0xaa."""
    out = bytearray(b"\xaa" * 134)
    for at, size, value in ((24, 2, spec.cores), (30, 4, spec.epoch_length), (78, 2, spec.attempts),
                            (82, 2, spec.slot_seconds), (92, 2, spec.validators), (130, 4, spec.tickets_end)):
        out[at : at + size] = value.to_bytes(size, "little")
    return bytes(out)


def hexed(data: bytes) -> str:
    return binascii.hexlify(data).decode()


def state(spec: Spec, seed: int = 1) -> "dict[bytes, bytes]":
    """A genesis state with what a checkpoint needs and one entry more."""
    active, pairs = validators(spec, seed)
    following, _ = validators(spec, seed + 1)
    keys = b"".join([pairs[(i % spec.validators) * 64 :][:32] for i in range(spec.epoch_length)])
    return {
        state_key.chapter(state_key.SAFROLE): safrole(spec, following, keys, b""),
        state_key.chapter(state_key.ENTROPY): Random(seed + 2).bytes(128),
        state_key.chapter(state_key.ACTIVE_SET): active,
        state_key.chapter(state_key.SLOT): bytes(4),
    }


def chainspec(spec: Spec = SMALL, seed: int = 1) -> "dict[str, Any]":
    """The JSON object of a JIP-4 file."""
    _, pairs = validators(spec, seed + 1)
    return {
        "id": "small",
        "bootnodes": ["e" + "a" * 52 + "@127.0.0.1:1"],
        "protocol_parameters": hexed(parameters(spec)),
        "genesis_header": hexed(header(spec, pairs)),
        "genesis_state": {hexed(key): hexed(value) for key, value in state(spec, seed).items()},
    }


def text(root: "Any") -> str:
    import json  # here, for a board's firmware has none

    return json.dumps(root)

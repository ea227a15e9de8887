"""Values of the state, decoded (GP 0.7.2, appendix D.1). Malformed ones are VerifyError("codec", …).

Such a value came with a proof, so a malformed one means another spec than the chain's, or a chain that
is not what this release knows.
"""

from ..codec.cursor import Cursor
from ..const import const
from ..errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec

    Buffer = bytes | bytearray | memoryview

VALIDATOR_SIZE = const(336)  # Bandersnatch 32, Ed25519 32, BLS 144, metadata 128
_KEY_PAIR = const(64)
_RING_ROOT = const(144)
_TICKET = const(33)
_HASH = const(32)
_TICKETS = const(0)  # discriminators of the seals in C(4)
_KEYS = const(1)
_ACCOUNT_SIZE = const(89)
_UNLIMITED = 0xFFFFFFFFFFFFFFFF


def slot(value: "Buffer") -> int:
    """C(11): the slot of the latest block."""
    reader = Cursor(value)
    number = reader.u32()
    reader.finish()
    return number


def entropy(value: "Buffer") -> "list[bytes]":
    """C(6): [eta_0, eta_1, eta_2, eta_3] of 32 bytes each."""
    reader = Cursor(value)
    parts = [bytes(reader.take(_HASH)) for _ in range(4)]
    reader.finish()
    return parts


def key_pairs(spec: "Spec", value: "Buffer", start: int = 0) -> bytes:
    """The first 64 bytes (Bandersnatch, Ed25519) of each of the V validators at `start`: V x 64 bytes.

    C(7), C(8) and C(9) are V validators; C(4) begins with V of them.
    """
    reader = Cursor(value, start)
    out = bytearray(spec.validators * _KEY_PAIR)
    for i in range(spec.validators):
        out[i * _KEY_PAIR : (i + 1) * _KEY_PAIR] = reader.take(_KEY_PAIR)
        reader.skip(VALIDATOR_SIZE - _KEY_PAIR)
    return bytes(out)


def validators(spec: "Spec", value: "Buffer") -> bytes:
    """C(7), C(8) or C(9), which must hold V validators and nothing else: their key pairs, V x 64 bytes."""
    expected = spec.validators * VALIDATOR_SIZE
    if len(value) != expected:
        raise VerifyError("codec", "validator set has %d bytes, spec %s needs %d"
                          % (len(value), spec.name, expected))
    return key_pairs(spec, value)


class Safrole:
    """C(4), the state of block production.

    `next_keys` is V x 64 bytes (gamma_k); the seals of the current epoch are either `tickets`, E x 33
    bytes in slot order, or `fallback_keys`, E x 32 bytes, the other being None; `accumulator` is the
    best tickets for the next epoch so far, n x 33 bytes in ascending order of their ids, n at most E.
    """

    def __init__(self, spec: "Spec", value: "Buffer") -> None:
        count = spec.epoch_length
        self.next_keys = key_pairs(spec, value)
        reader = Cursor(value, spec.validators * VALIDATOR_SIZE)
        reader.skip(_RING_ROOT)
        self.tickets: "bytes | None" = None
        self.fallback_keys: "bytes | None" = None
        kind = reader.u8()
        if kind == _TICKETS:
            self.tickets = bytes(reader.take(count * _TICKET))
        elif kind == _KEYS:
            self.fallback_keys = bytes(reader.take(count * _HASH))
        else:
            raise VerifyError("codec", "kind of seals is %d at byte %d, allowed are 0 (tickets) and 1 (keys)"
                              % (kind, reader.pos - 1))
        tickets = reader.natural()
        if tickets > count:
            raise VerifyError("codec", "ticket accumulator holds %d tickets, at most %d can be"
                              % (tickets, count))
        self.accumulator = bytes(reader.take(tickets * _TICKET))
        reader.finish()

    def sequence(self, spec: "Spec") -> "bytes | None":
        """The tickets that would seal the next epoch, E x 33 bytes, or None while the accumulator is not full.

        Z of GP 0.7.2 (6.25), outside-in: the first, the last, the second, the last but one, and so on.
        """
        count = spec.epoch_length
        if len(self.accumulator) != count * _TICKET:
            return None
        out = bytearray(count * _TICKET)
        for place in range(count):
            rank = count - 1 - place // 2 if place & 1 else place // 2
            out[place * _TICKET : (place + 1) * _TICKET] = \
                self.accumulator[rank * _TICKET : (rank + 1) * _TICKET]
        return bytes(out)


class ServiceAccount:
    """C(255, s), the account of a service. Amounts are in the smallest unit, gas and slots are counts.

    `gratis` is the storage deposit that is waived; `created` and `last_accumulated` are slots; `parent`
    is the id of the service that made this one.
    """

    def __init__(self, value: "Buffer") -> None:
        if len(value) != _ACCOUNT_SIZE or value[0] != 0:
            raise VerifyError("codec", "service account has %d bytes and version %s, known are %d and 0"
                              % (len(value), value[0] if len(value) else "none", _ACCOUNT_SIZE))
        reader = Cursor(value, 1)
        self.code_hash = bytes(reader.take(_HASH))
        self.balance = reader.u64()
        self.min_accumulate_gas = reader.u64()
        self.min_memo_gas = reader.u64()
        self.octets = reader.u64()
        self.gratis = reader.u64()
        self.items = reader.u32()
        self.created = reader.u32()
        self.last_accumulated = reader.u32()
        self.parent = reader.u32()

    def fields(self) -> "list[tuple[str, int | str]]":
        """Names and values in the Gray Paper's order, the code hash as hex digits."""
        return [
            ("code_hash", self.code_hash.hex()),
            ("balance", self.balance),
            ("min_accumulate_gas", self.min_accumulate_gas),
            ("min_memo_gas", self.min_memo_gas),
            ("octets", self.octets),
            ("gratis", self.gratis),
            ("items", self.items),
            ("created", self.created),
            ("last_accumulated", self.last_accumulated),
            ("parent", self.parent),
        ]

    def __str__(self) -> str:
        return ", ".join(["%s %s" % (name, "unlimited" if value == _UNLIMITED else value)
                          for name, value in self.fields()])

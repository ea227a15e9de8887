"""A checkpoint: everything a node must trust to check the headers after one block (DESIGN §7).

Encoded as CBOR, one list: ["jamliquor-checkpoint", version, body, BLAKE2b-256 of the three before it].
The body is the CBOR map of the fields, as bytes. The hash binds the fields to each other and finds
damage; it says nothing about who made them. Version 1:

    genesis, header      32 bytes each             slot             unsigned
    spec                 [name, V, E, Y, C, N, P]  entropy          [eta_0 … eta_3]
    keys, next_keys      V x 64 (kappa, gamma_k)   tickets          E x 33, or null: fallback
    fallback_keys        E x 32, or null: computed next_tickets     E x 33, or null
    grandpa_set_id       unsigned: of `keys`; 2^32 - 1 where it is not known
    grandpa_format       text or null              clock_chain      whether the chain is its own clock

Version 2, which boards save, is the same but for the five big ones: keys, next_keys, tickets, fallback_keys and
next_tickets are 32 bytes each, the BLAKE2b-256 of what version 1 has there, and the sets themselves lie in the
board's store of sets (flash_sets.py). It has about 500 bytes, where version 1 has 170,000 at full spec.
"""

from ..codec import cbor
from ..codec.spec import Spec, by_name
from ..const import const
from ..crypto.suite import blake2b_256
from ..errors import VerifyError
from .epoch import UNKNOWN_SET
from .sets import FALLBACK, KEYS, TICKETS, held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .sets import Kept, Set, Sets

    Buffer = bytes | bytearray | memoryview

_MAGIC = "jamliquor-checkpoint"
_VERSION = const(1)
_NAMING = const(2)  # the version that names its sets
_HASH = const(32)
_KEY_PAIR = const(64)
_TICKET = const(33)
_MAX_SLOT = 0xFFFFFFFF
_MAX_NAME = const(64)  # characters: names are shown on status lines
MAX_VALIDATORS = const(4096)  # a spec read from a file sizes buffers: bound what it can ask for
MAX_EPOCH_LENGTH = const(65536)  # slots; same
_FIELDS = ("genesis", "header", "slot", "spec", "entropy", "keys", "next_keys", "tickets", "fallback_keys",
           "next_tickets", "grandpa_set_id", "grandpa_format", "clock_chain")


def _bad(what: str) -> VerifyError:
    return VerifyError("checkpoint", "checkpoint: " + what)


class Checkpoint:
    """Plain values; sizes as in the module's table. `from_state` and `decode` make checked ones. The five big ones may
    be bytes or sets (sets.py)."""

    def __init__(
        self,
        genesis_hash: bytes,
        spec: Spec,
        header_hash: bytes,
        slot: int,
        entropy: "list[bytes]",
        keys: "Kept",
        next_keys: "Kept",
        tickets: "Kept | None" = None,
        fallback_keys: "Kept | None" = None,
        next_tickets: "Kept | None" = None,
        grandpa_set_id: int = 0,
        grandpa_format: "str | None" = None,
        clock_chain: bool = False,
    ) -> None:
        self.genesis_hash = genesis_hash
        self.spec = spec
        self.header_hash = header_hash
        self.slot = slot
        self.entropy = entropy
        self.keys = keys
        self.next_keys = next_keys
        self.tickets = tickets
        self.fallback_keys = fallback_keys
        self.next_tickets = next_tickets
        self.grandpa_set_id = grandpa_set_id
        self.grandpa_format = grandpa_format
        self.clock_chain = clock_chain

    @classmethod
    def from_state(cls, spec: Spec, genesis_hash: bytes, header_hash: bytes, slot: int, c4: "Buffer",
                   c6: "Buffer", c8: "Buffer") -> "Checkpoint":
        """The checkpoint at the block `header_hash` of `slot`, from the values of C(4), C(6) and C(8) after it.

        The caller has proved the values, or trusts them as it trusts a genesis state. Raises
        VerifyError("codec") for values that are not of this spec. What set of voters it is, a state does not say.
        """
        from . import state_value  # a board's checkpoints are made elsewhere

        safrole = state_value.Safrole(spec, c4)
        # The tickets of the next epoch are settled once submission has ended with a full accumulator
        # (6.24, 6.28).
        settled = spec.phase(slot) >= spec.tickets_end
        return cls(
            genesis_hash, spec, header_hash, slot, state_value.entropy(c6), state_value.validators(spec, c8),
            safrole.next_keys, safrole.tickets, safrole.fallback_keys,
            safrole.sequence(spec) if settled else None, 0 if header_hash == genesis_hash else UNKNOWN_SET,
        )

    def sets(self) -> "list[Set | None]":
        """keys, next_keys, tickets, fallback_keys and next_tickets as sets, None for those that it does not have."""
        return [held(one) for one in (self.keys, self.next_keys, self.tickets, self.fallback_keys, self.next_tickets)]

    def encode(self, naming: bool = False) -> bytearray:
        """The CBOR form, with its hash. `naming`: version 2, which leaves the sets where they are."""
        spec = self.spec
        version = _NAMING if naming else _VERSION
        keys, next_keys, tickets, fallback_keys, next_tickets = [
            None if one is None else one.digest() if naming else one.whole() for one in self.sets()]
        body = cbor.dumps({
            "genesis": self.genesis_hash,
            "header": self.header_hash,
            "slot": self.slot,
            "spec": [spec.name, spec.validators, spec.epoch_length, spec.tickets_end, spec.cores, spec.attempts,
                     spec.slot_seconds],
            "entropy": self.entropy,
            "keys": keys,
            "next_keys": next_keys,
            "tickets": tickets,
            "fallback_keys": fallback_keys,
            "next_tickets": next_tickets,
            "grandpa_set_id": self.grandpa_set_id,
            "grandpa_format": self.grandpa_format,
            "clock_chain": self.clock_chain,
        }, canonical=True)
        # Such a list and one of an item less differ in their first byte; a board has no room for both.
        out = bytearray(cbor.dumps([_MAGIC, version, body]))
        binding = blake2b_256(out)
        out[0] += 1
        out.extend(cbor.dumps(binding))
        return out

    @classmethod
    def decode(cls, buf: "Buffer", sets: "Sets | None" = None) -> "Checkpoint":
        """The checkpoint that `encode` wrote; VerifyError("checkpoint") says what is wrong with it otherwise. One that
        names its sets needs the store that has them."""
        fields = _open(buf)
        kept = _kept(fields, sets) if fields.pop("version") == _NAMING else None
        spec = _spec(fields["spec"])
        entropy = fields["entropy"]
        if not isinstance(entropy, list) or len(entropy) != 4:
            raise _bad("entropy is not a list of 4")
        for part in entropy:
            _sized(part, "entropy", _HASH)
        if not isinstance(fields["clock_chain"], bool):
            raise _bad("clock_chain is not true or false")
        grandpa_format = fields["grandpa_format"]
        if grandpa_format is not None:
            _text(grandpa_format, "grandpa_format")
        tickets = _optional(fields, "tickets", spec.epoch_length * _TICKET, kept)
        fallback_keys = _optional(fields, "fallback_keys", spec.epoch_length * _HASH, kept)
        if tickets is not None and fallback_keys is not None:
            raise _bad("it has tickets and fallback keys, an epoch is sealed by one of them")
        next_tickets = _optional(fields, "next_tickets", spec.epoch_length * _TICKET, kept)
        for name in ("tickets", "next_tickets"):
            if kept is None:  # what a board has kept was checked when it came
                _attempts(fields[name], name, spec)
        return cls(
            _sized(fields["genesis"], "genesis", _HASH), spec, _sized(fields["header"], "header", _HASH),
            _number(fields["slot"], "slot", 0, _MAX_SLOT), entropy,
            _part(fields, "keys", spec.validators * _KEY_PAIR, kept),
            _part(fields, "next_keys", spec.validators * _KEY_PAIR, kept),
            tickets, fallback_keys, next_tickets,
            _number(fields["grandpa_set_id"], "grandpa_set_id", 0, UNKNOWN_SET), grandpa_format,
            fields["clock_chain"],
        )


class Outline:
    """What a checkpoint says without its sets: who wants to open those has to know the spec first."""

    def __init__(self, buf: "Buffer") -> None:
        """From what `encode` wrote; VerifyError("checkpoint")."""
        fields = _open(buf)
        self.spec = _spec(fields["spec"])
        self.genesis_hash = _sized(fields["genesis"], "genesis", _HASH)
        self.slot = _number(fields["slot"], "slot", 0, _MAX_SLOT)


def _binding(version: int, body: bytes) -> bytes:
    return blake2b_256(cbor.dumps([_MAGIC, version, body]))


def _open(buf: "Buffer") -> "dict[str, Any]":
    # From the outside in: kind, version, hash, and only then what it says.
    try:
        outer = cbor.loads(buf, 2)
    except VerifyError as error:
        raise _bad("it is not CBOR: %s" % error)
    if not isinstance(outer, list) or len(outer) != 4 or outer[0] != _MAGIC:
        raise _bad("it is no checkpoint of this program")
    version, body, binding = outer[1], outer[2], outer[3]
    if version is True or version not in (_VERSION, _NAMING):
        raise _bad("it has version %s, this release reads versions %d and %d" % (version, _VERSION, _NAMING))
    if not isinstance(body, bytes) or binding != _binding(version, body):
        raise _bad("its hash does not match its content: it is damaged")
    try:
        fields = cbor.loads(body, 3)
    except VerifyError as error:
        raise _bad("its content is not CBOR: %s" % error)
    if not isinstance(fields, dict):
        raise _bad("its content is not a map")
    for name in _FIELDS:
        if name not in fields:
            raise _bad("it has no %s" % name)
    if len(fields) != len(_FIELDS):
        raise _bad("it has fields that version %d does not" % version)
    fields["version"] = version
    return fields


def _kept(fields: "dict[str, Any]", sets: "Sets | None") -> "dict[str, Set]":
    # The sets that a checkpoint of version 2 names, by field.
    if sets is None:
        raise _bad("it names key sets that it does not have: it is a board's")
    kept = {}
    for name, kind in (("keys", KEYS), ("next_keys", KEYS), ("tickets", TICKETS), ("fallback_keys", FALLBACK),
                       ("next_tickets", TICKETS)):
        if fields[name] is not None:
            found = sets.open(kind, _sized(fields[name], name, _HASH))
            if found is None:
                raise _bad("its %s are not in flash, or damaged there" % name)
            kept[name] = found
    return kept


def _spec(parts: "Any") -> Spec:
    if not isinstance(parts, list) or len(parts) != 7:
        raise _bad("spec is not a list of 7")
    name = _text(parts[0], "spec name")
    numbers = [
        _number(parts[1], "spec: validators", 1, MAX_VALIDATORS),
        _number(parts[2], "spec: epoch length", 2, MAX_EPOCH_LENGTH),
        _number(parts[3], "spec: end of ticket submission", 1, MAX_EPOCH_LENGTH - 1),
        _number(parts[4], "spec: cores", 0, 0xFFFF),
        _number(parts[5], "spec: attempts", 1, 256),
        _number(parts[6], "spec: slot seconds", 1, 0xFFFF),
    ]
    if numbers[2] >= numbers[1]:
        raise _bad("spec: ticket submission ends at slot %d, after its epoch of %d" % (numbers[2], numbers[1]))
    known = by_name(name)
    spec = Spec(name, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
    if known is None:
        return spec
    if (known.validators, known.epoch_length, known.tickets_end, known.cores, known.attempts,
            known.slot_seconds) != tuple(numbers):
        raise _bad("spec %s has other numbers than this release's" % name)
    return known


def _number(value: "Any", name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _bad("%s is no number from %d to %d" % (name, low, high))
    return value


def _text(value: "Any", name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_NAME:
        raise _bad("%s is no text of 1 to %d characters" % (name, _MAX_NAME))
    return value


def _sized(value: "Any", name: str, size: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != size:
        raise _bad("%s is not %d bytes" % (name, size))
    return value


def _part(fields: "dict[str, Any]", name: str, size: int, kept: "dict[str, Set] | None") -> "Kept":
    if kept is None:
        return _sized(fields[name], name, size)
    if name not in kept or kept[name].size != size:
        raise _bad("%s is not %d bytes" % (name, size))
    return kept[name]


def _optional(fields: "dict[str, Any]", name: str, size: int, kept: "dict[str, Set] | None") -> "Kept | None":
    return None if fields[name] is None else _part(fields, name, size, kept)


def _attempts(tickets: "bytes | None", name: str, spec: Spec) -> None:
    if tickets is None:
        return
    for place in range(spec.epoch_length):
        attempt = tickets[place * _TICKET + _HASH]
        if attempt >= spec.attempts:
            raise _bad("%s: ticket %d has attempt %d, allowed are 0 to %d"
                       % (name, place, attempt, spec.attempts - 1))

"""Where a warp stands between two fragments, and how that is kept: what was proved is not asked for again.

Encoded as one CBOR list: ["jamliquor-warp", 1, map of the fields]. It is 131 KB at full spec, and lies in the two slots
of chain/twoslot.py, which see damage. It is no checkpoint: the tickets of its epoch are not known.
"""

from ..chain.sets import held
from ..codec import cbor
from ..const import const
from ..errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..chain.checkpoint import Checkpoint
    from ..chain.sets import Kept, Set
    from ..codec.spec import Spec

    Buffer = bytes | bytearray | memoryview

_MAGIC = "jamliquor-warp"
_VERSION = const(1)
_HASH = const(32)
_SIGNATURE = const(96)
_KEY_PAIR = const(64)
_MAX_SET_ID = 0xFFFFFFFF
_FIELDS = ("genesis", "origin", "set_id", "header", "slot", "keys", "next_keys", "entropy", "state_root", "parent",
           "author", "seal", "entropy_signature", "fragments")


class Progress:
    """A trusted block and who votes on what comes after it.

    `keys` vote as set `set_id` on the blocks after `header_hash` of `slot`, up to the one that ends the set, and after
    them `next_keys`: V x (Bandersnatch 32, Ed25519 32) each. `entropy` is [eta_1, eta_2, eta_3] of the block's epoch.
    `origin` is the hash of the block that the user trusted. From the first fragment on the block is a set-change
    block: `parent`, `state_root` (after it, as voted), `author`, `seal` and `entropy_signature` are its own.
    """

    def __init__(self, genesis_hash: bytes, origin: bytes, set_id: int, header_hash: bytes, slot: int, keys: "Kept",
                 next_keys: "Kept", entropy: "list[bytes]", state_root: bytes = b"", parent: bytes = b"",
                 author: int = 0, seal: bytes = b"", entropy_signature: bytes = b"", fragments: int = 0) -> None:
        self.genesis_hash = genesis_hash
        self.origin = origin
        self.set_id = set_id
        self.header_hash = header_hash
        self.slot = slot
        self.keys: "Set" = held(keys)  # type: ignore[assignment]
        self.next_keys: "Set" = held(next_keys)  # type: ignore[assignment]
        self.entropy = entropy
        self.state_root = state_root
        self.parent = parent
        self.author = author
        self.seal = seal
        self.entropy_signature = entropy_signature
        self.fragments = fragments

    @classmethod
    def start(cls, checkpoint: "Checkpoint") -> "Progress":
        """Before the first fragment."""
        return cls(checkpoint.genesis_hash, checkpoint.header_hash, checkpoint.grandpa_set_id, checkpoint.header_hash,
                   checkpoint.slot, checkpoint.keys, checkpoint.next_keys, list(checkpoint.entropy[1:]))

    def encode(self) -> bytes:
        """What `decode` reads."""
        return cbor.dumps([_MAGIC, _VERSION, {
            "genesis": self.genesis_hash,
            "origin": self.origin,
            "set_id": self.set_id,
            "header": self.header_hash,
            "slot": self.slot,
            "keys": self.keys.whole(),
            "next_keys": self.next_keys.whole(),
            "entropy": self.entropy,
            "state_root": self.state_root,
            "parent": self.parent,
            "author": self.author,
            "seal": self.seal,
            "entropy_signature": self.entropy_signature,
            "fragments": self.fragments,
        }])

    @classmethod
    def decode(cls, buf: "Buffer", spec: "Spec") -> "Progress":
        """What was kept after a fragment of a chain of this spec; VerifyError("progress") says what is wrong."""
        try:
            outer = cbor.loads(buf, 4)
        except VerifyError as error:
            raise _bad("it is not CBOR: %s" % error)
        if not isinstance(outer, list) or len(outer) != 3 or outer[0] != _MAGIC or outer[1] != _VERSION:
            raise _bad("it is no progress of this release")
        fields = outer[2]
        if not isinstance(fields, dict) or set(fields) != set(_FIELDS):
            raise _bad("it has not the fields of version %d" % _VERSION)
        entropy = fields["entropy"]
        if not isinstance(entropy, list) or len(entropy) != 3:
            raise _bad("entropy is not a list of 3")
        for part in entropy:
            _sized(part, "entropy", _HASH)
        keys = spec.validators * _KEY_PAIR
        return cls(
            _sized(fields["genesis"], "genesis", _HASH), _sized(fields["origin"], "origin", _HASH),
            _number(fields["set_id"], "set_id", 1, _MAX_SET_ID), _sized(fields["header"], "header", _HASH),
            _number(fields["slot"], "slot", 0, 0xFFFFFFFF), _sized(fields["keys"], "keys", keys),
            _sized(fields["next_keys"], "next_keys", keys), entropy,
            _sized(fields["state_root"], "state_root", _HASH), _sized(fields["parent"], "parent", _HASH),
            _number(fields["author"], "author", 0, 0xFFFF), _sized(fields["seal"], "seal", _SIGNATURE),
            _sized(fields["entropy_signature"], "entropy_signature", _SIGNATURE),
            _number(fields["fragments"], "fragments", 1, _MAX_SET_ID))


def _bad(what: str) -> VerifyError:
    return VerifyError("progress", "warp progress: " + what)


def _sized(value: "Any", name: str, size: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != size:
        raise _bad("%s is not %d bytes" % (name, size))
    return value


def _number(value: "Any", name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _bad("%s is no number from %d to %d" % (name, low, high))
    return value

"""What a checkpoint comes down to: a few bytes that a person can carry from one board to another and sign.

    genesis hash 32 | header hash 32 | slot u32 | GRANDPA set id u32 | digest 32             the statement, 104 bytes

The header hash says which block. The digest says what a node must believe after that block, and is the same whoever
computes it, from a state or by following headers. It is the BLAKE2b-256 of

    "jamliquor_checkpoint_1" | genesis hash 32 | header hash 32 | slot u32
    | V u32 | E u32 | Y u32 | N u32 | P u32                   validators, slots of an epoch, of the contest; attempts; s
    | eta_0 … eta_3, 32 each | H(kappa) | H(gamma_k)          H: BLAKE2b-256 of the set as a checkpoint has it
    | mode u8 | H(who seals this epoch)                       0: its tickets, E x 33; 1: fallback keys, E x 32
    | H(tickets of the next epoch) or 32 zeros

Fallback keys that a checkpoint leaves to be computed are computed for it. The set id is not covered, for a node that
starts from a state cannot know it; nor are the finality format and the clock, which the chainspec names. Numbers are
little-endian. A signature is Ed25519 over "jamliquor_trust_1" ++ statement, which has the full genesis hash.

Trust string, as `--checkpoint` takes it and a QR code shows it (capitals, or not):

    "JLC1:" ++ base 32 of (statement ++ [key 32 ++ signature 64] ++ first 4 bytes of BLAKE2b-256 of all before)

Signed file: a checkpoint of version 1 (checkpoint.py), then for each signer, of at most 8,

    "JLSG" | key 32 | signature 64                            over the same message as in a string
"""

from ..codec import base32
from ..const import const
from ..crypto.suite import Blake2b256, blake2b_256, ed25519_public, ed25519_sign, ed25519_verify
from ..errors import VerifyError
from .checkpoint import Checkpoint
from .epoch import Epoch
from .tree import NONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .light import LightChain

    Buffer = bytes | bytearray | memoryview

PREFIX = "JLC1:"
STATEMENT_BYTES = const(104)
_DIGEST_DOMAIN = b"jamliquor_checkpoint_1"
_SIGNED_DOMAIN = b"jamliquor_trust_1"
_TRAILER = b"JLSG"
_TRAILER_BYTES = const(100)
MAX_SIGNERS = const(8)  # of one file: each costs a verification
_HASH = const(32)
_SIGNATURE = const(64)
_SUM = const(4)


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def digest_of(checkpoint: "Checkpoint") -> bytes:
    """What a node that starts there believes, in 32 bytes."""
    spec = checkpoint.spec
    keys, next_keys, tickets, _, next_tickets = checkpoint.sets()
    assert keys is not None and next_keys is not None
    state = Blake2b256()
    state.update(_DIGEST_DOMAIN)
    state.update(checkpoint.genesis_hash)
    state.update(checkpoint.header_hash)
    for number in (checkpoint.slot, spec.validators, spec.epoch_length, spec.tickets_end, spec.attempts,
                   spec.slot_seconds):
        state.update(_u32(number))
    for part in checkpoint.entropy:
        state.update(part)
    state.update(keys.digest())
    state.update(next_keys.digest())
    state.update(b"\1" if tickets is None else b"\0")
    state.update(_fallback_digest(checkpoint) if tickets is None else tickets.digest())
    state.update(bytes(_HASH) if next_tickets is None else next_tickets.digest())
    return bytes(state.digest())


def _fallback_digest(checkpoint: "Checkpoint") -> bytes:
    spec = checkpoint.spec
    epoch = Epoch(spec, spec.epoch(checkpoint.slot), list(checkpoint.entropy[1:]), checkpoint.keys,
                  checkpoint.next_keys, None, checkpoint.fallback_keys)
    key, draw = bytearray(_HASH), bytearray(_HASH + 4)
    state = Blake2b256()
    for phase in range(spec.epoch_length):
        epoch.fallback_into(phase, key, draw)
        state.update(key)
    return bytes(state.digest())


class Trust:
    """A statement, and who signed it: `key` and `signature` are b"" where nobody did."""

    def __init__(self, genesis_hash: bytes, header_hash: bytes, slot: int, set_id: int, digest: bytes,
                 key: bytes = b"", signature: bytes = b"") -> None:
        self.genesis_hash = genesis_hash
        self.header_hash = header_hash
        self.slot = slot
        self.set_id = set_id
        self.digest = digest
        self.key = key
        self.signature = signature

    @classmethod
    def of(cls, checkpoint: "Checkpoint") -> "Trust":
        """What this checkpoint comes down to, unsigned."""
        return cls(checkpoint.genesis_hash, checkpoint.header_hash, checkpoint.slot,
                   checkpoint.grandpa_set_id, digest_of(checkpoint))

    @classmethod
    def parse(cls, text: str) -> "Trust":
        """The statement of a trust string. VerifyError("trust") for what is none; "signature" where it has one that is
        wrong."""
        text = text.strip()
        if not is_string(text):
            raise VerifyError("trust", "a trust string begins with %s" % PREFIX)
        try:
            data = base32.decode(text[len(PREFIX) :])
        except VerifyError as error:
            raise VerifyError("trust", "trust string: %s" % error)
        size = len(data) - _SUM
        if size not in (STATEMENT_BYTES, STATEMENT_BYTES + _HASH + _SIGNATURE):
            raise VerifyError("trust", "trust string: %d characters are not all of one" % len(text))
        if blake2b_256(data[:size])[:_SUM] != data[size:]:
            raise VerifyError("trust", "trust string: its checksum does not match: a letter is wrong")
        key_at = STATEMENT_BYTES
        found = cls(data[:32], data[32:64], int.from_bytes(data[64:68], "little"),
                    int.from_bytes(data[68:72], "little"), data[72:key_at],
                    data[key_at : key_at + _HASH] if size > key_at else b"",
                    data[key_at + _HASH : size] if size > key_at else b"")
        if found.key:
            found.check(found.key, found.signature)
        return found

    @property
    def statement(self) -> bytes:
        """The 104 bytes."""
        return self.genesis_hash + self.header_hash + _u32(self.slot) + _u32(self.set_id) + self.digest

    def text(self) -> str:
        """The trust string."""
        data = self.statement + self.key + self.signature
        return PREFIX + base32.encode(data + blake2b_256(data)[:_SUM])

    def sign(self, seed: "Buffer") -> None:
        """Have it signed by the key of this seed."""
        self.key = bytes(ed25519_public(seed))
        self.signature = bytes(ed25519_sign(seed, _SIGNED_DOMAIN + self.statement))

    def check(self, key: bytes, signature: bytes) -> None:
        """VerifyError("signature") unless the holder of `key` signed this."""
        if not ed25519_verify(key, signature, _SIGNED_DOMAIN + self.statement):
            raise VerifyError("signature", "the signature by %s… is not over this checkpoint" % key.hex()[:16])

    def agrees(self, other: "Trust") -> str:
        """In what another statement differs, or ""; the set id is not asked."""
        if self.genesis_hash != other.genesis_hash:
            return "it is of another chain (genesis %s…)" % other.genesis_hash.hex()[:8]
        if self.header_hash != other.header_hash or self.slot != other.slot:
            return "it is of another block (slot %d, %s…)" % (other.slot, other.header_hash.hex()[:16])
        return "" if self.digest == other.digest else "it has another content than was said of that block"


def is_string(text: str) -> bool:
    """Whether a text means to be a trust string."""
    return text.strip()[: len(PREFIX)].upper() == PREFIX


def split_file(data: bytes) -> "tuple[bytes, list[tuple[bytes, bytes]]]":
    """The checkpoint of a file, and (key, signature) of those who signed it, as they stand there; nothing is checked
    but how many. VerifyError("signature")."""
    found: "list[tuple[bytes, bytes]]" = []
    end = len(data)
    while end > _TRAILER_BYTES:
        at = end - _TRAILER_BYTES + len(_TRAILER)
        if data[end - _TRAILER_BYTES : at] != _TRAILER:
            break
        found.insert(0, (data[at : at + _HASH], data[at + _HASH : end]))
        end -= _TRAILER_BYTES
        if len(found) > MAX_SIGNERS:
            raise VerifyError("signature", "more than %d signatures" % MAX_SIGNERS)
    return data[:end], found


def trailer(key: bytes, signature: bytes) -> bytes:
    """What a signer appends to a file."""
    return _TRAILER + key + signature


def checkpoint_at(chain: "LightChain", row: int) -> "Checkpoint":
    """What a node would have to believe to go on from this header of the tree, as far as ours believes it."""
    tree, epoch = chain.tree, chain.levels.epoch(row)
    mark = tree.marks[row]
    return Checkpoint(
        genesis_hash=chain.genesis_hash, spec=chain.spec, header_hash=tree.hash(row), slot=tree.slots[row],
        entropy=[tree.entropy(row)] + epoch.entropy, keys=epoch.keys, next_keys=epoch.next_keys,
        tickets=epoch.tickets, fallback_keys=epoch.fallback_keys,
        next_tickets=None if mark == NONE else chain.marks[mark],
        grandpa_set_id=epoch.set_id, grandpa_format=chain.grandpa_format,
        clock_chain=chain.clock_chain,
    )


def openings(chain: "LightChain", most: int) -> "list[int]":
    """Rows of the headers that opened the newest epochs, the newest first, of those that are vouched for.

    Whoever is a few blocks ahead or behind on the same chain finds the same headers."""
    tree = chain.tree
    found: "list[int]" = []
    row = chain.best_vouched()
    while row != tree.root and len(found) < most:
        above = tree.parents[row]
        if tree.epochs[row] != tree.epochs[above]:
            found.append(row)
        row = above
    return found

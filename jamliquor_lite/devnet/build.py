"""Encodes headers and blocks (GP 0.7.2, appendix C.2). The reverse of chain/header.py, for those who author."""

from ..codec import natural
from ..crypto.suite import blake2b_256

TICKET_PROOF_SIZE = 784
UNSIGNED = bytes(96)  # both signatures of a genesis header
NO_AUTHOR = 0xFFFF


def variable(items: "list[bytes]") -> bytes:
    """A sequence of encoded items with its length in front."""
    return natural.encode(len(items)) + b"".join(items)


def blob(data: bytes) -> bytes:
    """Bytes with their length in front."""
    return natural.encode(len(data)) + data


def encode_epoch_mark(entropy: bytes, tickets_entropy: bytes, pairs: bytes) -> bytes:
    """eta_0, eta_1 and the V x 64 bytes of the next keys."""
    return entropy + tickets_entropy + pairs


def encode_unsigned(
    parent: bytes,
    prior_state_root: bytes,
    extrinsic_hash: bytes,
    slot: int,
    epoch_mark: "bytes | None",
    tickets_mark: "bytes | None",
    author: int,
    entropy_signature: bytes,
    offenders: "list[bytes]",
) -> bytes:
    """The header without its seal: what the seal signs. Marks are given encoded, offenders are Ed25519 keys."""
    return b"".join((
        parent,
        prior_state_root,
        extrinsic_hash,
        slot.to_bytes(4, "little"),
        b"\0" if epoch_mark is None else b"\1" + epoch_mark,
        b"\0" if tickets_mark is None else b"\1" + tickets_mark,
        author.to_bytes(2, "little"),
        entropy_signature,
        variable(offenders),
    ))


def encode_header(
    parent: bytes,
    prior_state_root: bytes,
    extrinsic_hash: bytes,
    slot: int,
    author: int,
    entropy_signature: bytes = UNSIGNED,
    seal: bytes = UNSIGNED,
    epoch_mark: "bytes | None" = None,
    tickets_mark: "bytes | None" = None,
    offenders: "list[bytes] | None" = None,
) -> bytes:
    """A whole header."""
    return encode_unsigned(parent, prior_state_root, extrinsic_hash, slot, epoch_mark, tickets_mark, author,
                           entropy_signature, offenders or []) + seal


class Body:
    """The extrinsic of a block. Each part is a list of encoded items; `guarantees` is always empty here: no devnet
    core refines work, and no light client looks at a work report."""

    def __init__(self) -> None:
        self.tickets: list[bytes] = []  # attempt 1, ring proof 784
        self.preimages: list[bytes] = []  # service 4, data with its length
        self.assurances: list[bytes] = []  # anchor 32, bits, validator 2, signature 64
        self.verdicts: list[bytes] = []
        self.culprits: list[bytes] = []
        self.faults: list[bytes] = []

    def parts(self) -> "tuple[bytes, bytes, bytes, bytes, bytes]":
        """The five encoded parts in the order of a block: tickets, preimages, guarantees, assurances, disputes."""
        return (variable(self.tickets), variable(self.preimages), variable([]), variable(self.assurances),
                variable(self.verdicts) + variable(self.culprits) + variable(self.faults))

    def encode(self) -> bytes:
        """What follows the header in a block."""
        return b"".join(self.parts())

    def hash(self) -> bytes:
        """H_x of GP 0.7.2 (5.4). The guarantees part is hashed in a form of its own, which is the same when empty."""
        return blake2b_256(b"".join(blake2b_256(part) for part in self.parts()))

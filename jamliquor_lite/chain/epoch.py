"""What an epoch's headers are checked against, and how one epoch makes the next (GP 0.7.2, section 6).

An epoch mark in the first block of epoch e names the keys that become active in epoch e + 1. A tickets mark in
epoch e names the tickets that seal epoch e + 1. Both are claims of one author: `keys_from` and `tickets_from`
remember which header made them, and until that header is vouched for (levels.py) the epoch is pending.

Two readings of "the set of epoch e" exist. The Gray Paper's (6.13): the mark of epoch e becomes gamma_k at once and
kappa at the next change; so the voters of e + 1 are the keys which the mark of e named. Finality's draft (jam-np
pull request 6) can be read as naming the voters of e itself. Headers follow the first, and so does this file.
tests/chain/test_epoch.py holds both readings against a chain of our own whose sets change and a published vector:
there the second one fails. The chains recorded of other implementations keep one set throughout, and allow both.
"""

from ..const import const
from ..crypto.suite import blake2b_256
from ..errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec
    from .header import Header

_PAIR = const(64)
_KEY = const(32)
_TICKET = const(33)
TRUSTED = -1  # in keys_from and tickets_from: came with the checkpoint, or its header has been vouched for


class Epoch:
    """The fixed part of one epoch on one branch.

    `entropy` is [eta_1, eta_2, eta_3] of 32 bytes; eta_0 moves with every block and lives in the tree.
    `keys` and `next_keys` are V x 64 bytes (kappa, gamma_k); `tickets` is E x 33 bytes or None for fallback;
    `fallback_keys` is E x 32 bytes where a genesis state lists them, else None and they are computed.
    """

    def __init__(self, spec: "Spec", index: int, entropy: "list[bytes]", keys: bytes, next_keys: bytes,
                 tickets: "bytes | None", fallback_keys: "bytes | None" = None) -> None:
        self.spec = spec
        self.index = index
        self.entropy = entropy
        self.keys = keys
        self.next_keys = next_keys
        self.tickets = tickets
        self.fallback_keys = fallback_keys
        self.first = TRUSTED  # node of the header whose mark named next_keys
        self.keys_from = TRUSTED
        self.tickets_from = TRUSTED

    @property
    def pending(self) -> bool:
        """Whether `keys` or `tickets` still rest on the word of one author."""
        return self.keys_from != TRUSTED or self.tickets_from != TRUSTED

    def key(self, author: int) -> bytes:
        """Bandersnatch key of a validator, 32 bytes; all zero for one that was struck out as an offender."""
        at = author * _PAIR
        return self.keys[at : at + _KEY]

    def index_of(self, key: bytes) -> int:
        """The first validator with this Bandersnatch key, or -1."""
        keys = self.keys
        at = keys.find(key)
        while at >= 0 and at % _PAIR:  # a match across two fields is chance
            at = keys.find(key, at + 1)
        return at // _PAIR

    def ticket_id(self, phase: int) -> bytes:
        at = phase * _TICKET
        return self.tickets[at : at + _KEY]  # type: ignore[index]

    def ticket_attempt(self, phase: int) -> int:
        return self.tickets[phase * _TICKET + _KEY]  # type: ignore[index]

    def fallback_key(self, phase: int) -> bytes:
        """Who seals slot `phase` in fallback mode: F(eta_2, kappa) of GP 0.7.2 (6.26)."""
        if self.fallback_keys is not None:
            return self.fallback_keys[phase * _KEY : phase * _KEY + _KEY]
        digest = blake2b_256(self.entropy[1] + phase.to_bytes(4, "little"))
        return self.key(int.from_bytes(digest[:4], "little") % self.spec.validators)


def check_marks(header: "Header", parent_slot: int, epoch: "Epoch", parent_entropy: bytes) -> None:
    """Check where marks stand and what of them a header chain determines. Raises VerifyError.

    `parent_entropy` is eta_0 after the parent. Rules: epoch_mark, mark_entropy, tickets_mark, tickets_order.
    """
    spec = header.spec
    new_epoch = spec.epoch(header.slot) > spec.epoch(parent_slot)
    if header.epoch_mark != new_epoch:
        raise VerifyError("epoch_mark", "header of slot %d %s an epoch mark" % (
            header.slot, "lacks" if new_epoch else "must not have"))
    if new_epoch and (header.mark_entropy != parent_entropy or header.mark_tickets_entropy != epoch.entropy[0]):
        raise VerifyError("mark_entropy", "epoch mark of slot %d has an entropy that is not ours" % header.slot)
    if not header.tickets_mark:
        return
    if new_epoch or not (spec.phase(parent_slot) < spec.tickets_end <= spec.phase(header.slot)):
        raise VerifyError("tickets_mark", "header of slot %d must not have a tickets mark" % header.slot)
    _check_ticket_order(header.tickets, spec)


def _check_ticket_order(tickets: bytes, spec: "Spec") -> None:
    # Z of GP 0.7.2 (6.25) takes the sorted tickets outside-in: first, last, second, last but one. Undo it on
    # the fly: even places ascend from the lowest id, odd places descend from the highest.
    count = spec.epoch_length
    previous = b""
    for rank in range(count):
        place = 2 * rank if 2 * rank < count else 2 * (count - 1 - rank) + 1
        at = place * _TICKET
        ticket = tickets[at : at + _KEY]
        if ticket <= previous:
            raise VerifyError("tickets_order", "tickets mark is not in outside-in order at place %d" % place)
        if tickets[at + _KEY] >= spec.attempts:
            raise VerifyError("tickets_order", "ticket at place %d has attempt %d, allowed are 0 to %d" % (
                place, tickets[at + _KEY], spec.attempts - 1))
        previous = ticket


def following(epoch: "Epoch", header: "Header", parent_slot: int, parent_entropy: bytes,
              next_tickets: "bytes | None") -> "Epoch":
    """The epoch that `header`, the first of its epoch, opens after a parent in `epoch`.

    `next_tickets` is the tickets mark in force at the parent, or None. Where the tickets cannot be used (a whole
    epoch was skipped, or none were marked) the epoch falls back to keys (GP 0.7.2, 6.24). The caller sets
    `first`, `keys_from` and `tickets_from`.
    """
    spec = header.spec
    usable = spec.epoch(header.slot) == spec.epoch(parent_slot) + 1
    entropy = [parent_entropy, epoch.entropy[0], epoch.entropy[1]]
    return Epoch(spec, spec.epoch(header.slot), entropy, epoch.next_keys, header.mark_keys,
                 next_tickets if usable else None)

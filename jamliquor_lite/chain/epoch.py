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
from .sets import held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec
    from .header import Header
    from .sets import Kept, Set

_PAIR = const(64)
_KEY = const(32)
_TICKET = const(33)
TRUSTED = -1  # in keys_from and tickets_from: came with the checkpoint, or its header has been vouched for


class Epoch:
    """The fixed part of one epoch on one branch.

    `entropy` is [eta_1, eta_2, eta_3] of 32 bytes; eta_0 moves with every block and lives in the tree. The rest are
    sets (sets.py): `keys` and `next_keys` of V x 64 bytes (kappa, gamma_k); `tickets` of E x 33 bytes or None for
    fallback; `fallback_keys` of E x 32 bytes where a genesis state lists them, else None and they are computed.
    """

    keys: "Set"
    next_keys: "Set"
    tickets: "Set | None"
    fallback_keys: "Set | None"

    def __init__(self, spec: "Spec", index: int, entropy: "list[bytes]", keys: "Kept", next_keys: "Kept",
                 tickets: "Kept | None", fallback_keys: "Kept | None" = None) -> None:
        self.spec = spec
        self.index = index
        self.entropy = entropy
        self.keys = held(keys)  # type: ignore[assignment]
        self.next_keys = held(next_keys)  # type: ignore[assignment]
        self.tickets = held(tickets)
        self.fallback_keys = held(fallback_keys)
        self.first = TRUSTED  # node of the header whose mark named next_keys
        self.keys_from = TRUSTED
        self.tickets_from = TRUSTED

    @property
    def pending(self) -> bool:
        """Whether `keys` or `tickets` still rest on the word of one author."""
        return self.keys_from != TRUSTED or self.tickets_from != TRUSTED

    def key(self, author: int) -> bytes:
        """Bandersnatch key of a validator, 32 bytes; all zero for one that was struck out as an offender."""
        return self.keys.take(author * _PAIR, _KEY)

    def index_of(self, key: bytes) -> int:
        """The first validator with this Bandersnatch key, or -1."""
        return self.keys.find(key, _PAIR)

    def ticket_id(self, phase: int) -> bytes:
        assert self.tickets is not None
        return self.tickets.take(phase * _TICKET, _KEY)

    def ticket_attempt(self, phase: int) -> int:
        assert self.tickets is not None
        return self.tickets.take(phase * _TICKET + _KEY, 1)[0]

    def fallback_key(self, phase: int) -> bytes:
        """Who seals slot `phase` in fallback mode: F(eta_2, kappa) of GP 0.7.2 (6.26)."""
        if self.fallback_keys is not None:
            return self.fallback_keys.take(phase * _KEY, _KEY)
        digest = blake2b_256(self.entropy[1] + phase.to_bytes(4, "little"))
        return self.key(int.from_bytes(digest[:4], "little") % self.spec.validators)


def check_marks(header: "Header", parent_slot: int, epoch: "Epoch", parent_entropy: bytes) -> None:
    """Check where marks stand and what of them a header chain determines. Raises VerifyError.

    `parent_entropy` is eta_0 after the parent. Rules: epoch_mark, mark_entropy, tickets_mark, tickets_order.
    """
    check_places(header, parent_slot, epoch, parent_entropy)
    if header.tickets_mark:
        _check_ticket_order(header.marked_tickets(), header.spec)


def check_places(header: "Header", parent_slot: int, epoch: "Epoch", parent_entropy: bytes) -> None:
    """What of `check_marks` the first 166 bytes of a header allow: all but the order of the tickets."""
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


def _check_ticket_order(tickets: "Set", spec: "Spec") -> None:
    # Z of GP 0.7.2 (6.25) takes the sorted tickets outside-in: first, last, second, last but one. Undo it on
    # the fly: even places ascend from the lowest id, odd places descend from the highest.
    count = spec.epoch_length
    previous = b""
    for rank in range(count):
        place = 2 * rank if 2 * rank < count else 2 * (count - 1 - rank) + 1
        ticket = tickets.take(place * _TICKET, _TICKET)
        if ticket[:_KEY] <= previous:
            raise VerifyError("tickets_order", "tickets mark is not in outside-in order at place %d" % place)
        if ticket[_KEY] >= spec.attempts:
            raise VerifyError("tickets_order", "ticket at place %d has attempt %d, allowed are 0 to %d" % (
                place, ticket[_KEY], spec.attempts - 1))
        previous = ticket[:_KEY]


def following(epoch: "Epoch", header: "Header", parent_slot: int, parent_entropy: bytes,
              next_tickets: "Kept | None") -> "Epoch":
    """The epoch that `header`, the first of its epoch, opens after a parent in `epoch`.

    `next_tickets` is the tickets mark in force at the parent, or None. Where the tickets cannot be used (a whole
    epoch was skipped, or none were marked) the epoch falls back to keys (GP 0.7.2, 6.24). The caller sets
    `first`, `keys_from` and `tickets_from`.
    """
    spec = header.spec
    usable = spec.epoch(header.slot) == spec.epoch(parent_slot) + 1
    entropy = [parent_entropy, epoch.entropy[0], epoch.entropy[1]]
    return Epoch(spec, spec.epoch(header.slot), entropy, epoch.next_keys, header.marked_keys(),
                 next_tickets if usable else None)

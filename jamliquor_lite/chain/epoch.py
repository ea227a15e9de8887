"""What an epoch's headers are checked against, and how one epoch makes the next (GP 0.7.2, section 6).

An epoch mark in the first block of epoch e names the keys that become active in epoch e + 1. A tickets mark in
epoch e names the tickets that seal epoch e + 1. Both are claims of one author: `keys_from` and `tickets_from`
remember which header made them, and until that header is vouched for (levels.py) the epoch is pending.

Two readings of "the set of epoch e" exist. The Gray Paper's (6.13): the mark of epoch e becomes gamma_k at once and
kappa at the next change; so the voters of e + 1 are the keys which the mark of e named. Finality's draft (jam-np
pull request 6) can be read as naming the voters of e itself. Headers follow the first, and so does this file.
tests/chain/test_epoch.py holds both readings against a chain of our own whose sets change and a published vector:
there the second one fails. The chains recorded of other implementations keep one set throughout, and allow both.

The voters of finality follow. The draft says "GRANDPA voter sets match validator sets", that the set id grows by one
"after each set change block is finalized", and that such a block is the first of an epoch. So that block itself is
voted for by the keys and the id of the epoch before it, and all others by those of their own epoch (finality.py). A
skipped epoch has no such block and no id. By the second reading the keys that the mark of e names would vote from
that mark on: an epoch before they author. tests/chain/test_finality.py holds both against a chain whose sets change.
"""

from ..const import const
from ..crypto.suite import blake2b_into
from ..errors import VerifyError
from ..ports.memory import copy
from .sets import held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec
    from .header import Header
    from .sets import Kept, Set

_PAIR = const(64)
_KEY = const(32)
_HASH = const(32)
_TICKET = const(33)
UNKNOWN_SET = 0xFFFFFFFF  # a set id: which one it is has not been learned (a state does not say)
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
        self.set_id = UNKNOWN_SET  # of `keys`, where they vote for finality
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

    def key_into(self, author: int, out: bytearray) -> None:
        """Bandersnatch key of a validator, 32 bytes; all zero for one that was struck out as an offender."""
        self.keys.read_into(author * _PAIR, out, 0, _KEY)

    def index_of(self, key: "bytes | bytearray") -> int:
        """The first validator with this Bandersnatch key, or -1."""
        return self.keys.find(key, _PAIR)

    def ticket_into(self, phase: int, out: bytearray) -> None:
        """The ticket of slot `phase`: id 32, attempt 1."""
        assert self.tickets is not None
        self.tickets.read_into(phase * _TICKET, out, 0, _TICKET)

    def fallback_into(self, phase: int, out: bytearray, draw: bytearray) -> None:
        """The key of who seals slot `phase` in fallback mode: F(eta_2, kappa) of GP 0.7.2 (6.26). `draw` is lent: 36
        bytes or more."""
        if self.fallback_keys is not None:
            self.fallback_keys.read_into(phase * _KEY, out, 0, _KEY)
            return
        copy(draw, 0, self.entropy[1], 0, _HASH)
        for i in range(4):
            draw[_HASH + i] = phase >> 8 * i & 0xFF
        blake2b_into(out, draw, 0, _HASH + 4)
        # Of the number in the first four bytes the half above first: as a whole it may be one that takes heap.
        count = self.spec.validators
        high = (out[2] | out[3] << 8) % count
        self.key_into((high << 16 | out[0] | out[1] << 8) % count, out)


def check_marks(header: "Header", parent_slot: int, epoch: "Epoch", parent_entropy: "bytes | bytearray") -> None:
    """Check where marks stand and what of them a header chain determines. Raises VerifyError.

    `parent_entropy` is eta_0 after the parent. Rules: epoch_mark, mark_entropy, tickets_mark, tickets_order.
    """
    check_places(header, parent_slot, epoch, parent_entropy)
    if header.tickets_mark:
        _check_ticket_order(header.marked_tickets(), header.spec)


def check_places(header: "Header", parent_slot: int, epoch: "Epoch", parent_entropy: "bytes | bytearray") -> None:
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
    ticket, previous = bytearray(_TICKET), bytearray(_TICKET)
    for rank in range(count):
        place = 2 * rank if 2 * rank < count else 2 * (count - 1 - rank) + 1
        tickets.read_into(place * _TICKET, ticket, 0, _TICKET)
        attempt = ticket[_KEY]
        ticket[_KEY] = 0  # of two tickets their ids are compared
        if rank and ticket <= previous:
            raise VerifyError("tickets_order", "tickets mark is not in outside-in order at place %d" % place)
        if attempt >= spec.attempts:
            raise VerifyError("tickets_order", "ticket at place %d has attempt %d, allowed are 0 to %d" % (
                place, attempt, spec.attempts - 1))
        ticket, previous = previous, ticket


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
    opened = Epoch(spec, spec.epoch(header.slot), entropy, epoch.next_keys, header.marked_keys(),
                   next_tickets if usable else None)
    if epoch.set_id != UNKNOWN_SET:
        opened.set_id = epoch.set_id + 1
    return opened

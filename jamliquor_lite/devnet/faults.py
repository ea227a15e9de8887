"""Faults on demand: each is what one dishonest author does in a block that he otherwise seals with his own key.

`DevChain.author(slot, parent, fault)` makes such a block. Marks have their place: a fault of a mark raises LocalError
where the header may not have that mark; `commit` waits for the place.
"""

from ..chain import state_key
from ..crypto.bandersnatch import ORDER
from ..crypto.suite import blake2b_256
from ..errors import LocalError
from .build import encode_epoch_mark
from .keys import ValidatorSet
from .safrole import Ticket, fallback_places, outside_in, ticket_input
from .service import SERVICE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..chain.trie import Trie
    from .author import DevChain, Draft, Seat
    from .blocks import Block
    from .state import State

ANYWHERE, EPOCH_MARK, TICKETS_MARK = range(3)  # where a fault is at home


class Fault:
    """No fault. A subclass overrides what it needs."""

    name = "none"
    place = ANYWHERE
    interval = 4  # slots from one to the next, where `commit` may choose
    beside = False  # the author seals his honest block of the slot, too
    _epoch = -1  # of the last mark that was forged: once is enough, and honest authors need a turn

    def seat(self, chain: "DevChain", state: "State") -> "Seat | None":
        """Who seals the block, None for nobody. `state` has entered the slot's epoch."""
        return chain.seat(state)

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        """Change a finished draft before it is sealed."""

    def spoil(self, header: bytes) -> bytes:
        """Change the sealed header."""
        return header

    def commit(self, chain: "DevChain", slot: int) -> "Block | None":
        """Author with this fault on the best block where slot `slot` is a place for it; else None."""
        spec, before = chain.spec, chain.best.slot
        first = spec.epoch(slot) > spec.epoch(before)
        closing = not first and spec.phase(before) < spec.tickets_end <= spec.phase(slot)
        home = (slot % self.interval == 0, first, closing)[self.place]
        if not home or (self.place != ANYWHERE and spec.epoch(slot) == self._epoch):
            return None
        block = chain.author(slot, fault=self)
        if block is not None:
            self._epoch = spec.epoch(slot)
        return block


class ForgedEpochMark(Fault):
    """The epoch mark names keys that the author made up; he can seal under them one epoch later."""

    name = "forged-epoch-mark"
    place = EPOCH_MARK

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        entropy, tickets_entropy = _mark_entropies(draft)
        draft.state.next = ValidatorSet(tuple(chain.attackers[i] for i in range(chain.attackers.size)))
        draft.epoch_mark = encode_epoch_mark(entropy, tickets_entropy, draft.state.next.pairs)


class WrongEntropyInMark(Fault):
    """The epoch mark has another eta_0 than the chain."""

    name = "wrong-entropy-in-mark"
    place = EPOCH_MARK

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        entropy, tickets_entropy = _mark_entropies(draft)
        draft.epoch_mark = encode_epoch_mark(blake2b_256(entropy), tickets_entropy, draft.state.next.pairs)


class WrongTicketsEntropyInMark(Fault):
    """The epoch mark has another eta_1 than the chain."""

    name = "wrong-tickets-entropy-in-mark"
    place = EPOCH_MARK

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        entropy, tickets_entropy = _mark_entropies(draft)
        draft.epoch_mark = encode_epoch_mark(entropy, blake2b_256(tickets_entropy), draft.state.next.pairs)


class MissingEpochMark(Fault):
    """The first block of an epoch has no epoch mark."""

    name = "missing-epoch-mark"
    place = EPOCH_MARK

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        _mark_entropies(draft)
        draft.epoch_mark = None


class SurplusEpochMark(Fault):
    """A block inside an epoch has an epoch mark, with the entropies that are true there."""

    name = "surplus-epoch-mark"

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        entropy = draft.state.entropy
        draft.epoch_mark = encode_epoch_mark(entropy[0], entropy[1], draft.state.next.pairs)


class ForgedTicketsMark(Fault):
    """The tickets mark gives the author every slot that he has tickets for; nobody can seal the others.

    He may claim one where the contest was not full, too.
    """

    name = "forged-tickets-mark"
    place = TICKETS_MARK

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        state = draft.state
        _need_closing(chain, draft)
        liar = draft.seat.validator
        tickets = [Ticket(liar.output(ticket_input(state.entropy[2], attempt)), attempt, liar)
                   for attempt in range(chain.spec.attempts)]
        for i in range(chain.spec.epoch_length - len(tickets)):
            tickets.append(Ticket(blake2b_256(b"forged" + state.entropy[2] + i.to_bytes(4, "little")), 0, None))
        state.accumulator = sorted(tickets, key=lambda ticket: ticket.id)
        draft.tickets_mark = b"".join(ticket.encode() for ticket in outside_in(state.accumulator))


class MissingTicketsMark(Fault):
    """The tickets mark that was due is left out."""

    name = "missing-tickets-mark"
    place = TICKETS_MARK

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        if draft.tickets_mark is None:
            raise LocalError(f"fault {self.name}: no tickets mark is due in slot {draft.slot}")
        draft.tickets_mark = None

    def commit(self, chain: "DevChain", slot: int) -> "Block | None":
        """As above, in epochs whose contest is full."""
        state = chain.best.state
        full = state is not None and len(state.accumulator) == chain.spec.epoch_length
        return super().commit(chain, slot) if full else None


class UnorderedTicketsMark(Fault):
    """The tickets mark is in the order of the ids, not from the outside in."""

    name = "unordered-tickets-mark"
    place = TICKETS_MARK

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        _need_closing(chain, draft)
        tickets = draft.state.accumulator
        if len(tickets) < chain.spec.epoch_length:
            ForgedTicketsMark().change(chain, draft)
            tickets = draft.state.accumulator
        draft.tickets_mark = b"".join(ticket.encode() for ticket in tickets)


class ForgedStateRoot(Fault):
    """The prior state root is that of a false state, which a server of this chain then proves: the service's `height`
    is 4 bytes ff, and its balance is gone."""

    name = "forged-state-root"

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        true = draft.parent.state
        assert true is not None
        trie = falsified(true.trie)
        draft.prior_state_root = trie.root()
        chain.false_tries[draft.parent.hash] = trie


class Variant(Fault):
    """One of any number of headers for the same slot, all well sealed: only the extrinsic hash differs, and no body
    has it. Each call makes another one unless `number` says which."""

    name = "endless-headers"
    interval = 1
    beside = True

    def __init__(self, number: int = -1) -> None:
        self.number = number

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        number = self.number if self.number >= 0 else chain.next_fault()
        draft.extrinsic_hash = blake2b_256(b"variant" + number.to_bytes(8, "little"))


class Equivocation(Fault):
    """A second block of the author's slot, valid in itself, with another body."""

    name = "equivocation"
    beside = True

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        body, service = draft.body, draft.state.service
        if body.assurances:
            body.assurances.pop()
            draft.assurers = draft.assurers[:-1]
        elif draft.preimage is None:  # the one that is requested may come at any time
            draft.preimage = service.wanted
            body.preimages.append(service.encode_preimage(service.wanted))
        else:
            draft.preimage = None
            body.preimages.clear()


class LongRangeFork(Equivocation):
    """All the validators of an old set leave the chain after their set had handed over, and go on, seal and vote by
    themselves: run it beside a devnet of the same arguments, whose chain is the same up to there. It needs --finality
    for the votes."""

    name = "long-range-fork"
    beside = False
    has_left = False

    def commit(self, chain: "DevChain", slot: int) -> "Block | None":
        """Once, when the first set has handed over."""
        finality = chain.finality
        handed_over = chain.spec.epoch(chain.best.slot) > chain.first_epoch if finality is None else finality.set_id
        if self.has_left or not handed_over:
            return None
        chain.takes_outcasts = True
        block = chain.author(slot, fault=self)
        self.has_left = block is not None
        return block


class KeysOneEpochEarly(Fault):
    """Somebody of the next set seals in fallback mode as if it were active already."""

    name = "keys-one-epoch-early"

    def seat(self, chain: "DevChain", state: "State") -> "Seat | None":
        return _fallback_seat(chain, state, state.next)


class KeysOneEpochLate(Fault):
    """Somebody of the last set seals in fallback mode as if it were active still."""

    name = "keys-one-epoch-late"

    def seat(self, chain: "DevChain", state: "State") -> "Seat | None":
        return _fallback_seat(chain, state, state.previous)


class FutureSlot(Fault):
    """A header whose slot has not come: a third of an epoch ahead. As an argument of `author` it changes nothing, the
    slot being given there."""

    name = "future-slot"
    beside = True

    def commit(self, chain: "DevChain", slot: int) -> "Block | None":
        """The owner of a slot ahead authors in it now."""
        if slot % self.interval:
            return None
        now = chain.slot
        block = chain.author(slot + chain.spec.epoch_length // 3, fault=self)
        chain.slot = now
        return block


class MalleatedSeal(Fault):
    """The seal's challenge has the group's order added to it: another encoding of the same proof."""

    name = "malleated-seal"

    def spoil(self, header: bytes) -> bytes:
        challenge = int.from_bytes(header[-64:-32], "little") + ORDER
        return header[:-64] + challenge.to_bytes(32, "little") + header[-32:]


class BrokenSeal(Fault):
    """The seal does not verify."""

    name = "broken-seal"

    def spoil(self, header: bytes) -> bytes:
        return header[:-1] + bytes([header[-1] ^ 1])


class WrongAuthor(Fault):
    """The header names the next validator as its author."""

    name = "wrong-author"

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        draft.seat.author = (draft.seat.author + 1) % chain.spec.validators


class UnknownParent(Fault):
    """The parent's hash is of nothing."""

    name = "unknown-parent"

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        draft.parent_hash = blake2b_256(draft.parent_hash)


class ForgedOffender(Fault):
    """The offenders mark names an honest validator, without a verdict in the body."""

    name = "forged-offender"

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        victim = next(m for m in draft.state.active.members if m is not None and m is not draft.seat.validator)
        draft.offenders = [*draft.offenders, victim.ed25519]


_ALL: "tuple[type[Fault], ...]" = (
    ForgedEpochMark, WrongEntropyInMark, WrongTicketsEntropyInMark, MissingEpochMark, SurplusEpochMark,
    ForgedTicketsMark, MissingTicketsMark, UnorderedTicketsMark, ForgedStateRoot, Variant, Equivocation,
    LongRangeFork, KeysOneEpochEarly, KeysOneEpochLate, FutureSlot, MalleatedSeal, BrokenSeal, WrongAuthor,
    UnknownParent, ForgedOffender,
)
FAULTS: "dict[str, type[Fault]]" = {fault.name: fault for fault in _ALL}


def known(name: str) -> bool:
    """Whether there is a fault of that name."""
    return name in FAULTS


def by_name(name: str) -> Fault:
    """The fault of a name; LocalError lists the names that there are."""
    if name not in FAULTS:
        raise LocalError(f"no fault `{name}`; there are: {', '.join(sorted(FAULTS))}", 2)
    return FAULTS[name]()


def describe() -> "list[tuple[str, str]]":
    """Name and first line of each."""
    return [(fault.name, (fault.__doc__ or "").split("\n")[0]) for fault in _ALL]


def falsified(true: "Trie") -> "Trie":
    """A state in which the service's `height` is 4 bytes ff, and its balance is gone."""
    trie = true.snapshot()
    trie.set(state_key.service_storage(SERVICE, b"height"), b"\xff\xff\xff\xff")
    account = state_key.service_account(SERVICE)
    value = trie.get(account)
    assert value is not None
    trie.set(account, value[:33] + bytes(8) + value[41:])
    return trie


def _mark_entropies(draft: "Draft") -> "tuple[bytes, bytes]":
    if draft.epoch_mark is None:
        raise LocalError(f"slot {draft.slot} has no epoch mark to forge: author in the first block of an epoch")
    return draft.epoch_mark[:32], draft.epoch_mark[32:64]


def _need_closing(chain: "DevChain", draft: "Draft") -> None:
    spec = chain.spec
    end, before, now = spec.tickets_end, draft.parent.slot, draft.slot
    if spec.epoch(before) != spec.epoch(now) or not spec.phase(before) < end <= spec.phase(now):
        raise LocalError(f"slot {now} has no place for a tickets mark: author in the first block from phase {end} on")


def _fallback_seat(chain: "DevChain", state: "State", keys: ValidatorSet) -> "Seat | None":
    from .author import Seat
    from .safrole import FALLBACK_CONTEXT

    place = fallback_places(chain.spec, state.entropy[2])[chain.spec.phase(state.slot)]
    member = keys.members[place]
    return None if member is None else Seat(place, member, FALLBACK_CONTEXT + state.entropy[3], False)

"""Who may seal which slot: key sets, ticket contests and slot sequences (GP 0.7.2, section 6)."""

from bisect import bisect_left
from typing import NamedTuple

from ..codec.spec import Spec
from ..crypto.suite import blake2b_256
from .keys import KeyPool, Validator, ValidatorSet
from .parameters import values

TICKET_CONTEXT = b"jam_ticket_seal"
FALLBACK_CONTEXT = b"jam_fallback_seal"
ENTROPY_CONTEXT = b"jam_entropy"
_MAX_CONTESTS = 8  # of 2,046 tickets each at full spec: forks over an epoch's end have one each


class Ticket(NamedTuple):
    """A ticket and, what only a devnet knows, whose it is. Tickets sort by id. `maker` is None in a forged one."""

    id: bytes
    attempt: int
    maker: "Validator | None"

    def encode(self) -> bytes:
        """33 bytes, as in a tickets mark and in C(4)."""
        return self.id + bytes([self.attempt])


def outside_in(tickets: "list[Ticket]") -> "list[Ticket]":
    """Z of GP 0.7.2 (6.25): first, last, second, last but one, and so on."""
    count = len(tickets)
    return [tickets[i // 2] if i % 2 == 0 else tickets[count - 1 - i // 2] for i in range(count)]


def fallback_places(spec: Spec, entropy: bytes) -> "list[int]":
    """F of GP 0.7.2 (6.26) as indices: who seals each slot of an epoch, given eta_2."""
    digests = (blake2b_256(entropy + i.to_bytes(4, "little")) for i in range(spec.epoch_length))
    return [int.from_bytes(digest[:4], "little") % spec.validators for digest in digests]


def ticket_input(entropy: bytes, attempt: int) -> bytes:
    """The VRF input of a ticket and of the seal that uses it."""
    return TICKET_CONTEXT + entropy + bytes([attempt])


class Contest:
    """The ticket contests of all forks: what each validator of the next set would submit.

    A ticket's id is the plain VRF output, so the seal of its slot shows the same (GP 0.7.2, 6.15). The ring proof
    around it needs a structured reference string that this package does not carry; no light client checks it.
    """

    def __init__(self, spec: Spec, seed: bytes) -> None:
        self.spec = spec
        self.per_block = values(spec)["K"]
        self._seed = seed
        self._made: dict[tuple[bytes, bytes], list[Ticket]] = {}

    def tickets(self, entropy: bytes, keys: ValidatorSet) -> "list[Ticket]":
        """All tickets for an epoch with `keys` active and `entropy` as its eta_3, in the order they are sent.

        Full spec: 2,046 of 0.2 ms each, once per epoch and fork.
        """
        name = (entropy, blake2b_256(keys.pairs))
        made = self._made.get(name)
        if made is None:
            if len(self._made) >= _MAX_CONTESTS:
                del self._made[next(iter(self._made))]
            made = [
                Ticket(member.output(ticket_input(entropy, attempt)), attempt, member)
                for member in keys.members if member is not None
                for attempt in range(self.spec.attempts)
            ]
            made.sort(key=lambda ticket: blake2b_256(self._seed + ticket.id))
            self._made[name] = made
        return made

    def choose(self, entropy: bytes, keys: ValidatorSet, accumulator: "list[Ticket]", room: int) -> "list[Ticket]":
        """What the next block takes in, sorted by id: at most K tickets and `room`, each of them useful.

        `accumulator` is sorted and stays as it is.
        """
        limit = self.spec.epoch_length
        merged = list(accumulator)
        chosen: list[Ticket] = []
        for ticket in self.tickets(entropy, keys):
            if len(chosen) >= min(self.per_block, room):
                break
            place = bisect_left(merged, ticket.id, key=lambda t: t.id)
            if place >= limit or (place < len(merged) and merged[place].id == ticket.id):
                continue
            if len(merged) == limit and merged[-1] in chosen:
                continue  # it would push out one of its own block, and a block with a useless ticket is invalid
            merged.insert(place, ticket)
            del merged[limit:]
            chosen.append(ticket)
        return sorted(chosen, key=lambda t: t.id)


def accumulate(accumulator: "list[Ticket]", fresh: "list[Ticket]", limit: int) -> "list[Ticket]":
    """gamma_a' of GP 0.7.2 (6.34): the lowest `limit` of both."""
    return sorted(accumulator + fresh, key=lambda t: t.id)[:limit]


class Staking:
    """Stands for the service that sets the staging set: a different V of the pool for every epoch, in a new order.

    Known offenders are drawn again now and then, so that marks with struck-out keys go on to occur.
    """

    def __init__(self, spec: Spec, pool: KeyPool, seed: bytes) -> None:
        self.spec = spec
        self.pool = pool
        self._seed = seed

    def _rank(self, epoch: int, purpose: bytes, index: int) -> bytes:
        return blake2b_256(self._seed + purpose + (epoch + 1).to_bytes(4, "little") + index.to_bytes(4, "little"))

    def draw(self, epoch: int, offenders: "frozenset[bytes]" = frozenset()) -> ValidatorSet:
        """The set to be active in `epoch`, from -1 on. The same arguments draw the same set."""
        count = self.spec.validators
        if count == self.pool.size:  # no choice but the order
            chosen = list(range(count))
        else:
            order = sorted(range(self.pool.size), key=lambda i: self._rank(epoch, b"draw", i))
            guilty = [i for i in order if offenders and self.pool[i].ed25519 in offenders]
            again = guilty[: max(1, count // 12)] if self._rank(epoch, b"again", 0)[0] & 1 else []
            innocent = [i for i in order if not offenders or self.pool[i].ed25519 not in offenders]
            chosen = again + innocent[: count - len(again)]
        chosen.sort(key=lambda i: self._rank(epoch, b"order", i))
        return ValidatorSet(tuple(self.pool[i] for i in chosen))


def offline(keys: ValidatorSet, share: float, seed: bytes) -> "frozenset[bytes]":
    """The Bandersnatch keys of the validators of a set that never author: the same ones as long as they are in it.

    They do send tickets (and went down afterwards), so their slots stay empty with tickets too.
    """
    members = [m for m in keys.members if m is not None]
    members.sort(key=lambda m: blake2b_256(seed + b"offline" + m.bandersnatch))
    return frozenset(m.bandersnatch for m in members[: int(share * len(keys))])

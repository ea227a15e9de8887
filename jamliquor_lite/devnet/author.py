"""The devnet's chain: authors blocks with real seals and keeps the blocks and the recent states (GP 0.7.2, section 6).

The first block of epoch e makes the pending set active, names in its epoch mark the set of e + 1, and finds the
staging set filled for e + 2. Tickets of epoch e seal e + 1 where E of them were in by slot Y of e; every third
contest is starved by one ticket, so that both kinds of epoch occur. The same arguments make the same bytes.
"""

from ..codec.spec import Spec
from ..crypto.suite import blake2b_256
from ..errors import LocalError
from . import extrinsic, safrole
from .blocks import Block, Blocks
from .build import NO_AUTHOR, Body, encode_epoch_mark, encode_header, encode_unsigned
from .faults import Fault, by_name
from .history import History
from .keys import KeyPool, Validator, ValidatorSet
from .service import Service
from .state import State

_SPARE_SLOTS = 4  # tried for each block where an epoch has only a few
_POOL_FACTOR = 4  # the pool has 4 V validators
_MAX_SHARE = 2**32
_ATTACKERS_FIRST = 1 << 24  # the trivial seeds of key sets that an attacker makes up


class Seat:
    """Who may seal a slot: index in the active set, keys, the VRF input, and whether by ticket."""

    def __init__(self, author: int, validator: Validator, data: bytes, ticketed: bool) -> None:
        self.author = author
        self.validator = validator
        self.data = data
        self.ticketed = ticketed


class Draft:
    """A block before it is sealed. A fault may change any of it; marks are encoded, None where there is none."""

    def __init__(self, parent: Block, state: State, seat: Seat) -> None:
        assert parent.state is not None
        self.parent = parent
        self.state = state
        self.seat = seat
        self.slot = state.slot
        self.parent_hash = parent.hash
        self.prior_state_root = parent.state.trie.root()
        self.body = Body()
        self.extrinsic_hash = b""  # empty: that of the body
        self.epoch_mark: bytes | None = None
        self.tickets_mark: bytes | None = None
        self.offenders: list[bytes] = []
        self.preimage: bytes | None = None
        self.assurers: list[int] = []


class DevChain(Blocks):
    """A chain and the keys to extend it.

    `seed` decides every choice, `keys` is the number of storage entries, `offline` the share of every validator set
    that never authors, `fork_rate` the chance that an author has not seen its parent's last block. `contests` is
    "mixed", "always" (tickets wherever the blocks suffice) or "never". With `epoch_blocks` an epoch has so many blocks,
    near its end, where they cost least: at full spec 0.3 s of work an epoch.
    """

    def __init__(self, spec: Spec, seed: int = 0, keys: int = 1000, genesis_slot: int = 0, offline: float = 0.0,
                 fork_rate: float = 0.0, contests: str = "mixed", offences: bool = True, pool: int = 0,
                 epoch_blocks: int = 0) -> None:
        if not 0 <= offline < 1 or not 0 <= fork_rate < 1:
            raise LocalError("the offline share and the fork rate are from 0 up to, not including, 1", 2)
        if contests not in ("mixed", "always", "never"):
            raise LocalError(f"contests are mixed, always or never, not {contests}", 2)
        if pool and pool < spec.validators:
            raise LocalError(f"a pool of {pool} keys is too small for {spec.validators} validators", 2)
        self.spec = spec
        self.seed = blake2b_256(b"devnet" + seed.to_bytes(8, "little"))
        self.offline = offline
        self.fork_rate = fork_rate
        self.contests = contests
        self.epoch_blocks = epoch_blocks
        self.pool = KeyPool(pool or _POOL_FACTOR * spec.validators)
        self.attackers = KeyPool(spec.validators, _ATTACKERS_FIRST)
        self.max_offenders = self.pool.size // 12 if offences else 0
        self.staking = safrole.Staking(spec, self.pool, self.seed)
        self.contest = safrole.Contest(spec, self.seed)
        self.first_epoch = spec.epoch(genesis_slot)
        self.dishonest: Validator | None = None
        self.alone = False
        self._offline: dict[bytes, frozenset[bytes]] = {}
        self._faults = 0
        self.slot = genesis_slot  # the last one that was tried
        super().__init__(self._make_genesis(genesis_slot, keys), 2 * spec.epoch_length + 16)

    # -- authoring

    def advance(self, count: int = 1) -> "list[Block]":
        """Author the next `count` blocks, leaving slots empty whose owners are offline. Forks count as blocks."""
        made: list[Block] = []
        for _ in range(100 * self.spec.epoch_length + 100 * count):
            if len(made) == count:
                return made
            block = self.next(self.due())
            if block is not None:
                made.append(block)
        raise LocalError("nobody is left who could author: the offline share is too high")

    def due(self) -> int:
        """The next slot that somebody may author in."""
        spec, slot, wanted = self.spec, self.slot + 1, self.epoch_blocks
        if not wanted:
            return slot
        epoch, made = spec.epoch(slot), 0
        block: Block | None = self.best
        while block is not None and block.number and spec.epoch(block.slot) == epoch and made < wanted:
            made += 1
            block = self.block(block.parent)
        first = max(0, spec.epoch_length - _SPARE_SLOTS * wanted)  # with slots for those who are offline
        return max(slot, (epoch + (made == wanted)) * spec.epoch_length + first)

    def next(self, slot: int) -> "Block | None":
        """Let the owner of `slot` author on the block it takes for the best one; None when it is offline."""
        parent = self.best
        if self.fork_rate:
            if len(self.tied) > 1:
                parent = self.tied[self._chance(b"tied", slot) % len(self.tied)]
            grandparent = self.block(parent.parent)
            if grandparent is not None and self._chance(b"fork", slot) < self.fork_rate * _MAX_SHARE:
                parent = grandparent
        return self.author(slot, parent)

    def author(self, slot: int, parent: "Block | None" = None, fault: "Fault | str | None" = None) -> "Block | None":
        """Author the block of `slot` on `parent` (the best block), or None when nobody seals that slot.

        A fault is the author's only dishonesty: he seals with his own key and the rest of the block is in order. Such
        a block is kept and served, but honest authors do not build on it: name it as `parent`, or use `fork_from`.
        """
        parent = parent or self.best
        if isinstance(fault, str):
            fault = by_name(fault)
        if parent.state is None:
            raise LocalError(f"the state after block {parent.number} has been forgotten; nothing can be built on it")
        if slot <= parent.slot:
            raise LocalError(f"slot {slot} is not after the parent's, {parent.slot}")
        self.slot = max(self.slot, slot)
        state = parent.state.copy()
        mark = self._enter(state, slot)
        seat = fault.seat(self, state) if fault else self.seat(state)
        if seat is None or not self._will_author(state, seat, fault):
            return None
        draft = Draft(parent, state, seat)
        draft.epoch_mark = mark
        self._fill(draft)
        if fault:
            fault.change(self, draft)
        block = self._seal(draft, fault)
        if self.alone and self.dishonest is None:
            self.dishonest = seat.validator
        return self.keep(block)

    def seat(self, state: State) -> "Seat | None":
        """Who seals `state.slot` by the sequence of a state that has entered its epoch. None for a struck-out key."""
        phase = self.spec.phase(state.slot)
        if state.tickets is None:
            key = state.fallback[32 * phase : 32 * phase + 32]
            place = state.active.place(key)
            data = safrole.FALLBACK_CONTEXT + state.entropy[3]
        else:
            ticket = state.tickets[phase]
            place = state.active.place(ticket.maker.bandersnatch) if ticket.maker else -1
            data = safrole.ticket_input(state.entropy[3], ticket.attempt)
        member = state.active.members[place] if place >= 0 else None
        return None if member is None else Seat(place, member, data, state.tickets is not None)

    def fork_from(self, block: "Block | bytes", alone: bool = True) -> "DevChain":
        """A private copy of the chain whose best block is `block`; what it authors, this chain never sees.

        With `alone` only one validator authors on it: the one who seals its first block, and later any key of a set
        that he forged.
        """
        found = self.block(block) if isinstance(block, bytes) else block
        if found is None:
            raise LocalError("cannot fork from a block that is unknown")
        twin = DevChain.__new__(DevChain)
        twin.__dict__.update(self.__dict__)
        twin.finality = None
        twin.copy_blocks(found)
        twin.takes_outcasts = True
        twin.slot = found.slot
        twin.alone = alone
        twin.dishonest = None
        return twin

    def absent(self, keys: ValidatorSet) -> "frozenset[bytes]":
        """The Bandersnatch keys of those in a set who are offline."""
        pairs = keys.pairs
        found = self._offline.get(pairs)
        if found is None:
            if len(self._offline) >= 8:
                self._offline.clear()
            found = self._offline[pairs] = safrole.offline(keys, self.offline, self.seed)
        return found

    def next_fault(self) -> int:
        """A number that no fault has had."""
        self._faults += 1
        return self._faults

    # -- parts of a block

    def _enter(self, state: State, slot: int) -> "bytes | None":
        # Turn the epoch if `slot` is in a later one. Returns the epoch mark.
        spec = self.spec
        before, now = spec.epoch(state.slot), spec.epoch(slot)
        phase = spec.phase(state.slot)
        state.slot = slot
        if now == before:
            return None
        eta = state.entropy
        state.entropy = [eta[0], eta[0], eta[1], eta[2]]
        state.previous, state.active = state.active, state.next
        state.next = state.staging.without(state.offenders)
        if now == before + 1 and phase >= spec.tickets_end and len(state.accumulator) == spec.epoch_length:
            state.tickets = safrole.outside_in(state.accumulator)
            state.fallback = b""
        else:
            self._fall_back(state)
        state.accumulator = []
        state.staging = self.staking.draw(now + 2, state.offenders)
        return encode_epoch_mark(eta[0], eta[1], state.next.pairs)

    def _fall_back(self, state: State) -> None:
        state.tickets = None
        places = safrole.fallback_places(self.spec, state.entropy[2])
        state.fallback = b"".join(state.active.key(place) for place in places)

    def _will_author(self, state: State, seat: Seat, fault: "Fault | None") -> bool:
        if self.alone:
            mine = self.dishonest is None or seat.validator is self.dishonest
            return mine or seat.validator.index >= _ATTACKERS_FIRST
        if fault is not None:
            return True
        return seat.validator.bandersnatch not in self.absent(state.active)

    def _fill(self, draft: Draft) -> None:
        # Marks and extrinsic, as an honest author makes them.
        spec, state, body = self.spec, draft.state, draft.body
        before = draft.parent.state
        assert before is not None
        epoch, phase = spec.epoch(state.slot), spec.phase(state.slot)
        if phase < spec.tickets_end:
            short = 1 if self._starves(epoch) else 0
            room = spec.epoch_length - short - len(state.accumulator) if short else spec.epoch_length
            fresh = self.contest.choose(state.entropy[2], state.next, state.accumulator, room)
            state.accumulator = safrole.accumulate(state.accumulator, fresh, spec.epoch_length)
            extrinsic.add_tickets(body, fresh)
        draft.preimage = state.service.due_preimage()
        if draft.preimage is not None:
            body.preimages.append(state.service.encode_preimage(draft.preimage))
        if draft.epoch_mark is not None:
            return
        if spec.phase(before.slot) < spec.tickets_end <= phase and len(state.accumulator) == spec.epoch_length:
            draft.tickets_mark = b"".join(t.encode() for t in safrole.outside_in(state.accumulator))
        draft.assurers = extrinsic.add_assurances(body, spec, draft.parent.hash, state.active, state.slot)
        due = state.offence_epoch != epoch and phase >= spec.epoch_length // 3
        if due and len(state.offenders) < self.max_offenders:
            offence = extrinsic.add_offence(body, before, epoch)
            if offence is not None:
                offender, report = offence
                state.offence_epoch = epoch
                state.offenders |= {offender.ed25519}
                state.good |= {report}
                draft.offenders = [offender.ed25519]

    def _starves(self, epoch: int) -> bool:
        return self.contests == "never" or (self.contests == "mixed" and (epoch - self.first_epoch) % 3 == 2)

    def _seal(self, draft: Draft, fault: "Fault | None") -> Block:
        seat, state, parent = draft.seat, draft.state, draft.parent
        sign = seat.validator.seal
        entropy_input = safrole.ENTROPY_CONTEXT + seat.validator.output(seat.data)
        unsigned = encode_unsigned(
            draft.parent_hash, draft.prior_state_root, draft.extrinsic_hash or draft.body.hash(), draft.slot,
            draft.epoch_mark, draft.tickets_mark, seat.author, sign(entropy_input, b""), draft.offenders)
        header = unsigned + sign(seat.data, unsigned)
        if fault:
            header = fault.spoil(header)
        block = Block(header, draft.body.encode(), parent, draft.slot, seat.author, seat.validator, seat.ticketed,
                      state, fault.name if fault else "")
        state.entropy[0] = blake2b_256(state.entropy[0] + seat.validator.output(entropy_input))
        state.history = state.history.after(block.hash, draft.prior_state_root)
        new_epoch = self.spec.epoch(draft.slot) > self.spec.epoch(parent.slot)
        state.statistics = state.statistics.after(new_epoch)
        provided = [] if draft.preimage is None else [draft.preimage]
        state.statistics.count(seat.author, len(draft.body.tickets), provided, draft.assurers)
        state.service.accumulate(state.trie, state.slot, draft.preimage)
        state.write()
        return block

    def _make_genesis(self, slot: int, keys: int) -> Block:
        state = State(self.spec, Service(self.seed, keys))
        state.slot = slot
        state.entropy = [blake2b_256(self.seed + b"entropy" + bytes([i])) for i in range(4)]
        draw = self.staking.draw
        epoch = self.first_epoch
        state.previous, state.active = draw(epoch - 1), draw(epoch)
        state.next, state.staging = draw(epoch + 1), draw(epoch + 2)
        self._fall_back(state)
        header = encode_header(bytes(32), bytes(32), bytes(32), slot, NO_AUTHOR,
                               epoch_mark=encode_epoch_mark(bytes(32), bytes(32), state.next.pairs))
        block = Block(header, Body().encode(), None, slot, NO_AUTHOR, None, False, state)
        state.history = History.of_genesis(block.hash)
        state.service.create(state.trie, slot)
        state.write_constants()
        state.write(accumulated=False)
        return block

    def _chance(self, purpose: bytes, slot: int) -> int:
        return int.from_bytes(blake2b_256(self.seed + purpose + slot.to_bytes(4, "little"))[:4], "little")

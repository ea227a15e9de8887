"""Faults of finality: how voters, or who serves their justifications, are dishonest, each by its name.

Only what is called beyond the promise may make a node believe what is not so: there more than 2/3 of a set lie.
"""

from collections import deque

from ..chain.justification import VOTE_BYTES, needed
from ..codec import natural
from ..crypto.suite import blake2b_256
from ..errors import LocalError
from .faults import falsified
from .voting import signed, vote
from .wire import frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .author import DevChain
    from .blocks import Block
    from .finality import Finality
    from .keys import Validator
    from .voting import Round

_STALL = "finality-stall-"
_KEYS_AT = 100 + 1 + 64  # of an epoch mark in a header
_TARGET_AT = 12  # in a justification
_VOTES_AT = _TARGET_AT + VOTE_BYTES
_PRECOMMIT_BYTES = VOTE_BYTES + 96
_FLOOD_BYTES = 1024 * 1024


class FinalityFault:
    """No fault; a subclass overrides what it needs."""

    name = "honest"
    silent = False  # takes requests and never answers
    refuses = False  # resets every request

    @property
    def is_honest(self) -> bool:
        """Justifications and fragments are what they should be, and so have the size they should have."""
        return type(self) is FinalityFault

    def holds_back(self, chain: "DevChain", block: "Block") -> bool:
        """Nobody votes for the next block now."""
        return False

    def root(self, chain: "DevChain", block: "Block") -> "bytes | None":
        """What all vote for as the root of the state after a block; None: what it is."""
        return None

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        """That of a round."""
        return ended.joined(ended.sign(ended.enough))

    def fragment(self, finality: "Finality", ended: "Round") -> bytes:
        """The warp fragment of a round that changed the set."""
        return ended.header + finality.signed(ended)

    def raw(self, answer: bytes) -> "bytes | None":
        """All bytes of a stream that should answer CE 130 with this message; None: as it should be."""
        return None

    def raw_fragments(self, finality: "Finality", set_id: int, most: int) -> "bytes | None":
        """All bytes of a stream that should answer CE 153 with the fragments from a set on, which are there; None: as
        it should be."""
        return None


class Stall(FinalityFault):
    """Nobody votes from block 24 on for 24 slots; `finality-stall-N-K`: from block N on for K slots, 0 for ever."""

    name = "finality-stall"
    is_honest = True  # in what it says

    def __init__(self, first: int = 24, slots: int = 24) -> None:
        self.first = first
        self.slots = slots
        self._began = -1

    def holds_back(self, chain: "DevChain", block: "Block") -> bool:
        if block.number < self.first:
            return False
        if self._began < 0:
            self._began = chain.slot
        return not self.slots or chain.slot < self._began + self.slots


# --- votes ---


class TooFewVotes(FinalityFault):
    """One vote fewer than more than 2/3."""

    name = "too-few-votes"

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        return ended.joined(ended.sign(ended.enough[:-1]))


class OneThirdVotes(FinalityFault):
    """The votes of a third."""

    name = "one-third-votes"

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        return ended.joined(ended.sign(ended.enough[: len(ended.electorate.members) // 3]))


class DuplicateVoters(FinalityFault):
    """One vote is missing, and one is there twice."""

    name = "duplicate-voters"

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        votes = ended.sign(ended.enough[:-1])
        return ended.joined([*votes, votes[0]])


class EquivocatingVoters(FinalityFault):
    """A minority votes for two blocks in one round: the others suffice with one vote of each, and it is good."""

    name = "equivocating-voters"

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        return _equivocation(finality, ended, ended.enough)


class CountedEquivocators(FinalityFault):
    """A minority votes for two blocks in one round, and only with all their votes there are enough."""

    name = "counted-equivocators"

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        return _equivocation(finality, ended, ended.enough[: -_minority(ended)])


class AheadVoters(FinalityFault):
    """A minority votes for the next block, whose header is there: honest, and good, but seldom seen."""

    name = "voters-ahead"

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        count = _minority(ended)
        ahead = finality.child_vote(ended)
        if ahead is None:
            return ended.joined(ended.sign(ended.enough))
        votes = ended.sign(ended.enough[count:]) + ended.sign(ended.enough[:count], ahead[0])
        return ended.joined(votes, [ahead[1]])


class RemovedValidators(FinalityFault):
    """The votes are of the set before, where there was one, and first of those who are no longer in this one."""

    name = "votes-by-removed-validators"

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        before = finality.change(ended.set_id - 1)
        if before is None:
            return ended.joined(ended.sign(ended.enough))
        stays = set(ended.electorate.members)
        voters = sorted(before.electorate.voters, key=lambda voter: voter in stays)
        return ended.joined(ended.sign(voters[: needed(len(before.electorate.members))]))


class WrongSet(FinalityFault):
    """The justification is that of the block at which the set before, where there was one, handed over."""

    name = "wrong-set-justification"

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        before = finality.change(ended.set_id - 1) or ended
        return before.joined(before.sign(before.enough))


class RelabelledSet(FinalityFault):
    """The votes were signed for another set id than the justification has."""

    name = "relabelled-set"

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        return ended.joined([signed(voter, ended.target, ended.number, ended.set_id + 1) for voter in ended.enough])


class WrongRoot(FinalityFault):
    """A minority votes for the block with another state root."""

    name = "wrong-state-root-in-vote"

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        count = _minority(ended)
        other = vote(ended.header_hash, blake2b_256(ended.state_root), ended.slot)
        return ended.joined(ended.sign(ended.enough[count:]) + ended.sign(ended.enough[:count], other))


class WrongRootOfAll(FinalityFault):
    """Beyond the promise: all vote for the root of a false state, which is then served and proved."""

    name = "wrong-state-root-by-majority"

    def __init__(self) -> None:
        self._false: deque[bytes] = deque()

    def root(self, chain: "DevChain", block: "Block") -> "bytes | None":
        if block.state is None:
            return None
        trie = chain.false_tries[block.hash] = falsified(block.state.trie)
        self._false.append(block.hash)
        while len(self._false) > chain.states_kept:
            chain.false_tries.pop(self._false.popleft(), None)
        return trie.root()


# --- warp fragments ---


class ForgedMark(FinalityFault):
    """The epoch mark of a warp fragment names keys that an attacker made up."""

    name = "forged-warp-fragment"

    def fragment(self, finality: "Finality", ended: "Round") -> bytes:
        return _forged(finality, ended) + finality.signed(ended)


class RetargetedFragment(FinalityFault):
    """The same, and the votes name the forged header; nobody signed that."""

    name = "retargeted-warp-fragment"

    def fragment(self, finality: "Finality", ended: "Round") -> bytes:
        header, votes = _forged(finality, ended), bytearray(finality.signed(ended))
        digest = blake2b_256(header)
        count = needed(len(ended.electorate.members))
        first = _VOTES_AT + natural.size(count)
        for at in (_TARGET_AT, *range(first, first + count * _PRECOMMIT_BYTES, _PRECOMMIT_BYTES)):
            votes[at : at + 32] = digest
        return header + bytes(votes)


class SwappedHeader(FinalityFault):
    """The header of a warp fragment is that of the fragment before."""

    name = "swapped-warp-fragment"

    def fragment(self, finality: "Finality", ended: "Round") -> bytes:
        before = finality.change(ended.set_id - 1)
        return (finality.chain.genesis.header if before is None else before.header) + finality.signed(ended)


class SkippedFragment(FinalityFault):
    """Each warp fragment is that of the next set, where there is one."""

    name = "skipped-warp-fragment"

    def fragment(self, finality: "Finality", ended: "Round") -> bytes:
        after = finality.change(ended.set_id + 1) or ended
        return after.header + finality.signed(after)


# --- answers ---


class _RawFault(FinalityFault):
    # What is wrong is how an answer is sent, of either kind.

    def spoil(self, answer: bytes) -> bytes:
        raise NotImplementedError

    def raw(self, answer: bytes) -> "bytes | None":
        return self.spoil(answer)

    def raw_fragments(self, finality: "Finality", set_id: int, most: int) -> "bytes | None":
        fragments = finality.fragments(set_id, most)
        return self.spoil(natural.encode(len(fragments)) + b"".join(fragments))


class CutAnswer(_RawFault):
    """The stream ends in the middle of the message."""

    name = "cut-finality"

    def spoil(self, answer: bytes) -> bytes:
        return frame(answer)[: 4 + len(answer) // 2]


class ShortAnswer(_RawFault):
    """The message ends in the middle of a vote."""

    name = "truncated-finality"

    def spoil(self, answer: bytes) -> bytes:
        return frame(answer[: -_PRECOMMIT_BYTES // 2])


class LongAnswer(_RawFault):
    """The message goes on for a megabyte after its end."""

    name = "oversized-finality"

    def spoil(self, answer: bytes) -> bytes:
        return frame(answer + bytes(_FLOOD_BYTES))


class EndlessVotes(FinalityFault):
    """The justification announces 2^32 votes, and the warp 2^20 fragments."""

    name = "endless-finality"

    def justification(self, finality: "Finality", ended: "Round") -> bytes:
        votes = ended.sign(ended.enough)
        return ended.joined(votes)[:_VOTES_AT] + natural.encode(1 << 32) + b"".join(votes)

    def raw_fragments(self, finality: "Finality", set_id: int, most: int) -> "bytes | None":
        honest = FinalityFault()
        ended = finality.change(set_id)
        assert ended is not None
        fragment = ended.header + honest.justification(finality, ended)
        return frame(natural.encode(1 << 20) + fragment)


class SilentFinality(FinalityFault):
    """Takes a request for a justification or fragments and never answers."""

    name = "silent-finality"
    silent = True


class RefusingFinality(FinalityFault):
    """Resets every request for a justification or fragments."""

    name = "refusing-finality"
    refuses = True


_ALL: "tuple[type[FinalityFault], ...]" = (
    Stall, TooFewVotes, OneThirdVotes, DuplicateVoters, EquivocatingVoters, CountedEquivocators, AheadVoters,
    RemovedValidators, WrongSet, RelabelledSet, WrongRoot, WrongRootOfAll, ForgedMark, RetargetedFragment,
    SwappedHeader, SkippedFragment, CutAnswer, ShortAnswer, LongAnswer, EndlessVotes, SilentFinality,
    RefusingFinality,
)
FINALITY_FAULTS: "dict[str, type[FinalityFault]]" = {fault.name: fault for fault in _ALL}


def known(name: str) -> bool:
    """Whether there is a fault of finality of that name."""
    return name in FINALITY_FAULTS or _stall(name) is not None


def by_name(name: str) -> FinalityFault:
    """The fault of a name; LocalError lists the names that there are."""
    if name in FINALITY_FAULTS:
        return FINALITY_FAULTS[name]()
    stall = _stall(name)
    if stall is None:
        raise LocalError(f"no fault of finality `{name}`; there are: {', '.join(sorted(FINALITY_FAULTS))}", 2)
    return stall


def describe() -> "list[tuple[str, str]]":
    """Name and first line of each."""
    return [(fault.name, (fault.__doc__ or "").split("\n")[0]) for fault in _ALL]


def _stall(name: str) -> "Stall | None":
    numbers = name[len(_STALL) :].split("-") if name.startswith(_STALL) else []
    if len(numbers) != 2 or not all(number.isdigit() and len(number) < 10 for number in numbers):
        return None
    return Stall(int(numbers[0]), int(numbers[1]))


def _minority(ended: "Round") -> int:
    return (len(ended.electorate.members) - 1) // 3


def _equivocation(finality: "Finality", ended: "Round", voters: "list[Validator]") -> bytes:
    # All vote for the target, and the first few for its child as well.
    ahead = finality.child_vote(ended)
    if ahead is None:
        return ended.joined(ended.sign(voters))
    both = voters[: _minority(ended)]
    return ended.joined(ended.sign(voters) + ended.sign(both, ahead[0]), [ahead[1]])


def _forged(finality: "Finality", ended: "Round") -> bytes:
    keys = b"".join(finality.chain.attackers[i].pair for i in range(len(ended.electorate.members)))
    return ended.header[:_KEYS_AT] + keys + ended.header[_KEYS_AT + len(keys) :]

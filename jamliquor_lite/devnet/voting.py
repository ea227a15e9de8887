"""What GRANDPA's voters sign, as the draft `jamnp-pr6-737b8ae` has it (pull request 6 of jam-np, "Grandpa"): votes,
and the justifications that they add up to. The reverse of chain/justification.py, for those who have the keys."""

from ..chain.justification import VOTE_BYTES, needed
from ..codec import natural
from .blocks import Block
from .keys import Validator, ValidatorSet

_CONTEXT = b"jam_grandpa_vote"
PRECOMMIT = 1
_PRECOMMIT_BYTES = VOTE_BYTES + 64 + 32


def vote(header_hash: bytes, state_root: bytes, slot: int) -> bytes:
    """The 68 bytes of a vote for a block and the state after it."""
    return header_hash + state_root + slot.to_bytes(4, "little")


def signed(voter: Validator, chosen: bytes, round_number: int, set_id: int, kind: int = PRECOMMIT) -> bytes:
    """A signed precommit, 164 bytes."""
    message = (_CONTEXT + bytes([kind]) + chosen + round_number.to_bytes(8, "little")
               + set_id.to_bytes(4, "little"))
    return chosen + voter.sign(message) + voter.ed25519


def joined(target: bytes, round_number: int, set_id: int, votes: "list[bytes]",
           headers: "list[bytes] | None" = None) -> bytes:
    """A justification: signed precommits, and the headers that lead from them down to the target."""
    headers = headers or []
    return b"".join((round_number.to_bytes(8, "little"), set_id.to_bytes(4, "little"), target,
                     natural.encode(len(votes)), *votes, natural.encode(len(headers)), *headers))


def plain_size(validators: int) -> int:
    """Bytes of a justification with as many votes as are needed, all of them for the target."""
    count = needed(validators)
    return 8 + 4 + VOTE_BYTES + natural.size(count) + count * _PRECOMMIT_BYTES + 1


class Electorate:
    """A set of voters: its id, its members in their order, and who of them votes, being neither struck out nor away."""

    def __init__(self, set_id: int, keys: ValidatorSet, absent: "frozenset[bytes]") -> None:
        self.set_id = set_id
        self.members = keys.members  # and not the set, which keeps its encodings
        self._absent = absent

    @property
    def voters(self) -> "list[Validator]":
        """Who votes."""
        return [m for m in self.members if m is not None and m.bandersnatch not in self._absent]

    @property
    def suffices(self) -> bool:
        """Whether they are enough."""
        return len(self.voters) >= needed(len(self.members))


class Round:
    """A round that has ended: the block that it made final, the state after that, and who voted.

    `header` is that block's where it changes the set, else empty: it is what a warp fragment begins with.
    """

    def __init__(self, number: int, electorate: Electorate, block: Block, state_root: bytes, changes: bool) -> None:
        self.number = number
        self.electorate = electorate
        self.set_id = electorate.set_id
        self.header_hash = block.hash
        self.state_root = state_root
        self.slot = block.slot
        self.height: int = block.number
        self.changes = changes
        self.header = block.header if changes else b""

    @property
    def target(self) -> bytes:
        """The vote of everybody who is honest."""
        return vote(self.header_hash, self.state_root, self.slot)

    @property
    def enough(self) -> "list[Validator]":
        """As many voters as are needed; in other rounds others."""
        voters, first = self.electorate.voters, int.from_bytes(self.header_hash[:4], "little")
        return [voters[(first + i) % len(voters)] for i in range(needed(len(self.electorate.members)))]

    def sign(self, voters: "list[Validator]", chosen: "bytes | None" = None) -> "list[bytes]":
        """A signed precommit of each for what is chosen, or for the target."""
        return [signed(voter, chosen or self.target, self.number, self.set_id) for voter in voters]

    def joined(self, votes: "list[bytes]", headers: "list[bytes] | None" = None) -> bytes:
        """The justification with these votes."""
        return joined(self.target, self.number, self.set_id, votes, headers)

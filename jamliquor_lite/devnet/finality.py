"""The devnet's finality: its validators vote as GRANDPA's draft `jamnp-pr6-737b8ae` has it (chain/justification.py).

    Finality(chain, lag=2)               `chain.final` follows the best block, `lag` blocks behind
    justification(header_hash)           of a block that a round made final, else None
    fragments(set_id, most)              a header and a justification for each set that has handed over, from one on

A round is one step of the final block, by one block as a rule. After a stall it is as long as the stall was, and the
blocks between have no justification of their own; but none goes past a block that changes the set, which is the first
one of an epoch, and which the set before it votes for. Set 0 begins with round 1, for round 0 was the genesis block's;
every later set begins with round 0, as the draft has it.

Who is offline does not vote. Where more than 1/3 of a set is offline or struck out, nothing is final any more, as
would be true of any chain; so that a tiny devnet does not come to that by itself, its disputes strike out no more
validators than a set can do without.

Nothing is signed before somebody asks: at full spec a justification has 683 signatures, 70 ms of work. What was signed
last is kept, 8 MiB of it.
"""

from typing import NamedTuple

from ..chain.justification import needed
from ..errors import LocalError
from .author import DevChain
from .blocks import Block
from .faults import LongRangeFork
from .finality_faults import FinalityFault
from .voting import Electorate, Round, plain_size, vote

_MAX_ROUNDS = 65_536  # as many as blocks are kept: a devnet that runs for weeks must not eat the machine
_MAX_CHANGES_BYTES = 128 * 1024 * 1024  # of set-change blocks' headers, each with what is beside: 2,000 at full spec
_BESIDE_BYTES = 1024
_CACHE_BYTES = 8 * 1024 * 1024


class _Standing(NamedTuple):
    # Of a block that may become final: the root of the state after it, who votes for it, and who for its children.
    state_root: bytes
    electorate: Electorate
    after: Electorate


class Finality:
    """Makes blocks of `chain` final. `fault` is how its voters, or who serves them, are dishonest.

    It must be there before any state of the chain has been forgotten: LocalError otherwise.
    """

    def __init__(self, chain: DevChain, lag: int = 2, fault: "FinalityFault | None" = None) -> None:
        if lag < 1:
            raise LocalError(f"finality {lag} blocks behind the best one: at least 1, there is no final fork", 2)
        if chain.genesis.state is None or any(block.state is None for block in chain.chain()):
            raise LocalError("the states from which finality would learn its voters have been forgotten")
        self.lag = lag
        self.fault = fault or FinalityFault()
        self.final: Block = chain.genesis
        self.chain = chain
        self._last: Round | None = None  # the newest
        self._rounds: dict[bytes, Round] = {}  # by the block that each made final
        self._changes: dict[int, Round] = {}  # those of blocks that change the set, by the set that voted
        self._changes_bytes = 0
        self._standings: dict[bytes, _Standing] = {}
        self._signed: dict[bytes, bytes] = {}
        self._signed_bytes = 0
        chain.max_offenders = min(chain.max_offenders, chain.spec.validators - needed(chain.spec.validators))
        first = self._electorate(0, chain.genesis)
        self._standings[chain.genesis.hash] = _Standing(b"", first, first)
        for block in chain.chain()[1:]:
            self.note(block)
        chain.finality = self
        for number in range(1, chain.best.number - lag + 1):  # as if it had been here from the first block on
            self._vote(number)

    def fork(self, twin: DevChain, fault: "FinalityFault | None" = None) -> "Finality":
        """Finality of a private copy of the chain (`DevChain.fork_from`), where everybody who votes here votes again:
        what is final here down to its best block is final there, and nothing above that."""
        best = twin.best
        other = Finality.__new__(Finality)
        other.__dict__.update(self.__dict__)
        other.chain = twin
        other.fault = fault or FinalityFault()
        other._rounds = {key: one for key, one in self._rounds.items() if one.height <= best.number}
        other._changes = {key: one for key, one in self._changes.items() if one.height <= best.number}
        other._changes_bytes = sum(map(_cost, other._changes.values()))
        other._standings = dict(self._standings)
        other._signed = {}
        other._signed_bytes = 0
        if not twin.descends(best, self.final):
            electorate = self._electorate(len(other._changes), best)
            other.final = best
            other._last = other._rounds.get(best.hash)
            other._standings = {best.hash: _Standing(b"", electorate, electorate)}
        twin.finality = other
        return other

    def long_range_fork(self, block: Block, blocks: int) -> DevChain:
        """A private chain of `blocks` blocks on an old one, sealed and voted for with the true keys of its sets, which
        all collude. Its `finality` has the honest rounds up to `block`, and its own from there. The state after `block`
        must still be there (`DevChain.states_kept`)."""
        twin = self.chain.fork_from(block, alone=False)
        self.fork(twin)
        fault = LongRangeFork()
        while twin.author(twin.due(), fault=fault) is None:
            pass
        twin.advance(blocks - 1)
        return twin

    @property
    def set_id(self) -> int:
        """Of the set that votes now: of children of the final block."""
        return self._standings[self.final.hash].after.set_id

    @property
    def round(self) -> "Round | None":
        """The newest, or None: only the genesis block is final."""
        return self._last

    # -- following the chain

    def note(self, block: Block) -> None:
        """Learn who votes for a new block. Nobody votes for one whose parent was passed over, nor after a stall of
        65,536 blocks, of which the first are forgotten."""
        parent = self.chain.block(block.parent)
        above = self._standings.get(block.parent)
        if above is None or parent is None or block.state is None or len(self._standings) >= _MAX_ROUNDS:
            return
        spec, after = self.chain.spec, above.after
        if spec.epoch(block.slot) > spec.epoch(parent.slot):
            after = self._electorate(after.set_id + 1, block)
        self._standings[block.hash] = _Standing(block.state.trie.root(), above.after, after)

    def follow(self) -> None:
        """Vote until the final block is `lag` blocks behind the best, or nobody will vote."""
        self._vote(self.chain.best.number - self.lag)

    def _vote(self, height: int) -> None:
        while self.final.number < height:
            block = self._next(height)
            if block is None:
                return
            self._make_final(block)

    def _next(self, height: int) -> "Block | None":
        # What the next round is about, at most so high; None: it does not end.
        chain = self.chain
        voters = self._standings[self.final.hash].after
        if not voters.suffices:
            return None
        found: Block | None = None
        for number in range(self.final.number + 1, height + 1):
            found = chain.at(number)
            standing = None if found is None else self._standings.get(found.hash)
            if standing is None:
                return None  # so long a stall that it was forgotten
            if standing.after is not voters:
                break
        return None if found is None or self.fault.holds_back(chain, found) else found

    def _make_final(self, block: Block) -> None:
        chain = self.chain
        standing = self._standings[block.hash]
        changes = standing.after is not standing.electorate
        last = self._last
        number = 1 if last is None else 0 if last.changes else last.number + 1
        root = self.fault.root(chain, block) or standing.state_root
        self._last = self._rounds[block.hash] = Round(number, standing.electorate, block, root, changes)
        if len(self._rounds) > _MAX_ROUNDS:
            del self._rounds[next(iter(self._rounds))]
        if changes:
            self._keep_change(self._last)
        self.final = block
        self._standings = self._descending(block)
        chain.settle()

    def _keep_change(self, ended: Round) -> None:
        self._changes[ended.set_id] = ended
        self._changes_bytes += _cost(ended)
        while self._changes_bytes > _MAX_CHANGES_BYTES:
            self._changes_bytes -= _cost(self._changes.pop(next(iter(self._changes))))

    def _descending(self, block: Block) -> "dict[bytes, _Standing]":
        # The standings of a block and its descendants.
        found, waiting = {}, [block]
        while waiting:
            block = waiting.pop()
            standing = self._standings.get(block.hash)
            if standing is not None:
                found[block.hash] = standing
                waiting += self.chain.children(block.hash)
        return found

    def _electorate(self, set_id: int, block: Block) -> Electorate:
        assert block.state is not None
        return Electorate(set_id, block.state.active, self.chain.absent(block.state.active))

    # -- what is asked for

    def round_of(self, header_hash: bytes) -> "Round | None":
        """The round that made a block final, or None: none did, or so long ago that it is forgotten."""
        return self._rounds.get(header_hash)

    def change(self, set_id: int) -> "Round | None":
        """The last round of a set that has handed over."""
        return self._changes.get(set_id)

    def child_vote(self, ended: Round) -> "tuple[bytes, bytes] | None":
        """A vote for the block on top of the one that a round made final, and that block's header; None where either
        is not known any more."""
        chain = self.chain
        child, after = chain.at(ended.height + 1), chain.at(ended.height + 2)
        if child is None or child.parent != ended.header_hash:
            return None
        if child.state is not None:
            root = child.state.trie.root()
        elif after is not None:
            root = after.header[32:64]
        else:
            return None
        return vote(child.hash, root, child.slot), child.header

    def justification(self, header_hash: bytes) -> "bytes | None":
        """Of a block, or None. It is signed now, or was."""
        ended = self._rounds.get(header_hash)
        return None if ended is None else self.signed(ended)

    def signed(self, ended: Round) -> bytes:
        """The justification of a round."""
        found = self._signed.get(ended.header_hash)
        if found is None:
            found = self._signed[ended.header_hash] = self.fault.justification(self, ended)
            self._signed_bytes += len(found)
            while self._signed_bytes > _CACHE_BYTES and len(self._signed) > 1:
                self._signed_bytes -= len(self._signed.pop(next(iter(self._signed))))
        return found

    def fragment_size(self, set_id: int) -> int:
        """Bytes of the warp fragment of a set, or 0: it has not handed over, or that is forgotten."""
        ended = self._changes.get(set_id)
        if ended is None:
            return 0
        if self.fault.is_honest:  # known without a signature
            return len(ended.header) + plain_size(len(ended.electorate.members))
        return len(self.fragment(set_id))

    def fragment(self, set_id: int) -> bytes:
        """The warp fragment of a set that has handed over: header and justification of the block that did it."""
        return self.fault.fragment(self, self._changes[set_id])

    def fragments(self, set_id: int, most: int) -> "list[bytes]":
        """Warp fragments from a set on, at most `most`."""
        found: list[bytes] = []
        while len(found) < most and set_id + len(found) in self._changes:
            found.append(self.fragment(set_id + len(found)))
        return found


def _cost(ended: Round) -> int:
    return len(ended.header) + _BESIDE_BYTES

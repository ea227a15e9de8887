"""The devnet's blocks: what is kept of them, which is best, and what a peer may ask for."""

from collections import deque

from ..chain.trie import Trie
from ..crypto.suite import blake2b_256
from .keys import Validator
from .state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .finality import Finality

_MAX_BLOCKS = 65_536  # kept for CE 128: a devnet that runs for weeks must not eat the machine
_FINAL_DEPTH = 8  # blocks; where nobody votes, what lies this deep is what peers are told is final


class Block:
    """A sealed block. `state` is the state after it, or None once it has been forgotten.

    `number` counts the blocks from genesis, `ticketed_count` those among them that were sealed with a ticket.
    `outcast`: it, or an ancestor, is a dishonest author's, and honest authors do not build on it.
    """

    def __init__(self, header: bytes, body: bytes, parent: "Block | None", slot: int, author: int,
                 validator: "Validator | None", ticketed: bool, state: "State | None", fault: str = "") -> None:
        self.header = header
        self.body = body
        self.hash = blake2b_256(header)
        self.parent = parent.hash if parent else bytes(32)
        self.slot = slot
        self.author = author
        self.validator = validator
        self.ticketed = ticketed
        self.number: int = parent.number + 1 if parent else 0
        self.ticketed_count: int = (parent.ticketed_count if parent else 0) + ticketed
        self.state = state
        self.fault = fault
        self.outcast: bool = bool(fault) or (parent is not None and parent.outcast)

    @property
    def size(self) -> int:
        """Bytes of the encoded block."""
        return len(self.header) + len(self.body)

    def encode(self) -> bytes:
        """Header and extrinsic."""
        return self.header + self.body


class Blocks:
    """All blocks by hash, the best chain by number. Most ticketed ancestors win, then the longer chain, then the
    older block (GP 0.7.2, 19.4). Blocks beyond 65,536 and states beyond `states_kept` are forgotten, oldest first. With
    a `finality`, no head is best that does not descend from its final block.
    """

    def __init__(self, genesis: Block, states_kept: int) -> None:
        assert genesis.state is not None
        self.genesis = self.best = genesis
        self.genesis_trie = genesis.state.trie.snapshot()
        self.states_kept = states_kept
        self.finality: "Finality | None" = None  # whose voters make blocks final
        self.takes_outcasts = False  # a dishonest author's private copy of the chain
        self.false_tries: dict[bytes, Trie] = {}  # what a liar serves instead of the state after these blocks
        self.tied: list[Block] = [genesis]  # the best and its equals
        self._blocks: dict[bytes, Block] = {genesis.hash: genesis}
        self._children: dict[bytes, list[bytes]] = {}
        self._canonical: dict[int, bytes] = {0: genesis.hash}
        self._stateful: deque[Block] = deque([genesis])

    def copy_blocks(self, best: Block) -> None:
        """Part from the chain that this is a shallow copy of, with `best` as the head."""
        self._blocks = dict(self._blocks)
        self._children = {key: list(value) for key, value in self._children.items()}
        self._canonical = dict(self._canonical)
        self._stateful = deque()  # it forgets only states of its own
        self.false_tries = dict(self.false_tries)
        self._lead(best)

    def block(self, header_hash: bytes) -> "Block | None":
        """A block by the hash of its header, or None when it is unknown or long gone."""
        return self._blocks.get(header_hash)

    def at(self, number: int) -> "Block | None":
        """The block of a height on the best chain."""
        header_hash = self._canonical.get(number)
        return None if header_hash is None else self._blocks.get(header_hash)

    def children(self, header_hash: bytes) -> "list[Block]":
        """The blocks on top of one, the older first."""
        return [self._blocks[child] for child in self._children.get(header_hash, ())]

    def chain(self) -> "list[Block]":
        """The best chain from genesis, or from the oldest block still kept."""
        found = []
        block: Block | None = self.best
        while block is not None:
            found.append(block)
            block = self._blocks.get(block.parent)
        return found[::-1]

    @property
    def final(self) -> Block:
        """The block that peers are told is final."""
        if self.finality is not None:
            return self.finality.final
        return self.at(max(0, self.best.number - _FINAL_DEPTH)) or self.best

    def is_final(self, block: Block) -> bool:
        """Whether a block is the final one or an ancestor of it."""
        return block.number <= self.final.number and self.at(block.number) is block

    def descends(self, block: Block, above: Block) -> bool:
        """Whether a block is `above` or a descendant of it."""
        at: Block | None = block
        while at is not None and at.number > above.number:
            at = self._blocks.get(at.parent)
        return at is above

    def settle(self) -> None:
        """There is another final block: forget equals of the best one that do not descend from it."""
        self.tied = [block for block in self.tied if self.descends(block, self.final)]

    def leaves(self) -> "list[Block]":
        """The descendants of the final block that have no children, the best first."""
        found = []
        waiting = [self.final]
        while waiting:
            block = waiting.pop()
            below = self.children(block.hash)
            waiting += below
            if not below:
                found.append(block)
        return sorted(found, key=lambda block: block is not self.best)

    def trie(self, header_hash: bytes) -> "Trie | None":
        """The state after a block, as it is served; None where it is unknown or forgotten."""
        false = self.false_tries.get(header_hash)
        if false is not None:
            return false
        block = self._blocks.get(header_hash)
        return None if block is None or block.state is None else block.state.trie

    def servable(self, block: Block) -> bool:
        """Whether it may still become final: it is, or it lies above the final block."""
        return self.at(block.number) is block or block.number > self.final.number

    def ascending(self, block: Block, maximum: int) -> "list[Block]":
        """Up to `maximum` blocks on top of one, towards the head of its branch."""
        found: list[Block] = []
        while len(found) < maximum:
            on_top = self.at(block.number + 1) if self.at(block.number) is block else None
            below = [on_top] if on_top else self.children(block.hash)
            if not below:
                break
            block = below[0]
            found.append(block)
        return found

    def descending(self, block: Block, maximum: int) -> "list[Block]":
        """Up to `maximum` blocks: this one, its parent and so on."""
        found: list[Block] = []
        at: Block | None = block
        while at is not None and len(found) < maximum:
            found.append(at)
            at = self._blocks.get(at.parent)
        return found

    def keep(self, block: Block) -> Block:
        """Take in a new block, or know it again; the block that is kept."""
        known = self._blocks.get(block.hash)
        if known is None:
            self._blocks[block.hash] = block
            self._children.setdefault(block.parent, []).append(block.hash)
        else:  # a private copy makes again what its origin has made: the same slot on the same parent is the same
            known.state, block = block.state, known
        self._stateful.append(block)
        while len(self._stateful) > self.states_kept:
            self._stateful.popleft().state = None
        if self.finality is not None:
            self.finality.note(block)
        if not block.outcast or self.takes_outcasts:
            self._rank(block)
        if self.finality is not None:
            self.finality.follow()
        if len(self._blocks) > _MAX_BLOCKS:
            oldest = self._blocks.pop(next(iter(self._blocks)))
            self._children.pop(oldest.parent, None)
            self.false_tries.pop(oldest.hash, None)
            if self._canonical.get(oldest.number) == oldest.hash:
                del self._canonical[oldest.number]
        return block

    def _rank(self, block: Block) -> None:
        if self.finality is not None and not self.descends(block, self.final):
            return
        rank, best = (block.ticketed_count, block.number), (self.best.ticketed_count, self.best.number)
        if rank > best:
            self._lead(block)
        elif rank == best and block is not self.best:
            self.tied.append(block)

    def _lead(self, best: Block) -> None:
        self.best = best
        self.tied = [best]
        block: Block | None = best
        while block is not None and self._canonical.get(block.number) != block.hash:
            self._canonical[block.number] = block.hash
            block = self._blocks.get(block.parent)
        above = best.number + 1
        while above in self._canonical:
            del self._canonical[above]
            above += 1

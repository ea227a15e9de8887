"""Checks a CE 129 answer while it streams in (jam-np, simple.md; trie: GP 0.7.2, appendix D).

An answer is a list of boundary nodes, which are the paths from the root to the start key and to the last
entry, and then the entries in key order. The two paths divide a trie in three:

    left of the path to `start`      not asked for
    between the paths                known by a hash in a boundary node, to which the entries must fold
    right of the path to the last    known by hash only: nothing is proved, unless that side is empty

So an answer proves the exact content of [start, p], where p is the key before the first sub-trie to the
right of the last entry (of `start`, in an answer without entries) that is not empty; and never more than
[start, end]. That is at least the last entry, often more: an answer that reaches the last key of a state
proves that it is.

The whole path to `start` comes before the first entry, so the order in which entries must come, and
where each sub-trie between begins, is known: a bad answer is refused at the first byte that shows it.
"""

from ..const import const
from ..crypto.suite import Blake2b256, blake2b_256
from ..errors import BudgetError, VerifyError
from .single import check_leaf, refuse, show
from .trie_node import EMPTY, KEY_BITS, KEY_SIZE, NODE_SIZE, bit, common_bits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from .fold import Fold

    Buffer = bytes | bytearray | memoryview

_MAX_NODES = const(497)  # two paths of 249 nodes share at least the root
_EMBEDDED_MAX = const(32)
_LEAF = const(0x80)
_HASHED_LEAF = const(0xC0)
_IDLE = const(0)
_NODES = const(1)
_ENTRIES = const(2)


class RangeVerifier:
    """Verifies one answer at a time: begin, node…, then for each entry: entry, value…; at the end finish.

    Holds the boundary nodes (at most `profile.proof_nodes` of 64 bytes, never more than 497) and one
    hash per level; values and the other entries pass through. Each call raises VerifyError("proof", …)
    as soon as the answer is wrong, and BudgetError("proof_nodes") when it is longer than we hold; after
    either, begin anew. Keys are 31 bytes.
    """

    def __init__(self, profile: "Profile") -> None:
        self._limit = min(profile.proof_nodes, _MAX_NODES)
        # The path to `start` grows from the front, in the order of depth; the rest of the path to the
        # last entry grows from the back.
        self._nodes = bytearray(self._limit * NODE_SIZE)
        self._fold: "Fold | None" = None  # 8 KB that an answer with one entry does without
        self._leaf = bytearray(NODE_SIZE)
        self._phase = _IDLE
        self.last_key: "bytes | None" = None  # the last entry's key; read it after finish()
        self.entries = 0  # count of entries taken

    def begin(self, root: "Buffer", start: "Buffer", end: "Buffer") -> None:
        """Expect an answer about the keys from `start` to `end`, both inclusive, below this root."""
        self._start = bytes(start)
        self._end = bytes(end)
        if len(self._start) != KEY_SIZE or len(self._end) != KEY_SIZE or self._start > self._end:
            raise ValueError("a range needs two 31-byte keys in order")
        self._phase = _NODES
        self._near = 0  # nodes on the path to start
        self._near_leaf = b""  # the key of the leaf which ends that path, if one does
        self._want: "bytes | None" = bytes(root)  # hash of the next node of that path
        self._want_left = False  # such a hash has lost its top bit
        if self._want == EMPTY:
            self._want = None
        self._far = 0  # nodes of the path to the last entry that are not on the path to start
        self._fork = KEY_BITS  # depth of the branch where the paths part
        self._far_ended = False
        self._last = bytearray(KEY_SIZE)  # path bits of the last entry; its key when the leaf is there
        self._rank = -1  # of the piece that entries have reached, see _piece
        self._last_rank = -1
        self._folding = False
        self._missing = 0  # bytes of the current value to come
        self._key = b""
        self.last_key = None
        self.entries = 0

    # --- boundary nodes ---

    def node(self, buf: "Buffer", start: int) -> None:
        """Take the next boundary node, 64 bytes at `start`."""
        if self._phase != _NODES:
            raise self._stop("boundary node out of turn")
        node = bytes(memoryview(buf)[start : start + NODE_SIZE])
        digest = blake2b_256(node)
        masked = digest if digest[0] < 0x80 else bytes((digest[0] & 0x7F,)) + digest[1:]
        if self._near + self._far >= self._limit:
            self._phase = _IDLE
            raise BudgetError("proof_nodes", "state proof has more than %d boundary nodes" % self._limit)
        try:
            if self._want is not None and self._want == (masked if self._want_left else digest):
                self._take_near(node)
            elif self._far:
                self._take_far(node, digest, masked)
            else:
                self._take_fork(node, digest)
        except VerifyError:
            self._phase = _IDLE
            raise

    def _take_near(self, node: bytes) -> None:
        depth = self._near
        self._nodes[depth * NODE_SIZE : (depth + 1) * NODE_SIZE] = node
        self._near = depth + 1
        self._want = None
        if node[0] & _LEAF:
            check_leaf(node, self._start, depth)
            self._near_leaf = node[1:32]
            return
        if depth >= KEY_BITS:
            raise refuse("path goes deeper than a key is long")
        self._want_left = not bit(self._start, depth)
        child = node[:32] if self._want_left else node[32:]
        if child != EMPTY:
            self._want = child

    def _take_fork(self, node: bytes, digest: bytes) -> None:
        # The paths part at a branch where start goes left and the last entry, being larger, goes right.
        # Above the bit where start and end differ, the right side lies beyond end.
        depth = common_bits(self._start, self._end)
        while depth < self._near - (1 if self._near_leaf else 0):
            at = depth * NODE_SIZE + 32
            if self._nodes[at : at + 32] == digest and not bit(self._start, depth):
                self._fork = depth
                for i in range(depth):
                    self._turn(i, bit(self._start, i))
                self._turn(depth, 1)
                self._add_far(node)
                return
            depth += 1
        raise self._surplus()

    def _take_far(self, node: bytes, digest: bytes, masked: bytes) -> None:
        at = self._far_at(self._fork + self._far)
        if self._far_ended:
            raise self._surplus()
        depth = self._fork + self._far
        if self._nodes[at : at + 32] == masked:
            self._turn(depth, 0)
        elif self._nodes[at + 32 : at + NODE_SIZE] == digest:
            self._turn(depth, 1)
        else:
            raise self._surplus()
        self._add_far(node)

    def _add_far(self, node: bytes) -> None:
        self._far += 1
        depth = self._fork + self._far
        at = self._far_at(depth)
        self._nodes[at : at + NODE_SIZE] = node
        if node[0] & _LEAF:
            check_leaf(node, self._last, depth)
            self._last[:] = node[1:32]
            if self._last > self._end:
                raise refuse("boundary node leads to key %s, beyond the end of the range" % show(self._last))
            self._far_ended = True
        elif depth >= KEY_BITS:
            raise refuse("path goes deeper than a key is long")

    def _surplus(self) -> VerifyError:
        return refuse("boundary node %d continues neither path: surplus, repeated or before its parent"
                       % (self._near + self._far))

    def _far_at(self, depth: int) -> int:
        return (self._limit - (depth - self._fork)) * NODE_SIZE

    def _turn(self, depth: int, right: int) -> None:
        mask = 0x80 >> (depth & 7)
        if right:
            self._last[depth >> 3] |= mask
        else:
            self._last[depth >> 3] &= 0xFF ^ mask

    def _stop(self, what: str) -> VerifyError:
        self._phase = _IDLE
        return refuse(what)

    # --- entries ---

    def _end_nodes(self) -> None:
        # Both paths must be whole. Then the pieces in which entries come are known.
        if self._want is not None:
            raise self._stop("boundary nodes end before the path to the start key does")
        if self._far and not self._far_ended:
            raise self._stop("boundary nodes end before the path to the last entry does")
        self._phase = _ENTRIES
        self._branches = self._near - (1 if self._near_leaf else 0)
        if self._far:
            self._last_rank = self._branches - self._fork + self._far - 1
        elif self._near_leaf and self._start <= self._near_leaf <= self._end:
            self._last_rank = 0
            self._last[:] = self._near_leaf

    # The pieces of an answer, by rank in key order: 0 is the leaf that ends the path to start; then the
    # right sides of that path from the bottom up to the fork; then the left sides of the other path
    # downwards; then its leaf.

    def _piece(self, rank: int) -> bytes:
        # What the boundary nodes say of a piece: its hash, or EMPTY if it has no entries. (For the two
        # leaves, which are compared as nodes, anything that is not EMPTY.)
        if rank == 0:
            return self._near_leaf if self._near_leaf >= self._start else EMPTY
        if rank == self._last_rank:
            return bytes(self._last)
        depth = self._depth(rank)
        if rank < self._branches - self._fork:
            if bit(self._start, depth):
                return EMPTY
            at = depth * NODE_SIZE + 32
        else:
            if not bit(self._last, depth):
                return EMPTY
            at = self._far_at(depth)
        return bytes(self._nodes[at : at + 32])

    def _depth(self, rank: int) -> int:
        # The depth of the branch on whose side the piece hangs.
        sides = self._branches - self._fork
        return self._branches - rank if rank < sides else self._fork + 1 + rank - sides

    def _rank_of(self, key: bytes) -> int:
        # The piece to which a key belongs, or -1 if it lies where the proof shows another leaf or
        # nothing.
        shared = common_bits(key, self._start)
        if not self._far or shared > self._fork:
            if self._far and shared < self._branches:
                return self._branches - shared
            return 0 if key == self._near_leaf else -1
        if key == self._last:
            return self._last_rank
        depth = common_bits(key, self._last)
        if depth >= self._fork + self._far:
            return -1
        return self._branches - self._fork + depth - self._fork - 1

    def entry(self, key: "Buffer", value_length: int) -> None:
        """Take the key of the next entry; `value_length` bytes of value() follow."""
        key = bytes(key)
        if self._phase == _NODES:
            self._end_nodes()
        if self._phase != _ENTRIES or self._missing:
            raise self._stop("entry %d begins out of turn" % self.entries)
        if len(key) != KEY_SIZE:
            raise self._stop("entry %d has a key of %d bytes, not 31" % (self.entries, len(key)))
        if key < self._start or key > self._end:
            raise self._stop("entry %d: key %s is outside the range asked for" % (self.entries, show(key)))
        if self.entries and key <= self._key:
            raise self._stop("entry %d: key %s is not above the one before" % (self.entries, show(key)))
        if self._last_rank < 0 or key > self._last:
            raise self._stop("entry %d: boundary nodes do not cover key %s" % (self.entries, show(key)))
        rank = self._rank_of(key)
        if rank < 0:
            raise self._stop("entry %d: the trie has no key %s" % (self.entries, show(key)))
        if rank != self._rank:
            self._move(rank)
        self._key = key
        self.entries += 1
        self._begin_value(value_length)

    def _move(self, rank: int) -> None:
        # Leave the present piece for a later one; pieces between must be empty, and this one must not
        # be.
        self._close_piece()
        for skipped in range(self._rank + 1, rank):
            if self._piece(skipped) != EMPTY:
                raise self._stop("keys are missing before entry %d" % self.entries)
        self._rank = rank
        if rank and rank != self._last_rank:
            if self._piece(rank) == EMPTY:
                raise self._stop("entry %d lies where the trie is empty" % self.entries)
            if self._fold is None:
                from .fold import Fold

                self._fold = Fold()
            self._fold.begin(self._depth(rank) + 1)
            self._folding = True

    def _close_piece(self) -> None:
        if not self._folding:
            return
        self._folding = False
        assert self._fold is not None
        digest = self._fold.close()
        if self._rank >= self._branches - self._fork and digest[0] & 0x80:  # a left side: its top bit is lost
            digest = bytes((digest[0] & 0x7F,)) + digest[1:]
        if digest != self._piece(self._rank):
            raise self._stop("entries up to %s do not hash to what the boundary nodes say" % show(self._key))

    # --- values ---

    def _begin_value(self, length: int) -> None:
        leaf = self._leaf
        leaf[1:32] = self._key
        leaf[32:] = EMPTY
        self._hasher: "Blake2b256 | None" = None
        if length > _EMBEDDED_MAX:
            leaf[0] = _HASHED_LEAF
            self._hasher = Blake2b256()
        else:
            leaf[0] = _LEAF | length
        self._value_at = 32
        self._missing = length
        if not length:
            self._end_value()

    def value(self, buf: "Buffer", start: int, end: int) -> None:
        """Take the next bytes of the current value, buf[start:end]."""
        size = end - start
        if self._phase != _ENTRIES or size > self._missing:
            raise self._stop("value of entry %d is longer than announced" % (self.entries - 1))
        if not size:
            return
        view = memoryview(buf)[start:end]
        if self._hasher is not None:
            self._hasher.update(view)
        else:
            self._leaf[self._value_at : self._value_at + size] = view
            self._value_at += size
        self._missing -= size
        if not self._missing:
            self._end_value()

    def _end_value(self) -> None:
        if self._hasher is not None:
            self._leaf[32:] = self._hasher.digest()
            self._hasher = None
        if self._folding:
            assert self._fold is not None
            self._fold.add(self._key, blake2b_256(self._leaf))
            return
        at = (self._near - 1) * NODE_SIZE
        if self._far and self._rank == self._last_rank:
            at = self._far_at(self._fork + self._far)
        if self._nodes[at : at + NODE_SIZE] != self._leaf:
            raise self._stop("value of key %s is not the proved one" % show(self._key))

    # --- the end ---

    def finish(self) -> bytes:
        """End the answer. The return value p is 31 bytes: exactly the content of [start, p] is proved."""
        if self._phase == _NODES:
            self._end_nodes()
        if self._phase != _ENTRIES or self._missing:
            raise self._stop("answer ends within entry %d" % (self.entries - 1))
        self._close_piece()
        if self._rank != self._last_rank:
            raise self._stop("entries end before the last boundary node's")
        self._phase = _IDLE
        if self.entries:
            self.last_key = self._key
        return self._proved()

    def _proved(self) -> bytes:
        # The lowest branch with something unknown on its right; everything on its left side is settled.
        edge = bytearray(b"\xff" * KEY_SIZE)
        path = self._last if self._far else self._start
        depth = self._fork + self._far - 1 if self._far else self._branches - 1
        while depth >= 0:
            at = self._far_at(depth) if self._far and depth > self._fork else depth * NODE_SIZE
            if not bit(path, depth) and self._nodes[at + 32 : at + NODE_SIZE] != EMPTY:
                whole = depth >> 3
                edge[:whole] = path[:whole]
                edge[whole] = path[whole] | (0x7F >> (depth & 7))
                break
            depth -= 1
        return min(bytes(edge), self._end)

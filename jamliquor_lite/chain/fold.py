"""The hash of a sub-trie from its leaves in key order, in O(depth) memory (GP 0.7.2, appendix D.2)."""

from ..const import const
from ..crypto.suite import blake2b_256
from .trie_node import EMPTY, KEY_BITS, bit, branch_node, common_bits

_HASH = const(32)


class Fold:
    """Leaves go in, one after the other; the hash of the sub-trie that holds just them comes out.

    A leaf hangs one level below the last bit that it shares with a neighbour, so its place is known when
    the next one comes. Left sub-tries wait for their right sibling in `_left`, at most one for each of
    248 levels: 8 KB for any number of leaves.
    """

    def __init__(self) -> None:
        self._left = bytearray(KEY_BITS * _HASH)
        self._waiting = bytearray(KEY_BITS)  # 1 where _left holds a hash
        self._top = 0
        self._key = b""
        self._hash = b""  # of the latest leaf, empty before the first
        self._shared = 0  # bits its key shares with the one before it

    def begin(self, depth: int) -> None:
        """Start a sub-trie whose top is `depth` levels below the root: its keys share `depth` bits."""
        self._top = depth
        self._hash = b""
        for i in range(KEY_BITS):
            self._waiting[i] = 0

    def add(self, key: bytes, leaf_hash: bytes) -> None:
        """Take the next leaf. The caller has checked that keys ascend and share the first `depth` bits."""
        shared = self._top - 1
        if self._hash:
            shared = common_bits(self._key, key)
            self._left[shared * _HASH : shared * _HASH + _HASH] = self._climb(shared)
            self._waiting[shared] = 1
        self._key = key
        self._hash = leaf_hash
        self._shared = shared

    def close(self) -> bytes:
        """The hash of the sub-trie, 32 bytes; zeroes if it has no leaf."""
        if not self._hash:
            return EMPTY
        return self._climb(self._top - 1)

    def _climb(self, shared: int) -> bytes:
        # From the latest leaf up to the node just below the level `shared`, merging what waits on the
        # left.
        depth = max(self._shared, shared)
        digest = self._hash
        while depth > shared:
            if not bit(self._key, depth):
                node = branch_node(digest, EMPTY)
            elif self._waiting[depth]:
                self._waiting[depth] = 0
                node = branch_node(bytes(self._left[depth * _HASH : depth * _HASH + _HASH]), digest)
            else:
                node = branch_node(EMPTY, digest)
            digest = blake2b_256(node)
            depth -= 1
        return digest

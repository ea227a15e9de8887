"""The state trie in memory, which serves proofs (GP 0.7.2, appendix D.2); its nodes are those of trie_node.py."""

from ..crypto.suite import blake2b_256
from .trie_node import EMPTY, KEY_SIZE, bit, branch_node, common_bits, leaf_node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Buffer = bytes | bytearray | memoryview


def merkle_root(items: "Iterable[tuple[bytes, bytes]]") -> bytes:
    """The root of a state given as (key of 31 bytes, value) in any order."""
    return Trie(items).root()


class Leaf:
    """A key and its value. `hash` is None while it is not needed."""

    __slots__ = ("hash", "key", "value")

    def __init__(self, key: bytes, value: bytes) -> None:
        self.key = key
        self.value = value
        self.hash: "bytes | None" = None


class Branch:
    """Two sub-tries, at least one of them not empty."""

    __slots__ = ("hash", "left", "right")

    def __init__(self, left: "Leaf | Branch | None", right: "Leaf | Branch | None") -> None:
        self.left = left
        self.right = right
        self.hash: "bytes | None" = None


class Trie:
    """A mapping from 31-byte keys to values with its Merkle root, for devnets, gateways and tests.

    A change costs the branches on its path; they are hashed when a root or a path is asked for, so changes
    made together share the work. `snapshot()` freezes the content for the price of the pending hashes.
    Keys that are not 31 bytes raise ValueError: they come from our own code only.
    """

    # A node with a hash may be shared with a snapshot and never changes again; one without is ours alone,
    # since snapshot() hashes everything first. That is the whole of copy-on-write here.

    def __init__(self, items: "Iterable[tuple[bytes, bytes]]" = ()) -> None:
        self._top: "Leaf | Branch | None" = None
        self._count = 0
        for key, value in items:
            self.set(key, value)

    def __len__(self) -> int:
        return self._count

    def snapshot(self) -> "Trie":
        """A trie with the present content. Later changes to either are not seen by the other."""
        self.root()
        twin = Trie()
        twin._top = self._top
        twin._count = self._count
        return twin

    def get(self, key: "Buffer") -> "bytes | None":
        """The value of `key`, or None."""
        node = self._top
        depth = 0
        while isinstance(node, Branch):
            node = node.right if bit(key, depth) else node.left
            depth += 1
        if node is None or node.key != bytes(key):
            return None
        return node.value

    def set(self, key: "Buffer", value: "Buffer") -> None:
        """Give `key` this value, whether or not it had one."""
        key = bytes(key)
        if len(key) != KEY_SIZE:
            raise ValueError("a state key has 31 bytes, not %d" % len(key))
        leaf = Leaf(key, bytes(value))
        parent: "Branch | None" = None
        node = self._top
        depth = 0
        while isinstance(node, Branch):
            if node.hash is not None:
                node = Branch(node.left, node.right)
                self._link(parent, key, depth, node)
            parent = node
            node = node.right if bit(key, depth) else node.left
            depth += 1
        if node is None:
            self._count += 1
        elif node.key == key:
            pass  # the new leaf takes the old one's place
        else:
            self._count += 1
            shared = common_bits(key, node.key)
            while depth < shared:
                below = Branch(None, None)
                self._link(parent, key, depth, below)
                parent = below
                depth += 1
            fork = Branch(node, leaf) if bit(key, depth) else Branch(leaf, node)
            self._link(parent, key, depth, fork)
            return
        self._link(parent, key, depth, leaf)

    def remove(self, key: "Buffer") -> bool:
        """Take `key` out. False if it was not there."""
        key = bytes(key)
        if self.get(key) is None:
            return False
        path: "list[Branch]" = []
        node = self._top
        while isinstance(node, Branch):
            if node.hash is not None:
                node = Branch(node.left, node.right)
                self._link(path[-1] if path else None, key, len(path), node)
            path.append(node)
            node = node.right if bit(key, len(path) - 1) else node.left
        self._count -= 1
        # A leaf left alone moves up to where its key first differs from all others.
        alone: "Leaf | None" = None
        while path:
            parent = path.pop()
            depth = len(path) + 1
            other = parent.left if bit(key, depth - 1) else parent.right
            if alone is None and isinstance(other, Leaf):
                alone = other
            elif other is not None:
                self._link(parent, key, depth, alone)
                return True
        self._top = alone
        return True

    def _link(self, parent: "Branch | None", key: bytes, depth: int, node: "Leaf | Branch | None") -> None:
        # Hang `node` at `depth` of the path of `key`, below `parent` (None: at the top).
        if parent is None:
            self._top = node
        elif bit(key, depth - 1):
            parent.right = node
        else:
            parent.left = node

    def root(self) -> bytes:
        """The Merkle root, 32 bytes; 32 zero bytes for an empty trie."""
        top = self._top
        if top is None:
            return EMPTY
        if top.hash is None:
            _hash_below(top)
        return top.hash  # type: ignore[return-value]

    def hashed_top(self) -> "Leaf | Branch | None":
        """The top node, for who walks the trie; it and all below it have their hashes."""
        self.root()
        return self._top

    def path(self, key: "Buffer") -> "list[bytes]":
        """The nodes from the root towards `key`, 64 bytes each.

        The last one is the leaf of `key`, or a leaf of another key, or a branch that is empty on the side of
        `key`: each a proof of what is or is not there. An empty trie has no nodes.
        """
        self.root()
        nodes: "list[bytes]" = []
        node = self._top
        while isinstance(node, Branch):
            nodes.append(_encode(node))
            node = node.right if bit(key, len(nodes) - 1) else node.left
        if node is not None:
            nodes.append(_encode(node))
        return nodes

    def items(self, start: "Buffer" = bytes(KEY_SIZE)) -> "Iterator[tuple[bytes, bytes]]":
        """(key, value) from `start` on in ascending order. The trie must not change meanwhile."""
        for leaf, _ in self.leaves(start):
            yield leaf.key, leaf.value

    def leaves(self, start: "Buffer") -> "Iterator[tuple[Leaf, int]]":
        """Like items(), as (object with .key and .value, how many branches lie above it)."""
        waiting: "list[tuple[Leaf | Branch, int]]" = []
        node = self._top
        depth = 0
        while isinstance(node, Branch):
            depth += 1
            if bit(start, depth - 1):
                node = node.right
            else:
                if node.right is not None:
                    waiting.append((node.right, depth))
                node = node.left
        if node is not None and node.key >= bytes(start):
            yield node, depth
        while waiting:
            node, depth = waiting.pop()
            if isinstance(node, Leaf):
                yield node, depth
                continue
            if node.right is not None:
                waiting.append((node.right, depth + 1))
            if node.left is not None:
                waiting.append((node.left, depth + 1))


def _encode(node: "Leaf | Branch") -> bytes:
    if isinstance(node, Leaf):
        return leaf_node(node.key, node.value)
    left, right = node.left, node.right
    return branch_node(EMPTY if left is None else left.hash,  # type: ignore[arg-type]
                       EMPTY if right is None else right.hash)  # type: ignore[arg-type]


def _hash_below(top: "Leaf | Branch") -> None:
    # Children before parents, without recursion: a trie is up to 248 deep, too deep for a small stack.
    waiting = [top]
    while waiting:
        node = waiting[-1]
        if isinstance(node, Branch):
            left, right = node.left, node.right
            pending = False
            if left is not None and left.hash is None:
                waiting.append(left)
                pending = True
            if right is not None and right.hash is None:
                waiting.append(right)
                pending = True
            if pending:
                continue
        node.hash = blake2b_256(_encode(node))
        waiting.pop()

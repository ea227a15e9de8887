"""A verified CE 129 answer as a part of the trie: for a watch list, which keeps what it was shown (witness.py)."""

from ..crypto.suite import Blake2b256, blake2b_256
from ..errors import VerifyError
from .trie_node import EMPTY, KEY_SIZE, bit, common_bits
from .witness import Branch, Leaf, Stub, branch_hash, equal, high_below, leaf_at, low_right

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .witness import Node

_FIRST = bytes(KEY_SIZE)


class LongValue:
    """A value that is too long to keep, while it streams by."""

    def __init__(self) -> None:
        self._hasher = Blake2b256()

    def update(self, piece: "bytes | bytearray | memoryview") -> None:
        """The next bytes of it."""
        self._hasher.update(piece)

    def leaf(self, key: bytes, length: int) -> Leaf:
        """The leaf of the key that has it, now that all `length` bytes went by."""
        tail = self._hasher.digest()
        return Leaf(blake2b_256(b"\xc0" + key + tail), key, length, None, tail)


def from_range(root: bytes, nodes: "list[bytes]", found: "list[Leaf]", start: bytes, proved_to: bytes) -> "Node | None":
    """The trie of `root` as far as an answer shows it that was verified (chain/proof.py, chain/single.py): boundary
    `nodes`, the entries as leaves in key order, and how far it proves. Raises VerifyError where those do not agree."""
    by_hash = {}
    for data in nodes:
        digest = blake2b_256(data)
        by_hash[_masked(digest)] = data
    top = _shown(root, _FIRST, 0, by_hash, found, start, proved_to)
    waiting = [(top, _FIRST, 0)]
    while waiting:
        node, low, depth = waiting.pop()
        if not isinstance(node, Branch) or node.left is not None or node.right is not None:
            continue  # what was made of entries has its sides
        data = by_hash[_masked(node.hash)]
        middle = low_right(low, depth)
        node.left = _shown(data[:32], low, depth + 1, by_hash, found, start, proved_to)
        node.right = _shown(data[32:], middle, depth + 1, by_hash, found, start, proved_to)
        waiting.append((node.left, low, depth + 1))
        waiting.append((node.right, middle, depth + 1))
    return top


def _masked(digest: bytes) -> bytes:
    return digest if digest[0] < 0x80 else bytes((digest[0] & 0x7F,)) + digest[1:]


def _shown(digest: bytes, low: bytes, depth: int, by_hash: "dict[bytes, bytes]", found: "list[Leaf]", start: bytes,
           proved_to: bytes) -> "Node | None":
    # The node of a hash: one of the boundary, or all of it is among the entries, or it stays a hash.
    if digest == EMPTY:
        return None
    data = by_hash.get(_masked(digest))
    if data is not None and data[0] & 0x80:
        leaf = leaf_at(data, depth, low)
        at = _first_from(found, leaf.key)
        return found[at] if at < len(found) and equal(found[at].hash, digest) else leaf
    if data is not None:
        return Branch(digest)
    high = high_below(low, depth)
    if low < start or high > proved_to:
        return Stub(digest)
    made = grown(found, _first_from(found, low), high, depth)
    if made is None or not equal(made.hash, digest):
        raise VerifyError("proof", "entries from %s on do not hash to what the boundary nodes say" % low.hex())
    made.hash = digest
    return made


def _first_from(found: "list[Leaf]", key: bytes) -> int:
    low, high = 0, len(found)
    while low < high:
        middle = (low + high) >> 1
        if found[middle].key < key:
            low = middle + 1
        else:
            high = middle
    return low


def grown(found: "list[Leaf]", at: int, high: bytes, depth: int) -> "Leaf | Branch | None":
    """The sub-trie at `depth` of the leaves found[at:] whose keys are at most `high`, with all its hashes."""
    top: "Leaf | Branch | None" = None
    made: "list[Branch]" = []  # parents before children
    while at < len(found) and found[at].key <= high:
        leaf = found[at]
        at += 1
        parent: "Branch | None" = None
        node: "Node | None" = top
        level = depth
        while isinstance(node, Branch):
            parent = node
            node = node.right if bit(leaf.key, level) else node.left
            level += 1
        if isinstance(node, Leaf):  # it goes down to where the keys differ
            shared = common_bits(leaf.key, node.key)
            while level <= shared:
                below = Branch(EMPTY)
                made.append(below)
                if parent is None:
                    top = below
                else:
                    _hang(parent, leaf.key, level - 1, below)
                parent = below
                level += 1
            assert parent is not None  # two leaves of one sub-trie differ below its top
            _hang(parent, node.key, level - 1, node)
        if parent is None:
            top = leaf
        else:
            _hang(parent, leaf.key, level - 1, leaf)
    for index in range(len(made) - 1, -1, -1):
        made[index].hash = branch_hash(made[index])
    return top


def _hang(parent: Branch, key: bytes, depth: int, node: "Leaf | Branch") -> None:
    if bit(key, depth):
        parent.right = node
    else:
        parent.left = node

"""The server's half of a CE 129 state request: an answer cut from a trie (jam-np, simple.md)."""

from ..codec import natural
from .trie_node import KEY_SIZE, NODE_SIZE, common_bits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .trie import Trie

    Buffer = bytes | bytearray | memoryview


def build_range(trie: "Trie", start: "Buffer", end: "Buffer",
                max_size: int) -> "tuple[list[bytes], list[tuple[bytes, bytes]]]":
    """The answer for the keys from `start` to `end`, both inclusive: (boundary nodes, (key, value) in order).

    Boundary nodes are those on the paths to `start` and to the last entry, without repetition and each
    after its parent. Their size and that of the entries stays within `max_size` bytes unless there is
    one entry only; the 8 bytes of message framing are not counted. Where keys exist in the range, at
    least one is returned.
    """
    end = bytes(end)
    near = trie.path(start)
    entries: "list[tuple[bytes, bytes]]" = []
    size = 0
    for leaf, depth in trie.leaves(start):
        if leaf.key > end:
            break
        length = len(leaf.value)
        size += KEY_SIZE + natural.size(length) + length
        # The paths share the nodes above and at the first bit in which the keys differ.
        shared = min(common_bits(start, leaf.key) + 1, len(near), depth + 1)
        if entries and size + (len(near) + depth + 1 - shared) * NODE_SIZE > max_size:
            break
        entries.append((leaf.key, leaf.value))
    if not entries:
        return near, entries
    last = entries[-1][0]
    return near + trie.path(last)[min(common_bits(start, last) + 1, len(near)) :], entries

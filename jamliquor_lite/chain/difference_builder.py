"""The server's half of a lite difference (jam/difference_request.py): an answer cut from one trie, or from two.

A node of either is one of trie.py, where the whole state is, or of witness.py, where a part is known that holds all
that is asked for.
"""

from ..codec import natural
from ..errors import LocalError
from . import trie, witness
from .trie_node import KEY_SIZE, leaf_node
from .witness import Ranges, equal, low_right

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .witness import Node

    Nodes = trie.Leaf | trie.Branch | Node | None

_EMPTY, _SAME, _HASH, _BRANCH, _LEAF, _ENTRY = b"\0", b"\1", b"\2", b"\3", b"\4", b"\5"
_FIRST = bytes(KEY_SIZE)
_BRANCHES = (trie.Branch, witness.Branch)


def build_difference(top: "Nodes", base: "Nodes", items: "list[tuple[bytes, bytes]]", max_size: int) -> "list[bytes]":
    """The answer, a piece for each place: what the trie below `top` has at `items`, and is not in that below `base`.

    The work is in proportion to the paths on which both differ. LocalError for what is not here, or not kept."""
    ranges = Ranges(items)
    pieces: "list[bytes]" = []
    size = entries = 0
    waiting: "list[tuple[Nodes, Nodes, bytes, int, int, int]]" = [(top, base, _FIRST, 0, 0, len(ranges))]
    while waiting:
        node, old, low, depth, first, after = waiting.pop()
        if node is None:
            piece = _EMPTY
        elif old is not None and (node is old or equal(node.hash, old.hash)):  # type: ignore[arg-type]
            piece = _SAME
        elif first >= after or (entries and size > max_size and isinstance(node, _BRANCHES)):
            piece = _HASH + node.hash  # type: ignore[operator]
        elif isinstance(node, _BRANCHES):
            piece = _BRANCH
            is_branch = isinstance(old, _BRANCHES)
            middle = low_right(low, depth)
            at = ranges.from_key(middle, first, after)
            begin = at - 1 if at > first and ranges.ends[at - 1] >= middle else at
            waiting.append((node.right, old.right if is_branch else None,  # type: ignore[union-attr]
                            middle, depth + 1, begin, after))
            waiting.append((node.left, old.left if is_branch else None,  # type: ignore[union-attr]
                            low, depth + 1, first, at))
        else:
            piece = _leaf(node, ranges, first, after)
            if piece[:1] == _ENTRY:
                if entries and size + len(piece) > max_size:
                    piece = _HASH + node.hash  # type: ignore[operator]
                else:
                    entries += 1
        size += len(piece)
        pieces.append(piece)
    return pieces


def _leaf(node: "Nodes", ranges: Ranges, first: int, after: int) -> bytes:
    if not isinstance(node, (trie.Leaf, witness.Leaf)):
        raise LocalError("a sub-trie that is asked for is not here")
    if not ranges.hold(node.key, first, after):
        return _LEAF + (node.node if isinstance(node, witness.Leaf) else leaf_node(node.key, node.value))
    if node.value is None:
        raise LocalError("the value of key %s is too long to be kept here" % node.key.hex())
    return _ENTRY + node.key + natural.encode(len(node.value)) + node.value

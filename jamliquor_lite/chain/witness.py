"""The part of a state trie that a watch list needs: what is known of it in full, and the rest by its hash.

A sub-trie is None where it is empty, a Stub where only its hash is known, else a Leaf or a Branch. Every node came out
of a proof, so two nodes of one hash are one content, whoever proved them and below whatever root. That is all there is
to an update: what is proved of the new trie is grafted onto what was known of the old one, and wherever a hash is the
same, everything known below it is known of the new trie as well (`graft`). What is then still a Stub below a watched
range has to be asked for (`gaps`), and where the hashes differ the watched keys have changed (`differences`).

The left hash of a branch lacks its top bit (GP 0.7.2, appendix D.2), so hashes are compared without it.

No function here recurses: a trie is up to 248 deep, too deep for a small stack.
"""

from ..crypto.suite import blake2b_256
from ..errors import VerifyError
from .trie_node import EMPTY, KEY_BITS, KEY_SIZE, branch_node, common_bits, leaf_node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Union

    Node = Union["Stub", "Leaf", "Branch"]
    Place = tuple["Node | None", bytes, int, int, int]  # node, lowest key below it, depth, ranges from, to

HIDDEN = -1  # the length of a value that no proof has shown
_FIRST = bytes(KEY_SIZE)


class Stub:
    """A sub-trie of which only the hash is known."""

    __slots__ = ("hash",)

    def __init__(self, digest: bytes) -> None:
        self.hash = digest


class Leaf:
    """A key. `value` is None where it is too long to keep; `length` is its length, or HIDDEN. `tail` is then the hash
    of the value, which is all that its node has of it."""

    __slots__ = ("hash", "key", "length", "tail", "value")

    def __init__(self, digest: bytes, key: bytes, length: int, value: "bytes | None", tail: bytes = b"") -> None:
        self.hash = digest
        self.key = key
        self.length = length
        self.value = value
        self.tail = tail

    @property
    def node(self) -> bytes:
        """Its 64 bytes."""
        return leaf_node(self.key, self.value) if self.value is not None else b"\xc0" + self.key + self.tail


class Branch:
    """Two sub-tries. `watched` counts the watched leaves below once all of them are known (`settle`); else HIDDEN."""

    __slots__ = ("hash", "left", "right", "watched")

    def __init__(self, digest: bytes) -> None:
        self.hash = digest
        self.left: "Node | None" = None
        self.right: "Node | None" = None
        self.watched = HIDDEN


class Ranges:
    """Watched keys: ranges in order that do not overlap, both ends included. `starts` and `ends` are columns."""

    def __init__(self, pairs: "list[tuple[bytes, bytes]]") -> None:
        self.starts: "list[bytes]" = []
        self.ends: "list[bytes]" = []
        for start, end in sorted(pairs):
            if len(start) != KEY_SIZE or len(end) != KEY_SIZE or start > end:
                raise ValueError("a range needs two 31-byte keys in order")
            if self.ends and start <= self.ends[-1]:
                self.ends[-1] = max(end, self.ends[-1])
            else:
                self.starts.append(start)
                self.ends.append(end)

    def __len__(self) -> int:
        return len(self.starts)

    def from_key(self, key: bytes, low: int, high: int) -> int:
        """Of the ranges low..high-1, the first that starts at `key` or after it; `high` if none does."""
        while low < high:
            middle = (low + high) >> 1
            if self.starts[middle] < key:
                low = middle + 1
            else:
                high = middle
        return low

    def hold(self, key: bytes, low: int, high: int) -> bool:
        """Whether one of the ranges low..high-1 has this key."""
        at = self.from_key(key, low, high)
        return (at < high and self.starts[at] == key) or (at > low and self.ends[at - 1] >= key)


def same(node: "Node", other: "Node") -> bool:
    """Whether two sub-tries, each at the same place of its trie, have the same content."""
    return node is other or equal(node.hash, other.hash)


def equal(digest: bytes, other: bytes) -> bool:
    """Whether two hashes are the same but for the top bit that a left one lacks."""
    return not (digest[0] ^ other[0]) & 0x7F and digest[1:] == other[1:]


def stub(digest: bytes) -> "Stub | None":
    """The sub-trie of a hash that a branch names."""
    return None if digest == EMPTY else Stub(digest)


def branch_hash(node: Branch) -> bytes:
    """The hash that a branch has from those of its two sides."""
    left, right = node.left, node.right
    return blake2b_256(branch_node(EMPTY if left is None else left.hash, EMPTY if right is None else right.hash))


def low_right(low: bytes, depth: int) -> bytes:
    """The lowest key of the right side of a branch at `depth` whose own lowest key is `low`."""
    key = bytearray(low)
    key[depth >> 3] |= 0x80 >> (depth & 7)
    return bytes(key)


def high_below(low: bytes, depth: int) -> bytes:
    """The highest key of a sub-trie at `depth` whose lowest key is `low`."""
    if depth == KEY_BITS:
        return low
    whole = depth >> 3
    return low[:whole] + bytes((low[whole] | (0xFF >> (depth & 7)),)) + b"\xff" * (KEY_SIZE - whole - 1)


def sides(node: Branch, low: bytes, depth: int, first: int, after: int, ranges: Ranges) -> "tuple[Place, Place]":
    """The two places below a branch: each with the ranges, from and to, that reach into it."""
    middle = low_right(low, depth)
    at = ranges.from_key(middle, first, after)
    begin = at - 1 if at > first and ranges.ends[at - 1] >= middle else at
    return (node.left, low, depth + 1, first, at), (node.right, middle, depth + 1, begin, after)


def leaf_at(node: "bytes | memoryview", depth: int, low: bytes) -> Leaf:
    """The leaf that 64 bytes are, at `depth` of the path that `low` begins with. Raises VerifyError."""
    head, key = node[0], bytes(node[1:32])
    if not 0x80 <= head <= 0xA0 and head != 0xC0:
        raise VerifyError("proof", "leaf begins with byte 0x%02x, allowed are 0x80 to 0xa0 and 0xc0" % head)
    if common_bits(key, low) < depth:
        raise VerifyError("proof", "leaf of key %s stands where its key does not lead" % key.hex())
    length = HIDDEN if head == 0xC0 else head & 0x3F
    if length == HIDDEN:
        return Leaf(blake2b_256(node), key, length, None, bytes(node[32:64]))
    return Leaf(blake2b_256(node), key, length, bytes(node[32 : 32 + length]))


def leaf_of(key: bytes, value: bytes) -> Leaf:
    """The leaf of a key and its value."""
    return Leaf(blake2b_256(leaf_node(key, value)), key, len(value), value)


# --- what is known ---


def graft(node: "Node | None", other: "Node | None") -> "Node | None":
    """What `node` says of its trie together with what `other` knew, of the same trie or of an older one, where their
    hashes are the same. `node` is changed; the work is in proportion to what both have expanded and do not share."""
    if isinstance(node, Stub):
        return other if other is not None and same(node, other) else node
    waiting = [(node, other)]
    while waiting:
        mine, known = waiting.pop()
        if mine is known:
            continue
        if isinstance(mine, Leaf) and isinstance(known, Leaf):
            if mine.length == HIDDEN and same(mine, known):
                mine.length, mine.value = known.length, known.value
        if not isinstance(mine, Branch) or not isinstance(known, Branch):
            continue
        if mine.watched == HIDDEN and same(mine, known):
            mine.watched = known.watched
        for is_right in (False, True):
            one, two = (mine.right, known.right) if is_right else (mine.left, known.left)
            if one is None or two is None:
                continue
            if not isinstance(one, Stub):
                waiting.append((one, two))
            elif not same(one, two):
                continue
            elif is_right:
                mine.right = two
            else:
                mine.left = two
    return node


class Gap:
    """Something that a watched range needs and nobody has proved: the sub-trie at `depth`, of which `low` is the
    lowest key, with the ranges first..after-1. `before` is what was known at that place in an older trie."""

    def __init__(self, place: "Place", before: "Node | None") -> None:
        _, self.low, self.depth, self.first, self.after = place
        self.before = before

    @property
    def high(self) -> bytes:
        return high_below(self.low, self.depth)


def gaps(top: "Node | None", before: "Node | None", ranges: Ranges) -> "Iterator[Gap]":
    """What is still to be proved, in key order."""
    waiting: "list[tuple[Place, Node | None]]" = [((top, _FIRST, 0, 0, len(ranges)), before)]
    while waiting:
        place, known = waiting.pop()
        node, low, depth, first, after = place
        if node is None or first >= after:
            continue
        if isinstance(node, Branch):
            if node.watched != HIDDEN:
                continue
            left, right = sides(node, low, depth, first, after, ranges)
            is_branch = isinstance(known, Branch)
            waiting.append((right, known.right if is_branch else None))  # type: ignore[union-attr]
            waiting.append((left, known.left if is_branch else None))  # type: ignore[union-attr]
        elif isinstance(node, Stub) or (node.length == HIDDEN and ranges.hold(node.key, first, after)):
            yield Gap(place, known)


def settle(top: "Node | None", ranges: Ranges) -> int:
    """Note in every branch how many watched leaves are below; nothing may be missing. How many nodes were new."""
    waiting: "list[tuple[Place, bool]]" = [((top, _FIRST, 0, 0, len(ranges)), False)]
    counted: "list[int]" = []  # of the sub-tries done, the last one on top
    new = 0
    while waiting:
        place, is_summed = waiting.pop()
        node, low, depth, first, after = place
        if is_summed:
            assert isinstance(node, Branch)
            node.watched = counted.pop() + counted.pop()
            counted.append(node.watched)
        elif not isinstance(node, Branch):
            new += node is not None
            counted.append(int(isinstance(node, Leaf) and ranges.hold(node.key, first, after)))
        elif node.watched != HIDDEN or first >= after:
            counted.append(max(0, node.watched))
        else:
            new += 1
            left, right = sides(node, low, depth, first, after, ranges)
            waiting.append((place, True))
            waiting.append((left, False))
            waiting.append((right, False))
    return new


def size(top: "Node | None") -> "tuple[int, int]":
    """How many nodes are held below, and the bytes of their values."""
    nodes = held = 0
    waiting = [top]
    while waiting:
        node = waiting.pop()
        nodes += node is not None
        if isinstance(node, Branch):
            waiting.append(node.left)
            waiting.append(node.right)
        elif isinstance(node, Leaf) and node.value is not None:
            held += len(node.value)
    return nodes, held


def leaves(place: "Place", ranges: Ranges) -> "Iterator[Leaf]":
    """The watched leaves below a place, in key order."""
    waiting = [place]
    while waiting:
        node, low, depth, first, after = waiting.pop()
        if first >= after:
            continue
        if isinstance(node, Branch):
            left, right = sides(node, low, depth, first, after, ranges)
            waiting.append(right)
            waiting.append(left)
        elif isinstance(node, Leaf) and ranges.hold(node.key, first, after):
            yield node


def differences(before: "Node | None", now: "Node | None",
                ranges: Ranges) -> "Iterator[tuple[Leaf | None, Leaf | None]]":
    """The watched keys in which two tries differ, in order, each as (leaf before, leaf now), None where it is absent.
    Sub-tries with the same hash are not looked at."""
    waiting: "list[tuple[Node | None, Place]]" = [(before, (now, _FIRST, 0, 0, len(ranges)))]
    while waiting:
        old, place = waiting.pop()
        new, low, depth, first, after = place
        if first >= after or old is new or (old is not None and new is not None and same(old, new)):
            continue
        if isinstance(old, Branch) and isinstance(new, Branch):
            left, right = sides(new, low, depth, first, after, ranges)
            waiting.append((old.right, right))
            waiting.append((old.left, left))
            continue
        olds = leaves((old, low, depth, first, after), ranges)
        news = leaves(place, ranges)
        was, is_ = next(olds, None), next(news, None)
        while was is not None or is_ is not None:
            if is_ is None or (was is not None and was.key < is_.key):
                yield was, None
                was = next(olds, None)
            elif was is None or is_.key < was.key:
                yield None, is_
                is_ = next(news, None)
            else:
                if not same(was, is_):
                    yield was, is_
                was, is_ = next(olds, None), next(news, None)

"""Checks a lite difference while it streams in (jam/difference_request.py): the watched part of a trie as a walk that
stops wherever an older trie, which we have, is the same.

The walk goes from the root down, but hashes are computed from the leaves up: what a false answer says is known to be
false at its end only, when it does not hash to the root. So nothing of it is believed before, and its size is bounded.
"""

from ..errors import BudgetError, VerifyError
from .shown import LongValue
from .trie_node import KEY_BITS, KEY_SIZE, common_bits
from .witness import HIDDEN, Branch, branch_hash, leaf_at, leaf_of, sides, stub

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from .witness import Node, Place, Ranges

    Buffer = bytes | bytearray | memoryview

_FIRST = bytes(KEY_SIZE)


class DifferenceVerifier:
    """begin, then for each place in turn one of empty, same, hashed, branch, leaf, or entry and its value…; finish.

    Each raises VerifyError("difference", …) for what no true answer has, and BudgetError for one with more branches
    than `watch_nodes`; after that, begin anew. Values longer than `watch_value_bytes` are hashed as they come, and are
    not kept. `entries` counts the keys shown.
    """

    def __init__(self, profile: "Profile") -> None:
        self._kept_bytes = profile.watch_value_bytes
        self._most = profile.watch_nodes
        self._made = 0  # branches
        self.entries = 0

    def begin(self, root: bytes, base: "Node | None", ranges: "Ranges") -> None:
        """Expect the trie of `root`, at the places that `ranges` reach into; `base` is what we have of an older one."""
        self._root = root
        self._ranges = ranges
        self._places: "list[tuple[Place, Node | None]]" = [((None, _FIRST, 0, 0, len(ranges)), base)]
        self._branches: "list[Branch]" = []  # those that lack a side, each below the one before
        self._is_right: "list[bool]" = []  # of each, whether it is the right side of the one before
        self._top: "Node | None" = None
        self._key = b""
        self._missing = 0  # bytes of the value to come
        self._length = 0
        self._value: "bytearray | None" = None
        self._long: "LongValue | None" = None
        self._made = self.entries = 0

    def empty(self) -> None:
        """No key is below the next place."""
        self._next()
        self._put(None)

    def same(self) -> None:
        """What is below the next place is as it was."""
        _, base = self._next()
        if base is None:
            raise _refuse("a place is said to be as it was, where nothing was")
        self._put(base)

    def hashed(self, buf: "Buffer", start: int) -> None:
        """What is below the next place has this hash, 32 bytes at `start`."""
        self._next()
        found = stub(bytes(memoryview(buf)[start : start + 32]))
        if found is None:
            raise _refuse("the hash of nothing is shown as one of something")
        self._put(found)

    def branch(self) -> None:
        """The next place has two sides; their places come next."""
        place, base = self._next()
        _, low, depth, first, after = place
        if first >= after:
            raise _refuse("a branch is shown where nothing was asked for")
        if depth >= KEY_BITS:
            raise _refuse("branches go deeper than a key is long")
        self._made += 1
        if self._made > self._most:
            raise BudgetError("watch_nodes", "a difference has more than %d branches" % self._most)
        made = Branch(b"")
        left, right = sides(made, low, depth, first, after, self._ranges)
        is_branch = isinstance(base, Branch)
        self._places.append((right, base.right if is_branch else None))  # type: ignore[union-attr]
        self._places.append((left, base.left if is_branch else None))  # type: ignore[union-attr]
        self._is_right.append(self._side())
        self._branches.append(made)

    def leaf(self, buf: "Buffer", start: int) -> None:
        """The next place is a leaf that nobody asked for, 64 bytes at `start`."""
        place, _ = self._next()
        _, low, depth, first, after = place
        found = leaf_at(bytes(memoryview(buf)[start : start + 64]), depth, low)
        if first >= after or self._ranges.hold(found.key, first, after):
            raise _refuse("the leaf of key %s is shown without its value, or where nobody asked" % found.key.hex())
        self._put(found)

    def entry(self, key: bytes, length: int) -> None:
        """The next place is the leaf of a key that was asked for; `length` bytes of value() follow."""
        place, _ = self._next()
        _, low, depth, first, after = place
        if common_bits(key, low) < depth or not self._ranges.hold(key, first, after):
            raise _refuse("key %s is shown where it does not belong" % key.hex())
        self.entries += 1
        self._key = key
        self._length = self._missing = length
        self._value = bytearray() if length <= self._kept_bytes else None
        self._long = None if self._value is not None else LongValue()
        if not length:
            self._end_value()

    def value(self, buf: "Buffer", start: int, end: int) -> None:
        """The next bytes of the value, buf[start:end]."""
        if end - start > self._missing:
            raise _refuse("value of key %s is longer than announced" % self._key.hex())
        piece = memoryview(buf)[start:end]
        if self._long is not None:
            self._long.update(piece)
        else:
            assert self._value is not None
            self._value.extend(bytes(piece))
        self._missing -= end - start
        if not self._missing:
            self._end_value()

    def _end_value(self) -> None:
        if self._long is not None:
            self._put(self._long.leaf(self._key, self._length))
            return
        self._put(leaf_of(self._key, bytes(self._value or b"")))

    def finish(self) -> "Node | None":
        """The end of the answer: the trie, as far as it is known now. Only from here on is anything of it true."""
        if self._places or self._branches or self._missing:
            raise _refuse("the answer ends before the walk does")
        top = self._top
        if (bytes(32) if top is None else top.hash) != self._root:
            raise _refuse("the answer does not hash to the state root")
        return top

    def _next(self) -> "tuple[Place, Node | None]":
        if not self._places or self._missing:
            raise _refuse("more places than the trie has")
        return self._places.pop()

    def _side(self) -> bool:
        # Whether what is put next is a right side: the left one of its branch is there.
        return bool(self._branches) and self._branches[-1].watched == 0

    def _put(self, node: "Node | None") -> None:
        is_right = self._side()
        while self._branches:
            parent = self._branches[-1]
            if not is_right:
                parent.left = node
                parent.watched = 0
                return
            parent.right = node
            parent.watched = HIDDEN
            parent.hash = branch_hash(parent)
            self._branches.pop()
            is_right = self._is_right.pop()
            node = parent
        self._top = node


def _refuse(what: str) -> VerifyError:
    return VerifyError("difference", what)

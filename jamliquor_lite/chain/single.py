"""Proves one key by the nodes from the root to it (GP 0.7.2, appendix D)."""

from ..const import const
from ..crypto.suite import blake2b_256
from ..errors import VerifyError
from .trie import EMPTY, KEY_BITS, common_bits, leaf_node

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

_EMBEDDED_MAX = const(32)
_LEAF = const(0x80)
_HASHED_LEAF = const(0xC0)


def refuse(what: str) -> VerifyError:
    """The error of a proof that shows something else than it claims."""
    return VerifyError("proof", what)


def show(key: "Buffer") -> str:
    """A key as error lines name it."""
    return bytes(key).hex()


def check_leaf(node: bytes, key: "Buffer", depth: int) -> None:
    """Check that a leaf has one of the two forms and hangs `depth` levels down on the path of its own key.

    `key` is one whose first `depth` bits are that path. Raises VerifyError("proof").
    """
    head = node[0]
    if head != _HASHED_LEAF and head > _LEAF + _EMBEDDED_MAX:
        raise refuse("leaf begins with byte 0x%02x, allowed are 0x80 to 0xa0 and 0xc0" % head)
    if common_bits(node[1:32], key) < depth:
        raise refuse("leaf of key %s stands where its key does not lead" % show(node[1:32]))


def verify_single(root: bytes, key: bytes, nodes: "list[bytes]", value: "Buffer | None") -> None:
    """Prove one key by the nodes of its path, or with `value` None its absence. Raises VerifyError."""
    want = root
    right = 1
    depth = 0
    left = len(nodes)
    for node in nodes:
        digest = blake2b_256(node)
        if digest != want and (right or digest[1:] != want[1:] or digest[0] & 0x7F != want[0]):
            raise refuse("boundary node %d does not hash to what its parent says" % depth)
        left -= 1
        if node[0] >= _LEAF:
            break
        if depth == KEY_BITS:
            raise refuse("path goes deeper than a key is long")
        right = key[depth >> 3] >> (7 - (depth & 7)) & 1
        want = node[32:] if right else node[:32]
        depth += 1
    else:
        if want != EMPTY:
            raise refuse("boundary nodes end before the path does")
        if value is not None:
            raise refuse("the trie has no key %s" % show(key))
        return
    if left:
        raise refuse("boundary node %d is surplus" % (depth + 1))
    check_leaf(node, key, depth)
    if (node[1:32] == key) != (value is not None):
        raise refuse("the trie has %s key %s" % ("no" if value is not None else "the", show(key)))
    if value is not None and node != leaf_node(key, value):
        raise refuse("value of key %s is not the proved one" % show(key))

"""The nodes of the state trie (GP 0.7.2, appendix D.2), 64 bytes each.

    branch   255 bits of the left hash behind one 0 bit, 32 bytes of the right hash
    leaf     0x80 | length, key 31, value padded with zeroes to 32        values of at most 32 bytes
             0xc0, key 31, BLAKE2b-256 of the value                       longer values

A sub-trie is known by the hash of its top node, an empty one by 32 zero bytes. Bits of a key go from the
most significant. There is no path compression: keys that share n bits hang below n branches, most of them
with one side empty.
"""

from ..const import const
from ..crypto.suite import blake2b_256

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

KEY_SIZE = const(31)
KEY_BITS = const(248)
NODE_SIZE = const(64)
_EMBEDDED_MAX = const(32)  # bytes of a value that a leaf holds by itself
EMPTY = bytes(32)
_PADDING = bytes(32)


def bit(key: "Buffer", index: int) -> int:
    """Bit `index` of a key, counted from the most significant bit of its first byte."""
    return (key[index >> 3] >> (7 - (index & 7))) & 1


def common_bits(a: "Buffer", b: "Buffer") -> int:
    """How many leading bits two 31-byte keys share: 0 to 248."""
    for i in range(KEY_SIZE):
        differ = a[i] ^ b[i]
        if differ:
            count = 8 * i
            while not differ & 0x80:
                differ <<= 1
                count += 1
            return count
    return KEY_BITS


def leaf_node(key: "Buffer", value: "Buffer") -> bytes:
    """The leaf of a 31-byte key and its value."""
    size = len(value)
    if size > _EMBEDDED_MAX:
        return b"\xc0" + bytes(key) + blake2b_256(value)
    return bytes((0x80 | size,)) + bytes(key) + bytes(value) + _PADDING[size:]


def branch_node(left: bytes, right: bytes) -> bytes:
    """The branch over two sub-tries, given their 32-byte hashes. The first bit of `left` is lost."""
    if left[0] & 0x80:
        return bytes((left[0] & 0x7F,)) + left[1:] + right
    return left + right

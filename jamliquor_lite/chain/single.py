"""Proves one key by the nodes from the root to it (GP 0.7.2, appendix D)."""

from ..const import const
from ..crypto.suite import Blake2b256, blake2b_into
from ..errors import VerifyError
from ..ports.memory import copy
from .trie_node import EMPTY, KEY_BITS, KEY_SIZE, NODE_SIZE, common_bits

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

_EMBEDDED_MAX = const(32)
_LEAF = const(0x80)
_HASHED_LEAF = const(0xC0)
_HASH = const(32)
_KEY = const(31)

# where in the answer we are
_IDLE = const(0)
_NODES = const(1)  # the path has not reached its end
_WHOLE = const(2)  # it has: at a leaf, or where the trie is empty
_VALUE = const(3)  # bytes of the value are due
_PROVED = const(4)


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


class KeyVerifier:
    """Verifies one answer about one key at a time, present or absent: the face of proof.RangeVerifier, for a range
    whose ends are the same key, at a hundredth of its memory.

    begin, node…, then entry and value… where the key is there, then finish. Each call raises VerifyError("proof") as
    soon as the answer is wrong; after that, begin anew. In an honest answer, nothing is allocated between begin and
    finish where the hash's implementation allocates nothing.
    """

    def __init__(self) -> None:
        self.entries = 0
        self._phase = _IDLE
        self._key = bytearray(KEY_SIZE)
        self._want = bytearray(_HASH)  # hash of the next node
        self._is_masked = False  # such a hash has lost its top bit
        self._digest = bytearray(_HASH)
        self._depth = 0
        self._leaf = bytearray(NODE_SIZE)  # that ends the path
        self._has_leaf = False
        self._made = bytearray(NODE_SIZE)  # the leaf that the entry makes
        self._missing = 0  # bytes of the value to come
        self._value_at = 0
        self._hasher: "Blake2b256 | None" = None

    def begin(self, root: "Buffer", start: "Buffer", end: "Buffer") -> None:
        """Expect an answer about the key `start`, which is `end`, below this root."""
        if len(start) != KEY_SIZE or start != end:
            raise ValueError("this verifier takes one 31-byte key")
        self._key[:] = start
        self._want[:] = root
        self._is_masked = self._has_leaf = False
        self._depth = self.entries = 0
        self._phase = _WHOLE if self._want == EMPTY else _NODES

    def node(self, buf: "Buffer", start: int) -> None:
        """Take the next boundary node, 64 bytes at `start`."""
        if self._phase != _NODES:
            raise self._stop("boundary node %d is surplus" % self._depth)
        digest, want = self._digest, self._want
        blake2b_into(digest, buf, start, start + NODE_SIZE)
        if self._is_masked:
            digest[0] &= 0x7F
        if digest != want:
            raise self._stop("boundary node %d does not hash to what its parent says" % self._depth)
        if buf[start] & _LEAF:
            copy(self._leaf, 0, buf, start, start + NODE_SIZE)  # here and below: a slice would take heap
            self._end_at_leaf()
            return
        if self._depth == KEY_BITS:
            raise self._stop("path goes deeper than a key is long")
        right = self._key[self._depth >> 3] >> (7 - (self._depth & 7)) & 1
        if right:
            start += _HASH
        copy(want, 0, buf, start, start + _HASH)
        self._is_masked = not right
        self._depth += 1
        if want == EMPTY:
            self._phase = _WHOLE

    def _end_at_leaf(self) -> None:
        leaf = self._leaf
        self._phase = _IDLE
        if leaf[0] != _HASHED_LEAF and leaf[0] > _LEAF + _EMBEDDED_MAX:
            raise refuse("leaf begins with byte 0x%02x, allowed are 0x80 to 0xa0 and 0xc0" % leaf[0])
        shared = 0  # bits
        while shared < KEY_BITS:
            differ = leaf[1 + (shared >> 3)] ^ self._key[shared >> 3]
            if differ:
                while not differ & 0x80:
                    differ <<= 1
                    shared += 1
                break
            shared += 8
        if shared < self._depth:
            raise refuse("leaf of key %s stands where its key does not lead" % show(leaf[1:32]))
        self._has_leaf = shared == KEY_BITS
        self._phase = _WHOLE

    def entry(self, key: "Buffer", value_length: int) -> None:
        """Take the key of the one entry; `value_length` bytes of value() follow."""
        if self._phase == _NODES:
            raise self._stop("boundary nodes end before the path to the start key does")
        if self._phase != _WHOLE:
            raise self._stop("entry %d begins out of turn" % self.entries)
        if key != self._key:
            raise self._stop("entry %d: key %s is outside the range asked for" % (self.entries, show(key)))
        if not self._has_leaf:
            raise self._stop("entry %d: the trie has no key %s" % (self.entries, show(key)))
        self.entries += 1
        made = self._made
        copy(made, 1, self._key, 0, _KEY)
        copy(made, _HASH, EMPTY, 0, _HASH)
        made[0] = _HASHED_LEAF if value_length > _EMBEDDED_MAX else _LEAF | value_length
        self._value_at = _HASH
        self._missing = value_length
        self._phase = _VALUE
        # Longer values are hashed as they come; most are short, and go straight into the leaf.
        self._hasher = Blake2b256() if value_length > _EMBEDDED_MAX else None
        if not value_length:
            self._end_value()

    def value(self, buf: "Buffer", start: int, end: int) -> None:
        """Take the next bytes of the value, buf[start:end]."""
        if start == end and self.entries:
            return
        if self._phase != _VALUE or end - start > self._missing:
            raise self._stop("value of entry %d is longer than announced" % (self.entries - 1))
        if self._hasher is not None:
            self._hasher.update(memoryview(buf)[start:end])
        else:
            copy(self._made, self._value_at, buf, start, end)
            self._value_at += end - start
        self._missing -= end - start
        if not self._missing:
            self._end_value()

    def _end_value(self) -> None:
        if self._hasher is not None:
            self._made[_HASH:] = self._hasher.digest()
            self._hasher = None
        if self._made != self._leaf:
            raise self._stop("value of key %s is not the proved one" % show(self._key))
        self._phase = _PROVED

    def finish(self) -> bytes:
        """End the answer; the key, as the end of what is proved."""
        phase, self._phase = self._phase, _IDLE
        if phase == _NODES:
            raise refuse("boundary nodes end before the path to the start key does")
        if phase == _WHOLE and self._has_leaf:
            raise refuse("the trie has the key %s, the answer ends before it" % show(self._key))
        if phase != _WHOLE and phase != _PROVED:
            raise refuse("answer ends within entry %d" % (self.entries - 1))
        return bytes(self._key)

    def _stop(self, what: str) -> VerifyError:
        self._phase = _IDLE
        return refuse(what)


def verify_single(root: bytes, key: bytes, nodes: "list[bytes]", value: "Buffer | None") -> None:
    """Prove one key by the nodes of its path, or with `value` None its absence. Raises VerifyError."""
    verifier = KeyVerifier()
    verifier.begin(root, key, key)
    for node in nodes:
        verifier.node(node, 0)
    if value is not None:
        verifier.entry(key, len(value))
        verifier.value(value, 0, len(value))
    verifier.finish()

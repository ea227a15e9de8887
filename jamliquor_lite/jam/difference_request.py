"""The lite network's state difference, `/jamliquor/<genesis8>/difference/1`: what of a state is not as it was.

CE 129 proves a key by the whole path to it, however much of that path the asker knows already, and tells nobody which
of a hundred keys have changed. Here the asker names the state that it has, and gets the one that it wants as a walk
through the trie which stops wherever both are the same.

    --> header hash 32 ++ base hash 32 ++ maximum size 4 ++ [item]      --> FIN
    <-- [place]                                                         <-- FIN

    item    0 ++ key 31                 one key
            1 ++ start 31 ++ end 31     all keys from start to end, both inclusive
    place   0                           EMPTY: no key is below
            1                           SAME: what is below is what is below the same place of the base state
            2 ++ hash 32                HASH: what is below has this hash, and is not shown
            3 ++ place ++ place         BRANCH: its left and its right side
            4 ++ node 64                LEAF: a key that was not asked for
            5 ++ key 31 ++ natural length ++ value      ENTRY: a key that was asked for

Both messages have their length as u32-LE before them. The state is that after the header (as in CE 129); the base is
the state after `base hash`, of which the asker has all that the items reach into, or 32 zero bytes for nothing. Items
ascend and do not overlap. The answer is one place: that of the root. A place into which no item reaches is SAME, EMPTY
or HASH; one into which an item reaches is HASH only for want of room. A server that does not have the base says SAME
nowhere; one that does not have the state declines. The size asked for is kept but for the first entry and what it takes
to close the walk, 33 bytes for each branch above. Numbers: little-endian; hashes of left sides may lack their top bit.

What the answer proves is for chain/difference.py to say. Checked here is its form.
"""

from ..const import const
from ..errors import LocalError, RemoteError
from .entry_reader import EntryReader
from .events import DONE, ENTRY, MORE, PLACE
from .exchange import NEVER, Responder
from .framing import get_u32, put_u32
from .kinds import MALFORMED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from .framing import Stream, WritableBuffer

    Item = tuple[bytes, bytes]

EMPTY = 0
SAME = 1
HASH = 2
BRANCH = 3
LEAF = 4
ENTRY_PLACE = 5

NOTHING_KNOWN = bytes(32)  # as base hash
_WHAT = "lite difference"
_HEAD = const(68)  # two hashes and a size
_KEY = const(31)
_HASH_BYTES = const(32)
_NODE = const(64)
_PREFIX = const(4)
_MOST_DEPTH = const(248)

# where in the answer we are
_BEFORE = const(0)
_OP = const(1)
_KEY_NEXT = const(2)
_LENGTH = const(3)
_VALUE = const(4)


def encode_items(items: "list[Item]") -> bytes:
    """(start, end) pairs as they stand in a request."""
    return b"".join([b"\0" + start if start == end else b"\1" + start + end for start, end in items])


class DifferenceRequest(EntryReader):
    """Asks for a difference. Events: PLACE, with `op` and, for HASH and LEAF, its bytes in `buf[start:end]`; for an
    ENTRY_PLACE instead ENTRY with `key` and `value_length`, then VALUE pieces in `buf[start:end]`; then DONE, or
    REFUSED, LOST; MORE between. `chunk_buf` is lent, at least 65 bytes. From the profile: `state_answer_bytes`.
    """

    def __init__(self, profile: "Profile", chunk_buf: "WritableBuffer") -> None:
        EntryReader.__init__(self, _WHAT, _HEAD, chunk_buf, 1 + _NODE, "a place")
        self.op = EMPTY
        self._max_answer_bytes = profile.state_answer_bytes
        self._phase = _BEFORE
        self._open = 0  # places that are still to come

    @property
    def request_bytes(self) -> int:
        """Of the request, with its length."""
        return len(self._request)

    def begin(self, stream: "Stream", header_hash: bytes, base_hash: bytes, items: "list[Item]", max_size: int,
              deadline: int = NEVER) -> None:
        """Ask what the state after `header_hash` has at `items`, given that after `base_hash`."""
        if len(header_hash) != _HASH_BYTES or len(base_hash) != _HASH_BYTES or not items:
            raise LocalError("difference request: two hashes of 32 bytes and an item are needed")
        encoded = encode_items(items)
        request = bytearray(_PREFIX + _HEAD + len(encoded))
        put_u32(request, 0, _HEAD + len(encoded))
        request[4:36] = header_hash
        request[36:68] = base_hash
        put_u32(request, 68, max_size)
        request[72:] = encoded
        self._request = request
        self._begin(stream, deadline)
        self._reader.limit = self._max_answer_bytes
        self._restart()
        self._open = 1
        self._phase = _BEFORE

    def _step(self) -> int:
        phase = self._phase
        self.start = self.end
        if phase == _OP:
            return self._place()
        if phase == _KEY_NEXT:
            return self._entry()
        if phase == _LENGTH:
            return self._length()
        if phase == _VALUE:
            return self._value()
        event = self._message("places")
        if event == MORE:
            self._phase = _OP
        return event

    def _place(self) -> int:
        if not self._open:
            if self._left():
                raise RemoteError(MALFORMED, "%s: bytes after the last place" % self.what)
            return self._last()
        if not self._fill(1):
            return self._why
        op = self.buf[self.end]
        if op > ENTRY_PLACE:
            raise RemoteError(MALFORMED, "%s: a place of kind %d, allowed are 0 to 5" % (self.what, op))
        size = _HASH_BYTES if op == HASH else _NODE if op == LEAF else 0
        if size and not self._fill(1 + size):
            return self._why
        self.op = op
        self.start = self.end + 1
        self.end = self.start + size
        self._open += 1 if op == BRANCH else -1
        if self._open > _MOST_DEPTH + 1:
            raise RemoteError(MALFORMED, "%s: branches go deeper than a key is long" % self.what)
        if op != ENTRY_PLACE:
            return PLACE
        self._phase = _KEY_NEXT
        return MORE

    def _entry(self) -> int:
        if not self._fill(_KEY):
            return self._why
        self.key = self._read_key()
        self._phase = _LENGTH
        return MORE

    def _length(self) -> int:
        if not self._read_length():
            return self._why
        self._phase = _VALUE if self.value_length else _OP
        return ENTRY

    def _value(self) -> int:
        event = self._read_value()
        if not self._value_left:
            self._phase = _OP
        return event


class DifferenceResponder(Responder):
    """Serves one request. After REQUEST: `header_hash`, `base_hash`, `max_size`, `items`; then
    `answer_difference(size)` and so many bytes through `write`. `most_items` bounds what a peer may ask for at once."""

    def __init__(self, most_items: int) -> None:
        Responder.__init__(self, _WHAT, 0)
        self.items: "list[Item]" = []
        self._most = _HEAD + most_items * (1 + 2 * _KEY)

    @property
    def header_hash(self) -> bytes:
        """The header after which the state is meant."""
        return bytes(self.request[:32])

    @property
    def base_hash(self) -> bytes:
        """The header after which the asker has the state, or NOTHING_KNOWN."""
        return bytes(self.request[32:64])

    @property
    def max_size(self) -> int:
        """Bytes that the answer should not pass."""
        return get_u32(self.request, 64)

    def answer_difference(self, size: int) -> None:
        """Begin the answer: one message of `size` bytes."""
        self.answer((size,))

    def _step(self, stream: "Stream") -> int:
        if not self._asked and not self._got and not self._reader.left:
            self._reader.limit = self._most
            event = self._reader.next_message()
            if event != MORE:
                if event == DONE:
                    raise RemoteError(MALFORMED, "%s: the stream ended before the request" % self.what)
                return event
            if self._reader.length <= _HEAD:
                raise RemoteError(MALFORMED, "%s: a request of %d bytes" % (self.what, self._reader.length))
            self.request = bytearray(self._reader.length)
        return Responder._step(self, stream)

    def _check(self) -> None:
        request, at = self.request, _HEAD
        items: "list[Item]" = []
        while at < len(request):
            is_range = request[at]
            size = 1 + (2 * _KEY if is_range else _KEY)
            if is_range > 1 or at + size > len(request):
                raise RemoteError(MALFORMED, "%s: item %d is neither a key nor a range" % (self.what, len(items)))
            start = bytes(request[at + 1 : at + 1 + _KEY])
            end = bytes(request[at + 1 + _KEY : at + size]) if is_range else start
            if start > end or (items and start <= items[-1][1]):
                raise RemoteError(MALFORMED, "%s: item %d is out of order" % (self.what, len(items)))
            items.append((start, end))
            at += size
        self.items = items


"""CE 129: a range of a block's posterior state, with the trie nodes that prove it (JAMNP-S, "CE 129").

    --> header hash 32 ++ start key 31 ++ end key 31 ++ maximum size 4      --> FIN
    <-- [boundary node 64]
    <-- [key 31 ++ natural length ++ value]                                  <-- FIN

The answer is handed on in pieces as it comes; nothing longer than the lent chunk is ever held. What it proves is
for chain/proof.py to say. Checked here is what the exchange itself promises: sizes, order and range of the keys,
and that both halves end where they should.
"""

from ..const import const
from ..errors import LocalError, RemoteError
from .entry_reader import EntryReader
from .events import ENTRY, MORE, NODE
from .exchange import NEVER, Responder
from .framing import MAX_MESSAGE_BYTES, get_u32, put_u32
from .kinds import MALFORMED, OVERSIZE, SURPLUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from .framing import Stream, WritableBuffer

NODE_BYTES = 64
KEY_BYTES = 31
_HASH = const(32)
_KEY = const(31)
_NODE = const(64)
_REQUEST = const(98)
_WHAT = "CE 129"

# Where in the answer we are.
_BEFORE_NODES = const(0)
_NODES = const(1)
_BEFORE_ENTRIES = const(2)
_KEY_NEXT = const(3)
_LENGTH = const(4)
_VALUE = const(5)


class StateRequest(EntryReader):
    """Asks for a range of state. Events, all with their data in `buf[start:end]` until the next poll:

    NODE one node of 64 bytes; ENTRY a new key (`key`, and `value_length` of what follows); VALUE a piece of that
    value, until `value_length` bytes have come (none for an empty one); then DONE, or REFUSED, LOST; MORE between.

    `chunk_buf` is lent, at least 64 bytes: as much is read at a time. From the profile: `proof_nodes`,
    `state_answer_bytes`, `state_entries`. An answer that passes the size asked for is refused unless it has a
    single entry; keys outside the range asked for, or not ascending, are refused.
    """

    def __init__(self, profile: "Profile", chunk_buf: "WritableBuffer") -> None:
        EntryReader.__init__(self, _WHAT, _REQUEST, chunk_buf, _NODE, "an entry")
        self.nodes = 0
        self.entries = 0
        self._max_nodes = profile.proof_nodes
        self._max_answer_bytes = profile.state_answer_bytes
        self._max_entries = profile.state_entries
        self._phase = _BEFORE_NODES
        self._nodes_bytes = 0
        self._first = self._last_key = b""
        self._max_size = 0
        self._oversize = False

    def begin(
        self,
        stream: "Stream",
        header_hash: bytes,
        start_key: bytes,
        end_key: bytes,
        max_size: int,
        deadline: int = NEVER,
    ) -> None:
        """Ask for the keys from `start_key` to `end_key`, both included, in at most `max_size` bytes of answer."""
        if len(header_hash) != _HASH or len(start_key) != _KEY or len(end_key) != _KEY:
            raise LocalError("state request: a header hash has 32 bytes and a key 31")
        self._begin(stream, deadline)
        request = self._request
        request[4:36] = header_hash
        request[36:67] = start_key
        request[67:98] = end_key
        put_u32(request, 98, max_size)
        self._first = bytes(start_key)
        self._last_key = bytes(end_key)
        self._max_size = max_size
        self._reader.limit = min(self._max_nodes * _NODE, self._max_answer_bytes)
        self._restart()
        self.nodes = self.entries = self._nodes_bytes = 0
        self._phase = _BEFORE_NODES

    def _step(self) -> int:
        phase = self._phase
        self.start = self.end
        if phase == _NODES:
            return self._node()
        if phase == _KEY_NEXT:
            return self._key()
        if phase == _LENGTH:
            return self._length()
        if phase == _VALUE:
            return self._value()
        reader = self._reader
        if phase == _BEFORE_NODES:
            event = self._message("boundary nodes")
            if event == MORE:
                self._nodes_bytes = reader.length
                if reader.length % _NODE:
                    raise RemoteError(
                        MALFORMED, "%s: %d bytes are no whole number of nodes" % (self.what, reader.length)
                    )
                reader.limit = MAX_MESSAGE_BYTES  # the sum of both is what counts, see _entries_begin
                self._phase = _NODES
            return event
        event = self._message("entries")
        if event == MORE:
            self._entries_begin(reader.length)
        return event

    def _node(self) -> int:
        if not self._left():
            self._phase = _BEFORE_ENTRIES
            return MORE
        if not self._fill(_NODE):
            return self._why
        self.start = self.end
        self.end += _NODE
        self.nodes += 1
        return NODE

    def _entries_begin(self, size: int) -> None:
        total = self._nodes_bytes + size
        if total > self._max_answer_bytes:
            raise RemoteError(
                OVERSIZE,
                "%s: an answer of %d bytes, at most %d are taken" % (self.what, total, self._max_answer_bytes),
            )
        self._oversize = total > self._max_size
        self._phase = _KEY_NEXT

    def _key(self) -> int:
        if not self._left():
            return self._last()
        if not self._fill(_KEY):
            return self._why
        if self.entries == self._max_entries:
            raise RemoteError(SURPLUS, "%s: more than %d entries" % (self.what, self._max_entries))
        key = self._read_key()
        if self.entries and key <= self.key:
            raise RemoteError(MALFORMED, "%s: the keys do not ascend" % self.what)
        if key < self._first or key > self._last_key:
            raise RemoteError(MALFORMED, "%s: a key outside the range asked for" % self.what)
        self.key = key
        self._phase = _LENGTH
        return self._length()

    def _length(self) -> int:
        if not self._read_length():
            return self._why
        # Only a lone entry, one that fills its message, may take the answer past the size that was asked for.
        if self._oversize and self.value_length != self._left():
            raise RemoteError(OVERSIZE, "%s: the answer is longer than the size asked for" % self.what)
        self.entries += 1
        self._phase = _VALUE if self.value_length else _KEY_NEXT
        return ENTRY

    def _value(self) -> int:
        event = self._read_value()
        if not self._value_left:
            self._phase = _KEY_NEXT
        return event


class StateResponder(Responder):
    """Serves one request. After REQUEST: `header_hash`, `start_key`, `end_key`, `max_size`; then
    `answer_state(nodes_size, entries_size)` and all bytes, nodes first, through `write`.
    """

    def __init__(self) -> None:
        Responder.__init__(self, _WHAT, _REQUEST)

    @property
    def header_hash(self) -> bytes:
        """The header after which the state is meant."""
        return bytes(self.request[:32])

    @property
    def start_key(self) -> bytes:
        """31 bytes; the range includes it."""
        return bytes(self.request[32:63])

    @property
    def end_key(self) -> bytes:
        """31 bytes; the range includes it."""
        return bytes(self.request[63:94])

    @property
    def max_size(self) -> int:
        """Bytes that the answer may have unless it holds a single entry."""
        return get_u32(self.request, 94)

    def answer_state(self, nodes_size: int, entries_size: int) -> None:
        """Begin the answer: a message of nodes and one of entries, with so many bytes each."""
        self.answer((nodes_size, entries_size))

"""CE 129: a range of a block's posterior state, with the trie nodes that prove it (JAMNP-S, "CE 129").

    --> header hash 32 ++ start key 31 ++ end key 31 ++ maximum size 4      --> FIN
    <-- [boundary node 64]
    <-- [key 31 ++ natural length ++ value]                                  <-- FIN

The answer is handed on in pieces as it comes; nothing longer than the lent chunk is ever held. What it proves is
for chain/proof.py to say. Checked here is what the exchange itself promises: sizes, order and range of the keys,
and that both halves end where they should.
"""

from ..codec.natural import NaturalReader
from ..const import const
from ..errors import LocalError, RemoteError
from .events import ENTRY, MORE, NODE, NOTHING, VALUE
from .exchange import NEVER, Requester, Responder
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


class StateRequest(Requester):
    """Asks for a range of state. Events, all with their data in `buf[start:end]` until the next poll:

    NODE one node of 64 bytes; ENTRY a new key (`key`, and `value_length` of what follows); VALUE a piece of that
    value, until `value_length` bytes have come (none for an empty one); then DONE, or REFUSED, LOST; MORE between.

    `chunk_buf` is lent, at least 64 bytes: as much is read at a time. From the profile: `proof_nodes`,
    `state_answer_bytes`, `state_entries`. An answer that passes the size asked for is refused unless it has a
    single entry; keys outside the range asked for, or not ascending, are refused.
    """

    def __init__(self, profile: "Profile", chunk_buf: "WritableBuffer") -> None:
        Requester.__init__(self, _WHAT, _REQUEST)
        if len(chunk_buf) < _NODE:
            raise LocalError("state request: the chunk buffer has %d bytes, 64 are needed" % len(chunk_buf))
        self.buf = chunk_buf
        self.start = 0
        self.end = 0
        self.key = b""
        self.value_length = 0
        self.nodes = 0
        self.entries = 0
        self.received_bytes = 0  # content of both messages that has been read
        self._max_nodes = profile.proof_nodes
        self._max_answer_bytes = profile.state_answer_bytes
        self._max_entries = profile.state_entries
        self._natural = NaturalReader()
        self._filled = 0  # buf[end:filled] was read and not handed out
        self._phase = _BEFORE_NODES
        self._value_left = 0
        self._nodes_bytes = 0
        self._first = self._last_key = b""
        self._max_size = 0
        self._oversize = False
        self._why = NOTHING

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
        self._natural.reset()
        self.start = self.end = self._filled = 0
        self.key = b""
        self.value_length = self._value_left = 0
        self.nodes = self.entries = self.received_bytes = self._nodes_bytes = 0
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

    def _fill(self, size: int) -> bool:
        # Whether buf[end:end+size] is there; if not, `_why` is what poll returns. One read at most.
        have = self._filled - self.end
        if have >= size:
            return True
        if have + self._reader.left < size:
            raise RemoteError(MALFORMED, "%s: a message ends inside an entry" % self.what)
        buf = self.buf
        for i in range(have):  # what is left over is less than a node, and the ranges may overlap
            buf[i] = buf[self.end + i]
        self.start = self.end = 0
        n = self._reader.read_into(buf, have, len(buf))
        self._filled = have + n
        self.received_bytes += n
        self._why = MORE if n else self._reader.ended
        return have + n >= size

    def _message_done(self) -> bool:
        return self._filled == self.end and self._reader.left == 0

    def _node(self) -> int:
        if self._message_done():
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
        if self._message_done():
            return self._last()
        if not self._fill(_KEY):
            return self._why
        if self.entries == self._max_entries:
            raise RemoteError(SURPLUS, "%s: more than %d entries" % (self.what, self._max_entries))
        key = bytes(self.buf[self.end : self.end + _KEY])
        if self.entries and key <= self.key:
            raise RemoteError(MALFORMED, "%s: the keys do not ascend" % self.what)
        if key < self._first or key > self._last_key:
            raise RemoteError(MALFORMED, "%s: a key outside the range asked for" % self.what)
        self.key = key
        self.start = self.end = self.end + _KEY
        self._phase = _LENGTH
        return self._length()

    def _length(self) -> int:
        while True:
            if not self._fill(1):
                return self._why
            byte = self.buf[self.end]
            self.start = self.end = self.end + 1
            if self._natural.push(byte):
                break
        length = self._natural.value
        left = self._filled - self.end + self._reader.left
        if length > left:
            raise RemoteError(
                MALFORMED, "%s: a value of %d bytes in a message that has %d left" % (self.what, length, left)
            )
        # Only a lone entry, one that fills its message, may take the answer past the size that was asked for.
        if self._oversize and length != left:
            raise RemoteError(OVERSIZE, "%s: the answer is longer than the size asked for" % self.what)
        self.entries += 1
        self.value_length = self._value_left = length
        self._phase = _VALUE if length else _KEY_NEXT
        return ENTRY

    def _value(self) -> int:
        if not self._fill(1):
            return self._why
        n = self._filled - self.end
        if n > self._value_left:
            n = self._value_left
        self.start = self.end
        self.end += n
        self._value_left -= n
        if self._value_left == 0:
            self._phase = _KEY_NEXT
        return VALUE


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

"""One exchange of a watch list with one peer: what it proves, as a part of the trie (chain/witness.py).

`RangeQuery` asks for a range by CE 129, `DifferenceQuery` by the lite network's own kind. Both poll as sync/query.py
does and have `top` once they are DONE: all that the peer said hashes to the root that was asked for.
"""

from ..chain.difference import DifferenceVerifier
from ..chain.shown import LongValue, from_range
from ..chain.witness import Ranges, leaf_of
from ..errors import BudgetError, RemoteError, VerifyError
from ..jam import difference_request as wire
from ..jam.events import DONE, ENTRY, MORE, NODE, PLACE, VALUE
from ..jam.kinds import MALFORMED
from .query import Query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..chain.witness import Leaf, Node
    from ..jam.framing import Stream
    from .query import Commitment, Entry


class RangeQuery(Query):
    """A range of a state, or one key, with the boundary nodes kept."""

    def __init__(self, profile: "Profile") -> None:
        Query.__init__(self, profile)
        self._kept_bytes = min(profile.watch_value_bytes, profile.value_bytes)
        self.top: "Node | None" = None
        self._nodes: "list[bytes]" = []
        self._long: "LongValue | None" = None  # of a value that is longer than is kept
        self._leaves: "list[Leaf]" = []

    @property
    def received_bytes(self) -> int:
        """Of the answer, its two lengths aside."""
        return self._request.received_bytes

    def ask(self, stream: "Stream", commitment: "Commitment", start: bytes, end: bytes, max_size: int,
            deadline: int) -> None:
        """Ask for the keys from `start` to `end`, both inclusive, within `max_size` bytes but for a single entry."""
        self.top = None
        self._nodes = []
        self._leaves = []
        self._long = None
        self._max_size = max_size
        self.begin(stream, commitment, start, end, deadline)

    def _take(self, event: int) -> int:
        request = self._request
        if event == NODE:
            self._nodes.append(bytes(request.buf[request.start : request.end]))
        elif event == ENTRY:
            self._close()
            self._long = LongValue() if request.value_length > self._kept_bytes else None
        elif event == VALUE and self._long is not None:
            self._long.update(memoryview(request.buf)[request.start : request.end])
        event = Query._take(self, event)
        if event == DONE:
            self._close()
            answer = self.answer
            assert answer is not None
            self.top = from_range(answer.commitment.root, self._nodes, self._leaves, answer.start, answer.proved_to)
        return event

    def _close(self) -> None:
        # The entry that came last is whole.
        answer = self.answer
        assert answer is not None
        self._keep()
        if len(self._leaves) < len(answer.entries):
            self._leaves.append(self._leaf(answer.entries[-1]))
            answer.entries[-1].value = None  # it is in the leaf, if anywhere

    def _leaf(self, entry: "Entry") -> "Leaf":
        if self._long is None:
            assert entry.value is not None
            return leaf_of(entry.key, entry.value)
        return self._long.leaf(entry.key, entry.length)


class DifferenceQuery:
    """What of some items is not as it was in a state that we have."""

    def __init__(self, profile: "Profile") -> None:
        self._request = wire.DifferenceRequest(profile, bytearray(profile.read_bytes))
        self._verifier = DifferenceVerifier(profile)
        self.top: "Node | None" = None

    @property
    def received_bytes(self) -> int:
        """Of the answer, its length aside."""
        return self._request.received_bytes

    @property
    def entries(self) -> int:
        """Keys that the answer shows."""
        return self._verifier.entries

    @property
    def request_bytes(self) -> int:
        """Of the request."""
        return self._request.request_bytes

    @property
    def reset_code(self) -> int:
        """What the peer ended the exchange with, after REFUSED."""
        return self._request.reset_code

    def ask(self, stream: "Stream", commitment: "Commitment", base_hash: bytes, base: "Node | None",
            items: "list[tuple[bytes, bytes]]", max_size: int, deadline: int) -> None:
        """Ask for the state of `commitment` at `items`, given `base`, which is what we have of the state after
        `base_hash` (None and 32 zero bytes for nothing)."""
        self.top = None
        self._verifier.begin(commitment.root, base, Ranges(items))
        self._request.begin(stream, commitment.header_hash, base_hash, items, max_size, deadline)

    def cancel(self) -> None:
        self._request.cancel()

    def poll(self, now: int) -> int:
        """One unit of work: NOTHING, MORE, DONE, REFUSED or LOST. RemoteError where the peer is to blame."""
        event = self._request.poll(now)
        try:
            return self._take(event)
        except VerifyError as error:
            self._request.cancel()
            raise RemoteError(MALFORMED, "difference refused: %s" % error)
        except BudgetError as error:
            self._request.cancel()
            raise RemoteError(MALFORMED, "difference too large: %s" % error)

    def _take(self, event: int) -> int:
        request, verifier = self._request, self._verifier
        if event == PLACE:
            op = request.op
            if op == wire.SAME:
                verifier.same()
            elif op == wire.BRANCH:
                verifier.branch()
            elif op == wire.HASH:
                verifier.hashed(request.buf, request.start)
            elif op == wire.LEAF:
                verifier.leaf(request.buf, request.start)
            else:
                verifier.empty()
        elif event == ENTRY:
            verifier.entry(request.key, request.value_length)
        elif event == VALUE:
            verifier.value(request.buf, request.start, request.end)
        elif event == DONE:
            self.top = verifier.finish()
        return MORE if event in (PLACE, ENTRY, VALUE) else event


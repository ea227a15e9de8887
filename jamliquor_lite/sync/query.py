"""Asking for state and believing only what a proof ties to a header we have checked.

The state after header N is committed by the prior state root of a child X of N, so an answer has the level of X,
never of N (levels.py). Where N is the newest final header, its voters have signed that root as well. `choose` finds
N and X; `Query` takes one peer's CE 129 answer apart while it streams in.
"""

from ..chain.levels import LINKED, NAMES
from ..chain.single import KeyVerifier
from ..chain.tree import PENDING, VOUCHED
from ..errors import BudgetError, LocalError, RemoteError, VerifyError
from ..jam.events import DONE, ENTRY, MORE, NODE, VALUE
from ..jam.kinds import MALFORMED
from ..jam.state_request import StateRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..chain.light import LightChain
    from ..chain.proof import RangeVerifier
    from ..jam.framing import Stream



class Commitment:
    """A state that a checked header commits to.

    `root` is the trie root of the state after the header `header_hash` of `slot`; `by_hash` is the child whose
    prior state root it is, at `level` (chain.levels) with `support` of `validators` distinct authors; or that same
    header, where it is the newest final one, with `support` of its voters.
    """

    def __init__(self, chain: "LightChain", row: int, support: int) -> None:
        tree, final = chain.tree, chain.final
        if final is not None and tree.slots[row] == final.slot:
            self.root, self.header_hash, self.slot = final.state_root, final.header_hash, final.slot
        else:
            parent = tree.parents[row]
            self.root, self.header_hash, self.slot = tree.state_root(row), tree.hash(parent), tree.slots[parent]
        self.by_hash = tree.hash(row)
        self.by_slot = tree.slots[row]
        self.level = chain.levels.level(row)
        self.support = support
        self.validators = chain.spec.validators


def choose(chain: "LightChain", level: int, support: int = 0) -> "Commitment | None":
    """The newest state on the best branch whose committing header has `level` and `support`, or None yet.

    Raises LocalError where two children of the same header claim different roots and neither is vouched for.
    """
    tree, final = chain.tree, chain.final
    row = tree.best
    builders = 0  # who built on a descendant built on the header too, and each epoch counts by its own set
    while True:
        if final is not None and tree.slots[row] == final.slot and final.support >= support:
            return Commitment(chain, row, final.support)
        if row == tree.root:
            return None
        builders = max(builders, tree.supports[row])
        if not tree.has(row, PENDING) and chain.levels.level(row) >= max(level, LINKED + 1) and builders >= support:
            _check_rivals(chain, row)
            return Commitment(chain, row, builders)
        row = tree.parents[row]


def _check_rivals(chain: "LightChain", row: int) -> None:
    tree = chain.tree
    if tree.has(row, VOUCHED):
        return
    root, parent = tree.state_root(row), tree.parents[row]
    for other in range(tree.top):
        if tree.flags[other] and tree.parents[other] == parent and tree.state_root(other) != root:
            raise LocalError("two headers claim different states after slot %d and neither is vouched for"
                             % tree.slots[parent])


class Entry:
    """A proved key. `value` is None where it is longer than the profile returns; `length` is its true length."""

    def __init__(self, key: bytes, length: int, value: "bytes | None") -> None:
        self.key = key
        self.length = length
        self.value = value


class Answer:
    """What was proved: exactly `entries` lie in [start, proved_to] of the state that `commitment` names."""

    def __init__(self, commitment: "Commitment", start: bytes, end: bytes) -> None:
        self.commitment = commitment
        self.start = start
        self.end = end
        self.proved_to = b""
        self.entries: "list[Entry]" = []
        self.proof_bytes = 0
        self.peer = ""

    @property
    def level(self) -> str:
        return NAMES[self.commitment.level]


class Query:
    """One exchange with one peer, then another. It holds values only as far as the profile returns them."""

    def __init__(self, profile: "Profile") -> None:
        self._profile = profile
        self._max_size = profile.state_answer_bytes
        self._request = StateRequest(profile, bytearray(profile.read_bytes))
        self._key_verifier = KeyVerifier()
        self._range_verifier: "RangeVerifier | None" = None  # made, and its code loaded, for the first range
        self._verifier: "KeyVerifier | RangeVerifier" = self._key_verifier
        self._value: "bytearray | None" = None  # of the entry under way, where it is returned
        self._filled = 0
        self.answer: "Answer | None" = None

    def begin(self, stream: "Stream", commitment: "Commitment", start: bytes, end: bytes, deadline: int) -> None:
        """Ask for the keys from `start` to `end`, both inclusive. `deadline` is in ms of the node's clock."""
        self.answer = Answer(commitment, start, end)
        self._value = None
        self._verifier = self._key_verifier
        if start != end:
            from ..chain.proof import RangeVerifier

            self._range_verifier = self._verifier = self._range_verifier or RangeVerifier(self._profile)
        self._verifier.begin(commitment.root, start, end)
        self._request.begin(stream, commitment.header_hash, start, end, self._max_size, deadline)

    def cancel(self) -> None:
        self._request.cancel()

    @property
    def reset_code(self) -> int:
        """What the peer ended the exchange with, after REFUSED."""
        return self._request.reset_code

    def poll(self, now: int) -> int:
        """One unit of work: NOTHING, MORE, DONE (`answer` is proved), REFUSED or LOST.

        Raises RemoteError where the peer is to blame: what it sent is malformed, or proves nothing.
        """
        event = self._request.poll(now)
        try:
            return self._take(event)
        except VerifyError as error:
            self._request.cancel()
            raise RemoteError(MALFORMED, "state answer refused: %s" % error)
        except BudgetError as error:
            self._request.cancel()
            raise RemoteError(MALFORMED, "state answer too large: %s" % error)

    def _take(self, event: int) -> int:
        request, answer, verifier = self._request, self.answer, self._verifier
        assert answer is not None
        if event == NODE:
            verifier.node(request.buf, request.start)
            answer.proof_bytes += 64
        elif event == ENTRY:
            self._keep()
            verifier.entry(request.key, request.value_length)
            if len(answer.entries) >= self._profile.state_entries:
                raise BudgetError("state_entries", "more than %d entries" % self._profile.state_entries)
            answer.entries.append(Entry(bytes(request.key), request.value_length, None))
            self._filled = 0
            is_kept = request.value_length <= self._profile.value_bytes
            self._value = bytearray(request.value_length) if is_kept else None
        elif event == VALUE:
            start, end = request.start, request.end
            verifier.value(request.buf, start, end)
            size = end - start
            if self._value is not None:
                self._value[self._filled : self._filled + size] = memoryview(request.buf)[start:end]
            self._filled += size
        elif event == DONE:
            self._keep()
            answer.proved_to = verifier.finish()
        return MORE if event in (NODE, ENTRY, VALUE) else event

    def _keep(self) -> None:
        answer = self.answer
        if answer is not None and answer.entries and self._value is not None:
            answer.entries[-1].value = bytes(self._value)
            self._value = None


def missing(answer: "Answer") -> bool:
    """Whether a single-key answer proves that the key is absent."""
    return not answer.entries and answer.proved_to >= answer.end



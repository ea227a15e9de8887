"""Following the head: what to ask each peer for, and what to make of the headers that come.

A peer names heads (handshake, announcements). A head whose parent we have is checked at once. Else the gap is
filled by block requests (CE 128), or header requests where the connection carries them: forwards from a header that
both sides know, found by stepping back from our best (1, 2, 4 … headers, to the root); and where the peer's own
branch does not lead to the head, backwards from it.

`Follower` holds what all peers share; `Gap` is one peer's part. Neither knows a stream: the node carries the
requests out and brings each header as it arrives.
"""

from ..chain.header import Header
from ..chain.light import ADDED, FUTURE, HELD, KNOWN, ORPHAN, STALE
from ..chain.tree import NONE
from ..const import const
from ..errors import RemoteError, VerifyError
from ..jam.kinds import MALFORMED, SURPLUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..budget.profile import Profile
    from ..chain.light import LightChain
    from ..chain.long_header import LongHeaders, Sink
    from ..chain.sets import Set

_FORK_HEADER = const(512)  # bytes of a header in a fork, on average: one without marks has 297 and its offenders
_KEY_PAIR = const(64)  # of a validator in a key set: Bandersnatch 32, Ed25519 32
_KEY = const(32)
_HASH = const(32)
FORWARDS = 0  # ascending, exclusive (CE 128)
BACKWARDS = 1  # descending, inclusive


def _ignore(header: "Header") -> None:
    pass


class Follower:
    """One chain, fed by all peers. `offer` is one unit of checking: one header.

    `on_added` hears of each header that the chain took, whoever brought it and when; its bytes are the caller's.
    """

    def __init__(
        self, chain: "LightChain", profile: "Profile", on_added: "Callable[[Header], None]" = _ignore,
        long_headers: "LongHeaders | None" = None,
    ) -> None:
        self.chain = chain
        self.header: "Header | None" = None  # the one that was offered last, for as long as its bytes are there
        self._on_added = on_added
        self._held: "list[bytes]" = []
        self._held_limit = profile.held_headers
        if long_headers is not None:
            long_headers.held_slot = self.held_slot

    def held_slot(self, header_hash: bytes) -> int:
        """The slot of a header that is kept aside, or -1."""
        for data in self._held:
            header = Header(self.chain.spec, data, 0, len(data))
            if header.hash == header_hash:
                return header.slot
        return -1

    def offer_long(self, sink: "Sink", now_slot: int) -> int:
        """Check the header that has gone into a sink (chain/long_header.py), like `offer`, and let it go. It is never
        kept aside: it has to be sent again."""
        outcome = sink.outcome
        header = sink.header
        try:
            if header is not None:
                self.chain.add(header, now_slot)
                outcome = self.chain.outcome
                if outcome == ORPHAN and self._bring_in(header, now_slot):
                    outcome = self.chain.outcome
                elif outcome == ADDED:
                    self._on_added(header)
                if outcome == ADDED:
                    sink.judged(True)
        except VerifyError:
            sink.judged(False)
            raise
        finally:
            sink.drop()
        return outcome

    def offer(self, data: "bytes | bytearray | memoryview", start: int, end: int, now_slot: int) -> int:
        """Check a header. Returns chain.light's outcome; raises VerifyError for one that breaks a rule."""
        header = self.header
        if header is None:
            header = self.header = Header(self.chain.spec, data, start, end)
        else:
            header.begin(data, start, end)
        self.chain.add(header, now_slot)
        outcome = self.chain.outcome
        if outcome == ADDED:
            self._on_added(header)
        elif outcome == ORPHAN and self._bring_in(header, now_slot):
            outcome = self.chain.outcome
        elif outcome == HELD or outcome == FUTURE:
            self._hold(bytes(memoryview(data)[start:end]))
        return outcome

    @property
    def held(self) -> int:
        """How many headers are kept aside."""
        return len(self._held)

    def retry(self, now_slot: int) -> bool:
        """Offer the header again that is kept aside longest; whether it was added. When a slot has passed, call it once
        for each one `held`: what is still too early is kept aside behind the others."""
        data = self._held.pop(0)
        try:
            return self.offer(data, 0, len(data), now_slot) == ADDED
        except VerifyError:
            return False  # its slot has come and it is no good; who sent it may be long gone

    def _hold(self, data: bytes) -> None:
        if data in self._held:
            return
        if len(self._held) >= self._held_limit:
            self._held.pop(0)
        self._held.append(data)

    def _bring_in(self, child: "Header", now_slot: int) -> bool:
        # The child names a header that was kept aside. It counts only if another author made it, and if the child
        # itself proves good: else anybody could bring in headers by inventing children for them.
        chain = self.chain
        for data in self._held:
            held = Header(chain.spec, data, 0, len(data))
            if held.hash != child.parent or self._same_author(held, child):
                continue
            row = chain.add(held, now_slot, named=True)
            if row == NONE:
                return False
            fresh = chain.outcome == ADDED
            try:
                chain.add(child, now_slot)
            except VerifyError:
                if fresh:
                    chain.withdraw(row)
                raise
            outcome = chain.outcome
            self._held.remove(data)
            self._on_added(held)
            if outcome == ADDED:
                self._on_added(child)
            return True
        return False

    def _same_author(self, held: "Header", child: "Header") -> bool:
        # By key: an index means somebody else in the next epoch. The child's epoch is the held header's or the next.
        chain = self.chain
        parent = chain.tree.find(held.parent)
        if parent == NONE:
            return False
        above = chain.levels.epoch(parent)
        keys = above.next_keys if held.epoch_mark else above.keys
        after = keys
        if child.epoch_mark:
            after = held.marked_keys() if held.epoch_mark else above.next_keys
        return _key(keys, held.author) == _key(after, child.author)


def _key(keys: "Set", author: int) -> bytes:
    return keys.take(author * _KEY_PAIR, _KEY)


class Gap:
    """What one peer still has to tell us. At most one request is under way at a time.

    `maximum` headers are asked for at once forwards; 0: as many as blocks, `block_request_blocks`.
    """

    def __init__(self, follower: "Follower", profile: "Profile", maximum: int = 0) -> None:
        self.follower = follower
        self.chain = follower.chain
        self.maximum = maximum or profile.block_request_blocks
        self._fork_limit = profile.fork_headers
        self.target = b""  # head named by the peer that we do not have
        self.target_slot = 0
        self.direction = FORWARDS
        self.last: "bytes | bytearray" = b""  # last header this peer gave us forwards: where to go on from
        self._last = bytearray(_HASH)
        self.received = 0
        self._confirmed = False  # `last` came from the peer, so it has it
        self._progress = False  # the answer under way has brought something that we keep
        self._waiting = False  # and something kept aside, so that what follows it has no parent yet
        self._back = 0  # how far behind our best the last attempt to find common ground was
        self.is_joining = False  # a fork has come whole, and `join` checks it
        self._is_known = False  # the header that was joined last has a parent that we have
        self._fork: "list[bytes]" = []
        # A mark of each kind stands in them, and offenders in some: a fork of nothing but the longest is an attack.
        self._fork_bytes = profile.fork_headers * _FORK_HEADER + 2 * profile.header_bytes
        self._fork_left = 0
        self.lost = False  # the peer knows none of our headers, not even the root

    def named(self, header_hash: bytes, slot: int) -> None:
        """The peer has this head. Hashes it names are believed only as far as it can show the headers."""
        tree = self.chain.tree
        if slot > tree.slots[tree.root] and slot >= self.target_slot and tree.find(header_hash) == NONE:
            self.target = header_hash
            self.target_slot = slot

    def next_request(self) -> "tuple[bytes, int, int] | None":
        """(header hash, direction, number of headers) of the next request, or None if nothing is missing."""
        tree = self.chain.tree
        if not self.target or self.lost or self.is_joining:
            return None
        if tree.find(self.target) != NONE or self.target_slot <= tree.slots[tree.root]:
            self._reached()
            return None
        self.received = 0
        self._progress = self._waiting = False
        if self.direction == BACKWARDS:
            self._fork = []
            self._fork_left = self._fork_bytes
            return self.target, BACKWARDS, self._fork_limit
        if self.last and tree.find(self.last) == NONE:
            self.last = b""
        if not self.last:
            row = tree.best
            for _ in range(self._back):
                row = tree.parents[row] if row != tree.root else row
            self.last = tree.hash(row)
            self._confirmed = False
        return bytes(self.last), FORWARDS, self.maximum

    def header(self, data: "bytes | bytearray | memoryview", start: int, end: int, now_slot: int) -> None:
        """One header of the answer under way. Raises RemoteError or VerifyError where the peer is to blame."""
        self.received += 1
        if self.direction == BACKWARDS:
            self._fork_left -= end - start
            if self._fork_left < 0:
                raise RemoteError(SURPLUS, "a fork of headers that are too long")
            self._fork.append(bytes(memoryview(data)[start:end]))
            if len(self._fork) > self._fork_limit + 1:
                raise RemoteError(SURPLUS, "more headers than asked for")
            return
        outcome = self.follower.offer(data, start, end, now_slot)
        header = self.follower.header
        assert header is not None
        self._came(outcome, self.received > 1 or header.is_child_of(self.last), header.slot, header.digest)

    def long_header(self, sink: "Sink", now_slot: int) -> None:
        """The same for one that has gone into a sink. Of a fork it is no use before its parent is there."""
        self.received += 1
        parent, slot, header_hash = sink.parent, sink.slot, sink.hash
        outcome = self.follower.offer_long(sink, now_slot)
        if self.direction == FORWARDS:
            self._came(outcome, self.received > 1 or parent == self.last, slot, header_hash)

    def _came(self, outcome: int, is_next: bool, slot: int, header_hash: "bytes | bytearray") -> None:
        if not is_next:
            raise RemoteError(MALFORMED, "the answer does not start with a child of the header it was asked about")
        if outcome == ORPHAN:
            if not self._waiting:
                raise RemoteError(MALFORMED, "the answer is not a chain at slot %d" % slot)
        elif outcome == ADDED or outcome == KNOWN:
            self._last[:] = header_hash
            self.last = self._last
            self._confirmed = self._progress = True
            self._waiting = False
            self._back = 0
        else:
            self._waiting = True  # its slot has not come, or it waits for a child that names it: no fault

    def done(self, now_slot: int) -> None:
        """The answer is complete (or was refused: nothing received). Decides what comes next: where a fork has come,
        `join` until all of it is checked."""
        tree = self.chain.tree
        if self.direction == BACKWARDS:
            self.is_joining = True
            self._is_known = False
            return
        if self._progress:
            return
        if self.received:
            self._reached()  # all of it was kept aside: an announcement or the next slot will bring it up again
            return
        if self._confirmed:
            self.direction = BACKWARDS  # its own branch ends here and does not lead to the head it named
        elif tree.find(self.last) == tree.root:
            self.lost = True
        else:
            self._back = max(1, 2 * self._back)
        self.last = b""

    def join(self, now_slot: int) -> bool:
        """Check one header of a fork that has come whole, its oldest first. Whether there was one to check."""
        if not self.is_joining:
            return False
        if self._fork:
            data = self._fork.pop()
            if not self._is_known:
                self._is_known = self.chain.tree.find(Header(self.chain.spec, data, 0, len(data)).parent) != NONE
            if self._is_known and self.follower.offer(data, 0, len(data), now_slot) == STALE:
                self._is_known = False
        if not self._fork:
            self.is_joining = False
            self._reached()
        return True

    def _reached(self) -> None:
        self.target = b""
        self.target_slot = 0
        self.direction = FORWARDS
        self._back = 0
        self.last = b""

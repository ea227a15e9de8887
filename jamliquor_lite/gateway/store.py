"""What this gateway has checked, as bytes, for those who ask: headers, and recent blocks."""

from ..chain.header import announced_slot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..chain.header import Header

_HASH = 32


class HeaderStore:
    """At most `header_store_bytes` and `header_store_headers` of the profile; the oldest are dropped (`dropped`).

    `root` is the header that the chain was begun with: its bytes are not here, what follows it is. A header comes
    after its parent, so what is kept is always the newer end of each branch.
    """

    def __init__(self, profile: "Profile", root: bytes) -> None:
        self.size_bytes = 0
        self.dropped = 0
        self.best = root
        self._max_bytes = profile.header_store_bytes
        self._max_headers = profile.header_store_headers
        self._headers: dict[bytes, bytes] = {}  # by hash, in the order of their coming
        self._next: dict[bytes, bytes] = {}  # a header's child: on the best chain where it is on it, else the first

    @property
    def count(self) -> int:
        """Headers that are kept."""
        return len(self._headers)

    @property
    def lowest_slot(self) -> int:
        """Slot of the oldest that is kept, or -1."""
        return announced_slot(next(iter(self._headers.values())), 0) if self._headers else -1

    def add(self, header: "Header", best: bytes) -> bytes:
        """Keep a header that was checked; `best` is the head of the chain with it. Its bytes."""
        kept = self._headers.get(header.hash)
        if kept is None:
            kept = bytes(memoryview(header.buf)[header.start : header.end])
            self._headers[header.hash] = kept
            self._next.setdefault(header.parent, header.hash)
            self.size_bytes += len(kept)
            while len(self._headers) > self._max_headers or self.size_bytes > self._max_bytes:
                self._drop_oldest()
        self.lead(best)
        return kept

    def lead(self, best: bytes) -> None:
        """The best head is this one now: ascending goes towards it."""
        ours, old = best, self.best
        self.best = best
        while ours != old and ours in self._headers:
            # Back to where both branches part, the one that is further first; along ours the way is marked.
            if old in self._headers and self._slot(old) >= self._slot(ours):
                old = self._parent(old)
            else:
                self._next[self._parent(ours)] = ours
                ours = self._parent(ours)

    def get(self, header_hash: bytes) -> "bytes | None":
        """The bytes of a header, or None."""
        return self._headers.get(header_hash)

    def ascending(self, header_hash: bytes, maximum: int) -> "list[bytes] | None":
        """The headers that follow one, without itself; None where what follows it is not known here."""
        if header_hash not in self._headers and header_hash not in self._next and header_hash != self.best:
            return None
        found: list[bytes] = []
        after = self._next.get(header_hash)
        while after is not None and len(found) < maximum:
            found.append(self._headers[after])
            after = self._next.get(after)
        return found

    def descending(self, header_hash: bytes, maximum: int) -> "list[bytes] | None":
        """The header and those before it as far as they are kept; None where it is not."""
        found: list[bytes] = []
        header = self._headers.get(header_hash)
        while header is not None and len(found) < maximum:
            found.append(header)
            header = self._headers.get(header[:_HASH])
        return found or None

    def _drop_oldest(self) -> None:
        header_hash = next(iter(self._headers))
        header = self._headers.pop(header_hash)
        self.size_bytes -= len(header)
        self.dropped += 1
        if self._next.get(header[:_HASH]) == header_hash:
            del self._next[header[:_HASH]]

    def _slot(self, header_hash: bytes) -> int:
        return announced_slot(self._headers[header_hash], 0)

    def _parent(self, header_hash: bytes) -> bytes:
        return self._headers[header_hash][:_HASH]


class BlockStore:
    """Recent blocks by the hash of their header, `max_bytes` together; the oldest are dropped (`dropped`)."""

    def __init__(self, max_bytes: int) -> None:
        self.size_bytes = 0
        self.dropped = 0
        self._max_bytes = max_bytes
        self._blocks: dict[bytes, bytes] = {}

    @property
    def count(self) -> int:
        """Blocks that are kept."""
        return len(self._blocks)

    def add(self, header_hash: bytes, block: bytes) -> None:
        """Keep a block that was validated."""
        if header_hash in self._blocks:
            return
        self._blocks[header_hash] = block
        self.size_bytes += len(block)
        while self.size_bytes > self._max_bytes:
            self.size_bytes -= len(self._blocks.pop(next(iter(self._blocks))))
            self.dropped += 1

    def get(self, header_hash: bytes) -> "bytes | None":
        """The bytes of a block, or None."""
        return self._blocks.get(header_hash)

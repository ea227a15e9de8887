"""The justifications by which this gateway's own finality was proved, as they came: what lite nodes ask for is mostly
the newest of them, since they hear from here what is final. Older and longer ones are passed on from upstreams.
"""

from .store import BlockStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..jam.framing import WritableBuffer
    from ..jam.justification_request import JustificationSink


class Proved:
    """At most `finality_store_bytes` of the profile, none longer than `block_bytes_kept`; the oldest are dropped.
    `over` a sink, it takes what the sink takes; `keep` that, once it is known to hold."""

    def __init__(self, profile: "Profile") -> None:
        self.served = 0
        self._store = BlockStore(profile.finality_store_bytes)
        self._most = min(profile.block_bytes_kept, profile.finality_store_bytes)
        self._sink: "JustificationSink | None" = None
        self._taken = bytearray()
        self._is_long = False

    @property
    def count(self) -> int:
        """Justifications that are kept."""
        return self._store.count

    def over(self, sink: "JustificationSink") -> "Proved":
        """The sink for a justification that begins, before that one."""
        self._sink = sink
        self._taken = bytearray()
        self._is_long = False
        return self

    @property
    def is_done(self) -> bool:
        """As the sink has it."""
        assert self._sink is not None
        return self._sink.is_done

    def feed(self, buf: "WritableBuffer", start: int, end: int) -> int:
        """As the sink has it, which says how much of it is good so far."""
        assert self._sink is not None
        count = self._sink.feed(buf, start, end)
        self._is_long = self._is_long or len(self._taken) + count > self._most
        if self._is_long:
            self._taken = bytearray()
        else:
            self._taken += memoryview(buf)[start : start + count]
        return count

    def keep(self, header_hash: bytes) -> None:
        """What was taken has made this block final."""
        if self._taken:
            self._store.add(header_hash, bytes(self._taken))
        self._taken = bytearray()

    def get(self, header_hash: bytes) -> "bytes | None":
        """The justification of a block, or None."""
        return self._store.get(header_hash)

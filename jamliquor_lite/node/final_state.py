"""The state after the newest final block, asked of peers by a node that follows no headers (epoch_node.py).

A peer says on UP 0 which block is final; the set that votes now proves it (CE 130), and its vote names the root of the
state after it, against which values are proved (CE 129). The header itself is never seen, and need not be.
"""

from ..chain.finality import FinalBlock
from ..chain.justification import Justification
from ..const import const
from ..errors import RemoteError
from ..jam.block_announcement import OURS, BlockAnnouncement, announcement_size
from ..jam.events import DONE, ENDED, LOST, NOTHING, REFUSED
from ..jam.justification_request import JustificationRequest
from ..jam.kinds import BLOCK_ANNOUNCEMENT, JUSTIFICATION_REQUEST, MALFORMED, STATE_REQUEST, TIMED_OUT
from ..ports import clock
from ..sync.query import Commitment, Query
from .errand import IDLE_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..codec.spec import Spec
    from ..sync.query import Answer
    from ..sync.warp_progress import Progress
    from .carrier import Connection
    from .errand import Errand

_LEAF_BYTES = const(36)  # hash and slot


class Told:
    """What one peer says is final: `header_hash` and `slot`. `poll` it while the connection stands: it announces."""

    def __init__(self, spec: "Spec", profile: "Profile", progress: "Progress") -> None:
        self.header_hash = b""
        self.slot = -1
        size = max(announcement_size(spec), _LEAF_BYTES * (profile.leaves + 2))
        self._core = BlockAnnouncement(spec, bytearray(size), bytearray(_LEAF_BYTES), profile.leaves)
        known = progress.header_hash, progress.slot
        self._core.queue_handshake(*known, [known])
        self._timeout_ms = profile.state_sync_timeout_ms

    @property
    def is_open(self) -> bool:
        """Whether it can still tell."""
        return self._core.attached(OURS)

    async def ask(self, errand: "Errand", connection: "Connection") -> None:
        """Greet it, and hear it out. RemoteError."""
        self._core.attach(await errand.stream(connection, BLOCK_ANNOUNCEMENT), OURS)
        until = clock.ticks_ms() + self._timeout_ms
        while self.slot < 0:
            if self.poll():
                continue
            if not self._core.attached(OURS):
                raise RemoteError(connection.close_code, connection.close_reason or "it does not say what is final")
            if clock.ticks_ms() > until:
                raise RemoteError(TIMED_OUT, "it does not say what is final")
            await errand.turn(IDLE_MS)

    def poll(self) -> bool:
        """Take one of its messages; whether there was one. RemoteError."""
        core = self._core
        event = core.poll(clock.ticks_ms())
        if event in (NOTHING, ENDED, LOST):
            return False
        if core.final_hash and core.final_slot > self.slot:
            self.header_hash, self.slot = core.final_hash, core.final_slot
        return True


class FinalState:
    """The exchanges, with one peer at a time, in buffers that are made once. Each raises RemoteError or BudgetError."""

    def __init__(self, spec: "Spec", profile: "Profile") -> None:
        self._profile = profile
        self._check = Justification(spec, profile)
        self._request = JustificationRequest(spec, profile, bytearray(profile.read_bytes))
        self._query = Query(profile)
        self.evidence: "list[tuple[int, bytes, bytes]]" = []  # of the last justification, as it has them

    async def prove(self, errand: "Errand", connection: "Connection", header_hash: bytes,
                    progress: "Progress") -> FinalBlock:
        """The block of this hash, final by the set that votes after the last set-change block."""
        check, request = self._check, self._request
        check.begin(progress.keys, progress.set_id, header_hash)
        stream = await errand.stream(connection, JUSTIFICATION_REQUEST)
        request.begin(stream, header_hash, check, clock.ticks_ms() + self._profile.finality_timeout_ms)
        try:
            while request.busy:
                event = request.poll(clock.ticks_ms())
                if event == REFUSED or event == LOST:
                    raise RemoteError(connection.close_code, connection.close_reason or "it has no justification")
                await errand.worked(event != NOTHING)
        finally:
            request.cancel()
        if check.slot <= progress.slot:
            raise RemoteError(MALFORMED, "set %d votes for slot %d, before it began" % (check.set_id, check.slot))
        self.evidence = check.evidence
        return FinalBlock(check.header_hash, check.slot, check.state_root, check.support, check.set_id)

    async def value(self, errand: "Errand", connection: "Connection", commitment: Commitment, start: bytes,
                    end: bytes) -> "Answer":
        """The keys from `start` to `end` in the state that was voted for."""
        query = self._query
        stream = await errand.stream(connection, STATE_REQUEST)
        query.begin(stream, commitment, start, end, clock.ticks_ms() + self._profile.state_sync_timeout_ms)
        try:
            while True:
                event = query.poll(clock.ticks_ms())
                if event == DONE:
                    assert query.answer is not None
                    return query.answer
                if event == REFUSED or event == LOST:
                    raise RemoteError(connection.close_code, connection.close_reason or "it has not that state")
                await errand.worked(event != NOTHING)
        finally:
            query.cancel()

"""Which set votes after a block of which only the hash was trusted: no state says how many sets there were.

A peer's fragments do, by where they lie: the set sought is the first one whose fragment is of a later slot. What the
peer says is a guess and nothing else. Whether it is right shows in the fragment itself, whose votes are signed over the
set's id by keys that are trusted; a wrong guess costs that peer's turn.
"""

from ..const import const
from ..errors import RemoteError
from ..jam.events import LOST, NOTHING
from ..jam.kinds import WARP_SYNC_REQUEST
from ..jam.warp_request import WarpRequest
from ..ports import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..jam.framing import Buffer
    from .carrier import Connection
    from .errand import Errand

_HEAD_BYTES = const(100)
_SLOT_AT = const(96)
_CHUNK_BYTES = const(256)  # more need not be read of a fragment
_NEVER = 1 << 32  # the slot of a fragment that there is not


class _Head:
    # Takes the beginning of a fragment.

    is_done = False

    def __init__(self) -> None:
        self.bytes = b""

    def begin(self) -> None:
        self.bytes = b""

    def feed(self, buf: "Buffer", start: int, end: int) -> int:
        self.bytes += bytes(memoryview(buf)[start:end])
        return end - start


async def find_set(errand: "Errand", connection: "Connection", slot: int, most: int, timeout_ms: int) -> int:
    """The set that votes after a block of `slot`, as this peer has it: from 0 to `most`, as many as epochs have passed
    since genesis. RemoteError."""
    low, high = 0, most
    # With a block in every epoch it is `most`, and that is tried first.
    guess = most
    while low < high:
        if await _slot_of(errand, connection, guess - 1, timeout_ms) > slot:
            high = guess - 1
        else:
            low = guess
        guess = (low + high + 1) // 2
    return low


async def _slot_of(errand: "Errand", connection: "Connection", set_id: int, timeout_ms: int) -> int:
    head = _Head()
    request = WarpRequest(bytearray(_CHUNK_BYTES))
    request.begin(await errand.stream(connection, WARP_SYNC_REQUEST), set_id, head, clock.ticks_ms() + timeout_ms)
    while len(head.bytes) < _HEAD_BYTES:
        event = request.poll(clock.ticks_ms())
        if event == LOST:
            raise RemoteError(connection.close_code, connection.close_reason or "the connection closed")
        if event and not request.busy:
            return _NEVER
        await errand.worked(event != NOTHING)
    request.cancel()
    return int.from_bytes(head.bytes[_SLOT_AT:_HEAD_BYTES], "little")

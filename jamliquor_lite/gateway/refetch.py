"""A range of headers that the store does not have any more, taken from an upstream's blocks (CE 128).

The headers are linked by hash to the one asked about, and no more is known of them: whoever asked checks the rest.
They are held until all have come, since an answer begins with its length: 128 KiB at most.
"""

from ..errors import RemoteError, VerifyError
from ..jam.block_request import BlockRequest
from ..jam.events import BLOCK, DONE, ENDED, HEADER, LOST, MORE, NOTHING, REFUSED
from ..jam.header_request import MAX_ANSWER_BYTES
from ..jam.kinds import MALFORMED
from ..jam.range_request import ASCENDING
from .passage import DROPPED_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..budget.profile import Profile
    from ..chain.header import Header
    from ..codec.spec import Spec
    from ..jam.framing import Stream
    from ..node.answers import HeaderAnswer


class Refetch:
    """With the face of passage.Passage towards relays.py; `answer` is the request that it is for.

    `read(buf, start, end)` makes a Header of bytes. Where the answer has no header at all, nobody can tell whether the
    upstream knows the one asked about: the request is declined.
    """

    is_fresh = True  # nothing goes to the requester before all has come
    is_waiting_below = False
    is_sated = False

    def __init__(
        self, answer: "HeaderAnswer", spec: "Spec", profile: "Profile", maximum: int,
        read: "Callable[[bytes | bytearray | memoryview, int, int], Header]",
    ) -> None:
        asked = answer.responder
        self.passed_bytes = 0
        self._answer = answer
        self._spec = spec
        self._profile = profile
        self._asked = asked.header_hash, asked.direction, min(asked.maximum, maximum)
        self._read = read
        self._request: "BlockRequest | None" = None
        self._headers: list[bytes] = []
        self._size = 0  # bytes of all of them
        self._expected = b""
        self._is_dropping = False

    @property
    def has_left(self) -> bool:
        """The requester has reset its stream, or is gone."""
        return not self._answer.busy

    def begin(self, up: "Stream", chunk: memoryview) -> None:
        """Ask on this stream. `chunk` is ours until the end."""
        buf = bytearray(self._spec.max_header_size)
        self._request = BlockRequest(self._spec, buf, chunk, self._profile.block_bytes)
        self._request.begin(up, *self._asked)
        self._headers = []
        self._size = self.passed_bytes = 0
        self._expected = self._asked[0]

    def cancel(self) -> None:
        """The requester is gone. `poll` until ENDED drops the rest of the answer, `give_up` at once."""
        self._is_dropping = True
        if self._answer.busy:
            self._answer.answer(None)

    def give_up(self) -> None:
        """The upstream is too slow."""
        if self._request is not None:
            self._request.cancel()
            self._request = None

    def decline(self) -> None:
        """There is no answer."""
        self.give_up()
        if self._answer.busy:
            self._answer.answer(None)

    def poll(self) -> int:
        """One bounded unit of work: an event of passage.Passage."""
        request = self._request
        if request is None:
            return ENDED
        if self.has_left:
            self._is_dropping = True
        if self._is_dropping and self.passed_bytes > DROPPED_BYTES:
            self.is_sated = True
            return NOTHING
        event = request.poll(0)
        self.passed_bytes = request.received_bytes
        if self._is_dropping:
            return self._read_off(event)
        if event == HEADER and self._has_room:
            self._keep(bytes(request.header_buf[: request.header_end]))
        elif event == DONE:
            self._answer.answer(self._headers or None)
        return MORE if event in (HEADER, BLOCK) else event

    def _read_off(self, event: int) -> int:
        # See passage.py.
        if event in (DONE, REFUSED, LOST):
            return ENDED
        return MORE if event else event

    @property
    def _has_room(self) -> bool:
        # What comes beyond it is read and dropped: giving the answer up could cost the connection.
        return len(self._headers) < self._asked[2] and self._size < MAX_ANSWER_BYTES

    def _keep(self, data: bytes) -> None:
        try:
            header = self._read(data, 0, len(data))
        except VerifyError as error:
            self.give_up()
            raise RemoteError(MALFORMED, "CE 128: %s" % error)
        is_linked = (header.parent if self._asked[1] == ASCENDING else header.hash) == self._expected
        if not is_linked:
            self.give_up()
            raise RemoteError(MALFORMED, "CE 128: the headers are no chain from the one asked about")
        self._expected = header.hash if self._asked[1] == ASCENDING else header.parent
        self._headers.append(data)
        self._size += len(data)

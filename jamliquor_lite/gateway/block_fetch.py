"""One block by its hash, whole: what Blocks (blocks.py) asks others for. CE 128, descending, maximum 1."""

from ..errors import BudgetError
from ..jam.events import MORE
from ..jam.exchange import NEVER
from ..jam.range_request import DESCENDING, RangeRequester
from .passage import DROPPED_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..jam.framing import Stream

_SCRATCH_BYTES = 16 * 1024


class BlockFetch(RangeRequester):
    """Events: DONE, `data` is the answer, of which nothing was looked at; REFUSED, LOST, MORE, NOTHING.

    `max_bytes` bounds an answer that is held. typeberry sends two blocks where one was asked for, so that is to be
    twice the longest block of interest. A longer answer is read off and dropped where that is short work, since
    typeberry closes the connection over a stream that is reset in the middle, and then it is a BudgetError.
    """

    def __init__(self, max_bytes: int) -> None:
        RangeRequester.__init__(self, "CE 128")
        self.data = bytearray()
        self._max_bytes = max_bytes
        self._answered = False
        self._scratch = bytearray()
        self._got = 0

    def begin(self, stream: "Stream", header_hash: bytes, deadline: int = NEVER) -> None:
        """Ask for this block; `deadline` in ms, on the clock of `poll`."""
        self._ask(stream, header_hash, DESCENDING, 1, deadline)
        self.data = bytearray()
        self._answered = False
        self._got = 0

    def _step(self) -> int:
        reader = self._reader
        if not self._answered:
            event = self._message("answer")
            if event == MORE:
                self._answered = True
                if reader.length <= self._max_bytes:
                    self.data = bytearray(reader.length)
                elif reader.length > DROPPED_BYTES:
                    self._too_long()
                else:
                    self._scratch = bytearray(_SCRATCH_BYTES)
            return event
        if reader.left:
            if reader.length > self._max_bytes:
                count = reader.read_into(self._scratch, 0, _SCRATCH_BYTES)
            else:
                count = reader.read_into(self.data, self._got, reader.length)
                self._got += count
            return MORE if count else reader.ended
        event = self._last()
        if event and reader.length > self._max_bytes:
            self._too_long()
        return event

    def _too_long(self) -> None:
        self._scratch = bytearray()
        raise BudgetError("block_bytes_kept", "CE 128: an answer of %d bytes, at most %d are held" % (
            self._reader.length, self._max_bytes))

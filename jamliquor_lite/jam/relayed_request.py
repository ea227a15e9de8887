"""Relayed request: a gateway asks another one for what its own peer asked it. Ours, and of the lite network only.

Protocol `/jamliquor/<genesis8>/relay/1`, one stream a request:

    --> kind 1 ++ hops 1                                 a message of two bytes
    --> the request of that kind, as in its own protocol --> FIN
    <-- its answer, as in its own protocol               <-- FIN

    kind   128, 129, 130 or 153
    hops   how many gateways may still pass the request on, 0 to 7: 0 asks for what the gateway has, or has from a JAM
           node that it is connected to

A gateway that passes it on says one hop less, or fewer, and never asks the one that it has it from: so a request ends
after as many gateways as it said at first, whatever they tell each other of how far they are (header_announcement.py).
What cannot be answered is a stream that is reset, as always.
"""

from ..const import const
from ..errors import RemoteError
from .events import DONE, MORE, REQUEST
from .framing import MessageReader
from .kinds import BLOCK_REQUEST, JUSTIFICATION_REQUEST, MALFORMED, STATE_REQUEST, TRUNCATED, WARP_SYNC_REQUEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .framing import Stream

_CONTENT = const(2)
MAX_HOPS = const(7)
_WHAT = "relayed request"
_KINDS = (BLOCK_REQUEST, STATE_REQUEST, JUSTIFICATION_REQUEST, WARP_SYNC_REQUEST)


def preamble(kind: int, hops: int) -> bytes:
    """What goes before the request."""
    return bytes((_CONTENT, 0, 0, 0, kind, hops))


class Preamble:
    """Reads it. After REQUEST: `kind`, `hops`; what follows in the stream is the request itself."""

    def __init__(self, stream: "Stream") -> None:
        self.kind = self.hops = 0
        self._reader = MessageReader(_WHAT)
        self._reader.limit = _CONTENT
        self._reader.begin(stream)
        self._content = bytearray(_CONTENT)
        self._got = 0

    def poll(self) -> int:
        """REQUEST, REFUSED, LOST or NOTHING. RemoteError for what is no such message."""
        reader = self._reader
        if reader.left == 0:
            event = reader.next_message()
            if event == DONE:
                raise RemoteError(TRUNCATED, "%s: the stream ended before it" % _WHAT)
            if event != MORE:
                return event
            if reader.length != _CONTENT:
                raise RemoteError(MALFORMED, "%s: %d bytes instead of %d" % (_WHAT, reader.length, _CONTENT))
        while self._got < _CONTENT:
            count = reader.read_into(self._content, self._got, _CONTENT)
            if count == 0:
                return reader.ended
            self._got += count
        self.kind, self.hops = self._content
        if self.kind not in _KINDS or self.hops > MAX_HOPS:
            raise RemoteError(MALFORMED, "%s: kind %d, hops %d" % (_WHAT, self.kind, self.hops))
        return REQUEST

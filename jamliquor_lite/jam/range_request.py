"""The request that CE 128 and the header range share: from which header on, which way, and how many.

    header hash 32 ++ direction 1 ++ maximum 4
"""

from ..const import const
from ..errors import LocalError, RemoteError
from .exchange import Requester, Responder
from .framing import get_u32, put_u32
from .kinds import MALFORMED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .framing import Stream

ASCENDING = 0  # children of the given header, which is not among them
DESCENDING = 1  # the given header, then its parents
_HASH = const(32)
_REQUEST = const(37)
_PREFIX = const(4)


class RangeRequester(Requester):
    """The initiator's half, with the request put together."""

    def __init__(self, what: str) -> None:
        Requester.__init__(self, what, _REQUEST)

    def _ask(self, stream: "Stream", header_hash: bytes, direction: int, maximum: int, deadline: int) -> None:
        if len(header_hash) != _HASH:
            raise LocalError("%s: a header hash has 32 bytes" % self.what)
        self._begin(stream, deadline)
        request = self._request
        request[_PREFIX : _PREFIX + _HASH] = header_hash
        request[_PREFIX + _HASH] = direction
        put_u32(request, _PREFIX + _HASH + 1, maximum)


class RangeResponder(Responder):
    """The acceptor's half. After REQUEST: `header_hash`, `direction`, `maximum`."""

    def __init__(self, what: str) -> None:
        Responder.__init__(self, what, _REQUEST)

    @property
    def header_hash(self) -> bytes:
        """The header that was named."""
        return bytes(self.request[:_HASH])

    @property
    def direction(self) -> int:
        """ASCENDING or DESCENDING."""
        return self.request[_HASH]

    @property
    def maximum(self) -> int:
        """How many may be answered."""
        return get_u32(self.request, 1 + _HASH)

    def _check(self) -> None:
        if self.direction > DESCENDING:
            raise RemoteError(MALFORMED, "%s: direction %d, only 0 and 1 are known" % (self.what, self.direction))

"""CE 130: the justification that makes a block final (jam-np pull request 6, "CE 130"); over libp2p the same.

    --> header hash 32        --> FIN
    <-- justification         <-- FIN

The answer is one message, of 112 KB at full spec. It goes by in pieces of the lent chunk and is checked as it comes: a
poll checks one signature at most, and what follows a part that is wrong is never read.
"""

from ..const import const
from ..errors import LocalError, RemoteError
from .events import MORE
from .exchange import NEVER, Requester
from .kinds import MALFORMED, SURPLUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..budget.profile import Profile
    from ..codec.spec import Spec
    from .framing import Stream, WritableBuffer

    class JustificationSink(Protocol):
        """Takes the justification (chain/justification.py). `feed` takes some of buf[start:end], checks one signature
        at most and raises VerifyError for what is wrong; then `is_done` says that it is complete and holds."""

        @property
        def is_done(self) -> bool: ...

        def feed(self, buf: WritableBuffer, start: int, end: int) -> int: ...

_HASH = const(32)
_PREFIX = const(4)
_LEAST_CHUNK = const(64)
_START = const(80)  # round, set id, and the vote for the target
_VOTE = const(164)
_NATURALS = const(18)  # the two counts, at their longest
_WHAT = "CE 130"


def longest(spec: "Spec", profile: "Profile") -> int:
    """Bytes of the longest justification: two votes of every validator, as many headers as are taken."""
    return _START + _NATURALS + 2 * spec.validators * _VOTE + profile.finality_headers * spec.max_header_size


class JustificationRequest(Requester):
    """Asks for a justification. Events: DONE (the sink has it, whole and good), REFUSED, LOST, MORE.

    `chunk_buf` is lent: as much is read at a time. `received_bytes` is content of the answer that was read, of the
    `length` that it was said to have.
    """

    def __init__(self, spec: "Spec", profile: "Profile", chunk_buf: "WritableBuffer") -> None:
        Requester.__init__(self, _WHAT, _HASH)
        if len(chunk_buf) < _LEAST_CHUNK:
            raise LocalError("justification request: the chunk buffer has %d bytes, %d are needed"
                             % (len(chunk_buf), _LEAST_CHUNK))
        self._buf = chunk_buf
        self._longest = longest(spec, profile)
        self._sink: "JustificationSink | None" = None
        self.received_bytes = self.length = 0
        self._at = self._filled = 0  # buf[at:filled] was read and not taken
        self._in_answer = False

    def begin(self, stream: "Stream", header_hash: "bytes | bytearray", sink: "JustificationSink",
              deadline: int = NEVER) -> None:
        """Ask for the justification of this block, for `sink`, which expects it."""
        if len(header_hash) != _HASH:
            raise LocalError("justification request: a header hash has 32 bytes")
        self._begin(stream, deadline)
        self._request[_PREFIX:] = header_hash
        self._reader.limit = self._longest
        self._sink = sink
        self.received_bytes = self.length = 0
        self._at = self._filled = 0
        self._in_answer = False

    def _step(self) -> int:
        reader, sink = self._reader, self._sink
        assert sink is not None
        if not self._in_answer:
            event = self._message("answer")
            self._in_answer = event == MORE
            self.length = reader.length
            return event
        if sink.is_done:
            if self._at < self._filled or reader.left:
                raise RemoteError(SURPLUS, "%s: bytes behind the justification" % self.what)
            return self._last()
        if self._at == self._filled:
            n = reader.read_into(self._buf, 0, len(self._buf))
            self._at, self._filled = 0, n
            self.received_bytes += n
            if n == 0:
                if reader.left == 0:
                    raise RemoteError(MALFORMED, "%s: the answer ends within the justification" % self.what)
                return reader.ended
        self._at += sink.feed(self._buf, self._at, self._filled)
        return MORE

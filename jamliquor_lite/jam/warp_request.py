"""CE 153: warp sync fragments from a set id on (jam-np pull request 6, "CE 153"); over libp2p the same.

    --> set id 4                              --> FIN
    <-- natural n, n x (header ++ justification)   <-- FIN

The answer is one message, without a length for a fragment: where one ends its reader knows, and it checks what it
reads. So a fragment, 178 KB at full spec, goes by in pieces of the lent chunk, and nothing that follows a bad one is
taken. How many come is the responder's choice; no fragment says that it has none from there on.
"""

from ..codec.natural import NaturalReader
from ..const import const
from ..errors import LocalError, RemoteError
from .events import FRAGMENT, FRAGMENTS, MORE
from .exchange import NEVER, Requester
from .framing import put_u32
from .kinds import MALFORMED, SURPLUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from .framing import Stream, WritableBuffer

    class FragmentSink(Protocol):
        """Takes the fragments (sync/warp.py). `feed` takes some of buf[start:end], does one bounded unit of work and
        raises VerifyError for what is wrong; then `is_done` says that a fragment is complete. `begin` is called before
        each one."""

        @property
        def is_done(self) -> bool: ...

        def begin(self) -> None: ...

        def feed(self, buf: WritableBuffer, start: int, end: int) -> int: ...

_PREFIX = const(4)
_SET_ID = const(4)
_MAX_SET_ID = 0xFFFFFFFF
_MAX_FRAGMENTS = 0xFFFFFFFF
_LEAST_CHUNK = const(64)
_WHAT = "CE 153"


class WarpRequest(Requester):
    """Asks for fragments. Events: FRAGMENTS (`count` are announced; none of them was looked at), FRAGMENT (the sink has
    taken one and found it good; `taken` counts them), DONE, REFUSED, LOST, MORE.

    `chunk_buf` is lent: as much is read at a time. `received_bytes` is content of the answer that was read.
    """

    def __init__(self, chunk_buf: "WritableBuffer") -> None:
        Requester.__init__(self, _WHAT, _SET_ID)
        if len(chunk_buf) < _LEAST_CHUNK:
            raise LocalError("warp request: the chunk buffer has %d bytes, %d are needed"
                             % (len(chunk_buf), _LEAST_CHUNK))
        self._buf = chunk_buf
        self._natural = NaturalReader()
        self._sink: "FragmentSink | None" = None
        self.count = self.taken = self.received_bytes = 0
        self._at = self._filled = 0  # buf[at:filled] was read and not taken
        self._in_answer = self._is_counted = False

    def begin(self, stream: "Stream", set_id: int, sink: "FragmentSink", deadline: int = NEVER) -> None:
        """Ask for the fragments of set `set_id` and those after it, for `sink`."""
        if not 0 <= set_id <= _MAX_SET_ID:
            raise LocalError("warp request: set id %d" % set_id)
        self._begin(stream, deadline)
        put_u32(self._request, _PREFIX, set_id)
        self._sink = sink
        self._natural.reset()
        self.count = self.taken = self.received_bytes = 0
        self._at = self._filled = 0
        self._in_answer = self._is_counted = False

    def _step(self) -> int:
        if not self._in_answer:
            event = self._message("answer")
            self._in_answer = event == MORE
            return event
        if self._is_counted and self.taken == self.count:
            if self._at < self._filled or self._reader.left:
                raise RemoteError(SURPLUS, "%s: bytes behind the last of %d fragments" % (self.what, self.count))
            return self._last()
        if self._at == self._filled:
            n = self._reader.read_into(self._buf, 0, len(self._buf))
            self._at, self._filled = 0, n
            self.received_bytes += n
            if n == 0:
                if self._reader.left == 0:
                    raise RemoteError(MALFORMED, "%s: the answer ends within a fragment, or before the last one"
                                      % self.what)
                return self._reader.ended
        if not self._is_counted:
            return self._number()
        return self._fragment()

    def _number(self) -> int:
        self._at += 1
        if self._natural.push(self._buf[self._at - 1]):
            self.count = self._natural.value
            if self.count > _MAX_FRAGMENTS:
                raise RemoteError(MALFORMED, "%s: %d fragments, there are no more than %d sets"
                                  % (self.what, self.count, _MAX_FRAGMENTS))
            self._is_counted = True
            if self.count:
                assert self._sink is not None
                self._sink.begin()
            return FRAGMENTS
        return MORE

    def _fragment(self) -> int:
        sink = self._sink
        assert sink is not None
        self._at += sink.feed(self._buf, self._at, self._filled)
        if not sink.is_done:
            return MORE
        self.taken += 1
        if self.taken < self.count:
            sink.begin()
        return FRAGMENT

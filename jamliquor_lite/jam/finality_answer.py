"""Answers to CE 130 and CE 153 (JAMNP-S as of pull request 6, commit 737b8ae: "Grandpa justification request" and
"Warp Sync Request").

    CE 130   --> header hash 32   --> FIN       <-- justification                                  <-- FIN
    CE 153   --> set id 4         --> FIN       <-- natural n, n x (header | justification)        <-- FIN

An answer of either kind is one message. At full spec a fragment of CE 153 has 178 KB, so an answer is written as the
stream takes it and its fragments are made one after the other: one is held at a time, however many there are.
"""

from ..codec import natural
from ..const import const
from .exchange import Responder
from .framing import get_u32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Fragments(Protocol):
        """What has warp sync fragments. `set_id` is of the set that votes now, whose fragment is yet to come.
        `fragment_size` is the bytes of the fragment of a set, or 0: it is not here. One whose size has been told stays
        here, as it is, until it has been sent."""

        @property
        def set_id(self) -> int: ...
        def fragment_size(self, set_id: int) -> int: ...

        def fragment(self, set_id: int) -> bytes: ...

_HASH = const(32)
_SET_ID = const(4)


class _Answer(Responder):
    # What is being sent, and the way on when that is out.

    def __init__(self, what: str, request_size: int) -> None:
        Responder.__init__(self, what, request_size)
        self._piece = b""
        self._at = 0

    def pump(self) -> bool:
        """Write what the stream takes now, of one piece at most; whether it took any."""
        if not self.busy or not self.left:
            return False
        if self._at == len(self._piece):
            self._begin_with(self._next_piece())
        taken = self.write(self._piece, self._at, len(self._piece))
        self._at += taken
        return taken > 0

    def _begin_with(self, piece: bytes) -> None:
        self._piece = piece
        self._at = 0

    def _next_piece(self) -> bytes:
        raise NotImplementedError

    def _drop(self, code: int) -> None:
        self._begin_with(b"")
        Responder._drop(self, code)


class JustificationResponder(_Answer):
    """Takes one CE 130 request. After REQUEST: `answer_justification`, then `pump` until DONE; or `refuse`."""

    def __init__(self) -> None:
        _Answer.__init__(self, "CE 130", _HASH)

    @property
    def header_hash(self) -> bytes:
        """Of the block whose justification is asked for."""
        return bytes(self.request)

    def answer_justification(self, justification: bytes) -> None:
        """Begin the answer."""
        self.answer((len(justification),))
        self._begin_with(justification)


class WarpResponder(_Answer):
    """Takes one CE 153 request. After REQUEST: `answer_fragments`, then `pump` until DONE; or `refuse`."""

    def __init__(self) -> None:
        _Answer.__init__(self, "CE 153", _SET_ID)
        self._source: "Fragments | None" = None
        self._set_id = 0

    @property
    def set_id(self) -> int:
        """Of the first fragment that is asked for."""
        return get_u32(self.request, 0)

    def answer_fragments(self, source: "Fragments", most: int) -> bool:
        """Begin an answer with the fragments from `set_id` on that `source` has, at most `most`: none where that set
        still votes. False: the first of them is not here, or never was, and no answer has begun."""
        size = count = 0
        while count < most:
            one = source.fragment_size(self.set_id + count)
            if not one:
                break
            size += one
            count += 1
        if not count and self.set_id != source.set_id:
            return False
        head = natural.encode(count)
        self.answer((len(head) + size,))
        self._begin_with(head)
        self._source = source
        self._set_id = self.set_id
        return True

    def _next_piece(self) -> bytes:
        assert self._source is not None
        fragment = self._source.fragment(self._set_id)
        self._set_id += 1
        return fragment

    def _drop(self, code: int) -> None:
        self._source = None
        _Answer._drop(self, code)

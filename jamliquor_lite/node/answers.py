"""What every server of requests has in common: an answer, whose bytes go out piece by piece, and the header range's."""

from ..jam.events import MORE, REQUEST
from ..jam.header_request import HeaderResponder, Packer
from ..jam.kinds import DECLINED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..jam.exchange import Responder
    from ..jam.framing import Stream

MAX_HEADERS = 512  # looked at for one answer: 128 KiB hold 438


class Pieces:
    """Bytes to be sent, piece by piece and without a copy of the whole."""

    def __init__(self, pieces: "list[bytes]") -> None:
        self._pieces = pieces
        self._at = 0
        self._index = 0

    def write_to(self, responder: "Responder") -> bool:
        """Hand on what is taken now; whether anything was."""
        moved = False
        while self._index < len(self._pieces):
            piece = self._pieces[self._index]
            taken = responder.write(piece, self._at, len(piece))
            self._at += taken
            moved = moved or taken > 0
            if self._at < len(piece):
                break
            self._index += 1
            self._at = 0
        return moved


class Answer:
    """One exchange. Whoever derives from it begins the answer in `asked`; `deadline` (ms) is for a peer that asks and
    does not read."""

    responder: "Responder"

    def __init__(self, stream: "Stream", deadline: int) -> None:
        self.responder.begin(stream, deadline)
        self._pieces = Pieces([])

    @property
    def busy(self) -> bool:
        """The exchange runs."""
        return self.responder.busy

    def poll(self, now: int) -> bool:
        """Bounded work; whether there may be more. RemoteError where the requester is to blame."""
        event = self.responder.poll(now)
        if event == REQUEST:
            self.asked(now)
            return True
        return self.write(now) or event == MORE

    def asked(self, now: int) -> None:
        """The request is complete, in `responder`: begin the answer."""
        raise NotImplementedError

    def write(self, now: int) -> bool:
        """Send of the answer what is taken now; whether anything was."""
        return self._pieces.write_to(self.responder)


class HeaderAnswer(Answer):
    """One header range. `find(hash, direction, maximum)` gives headers, or None: the request is declined.

    The answer is as long as was asked for and 128 KiB hold.
    """

    def __init__(
        self, stream: "Stream", deadline: int, find: "Callable[[bytes, int, int], list[bytes] | None]"
    ) -> None:
        self.responder: HeaderResponder = HeaderResponder()
        Answer.__init__(self, stream, deadline)
        self._find = find

    def asked(self, now: int) -> None:
        """The request is complete, in `responder`: begin the answer."""
        asked = self.responder
        self.answer(self._find(asked.header_hash, asked.direction, min(asked.maximum, MAX_HEADERS)))

    def answer(self, headers: "list[bytes] | None") -> None:
        """Begin the answer; None declines."""
        if headers is None:
            self.responder.refuse(DECLINED)
            return
        packer = Packer(self.responder.maximum)
        for header in headers:
            if not packer.add(header):
                break
        self.responder.answer_headers(packer.size)
        self._pieces = Pieces(packer.pieces)

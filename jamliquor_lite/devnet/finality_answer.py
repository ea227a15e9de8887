"""Answers CE 130 and CE 153 from a devnet's finality (jam/finality_answer.py)."""

from ..jam.finality_answer import JustificationResponder, WarpResponder
from ..jam.kinds import DECLINED, JUSTIFICATION_REQUEST, WARP_SYNC_REQUEST
from ..node.answers import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..jam.framing import Stream
    from .finality import Finality
    from .serve import Server

_DEADLINE_MS = 30_000  # a peer that asks and does not read; one that reads slowly is given more


class FinalityAnswer(Answer):
    """One exchange of either kind. A dishonest answer goes out as it is, past the responder."""

    responder: "JustificationResponder | WarpResponder"

    def __init__(self, server: "Server", finality: "Finality", stream: "Stream", now: int) -> None:
        self._server = server
        self._finality = finality
        self._stream = stream
        self._raw: bytes | None = None
        self._sent = 0
        Answer.__init__(self, stream, now + _DEADLINE_MS)

    def asked(self, now: int) -> None:
        """As in Answer."""
        fault = self._finality.fault
        if fault.refuses:
            self.responder.refuse(DECLINED)
        elif not fault.silent:
            self._answer()

    def write(self, now: int) -> bool:
        """As in Answer."""
        moved = self._send_raw(self._raw) if self._raw is not None else self.responder.pump()
        if moved:
            self.responder.deadline = now + _DEADLINE_MS
        return moved

    def _answer(self) -> None:
        raise NotImplementedError

    def _send_raw(self, raw: bytes) -> bool:
        taken = self._stream.send(raw, self._sent, len(raw))
        self._sent += taken
        if self._sent == len(raw) and self.busy:
            self.responder.hand_over().finish()
        return taken > 0


class JustificationAnswer(FinalityAnswer):
    """One CE 130 exchange: refused for a block that no round made final."""

    def __init__(self, server: "Server", finality: "Finality", stream: "Stream", now: int) -> None:
        self.responder: JustificationResponder = JustificationResponder()
        FinalityAnswer.__init__(self, server, finality, stream, now)

    def _answer(self) -> None:
        self._server.count(JUSTIFICATION_REQUEST)
        found = self._finality.justification(self.responder.header_hash)
        if found is None:
            self.responder.refuse(DECLINED)
            return
        self._raw = self._finality.fault.raw(found)
        if self._raw is None:
            self.responder.answer_justification(found)


class WarpAnswer(FinalityAnswer):
    """One CE 153 exchange: refused for a set that has not voted yet, or whose fragment is forgotten."""

    def __init__(self, server: "Server", finality: "Finality", stream: "Stream", now: int) -> None:
        self.responder: WarpResponder = WarpResponder()
        FinalityAnswer.__init__(self, server, finality, stream, now)

    def _answer(self) -> None:
        self._server.count(WARP_SYNC_REQUEST)
        finality, first = self._finality, self.responder.set_id
        if finality.change(first) is not None:
            self._raw = finality.fault.raw_fragments(finality, first, self._server.profile.warp_fragments)
        if self._raw is None and not self.responder.answer_fragments(finality, self._server.profile.warp_fragments):
            self.responder.refuse(DECLINED)


FINALITY_ANSWERS: "dict[int, type[JustificationAnswer] | type[WarpAnswer]]" = {
    JUSTIFICATION_REQUEST: JustificationAnswer, WARP_SYNC_REQUEST: WarpAnswer}

"""An answer passed through: read from an upstream's stream, sent on the requester's, and never held whole.

What is looked at is the framing alone: how many messages there are, how long they are, that none is cut. What they
say is the requester's to check. One chunk is in our hands at a time; while the requester does not take it, nothing is
read, and so the upstream's window closes.

An answer that nobody wants any more is read to its end all the same and dropped: a stream that is reset in the middle
of an answer costs the whole connection to typeberry, and with it everybody else's answers. Of a long one so much is
read, and then it waits until nobody has an answer on that connection (relays.py).
"""

from ..errors import BudgetError, RemoteError
from ..jam.events import DONE, ENDED, LOST, MORE, NOTHING, REFUSED
from ..jam.framing import MessageReader, MessageWriter, gave_up, put_u32
from ..jam.kinds import CANCELLED, DECLINED, SURPLUS, TRUNCATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..jam.block_request import BlockResponder
    from ..jam.exchange import Responder
    from ..jam.framing import Buffer, Stream
    from ..jam.state_request import StateResponder

DROPPED_BYTES = 4 * 1024 * 1024  # are read of an answer that nobody wants, then its stream is reset in the end: a peer
#                                  that asks and leaves would have us fetch blocks without end
_NO_CHUNK = memoryview(b"")
_BLOCKS_MAXIMUM_AT = 33  # in a request of CE 128
_STATE_SIZE_AT = 94  # and of CE 129


def of_blocks(responder: "BlockResponder", profile: "Profile") -> "Passage | None":
    """The passage of a CE 128 request that is complete; None, and declined, where it makes no sense."""
    if responder.maximum == 0:
        responder.refuse(DECLINED)
        return None
    maximum = min(responder.maximum, profile.block_request_blocks)
    put_u32(responder.request, _BLOCKS_MAXIMUM_AT, maximum)
    # typeberry sends one block more than it was asked for
    most = (maximum + 1) * profile.block_bytes
    return Passage(responder.what, _message(responder.request), 1, most, responder.hand_over())


def of_state(responder: "StateResponder", profile: "Profile") -> "Passage | None":
    """The passage of a CE 129 request that is complete; None, and declined, where it makes no sense.

    What nobody can answer is not passed on, nor a size that we do not pass back: an upstream may close over the one and
    would be blamed for the other.
    """
    if responder.start_key > responder.end_key:
        responder.refuse(DECLINED)
        return None
    put_u32(responder.request, _STATE_SIZE_AT, min(responder.max_size, profile.state_answer_bytes))
    most = profile.state_answer_bytes
    return Passage(responder.what, _message(responder.request), 2, most, responder.hand_over())


def of_finality(responder: "Responder", profile: "Profile") -> "Passage":
    """The passage of a CE 130 or CE 153 request that is complete. Any hash and any set id makes sense."""
    return Passage(responder.what, _message(responder.request), 1, profile.finality_relay_bytes, responder.hand_over())


def _message(request: bytearray) -> bytes:
    return len(request).to_bytes(4, "little") + bytes(request)


class Passage:
    """`request` is the whole message, with its length; the answer has `messages`, of `max_bytes` together.

    `begin` with a stream of an upstream and a lent chunk, then `poll`: MORE, NOTHING, or the end:
    DONE            all of it is with the requester's stream, and its end
    REFUSED, LOST   the upstream gave nothing: `begin` with another one, or `decline`
    ENDED           the requester has no use for it any more, and the upstream's stream is over
    RemoteError     the upstream's fault; `is_fresh` says whether another one may still be asked, else all is over
    BudgetError     the answer is longer than we pass on, which is nobody's fault; likewise
    """

    def __init__(self, what: str, request: "Buffer", messages: int, max_bytes: int, down: "Stream") -> None:
        self.passed_bytes = 0  # content that the requester's stream took
        self.is_sated = False  # enough was read of an answer that nobody wants: `give_up`, when that harms nobody
        self.is_waiting_below = False  # the requester's stream took less than there was at the last poll
        self._what = what
        self._request = request
        self._messages = messages
        self._max_bytes = max_bytes
        self._down = down
        self._chunk = _NO_CHUNK
        self._up: "Stream | None" = None
        self._reader = MessageReader(what)
        self._writer = MessageWriter()
        self._writer.begin(down)
        self._is_over = False  # the requester's stream has its end
        self._is_dropping = False  # what comes is for nobody
        self._dropped = 0
        self._sent = self._begun = self._total = self._start = self._end = 0

    @property
    def is_fresh(self) -> bool:
        """Nothing of an answer has gone to the requester: another upstream may be asked."""
        return self._begun == 0

    @property
    def has_left(self) -> bool:
        """The requester has reset its stream, or is gone."""
        return gave_up(self._down) != NOTHING

    def begin(self, up: "Stream", chunk: memoryview) -> None:
        """Ask on this stream. `chunk` is ours until the end."""
        self._up = up
        self._chunk = chunk
        self._reader.begin(up)
        self._sent = self._total = self._start = self._end = 0
        self.is_waiting_below = False

    def cancel(self) -> None:
        """The requester is too slow, or gone. `poll` until ENDED drops the rest of the answer, `give_up` at once."""
        self._is_dropping = True
        self.is_waiting_below = False
        self._end_below(CANCELLED)

    def give_up(self) -> None:
        """The upstream is too slow; the requester's stream stays as it is."""
        self._drop(CANCELLED)

    def decline(self) -> None:
        """There is no answer."""
        self._drop(CANCELLED)
        self._end_below(DECLINED)

    def poll(self) -> int:
        """One bounded unit of work."""
        up = self._up
        if up is None:
            return NOTHING
        if self._is_dropping or self.has_left:
            if not self._is_dropping:
                self.cancel()
            return self._read_off(up)
        try:
            event = self._step(up)
        except (RemoteError, BudgetError) as error:
            self._drop(error.code if isinstance(error, RemoteError) else CANCELLED)
            if not self.is_fresh:
                self._end_below(DECLINED)
            raise
        if event in (REFUSED, LOST):
            self._drop(CANCELLED)
        elif event == DONE:
            self._up = None
            self._is_over = True
        return event

    def _read_off(self, up: "Stream") -> int:
        event = NOTHING
        self.is_sated = self._dropped > DROPPED_BYTES
        if self.is_sated:
            return NOTHING
        try:
            event = self._send_request(up)
            if event == NOTHING and self._sent == len(self._request):
                event = self._drop_some()
        except RemoteError:
            event = DONE  # whose fault it is does not matter any more
        if event == DONE and self._reader.left == 0 and self._reader.at_boundary():
            self._up = None
        elif event in (DONE, REFUSED, LOST):
            self._drop(CANCELLED)
        return event if self._up is not None else ENDED

    def _drop_some(self) -> int:
        if self._reader.left == 0:
            return self._reader.next_message()
        count = self._reader.read_into(self._chunk, 0, len(self._chunk))
        self._dropped += count
        return MORE if count else self._reader.ended

    def _send_request(self, up: "Stream") -> int:
        """REFUSED or LOST; else as much as there is room for has gone out."""
        if self._sent == len(self._request):
            return NOTHING
        why = gave_up(up)
        if why == NOTHING:
            self._sent += up.send(self._request, self._sent, len(self._request))
            if self._sent == len(self._request):
                up.finish()
        return why

    def _step(self, up: "Stream") -> int:
        why = self._send_request(up)
        if why or self._sent < len(self._request):
            return why
        if self._start < self._end:
            return self._pass()
        if self._reader.left:
            self._start = 0
            self._end = self._reader.read_into(self._chunk, 0, len(self._chunk))
            return self._pass() if self._end else self._over(self._reader.ended)
        return self._next()

    def _pass(self) -> int:
        count = self._writer.write(self._chunk, self._start, self._end)
        self._start += count
        self.passed_bytes += count
        self.is_waiting_below = self._start < self._end
        return MORE if count else NOTHING

    def _next(self) -> int:
        # Between messages: the next one, or the end.
        self.is_waiting_below = not self._writer.flush()
        if self.is_waiting_below:
            return NOTHING
        event = self._reader.next_message()
        if event == MORE:
            if self._begun == self._messages:
                raise RemoteError(SURPLUS, "%s: a message after the last one" % self._what)
            length = self._reader.length
            self._total += length
            if self._total > self._max_bytes:
                raise BudgetError("passage", "%s: an answer of %d bytes, at most %d are passed on" % (
                    self._what, self._total, self._max_bytes))
            self._begun += 1
            self._writer.message(length)
            return MORE
        if event == DONE:
            if self._begun < self._messages:
                raise RemoteError(TRUNCATED, "%s: the stream ended before message %d" % (self._what, self._begun + 1))
            self._writer.finish()
            return DONE
        return self._over(event)

    def _over(self, event: int) -> int:
        if event in (REFUSED, LOST) and not self.is_fresh:
            raise RemoteError(TRUNCATED, "%s: the answer was given up in its middle" % self._what)
        return event

    def _end_below(self, code: int) -> None:
        if not self._is_over:
            self._is_over = True
            self._down.reset(code)

    def _drop(self, code: int) -> None:
        up, self._up = self._up, None
        if up is not None:
            up.reset(code)

"""Whether a peer lives, and how far away it is: 32 bytes there and the same 32 back (libp2p/specs, ping).

The one who opened the stream may repeat that on it, and ends it by finishing its half. A peer opens one such stream
to us and we one to it; how many it opens is for the caller to bound. Nothing is allocated per ping.
"""

from ..budget.stream import READ_ENDED
from ..const import const
from ..errors import LocalError, RemoteError
from .events import (
    CANCELLED,
    DONE,
    LOST,
    MALFORMED,
    MORE,
    NEVER,
    NOTHING,
    PONG,
    REFUSED,
    SURPLUS,
    TIMED_OUT,
    TRUNCATED,
    gave_up,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .events import Buffer, Stream

SIZE = 32  # bytes of a ping
_SIZE = const(32)


class Pinger:
    """The asking side of one stream, with at most one ping under way. `timeout_ms` is what each of them may take.

    `rtt_ms` is that of the last PONG. `deadline` is when the ping under way, or the peer's end, is late; else NEVER.
    """

    def __init__(self, stream: "Stream", timeout_ms: int) -> None:
        self.rtt_ms = 0
        self.deadline = NEVER
        self._stream: "Stream | None" = stream
        self._timeout_ms = timeout_ms
        self._ping = bytearray(_SIZE)
        self._pong = bytearray(_SIZE)
        self._sent = self._got = _SIZE
        self._began = 0
        self._is_waiting = False
        self._is_ending = self._has_finished = False

    @property
    def is_waiting(self) -> bool:
        """A ping is under way."""
        return self._is_waiting

    def send(self, random: "Buffer", now: int) -> None:
        """Begin a ping of 32 random bytes: a peer that can guess them can answer before it was asked."""
        if self._stream is None or self._is_waiting or self._is_ending:
            raise LocalError("ping: begun while another one is under way, or after the end")
        if len(random) != _SIZE:
            raise LocalError("ping: %d random bytes instead of %d" % (len(random), _SIZE))
        self._ping[:] = random
        self._sent = self._got = 0
        self._began = now
        self.deadline = now + self._timeout_ms
        self._is_waiting = True
        self._sent = self._stream.send(self._ping, 0, _SIZE)

    def finish(self) -> None:
        """No more pings: after the one under way, the stream is ended, and DONE comes when the peer ends it too."""
        self._is_ending = True

    def cancel(self) -> None:
        """Give the stream up."""
        self._drop(CANCELLED)

    def poll(self, now: int) -> int:
        """PONG with `rtt_ms`; DONE when both halves are ended; REFUSED, LOST, MORE or NOTHING.

        RemoteError for an answer that is late, other than the question, or to no question.
        """
        stream = self._stream
        if stream is None:
            return NOTHING
        try:
            event = self._step(stream, now)
        except RemoteError as error:
            self._drop(error.code)
            raise
        if event == DONE:
            self._stream = None
        elif event == REFUSED or event == LOST:
            self._drop(CANCELLED)
        return event

    def _step(self, stream: "Stream", now: int) -> int:
        if self._sent < _SIZE:
            self._sent += stream.send(self._ping, self._sent, _SIZE)
        # Without a ping under way there is room for one byte, which nobody asked for.
        start = self._got if self._is_waiting else 0
        n = stream.recv_into(self._pong, start, _SIZE if self._is_waiting else 1)
        if n:
            stream.credit(n)
            return self._take(n, now)
        if stream.state & READ_ENDED:
            if self._is_waiting:
                raise RemoteError(TRUNCATED, "ping: the peer ended the stream instead of answering")
            if not self._has_finished:
                stream.finish()
            return DONE
        why = gave_up(stream)
        if why:
            return why
        if self.deadline != NEVER and now >= self.deadline:
            if self._is_waiting:
                raise RemoteError(TIMED_OUT, "ping: no answer within %d ms" % self._timeout_ms)
            self._drop(CANCELLED)  # it left its half open, and has no more to say
            return DONE
        if self._is_ending and not self._is_waiting and not self._has_finished:
            stream.finish()
            self._has_finished = True
            self.deadline = now + self._timeout_ms
        return NOTHING

    def _take(self, n: int, now: int) -> int:
        if not self._is_waiting:
            raise RemoteError(SURPLUS, "ping: an answer to no ping")
        at = self._got
        self._got += n
        if self._got > self._sent:
            raise RemoteError(MALFORMED, "ping: an answer before the question")
        while at < self._got:
            if self._pong[at] != self._ping[at]:
                raise RemoteError(MALFORMED, "ping: the answer is not what was sent")
            at += 1
        if self._got < _SIZE:
            return MORE
        self._is_waiting = False
        self.deadline = NEVER
        self.rtt_ms = now - self._began
        return PONG

    def _drop(self, code: int) -> None:
        stream = self._stream
        self._stream = None
        self._is_waiting = False
        self.deadline = NEVER
        if stream is not None:
            stream.reset(code)


class Responder:
    """The answering side: echoes each 32 bytes, one after the other, until the peer ends its half.

    `idle_ms`: how long one ping, its answer, and the pause before the next may take; after a longer pause the stream
    is quietly given up. `pings` counts them.
    """

    def __init__(self, idle_ms: int) -> None:
        self.pings = 0
        self.deadline = NEVER  # when the stream is given up, as things stand
        self._idle_ms = idle_ms
        self._stream: "Stream | None" = None
        self._echo = memoryview(bytearray(_SIZE))  # as a view: whoever copies would make one each time
        self._got = 0
        self._sent = _SIZE

    @property
    def busy(self) -> bool:
        """A stream is being served."""
        return self._stream is not None

    def begin(self, stream: "Stream", now: int) -> None:
        """Serve a stream on which this protocol was agreed."""
        if self._stream is not None:
            raise LocalError("ping: begun while another stream is served")
        self._stream = stream
        self._got = 0
        self._sent = _SIZE
        self.pings = 0
        self.deadline = now + self._idle_ms

    def cancel(self) -> None:
        """Give the stream up."""
        self._drop(CANCELLED)

    def poll(self, now: int) -> int:
        """At most one ping. MORE, NOTHING, DONE (the peer ended it, or said nothing for too long), REFUSED or LOST.

        RemoteError when the peer stops in the middle of a ping or does not take its answer.
        """
        stream = self._stream
        if stream is None:
            return NOTHING
        try:
            event = self._step(stream, now)
        except RemoteError as error:
            self._drop(error.code)
            raise
        if event == DONE:
            self._stream = None
            self.deadline = NEVER
        elif event == REFUSED or event == LOST:
            self._drop(CANCELLED)
        return event

    def _step(self, stream: "Stream", now: int) -> int:
        if self._sent == _SIZE:
            n = stream.recv_into(self._echo, self._got, _SIZE)
            if n == 0:
                return self._why_nothing(stream, now)
            stream.credit(n)
            # A ping, its answer and the pause each have their time: single bytes do not prolong it.
            if self._got == 0:
                self.deadline = now + self._idle_ms
            self._got += n
            if self._got < _SIZE:
                return self._late(now, "the rest of a ping did not come") or MORE
            self._sent = 0
            self.deadline = now + self._idle_ms
        n = stream.send(self._echo, self._sent, _SIZE)
        if n == 0:
            why = gave_up(stream)
            return why or self._late(now, "the peer does not take its answer")
        self._sent += n
        if self._sent < _SIZE:
            return self._late(now, "the peer does not take its answer") or MORE
        self.deadline = now + self._idle_ms
        self._got = 0
        self.pings += 1
        return MORE

    def _why_nothing(self, stream: "Stream", now: int) -> int:
        if stream.state & READ_ENDED:
            if self._got:
                raise RemoteError(TRUNCATED, "ping: the stream ended inside a ping")
            stream.finish()
            return DONE
        why = gave_up(stream)
        if why or now < self.deadline:
            return why
        if self._got:
            return self._late(now, "the rest of a ping did not come")
        self._drop(CANCELLED)
        return DONE

    def _late(self, now: int, what: str) -> int:
        if now >= self.deadline:
            raise RemoteError(TIMED_OUT, "ping: " + what)
        return NOTHING

    def _drop(self, code: int) -> None:
        stream = self._stream
        self._stream = None
        self.deadline = NEVER
        if stream is not None:
            stream.reset(code)

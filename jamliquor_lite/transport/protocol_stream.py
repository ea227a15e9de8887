"""A stream of the lite network: a yamux stream that agrees on its protocol first (multistream-select).

Who opens it names one protocol and may send right behind the name; who accepts it answers to the name before the
stream is shown to anybody. After that the face of budget/stream.py is that of the yamux stream beneath.
"""

from ..budget.stream import CLOSED, READ_ENDED, READ_RESET, SEND_FINISHED, SEND_STOPPED
from ..const import const
from ..errors import RemoteError
from . import multistream
from .yamux_stream import GONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .terms import Terms
    from .yamux_stream import Stream as MuxedStream

UNSUPPORTED = 3  # jam/kinds.py's code for "not served here", which layering keeps out of reach
_HEADER_BYTES = const(20)  # of multistream's header as a message, and
_LENGTH_BYTES = const(3)  # of a name's length with its newline, at most


def proposal_bytes(name: str) -> int:
    """Bytes that proposing `name` takes, at most."""
    return _HEADER_BYTES + _LENGTH_BYTES + len(name)


class ProtocolStream:
    """One stream. `kind` is that of Terms, -1 while it is not agreed on; `protocol` its name.

    A protocol that the peer does not serve ends both halves, with `reset_code` UNSUPPORTED: yamux carries no codes.
    """

    reset_code = 0

    def __init__(self, terms: "Terms", muxed: "MuxedStream", kind: int, name: str, until: int) -> None:
        self.kind = kind
        self.protocol = name
        self._terms = terms
        self._muxed = muxed
        if name:
            muxed.enter(terms.scope(kind, True))  # the connection has looked whether there is room
        self._until = until  # ms: when the name must be agreed on
        self._talk: "multistream.Dialer | multistream.Listener | None" = (
            multistream.Dialer([name]) if name else multistream.Listener(terms.accepts, max_name=terms.longest_name)
        )
        self._out = b""  # what the talk has to say and the stream did not take yet
        self._out_at = 0
        self._is_finishing = False  # finish() was called before all of _out was taken
        self._refused = False
        self.is_taken = False  # the connection has handed it out
        self._is_declined = False  # the peer's: we said na, and what it sends behind the name is thrown away
        self._advance(0)

    @property
    def id(self) -> int:
        return self._muxed.id

    @property
    def cls(self) -> int:
        """What it is for (budget/classes.py): SERVING until its protocol is known."""
        return self._muxed.cls

    @property
    def state(self) -> int:
        """Bits of budget/stream.py."""
        state = self._muxed.state
        if self._refused:
            return state & ~READ_ENDED | READ_RESET | SEND_STOPPED
        if state & READ_ENDED and self._talk is not None:
            # The peer finished its half without an answer to the name.
            state = state & ~READ_ENDED | READ_RESET
        return state | SEND_FINISHED if self._is_finishing else state

    @property
    def is_agreed(self) -> bool:
        """The protocol's name was answered with yes, which may still wait here for room to be sent (`is_stuck`)."""
        return self._talk is None

    @property
    def is_stuck(self) -> bool:
        """Words about the name wait for room to be sent."""
        return self._out != b""

    @property
    def is_due(self) -> bool:
        """They would find it now."""
        return self._out != b"" and self._muxed.has_room

    @property
    def is_settled(self) -> bool:
        """There is no more to say about the name."""
        return self._refused or (self._talk is None and not self._out)

    def recv_into(self, buf: "bytearray | memoryview", start: int, end: int) -> int:
        """Move received bytes into `buf[start:end]`; 0: nothing is here."""
        if self._talk is not None:
            self._advance(0)
            if self._talk is not None or self._refused:
                return 0
        elif self._out:
            self._flush()
        return self._muxed.recv_into(buf, start, end)

    def send(self, buf: "bytes | bytearray | memoryview", start: int, end: int) -> int:
        """Take bytes to send; 0: no room now."""
        if self._out and not self._flush():
            return 0
        return 0 if self._refused or self._is_finishing else self._muxed.send(buf, start, end)

    def finish(self) -> None:
        """Our half is complete."""
        if not self._refused:
            self._is_finishing = True
            self._flush()

    def reset(self, code: int) -> None:
        """Give both halves up. The peer is not told why."""
        self._muxed.reset(code)

    def credit(self, count: int) -> None:
        """The reader consumed `count` bytes."""
        self._muxed.credit(count)

    # for the connection

    def poll(self, now: int) -> bool:
        """Go on with the talk about the name. Whether the stream is of no use any more and to be forgotten."""
        if not self.is_settled:
            if self._is_declined:
                self._discard()
            elif self._talk is not None:
                self._advance(now)
            else:
                self._flush()
            if not self.is_settled and now >= self._until:
                self._refuse()
        return self._refused or self._muxed.bits & GONE != 0

    @property
    def deadline(self) -> int:
        """When `poll` must be called at the latest; -1 once the name is settled."""
        return -1 if self.is_settled else self._until

    def _advance(self, now: int) -> None:
        talk, muxed, scratch = self._talk, self._muxed, self._terms.scratch
        assert talk is not None
        try:
            while True:
                self._say(now)
                if talk.state != multistream.RUNNING:
                    break
                # Exactly what the talk needs next: what comes behind the answer is the protocol's.
                size = muxed.recv_into(scratch, 0, min(talk.wants(), len(scratch)))
                if size == 0:
                    return
                muxed.credit(size)
                talk.feed(scratch, 0, size, now)
        except RemoteError:
            if isinstance(talk, multistream.Listener) and talk.has_declined:
                # It named something that we do not serve and sent more behind the name, as a lazy dialer does. A reset
                # could overtake the answer; the end of our half cannot.
                self._is_declined = True
                self.finish()
                self._discard()
            else:
                self._refuse()
            return
        if talk.state == multistream.REFUSED:
            self._refuse()
            return
        self.protocol = talk.protocol
        if self.kind < 0:
            self.kind = self._terms.protocols[talk.protocol]
            if not muxed.enter(self._terms.scope(self.kind, False)):
                self._refuse()
                return
        self._flush()
        self._talk = None

    def _discard(self) -> None:
        # Without credit: its window closes behind what is thrown away.
        scratch = self._terms.scratch
        self._flush()
        while self._muxed.recv_into(scratch, 0, len(scratch)):
            pass
        if self._muxed.state & READ_ENDED and not self._out:
            self._refused = True  # both halves end cleanly: a reset would overtake the answer, which may still wait
            self.reset_code = UNSUPPORTED

    def _say(self, now: int) -> None:
        talk, scratch = self._talk, self._terms.scratch
        assert talk is not None
        size = talk.drain(scratch, 0, len(scratch), now)
        while size:  # a header and an answer to each of few tries: it stays short
            self._out = self._out[self._out_at :] + bytes(scratch[:size])
            self._out_at = 0
            size = talk.drain(scratch, 0, len(scratch), now)
        self._flush()

    def _flush(self) -> bool:
        if self._out:
            self._out_at += self._muxed.send(self._out, self._out_at, len(self._out))
            if self._out_at < len(self._out) and not self._muxed.state & (SEND_STOPPED | CLOSED):
                return False
            # All of it is on its way, or nobody listens any more.
            self._out = b""
            self._out_at = 0
        if self._is_finishing:
            self._is_finishing = False
            self._muxed.finish()
        return True

    def _refuse(self) -> None:
        self._refused = True
        self.reset_code = UNSUPPORTED
        self._out = b""
        self._muxed.reset(UNSUPPORTED)

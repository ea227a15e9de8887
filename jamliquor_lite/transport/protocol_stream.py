"""A stream of the lite network: a yamux stream that agrees on its protocol first (multistream-select).

Who opens it names one protocol and may send right behind the name; who accepts it answers to the name before the
stream is shown to anybody. After that the face of budget/stream.py is that of the yamux stream beneath.
"""

from ..budget.stream import CLOSED, DEAD, READ_ENDED, READ_RESET, SEND_STOPPED
from ..errors import RemoteError
from . import multistream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .terms import Terms
    from .yamux_stream import Stream as MuxedStream

UNSUPPORTED = 3  # jam/kinds.py's code for "not served here", which layering keeps out of reach


class ProtocolStream:
    """One stream. `kind` is that of Terms, -1 while it is not agreed on; `protocol` its name.

    A protocol that the peer does not serve ends both halves, with `reset_code` UNSUPPORTED: yamux carries no codes.
    """

    def __init__(self, terms: "Terms", muxed: "MuxedStream", kind: int, name: str, until: int) -> None:
        self.kind = kind
        self.protocol = name
        self.reset_code = 0
        self._terms = terms
        self._muxed = muxed
        self._until = until  # ms: when the name must be agreed on
        self._talk: "multistream.Dialer | multistream.Listener | None" = (
            multistream.Dialer([name]) if name else multistream.Listener(terms.accepts)
        )
        self._out = b""  # what the talk has to say and the stream did not take yet
        self._out_at = 0
        self._refused = False
        self._advance(0)

    @property
    def id(self) -> int:
        return self._muxed.id

    @property
    def state(self) -> int:
        """Bits of budget/stream.py."""
        state = self._muxed.state
        if self._refused:
            return state | READ_RESET | SEND_STOPPED
        if state & READ_ENDED and self._talk is not None:
            # The peer finished its half without an answer to the name.
            return state & ~READ_ENDED | READ_RESET
        return state

    @property
    def is_agreed(self) -> bool:
        """The protocol's name was answered with yes."""
        return self._talk is None

    def recv_into(self, buf: "bytearray | memoryview", start: int, end: int) -> int:
        """Move received bytes into `buf[start:end]`; 0: nothing is here."""
        if self._talk is not None:
            self._advance(0)
            if self._talk is not None or self._refused:
                return 0
        return self._muxed.recv_into(buf, start, end)

    def send(self, buf: "bytes | bytearray | memoryview", start: int, end: int) -> int:
        """Take bytes to send; 0: no room now."""
        if self._out and not self._flush():
            return 0
        return self._muxed.send(buf, start, end) if not self._refused else 0

    def finish(self) -> None:
        """Our half is complete."""
        if not self._refused:
            self._flush()  # a name that does not fit now is lost with a peer that takes nothing
            self._muxed.finish()

    def reset(self, code: int) -> None:
        """Give both halves up. The peer is not told why."""
        self._muxed.reset(code)

    def credit(self, count: int) -> None:
        """The reader consumed `count` bytes."""
        self._muxed.credit(count)

    # for the connection

    def poll(self, now: int) -> bool:
        """Go on with the talk about the name. Whether the stream is of no use any more and to be forgotten."""
        if self._talk is not None and not self._refused:
            self._advance(now)
            if self._talk is not None and now >= self._until:
                self._refuse()
        return self._refused or bool(self._muxed.state & (DEAD | CLOSED)) and self._talk is not None

    @property
    def deadline(self) -> int:
        """When `poll` must be called at the latest; -1 once the name is settled."""
        return -1 if self._talk is None or self._refused else self._until

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
            self._refuse()
            return
        if talk.state == multistream.REFUSED:
            self._refuse()
            return
        self.protocol = talk.protocol
        if self.kind < 0:
            self.kind = self._terms.protocols[talk.protocol]
        self._flush()
        self._talk = None

    def _say(self, now: int) -> None:
        talk, scratch = self._talk, self._terms.scratch
        assert talk is not None
        if self._out and not self._flush():
            return
        size = talk.drain(scratch, 0, len(scratch), now)
        if size:
            self._out = bytes(scratch[:size])
            self._out_at = 0
            self._flush()

    def _flush(self) -> bool:
        if self._out:
            self._out_at += self._muxed.send(self._out, self._out_at, len(self._out))
            if self._out_at < len(self._out):
                return False
            self._out = b""
        return True

    def _refuse(self) -> None:
        self._refused = True
        self.reset_code = UNSUPPORTED
        self._out = b""
        self._muxed.reset(UNSUPPORTED)

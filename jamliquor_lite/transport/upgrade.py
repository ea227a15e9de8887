"""From a bare TCP connection to a secured and muxed one: the one file that knows the order (libp2p/specs, connections).

    multistream (which handshake) → Noise → multistream inside it (which muxer; not needed if Noise settled it)

Works in the caller's buffers and keeps none. What the peer may send here, before it has proved who it is, has bounds
of its own. Faults are RemoteError and VerifyError; `Refused` is our own no, with the rule that spoke.
"""

from ..const import const
from ..errors import VerifyError
from . import multistream, noise
from .states import CLASSICAL, HYBRID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .terms import Terms

_YAMUX = "/yamux/1.0.0"
LENGTH = 2  # bytes of a Noise frame's length
_HANDSHAKE_BYTES = const(4096)  # the longest handshake message: 1,304 bytes, or the certificate of another key type
RANDOM_BYTES = 96  # what a handshake takes at most: an X25519 secret and the seed of an ML-KEM key pair

# Phases.
_SECURITY = const(0)
_HANDSHAKE = const(1)
_MUXER = const(2)
_DONE = const(3)


class Upgrade:
    """One upgrade. `is_done`: `secure`, `peer_id`, `peer_public_key`, `suite`, `is_bound` are there.

    `plain_start`, `plain_end`: decrypted bytes in the buffer of the last `take` that belong to the muxer.
    `is_busy`: there may be something to send.
    """

    def __init__(self, terms: "Terms", is_dialed: bool, random: bytes, expect: bytes) -> None:
        self.suite = ""
        self.peer_id = b""
        self.peer_public_key = b""
        self.is_bound = False
        self.declined = ""  # a handshake that the peer offered and that our policy does not take
        self.secure: "noise.Secure | None" = None
        self.plain_start = self.plain_end = 0
        self._terms = terms
        self._is_dialed = is_dialed
        self._random = random
        self._expect = expect
        self._phase = _SECURITY
        self._handshake: "noise.Handshake | None" = None
        # The talk under way, and the one whose last word is still to be sent: answers of a listener.
        self._talk: "multistream.Dialer | multistream.Listener" = (
            multistream.Dialer(terms.securities) if is_dialed else multistream.Listener(self._accepts)
        )
        self._is_talking = True

    @property
    def is_done(self) -> bool:
        """Everything is agreed on and nothing of it is left to send."""
        return self._phase == _DONE and not self._is_talking

    # what comes

    def take(self, buf: "memoryview", start: int, end: int, now: int) -> int:
        """Take one step over buf[start:end]; where it ended, which is `start` when more bytes are needed."""
        if self._phase == _SECURITY:
            at = start + self._talk.feed(buf, start, end, now)
            if self._talk.state != multistream.RUNNING:
                self._secured_by(self._talk)
            return at
        if self._phase == _DONE or end - start < LENGTH:
            return start
        size = buf[start] << 8 | buf[start + 1]
        most = len(buf) - LENGTH
        if self._phase == _HANDSHAKE:
            most = min(most, _HANDSHAKE_BYTES)
        if size > most:
            raise VerifyError("size", "a Noise frame of %d bytes, at most %d are taken" % (size, most))
        at = start + LENGTH
        if end - at < size:
            return start
        if self._phase == _HANDSHAKE:
            assert self._handshake is not None
            self._handshake.read(buf, at, at + size)
            self._judge()
            if self._handshake.turn == noise.DONE:
                self._proved()
        else:
            self._muxer(buf, at, size, now)
        return at + size

    def _muxer(self, buf: "memoryview", at: int, size: int, now: int) -> None:
        assert self.secure is not None
        end = at + self.secure.open(buf, at, at + size, buf, at)
        at += self._talk.feed(buf, at, end, now)
        if self._talk.state == multistream.REFUSED:
            raise VerifyError("yamux", "the peer does not speak %s" % _YAMUX)
        if self._talk.state == multistream.AGREED:
            self._phase = _DONE
            self._is_talking = not self._is_dialed
            self.plain_start, self.plain_end = at, end

    # what goes

    def give(self, buf: "memoryview", now: int) -> int:
        """Write what is to be sent next to the beginning of `buf`; how many bytes."""
        at = 0
        if self._is_talking:
            at = self._say(buf, now)
        handshake = self._handshake
        if handshake is not None and handshake.turn == noise.WRITE:
            size = handshake.write(buf, at + LENGTH, len(buf))
            buf[at], buf[at + 1] = size >> 8, size & 0xFF
            at += LENGTH + size
            if handshake.turn == noise.DONE:
                self._proved()
        return at

    def _say(self, buf: "memoryview", now: int) -> int:
        talk = self._talk
        if self.secure is None:
            size = talk.drain(buf, 0, len(buf), now)
            if self._phase != _SECURITY:
                self._is_talking = False
            return size
        size = talk.drain(buf, LENGTH, len(buf) - noise.TAG, now)
        if self._phase == _DONE:
            self._is_talking = False
        if not size:
            return 0
        size = self.secure.seal(buf, LENGTH, LENGTH + size, buf, LENGTH)
        buf[0], buf[1] = size >> 8, size & 0xFF
        return LENGTH + size

    # the order

    def _accepts(self, name: str) -> bool:
        if name in self._terms.securities:
            return True
        if name == noise.PLAIN:
            self.declined = name
        return False

    def _secured_by(self, talk: "multistream.Dialer | multistream.Listener") -> None:
        terms = self._terms
        if talk.state == multistream.REFUSED:
            if noise.PLAIN in terms.securities:
                raise VerifyError("noise", "the peer speaks none of %s" % ", ".join(terms.securities))
            raise VerifyError("policy", "the peer has no post-quantum handshake, which pq = %s demands" % terms.policy)
        is_hybrid = talk.protocol == noise.HYBRID
        self.suite = HYBRID if is_hybrid else CLASSICAL
        random = bytearray(self._random)[: noise.random_size(self._is_dialed, is_hybrid)]
        self._random = b""
        self._handshake = noise.Handshake(
            terms.static, self._is_dialed, is_hybrid, random, [_YAMUX], terms.securities, self._expect
        )
        self._phase = _HANDSHAKE
        self._is_talking = not self._is_dialed  # a listener has its answer to send

    def _judge(self) -> None:
        # As soon as the peer has proved who it is, and before a dialer shows more of itself.
        handshake = self._handshake
        assert handshake is not None
        if handshake.peer_id and not self.peer_id:
            self.peer_id = handshake.peer_id
            refusal = self._terms.judge(handshake.peer_id, self.suite == HYBRID)
            if refusal:
                rule = refusal.split(":")[0]
                raise VerifyError(rule, refusal[len(rule) + 2 :])

    def _proved(self) -> None:
        handshake = self._handshake
        assert handshake is not None
        self.peer_public_key = handshake.peer_key
        self.is_bound = handshake.is_bound
        assert handshake.sender is not None and handshake.receiver is not None
        self.secure = noise.Secure(handshake.sender, handshake.receiver)
        self._handshake = None
        if _YAMUX in handshake.muxers:
            self._phase = _DONE
            self._is_talking = False
            return
        self._talk = multistream.Dialer([_YAMUX]) if self._is_dialed else multistream.Listener(_is_yamux)
        self._phase = _MUXER
        self._is_talking = True


def _is_yamux(name: str) -> bool:
    return name == _YAMUX

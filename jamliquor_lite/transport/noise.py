"""libp2p's secure channel: Noise XX, or XXhfs with ML-KEM-768, then frames of up to 65,535 bytes (libp2p/specs, noise).

    handshake = Handshake(static, is_initiator, is_hybrid, random, muxers, security_protocols)
    loop until turn is DONE:   WRITE: write the next message and send it        READ: read one whole message of the peer
    secure = Secure(handshake.sender, handshake.receiver)

Each message and each frame goes over the wire behind its length, u16 big-endian, which is the caller's to put and to
read. Messages and frames are opened where they lie: the buffer is overwritten. noise_pattern.py has the messages,
noise_payload.py what they say and how a tampered negotiation is noticed.

Secrets are zeroed where Python lets us: in our own buffers. Copies that the interpreter made along the way are not.
"""

from ..codec import base58
from ..const import const
from ..crypto.suite import Aead, x25519_public
from ..errors import LocalError, VerifyError
from . import noise_payload
from .noise_pattern import KEY, MESSAGES, Pattern, random_size
from .noise_symmetric import TAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from .noise_payload import Identity

    Buffer = Union[bytes, bytearray, memoryview]
    WritableBuffer = Union[bytearray, memoryview]

__all__ = (
    "DONE",
    "FAILED",
    "HYBRID",
    "MAX_FRAME",
    "MAX_HANDSHAKE",
    "PLAIN",
    "READ",
    "TAG",
    "WRITE",
    "Handshake",
    "Secure",
    "StaticKey",
    "random_size",
)

PLAIN = "/noise"
HYBRID = "/noise-mlkem768-hfs/0.2.0"

# Whose turn it is.
WRITE = const(0)
READ = const(1)
DONE = const(2)
FAILED = const(3)

MAX_FRAME = 65_535  # bytes of ciphertext
MAX_HANDSHAKE = 4096  # bytes of one handshake message: a payload without end from whoever connects
_LAST_COUNTER = (1 << 64) - 1  # Noise keeps this nonce for itself; too wide for const()


class StaticKey:
    """This host's X25519 key of a 32-byte secret, and its identity's signature over it, made once.

    `identity` has `key`, `sign` and `verify_peer` as in p2p/identity.py.
    """

    def __init__(self, identity: "Identity", secret: "Buffer") -> None:
        if len(secret) != KEY:
            raise LocalError("noise: a static secret has %d bytes, not %d" % (KEY, len(secret)))
        self.identity = identity
        self.secret = bytes(secret)
        self.public = x25519_public(secret)
        self.signature = noise_payload.sign_static(identity, self.public)


class Handshake:
    """One side of one handshake. After a VerifyError it is FAILED and the connection is to be closed.

    `random`: random_size() bytes that nobody else knows; a bytearray is zeroed in the end.
    `muxers`: what we speak inside, the preferred one first.
    `security_protocols`: what we offer (dialer) or serve (listener), in order, for the binding; [] binds nothing.
    `expect`: the peer id that must be there, or b"" for anybody.
    `running`: the name that multistream chose, where it is neither PLAIN nor HYBRID.

    After DONE: `peer_id`, `peer_key` (protobuf), `muxers` (the peer's), `is_bound`, `handshake_hash`, and the ciphers
    `sender` and `receiver`. VerifyError: `noise` (does not decrypt, wrong size, worthless key), `identity` (signature,
    key type, payload), `peer` (not the one expected), `transcript` (the negotiation was tampered with).
    """

    def __init__(
        self,
        static: StaticKey,
        is_initiator: bool,
        is_hybrid: bool,
        random: "Buffer",
        muxers: "list[str]",
        security_protocols: "list[str]",
        expect: bytes = b"",
        running: str = "",
    ) -> None:
        self.turn = WRITE if is_initiator else READ
        self.peer_id = self.peer_key = self.handshake_hash = b""
        self.muxers: "list[str]" = []
        self.is_bound = False
        self.sender: "Aead | None" = None
        self.receiver: "Aead | None" = None
        self._running = running or (HYBRID if is_hybrid else PLAIN)
        if security_protocols and self._running not in security_protocols:
            raise LocalError("noise: %s runs, none of %s" % (self._running, ", ".join(security_protocols)))
        self._static: "StaticKey | None" = static
        self._is_initiator = is_initiator
        self._our_muxers = muxers
        self._securities = security_protocols
        self._expect = expect
        self._pattern: "Pattern | None" = Pattern(static.secret, static.public, is_initiator, is_hybrid, random)

    def write(self, buf: "WritableBuffer", at: int, end: int) -> int:
        """Write our next message into buf[at:end]; returns its bytes. MAX_HANDSHAKE of room is always enough.

        LocalError when it does not fit; the handshake is then FAILED.
        """
        static, pattern = self._static, self._pattern
        if self.turn != WRITE or static is None or pattern is None:
            raise LocalError("noise: it is not our turn to write")
        try:
            if end - at < pattern.head_size():
                raise LocalError("noise: no room for a handshake message in %d bytes" % (end - at))
            stop = pattern.write_head(buf, at)
            payload = b""
            if pattern.number:
                payload = noise_payload.encode(
                    static.identity, static.signature, pattern.hash, self._our_muxers, self._securities
                )
            size = stop - at + len(payload) + pattern.payload_tag()
            if size > end - at or size > MAX_HANDSHAKE:
                raise LocalError("noise: no room for a handshake message of %d bytes" % size)
            buf[stop : stop + len(payload)] = payload
            pattern.write_payload(buf, stop, stop + len(payload))
        except LocalError:
            self._end(FAILED)
            raise
        self._advance()
        return size

    def read(self, buf: "WritableBuffer", start: int, end: int) -> None:
        """Take the peer's next message, all of buf[start:end], which is overwritten. VerifyError as listed above."""
        static, pattern = self._static, self._pattern
        if static is None or pattern is None:
            raise LocalError("noise: the handshake is over")
        try:
            self._read(static, pattern, buf, start, end)
        except VerifyError:
            self._end(FAILED)
            raise
        self._advance()

    def _read(self, static: StaticKey, pattern: Pattern, buf: "WritableBuffer", start: int, end: int) -> None:
        if self.turn != READ:
            raise VerifyError("noise", "a handshake message out of turn")
        size = end - start
        if size > MAX_HANDSHAKE:
            raise VerifyError("noise", "a handshake message of %d bytes, %d are allowed" % (size, MAX_HANDSHAKE))
        is_first = pattern.number == 0
        if is_first and size > pattern.head_size():
            # Noise allows a payload here; it would be nobody's and in the clear, and libp2p has none.
            raise VerifyError("noise", "a first handshake message of %d bytes" % size)
        at = pattern.read_head(buf, start, end)
        bound_to = pattern.hash
        end = pattern.read_payload(buf, at, end)
        if is_first:
            return
        payload = noise_payload.Payload(buf, at, end)
        peer_id = payload.check_identity(static.identity, pattern.peer_static)
        if self._expect and peer_id != self._expect:
            raise VerifyError(
                "peer", "the peer is %s, expected %s" % (base58.encode(peer_id), base58.encode(self._expect))
            )
        if self._securities:
            self.is_bound = payload.check_transcript(
                static.identity, bound_to, self._securities, self._is_initiator, self._running
            )
        self.peer_id = peer_id
        self.peer_key = payload.key
        self.muxers = payload.muxers

    def _advance(self) -> None:
        pattern = self._pattern
        assert pattern is not None
        if pattern.number < MESSAGES:
            self.turn = READ if self.turn == WRITE else WRITE
            return
        first, second = pattern.split()
        self.handshake_hash = pattern.hash
        self.sender = Aead(first if self._is_initiator else second)
        self.receiver = Aead(second if self._is_initiator else first)
        self._end(DONE)

    def _end(self, turn: int) -> None:
        self.turn = turn
        if self._pattern is not None:
            self._pattern.wipe()
        self._pattern = self._static = None
        self._our_muxers = self._securities = []
        self._expect = b""


class Secure:
    """The frames after the handshake. Each is sealed under the next counter, so none can be replayed or moved."""

    def __init__(self, sender: "Aead", receiver: "Aead") -> None:
        self.sent = 0  # frames
        self.received = 0
        self._sender = sender
        self._receiver = receiver

    def seal(self, buf: "WritableBuffer", start: int, end: int, out: "WritableBuffer", at: int) -> int:
        """Seal buf[start:end] into out[at:at + n]; returns n, the plaintext's bytes and TAG. `out` may be `buf` where
        `at` is `start`. LocalError for a frame that is too long, or when the counter is used up (2^64 - 1 frames)."""
        if end - start > MAX_FRAME - TAG:
            raise LocalError("noise: a frame of %d bytes, at most %d can be sealed" % (end - start, MAX_FRAME - TAG))
        if self.sent >= _LAST_COUNTER:
            raise LocalError("noise: the counter is used up; the connection must end")
        size = self._sender.seal(self.sent, b"", buf, start, end, out, at)
        self.sent += 1
        return size

    def open(self, buf: "WritableBuffer", start: int, end: int, out: "WritableBuffer", at: int) -> int:
        """Open the frame buf[start:end] into out[at:at + n]; returns n. `out` may be `buf` where `at` is `start`.

        VerifyError("noise") for what is not the peer's next frame. From then on every frame is refused.
        """
        if not TAG <= end - start <= MAX_FRAME or self.received >= _LAST_COUNTER:
            self.received = _LAST_COUNTER
            raise VerifyError("noise", "a frame of %d bytes cannot be opened" % (end - start))
        size = self._receiver.open(self.received, b"", buf, start, end, out, at)
        if size < 0:
            number = self.received
            self.received = _LAST_COUNTER
            raise VerifyError("noise", "frame %d does not decrypt" % number)
        self.received += 1
        return size

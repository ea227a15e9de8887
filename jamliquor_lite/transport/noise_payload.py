"""What libp2p says inside the handshake: who we are, what we could speak, and what we offered to be secured by.

    NoiseHandshakePayload   identity_key 1 | identity_sig 2 | extensions 4          (libp2p/specs, noise)
    NoiseExtensions         stream_muxers 2 (repeated) | security_protocols 4 (repeated) | transcript_sig 5

The responder's payload is in the second message, the initiator's in the third.

identity_sig: the identity key signs `noise-libp2p-static-key:` ++ the 32-byte Noise static key. It says whose the
static key is and nothing of this session.

transcript_sig (the extension variant of TRANSCRIPT_BINDING_SPEC.md, js-libp2p-noise pull request 665): the identity
key signs `noise-libp2p-transcript:` ++ h ++ the list in security_protocols, each name as its length (u16, big-endian)
and its UTF-8, in the sender's order of preference. h is the handshake hash that this very payload is sealed under: it
covers the suite's name, both ephemeral keys, the ML-KEM key and ciphertext, and the sealed static keys up to the
sender's own. So the signature can only be made when the payload is written, and both sides have the same h then.

Multistream, which chose the suite, is not authenticated: somebody on the way may have struck a name out. So each side
works out what should have been chosen, the dialer's first name that the listener has too, and refuses any other suite.
The initiator finds out when it reads the second message, before it has said who it is; the responder at the third.
A peer that sends neither field is an older one and nothing is bound; one field without the other is a fault.
"""

from ..codec.protobuf import Fields, field_bytes
from ..const import const
from ..errors import LocalError, VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, Union

    Buffer = Union[bytes, bytearray, memoryview]

    class Identity(Protocol):
        """The host's identity, as in p2p/identity.py."""

        @property
        def key(self) -> bytes: ...
        def sign(self, message: Buffer) -> bytes: ...
        def verify_peer(self, key: Buffer, signature: Buffer, message: Buffer) -> bytes: ...
        def name_of(self, peer_id: Buffer) -> str: ...
        def ed25519_of(self, key: Buffer) -> bytes: ...


_STATIC_PREFIX = b"noise-libp2p-static-key:"
_TRANSCRIPT_PREFIX = b"noise-libp2p-transcript:"

# A peer's lists: each entry becomes a string of ours. The bytes are bounded by the message they come in.
_MAX_SECURITIES = const(32)  # what other implementations take, so more would not be understood anyway
_MAX_MUXERS = const(32)


def sign_static(identity: "Identity", public: bytes) -> bytes:
    """identity_sig: the identity vouches for the X25519 key `public`."""
    return identity.sign(_STATIC_PREFIX + public)


def transcript(handshake_hash: bytes, protocols: "list[str]") -> bytes:
    """What transcript_sig signs."""
    out = _TRANSCRIPT_PREFIX + handshake_hash
    for name in protocols:
        text = name.encode()
        out += bytes([len(text) >> 8, len(text) & 0xFF]) + text
    return out


def expected(dialed: "list[str]", served: "list[str]") -> str:
    """What honest multistream chooses from what the dialer offers and the listener serves; "" if nothing."""
    for name in dialed:
        if name in served:
            return name
    return ""


def encode(
    identity: "Identity", signature: bytes, handshake_hash: bytes, muxers: "list[str]", securities: "list[str]"
) -> bytes:
    """Our payload; `securities` [] sends no binding. LocalError when a list is too long for anybody to take."""
    if len(muxers) > _MAX_MUXERS or len(securities) > _MAX_SECURITIES:
        raise LocalError("noise: %d muxers and %d security protocols are too many" % (len(muxers), len(securities)))
    extensions = b""
    for name in muxers:
        extensions += field_bytes(2, name.encode())
    for name in securities:
        extensions += field_bytes(4, name.encode())
    if securities:
        extensions += field_bytes(5, identity.sign(transcript(handshake_hash, securities)))
    out = field_bytes(1, identity.key) + field_bytes(2, signature)
    return out + field_bytes(4, extensions) if extensions else out


class Payload:
    """The peer's payload in buf[start:end], copied out. VerifyError("identity") when it is no such thing.

    `key` is the identity key as protobuf, `muxers` and `securities` are in the peer's order.
    """

    def __init__(self, buf: "Buffer", start: int, end: int) -> None:
        self.key = b""
        self.muxers: "list[str]" = []
        self.securities: "list[str]" = []
        self._signature = b""
        self._transcript_signature = b""
        try:
            self._read(Fields(buf, start, end))
        except VerifyError as error:
            raise VerifyError("identity", "the handshake's payload: %s" % error)

    def check_identity(self, identity: "Identity", static: bytes) -> bytes:
        """The peer id of whoever vouches for the static key; VerifyError("identity") when nobody does."""
        if not self.key or not self._signature:
            raise VerifyError("identity", "the handshake's payload has no identity")
        return identity.verify_peer(self.key, self._signature, _STATIC_PREFIX + static)

    def check_transcript(
        self, identity: "Identity", handshake_hash: bytes, ours: "list[str]", is_initiator: bool, running: str
    ) -> bool:
        """Whether the peer bound its offer to this session and `running` is what should have been chosen.

        False: it sends no binding. VerifyError("transcript"): its binding is faulty, or the choice was tampered with.
        """
        if not self.securities and not self._transcript_signature:
            return False
        if not self.securities or not self._transcript_signature:
            raise VerifyError("transcript", "an offer without its signature, or a signature without its offer")
        try:
            identity.verify_peer(self.key, self._transcript_signature, transcript(handshake_hash, self.securities))
        except VerifyError as error:
            raise VerifyError("transcript", "the signature over the offer: %s" % error)
        if is_initiator:
            chosen = expected(ours, self.securities)
        else:
            chosen = expected(self.securities, ours)
        if chosen != running:
            raise VerifyError(
                "transcript",
                "the offers of both sides lead to %s, but this is %s: somebody on the way changed the negotiation"
                % (chosen or "nothing", running),
            )
        return True

    def _read(self, fields: Fields) -> None:
        while fields.next():
            if fields.number == 1:
                self.key = fields.take()
            elif fields.number == 2:
                self._signature = fields.take()
            elif fields.number == 4:
                fields.expect(2)
                self._read_extensions(Fields(fields.buf, fields.start, fields.end))

    def _read_extensions(self, fields: Fields) -> None:
        while fields.next():
            if fields.number == 2:
                _append(self.muxers, fields, _MAX_MUXERS)
            elif fields.number == 4:
                _append(self.securities, fields, _MAX_SECURITIES)
            elif fields.number == 5:
                self._transcript_signature = fields.take()


def _append(names: "list[str]", fields: Fields, limit: int) -> None:
    if len(names) == limit:
        raise VerifyError("protobuf", "more than %d names in field %d" % (limit, fields.number))
    names.append(fields.text())

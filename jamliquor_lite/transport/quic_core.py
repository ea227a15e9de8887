"""aioquic's connection core with our bounds: fixed windows, small handshakes, JAMNP-S certificates.

All that depends on aioquic's private parts is in this file, so that a new release of it is compared with one
page. Written against 1.7.2. What is changed, and why:

- aioquic doubles a window when half of it is used, so a fast peer and a slow reader grow without bound. Here the
  windows are raised by `Stream.credit` only, that of the connection no faster than its peer may send.
- It keeps up to 512 KiB of handshake bytes and TLS messages up to 16 MiB. Here 16 KiB.
- A stream may arrive in as many pieces as it has bytes, each costing a list entry and a search. Here 256.
- A server asks for a certificate, and the certificate rules are checked inside the handshake, so that a peer
which
  breaks them is told so by a TLS alert and never sees a connection.
"""

import logging
import sys
import types

from ..const import const
from ..errors import LocalError, RemoteError
from .quic_certificate import Identity, check_certificate, printable

# aioquic.tls imports these to verify certificates by authorities and host names, which nothing here does; of ssl it
# takes two constants. They cost about 9 MB. They have stand-ins for the time of the import only; who really wants
# them can still import them.
_UNUSED = ("certifi", "service_identity", "OpenSSL", "cryptography.x509", "ssl")


class _StandIn(types.ModuleType):
    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return object  # for an annotation


def _stand_ins() -> "list[str]":
    names = [name for name in _UNUSED if name not in sys.modules and "aioquic.tls" not in sys.modules]
    for name in names:
        sys.modules[name] = _StandIn(name)
    return names


_names = _stand_ins()
try:
    from aioquic import tls
    from aioquic.buffer import Buffer
    from aioquic.quic import connection as aioquic_connection
    from aioquic.quic import packet as packet
    from aioquic.quic import retry as retry
    from aioquic.quic.configuration import SMALLEST_MAX_DATAGRAM_SIZE, QuicConfiguration
    from aioquic.quic.connection import QuicConnection, QuicConnectionError, QuicReceiveContext
    from aioquic.quic.crypto import CryptoPair
    from aioquic.quic.packet import QuicErrorCode, QuicFrameType, QuicProtocolVersion
    from aioquic.quic.packet_builder import QuicPacketBuilder
    from aioquic.quic.recovery import QuicPacketSpace
    from aioquic.quic.stream import QuicStream
finally:
    for _name in _names:
        del sys.modules[_name]

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile

# aioquic reports each peer's mistake as a warning, which Python prints where nobody configured logging. What
# is worth a line is in `Connection.close_reason`.
logging.getLogger("quic").setLevel(logging.CRITICAL)

CID_BYTES = const(8)
_HANDSHAKE_BYTES = const(16 * 1024)  # a peer that sends a certificate without end
_STREAM_PIECES = const(256)  # a peer that sends every other byte
_STREAMS_AHEAD = const(4)  # times inbound_streams: a stream above the one is reset, above both forbidden
_OFFER_CHARS = const(60)  # of the protocols that a client offers, in our reason for refusing them
_FRAME_BYTES = const(17)  # type, stream id, maximum: at most 1 + 8 + 8
_ALERT = const(0x100)  # QUIC's codes for TLS alerts begin here (RFC 9001, section 4.8)

NO_ALPN = const(_ALERT + 120)
CERTIFICATE_REQUIRED = const(_ALERT + 116)


class _CertificateRequired(tls.Alert):
    description = tls.AlertDescription.certificate_required


class _PeerCertificate:
    """What aioquic needs of a certificate to check the signature of the handshake: the key."""

    def __init__(self, public: bytes) -> None:
        self._public = public

    def public_key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self._public)


class _Tls(tls.Context):
    """aioquic's TLS with the certificate rules of JAMNP-S. `peer_key` is set once they are met."""

    peer_key = b""
    expect_name: "str | None" = None

    def _server_handle_hello(self, input_buf: Buffer, initial_buf: Buffer, handshake_buf: Buffer) -> None:
        at = input_buf.tell()
        offered = tls.pull_client_hello(input_buf).alpn_protocols or []
        input_buf.seek(at)
        ours = self._alpn_protocols or []
        if not any(name in ours for name in offered):
            jam = [name for name in offered if name.startswith("jamnp-s/")]
            what = "another chain" if jam else "not JAMNP-S"
            shown = printable(", ".join(jam or offered)[:_OFFER_CHARS]) or "nothing"
            raise tls.AlertNoApplicationProtocol("%s: %s offered, %s served" % (what, shown, ours[0]))
        super()._server_handle_hello(input_buf, initial_buf, handshake_buf)

    def _server_handle_certificate(self, input_buf: Buffer) -> None:
        super()._server_handle_certificate(input_buf)
        if not self.peer_key:
            raise _CertificateRequired("no certificate")

    def _client_handle_encrypted_extensions(self, input_buf: Buffer) -> None:
        try:
            super()._client_handle_encrypted_extensions(input_buf)
        except tls.AlertNoApplicationProtocol:
            raise tls.AlertNoApplicationProtocol(
                "server answered with another protocol than %s" % (self._alpn_protocols or [""])[0]
            )

    def _set_peer_certificate(self, certificate: tls.Certificate) -> None:
        # The first certificate is the peer's; authorities behind it "need not be verified".
        try:
            self.peer_key = check_certificate(certificate.certificates[0][0], self.expect_name)
        except RemoteError as error:
            raise tls.AlertBadCertificate(str(error))
        self._peer_certificate = _PeerCertificate(self.peer_key)  # type: ignore[assignment]


class Core(QuicConnection):
    """One QUIC connection without I/O. `stream_window` and `connection_window` are in bytes."""

    def __init__(
        self,
        configuration: QuicConfiguration,
        limits: "Profile",
        expect_name: "str | None" = None,
        original_cid: "bytes | None" = None,
        retry_cid: "bytes | None" = None,
    ) -> None:
        super().__init__(
            configuration=configuration,
            original_destination_connection_id=original_cid,
            retry_source_connection_id=retry_cid,
        )
        self._expect_name = expect_name
        self._stream_window = limits.quic_stream_window_bytes
        self._connection_window = limits.quic_connection_window_bytes
        self._local_max_streams_bidi.value = limits.inbound_streams * _STREAMS_AHEAD
        self._local_max_streams_bidi.sent = self._local_max_streams_bidi.value
        self._local_max_streams_uni.value = self._local_max_streams_uni.sent = 0  # JAMNP-S has none
        self._local_active_connection_id_limit = 2  # the least that is allowed
        self.closed_by_peer = False
        self.is_paced = limits.peer_download_rate > 0  # the window is raised by `release` only
        self.held = 0  # bytes that it is to be raised by

    # what the connection above asks

    @property
    def peer_key(self) -> bytes:
        """The peer's key once its certificate was found good, else b""."""
        context = getattr(self, "tls", None)  # a server has none before the first datagram
        return context.peer_key if context is not None else b""

    @property
    def alpn(self) -> str:
        return self.tls.alpn_negotiated or ""

    @property
    def proved(self) -> bool:
        """Whether both sides have checked each other. A client knows by HANDSHAKE_DONE (RFC 9001, 4.1.2)."""
        return self._handshake_confirmed and len(self.peer_key) == 32

    @property
    def ended(self) -> "aioquic_connection.events.ConnectionTerminated | None":
        """Why the connection is closing or closed, or None while it is open."""
        return self._close_event

    @property
    def gone(self) -> bool:
        """Whether nothing more is to be sent or awaited."""
        return self._state == aioquic_connection.QuicConnectionState.TERMINATED

    @property
    def begun(self) -> bool:
        """Whether one packet of the peer was decrypted."""
        return self._state != aioquic_connection.QuicConnectionState.FIRSTFLIGHT

    @property
    def idle_timeout_s(self) -> float:
        return self._idle_timeout()

    @property
    def last_activity_s(self) -> float:
        """When the idle timeout was last started anew, in seconds."""
        return self._close_at - self._idle_timeout() if self._close_at is not None else 0.0

    def can_open(self) -> bool:
        """Whether the peer allows one more stream of ours."""
        return self._local_next_stream_id_bidi // 4 < self._remote_max_streams_bidi

    def find(self, stream_id: int) -> "QuicStream | None":
        """aioquic's stream, or None when both halves are over and it was forgotten."""
        return self._streams.get(stream_id)

    def has_path(self) -> bool:
        return bool(self._network_paths)

    def raise_window(self, count: int) -> None:
        """Let the peer send `count` bytes more on all streams together, now or at the next `release`."""
        if self.is_paced:
            self.held += count
        else:
            self._local_max_data.value += count

    def release(self) -> None:
        """Let it send what is held back."""
        self._local_max_data.value += self.held
        self.held = 0

    def abandon(self) -> None:
        """Forget the connection without a word to the peer."""
        self._state = aioquic_connection.QuicConnectionState.TERMINATED
        self._streams.clear()
        self._streams_queue.clear()

    # aioquic's own, changed

    def _initialize(self, peer_cid: bytes) -> None:
        super()._initialize(peer_cid)
        # aioquic builds its own context here and offers no hook; the class has the same fields.
        self.tls.__class__ = _Tls
        self.tls.expect_name = self._expect_name  # type: ignore[attr-defined]
        self.tls._request_client_certificate = not self._is_client

    def _parse_transport_parameters(self, data: bytes, from_session_ticket: bool = False) -> None:
        super()._parse_transport_parameters(data, from_session_ticket)
        if self._remote_max_idle_timeout == 0:  # "none" (RFC 9000, section 18.2), which aioquic takes as 0 s
            self._remote_max_idle_timeout = None

    def _handle_connection_close_frame(
        self, context: QuicReceiveContext, frame_type: int, buf: Buffer
    ) -> None:
        first = self._close_event is None
        super()._handle_connection_close_frame(context, frame_type, buf)
        self.closed_by_peer = first or self.closed_by_peer

    def _handle_crypto_frame(self, context: QuicReceiveContext, frame_type: int, buf: Buffer) -> None:
        at = buf.tell()
        end = buf.pull_uint_var() + buf.pull_uint_var()
        buf.seek(at)
        ahead = end - self._crypto_streams[context.epoch].receiver.starting_offset()
        if ahead + len(self.tls._receive_buffer) > _HANDSHAKE_BYTES:
            raise QuicConnectionError(
                QuicErrorCode.CRYPTO_BUFFER_EXCEEDED, frame_type, "handshake message too long"
            )
        super()._handle_crypto_frame(context, frame_type, buf)

    def _handle_stream_frame(self, context: QuicReceiveContext, frame_type: int, buf: Buffer) -> None:
        at = buf.tell()
        stream_id = buf.pull_uint_var()
        buf.seek(at)
        super()._handle_stream_frame(context, frame_type, buf)
        stream = self._streams.get(stream_id)
        if stream is not None and len(stream.receiver._ranges) > _STREAM_PIECES:
            raise QuicConnectionError(QuicErrorCode.INTERNAL_ERROR, frame_type, "stream in too many pieces")

    def _write_connection_limits(self, builder: QuicPacketBuilder, space: QuicPacketSpace) -> None:
        data = self._local_max_data
        if _worth_telling(data.value, data.sent, data.used, self._connection_window):
            self._write_limit(builder, data)
        streams = self._local_max_streams_bidi
        if streams.value - streams.sent > (streams.sent - streams.used) // 2:
            self._write_limit(builder, streams)

    def _write_limit(self, builder: QuicPacketBuilder, limit: "aioquic_connection.Limit") -> None:
        buf = builder.start_frame(
            limit.frame_type,
            capacity=_FRAME_BYTES,
            handler=self._on_connection_limit_delivery,
            handler_args=(limit,),
        )
        buf.push_uint_var(limit.value)
        limit.sent = limit.value

    def _write_stream_limits(
        self, builder: QuicPacketBuilder, space: QuicPacketSpace, stream: QuicStream
    ) -> None:
        receiver = stream.receiver
        if receiver.is_finished or not _worth_telling(
            stream.max_stream_data_local,
            stream.max_stream_data_local_sent,
            receiver.highest_offset,
            self._stream_window,
        ):
            return
        buf = builder.start_frame(
            QuicFrameType.MAX_STREAM_DATA,
            capacity=_FRAME_BYTES,
            handler=self._on_max_stream_data_delivery,
            handler_args=(stream,),
        )
        assert stream.stream_id is not None
        buf.push_uint_var(stream.stream_id)
        buf.push_uint_var(stream.max_stream_data_local)
        stream.max_stream_data_local_sent = stream.max_stream_data_local


def check_overrides(ours: type, theirs: type, names: "tuple[str, ...]") -> None:
    """LocalError when aioquic has no such methods any more: overriding nothing would drop our bounds unseen."""
    for name in names:
        if name not in vars(ours) or not hasattr(theirs, name):
            raise LocalError(
                "this aioquic has no %s.%s, which bounds what a peer may do; aioquic 1.7 is known to work"
                % (theirs.__name__, name)
            )


check_overrides(
    Core,
    QuicConnection,
    (
        "_initialize",
        "_parse_transport_parameters",
        "_handle_connection_close_frame",
        "_handle_crypto_frame",
        "_handle_stream_frame",
        "_write_connection_limits",
        "_write_stream_limits",
    ),
)
check_overrides(
    _Tls,
    tls.Context,
    (
        "_server_handle_hello",
        "_server_handle_certificate",
        "_client_handle_encrypted_extensions",
        "_set_peer_certificate",
    ),
)


def _worth_telling(maximum: int, told: int, used: int, window: int) -> bool:
    """Whether the peer is to hear of a raised window: not for every few bytes, but before it has to wait."""
    return maximum > told and (maximum - told >= window // 4 or told - used < window // 2)


def configuration(
    identity: Identity, alpns: "list[str]", limits: "Profile", is_client: bool
) -> QuicConfiguration:
    """aioquic's settings for one side of a JAMNP-S connection."""
    result = QuicConfiguration(
        is_client=is_client,
        alpn_protocols=alpns,
        connection_id_length=CID_BYTES,
        idle_timeout=limits.idle_timeout_ms / 1000,
        max_data=limits.quic_connection_window_bytes,
        max_stream_data=limits.quic_stream_window_bytes,
        supported_versions=[QuicProtocolVersion.VERSION_1],
        verify_mode=tls.ssl.CERT_NONE,  # by authorities; our own rules are checked in `_Tls`
    )
    result.certificate = identity.certificate
    result.private_key = identity.private_key
    return result


def refusal(header: "packet.QuicHeader", reason: str) -> bytes:
    """The one datagram that turns a client away without a connection being made for it."""
    crypto = CryptoPair()
    crypto.setup_initial(cid=header.destination_cid, is_client=False, version=QuicProtocolVersion.VERSION_1)
    builder = QuicPacketBuilder(
        host_cid=header.destination_cid,
        is_client=False,
        max_datagram_size=SMALLEST_MAX_DATAGRAM_SIZE,
        peer_cid=header.source_cid,
        version=QuicProtocolVersion.VERSION_1,
    )
    builder.start_packet(packet.QuicPacketType.INITIAL, crypto)
    text = reason.encode()
    buf = builder.start_frame(QuicFrameType.TRANSPORT_CLOSE, capacity=_FRAME_BYTES + len(text))
    buf.push_uint_var(QuicErrorCode.CONNECTION_REFUSED)
    buf.push_uint_var(0)  # no frame is to blame
    buf.push_uint_var(len(text))
    buf.push_bytes(text)
    return builder.flush()[0][0]

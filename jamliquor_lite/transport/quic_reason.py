"""Why a connection ended, in one line that a person can act on."""

from . import quic_core
from .quic_certificate import printable

_ALERTS = range(0x100, 0x200)  # QUIC's codes for TLS alerts (RFC 9001, section 4.8)


def explain(
    ended: "quic_core.aioquic_connection.events.ConnectionTerminated",
    closed_by_peer: bool,
    protocol: str,
    idle_ms: int,
) -> str:
    """Our own finding, or the peer's code and words, the latter cut and cleaned.

    `protocol` is the identifier we speak, `idle_ms` the silence after which a connection ends.
    """
    code = ended.error_code
    text = printable(ended.reason_phrase)
    is_alert = ended.frame_type is not None and code in _ALERTS
    if not closed_by_peer:
        if is_alert:  # raised in quic_core, which says it all, or by aioquic, which does not always
            return "handshake refused: " + (ended.reason_phrase or _alert(code))
        if ended.reason_phrase == "Idle timeout":
            return "nothing heard from the peer for %d ms" % idle_ms
        return "peer broke QUIC: %s (%s)" % (text, _error(code))
    tail = ": " + text if text else ""
    if is_alert and code == quic_core.NO_ALPN:
        return "peer does not speak %s (other genesis?)%s" % (protocol, tail)
    if is_alert and code == quic_core.CERTIFICATE_REQUIRED:
        return "peer demands a certificate and got none" + tail
    if is_alert:
        return "peer refused the handshake, %s%s" % (_alert(code), tail)
    if ended.frame_type is not None:
        return "peer closed the connection, %s%s" % (_error(code), tail)
    return "peer closed the connection with code %d%s" % (code, tail or ", no reason given")


def _alert(code: int) -> str:
    try:
        return "TLS alert %d %s" % (code - 0x100, quic_core.tls.AlertDescription(code - 0x100).name)
    except ValueError:
        return "TLS alert %d" % (code - 0x100)


def _error(code: int) -> str:
    try:
        return quic_core.QuicErrorCode(code).name
    except ValueError:
        return "code %d" % code

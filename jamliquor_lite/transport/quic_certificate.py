"""Who is at the other end: JAMNP-S certificates (zdave-parity/jam-np, simple.md, "Encryption and handshake").

A peer's certificate must be signed with Ed25519, hold its Ed25519 key, and have exactly one alternative name,
which is derived from the key. Nothing else is looked at. The parser is ours and reads only what the rules
need, because certificates of real nodes are odd where it does not matter: one has an empty ExtendedKeyUsage,
for which pyca/cryptography refuses all extensions, and a life of two seconds, so dates are not checked
either.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..const import const
from ..errors import LocalError, RemoteError

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_KEY_BYTES = const(32)
BAD_CERTIFICATE = const(0x100 + 42)  # QUIC's code for the TLS alert bad_certificate (RFC 9001, section 4.8)

_INTEGER = const(0x02)
_BIT_STRING = const(0x03)
_OCTET_STRING = const(0x04)
_OID = const(0x06)
_BOOLEAN = const(0x01)
_UTF8_STRING = const(0x0C)
_UTC_TIME = const(0x17)
_GENERALIZED_TIME = const(0x18)
_SEQUENCE = const(0x30)
_SET = const(0x31)
_VERSION = const(0xA0)  # [0] of a TBSCertificate
_EXTENSIONS = const(0xA3)  # [3]
_DNS_NAME = const(0x82)  # [2] of a GeneralName
_ED25519_OID = bytes((0x2B, 0x65, 0x70))  # 1.3.101.112 (RFC 8410)
_COMMON_NAME_OID = bytes((0x55, 0x04, 0x03))  # 2.5.4.3
_ALT_NAME_OID = bytes((0x55, 0x1D, 0x11))  # 2.5.29.17 (RFC 5280, section 4.2.1.6)
_TEXT_SHOWN = const(120)  # characters of a peer's text that reach a log line


def alt_name(public: bytes) -> str:
    """The 53-character name of an Ed25519 public key (simple.md, "Alternative name")."""
    number = int.from_bytes(public, "little")
    name = "e"
    for _ in range(52):
        name += _ALPHABET[number & 31]
        number >>= 5
    return name


class Identity:
    """Our key on the network, from a 32-byte Ed25519 secret. `public` is 32 bytes, `name` 53 characters."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != _KEY_BYTES:
            raise LocalError("the seed of a network key has %d bytes, not 32" % len(seed))
        self.private_key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.private_key.public_key().public_bytes_raw()
        self.name = alt_name(self.public)
        self.certificate = Certificate(_self_signed(self.private_key, self.public, self.name))


class Certificate:
    """Our own certificate, as much of one as aioquic asks for."""

    def __init__(self, der: bytes) -> None:
        self.der = der

    def public_bytes(self, encoding: object) -> bytes:
        """The DER bytes, whatever the encoding asked for."""
        return self.der


def _self_signed(key: Ed25519PrivateKey, public: bytes, name: str) -> bytes:
    # Written by hand because pyca's x509 package costs 2 MB and would do nothing else here. The dates are fixed:
    # nobody is asked to check them, and a board may not know what day it is (RFC 5280, section 4.1.2.5).
    algorithm = _tlv(_SEQUENCE, _tlv(_OID, _ED25519_OID))
    common_name = _tlv(_SEQUENCE, _tlv(_OID, _COMMON_NAME_OID) + _tlv(_UTF8_STRING, b"jamliquor-lite"))
    subject = _tlv(_SEQUENCE, _tlv(_SET, common_name))
    names = _tlv(_SEQUENCE, _tlv(_DNS_NAME, name.encode()))
    extension = _tlv(_SEQUENCE, _tlv(_OID, _ALT_NAME_OID) + _tlv(_OCTET_STRING, names))
    signed = _tlv(
        _SEQUENCE,
        _tlv(_VERSION, _tlv(_INTEGER, b"\x02"))  # v3
        + _tlv(_INTEGER, b"\x01")  # the serial number
        + algorithm
        + subject
        + _tlv(_SEQUENCE, _tlv(_UTC_TIME, b"250101000000Z") + _tlv(_GENERALIZED_TIME, b"99991231235959Z"))
        + subject
        + _tlv(_SEQUENCE, algorithm + _tlv(_BIT_STRING, b"\0" + public))
        + _tlv(_EXTENSIONS, _tlv(_SEQUENCE, extension)),
    )
    return _tlv(_SEQUENCE, signed + algorithm + _tlv(_BIT_STRING, b"\0" + key.sign(signed)))


def _tlv(tag: int, value: bytes) -> bytes:
    size = len(value)
    if size < 0x80:
        return bytes((tag, size)) + value
    head = (tag, 0x81, size) if size < 0x100 else (tag, 0x82, size >> 8, size & 0xFF)
    return bytes(head) + value


class _Der:
    """The elements of a constructed DER value, one by one: `next` leaves `tag`, `start`, `stop`."""

    def __init__(self, data: bytes, start: int, stop: int) -> None:
        self.data = data
        self.tag = 0
        self.start = start
        self.stop = start  # of the element; the next one begins here
        self.end = stop

    def left(self) -> bool:
        return self.stop < self.end

    def next(self) -> int:
        data, pos, end = self.data, self.stop, self.end
        if pos + 2 > end:
            raise _malformed(pos)
        self.tag = data[pos]
        length = data[pos + 1]
        pos += 2
        if length & 0x80:
            count = length & 0x7F
            # DER has no indefinite length (0x80), and nothing here is longer than 65,535 bytes.
            if not 1 <= count <= 2 or pos + count > end:
                raise _malformed(pos - 1)
            length = int.from_bytes(data[pos : pos + count], "big")
            pos += count
        if pos + length > end:
            raise _malformed(pos)
        self.start = pos
        self.stop = pos + length
        return self.tag

    def expect(self, tag: int) -> "_Der":
        """Take the next element, which must have this tag; the result walks inside it."""
        at = self.stop
        if self.next() != tag:
            raise _malformed(at)
        return _Der(self.data, self.start, self.stop)

    def value(self, tag: int) -> bytes:
        """The bytes of the next element, which must have this tag."""
        self.expect(tag)
        return self.data[self.start : self.stop]


def _refuse(text: str) -> RemoteError:
    return RemoteError(BAD_CERTIFICATE, "the certificate " + text)


def _malformed(pos: int) -> RemoteError:
    return _refuse("is not DER of the expected form at byte %d" % pos)


def check_certificate(der: bytes, expect_name: "str | None" = None) -> bytes:
    """Return the 32-byte public key of a certificate that meets the rules above; else RemoteError, one line.

    With `expect_name`, the certificate must also be that peer's.
    """
    outer = _Der(der, 0, len(der))
    certificate = outer.expect(_SEQUENCE)
    if outer.left():
        raise _malformed(outer.stop)
    signed = certificate.expect(_SEQUENCE)
    if certificate.expect(_SEQUENCE).value(_OID) != _ED25519_OID:
        raise _refuse("is not signed with Ed25519")

    if signed.next() == _VERSION:
        signed.next()
    if signed.tag != _INTEGER:
        raise _malformed(signed.start)
    for _ in range(4):  # signature algorithm, issuer, validity, subject
        signed.expect(_SEQUENCE)
    public = _public_key(signed.expect(_SEQUENCE))
    names = _alternative_names(signed)

    if len(names) != 1:
        raise _refuse("has %d alternative names; exactly one is allowed" % len(names))
    name = alt_name(public)
    if names[0] != name.encode():
        raise _refuse("has the alternative name %s; its key makes it %s" % (printable(names[0]), name))
    if expect_name is not None and name != expect_name:
        raise _refuse("is %s's; expected %s" % (name, expect_name))
    return public


def _public_key(info: _Der) -> bytes:
    if info.expect(_SEQUENCE).value(_OID) != _ED25519_OID:
        raise _refuse("does not hold an Ed25519 key")
    bits = info.value(_BIT_STRING)
    if len(bits) != 1 + _KEY_BYTES or bits[0] != 0:
        raise _malformed(info.start)
    return bits[1:]


def _alternative_names(signed: _Der) -> "list[bytes]":
    """The general names of all SubjectAltName extensions. One of another kind than DNS stands as b""."""
    names: "list[bytes]" = []
    while signed.left():
        if signed.next() != _EXTENSIONS:
            continue
        extensions = _Der(signed.data, signed.start, signed.stop).expect(_SEQUENCE)
        while extensions.left():
            extension = extensions.expect(_SEQUENCE)
            if extension.value(_OID) != _ALT_NAME_OID:
                continue
            if extension.next() == _BOOLEAN:  # critical
                extension.next()
            if extension.tag != _OCTET_STRING:
                raise _malformed(extension.start)
            general = _Der(extension.data, extension.start, extension.stop).expect(_SEQUENCE)
            while general.left():
                is_dns = general.next() == _DNS_NAME
                names.append(general.data[general.start : general.stop] if is_dns else b"")
    return names


def printable(text: "bytes | str") -> str:
    """A peer's text as it may stand in a log line: one line, printable ASCII, bounded."""
    if isinstance(text, str):
        text = text.encode("ascii", "replace")
    shown = "".join(chr(c) if 32 <= c < 127 else "?" for c in text[:_TEXT_SHOWN])
    return shown + "..." if len(text) > _TEXT_SHOWN else shown

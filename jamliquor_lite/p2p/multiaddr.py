"""Addresses of libp2p (multiformats/multiaddr; libp2p/specs, addressing), in text and in bytes.

    /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…                          a host, a transport, the peer who must be there
    /dns4/relay.example/tcp/4001/p2p/12D3KooW…/p2p-circuit/p2p/…   the peer behind a relay
    /serial/ttyUSB0@115200/p2p/12D3KooW…           the peer at the other end of a serial line of this machine

A multiaddr is a row of parts, each a protocol and its value. Known are those that a node of this kind can meet on its
way; a part with an unknown code cannot even be stepped over, so such an address is refused as a whole. The order of
parts is checked as well, so that nobody has to wonder what `/tcp/1/tcp/2` would mean. One address has one text.

`serial` is ours: its code, 0x300010, is of the range that multicodec leaves to private use. The value is the name of a
port as its system has it, printable ASCII, in the text with %2F for `/` and %25 for `%`. Such an address means nothing
elsewhere: it is for configuration, never told to peers, and never dialed because a peer or a file of others named it.
"""

import binascii

from ..codec import ip, varint
from ..const import const
from ..errors import VerifyError
from . import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Union

    Buffer = Union[bytes, bytearray, memoryview]

# Of bytes and of characters: addresses come from strangers, are kept, and are told to others.
MAX_SIZE = 512
_DEVICE_BYTES = const(128)
_SHOWN = const(64)  # characters of a wrong value that an error repeats

# kinds of values
_NOTHING = const(0)
_IP4 = const(1)
_IP6 = const(2)
_PORT = const(3)
_NAME = const(4)
_PEER = const(5)
_CERTHASH = const(6)
_DEVICE = const(7)
_COUNTED = const(-1)  # instead of the bytes of a value: it begins with their number

HOSTS = ("ip4", "ip6", "dns", "dns4", "dns6", "dnsaddr")
_FIRST = ("ip4", "ip6", "dns", "dns4", "dns6", "dnsaddr", "serial", "p2p", "p2p-circuit")  # what an address begins with
# Name, code, kind of value, its bytes, what may stand behind it. All of it constant, so that MicroPython leaves it in
# flash: as a dict, or with any part that is computed, it is a kilobyte of heap.
_PROTOCOLS = (
    ("ip4", 4, _IP4, 4, ("tcp", "udp", "p2p")),
    ("ip6", 41, _IP6, 16, ("tcp", "udp", "p2p")),
    ("dns", 53, _NAME, _COUNTED, ("tcp", "udp", "p2p")),
    ("dns4", 54, _NAME, _COUNTED, ("tcp", "udp", "p2p")),
    ("dns6", 55, _NAME, _COUNTED, ("tcp", "udp", "p2p")),
    ("dnsaddr", 56, _NAME, _COUNTED, ("tcp", "udp", "p2p")),
    ("tcp", 6, _PORT, 2, ("ws", "wss", "tls", "p2p", "p2p-circuit")),
    ("udp", 273, _PORT, 2, ("quic-v1", "webrtc-direct", "p2p", "p2p-circuit")),
    ("tls", 448, _NOTHING, 0, ("ws", "p2p", "p2p-circuit")),
    ("ws", 477, _NOTHING, 0, ("p2p", "p2p-circuit")),
    ("wss", 478, _NOTHING, 0, ("p2p", "p2p-circuit")),
    ("quic-v1", 461, _NOTHING, 0, ("p2p", "p2p-circuit")),
    ("webrtc-direct", 280, _NOTHING, 0, ("certhash", "p2p", "p2p-circuit")),
    ("certhash", 466, _CERTHASH, _COUNTED, ("certhash", "p2p", "p2p-circuit")),
    ("p2p", 421, _PEER, _COUNTED, ("p2p-circuit",)),
    ("p2p-circuit", 290, _NOTHING, 0, ("p2p",)),
    ("serial", 0x300010, _DEVICE, _COUNTED, ("p2p",)),
)
_STAND_IN = b"\x12\x20" + bytes(32)  # a well-formed peer id, where the given one is not


class Multiaddr:
    """One address, read from its bytes. VerifyError("multiaddr") says what is wrong and in which part of it.

    `text`       its one text form              `encode()`   its bytes             `parts()`   (protocol, value) texts
    `host`       IP address or name; "" where none is said      `port`   0 where none is said
    `transport`  tcp, tls, ws, wss, udp, quic-v1, webrtc-direct, serial; "" where only a host or a peer is named
    `family`     4, 6, or 0 where either will do                `is_ip`  the host is an address and no name
    `peer_id`    who must be there, as bytes; b"" is anybody. A wrong one is a VerifyError("peer_id").
    `is_circuit` the peer is behind a relay: host, port, transport and `relay_id` are those of the relay
    """

    def __init__(self, data: "Buffer") -> None:
        self.host = self.transport = ""
        self.port = self.family = 0
        self.peer_id = self.relay_id = b""
        self.is_circuit = self.is_ip = False
        if len(data) > MAX_SIZE:
            raise VerifyError("multiaddr", "%d bytes, at most %d are taken" % (len(data), MAX_SIZE))
        self._data = bytes(data)
        self.text = self._read()
        if len(self.text) > MAX_SIZE:
            raise VerifyError("multiaddr", "%d characters, at most %d are taken" % (len(self.text), MAX_SIZE))

    def encode(self) -> bytes:
        """The bytes, as they go over the wire."""
        return self._data

    def parts(self) -> "list[tuple[str, str]]":
        """Protocol and value of each part; the value is "" where the protocol has none."""
        return split(self.text)

    def with_peer(self, peer_id: "Buffer") -> "Multiaddr":
        """This address with the peer who must be there; VerifyError where it names one already."""
        return Multiaddr(self._data + _part("p2p", peer_id))

    def circuit(self, peer_id: "Buffer" = b"") -> "Multiaddr":
        """The address of a peer behind the relay at this address; without a peer, what a relay's client listens on."""
        data = self._data + _part("p2p-circuit", b"")
        return Multiaddr(data + _part("p2p", peer_id) if peer_id else data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Multiaddr) and self._data == other._data

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        return "Multiaddr(%s)" % self.text

    def _read(self) -> str:
        # Walks over the bytes, once: fills in the attributes and returns the text.
        data = self._data
        words = [""]
        before = ""
        allowed: "tuple[str, ...]" = _FIRST
        at = number = 0
        while at < len(data) or number == 0:
            number += 1
            code, at = _varint(data, at, number)
            found = _find(code)
            if found < 0:
                _fail(number, "", "protocol code %d is not known here" % code)
            name, _, kind, size, behind = _PROTOCOLS[found]
            if name not in allowed or (name == "p2p-circuit" and self.is_circuit):
                if number == 1:
                    raise VerifyError("multiaddr", "a multiaddr begins with /%s; not with /%s" % (_list(allowed), name))
                _fail(number, name, "it cannot stand behind /%s" % before)
            allowed = behind
            if size == _COUNTED:
                size, at = _varint(data, at, number)
            if size > len(data) - at:
                _fail(number, name, "it needs %d bytes, %d are left" % (size, len(data) - at))
            value = data[at : at + size]
            at += size
            words.append(name)
            if kind != _NOTHING:
                words.append(self._take(name, kind, value, number))
            elif name == "p2p-circuit":
                self.is_circuit = True
                self.relay_id, self.peer_id = self.peer_id, b""
            else:
                self.transport = "wss" if name == "ws" and self.transport == "tls" else name
            before = name
        return "/".join(words)

    def _take(self, name: str, kind: int, value: bytes, number: int) -> str:
        # The text of a value, after its attribute was set.
        if kind == _PORT:
            self.port = value[0] << 8 | value[1]
            self.transport = name
            return "%d" % self.port
        if kind == _PEER:
            try:
                keys.check_peer_id(value)
            except VerifyError as error:
                raise VerifyError(error.rule, "part %d (/p2p): %s" % (number, error))
            self.peer_id = value
            return keys.peer_name(value)
        if kind == _CERTHASH:
            _check_multihash(value, number)
            return "u" + _base64url(value)
        if kind == _DEVICE:
            self.transport = name
            self.host = _device(value, number)
            return self.host.replace("%", "%25").replace("/", "%2F")
        if kind == _IP4:
            self.host = ip.format4(value)
        elif kind == _IP6:
            self.host = ip.format6(value)
        else:
            try:
                self.host = value.decode()
            except UnicodeError:
                _fail(number, name, "a host name that is not text")
            _check_name(self.host, name, number)
        self.is_ip = kind != _NAME
        self.family = {"4": 4, "6": 6}.get(name[-1], 0)
        return self.host


def decode(data: "Buffer") -> Multiaddr:
    """The address in `data`. VerifyError("multiaddr"), or ("peer_id") when only the peer id in it is wrong."""
    return Multiaddr(data)


def parse(text: str, least_port: int = 0) -> Multiaddr:
    """The address that a text names. VerifyError("multiaddr"), or ("peer_id") when only the peer id in it is wrong.

    `least_port` is 1 where the address is to be dialled; one to listen on may leave the port, 0, to the machine.
    """
    data = bytearray()
    number = 0
    wrong_peer = None
    for name, word in split(text):
        number += 1
        kind = _PROTOCOLS[_find(name)][2]
        value = b""
        try:
            if kind != _NOTHING:
                value = _value(kind, word, name, number, least_port)
        except VerifyError as error:
            if error.rule != "peer_id":
                raise
            # Faults of the rest come first: who skips a peer with a wrong id still wants to hear of them.
            wrong_peer = wrong_peer or error
            value = _STAND_IN
        data.extend(_part(name, value))
    address = Multiaddr(data)
    if wrong_peer is not None:
        raise wrong_peer
    return address


def split(text: str) -> "list[tuple[str, str]]":
    """(protocol, value) of each part of a text, whose values need not make sense; "" where a protocol has none.

    VerifyError("multiaddr") for an unknown protocol or a missing value.
    """
    if len(text) > MAX_SIZE:
        raise VerifyError("multiaddr", "%d characters, at most %d are taken" % (len(text), MAX_SIZE))
    words = text.split("/")
    if words[0]:
        raise VerifyError("multiaddr", "a multiaddr begins with `/`")
    parts: "list[tuple[str, str]]" = []
    at = 1
    while at < len(words):
        number = len(parts) + 1
        name = "p2p" if words[at] == "ipfs" else words[at]
        found = _find(name)
        if found < 0:
            known = ", ".join(sorted([protocol[0] for protocol in _PROTOCOLS]))
            _fail(number, "", "`%s` is no protocol of a multiaddr that is known here: %s" % (_shown(name), known))
        value = ""
        if _PROTOCOLS[found][2] != _NOTHING:
            at += 1
            if at == len(words) or not words[at]:
                _fail(number, name, "it needs a value")
            value = words[at]
        parts.append((name, value))
        at += 1
    return parts


def tcp(host: str, port: int, peer_id: "Buffer" = b"") -> Multiaddr:
    """The address of a TCP socket whose `host` is an IP address, as the machine writes it. VerifyError for another."""
    host = host.partition("%")[0]  # the zone of a link-local address means nothing to others
    if ":" in host:
        value = ip.parse6(host)
        data = _part("ip4", value[12:]) if ip.is_mapped(value) else _part("ip6", value)
    else:
        data = _part("ip4", ip.parse4(host))
    data += _part("tcp", bytes((port >> 8, port & 0xFF)))
    return Multiaddr(data + _part("p2p", peer_id) if peer_id else data)


def serial(device: str) -> Multiaddr:
    """The address of a serial port of this machine. VerifyError for what cannot be the name of one."""
    return Multiaddr(_part("serial", device.encode()))


def _find(key: "str | int") -> int:
    # Where in _PROTOCOLS the protocol with this name or code is; -1: it is not known here.
    for at in range(len(_PROTOCOLS)):
        if _PROTOCOLS[at][0] == key or _PROTOCOLS[at][1] == key:
            return at
    return -1


def _part(name: str, value: "Buffer") -> bytes:
    _, code, _, size, _ = _PROTOCOLS[_find(name)]
    data = varint.encode(code)
    if size == _COUNTED:
        data += varint.encode(len(value))
    return data + bytes(value)


def _value(kind: int, text: str, name: str, number: int, least_port: int) -> bytes:
    # The bytes of a value that was given as text.
    if kind == _PORT:
        port = _number(text)
        if not least_port <= port <= 65535:
            _fail(number, name, "port `%s` must be %d to 65535" % (_shown(text), least_port))
        return bytes((port >> 8, port & 0xFF))
    if kind == _PEER:
        try:
            return keys.parse_peer_name(text)
        except VerifyError as error:
            raise VerifyError(error.rule, "part %d (/p2p): `%s`: %s" % (number, _shown(text), error))
    if kind == _CERTHASH:
        data = _from_base64url(text[1:]) if text[0] == "u" else b""
        if not data:
            _fail(number, name, "`%s` is no base64url behind a `u`" % _shown(text))
        _check_multihash(data, number)
        return data
    if kind == _NAME:
        _check_name(text, name, number)
        return text.encode()
    if kind == _DEVICE:
        return text.replace("%2F", "/").replace("%25", "%").encode()
    try:
        return ip.parse4(text) if kind == _IP4 else ip.parse6(text)
    except VerifyError:
        _fail(number, name, "`%s` is no IPv%d address" % (_shown(text), 4 if kind == _IP4 else 6))
    return b""


def _number(text: str) -> int:
    # Of one to five decimal digits; -1 for anything else.
    if not 1 <= len(text) <= 5:
        return -1
    for character in text:
        if character not in "0123456789":
            return -1
    return int(text)


def _check_name(text: str, name: str, number: int) -> None:
    # Labels of letters, digits, `-` and `_`, one dot between them and at most one behind (RFC 1123, DNS-SD).
    labels = (text[:-1] if text.endswith(".") else text).split(".")
    sound = len(text) <= 253
    for label in labels:
        sound = sound and 1 <= len(label) <= 63
        for character in label:
            # Letters by their range: U+212A, the Kelvin sign, is a `k` in lower case.
            is_letter = "a" <= character <= "z" or "A" <= character <= "Z"
            sound = sound and (is_letter or character in "0123456789-_")
    if not sound:
        _fail(number, name, "`%s` is no host name" % _shown(text))


def _device(value: bytes, number: int) -> str:
    # The name of a serial port.
    for byte in value:
        if not 0x21 <= byte <= 0x7E:
            _fail(number, "serial", "a name of a port is printable ASCII without blanks")
    if not 1 <= len(value) <= _DEVICE_BYTES:
        _fail(number, "serial", "a name of a port has 1 to %d characters" % _DEVICE_BYTES)
    return value.decode()


def _check_multihash(data: bytes, number: int) -> None:
    _, at = _varint(data, 0, number)
    size, at = _varint(data, at, number)
    if size != len(data) - at or size == 0:
        _fail(number, "certhash", "it is no multihash")


def _base64url(data: bytes) -> str:
    text = binascii.b2a_base64(data).decode().rstrip("\n=")
    return text.replace("+", "-").replace("/", "_")


def _from_base64url(text: str) -> bytes:
    # b"" for what is none; decoders differ in what they forgive, so only what is written the same way back is taken.
    padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    try:
        data = binascii.a2b_base64(padded.encode())
    except ValueError:
        return b""
    return data if _base64url(data) == text else b""


def _varint(data: bytes, at: int, number: int) -> "tuple[int, int]":
    try:
        value, after = varint.take(data, at, len(data))
    except VerifyError as error:
        raise VerifyError("multiaddr", "part %d: %s" % (number, error))
    if value < 0:
        _fail(number, "", "it ends inside a number" if at < len(data) else "it is missing")
    return value, after


def _list(names: "tuple[str, ...]") -> str:
    return ", /".join(names[:-1]) + " or /" + names[-1]


def _shown(text: str) -> str:
    # A stranger's text in an error: short, and without what could move a terminal's cursor.
    cut = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return "".join([character if " " <= character <= "~" else "?" for character in cut])


def _fail(number: int, name: str, what: str) -> "NoReturn":
    raise VerifyError("multiaddr", "part %d%s: %s" % (number, " (/%s)" % name if name else "", what))

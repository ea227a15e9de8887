"""Peer addresses as people write them: JAM's `name@ip:port`, and libp2p's multiaddrs.

A JAM name is an alternative name of JAMNP-S (zdave-parity/jam-np, simple.md): `e` and 52 base-32 characters of
an Ed25519 key. Of a multiaddr (multiformats/multiaddr) only what can reach a node of this kind is understood.
"""

import ipaddress
import re

from ..const import const

_TEXT = const(512)  # characters: a file or a flag cannot make us decode a base-58 number without end
_NAME = re.compile("e[a-z2-7]{51}[ab]")  # the 52nd character holds the one bit that is left of 256
_PORT = re.compile("[0-9]{1,5}")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_SHA256_ID = b"\x12\x20"  # multihash: sha2-256, 32 bytes
_ED25519_ID = b"\x00\x24\x08\x01\x12\x20"  # multihash: identity, 36 bytes: an Ed25519 key as protobuf
JAM_FORM = "`e`, 52 characters of a-z2-7, `@ip:port` (an IPv6 address in brackets)"


class AddressError(ValueError):
    """The text is no address; the message says what is wrong with it."""


class JamAddress:
    """A JAM peer: `name` (53 characters), `host` (an IP address), `port` (1 to 65535), `text` (all of it)."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.text = f"{name}@[{host}]:{port}" if ":" in host else f"{name}@{host}:{port}"

    def __repr__(self) -> str:
        return f"JamAddress({self.text})"


class Multiaddr:
    """A libp2p address: `parts` is a list of (protocol, value or ""), `peer_id` is "" where there is none."""

    def __init__(self, text: str, parts: "list[tuple[str, str]]") -> None:
        self.text = text
        self.parts = parts
        self.peer_id = next((value for name, value in reversed(parts) if name == "p2p"), "")

    def __repr__(self) -> str:
        return f"Multiaddr({self.text})"


def parse(text: str) -> "JamAddress | Multiaddr":
    """The address of a peer, in either form. AddressError when it is neither."""
    if len(text) > _TEXT:
        raise AddressError(f"an address has at most {_TEXT} characters")
    if text.startswith("/"):
        return parse_multiaddr(text)
    return parse_jam(text)


def parse_jam(text: str) -> JamAddress:
    """A JAM peer's address. AddressError says which part is wrong."""
    name, at, place = text.partition("@")
    if not at:
        raise AddressError(f"a JAM address is {JAM_FORM}, a multiaddr begins with `/`")
    if not _NAME.fullmatch(name):
        raise AddressError(f"`{name}` is no JAM name: {JAM_FORM}, the last of the 52 being a or b")
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        raise AddressError(f"`{place}` has no port: {JAM_FORM}")
    if host.startswith("[") and host.endswith("]"):
        host = _ip(host[1:-1], 6)
    elif ":" in host:
        raise AddressError(f"the IPv6 address `{host}` must be in brackets")
    else:
        host = _ip(host, 4)
    return JamAddress(name, host, parse_port(port))


def parse_port(text: str) -> int:
    """A port that can be dialled: 1 to 65535."""
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= 65535:
        raise AddressError(f"port `{text}` must be 1 to 65535")
    return int(text)


def parse_multiaddr(text: str) -> Multiaddr:
    """A multiaddr's parts, checked for syntax only. AddressError says which part is wrong."""
    words = text.split("/")[1:]
    parts: list[tuple[str, str]] = []
    while words:
        name = words.pop(0)
        check = _PROTOCOLS.get(name, _unknown)
        if check is None:
            parts.append((name, ""))
            continue
        if name not in _PROTOCOLS:
            raise AddressError(
                f"`{name}` is no protocol of a multiaddr that is known here: {', '.join(_PROTOCOLS)}"
            )
        if not words or not words[0]:
            raise AddressError(f"`/{name}` needs a value")
        parts.append((name, check(words.pop(0))))
    if not parts or parts[0][0] not in ("ip4", "ip6", "dns", "dns4", "dns6", "dnsaddr"):
        raise AddressError("a multiaddr begins with /ip4, /ip6, /dns, /dns4, /dns6 or /dnsaddr")
    return Multiaddr(text, parts)


def peer_id_fault(peer_id: str) -> str:
    """Why `peer_id` is no libp2p peer id (libp2p/specs, peer-ids); "" when it is one."""
    if not peer_id:
        return "it names no peer (/p2p/…)"
    number = 0
    for character in peer_id:
        if character not in _BASE58:
            return f"`{peer_id}` is no peer id: `{character}` is not base 58"
        number = number * 58 + _BASE58.index(character)
    zeros = len(peer_id) - len(peer_id.lstrip("1"))
    data = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    if data.startswith(_SHA256_ID) and len(data) == len(_SHA256_ID) + 32:
        return ""
    if data.startswith(_ED25519_ID) and len(data) == len(_ED25519_ID) + 32:
        return ""
    return f"`{peer_id}` is no peer id: not the multihash of a key (Qm… of 46 characters, or 12D3KooW… of 52)"


def _ip(text: str, version: int) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or address.version != version:
        raise AddressError(f"`{text}` is no IPv{version} address")
    return text


def _name(text: str) -> str:
    if not re.fullmatch("[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*\\.?", text) or len(text) > 253:
        raise AddressError(f"`{text}` is no host name")
    return text


def _port_text(text: str) -> str:
    return str(parse_port(text))


def _unknown(text: str) -> str:
    return text


# What follows each protocol's name: a check of its value, or None where it has none.
_PROTOCOLS = {
    "ip4": lambda text: _ip(text, 4),
    "ip6": lambda text: _ip(text, 6),
    "dns": _name,
    "dns4": _name,
    "dns6": _name,
    "dnsaddr": _name,
    "tcp": _port_text,
    "udp": _port_text,
    "p2p": _unknown,
    "certhash": _unknown,
    "quic-v1": None,
    "ws": None,
    "wss": None,
    "tls": None,
    "webrtc-direct": None,
    "p2p-circuit": None,
}

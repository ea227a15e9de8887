"""Peer addresses as people write them: JAM's `name@ip:port`, and libp2p's multiaddrs.

A JAM name is an alternative name of JAMNP-S (zdave-parity/jam-np, simple.md): `e` and 52 base-32 characters of
an Ed25519 key. Of a multiaddr (multiformats/multiaddr) only what can reach a node of this kind is understood.
"""

import re

from ..codec import ip
from ..const import const
from ..errors import VerifyError
from ..p2p import keys, multiaddr

_TEXT = const(512)  # characters: a file or a flag cannot make us decode a base-58 number without end
_NAME = re.compile("e[a-z2-7]{51}[ab]")  # the 52nd character holds the one bit that is left of 256
_PORT = re.compile("[0-9]{1,5}")
_BEGINNINGS = (*multiaddr.HOSTS, "serial")
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
    """A libp2p address: `parts` is a list of (protocol, value or ""), `peer_id` is "" where there is none.

    Its peer id may be none (`peer_id_fault` tells): such a peer is skipped, and the rest of the file stands.
    """

    def __init__(self, text: str, parts: "list[tuple[str, str]]", peer_id: str) -> None:
        self.text = text
        self.parts = parts
        self.peer_id = peer_id

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
    """A multiaddr of a host with a port to dial, or of a serial line. AddressError says which part is wrong."""
    try:
        parts = multiaddr.split(text)
        address = multiaddr.parse(text, 1)
    except VerifyError as error:
        if error.rule != "peer_id":
            raise AddressError(str(error))
        found = Multiaddr(text, parts, [value for name, value in parts if name == "p2p"][-1])
    else:
        peer_id = keys.peer_name(address.peer_id) if address.peer_id else ""
        found = Multiaddr(address.text, address.parts(), peer_id)
    if parts[0][0] not in _BEGINNINGS:
        raise AddressError(f"a multiaddr of a peer begins with /{', /'.join(_BEGINNINGS)}")
    return found


def peer_id_fault(peer_id: str) -> str:
    """Why `peer_id` is no libp2p peer id (libp2p/specs, peer-ids); "" when it is one."""
    if not peer_id:
        return "it names no peer (/p2p/…)"
    try:
        keys.parse_peer_name(peer_id)
    except VerifyError as error:
        return f"`{peer_id}` is {error}"
    return ""


def _ip(text: str, version: int) -> str:
    try:
        if version == 4:
            ip.parse4(text)
        else:
            place, percent, zone = text.partition("%")  # fe80::1%eth0: a link-local address and its interface
            ip.parse6(place)
            if percent and (not zone or "%" in zone):
                raise VerifyError("ip", "no zone")
    except VerifyError:
        raise AddressError(f"`{text}` is no IPv{version} address")
    return text

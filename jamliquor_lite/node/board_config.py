"""The settings of a board that has no command line: one small text file on its file system.

    # whom to follow, and how
    chain = devnet
    start = start.cbor
    peer = /ip4/192.0.2.7/tcp/30333/p2p/12D3KooW…     or /serial/PORT/p2p/12D3KooW… (ports/micropython/tty.py)
    pq = require
    key = node.key
    status = 0

`name = value`, one a line; blank lines and lines that begin with `#` are skipped. Only `peer` may stand more than once,
and must stand once at least. The others may be left out; above are their defaults, but for `chain`, what the network is
called in status lines. `start` is the first checkpoint (chain/checkpoint.py) and `key` the node's 32-byte Ed25519 seed,
made when it is not there; both are names of files beside the settings. `pq` is require, prefer or off
(transport/terms.py). Every `status` ms, 100 at least, the console sends a status frame unasked; 0 is never. Numbers of
the board are no settings: its board.toml has them.
"""

from ..const import const
from ..errors import LocalError, VerifyError
from ..p2p import keys, multiaddr
from ..transport.terms import OFF, PREFER, REQUIRE
from .places import SERIAL

FILE_NAME = "board.conf"
MAX_BYTES = const(4096)  # a file of any size under this name would fill the memory
MAX_PEERS = const(16)
_MAX_NAME = const(64)  # characters of a name that status lines show
_NAMES = ("chain", "start", "peer", "pq", "key", "status")
_LEAST_STATUS_MS = const(100)
_STATUS_DIGITS = const(7)
_POLICIES = (REQUIRE, PREFER, OFF)


class BoardConfig:
    """Checked settings. `peers` are (name, host, port); the others are named as in the file."""

    def __init__(self) -> None:
        self.chain = "jam"
        self.start = "start.cbor"
        self.key = "node.key"
        self.pq = REQUIRE
        self.status_ms = 0
        self.peers: "list[tuple[str, str, int]]" = []


def read(path: str) -> BoardConfig:
    """The settings in the file. LocalError names the file, and the line where one is at fault."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        raise LocalError("%s: no such settings file; it says whom to follow: peer = MULTIADDR" % path, 2)
    if len(data) > MAX_BYTES:
        raise LocalError("%s: longer than %d bytes, so no settings file" % (path, MAX_BYTES), 2)
    return parse(data, path)


def parse(data: bytes, where: str = FILE_NAME) -> BoardConfig:
    """The settings in the bytes of a file. `where` names it in errors."""
    for byte in data:
        if byte > 126 or (byte < 32 and byte not in b"\t\n\r"):
            raise LocalError("%s: byte 0x%02x is no plain text" % (where, byte), 2)
    found = BoardConfig()
    seen: "list[str]" = []
    number = 0
    for line in data.decode().split("\n"):
        number += 1
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            name = _take(found, line, seen)
        except ValueError as error:
            raise LocalError("%s line %d: %s" % (where, number, error), 2)
        seen.append(name)
    if not found.peers:
        raise LocalError("%s: names no peer to follow: peer = MULTIADDR" % where, 2)
    return found


def _take(found: BoardConfig, line: str, seen: "list[str]") -> str:
    name, equals, value = line.partition("=")
    name, value = name.strip(), value.strip()
    if not equals:
        raise ValueError("`%s` is no `name = value`" % line[:_MAX_NAME])
    if name not in _NAMES:
        raise ValueError("`%s` is no setting; there are %s" % (name[:_MAX_NAME], ", ".join(_NAMES)))
    if not value:
        raise ValueError("%s has no value" % name)
    if name == "peer":
        found.peers.append(_peer(value))
        if len(found.peers) > MAX_PEERS:
            raise ValueError("more than %d peers" % MAX_PEERS)
        return name
    if name in seen:
        raise ValueError("%s stands there twice" % name)
    if name == "pq":
        if value not in _POLICIES:
            raise ValueError("pq is `%s`; allowed are %s" % (value[:_MAX_NAME], ", ".join(_POLICIES)))
        found.pq = value
        return name
    if name == "status":
        found.status_ms = _status_ms(value)
        return name
    if len(value) > _MAX_NAME:
        raise ValueError("%s has %d characters, allowed are %d" % (name, len(value), _MAX_NAME))
    if name == "chain":
        found.chain = value
        return name
    if "/" in value or value.startswith("."):
        raise ValueError("%s is `%s`; it is the name of a file beside this one" % (name, value))
    if name == "start":
        found.start = value
    else:
        found.key = value
    return name


def _status_ms(text: str) -> int:
    is_number = len(text) <= _STATUS_DIGITS
    for character in text:
        is_number = is_number and "0" <= character <= "9"
    if not is_number or 0 < int(text) < _LEAST_STATUS_MS:
        raise ValueError("status is `%s`; it is 0, or %d or more ms" % (text[:_MAX_NAME], _LEAST_STATUS_MS))
    return int(text)


def _peer(text: str) -> "tuple[str, str, int]":
    try:
        place = multiaddr.parse(text, 1)
    except VerifyError as error:
        raise ValueError("peer: %s" % error)
    if place.transport == "serial" and place.peer_id:
        return keys.peer_name(place.peer_id), SERIAL + place.host, 0
    if not place.is_ip or place.transport != "tcp" or place.is_circuit or not place.peer_id:
        raise ValueError("peer: allowed is /ip4/ADDRESS/tcp/PORT/p2p/PEER-ID, the same with ip6, or /serial/PORT/p2p/…")
    return keys.peer_name(place.peer_id), place.host, place.port

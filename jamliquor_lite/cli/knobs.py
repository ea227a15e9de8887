"""Every value a person may set: where it is written, what is allowed, and which bound of the profile it moves.

One row serves the TOML file (`[table] key`), the environment (`JAMLIQUOR_KEY`) and the flag (`--key`).
"""

import ipaddress
import os
import re

from . import crypto_choice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_HOUR_MS = 3_600_000  # a longer timeout is none
_DATAGRAM = 1_500  # bytes: below one datagram a second nothing is ever sent
_RATE = 10**12  # bytes per second
_NODES = 256  # peers named by one file: each is kept, retried and reported on
_LINE = 4_096  # characters of a path
PREFIX = "JAMLIQUOR_"


class Knob:
    """One value. `read(raw, textual)` gives the value or raises ValueError("must be …").

    `textual` is True for flags and the environment, where everything is text. `field` is the attribute of
    budget.profile.Profile that the value sets, "" where it is no bound. `is_path` values are relative to the
    file that names them.
    """

    def __init__(
        self,
        table: str,
        key: str,
        read: "Callable[[Any, bool], Any]",
        summary: str,
        field: str = "",
        flag: str = "",
        is_path: bool = False,
    ) -> None:
        self.table = table
        self.key = key
        self.read = read
        self.summary = summary
        self.field = field
        self.flag = "--" + (flag or key.replace("_", "-"))
        self.variable = PREFIX + (flag + "s" if flag else key).upper()
        self.dest = "set_" + key  # of argparse; a command's own arguments keep their names
        self.is_path = is_path

    @property
    def name(self) -> str:
        """The full name, as TOML would spell it on one line."""
        return f"{self.table}.{self.key}"


def _whole(low: int, high: int, allowed: str = "") -> "Callable[[Any, bool], int]":
    allowed = allowed or f"must be a whole number, {low} to {high}"

    def read(raw: "Any", textual: bool) -> int:
        if textual and isinstance(raw, str) and re.fullmatch("[0-9]{1,15}", raw):
            raw = int(raw)
        # A bool is an int too, but no number that anyone means.
        if type(raw) is not int or not low <= raw <= high:
            raise ValueError(allowed)
        return raw

    return read


def _rate(raw: "Any", textual: bool) -> int:
    allowed = f"must be 0 (no cap) or {_DATAGRAM} to {_RATE} bytes per second"
    value = _whole(0, _RATE, allowed)(raw, textual)
    if 0 < value < _DATAGRAM:
        raise ValueError(allowed)
    return value


def _address(raw: "Any", textual: bool) -> str:
    try:
        if isinstance(raw, str):
            return str(ipaddress.ip_address(raw))
    except ValueError:
        pass
    raise ValueError('must be an IP address, such as "0.0.0.0" or "::"')


def _path(raw: "Any", textual: bool) -> str:
    if not isinstance(raw, str) or not raw or len(raw) > _LINE or "\0" in raw:
        raise ValueError(f"must be a path of 1 to {_LINE} characters")
    return os.path.expanduser(raw)


def _chain(raw: "Any", textual: bool) -> str:
    try:
        return raw if raw == "dev" else _path(raw, textual)
    except ValueError:
        raise ValueError('must be "dev" or the path of a chainspec file')


def _nodes(raw: "Any", textual: bool) -> "list[str]":
    if textual and isinstance(raw, str):
        raw = re.split(r"[,\s]+", raw.strip()) if raw.strip() else []
    if not isinstance(raw, list) or len(raw) > _NODES or not all(isinstance(node, str) for node in raw):
        raise ValueError(f"must be a list of at most {_NODES} addresses (texts)")
    return raw


def _choice(*allowed: str) -> "Callable[[Any, bool], str]":
    def read(raw: "Any", textual: bool) -> str:
        if raw not in allowed:
            raise ValueError("must be " + " or ".join(", ".join(f"`{word}`" for word in allowed).rsplit(", ", 1)))
        return str(raw)

    return read


def _crypto(raw: "Any", textual: bool) -> str:
    if not isinstance(raw, str) or len(raw) > _LINE:
        raise ValueError("must be a text such as `auto`")
    crypto_choice.parse(raw)
    return raw


_timeout = _whole(100, _HOUR_MS, f"must be 100 to {_HOUR_MS} milliseconds")

CHAIN = Knob("node", "chain", _chain, "`dev` or a chainspec file (default: dev)", is_path=True)
DATA = Knob("node", "data", _path, "folder of what the node keeps", is_path=True)
KEY = Knob("node", "key", _path, "the node's key file (default: node.key in the data folder)", is_path=True)
CRYPTO = Knob(
    "node", "crypto", _crypto, "`auto`, `lean`, or PRIMITIVE=LIBRARY such as mlkem768=pqcrypto (default: auto)"
)
LISTEN_ADDR = Knob("network", "listen_addr", _address, "IP address to bind (default: 0.0.0.0)")
LISTEN_PORT = Knob(
    "network", "listen_port", _whole(0, 65535), "UDP port to bind, 0 for any free one (default: 0)"
)
NODES = Knob(
    "network.bootstrap", "nodes", _nodes, "a peer, name@ip:port or a multiaddr; may be repeated", flag="peer"
)
LISTEN = Knob("network", "listen", _nodes, "a multiaddr to listen on over libp2p; may be repeated")
PQ = Knob(
    "network",
    "pq",
    _choice("require", "prefer", "off"),
    "post-quantum handshake over libp2p: `require`, `prefer` or `off` (default: require)",
)
MAX_PEERS = Knob("network", "max_peers", _whole(1, 100_000), "most peers at once", "max_peers")
MIN_PEERS = Knob("network", "min_peers", _whole(0, 100_000), "look for more peers below this", "min_peers")

KNOBS = (
    CHAIN,
    DATA,
    KEY,
    CRYPTO,
    LISTEN_ADDR,
    LISTEN_PORT,
    LISTEN,
    PQ,
    MAX_PEERS,
    MIN_PEERS,
    Knob(
        "network",
        "block_announce_timeout",
        _timeout,
        "ms without an announcement after which a peer is asked or left",
        "block_announce_timeout_ms",
    ),
    Knob(
        "network",
        "transaction_timeout",
        _timeout,
        "ms until a transaction handed to a peer counts as lost",
        "transaction_timeout_ms",
    ),
    Knob(
        "network",
        "state_sync_timeout",
        _timeout,
        "ms until a state query goes to another peer",
        "state_sync_timeout_ms",
    ),
    Knob("network", "max_download_rate", _rate, "bytes per second, 0 for no cap", "max_download_rate"),
    Knob("network", "max_upload_rate", _rate, "bytes per second, 0 for no cap", "max_upload_rate"),
    NODES,
)

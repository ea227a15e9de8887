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
_RATE = 10**12  # bytes per second, or bytes of a month
_CAP = 100_000  # bytes: with a smaller one not even a handshake and a question are sure to pass
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}
_UNITS["ti"] = 1 << 40
_MIB = 1 << 20
_NODES = 256  # peers named by one file: each is kept, retried and reported on
_LINE = 4_096  # characters of a path
PREFIX = "JAMLIQUOR_"
AUTO, FULL, IDLE, EPOCH = MODES = ("auto", "full", "idle", "epoch")


class Knob:
    """One value. `read(raw, textual)` gives the value or raises ValueError("must be …").

    `textual` is True for flags and the environment, where everything is text. `field` is the attribute of
    budget.profile.Profile that the value sets, "" where it is no bound; it counts in units `scale` times as small.
    `is_path` values are relative to the file that names them.
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
        scale: int = 1,
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
        self.scale = scale

    @property
    def name(self) -> str:
        """The full name, as TOML would spell it on one line."""
        return f"{self.table}.{self.key}"


def names_a_file(board: str) -> bool:
    """Whether a value of `board` names a file or folder, and no board of `boards/`."""
    return "/" in board or board.endswith(".toml")


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


def _cap(raw: "Any", textual: bool) -> int:
    allowed = f'must be 0 (no cap) or {_CAP // 1000} kB to {_RATE // 1000**4} TB, such as "200 MB"'
    if isinstance(raw, str):
        found = re.fullmatch(r"([0-9]{1,15}) ?([kmgt]?i?b?)", raw.strip(), re.IGNORECASE)
        unit = found.group(2).lower().rstrip("b") if found else ""
        if found is None or unit not in _UNITS:
            raise ValueError(allowed)
        raw = int(found.group(1)) * _UNITS[unit]
    if type(raw) is not int or not (raw == 0 or _CAP <= raw <= _RATE):
        raise ValueError(allowed)
    return raw


def _board(raw: "Any", textual: bool) -> str:
    if not isinstance(raw, str) or not raw or len(raw) > _LINE or "\0" in raw:
        raise ValueError("must be the name of a board, or the path of a board.toml")
    return os.path.expanduser(raw)


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


def _attest(raw: "Any", textual: bool) -> "tuple[int, int] | None":
    from ..sync import attested  # no small module, and few need it

    found = attested.policy(raw) if isinstance(raw, str) else None
    if found is None and raw != "":
        raise ValueError(
            'must be a text N/M such as "2/3": of M pinned peers, 3 to %d, N must agree, 2 at least and more than half'
            % attested.MOST_PEERS)
    return found


_timeout = _whole(100, _HOUR_MS, f"must be 100 to {_HOUR_MS} milliseconds")

CHAIN = Knob("node", "chain", _chain, "`dev` or a chainspec file (default: dev)", is_path=True)
BOARD = Knob("node", "board", _board, "the board whose numbers are the ceiling: a name, or a board.toml", is_path=True)
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
ATTEST = Knob(
    "network",
    "attest",
    _attest,
    "N/M, such as 2/3: where no checkpoint is saved that is recent enough, start from the one that N of the M peers "
    "attest that are named with their peer ids",
)
MAX_PEERS = Knob("network", "max_peers", _whole(1, 100_000), "most peers at once", "max_peers")
MIN_PEERS = Knob("network", "min_peers", _whole(0, 100_000), "look for more peers below this", "min_peers")
MODE = Knob(
    "budget",
    "mode",
    _choice(*MODES),
    "`full` follows every header, `idle` sleeps until it is asked, `auto` is idle near the end of a cap, `epoch` wakes "
    "once an epoch to have its first block proved final, follows no headers and answers at level final alone, where "
    "the chainspec names a format of finality (default: auto)",
)
CPU_PERCENT = Knob(
    "budget", "cpu_percent", _whole(1, 100), "of one core's time, 100 for no limit", "cpu_permille", scale=10
)
MEMORY_MB = Knob(
    "budget", "memory_mb", _whole(16, 1_000_000), "MiB for the whole process", "memory_bytes", scale=_MIB
)
DAY_CAP = Knob("budget", "day_cap", _cap, "bytes a day on the wire, such as \"200 MB\", 0 for no cap", "day_bytes")
MONTH_CAP = Knob("budget", "month_cap", _cap, "bytes a month, likewise", "month_bytes")

KNOBS = (
    CHAIN,
    BOARD,
    DATA,
    KEY,
    CRYPTO,
    LISTEN_ADDR,
    LISTEN_PORT,
    LISTEN,
    PQ,
    ATTEST,
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
    CPU_PERCENT,
    MEMORY_MB,
    DAY_CAP,
    MONTH_CAP,
    MODE,
)

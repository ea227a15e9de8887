"""A board's numbers: reads boards/<name>/board.toml, the only place where they stand, and checks every one of them.

    board, mistakes = inspect(path)      every mistake is one line
    board = load(path)                   LocalError with the first one
    module(board)                        the text of `_board.py`, which a firmware freezes and ports/board.py reads
    header(board)                        the text of `board_config.h`, which the firmware's C code is compiled with
"""

import difflib
import os
import re
import tomllib

from ..budget.profile import LINUX, Profile
from ..const import const
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FILE_BYTES = const(64 * 1024)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KIB = const(1024)
_MOST = const((1 << 30) - 1)  # what MicroPython keeps in a word on 32 bits
_RECEIVE_BUFFER_BYTES = const(256)  # lwipopts.h: PBUF_POOL_BUFSIZE
_RECEIVE_RESERVE = const(8)  # net.c: RX_RESERVE
_AREAS = ("fs", "sets", "scratch", "tree")  # in the order in which they lie on the flash
_SCRATCH_LEAST_KB = const(68)  # a header with a full-spec epoch mark is 65,833 bytes

# table: key: (type, least, most)
SCHEMA: "dict[str, dict[str, tuple[type, int, int]]]" = {
    "cpu": {"arch": (str, 1, 32), "mhz": (int, 1, 10_000), "share_percent": (int, 1, 100)},
    "memory": {"ram_kb": (int, 64, 2048), "stack_kb": (int, 8, 256), "heap_kb": (int, 16, 2048)},
    "links": {"tcp": (bool, 0, 1), "serial": (bool, 0, 1)},
    "tcp": {
        "connections": (int, 1, 64),
        "segment_bytes": (int, 536, 1460),  # RFC 879 and Ethernet
        "send_bytes": (int, 1072, 65_535),
        "receive_bytes": (int, 1072, 65_535),
        "memory_bytes": (int, 2048, 60_000),  # lwIP counts them in 16 bits
        "receive_buffers": (int, 16, 512),
    },
    "watchdog": {"timeout_ms": (int, 1000, 600_000)},
    "flash": {
        "size_kb": (int, 512, 1_000_000),
        "sector_bytes": (int, 4096, 4096),  # what the port's block device has
        "firmware_kb": (int, 128, 4096),  # the linker script's FLASH
        "fs_kb": (int, 32, 1_000_000),
        "sets_kb": (int, 32, 1_000_000),
        "scratch_kb": (int, _SCRATCH_LEAST_KB, 1_000_000),
        "tree_kb": (int, 16, 8_000),
    },
}


class Board:
    """What a board.toml says. `tables` maps table to key to value, as SCHEMA lists them; `profile` is its [profile]."""

    def __init__(self, name: str, tables: "dict[str, dict[str, Any]]", profile: "dict[str, int]") -> None:
        self.name = name
        self.tables = tables
        self.profile = profile

    def number(self, table: str, key: str) -> int:
        """A value that SCHEMA says is a number."""
        return int(self.tables[table][key])

    def flash(self) -> "dict[str, tuple[int, int]]":
        """(offset on the block device, size), in bytes, of each area behind the firmware."""
        found = {}
        offset = 0
        for area in _AREAS:
            size = self.number("flash", area + "_kb") * _KIB
            found[area] = (offset, size)
            offset += size
        return found

    def disk_bytes(self) -> int:
        """How large the block device is: all areas."""
        return sum(size for _, size in self.flash().values())

    def links(self) -> "tuple[str, ...]":
        """The kinds of link that the board has."""
        return tuple(kind for kind, there in self.tables["links"].items() if there)


def load(path: str) -> Board:
    """The board of a board.toml. LocalError, with exit code 2 and one line, at the first mistake."""
    board, mistakes = inspect(path)
    if board is None:
        raise LocalError(mistakes[0], 2)
    return board


def inspect(path: str) -> "tuple[Board | None, list[str]]":
    """(the board, []), or (None, every mistake as a line that names the file and the key)."""
    found, mistake = _parse(path)
    if found is None:
        return None, [f"{path}: {mistake}"]
    mistakes: "list[str]" = []
    name = found.pop("name", None)
    folder = os.path.basename(os.path.dirname(os.path.abspath(path)))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        mistakes.append("name: lower-case letters, digits and single dashes are needed")
    elif name != folder:
        mistakes.append(f"name: {name!r} lies in a folder called {folder!r}")
    profile = _profile(found.pop("profile", {}), mistakes)
    tables = {}
    for table, keys in SCHEMA.items():
        tables[table] = _table(table, keys, found.pop(table, None), mistakes)
    mistakes += [_unknown("", key, [*SCHEMA, "name", "profile"]) for key in found]
    if not mistakes:
        board = Board(str(name), tables, profile)
        mistakes = _together(board)
        if not mistakes:
            return board, []
    return None, [f"{path}: {line}" for line in mistakes]


def _parse(path: str) -> "tuple[dict[str, Any] | None, str]":
    """(what the TOML says, "") or (None, why not)."""
    try:
        with open(path, "rb") as file:
            text = file.read(_FILE_BYTES + 1)
        if len(text) > _FILE_BYTES:
            return None, f"longer than {_FILE_BYTES} bytes: this is no board.toml"
        return tomllib.loads(text.decode()), ""
    except FileNotFoundError:
        return None, "no such file"
    except OSError as error:
        return None, str(error.strerror)
    except UnicodeDecodeError:
        return None, "not UTF-8 text"
    except tomllib.TOMLDecodeError as error:
        return None, f"not TOML: {error}"


def _table(
    name: str, keys: "dict[str, tuple[type, int, int]]", found: "Any", mistakes: "list[str]"
) -> "dict[str, Any]":
    """The values of one table, checked; what is wrong is added to `mistakes`."""
    if not isinstance(found, dict):
        mistakes.append(f"{name}: the table [{name}] is missing" if found is None else f"{name}: a table is needed")
        return {}
    for key, (kind, least, most) in keys.items():
        where = f"{name}.{key}"
        if key not in found:
            mistakes.append(f"{where}: missing")
        elif type(found[key]) is not kind:
            needed = {int: "a whole number", bool: "true or false", str: "text"}[kind]
            mistakes.append(f"{where}: {found[key]!r} is given, {needed} is needed")
        elif kind is int and not least <= found[key] <= most:
            mistakes.append(f"{where}: {found[key]} is not within {least} and {most}")
        elif kind is str and not least <= len(found[key]) <= most:
            mistakes.append(f"{where}: {least} to {most} characters are needed")
    mistakes += [_unknown(name + ".", key, list(keys)) for key in found if key not in keys]
    return found


def _profile(found: "Any", mistakes: "list[str]") -> "dict[str, int]":
    """[profile]: attributes of budget.profile.Profile, and whole numbers."""
    if not isinstance(found, dict):
        mistakes.append("profile: a table is needed")
        return {}
    known = [key for key, value in vars(Profile).items() if type(value) is int and key[0] != "_"]
    for key, value in found.items():
        if key not in known:
            mistakes.append(_unknown("profile.", key, known))
        elif type(value) is not int:
            mistakes.append(f"profile.{key}: {value!r} is given, a whole number is needed")
        elif not 0 <= value <= _MOST:
            mistakes.append(f"profile.{key}: {value} is not within 0 and {_MOST}")
    return found


def _unknown(table: str, key: str, known: "list[str]") -> str:
    near = difflib.get_close_matches(key, known, 1)
    return f"{table}{key}: unknown" + (f"; did you mean {near[0]!r}?" if near else "")


def _together(board: Board) -> "list[str]":
    """What is wrong with numbers that are right each on its own."""
    n = board.number
    rules = [
        (
            n("memory", "stack_kb") + n("memory", "heap_kb") < n("memory", "ram_kb"),
            "memory: stack_kb and heap_kb leave nothing of ram_kb for the firmware's own data",
        ),
        (n("memory", "ram_kb") % 4 == 0, "memory.ram_kb: the machine has pages of 4 KB, so a multiple of 4 is needed"),
        (
            n("tcp", "send_bytes") >= 2 * n("tcp", "segment_bytes"),
            "tcp.send_bytes: fewer than two segments wait for a delayed ACK each time",
        ),
        (
            n("tcp", "receive_bytes") >= 2 * n("tcp", "segment_bytes"),
            "tcp.receive_bytes: fewer than two segments are acknowledged late each time",
        ),
        (
            n("tcp", "receive_bytes") <= (n("tcp", "receive_buffers") - _RECEIVE_RESERVE) * _RECEIVE_BUFFER_BYTES,
            "tcp.receive_buffers: too few for one connection's receive_bytes",
        ),
        (
            n("tcp", "memory_bytes") >= n("tcp", "connections") * n("tcp", "segment_bytes"),
            "tcp.memory_bytes: less than a segment for each connection, so that one can stop another",
        ),
        (
            n("flash", "firmware_kb") * _KIB + board.disk_bytes() <= n("flash", "size_kb") * _KIB,
            "flash: the firmware and the areas together are larger than size_kb",
        ),
        (any(board.links()), "links: a board needs at least one"),
    ]
    rules += [
        (n("flash", area + "_kb") % 4 == 0, f"flash.{area}_kb: a multiple of 4, the sector's size, is needed")
        for area in _AREAS
    ]
    peers = board.profile.get("max_peers", LINUX.max_peers)
    if "tcp" in board.links():
        rules.append(
            (peers < n("tcp", "connections"), "profile.max_peers: one more of tcp.connections is needed than peers")
        )
    return [text for holds, text in rules if not holds]


def module(board: Board) -> str:
    """The text of `_board.py`: see ports/board.py for what each name is."""
    return "\n".join(
        [
            f'"""{board.name}: made from its board.toml by tools/firmware."""',
            f"NAME = {board.name!r}",
            f"PROFILE = {board.profile!r}",
            f"FLASH = {board.flash()!r}",
            f"SECTOR_BYTES = {board.number('flash', 'sector_bytes')}",
            f"LINKS = {board.links()!r}",
            f"TCP_CONNECTIONS = {board.number('tcp', 'connections')}",
            f"HEAP_BYTES = {board.number('memory', 'heap_kb') * _KIB}",
            f"CPU_MHZ = {board.number('cpu', 'mhz')}",
            f"CPU_SHARE_PERCENT = {board.number('cpu', 'share_percent')}",
            f"WATCHDOG_MS = {board.number('watchdog', 'timeout_ms')}",
            "",
        ]
    )


def header(board: Board) -> str:
    """The text of `board_config.h`."""
    numbers = [
        ("TCP_CONNECTIONS", "connections"),
        ("TCP_SEGMENT_BYTES", "segment_bytes"),
        ("TCP_SEND_BYTES", "send_bytes"),
        ("TCP_RECEIVE_BYTES", "receive_bytes"),
        ("TCP_MEMORY_BYTES", "memory_bytes"),
        ("RECEIVE_BUFFERS", "receive_buffers"),
    ]
    lines = [f"/* {board.name}: made from its board.toml by tools/firmware. */"]
    lines.append(f'#define BOARD_NAME "{board.name}"')
    lines += [f"#define BOARD_{name} ({board.number('tcp', key)})" for name, key in numbers]
    return "\n".join([*lines, ""])

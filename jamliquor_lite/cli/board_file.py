"""A board's numbers: reads boards/<name>/board.toml, the only place where they stand, and checks every one of them.

A board is a microcontroller with a firmware of ours, or, where the file says `kind = "linux"`, a computer with Linux
(board_schema.py has both lists of keys, board_rules.py what must hold between them).

    board, mistakes = inspect(path)      every mistake is one line
    board = load(path)                   LocalError with the first one
    module(board)                        the text of `_board.py`, which a firmware freezes and ports/board.py reads
    header(board)                        the text of `board_config.h`, which the firmware's C code is compiled with
"""

import difflib
import os
import re
import tomllib

from ..budget.profile import Profile
from ..const import const
from ..errors import LocalError
from .board_rules import broken
from .board_schema import AREAS, CHOICES, MCU, OPTIONAL, OPTIONAL_TABLES, ROUTES, SCHEMAS, TOP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FILE_BYTES = const(64 * 1024)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KIB = const(1024)
_MOST = const((1 << 30) - 1)  # what MicroPython keeps in a word on 32 bits
_NEEDED = {int: "a whole number", bool: "true or false", str: "text", list: "a list of texts"}
_LINE = const(300)  # characters of a text in a list


class Board:
    """What a board.toml says. `tables` maps table to key to value, as SCHEMAS lists them for its `kind` (a table that
    may be missing and is, is empty); `profile` is its [profile]; `role`, `vrf` and `tried` are words of TOP."""

    def __init__(
        self, name: str, kind: str, tables: "dict[str, dict[str, Any]]", profile: "dict[str, int]",
        words: "dict[str, str]",
    ) -> None:
        self.name = name
        self.kind = kind
        self.tables = tables
        self.profile = profile
        self.role = words["role"]
        self.vrf = words["vrf"]
        self.tried = words["tried"]

    def number(self, table: str, key: str) -> int:
        """A value that its schema says is a number; 0 where it may be missing and is."""
        return int(self.tables[table].get(key, 0))

    def texts(self, key: str) -> "list[str]":
        """A list of [flashing]; empty where it may be missing and is."""
        return list(self.tables["flashing"].get(key, []))

    @property
    def is_emulated(self) -> bool:
        """Whether it is no board that one can buy: QEMU makes it."""
        return bool(self.texts("method")[0] == "qemu")

    def bounds(self) -> Profile:
        """A profile of its own with the board's numbers in it."""
        found = Profile()
        found.name = self.name
        for key, value in self.numbers().items():
            setattr(found, key, value)
        return found

    def numbers(self) -> "dict[str, int]":
        """[profile], and what other tables of a microcontroller's say of the same."""
        if self.kind != MCU:
            return self.profile
        return {"memory_bytes": self.number("memory", "heap_kb") * _KIB,
                "cpu_permille": 10 * self.number("cpu", "share_percent"), **self.profile}

    def flash(self) -> "dict[str, tuple[int, int]]":
        """(offset on the block device, size), in bytes, of each area behind the firmware."""
        found = {}
        offset = 0
        for area in AREAS:
            size = self.number("flash", area + "_kb") * _KIB
            found[area] = (offset, size)
            offset += size
        return found

    def disk_bytes(self) -> int:
        """How large the block device is: all areas."""
        return sum(size for _, size in self.flash().values())

    def links(self) -> "tuple[str, ...]":
        """The kinds of link that its node can dial: "tcp", "quic", "serial"."""
        return tuple(kind for kind, there in self.tables["links"].items() if there and kind in ROUTES)


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
    kind = found.pop("kind", MCU)
    if not isinstance(kind, str) or kind not in SCHEMAS:
        return None, [f"{path}: kind: {kind!r} is given, there are {' and '.join(repr(word) for word in SCHEMAS)}"]
    schema = SCHEMAS[kind]
    words = {key: _word(key, found.pop(key, None), allowed, mistakes) for key, allowed in TOP.items()}
    profile = _profile(found.pop("profile", {}), mistakes)
    tables = {}
    for table, keys in schema.items():
        is_absent = table not in found and table in OPTIONAL_TABLES
        tables[table] = {} if is_absent else _table(table, keys, found.pop(table, None), mistakes)
    mistakes += [_unknown("", key, [*schema, *TOP, "name", "kind", "profile"]) for key in found]
    if not mistakes:
        board = Board(str(name), kind, tables, profile, words)
        mistakes = broken(board)
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
    for key, bounds in keys.items():
        if key in found:
            mistakes += [f"{name}.{key}: {text}" for text in _value(found[key], *bounds)]
        elif key not in OPTIONAL.get(name, ()):
            mistakes.append(f"{name}.{key}: missing")
        for word in _as_list(found.get(key, [])):
            if word not in CHOICES.get(f"{name}.{key}", (word,)):
                mistakes.append(f"{name}.{key}: {_choice(word, CHOICES[f'{name}.{key}'])}")
    mistakes += [_unknown(name + ".", key, list(keys)) for key in found if key not in keys]
    return found


def _value(found: "Any", kind: type, least: int, most: int) -> "list[str]":
    """What is wrong with one value: a line, or none."""
    is_right = type(found) is kind
    if not is_right or kind is list and not all(type(text) is str for text in found):
        return [f"{found!r} is given, {_NEEDED[kind]} is needed"]
    if kind is int and not least <= found <= most:
        return [f"{found} is not within {least} and {most}"]
    if kind is str and not least <= len(found) <= most:
        return [f"{least} to {most} characters are needed"]
    if kind is list and not least <= len(found) <= most:
        return [f"{len(found)} texts are given, {least} to {most} are needed"]
    if kind is list and not all(0 < len(text) <= _LINE and text.isprintable() for text in found):
        return [f"each text needs 1 to {_LINE} characters that can be printed"]
    return []


def _word(key: str, found: "Any", allowed: "tuple[str, ...]", mistakes: "list[str]") -> str:
    """One of a few words, beside the tables."""
    if found is None:
        mistakes.append(f"{key}: missing; it is one of {', '.join(allowed)}")
    elif found not in allowed:
        mistakes.append(f"{key}: {_choice(found, allowed)}")
    return str(found)


def _choice(found: "Any", allowed: "tuple[str, ...]") -> str:
    near = difflib.get_close_matches(str(found), allowed, 1)
    return f"{found!r} is given, there are {', '.join(allowed)}" + (f"; did you mean {near[0]!r}?" if near else "")


def _as_list(found: "Any") -> "list[Any]":
    return list(found) if isinstance(found, list) else [found]


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


def module(board: Board) -> str:
    """The text of `_board.py`: see ports/board.py for what each name is."""
    return "\n".join(
        [
            f'"""{board.name}: made from its board.toml by tools/firmware."""',
            f"NAME = {board.name!r}",
            f"PROFILE = {board.numbers()!r}",
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
    numbers = [(name, key) for name, key in numbers if key in board.tables["tcp"]]
    lines = [f"/* {board.name}: made from its board.toml by tools/firmware. */"]
    lines.append(f'#define BOARD_NAME "{board.name}"')
    lines += [f"#define BOARD_{name} ({board.number('tcp', key)})" for name, key in numbers]
    return "\n".join([*lines, ""])

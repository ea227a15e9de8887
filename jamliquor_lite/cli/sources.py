"""Where settings come from: a TOML file, then the environment, then the flags, and what is wrong with any of them."""

import difflib
import os

from ..const import const
from .knobs import BOARD, KNOBS, PREFIX, Knob, names_a_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import Any

_FILE_BYTES = const(256 * 1024)  # a configuration file longer than this is some other file
_SHOWN = const(80)  # characters of a wrong value that its line repeats
_CONFIG_VARIABLE = PREFIX + "CONFIG"
_OTHER_VARIABLES = (_CONFIG_VARIABLE, PREFIX + "TRACEBACK")


class Sources:
    """Collects values from the least to the most binding source, and what is wrong with any of them."""

    def __init__(self, environ: "Mapping[str, str]") -> None:
        self.environ = environ
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.found: dict[Knob, tuple[Any, str]] = {}

    def read_file(self, path: "str | None") -> None:
        """The file the flag names, else the one the environment names, else none."""
        path = path or self.environ.get(_CONFIG_VARIABLE)
        if not path:
            return
        tree = self._parse(path)
        tables = {knob.table for knob in KNOBS}
        self._walk(path, "", tree, tables)

    def read_environment(self) -> None:
        """JAMLIQUOR_… variables; an unknown one gets a warning, since the environment is not ours alone."""
        known = {knob.variable: knob for knob in KNOBS}
        for name in sorted(self.environ):
            if name in known and self.environ[name]:
                self._set(known[name], self.environ[name], name, f"{name}={shown(self.environ[name])}", True)
            elif name.startswith(PREFIX) and name not in known and name not in _OTHER_VARIABLES:
                self.warnings.append(
                    f"{name} is no variable of jamliquor-lite{nearest(name, known)}: not used"
                )

    def read_flags(self, args: "argparse.Namespace") -> None:
        """Flags as argparse left them: texts, and a list for the peers."""
        for knob in KNOBS:
            raw = getattr(args, knob.dest, None)
            if raw is not None:
                text = raw if isinstance(raw, str) else " ".join(raw)
                self._set(knob, raw, knob.flag, f"{knob.flag} {shown(text)}", True)

    def _parse(self, path: str) -> "dict[str, Any]":
        import tomllib

        try:
            with open(path, "rb") as file:
                data = file.read(_FILE_BYTES + 1)
            if len(data) > _FILE_BYTES:
                self.errors.append(f"{path}: longer than {_FILE_BYTES} bytes, so no configuration file")
                return {}
            return tomllib.loads(data.decode())
        except OSError as error:
            self.errors.append(f"{path}: cannot read the configuration: {error.strerror}")
        except UnicodeDecodeError as error:
            self.errors.append(f"{path}: not UTF-8 text (byte {error.start}), so no TOML file")
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self.errors.append(f"{path}: not TOML: {error}")
        return {}

    def _walk(self, path: str, table: str, tree: "dict[str, Any]", tables: "set[str]") -> None:
        """Visit one table of the file. `table` is its dotted name, "" for the top."""
        known = {knob.key: knob for knob in KNOBS if knob.table == table}
        inner = {
            name[len(table) + 1 if table else 0 :]
            for name in tables
            if name.startswith(table + "." if table else "")
        }
        inner = {name.split(".")[0] for name in inner}
        for key, raw in tree.items():
            where = f"{path}: [{table}] {key}" if table else f"{path}: {key}"
            if key in inner:
                if isinstance(raw, dict):
                    self._walk(path, f"{table}.{key}" if table else key, raw, tables)
                else:
                    self.errors.append(
                        f"{where} = {shown(raw)}: must be a table, [{table + '.' if table else ''}{key}]"
                    )
            elif key in known:
                if known[key].is_path and isinstance(raw, str) and raw and not _stands_alone(known[key], raw):
                    raw = os.path.join(os.path.dirname(path), raw)
                self._set(known[key], raw, path, f"{where} = {shown(raw)}", False)
            else:
                homes = [f"[{knob.table}]" for knob in KNOBS if knob.key == key]
                hint = f"; it belongs in {homes[0]}" if homes else nearest(key, [*known, *inner])
                self.errors.append(f"{where}: no such {'table' if isinstance(raw, dict) else 'key'}{hint}")

    def _set(self, knob: Knob, raw: "Any", source: str, shown: str, textual: bool) -> None:
        try:
            self.found[knob] = (knob.read(raw, textual), source)
        except ValueError as error:
            self.errors.append(f"{shown}: {error}")

    def value(self, knob: Knob, default: "Any") -> "Any":
        """What was found for it, else `default`."""
        return self.found[knob][0] if knob in self.found else default


def _stands_alone(knob: Knob, text: str) -> bool:
    """Whether a path of a file is not to be looked for beside it."""
    return text == "dev" or text[0] == "~" or (knob is BOARD and not names_a_file(text))


def nearest(name: str, known: "Any") -> str:
    """`; do you mean …?`, or the list of what is known when nothing is near."""
    near = difflib.get_close_matches(name, list(known), 1, 0.6)
    if near:
        return f"; do you mean `{near[0]}`?"
    return f"; known are {', '.join(sorted(known))}" if known else ""


def shown(value: "Any") -> str:
    """A value as its line repeats it: quoted as TOML would be, and cut."""
    text = (
        f'"{value}"'
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"

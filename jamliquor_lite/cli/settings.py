"""What a node runs with: the board's numbers, then a TOML file, then the environment, then the flags.

The later wins, but the board is a ceiling. Every wrong value is one line that names where it stands, what it
is and what is allowed; nothing is guessed.

    [network]
    listen_addr = "0.0.0.0"
    listen_port = 30333
    [network.bootstrap]
    nodes = ["e…@192.0.2.7:40000"]
"""

import copy
import difflib
import os

from ..budget.profile import LINUX, Profile
from ..const import const
from ..errors import LocalError
from . import addresses, crypto_choice, keyfile, lite_addresses
from .knobs import (
    CHAIN,
    CRYPTO,
    DATA,
    KEY,
    KNOBS,
    LISTEN,
    LISTEN_ADDR,
    LISTEN_PORT,
    MAX_PEERS,
    MIN_PEERS,
    NODES,
    PQ,
    PREFIX,
    Knob,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import Any

    from ..p2p.multiaddr import Multiaddr

_FILE_BYTES = const(256 * 1024)  # a configuration file longer than this is some other file
_SHOWN = const(80)  # characters of a wrong value that its line repeats
_CONFIG_VARIABLE = PREFIX + "CONFIG"
_OTHER_VARIABLES = (_CONFIG_VARIABLE, PREFIX + "TRACEBACK")
_CEILINGS = {
    "max_peers": "peers_ceiling",
    "max_download_rate": "max_download_rate",
    "max_upload_rate": "max_upload_rate",
}


class Settings:
    """What is in force. Plain attributes, made by `load` or `inspect`.

    `chain`        "dev" (the embedded chain) or the path of a chainspec file
    `data_dir`     folder of what the node keeps; made by whoever writes there first
    `key_file`     path of the node's 32-byte seed
    `listen_addr`  IP address to bind
    `listen_port`  UDP port to bind, 0 = any free one
    `peers`        list of addresses.JamAddress, without repetitions, in the order given
    `libp2p_peers` list of addresses.Multiaddr that can be dialed, likewise
    `listen`       list of p2p.multiaddr.Multiaddr to listen on over libp2p
    `crypto`       which library computes what, as crypto_choice.py reads it
    `pq`           post-quantum policy of libp2p connections: require, prefer, off
    `profile`      budget.profile.Profile of the board with the overrides applied
    `warnings`     list of texts, one line each, that a person should see once
    `values`       list of (name, value, where it comes from) for every knob, as `config check` prints them
    """

    def __init__(self) -> None:
        self.chain = "dev"
        self.data_dir = ""
        self.key_file = ""
        self.listen_addr = "0.0.0.0"
        self.listen_port = 0
        self.peers: list[addresses.JamAddress] = []
        self.libp2p_peers: list[addresses.Multiaddr] = []
        self.listen: "list[Multiaddr]" = []
        self.pq = "require"
        self.crypto = crypto_choice.AUTO
        self.profile: Profile = LINUX
        self.warnings: list[str] = []
        self.values: list[tuple[str, Any, str]] = []


def add_network_arguments(
    parser: "argparse.ArgumentParser", config_flag: bool = True, without: "tuple[Knob, ...]" = ()
) -> None:
    """`--config FILE` and one flag for every knob but those `without`. Values stay text until `load` reads them."""
    group = parser.add_argument_group(
        "configuration", f"each also as a variable of the environment: {PREFIX}…"
    )
    if config_flag:
        group.add_argument("--config", metavar="FILE", help="TOML file of settings")
    for knob in KNOBS:
        if knob in without:
            continue
        is_list = knob in (NODES, LISTEN)
        metavar = "ADDR" if is_list else knob.key.split("_")[-1].upper()
        action = "append" if is_list else "store"
        group.add_argument(knob.flag, dest=knob.dest, metavar=metavar, action=action, help=knob.summary)


def load(
    args: "argparse.Namespace", environ: "Mapping[str, str] | None" = None, board: Profile = LINUX
) -> Settings:
    """The settings in force. LocalError (the user's) for the first thing that is wrong, and how many more are."""
    settings, errors = inspect(args, environ, board)
    if errors:
        more = f" (and {len(errors) - 1} more: `jamliquor-lite config check`)" if errors[1:] else ""
        raise LocalError(errors[0] + more, 2)
    return settings


def inspect(
    args: "argparse.Namespace", environ: "Mapping[str, str] | None" = None, board: Profile = LINUX
) -> "tuple[Settings, list[str]]":
    """The settings as far as they are sound, and one line for everything that is wrong."""
    resolver = _Resolver(os.environ if environ is None else environ, board)
    resolver.read_file(getattr(args, "config", None))
    resolver.read_environment()
    resolver.read_flags(args)
    return resolver.finish(), resolver.errors


def default_data_dir(environ: "Mapping[str, str] | None" = None) -> str:
    """Where a node keeps its things unless told otherwise (XDG base directories)."""
    environ = os.environ if environ is None else environ
    if environ.get(DATA.variable):
        return os.path.expanduser(environ[DATA.variable])
    base = environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(base, "jamliquor-lite")


def default_key_file(environ: "Mapping[str, str] | None" = None) -> str:
    """Where the node's key lies unless told otherwise."""
    environ = os.environ if environ is None else environ
    if environ.get(KEY.variable):
        return os.path.expanduser(environ[KEY.variable])
    return os.path.join(default_data_dir(environ), keyfile.FILE_NAME)


class _Resolver:
    """Collects values from the least to the most binding source, and what is wrong with any of them."""

    def __init__(self, environ: "Mapping[str, str]", board: Profile) -> None:
        self.environ = environ
        self.board = board
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
                self._set(known[name], self.environ[name], name, f"{name}={_shown(self.environ[name])}", True)
            elif name.startswith(PREFIX) and name not in known and name not in _OTHER_VARIABLES:
                self.warnings.append(
                    f"{name} is no variable of jamliquor-lite{_nearest(name, known)}: not used"
                )

    def read_flags(self, args: "argparse.Namespace") -> None:
        """Flags as argparse left them: texts, and a list for the peers."""
        for knob in KNOBS:
            raw = getattr(args, knob.dest, None)
            if raw is not None:
                shown = raw if isinstance(raw, str) else " ".join(raw)
                self._set(knob, raw, knob.flag, f"{knob.flag} {_shown(shown)}", True)

    def finish(self) -> Settings:
        """Apply what was found to the board's numbers."""
        settings = Settings()
        settings.data_dir = self._value(DATA, default_data_dir({**self.environ, DATA.variable: ""}))
        settings.key_file = self._value(KEY, os.path.join(settings.data_dir, keyfile.FILE_NAME))
        settings.chain = self._value(CHAIN, settings.chain)
        settings.listen_addr = self._value(LISTEN_ADDR, settings.listen_addr)
        settings.listen_port = self._value(LISTEN_PORT, settings.listen_port)
        self._check_chain(settings.chain)
        settings.profile = copy.copy(self.board)
        for knob in KNOBS:
            if knob.field and knob in self.found:
                setattr(settings.profile, knob.field, self._under_ceiling(knob))
        self._check_peer_counts(settings.profile)
        settings.pq = self._value(PQ, settings.pq)
        settings.crypto = self._value(CRYPTO, settings.crypto)
        self._read_peers(settings)
        self._read_listen(settings)
        settings.warnings = self.warnings
        effective: dict[Knob, Any] = {CHAIN: settings.chain, DATA: settings.data_dir, KEY: settings.key_file}
        effective.update({LISTEN_ADDR: settings.listen_addr, LISTEN_PORT: settings.listen_port})
        effective.update({PQ: settings.pq, CRYPTO: settings.crypto})
        for knob in KNOBS:
            value = getattr(settings.profile, knob.field) if knob.field else effective.get(knob)
            if knob is NODES:
                value = [peer.text for peer in settings.peers] + [peer.text for peer in settings.libp2p_peers]
            elif knob is LISTEN:
                value = [address.text for address in settings.listen]
            settings.values.append((knob.name, value, self._where(knob)))
        return settings

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
                        f"{where} = {_shown(raw)}: must be a table, [{table + '.' if table else ''}{key}]"
                    )
            elif key in known:
                if known[key].is_path and isinstance(raw, str) and raw and raw != "dev" and raw[0] != "~":
                    raw = os.path.join(os.path.dirname(path), raw)
                self._set(known[key], raw, path, f"{where} = {_shown(raw)}", False)
            else:
                homes = [f"[{knob.table}]" for knob in KNOBS if knob.key == key]
                hint = f"; it belongs in {homes[0]}" if homes else _nearest(key, [*known, *inner])
                self.errors.append(f"{where}: no such {'table' if isinstance(raw, dict) else 'key'}{hint}")

    def _set(self, knob: Knob, raw: "Any", source: str, shown: str, textual: bool) -> None:
        try:
            self.found[knob] = (knob.read(raw, textual), source)
        except ValueError as error:
            self.errors.append(f"{shown}: {error}")

    def _value(self, knob: Knob, default: "Any") -> "Any":
        return self.found[knob][0] if knob in self.found else default

    def _where(self, knob: Knob) -> str:
        if knob in self.found:
            return self.found[knob][1]
        return f"board {self.board.name}" if knob.field else "default"

    def _under_ceiling(self, knob: Knob) -> int:
        value, source = self.found[knob]
        ceiling = getattr(self.board, _CEILINGS.get(knob.field, ""), 0)
        # For a rate 0 means no cap: a board that has a cap keeps it.
        if ceiling and (value > ceiling or value == 0):
            self.warnings.append(
                f"{source}: {knob.key} = {value} is more than the board {self.board.name} allows: {ceiling} is in force"
            )
            return int(ceiling)
        return int(value)

    def _check_peer_counts(self, profile: Profile) -> None:
        if profile.min_peers <= profile.max_peers:
            return
        if (
            MIN_PEERS in self.found
            and MAX_PEERS in self.found
            and self.found[MIN_PEERS][0] > self.found[MAX_PEERS][0]
        ):
            self.errors.append(
                f"{self._where(MIN_PEERS)}: min_peers = {profile.min_peers}: "
                f"must not exceed max_peers = {self.found[MAX_PEERS][0]} ({self._where(MAX_PEERS)})"
            )
        elif MAX_PEERS in self.found and MIN_PEERS not in self.found:
            profile.min_peers = (
                profile.max_peers
            )  # only the board asked for more: the person's number is the bound
        else:
            self.errors.append(
                f"{self._where(MIN_PEERS)}: min_peers = {profile.min_peers}: "
                f"must not exceed max_peers = {profile.max_peers} (board {self.board.name})"
            )

    def _check_chain(self, chain: str) -> None:
        if chain != "dev" and not os.path.isfile(chain):
            self.errors.append(
                f"{self._where(CHAIN)}: chain = {_shown(chain)}: no such file; allowed is `dev` or a chainspec file"
            )

    def _read_peers(self, settings: Settings) -> None:
        source = self._where(NODES)
        if source not in (NODES.flag, NODES.variable, "default"):
            source = f"{source}: [{NODES.table}] {NODES.key}"
        seen = set()
        for text in self._value(NODES, []):
            if text in seen:
                self.warnings.append(f"{source}: {_shown(text)} is named twice: used once")
                continue
            seen.add(text)
            try:
                address = addresses.parse(text)
            except addresses.AddressError as error:
                self.errors.append(f"{source}: {_shown(text)}: {error}")
                continue
            if isinstance(address, addresses.JamAddress):
                settings.peers.append(address)
                continue
            fault = lite_addresses.dial_fault(address)
            if fault:
                self.warnings.append(f"{source}: {_shown(text)} is skipped: {fault}")
            else:
                settings.libp2p_peers.append(address)

    def _read_listen(self, settings: Settings) -> None:
        where = self._where(LISTEN)
        source = where if where in (LISTEN.flag, LISTEN.variable) else f"{where}: [{LISTEN.table}] {LISTEN.key}"
        for text in self._value(LISTEN, []):
            try:
                settings.listen.append(lite_addresses.parse_listen(text))
            except addresses.AddressError as error:
                self.errors.append(f"{source}: {_shown(text)}: {error}")


def _nearest(name: str, known: "Any") -> str:
    """`; do you mean …?`, or the list of what is known when nothing is near."""
    near = difflib.get_close_matches(name, list(known), 1, 0.6)
    if near:
        return f"; do you mean `{near[0]}`?"
    return f"; known are {', '.join(sorted(known))}" if known else ""


def _shown(value: "Any") -> str:
    """A value as its line repeats it: quoted as TOML would be, and cut."""
    text = (
        f'"{value}"'
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"

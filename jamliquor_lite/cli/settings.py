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
import os

from ..budget import check
from ..budget.profile import LINUX, Profile
from ..const import const
from ..errors import LocalError
from ..p2p import keys
from . import addresses, crypto_choice, keyfile, lite_addresses
from .knobs import (
    ATTEST,
    AUTO,
    BOARD,
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
    MODE,
    NODES,
    PQ,
    PREFIX,
    Knob,
)
from .sources import Sources, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import Any

    from ..p2p.multiaddr import Multiaddr
    from .board_file import Board

_QUANTA = const(32)  # at least so many are in a cap
_CEILINGS = {
    "max_peers": "peers_ceiling",
    "max_download_rate": "max_download_rate",
    "max_upload_rate": "max_upload_rate",
    "cpu_permille": "cpu_permille",
    "memory_bytes": "memory_bytes",
    "day_bytes": "day_bytes",
    "month_bytes": "month_bytes",
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
    `attest`       (n, m): of m pinned peers n must agree on a checkpoint; None: they are not asked
    `board`        the board that was named, None for any Linux host
    `profile`      budget.profile.Profile of the board with the overrides applied
    `mode`         auto, full or idle (node/mode.py), or epoch (node/epoch_mode.py)
    `warnings`     list of texts, one line each, that a person should see once
    `values`       list of (name, value, where it comes from) for every knob, as `config check` prints them
    `serves`       whether it is for a gateway
    `origins`      attribute of the profile that was set -> where, and the name that it has there
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
        self.attest: tuple[int, int] | None = None
        self.crypto = crypto_choice.AUTO
        self.board: "Board | None" = None
        self.profile: Profile = LINUX
        self.mode = AUTO
        self.warnings: list[str] = []
        self.values: list[tuple[str, Any, str]] = []
        self.serves = False
        self.origins: dict[str, str] = {}

    def has_link(self, kind: str) -> bool:
        """Whether the board has this kind of link: tcp, quic or serial. Any Linux host has all."""
        return self.board is None or kind in self.board.links()

    def pinned(self) -> "list[str]":
        """The names of the peers on the lite network that the user named, each once: whoever is there must have that
        key."""
        return list(dict.fromkeys(keys.peer_name(keys.parse_peer_name(peer.peer_id)) for peer in self.libp2p_peers))

    def blame(self, field: str, text: str) -> str:
        """One line about a number of the profile, with the name that it has where it was set."""
        return f"{self.origins.get(field, f'board {self.profile.name}: {field}')}: {text}"


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
    args: "argparse.Namespace",
    environ: "Mapping[str, str] | None" = None,
    board: Profile = LINUX,
    serves: bool = False,
) -> Settings:
    """The settings in force. LocalError (the user's) for the first thing that is wrong, and how many more are."""
    settings, errors = inspect(args, environ, board, serves)
    if errors:
        more = f" (and {len(errors) - 1} more: `jamliquor-lite config check`)" if errors[1:] else ""
        raise LocalError(errors[0] + more, 2)
    return settings


def inspect(
    args: "argparse.Namespace",
    environ: "Mapping[str, str] | None" = None,
    board: Profile = LINUX,
    serves: bool = False,
) -> "tuple[Settings, list[str]]":
    """The settings as far as they are sound, and one line for everything that is wrong. `board` is what they begin
    with where none is named; a node that `serves` has room for as many peers as the board allows."""
    resolver = _Resolver(os.environ if environ is None else environ, board, serves)
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


class _Resolver(Sources):
    """Applies what was found to the numbers of a board."""

    def __init__(self, environ: "Mapping[str, str]", board: Profile, serves: bool) -> None:
        super().__init__(environ)
        self.board = board
        self.serves = serves

    def finish(self) -> Settings:
        """Apply what was found to the board's numbers."""
        settings = Settings()
        settings.board = self._choose_board()
        settings.data_dir = self.value(DATA, default_data_dir({**self.environ, DATA.variable: ""}))
        settings.key_file = self.value(KEY, os.path.join(settings.data_dir, keyfile.FILE_NAME))
        settings.chain = self.value(CHAIN, settings.chain)
        settings.listen_addr = self.value(LISTEN_ADDR, settings.listen_addr)
        settings.listen_port = self.value(LISTEN_PORT, settings.listen_port)
        self._check_chain(settings.chain)
        settings.profile = copy.copy(self.board)
        settings.serves = self.serves
        for knob in KNOBS:
            if knob.field and knob in self.found:
                setattr(settings.profile, knob.field, self._under_ceiling(knob))
                settings.origins[knob.field] = f"{self._where(knob)}: {knob.key}"
        self._check_peer_counts(settings.profile)
        _fit_quantum(settings.profile)
        settings.pq = self.value(PQ, settings.pq)
        settings.mode = self.value(MODE, settings.mode)
        settings.crypto = self.value(CRYPTO, settings.crypto)
        self._read_peers(settings)
        self._read_listen(settings)
        self._check_attest(settings)
        self._check_profile(settings)
        settings.warnings = self.warnings
        effective: dict[Knob, Any] = {CHAIN: settings.chain, DATA: settings.data_dir, KEY: settings.key_file}
        effective.update({LISTEN_ADDR: settings.listen_addr, LISTEN_PORT: settings.listen_port})
        effective.update({PQ: settings.pq, CRYPTO: settings.crypto, MODE: settings.mode})
        effective[ATTEST] = "%d/%d" % settings.attest if settings.attest else ""
        effective[BOARD] = self.value(BOARD, "")
        for knob in KNOBS:
            value = getattr(settings.profile, knob.field) // knob.scale if knob.field else effective.get(knob)
            if knob is NODES:
                value = [peer.text for peer in settings.peers] + [peer.text for peer in settings.libp2p_peers]
            elif knob is LISTEN:
                value = [address.text for address in settings.listen]
            settings.values.append((knob.name, value, self._where(knob)))
        return settings

    def _choose_board(self) -> "Board | None":
        named = None
        if BOARD in self.found:
            from . import boards  # who names none does without

            try:
                named = boards.find_linux(self.found[BOARD][0])
                self.board = named.bounds()
            except LocalError as error:
                self.errors.append(f"{self._where(BOARD)}: board: {error}")
        if self.serves:
            self.board = copy.copy(self.board)
            more = self.board.peers_ceiling - self.board.max_peers
            self.board.max_peers += more
            self.board.inbound_peers += more  # those that it serves dial it
        return named

    def _where(self, knob: Knob) -> str:
        if knob in self.found:
            return self.found[knob][1]
        return f"board {self.board.name}" if knob.field else "default"

    def _under_ceiling(self, knob: Knob) -> int:
        value, source = self.found[knob]
        value *= knob.scale
        ceiling = getattr(self.board, _CEILINGS.get(knob.field, ""), 0)
        # For a rate 0 means no cap: a board that has a cap keeps it.
        if ceiling and (value > ceiling or value == 0):
            self.warnings.append(
                f"{source}: {knob.key} = {value // knob.scale} is more than the board {self.board.name} allows: "
                f"{ceiling // knob.scale} is in force"
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

    def _check_profile(self, settings: Settings) -> None:
        # Of numbers that are wrong each on its own, no more needs to be said.
        if not self.errors:
            found = check.faults(settings.profile, has_quic=settings.has_link("quic"), serves=self.serves)
            self.errors += [settings.blame(field, text) for field, text in found]
            self.warnings += [settings.blame(field, text) for field, text in check.doubts(settings.profile)]

    def _check_chain(self, chain: str) -> None:
        if chain != "dev" and not os.path.isfile(chain):
            self.errors.append(
                f"{self._where(CHAIN)}: chain = {shown(chain)}: no such file; allowed is `dev` or a chainspec file"
            )

    def _read_peers(self, settings: Settings) -> None:
        source = self._where(NODES)
        if source not in (NODES.flag, NODES.variable, "default"):
            source = f"{source}: [{NODES.table}] {NODES.key}"
        seen = set()
        for text in self.value(NODES, []):
            if text in seen:
                self.warnings.append(f"{source}: {shown(text)} is named twice: used once")
                continue
            seen.add(text)
            try:
                address = addresses.parse(text)
            except addresses.AddressError as error:
                self.errors.append(f"{source}: {shown(text)}: {error}")
                continue
            if isinstance(address, addresses.JamAddress):
                if self._check_link(settings, "quic", f"{source}: {shown(text)}"):
                    settings.peers.append(address)
                continue
            fault = lite_addresses.dial_fault(address)
            if fault:
                self.warnings.append(f"{source}: {shown(text)} is skipped: {fault}")
            elif self._check_link(settings, link_of(address.parts[0][0]), f"{source}: {shown(text)}"):
                settings.libp2p_peers.append(address)

    def _check_attest(self, settings: Settings) -> None:
        settings.attest = self.value(ATTEST, None)
        count = len(settings.pinned())
        if settings.attest is None:
            return
        what = f"{self._where(ATTEST)}: attest = {settings.attest[0]}/{settings.attest[1]}"
        if settings.chain == "dev":
            self.errors.append(f"{what}: the embedded chain begins at its genesis; name a chain by --chain FILE")
        elif settings.attest[1] != count:
            self.errors.append(
                f"{what}: {count} peers are named by multiaddrs with their peer ids, and as many must M be "
                "(bootnodes do not count)"
            )
        elif count > settings.profile.max_peers:
            self.errors.append(f"{what}: max_peers = {settings.profile.max_peers}: there is no room for as many peers")

    def _check_link(self, settings: Settings, kind: str, what: str) -> bool:
        if not settings.has_link(kind):
            self.errors.append(f"{what}: the board {self.board.name} has no {kind} link")
        return settings.has_link(kind)

    def _read_listen(self, settings: Settings) -> None:
        where = self._where(LISTEN)
        source = where if where in (LISTEN.flag, LISTEN.variable) else f"{where}: [{LISTEN.table}] {LISTEN.key}"
        for text in self.value(LISTEN, []):
            try:
                address = lite_addresses.parse_listen(text)
                if self._check_link(settings, link_of(address.transport), f"{source}: {shown(text)}"):
                    settings.listen.append(address)
            except addresses.AddressError as error:
                self.errors.append(f"{source}: {shown(text)}: {error}")


def _fit_quantum(profile: Profile) -> None:
    # A power cut may cost one: of a small cap that would be most of it.
    for cap in (profile.day_bytes, profile.month_bytes):
        if cap:
            profile.allowance_quantum = min(profile.allowance_quantum, max(2, cap // _QUANTA))


def link_of(transport: str) -> str:
    """The kind of link that the first part of a multiaddr, or its transport, goes over."""
    return "serial" if transport == "serial" else "tcp"

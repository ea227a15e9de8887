"""`jamliquor-lite board`: the boards that are there, whether their numbers hold together, and what the system enforces
beneath a node on one with Linux."""

import json
import os
import sys

from ..errors import LocalError
from . import board_file, board_firewall, board_report, board_unit, boards
from . import settings as configuration
from .knobs import BOARD, DATA, KEY, KNOBS
from .main import PROGRAM, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .settings import Settings

_ROLES = ("run", "gateway")  # what a unit may run
_FIREWALL_FILE = "/etc/jamliquor-lite/firewall.nft"
_ABOUT = (
    "A board's numbers stand in its board.toml. `unit` and `firewall` print what makes the system enforce them beneath "
    "the node: a systemd unit, and rules for nft. Both take the settings of the node, for its ports and lower caps."
)
_EXAMPLE = (
    "example: %(prog)s firewall raspberry-pi-zero-2w --config node.toml > " + _FIREWALL_FILE + "; "
    "%(prog)s unit raspberry-pi-zero-2w --config /etc/jamliquor-lite/node.toml "
    "> /etc/systemd/system/jamliquor-lite.service"
)


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """What the command takes."""
    parser.description, parser.epilog = _ABOUT, _EXAMPLE
    actions = parser.add_subparsers(dest="action", metavar="list|show|check|unit|firewall")
    listed = actions.add_parser("list", help="a table of the boards: what they are, and how far each was tried")
    shown = actions.add_parser("show", help="a board's numbers, budgets, how to flash it, and what was tried")
    shown.add_argument("board", metavar="BOARD", help="a name that `board list` shows, or a board.toml")
    checked = actions.add_parser("check", help="whether pools, code and flash fit the board, and every key is known")
    checked.add_argument("boards", metavar="BOARD", nargs="*", help="names, or board.toml files (default: all)")
    checked.add_argument("--all", action="store_true", help="every board that is there")
    for action in (listed, shown, checked):
        action.add_argument("--json", action="store_true", help="print one JSON line")
    unit = actions.add_parser("unit", help="print a systemd unit with the board's limits")
    unit.add_argument("--role", metavar="COMMAND", default="run", help="what it runs: run or gateway (default: run)")
    unit.add_argument(
        "--program", metavar="PATH", default="", help="the program that it starts (default: this one)"
    )
    unit.add_argument(
        "--firewall", metavar="FILE", default=_FIREWALL_FILE,
        help="the rules that it loads first, from `board firewall`; empty for none (default: %(default)s)",
    )
    firewall = actions.add_parser("firewall", help="print rules for nft that shed floods before the node sees them")
    for action in (unit, firewall):
        action.add_argument("board", metavar="BOARD", help="a name that `board list` shows, or a board.toml")
        configuration.add_network_arguments(action, without=(BOARD, DATA, KEY))


def run(args: "argparse.Namespace") -> int:
    if args.action is None:
        raise LocalError(
            "say what to do: `%s board list`, `show`, `check`, `unit` or `firewall`" % PROGRAM, 2)
    if args.action in _READING:
        return _READING[args.action](args)
    boards.find_linux(args.board)  # else its mistakes would be told as those of a setting
    setattr(args, BOARD.dest, args.board)
    role = getattr(args, "role", "run")
    if role not in _ROLES:
        raise LocalError("--role %s: must be %s" % (ascii(role), " or ".join(_ROLES)), 2)
    settings = configuration.load(args, serves=role == "gateway")
    for warning in settings.warnings:
        print("%s: warning: %s" % (PROGRAM, warning), file=sys.stderr)
    print(_unit(args, settings, role) if args.action == "unit" else _firewall(settings), end="")
    return 0


def _list(args: "argparse.Namespace") -> int:
    found = [boards.find(name) for name in boards.names()]
    if args.json:
        print(json.dumps([board_report.summary(board) for board in found]))
        return 0
    for line in board_report.table(found):
        print(line)
    return 0


def _show(args: "argparse.Namespace") -> int:
    board = boards.find(args.board)
    if args.json:
        print(json.dumps(board_report.summary(board)))
        return 0
    for line in board_report.sheet(board):
        print(line)
    return 0


def _check(args: "argparse.Namespace") -> int:
    """A line for each board that is right; every mistake of the others, a line each. Status 2 when there is one."""
    if args.boards and args.all:
        raise LocalError("board check: name boards, or give --all", 2)
    paths = [boards.path_of(text) for text in args.boards or boards.names()]
    results = []
    status = 0
    for path in paths:
        board, mistakes = board_file.inspect(path)
        status = 2 if mistakes else status
        memory = {} if board is None else {name: taken.value() for name, taken in board_report.sums(board)}
        name = os.path.basename(os.path.dirname(os.path.abspath(path)))
        results.append({"board": name, "file": path, "mistakes": mistakes, "memory": memory})
        if args.json:
            continue
        if board is not None:
            if len(paths) == 1:
                for name, taken in board_report.sums(board):
                    print("%s: memory that may be in use at the same time, in bytes:" % name)
                    print("\n".join(taken.lines()))
            print(board_report.verdict(board))
        sys.stdout.flush()
        for text in mistakes:
            print("%s: %s" % (PROGRAM, one_line(text)), file=sys.stderr)
    if args.json:
        print(json.dumps(results))
    return status


_READING = {"list": _list, "show": _show, "check": _check}


def _unit(args: "argparse.Namespace", settings: "Settings", role: str) -> str:
    assert settings.board is not None
    program = os.path.abspath(args.program or sys.argv[0])
    if not os.access(program, os.X_OK) or os.path.isdir(program):
        raise LocalError("--program %s: no such program" % ascii(program), 2)
    board = os.path.abspath(args.board) if boards.names_a_file(args.board) else args.board
    command = [program, role, BOARD.flag, board]
    if args.config:
        command += ["--config", os.path.abspath(args.config)]
    for knob in KNOBS:
        given = getattr(args, knob.dest, None)
        if given is not None and knob is not BOARD:
            for text in [given] if isinstance(given, str) else given:
                command += [knob.flag, os.path.abspath(text) if knob.is_path and text != "dev" else text]
    tcp_ports, udp_ports, has_serial = links_of(settings)
    firewall = args.firewall and os.path.abspath(args.firewall) if tcp_ports or udp_ports else ""
    return board_unit.unit(settings.board, settings.profile, command, firewall, has_serial)


def _firewall(settings: "Settings") -> str:
    assert settings.board is not None
    tcp_ports, udp_ports, _ = links_of(settings)
    if not tcp_ports and not udp_ports:
        raise LocalError(
            "these settings name no port to guard: a port that the system chooses cannot be known before; give "
            "--listen with a port, or --listen-port", 2)
    return board_firewall.rules(settings.board, tcp_ports, udp_ports)


def links_of(settings: "Settings") -> "tuple[list[int], list[int], bool]":
    """(TCP ports, UDP ports, whether a serial line is used) that these settings name."""
    tcp = [address.port for address in settings.listen if address.transport == "tcp" and address.port]
    udp = [settings.listen_port] if settings.listen_port else []
    serial = any(address.transport == "serial" for address in settings.listen)
    return tcp, udp, serial or any(peer.parts[0][0] == "serial" for peer in settings.libp2p_peers)

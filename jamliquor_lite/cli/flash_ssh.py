"""`flash` over SSH: what is made here of a board's numbers and the settings, before flash/ssh.py copies it."""

import argparse
import subprocess
import sys

from ..const import const
from ..errors import LocalError
from ..flash import drive, ssh
from ..ports.cpython import share
from . import board_firewall, board_unit
from . import settings as configuration
from .board import links_of
from .knobs import BOARD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..flash.plan import Target
    from .board_file import Board
    from .settings import Settings

_BUILD_S = const(600)
_CONFIG_BYTES = const(64 * 1024)
_EXTRAS = "[quic,crypto,p2p,serial]"
# Where PyPI has no wheels of them the system's own packages are used, and our wheel has the VRF with it.
_WITHOUT_WHEELS = ("riscv64",)


def way(args: argparse.Namespace, board: "Board", target: "Target") -> ssh.Ssh:
    """The way over SSH. LocalError where the settings do not fit the board."""
    place = args.host or args.port
    ssh.Client(place, args.identity)  # whether it is a place at all, before anything is built
    settings = _settings(args, board)
    has_wheels = board.tables["cpu"]["arch"] not in _WITHOUT_WHEELS
    wheel = str(args.image) or ("" if args.dry_run else _build(board))
    if wheel:
        ssh.version_of(wheel)
    tcp_ports, udp_ports, has_serial = links_of(settings)
    firewall = board_firewall.rules(board, tcp_ports, udp_ports) if tcp_ports or udp_ports else ""
    command = [ssh.PROGRAM, "run", BOARD.flag, board.name, "--config", ssh.CONFIG]
    unit = board_unit.unit(board, settings.profile, command, ssh.FIREWALL if firewall else "", has_serial)
    text = f'[node]\nboard = "{board.name}"\n'
    if args.config:
        text = drive.read_file(args.config, _CONFIG_BYTES).decode("utf-8", "replace")
    files = ssh.Files(wheel, unit, firewall, text, bool(args.config))
    return ssh.Ssh(target, place, args.identity, files, _EXTRAS if has_wheels else "", not has_wheels, args.dry_run)


def _settings(args: argparse.Namespace, board: "Board") -> "Settings":
    words = argparse.Namespace(config=args.config or None)
    setattr(words, BOARD.dest, board.name)
    return configuration.load(words, {})


def _build(board: "Board") -> str:
    """The wheel for this board, from the checkout."""
    tool = share.CHECKOUT / "tools" / "wheel.py"
    if not tool.is_file():
        raise LocalError("name the wheel with --image FILE.whl: there is no checkout here to build it from", 2)
    arch = board.tables["cpu"]["arch"]
    machine = [arch] if arch in _WITHOUT_WHEELS else []
    done = subprocess.run([sys.executable, str(tool), *machine], stdout=subprocess.PIPE, text=True, timeout=_BUILD_S,
                          check=False)
    words = done.stdout.split()
    if done.returncode or not words:
        raise LocalError("the wheel could not be built: see above")
    return words[-1]

"""QEMU for the tools: its command line is the package's (cli/emulator.py), and what is missing is installed here."""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from jamliquor_lite.cli.board_file import Board  # noqa: E402
from jamliquor_lite.cli.emulator import command, package, program  # noqa: E402
from tools.building import ToolError, install  # noqa: E402

__all__ = ("QEMU", "command", "need_qemu")

QEMU = "qemu-system-riscv32"  # the one of the microcontrollers


def need_qemu(board: "Board | None" = None) -> str:
    """The emulator's name, of a microcontroller unless a board is named; installed as root where it is missing."""
    name, wanted = (program(board), package(board)) if board is not None else (QEMU, "qemu-system-misc")
    if not shutil.which(name):
        install([wanted], f"{name}")
        if not shutil.which(name):
            raise ToolError(f"{wanted} is installed, and there is no {name}", 2)
    return name

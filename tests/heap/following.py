"""What it takes to have a board's whole program follow a devnet on this machine (measure_follow.py)."""

import subprocess
import threading
from pathlib import Path

from jamliquor_lite.cli import board_file
from tests.devnet.process import Devnet

from .board import ROOT, Board, Ended

BOARD = ROOT / "boards" / "qemu-virt-rv32-264k" / "board.toml"
SLOT_MS = 150
_LIMIT_S = 1_800  # a fail-safe: the longest takes six minutes


def prepare(folder: Path) -> None:
    """Write what a board has on its flash, but for the settings: its profile, its areas, and erased bytes."""
    board = board_file.load(str(BOARD))
    areas = board.flash().items()
    (folder / "profile").write_text("".join(f"{name} {number}\n" for name, number in board.profile.items()))
    (folder / "flash").write_text("".join(f"{name} {offset} {size}\n" for name, (offset, size) in areas))
    (folder / "flash.bin").write_bytes(b"\xff" * board.disk_bytes())


def write_files(folder: Path, devnet: Devnet) -> None:
    """The settings, and the first checkpoint."""
    for name, data in devnet.files().items():
        (folder / name).write_bytes(data)


def run(program: Board, heap_kb: int, folder: Path, headers: int, manner: str = "asked") -> Ended:
    """Follow so many headers in a heap of so many KB; `quiet` is without questions about state, and `counted` tells the
    garbage of the last headers and of a turn."""
    command = program.command(heap_kb * 1024, "-m", "measure", "follow", str(folder), str(headers), manner)
    # The console reads standard input, which stays open and silent.
    with subprocess.Popen(
        command, cwd=Path(program.program).parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as running:
        guard = threading.Timer(_LIMIT_S, running.kill)
        guard.start()
        assert running.stdout is not None
        text = running.stdout.read()
        guard.cancel()
    return Ended(running.returncode, text)

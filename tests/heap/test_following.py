"""A board's whole program, with console and flash, follows a devnet in a capped heap: files, pools, modules, hybrid
handshake, marks, proved answers. What lives is looked at after each header."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jamliquor_lite.cli import board_file
from tests.devnet.process import Devnet

from .bars import FOLLOWING_KB, FOLLOWING_SLACK
from .board import MANIFEST, ROOT, Board, Ended, NoBoard

BOARD = ROOT / "boards" / "qemu-virt-rv32-264k" / "board.toml"
WINDOW = 50  # headers, as in measure_follow.py
SLOT_MS = 150
LIMIT_S = 1_800  # a fail-safe: the longest takes six minutes


@pytest.fixture(scope="module")
def program() -> Board:
    try:
        return Board(32, MANIFEST, "--crypto")
    except NoBoard as error:
        pytest.skip(str(error))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a board has on its flash, but for the settings."""
    board = board_file.load(str(BOARD))
    areas = board.flash().items()
    (tmp_path / "profile").write_text("".join(f"{name} {number}\n" for name, number in board.profile.items()))
    (tmp_path / "flash").write_text("".join(f"{name} {offset} {size}\n" for name, (offset, size) in areas))
    (tmp_path / "flash.bin").write_bytes(b"\xff" * board.disk_bytes())
    return tmp_path


@pytest.fixture
def devnet(folder: Path) -> "Iterator[Devnet]":
    with Devnet(folder, slot_ms=SLOT_MS, blocks=20) as running:
        for name, data in running.files().items():
            (folder / name).write_bytes(data)
        yield running


def run(program: Board, folder: Path, headers: int) -> Ended:
    command = program.command(FOLLOWING_KB * 1024, "-m", "measure", "follow", str(folder), str(headers))
    # A console reads standard input, which stays open and silent.
    with subprocess.Popen(
        command, cwd=Path(program.program).parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as running:
        guard = threading.Timer(LIMIT_S, running.kill)
        guard.start()
        assert running.stdout is not None
        text = running.stdout.read()
        guard.cancel()
    return Ended(running.returncode, text)


@pytest.mark.parametrize("headers", [200, pytest.param(2_000, marks=pytest.mark.long)])
def test_it_follows_within_its_bar_and_grows_by_nothing(
    program: Board, folder: Path, devnet: Devnet, headers: int
) -> None:
    ended = run(program, folder, headers)
    assert ended.status == 0, ended.text
    figures = ended.figures
    assert figures["headers"] >= headers and figures["refused"] == 0, ended.text
    assert figures["epochs"] >= headers // 13 and figures["adopted"] >= figures["epochs"], ended.text
    assert figures["head lag"] <= 6, ended.text
    assert figures["answered"] >= headers // 20 - 2 and "ERROR" not in ended.text, ended.text
    live = [(int(name.split()[-1]), size) for name, size in figures.items() if name.startswith("live to")]
    # From the second window on: everything has been loaded and made by then.
    settled = [size for to, size in live if to > 2 * WINDOW]
    assert len(settled) >= headers // WINDOW - 2
    assert max(settled) - min(settled) <= FOLLOWING_SLACK, ended.text

"""A board's whole program, with console and flash, follows a devnet in a capped heap: files, pools, modules, hybrid
handshake, marks, proved answers. What lives is looked at after each header."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devnet.process import Devnet

from .bars import FOLLOWING_BYTES, FOLLOWING_KB, FOLLOWING_SLACK, HEADER_GARBAGE_BYTES, TURN_GARBAGE_BYTES
from .board import WHOLE, Board, NoBoard
from .following import SLOT_MS, prepare, run, write_files

WINDOW = 50  # headers, as in measure_follow.py


@pytest.fixture(scope="module")
def program() -> Board:
    try:
        return Board(32, WHOLE, "--crypto")
    except NoBoard as error:
        pytest.skip(str(error))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


@pytest.fixture
def devnet(folder: Path) -> "Iterator[Devnet]":
    with Devnet(folder, slot_ms=SLOT_MS, blocks=20) as running:
        write_files(folder, running)
        yield running


@pytest.mark.parametrize("manner", ["asked", "quiet"])
@pytest.mark.parametrize("headers", [200, pytest.param(2_000, marks=pytest.mark.long)])
def test_it_follows_within_its_bar_and_grows_by_nothing(
    program: Board, folder: Path, devnet: Devnet, headers: int, manner: str
) -> None:
    ended = run(program, FOLLOWING_KB[manner], folder, headers, manner)
    assert ended.status == 0, ended.text
    figures = ended.figures
    assert figures["headers"] >= headers and figures["refused"] == 0, ended.text
    assert figures["epochs"] >= headers // 13 and figures["adopted"] >= figures["epochs"], ended.text
    assert figures["head lag"] <= 6, ended.text
    assert "ERROR" not in ended.text, ended.text
    if manner == "asked":
        assert figures["answered"] >= headers // 20 - 2, ended.text
    else:
        assert figures["asked"] == 0 and figures["peak"] <= FOLLOWING_BYTES, ended.text
    live = [(int(name.split()[-1]), size) for name, size in figures.items() if name.startswith("live to")]
    # From the second window on: everything has been loaded and made by then.
    settled = [size for to, size in live if to > 2 * WINDOW]
    assert len(settled) >= headers // WINDOW - 2
    assert max(settled) - min(settled) <= FOLLOWING_SLACK, ended.text


def test_a_turn_leaves_little_garbage(program: Board, folder: Path, devnet: Devnet) -> None:
    ended = run(program, 1_024, folder, 120, "counted")
    assert ended.status == 0 and ended.figures["headers"] >= 120, ended.text
    figures = ended.figures
    bar = HEADER_GARBAGE_BYTES * figures["headers counted"] + TURN_GARBAGE_BYTES * figures["turns counted"]
    assert figures["headers counted"] >= 40 and figures["garbage"] <= bar, ended.text

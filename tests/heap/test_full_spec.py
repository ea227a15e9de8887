"""A chain of 1,023 validators on a 32-bit MicroPython with the heap of a board: what it follows, and what flash wears.

The figures are printed by

    python3 -m tests.heap.test_full_spec [long]
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.heap.board import Board, Ended, NoBoard
from tests.heap.full_spec import LONG, SHORT, make

MANIFEST = Path(__file__).parent / "full_spec_manifest.py"
HEAP_KB = 96  # all of it: modules' data, the tree of 1,936 rows (48 KB), and what following takes
MARK_BYTES = 65_833  # a header with an epoch mark
SECTOR = 4096
KEYS, TICKETS, MARK = 16, 5, 17  # sectors that a key set, tickets and an epoch mark's header take


@pytest.fixture(scope="module")
def board() -> Board:
    try:
        return Board(32, MANIFEST, "--crypto")
    except NoBoard as error:
        pytest.skip(str(error))


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="jamliquor-full-"))
    yield path
    shutil.rmtree(path)


def follow(board: Board, folder: Path, resets: int = 0) -> "tuple[Ended, dict[str, int]]":
    ended = board.run(HEAP_KB * 1024, "-m", "measure_full_spec", str(folder), str(resets))
    assert ended.status == 0, ended.text
    return ended, ended.figures


def test_epoch_marks_go_through_flash(board: Board, folder: Path) -> None:
    chain = make(folder, SHORT)
    sets = (folder / "sets").read_bytes()
    ended, figures = follow(board, folder)
    assert "backend c" in ended.text and "best " + chain.best.hash.hex() in ended.text
    assert figures["headers"] == len(chain.chain()) - 1 >= 24 and figures["best slot"] == chain.best.slot
    assert figures["longest header"] == MARK_BYTES and figures["long headers"] == 2
    assert figures["refused"] == figures["wasted"] == 0
    # What each epoch mark costs: its sectors of scratch once, and those of the key set that it names.
    assert figures["scratch sectors erased"] == 2 * MARK and figures["sets sectors erased"] == 2 * KEYS
    assert figures["scratch bytes written"] == 2 * -(-MARK_BYTES // 256) * 256
    assert figures["sets bytes written"] == 2 * KEYS * SECTOR and figures["sets written"] == 2
    assert figures["tree sectors erased"] == 1
    assert figures["heap peak"] <= HEAP_KB * 1024
    # The other sets of the image are where they were.
    after = (folder / "sets").read_bytes()
    assert sum(sets[at : at + SECTOR] != after[at : at + SECTOR] for at in range(0, len(sets), SECTOR)) == 2 * KEYS
    # Once more over the same flash, from the same start: the sets are found and not written again.
    _, again = follow(board, folder)
    assert again["sets sectors erased"] == 0 and again["scratch sectors erased"] == 2 * MARK


def test_what_does_not_fit_is_seen(board: Board, folder: Path) -> None:
    make(folder, SHORT[:1])
    ended = board.run(48 * 1024, "-m", "measure_full_spec", str(folder))
    assert ended.status != 0 and "MemoryError" in ended.text


@pytest.mark.long
def test_four_epochs_with_every_mark_adopted_and_resets_on_the_way(board: Board, folder: Path) -> None:
    chain = make(folder, LONG)
    first = {name: (folder / name).read_bytes() for name in ("sets", "scratch", "tree")}
    ended, figures = follow(board, folder)
    assert "best " + chain.best.hash.hex() in ended.text
    assert figures["headers"] == len(chain.chain()) - 1 > 2_000 and figures["long headers"] == 7
    assert figures["keys adopted"] == 4 and figures["tickets adopted"] == 3 and not figures["refused"]
    assert figures["saved slot"] == figures["root slot"] >= 1200 and figures["rows"] <= 1936
    assert figures["sets sectors erased"] == 4 * KEYS + 3 * TICKETS
    for name, data in first.items():
        (folder / name).write_bytes(data)
    ended, resets = follow(board, folder, 3)
    assert "best " + chain.best.hash.hex() in ended.text
    # Headers are fetched again after a reset, and sets are not written again.
    assert resets["headers"] > figures["headers"] and resets["sets sectors erased"] == figures["sets sectors erased"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), LONG if sys.argv[1:] == ["long"] else SHORT)
        program = Board(32, MANIFEST, "--crypto").command(HEAP_KB * 1024, "-m", "measure_full_spec", name)
        sys.exit(subprocess.run(program, cwd=Path(program[0]).parent).returncode)

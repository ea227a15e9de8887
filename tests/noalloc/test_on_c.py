"""The files of this folder on a 32-bit MicroPython with frozen modules and the cryptography in C, as a board has it."""

import pytest

from tests.heap.board import FROZEN, ROOT, Board, NoBoard

HEAP = 2 * 1024 * 1024
FILES = (
    "tests/noalloc/test_budgets.py", "tests/noalloc/test_following.py", "tests/noalloc/test_frames.py",
    "tests/noalloc/test_header.py",
    "tests/noalloc/test_link.py", "tests/noalloc/test_proof.py", "tests/transport/test_allocation.py",
)


@pytest.fixture(scope="module")
def program() -> Board:
    try:
        return Board(32, FROZEN, "--crypto")
    except NoBoard as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("path", FILES)
def test_it_takes_what_it_says(program: Board, path: str) -> None:
    ended = program.run(HEAP, str(ROOT / "tests" / "run.py"), "--frozen", path)
    assert ended.status == 0 and "\nFAIL" not in ended.text, ended.text
    assert " 0 failed, 0 skipped" in ended.text, ended.text

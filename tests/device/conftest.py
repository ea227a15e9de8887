"""What every test of a whole board needs: its firmware, built once, or a skip that says what this machine lacks."""

from pathlib import Path

import pytest

from tests.device.emulated import BOARDS, Emulated, NoBoard, firmware


@pytest.fixture(scope="session")
def small() -> str:
    """The name of the smallest board, with its firmware built."""
    return _built(BOARDS[0])


@pytest.fixture(scope="session", params=BOARDS)
def board_name(request: pytest.FixtureRequest) -> str:
    """The name of each board, with its firmware built."""
    return _built(request.param)


def _built(name: str) -> str:
    try:
        firmware(name)
    except NoBoard as error:
        pytest.skip(str(error))
    return name


@pytest.fixture
def boot(small: str, tmp_path: Path):
    """boot("program", …) starts the smallest board with that as its main.py; all are stopped at the test's end."""
    started = []

    def start(program: str, **options) -> Emulated:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        board = Emulated(small, folder, {"main.py": program.encode()}, **options)
        board.start()
        started.append(board)
        return board

    yield start
    for board in started:
        board.stop()

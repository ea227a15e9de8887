"""The 32-bit MicroPython, once for all tests of this folder."""

import pytest

from .board import Board, NoBoard


@pytest.fixture(scope="session")
def board() -> Board:
    """Built on demand; a skip that says why where gcc makes no 32-bit programs."""
    try:
        return Board()
    except NoBoard as error:
        pytest.skip(str(error))

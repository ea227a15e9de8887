"""What the tests of Raspberry Pi's boards need: a firmware, built once, or a skip that says what this machine lacks."""

import pytest

from tests.device.emulated import NoBoard
from tests.pico.emulated import NAME, uf2_of


@pytest.fixture(scope="session")
def picked() -> str:
    """The name of the board that rp2040js emulates, with its firmware built."""
    return built(NAME)


def built(name: str) -> str:
    """The name, once the firmware is there."""
    try:
        uf2_of(name)
    except NoBoard as error:
        pytest.skip(str(error))
    return name

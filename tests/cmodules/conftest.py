import pytest

from tests.cmodules.library import Library
from tools.building import ToolError


@pytest.fixture(scope="session")
def c(tmp_path_factory: pytest.TempPathFactory) -> Library:
    try:
        return Library(tmp_path_factory.mktemp("jamcrypto"))
    except ToolError as error:
        if error.status == 2:  # this machine lacks what it takes
            pytest.skip(str(error))
        raise

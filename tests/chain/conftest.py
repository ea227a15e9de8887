"""What follows a chain here does it twice: with validator sets and tickets in memory, and in flash."""

import pytest

from tests.chain import chains


def pytest_generate_tests(metafunc):
    if "Recorder" in vars(metafunc.module):
        metafunc.fixturenames.append("store")
        metafunc.parametrize("store", ["memory", "flash"], indirect=True)


@pytest.fixture
def store(request):
    chains.STORES.append(request.param)
    yield
    chains.STORES.pop()

import os

import pytest

from tests.bandersnatch_c import driver


@pytest.fixture(scope="package")
def compiler():
    why = driver.need_compiler()
    if why and os.environ.get("CI"):
        pytest.fail(why)
    if why:
        pytest.skip(why)


@pytest.fixture(scope="package", params=driver.BUILDS)
def c(request, compiler, tmp_path_factory):
    """The C code of each build in turn, under sanitizers."""
    program = driver.build(tmp_path_factory.mktemp("bandersnatch_c"), request.param)
    if isinstance(program, str):
        pytest.skip(program)
    running = driver.Driver(program)
    yield running
    running.close()

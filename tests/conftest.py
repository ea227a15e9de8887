"""How pytest runs the tree: soaks only when asked for, what tests install never skipped in CI, no setting leaks in."""

import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes says something of the machine only: a bound on it fails when others work beside it.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Folders whose tests install, build or are allowed what they run against, and the marker they get.
INSTALLED = {
    "tests/interop/": "interop",
    "tests/heap/": "micropython",
    "tests/cmodules/": "compiled",
    "tests/device/": "device",
    "tests/pico/": "pico",
    "tests/linux_boards/": "linux",
    "tests/hostile/": "hostile",
}


# What measures time or CPU, or has real delays to beat, and is not to share a processor with another test: the unit
# suite runs it by itself.
ALONE = (
    "tests/boards/test_firewall.py",
    "tests/cli/test_budgets.py",
    "tests/gateway/test_network.py",
    "tests/gateway/test_quanta.py",
    "tests/node/test_soak.py",
    "tests/test_bench_budget.py",
    "tests/test_bench_p2p.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the soaks (marked `long`) and nothing else")


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith("JAMLIQUOR_")]:
        del os.environ[name]


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, left = [], []
    for item in items:
        for folder, marker in INSTALLED.items():
            if item.nodeid.startswith(folder):
                item.add_marker(marker)
        if item.nodeid.startswith(ALONE):
            item.add_marker("alone")
        wanted = (item.get_closest_marker("long") is not None) == config.getoption("--long")
        (kept if wanted else left).append(item)
    items[:] = kept
    if left:
        config.hook.pytest_deselected(items=left)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI these tests have what they need, or install it; a skip there would hide what is missing."""
    report = yield
    installs = any(item.get_closest_marker(marker) for marker in INSTALLED.values())
    if report.skipped and os.environ.get("CI") and installs:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped in CI, where it must run: {report.longrepr}"
    return report

"""Bars on the heap of a 32-bit MicroPython: each step runs in a process whose heap is capped at the bar.

A bar is a little above what was measured, so that growth is noticed where it happens. The figures themselves, and the
least heap of each step, are printed by tools/bench/heap.py.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.run import find

from .bars import CALLS, DIALS, IDLE_BYTES
from .board import ROOT, Board, Ended
from .peer import Peer

QUICK = tuple("tests/%s/" % name for name in ("budget", "codec", "crypto", "node", "p2p", "ports", "transport"))
PORTABLE_HEAP = 2 * 1024 * 1024  # as tools/suites.py gives the wheel

@pytest.mark.parametrize(("primitive", "bar_kb"), CALLS)
def test_a_pure_primitive_keeps_within_its_bar(board: Board, primitive: str, bar_kb: int) -> None:
    ended = board.step(bar_kb, "call", primitive)
    assert ended.status == 0, ended.text
    assert primitive in ended.figures


def test_what_does_not_fit_is_seen(board: Board) -> None:
    ended = board.step(10, "call", "mlkem768")
    assert ended.status != 0 and "MemoryError" in ended.text


@pytest.mark.parametrize(("suite", "bar_kb"), DIALS)
def test_a_dial_with_ping_and_identify_keeps_within_its_bar(board: Board, suite: str, bar_kb: int) -> None:
    peer = Peer(suite)
    with peer as port:
        ended = board.step(bar_kb, "dial", suite, str(port))
    assert ended.status == 0, ended.text
    assert ended.figures["identify protocols"] > 0 and ended.figures["rtt"] >= 0
    # And the other way round: the board said who it is, and echoed.
    (guest,) = peer.guests
    assert guest.is_answered and guest.services.info is not None
    assert guest.services.info.agent == "jamliquor-lite" and guest.services.rtt_ms >= 0
    assert guest.connection.suite == {"plain": "classical", "hybrid": "hybrid"}[suite]


@pytest.mark.parametrize(("suite", "bar_kb"), DIALS)
def test_an_idle_connection_keeps_within_its_bar(board: Board, suite: str, bar_kb: int) -> None:
    with Peer(suite, pings=False) as port:
        ended = board.step(128, "idle", suite, str(port), "6")
    assert ended.status == 0, ended.text
    # The first one brings the modules that a connection needs.
    taken = [ended.figures["connection %d" % number] for number in range(1, 6)]
    assert 0 < min(taken) and max(taken) <= IDLE_BYTES, taken


def test_it_is_a_32_bit_interpreter_with_frozen_modules(board: Board) -> None:
    ended = board.run(
        64 * 1024, "-c", "import sys, jamliquor_lite.errors as e; print(sys.maxsize); print(e.__file__)"
    )
    assert ended.text.split() == ["2147483647", "jamliquor_lite/errors.py"]
    # The same module off the disk would take heap for its code.
    assert board.step(16, "imports", "errors").figures["errors"] < 1024


def _portable() -> "list[object]":
    """All portable test files; those of the slow folders are for the soak."""
    return [
        pytest.param(path, id=path, marks=() if path.startswith(QUICK) else pytest.mark.long)
        for path in find("tests", [])
    ]


@pytest.fixture(scope="module")
def runs(board: Board, request: pytest.FixtureRequest) -> "Iterator[dict[str, Future[Ended]]]":
    """The portable files that were asked for, each in a process, as many at a time as there are processors."""
    paths = [
        item.callspec.params["path"] for item in request.session.items
        if isinstance(item, pytest.Function) and item.function is test_portable_tests_pass_on_32_bits
    ]
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    script = str(ROOT / "tests" / "run.py")
    yield {path: pool.submit(board.run, PORTABLE_HEAP, script, path) for path in paths}
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("path", _portable())
def test_portable_tests_pass_on_32_bits(runs: "dict[str, Future[Ended]]", path: str) -> None:
    """Small integers end at 30 bits there, and an object is half as large."""
    ended = runs[path].result()
    assert ended.status == 0, ended.text[-4000:]

"""Boards with Linux follow a devnet within limits that their kernel keeps, answer on their serial console, and go on
after a power cut: what a microcontroller has to pass (tests/device/test_following.py), on the same kind of console.

Both boards of QEMU's `virt` run side by side, since most of it is waiting.
"""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.device.person import HEADERS_MS, HOST, MEMORY, QUESTIONS, TRUST, Person, check
from tests.devnet.process import Devnet
from tests.linux_boards.board import LinuxBoard
from tools import linux_image

BOARDS = ("qemu-virt-riscv64", "qemu-virt-aarch64")
RASPBERRY = "raspberry-pi-zero-2w"
SLOT_MS = 2_000  # a header takes some 25 ms of a processor of which the node has a quarter
BLOCKS = 60  # that are there at the start
_PAUSE_S = 1.0
_MIB = 1 << 20
_LIMITS = re.compile(r"board-init: memory.max (\d+), cpu.max (\d+) 100000, pids.max (\d+)")
_SPENT = re.compile(r"jamliquor-lite at ([\d.]+) s: memory.peak (\d+) .* oom (\d+) oom_kill (\d+) .* usage_usec (\d+) ")
_PROOF = re.compile(r"jamliquor-lite-proof at .* max [1-9]\d* oom [1-9]\d* oom_kill 1 .* nr_throttled (\d+)")
_NAME = re.compile(r"following \S+ as (\S+), listening")


class Run(NamedTuple):
    """What one board did: `answers` it proved, the slot of its trusted `root` before the power cut, the slot that it
    began at after it (`again`), `names` before and after, memory in bytes, ms of the processor per header."""

    board: LinuxBoard
    answers: "list[str]"
    root: int
    rows: "list[int]"
    names: "list[str]"
    rss: int
    header_ms: float
    lines: "list[str]"


def follow(name: str, folder: Path, devnet: Devnet) -> Run:
    """The whole of one board, from its first start to a while after a power cut."""
    peer = devnet.peer.replace("127.0.0.1", HOST)
    config = linux_image.settings(devnet.chainspec, [peer])
    with LinuxBoard(name, folder, config, "board.prove") as board:
        person = begin(board)
        person.until_checked(45)
        answers = [person.proved(question) for question in (*QUESTIONS, *QUESTIONS)]
        check(person, 10)
        (trust, memory) = person.status(TRUST, MEMORY)
        checked = person.checked()
        (spent,) = person.ask("budget", HEADERS_MS)
        names = [board.expect_kernel(_NAME.pattern)[1]]
        lines = board.kernel_lines()
    if board.is_diskless:
        return Run(board, answers, int(trust[2]), [], names, int(memory[1]), int(spent[1]) / checked, lines)
    with LinuxBoard(name, folder, config) as board:
        person = begin(board)
        person.until_checked(30)
        answers.append(person.proved("slot"))
        check(person, 1)
        (first,) = person.status(TRUST)
        names.append(board.expect_kernel(_NAME.pattern)[1])
        return Run(
            board, answers, int(trust[2]), [int(first[2])], names, int(memory[1]), int(spent[1]) / checked, lines
        )


def begin(board: LinuxBoard) -> Person:
    """Once its console is open."""
    board.expect_kernel("console at /dev/")
    return Person(board, _PAUSE_S)


def check_limits(run: Run) -> int:
    """That the kernel kept the limits of the board's unit; memory.max in bytes."""
    board = run.board.board
    text = "\n".join(run.lines)
    limits = _LIMITS.search(text)
    assert limits, text
    stops = board.tables["stops"]
    assert int(limits[1]) == board.bounds().memory_bytes + stops["kernel_mb"] * _MIB
    assert int(limits[2]) == stops["cpu_percent"] * 1000 and int(limits[3]) == stops["tasks"]
    assert "4 MiB more than memory.max ends with status 137" in text, "killed by the kernel, signal 9"
    proof = _PROOF.search(text)
    assert proof and int(proof[1]) > 0, text
    spent = _SPENT.findall(text)
    assert spent and all(row[2] == row[3] == "0" for row in spent), "the node itself stays below"
    assert all(int(row[1]) <= int(limits[1]) for row in spent)
    for (at, *_, used), (later, *_, more) in zip(spent, spent[1:]):
        share = (int(more) - int(used)) / (float(later) - float(at)) / 10_000
        assert share <= stops["cpu_percent"] * 1.05, f"{share:.1f} % of the processor"
    return int(limits[1])


class Runs:
    """Boards that run beside each other."""

    def __init__(self, folder: Path, devnet: Devnet) -> None:
        self._workers = ThreadPoolExecutor(len(BOARDS))
        self._runs: "dict[str, Future[Run]]" = {}
        for name in BOARDS:
            (folder / name).mkdir()
            self._runs[name] = self._workers.submit(follow, name, folder / name, devnet)

    def of(self, name: str) -> Run:
        """What it did, once it has; or why it did not."""
        return self._runs[name].result()

    def close(self) -> None:
        self._workers.shutdown()


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Devnet]":
    with Devnet(tmp_path_factory.mktemp("devnet"), slot_ms=SLOT_MS, blocks=BLOCKS) as running:
        yield running


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, devnet: Devnet) -> "Iterator[Runs]":
    running = Runs(tmp_path_factory.mktemp("boards"), devnet)
    yield running
    running.close()


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_follows_answers_and_goes_on_after_a_power_cut(name: str, runs: Runs) -> None:
    run = runs.of(name)
    assert len(run.answers) == 11 and any("absent" in text or "none" in text for text in run.answers), run.answers
    assert run.root > 0 and run.names[0] == run.names[1], "the key is kept"
    assert run.rows[0] >= run.root, "what was vouched for is kept"


@pytest.mark.parametrize("name", BOARDS)
def test_the_kernel_keeps_the_limits_of_the_board(name: str, runs: Runs) -> None:
    assert check_limits(runs.of(name)) <= (48 if name == BOARDS[0] else 56) * _MIB


def test_riscv64_takes_30_mb_and_its_header_check_is_told(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs.of(BOARDS[0])
    with capsys.disabled():
        for name in BOARDS:
            other = runs.of(name)
            print(f"\n{name}: {other.rss / 1e6:.1f} MB resident, {other.header_ms:.1f} ms a header", end="")
    assert run.rss <= 30_000_000


@pytest.mark.long
def test_a_raspberry_pi_follows_and_answers(tmp_path: Path, devnet: Devnet) -> None:
    """QEMU's Raspberry Pi 3: the same cores and UARTs; a card on USB is its network."""
    run = follow(RASPBERRY, tmp_path, devnet)
    assert len(run.answers) == 10 and run.root > 0
    check_limits(run)

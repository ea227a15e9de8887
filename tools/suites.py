"""The test suites and their minutes. `tools/test` starts it inside .venv, at the checkout's root.

Every suite runs, whatever became of the one before. The last line counts the tests of all suites together:
`N passed, N failed, N skipped`. Exit status 1 when anything failed or a suite ran no test.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# The folders of each suite that has folders of its own, which `unit` leaves out.
FOLDERS = {
    "cmodules": ("tests/cmodules", "tests/bandersnatch_c"),
    "heap": ("tests/heap", "tests/noalloc"),
    "device": ("tests/device",),
    "interop": ("tests/interop",),
    "hostile": ("tests/hostile",),
    "pico": ("tests/pico",),
    "linux": ("tests/linux_boards",),
}
# Enough for a test that holds a whole vector file (550 KB) and a fork tree in one piece (512 KB), when what the one
# before it held still looks alive to the collector; a leak does not fit.
HEAP = "4M"
PYTEST = [sys.executable, "-m", "pytest", "-q"]
COUNT = re.compile(r"\b(\d+) (passed|failed|skipped|errors?)\b")
NO_TESTS = 5  # pytest's exit status when it collected none
# Test processes at the same time: what each takes in memory and in deadlines is meant for few.
WORKERS = min(4, len(os.sched_getaffinity(0)))
# Those that run now; Ctrl-C ends them.
RUNNING: "set[subprocess.Popen[str]]" = set()
# Suites that run side by side, those of a lane one after the other: each keeps one processor busy at most.
LANES = (("device",), ("pico", "interop"))
HEARD = threading.local()  # `lines`: what the suite of this thread said, where it has to wait to be shown
# What hangs is ended, so that the closing line comes in any case.
FILE_SECONDS = 600
SUITE_SECONDS = 1_800
SOAK_SECONDS = 10_800
BOARDS = ("qemu-virt-rv32-264k", "qemu-virt-rv32-520k")
# Of the portable files, those that run inside a board each time: a part of every layer, for a minute; with --long all.
ON_BOARD = tuple(
    f"tests/{name}.py"
    for name in (
        "budget/test_pool", "chain/test_epoch", "chain/test_header", "cmodules/test_binding", "codec/test_cbor",
        "codec/test_serial_frame", "codec/test_varint", "console/test_console", "jam/test_kinds",
        "node/test_board_config", "p2p/test_identify", "ports/test_contract", "sync/test_follow_portable",
        "transport/test_multistream", "transport/test_yamux",
    )
)


# And inside a Pico in rp2040js, which takes ten times as long for each; the cryptography alone would take as long
# again, and a node that follows needs all of it.
ON_PICO = tuple(
    f"tests/{name}.py"
    for name in (
        "budget/test_pool", "codec/test_cbor", "codec/test_serial_frame", "codec/test_varint", "jam/test_kinds",
        "node/test_board_config", "transport/test_multistream",
    )
)


class Counts:
    """Passed, failed and skipped, summed over suites."""

    def __init__(self, passed: int = 0, failed: int = 0, skipped: int = 0) -> None:
        self.passed = passed
        self.failed = failed
        self.skipped = skipped

    def add(self, other: "Counts") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read_counts(line: str) -> Counts:
    """The counts in a closing line of pytest or of tests/run.py; errors count as failures."""
    found = {word: int(number) for number, word in COUNT.findall(line)}
    failed = found.get("failed", 0) + found.get("error", 0) + found.get("errors", 0)
    return Counts(found.get("passed", 0), failed, found.get("skipped", 0))


def pass_on(line: str) -> None:
    """What a test process says, as it says it, or when its suite has ended."""
    lines = getattr(HEARD, "lines", None)
    if lines is None:
        print(line, end="", flush=True)
    else:
        lines.append(line)


def stream(command: list[str], limit_s: float, show: Callable[[str], object] = pass_on) -> tuple[int, str]:
    """Run it for `limit_s` at most; `show` gets its output line by line. (exit status, the last line that counts)."""
    # A group of its own, so that a hung test's children end with it.
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert process.stdout is not None
    overdue = threading.Timer(limit_s, end, (process, f"{command[0]} took more than {limit_s:.0f} s: ended"))
    overdue.start()
    RUNNING.add(process)
    last = ""
    try:
        for line in process.stdout:
            show(line)
            if COUNT.search(line):
                last = line
        return process.wait(), last
    except KeyboardInterrupt:
        end(process, "interrupted")
        raise
    finally:
        overdue.cancel()
        RUNNING.discard(process)


def end(process: "subprocess.Popen[str]", why: str) -> None:
    """Kill a test process and the processes it started."""
    print(why, flush=True)
    os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def ending_all(threads: ThreadPoolExecutor) -> Iterator[None]:
    """Who waits for these threads inside ends their processes when it fails: Ctrl-C reaches one thread only."""
    try:
        yield
    except BaseException:
        threads.shutdown(wait=False, cancel_futures=True)
        for process in list(RUNNING):
            end(process, "interrupted")
        raise


def pytest_suite(limit_s: float, *arguments: str, workers: int = 1) -> Counts:
    """One pytest run. A run that fails without a failed test (a crash, no test at all) counts as one failure.

    With several workers files run side by side, the tests of one file in one worker and in their order.
    """
    spread = ["-n", str(workers), "--dist", "loadfile"] if workers > 1 else []
    status, last = stream([*PYTEST, *spread, *arguments], limit_s)
    counts = read_counts(last)
    if status == NO_TESTS:
        print("no test ran")
    if status and not counts.failed:
        counts.failed = 1
    return counts


def lint() -> Counts:
    """ruff and mypy; each counts as one test."""
    counts = Counts()
    for command in (["ruff", "check", "."], ["mypy"]):
        status, _ = stream([str(BIN / command[0]), *command[1:]], FILE_SECONDS)
        counts.add(Counts(failed=1) if status else Counts(passed=1))
    return counts


def unit() -> Counts:
    """Everything on CPython that has no suite of its own: side by side, then what measures time or CPU by itself."""
    left_out = [f"--ignore={folder}" for folders in FOLDERS.values() for folder in folders]
    # One more than there are processors: most of these wait for a moment now and then.
    counts = pytest_suite(SUITE_SECONDS, "tests", *left_out, "-m", "not alone", workers=WORKERS + 1)
    counts.add(pytest_suite(SUITE_SECONDS, "tests", *left_out, "-m", "alone"))
    return counts


def portable() -> Counts:
    """The portable files on MicroPython, each in a process of its own with a capped heap, one on each processor."""
    sys.path.insert(0, str(ROOT))
    from tests.run import find

    counts = Counts()
    with ThreadPoolExecutor(WORKERS) as threads:
        asked = [threads.submit(portable_file, path) for path in find("tests", [])]
        with ending_all(threads):
            for each in as_completed(asked):
                found, said = each.result()
                print(said, end="", flush=True)
                counts.add(found)
    return counts


def portable_file(path: str) -> tuple[Counts, str]:
    """One portable file on MicroPython: its counts, and what it printed, whole, since others run beside it."""
    said = [path + "\n"]
    command = [str(BIN / "micropython"), "-X", f"heapsize={HEAP}", "tests/run.py", path]
    status, last = stream(command, FILE_SECONDS, said.append)
    counts = read_counts(last)
    if status and not counts.failed:
        said.append(f"FAIL {path} - the interpreter ended with status {status}\n")
        counts.failed += 1
    return counts, "".join(said)


def cmodules() -> Counts:
    """The cryptography in C: on this machine under sanitizers and valgrind, in a MicroPython, and counted on RV32."""
    return pytest_suite(SUITE_SECONDS, *FOLDERS["cmodules"], workers=WORKERS)


def heap() -> Counts:
    """The node's parts on a 32-bit MicroPython with a capped heap, which the tests build first (half a minute)."""
    return pytest_suite(SUITE_SECONDS, *FOLDERS["heap"], workers=WORKERS)


def device() -> Counts:
    """Whole boards in QEMU, whose firmware is built first (two minutes); then portable files inside one of them."""
    counts = pytest_suite(SUITE_SECONDS, *FOLDERS["device"])
    counts.add(on_board(BOARDS[0], ON_BOARD))
    return counts


def on_board(board: str, files: tuple[str, ...]) -> Counts:
    """`tests/run.py --on`; without files it takes all that are portable."""
    status, last = stream([sys.executable, "tests/run.py", "--on", board, *files], SUITE_SECONDS)
    counts = read_counts(last)
    if status and not counts.failed:
        print(f"FAIL tests/run.py --on {board} - ended with status {status}")
        counts.failed = 1
    return counts


def linux() -> Counts:
    """Boards with Linux in QEMU, whose images are made first (a minute); two of them side by side."""
    return pytest_suite(SUITE_SECONDS, *FOLDERS["linux"])


def pico() -> Counts:
    """Firmware of Raspberry Pi's boards, which is built first (two minutes), and run in rp2040js; then portable files
    inside that."""
    counts = pytest_suite(SUITE_SECONDS, *FOLDERS["pico"])
    counts.add(on_board("pico", ON_PICO))
    return counts


def interop() -> Counts:
    """Peers that others wrote, installed by the tests themselves."""
    return pytest_suite(SUITE_SECONDS, *FOLDERS["interop"])


def hostile() -> Counts:
    """A node under attack, in network namespaces (a minute and a half); needs root or user namespaces."""
    return pytest_suite(SUITE_SECONDS, *FOLDERS["hostile"], "-s")


def soak() -> Counts:
    """The tests marked `long`, in any folder, and all portable files inside each board."""
    counts = pytest_suite(SOAK_SECONDS, "tests", "--long")
    for board in BOARDS:
        counts.add(on_board(board, ()))
    return counts


SUITES: dict[str, Callable[[], Counts]] = {
    "lint": lint,
    "unit": unit,
    "portable": portable,
    "cmodules": cmodules,
    "heap": heap,
    "device": device,
    "linux": linux,
    "pico": pico,
    "interop": interop,
    "hostile": hostile,
    "long": soak,
}


def choose(arguments: list[str]) -> list[str]:
    """The suites that the command line asks for. SystemExit with one line when it names an unknown one."""
    named = [word for word in arguments if word != "--long"]
    unknown = [word for word in named if word not in SUITES]
    if unknown:
        print(f"test: no suite `{unknown[0]}`; there are: {', '.join(SUITES)} and --long", file=sys.stderr)
        sys.exit(2)
    chosen = named or [name for name in SUITES if name != "long"]
    if "--long" in arguments and "long" not in chosen:
        chosen.append("long")
    return chosen


def run_suite(name: str) -> tuple[Counts, float]:
    """One suite: its counts, and how many minutes it took."""
    start = time.monotonic()
    counts = SUITES[name]()
    if not counts.passed and not counts.failed:
        counts.failed = 1
        pass_on(f"the suite {name} ran no test\n")
    return counts, (time.monotonic() - start) / 60


def run_lane(names: list[str]) -> "list[tuple[Counts, float]]":
    """Suites one after the other, beside other lanes: what each said is shown when it has ended."""
    found = []
    for name in names:
        HEARD.lines = []
        found.append(run_suite(name))
        print(f"== {name}\n{''.join(HEARD.lines)}", end="", flush=True)
    return found


def run_lanes(lanes: list[list[str]]) -> "list[tuple[Counts, float]]":
    """All lanes side by side; the suites' counts and minutes in their order."""
    with ThreadPoolExecutor(len(lanes)) as threads:
        asked = [threads.submit(run_lane, names) for names in lanes]
        with ending_all(threads):
            return [found for each in asked for found in each.result()]


def main(arguments: list[str]) -> int:
    """Run the suites, print their minutes, then the closing line."""
    total, start = Counts(), time.monotonic()
    report, left = [], choose(arguments)
    while left:
        lanes = [[name for name in lane if name in left] for lane in LANES]
        is_first = any(left[0] in lane for lane in lanes) and all(lanes)
        names = [name for lane in lanes for name in lane] if is_first else left[:1]
        left = [name for name in left if name not in names]
        print(f"== {', '.join(names)}", flush=True)
        for name, (counts, minutes) in zip(names, run_lanes(lanes) if is_first else [run_suite(names[0])], strict=True):
            total.add(counts)
            report.append(f"{name:10}{minutes:6.1f} min   {counts}")
    report.append(f"{'all':10}{(time.monotonic() - start) / 60:6.1f} min")
    print("\n" + "\n".join(report) + "\n")
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`tools/run`, `tools/test` and `tools/suites.py`: what they install, when, and how they count.

The installing is tested with stand-ins for python3, apt-get and id in a folder that is the whole PATH.
"""

import importlib.util
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ALONE
from tests.run import is_portable

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("bash", "env", "cat", "cmp", "dirname", "flock", "mktemp", "rm", "tail", "mkdir", "chmod", "touch")

PYTHON = """#!/usr/bin/env bash
# Knows only what tools/environment.sh asks of it; `ensurepip` is there once apt-get has been here.
case "$*" in
*"import ensurepip"*) [ -e "$FAKE/venv-is-there" ] ;;
*"-m venv"*) mkdir -p "$3/bin"; cat "$FAKE/venv-python" >"$3/bin/python"; chmod +x "$3/bin/python" ;;
*) exit 0 ;;
esac
"""
VENV_PYTHON = """#!/usr/bin/env bash
case "$*" in
*"-m pip"*)
    echo "pip $*" >>"$FAKE/log"
    [ ! -e "$FAKE/pip-fails" ] || { echo "no such package" >&2; exit 1; }
    printf '#!/usr/bin/env bash\\necho started "$@"\\n' >"${0%/*}/jamliquor-lite"
    chmod +x "${0%/*}/jamliquor-lite" ;;
*) exit 0 ;;
esac
"""
APT_GET = """#!/usr/bin/env bash
echo "apt-get $*" >>"$FAKE/log"
[ ! -e "$FAKE/apt-fails" ] || { echo "E: no network" >&2; exit 100; }
[ "$1" = update ] || touch "$FAKE/venv-is-there"
"""


class Machine:
    """A checkout and a PATH of stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.fake = folder / "fake"
        self.checkout = folder / "a check out"  # a blank in the path must not matter
        self.fake.mkdir()
        (self.checkout / "tools").mkdir(parents=True)
        for name in ("run", "environment.sh"):
            shutil.copy(ROOT / "tools" / name, self.checkout / "tools" / name)
        (self.checkout / "pyproject.toml").write_text("one\n")
        (self.fake / "venv-python").write_text(VENV_PYTHON)
        for name in NEEDED:
            os.symlink(shutil.which(name) or name, self.fake / name)
        self.program("python3", PYTHON)
        self.program("apt-get", APT_GET)
        self.user(0)

    def program(self, name: str, text: str) -> None:
        (self.fake / name).write_text(text)
        (self.fake / name).chmod(0o755)

    def user(self, number: int) -> None:
        self.program("id", f"#!/usr/bin/env bash\necho {number}\n")

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": str(self.fake), "FAKE": str(self.fake)}
        command = [str(self.checkout / "tools" / "run"), *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd="/")

    def log(self) -> list[str]:
        path = self.fake / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_fresh_machine_installs_what_it_lacks_and_starts(machine: Machine) -> None:
    done = machine.run("--seconds", "two words")
    assert (done.returncode, done.stdout) == (0, "started run --seconds two words\n")
    update, venv, pip = machine.log()
    assert update == "apt-get update"
    assert venv.startswith("apt-get install -y") and venv.endswith(" python3-venv")
    assert pip.endswith(f"-e {machine.checkout}[node]")


def test_a_warm_start_installs_nothing(machine: Machine) -> None:
    machine.run()
    machine.log()
    done = machine.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "started run\n", "")
    assert machine.log() == []


def test_a_changed_project_is_installed_again(machine: Machine) -> None:
    machine.run()
    machine.log()
    (machine.checkout / "pyproject.toml").write_text("two\n")
    machine.run()
    assert [line.split()[0] for line in machine.log()] == ["pip"]


def test_where_venv_is_there_nobody_asks_apt(machine: Machine) -> None:
    (machine.fake / "venv-is-there").touch()
    machine.run()
    assert [line.split()[0] for line in machine.log()] == ["pip"]


@pytest.mark.parametrize("there", ["python3", ""])
def test_who_is_not_root_is_told_what_to_install(machine: Machine, there: str) -> None:
    machine.user(1000)
    if not there:
        (machine.fake / "python3").unlink()
    done = machine.run()
    assert done.returncode == 1 and machine.log() == []
    assert done.stderr.count("\n") == 1 and "on Debian: apt-get install python3" in done.stderr
    assert "python3-venv" in done.stderr


def test_without_apt_a_person_is_told_too(machine: Machine) -> None:
    (machine.fake / "apt-get").unlink()
    done = machine.run()
    assert done.returncode == 1 and "Python 3.11 or newer with venv is needed" in done.stderr


def test_a_failed_apt_is_reported(machine: Machine) -> None:
    (machine.fake / "apt-fails").touch()
    done = machine.run()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == ["E: no network", "run: apt-get install python3-venv failed (above)"]


def test_a_failed_pip_is_reported_and_tried_again(machine: Machine) -> None:
    (machine.fake / "pip-fails").touch()
    done = machine.run()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [
        "no such package",
        "run: pip install of jamliquor-lite[node] failed (above)",
    ]
    (machine.fake / "pip-fails").unlink()
    assert machine.run().returncode == 0


@pytest.fixture(scope="module")
def suites() -> ModuleType:
    spec = importlib.util.spec_from_file_location("suites", ROOT / "tools" / "suites.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("12 passed in 0.50s", "12 passed, 0 failed, 0 skipped"),
        ("1 failed, 2 passed, 3 skipped, 4 deselected in 61.00s (0:01:01)", "2 passed, 1 failed, 3 skipped"),
        ("2 failed, 1 error in 1.2s", "0 passed, 3 failed, 0 skipped"),
        ("3 errors in 1.2s", "0 passed, 3 failed, 0 skipped"),
        ("7 passed, 1 failed, 2 skipped", "7 passed, 1 failed, 2 skipped"),
        ("no tests ran in 0.01s", "0 passed, 0 failed, 0 skipped"),
    ],
)
def test_closing_lines_are_read(suites: ModuleType, line: str, counts: str) -> None:
    assert str(suites.read_counts(line)) == counts


SHORT = ["lint", "unit", "portable", "cmodules", "heap", "device", "linux", "pico", "interop", "hostile"]


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ([], SHORT),
        (["--long"], [*SHORT, "long"]),
        (["unit"], ["unit"]),
        (["unit", "--long"], ["unit", "long"]),
        (["long"], ["long"]),
    ],
)
def test_suites_are_chosen(suites: ModuleType, words: list[str], chosen: list[str]) -> None:
    assert suites.choose(words) == chosen


def test_what_runs_on_a_board_each_time_is_portable(suites: ModuleType) -> None:
    assert all((ROOT / path).is_file() and is_portable(str(ROOT / path)) for path in suites.ON_BOARD + suites.ON_PICO)
    assert all((ROOT / "boards" / board / "board.toml").is_file() for board in suites.BOARDS)


def test_what_runs_alone_and_what_has_a_suite_is_there(suites: ModuleType) -> None:
    assert all((ROOT / path).is_file() for path in ALONE)
    assert all((ROOT / folder).is_dir() for name in suites.SUITES for folder in suites.FOLDERS.get(name, ()))


def test_an_unknown_suite_is_one_line(suites: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        suites.choose(["units"])
    assert caught.value.code == 2
    there = "lint, unit, portable, cmodules, heap, device, linux, pico, interop, hostile, long and --long"
    assert capsys.readouterr().err == f"test: no suite `units`; there are: {there}\n"


def test_a_failing_or_empty_suite_fails_the_whole(
    suites: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for counts, status in ((suites.Counts(3), 0), (suites.Counts(3, 1), 1), (suites.Counts(skipped=2), 1)):
        monkeypatch.setitem(suites.SUITES, "unit", lambda counts=counts: counts)
        assert suites.main(["unit"]) == status
        assert capsys.readouterr().out.splitlines()[-1].endswith("skipped")


def test_suites_that_run_beside_each_other_are_shown_one_after_the_other(
    suites: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (first,), (second, third) = suites.LANES
    both = threading.Barrier(2, timeout=20)

    def suite(name: str) -> "Callable[[], object]":
        def run() -> object:
            for number in range(6 if name == first else 3):
                both.wait()
                suites.pass_on(f"{name} {number}\n")
            return suites.Counts(3 if name == first else 4)
        return run

    for name in (first, second, third):
        monkeypatch.setitem(suites.SUITES, name, suite(name))
    assert suites.main([first, second, third]) == 0
    said = capsys.readouterr().out
    for name in (first, second, third):
        assert f"== {name}\n{name} 0\n{name} 1\n{name} 2\n" in said
    lines = said.splitlines()
    assert [line.split()[0] for line in lines[-6:-2]] == [first, second, third, "all"]
    assert lines[-1].startswith("11 passed")
    monkeypatch.setitem(suites.SUITES, second, lambda: suites.Counts(skipped=1))
    monkeypatch.setitem(suites.SUITES, first, lambda: suites.Counts(1))
    assert suites.main([first, second]) == 1 and f"the suite {second} ran no test" in capsys.readouterr().out
    monkeypatch.setitem(suites.SUITES, "lint", lambda: suites.Counts(1))
    assert suites.main([first, "lint"]) == 0 and suites.main(["lint", first]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines() if " min" in line] == [
        first, "lint", "all", "lint", first, "all"]


def test_a_crash_counts_as_a_failure(suites: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suites, "PYTEST", ["bash", "-c", "echo 3 passed in 1s; kill -9 $$"])
    assert suites.pytest_suite(60).failed == 1


def test_what_hangs_is_ended_with_its_children(suites: ModuleType) -> None:
    status, _ = suites.stream(["bash", "-c", "sleep 600 & sleep 600"], 0.2)
    assert status != 0

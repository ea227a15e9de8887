"""`tests/run.py` on both interpreters: what passes, fails, is skipped, and what counts as no test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MICROPYTHON = Path(sys.executable).with_name("micropython")
MARK = "# portable: runs on CPython and MicroPython\n"
GOOD = """
from tests.support import raises, skip, tohex, unhex, vectors


def test_hex():
    assert unhex("0x00 Ff") == b"\\x00\\xff" and tohex(unhex("00ff")) == "00ff"


def test_raises():
    assert raises(ValueError, int, "x") is not None
    try:
        raises(ValueError, int, "1")
    except AssertionError:
        return
    raise RuntimeError("a call that raised nothing went unnoticed")


def test_absent_vectors():
    vectors("nothing of this name")
"""


@pytest.fixture(params=["cpython", "micropython"])
def run(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    if request.param == "micropython" and not MICROPYTHON.exists():
        pytest.skip("no micropython beside this python")
    interpreter = [sys.executable] if request.param == "cpython" else [str(MICROPYTHON), "-X", "heapsize=512K"]
    (tmp_path / "tests").mkdir()
    for name in ("__init__.py", "run.py", "support.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)

    def call(text: str, *arguments: str) -> tuple[int, list[str]]:
        (tmp_path / "tests" / "test_sample.py").write_text(text)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [*interpreter, "tests/run.py", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()

    return call


def test_each_outcome_has_its_line(run) -> None:  # type: ignore[no-untyped-def]
    status, lines = run(MARK + GOOD)
    assert status == 0
    assert lines == [
        "PASS tests/test_sample.py::test_hex",
        "PASS tests/test_sample.py::test_raises",
        "SKIP tests/test_sample.py::test_absent_vectors - no vectors beside the checkout: nothing of this name",
        "2 passed, 0 failed, 1 skipped",
    ]


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("def test_a():\n    assert 1 == 2\n", "0 passed, 1 failed, 0 skipped"),
        ("def test_a(fixture):\n    pass\n", "0 passed, 1 failed, 0 skipped"),
        ("import no_such_module\ndef test_a():\n    pass\n", "0 passed, 1 failed, 0 skipped"),
        ("def test_a(:\n", "0 passed, 1 failed, 0 skipped"),
        ("x = 1\n", "0 passed, 1 failed, 0 skipped"),
        ("class TestA:\n    def test_a(self):\n        pass\n", "0 passed, 1 failed, 0 skipped"),
        ("def test_a():\n    bytearray(1 << 62)\n", "0 passed, 1 failed, 0 skipped"),
    ],
)
def test_what_does_not_pass_fails(run, text: str, closing: str) -> None:  # type: ignore[no-untyped-def]
    status, lines = run(MARK + text)
    assert (status, lines[-1]) == (1, closing)
    assert any(line.startswith("FAIL tests/test_sample.py") for line in lines)


def test_a_file_may_be_skipped_whole(run) -> None:  # type: ignore[no-untyped-def]
    status, lines = run(MARK + "from tests.support import skip\nskip('not here')\ndef test_a():\n    pass\n")
    assert (status, lines[-1]) == (0, "0 passed, 0 failed, 1 skipped")


def test_files_without_the_mark_are_left_out(run) -> None:  # type: ignore[no-untyped-def]
    status, lines = run("def test_a():\n    pass\n")
    assert (status, lines[-1]) == (1, "0 passed, 0 failed, 0 skipped")


def test_named_files_run_alone(run) -> None:  # type: ignore[no-untyped-def]
    status, lines = run(MARK + "def test_a():\n    pass\n", "./tests/test_sample.py")
    assert (status, lines[-1]) == (0, "1 passed, 0 failed, 0 skipped")

"""Each target over its committed inputs, then guided by coverage for a fixed number of further ones; with --long, for
minutes. Everything is a process of its own, since atheris ends the one that it runs in.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import corpus
from .targets import TARGETS

ROOT = Path(__file__).resolve().parent.parent.parent
RUNS = 3000
# Whole handshakes, whole scripts: hundreds of times the work of a parser. The committed inputs count among them.
SLOW_RUNS = {"connection": 600, "noise": 1000, "yamux": 2000}
LONG_S = 300
MOST_BYTES = 200_000

needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python or machine"
)


@pytest.mark.parametrize("target", TARGETS)
def test_the_committed_inputs(target: str) -> None:
    inputs = corpus.load(target)
    assert inputs, "a target without inputs"
    for data in inputs:
        TARGETS[target](data)


def test_the_committed_inputs_are_few() -> None:
    assert sum(path.stat().st_size for path in corpus.FOLDER.iterdir()) < MOST_BYTES
    assert {path.stem for path in corpus.FOLDER.iterdir()} == set(TARGETS)


def fuzz(target: str, folder: Path, *options: str) -> None:
    """Fails with the end of what atheris said; the input lies in `folder` then, and in hex in the failure."""
    command = [sys.executable, "-m", "tests.fuzz.fuzz", target, "--left", str(folder), *options]
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    left = ["%s: %s" % (path.name, path.read_bytes().hex()) for path in folder.iterdir()]
    assert ended.returncode == 0, "\n".join([ended.stdout[-3000:], ended.stderr[-3000:], *left])
    assert "DONE" in ended.stderr, "it ran to its end"


@needs_atheris
@pytest.mark.parametrize("target", TARGETS)
def test_a_short_run(target: str, tmp_path: Path) -> None:
    fuzz(target, tmp_path, "--runs", str(SLOW_RUNS.get(target, RUNS)))


@needs_atheris
@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
def test_a_long_run(target: str, tmp_path: Path) -> None:
    fuzz(target, tmp_path, "--seconds", str(LONG_S))


@needs_atheris
def test_a_fault_is_found_and_its_input_left(tmp_path: Path) -> None:
    """The machinery itself: a target that fails at some input ends the run with it."""
    script = tmp_path / "faulty.py"
    script.write_text(
        "import sys\n"
        "from tests.fuzz import fuzz, targets\n"
        "def faulty(data):\n"
        "    assert data[:1] != b'x'\n"
        "targets.TARGETS['varint'] = faulty\n"
        "fuzz._fuzz('varint', ['-runs=100000', '-seed=1', '-artifact_prefix=%s/' % sys.argv[1]])\n"
    )
    left = tmp_path / "left"
    left.mkdir()
    command = [sys.executable, str(script), str(left)]
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode != 0 and "AssertionError" in ended.stdout + ended.stderr
    assert [path.read_bytes()[:1] for path in left.iterdir()] == [b"x"]

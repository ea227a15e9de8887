"""Each target over its committed inputs, then guided by coverage for a fixed number of further ones; with --long, for
minutes. Everything is a process of its own, since atheris ends the one that it runs in.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
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


class Fuzzer:
    """The process of `fuzz.py --serve`, which every run is asked of."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *(command or ("-m", "tests.fuzz.fuzz", "--serve"))], cwd=ROOT,
            env=dict(os.environ, PYTHONPATH=str(ROOT)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def run(self, target: str, folder: Path, *options: str) -> None:
        """Fails with the end of what atheris said; the input lies in `folder`/left then, and in hex in the failure."""
        assert self._process.stdin and self._process.stdout
        left = folder / "left"
        left.mkdir()
        said = folder / "said"
        words = [str(said), target, "--left", str(left), *options]
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        status = self._process.stdout.readline().strip()
        text = said.read_text(errors="replace") if said.exists() else "it said nothing"
        inputs = ["%s: %s" % (path.name, path.read_bytes().hex()) for path in left.iterdir()]
        assert status == "0", "\n".join(["status %s" % status, text[-3000:], *inputs])
        assert "DONE" in text, "it ran to its end"

    def end(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def fuzzer() -> Iterator[Fuzzer]:
    fuzzer = Fuzzer()
    yield fuzzer
    fuzzer.end()


@needs_atheris
@pytest.mark.parametrize("target", TARGETS)
def test_a_short_run(fuzzer: Fuzzer, target: str, tmp_path: Path) -> None:
    fuzzer.run(target, tmp_path, "--runs", str(SLOW_RUNS.get(target, RUNS)))


@needs_atheris
@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
def test_a_long_run(fuzzer: Fuzzer, target: str, tmp_path: Path) -> None:
    fuzzer.run(target, tmp_path, "--seconds", str(LONG_S))


@needs_atheris
def test_a_fault_is_found_and_its_input_left(tmp_path: Path) -> None:
    """The machinery itself: a target that fails at some input ends the run with it."""
    script = tmp_path / "faulty.py"
    script.write_text(
        "from tests.fuzz import fuzz, targets\n"
        "def faulty(data):\n"
        "    assert data[:1] != b'x'\n"
        "targets.TARGETS['varint'] = faulty\n"
        "fuzz.serve()\n"
    )
    fuzzer = Fuzzer(str(script))
    with pytest.raises(AssertionError, match="(?s)status 77.*AssertionError.*varint-crash-[0-9a-f]+: 78"):
        fuzzer.run("varint", tmp_path, "--runs", "100000")
    fuzzer.end()
    assert [path.read_bytes()[:1] for path in (tmp_path / "left").iterdir()] == [b"x"]

"""The unix port of MicroPython, 32-bit as a board is, with the module in it: the portable tests of everything that
computes with it, in a process each with a capped heap."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cmodules.library import ROOT

BUILD_S = 1500
RUN_S = 600
HEAP = "4M"  # as tools/test has it for the portable tests
FILES = [
    "tests/cmodules/test_binding.py",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "crypto").glob("test_*.py")),
    "tests/transport/test_allocation.py",
    "tests/transport/test_noise.py",
    "tests/transport/test_noise_vectors.py",
]
PORTABLE = [name for name in FILES if "\n# portable: runs on" in "\n" + (ROOT / name).read_text()]


@pytest.fixture(scope="session")
def program() -> str:
    command = [sys.executable, str(ROOT / "tools" / "micropython"), "build", "--bits", "32", "--crypto"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_S)
    if done.returncode == 2:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", PORTABLE, ids=[Path(name).stem for name in PORTABLE])
def test_portable_tests(program: str, name: str) -> None:
    command = [program, "-X", f"heapsize={HEAP}", "tests/run.py", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_S)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    last = done.stdout.strip().splitlines()[-1]
    assert " 0 failed" in last and not last.startswith("0 passed"), last
    if "binding" in name or "allocation" in name:
        assert last.endswith(" 0 skipped"), last  # they skip where the module is not


def test_the_choice_falls_on_it(program: str) -> None:
    text = "from jamliquor_lite.crypto import suite; suite.self_test(True); print(sorted(suite.backends().items()))"
    done = subprocess.run([program, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=RUN_S)
    served = dict(eval(done.stdout))
    assert served.pop("keccak").startswith("pure")  # for ML-KEM's pure twin only, which serves nobody here
    assert set(served.values()) == {"c"} and len(served) == 7

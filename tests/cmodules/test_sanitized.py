"""The same tests with the C code under AddressSanitizer and UndefinedBehaviorSanitizer, which end the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cmodules.library import ROOT, SANITIZED, sanitizer_runtime
from tools.building import ToolError

FOLDER = Path(__file__).parent
FILES = ("test_vectors.py", "test_compare.py")


# One byte more is hashed than there is.
SHORT = """
import tempfile, pathlib
from tests.cmodules.library import Library
c = Library(pathlib.Path(tempfile.mkdtemp()))
c._size = lambda n, old=c._size: old(n + 1 if n == 127 else n)
print("ready", flush=True)
c.blake2b(bytes(127))
"""

pytestmark = pytest.mark.skipif(SANITIZED in os.environ, reason="it is this that runs")


def _run(words: "list[str]") -> "subprocess.CompletedProcess[str]":
    try:
        runtime = sanitizer_runtime()
    except ToolError as error:
        pytest.skip(str(error))
    environment = {
        **os.environ, SANITIZED: "1", "LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",  # Python's own allocator would hide what lies beyond a buffer
    }  # fmt: skip
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)


def test_no_byte_beyond_and_no_undefined_behaviour() -> None:
    files = [str(FOLDER / name) for name in FILES]
    done = _run(["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files])
    assert done.returncode == 0, (done.stdout[-3000:], done.stderr[-3000:])
    assert " passed" in done.stdout


def test_a_byte_beyond_would_be_seen() -> None:
    done = _run(["-c", SHORT])
    assert done.stdout == "ready\n" and done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr

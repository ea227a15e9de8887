"""`tools/bench/heap.py`: that it measures and prints what it says, so that it cannot rot."""

import json
import subprocess
import sys

from .board import ROOT, Board


def _run(*words: str) -> str:
    command = [sys.executable, str(ROOT / "tools" / "bench" / "heap.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout


def test_help_says_what_it_is() -> None:
    text = _run("--help")
    assert "32-bit MicroPython" in text and "--only" in text


def test_imports_and_idle_connections_are_printed(board: Board) -> None:
    lines = _run("--only", "imports").splitlines()
    assert lines[0].startswith("heap that a module takes") and lines[-1].split()[0] == "all"
    assert sum(int(line.split()[-1]) for line in lines[1:-1]) <= int(lines[-1].split()[-1])
    found = json.loads(_run("--json", "--only", "idle"))
    assert [row["name"] for row in found["idle"]] == ["plain", "hybrid"]
    assert all(0 < row["bytes"] for row in found["idle"])

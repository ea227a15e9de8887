"""The command `qemu`: a board follows the chain beside it, is asked from outside, and goes on from a kept folder."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from jamliquor_lite.cli import boards


def run(*words: str) -> "tuple[int, list[str], str]":
    """(status, lines, complaints) of the command in a process of its own."""
    command = [sys.executable, "-m", "jamliquor_lite.cli.main", "qemu", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_a_board_follows_and_goes_on_from_its_folder(small: str, tmp_path: Path) -> None:
    kept = str(tmp_path / "kept")
    status, lines, complaint = run(small, "--snapshot", kept, "--seconds", "6", "--net", "--serial2")
    assert status == 0, (lines, complaint)
    told = json.loads(lines[-1])
    assert told["board"] == small and told["followed"] and told["headers_checked"] >= 30
    assert told["headers_refused"] == 0 and told["peers"] == 1
    text = "\n".join(lines)
    assert "leads to the board's TCP port 4001" in text and "the second serial port is /dev/pts/" in text
    assert "following jamliquor-devnet-tiny from slot 0 as 12D3KooW" in text
    state = json.loads((tmp_path / "kept" / "state.json").read_text())
    assert state["blocks"] == told["blocks"] >= 40
    disk = boards.find(small).disk_bytes()
    assert os.path.getsize(tmp_path / "kept" / "disk") == disk

    status, lines, complaint = run(small, "--snapshot", kept, "--seconds", "6")
    assert status == 0, (lines, complaint)
    again = json.loads(lines[-1])
    text = "\n".join(lines)
    assert "following jamliquor-devnet-tiny from slot" in text and "made a key" not in text
    assert again["best_slot"] > told["best_slot"] and again["headers_refused"] == 0


def test_what_is_ended_from_outside_leaves_nothing_behind(small: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jamliquor_lite.cli.main", "qemu", small, "--plain", "--snapshot", str(tmp_path)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None
    said = []
    for line in running.stdout:
        said.append(line)
        if "connected, hybrid" in line:
            break
    children = _children(running.pid)
    assert len(children) == 2, (said, running.poll())  # the chain and QEMU
    running.send_signal(signal.SIGTERM)
    _, complaint = running.communicate(timeout=60)
    assert running.returncode == 130 and complaint.splitlines()[-1] == "jamliquor-lite: interrupted"
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    assert json.loads((tmp_path / "state.json").read_text())["port"] > 0


def _children(pid: int) -> "list[int]":
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in listed.split()]

"""`run` says that it is stalled: as an event, in its summary, and by its exit status."""

import json
import os
import subprocess
import sys

from jamliquor_lite.cli.main import main
from tests.devnet.process import Devnet

STALLING = """
import sys
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.node import alarm
Profile.stall_least_ms = 1_000
alarm.Stall.after_ms = property(lambda stall: 1_000)
from jamliquor_lite.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def run(folder, chainspec, seconds):
    return subprocess.run(
        [sys.executable, "-c", STALLING, "run", "--json", "--chain", str(chainspec), "--data", str(folder / "data"),
         "--listen-addr", "127.0.0.1", "--seconds", str(seconds)],
        capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)})


def test_a_run_that_ends_without_a_head_fails_and_says_since_when(tmp_path):
    with Devnet(tmp_path, slot_ms=3_600_000, blocks=20):  # 20 blocks, and then none for an hour
        done = run(tmp_path, tmp_path / "chainspec.json", 8)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    said = [line for line in lines if line.get("event") == "stalled"]
    assert len(said) == 1 and said[0]["slot"] > 0 and said[0]["silent_ms"] >= 1_000
    assert lines[-1]["stalls"] == 1 and lines[-1]["stall_ms"] > 0 and lines[-1]["headers_checked"] == 20
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("jamliquor-lite: stalled: no new head since slot ")


def test_the_numbers_of_the_alarm_are_in_the_summary_of_a_run_that_follows(tmp_path, capsys):
    with Devnet(tmp_path, slot_ms=200, blocks=10):
        assert main(["run", "--json", "--chain", str(tmp_path / "chainspec.json"), "--data", str(tmp_path / "data"),
                     "--listen-addr", "127.0.0.1", "--seconds", "3"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["stall_ms"] == summary["stalls"] == summary["clock_skew_s"] == 0
    assert summary["reorgs"] >= 0 <= summary["reorg_depth"]

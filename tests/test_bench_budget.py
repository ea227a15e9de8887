"""tools/bench/budget.py runs, prints every figure, and keeps the promises that no other work on a machine can break."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDS = ["--json", "--no-realtime", "--rounds", "1", "--headers", "30", "--megabytes", "1", "--seconds", "2.5"]
ALWAYS = ("peer_bytes", "upload_window", "download_window")


def test_every_figure_is_there_and_no_cap_is_exceeded() -> None:
    command = [sys.executable, str(ROOT / "tools" / "bench" / "budget.py"), *WORDS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    rows = {row["key"]: row for row in found["rows"]}
    assert {"follow_cost", "move_cost", "capped_core", "upload_wire", "download_payload", *ALWAYS} <= set(rows)
    assert {"delay_" + name for name in ("finality", "headers", "queries", "serving", "gossip")} <= set(rows)
    for key in ALWAYS:
        assert rows[key]["holds"], rows[key]
    for way in ("upload", "download"):
        assert 0 < rows[way + "_wire"]["value"] <= 100 and rows[way + "_payload"]["value"] > 0
    assert found["holds"] is all(row["holds"] is not False for row in found["rows"])
    assert done.returncode == (0 if found["holds"] else 1)


def test_wrong_words_are_a_line() -> None:
    command = [sys.executable, str(ROOT / "tools" / "bench" / "budget.py"), "--rounds", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 2 and "Traceback" not in done.stderr and "--rounds" in done.stderr

"""tools/bench/watch.py runs, and at a size that takes a second a difference keeps the bar and is below the floor."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BAR_BYTES, BAR_TRIPS = 40_000, 2


def test_an_update_costs_what_changed() -> None:
    command = [sys.executable, str(ROOT / "tools" / "bench" / "watch.py"), "--keys", "3000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = [line.replace("|", " ").split() for line in done.stdout.splitlines() if line.count("|") == 4][1:]
    assert [row[2] for row in rows] == ["0", "100", "1000"] * 2
    for row in rows:
        differ, trips, ranged, ranged_trips, naive, floor = map(int, row[3:9])
        assert differ < BAR_BYTES and trips == 1 and ranged_trips <= BAR_TRIPS
        assert differ < ranged <= naive + naive // 20
        assert row[2] != "0" or differ < floor, "remembered nodes are not sent"

"""What a warp costs beside the fragments themselves: bytes on the wire and memory, as tools/bench/warp.py has them."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_bytes_are_near_the_floor_and_memory_is_flat():
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "bench" / "warp.py"), "--sets", "5", "--no-board", "--json"],
        capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert 1 < found["bytes_ratio"] <= 1.02 and "memory" not in found["over"]
    assert found["heap_last"] <= 1.02 * found["heap_3"]

"""What a board's work costs stays below its bars; instructions are counted, so a busy machine changes nothing."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_headers_proofs_and_handshakes_stay_below_their_bars(board_name: str) -> None:
    words = [sys.executable, str(ROOT / "tools" / "bench" / "board.py"), "--json", "--board", board_name]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1_200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["over"] == []
    assert len(found["work"]["a header"]) + len(found["work"]["a header with a mark"]) == 38
    assert len(found["work"]["a proof"]) == 10 and max(found["nodes"]) >= 32
    assert len(found["work"]["the same, bound"]) == 3

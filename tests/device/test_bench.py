"""What a board's work costs stays below its bars; instructions are counted, so a busy machine changes nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.device.emulated import BOARDS, firmware

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["small", pytest.param("large", marks=pytest.mark.long)])
def measured(request: pytest.FixtureRequest) -> str:
    """A board to measure on. The larger one runs the same instructions in more memory."""
    if request.param == "large":
        firmware(BOARDS[1])
        return BOARDS[1]
    return str(request.getfixturevalue("small"))


def test_headers_proofs_and_handshakes_stay_below_their_bars(measured: str) -> None:
    words = [sys.executable, str(ROOT / "tools" / "bench" / "board.py"), "--json", "--board", measured]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1_200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["over"] == []
    assert len(found["work"]["a header"]) + len(found["work"]["a header with a mark"]) == 38
    assert len(found["work"]["a proof"]) == 10 and max(found["nodes"]) >= 32
    assert len(found["work"]["the same, bound"]) == 3


@pytest.mark.long
def test_a_warp_fragment_with_all_of_its_votes_stays_below_its_bar() -> None:
    words = [sys.executable, str(ROOT / "tools" / "bench" / "warp.py"), "--json", "--sets", "4"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1_200, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr  # how long it takes here is the machine's affair
    found = json.loads(done.stdout)
    assert "instructions" not in found["over"] and "bytes" not in found["over"] and "memory" not in found["over"]
    assert found["parts"]["support"] == 683 and found["parts"]["votes"] > 683 * 2_000_000

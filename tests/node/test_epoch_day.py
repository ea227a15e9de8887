"""What tools/bench/epoch_day.py measures, over two epochs. The whole day takes a minute: `--long`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jamliquor_lite.codec.spec import FULL
from jamliquor_lite.sync.warp import fragment_bytes
from tools.bench import epoch_day

ROOT = Path(__file__).resolve().parents[2]


def check(epochs: int) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "bench" / "epoch_day.py"), "--epochs", str(epochs), "--loopback",
         "--json"], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    # Each epoch was a connection, a fragment, and its set id asked for; nothing else was said.
    assert found["jumps"] == found["dials"] == epochs
    assert found["messages down"] == epochs * (4 + 1 + 5 + fragment_bytes(FULL))
    assert found["messages up"] == 16 * epochs
    assert found["messages"] + found["checkpoints"] <= epoch_day.BAR * epochs // 24
    assert found["reckoned down"] >= found["payload down"] > found["messages down"]


def test_two_epochs_cost_their_share_of_a_day() -> None:
    check(2)


@pytest.mark.long
def test_a_day_costs_what_was_promised() -> None:
    check(24)


def test_the_bar_can_break() -> None:
    figures = {"messages down": 24 * fragment_bytes(FULL) + 240, "messages up": 384}
    assert epoch_day.Day(24, figures).is_kept
    # One fragment more, or the headers of ten slots in every epoch, would be noticed.
    assert not epoch_day.Day(24, {**figures, "messages down": 25 * fragment_bytes(FULL)}).is_kept
    assert not epoch_day.Day(24, {**figures, "messages up": 384 + 24 * 20 * 333}).is_kept

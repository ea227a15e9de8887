"""The instruction counts stay below their bars, and repeat exactly: tools/bench/mcu.py."""

import json
import subprocess
import sys

import pytest

from tests.cmodules.library import ROOT
from tools.bench import mcu, rv32
from tools.building import ToolError

RUN_S = 600


@pytest.fixture(scope="module")
def tools() -> None:
    try:
        rv32.need_tools()
    except ToolError as error:
        pytest.skip(str(error))


def test_bars_hold(tools: None) -> None:
    command = [sys.executable, str(ROOT / "tools" / "bench" / "mcu.py"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S)
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["wrong"] == 0
    rows = said["rows"]
    for name, bar in ((*mcu.BARS.items(), (mcu.HEADER, 13_000_000))):
        assert rows[name]["bar"] == bar and 0 < rows[name]["average"] <= rows[name]["highest"] <= bar, name
    # What a board's stack has to hold; jamcrypto.h promises it.
    assert max(row["stack"] for name, row in rows.items() if name.startswith("ML-KEM")) <= 6656


def test_counts_repeat_and_a_wrong_answer_is_counted(tools: None, monkeypatch: pytest.MonkeyPatch) -> None:
    first, again = mcu.measure(["-Os"], 1), mcu.measure(["-Os"], 1)
    assert first == again and first["wrong"] == 0
    right = mcu.case
    monkeypatch.setattr(mcu, "case", lambda dice: {**right(dice), "x25519_shared": bytes(32)})
    assert mcu.measure(["-Os"], 1)["wrong"] == 1

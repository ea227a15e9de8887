"""The instructions of a header's VRFs on an emulated microcontroller, held to their bar."""

import json
import os
import subprocess
import sys

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.micropython

LIMIT_S = 600
BAR = 13_000_000
STRETCH = 11_100_000  # what it takes today, and a little: a change that costs more is meant to be seen


def bench(*words):
    command = [sys.executable, "tools/bench/vrf_mcu.py", "--json", "--headers", "8", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode == 2 and not os.environ.get("CI"):
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("words", "highest", "key_bytes", "code_bytes"),
    [((), STRETCH, 2080, 29_000), (("--small",), BAR, 1056, 18_000)],
    ids=["whole", "small"],
)
def test_a_header_stays_below_the_bar(words, highest, key_bytes, code_bytes):
    numbers = bench(*words)
    assert numbers["wrong"] == 0 and numbers["headers"] == 8 and numbers["bar"] == BAR
    assert numbers["key"] + numbers["seal"] + numbers["entropy"] in range(numbers["header"] - 2, numbers["header"] + 3)
    assert 0 < numbers["header"] <= numbers["highest"] < highest
    assert numbers["stack"] <= numbers["stack_bound"]
    assert numbers["key_bytes"] == key_bytes and numbers["code"] < code_bytes
    if not words:
        assert bench() == numbers  # they repeat exactly

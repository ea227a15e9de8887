"""What a measuring program of its own process says: lines for people, and its figures as JSON in the last one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import netns

ROOT = Path(__file__).resolve().parents[2]


def figures(what: str, *words: str) -> "dict[str, object]":
    """Run `python *words --json` in the checkout and print what it says for people. Skips where there are no network
    namespaces, which conftest.py makes a failure in CI; fails when it ends without figures (`what` has none)."""
    try:
        netns.command([])
    except netns.NoNetworks as error:
        pytest.skip(str(error))
    done = subprocess.run([sys.executable, *words, "--json"], cwd=ROOT, capture_output=True, text=True, check=False)
    text, _, last = done.stdout.rstrip().rpartition("\n")
    print(text)
    if not last.startswith("{"):
        pytest.fail(f"no {what}: {(done.stderr.strip() or 'no word').splitlines()[-1]}")
    found: "dict[str, object]" = json.loads(last)
    return found

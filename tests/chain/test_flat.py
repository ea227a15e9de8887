"""A chain that is followed for long takes no more memory than one that is followed for a while, nor more of the disk.

3,000 headers with every run of the tests, 100,000 with `tools/test --long`: with forks, absent validators, epochs by
ticket and by key. The follower is a process of its own (flat.py), and this one authors for it: what a devnet holds is
not counted, and whoever is slower waits.
"""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet import chainspec
from jamliquor_lite.devnet.author import DevChain

SUBJECT = Path(__file__).with_name("flat.py")
ROUND = 50  # blocks authored at a time
# Of the last two fifths against the two before: what is alive swings with the forks of the moment, and CPython takes
# memory in arenas of 1 MiB.
GROWTH_BYTES = 1536 * 1024
GROWTH_OBJECTS = 800
TREE_ROWS = 8 * TINY.epoch_length  # two epochs and a quarter, what is not vouched for yet, and forks
DISK_BYTES = 64 * 1024


def follow(folder, headers, *options):
    """What the subject told, and the hash of the best block."""
    chain = DevChain(TINY, keys=200, fork_rate=0.1, offline=0.1)
    spec = folder / "chain.json"
    chainspec.write(str(spec), chain, [], True)
    told = []
    with subprocess.Popen([sys.executable, str(SUBJECT), str(spec), str(headers), str(folder), *options],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as subject:
        reader = threading.Thread(target=lambda: told.extend(json.loads(line) for line in subject.stdout))
        reader.start()
        left = headers
        while left:
            for block in chain.advance(min(ROUND, left))[:left]:
                subject.stdin.write(len(block.header).to_bytes(4, "little") + block.header)
                left -= 1
        subject.stdin.close()
        reader.join()
    assert subject.returncode == 0
    return told, chain.best.hash.hex()


def growth(told, name, pick):
    end = told[-1]["headers"]
    before = [one[name] for one in told if end / 5 <= one["headers"] < end * 3 / 5]
    after = [one[name] for one in told if one["headers"] >= end * 3 / 5]
    return pick(after) - pick(before)


@pytest.mark.parametrize("headers", [3_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_memory_and_disk_are_flat(tmp_path, headers):
    told, best = follow(tmp_path, headers)
    last = told[-1]
    assert last["headers"] == headers and last["best"] == best
    assert last["checked"] == headers, "each of them was checked"
    counts = last["counts"]
    assert counts["reorg"] >= headers // 100 and counts["root"] >= headers // 8
    assert counts["keys_adopted"] >= headers // 30 and last["switches"] >= headers // 300
    assert last["rows"] <= last["places"] <= TREE_ROWS
    assert max(one["files"] for one in told) <= DISK_BYTES
    assert growth(told, "objects", min) < GROWTH_OBJECTS
    assert growth(told, "rss", max) < GROWTH_BYTES
    print("%d headers: RSS grew by %d KB to %d KB, %d objects more; %d reorgs, %d rows at most" % (
        headers, growth(told, "rss", max) // 1024, last["rss"] // 1024, growth(told, "objects", min), counts["reorg"],
        last["rows"]))


@pytest.mark.long
def test_a_leak_of_one_object_a_header_would_be_noticed(tmp_path):
    told, _ = follow(tmp_path, 3_000, "leak")
    assert growth(told, "objects", min) >= GROWTH_OBJECTS

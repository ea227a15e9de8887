"""A node that follows for long takes no more memory than one that follows for a while.

1,000 headers with every run of the tests, 5,000 with `tools/test --long`. The node is a process of its own, this one
serves a devnet with forks and absent validators and waits for the node before it authors more. So a slow machine takes
longer and measures the same: a devnet that ran ahead would have a node that only ever catches up, in answers that grow
with the distance, and is never asked for state. It is asked all the time.
"""

import asyncio
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from jamliquor_lite.budget.profile import LINUX
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet import chainspec
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.serve import Server

SUBJECT = Path(__file__).with_name("soaked.py")
AHEAD = 3  # blocks of which the node has not said that it has checked them
PATIENCE_S = 600  # ends a run in which the node has stopped
# From 20 % to the end. A header leaves nothing behind, so the bounds do not depend on how many there are. What is alive
# swings by some 300 objects with the forks of the moment, and a page of the allocator comes and goes: so the short run
# notices three objects a header, the long one a single one.
GROWTH_BYTES = 1536 * 1024  # CPython takes memory in arenas of 1 MiB: one more is no leak, and objects are counted
GROWTH_OBJECTS = 800
# The root stays two epochs and a quarter behind what is vouched for; the rest is what is not vouched for yet, forks.
TREE_ROWS = 5 * TINY.epoch_length


def follow(headers, *options):
    """What the subject told, line by line."""
    with TemporaryDirectory() as folder:
        return asyncio.run(_follow(headers, Path(folder), options))


async def _follow(headers, folder, options):
    chain = DevChain(TINY, keys=200, fork_rate=0.15, offline=0.1)
    told, made = [], 0
    async with Server(chain, TINY) as server, asyncio.timeout(PATIENCE_S):
        spec = folder / "chain.json"
        chainspec.write(str(spec), chain, server.addresses, True)
        subject = await asyncio.create_subprocess_exec(
            sys.executable, str(SUBJECT), str(spec), server.addresses[0], str(headers), str(folder), *options,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE)
        try:
            async for line in subject.stdout:
                said = json.loads(line)
                if not isinstance(said, int):  # not only how many headers it has checked
                    told.append(said)
                    continue
                while made < said + AHEAD:
                    server.announce(chain.advance()[0])
                    made += 1
            assert await subject.wait() == 0
        finally:
            if subject.returncode is None:
                subject.kill()
                await subject.wait()
    return told


def growth(told, name, pick):
    """How much more there is in the last two fifths of the run than in the two before; the first is the warm-up."""
    end = told[-1]["headers"]
    before = [one[name] for one in told if end / 5 <= one["headers"] < end * 3 / 5]
    after = [one[name] for one in told if one["headers"] >= end * 3 / 5]
    return pick(after) - pick(before)


def check(told, headers):
    last = told[-1]
    assert last["headers"] >= headers
    assert last["refused"] == last["refused answers"] == 0
    # It really forked, turned epochs, adopted keys by its own checks, moved its root, saved and proved.
    events = last["events"]
    assert headers - events["best"] >= headers // 20
    assert events["keys_adopted"] >= headers // 40
    assert events["tickets_adopted"] and events["root"] and last["checkpoints"]
    assert last["answers"] >= headers // 50
    assert "equivocation" not in events and "peer_left" not in events

    most = last["most"]
    assert most["tree rows"] <= most["tree places"] <= TREE_ROWS
    # Forks at an epoch's end have entries of their own; a full table would turn honest headers away.
    assert most["epochs"] < LINUX.tree_marks and most["tickets marks"] < LINUX.tree_marks
    assert most["headers kept aside"] == 0  # every slot has come and nobody equivocates
    # One connection follows, one asks for state; each has at most UP 0, a block request and a question under way.
    assert most["connections"] == 2 and most["routes"] <= 8
    assert most["streams"] <= 4 and most["streams of the core"] <= 4
    assert most["questions"] == 1
    assert most["threads"] == told[0]["most"]["threads"]
    assert most["descriptors"] <= told[0]["most"]["descriptors"] + 2

    assert growth(told, "blocks", min) < GROWTH_OBJECTS
    assert growth(told, "rss", max) < GROWTH_BYTES


def test_memory_is_flat_over_1000_headers():
    check(follow(1000), 1000)


@pytest.mark.long
def test_memory_is_flat_over_5000_headers():
    told = follow(5000)
    check(told, 5000)
    print("rss grew by %d KB, to %d KB; %d objects more; most: %s" % (
        growth(told, "rss", max) // 1024, told[-1]["rss"] // 1024, growth(told, "blocks", min), told[-1]["most"]))


@pytest.mark.long
def test_a_leak_of_four_objects_a_header_would_be_noticed():
    assert growth(follow(1000, "leak"), "blocks", min) >= GROWTH_OBJECTS

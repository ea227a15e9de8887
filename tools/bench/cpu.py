#!/usr/bin/env python3
"""Whether a node keeps its budget of processor time while it has more to do than that allows.

    .venv/bin/python tools/bench/cpu.py [--permille 50,100,250,500] [--seconds 8] [--blocks 1500]

A node in this process catches up with a devnet in another one, over JAM's own network, once for each budget. What its
thread has had of the processor is read from the system's own clock of it, from the first second on (before, a node
spends the burst that it starts with): on the whole, and in the worst second. Of what it spent, some is nobody's: turns,
timers, sockets. The exit status is 1 when a node has spent more than 5 % beyond its budget on the whole; that it
spends all of it can only be said of a machine that has nothing else to do.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.cli.addresses import parse_jam
from jamliquor_lite.cli.embedded import EmbeddedDevnet
from jamliquor_lite.node.node import Node
from jamliquor_lite.node.quic import QuicCarrier
from jamliquor_lite.ports import clock

BAR_PERCENT = 105
_STILL_MS = "3600000"  # a slot so long that the devnet authors nothing while it is measured
_STEP_S = 0.25
_WINDOW = 4  # steps


class Follower:
    """A node with so many permille of a core. `steps` are (time, processor time, headers checked) as it goes."""

    def __init__(self, ready: "dict[str, object]", permille: int) -> None:
        chain = ChainSpec.read(str(ready["chainspec"]))
        checkpoint, profile = chain.checkpoint(), Profile()
        profile.cpu_permille = permille
        self.budgets = Budgets(profile, clock.cpu_us)
        self.node = Node(checkpoint, profile, chain.id, lambda name, fields: None, budgets=self.budgets)
        genesis_hash = checkpoint.genesis_hash
        self.node.attach(QuicCarrier(os.urandom(32), genesis_hash, profile, "127.0.0.1", 0, self.budgets))
        self.node.open()
        peer = parse_jam(str(ready["addresses"][0]))  # type: ignore[index]
        self.node.add_peer(peer.name, peer.host, peer.port)
        self.steps: "list[tuple[float, float, int]]" = []

    async def run(self, blocks: int, seconds: float) -> None:
        """Catch up until all is checked, or for so long."""
        stop = asyncio.Event()
        running = asyncio.create_task(self.node.run(stop))
        began = time.monotonic()
        await asyncio.sleep(1)
        while time.monotonic() - began < 1 + seconds and self.node.chain.headers_checked < blocks:
            self.steps.append((time.monotonic(), time.thread_time(), self.node.chain.headers_checked))
            await asyncio.sleep(_STEP_S)
        stop.set()
        await running

    def shares(self) -> "tuple[float, float, float]":
        """Permille of the time on the whole, in the worst window, and headers a second."""
        steps = self.steps
        if len(steps) <= _WINDOW:
            raise SystemExit("cpu: it has caught up within two seconds; give it more --blocks")
        worst = max(_share(one, other) for one, other in zip(steps, steps[_WINDOW:]))
        (first, _, checked), (last, _, so_far) = steps[0], steps[-1]
        return _share(steps[0], steps[-1]), worst, (so_far - checked) / (last - first)


def _share(one: "tuple[float, float, int]", other: "tuple[float, float, int]") -> float:
    return 1000 * (other[1] - one[1]) / (other[0] - one[0])


def main(arguments: "list[str]") -> int:
    """Measure, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="cpu.py", description=__doc__.split("\n")[0])
    parser.add_argument("--permille", default="50,100,250,500", help="budgets, of one core (default 50,100,250,500)")
    parser.add_argument("--seconds", type=float, default=8, help="of catching up, for each (default 8)")
    parser.add_argument("--blocks", type=int, default=1500, help="headers there are at most (default 1500)")
    options = parser.parse_args(arguments)
    try:
        budgets = [int(word) for word in options.permille.split(",")]
    except ValueError:
        budgets = []
    if not budgets or not all(1 <= permille < 1000 for permille in budgets) or options.seconds < 2:
        parser.error("--permille has to be numbers from 1 to 999, --seconds at least 2")
    print("%8s%10s%14s%12s%12s%10s" % ("budget", "spent", "worst second", "headers/s", "nobody's", ""))
    is_kept = True
    with EmbeddedDevnet(["--slot-ms", _STILL_MS, "--accelerated", "--blocks", str(options.blocks)]) as devnet:
        for permille in budgets:
            follower = Follower(devnet.ready, permille)
            asyncio.run(follower.run(options.blocks, options.seconds))
            spent, worst, rate = follower.shares()
            cpu = follower.budgets.cpu
            holds = spent * 100 <= permille * BAR_PERCENT
            is_kept = is_kept and holds
            print("%8d%10.1f%14.1f%12.1f%11.0f%%%10s" % (
                permille, spent, worst, rate, 100 * cpu.spent[-1] / max(1, cpu.total), "holds" if holds else "BREAKS"))
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

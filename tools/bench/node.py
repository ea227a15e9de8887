#!/usr/bin/env python3
"""A whole node against a devnet process: time to the first proved answer and to catch up, traffic, memory.

    .venv/bin/python tools/bench/node.py [--blocks 200] [--rounds 5] [--seconds 15]

Wall times, because what a user waits for is no CPU time: medians of rounds, on a machine that should have nothing
else to do. Traffic is UDP payload received. It is measured on full-spec headers too, and projected to a day of
14,400 slots by announcement. Everything is printed beside its bar; nothing is asserted.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.cli.addresses import parse_jam
from jamliquor_lite.cli.embedded import EmbeddedDevnet
from jamliquor_lite.node.node import Node
from jamliquor_lite.node.quic import QuicCarrier

BARS = {"first": "2.0 s", "catch-up": "2.0 s", "rss": "42.0 MB", "day": "6.3 MB is the floor"}
COMMAND = [sys.executable, "-m", "jamliquor_lite.cli.main"]
SLOTS_A_DAY = 14_400
EPOCHS_A_DAY = 24
PLAIN, EPOCH_MARK, TICKETS_MARK = 297, 65_833, 20_097  # bytes of full-spec headers without and with one mark
_STILL_MS = "3600000"  # a slot so long that the devnet authors nothing while it is measured
_PATIENCE_SECONDS = 60


class Follower:
    """A node in this process, so that its byte counter can be read at any header."""

    def __init__(self, ready: "dict[str, object]", blocks: int) -> None:
        chain = ChainSpec.read(str(ready["chainspec"]))
        checkpoint, profile = chain.checkpoint(), Profile()
        self.node = Node(checkpoint, profile, chain.id, self._hear)
        self.node.attach(QuicCarrier(os.urandom(32), checkpoint.genesis_hash, profile, "127.0.0.1", 0))
        self.node.open()
        peer = parse_jam(str(ready["addresses"][0]))  # type: ignore[index]
        self.node.add_peer(peer.name, peer.host, peer.port)
        self.stop = asyncio.Event()
        self.blocks = blocks
        self.began = time.monotonic()
        self.caught_up_seconds = 0.0
        self.bytes_in = 0  # when the last of `blocks` had been checked
        self.sizes: list[int] = []  # of the headers that announcements brought
        self._offer = self.node.offer
        self.node.offer = self._count  # type: ignore[method-assign]

    def _hear(self, name: str, fields: "dict[str, object]") -> None:
        if name == "best" and not self.caught_up_seconds and self.node.chain.headers_checked >= self.blocks:
            self.caught_up_seconds = time.monotonic() - self.began
            self.bytes_in = self.node.bytes_in
            if self.blocks:
                self.stop.set()

    def _count(self, data: "bytes | bytearray | memoryview", start: int, end: int, *rest: object) -> int:
        self.sizes.append(end - start)
        return self._offer(data, start, end, *rest)

    async def run(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.stop.set)
        await self.node.run(self.stop)


def wall(command: list[str]) -> tuple[float, dict[str, object]]:
    """Seconds from the start of a process to the last line that it prints, and that line, decoded."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    return time.monotonic() - began, json.loads(done.stdout.splitlines()[-1])


def still(blocks: int, rounds: int) -> None:
    """A devnet that stands still: first answer, catch-up, memory."""
    with EmbeddedDevnet(["--slot-ms", _STILL_MS, "--accelerated", "--blocks", str(blocks)]) as devnet:
        spec = devnet.ready["chainspec"]
        answers, catch_ups = [], []
        for _ in range(rounds):
            with TemporaryDirectory() as folder:
                took, found = wall([*COMMAND, "state", "service", "1", "--chain", spec, "--data", folder, "--json"])
            answers.append(took)
        for _ in range(rounds):
            follower = Follower(devnet.ready, blocks)
            asyncio.run(follower.run(_PATIENCE_SECONDS))
            catch_ups.append(follower.caught_up_seconds)
        with TemporaryDirectory() as folder:
            _, summary = wall([*COMMAND, "run", "--chain", spec, "--data", folder, "--json", "--seconds", "4"])
    row(f"start of `state` to its proved answer, {blocks} headers", f"{statistics.median(answers):.2f} s", "first")
    row(f"  that answer: {found['level']}, support {found['support']}/{found['validators']}, proof",
        f"{found['proof_bytes']} B")
    row(f"{blocks} headers caught up, dial included", f"{statistics.median(catch_ups):.2f} s", "catch-up")
    row("RSS of `run` with QUIC loaded, after catching up", f"{int(str(summary['rss_bytes'])) / 1e6:.1f} MB", "rss")
    row("received per header: CE 128, tiny, with blocks' bodies", f"{follower.bytes_in / blocks:.0f} B")


def announced(spec: str, genesis_slot: int, seconds: float) -> "tuple[list[int], int]":
    """A devnet that announces: the sizes of headers received so, and the bytes received beside them."""
    arguments = ["--spec", spec, "--slot-ms", "100", "--accelerated", "--genesis-slot", str(genesis_slot)]
    with EmbeddedDevnet(arguments) as devnet:
        follower = Follower(devnet.ready, 0)
        asyncio.run(follower.run(seconds))
    if len(follower.sizes) < 2:
        raise SystemExit(f"node: {len(follower.sizes)} headers in {seconds:.0f} s; give it more --seconds")
    received = follower.node.bytes_in - follower.bytes_in
    sizes = follower.sizes[1:]  # the counter starts at the first one's
    row(f"received per header: announced, {spec}, {len(sizes)} headers", f"{received / len(sizes):.0f} B")
    row(f"  of that, headers themselves (the longest {max(sizes)} B)", f"{sum(sizes) / len(sizes):.0f} B")
    return sizes, received - sum(sizes)


def project(tiny: "tuple[list[int], int]", full: "tuple[list[int], int]") -> None:
    """A day of full-spec slots. `tiny` says what an announcement of one datagram costs beside its header (frame,
    final block, datagram, acknowledgements), `full` what the further datagrams of a long header cost."""
    each = tiny[1] / sum(datagrams(size) for size in tiny[0])
    sizes, over = full
    further = sum(datagrams(size) - 1 for size in sizes)
    each_further = max(0.0, (over - each * len(sizes)) / further) if further else 0.0
    headers = SLOTS_A_DAY * PLAIN + EPOCHS_A_DAY * (EPOCH_MARK + TICKETS_MARK - 2 * PLAIN)
    beside = SLOTS_A_DAY * each + EPOCHS_A_DAY * (datagrams(EPOCH_MARK) + datagrams(TICKETS_MARK) - 2) * each_further
    row(f"a day of {SLOTS_A_DAY} full-spec slots by announcement", f"{(headers + beside) / 1e6:.1f} MB", "day")
    row(f"  headers {headers / 1e6:.2f} MB; beside them {each:.0f} B, and {each_further:.0f} B a further datagram",
        f"{beside / 1e6:.2f} MB")


def datagrams(size: int) -> int:
    """How many a header of `size` bytes fills: what QUIC puts into one of 1,200 bytes or so."""
    return -(-size // 1_150)


def row(name: str, value: str, bar: str = "") -> None:
    print(f"{name:66}{value:>10}  {BARS.get(bar, '')}".rstrip(), flush=True)


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="node.py", description=__doc__.split("\n")[0])
    parser.add_argument("--blocks", type=int, default=200, help="headers to catch up with (default 200)")
    parser.add_argument("--rounds", type=int, default=5, help="samples to take the median of (default 5)")
    parser.add_argument("--seconds", type=float, default=15, help="of announcements, for each spec (default 15)")
    options = parser.parse_args(arguments)
    if options.blocks < 20 or options.rounds < 1 or options.seconds < 2:
        parser.error("--blocks has to be at least 20, --rounds 1, --seconds 2")
    print(f"{'':66}{'measured':>10}  bar")
    still(options.blocks, options.rounds)
    project(announced("tiny", 0, options.seconds), announced("full", 590, options.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

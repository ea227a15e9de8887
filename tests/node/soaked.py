"""A node in a process of its own that says, as it follows, what it holds. The soak's subject; started by its test.

    python tests/node/soaked.py CHAINSPEC NAME@IP:PORT HEADERS FOLDER [leak]

It prints how many headers it has checked whenever that changes, and a JSON object every `EVERY` headers and at the
end. A process of its own, because memory that tests before it have given back to the interpreter would hide what the
node takes. With `leak` it keeps four objects of 64 bytes for every header, which the test has to notice.
"""

import asyncio
import gc
import json
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.chain.levels import VOUCHED_LEVEL
from jamliquor_lite.chain.state_key import service_account
from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.cli.addresses import parse_jam
from jamliquor_lite.errors import LocalError
from jamliquor_lite.node.node import Node
from jamliquor_lite.ports import board, store
from tests.node.world import quic

EVERY = 20
LEAKED_OBJECTS = 4  # for each header
ANSWER_MS = 5_000
PAUSE_S = 0.03  # between questions: two or three headers of the test's devnet


class Telling(Node):
    """Says how many headers it has checked."""

    def header_added(self, header):
        print(self.chain.headers_checked, flush=True)


class Soaked:
    def __init__(self, chainspec, address, headers, folder, leak):
        spec = ChainSpec.read(chainspec)
        profile = Profile()
        profile.checkpoint_interval_ms = 200
        self.checkpoints = 0
        self.slots = TwoSlot(store.SlotFile(os.path.join(folder, "checkpoint")))
        self.slots.load()
        checkpoint = spec.checkpoint()
        self.node = Telling(checkpoint, profile, spec.id, self.hear, self.save)
        self.node.attach(quic(os.urandom(32), checkpoint.genesis_hash, profile))
        self.node.open()
        peer = parse_jam(address)
        self.node.add_peer(peer.name, peer.host, peer.port)
        self.headers = headers
        self.leaked = [] if leak else None
        self.due = 0
        self.counts = {}
        self.most = {}
        self.stop = asyncio.Event()

    def save(self, checkpoint):
        self.slots.save(checkpoint.encode())
        self.checkpoints += 1

    def hear(self, name, fields):
        self.counts[name] = self.counts.get(name, 0) + 1
        if name != "best":
            return
        self.watch()
        if self.leaked is not None:
            self.leaked += [os.urandom(31) for _ in range(LEAKED_OBJECTS)]  # 64 bytes each as an object
        checked = self.node.chain.headers_checked
        if checked >= self.due:
            self.due = checked - checked % EVERY + EVERY
            self.tell()
        if checked >= self.headers:
            self.stop.set()

    def held(self):
        """How much there is of everything that could pile up, by name."""
        node, tree = self.node, self.node.chain.tree
        listener = node.carriers[0]._listener
        connections = listener.connections
        return {
            "tree rows": tree.count,
            "tree places": tree.top,
            "headers kept aside": len(node.follower._held),
            "connections": len(connections),
            "routes": len(listener._routes),
            "streams": max((len(c._streams) for c in connections), default=0),
            "streams of the core": max((len(c._core._streams) for c in connections), default=0),
            "questions": len(node.asks),
            "epochs": sum(epoch is not None for epoch in node.chain.epochs),
            "tickets marks": sum(mark is not None for mark in node.chain.marks),
            "threads": threading.active_count(),
            "descriptors": len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0,
        }

    def watch(self):
        for name, count in self.held().items():
            self.most[name] = max(count, self.most.get(name, 0))

    def tell(self):
        gc.collect()
        node = self.node
        print(json.dumps({
            "headers": node.chain.headers_checked, "rss": board.memory()[0], "blocks": sys.getallocatedblocks(),
            "most": self.most, "events": self.counts, "answers": node.proved_answers,
            "refused": sum(node.chain.refused.values()), "refused answers": node.refused_answers,
            "checkpoints": self.checkpoints}), flush=True)

    async def ask(self):
        """A value that is there, one that is not, and a range, in turn."""
        there, absent = service_account(1), service_account(77_777)
        questions = [(there, there), (absent, absent), (bytes(31), b"\x20" + bytes(30))]
        at = 0
        while True:
            await asyncio.sleep(PAUSE_S)
            try:
                await self.node.ask(*questions[at % len(questions)], VOUCHED_LEVEL, 0, ANSWER_MS)
            except LocalError as error:
                self.counts[str(error)] = self.counts.get(str(error), 0) + 1
            at += 1

    async def run(self):
        print(0, flush=True)
        asking = asyncio.create_task(self.ask())
        try:
            await self.node.run(self.stop)
        finally:
            asking.cancel()
        self.tell()


if __name__ == "__main__":
    asyncio.run(Soaked(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5:] == ["leak"]).run())

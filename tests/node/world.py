"""Servers of a devnet and a node that follows them, in one event loop on the loopback."""

import asyncio

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.devnet.wire import by_name
from jamliquor_lite.jam.kinds import BLOCK_ANNOUNCEMENT
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.node.node import Node
from jamliquor_lite.node.quic import QuicCarrier
from jamliquor_lite.p2p import keys, multiaddr
from tests.chain.chains import of_devnet

ASK_MS = 20_000  # a fail-safe: nothing here takes a second
_PATIENCE_S = 120


def profile_of(**numbers):
    profile = Profile()
    profile.state_sync_timeout_ms = 1_000
    profile.peer_retry_ms = 200
    for name, value in numbers.items():
        setattr(profile, name, value)
    return profile


def place(text):
    """(name, host, port) of an address in either form."""
    if text.startswith("/"):
        parsed = multiaddr.parse(text)
        return keys.peer_name(parsed.peer_id), parsed.host, parsed.port
    name, _, rest = text.partition("@")
    host, _, port = rest.rpartition(":")
    return name, host, int(port)


def address(server):
    """(name, host, port) of a server on the first of its networks."""
    return place(server.addresses[0])


def quic(seed, genesis_hash, profile, budgets=None):
    """A QUIC carrier on the loopback."""
    return QuicCarrier(seed, genesis_hash, profile, "127.0.0.1", 0, budgets)


def libp2p(seed, genesis_hash, profile, **options):
    """A libp2p carrier that listens on the loopback."""
    places = [("127.0.0.1", 0)]
    return Libp2pCarrier(seed, genesis_hash[:4].hex(), profile, places, (BLOCK_ANNOUNCEMENT,), **options)


CARRIERS = {"quic": quic, "libp2p": libp2p}


class World:
    """`async with World(chain, "honest", "mutated-node") as world`: a server a wire fault, and a node that knows all.

    `network` is the one that both are on: quic or libp2p.
    Peers are asked in the order in which they are named. `events` are the node's; `lines` those of left peers.
    """

    def __init__(self, chain, *wires, start=None, profile=None, chains=(), network="quic", **options):
        self.chain = chain
        self.start = start or of_devnet(DevChain(TINY, seed=17, keys=30))
        self.start.clock_chain = options.pop("clock_chain", True)
        self.events = []
        self.servers = []
        for number, wire in enumerate(wires):
            fault = None if wire == "honest" else by_name(wire)
            served = chains[number] if number < len(chains) else chain
            over = {} if network == "quic" else {"port": -1, "listen": [("127.0.0.1", 0)]}
            self.servers.append(Server(served, TINY, seed=bytes([number + 1]) * 32, wire=fault, **over))
        profile = profile or profile_of()
        self.node = Node(self.start, profile, "test", self._hear, options.get("save"), options.get("flash"))
        self.node.attach(CARRIERS[network](b"\x55" * 32, self.start.genesis_hash, profile, budgets=self.node.budgets))
        self._stop = asyncio.Event()

    def _hear(self, name, fields):
        self.events.append((name, fields))

    def named(self, name):
        return [fields for event, fields in self.events if event == name]

    @property
    def lines(self):
        return [fields["reason"] for fields in self.named("peer_left")]

    async def __aenter__(self):
        for server in self.servers:
            await server.start()
        self.node.open()
        for server in self.servers:
            self.node.add_peer(*address(server))
        self._running = asyncio.create_task(self.node.run(self._stop))
        return self

    async def __aexit__(self, *_):
        self._stop.set()
        await self._running
        for server in self.servers:
            await server.stop()

    async def until(self, condition):
        async with asyncio.timeout(_PATIENCE_S):
            while not condition():
                assert not self._running.done(), self._running.exception()
                await asyncio.sleep(0.01)

    async def caught_up(self):
        await self.until(lambda: self.node.chain.best_slot == self.chain.best.slot)

    async def ask(self, start, end=None, level=2, support=0):
        return await self.node.ask(start, end or start, level, support, ASK_MS)


def chain_of(blocks, **options):
    chain = DevChain(TINY, seed=17, keys=30, **options)
    chain.advance(blocks)
    return chain

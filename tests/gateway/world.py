"""Devnets, gateways and lite nodes in one event loop, connected over the loopback as they would be over a network."""

import asyncio

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.devnet.wire import by_name
from jamliquor_lite.gateway.gateway import Gateway
from jamliquor_lite.gateway.upstreams import LEARN
from jamliquor_lite.jam.kinds import BLOCK_ANNOUNCEMENT
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.node.node import Node
from jamliquor_lite.node.quic import QuicCarrier
from jamliquor_lite.p2p import keys
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.states import READY
from tests.chain.chains import of_devnet
from tests.node.world import place

ASK_MS = 15_000  # a fail-safe: what is answered is answered within a second
PATIENCE_S = 120  # a fail-safe: an idle machine takes a second or two


def profile_of(**numbers):
    profile = Profile()
    profile.state_sync_timeout_ms = 2_000
    profile.peer_retry_ms = 100
    profile.state_probe_ms = 300
    profile.connections_per_source = 16  # all come from 127.0.0.1
    profile.stream_window_bytes = 64 * 1024  # a state of some hundred KB does not fit in
    profile.connection_window_bytes = 256 * 1024
    for name, value in numbers.items():
        setattr(profile, name, value)
    return profile


class Running:
    """A node with its events and its task. `lite` is the address of its libp2p carrier."""

    def __init__(self, node, events):
        self.node = node
        self.events = events
        self.stop = asyncio.Event()
        self.task = None

    @property
    def lite(self):
        return next(address for address in self.node.addresses if address.startswith("/"))

    @property
    def carrier(self):
        return next(carrier for carrier in self.node.carriers if isinstance(carrier, Libp2pCarrier))

    def named(self, name):
        return [fields for event, fields in self.events if event == name]

    def begin(self, *addresses):
        for address in addresses:
            self.node.add_peer(*place(address))
        self.task = asyncio.create_task(self.node.run(self.stop))

    async def end(self):
        self.stop.set()
        await self.task


class World:
    """`async with World(blocks) as world`, then add to it: `upstream`, `gateway`, `lite`. All end with it.

    The chain is that of a devnet with `blocks` blocks; `author` adds to it and has every honest upstream announce.
    """

    def __init__(self, blocks=0, keys=30):
        self.chain = DevChain(TINY, seed=17, keys=keys)
        self.genesis = of_devnet(self.chain)
        self.genesis.clock_chain = True
        self.chain.advance(blocks)
        self.servers = []
        self.nodes = []
        self.lines = []
        self._strangers = []
        self._seeds = 0

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for running in self.nodes:
            await running.end()
        for server in self.servers:
            await server.stop()
        for line in self.lines:
            await line.stop()
        for carrier in self._strangers:
            carrier.release()
        # Whatever happened, every buffer is back.
        for carrier in [running.carrier for running in self.nodes] + self._strangers:
            assert carrier.is_whole

    async def upstream(self, wire="honest", chain=None, **options):
        """A devnet server on QUIC."""
        fault = None if wire == "honest" else by_name(wire) if isinstance(wire, str) else wire
        server = Server(chain or self.chain, TINY, seed=self._seed(), wire=fault, **options)
        await server.start()
        self.servers.append(server)
        return server

    def gateway(self, *addresses, serves=LEARN, kind=Gateway, start=None, **numbers):
        """A gateway that dials these: upstreams by their JAM address, other gateways by their multiaddr."""
        events = []
        profile = profile_of(**numbers)
        node = kind(start or self.genesis, profile, "test", lambda *event: events.append(event), serves=serves)
        genesis_hash = self.genesis.genesis_hash
        node.attach(QuicCarrier(self._seed(), genesis_hash, profile, "127.0.0.1", 0))
        node.attach(self._libp2p(profile))
        return self._run(node, events, addresses)

    def lite(self, *addresses, start=None, **numbers):
        """A lite node without QUIC."""
        events = []
        profile = profile_of(**numbers)
        node = Node(start or self.genesis, profile, "test", lambda *event: events.append(event))
        node.attach(self._libp2p(profile))
        return self._run(node, events, addresses)

    async def stranger(self, address, **numbers):
        """A host without a node that has dialed `address`: (carrier, connection). It does what the test has it do, and
        reads nothing while the test calls neither `receive` nor this."""
        carrier = self._libp2p(profile_of(**numbers))
        self._strangers.append(carrier)
        carrier.open(Waker())
        name, host, port = place(address)
        connection = carrier.dial_to(keys.parse_peer_name(name), [(host, port)], clock.ticks_ms())
        while connection.state != READY:
            carrier.receive(clock.ticks_ms())
            carrier.flush(clock.ticks_ms())
            await asyncio.sleep(0.005)
        return carrier, connection

    async def line(self, address, delay_ms):
        """The address at which somebody on the lite network is to be reached over a line with that delay."""
        line = Line(address, delay_ms)
        await line.start()
        self.lines.append(line)
        return line.address

    def author(self, blocks=1):
        """More blocks, announced by every upstream that serves this chain."""
        found = self.chain.advance(blocks)
        for block in found:
            for server in self.servers:
                if server.chain is self.chain:
                    server.announce(block)
        return found

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                for running in self.nodes:
                    assert not running.task.done(), running.task.exception()
                await asyncio.sleep(0.005)

    async def caught_up(self, *running):
        nodes = [one.node for one in running or self.nodes]
        await self.until(lambda: all(node.chain.best_slot == self.chain.best.slot for node in nodes))

    def _seed(self):
        self._seeds += 1
        return self._seeds.to_bytes(32, "big")

    def _libp2p(self, profile):
        genesis8 = self.genesis.genesis_hash[:4].hex()
        return Libp2pCarrier(self._seed(), genesis8, profile, [("127.0.0.1", 0)], (BLOCK_ANNOUNCEMENT,))

    def _run(self, node, events, addresses):
        running = Running(node, events)
        node.open()
        running.begin(*addresses)
        self.nodes.append(running)
        return running


class Line:
    """A TCP line with a delay: who dials `address` reaches whom it stands in front of, `delay_ms` later each way."""

    def __init__(self, target, delay_ms):
        self._target = target
        self._delay_s = delay_ms / 1000
        self._tasks = set()
        self._writers = []
        self.address = ""

    async def start(self):
        name, host, port = place(self._target)
        self._server = await asyncio.start_server(self._dialed, "127.0.0.1", 0)
        here = self._server.sockets[0].getsockname()[1]
        self.address = self._target.replace("/tcp/%d/" % port, "/tcp/%d/" % here)
        self._there = host, port

    async def stop(self):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _dialed(self, reader, writer):
        there_reader, there_writer = await asyncio.open_connection(*self._there)
        self._writers += [writer, there_writer]
        for way in (self._carry(reader, there_writer), self._carry(there_reader, writer)):
            task = asyncio.create_task(way)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader, writer):
        loop = asyncio.get_running_loop()
        while data := await reader.read(65536):
            loop.call_later(self._delay_s, writer.write, data)
        loop.call_later(self._delay_s, writer.close)

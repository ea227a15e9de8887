"""A plain JAMNP-S client for the devnet's tests: streams as bytes, parsed by hand, on our QUIC but without jam/."""

import asyncio

from jamliquor_lite.budget import stream as bits
from jamliquor_lite.budget.profile import LINUX
from jamliquor_lite.ports.cpython.clock import ticks_ms
from jamliquor_lite.ports.cpython.link import UdpLink
from jamliquor_lite.transport.quic import CLOSED, READY
from jamliquor_lite.transport.quic_certificate import Identity
from jamliquor_lite.transport.quic_listener import Listener

from .follower import Reader


class Gone(Exception):
    """The stream was reset, or the connection is closed."""


class Client:
    """`async with Client(genesis_hash, address) as client`."""

    def __init__(self, genesis_hash, address, seed=b"\5" * 32):
        self.name, at = address.split("@")
        host, port = at.rsplit(":", 1)
        self.target = host, int(port)
        self.listener = Listener(Identity(seed), genesis_hash, LINUX)
        self.link = UdpLink("127.0.0.1", 0)
        self.task = None

    async def __aenter__(self):
        self.connection = self.listener.dial(*self.target, self.name, ticks_ms())
        self.task = asyncio.create_task(self._turn())
        await self.until(lambda: self.connection.state != 0)
        assert self.connection.state == READY, self.connection.close_reason
        return self

    async def __aexit__(self, *_):
        self.listener.close()
        await asyncio.sleep(0.02)
        self.task.cancel()
        self.link.close()

    async def _turn(self):
        while True:
            now = ticks_ms()
            while (size := self.link.receive()) >= 0:
                self.listener.receive(self.link.view[:size], self.link.source, now)
            self.listener.tick(now)
            while (item := self.listener.drain(now)) is not None:
                self.link.send(*item)
            await asyncio.sleep(0.001)

    async def until(self, condition):
        async with asyncio.timeout(120):
            while not condition():
                await asyncio.sleep(0.001)

    def open(self, kind):
        stream = self.connection.open(kind)
        assert stream is not None
        return stream

    async def send(self, stream, data):
        sent = 0
        while sent < len(data):
            sent += stream.send(data, sent, len(data))
            await asyncio.sleep(0)

    async def take(self, stream, count):
        """Exactly `count` bytes."""
        buf = bytearray(count)
        got = 0

        def read():
            nonlocal got
            n = stream.recv_into(buf, got, count)
            stream.credit(n)
            got += n
            if got < count and stream.state & (bits.READ_ENDED | bits.DEAD):
                raise Gone
            return got == count

        await self.until(read)
        return bytes(buf)

    async def message(self, stream):
        return await self.take(stream, int.from_bytes(await self.take(stream, 4), "little"))

    async def ask(self, kind, request, messages):
        """One request; its answer as messages, with the end of both halves checked."""
        stream = self.open(kind)
        await self.send(stream, len(request).to_bytes(4, "little") + request)
        stream.finish()
        answer = [await self.message(stream) for _ in range(messages)]
        await self.until(lambda: stream.state & bits.READ_ENDED or self.connection.state == CLOSED)
        return answer

    async def blocks(self, header_hash, direction, maximum):
        request = header_hash + bytes([direction]) + maximum.to_bytes(4, "little")
        return (await self.ask(128, request, 1))[0]

    async def state(self, header_hash, start, end, size=1 << 20):
        """(nodes, entries) of a CE 129 answer."""
        nodes, entries = await self.ask(129, header_hash + start + end + size.to_bytes(4, "little"), 2)
        assert len(nodes) % 64 == 0
        reader, found = Reader(entries), []
        while reader.pos < len(entries):
            key = reader.take(31)
            found.append((key, reader.take(reader.natural())))
        return [nodes[i : i + 64] for i in range(0, len(nodes), 64)], found

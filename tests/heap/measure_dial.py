"""The steps of measure.py that dial, with the carrier that a node has."""

import gc

from measure_common import POLICIES, SEED, STEP_MS, profile, used

END = 2
END_NAME = "/heap/end/1.0.0"
ENDED = 1 | 2 | 8 | 16  # bits of budget/stream.py: the peer finished, or gave up


def now() -> int:
    """Milliseconds."""
    from jamliquor_lite.ports import clock

    return clock.ticks_ms()


class Host:
    """A carrier without a chain, driven as a node drives it."""

    def __init__(self, policy: str) -> None:
        # In a board's order: the buffers first, then the modules, packed close by frequent collections.
        from jamliquor_lite.budget.pools import Pools

        numbers = profile()
        pools = Pools(numbers)
        pools.fill()
        print("buffers", used())
        before = used()
        gc.threshold(1024)
        # From below: imports that nest deep take stack.
        import jamliquor_lite.budget.queue
        import jamliquor_lite.transport.connection  # noqa: F401
        from jamliquor_lite.node.libp2p import Libp2pCarrier
        from jamliquor_lite.ports import entropy, tcp

        print("modules", used() - before)
        before = used()
        seed = entropy.random_bytes(32)
        self.carrier = Libp2pCarrier(seed, "", numbers, [], policy=POLICIES[policy], pools=pools)
        self.carrier.terms.speak(END_NAME, END)
        self.waker = tcp.Waker()
        self.carrier.open(self.waker)
        print("host", used() - before)
        gc.threshold(-1)

    async def until(self, connection: "object", is_done: "object") -> None:
        """Go on until `is_done()`; AssertionError when the peer ends it or time is over."""
        until = now() + STEP_MS
        carrier = self.carrier
        while True:
            at = now()
            assert at < until, "out of time"
            carrier.receive(at)
            if is_done():
                return
            assert connection.state != 2, connection.close_reason
            carrier.flush(at)
            wake_at = carrier.watch(at)
            await self.waker.wait(1000 if wake_at < 0 else max(0, min(1000, wake_at - now())))

    async def dial(self, port: int) -> "object":
        """A connection that is READY."""
        connection = self.carrier.dial_to(b"", [("127.0.0.1", port)], now())
        await self.until(connection, lambda: connection.state == 1)
        return connection

    async def ask(self, connection: "object") -> None:
        """Ask the peer who it is, and ping it."""
        carrier, services = self.carrier, self.carrier.services(connection)
        # Either may have to wait for a chunk.
        await self.until(connection, lambda: services.ask_identity(carrier, connection, now()))
        await self.until(connection, lambda: services.fault or services.info is not None)
        await self.until(connection, lambda: services.send_ping(carrier, connection, SEED, now()))
        await self.until(connection, lambda: services.fault or services.rtt_ms >= 0)
        assert not services.fault, services.fault
        print("identify protocols", len(services.info.protocols))
        print("rtt", services.rtt_ms)

    async def serve(self, connection: "object") -> None:
        """Answer the peer until it says, by ending a stream, that it has its answers."""
        opened = []
        await self.until(connection, lambda: opened.append(connection.open(END)) or opened[-1] is not None)
        end = opened[-1]
        end.finish()
        # A peer that does not know this protocol refuses it, and is not waited for.
        buf = bytearray(1)
        await self.until(connection, lambda: end.recv_into(buf, 0, 1) or end.state & ENDED)


async def _dial(policy: str, port: int, count: int) -> None:
    host = Host(policy)
    kept = []
    for number in range(count):
        before = used()
        connection = await host.dial(port)
        if count == 1:
            await host.ask(connection)
        await host.serve(connection)
        kept.append(connection)
        print("connection %d" % number, used() - before)
    for pool in (host.carrier.terms.frames, host.carrier.terms.chunks):
        print("least free %s" % pool.name, pool.least_free)


def dial(policy: str, port: str) -> None:
    """One connection, ping, identify."""
    import asyncio

    asyncio.run(_dial(policy, int(port), 1))


def idle(policy: str, port: str, count: str) -> None:
    """Connections that do nothing."""
    import asyncio

    asyncio.run(_dial(policy, int(port), int(count)))


STEPS = {"dial": dial, "idle": idle}

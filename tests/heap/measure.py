"""The steps whose heap is measured. Runs on MicroPython, frozen; board.py starts it.

    micropython -X heapsize=56K -m measure STEP …

    imports MODULE…         what each module takes, in this order, and all together
    call PRIMITIVE          one call each of a pure primitive, as a handshake makes them
    handshake SUITE         two connections back to back in this process: both sides of a handshake
    dial SUITE PORT         the node's own carrier dials a peer on this machine; ping and identify, both ways
    idle SUITE PORT COUNT   it dials so often, and says what each connection takes that does nothing

A step prints `name number` lines, in bytes, and ends with status 0 when all went well. SUITE is plain or hybrid.
"""

import gc
import sys

PACKAGE = "jamliquor_lite."
SEED = bytes(range(32))
PING = 1
END = 2
END_NAME = "/heap/end/1.0.0"
ENDED = 1 | 2 | 8 | 16  # bits of budget/stream.py: the peer finished, or gave up
POLICIES = {"plain": "off", "hybrid": "require"}
STEP_MS = 20_000


def used() -> int:
    """Bytes of heap in use once the garbage is gone."""
    gc.collect()
    return gc.mem_alloc()


def imports(*names: str) -> None:
    """Import one module after the other, and print by how much the heap grew."""
    first = used()
    for name in names:
        before = used()
        __import__(PACKAGE + name)
        print(name, used() - before)
    print("all", used() - first)
    print("free", gc.mem_free())


def call(primitive: str) -> None:
    """Use one primitive of the suite as a handshake does."""
    from jamliquor_lite.crypto import suite

    before = used()
    if primitive == "x25519":
        kept = suite.x25519(SEED, suite.x25519_public(SEED))
    elif primitive == "ed25519":
        public = suite.ed25519_public(SEED)
        kept = suite.ed25519_sign(SEED, SEED)
        assert suite.ed25519_verify(public, kept, SEED)
    elif primitive == "aead":
        cipher = kept = suite.Aead(SEED)
        buf = bytearray(1024)
        size = cipher.seal(0, b"", buf, 0, 1000, buf, 0)
        assert cipher.open(0, b"", buf, 0, size, buf, 0) == 1000
    elif primitive == "mlkem768":
        public, kept = suite.mlkem768_keypair(SEED + SEED)
        ciphertext, shared = suite.mlkem768_encapsulate(public, SEED)
        assert suite.mlkem768_decapsulate(kept, ciphertext) == shared
        del public, ciphertext
    elif primitive == "blake2b":
        kept = suite.blake2b_256(SEED)
    else:
        raise ValueError("no primitive " + primitive)
    print(primitive, used() - before)


def profile() -> "object":
    """The numbers of a small board: frames of 2 KiB and 4 chunks of 512 bytes."""
    from jamliquor_lite.budget.profile import Profile

    ours = Profile()
    ours.frame_bytes = 2050
    ours.frames = 2
    ours.chunk_bytes = 512
    ours.stream_chunks = 4
    ours.identify_bytes = 1024
    ours.identify_buffers = 1
    ours.stream_window_bytes = ours.connection_window_bytes = 2048
    ours.send_buffer_bytes = ours.connection_send_bytes = 1024
    ours.handshake_timeout_ms = ours.idle_timeout_ms = STEP_MS
    return ours


def terms(policy: str) -> "object":
    """A host without a carrier, and with four frames: for a connection's both ends."""
    from jamliquor_lite.budget.pool import Pool
    from jamliquor_lite.p2p.identity import Identity
    from jamliquor_lite.ports import entropy
    from jamliquor_lite.transport.noise import StaticKey
    from jamliquor_lite.transport.terms import Terms

    numbers = profile()
    before = used()
    static = StaticKey(Identity(entropy.random_bytes(32)), entropy.random_bytes(32))
    print("identity", used() - before)
    before = used()
    # Whatever is larger than a few hundred bytes is made before the heap is in pieces, as a board does at boot.
    frames = Pool("frames", 4, numbers.frame_bytes, 1)
    chunks = Pool("chunks", numbers.stream_chunks, numbers.chunk_bytes, 1)
    frames.fill()
    chunks.fill()
    ours = Terms(static, numbers, frames, chunks, POLICIES[policy])
    ours.serve("/ipfs/ping/1.0.0", PING)
    print("buffers", used() - before)
    return ours


def handshake(policy: str) -> None:
    """Both sides of one handshake, and a ping over it."""
    from jamliquor_lite.ports import entropy
    from jamliquor_lite.transport.connection import Connection
    from jamliquor_lite.transport.states import READY
    from jamliquor_lite.transport.upgrade import RANDOM_BYTES

    print("modules", used())
    ours = terms(policy)
    before = used()
    dialer = Connection(ours, ("", 0), True, entropy.random_bytes(RANDOM_BYTES), 0)
    listener = Connection(ours, ("", 0), False, entropy.random_bytes(RANDOM_BYTES), 0)
    _carry(dialer, listener)
    assert dialer.state == listener.state == READY, (dialer.close_reason, listener.close_reason)
    stream = dialer.open(PING)
    stream.send(SEED, 0, 32)
    _carry(dialer, listener)
    other = listener.accept()
    buf = bytearray(32)
    assert other.recv_into(buf, 0, 32) == 32 and buf == SEED
    stream.reset(0)
    other.reset(0)
    _carry(dialer, listener)
    stream = other = buf = None
    print("connection", (used() - before) // 2)


def _carry(one: "object", other: "object") -> None:
    """Move bytes both ways until both are silent."""
    moved = True
    while moved:
        moved = False
        for sender, reader in ((one, other), (other, one)):
            view = sender.outlet(0)
            if view is not None:
                sender.sent(reader.feed(view, 0, len(view), 0))
                moved = True


def now() -> int:
    """Milliseconds."""
    from jamliquor_lite.ports import clock

    return clock.ticks_ms()


class Host:
    """A carrier without a chain, driven as a node drives it."""

    def __init__(self, policy: str) -> None:
        from jamliquor_lite.node.libp2p import Libp2pCarrier
        from jamliquor_lite.ports import entropy, tcp

        print("modules", used())
        before = used()
        self.carrier = Libp2pCarrier(entropy.random_bytes(32), "", profile(), [], policy=POLICIES[policy])
        self.carrier.fill()
        self.carrier.terms.speak(END_NAME, END)
        self.waker = tcp.Waker()
        self.carrier.open(self.waker)
        print("host", used() - before)

    async def until(self, connection: "object", is_done: "object") -> None:
        """Go on until `is_done()`; AssertionError when the peer ends it or time is over."""
        until = now() + STEP_MS
        carrier = self.carrier
        while not is_done():
            assert connection.state != 2, connection.close_reason
            at = now()
            assert at < until, "out of time"
            carrier.receive(at)
            carrier.flush(at)
            wake_at = carrier.watch(at)
            await self.waker.wait(1000 if wake_at < 0 else max(0, min(1000, wake_at - now())))

    async def dial(self, port: int) -> "object":
        """A connection that is READY."""
        connection = self.carrier.dial_to(b"", [("127.0.0.1", port)], now())
        await self.until(connection, lambda: connection.state == 1)
        return connection

    async def ask(self, connection: "object") -> None:
        """Ping the peer and ask it who it is."""
        services = self.carrier.services(connection)
        assert services.ask_identity(self.carrier, connection, now())
        assert services.send_ping(self.carrier, connection, SEED, now())
        await self.until(connection, lambda: services.fault or (services.info is not None and services.rtt_ms >= 0))
        assert not services.fault, services.fault
        print("identify protocols", len(services.info.protocols))

    async def serve(self, connection: "object") -> None:
        """Answer the peer until it says, by ending a stream, that it has its answers."""
        end = connection.open(END)
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


STEPS = {"imports": imports, "call": call, "handshake": handshake, "dial": dial, "idle": idle}

if __name__ == "__main__":
    STEPS[sys.argv[1]](*sys.argv[2:])

"""The steps whose heap is measured. Runs on MicroPython, frozen; board.py starts it.

    micropython -X heapsize=56K -m measure STEP …

    imports MODULE…         what each module takes, in this order, and all together
    call PRIMITIVE          one call each of a pure primitive, as a handshake makes them
    handshake SUITE         two connections back to back in this process: both sides of a handshake
    dial SUITE PORT         dial a peer on this machine, ping it, ask who it is
    idle SUITE PORT COUNT   dial it so often, and say what each connection takes that does nothing

A step prints `name number` lines, in bytes, and ends with status 0 when all went well. SUITE is plain or hybrid.
"""

import gc
import sys

PACKAGE = "jamliquor_lite."
SEED = bytes(range(32))
PING = 1
IDENTIFY = 2
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


def terms(policy: str, frames: int) -> "object":
    """A host with the buffers of a small board: `frames` of 2 KiB and 4 chunks of 512 bytes."""
    from jamliquor_lite.budget.pool import Pool
    from jamliquor_lite.budget.profile import Profile
    from jamliquor_lite.p2p.identity import Identity
    from jamliquor_lite.ports import entropy
    from jamliquor_lite.transport.noise import StaticKey
    from jamliquor_lite.transport.terms import OFF, REQUIRE, Terms

    profile = Profile()
    profile.frame_bytes = 2050
    profile.chunk_bytes = 512
    profile.stream_window_bytes = profile.connection_window_bytes = 2048
    profile.send_buffer_bytes = profile.connection_send_bytes = 1024
    profile.handshake_timeout_ms = profile.idle_timeout_ms = STEP_MS
    before = used()
    static = StaticKey(Identity(entropy.random_bytes(32)), entropy.random_bytes(32))
    print("identity", used() - before)
    before = used()
    # Whatever is larger than a few hundred bytes is made before the heap is in pieces, as a board does at boot.
    ours = Terms(
        static,
        profile,
        Pool("frames", frames, profile.frame_bytes, 1),
        Pool("chunks", 4, profile.chunk_bytes, 1),
        {"plain": OFF, "hybrid": REQUIRE}[policy],
    )
    ours.frames.fill()
    ours.chunks.fill()
    ours.serve("/ipfs/ping/1.0.0", PING)
    ours.speak("/ipfs/id/1.0.0", IDENTIFY)
    ours.identify = bytearray(1024)
    print("buffers", used() - before)
    return ours


def handshake(policy: str) -> None:
    """Both sides of one handshake, and a ping over it."""
    from jamliquor_lite.ports import entropy
    from jamliquor_lite.transport.connection import Connection
    from jamliquor_lite.transport.states import READY
    from jamliquor_lite.transport.upgrade import RANDOM_BYTES

    print("modules", used())
    ours = terms(policy, 4)
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


class Link:
    """A connection and its socket, as the node drives them."""

    def __init__(self, ours: "object", waker: "object", port: int) -> None:
        from jamliquor_lite.ports import entropy, tcp
        from jamliquor_lite.transport.connection import Connection
        from jamliquor_lite.transport.upgrade import RANDOM_BYTES

        self.tcp = tcp.dial(waker, "127.0.0.1", port)
        self.connection = Connection(ours, self.tcp.address, True, entropy.random_bytes(RANDOM_BYTES), now())

    def turn(self) -> None:
        """Move what can be moved."""
        connection, tcp = self.connection, self.tcp
        room = connection.inlet()
        while room is not None:
            count = tcp.recv_into(room, 0, len(room))
            connection.filled(max(0, count), now())
            if count < 0:
                connection.ended(tcp.reason, now())
            if count <= 0:
                break
            room = connection.inlet()
        view = connection.outlet(now())
        while view is not None:
            count = tcp.send(view, 0, len(view))
            connection.sent(count)
            if not count:
                break
            view = connection.outlet(now())
        tcp.watch(connection.wants() > 0, view is not None)

    async def until(self, waker: "object", is_done: "object") -> None:
        """Go on until `is_done()`; AssertionError when the peer ends it or time is over."""
        until = now() + STEP_MS
        while True:
            self.turn()
            if is_done():
                return
            assert self.connection.state != 2, self.connection.close_reason
            assert now() < until, "out of time"
            await waker.wait(1000)


def now() -> int:
    """Milliseconds."""
    from jamliquor_lite.ports import clock

    return clock.ticks_ms()


async def _dial(policy: str, port: int, count: int) -> None:
    from jamliquor_lite.ports import tcp

    print("modules", used())
    ours = terms(policy, 2)
    waker = tcp.Waker()
    links = []
    for number in range(count):
        before = used()
        link = Link(ours, waker, port)
        await link.until(waker, lambda: link.connection.state == 1)  # noqa: B023  (called before the next turn)
        links.append(link)
        if count == 1:
            await _ask(link, waker)
        link.turn()
        await waker.wait(0)
        print("connection %d" % number, used() - before)
    print("least free frames", ours.frames.least_free)
    print("least free chunks", ours.chunks.least_free)


async def _ask(link: Link, waker: "object") -> None:
    """Ping the peer, and ask it who it is."""
    from jamliquor_lite.p2p import identify, ping

    connection = link.connection
    pinger = ping.Pinger(connection.open(PING), STEP_MS)
    pinger.send(SEED, now())
    await link.until(waker, lambda: pinger.poll(now()) == 5)
    pinger.finish()
    receiver = identify.Receiver(connection._terms.profile, connection._terms.identify)
    receiver.begin(connection.open(IDENTIFY), now() + STEP_MS, connection.peer_id)
    await link.until(waker, lambda: receiver.poll(now()) == 2)
    print("identify protocols", len(receiver.info.protocols))
    await link.until(waker, lambda: pinger.poll(now()) == 2)


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

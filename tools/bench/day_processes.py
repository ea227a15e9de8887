"""The processes of tools/bench/day.py, with clocks that run `SCALE` times as fast.

    day_processes.py serve SCALE SLOTS PACE_MS HOST CHAINSPEC     announces a full-spec chain, JSON lines on stdout
    day_processes.py follow SCALE ARGUMENT…                       `jamliquor-lite`, and what went through it
    day_processes.py author SLOTS                                 the headers of that chain, for the server
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

GENESIS_SLOT = 590  # ten slots before an epoch ends: a short run has an epoch mark
FIRST_SLOT = GENESIS_SLOT + 1
SPACE_MS = 50  # between two announcements, however late the first was
AHEAD = 60  # headers that are authored before they are due: one with an epoch mark takes a second and a half
# Waits for the other process, which is no faster than it is; none of them sends anything.
PATIENCE = (
    "handshake_timeout_ms", "frame_stall_ms", "stream_stall_ms", "stream_ack_ms", "farewell_ms", "identify_timeout_ms",
    "ping_timeout_ms", "peer_retry_ms", "peer_retry_max_ms", "half_closed_ms", "state_sync_timeout_ms",
    "block_announce_timeout_ms",
)  # fmt: skip


def hasten(scale: float) -> None:
    """Let this process's clock run so much faster. Before anything of the node is imported."""
    from jamliquor_lite.ports.cpython import clock, waker

    began = time.monotonic_ns()

    def ticks_ms() -> int:
        return int((began + (time.monotonic_ns() - began) * scale) // 1_000_000)

    clock.ticks_ms = ticks_ms
    wait = waker.Waker.wait

    async def hastened(self: waker.Waker, timeout_ms: int) -> None:
        await wait(self, timeout_ms if timeout_ms <= 0 else max(1, int(timeout_ms / scale)))

    waker.Waker.wait = hastened  # type: ignore[method-assign]
    from jamliquor_lite.transport.yamux_ping import Pings

    due_at = Pings.wake_at

    def wake_at(self: Pings, now: int) -> int:
        # Pings are sent by the clock, and are answered by a process.
        at = due_at(self, now)
        return at if self._asked_at < 0 else self._asked_at + int((at - self._asked_at) * scale)

    Pings.wake_at = wake_at  # type: ignore[method-assign]
    from jamliquor_lite.budget.profile import LINUX, Profile

    for name in PATIENCE:
        setattr(Profile, name, int(getattr(Profile, name) * scale))
        assert name not in vars(LINUX)


class Messages:
    """Counts the bytes of JAM's messages, length prefixes included, that go through this process's streams."""

    def __init__(self) -> None:
        from jamliquor_lite.transport.protocol_stream import ProtocolStream
        from jamliquor_lite.transport.terms import FIRST_OWN

        self.down = self.up = 0
        recv_into, send = ProtocolStream.recv_into, ProtocolStream.send

        def received(stream: ProtocolStream, buf: "bytearray | memoryview", start: int, end: int) -> int:
            size = recv_into(stream, buf, start, end)
            if 0 <= stream.kind < FIRST_OWN:
                self.down += size
            return size

        def sent(stream: ProtocolStream, buf: "bytes | bytearray | memoryview", start: int, end: int) -> int:
            size = send(stream, buf, start, end)
            if 0 <= stream.kind < FIRST_OWN:
                self.up += size
            return size

        ProtocolStream.recv_into, ProtocolStream.send = received, sent  # type: ignore[method-assign]


def follow(scale: float, arguments: "list[str]") -> int:
    """`jamliquor-lite` with a fast clock; what went through it is the last line on stdout."""
    hasten(scale)
    status, found = measured(arguments)
    print(json.dumps(found), flush=True)
    return status


def measured(arguments: "list[str]") -> "tuple[int, dict[str, int]]":
    """Run `jamliquor-lite`: its status, and what went through its carriers."""
    from jamliquor_lite.cli import main as cli
    from jamliquor_lite.node import libp2p

    messages = Messages()
    carriers: "list[libp2p.Libp2pCarrier]" = []
    opened = libp2p.Libp2pCarrier.open

    def keep(self: libp2p.Libp2pCarrier, waker: object) -> None:
        carriers.append(self)
        opened(self, waker)  # type: ignore[arg-type]

    libp2p.Libp2pCarrier.open = keep  # type: ignore[method-assign, assignment]
    status = cli.main(arguments)
    found = {"messages_down": messages.down, "messages_up": messages.up, "dials": len(carriers)}
    for name in ("bytes_in", "bytes_out", "wire_in", "wire_out"):
        found[name] = sum(getattr(carrier.traffic, name) for carrier in carriers)
    return status, found


def author(slots: int) -> int:
    """Headers on stdout, each behind its length, one for every slot: a block with an epoch mark takes more than a
    second, so no server can do it beside."""
    out = sys.stdout.buffer
    chain = _chain()
    for slot in range(FIRST_SLOT, FIRST_SLOT + slots):
        block = chain.next(slot)  # type: ignore[attr-defined]
        header = block.header if block is not None else b""
        out.write(len(header).to_bytes(4, "little") + header)
        out.flush()
    return 0


def _chain() -> "object":
    from jamliquor_lite.codec.spec import FULL
    from jamliquor_lite.devnet.author import DevChain

    return DevChain(FULL, seed=5, keys=20, genesis_slot=GENESIS_SLOT, contests="always")


class _Announced:
    """What the server takes of a block."""

    def __init__(self, header: bytes) -> None:
        self.header = header


def serve(scale: float, slots: int, pace_ms: float, host: str, chainspec_path: str) -> int:
    """Announce the headers of an author's every `pace_ms`, from a line on stdin on. The server's own chain stays at its
    genesis: its peer needs to ask for nothing."""
    hasten(scale)
    from jamliquor_lite.codec.spec import FULL
    from jamliquor_lite.devnet import chainspec
    from jamliquor_lite.devnet.serve import Server

    chain = _chain()
    queue: "asyncio.Queue[bytes]" = asyncio.Queue(AHEAD)

    async def fill() -> None:
        words = [sys.executable, str(Path(__file__).resolve()), "author", str(slots)]
        process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            for _ in range(slots):
                size = int.from_bytes(await process.stdout.readexactly(4), "little")
                await queue.put(await process.stdout.readexactly(size))
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def run() -> None:
        async with Server(chain, FULL, seed=b"\1" * 32, port=-1, listen=[(host, 4001)]) as server:  # type: ignore
            chainspec.write(chainspec_path, chain, server.addresses, True)  # type: ignore[arg-type]
            filling = asyncio.create_task(fill())
            while not queue.full() and not filling.done():
                await asyncio.sleep(0.05)
            _say(event="ready", peer=server.addresses[0])
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, sys.stdin.readline)
            due = announced = time.monotonic()
            sizes, late = [], 0
            for slot in range(FIRST_SLOT, FIRST_SLOT + slots):
                header = await queue.get()
                due += pace_ms / 1000
                now = time.monotonic()
                if now > due:
                    late += 1
                    due = max(due, now - pace_ms / 1000)  # it catches up with one slot, not with many
                await asyncio.sleep(max(0.0, due - now, announced + SPACE_MS / 1000 - now))
                announced = time.monotonic()
                if header:
                    server.announce(_Announced(header))  # type: ignore[arg-type]
                    sizes.append(len(header))
                    _say(event="block", slot=slot)
            _say(event="end", blocks=len(sizes), headers=sum(sizes), late=late, long=sum(s > 1_000 for s in sizes),
                 peers=server.peers)
            await loop.run_in_executor(None, sys.stdin.readline)
            await filling

    asyncio.run(run())
    return 0


def _say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


def main(words: "list[str]") -> int:
    """Be the process that day.py asks for."""
    if words[0] == "serve":
        return serve(float(words[1]), int(words[2]), float(words[3]), words[4], words[5])
    if words[0] == "author":
        return author(int(words[1]))
    return follow(float(words[1]), words[2:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

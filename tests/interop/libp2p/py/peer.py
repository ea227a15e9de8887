"""A py-libp2p peer for interop tests; ../README.md says what each peer does.

    peer.py listen                    peer.py dial MULTIADDR [BYTES]
    peer.py measure MULTIADDR HANDSHAKES PINGS BYTES
"""

import hashlib
import json
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable

import trio
from libp2p import new_host
from libp2p.abc import IHost, INetStream
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_static_key_pair
from libp2p.custom_types import TProtocol
from libp2p.host.ping import ID as PING
from libp2p.host.ping import perform_ping_roundtrip
from libp2p.identity.identify.identify import ID as IDENTIFY
from libp2p.identity.identify.identify import parse_identify_response
from libp2p.io.utils import read_exactly
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.peer.id import ID
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.tools.utils import info_from_p2p_addr
from libp2p.utils.varint import read_length_prefixed_protobuf
from multiaddr import Multiaddr

SINK = TProtocol("/jamliquor/sink/1.0.0")
SOURCE = TProtocol("/jamliquor/source/1.0.0")
DEFAULT_BYTES = 16 * 1024 * 1024
PERIOD = 65536
PATTERN = bytes((i * 131 + (i >> 8)) & 255 for i in range(PERIOD))
PINGS = 5
TRANSFERS = 3
IDENTIFY_TRIES = 20
IDENTIFY_PAUSE_S = 0.1


def make_host() -> IHost:
    """Noise and yamux over TCP, and no more."""
    keys = create_new_key_pair(secrets.token_bytes(32))
    noise = NoiseTransport(libp2p_keypair=keys, noise_privkey=create_static_key_pair().private_key)
    return new_host(key_pair=keys, sec_opt={NOISE: noise}, muxer_opt={TProtocol(YAMUX): Yamux})


def pattern_hash(size: int) -> bytes:
    state = hashlib.sha256()
    for at in range(0, size, PERIOD):
        state.update(PATTERN[: size - at])
    return state.digest()


async def send_pattern(stream: INetStream, size: int) -> None:
    """It, and the end of the writing side."""
    for at in range(0, size, PERIOD):
        await stream.write(PATTERN[: size - at])
    await stream.close_write()


async def read_to_end(stream: INetStream) -> bytes:
    """Count (8 bytes) and hash of all that comes until the other side has finished."""
    state, count = hashlib.sha256(), 0
    try:
        while data := await stream.read(PERIOD):
            state.update(data)
            count += len(data)
    except StreamEOF:
        pass
    return count.to_bytes(8, "big") + state.digest()


async def answer_sink(stream: INetStream) -> None:
    await stream.write(await read_to_end(stream))
    await stream.close_write()


async def answer_source(stream: INetStream) -> None:
    await send_pattern(stream, int.from_bytes(await read_exactly(stream, 8), "big"))


def serve(answer: Callable[[INetStream], Awaitable[None]]) -> Callable[[INetStream], Awaitable[None]]:
    async def handle(stream: INetStream) -> None:
        try:
            await answer(stream)
        except Exception as error:
            print(f"stream: {error!r}", file=sys.stderr)
            await stream.reset()

    return handle


async def listen() -> None:
    host = make_host()
    host.set_stream_handler(SINK, serve(answer_sink))
    host.set_stream_handler(SOURCE, serve(answer_source))
    async with host.run(listen_addrs=[Multiaddr("/ip4/127.0.0.1/tcp/0")]):
        print(f"READY {host.get_transport_addrs()[0]}/p2p/{host.get_id()}", flush=True)
        await trio.sleep_forever()


async def identify(host: IHost, peer: ID) -> tuple[str, list[str]]:
    """(agent, protocols). The host asks by itself too, and js resets the second of two such streams at once."""
    for tries in range(IDENTIFY_TRIES):
        try:
            stream = await host.new_stream(peer, [IDENTIFY])
            said = parse_identify_response(await read_length_prefixed_protobuf(stream))
            return said.agent_version, list(said.protocols)
        except Exception:
            if tries == IDENTIFY_TRIES - 1:
                raise
            await trio.sleep(IDENTIFY_PAUSE_S)
    raise AssertionError


async def sink(host: IHost, peer: ID, size: int, expected: bytes) -> tuple[bool, float]:
    """Whether the peer has what was sent; seconds."""
    start = time.perf_counter()
    stream = await host.new_stream(peer, [SINK])
    await send_pattern(stream, size)
    return await read_exactly(stream, len(expected)) == expected, time.perf_counter() - start


async def source(host: IHost, peer: ID, size: int, expected: bytes) -> tuple[bool, float]:
    """Whether what came is right; seconds."""
    start = time.perf_counter()
    stream = await host.new_stream(peer, [SOURCE])
    await stream.write(size.to_bytes(8, "big"))
    await stream.close_write()
    return await read_to_end(stream) == expected, time.perf_counter() - start


async def measure(address: str, handshakes: int, pings: int, size: int) -> None:
    """What tools/bench/p2p.py asks of a dialer. The first transfer each way has no say: it warms the other side up."""
    target = info_from_p2p_addr(Multiaddr(address))
    peer = target.peer_id
    host = make_host()
    times: dict[str, list[float]] = {"sink_s": [], "source_s": []}
    async with host.run(listen_addrs=[]):
        cpu_ms, wall_ms, ping_ms = [], [], []
        for _ in range(handshakes):
            cpu, wall = time.process_time(), time.perf_counter()
            await host.connect(target)
            cpu_ms.append((time.process_time() - cpu) * 1e3)
            wall_ms.append((time.perf_counter() - wall) * 1e3)
            await host.disconnect(peer)
        await host.connect(target)
        stream = await host.new_stream(peer, [PING])
        for _ in range(pings):
            start = time.perf_counter()
            await perform_ping_roundtrip(stream)
            ping_ms.append((time.perf_counter() - start) * 1e3)
        await stream.close()
        expected = size.to_bytes(8, "big") + pattern_hash(size)
        for _ in range(TRANSFERS):
            for name, move in (("sink_s", sink), ("source_s", source)):
                is_right, seconds = await move(host, peer, size, expected)
                times[name].append(seconds)
                if not is_right:
                    raise ValueError("what came is not what was sent")
        report = {"handshake_cpu_ms": cpu_ms, "handshake_ms": wall_ms, "ping_ms": ping_ms,
                  **{name: min(samples[1:]) for name, samples in times.items()}}
        print(json.dumps(report), flush=True)


async def dial(address: str, size: int) -> None:
    target = info_from_p2p_addr(Multiaddr(address))
    peer = target.peer_id
    host = make_host()
    async with host.run(listen_addrs=[]):
        await host.connect(target)
        agent, protocols = await identify(host, peer)
        ping_ms = []
        stream = await host.new_stream(peer, [PING])
        for _ in range(PINGS):
            start = time.perf_counter()
            await perform_ping_roundtrip(stream)
            ping_ms.append((time.perf_counter() - start) * 1e3)
        await stream.close()
        expected = size.to_bytes(8, "big") + pattern_hash(size)

        sink_ok, sink_s = await sink(host, peer, size, expected)
        source_ok, source_s = await source(host, peer, size, expected)
        report = {"agent": agent, "protocols": protocols, "ping_ms": ping_ms, "sink_ok": sink_ok,
                  "source_ok": source_ok, "sink_s": sink_s, "source_s": source_s}
        print(json.dumps(report), flush=True)
        if not sink_ok or not source_ok:
            raise ValueError("what came is not what was sent")


def end_with_parent() -> None:
    """Standard input is a pipe from whoever started this: its end is theirs, however that came."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def first(error: BaseException) -> BaseException:
    """The first that is no group of errors, which is what trio raises."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def main(words: list[str]) -> int:
    logging.basicConfig(level=logging.CRITICAL)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    try:
        if words == ["listen"]:
            threading.Thread(target=end_with_parent, daemon=True).start()
            trio.run(listen)
        elif len(words) in (2, 3) and words[0] == "dial":
            trio.run(dial, words[1], int(words[2]) if len(words) == 3 else DEFAULT_BYTES)
        elif len(words) == 5 and words[0] == "measure":
            trio.run(measure, words[1], *map(int, words[2:]))
        else:
            raise ValueError("usage: see the head of peer.py")
    except BaseException as error:
        print("peer:", repr(first(error)).replace("\n", " "), file=sys.stderr, flush=True)
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)  # its own tasks hold it up otherwise


if __name__ == "__main__":
    main(sys.argv[1:])

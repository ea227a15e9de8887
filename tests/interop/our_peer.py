"""A peer over our own stack, with the contract of those in libp2p/: README.md there says what each of them does.

    our_peer.py listen [OPTIONS]                    our_peer.py dial MULTIADDR [BYTES] [OPTIONS]
    our_peer.py measure MULTIADDR HANDSHAKES PINGS BYTES [OPTIONS]
    our_peer.py hold MULTIADDR COUNT [OPTIONS]      so many connections, each identified and pinged; says HOLDING

Options: --pq=require|prefer|off (default prefer), --crypto=… (cli/crypto_choice.py has the words), --ssl to load what
the program `jamliquor-lite` leaves out: ssl, and OpenSSL's hashes; --peers=N to have room for so many connections.
The report of `dial` also has `suite` and `is_bound`.
"""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.cli import crypto_choice
from jamliquor_lite.cli.frugal import load_asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.interop.lite_host import Host

DEFAULT_BYTES = 16 * 1024 * 1024
PINGS = 5
TRANSFERS = 3
_FOREVER_S = 1e6
_NAMES = {"hybrid": "/noise-mlkem768-hfs/0.2.0", "classical": "/noise"}


async def listen(host: "Host") -> None:
    """Serve until the process ends, and say who was turned away."""
    print("READY", host.address, flush=True)
    watch_parent()
    while True:
        await host.until(lambda: host.carrier.last_refusal != "", _FOREVER_S)
        print("REFUSED", host.carrier.last_refusal, flush=True)
        host.carrier.last_refusal = ""


async def dial(host: "Host", address: str, size: int) -> None:
    """Everything that is to be done with a listening peer, and the line about it."""
    import json

    connection = await host.dial(address)
    info = await host.identify(connection)
    ping_ms = [await host.ping(connection) * 1000 for _ in range(PINGS)]
    report = {
        "agent": info.agent,
        "protocols": info.protocols,
        "ping_ms": ping_ms,
        "sink_s": await host.send(connection, size),
        "sink_ok": True,  # anything else is an error
        "source_s": await host.fetch(connection, size, True),
        "source_ok": True,
        "security": _NAMES[connection.suite],
        "muxer": "/yamux/1.0.0",
        "suite": connection.suite,
        "is_bound": connection.is_bound,
    }
    host.close()
    print(json.dumps(report), flush=True)


async def measure(host: "Host", address: str, handshakes: int, pings: int, size: int) -> None:
    """What tools/bench/p2p.py asks of a dialer. The first transfer each way has no say: it warms the other side up."""
    import json

    cpu_ms, wall_ms = [], []
    for _ in range(handshakes):
        cpu, wall = time.process_time(), time.perf_counter()
        connection = await host.dial(address)
        cpu_ms.append((time.process_time() - cpu) * 1000)
        wall_ms.append((time.perf_counter() - wall) * 1000)
        await host.leave(connection)
    connection = await host.dial(address)
    report = {
        "handshake_cpu_ms": cpu_ms,
        "handshake_ms": wall_ms,
        "ping_ms": [await host.ping(connection) * 1000 for _ in range(pings)],
        "sink_s": min([await host.send(connection, size) for _ in range(TRANSFERS)][1:]),
        "source_s": min([await host.fetch(connection, size) for _ in range(TRANSFERS)][1:]),
        "suite": connection.suite,
    }
    host.close()
    print(json.dumps(report), flush=True)


async def hold(host: "Host", address: str, count: int) -> None:
    """Have `count` connections, which nothing moves on any more, until the process ends."""
    for _ in range(count):
        connection = await host.dial(address)
        await host.identify(connection)
        await host.ping(connection)
    print("HOLDING", flush=True)
    watch_parent()
    await host.until(lambda: False, _FOREVER_S)


def profile_for(peers: int) -> "Profile":
    """The default one, with room for so many connections from this machine."""
    limits = Profile()
    limits.max_peers = limits.inbound_peers = limits.connections_per_source = limits.pins = peers
    limits.protocol_streams = peers  # each keeps one to ping by
    return limits


def watch_parent() -> None:
    """Standard input is a pipe from whoever started this: its end is theirs, however that came, and then ours."""
    import asyncio

    try:
        asyncio.get_running_loop().add_reader(0, lambda: os.read(0, 4096) or os._exit(0))
    except OSError:
        pass  # a file, which cannot be waited for


def main(words: "list[str]") -> int:
    """Run one command line; the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    options = dict(word[2:].partition("=")[::2] for word in words if word.startswith("--"))
    words = [word for word in words if not word.startswith("--")]
    if "ssl" not in options:
        load_asyncio()
    import asyncio

    from tests.interop.lite_host import Host, HostError

    try:
        crypto_choice.apply(options.get("crypto", crypto_choice.AUTO))
        policy = options.get("pq", "prefer")
        profile = profile_for(int(options["peers"])) if "peers" in options else None
        if words == ["listen"]:
            asyncio.run(listen(Host(policy, [("127.0.0.1", 0)], profile)))
            return 0
        host = Host(policy, None, profile)
        if len(words) in (2, 3) and words[0] == "dial":
            asyncio.run(dial(host, words[1], int(words[2]) if len(words) == 3 else DEFAULT_BYTES))
        elif len(words) == 5 and words[0] == "measure":
            asyncio.run(measure(host, words[1], int(words[2]), int(words[3]), int(words[4])))
        elif len(words) == 3 and words[0] == "hold":
            asyncio.run(hold(host, words[1], int(words[2])))
        else:
            raise HostError("usage: see the head of our_peer.py")
    except Exception as error:
        print("peer: %s" % (str(error) if isinstance(error, HostError) else repr(error)), file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

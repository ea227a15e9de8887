"""The application that libp2p's unified-testing runs for its transport suite, over our own stack.

Settings come in the environment, addresses through Redis, results go to standard output as YAML, all else to standard
error: IS_DIALER REDIS_ADDR TEST_KEY TRANSPORT SECURE_CHANNEL MUXER LISTENER_IP DEBUG, or the names that the older
harness used: is_dialer redis_addr transport security muxer ip test_timeout_seconds. Exit status 0 when all went well.

The harness calls the plain handshake `noise`; `hybrid` is our word for the other one.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jamliquor_lite.transport.terms import OFF, REQUIRE
from tests.interop.lite_host import Host

_POLICIES = {"noise": OFF, "hybrid": REQUIRE}
_EVERYWHERE = "0.0.0.0"
_REDIS_PORT = "6379"
_GRACE_S = 5.0  # Redis answers a BLPOP that found nothing a little late
_LINE_BYTES = 4096  # an answer of Redis that is no address of ours


class AppError(Exception):
    """What is not as it should be. One line."""


def setting(name: str, older: str, otherwise: str) -> str:
    """One of the two names, the newer one first."""
    return os.environ.get(name, os.environ.get(older, otherwise))


class Redis:
    """Two commands of Redis, in its protocol (RESP 2). `limit_s` bounds every wait."""

    def __init__(self, address: str, limit_s: int) -> None:
        host, _, port = address.partition(":")
        self._limit_s = limit_s
        self._socket = socket.create_connection((host, int(port or _REDIS_PORT)), limit_s + _GRACE_S)
        self._file = self._socket.makefile("rb")

    def push(self, key: str, value: str) -> None:
        """Append to a list."""
        self._say("RPUSH", key, value)
        self._line(b":")

    def pop(self, key: str) -> str:
        """The first of a list, as soon as there is one."""
        self._say("BLPOP", key, str(self._limit_s))
        if self._line(b"*") != b"2":
            raise AppError("redis: nothing in %s within %d s" % (key, self._limit_s))
        text = b""
        for _ in range(2):  # the key, then the value
            size = int(self._line(b"$"))
            text = self._file.read(size + 2)[:-2]
        return text.decode()

    def _say(self, *words: str) -> None:
        parts = ["*%d\r\n" % len(words)] + ["$%d\r\n%s\r\n" % (len(word.encode()), word) for word in words]
        self._socket.sendall("".join(parts).encode())

    def _line(self, kind: bytes) -> bytes:
        line = self._file.readline(_LINE_BYTES)
        if line[:1] != kind or line[-2:] != b"\r\n":
            raise AppError("redis: %r" % line)
        return line[1:-2]


def own_address(redis: str) -> str:
    """The address by which others reach this machine, if it listens on all of them: the one that reaches Redis."""
    host, _, port = redis.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((socket.gethostbyname(host), int(port or _REDIS_PORT)))
        return str(probe.getsockname()[0])


async def listen(policy: str, host: str, redis: str, key: str, limit_s: int) -> None:
    """Say where we are, and serve until the process is ended."""
    node = Host(policy, [(host, 0)])
    address = node.address
    if host == _EVERYWHERE:
        address = address.replace(_EVERYWHERE, own_address(redis))
    Redis(redis, limit_s).push(key, address)
    print("listening on", address, file=sys.stderr, flush=True)
    await node.until(lambda: False, limit_s)


async def dial(policy: str, redis: str, key: str, limit_s: int) -> None:
    """Connect to whoever said where it is, ping once, and tell how long that took."""
    node = Host(policy)
    address = Redis(redis, limit_s).pop(key)
    start = time.perf_counter()
    connection = await node.dial(address)
    ping_s = await node.ping(connection)
    whole_s = time.perf_counter() - start
    node.close()
    print("latency:\n  handshake_plus_one_rtt: %.3f\n  ping_rtt: %.3f\n  unit: ms" % (whole_s * 1000, ping_s * 1000))


def main() -> int:
    """Do what the environment says; the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    redis = setting("REDIS_ADDR", "redis_addr", "redis:6379")
    limit_s = int(setting("TEST_TIMEOUT_SECS", "test_timeout_seconds", "60"))
    stack = [setting("TRANSPORT", "transport", "tcp"), setting("SECURE_CHANNEL", "security", "noise"),
             setting("MUXER", "muxer", "yamux")]
    test_key = os.environ.get("TEST_KEY")
    key = "listenerAddr" if test_key is None else test_key + "_listener_multiaddr"
    try:
        policy = _POLICIES.get(stack[1], "")
        if stack[0] != "tcp" or stack[2] != "yamux" or not policy:
            raise AppError("no %s here, only tcp noise yamux and tcp hybrid yamux" % " ".join(stack))
        if setting("IS_DIALER", "is_dialer", "false") == "true":
            asyncio.run(dial(policy, redis, key, limit_s))
        else:
            asyncio.run(listen(policy, setting("LISTENER_IP", "ip", _EVERYWHERE), redis, key, limit_s))
    except Exception as error:
        print("transport:", error, file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

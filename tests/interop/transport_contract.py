"""The contract of libp2p/unified-testing for a transport application: two programs that meet through Redis.

Both get everything in the environment. The listener pushes its address to a list and stays; the dialer takes it from
there, connects, pings once, writes YAML with its times, and exits with status 0.
"""

import os
import re
import subprocess
import uuid
from pathlib import Path

from .foreign import ForeignError, ForeignProcess
from .libp2p_install import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .redis_server import Redis

_LIMIT_S = 60
_RESULT = re.compile(
    r"\Alatency:\n  handshake_plus_one_rtt: ([0-9.]+)\n  ping_rtt: ([0-9.]+)\n  unit: ms\n\Z"
)


def environment(redis: "Redis", is_dialer: bool, test_key: str) -> "dict[str, str]":
    """What the harness of unified-testing sets."""
    return {
        "IS_DIALER": "true" if is_dialer else "false",
        "REDIS_ADDR": redis.address,
        "TEST_KEY": test_key,
        "TRANSPORT": "tcp",
        "SECURE_CHANNEL": "noise",
        "MUXER": "yamux",
        "LISTENER_IP": "127.0.0.1",
        "DEBUG": "false",
    }


def older_environment(redis: "Redis", is_dialer: bool) -> "dict[str, str]":
    """What the harness before it set; its key is the same for all, so no two such tests may share a Redis at once."""
    return {
        "is_dialer": "true" if is_dialer else "false",
        "redis_addr": redis.address,
        "transport": "tcp",
        "security": "noise",
        "muxer": "yamux",
        "ip": "127.0.0.1",
        "test_timeout_seconds": str(_LIMIT_S),
    }


def meet(
    redis: "Redis", listener: Program, dialer: Program, folder: Path, older: bool = False
) -> "tuple[float, float]":
    """Run both; (connecting and one ping, the ping alone) in milliseconds. ForeignError when the dialer fails."""
    key = uuid.uuid4().hex[:8]
    settings = [
        older_environment(redis, is_dialer) if older else environment(redis, is_dialer, key)
        for is_dialer in (False, True)
    ]
    with ForeignProcess("listener", listener.argv, folder, {**listener.environment, **settings[0]}) as listening:
        try:
            done = subprocess.run(
                dialer.argv, env={**os.environ, **dialer.environment, **settings[1]}, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=_LIMIT_S, check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ForeignError("the dialer: %s; the listener: %s" % (error, listening.tail()))
    result = _RESULT.match(done.stdout)
    if done.returncode or result is None:
        raise ForeignError("the dialer: status %d, %r, %s" % (done.returncode, done.stdout, done.stderr.strip()))
    return float(result[1]), float(result[2])

"""Peers over foreign libp2p implementations, as tests run them. libp2p/README.md says what they do.

    with Peer("go") as peer:             listens on 127.0.0.1
        peer.address                     its multiaddr, with /p2p/
    dial("rust", address, size)          connects to it, identifies, pings and moves `size` bytes each way
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.interop.started import Started

from .foreign import ForeignError, ForeignProcess
from .libp2p_install import install, missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_READY_S = 60.0  # under 2 s on an idle machine
_DIAL_S = 120.0
_BYTES = 16 * 1024 * 1024


def require(kind: str) -> None:
    """Skip the test, saying why, where this kind of peer cannot be had."""
    lack = missing(kind)
    if lack:
        pytest.skip("no %s peer: %s" % (kind, lack))


class Peer(Started):
    """A listening peer. Attributes after start(): `address`, `process`.

    `options` are those of libp2p/README.md, such as "--key=rsa" of `js` and `go`.
    """

    def __init__(self, kind: str, *options: str) -> None:
        self.kind = kind
        self.address = ""
        self._options = options
        self._folder: "tempfile.TemporaryDirectory[str] | None" = None

    def start(self) -> None:
        """Install if need be, start, and wait until it listens. ForeignError otherwise."""
        program = install(self.kind)
        self._folder = tempfile.TemporaryDirectory(prefix="libp2p-")
        self.process = ForeignProcess(
            "%s peer" % self.kind,
            [*program.argv, "listen", *self._options],
            Path(self._folder.name),
            program.environment,
        )
        try:
            self.process.start()
            self.address = self.process.wait_for(r"READY (\S+/p2p/\w+)\s", _READY_S)[1]
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it. Once is enough, and before start() it does nothing."""
        folder, self._folder = self._folder, None
        if folder is not None:
            self.process.stop()
            folder.cleanup()


def dial(kind: str, address: str, size: int = _BYTES, *options: str) -> "dict[str, Any]":
    """Have a peer of this kind dial `address`; what it reports. ForeignError, with its reason, when it fails."""
    program = install(kind)
    command = [*program.argv, "dial", address, str(size), *options]
    try:
        done = subprocess.run(
            command, env={**os.environ, **program.environment}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=_DIAL_S, check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ForeignError("the %s peer does not dial: %s" % (kind, error))
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["status %d" % done.returncode]
        raise ForeignError("the %s peer: %s" % (kind, said[-1]))
    report: "dict[str, Any]" = json.loads(done.stdout.splitlines()[-1])
    return report

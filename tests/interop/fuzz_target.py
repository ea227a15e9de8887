"""The fuzz protocol, version 1, and typeberry as its target: a foreign node that executes blocks and shows states.

Protocol (davxy/jam-conformance, fuzz-proto): over a Unix socket, each message `length u32-LE | tag | content`, in
the Gray Paper's encoding; one answer per request.
"""

import shutil
import socket
import tempfile
import time
from pathlib import Path

from jamliquor_lite.codec import natural
from jamliquor_lite.codec.cursor import Cursor
from tests.interop.started import Started

from .foreign import ForeignError, ForeignProcess
from .node_packages import install
from .typeberry import confined, jam

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    State = list[tuple[bytes, bytes]]

_PEER_INFO = 0
_INITIALIZE = 1
_STATE_ROOT = 2
_IMPORT_BLOCK = 3
_GET_STATE = 4
_STATE = 5
_ERROR = 255

_VERSION = 1
_FEATURES = 2  # forks; no ancestry, which is for lookup anchors of work-reports
_GRAY_PAPER = bytes((0, 7, 2))
_APPLICATION = bytes((0, 1, 0))
_NAME = b"jamliquor-lite"

_READY_S = 60.0
_POLL_S = 0.05
_ANSWER_S = 30.0
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024  # a length that lies


class FuzzError(ForeignError):
    """The target answered with an error, or not by the protocol."""


class FuzzClient:
    """Asks a target over its socket. Every call waits for its answer."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_ANSWER_S)
        self._socket.connect(str(path))

    def hello(self) -> str:
        """Exchange versions; the target's name."""
        answer = self._call(
            _PEER_INFO,
            bytes((_VERSION,)) + _FEATURES.to_bytes(4, "little") + _GRAY_PAPER + _APPLICATION
            + natural.encode(len(_NAME)) + _NAME,
            _PEER_INFO,
        )
        answer.skip(1 + 4 + 3 + 3)
        return bytes(answer.take(answer.natural())).decode("utf-8", "replace")

    def initialize(self, header: bytes, state: "State") -> bytes:
        """Begin a chain at a genesis header and state; the root that the target computes for it."""
        parts = [header, natural.encode(len(state))]
        for key, value in state:
            parts += (key, natural.encode(len(value)), value)
        parts.append(natural.encode(0))  # no ancestry
        return bytes(self._call(_INITIALIZE, b"".join(parts), _STATE_ROOT).take(32))

    def import_block(self, block: bytes) -> bytes:
        """Execute a block; the root of the state after it. FuzzError when the target finds it invalid."""
        return bytes(self._call(_IMPORT_BLOCK, block, _STATE_ROOT).take(32))

    def state(self, header_hash: bytes) -> "State":
        """The whole state after a block, sorted by key. FuzzError for one it has not imported, or has forgotten."""
        answer = self._call(_GET_STATE, header_hash, _STATE)
        state = []
        for _ in range(answer.natural()):
            key = bytes(answer.take(31))
            state.append((key, bytes(answer.take(answer.natural()))))
        answer.finish()
        if not state:
            raise FuzzError("the fuzz target has no state after block %s" % header_hash.hex())
        return sorted(state)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _call(self, tag: int, content: bytes, expect: int) -> Cursor:
        self._socket.sendall((1 + len(content)).to_bytes(4, "little") + bytes((tag,)) + content)
        size = int.from_bytes(self._read(4), "little")
        if not 0 < size <= _MAX_MESSAGE_BYTES:
            raise FuzzError("the fuzz target answered with a message of %d bytes" % size)
        answer = Cursor(self._read(size))
        got = answer.u8()
        if got == _ERROR and expect != _ERROR:
            text = bytes(answer.take(answer.natural())).decode("utf-8", "replace")
            raise FuzzError("the fuzz target refuses: " + text)
        if got != expect:
            raise FuzzError("the fuzz target answered with tag %d where %d was due" % (got, expect))
        return answer

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._socket.recv(min(size, 1 << 20))
            if not part:
                raise FuzzError("the fuzz target hung up")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class FuzzTarget(Started):
    """A typeberry that executes what it is given (about 0.2 GB): `client` speaks to it."""

    def __init__(self, chain_spec: "dict[str, Any]") -> None:
        """`chain_spec` is a JIP-4 object of which genesis header and state are used."""
        self.target_name = ""
        self.genesis_root = b""
        self._chain_spec = chain_spec
        self._folder: "Path | None" = None

    def start(self) -> None:
        """Start it on the genesis of its chain; `genesis_root` is the root that it computes for it."""
        packages = install()
        self._folder = Path(tempfile.mkdtemp(prefix="fuzz-target-"))
        path = self._folder / "socket"
        command = [*jam(packages), "--config=dev", "fuzz-target", str(path)]
        self.process = ForeignProcess("fuzz target", command, self._folder, confined(self._folder))
        try:
            self.process.start()
            self.client = self._connect(path)
            self.target_name = self.client.hello()
            genesis = self._chain_spec["genesis_state"]
            state = [(bytes.fromhex(key), bytes.fromhex(genesis[key])) for key in sorted(genesis)]
            header = bytes.fromhex(self._chain_spec["genesis_header"])
            self.genesis_root = self.client.initialize(header, state)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it and remove what it wrote."""
        if hasattr(self, "client"):
            self.client.close()
        self.process.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _connect(self, path: Path) -> FuzzClient:
        until = time.monotonic() + _READY_S
        while True:
            if path.exists():
                try:
                    return FuzzClient(path)
                except OSError:
                    pass  # bound, but not listening yet
            if self.process.ended() or time.monotonic() > until:
                raise FuzzError("the fuzz target does not listen:\n" + self.process.tail())
            time.sleep(_POLL_S)

"""Hostile peers that never prove who they are: plain sockets. Each class is one way to be a nuisance.

A peer is stepped again and again by swarm.py; no step waits. What it did is in `done`, by name, for the report: an
attack that never took place would prove nothing.
"""

import random
import socket
import struct

from jamliquor_lite.crypto import suite

HYBRID = b"\x1d/noise-mlkem768-hfs/0.2.0\n"
MULTISTREAM = b"\x13/multistream/1.0.0\n"
_HELLO_BYTES = 1_216  # a hybrid handshake's first message: an X25519 key and an ML-KEM-768 key
_FLOOD_BYTES = 64 * 1024


class Stranger:
    """One address of the hostile side. `target` is the node's (host, port)."""

    pause_s = (0.0, 0.2)  # between two connections
    patience_s = 5.0  # for one to stand

    def __init__(self, address: str, target: "tuple[str, int]", dice: random.Random) -> None:
        self.address = address
        self.target = target
        self.dice = dice
        self.done: "dict[str, int]" = {"dials": 0, "connections": 0, "closed by the node": 0, "bytes": 0}
        self.sock: "socket.socket | None" = None
        self.since = 0.0  # of this connection
        self._next = dice.random()
        self._is_open = False

    @property
    def name(self) -> str:
        """What it is called in the report."""
        return type(self).__name__

    def step(self, now: float) -> None:
        """Go on. `now` in seconds, monotonic."""
        if self.sock is None:
            if now >= self._next:
                self._dial(now)
            return
        if not self._is_open:
            self._look(now)
            return
        try:
            self.act(self.sock, now)
        except BlockingIOError:
            pass
        except OSError:
            self.lost(now)

    def act(self, sock: socket.socket, now: float) -> None:
        """Do harm on a connection that stands."""
        raise NotImplementedError

    def opened(self, sock: socket.socket, now: float) -> None:
        """It has just come to stand."""

    def leave(self, now: float, reset: bool = False) -> None:
        """End the connection, politely or not, and come again."""
        if self.sock is not None:
            if reset:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
        self.sock = None
        self._is_open = False
        self._next = now + self.dice.uniform(*self.pause_s)

    def lost(self, now: float) -> None:
        """The node has ended it."""
        self.done["closed by the node"] += 1
        self.leave(now)

    def drop_input(self, sock: socket.socket, now: float) -> bool:
        """Read and forget. False when the connection is over."""
        try:
            if sock.recv(_FLOOD_BYTES):
                return True
        except BlockingIOError:
            return True
        self.lost(now)
        return False

    def send(self, sock: socket.socket, data: "bytes | memoryview") -> int:
        """How much was taken."""
        try:
            size = sock.send(data)
        except BlockingIOError:
            return 0
        self.done["bytes"] += size
        return size

    def _dial(self, now: float) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.prepare(sock)
        self.sock, self.since = sock, now
        self.done["dials"] += 1
        try:
            sock.bind((self.address, 0))
            sock.connect(self.target)
        except BlockingIOError:
            pass
        except OSError:
            self.leave(now)

    def prepare(self, sock: socket.socket) -> None:
        """Before it connects."""

    def _look(self, now: float) -> None:
        assert self.sock is not None
        try:
            self.sock.getpeername()
        except OSError:
            if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or now > self.since + self.patience_s:
                self.leave(now)
            return
        self._is_open = True
        self.since = now
        self.done["connections"] += 1
        self.opened(self.sock, now)


class ByteFlood(Stranger):
    """Bytes that mean nothing, as fast as the node takes them."""

    def __init__(self, address: str, target: "tuple[str, int]", dice: random.Random) -> None:
        super().__init__(address, target, dice)
        self._data = dice.randbytes(_FLOOD_BYTES)

    def act(self, sock: socket.socket, now: float) -> None:
        if self.drop_input(sock, now):
            self.send(sock, self._data)


class NoiseFlood(ByteFlood):
    """Agrees on the handshake, so that the node listens; then says what looks like a message and never ends."""

    def opened(self, sock: socket.socket, now: float) -> None:
        self.send(sock, MULTISTREAM + HYBRID + struct.pack(">H", self.dice.choice((4_096, 4_000, 65_535, 0))))


class HalfOpen(Stranger):
    """Connects and says nothing, or stops in the middle of a word: a handshake that never ends."""

    _SAID = (b"", MULTISTREAM[:7], MULTISTREAM, MULTISTREAM + HYBRID, MULTISTREAM + HYBRID + b"\x04\xc0" + bytes(700))

    def opened(self, sock: socket.socket, now: float) -> None:
        self.send(sock, self.dice.choice(self._SAID))

    def act(self, sock: socket.socket, now: float) -> None:
        self.drop_input(sock, now)


class KeyExchange(Stranger):
    """Has the node do the dear half of a hybrid handshake, throws its answer away and comes again."""

    pause_s = (0.0, 0.05)

    def __init__(self, address: str, target: "tuple[str, int]", dice: random.Random) -> None:
        super().__init__(address, target, dice)
        self._key = suite.mlkem768_keypair(dice.randbytes(64))[0]  # one for all: it is the node that shall work
        self._heard = 0

    def opened(self, sock: socket.socket, now: float) -> None:
        self._heard = 0
        hello = struct.pack(">H", _HELLO_BYTES) + self.dice.randbytes(32) + self._key
        self.send(sock, MULTISTREAM + HYBRID + hello)

    def act(self, sock: socket.socket, now: float) -> None:
        data = sock.recv(_FLOOD_BYTES)
        if not data:
            self.lost(now)
            return
        self._heard += len(data)
        if self._heard > len(MULTISTREAM) + len(HYBRID) + 1_000:
            self.done["answers had"] = self.done.get("answers had", 0) + 1
            self.leave(now, self.dice.random() < 0.5)


class Churn(Stranger):
    """Connects and leaves at once, with FIN or with RST, as often as it can."""

    pause_s = (0.0, 0.01)

    def act(self, sock: socket.socket, now: float) -> None:
        self.leave(now, self.dice.random() < 0.5)

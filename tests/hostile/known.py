"""Hostile peers that have proved who they are: the handshake is our own transport's, what follows is said by hand.

After it yamux frames are put together here, so that a peer can break whatever rule it wants to. What the node answers
is read or left unread, never understood.
"""

import random
import socket

from jamliquor_lite.budget.pools import Pools
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.jam import kinds
from jamliquor_lite.p2p.identity import Identity
from jamliquor_lite.transport.connection import Connection
from jamliquor_lite.transport.multistream import message
from jamliquor_lite.transport.noise import TAG, Secure, StaticKey
from jamliquor_lite.transport.states import CLOSED, READY
from jamliquor_lite.transport.terms import REQUIRE, Terms
from jamliquor_lite.transport.upgrade import RANDOM_BYTES
from jamliquor_lite.transport.yamux_frame import DATA, FIN, PING, SYN, WINDOW_UPDATE, put_header
from tests.hostile.stranger import Stranger

_READ_BYTES = 64 * 1024
_NAME = message("/multistream/1.0.0")
_MOST_QUEUED = 256 * 1024  # bytes that a peer keeps for a node that does not take them


class World:
    """What all of them know of the chain; swarm.py keeps it fresh."""

    def __init__(self, peer_id: bytes, genesis: bytes) -> None:
        self.peer_id = peer_id
        self.genesis = genesis
        self.best = genesis  # hash of the newest block
        self.header = b""  # and its bytes
        self.chorus = False  # whether those who wait for each other act now

    def protocol(self, kind: int) -> str:
        """The name of a JAM kind."""
        return kinds.protocol(kind, self.genesis[:4].hex())


class Known(Stranger):
    """Completes the handshake, then `act`s through `say`."""

    pause_s = (0.1, 0.5)
    patience_s = 0.7  # a SYN that the firewall dropped would be sent again after a second
    receive_bytes = 0  # SO_RCVBUF; 0 is the system's

    def __init__(self, address: str, target: "tuple[str, int]", dice: random.Random, world: World) -> None:
        super().__init__(address, target, dice)
        self.world = world
        self.done["handshakes"] = self.done["streams"] = 0
        profile = Profile()
        profile.frames, profile.stream_chunks, profile.identify_buffers = 4, 8, 1
        pools = Pools(profile)
        static = StaticKey(Identity(dice.randbytes(32)), dice.randbytes(32))
        self._terms = Terms(static, profile, pools.frames, pools.chunks, REQUIRE)
        self._connection: "Connection | None" = None
        self._secure: "Secure | None" = None
        self._out = bytearray()
        self._stream = 1
        self._buf = bytearray(_READ_BYTES)

    def prepare(self, sock: socket.socket) -> None:
        if self.receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_bytes)

    def opened(self, sock: socket.socket, now: float) -> None:
        random_bytes = self.dice.randbytes(RANDOM_BYTES)
        self._connection = Connection(self._terms, self.target, True, random_bytes, _ms(now), self.world.peer_id)
        self._secure = None
        self._out.clear()
        self._stream = 1

    def act(self, sock: socket.socket, now: float) -> None:
        if self._secure is None and not self._shake(sock, now):
            return
        if len(self._out) < _MOST_QUEUED:
            self.harm(sock, now)
        self.flush(sock)

    def flush(self, sock: socket.socket) -> None:
        """Hand over what waits."""
        if self.sock is sock and self._out:
            size = self.send(sock, self._out)
            del self._out[:size]

    def harm(self, sock: socket.socket, now: float) -> None:
        """What this peer does once it is in."""
        raise NotImplementedError

    def leave(self, now: float, reset: bool = False) -> None:
        if self._connection is not None:
            self._connection.ended("left", _ms(now))
            self._connection = None
        super().leave(now, reset)

    def _shake(self, sock: socket.socket, now: float) -> bool:
        connection = self._connection
        assert connection is not None
        try:
            data = sock.recv(_READ_BYTES)
            if not data:
                self.lost(now)
                return False
            connection.feed(data, 0, len(data), _ms(now))
        except BlockingIOError:
            pass
        size = connection.drain(self._buf, 0, len(self._buf), _ms(now))
        self._out += self._buf[:size]
        self.flush(sock)
        if connection.state == CLOSED:
            self.leave(now)
            return False
        if connection.state != READY:
            return False
        self._secure = connection._secure  # what follows is none of our yamux's
        self.done["handshakes"] += 1
        return True

    # by hand

    def say(self, plain: "bytes | bytearray") -> None:
        """Queue one Noise frame."""
        assert self._secure is not None
        self._out += sealed(self._secure, plain)

    def open_stream(self, name: str, data: bytes = b"", ends: bool = False) -> int:
        """Open a stream of this protocol, with `data` behind the name. Its id."""
        words = _NAME + message(name) + data if name else data
        number = self._stream
        self._stream += 2
        self.say(yamux(DATA, SYN | (FIN if ends else 0), number, words))
        self.done["streams"] += 1
        return number


def sealed(secure: Secure, plain: "bytes | bytearray") -> bytearray:
    """A Noise frame with its length."""
    frame = bytearray(2 + len(plain) + TAG)
    frame[2 : 2 + len(plain)] = plain
    size = secure.seal(frame, 2, 2 + len(plain), frame, 2)
    frame[0], frame[1] = size >> 8, size & 0xFF
    return frame


def yamux(kind: int, flags: int, stream: int, data: bytes, length: int = -1) -> bytes:
    """One frame. `length` where it is to be another one than that of the data."""
    head = bytearray(12)
    put_header(head, 0, kind, flags, stream, len(data) if length < 0 else length)
    return bytes(head) + data


def framed(content: bytes) -> bytes:
    """A JAM message."""
    return len(content).to_bytes(4, "little") + content


def _ms(now: float) -> int:
    return int(now * 1000)


class UnreadRanges(Known):
    """Asks for ranges of headers on as many streams as there are and reads no answer."""

    receive_bytes = 4096
    most = 8

    def question(self) -> "tuple[int, bytes]":
        """(kind, request)."""
        return kinds.HEADER_REQUEST, self.world.genesis + bytes([0]) + (438).to_bytes(4, "little")

    def harm(self, sock: socket.socket, now: float) -> None:
        if self._stream < 2 * self.most:
            kind, request = self.question()
            self.open_stream(self.world.protocol(kind), framed(request), True)
        elif now > self.since + 8:
            self.leave(now, True)


class UnreadState(UnreadRanges):
    """The same for proofs of the whole state, which the node has to fetch from its upstream."""

    def question(self) -> "tuple[int, bytes]":
        size = (4 * 1024 * 1024).to_bytes(4, "little")
        return kinds.STATE_REQUEST, self.world.best + bytes(31) + b"\xff" * 31 + size


class UnreadBlocks(UnreadRanges):
    """The same for blocks."""

    def question(self) -> "tuple[int, bytes]":
        return kinds.BLOCK_REQUEST, self.world.genesis + bytes([0]) + (128).to_bytes(4, "little")


class SlowReader(UnreadRanges):
    """Reads its answers a few bytes at a time, and all those of its kind at full speed at the same moment."""

    def harm(self, sock: socket.socket, now: float) -> None:
        if self._stream < 2 * self.most:
            super().harm(sock, now)
        size = len(self._buf) if self.world.chorus else 64
        if self.world.chorus or self.dice.random() < 0.05:
            try:
                got = sock.recv(size)
            except BlockingIOError:
                return
            if not got:
                self.lost(now)
                return
            self.done["bytes read"] = self.done.get("bytes read", 0) + len(got)
        if now > self.since + 20:
            self.leave(now)


class EagerReader(UnreadRanges):
    """Asks and reads as fast as it can, again and again: whatever the node may send, it has to send."""

    receive_bytes = 0

    def harm(self, sock: socket.socket, now: float) -> None:
        for _ in range(4):
            try:
                got = sock.recv_into(self._buf)
            except BlockingIOError:
                break
            if not got:
                self.lost(now)
                return
            self.done["bytes read"] = self.done.get("bytes read", 0) + got
        if now > self.since + 0.05 * self._stream:
            kind, request = self.question()
            self.open_stream(self.world.protocol(kind), framed(request), True)


class HugeFrames(Known):
    """Noise frames of the greatest length, and yamux frames that say more than any window allows."""

    def harm(self, sock: socket.socket, now: float) -> None:
        if not self.drop_input(sock, now):
            return
        whole = 65_535 - TAG
        stream = self._stream
        if stream == 1:
            self.open_stream(self.world.protocol(kinds.BLOCK_ANNOUNCEMENT))
            self.say(yamux(DATA, 0, 1, bytes(whole - 12)))
        elif self.dice.random() < 0.1:
            self.say(yamux(DATA, 0, 1, bytes(whole - 12), 0xFFFF_FFFF))
        else:
            self.say(yamux(DATA, 0, 1, bytes(whole - 12)))


class PushFlood(Known):
    """Sends on a stream that the node serves as much as its window allows, and has more: bytes that must be taken."""

    def harm(self, sock: socket.socket, now: float) -> None:
        if not self.drop_input(sock, now):
            return
        if self._stream == 1:
            self.open_stream("/ipfs/ping/1.0.0")
        for _ in range(4):
            self.say(yamux(DATA, 0, 1, self.dice.randbytes(2_048)))


class StreamHoarder(Known):
    """Opens streams without end: some without a name, some with half of one, some that it leaves lying."""

    def harm(self, sock: socket.socket, now: float) -> None:
        if not self.drop_input(sock, now):
            return
        for _ in range(8):
            how = self.dice.randrange(4)
            if how == 0:
                self.open_stream("")
            elif how == 1:
                self.open_stream("", _NAME[: self.dice.randrange(len(_NAME))])
            elif how == 2:
                self.open_stream("/ipfs/ping/1.0.0")
            else:
                self.open_stream(self.world.protocol(kinds.HEADER_ANNOUNCEMENT))
        if now > self.since + 5:
            self.leave(now)


class Dribbler(Known):
    """One byte in each segment: for every byte that the node reads, the wire carries 67."""

    segments = 60  # in a step

    def harm(self, sock: socket.socket, now: float) -> None:
        if not self.drop_input(sock, now):
            return
        if self._stream == 1:
            self.open_stream("/ipfs/ping/1.0.0")
        if not self._out:
            self.say(yamux(DATA, 0, 1, self.dice.randbytes(64)))

    def flush(self, sock: socket.socket) -> None:
        if self._secure is None:
            super().flush(sock)
            return
        for _ in range(min(self.segments, len(self._out))):
            if self.sock is not sock or not self.send(sock, self._out[:1]):
                return
            del self._out[:1]


class TinyFrames(Known):
    """Noise frames with nothing in them, and yamux frames without data: much work for few bytes, as many as go."""

    queued = 16 * 1024  # bytes

    def harm(self, sock: socket.socket, now: float) -> None:
        if not self.drop_input(sock, now):
            return
        if self.dice.random() < 0.02:
            self.say(yamux(PING, SYN, 0, b"", self.dice.randrange(1 << 32)))
        grants = [yamux(WINDOW_UPDATE, 0, 2 * self.dice.randrange(1 << 16) + 1, b"", 1) for _ in range(20)]
        while len(self._out) < self.queued:
            self.say(b"")
            self.say(b"".join(grants))


class Forger(Known):
    """Announces headers that nobody sealed: a true one's bytes with another slot, and a seal that is wrong."""

    def harm(self, sock: socket.socket, now: float) -> None:
        if not self.drop_input(sock, now):
            return
        world = self.world
        if not world.header:
            return
        if self._stream == 1:
            hello = framed(world.genesis + bytes(4) + bytes([0]))
            self.open_stream(world.protocol(kinds.BLOCK_ANNOUNCEMENT), hello)
        forged = bytearray(world.header)
        forged[:32] = world.best
        slot = int.from_bytes(forged[96:100], "little") + self.dice.randrange(1, 3)
        forged[96:100] = slot.to_bytes(4, "little")
        forged[-self.dice.randrange(1, 90)] ^= 1 + self.dice.randrange(255)
        self.say(yamux(DATA, 0, 1, framed(bytes(forged) + world.genesis + bytes(4))))
        self.done["headers forged"] = self.done.get("headers forged", 0) + 1

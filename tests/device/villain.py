"""A peer on this machine that a board dials, and that breaks one rule after the other: each connection another one.

The handshake, where it gets so far, is our own transport's; what follows is said by hand, as in tests/hostile/known.py.
`done` counts what was really done, by name: an attack that never took place would prove nothing.
"""

import random
import socket
import struct
import threading
import time
from collections.abc import Callable

from jamliquor_lite.budget.pools import Pools
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.jam import kinds
from jamliquor_lite.p2p.identity import Identity
from jamliquor_lite.transport.connection import Connection
from jamliquor_lite.transport.multistream import message
from jamliquor_lite.transport.noise import Secure, StaticKey
from jamliquor_lite.transport.states import CLOSED, READY
from jamliquor_lite.transport.terms import REQUIRE, Terms
from jamliquor_lite.transport.upgrade import RANDOM_BYTES
from jamliquor_lite.transport.yamux_frame import DATA, FIN, PING, SYN, WINDOW_UPDATE
from tests.hostile.known import framed, sealed, yamux

HYBRID = message("/noise-mlkem768-hfs/0.2.0")
MULTISTREAM = message("/multistream/1.0.0")
_PATIENCE_S = 20.0  # for a handshake with a board on a busy machine
_SPELL_S = 0.4  # how long a flood or a silence lasts
_READ_BYTES = 65_536


class Left(Exception):
    """The board ended the connection."""


class Villain:
    """`with Villain(genesis, …) as villain:` listens; the board dials `multiaddr(host)`."""

    def __init__(self, genesis: bytes, seed: int = 1) -> None:
        self.done: "dict[str, int]" = {}
        self.errors: "list[str]" = []
        self._genesis = genesis
        self._dice = random.Random(seed)
        self._identity = Identity(self._dice.randbytes(32))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._number = 0  # acts that were begun
        self._thread = threading.Thread(target=self._serve)
        self._secure: "Secure | None" = None

    def __enter__(self) -> "Villain":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.rest()

    def rest(self) -> None:
        """End what it is at, and refuse the board from now on."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def go_on(self) -> None:
        """Listen again where it did, after a rest."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def multiaddr(self, host: str) -> str:
        """Where the board finds it, and as whom."""
        return f"/ip4/{host}/tcp/{self._port}/p2p/{self._identity.name}"

    def rounds(self) -> int:
        """How often each rule was broken at least."""
        return min([self.done.get(name, 0) for name in self.rules()])

    def rules(self) -> "list[str]":
        """The names of all that it does."""
        return [act.__name__ for act in self._acts()]

    def _acts(self) -> "list[Callable[[socket.socket], None]]":
        return [
            self.garbage, self.leave_at_once, self.reset_at_once, self.say_nothing, self.another_multistream,
            self.no_suite, self.a_name_without_end, self.a_frame_of_64_kib, self.half_a_handshake,
            self.a_false_handshake, self.another_identity, self.a_frame_too_long, self.a_broken_frame,
            self.another_yamux, self.more_than_the_window, self.pings, self.streams, self.empty_frames, self.grants,
            self.a_flood, self.no_reading, self.forged_headers, self.broken_headers, self.a_message_too_long,
            self.goodbye,
        ]  # fmt: skip

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            acts = self._acts()
            act = acts[self._number % len(acts)]
            self._number += 1
            with sock:
                sock.settimeout(_PATIENCE_S)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    act(sock)
                except (Left, ConnectionError):
                    pass
                except TimeoutError:
                    self.errors.append(f"{act.__name__}: the board neither went on nor left")
                    continue
                except Exception as error:  # a test that breaks down must not look like a board that holds
                    self.errors.append(f"{act.__name__}: {error!r}")
                    continue
            self.done[act.__name__] = self.done.get(act.__name__, 0) + 1

    # before the handshake

    def garbage(self, sock: socket.socket) -> None:
        sock.sendall(self._dice.randbytes(4_000))
        self._until_it_leaves(sock)

    def leave_at_once(self, sock: socket.socket) -> None:
        sock.close()

    def reset_at_once(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    def say_nothing(self, sock: socket.socket) -> None:
        time.sleep(_SPELL_S)

    def another_multistream(self, sock: socket.socket) -> None:
        sock.sendall(message("/multistream/2.0.0"))
        self._until_it_leaves(sock)

    def no_suite(self, sock: socket.socket) -> None:
        sock.sendall(MULTISTREAM + message("na") * 8)
        self._until_it_leaves(sock)

    def a_name_without_end(self, sock: socket.socket) -> None:
        sock.sendall(MULTISTREAM + b"\xff\xff\x03" + b"/" * 3_000)
        self._until_it_leaves(sock)

    def a_frame_of_64_kib(self, sock: socket.socket) -> None:
        sock.sendall(MULTISTREAM + HYBRID + b"\xff\xff" + bytes(4_000))
        self._until_it_leaves(sock)

    def half_a_handshake(self, sock: socket.socket) -> None:
        sock.sendall(MULTISTREAM + HYBRID + b"\x05\x18" + self._dice.randbytes(600))
        time.sleep(_SPELL_S)

    def a_false_handshake(self, sock: socket.socket) -> None:
        sock.sendall(MULTISTREAM + HYBRID + b"\x05\x18" + self._dice.randbytes(1_304))
        self._until_it_leaves(sock)

    def another_identity(self, sock: socket.socket) -> None:
        self._shake(sock, Identity(self._dice.randbytes(32)))
        self._until_it_leaves(sock)

    # after it

    def a_frame_too_long(self, sock: socket.socket) -> None:
        self._shake(sock)
        sock.sendall(b"\xff\xff" + bytes(3_000))
        self._until_it_leaves(sock)

    def a_broken_frame(self, sock: socket.socket) -> None:
        self._shake(sock)
        sock.sendall(b"\x00\x40" + self._dice.randbytes(64))
        self._until_it_leaves(sock)

    def another_yamux(self, sock: socket.socket) -> None:
        self._shake(sock)
        self._say(sock, bytes([self._dice.randrange(1, 256)]) + yamux(DATA, SYN, 2, b"")[1:])
        self._until_it_leaves(sock)

    def more_than_the_window(self, sock: socket.socket) -> None:
        self._shake(sock)
        self._say(sock, yamux(DATA, SYN, 2, bytes(500), 0xFFFF_FFFF))
        self._until_it_leaves(sock)

    def pings(self, sock: socket.socket) -> None:
        self._shake(sock)
        for number in range(600):
            self._say(sock, yamux(PING, SYN, 0, b"", number))
        self._listen(sock, _SPELL_S)

    def streams(self, sock: socket.socket) -> None:
        self._shake(sock)
        for number in range(300):
            words = (b"", MULTISTREAM[:7], MULTISTREAM + message("/nobody/has/this"))[number % 3]
            self._say(sock, yamux(DATA, SYN | (FIN if number % 2 else 0), 2 * number + 2, words))
        self._listen(sock, _SPELL_S)

    def empty_frames(self, sock: socket.socket) -> None:
        self._shake(sock)
        for _ in range(500):
            self._say(sock, b"")
        self._listen(sock, _SPELL_S)

    def grants(self, sock: socket.socket) -> None:
        self._shake(sock)
        for _ in range(30):
            number = 2 * self._dice.randrange(1, 1 << 16)
            self._say(sock, b"".join(yamux(WINDOW_UPDATE, 0, number, b"", 1) for _ in range(40)))
        self._listen(sock, _SPELL_S)

    def a_flood(self, sock: socket.socket) -> None:
        self._shake(sock)
        self._say(sock, yamux(DATA, SYN, 2, MULTISTREAM + message("/ipfs/ping/1.0.0")))
        until = time.monotonic() + _SPELL_S
        sock.settimeout(0.2)
        while time.monotonic() < until:
            try:
                self._say(sock, yamux(DATA, 0, 2, self._dice.randbytes(1_000)))
            except TimeoutError:
                pass

    def no_reading(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self._shake(sock)
        for number in range(30):
            self._say(sock, yamux(DATA, SYN, 2 * number + 2, MULTISTREAM + message("/ipfs/id/1.0.0")))
        time.sleep(_SPELL_S)

    def forged_headers(self, sock: socket.socket) -> None:
        self._shake(sock)
        self._announce(sock, [framed(self._header() + self._genesis + bytes(4)) for _ in range(20)])

    def broken_headers(self, sock: socket.socket) -> None:
        self._shake(sock)
        self._announce(sock, [framed(self._dice.randbytes(self._dice.randrange(1, 400)))])

    def a_message_too_long(self, sock: socket.socket) -> None:
        self._shake(sock)
        self._announce(sock, [b"\xff\xff\xff\x7f" + bytes(900)])

    def goodbye(self, sock: socket.socket) -> None:
        self._shake(sock)
        self._say(sock, yamux(3, 0, 0, b"", self._dice.randrange(5)))
        self._listen(sock, _SPELL_S)

    # by hand

    def _header(self) -> bytes:
        """A header that is well formed: on the genesis, by the first validator, and nobody sealed it."""
        dice = self._dice
        slot = dice.randrange(1, 12).to_bytes(4, "little")
        return self._genesis + dice.randbytes(64) + slot + bytes(4) + dice.randbytes(96) + b"\0" + dice.randbytes(96)

    def _announce(self, sock: socket.socket, messages: "list[bytes]") -> None:
        name = kinds.protocol(kinds.BLOCK_ANNOUNCEMENT, self._genesis[:4].hex())
        hello = framed(self._genesis + bytes(4) + b"\0")
        self._say(sock, yamux(DATA, SYN, 2, MULTISTREAM + message(name) + hello))
        for one in messages:
            self._say(sock, yamux(DATA, 0, 2, one))
        self._listen(sock, _SPELL_S)

    def _shake(self, sock: socket.socket, identity: "Identity | None" = None) -> None:
        profile = Profile()
        profile.frames, profile.stream_chunks, profile.identify_buffers = 4, 8, 1
        pools = Pools(profile)
        static = StaticKey(identity or self._identity, self._dice.randbytes(32))
        terms = Terms(static, profile, pools.frames, pools.chunks, REQUIRE)
        connection = Connection(terms, ("", 0), False, self._dice.randbytes(RANDOM_BYTES), _now_ms())
        buf = bytearray(_READ_BYTES)
        try:
            while connection.state not in (READY, CLOSED):
                size = connection.drain(buf, 0, len(buf), _now_ms())
                sock.sendall(buf[:size])
                if connection.state == READY:
                    break
                data = sock.recv(4_096)
                if not data:
                    raise Left
                connection.feed(data, 0, len(data), _now_ms())
            if connection.state == CLOSED:
                raise Left
            self._secure = connection._secure
        finally:
            if connection.state != READY:
                connection.ended("left", _now_ms())

    def _say(self, sock: socket.socket, plain: bytes) -> None:
        assert self._secure is not None
        sock.sendall(sealed(self._secure, plain))

    def _until_it_leaves(self, sock: socket.socket) -> None:
        while sock.recv(_READ_BYTES):
            pass

    def _listen(self, sock: socket.socket, seconds: float) -> None:
        """Read what comes, until the board leaves or the time is over."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                if not sock.recv(_READ_BYTES):
                    return
            except TimeoutError:
                return


def _now_ms() -> int:
    return int(time.monotonic() * 1000)

"""A libp2p host of ours without a chain, as tests and benchmarks run it: identify, ping, and the two protocols that
the peers of libp2p/ move bytes with (README.md there).

    host = Host("prefer", [("127.0.0.1", 0)])     host.address
    connection = await host.dial(MULTIADDR)       await host.until(lambda: …)
    await host.identify(connection) -> Info       await host.ping(connection) -> seconds
    await host.send(connection, size)             await host.fetch(connection, size) -> seconds; the bytes are checked

One loop for everything, as in node/node.py: read, work, send, wait.
"""

import hashlib
import time

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.stream import DEAD, READ_ENDED
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.p2p import multiaddr
from jamliquor_lite.ports import clock, entropy
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.states import CONNECTING, READY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from jamliquor_lite.p2p.identify import Info
    from jamliquor_lite.transport.connection import Connection
    from jamliquor_lite.transport.protocol_stream import ProtocolStream

SINK = "/jamliquor/sink/1.0.0"
SOURCE = "/jamliquor/source/1.0.0"
_SINK_KIND = 900  # kinds below 1000 are JAM's, of which a host without a chain has none
_SOURCE_KIND = 901

PERIOD = 65536
_PATTERN = bytes((i * 131 + (i >> 8)) & 255 for i in range(PERIOD))
PATTERN = memoryview(_PATTERN)
_PIECES_A_TURN = 8
_SIZE_BYTES = 8
_ANSWER_BYTES = _SIZE_BYTES + 32


class HostError(Exception):
    """What a peer did not do. One line."""


class Sender:
    """Sends `size` bytes of the pattern and finishes."""

    def __init__(self, stream: "ProtocolStream", size: int) -> None:
        self.is_over = False
        self._stream = stream
        self._size = size
        self._at = 0

    def poll(self) -> bool:
        """Send a bounded amount. Whether there is more to do at once."""
        stream = self._stream
        if stream.state & DEAD:
            self.is_over = True
            return False
        for _ in range(_PIECES_A_TURN):
            if self._at == self._size:
                stream.finish()
                self.is_over = True
                return False
            at = self._at % PERIOD
            taken = stream.send(PATTERN, at, min(PERIOD, at + self._size - self._at))
            if not taken:
                return False
            self._at += taken
        return True


class Taker:
    """Reads to the end. `is_right`: what came is the pattern, from its beginning. `digest` when `is_hashing`."""

    def __init__(self, stream: "ProtocolStream", is_hashing: bool) -> None:
        self.count = 0
        self.is_right = True
        self.is_over = False
        self.is_whole = False  # the peer finished
        self._stream = stream
        self._state = hashlib.sha256() if is_hashing else None
        self._view = memoryview(bytearray(PERIOD))

    @property
    def answer(self) -> bytes:
        """What a sink says in the end."""
        assert self._state is not None
        return self.count.to_bytes(_SIZE_BYTES, "big") + self._state.digest()

    def poll(self) -> bool:
        """Read a bounded amount. Whether there may be more at once."""
        stream, view = self._stream, self._view
        for _ in range(_PIECES_A_TURN):
            at = self.count % PERIOD
            size = stream.recv_into(view, 0, PERIOD - at)
            if not size:
                break
            stream.credit(size)
            if self._state is not None:
                self._state.update(view[:size])
            elif bytes(view[:size]) != _PATTERN[at : at + size]:
                self.is_right = False
            self.count += size
        else:
            return True
        self.is_whole = bool(stream.state & READ_ENDED)
        self.is_over = self.is_whole or bool(stream.state & DEAD)
        return False


class Reader:
    """Reads `size` bytes, at most 64, into `data`."""

    def __init__(self, stream: "ProtocolStream", size: int) -> None:
        self.data = b""
        self._stream = stream
        self._size = size
        self._buf = bytearray(64)

    @property
    def is_over(self) -> bool:
        """They are there, or will not come."""
        return len(self.data) == self._size or bool(self._stream.state & (DEAD | READ_ENDED))

    def poll(self) -> bool:
        """Read what is there."""
        size = self._stream.recv_into(self._buf, 0, self._size - len(self.data))
        if size:
            self._stream.credit(size)
            self.data += self._buf[:size]
        return False


class _Sink:
    """Serves one stream of SINK."""

    def __init__(self, stream: "ProtocolStream") -> None:
        self.is_over = False
        self._stream = stream
        self._taker = Taker(stream, True)
        self._left = b""

    def poll(self) -> bool:
        """Read; at the end say what came. Whether there may be more at once."""
        taker = self._taker
        if not taker.is_over:
            busy = taker.poll()
            if not taker.is_over:
                return busy
            self._left = taker.answer if taker.is_whole else b""
        self._left = self._left[self._stream.send(self._left, 0, len(self._left)) :]
        self.is_over = not self._left or bool(self._stream.state & DEAD)
        if self.is_over:
            self._stream.finish()
        return False


class _Source:
    """Serves one stream of SOURCE."""

    def __init__(self, stream: "ProtocolStream") -> None:
        self._stream = stream
        self._reader = Reader(stream, _SIZE_BYTES)
        self._sender: "Sender | None" = None
        self.is_over = False

    def poll(self) -> bool:
        """Read how much is wanted, then send it. Whether there is more to do at once."""
        if self._sender is None:
            self._reader.poll()
            if len(self._reader.data) < _SIZE_BYTES:
                self.is_over = self._reader.is_over
                return False
            self._sender = Sender(self._stream, int.from_bytes(self._reader.data, "big"))
        busy = self._sender.poll()
        self.is_over = self._sender.is_over
        return busy


class Host:
    """`policy` as in transport/terms.py. `places`: numeric (host, port) to listen on; port 0 is any."""

    def __init__(
        self, policy: str, places: "list[tuple[str, int]] | None" = None, profile: "Profile | None" = None
    ) -> None:
        self.profile = profile or Profile()
        self.carrier = Libp2pCarrier(entropy.random_bytes(32), "", self.profile, places or [], policy=policy)
        self.carrier.terms.serve(SINK, _SINK_KIND)
        self.carrier.terms.serve(SOURCE, _SOURCE_KIND)
        self._waker = Waker()
        self._jobs: "list[Sender | Taker | Reader | _Sink | _Source]" = []
        self.carrier.open(self._waker)

    @property
    def address(self) -> str:
        """Where it listens, with its peer id."""
        return self.carrier.addresses[0]

    async def until(self, condition: "Callable[[], bool]", timeout_s: float = 60.0) -> None:
        """Run until it holds; HostError after `timeout_s`."""
        carrier, jobs = self.carrier, self._jobs
        ends_at = clock.ticks_ms() + int(timeout_s * 1000)
        busy = False
        while not condition():
            now = clock.ticks_ms()
            if now > ends_at:
                raise HostError("not within %d s" % timeout_s)
            carrier.flush(now)
            if condition():
                return
            at = carrier.watch(now)
            await self._waker.wait(0 if busy else max(0, (ends_at if at < 0 else min(at, ends_at)) - now))
            now = clock.ticks_ms()
            carrier.receive(now)
            busy = self._work()
            if any(job.is_over for job in jobs):
                jobs[:] = [job for job in jobs if not job.is_over]

    def _work(self) -> bool:
        busy = False
        while self.carrier.accept() is not None:
            pass  # it is among `connections` from now on
        for connection in self.carrier.connections:
            stream = connection.accept()
            if stream is not None:
                self._jobs.append(_Sink(stream) if stream.kind == _SINK_KIND else _Source(stream))
                busy = True
        for job in self._jobs:
            busy = job.poll() or busy
        return busy

    async def dial(self, address: str) -> "Connection":
        """A READY connection; HostError says why there is none."""
        target = multiaddr.parse(address)
        connection = self.carrier.dial_to(target.peer_id, [(target.host, target.port)], clock.ticks_ms())
        await self.until(lambda: connection.state != CONNECTING)
        if connection.state != READY:
            raise HostError(connection.close_reason)
        return connection

    async def leave(self, connection: "Connection") -> None:
        """Close it, and wait until it is forgotten."""
        connection.close()
        await self.until(lambda: connection not in self.carrier.connections)

    async def identify(self, connection: "Connection") -> "Info":
        """What the peer says of itself."""
        services = self.carrier.services(connection)
        assert services is not None
        await self.until(lambda: services.info is not None
                         or services.ask_identity(self.carrier, connection, clock.ticks_ms())
                         or connection.state != READY)
        await self.until(lambda: services.info is not None or bool(services.fault) or connection.state != READY)
        if services.info is None:
            raise HostError("identify: %s" % (services.fault or connection.close_reason))
        return services.info

    async def ping(self, connection: "Connection") -> float:
        """One round trip, in seconds."""
        services = self.carrier.services(connection)
        assert services is not None
        random = entropy.random_bytes(32)
        start = time.perf_counter()
        if not services.send_ping(self.carrier, connection, random, clock.ticks_ms()):
            raise HostError("ping: no stream for it")
        await self.until(lambda: services.rtt_ms >= 0 or bool(services.fault) or connection.state != READY)
        took = time.perf_counter() - start
        if services.rtt_ms < 0:
            raise HostError("ping: %s" % (services.fault or connection.close_reason))
        return took

    async def send(self, connection: "Connection", size: int) -> float:
        """`size` bytes of the pattern to the peer's sink; seconds. HostError unless it says that it has just them."""
        expected = size.to_bytes(_SIZE_BYTES, "big") + pattern_digest(size)
        start = time.perf_counter()
        stream = self._open(connection, _SINK_KIND)
        sender, reader = Sender(stream, size), Reader(stream, _ANSWER_BYTES)
        self._jobs += [sender, reader]
        await self.until(lambda: reader.is_over)
        took = time.perf_counter() - start
        if reader.data != expected:
            raise HostError("sink: the peer has not what was sent; %s" % connection.close_reason)
        return took

    async def fetch(self, connection: "Connection", size: int, is_hashing: bool = False) -> float:
        """`size` bytes of the peer's source; seconds. HostError unless they are the pattern."""
        start = time.perf_counter()
        stream = self._open(connection, _SOURCE_KIND)
        wanted = size.to_bytes(_SIZE_BYTES, "big")
        stream.send(wanted, 0, _SIZE_BYTES)  # goes into a fresh stream's first chunk
        stream.finish()
        taker = Taker(stream, is_hashing)
        self._jobs.append(taker)
        await self.until(lambda: taker.is_over)
        took = time.perf_counter() - start
        is_right = taker.answer == wanted + pattern_digest(size) if is_hashing else taker.is_right
        if taker.count != size or not is_right:
            raise HostError("source: %d bytes came, not the right ones; %s" % (taker.count, connection.close_reason))
        return took

    def _open(self, connection: "Connection", kind: int) -> "ProtocolStream":
        stream = connection.open(kind)
        if stream is None:
            raise HostError("no stream: %s" % (connection.close_reason or "a cap is reached"))
        return stream

    def close(self) -> None:
        """Say goodbye and give everything back."""
        self.carrier.close()
        self.carrier.flush(clock.ticks_ms())
        self.carrier.release()


def pattern_digest(size: int) -> bytes:
    """SHA-256 of the first `size` bytes."""
    state = hashlib.sha256()
    for at in range(0, size, PERIOD):
        state.update(PATTERN[: size - at])
    return state.digest()

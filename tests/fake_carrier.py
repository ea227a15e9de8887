"""Two endpoints in memory with the stream face of budget/stream.py. Runs on CPython and MicroPython.

    pair = Pair(seed=7)                    a, b = pair.a, pair.b
    stream = a.open(129)                   pair.pump()            there = b.accept(); there.kind == 129

Bytes move only in `pump()`. With a seed, every transfer takes a random part (at least one byte): `send` takes
less than offered, `pump` carries less than waits, `recv_into` gives less than is there. Without one it gives all
it can. `cut()` takes the connection away. The contract is watched too: a consumer that credits bytes it has not
read, or goes on using a stream that it reset, fails its test at once.
"""

from jamliquor_lite.budget.stream import (
    CLOSED,
    READ_ENDED,
    READ_RESET,
    SEND_FINISHED,
    SEND_STOPPED,
)


class Dice:
    """A small repeatable generator: both interpreters throw the same numbers."""

    def __init__(self, seed: int) -> None:
        self._state = seed * 2654435761 & 0x3FFFFFFF | 1

    def below(self, n: int) -> int:
        """0 ... n - 1."""
        self._state = (self._state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._state >> 8) % n


class _Half:
    """One direction: sender's buffer, then what has arrived."""

    def __init__(self, window: int) -> None:
        self.sending = b""  # taken by send(), not yet carried
        self.arrived = b""
        self.allowance = window  # what the receiver lets the sender still send
        self.finished = False  # FIN queued by the sender
        self.fin_arrived = False
        self.read = 0
        self.credited = 0
        self.reset_code = -1  # the sender reset it
        self.stop_code = -1  # the receiver wants no more
        self.total = 0


class Stream:
    """One end of a stream. `wire_bytes_read` is a count for tests."""

    def __init__(self, pair: "Pair", kind: int, outgoing: _Half, incoming: _Half) -> None:
        self.kind = kind
        self.reset_code = 0
        self.wire_bytes_read = 0
        self.abandoned = -1  # the code we reset it with
        self._pair = pair
        self._out = outgoing
        self._in = incoming

    @property
    def state(self) -> int:
        """Bits of budget/stream.py."""
        bits = 0
        if self._in.reset_code >= 0:
            bits |= READ_RESET
            self.reset_code = self._in.reset_code
        elif self._in.fin_arrived and not self._in.arrived:
            bits |= READ_ENDED
        if self._out.finished:
            bits |= SEND_FINISHED
        if self._out.stop_code >= 0:
            bits |= SEND_STOPPED
            self.reset_code = self._out.stop_code
        if self._pair.closed:
            bits |= CLOSED
        return bits

    def recv_into(self, buf, start: int, end: int) -> int:
        """Bytes that are here, at most end - start."""
        self._in_use()
        half = self._in
        if half.reset_code >= 0:
            return 0
        n = self._pair.part(min(end - start, len(half.arrived)))
        buf[start : start + n] = half.arrived[:n]
        half.arrived = half.arrived[n:]
        half.read += n
        self.wire_bytes_read += n
        return n

    def send(self, buf, start: int, end: int) -> int:
        """Bytes taken: bounded by the peer's window and by what may wait."""
        self._in_use()
        half = self._out
        assert not half.finished, "send after finish"
        if half.stop_code >= 0 or self._pair.closed:
            return 0
        room = min(half.allowance, self._pair.send_buffer - len(half.sending))
        n = self._pair.part(min(end - start, room))
        half.sending += bytes(buf[start : start + n])
        half.allowance -= n
        half.total += n
        return n

    def finish(self) -> None:
        """FIN."""
        self._in_use()
        self._out.finished = True

    def reset(self, code: int) -> None:
        """Both halves are given up."""
        self._in_use()
        self.abandoned = code
        self._in.stop_code = code
        if not (self._out.fin_arrived and not self._out.arrived):
            self._out.reset_code = code
        self._out.sending = b""
        self._out.arrived = b""

    def credit(self, n: int) -> None:
        """The reader consumed n bytes."""
        self._in_use()
        half = self._in
        half.credited += n
        assert half.credited <= half.read, "credit for bytes that were not read"
        half.allowance += n

    def _in_use(self) -> None:
        assert self.abandoned < 0, "used after its reset"


class Endpoint:
    """One side of the connection."""

    def __init__(self, pair: "Pair") -> None:
        self._pair = pair
        self._inbound: "list[Stream]" = []
        self.other: "Endpoint" = self

    def open(self, kind: int) -> "Stream":
        """A new stream; the peer gets it from accept()."""
        there = _Half(self._pair.window)
        back = _Half(self._pair.window)
        stream = Stream(self._pair, kind, there, back)
        self._pair.halves.append(there)
        self._pair.halves.append(back)
        self.other._inbound.append(Stream(self._pair, kind, back, there))
        return stream

    def accept(self) -> "Stream | None":
        """The next stream that the peer opened."""
        return self._inbound.pop(0) if self._inbound else None


class Pair:
    """A connection of two endpoints, `a` (who dialled) and `b`."""

    def __init__(self, seed: int = 0, window: int = 65536, send_buffer: int = 131072, limit: int = 0) -> None:
        self.window = window
        self.send_buffer = send_buffer
        self.closed = False
        self.halves: "list[_Half]" = []
        self.a = Endpoint(self)
        self.b = Endpoint(self)
        self.a.other = self.b
        self.b.other = self.a
        self._dice = Dice(seed) if seed else None
        self._limit = limit  # with it, no transfer is larger

    def part(self, n: int) -> int:
        """How much of a possible transfer of n bytes takes place."""
        if self._limit and n > self._limit:
            n = self._limit
        if n <= 1 or self._dice is None:
            return n
        if self._dice.below(3) == 0:
            return 1
        return 1 + self._dice.below(n)

    def pump(self) -> None:
        """Carry what waits, in both directions."""
        if self.closed:
            return
        for half in self.halves:
            if half.reset_code >= 0:
                continue
            n = self.part(len(half.sending))
            half.arrived += half.sending[:n]
            half.sending = half.sending[n:]
            if half.finished and not half.sending:
                half.fin_arrived = True

    def cut(self) -> None:
        """The connection is gone: what arrived can still be read, nothing more comes."""
        self.closed = True

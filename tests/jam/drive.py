"""Helpers of the scenarios: a peer that says raw bytes, and loops with an end. Runs on both interpreters."""

from jamliquor_lite.errors import RemoteError
from jamliquor_lite.jam.events import DONE, LOST, MORE, NOTHING, REFUSED, REQUEST
from tests.jam.carriers import accepted

TURNS = 200000  # pumps before a scenario counts as stuck
ENDS = (DONE, REFUSED, LOST)


class Raw:
    """Sends given bytes on a stream, as room comes, then FIN if asked; reads and drops what comes."""

    def __init__(self, stream, data: bytes, fin: bool = True) -> None:
        self.stream = stream
        self.received = b""
        self._data = data
        self._at = 0
        self._fin = fin
        self._buf = bytearray(512)

    def poll(self, now: int) -> int:
        if self._at < len(self._data):
            self._at += self.stream.send(self._data, self._at, len(self._data))
        if self._fin and self._at == len(self._data):
            self.stream.finish()
            self._fin = False
        n = self.stream.recv_into(self._buf, 0, len(self._buf))
        if n:
            self.received += bytes(self._buf[:n])
            self.stream.credit(n)
        return NOTHING


class Trickle:
    """A stream that takes `left` bytes and then no more."""

    def __init__(self, stream, left: int) -> None:
        self._stream = stream
        self.left = left

    @property
    def state(self) -> int:
        return self._stream.state

    def recv_into(self, buf, start: int, end: int) -> int:
        return self._stream.recv_into(buf, start, end)

    def send(self, buf, start: int, end: int) -> int:
        n = self._stream.send(buf, start, min(end, start + self.left))
        self.left -= n
        return n


class Server:
    """Answers one request: `reply(responder)` begins the answer and returns its bytes, or None after refuse()."""

    def __init__(self, responder, reply) -> None:
        self.responder = responder
        self.end = NOTHING
        self._reply = reply
        self._data = b""
        self._at = 0

    def poll(self, now: int) -> int:
        event = self.responder.poll(now)
        if event == REQUEST:
            self._data = self._reply(self.responder) or b""
            self._at = 0
        elif event in ENDS:
            self.end = event
        if self._at < len(self._data):
            # In pieces that fit nothing in particular.
            self._at += self.responder.write(self._data, self._at, min(len(self._data), self._at + 1013))
        return event


def run(carrier, client, others=(), see=None) -> int:
    """Poll all until the client ends; each of its events goes to see(event). The event it ended with."""
    for _ in range(TURNS):
        for other in others:
            other.poll(0)
        carrier.pump()
        while True:
            event = client.poll(0)
            if event in ENDS:
                return event
            if event == NOTHING:
                break
            if see is not None and event != MORE:
                see(event)
    raise AssertionError("no end")


def settle(carrier, *cores) -> None:
    """Poll until nothing happens any more."""
    quiet = 0
    while quiet < 60:
        quiet += 1
        for core in cores:
            if core.poll(0):
                quiet = 0
        carrier.pump()


def fails(carrier, client, others=()) -> RemoteError:
    """Poll until the client blames its peer; returns the error. It must have let go of the stream."""
    try:
        event = run(carrier, client, others)
    except RemoteError as error:
        assert not client.busy
        assert client.poll(0) == NOTHING
        return error
    raise AssertionError("expected RemoteError, ended with event %d" % event)


def raw_peer(carrier, data: bytes, fin: bool = True) -> Raw:
    """The other side of the stream that was just opened by `a`, sending `data`."""
    return Raw(accepted(carrier, carrier.b), data, fin)


def carried(carrier, code: int) -> int:
    """What becomes of a reset code on its way: some carriers have no room for one."""
    return code if getattr(carrier, "carries_codes", True) else 0


def reset_seen(carrier, stream, code: int) -> None:
    """The peer of the failed side gets to see the code. A carrier may know better who still can (`has_ended`)."""
    from jamliquor_lite.budget.stream import DEAD

    code = carried(carrier, code)
    has_ended = getattr(carrier, "has_ended", None)
    for _ in range(1000):
        if stream.state & DEAD and stream.reset_code == code:
            return
        if has_ended is not None and has_ended(stream):
            return
        carrier.pump()
    raise AssertionError("code %d expected, %d seen" % (code, stream.reset_code))

"""Helpers of the protocols' tests: fake connections of every sort, and a loop with an end. On both interpreters."""

from jamliquor_lite.p2p.events import DONE, LOST, NOTHING, REFUSED
from tests.fake_carrier import Pair

TURNS = 20000  # pumps before a test counts as stuck
ENDS = (DONE, REFUSED, LOST)


def pairs():
    """Fresh connections: all at once, byte by byte, through a small window, in random parts."""
    return (
        Pair(),
        Pair(limit=1),
        Pair(seed=5, window=23, send_buffer=17),
        Pair(seed=1, window=4096),
        Pair(seed=2),
    )


def streams(pair, kind=0):
    """Both ends of a stream that `a` opened."""
    here = pair.a.open(kind)
    pair.pump()
    return here, pair.b.accept()


def run(pair, core, others=(), now=0, until=ENDS):
    """Poll until `core` has one of these events; returns it."""
    for _ in range(TURNS):
        for other in others:
            other.poll(now)
        pair.pump()
        event = core.poll(now)
        if event in until:
            return event
    raise AssertionError("no end")


def settle(pair, *cores, now=0):
    """Poll until nothing happens any more."""
    quiet = 0
    while quiet < 60:
        quiet += 1
        for core in cores:
            if core.poll(now) != NOTHING:
                quiet = 0
        pair.pump()


class Say:
    """A peer that sends these bytes as room comes, then FIN if asked; reads and keeps what comes."""

    def __init__(self, stream, data, fin=True):
        self.stream = stream
        self.heard = b""
        self._data = data
        self._at = 0
        self._fin = fin
        self._buf = bytearray(64)

    def poll(self, now):
        moved = 0
        if self._at < len(self._data):
            moved = self.stream.send(self._data, self._at, len(self._data))
            self._at += moved
        if self._fin and self._at == len(self._data):
            self.stream.finish()
            self._fin = False
        n = self.stream.recv_into(self._buf, 0, 64)
        if n:
            self.heard += bytes(self._buf[:n])
            self.stream.credit(n)
        return moved + n

# portable: runs on CPython and MicroPython
"""The scenarios of this folder once more, over two yamux sessions back to back."""

import gc
import os

from jamliquor_lite.transport.yamux import STREAM
from jamliquor_lite.transport.yamux_stream import FIN_SENT, PEER_FIN
from tests.fake_carrier import Dice
from tests.support import ROOT
from tests.transport.yamux_pair import Link, pool, profile

PUMP_MS = 2


class End:
    """An endpoint in the sense of carriers.py. The kind travels as two bytes, where libp2p would have a name."""

    def __init__(self, session) -> None:
        self.session = session
        self._waiting = []  # streams of the peer whose kind has not come
        self._scratch = bytearray(2)

    def open(self, kind: int):
        stream = self.session.open(0)
        assert stream is not None
        stream.kind = kind
        assert stream.send(bytes((kind >> 8, kind & 0xFF)), 0, 2) == 2
        return stream

    def accept(self):
        while self.session.next_event() == STREAM:
            self._waiting.append(self.session.stream)
        for stream in self._waiting:
            if stream.unread is not None and stream.unread.size >= 2:
                self._waiting.remove(stream)
                assert stream.recv_into(self._scratch, 0, 2) == 2
                stream.credit(2)
                stream.kind = self._scratch[0] << 8 | self._scratch[1]
                return stream
        return None


class YamuxPair:
    """A carrier in the sense of carriers.py: `a` dialed, `b` accepted."""

    carries_codes = False

    def __init__(self, seed: int = 0, chunks: int = 100, chunk_bytes: int = 1024, range_bytes: int = 4096, **numbers):
        pools = (pool(chunks, chunk_bytes), pool(chunks, chunk_bytes))
        limits = profile(inbound_streams=32, outbound_streams=32, **numbers)
        self._link = Link(Dice(seed) if seed else None, limits, pools, range_bytes)
        self.a = End(self._link.a)
        self.b = End(self._link.b)

    def pump(self) -> None:
        # Time passes, so that streams which a scenario leaves unread give their chunks back.
        link = self._link
        link.now += PUMP_MS
        link.a.tick(link.now)
        link.b.tick(link.now)
        link.step()

    def cut(self) -> None:
        self._link.done()

    def has_ended(self, stream) -> bool:
        """Both halves were finished before the reset: nobody is left to tell."""
        return bool(stream.bits & PEER_FIN) and bool(stream.bits & FIN_SENT)


CARRIERS = (
    ("plain", {}),
    ("small window", {"seed": 3, "stream_window_bytes": 700, "send_buffer_bytes": 500, "range_bytes": 300}),
    ("few chunks", {"seed": 4, "chunks": 20, "chunk_bytes": 100, "range_bytes": 900}),
)


def modules() -> list:
    """All modules of scenarios."""
    names = sorted([name[:-3] for name in os.listdir(ROOT + "/tests/jam") if name.startswith("scenarios_")])
    return [__import__("tests.jam." + name, None, None, ["*"]) for name in names if not name.startswith(".")]


def over(name: str, numbers: dict) -> None:
    count = 0
    for module in modules():
        for scenario in module.SCENARIOS:
            if hasattr(gc, "mem_free"):  # a heap that is capped, of which the last scenario left pieces
                gc.collect()
            carrier = YamuxPair(**dict(numbers))
            try:
                scenario(carrier)
                carrier.cut()  # and every chunk is back
            except Exception:
                print("scenario:", module.__name__, scenario.__name__, "over", name)
                raise
            count += 1
    assert count > 40, count


def test_over_a_plain_pair():
    over(*CARRIERS[0])


def test_over_small_windows_and_random_cuts():
    over(*CARRIERS[1])


def test_over_few_and_small_chunks():
    over(*CARRIERS[2])

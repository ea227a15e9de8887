# portable: runs on CPython and MicroPython
"""What the steady state of a connection takes of MicroPython's heap, garbage included: nothing, whoever computes.

Where the cipher and the copies are in C, long messages take nothing either: tests/noalloc/test_frames.py locks the heap
for them. The cipher, the pool, the frames of Noise and the echo of a ping have tests with heap_lock of their own.
"""

import gc

from jamliquor_lite.crypto.suite import Aead, backends
from jamliquor_lite.p2p.ping import Responder
from jamliquor_lite.transport.noise import Secure
from jamliquor_lite.transport.yamux import Session
from tests.support import skip
from tests.transport.connection_pair import ECHO, Pair
from tests.transport.yamux_pair import pool, profile

ROUNDS = 10
PING = bytes(range(32))


def need_counts():
    """MicroPython counts what it allocates; CPython keeps small objects and says nothing of them."""
    if not hasattr(gc, "mem_alloc"):
        skip("CPython does not count the bytes that it allocates")


def taken(call):
    """Bytes that a call takes off the heap, garbage included, while nothing is collected."""
    call()  # once, to get lists and modules to the size that they keep
    gc.collect()
    gc.disable()
    try:
        before = gc.mem_alloc()
        for _ in range(ROUNDS):
            call()
        return (gc.mem_alloc() - before) // ROUNDS
    finally:
        gc.enable()


def test_a_view_is_measured():
    need_counts()
    whole = memoryview(PING)

    def slice_it():
        whole[1:]

    assert taken(slice_it) in (16, 32)
    assert taken(lambda: bytearray(1000)) >= 1000


def test_yamux_pings_and_window_updates_take_nothing():
    need_counts()
    limits = profile()
    chunks = (pool(8, 256), pool(8, 256))
    a, b = Session(True, limits, chunks[0]), Session(False, limits, chunks[1])
    wire = memoryview(bytearray(512))

    def ping():
        a.ping()
        b.feed(wire, 0, a.drain(wire, 0, 512, 1000), 1000)
        a.feed(wire, 0, b.drain(wire, 0, 512, 1000), 1000)
        a.next_event()
        b.next_event()

    assert taken(ping) == 0
    assert a.rtt_ms == 0


def test_bytes_through_a_stream_take_nothing():
    need_counts()
    limits = profile()
    chunks = (pool(8, 256), pool(8, 256))
    a, b = Session(True, limits, chunks[0]), Session(False, limits, chunks[1])
    there = a.open(1000)
    wire, data, got = memoryview(bytearray(512)), memoryview(PING), memoryview(bytearray(32))
    b.feed(wire, 0, a.drain(wire, 0, 512, 1000), 1000)
    b.next_event()
    here = b.stream

    def send():
        there.send(data, 0, 32)
        b.feed(wire, 0, a.drain(wire, 0, 512, 1000), 1000)
        here.credit(here.recv_into(got, 0, 32))
        b.drain(wire, 0, 512, 1000)

    assert taken(send) == 0
    assert bytes(got) == PING


class Steady:
    """A connection pair with real ciphers and one stream, on which `b` echoes pings as the node does."""

    def __init__(self):
        self.pair = pair = Pair(ready=True)
        keys = (bytes(32), bytes([1]) * 32)
        pair.a._secure = Secure(Aead(keys[0]), Aead(keys[1]))
        pair.b._secure = Secure(Aead(keys[1]), Aead(keys[0]))
        self.stream = pair.a.open(ECHO)
        pair.settle()
        self.responder = Responder(10_000)
        self.responder.begin(pair.b.accept(), pair.now)
        self.got = memoryview(bytearray(32))
        self.ping = memoryview(PING)
        self.pongs = 0

    def carry(self, source, target):
        """As a link does: out of the sender's buffer, into the reader's."""
        while True:
            out = source.outlet(1000)
            if out is None:
                return
            size = source.out_end - source.out_start
            room, start, at = target.inlet(), source.out_start, target.in_end
            for i in range(size):
                room[at + i] = out[start + i]
            source.sent(size)
            target.filled(size, 1000)

    def round(self):
        pair = self.pair
        self.stream.send(self.ping, 0, 32)
        self.carry(pair.a, pair.b)
        while self.responder.poll(1000):
            pass
        self.carry(pair.b, pair.a)
        size = self.stream.recv_into(self.got, 0, 32)
        self.stream.credit(size)
        if size == 32 and self.got == PING:
            self.pongs += 1


def test_a_ping_over_a_whole_connection_takes_nothing():
    need_counts()
    if backends()["aead"] not in ("c", "viper"):
        skip("the pure cipher computes in big integers")
    steady = Steady()
    took = taken(steady.round)
    assert steady.pongs == ROUNDS + 1
    assert took == 0, took

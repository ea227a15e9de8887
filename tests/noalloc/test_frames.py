# portable: runs on CPython and MicroPython
"""Bytes from a link into a stream and out again take nothing of the heap in steady state, where the cipher is in C."""

from jamliquor_lite.budget import queue  # noqa: F401  (first: the stack of a 32-bit MicroPython bounds how deep imports nest)
from jamliquor_lite.crypto.suite import Aead
from jamliquor_lite.jam.events import MORE, NOTHING
from jamliquor_lite.jam.framing import MessageReader, MessageWriter
from jamliquor_lite.transport.noise import Secure
from tests.noalloc.heap import locked, need_c
from tests.transport.connection_pair import ECHO, Pair, bounds, is_whole, terms

WARM = 3  # rounds after which lists and queues have the size that they keep
ROUNDS = 60
SIZE = 3_000  # more than a chunk, and more than a short frame
PIPE_BYTES = 8_192
MESSAGE = bytes([number * 7 & 0xFF for number in range(SIZE)])


class Steady:
    """A connection pair with real ciphers, and one stream on which `a` sends messages that `b` reads and answers."""

    def __init__(self, piece=PIPE_BYTES):
        limits = bounds(stream_window_bytes=16_384)
        self.pair = pair = Pair(terms(0, limits=limits), terms(1, limits=limits), ready=True)
        keys = (bytes(32), bytes([1]) * 32)
        pair.a._secure = Secure(Aead(keys[0]), Aead(keys[1]))
        pair.b._secure = Secure(Aead(keys[1]), Aead(keys[0]))
        stream = pair.a.open(ECHO)
        pair.settle()
        self.streams = (stream, pair.b.accept())
        self.writers = (MessageWriter(), MessageWriter())
        self.readers = (MessageReader("a"), MessageReader("b"))
        for side in (0, 1):
            self.writers[side].begin(self.streams[side])
            self.readers[side].begin(self.streams[side])
        self.got = bytearray(SIZE)
        self.piece = piece  # bytes that the link carries at a time
        self.pipe = bytearray(PIPE_BYTES)
        self.now = pair.now
        self.messages = 0

    def carry(self, source, target):
        """As a link does: out of one buffer, and into the other in pieces that know nothing of frames."""
        pipe = self.pipe
        have = 0
        out = source.outlet(self.now)
        while out is not None and have + source.out_end - source.out_start <= PIPE_BYTES:
            size = source.out_end - source.out_start
            start = source.out_start
            for i in range(size):
                pipe[have + i] = out[start + i]
            have += size
            source.sent(size)
            out = source.outlet(self.now)
        at = 0
        while at < have:
            room = target.inlet()
            size = min(self.piece, have - at, len(room) - target.in_end)
            to = target.in_end
            for i in range(size):
                room[to + i] = pipe[at + i]
            at += size
            target.filled(size, self.now)

    def message(self, sender):
        """One message from a side to the other, read as it comes."""
        ends = self.pair.ends
        writer, reader = self.writers[sender], self.readers[1 - sender]
        writer.message(SIZE)
        sent = got = 0
        while reader.left or not got:
            sent += writer.write(MESSAGE, sent, SIZE)
            self.carry(ends[sender], ends[1 - sender])
            if not reader.left and not got and reader.next_message() != MORE:
                continue
            got += reader.read_into(self.got, got, SIZE)
            self.carry(ends[1 - sender], ends[sender])
        for end in ends:
            at = end.wake_at(self.now)
            assert at > self.now
            end.tick(self.now)
        if got == SIZE and self.got == MESSAGE:
            self.messages += 1
        self.now += 10

    def round(self):
        self.message(0)
        self.message(1)


def run(steady):
    for _ in range(WARM):
        steady.round()
    for _ in range(ROUNDS):
        locked(steady.round)
    assert steady.messages == 2 * (WARM + ROUNDS)
    assert steady.readers[0].next_message() == steady.readers[1].next_message() == NOTHING
    assert is_whole(*steady.pair.hosts)


def test_messages_through_a_connection_take_nothing():
    need_c("aead")
    run(Steady())


def test_nor_do_frames_that_come_in_pieces():
    need_c("aead")
    run(Steady(700))


def test_nor_does_the_beginning_of_a_frame_behind_another():
    need_c("aead")
    run(Steady(2_500))

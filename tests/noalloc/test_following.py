# portable: runs on CPython and MicroPython
"""An announced header takes nothing of the heap, from the link to its place in the tree, and neither does one of a
range that was asked for: the frame, the stream, the message, both seals, support, levels, the root."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec.natural import encode
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.jam.block_announcement import OURS, THEIRS, BlockAnnouncement, announcement_size
from jamliquor_lite.jam.events import ANNOUNCEMENT, DONE, HANDSHAKE, HEADER, NOTHING
from jamliquor_lite.jam.framing import MessageWriter
from jamliquor_lite.jam.header_request import HeaderRequest
from jamliquor_lite.sync.follow import Follower, Gap
from tests.data import Carried
from tests.noalloc.heap import locked, need_c
from tests.noalloc.test_frames import Steady
from tests.noalloc.test_header import made

LEAVES = 4


def is_plain(data):
    header = Header(TINY, data)
    return not header.epoch_mark and not header.tickets_mark


def new_core(is_initiator):
    size = announcement_size(TINY)
    return BlockAnnouncement(TINY, bytearray(size), bytearray(size + 4), LEAVES, is_initiator)


class Announced:
    """A peer that announces and a node that follows it, over a connection."""

    def __init__(self):
        self.link = Steady()
        self.chain, self.headers = made()
        self.follower = Follower(self.chain, Profile())
        self.added = 0
        self.cores = [new_core(True), new_core(False)]
        for side in (0, 1):
            self.cores[side].queue_handshake(bytes(32), 0, [])
            self.cores[side].attach(self.link.streams[side], OURS if side == 0 else THEIRS)
        for _ in range(4):
            for side in (0, 1):
                assert self.cores[side].poll(1000) in (NOTHING, HANDSHAKE)
                self.carry()
        self.final = bytes(32)

    def carry(self):
        ends = self.link.pair.ends
        self.link.carry(ends[0], ends[1])
        self.link.carry(ends[1], ends[0])

    def step(self):
        """What comes is read and checked; the last announcement went out before."""
        self.cores[0].poll(1000)
        self.carry()
        core = self.cores[1]
        event = core.poll(1000)
        while event != NOTHING:
            if event == ANNOUNCEMENT:
                self.follower.offer(core.in_buf, core.start, core.end, -1)
                self.added += 1
            event = core.poll(1000)
        self.carry()


def test_an_announced_header_takes_nothing():
    need_c("vrf", "blake2b", "aead")
    peer = Announced()
    plain = 0
    for number in range(len(peer.headers)):
        data = peer.headers[number]
        assert peer.cores[0].announce(data, peer.final, 0)
        if number and is_plain(data):
            locked(peer.step)
            plain += 1
        else:
            peer.step()
        assert peer.added == number + 1 and peer.chain.tree.find(Header(TINY, data).hash) == peer.chain.tree.best
    assert plain > 30


class Asked:
    """A node that asks a peer for a range of headers, which come in one answer."""

    def __init__(self):
        self.link = Steady()
        self.chain, headers = made()
        self.gap = Gap(Follower(self.chain, Profile()), Profile())
        self.gap.named(Header(TINY, headers[-1]).hash, Header(TINY, headers[-1]).slot)
        self.core = HeaderRequest(TINY, bytearray(1000))
        start, direction, count = self.gap.next_request()
        self.core.begin(self.link.streams[1], start, direction, 60)
        self.answer = b"".join([encode(len(data)) + data for data in headers])
        self.writer = MessageWriter()
        self.writer.begin(self.link.streams[0])
        self.writer.message(len(self.answer))
        self.sent = 0
        self.event = NOTHING

    def step(self):
        """Whatever there is to do up to the next header."""
        ends = self.link.pair.ends
        core = self.core
        self.event = core.poll(1000)
        while self.event != HEADER and self.event != DONE:
            self.sent += self.writer.write(self.answer, self.sent, len(self.answer))
            if not self.writer.left:
                self.writer.finish()
            self.link.carry(ends[0], ends[1])
            self.event = core.poll(1000)
            self.link.carry(ends[1], ends[0])

    def check(self):
        self.gap.header(self.core.header_buf, 0, self.core.header_end, -1)


def test_a_header_of_a_range_takes_nothing():
    need_c("vrf", "blake2b", "aead")
    asked = Asked()
    for data in Carried().headers:
        locked(asked.step) if asked.sent else asked.step()
        assert asked.event == HEADER
        if is_plain(data) and asked.gap.received:
            locked(asked.check)
        else:
            asked.check()
        assert asked.chain.tree.find(Header(TINY, data).hash) == asked.chain.tree.best
    asked.step()
    assert asked.event == DONE

"""UP 0 over any carrier. Each function takes a fresh carrier; test_block_announcement.py runs them."""

from jamliquor_lite.codec.natural import encode
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.errors import BudgetError, LocalError, RemoteError
from jamliquor_lite.jam.block_announcement import OURS, THEIRS, BlockAnnouncement, announcement_size
from jamliquor_lite.jam.events import ANNOUNCEMENT, ENDED, HANDSHAKE, LONG_HEADER, LOST, MORE, NOTHING
from jamliquor_lite.jam.kinds import BLOCK_ANNOUNCEMENT, CANCELLED, MALFORMED, OVERSIZE, SUPERSEDED, TRUNCATED
from tests.fake_carrier import Dice
from tests.jam.blocks import fill, header, message, u32
from tests.jam.carriers import accepted
from tests.jam.drive import Raw, Trickle, carried, raw_peer, reset_seen, settle
from tests.jam.long_headers import BUFFER, Kept
from tests.support import raises

LEAVES = 20
FINAL = bytes(range(32))


def core(initiator: bool = True, leaves: int = LEAVES, room: int = 0) -> BlockAnnouncement:
    size = max(announcement_size(TINY), 45 + 36 * leaves)
    return BlockAnnouncement(TINY, bytearray(size), bytearray(room or size + 4), leaves, initiator)


def leaves(count: int) -> "list[tuple[bytes, int]]":
    return [(fill(Dice(i + 1), 32), 1000 + i) for i in range(count)]


def handshake(final_slot: int = 7, known=()) -> bytes:
    parts = [FINAL, u32(final_slot), encode(len(known))]
    for leaf, slot in known:
        parts.append(leaf + u32(slot))
    return message(b"".join(parts))


def announcement(head: bytes, slot: int = 8) -> bytes:
    return message(head + FINAL + u32(slot))


class Noted:
    """A core whose events are noted down as they come."""

    def __init__(self, up: BlockAnnouncement) -> None:
        self.up = up
        self.found: list = []  # (event, side, header, final slot)
        self.leaves: list = []  # of the last handshake
        self.final_hash = b""

    def poll(self, now: int) -> int:
        up = self.up
        event = up.poll(now)
        if event not in (NOTHING, MORE):
            self.found.append((event, up.side, bytes(up.in_buf[up.start : up.end]), up.final_slot))
            self.final_hash = up.final_hash
            if event == HANDSHAKE:
                self.leaves = [(up.leaf_hash(i), up.leaf_slot(i)) for i in range(up.leaf_count)]
        return event


def events(carrier, up, *others) -> list:
    """All events of `up` until nothing happens any more."""
    noted = Noted(up)
    settle(carrier, noted, *others)
    return noted.found


def both(carrier):
    """Two cores with one stream between them, greeted."""
    here = core()
    there = core(False)
    here.queue_handshake(FINAL, 1, [])
    there.queue_handshake(FINAL, 2, leaves(3))
    here.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
    there.attach(accepted(carrier, carrier.b), THEIRS)
    assert [event for event, _, _, _ in events(carrier, here, there)] == [HANDSHAKE]
    return here, there


def greets_and_announces_both_ways(carrier) -> None:
    dice = Dice(9)
    here = core()
    there = core(False)
    heads = [header(TINY, dice, i == 1, i == 2, i % 2) for i in range(4)]
    assert not here.announce(heads[0], FINAL, 1)
    assert here.queue_handshake(fill(dice, 32), 0xFFFFFFFF, leaves(2))
    assert there.queue_handshake(FINAL, 5, leaves(LEAVES))
    here.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
    there.attach(accepted(carrier, carrier.b), THEIRS)
    a = Noted(here)
    b = Noted(there)
    settle(carrier, a, b)
    assert a.found == [(HANDSHAKE, OURS, b"", 5)] and a.final_hash == FINAL and a.leaves == leaves(LEAVES)
    assert b.found == [(HANDSHAKE, THEIRS, b"", 0xFFFFFFFF)] and b.leaves == leaves(2)
    raises(LocalError, here.leaf_hash, LEAVES)
    for i in range(4):
        assert there.announce(heads[i], fill(Dice(i + 1), 32), 10 + i)
        settle(carrier, a, b)
        assert a.found[1 + i :] == [(ANNOUNCEMENT, OURS, heads[i], 10 + i)]
        assert a.final_hash == fill(Dice(i + 1), 32)
    assert here.announce(heads[3], FINAL, 99)
    settle(carrier, a, b)
    assert b.found[1:] == [(ANNOUNCEMENT, THEIRS, heads[3], 99)]


def a_peer_that_opens_its_own_stream(carrier) -> None:
    # As typeberry does: a handshake on both, announcements on its own, and only after ours has come there.
    dice = Dice(2)
    up = core()
    up.queue_handshake(FINAL, 0, [])
    ours = carrier.a.open(BLOCK_ANNOUNCEMENT)
    up.attach(ours, OURS)
    on_ours = raw_peer(carrier, handshake(3), False)
    theirs = Raw(carrier.b.open(BLOCK_ANNOUNCEMENT), handshake(4), False)
    up.attach(accepted(carrier, carrier.a), THEIRS)
    found = sorted(events(carrier, up, on_ours, theirs))
    assert [(event, side, slot) for event, side, _, slot in found] == [
        (HANDSHAKE, OURS, 3), (HANDSHAKE, THEIRS, 4),
    ]
    assert theirs.received == on_ours.received == message(FINAL + u32(0) + b"\0")
    heads = [header(TINY, dice) for _ in range(5)]
    more = Raw(theirs.stream, b"".join([announcement(head, 20) for head in heads]), False)
    found = events(carrier, up, more)
    assert [(event, side) for event, side, _, _ in found] == [(ANNOUNCEMENT, THEIRS)] * 5
    assert [head for _, _, head, _ in found] == heads
    # And both at once: every message arrives whole, each stream in its order.
    first = Raw(on_ours.stream, b"".join([announcement(head, 30) for head in heads]), False)
    second = Raw(theirs.stream, b"".join([announcement(head, 40) for head in heads]), False)
    found = events(carrier, up, first, second)
    for side, slot in ((OURS, 30), (THEIRS, 40)):
        assert [head for _, at, head, final in found if at == side and final == slot] == heads
    assert len(found) == 10


def a_stream_opened_anew_supersedes_the_old_one(carrier) -> None:
    up = core(False)
    up.queue_handshake(FINAL, 0, [])
    dice = Dice(5)
    head = header(TINY, dice)
    old = Raw(carrier.a.open(BLOCK_ANNOUNCEMENT), handshake() + announcement(head)[:150], False)
    up.attach(accepted(carrier, carrier.b), THEIRS)
    assert [event for event, _, _, _ in events(carrier, up, old)] == [HANDSHAKE]
    new = Raw(carrier.a.open(BLOCK_ANNOUNCEMENT), handshake() + announcement(head), False)
    up.attach(accepted(carrier, carrier.b), THEIRS)
    reset_seen(carrier, old.stream, SUPERSEDED)
    assert [event for event, _, _, _ in events(carrier, up, new)] == [HANDSHAKE, ANNOUNCEMENT]


def one_of_two_streams_may_end(carrier) -> None:
    up = core()
    up.queue_handshake(FINAL, 0, [])
    up.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
    on_ours = raw_peer(carrier, handshake(), False)
    theirs = Raw(carrier.b.open(BLOCK_ANNOUNCEMENT), handshake(), False)
    up.attach(accepted(carrier, carrier.a), THEIRS)
    assert len(events(carrier, up, on_ours, theirs)) == 2
    head = header(TINY, Dice(5))
    # Reset inside a message: what was collected of it is dropped, and the other stream is read again.
    half = Raw(on_ours.stream, announcement(head)[:100], False)
    assert events(carrier, up, half) == []
    on_ours.stream.reset(77)
    found = events(carrier, up)
    assert [(event, side) for event, side, _, _ in found] == [(ENDED, OURS)]
    assert up.reset_code == carried(carrier, 77) and not up.attached(OURS) and up.attached(THEIRS)
    last = Raw(theirs.stream, announcement(head), True)
    found = events(carrier, up, last)
    assert [(event, side) for event, side, _, _ in found] == [(ANNOUNCEMENT, THEIRS), (ENDED, THEIRS)]
    assert up.reset_code == 0 and not up.attached(THEIRS)
    assert not up.announce(head, FINAL, 1)


def faults_of_the_peer(carrier) -> None:
    up = core()
    up.queue_handshake(FINAL, 0, [])
    hello = handshake()
    head = header(TINY, Dice(5))
    longest = announcement_size(TINY)
    for data, code in (
        (hello[:-1], TRUNCATED),
        (hello[:2], TRUNCATED),
        (message(FINAL + u32(1)), MALFORMED),
        (message(FINAL), MALFORMED),
        (message(FINAL + u32(1) + b"\1" + bytes(35)), MALFORMED),
        (message(FINAL + u32(1) + b"\1" + bytes(37)), MALFORMED),
        (message(FINAL + u32(1) + b"\x80\x00"), MALFORMED),
        (message(FINAL + u32(1) + b"\xff" * 9), OVERSIZE),
        (handshake(1, leaves(LEAVES + 1)), OVERSIZE),
        (u32(0xFFFFFFFF), OVERSIZE),
        (hello + u32(longest + 1), OVERSIZE),
        (hello + message(b""), MALFORMED),
        (hello + message(head[1:] + FINAL + u32(1)), MALFORMED),
        (hello + announcement(head)[:-1], TRUNCATED),
        (hello + hello, MALFORMED),
    ):
        up.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
        peer = raw_peer(carrier, data)
        error = raises(RemoteError, events, carrier, up, peer)
        assert error.code == code, (data, code, str(error))
        assert not up.attached(OURS)
        reset_seen(carrier, peer.stream, code)
    up.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
    peer = raw_peer(carrier, hello + announcement(head), False)
    assert [event for event, _, _, _ in events(carrier, up, peer)] == [HANDSHAKE, ANNOUNCEMENT]


def a_fault_on_one_stream_ends_both(carrier) -> None:
    up = core()
    up.queue_handshake(FINAL, 0, [])
    up.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
    good = raw_peer(carrier, handshake(), False)
    bad = Raw(carrier.b.open(BLOCK_ANNOUNCEMENT), message(b"nonsense"), False)
    up.attach(accepted(carrier, carrier.a), THEIRS)
    assert raises(RemoteError, events, carrier, up, good, bad).code == MALFORMED
    assert not up.attached(OURS) and not up.attached(THEIRS)


def an_announcement_too_long_for_the_buffer_is_our_bound(carrier) -> None:
    up = BlockAnnouncement(TINY, bytearray(400), bytearray(400), 5)
    up.queue_handshake(FINAL, 0, [])
    up.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
    peer = raw_peer(carrier, handshake() + announcement(header(TINY, Dice(1), True)), False)
    error = raises(BudgetError, events, carrier, up, peer)
    assert error.limit == "announcement_buf"
    reset_seen(carrier, peer.stream, CANCELLED)
    raises(LocalError, BlockAnnouncement, TINY, bytearray(400), bytearray(400), 10)


def small_core(sink) -> BlockAnnouncement:
    up = BlockAnnouncement(TINY, bytearray(BUFFER + 36), bytearray(400), 5)
    up.sink = sink
    up.queue_handshake(FINAL, 0, [])
    return up


def long_headers_go_into_the_sink(carrier) -> None:
    dice = Dice(17)
    heads = [header(TINY, dice, i % 3 == 1, i % 3 == 2, i % 2) for i in range(7)]
    up = small_core(Kept("", BUFFER + 36))
    up.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
    data = handshake() + b"".join([announcement(heads[i], 20 + i) for i in range(7)])
    found = events(carrier, up, raw_peer(carrier, data, False))
    assert found[0][0] == HANDSHAKE and [slot for _, _, _, slot in found[1:]] == list(range(20, 27))
    long = up.sink.found[::-1]
    order = []
    for event, _, head, _ in found[1:]:
        if event == LONG_HEADER:
            whole, length = long.pop()
            assert length == len(whole) > BUFFER
            order.append(whole)
        else:
            assert event == ANNOUNCEMENT
            order.append(head)
    assert order == heads and not long and "d" not in up.sink.log and up.final_hash == FINAL


def a_long_header_that_does_not_come_whole_is_dropped(carrier) -> None:
    head = header(TINY, Dice(1), True)
    data = handshake() + announcement(head)
    for cut in (len(data) - 20, len(data) - 37, len(data) - 200):
        up = small_core(Kept("", BUFFER + 36))
        up.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
        peer = raw_peer(carrier, data[:cut])
        assert raises(RemoteError, events, carrier, up, peer).code == TRUNCATED
        assert up.sink.log[-1] == "d", "even one that had come, but for what follows it"
    for what in ("begin", "write", "finish"):
        up = small_core(Kept(what, BUFFER + 36))
        up.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
        peer = raw_peer(carrier, data, False)
        error = raises(RemoteError, events, carrier, up, peer)
        assert error.code == MALFORMED and "what the sink says" in str(error)
        assert not up.attached(OURS) and not up.sink.found


def announcements_wait_for_room(carrier) -> None:
    here, there = both(carrier)
    head = header(TINY, Dice(5))
    queued = 0
    while there.announce(head, FINAL, queued):
        queued += 1
        assert queued < 2_000, "what the stream takes, and a buffer of ours"
    assert queued >= (announcement_size(TINY) + 4) // (len(head) + 40)
    found = events(carrier, here, there)
    assert [(event, slot) for event, _, _, slot in found] == [(ANNOUNCEMENT, i) for i in range(queued)]
    assert there.announce(head, FINAL, 50)
    assert [slot for _, _, _, slot in events(carrier, here, there)] == [50]


def an_announcement_is_out_before_anybody_polls(carrier) -> None:
    here, there = core(), core(False)
    here.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
    there.queue_handshake(FINAL, 2, [])
    stream = Trickle(accepted(carrier, carrier.b), 1 << 20)
    there.attach(stream, THEIRS)
    assert [event for event, _, _, _ in events(carrier, here, there)] == [HANDSHAKE]
    left = stream.left
    assert there.announce(header(TINY, Dice(5)), FINAL, 4) and stream.left < left


def a_handshake_can_be_renewed_for_later_streams(carrier) -> None:
    here, there = both(carrier)
    assert here.queue_handshake(FINAL, 77, leaves(LEAVES + 5))
    head = header(TINY, Dice(5))
    assert here.announce(head, FINAL, 3)
    found = events(carrier, there, here)
    assert [event for event, _, _, _ in found][-1] == ANNOUNCEMENT
    here.close()
    found = events(carrier, there)
    assert [event for event, _, _, _ in found] == [ENDED]
    here.attach(carrier.a.open(BLOCK_ANNOUNCEMENT), OURS)
    there.attach(accepted(carrier, carrier.b), THEIRS)
    found = events(carrier, there, here)
    assert [(event, slot) for event, _, _, slot in found] == [(HANDSHAKE, 77)]
    assert there.leaf_count == LEAVES


def a_cut_connection_is_lost_once(carrier) -> None:
    here, _ = both(carrier)
    carrier.cut()
    found = events(carrier, here)
    assert [event for event, _, _, _ in found] == [LOST]
    assert not here.attached(OURS) and not here.announce(b"", FINAL, 1)


SCENARIOS = (
    long_headers_go_into_the_sink,
    a_long_header_that_does_not_come_whole_is_dropped,
    greets_and_announces_both_ways,
    a_peer_that_opens_its_own_stream,
    a_stream_opened_anew_supersedes_the_old_one,
    one_of_two_streams_may_end,
    faults_of_the_peer,
    a_fault_on_one_stream_ends_both,
    an_announcement_too_long_for_the_buffer_is_our_bound,
    announcements_wait_for_room,
    an_announcement_is_out_before_anybody_polls,
    a_handshake_can_be_renewed_for_later_streams,
    a_cut_connection_is_lost_once,
)

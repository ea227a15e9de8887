"""Header announcements over any carrier. Each function takes a fresh carrier; test_header_announcement.py runs them."""

from jamliquor_lite.errors import LocalError, RemoteError
from jamliquor_lite.jam.events import ANNOUNCEMENT, ENDED, LOST, MORE, NOTHING
from jamliquor_lite.jam.header_announcement import OURS, THEIRS, HeaderAnnouncement
from jamliquor_lite.jam.kinds import MALFORMED, OVERSIZE, SUPERSEDED, SURPLUS, TRUNCATED
from tests.fake_carrier import Dice
from tests.jam.blocks import fill, message, u32
from tests.jam.carriers import accepted
from tests.jam.drive import Raw, Trickle, carried, raw_peer, reset_seen, settle
from tests.support import raises

NUMBER = 0  # any number that fits a byte, see scenarios_header_request.py


def name(number: int) -> bytes:
    return fill(Dice(number + 1), 32)


def announcement(number: int) -> bytes:
    return message(name(number) + u32(number))


class Noted:
    """A core whose events are noted down as they come."""

    def __init__(self, core: HeaderAnnouncement) -> None:
        self.core = core
        self.found: list = []  # numbers announced, and (event, side) for the rest

    def poll(self, now: int) -> int:
        event = self.core.poll(now)
        if event == ANNOUNCEMENT:
            assert self.core.header_hash == name(self.core.slot)
            self.found.append(self.core.slot)
        elif event == LOST:
            self.found.append(LOST)
        elif event not in (NOTHING, MORE):
            self.found.append((event, self.core.side))
        return event


def heard(carrier, core, *others) -> list:
    """What comes of `core` until nothing happens any more."""
    noted = Noted(core)
    settle(carrier, noted, *others)
    return noted.found


def opened(carrier, queue: int = 32):
    """A core that announces and one that hears it."""
    here, there = HeaderAnnouncement(queue), HeaderAnnouncement()
    here.attach(carrier.a.open(NUMBER), OURS)
    there.attach(accepted(carrier, carrier.b), THEIRS)
    return here, there


def each_side_announces_on_a_stream_of_its_own(carrier) -> None:
    here, there = opened(carrier)
    assert not there.announce(name(1), 1)
    there.attach(carrier.b.open(NUMBER), OURS)
    here.attach(accepted(carrier, carrier.a), THEIRS)
    a, b = Noted(here), Noted(there)
    for number in (0, 7, 0x3FFFFFFF, 7):
        assert here.announce(name(number), number)
        assert there.announce(name(number + 1), number + 1)
        settle(carrier, a, b)
    assert b.found == [0, 7, 0x3FFFFFFF, 7]
    assert a.found == [1, 8, 0x40000000, 8]


def the_bytes_are_those_that_the_module_prescribes(carrier) -> None:
    core = HeaderAnnouncement()
    core.attach(carrier.a.open(NUMBER), OURS)
    core.announce(bytes(range(32)), 0x01020304)
    core.announce(bytes(32), 0xFFFFFFFF)
    peer = raw_peer(carrier, b"")  # whose half ends at once
    for _ in range(5):
        assert heard(carrier, core, peer) == []
    first = b"\x24\0\0\0" + bytes(range(32)) + b"\x04\x03\x02\x01"
    assert peer.received == first + b"\x24\0\0\0" + bytes(32) + b"\xff\xff\xff\xff"
    assert core.attached(OURS)


def the_acceptor_ends_its_half_at_once(carrier) -> None:
    from jamliquor_lite.budget.stream import READ_ENDED

    here, there = HeaderAnnouncement(), HeaderAnnouncement()
    stream = carrier.a.open(NUMBER)
    here.attach(stream, OURS)
    there.attach(accepted(carrier, carrier.b), THEIRS)
    settle(carrier, here, there)
    assert stream.state & READ_ENDED
    here.announce(name(5), 5)
    assert heard(carrier, there, here) == [5]


def a_full_queue_drops_the_oldest(carrier) -> None:
    here, there = HeaderAnnouncement(5), HeaderAnnouncement()
    stream = Trickle(carrier.a.open(NUMBER), 0)
    here.attach(stream, OURS)
    there.attach(accepted(carrier, carrier.b), THEIRS)
    for number in range(12):
        assert here.announce(name(number), number)
    assert here.dropped == 7
    stream.left = 1 << 20
    assert heard(carrier, there, here) == [7, 8, 9, 10, 11]
    stream.left = 0
    for number in range(20, 25):
        here.announce(name(number), number)
    stream.left = 1 << 20
    assert heard(carrier, there, here) == [20, 21, 22, 23, 24] and here.dropped == 7


def an_announcement_is_out_before_anybody_polls(carrier) -> None:
    here = HeaderAnnouncement()
    stream = Trickle(carrier.a.open(NUMBER), 1)
    here.attach(stream, OURS)
    here.announce(name(4), 4)
    assert stream.left == 0


def a_peer_that_does_not_read_costs_the_queue_only(carrier) -> None:
    # The link between is filled until nothing moves; what is then half out stays whole.
    here, there = opened(carrier, 4)
    number = 0
    while here.dropped < 100:
        here.announce(name(number), number)
        number += 1
        here.poll(0)
        carrier.pump()
        assert number < 50000
    found = heard(carrier, there, here)
    assert found == sorted(found) and found[-1] == number - 1
    assert len(found) == number - here.dropped


def the_one_that_is_half_out_is_not_dropped(carrier) -> None:
    here = HeaderAnnouncement(3)
    stream = Trickle(carrier.a.open(NUMBER), 10)
    here.attach(stream, OURS)
    there = HeaderAnnouncement()
    there.attach(accepted(carrier, carrier.b), THEIRS)
    here.announce(name(0), 0)
    here.poll(0)
    for number in range(1, 9):
        here.announce(name(number), number)
    stream.left = 1 << 20
    assert heard(carrier, there, here) == [0, 7, 8] and here.dropped == 6


def faults_of_the_peer(carrier) -> None:
    core = HeaderAnnouncement()
    good = announcement(3)
    for data, code in (
        (good[:-1], TRUNCATED),
        (good[:2], TRUNCATED),
        (good + good[:39], TRUNCATED),
        (u32(37), OVERSIZE),
        (u32(0xFFFFFFFF), OVERSIZE),
        (message(bytes(35)), MALFORMED),
        (message(b""), MALFORMED),
        (good + u32(0), MALFORMED),
    ):
        core.attach(carrier.a.open(NUMBER), OURS)
        ours = raw_peer(carrier, b"", False)
        peer = Raw(carrier.b.open(NUMBER), data)
        core.attach(accepted(carrier, carrier.a), THEIRS)
        error = raises(RemoteError, heard, carrier, core, ours, peer)
        assert error.code == code, (data, code, str(error))
        assert not core.attached(OURS) and not core.attached(THEIRS)
        reset_seen(carrier, peer.stream, code)
    peer = Raw(carrier.b.open(NUMBER), good, False)
    core.attach(accepted(carrier, carrier.a), THEIRS)
    assert heard(carrier, core, peer) == [3]


def an_answer_is_a_fault(carrier) -> None:
    core = HeaderAnnouncement()
    core.attach(carrier.a.open(NUMBER), OURS)
    peer = raw_peer(carrier, b"\0", False)
    assert raises(RemoteError, heard, carrier, core, peer).code == SURPLUS
    assert not core.attached(OURS)
    reset_seen(carrier, peer.stream, SURPLUS)


def either_stream_may_end(carrier) -> None:
    core = HeaderAnnouncement()
    core.attach(carrier.a.open(NUMBER), OURS)
    listener = accepted(carrier, carrier.b)
    talker = Raw(carrier.b.open(NUMBER), announcement(1) + announcement(2))
    core.attach(accepted(carrier, carrier.a), THEIRS)
    assert heard(carrier, core, talker) == [1, 2, (ENDED, THEIRS)]
    assert core.attached(OURS) and not core.attached(THEIRS) and core.reset_code == 0
    listener.reset(77)
    assert heard(carrier, core) == [(ENDED, OURS)]
    assert core.reset_code == carried(carrier, 77) and not core.announce(name(1), 1)
    stream = carrier.b.open(NUMBER)
    talker = Raw(stream, announcement(1)[:30], False)
    core.attach(accepted(carrier, carrier.a), THEIRS)
    assert heard(carrier, core, talker) == []
    stream.reset(78)
    assert heard(carrier, core) == [(ENDED, THEIRS)] and core.reset_code == carried(carrier, 78)
    # Half a message is forgotten with its stream.
    talker = Raw(carrier.b.open(NUMBER), announcement(4), False)
    core.attach(accepted(carrier, carrier.a), THEIRS)
    assert heard(carrier, core, talker) == [4]


def a_stream_opened_anew_supersedes_the_old_one(carrier) -> None:
    core = HeaderAnnouncement()
    old = Raw(carrier.b.open(NUMBER), announcement(1) + announcement(2)[:20], False)
    core.attach(accepted(carrier, carrier.a), THEIRS)
    assert heard(carrier, core, old) == [1]
    new = Raw(carrier.b.open(NUMBER), announcement(3), False)
    core.attach(accepted(carrier, carrier.a), THEIRS)
    reset_seen(carrier, old.stream, SUPERSEDED)
    assert heard(carrier, core, new) == [3]
    # And ours: what waited for the old one is not sent on the new one, and no message is cut in two.
    core.attach(Trickle(carrier.a.open(NUMBER), 10), OURS)
    core.announce(name(5), 5)
    core.poll(0)
    core._ours = core._ours._stream  # the stand-in has no reset
    first = accepted(carrier, carrier.b)
    core.attach(carrier.a.open(NUMBER), OURS)
    there = HeaderAnnouncement()
    there.attach(accepted(carrier, carrier.b), THEIRS)
    core.announce(name(6), 6)
    assert heard(carrier, there, core) == [6]
    reset_seen(carrier, first, SUPERSEDED)


def a_cut_connection_is_lost_once(carrier) -> None:
    here, there = opened(carrier)
    settle(carrier, here, there)
    carrier.cut()
    assert heard(carrier, there) == [LOST] and not there.attached(THEIRS)


def a_cut_connection_takes_both_streams(carrier) -> None:
    here, there = opened(carrier)
    there.attach(carrier.b.open(NUMBER), OURS)
    here.attach(accepted(carrier, carrier.a), THEIRS)
    carrier.cut()
    assert heard(carrier, here) == [LOST]
    assert not here.attached(OURS) and not here.attached(THEIRS) and not here.announce(name(1), 1)


def misuse_is_ours(carrier) -> None:
    raises(LocalError, HeaderAnnouncement, 1)
    here, _ = opened(carrier)
    raises(LocalError, here.announce, bytes(31), 1)
    here.close()
    assert not here.attached(OURS) and here.poll(0) == NOTHING


SCENARIOS = (
    each_side_announces_on_a_stream_of_its_own,
    the_bytes_are_those_that_the_module_prescribes,
    the_acceptor_ends_its_half_at_once,
    a_full_queue_drops_the_oldest,
    an_announcement_is_out_before_anybody_polls,
    a_peer_that_does_not_read_costs_the_queue_only,
    the_one_that_is_half_out_is_not_dropped,
    faults_of_the_peer,
    an_answer_is_a_fault,
    either_stream_may_end,
    a_stream_opened_anew_supersedes_the_old_one,
    a_cut_connection_is_lost_once,
    a_cut_connection_takes_both_streams,
    misuse_is_ours,
)

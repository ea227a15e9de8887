# portable: runs on CPython and MicroPython
"""Who is dialed when: caps, backoff, spare peers, several addresses of one peer; and whose connection is tried next."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.slots import INBOUND, OUTBOUND, TRUSTED
from jamliquor_lite.node.peers import Peers
from jamliquor_lite.node.race import Pace, interleave


class Connection:
    suite = "hybrid"


class Link:
    connection = Connection()

    def __init__(self, ready):
        self.ready = ready


def table(**numbers):
    profile = Profile()
    for name in numbers:
        assert hasattr(profile, name)
        setattr(profile, name, numbers[name])
    return Peers(profile)


def added(peers, count, is_spare=False, start=0):
    records = []
    for number in range(start, start + count):
        record = peers.add("peer%d" % number, "192.0.2.1", 1000 + number, None)
        record.is_spare = is_spare
        records.append(record)
    return records


def dial_all(peers, now=0):
    """Begin every connection that is due; the records."""
    found = []
    while True:
        record = peers.due(now)
        if record is None:
            return found
        record.link = Link(False)
        found.append(record)


def test_so_many_dials_at_once_and_no_more():
    peers = table(dials=3, max_peers=16)
    records = added(peers, 8)
    assert dial_all(peers) == records[:3] and peers.next_at() == -1
    records[1].link.ready = True  # it stands: one more may begin
    assert dial_all(peers) == records[3:4]
    peers.failed(records[0], "refused", 0)
    assert dial_all(peers) == records[4:5]
    assert peers.connected == 1


def test_the_table_is_bounded():
    peers = table(max_peers=3)
    assert None not in added(peers, 3)
    assert peers.add("peer9", "192.0.2.9", 1, None) is None
    assert peers.add("peer1", "192.0.2.9", 1, None) is peers.records[1]


def test_more_addresses_of_one_peer_up_to_the_bound():
    peers = table(peer_addresses=3)
    record = peers.add("peer", "192.0.2.1", 1, None)
    for port in (1, 2, 2, 3, 4, 5):
        assert peers.add("peer", "192.0.2.1", port, None) is record
    assert record.places == [("192.0.2.1", port) for port in (1, 2, 3)] and len(peers.records) == 1


def test_a_peer_that_fails_is_left_alone_for_longer_each_time():
    peers = table(peer_retry_ms=1000, peer_retry_max_ms=10_000)
    record = added(peers, 1)[0]
    now = 0
    waits = []
    for _ in range(40):
        assert peers.due(now) is record
        record.link = Link(False)
        peers.failed(record, "refused", now)
        waits.append(peers.next_at() - now)
        assert peers.due(peers.next_at() - 1) is None
        now = peers.next_at()
    assert waits[:6] == [1000, 2000, 4000, 8000, 10_000, 10_000] and waits[-1] == 10_000
    assert record.reason == "refused"


def test_spare_peers_are_dialed_while_there_are_too_few():
    peers = table(min_peers=3, max_peers=16, dials=8)
    spares = added(peers, 4, True)
    named = added(peers, 2, False, 10)
    # The user's first, whatever the order of the table; then as many spare ones as are lacking.
    assert dial_all(peers) == named + spares[:1]
    peers.failed(named[0], "refused", 0)
    assert dial_all(peers) == spares[1:2], "one is lacking again"
    for record in named[1:] + spares[:2]:
        record.link.ready = True
    assert peers.due(0) is None and peers.next_at() == named[0].dial_at, "the user's is tried again none the less"
    assert dial_all(peers, named[0].dial_at) == [named[0]]
    named[0].link.ready = True
    # With more than enough nobody else is dialed; when two of them go, one spare is.
    peers.failed(spares[0], "left", 0)
    assert dial_all(peers, 100_000) == []
    peers.failed(spares[1], "left", 0)
    assert len(dial_all(peers, 100_000)) == 1


def test_who_dialed_us_is_never_dialed_and_is_forgotten():
    peers = table(min_peers=2)
    record = added(peers, 1)[0]
    record.inbound = True
    record.link = Link(True)
    assert peers.connected == 1 and peers.due(0) is None
    assert record.suite == "hybrid"
    peers.failed(record, "left", 0)
    assert peers.records == [] and record.suite == "" and record.reason == "left"


def test_who_is_known_rises_to_what_he_is_wanted_for_and_never_falls():
    peers = table(max_peers=4, inbound_peers=4, reserved_peers=3)
    record = peers.add("peer", "192.0.2.1", 1, None, INBOUND)
    assert record.inbound and peers.slots.taken == [1, 0, 0]
    assert peers.add("other", "192.0.2.2", 1, None, INBOUND) is None, "the rest is reserved"
    assert peers.add("peer", "192.0.2.1", 1, None, OUTBOUND) is record
    assert record.is_spare and not record.inbound and not record.is_trusted and peers.slots.taken == [0, 1, 0]
    for kind in (TRUSTED, OUTBOUND, INBOUND):
        peers.add("peer", "192.0.2.1", 1, None, kind)
        assert record.is_trusted and peers.slots.taken == [0, 0, 1], "and so it stays"
    assert peers.records == [record]


def test_inbound_peers_count_towards_enough():
    peers = table(min_peers=2)
    for record in added(peers, 2):
        record.inbound = True
        record.link = Link(True)
    added(peers, 2, True, 10)
    assert peers.due(0) is None and peers.next_at() == -1


def test_families_take_turns():
    four = [("192.0.2.%d" % i, 1) for i in range(3)]
    six = [("2001:db8::%d" % i, 1) for i in range(2)]
    assert interleave(four + six) == [six[0], four[0], six[1], four[1], four[2]]
    assert interleave(four) == four and interleave(six) == six and interleave([]) == []


def test_patience_follows_what_was_measured():
    pace = Pace()
    assert pace.patience_ms == 250
    for _ in range(30):
        pace.took(2)
    assert pace.patience_ms == 10, "never less: a busy machine is no dead address"
    for _ in range(60):
        pace.took(600)
    assert 600 <= pace.patience_ms < 1500
    for _ in range(60):
        pace.took(60_000)
    assert pace.patience_ms == 2000

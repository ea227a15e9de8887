# portable: runs on CPython and MicroPython
"""Filling gaps from the carried chain: forwards in pieces, back to common ground, backwards, early and late."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.light import ADDED, FUTURE, HELD, KNOWN, ORPHAN
from jamliquor_lite.chain.tree import NONE
from jamliquor_lite.errors import RemoteError, VerifyError
from jamliquor_lite.jam.kinds import MALFORMED, SURPLUS
from jamliquor_lite.sync.follow import BACKWARDS, FORWARDS, Follower, Gap
from tests.chain.chains import Recorder
from tests.data import FORGED_AT, FORK_AT, TWINS_AT, Carried, view
from tests.support import raises

DATA = Carried()
PIECE = 5


class Peer:
    """Answers as a full node does: forwards along its best chain, backwards from any header that it knows."""

    def __init__(self, branch, beside=()):
        self.branch = [view(data) for data in branch]
        self.known = self.branch + [view(data) for data in beside]
        self.asked = []

    @property
    def head(self):
        return self.branch[-1]

    def answer(self, header_hash, direction, maximum):
        self.asked.append((header_hash, direction, maximum))
        assert len(self.asked) < 40, "the follower goes round in circles"
        if direction == FORWARDS:
            names = [view(DATA.genesis).hash] + [header.hash for header in self.branch]
            if header_hash not in names:
                return []
            at = names.index(header_hash)
            return self.branch[at : at + maximum]
        found = []
        while len(found) < maximum:
            here = [header for header in self.known if header.hash == header_hash]
            if not here:
                break
            found.append(here[0])
            header_hash = here[0].parent
        return found


class Setting:
    """A follower that has `headers`, and one gap."""

    def __init__(self, headers=(), **bounds):
        self.profile = Profile()
        self.profile.tree_headers = 64
        self.profile.block_request_blocks = PIECE
        for name, value in bounds.items():
            assert hasattr(self.profile, name)
            setattr(self.profile, name, value)
        self.light = Recorder(DATA.checkpoint(), self.profile)
        self.chain = self.light.chain
        self.follower = Follower(self.chain, self.profile)
        for data in headers:
            assert self.offer(data) == ADDED
        self.gap = Gap(self.follower, self.profile)

    def offer(self, data, now_slot=-1):
        return self.follower.offer(data, 0, len(data), now_slot)

    def retry(self, now_slot):
        """Offer all that is kept aside, as a node does in a new slot; how many were added."""
        return sum([self.follower.retry(now_slot) for _ in range(self.follower.held)])

    def has(self, header):
        return self.chain.tree.find(header.hash) != NONE

    def fill(self, peer, head=None, now_slot=-1):
        head = head or peer.head
        self.gap.named(head.hash, head.slot)
        while True:
            wanted = self.gap.next_request()
            if wanted is None:
                return
            for header in peer.answer(*wanted):
                self.gap.header(header.buf, header.start, header.end, now_slot)
            self.gap.done(now_slot)
            while self.gap.join(now_slot):
                pass


def test_catches_up_from_the_genesis_in_pieces():
    setting, peer = Setting(), Peer(DATA.headers[:17])
    setting.fill(peer)
    assert setting.chain.tree.hash(setting.chain.tree.best) == peer.head.hash
    starts = [view(DATA.genesis).hash] + [view(DATA.headers[at]).hash for at in (4, 9, 14)]
    assert peer.asked == [(start, FORWARDS, PIECE) for start in starts]
    assert setting.chain.headers_checked == 17
    # What is here costs nothing any more.
    setting.fill(peer)
    assert len(peer.asked) == 4 and setting.gap.next_request() is None


def test_a_peer_on_another_branch_is_met_where_the_branches_part():
    fork = DATA.headers[:FORK_AT] + [DATA.fork]
    setting, peer = Setting(DATA.headers[: FORK_AT + 4]), Peer(fork)
    setting.fill(peer)
    assert setting.has(view(DATA.fork)) and not setting.gap.lost
    # 0, 1, 2 and 4 headers behind our best: the last of these they know, too.
    behind = [view(DATA.headers[FORK_AT + 3 - back]).hash for back in (0, 1, 2, 4)]
    assert [wanted[0] for wanted in peer.asked] == behind
    assert {direction for _, direction, _ in peer.asked} == {FORWARDS}


def test_a_leaf_beside_the_peers_own_branch_is_fetched_backwards():
    setting = Setting(DATA.headers[: FORK_AT - 2])
    peer = Peer(DATA.headers[: FORK_AT + 4], [DATA.fork])
    setting.fill(peer, view(DATA.fork))
    assert setting.has(view(DATA.fork)) and setting.has(peer.head)
    assert peer.asked[-1] == (view(DATA.fork).hash, BACKWARDS, setting.profile.fork_headers)


def test_a_longer_fork_is_joined_where_it_meets_what_we_have():
    honest = len(DATA.before(FORGED_AT))
    setting = Setting(DATA.headers[: honest + 2])
    peer = Peer(DATA.headers[: honest + 2], DATA.forged)
    setting.gap.direction = BACKWARDS
    setting.fill(peer, view(DATA.forged[5]))
    assert peer.asked == [(view(DATA.forged[5]).hash, BACKWARDS, setting.profile.fork_headers)]
    assert all([setting.has(view(data)) for data in DATA.forged[:6]])
    assert not setting.has(view(DATA.forged[6]))


def test_a_fork_longer_than_the_bound_is_given_up():
    honest = len(DATA.before(FORGED_AT))
    setting = Setting(DATA.headers[:honest], fork_headers=4)
    peer = Peer(DATA.headers[:honest], DATA.forged)
    setting.gap.direction = BACKWARDS
    setting.fill(peer, view(DATA.forged[5]))
    assert len(peer.asked) == 1 and not setting.has(view(DATA.forged[5]))
    assert setting.chain.headers_checked == honest


def test_a_peer_that_knows_none_of_our_headers_is_lost():
    setting, peer = Setting(DATA.headers[:6]), Peer([])
    setting.fill(peer, view(DATA.headers[-1]))
    assert setting.gap.lost and setting.gap.next_request() is None
    # 0, 1, 3 ... behind: the root comes last.
    assert peer.asked[-1][0] == view(DATA.genesis).hash


def test_an_answer_to_another_question_is_the_peers_fault():
    for first in (1, 3):
        setting, peer = Setting(), Peer(DATA.headers[:10])
        setting.gap.named(peer.head.hash, peer.head.slot)
        setting.gap.next_request()
        header = peer.branch[first]
        assert raises(RemoteError, setting.gap.header, header.buf, 0, header.end, -1).code == MALFORMED
        assert setting.chain.headers_checked == 0


def test_an_answer_that_begins_with_what_was_not_asked_for_is_the_peers_fault():
    setting, peer = Setting(DATA.headers[:6]), Peer(DATA.headers[:10])
    setting.gap.named(peer.head.hash, peer.head.slot)
    assert setting.gap.next_request()[0] == peer.branch[5].hash
    header = peer.branch[2]  # we have it, and it is no child of what we asked about
    assert raises(RemoteError, setting.gap.header, header.buf, 0, header.end, -1).code == MALFORMED


def test_a_hole_behind_a_header_that_was_held_is_the_peers_fault():
    second, third, _, child = DATA.twins
    setting = Setting(DATA.headers[: TWINS_AT + 1] + [second])
    setting.gap.named(b"\x77" * 32, 99)
    assert setting.gap.next_request()[0] == view(third).parent, "neither twin can be the best head"
    setting.gap.header(third, 0, len(third), -1)
    assert not setting.has(view(third))
    setting.gap.header(child, 0, len(child), -1)
    assert setting.has(view(third)) and setting.has(view(child))
    stray = DATA.headers[-1]
    assert raises(RemoteError, setting.gap.header, stray, 0, len(stray), -1).code == MALFORMED


def test_a_header_that_was_given_up_meanwhile_is_not_asked_about():
    setting = Setting(DATA.headers[:3])
    setting.gap.named(view(DATA.headers[9]).hash, 10)
    setting.gap.last = view(DATA.fork).hash  # not in the tree
    assert setting.gap.next_request()[0] == view(DATA.headers[2]).hash


def test_an_answer_with_a_hole_is_the_peers_fault():
    setting, peer = Setting(), Peer(DATA.headers[:10])
    setting.gap.named(peer.head.hash, peer.head.slot)
    setting.gap.next_request()
    header = peer.branch[0]
    setting.gap.header(header.buf, 0, header.end, -1)
    header = peer.branch[2]
    assert raises(RemoteError, setting.gap.header, header.buf, 0, header.end, -1).code == MALFORMED


def test_a_header_that_breaks_a_rule_is_the_peers_fault():
    setting, peer = Setting(), Peer(DATA.headers[:10])
    setting.gap.named(peer.head.hash, peer.head.slot)
    setting.gap.next_request()
    data = DATA.headers[0][:-1] + bytes([DATA.headers[0][-1] ^ 1])
    assert raises(VerifyError, setting.gap.header, data, 0, len(data), -1).rule == "seal"
    assert raises(VerifyError, setting.gap.header, data, 0, len(data) - 1, -1).rule == "codec"


def test_an_endless_answer_backwards_is_cut_off():
    setting = Setting(fork_headers=3)
    setting.gap.named(bytes(31) + b"\1", 99)
    setting.gap.direction = BACKWARDS
    setting.gap.next_request()
    data = DATA.headers[0]
    for _ in range(4):
        setting.gap.header(data, 0, len(data), -1)
    assert raises(RemoteError, setting.gap.header, data, 0, len(data), -1).code == SURPLUS


def test_a_fork_of_the_longest_headers_is_cut_off():
    setting = Setting(fork_headers=4, header_bytes=1024)
    setting.gap.named(bytes(31) + b"\1", 99)
    setting.gap.direction = BACKWARDS
    for _ in range(2):  # each answer anew
        setting.gap.next_request()
        data = bytes(1024)
        for _ in range(4):  # 4 x 512 and twice the longest
            setting.gap.header(data, 0, len(data), -1)
        assert raises(RemoteError, setting.gap.header, data, 0, 1, -1).code == SURPLUS


def test_early_headers_wait_for_their_slot():
    setting = Setting(DATA.headers[:2])
    early = DATA.headers[3]
    assert setting.offer(early, 1) == ORPHAN, "its parent comes first"
    assert setting.offer(DATA.headers[2], 1) == FUTURE
    assert setting.retry(1) == 0 and not setting.has(view(DATA.headers[2]))
    assert setting.retry(2) == 1 and setting.has(view(DATA.headers[2]))
    assert setting.retry(3) == 0, "it waits no longer"


def test_an_answer_of_headers_whose_slot_has_not_come_is_no_fault():
    setting, peer = Setting(), Peer(DATA.headers[:5])
    setting.fill(peer, now_slot=2)
    # One slot ahead is forgiven; the fourth waits, and the fifth comes again when it is announced.
    assert setting.has(peer.branch[2]) and not setting.has(peer.branch[3])
    assert setting.retry(4) == 1 and setting.has(peer.branch[3])
    setting.fill(peer, now_slot=5)
    assert setting.has(peer.head)


def test_what_is_held_is_bounded_and_the_oldest_goes_first():
    setting = Setting(DATA.headers[:1], held_headers=2)
    good = DATA.headers[1]
    # A header from the future is not looked at any further, so its seal may be anything yet.
    bad = [good[:-1] + bytes([good[-1] ^ bit]) for bit in (1, 2, 4)]
    for one in (bad[0], good, bad[1], bad[1]):  # what comes again pushes nothing out
        assert setting.offer(one, 0) == FUTURE
    assert setting.retry(2) == 1 and setting.has(view(good))
    assert setting.chain.refused == {}, "the false one was the second header of its slot by then"
    setting = Setting(DATA.headers[:1], held_headers=2)
    for one in (good, bad[0], bad[1], bad[2]):
        assert setting.offer(one, 0) == FUTURE
    assert setting.retry(2) == 0 and setting.chain.refused == {"seal": 2}


def test_a_third_header_of_a_slot_comes_in_only_behind_a_good_child():
    setting = Setting(DATA.headers[: TWINS_AT + 1])
    second, third, own, child = DATA.twins
    assert setting.offer(second) == ADDED and setting.offer(third) == HELD
    assert setting.chain.equivocations == 1
    spoiled = child[:-1] + bytes([child[-1] ^ 1])
    count = setting.chain.tree.count
    assert raises(VerifyError, setting.offer, spoiled).rule == "seal"
    assert not setting.has(view(third)) and setting.chain.tree.count == count
    assert setting.offer(own) == ORPHAN and not setting.has(view(third)), "its author alone cannot bring it in"
    assert setting.offer(child) == ADDED and setting.has(view(third))
    assert setting.offer(own) == ADDED
    assert setting.offer(third) == KNOWN


def test_a_head_behind_the_root_is_not_asked_for():
    setting = Setting(DATA.headers)
    root = setting.chain.tree.slots[setting.chain.tree.root]
    assert root > 12
    setting.gap.named(b"\x77" * 32, root)
    assert setting.gap.next_request() is None
    setting.gap.named(b"\x77" * 32, root + 1)
    assert setting.gap.next_request() is not None

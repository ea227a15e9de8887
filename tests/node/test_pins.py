# portable: runs on CPython and MicroPython
"""Which peers are remembered as post-quantum, who makes room for whom, and what is left after a power cut."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.node.pins import Pins
from jamliquor_lite.p2p.keys import peer_name
from jamliquor_lite.transport.terms import OFF, PREFER, REQUIRE

REFUSAL = "pin: the peer spoke the hybrid handshake before and offers only the classical one now"


class Slots:
    """A two-slot file in memory."""

    damaged = ""

    def __init__(self, data=None):
        self.data = data
        self.saves = 0

    def load(self):
        return self.data

    def save(self, data):
        self.data = bytes(data)
        self.saves += 1


def peer(number):
    return b"\x00\x24" + bytes([number >> 8, number & 0xFF]) * 18


def pins_of(count, slots=None, read_only=False):
    profile = Profile()
    profile.pins = count
    return Pins(profile, slots, read_only)


def test_who_was_hybrid_is_not_taken_as_classical():
    pins = pins_of(4)
    assert pins.judge(peer(1), False) == "" and pins.judge(peer(1), True) == ""
    pins.add(peer(1), False)
    assert pins.judge(peer(1), False) == REFUSAL and pins.judge(peer(1), True) == ""
    assert pins.judge(peer(2), False) == ""
    assert pins.remove(peer(1)) and not pins.remove(peer(1)) and pins.judge(peer(1), False) == ""


def test_with_the_hybrid_turned_off_a_pin_names_our_own_rule_and_the_way_out():
    pins = pins_of(8)
    pins.add(peer(1), True)
    pins.policy = OFF
    name = peer_name(peer(1))
    assert pins.judge(peer(1), False) == (
        "pin: this peer is pinned as post-quantum, and pq = off forbids the hybrid handshake: choose another pq, or "
        "`peers unpin " + name + "`")
    assert pins.judge(peer(2), False) == ""
    for policy in (REQUIRE, PREFER):
        pins.policy = policy
        assert pins.judge(peer(1), False) == REFUSAL


def test_strangers_never_push_out_whom_the_user_named():
    pins = pins_of(5)
    pins.add(peer(1), True)
    pins.add(peer(2), False)
    pins.add(peer(3), True)
    for number in range(100, 400):
        pins.add(peer(number), False)
        assert pins.judge(peer(1), False) == pins.judge(peer(3), False) == REFUSAL
        assert len(pins.peers()) <= 5
    assert pins.peers() == [(peer(1), True), (peer(3), True)] + [(peer(n), False) for n in (397, 398, 399)]


def test_a_list_full_of_named_peers_takes_no_stranger_and_grows_for_nobody():
    pins = pins_of(3)
    for number in (1, 2, 3):
        pins.add(peer(number), True)
    for number in (4, 5):
        pins.add(peer(number), False)
    assert [known for known, _ in pins.peers()] == [peer(1), peer(2), peer(3)]
    assert pins.judge(peer(4), False) == ""


def test_a_stranger_that_the_user_names_later_is_kept():
    pins = pins_of(2)
    pins.add(peer(1), False)
    pins.add(peer(1), True)
    pins.add(peer(1), False)  # it dials us: the user's word stays
    for number in (2, 3, 4):
        pins.add(peer(number), False)
    assert pins.peers() == [(peer(1), True), (peer(4), False)]


def test_they_outlive_the_process():
    slots = Slots()
    pins = pins_of(4, slots)
    pins.save()
    assert slots.saves == 0, "nothing new"
    pins.add(peer(1), True)
    pins.add(peer(2), False)
    pins.save()
    pins.save()
    assert slots.saves == 1
    again = pins_of(4, slots)
    assert again.peers() == [(peer(1), True), (peer(2), False)] and not again.changed and again.damage == ""
    again.remove(peer(2))
    again.save()
    assert pins_of(4, slots).peers() == [(peer(1), True)]


def test_a_reader_does_not_write():
    slots = Slots()
    pins = pins_of(4, slots, True)
    pins.add(peer(1), True)
    pins.save()
    assert slots.saves == 0


def test_a_list_that_cannot_be_read_is_said_to_be_damaged():
    slots = Slots()
    pins = pins_of(4, slots)
    pins.add(peer(1), True)
    pins.save()
    for data in (slots.data[:-1], slots.data + b"x", b"\xff" * 9, b"\x01\x01\xff" + bytes(255)):
        damaged = pins_of(4, Slots(data))
        assert damaged.peers() == [] and "unusable" in damaged.damage, data

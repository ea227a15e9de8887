# portable: runs on CPython and MicroPython
"""The flat numbers of all budgets: each under its name, one place each, whatever network the node is on."""

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.classes import GOSSIP, HEADERS, SERVING
from jamliquor_lite.budget.pool import Scope
from jamliquor_lite.budget.pools import Pools
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.slots import INBOUND, TRUSTED
from jamliquor_lite.node.budget_numbers import names, numbers


class Carrier:
    """One without pools, as QUIC's is."""

    wire_in, wire_out, unsent, resets = 1000, 100, 10, 1


class PooledCarrier(Carrier):
    class Shedding:
        streams, peers = 5, 2

    shedding = Shedding()

    def __init__(self, profile):
        self.pools = Pools(profile)
        self.terms = Terms(profile)


class Terms:
    """As far as it counts: frames of strangers, and what the protocols hold."""

    class Protocol(Scope):
        def __init__(self):
            super().__init__(9)
            self.streams = Scope(1)

    def __init__(self, profile):
        self.handshaking = Scope(2)
        self.scopes = {128: Terms.Protocol(), ~128: Terms.Protocol()}


class LongHeaders:
    written = 4

    class allowance:
        wasted = 1


class Flash:
    class sets:
        sets_written = 7


class Node:
    peers_declined, peers_evicted = 17, 3
    long_headers = flash = None

    def __init__(self, **numbers):
        profile = Profile()
        for name in numbers:
            assert hasattr(profile, name), name
            setattr(profile, name, numbers[name])
        self.us = 0
        self.budgets = Budgets(profile, lambda: self.us)
        self.carriers = [Carrier(), PooledCarrier(profile)]


def read(node):
    found = list(numbers(node))
    known = list(names())
    assert len(found) == len(known) == len(set(known))
    for number in found:
        assert isinstance(number, int)
    return dict(zip(known, found))


def test_a_node_without_limits():
    node = Node()
    found = read(node)
    for name in ("cpu_rate", "up_rate", "down_rate", "cpu_debt", "day_bytes", "month_bytes", "cpu_deferred_gossip"):
        assert found[name] == 0, name
    assert found["allowance_left"] == -1 and found["max_peers"] == 16
    node.carriers = []
    found = read(node)
    assert found["frames_count"] == found["streams_shed"] == found["wire_in"] == 0
    assert found["flash_headers"] == found["flash_wasted"] == found["flash_sets"] == 0


def test_every_number_is_what_its_name_says():
    node = Node(cpu_permille=100, cpu_burst_ms=50, max_upload_rate=50_000, max_download_rate=70_000,
                day_bytes=10_000_000, month_bytes=90_000_000, allowance_quantum=100_000, frames=5, frame_bytes=3000,
                max_peers=9, reserved_peers=2, inbound_peers=6)
    budgets = node.budgets
    node.us = 80_000
    budgets.cpu.charge(HEADERS, 0)
    budgets.cpu.defer(GOSSIP)
    budgets.up.spend(SERVING, 9_000, 0)
    budgets.down.spend(-1, 400, 0)
    budgets.allowance.spend(9_400)
    budgets.slots.take(INBOUND)
    budgets.slots.take(TRUSTED)
    frames = node.carriers[1].pools.frames
    frames.lend(True)
    frames.give_back(frames.lend(True))
    terms = node.carriers[1].terms
    assert terms.handshaking.take() and terms.handshaking.take() and not terms.handshaking.take()
    terms.handshaking.give_back()
    for kind in terms.scopes:
        assert terms.scopes[kind].streams.take() and not terms.scopes[kind].streams.take()
    node.long_headers, node.flash = LongHeaders(), Flash()
    found = read(node)
    expected = {
        "flash_headers": 4, "flash_wasted": 1, "flash_sets": 7,
        "handshaking_limit": 2, "handshaking_used": 1, "handshaking_most": 2, "handshaking_refused": 1,
        "protocols_refused": 2,
        "frames_size": 3000, "frames_count": 5, "frames_free": 4, "frames_least_free": 3, "frames_refused": 0,
        "cpu_rate": 100_000, "cpu_burst": 50_000, "cpu_total": 80, "cpu_most": 30_000, "cpu_debt": 30_000,
        "cpu_spent_headers": 80, "cpu_spent_gossip": 0, "cpu_deferred_gossip": 1, "cpu_deferred_headers": 0,
        "up_spent_serving": 9_000, "up_total": 9_000, "down_total": 400, "down_spent_serving": 0,
        "day_used": 9_400, "day_bytes": 10_000_000, "month_used": 9_400, "month_bytes": 90_000_000,
        "slots_inbound": 1, "slots_outbound": 0, "slots_trusted": 1, "slots_most": 2, "slots_refused": 0,
        "max_peers": 9, "inbound_peers": 6, "reserved_peers": 2, "peers_declined": 17, "peers_evicted": 3,
        "streams_shed": 5, "peers_shed": 2, "slow_resets": 2, "wire_in": 2000, "wire_out": 200, "unsent": 20,
    }
    for name in expected:
        assert found[name] == expected[name], (name, found[name])
    assert 0 < found["up_rate"] <= 50_000 and 0 < found["down_rate"] <= 70_000 and found["up_debt"] > 0
    assert 0 <= found["allowance_left"] <= 100_000

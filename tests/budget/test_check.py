"""What a profile adds up to, what contradicts itself, and whether objects cost what the sum says they do."""

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamliquor_lite.budget import check, shares
from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.check import BoardCosts, Costs
from jamliquor_lite.budget.pools import Pools
from jamliquor_lite.budget.profile import LINUX, Profile
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.tree import Tree
from jamliquor_lite.cli import boards
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import LocalError
from jamliquor_lite.gateway import gossip
from jamliquor_lite.gateway.gossip import Gossip
from jamliquor_lite.gateway.store import HeaderStore
from jamliquor_lite.jam import header_request
from jamliquor_lite.node import members
from jamliquor_lite.node.pins import Pins
from jamliquor_lite.ports.cpython import link
from jamliquor_lite.sync import follow, warp
from jamliquor_lite.sync.query import Entry, Query
from jamliquor_lite.transport import connection, yamux_frame
from tests.transport import connection_pair, test_quic_listener

PI = "raspberry-pi-zero-2w"
BOARDS = Path(__file__).resolve().parents[2] / "boards"
# Numbers of the profile that take no memory: times, rates, and bounds of what is skipped, or is in another's buffer.
NO_MEMORY = {
    "memory_bytes", "peers_ceiling", "min_peers", "inbound_peers", "reserved_peers", "connections_per_source", "dials",
    "connection_window_bytes", "quic_stream_window_bytes", "unsent_bytes",
    "protocol_permille", "protocol_streams", "batch_bytes", "segment_bytes", "segment_overhead_bytes",
    "allowance_quantum", "day_bytes", "month_bytes", "cap_near_permille", "cap_clear_permille", "cpu_permille",
    "socket_receive_bytes", "socket_send_bytes",  # the kernel's: MemoryMax of the unit has room for them
    "set_writes", "scratch_writes", "block_bytes", "block_request_blocks", "range_headers", "value_bytes",
    "warp_fragments", "watch_items", "watch_value_bytes", "served_watches",
    "served_watch_rate",
    "stall_slots", "skew_slots", "journal_day_bytes", "epoch_wait_slots", "epoch_jitter_permille", "epoch_checkpoints",
    "peer_addresses", "protocol_name_bytes", "pings_per_minute", "identify_addrs", "identify_protocols", "leaves",
    "relays_upstream", "relays_per_peer", "waiting_per_peer", "relay_hops", "relay_tries", "finality_relay_bytes",
}


def profile(**numbers: int) -> Profile:
    found = Profile()
    for name, value in numbers.items():
        setattr(found, name, value)
    return found


def numbers() -> "list[str]":
    return [name for name, value in vars(Profile).items() if type(value) is int and name[0] != "_"]


@pytest.mark.parametrize("name", numbers())
def test_every_number_that_takes_memory_is_in_the_sum(name: str) -> None:
    """A new bound is either part of the sum, or somebody has said that it takes none."""
    one, other = profile(), profile(**{name: max(1, getattr(LINUX, name)) // 2})
    before = check.total(check.rows(one)) + one.code_bytes
    changes = check.total(check.rows(other)) + other.code_bytes != before
    is_free = name in NO_MEMORY or name.endswith(("_ms", "_rate"))
    assert changes != is_free, name


def test_bounds_that_others_state_are_the_same_here() -> None:
    """This layer may not import them."""
    assert check._HEADER_BYTES == FULL.max_header_size
    assert check._SETS_BYTES == FULL.epoch_mark_size + FULL.tickets_mark_size
    assert check._FALLBACK_BYTES == 32 * FULL.epoch_length
    assert check._RANGE_BYTES == header_request.MAX_ANSWER_BYTES
    assert (check._HEARD, check._HEARD_PEER) == (gossip._HEADERS, gossip._OPEN)
    assert check._OVERHEAD_CONNECTIONS == members._ENDING
    assert check._DATAGRAM == link.DATAGRAM_BYTES
    assert check._INITIAL_WINDOW == yamux_frame.INITIAL_WINDOW
    assert check._FRAME_LEAST == connection._SMALL_FRAME_BYTES
    assert check._MOST_RATE == shares._MOST and check._PLAIN_HEADER == follow._FORK_HEADER
    for count in (16, 96, 256):
        pools = Pools(profile(stream_chunks=count))
        assert count - pools.chunks.room() == count // check._RESERVED_PART


def test_linux_and_every_board_with_it_hold_together() -> None:
    LINUX.check()
    for name in boards.names("linux"):
        bounds = boards.find(name).bounds()
        assert check.faults(bounds, serves=False) == check.following(bounds, FULL) == check.doubts(bounds) == []
        bounds.max_peers = bounds.peers_ceiling
        assert check.faults(bounds, serves=False) == []
        # A gateway speaks QUIC; where that is no link of the board, it has no room for one.
        assert (check.faults(bounds) == []) == ("quic" in boards.find(name).links())


def test_a_sum_above_the_board_s_memory_is_shown_with_its_largest_parts() -> None:
    found = boards.find(PI).bounds()
    found.stream_chunks = 20_000
    with pytest.raises(LocalError) as caught:
        found.check()
    taken = check.total(check.rows(found))
    text = str(caught.value)
    assert caught.value.exit_code == 2 and "\n" not in text
    assert text.startswith(f"memory_bytes: code_bytes {found.code_bytes} + pools, tables and queues {taken} = ")
    assert f"{found.code_bytes + taken}, and there are {found.memory_bytes}" in text
    assert "the largest: stream chunks 20000 x 8592 = 171840000; " in text


def test_a_byte_decides() -> None:
    found = profile()
    found.memory_bytes = found.code_bytes + check.total(check.rows(found))
    found.check()
    found.memory_bytes -= 1
    with pytest.raises(LocalError, match="memory_bytes"):
        found.check()


@pytest.mark.parametrize(
    ("changed", "field", "text"),
    [
        ({"max_peers": 0, "min_peers": 0}, "max_peers", "0, at least 1 are needed"),
        ({"handshakes": 0}, "handshakes", "0, at least 1 are needed"),
        ({"frames": 1}, "frames", "1, at least 2 are needed"),
        ({"frame_bytes": 2049}, "frame_bytes", "2049, at least 2050 are needed"),
        ({"stream_chunks": 0}, "stream_chunks", "0, at least 2 are needed"),
        ({"inbound_streams": 0}, "inbound_streams", "0, at least 1 are needed"),
        ({"asks": 0}, "asks", "0, at least 1 are needed"),
        ({"min_peers": 17}, "min_peers", "17 is more than max_peers, 16"),
        ({"reserved_peers": 17}, "reserved_peers", "17 is more than max_peers, 16"),
        ({"max_peers": 65}, "max_peers", "65 is more than peers_ceiling, 64"),
        ({"stream_window_bytes": 3 << 20}, "stream_window_bytes", "is more than connection_window_bytes, 2097152"),
        ({"send_buffer_bytes": 1 << 20}, "send_buffer_bytes", "is more than connection_send_bytes, 524288"),
        ({"cap_clear_permille": 951}, "cap_clear_permille", "951 is more than cap_near_permille, 950"),
        ({"cap_near_permille": 1001}, "cap_near_permille", "1001 of 1000"),
        ({"cpu_permille": 0}, "cpu_permille", "0 is not within 1 and 1000"),
        ({"cpu_permille": 1001}, "cpu_permille", "1001 is not within 1 and 1000"),
        ({"max_upload_rate": 1513}, "max_upload_rate", "1513 bytes a second do not let a segment of 1514 through"),
        ({"max_upload_rate": 4000, "system_upload_rate": 2001}, "max_upload_rate",
         "4000 bytes a second are fewer than twice system_upload_rate, 2001"),
        ({"protocol_rate": 10}, "protocol_rate", "10 bytes a second do not let a segment of 1514 through"),
        ({"socket_receive_bytes": 3027}, "socket_receive_bytes", "3027 bytes hold less than two segments of 1514"),
        ({"day_bytes": 2_000_000}, "day_bytes", "fewer than two of allowance_quantum, 1048576"),
    ],
)
def test_a_contradiction_is_one_line(changed: "dict[str, int]", field: str, text: str) -> None:
    found = check.faults(profile(**changed))
    assert len(found) == 1 and found[0][0] == field and text in found[0][1] and "\n" not in found[0][1]
    with pytest.raises(LocalError) as caught:
        profile(**changed).check()
    assert caught.value.exit_code == 2 and str(caught.value) == f"{field}: {found[0][1]}"


def test_contradictions_are_all_told() -> None:
    fields = [field for field, _ in check.faults(profile(max_peers=0, frames=0, cpu_permille=0))]
    assert fields == ["max_peers", "frames", "min_peers", "cpu_permille"]


@pytest.mark.parametrize(
    ("changed", "field", "text"),
    [
        # 65,836 + 1/16 + framing within 12 s
        ({"max_download_rate": 5_800}, "max_download_rate", "is 12 s late; 5842 is the least"),
        ({"day_bytes": 9_000_000}, "day_bytes", "9000000 bytes are fewer than following every header costs in a day"),
        ({"month_bytes": 200_000_000}, "month_bytes", "costs in 30 days: 289490040"),
    ],
)
def test_what_is_too_little_for_full_spec(changed: "dict[str, int]", field: str, text: str) -> None:
    (fault,) = check.following(profile(**changed), FULL)
    assert fault[0] == field and text in fault[1] and "\n" not in fault[1]


def test_a_cap_below_the_headers_is_for_sleepers() -> None:
    capped = profile(day_bytes=1_000_000, month_bytes=5_000_000)
    assert [field for field, _ in check.following(capped, FULL)] == ["day_bytes", "month_bytes"]
    assert check.following(capped, FULL, is_idle=True) == []


def test_the_least_rates_let_headers_through() -> None:
    least = profile(max_download_rate=5_842, max_upload_rate=1_514, day_bytes=9_649_668, month_bytes=289_490_040)
    assert check.following(least, FULL) == [] == check.faults(least)
    assert check.following(profile(max_download_rate=1_514), TINY) == []


def test_a_day_of_full_spec_is_what_is_promised() -> None:
    day = check.Day(FULL)
    assert 6.8e6 < day.messages < 7.0e6 and 8.0e6 < day.down < 8.7e6 and 0.8e6 < day.up < 1.05e6


def test_a_cap_below_a_jump_an_epoch_is_for_nobody() -> None:
    fragment = warp.fragment_bytes(FULL)
    assert [field for field, _ in check.jumping(profile(day_bytes=24 * fragment), FULL)] == ["day_bytes"]
    assert [field for field, _ in check.jumping(profile(month_bytes=24 * 30 * fragment), FULL)] == ["month_bytes"]
    enough = profile(day_bytes=24 * (fragment * 17 // 16 + 13_000))
    assert check.jumping(enough, FULL) == [] == check.jumping(LINUX, FULL)
    for field, text in check.jumping(profile(day_bytes=100_000), TINY):
        assert field == "day_bytes" and "100000 bytes are fewer than a jump an epoch costs in a day" in text


def test_odd_caps_are_only_doubted() -> None:
    odd = profile(max_download_rate=6_000, max_upload_rate=2_000, day_bytes=700_000_000, month_bytes=600_000_000)
    assert check.faults(odd) == []
    assert [field for field, _ in check.doubts(odd)] == ["day_bytes", "day_bytes"]
    assert "more than the rates let through in a day, 691200000" in check.doubts(odd)[0][1]


@given(st.dictionaries(st.sampled_from(numbers()), st.integers(0, 1 << 31), max_size=12), st.booleans())
def test_whatever_a_profile_says_is_judged_in_lines(changed: "dict[str, int]", serves: bool) -> None:
    found = profile(**changed)
    lines = check.faults(found, serves=serves) + check.following(found, FULL) + check.doubts(found)
    assert all(field in numbers() and text and "\n" not in text and len(text) < 400 for field, text in lines)
    if not check.faults(found, serves=serves):  # then it can be lived with
        Budgets(found)
        if found.memory_bytes:
            assert found.code_bytes + check.total(check.rows(found, serves=serves)) <= found.memory_bytes


# what objects cost


def cost(make: "Callable[[int], Any]", count: int = 16) -> float:
    """Bytes that one of them keeps, on average."""
    first = make(0)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = [make(1 + i) for i in range(count)]
        found = (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()
    del first, kept
    return found


def test_a_row_of_the_tree() -> None:
    assert cost(lambda i: Tree(2048), 2) / 2048 <= Costs.row


def test_a_lent_buffer() -> None:
    def filled(i: int) -> Pools:
        pools = Pools(LINUX)
        pools.fill()
        return pools

    count = LINUX.frames + LINUX.stream_chunks + LINUX.identify_buffers
    nominal = (LINUX.frames * LINUX.frame_bytes + LINUX.stream_chunks * LINUX.chunk_bytes
               + LINUX.identify_buffers * LINUX.identify_bytes)
    assert (cost(filled, 2) - nominal) / count <= Costs.buffer


def test_small_things() -> None:
    assert cost(lambda i: (i + 1000, 300, os.urandom(32), os.urandom(32)), 200) <= Costs.evidence
    assert cost(lambda i: Entry(os.urandom(31), 5000, os.urandom(16)), 200) <= Costs.entry
    assert cost(lambda i: Query(LINUX)) - LINUX.read_bytes <= Costs.question
    pins = Pins(LINUX)
    assert cost(lambda i: pins.add(os.urandom(38), False), LINUX.pins - 2) <= Costs.pin


def test_what_a_gateway_keeps() -> None:
    chain = DevChain(TINY, seed=3)
    blocks = chain.advance(60)
    store = HeaderStore(LINUX, bytes(32))

    def kept(i: int) -> int:
        header = Header(TINY, blocks[i].header, 0, len(blocks[i].header))
        store.add(header, header.hash)
        return i

    before = store.size_bytes
    found = cost(kept, 50)
    assert found - (store.size_bytes - before) / 51 <= Costs.stored_header
    told = Gossip()

    class Link:
        """A peer."""

    peers = [Link() for _ in range(16)]
    for peer in peers:
        told.joined(peer)
    now = 1000

    def heard(i: int) -> None:
        for peer in peers:
            told.heard(peer, i.to_bytes(32, "big"), now, False)

    # Counted is a hash for each peer, as if nobody else had named it.
    assert cost(heard, 60) <= Costs.heard * len(peers)
    tracemalloc.start()
    again = Gossip()
    for peer in peers:
        again.joined(peer)
    before = tracemalloc.get_traced_memory()[0]
    for i in range(200):
        name = i.to_bytes(32, "big")
        for peer in peers:
            again.heard(peer, name, now, False)
        again.received(peers[0], name)
        again.accepted(name)
    found = (tracemalloc.get_traced_memory()[0] - before) / 200
    tracemalloc.stop()
    assert found <= Costs.heard  # one that has come, and all 16 have it


def test_a_connection_and_its_streams() -> None:
    """Both ends are here, and one of them is counted."""
    hosts = [connection_pair.terms(who, limits=profile(chunk_bytes=4096, stream_chunks=400)) for who in (0, 1)]
    for host in hosts:
        host.chunks.fill()
        host.frames.fill()
    pairs: "list[connection_pair.Pair]" = []

    def connected(i: int) -> connection_pair.Pair:
        pairs.append(connection_pair.Pair(*hosts, label=str(i)))
        pairs[-1].settle()
        return pairs[-1]

    # Member, services, link and record of the node come on top: tools/bench/p2p.py has 11 KB for all of an idle one.
    assert cost(connected) / 2 <= Costs.connection / 2

    def used(i: int) -> object:
        here, there = pairs[0].stream()
        for end in (here, there):
            end.send(bytes(20), 0, 20)
        pairs[0].settle()
        return here, there

    places = (LINUX.stream_window_bytes + LINUX.send_buffer_bytes) // 4096 + 4
    assert cost(used, 20) / 2 <= Costs.stream + places * Costs.place


def test_a_quic_connection() -> None:
    net = test_quic_listener.Net()
    server = net.add(test_quic_listener.SERVER_ADDR, test_quic_listener.listener())

    def connected(i: int) -> object:
        client = test_quic_listener.dial(net, 100 + i, f"10.0.{i}.1")
        assert net.run(lambda: client.state == test_quic_listener.READY)
        return client, test_quic_listener.accepted(server)

    assert cost(connected, 6) / 2 <= Costs.quic_connection


def test_what_a_board_s_objects_cost_is_less() -> None:
    for name, value in vars(BoardCosts).items():
        if name[0] != "_":
            assert 0 <= value <= getattr(Costs, name)

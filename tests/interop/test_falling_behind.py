"""A node that typeberry leaves behind: one that was stopped for many blocks, and one that starts from its journal.

typeberry makes blocks as fast as it can: what the node misses meanwhile, it asks for block by block (CE 128).
"""

import time

import pytest

from jamliquor_lite.chain.journal import Journal
from jamliquor_lite.cli.addresses import parse_jam
from jamliquor_lite.node.journal_keeper import read_peers
from jamliquor_lite.ports.cpython.segments import SegmentFile

from .json_rpc import JsonRpc
from .light_node import LightNode
from .typeberry import Typeberry, TypeberryFollower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.interop

MISSED = 30  # slots
FOLLOW_S = 240.0
_POLL_S = 0.2


def slots(node: LightNode) -> "list[int]":
    """Of the heads that it has said."""
    return [event["slot"] for event in node.named("best")]


def wait_for_slot(rpc: JsonRpc, slot: int) -> None:
    """Until typeberry's best block is of that slot or a later one."""
    until = time.monotonic() + FOLLOW_S
    while rpc.best_block()[1] < slot:
        assert time.monotonic() < until, "typeberry makes no blocks"
        time.sleep(_POLL_S)


def follows_its_chain(node: LightNode, rpc: JsonRpc, last: bytes = b"") -> None:
    """No head was passed over that typeberry has on the way to that one, or to the last one of the node."""
    told = {bytes.fromhex(event["hash"]) for event in node.named("best")}
    last = last or bytes.fromhex(node.named("best")[-1]["hash"])
    first = min(slots(node))
    while True:
        assert last in told
        last, slot = rpc.parent(last)
        if slot < first:
            return


@pytest.mark.long
def test_one_that_was_stopped_catches_up(typeberry: Typeberry, tmp_path: "Path") -> None:
    with JsonRpc(typeberry.rpc_port) as rpc:
        with LightNode(["--chain", str(typeberry.chainspec), "--data", str(tmp_path / "data")]) as node:
            node.wait_until(lambda n: len(n.named("best")) >= 20, FOLLOW_S, "20 blocks")
            node.pause()
            behind = max(slots(node))
            wait_for_slot(rpc, behind + MISSED)
            assert max(slots(node)) <= behind + 1, "it was stopped"
            there = rpc.best_block()[1]
            node.resume()
            node.wait_until(lambda n: max(slots(n)) >= there, FOLLOW_S, "the blocks that it missed")
            follows_its_chain(node, rpc)
    assert node.returncode == 0, node.errors
    assert node.summary["headers_refused"] == 0 and node.summary["stall_ms"] == 0


def test_one_that_begins_again_goes_on_from_its_journal(typeberry: Typeberry, tmp_path: "Path") -> None:
    words = ["--chain", str(typeberry.chainspec), "--data", str(tmp_path / "data")]
    with JsonRpc(typeberry.rpc_port) as rpc:
        with LightNode(words) as first:
            first.wait_until(lambda n: len(n.named("root")) >= 3, FOLLOW_S, "a root that moves")
        assert first.returncode == 0, first.errors
        journal = Journal(SegmentFile(str(tmp_path / "data" / typeberry.genesis_hash[:4].hex() / "journal")), 1 << 15,
                          1 << 24)
        saved = journal.load()
        assert saved is not None and journal.damaged is None
        assert saved.header_hash.hex() in {event["hash"] for event in first.named("root")}
        assert journal.peers is not None
        assert [one.name for one in read_peers(journal.peers, 32)] == [parse_jam(typeberry.address).name]
        wait_for_slot(rpc, max(slots(first)) + MISSED)
        there = rpc.best_block()[1]
        with LightNode(words) as second:
            second.wait_until(lambda n: slots(n)[-1:] >= [there], FOLLOW_S, "the head")
            follows_its_chain(second, rpc)
        assert second.returncode == 0, second.errors
        assert min(slots(second)) > saved.slot, "nothing before what was saved was asked for again"
        assert second.summary["headers_refused"] == 0
        assert second.summary["headers_checked"] <= there - saved.slot + 60


def test_two_of_one_chain_are_two_upstreams(tmp_path: "Path") -> None:
    # A network of its own: a follower has to be there from the beginning.
    with Typeberry() as leader, TypeberryFollower(leader) as other:
        assert other.genesis_hash == leader.genesis_hash and other.name != leader.name
        chainspec = tmp_path / "chainspec.json"
        leader.write_chainspec(chainspec, [leader.address, other.address])
        with LightNode(["--chain", str(chainspec), "--data", str(tmp_path / "data")]) as node:
            names = {leader.name, other.name}
            node.wait_until(lambda n: {event["peer"] for event in n.named("peer")} == names, FOLLOW_S, "both of them")
            node.wait_until(lambda n: len(n.named("best")) >= 40, FOLLOW_S, "40 blocks")
            # The one that authors goes away: what the other one has, it still tells.
            leader.process.stop()
            with JsonRpc(other.rpc_port) as rpc:
                head, slot = rpc.best_block()
                node.wait_until(lambda n: max(slots(n)) >= slot, FOLLOW_S, "the follower's head")
                follows_its_chain(node, rpc, head)
            node.wait_until(lambda n: leader.name in {event["peer"] for event in n.named("peer_left")}, FOLLOW_S,
                            "the one that went")
            # Nobody makes blocks any more, at whatever pace it was: it says so.
            node.wait_until(lambda n: n.named("stalled"), FOLLOW_S, "that there is no new head")
    assert node.returncode == 1 and "stalled: no new head since slot %d," % max(slots(node)) in node.errors
    assert node.summary["headers_refused"] == 0

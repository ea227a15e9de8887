"""A node that sleeps, over real sockets: nothing passes until a question comes, then all of it is as it was before."""

import asyncio
import socket

import pytest

from jamliquor_lite.budget.pools import Pools
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain import state_key
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import BudgetError
from jamliquor_lite.node.board_node import BoardNode
from jamliquor_lite.node.mode import FULL, IDLE, Mode
from tests.chain.chains import of_devnet
from tests.node.test_board_flash import PEER
from tests.node.world import World, chain_of, profile_of

SLOT = state_key.chapter(11)


def world(wanted, network="libp2p", **numbers):
    found = World(chain_of(30), "honest", profile=profile_of(**numbers), network=network)
    found.node.mode = Mode(found.node.budgets, None, wanted)
    return found


def is_silent(node):
    """No connection is left, on its way or standing."""
    return all(record.link is None for record in node.peers.records) and all(
        not carrier.connections for carrier in node.carriers)


@pytest.mark.parametrize("network", ["libp2p", "quic"])
def test_a_question_wakes_a_sleeper_that_has_followed_nothing(network):
    async def main():
        async with world(IDLE, network, idle_after_ms=300) as it:
            node = it.node
            await it.until(lambda: node.budgets.is_asleep)
            for _ in range(3):
                assert node.peers.connected == 0 and node.chain.headers_checked == 0
                await asyncio.sleep(0.05)
            answer = await it.ask(SLOT)
            assert answer.entries and node.chain.best_slot == it.chain.best.slot
            assert node.mode.word == "idle"
            await it.until(lambda: node.mode.word == "asleep")
            assert node.peers.connected == 0
            passed = (node.bytes_in, node.bytes_out)
            it.chain.advance(5)
            await asyncio.sleep(0.2)
            assert node.peers.connected == 0 and node.chain.best_slot < it.chain.best.slot
            # A goodbye may have been on its way; nothing follows it.
            assert node.bytes_in + node.bytes_out < sum(passed) + 500
            await it.ask(SLOT)
            assert node.chain.best_slot == it.chain.best.slot
            assert all(record.failures == 0 for record in node.peers.records)

    asyncio.run(main())


def test_full_by_hand_follows_again():
    async def main():
        async with world(FULL) as it:
            await it.caught_up()
            it.node.mode.want(IDLE)
            await it.until(lambda: it.node.mode.word == "asleep" and is_silent(it.node))
            it.chain.advance(3)
            it.node.mode.want(FULL)
            await it.caught_up()
            assert [fields["now"] for fields in it.named("mode")] == ["idle", "full"]

    asyncio.run(main())


def test_strangers_find_a_sleeper_deaf():
    async def main():
        async with world(IDLE) as it:
            node = it.node
            await it.until(lambda: node.budgets.is_asleep)
            port = int(node.addresses[0].split("/")[4])
            with socket.create_connection(("127.0.0.1", port)) as stranger:
                stranger.send(b"\x13/multistream/1.0.0\n")
                await asyncio.sleep(0.3)
                assert node.bytes_in == node.bytes_out == 0 and not node.carriers[0].connections
                node.mode.want(FULL)
                await it.until(lambda: node.bytes_in > 0)  # the system kept it waiting

    asyncio.run(main())


def test_when_the_cap_is_spent_the_wire_is_silent():
    async def main():
        cap = 100_000
        async with world(FULL, day_bytes=cap, allowance_quantum=4_000) as it:
            node = it.node
            await it.caught_up()
            budgets = node.budgets
            used = budgets.allowance.day_used
            assert node.bytes_in + node.bytes_out < used < cap  # with what TCP and IP cost
            budgets.allowance.spend(cap - used - 5_000)
            await it.until(lambda: node.mode.word == "spent")
            with pytest.raises(BudgetError, match="the day's 100000 bytes are used up, until "):
                await it.ask(SLOT)
            await it.until(lambda: is_silent(node))
            passed = node.bytes_in + node.bytes_out
            it.chain.advance(3)
            await asyncio.sleep(0.3)
            assert node.bytes_in + node.bytes_out == passed
            assert budgets.allowance.day_used <= cap

    asyncio.run(main())


def test_a_board_keeps_its_allowance_on_its_file_system(tmp_path):
    start = of_devnet(DevChain(TINY, seed=5, keys=10))
    (tmp_path / "start.cbor").write_bytes(Checkpoint.encode(start))
    (tmp_path / "board.conf").write_text("chain = devnet\n" + PEER)
    lines = []

    def boot(day_bytes):
        profile = Profile()
        profile.day_bytes, profile.allowance_quantum = day_bytes, 4_000
        return BoardNode(str(tmp_path), profile, Pools(profile), lines.append).start()

    node = boot(0)
    assert node.mode is None and not (tmp_path / "allowance.0").exists()  # what it does without takes no heap
    node.close()
    node = boot(1_000_000)
    node.turn(1000)
    node.budgets.allowance.spend(3_000)
    node.close()
    node = boot(1_000_000)
    assert node.budgets.allowance.day_used == 3_000
    node.turn(1000)  # and the power goes
    for carrier in node.carriers:
        carrier.release()
    node = boot(1_000_000)
    assert node.budgets.allowance.day_used == 7_000
    node.close()
    for slot in (0, 1):
        (tmp_path / f"allowance.{slot}").write_bytes(b"broken" * 20)
    boot(1_000_000).close()
    assert any(line.startswith("the used allowance: ") and "damaged" in line for line in lines)

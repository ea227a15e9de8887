"""How long the node sleeps: never past the end of what somebody waits for, but until its budget allows more."""

import asyncio

import pytest

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.classes import HEADERS
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.slots import INBOUND
from jamliquor_lite.chain.levels import SEALED
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import LocalError
from jamliquor_lite.node.node import Node
from jamliquor_lite.ports import clock
from tests.chain.chains import of_devnet
from tests.node.world import CARRIERS, profile_of

KEY = bytes(31)


async def open_question(carrier):
    start, profile = of_devnet(DevChain(TINY, keys=1)), Profile()
    node = Node(start, profile, "tiny", lambda name, fields: None)
    node.attach(carrier(bytes(32), start.genesis_hash, profile))
    node.open()
    asking = asyncio.create_task(node.ask(KEY, KEY, SEALED, 0, 120))
    try:
        await asyncio.sleep(0)
        now = clock.ticks_ms()
        open_wait = node._wake_at(now) - now
        node.turn(now + 120)
        with pytest.raises(LocalError):
            await asking
        return open_wait, node._wake_at(now) - now
    finally:
        node.close()


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_a_question_wakes_the_node_when_its_time_is_over_and_never_after(carrier):
    while_open, afterwards = asyncio.run(open_question(carrier))
    assert while_open <= 120
    assert afterwards > 120


def test_a_node_in_debt_is_woken_by_nobody_but_who_ends_it():
    async def scene():
        time = [0]
        start, profile = of_devnet(DevChain(TINY, keys=1)), profile_of(cpu_permille=100, cpu_burst_ms=50)
        start.clock_chain = True
        budgets = Budgets(profile, lambda: time[0])
        node = Node(start, profile, "tiny", lambda name, fields: None, budgets=budgets)
        node.attach(CARRIERS["libp2p"](bytes(32), start.genesis_hash, profile, budgets=budgets))
        node.open()
        node.peers.add("peer", "192.0.2.1", 1, node.carriers[0], INBOUND).link = Silent()
        stop = asyncio.Event()
        running = asyncio.create_task(node.run(stop))
        while not node.turns:
            await asyncio.sleep(0)
        time[0] += 10_000_000  # ten seconds of processor time: more than a minute at a tenth
        node._waker.wake()
        while not budgets.cpu.deferred[HEADERS]:
            await asyncio.sleep(0)
        turns = node.turns
        for _ in range(200):
            node._waker.wake()
            await asyncio.sleep(0)
        assert node.turns <= turns + 1 and budgets.cpu.debt() > 9_000_000
        stop.set()
        async with asyncio.timeout(45):
            await running

    asyncio.run(scene())


class Silent:
    """A link that has nothing to do."""

    ready = settled = False

    def work(self, cls, now):
        return False

    def put_off(self, cls, now):
        pass

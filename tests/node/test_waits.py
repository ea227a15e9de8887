"""How long the node sleeps: never past the end of what somebody waits for."""

import asyncio

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.levels import SEALED
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import LocalError
from jamliquor_lite.node.node import Node
from jamliquor_lite.ports import clock
from tests.chain.chains import of_devnet
from tests.node.world import CARRIERS

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
        open_wait = node._wait(now)
        node.turn(now + 120)
        with pytest.raises(LocalError):
            await asking
        return open_wait, node._wait(now)
    finally:
        node.close()


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_a_question_wakes_the_node_when_its_time_is_over_and_never_after(carrier):
    while_open, afterwards = asyncio.run(open_question(carrier))
    assert while_open <= 120
    assert afterwards > 120

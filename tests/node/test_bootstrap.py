"""A checkpoint from a bare hash: proved by one peer, whatever the others say."""

import asyncio

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.devnet.wire import by_name
from jamliquor_lite.errors import LocalError
from jamliquor_lite.node.bootstrap import Bootstrap
from jamliquor_lite.node.peers import Record
from tests.chain.chains import Recorder
from tests.node.world import CARRIERS, address


def chain_of(blocks):
    chain = DevChain(TINY, seed=13, keys=20)
    chain.advance(blocks)
    return chain


async def ask(chain, header_hash, *wires, network="quic"):
    servers = []
    for number, wire in enumerate(wires):
        fault = None if wire == "honest" else by_name(wire)
        over = {} if network == "quic" else {"port": -1, "listen": [("127.0.0.1", 0)]}
        servers.append(Server(chain, TINY, seed=bytes([number]) * 32, wire=fault, **over))
    for server in servers:
        await server.start()
    try:
        profile = Profile()
        carrier = CARRIERS[network](b"\7" * 32, chain.genesis.hash, profile)
        records = [Record(*address(server), carrier) for server in servers]
        bootstrap = Bootstrap([carrier], TINY, chain.genesis.hash, profile)
        found = await bootstrap.run(header_hash, records, True)
        return found, bootstrap.reasons
    finally:
        for server in servers:
            await server.stop()


@pytest.mark.parametrize("network", CARRIERS)
@pytest.mark.parametrize("number", [30, 36, 40, 47, 48])
def test_the_chain_goes_on_from_a_bare_hash(number, network):
    chain = chain_of(60)
    trusted = chain.at(number)
    found, _ = asyncio.run(ask(chain, trusted.hash, "honest", network=network))
    assert found.header_hash == trusted.parent and found.slot < trusted.slot
    light = Recorder(found)
    for block in chain.chain()[number:]:
        light.add(block.header)
    assert light.chain.headers_checked == 60 - number + 1
    assert light.chain.tree.hash(light.chain.tree.best) == chain.best.hash


@pytest.mark.parametrize("wire", ["mutated-node", "mutated-value", "other-header", "constant-fake", "unsupported"])
def test_a_peer_that_lies_is_passed_over(wire):
    chain = chain_of(40)
    trusted = chain.at(30)
    found, reasons = asyncio.run(ask(chain, trusted.hash, wire, "honest"))
    assert found.header_hash == trusted.parent
    assert len(reasons) == 1
    with pytest.raises(LocalError) as refused:
        asyncio.run(ask(chain, trusted.hash, wire))
    assert "\n" not in str(refused.value)


def test_a_hash_that_nobody_has():
    chain = chain_of(20)
    with pytest.raises(LocalError, match="does not have that header"):
        asyncio.run(ask(chain, b"\x11" * 32, "honest"))


def test_the_trusted_header_itself_is_checked_like_any_other():
    chain = chain_of(40)
    trusted = chain.at(33)
    found, _ = asyncio.run(ask(chain, trusted.hash, "honest"))
    light = Recorder(found)
    light.add(trusted.header)
    assert light.chain.headers_checked == 1
    assert Header(TINY, trusted.header).prior_state_root == light.chain.tree.state_root(light.chain.tree.best)

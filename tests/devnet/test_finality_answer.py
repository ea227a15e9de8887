"""CE 130 and CE 153 of the devnet's server, over both networks, asked by a client that sees bytes."""

import asyncio

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.stream import DEAD, READ_ENDED
from jamliquor_lite.codec import natural
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.devnet import finality_faults
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.jam.kinds import JUSTIFICATION_REQUEST, WARP_SYNC_REQUEST, class_of, protocol
from jamliquor_lite.node.peers import Record
from jamliquor_lite.ports.cpython.clock import ticks_ms
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.states import READY
from tests.node.world import CARRIERS, address

from .follower import Parsed
from .justified import Read, sets_of
from .test_finality import make, node_takes

GONE = b"gone"  # the server reset the stream


class Asker:
    """A connection to the server over one of the networks."""

    def __init__(self, network, chain, server):
        self.server = server
        self.carrier = CARRIERS[network](b"\7" * 32, chain.genesis.hash, Profile())
        if network == "libp2p":
            for kind in (JUSTIFICATION_REQUEST, WARP_SYNC_REQUEST):
                name = protocol(kind, chain.genesis.hash[:4].hex())
                self.carrier.terms.speak(name, kind, class_of(kind, True))
        self.carrier.open(Waker())
        self.connection = self.carrier.dial(Record(*address(server), self.carrier), ticks_ms())

    async def until(self, condition):
        async with asyncio.timeout(180):
            while not condition():
                self.carrier.receive(ticks_ms())
                self.carrier.flush(ticks_ms())
                await asyncio.sleep(0)

    async def begin(self, kind, content):
        await self.until(lambda: self.connection.state == READY)
        stream = self.connection.open(kind)
        data = len(content).to_bytes(4, "little") + content
        sent = 0

        def written():
            nonlocal sent
            sent += stream.send(data, sent, len(data))
            return sent == len(data)

        await self.until(written)
        stream.finish()
        return stream

    async def ask(self, kind, content):
        """All bytes of the answer's stream, or GONE."""
        stream = await self.begin(kind, content)
        found, buf = bytearray(), bytearray(65536)

        def ended():
            n = stream.recv_into(buf, 0, len(buf))
            found.extend(buf[:n])
            if n:
                stream.credit(n)
            return not n and stream.state & (READ_ENDED | DEAD)

        await self.until(ended)
        return bytes(found) if stream.state & READ_ENDED else GONE

    async def justification(self, header_hash):
        return await self.ask(JUSTIFICATION_REQUEST, header_hash)

    async def fragments(self, set_id):
        return await self.ask(WARP_SYNC_REQUEST, set_id.to_bytes(4, "little"))


def play(chain, network, scenario, spec=TINY, **settings):
    over = {} if network == "quic" else {"port": -1, "listen": [("127.0.0.1", 0)]}

    async def main():
        async with Server(chain, spec, **over, **settings) as server:
            asker = Asker(network, chain, server)
            try:
                return await scenario(asker)
            finally:
                asker.carrier.release()

    return asyncio.run(asyncio.wait_for(main(), 300))


def framed(content):
    return len(content).to_bytes(4, "little") + content


def warp(fragments):
    return framed(natural.encode(len(fragments)) + b"".join(fragments))


@pytest.mark.parametrize("network", CARRIERS)
def test_justifications_and_fragments_come_over_either_network(network):
    chain, finality = make(70)
    profile = Profile()
    profile.warp_fragments = 3
    now = finality.set_id
    assert now >= 5

    async def scenario(asker):
        for number in (1, 20, chain.final.number):
            block = chain.at(number)
            assert await asker.justification(block.hash) == framed(finality.justification(block.hash))
        for unproved in (chain.genesis, chain.best):
            assert await asker.justification(unproved.hash) == GONE
        assert await asker.justification(bytes(32)) == GONE
        everything = finality.fragments(0, 99)
        for first in (0, 2, now - 2):
            assert await asker.fragments(first) == warp(everything[first : first + 3])
        assert await asker.fragments(now) == framed(b"\0")  # the set that votes has not handed over
        for unknown in (now + 1, 2**32 - 1):
            assert await asker.fragments(unknown) == GONE
        assert asker.server.requests == {130: 6, 153: 6} and asker.server.faults == 0

    play(chain, network, scenario, profile=profile)


@pytest.mark.parametrize("network", CARRIERS)
@pytest.mark.parametrize("name", ["cut-finality", "truncated-finality", "oversized-finality", "endless-finality"])
def test_an_answer_may_be_spoiled_on_its_way(name, network):
    chain, finality = make(40, fault=finality_faults.by_name(name))
    block = chain.at(20)
    honest = finality_faults.FinalityFault()
    data = honest.justification(finality, finality.round_of(block.hash))
    some = b"".join(honest.fragment(finality, finality.change(i)) for i in (1, 2))

    async def scenario(asker):
        one, two = await asker.justification(block.hash), await asker.fragments(1)
        if name == "cut-finality":
            assert framed(data).startswith(one) and len(one) == 4 + len(data) // 2
            assert framed(b"\2" + some).startswith(two) and len(two) == 4 + (1 + len(some)) // 2
        elif name == "truncated-finality":
            assert one == framed(data[:-82]) and two == framed((b"\2" + some)[:-82])
        elif name == "oversized-finality":
            assert one == framed(data + bytes(1 << 20)) and two == framed(b"\2" + some + bytes(1 << 20))
        else:
            assert one == framed(data[:80] + natural.encode(1 << 32) + data[81:-1])
            assert int.from_bytes(two[:4], "little") == len(two) - 4
            assert two[4:].startswith(natural.encode(1 << 20) + chain.block(finality.change(1).header_hash).header)
        assert await asker.justification(bytes(32)) == GONE
        assert asker.server.faults == 0

    play(chain, network, scenario)


def test_a_server_may_be_silent_or_refuse():
    chain, finality = make(40, fault=finality_faults.by_name("silent-finality"))

    async def silent(asker):
        stream = await asker.begin(JUSTIFICATION_REQUEST, chain.at(9).hash)
        assert await asker.ask(128, chain.genesis.hash + b"\0" + bytes(4)) == framed(b"")  # others are answered
        assert not stream.state & (READ_ENDED | DEAD) and stream.recv_into(bytearray(9), 0, 9) == 0

    async def refusing(asker):
        assert await asker.justification(chain.at(9).hash) == GONE and await asker.fragments(0) == GONE

    play(chain, "quic", silent)
    finality.fault = finality_faults.by_name("refusing-finality")
    play(chain, "quic", refusing)


def test_announcements_name_the_final_block():
    chain, finality = make(20, lag=3)

    async def scenario(asker):
        await asker.until(lambda: asker.connection.state == READY)
        up0 = asker.connection.open(0)
        hello = framed(bytes(37))
        assert up0.send(b"".join([hello]), 0, len(hello)) == len(hello)
        found, buf = bytearray(), bytearray(4096)

        def read(count):
            n = up0.recv_into(buf, 0, len(buf))
            found.extend(buf[:n])
            if n:
                up0.credit(n)
            return len(found) >= count

        await asker.until(lambda: read(4))
        size = 4 + int.from_bytes(found[:4], "little")
        await asker.until(lambda: read(size))
        assert found[4:40] == chain.final.hash + chain.final.slot.to_bytes(4, "little")
        before, block = chain.final, chain.advance()[0]
        asker.server.announce(block)
        await asker.until(lambda: read(size + 4 + len(block.header) + 36))
        assert found[-36:] == chain.final.hash + chain.final.slot.to_bytes(4, "little")
        assert chain.final is chain.at(before.number + 1) is chain.at(block.number - 3)
        assert finality.justification(chain.final.hash) is not None

    play(chain, "quic", scenario)


def test_full_spec_epochs_of_a_few_blocks_are_served_at_the_size_that_they_need():
    chain, finality = make(11, 1, spec=FULL, keys=5, epoch_blocks=3)
    line = chain.chain()
    assert [FULL.epoch(block.slot) for block in line[1:]] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 2

    async def scenario(asker):
        return await asker.fragments(0)

    answer = play(chain, "libp2p", scenario, FULL)
    sets = sets_of(FULL, line)
    at = 4 + 1
    assert answer[4] == finality.set_id == 3
    for set_id in range(3):
        header = Parsed(FULL, answer, at)
        block = chain.block(header.hash)
        found = Read(FULL, answer, header.end)
        keys, voting = sets[block.hash]
        assert found.set_id == voting == set_id and len(found.supporters(keys)) == 683
        assert node_takes(FULL, answer[header.end : found.end], keys, set_id, block)
        assert found.end - at == finality.fragment_size(set_id) == 65_833 + 80 + 2 + 683 * 164 + 1
        at = found.end
    assert at == len(answer)

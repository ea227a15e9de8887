"""The devnet's server, asked over QUIC by a client that parses every byte by hand."""

import asyncio

import pytest

from jamliquor_lite.chain import state_key
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet import wire
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.transport.quic import CLOSED

from .client import Client, Gone
from .follower import Parsed, Reader, blake, root_of
from .test_author import split_body

FIRST, LAST = bytes(31), b"\xff" * 31
HEIGHT = state_key.service_storage(1, b"height")


def make(blocks=40, keys=60, **settings):
    chain = DevChain(TINY, seed=9, keys=keys, **settings)
    chain.advance(blocks)
    return chain


def play(chain, scenario, **settings):
    """Run `await scenario(client, server)` against a server of `chain`."""

    async def main():
        async with Server(chain, TINY, **settings) as server, Client(chain.genesis.hash, server.addresses[0]) as client:
            return await scenario(client, server)

    return asyncio.run(asyncio.wait_for(main(), 180))


def cut(data):
    """Blocks of a CE 128 answer."""
    found = []
    while data:
        header = Parsed(TINY, data)
        r = Reader(data, header.end)
        for _ in range(r.natural()):
            r.take(785)
        for _ in range(r.natural()):
            r.take(4)
            r.take(r.natural())
        assert r.natural() == 0
        for _ in range(r.natural()):
            r.take(99)
        for size in (32 + 4 + 5 * 67, 128, 129):
            for _ in range(r.natural()):
                r.take(size)
        body = split_body(TINY, data[header.end : r.pos])
        assert header.author == 0xFFFF or header.body_hash == blake(b"".join(blake(part) for part in body))
        found.append(header)
        data = data[r.pos :]
    return found


def walk(root, key, nodes):
    """What the nodes on the path say about `key`: its leaf, or None for proved absence."""
    want, rest = root, list(nodes)
    for depth in range(248):
        if want == bytes(32):
            assert not rest
            return None
        node = rest.pop(0)
        digest = blake(node)
        assert digest == want or (depth and digest[1:] == want[1:] and digest[0] & 127 == want[0] & 127)
        if node[0] & 0x80:
            assert not rest
            return node if node[1:32] == key else None
        want = node[32:] if key[depth // 8] >> (7 - depth % 8) & 1 else node[:32]
    raise AssertionError("too deep")


def test_a_handshake_lists_the_leaves_and_announcements_follow():
    chain = make(fork_rate=0.3)

    async def scenario(client, server):
        up0 = client.open(0)
        await client.send(up0, (37).to_bytes(4, "little") + bytes(37))
        hello = Reader(await client.message(up0))
        assert (hello.take(32), hello.number(4)) == (chain.final.hash, chain.final.slot)
        leaves = [(hello.take(32), hello.number(4)) for _ in range(hello.natural())]
        assert leaves[0] == (chain.best.hash, chain.best.slot) and hello.pos == len(hello.data)
        assert set(leaves) == {(leaf.hash, leaf.slot) for leaf in chain.leaves()}
        for _ in range(14):
            block = chain.advance()[0]
            server.announce(block)
            message = await client.message(up0)
            header = Parsed(TINY, message)
            assert header.hash == block.hash and len(message) == header.end + 36
            final = message[header.end :]
            assert final == chain.final.hash + chain.final.slot.to_bytes(4, "little")

    play(chain, scenario)


def test_announcements_of_the_client_are_taken():
    chain = make(10)

    async def scenario(client, server):
        up0 = client.open(0)
        await client.send(up0, (37).to_bytes(4, "little") + bytes(37))
        message = chain.best.header + bytes(36)
        await client.send(up0, len(message).to_bytes(4, "little") + message)
        await client.until(lambda: server._sessions and server._sessions[0].heard == 1)
        assert server.faults == 0

    play(chain, scenario)


def test_blocks_ascend_and_descend_within_their_limits():
    chain = make(150)
    line = chain.chain()

    async def scenario(client, server):
        up = cut(await client.blocks(line[10].hash, 0, 5))
        assert [h.hash for h in up] == [b.hash for b in line[11:16]]
        down = cut(await client.blocks(line[10].hash, 1, 5))
        assert [h.hash for h in down] == [b.hash for b in line[10:5:-1]]
        assert [h.hash for h in cut(await client.blocks(line[3].hash, 1, 100))] == [b.hash for b in line[3::-1]]
        assert len(cut(await client.blocks(line[0].hash, 0, 2**32 - 1))) == 128
        assert await client.blocks(chain.best.hash, 0, 9) == b""
        assert await client.blocks(line[5].hash, 1, 0) == b""
        with pytest.raises(Gone):
            await client.blocks(b"\1" * 32, 0, 1)
        assert len(cut(await client.blocks(line[0].hash, 0, 1))) == 1  # the connection lives on
        assert server.requests == {128: 8}

    play(chain, scenario)


def test_a_block_that_lost_is_served_while_it_may_win_and_refused_after():
    chain = make(12, fork_rate=0.4)

    async def scenario(client, server):
        for _ in range(200):
            block = chain.advance()[0]
            side = [leaf for leaf in chain.leaves() if chain.at(leaf.number) is not leaf]
            if side:
                break
        assert cut(await client.blocks(side[0].hash, 1, 2))[0].hash == side[0].hash
        while chain.servable(side[0]):
            chain.advance()
        with pytest.raises(Gone):
            await client.blocks(side[0].hash, 1, 2)
        assert block is not None

    play(chain, scenario)


def test_state_answers_are_proved_by_the_next_header():
    chain = make()
    line = chain.chain()
    parent, root = line[-2], Parsed(TINY, line[-1].header).root

    async def scenario(client, server):
        nodes, entries = await client.state(parent.hash, HEIGHT, HEIGHT)
        assert entries == [(HEIGHT, parent.number.to_bytes(4, "little"))]
        leaf = walk(root, HEIGHT, nodes)
        assert leaf[0] == 0x84 and leaf[32:36] == entries[0][1]
        absent = b"\x77" * 31
        nodes, entries = await client.state(parent.hash, absent, absent)
        assert entries == [] and walk(root, absent, nodes) is None
        nodes, entries = await client.state(parent.hash, FIRST, LAST)
        assert root_of(entries) == root and len(entries) == len(parent.state.trie)
        assert nodes == [n for i, n in enumerate(nodes) if n not in nodes[:i]]

    play(chain, scenario)


def test_a_state_answer_keeps_to_the_size_asked_for():
    chain = make(20, keys=300)
    block = chain.chain()[-2]

    async def scenario(client, server):
        start, seen = FIRST, []
        for size in [4000] * 400:
            nodes, entries = await client.state(block.hash, start, LAST, size)
            if not entries:
                break
            extra = sum(31 + len(v) + (1 if len(v) < 128 else 2) for _, v in entries)
            assert 64 * len(nodes) + extra <= size or len(entries) == 1
            seen += entries
            following = int.from_bytes(entries[-1][0], "big") + 1
            start = following.to_bytes(31, "big")
        assert seen == list(block.state.trie.items())
        nodes, entries = await client.state(block.hash, HEIGHT, LAST, 0)
        assert [key for key, _ in entries] == [HEIGHT]

    play(chain, scenario)


def test_states_of_two_epochs_are_served_and_unknown_headers_refused():
    chain = make(100)
    line = chain.chain()

    async def scenario(client, server):
        for block in line[-24:]:
            _, entries = await client.state(block.hash, HEIGHT, HEIGHT)
            assert entries[0][1] == block.number.to_bytes(4, "little")
        for hash_, start, end in ((b"\2" * 32, FIRST, LAST), (line[3].hash, FIRST, LAST), (line[-2].hash, LAST, FIRST)):
            with pytest.raises(Gone):
                await client.state(hash_, start, end)
        assert client.connection.state != CLOSED

    play(chain, scenario)


def test_kinds_that_are_not_served_cost_their_stream_only():
    chain = make(5)

    async def scenario(client, server):
        for kind in (130, 133, 153, 1, 255):
            stream = client.open(kind)
            with pytest.raises(Gone):
                await client.take(stream, 1)
        assert len(cut(await client.blocks(chain.genesis.hash, 0, 9))) == 5

    play(chain, scenario)


def test_a_peer_that_breaks_the_protocol_costs_its_connection_only():
    chain = make(5)

    async def scenario(client, server):
        async with Client(chain.genesis.hash, server.addresses[0], seed=b"\6" * 32) as other:
            stream = other.open(128)
            await other.send(stream, (999).to_bytes(4, "little"))
            await other.until(lambda: other.connection.state == CLOSED)
        assert server.faults == 1 and "999" in server.last_fault
        assert len(cut(await client.blocks(chain.genesis.hash, 0, 9))) == 5

    play(chain, scenario)


def test_the_server_may_open_its_own_stream_as_typeberry_does():
    chain = make(5)

    async def scenario(client, server):
        found = []

        def accepted():
            stream = client.connection.accept()
            found.extend([stream] if stream else [])
            return found

        await client.until(accepted)
        up0 = found[0]
        assert up0.kind == 0
        await client.message(up0)
        await client.send(up0, (37).to_bytes(4, "little") + bytes(37))
        await client.until(lambda: server._sessions and server._sessions[0].greeted)
        block = chain.advance()[0]
        server.announce(block)
        assert Parsed(TINY, await client.message(up0)).hash == block.hash

    play(chain, scenario, opens_up0=True)


@pytest.mark.parametrize("name", sorted(set(wire.WIRE_FAULTS) - {"false-attestation"}))  # of another answer
def test_a_wire_fault_spoils_the_answer(name):
    chain = make(30)
    parent = chain.chain()[-2]
    root = parent.state.trie.root()
    fault = wire.by_name(name)

    async def scenario(client, server):
        if name == "mute":
            up0 = client.open(0)
            await client.send(up0, (37).to_bytes(4, "little") + bytes(37))
            await client.message(up0)
            server.announce(chain.advance()[0])
            await asyncio.sleep(0.1)
            assert up0.recv_into(bytearray(1), 0, 1) == 0
            return
        asking = client.state(parent.hash, HEIGHT, HEIGHT)
        if name == "silent":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asking, 0.3)
            return
        if name in ("refusing", "unsupported", "cut", "close-after"):
            with pytest.raises((Gone, AssertionError)):
                await asking
            await asyncio.sleep(0.1)
            assert (client.connection.state == CLOSED) == (name in ("unsupported", "close-after"))
            return
        nodes, entries = await asking
        value = parent.number.to_bytes(4, "little")
        if name == "oversized":
            assert len(nodes) > 16384
            return
        try:
            leaf = walk(root, HEIGHT, nodes)
            found = None if leaf is None else leaf[32:36]
        except (AssertionError, IndexError):
            return  # the nodes do not hold together
        assert [v for _, v in entries] != [found] or found != value

    play(chain, scenario, wire=fault)


@pytest.mark.parametrize("count", [0, 1, 4, 5, 70, 500])
def test_a_connection_is_closed_after_that_many_bytes(count):
    chain = make(5)

    async def scenario(client, server):
        stream = client.open(129)
        request = chain.best.hash + FIRST + LAST + (1 << 20).to_bytes(4, "little")
        await client.send(stream, len(request).to_bytes(4, "little") + request)
        stream.finish()
        got = await client.take(stream, count) if count else b""
        assert len(got) == count
        await client.until(lambda: client.connection.state == CLOSED)
        assert stream.recv_into(bytearray(1), 0, 1) == 0

    play(chain, scenario, wire=wire.by_name(f"close-after-{count}"))

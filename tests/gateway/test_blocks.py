"""Whole blocks between gateways: what is compared, kept and offered, what is passed on, and how far."""

import asyncio
from types import SimpleNamespace

import pytest

from jamliquor_lite.budget.stream import DEAD, READ_ENDED
from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec.cbor import loads
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.crypto.suite import blake2b_256
from jamliquor_lite.devnet import faults
from jamliquor_lite.errors import LocalError, RemoteError, VerifyError
from jamliquor_lite.gateway import reach
from jamliquor_lite.gateway.extrinsic import Measured
from jamliquor_lite.gateway.store import BlockStore
from jamliquor_lite.jam.block_request import BlockResponder
from jamliquor_lite.jam.events import REQUEST
from jamliquor_lite.jam.header_announcement import BLOCKS, FINAL, OURS, REACH, HeaderAnnouncement
from jamliquor_lite.jam.kinds import BLOCK_OFFER, BLOCK_REQUEST, DECLINED, MALFORMED, RELAYED_REQUEST, STATE_REQUEST
from jamliquor_lite.jam.range_request import ASCENDING, DESCENDING
from jamliquor_lite.ports import clock
from tests.fake_carrier import Dice
from tests.gateway.test_gateway import SLOT, ask
from tests.gateway.test_link import Scene, code_of, serve
from tests.gateway.world import World, place
from tests.jam import blocks as made
from tests.support import read, vectors

# the extrinsic hash

def block_of(spec, dice):
    """An encoded block of several reports, its header naming the extrinsic hash put together here."""
    votes = spec.validators * 2 // 3 + 1
    reports = [(made.report(dice), made.noise(dice, 4) + made.sequence([made.fill(dice, 66)] * 2))
               for _ in range(dice.below(4))]
    parts = [
        made.sequence([made.fill(dice, 785) for _ in range(dice.below(4))]),
        made.sequence([made.noise(dice, 4) + made.blob(dice, 500) for _ in range(dice.below(3))]),
        made.sequence([report + rest for report, rest in reports]),
        made.sequence([made.fill(dice, 32 + (spec.cores + 7) // 8 + 66) for _ in range(dice.below(4))]),
        made.sequence([made.fill(dice, 36 + votes * 67) for _ in range(dice.below(2))]) + bytes(2),
    ]
    hashed = list(parts)
    hashed[2] = made.sequence([blake2b_256(report) + rest for report, rest in reports])
    extrinsic_hash = blake2b_256(b"".join(blake2b_256(part) for part in hashed))
    header = made.header(spec, dice)
    return header[:64] + extrinsic_hash + header[96:], b"".join(parts)


@pytest.mark.parametrize("spec", [TINY, FULL], ids=lambda spec: spec.name)
@pytest.mark.parametrize("seed", range(12))
def test_a_body_is_compared_with_its_header(spec, seed):
    dice = Dice(seed)
    header, body = block_of(spec, dice)
    after = made.block(spec, dice)[1]
    data = header + body + after
    found = Measured(spec, data, len(data))
    assert found.is_whole and (found.header_end, found.size) == (len(header), len(header + body))
    for _ in range(20):
        at = dice.below(len(body))
        false = bytearray(header + body)
        false[len(header) + at] ^= 1 << dice.below(8)
        try:
            assert not Measured(spec, false, len(false)).is_whole, at
        except VerifyError:
            pass  # no block at all any more
    for end in (0, 1, len(header) - 1, len(header), len(header + body) - 1):
        with pytest.raises(VerifyError):
            Measured(spec, data, end)


@pytest.mark.parametrize("name", ["chain_safrole", "chain_storage_light", "chain_typeberry"])
def test_bodies_of_other_implementations_are_their_headers(name):
    for block in loads(read(vectors(name + ".cbor")))["blocks"]:
        found = Measured(TINY, block["block"], len(block["block"]))
        assert found.is_whole and found.size == len(block["block"])


def test_what_is_kept_has_a_bound():
    store = BlockStore(100)
    for number in range(10):
        store.add(bytes([number]), bytes(30))
        store.add(bytes([number]), bytes(30))
    assert (store.count, store.size_bytes, store.dropped) == (3, 90, 7)
    assert store.get(b"\x06") is None and store.get(b"\x07") == bytes(30)


# offers

class Trader:
    """Offers blocks, and hears such offers, at the other side of a gateway's link."""

    def __init__(self, scene):
        self.peer = scene.peer()
        self.peer.join(scene)
        self.offers = HeaderAnnouncement(what=BLOCKS)
        self.offers.attach(self.peer.open(BLOCK_OFFER), OURS)
        scene.turn()
        self.asked = []
        self.heard = []

    def offer(self, scene, block):
        self.offers.announce(block.hash, block.slot)
        self.offers.poll(scene.now)
        scene.turn()

    def answer(self, scene, answers):
        """Answer the requests for blocks that came, by hash; None refuses. The hashes that were asked for."""
        asked = []
        for stream in self.peer.listen(scene):
            if stream.kind != BLOCK_REQUEST:
                continue
            responder = BlockResponder()
            responder.begin(stream)
            while responder.poll(scene.now) != REQUEST:
                self.peer.pair.pump()
            assert (responder.direction, responder.maximum) == (DESCENDING, 1)
            asked.append(responder.header_hash)
            answer = answers.get(responder.header_hash)
            if answer is None:
                responder.refuse()
                continue
            responder.answer_blocks(len(answer))
            at = 0
            while at < len(answer):
                at += responder.write(answer, at, len(answer))
                scene.turn()
            responder.poll(scene.now)
        scene.turn()
        return asked

    def leave(self, scene):
        self.peer.link.connection.close()
        self.peer.link.close()
        scene.peers.remove(self.peer)


def told(scene, link):
    """Hashes of what was offered to this link: what went through its announcer."""
    return [offered for offered, _ in link.trade.sent]


class Offering(Scene):
    """A scene that writes down what the gateway offers."""

    def peer(self, **options):
        peer = Scene.peer(self, **options)
        peer.link.trade.sent = []
        peer.link.trade.offer = lambda header_hash, slot: peer.link.trade.sent.append((header_hash, slot))
        return peer


def test_a_block_is_fetched_once_compared_and_offered_to_the_others():
    scene = Offering()
    first, second, third = [Trader(scene) for _ in range(3)]
    (block,) = scene.chain.advance(1)
    scene.take(block)
    scene.turn()
    first.offer(scene, block)
    second.offer(scene, block)
    assert second.answer(scene, {}) == []
    assert first.answer(scene, {block.hash: block.encode()}) == [block.hash]
    assert scene.gateway.blocks.get(block.hash) == block.encode() and scene.gateway.blocks.blocks_in == 1
    assert [told(scene, trader.peer.link) for trader in (first, second, third)] == [[], [], [block.hash]]
    third.offer(scene, block)
    assert third.answer(scene, {}) == []


def test_a_block_waits_for_its_header():
    scene = Offering()
    first, second = Trader(scene), Trader(scene)
    (block,) = scene.chain.advance(1)
    first.offer(scene, block)
    assert first.answer(scene, {}) == [] and scene.gateway.blocks.gossip.wake_at(scene.now) == -1, "nobody knows it"
    first.peer.say(scene, block)
    first.offer(scene, block)
    assert scene.gateway.blocks.gossip.is_coming(block.hash) and scene.gateway.blocks.gossip.requests == 0
    assert serve(scene, first.peer, {block.hash: block.header}) == [block.hash]
    assert first.answer(scene, {block.hash: block.encode()}) == [block.hash]
    assert told(scene, second.peer.link) == [block.hash]


@pytest.mark.parametrize("what", ["body", "other block", "cut", "no block"])
def test_who_shows_a_false_block_is_left_and_the_next_one_is_asked(what):
    scene = Offering()
    first, second, third = [Trader(scene) for _ in range(3)]
    block, other = scene.chain.advance(2)
    for one in (block, other):
        scene.take(one)
    scene.turn()
    first.offer(scene, block)
    second.offer(scene, block)
    answer = {"body": block.header + other.body[:-1] + b"\x01" + bytes(129), "other block": other.encode(),
              "cut": block.encode()[:-1], "no block": b"no block"}[what]
    with pytest.raises(RemoteError) as refused:
        first.answer(scene, {block.hash: answer})
    assert refused.value.code == MALFORMED and scene.gateway.blocks.get(block.hash) is None
    first.leave(scene)
    scene.turn()
    assert third.answer(scene, {}) == []
    assert second.answer(scene, {block.hash: block.encode()}) == [block.hash]
    assert told(scene, third.peer.link) == [block.hash] and scene.gateway.blocks.blocks_in == 2


@pytest.mark.parametrize("size", [5_000, 100_000, 5_000_000])
def test_a_long_block_is_neither_held_nor_asked_for_again(size):
    scene = Offering(block_bytes_kept=2_000)
    first, second = Trader(scene), Trader(scene)
    (block,) = scene.chain.advance(1)
    scene.take(block)
    scene.turn()
    first.offer(scene, block)
    second.offer(scene, block)
    for stream in first.peer.listen(scene):
        stream.send(size.to_bytes(4, "little"), 0, 4)
        sent = 0
        while sent < size and not stream.state & DEAD:
            sent += stream.send(bytes(min(4_096, size - sent)), 0, min(4_096, size - sent))
            scene.turn()
        stream.finish()
        scene.turn()
        assert sent == size or size > 4_000_000, "what is short work is read off"
    assert scene.gateway.blocks.too_long == 1 and scene.gateway.blocks.count == 0
    assert first.peer.link.connection.state and second.answer(scene, {}) == []
    assert not first.peer.link.trade.is_fetching and first.peer.link.trade._core.data == b""


def test_a_recent_block_is_answered_from_memory():
    scene = Offering()
    trader, asking = Trader(scene), scene.peer()
    (block,) = scene.chain.advance(1)
    scene.take(block)
    scene.turn()
    trader.offer(scene, block)
    trader.answer(scene, {block.hash: block.encode()})
    scene.turn()
    answer, code = raw_answer(scene, asking, BLOCK_REQUEST, block.hash + b"\x01" + (1).to_bytes(4, "little"))
    assert (answer, code) == (len(block.encode()).to_bytes(4, "little") + block.encode(), 0)
    assert scene.gateway.blocks.served == 1
    answer, code = raw_answer(scene, asking, BLOCK_REQUEST, block.hash + b"\x01" + (2).to_bytes(4, "little"))
    assert (answer, code) == (b"", DECLINED), "more than one is not known to be here"


def raw_answer(scene, peer, kind, request, before=b""):
    stream = peer.open(kind)
    message = before + len(request).to_bytes(4, "little") + request
    assert stream.send(message, 0, len(message)) == len(message)
    stream.finish()
    found, buf = b"", bytearray(4096)
    for _ in range(200):
        scene.turn()
        count = stream.recv_into(buf, 0, len(buf))
        stream.credit(count)
        found += buf[:count]
        if stream.state & (READ_ENDED | DEAD) and not count:
            break
    return found, code_of(stream)


# distances

def far(blocks, state, justifications=reach.NOBODY, warps=reach.NOBODY):
    """Distances by kind."""
    return dict(zip(reach.KINDS, (blocks, state, justifications, warps), strict=True))


def test_distances_are_told_but_never_back_the_way_they_came():
    a, b, c = "a", "b", "c"
    said = {a: far(0, 255, 1, 0), b: far(1, 2, 255, 2), c: far(3, 3, 3, 3)}
    near = reach.Near(dict.fromkeys(reach.KINDS, False), list(said.items()), 3)
    assert near.beside(None) == far(1, 3, 2, 1)
    assert near.beside(a) == far(2, 3, reach.NOBODY, 3)
    assert near.beside(b) == far(1, reach.NOBODY, 2, 1), "c is too far"
    own = reach.Near(dict.fromkeys(reach.KINDS, False) | {BLOCK_REQUEST: True}, list(said.items()), 3)
    assert own.beside(a) == far(0, 3, reach.NOBODY, 3)
    for distances in (near.beside(a), near.beside(b), reach.unknown(), far(0, 0, 0, 0)):
        assert reach.distances(reach.word(distances)) == distances
    assert reach.distances(0x0201) == far(1, 2), "who says nothing of finality has nobody for it"


def test_who_comes_nearer_again_and_again_is_believed_now_and_then():
    scene = Scene()
    trader = Trader(scene)
    distances = []
    for turn in range(30):
        trader.offers.announce(REACH, 0xFFFF if turn % 2 else 0x0101)
        trader.offers.poll(scene.now)
        scene.turn(100)
        distances.append(trader.peer.link.trade.distances[STATE_REQUEST])
        assert scene.gateway.offers(STATE_REQUEST) == (distances[-1] < reach.NOBODY)
    assert distances[0] == 1 and distances[1] == reach.NOBODY, "what is worse is believed at once"
    assert 2 <= distances.count(1) <= 4
    trader.offers.announce(REACH, 0x0201)
    trader.offers.poll(scene.now)
    for _ in range(3):
        scene.turn(500)
    assert trader.peer.link.trade.distances == far(1, 2), "in the end what was said last"
    trader.offers.close()
    scene.turn()
    assert trader.peer.link.trade.distances == reach.unknown() and not scene.gateway.offers(STATE_REQUEST)


def test_what_is_final_is_told_once_and_again_where_it_may_be_lost():
    scene = Scene()
    trader = Trader(scene)
    heard = []
    scene.gateway.finality = SimpleNamespace(heard=lambda record, *final: heard.append((record, *final)))
    trader.offers.announce(b"f" * 32, 7 | FINAL)
    trader.offers.poll(scene.now)
    scene.turn()
    assert heard == [(trader.peer.link.record, b"f" * 32, 7)]
    trade, said = trader.peer.link.trade, []
    trade.announcer = SimpleNamespace(
        attached=lambda side: True, announce=lambda header_hash, slot: said.append((header_hash, slot)), dropped=0)
    trade._said = -1, None, 0
    for _ in range(2):
        trade.say(5, None)
    assert said == [(REACH, 5)]
    for _ in range(2):
        trade.say(5, (b"f" * 32, 7))
    assert said[1:] == [(b"f" * 32, 7 | FINAL)]
    trade.announcer.dropped = 3
    for _ in range(2):
        trade.say(5, (b"f" * 32, 7))
    assert said[2:] == said[:2]
    trade.say(6, (b"f" * 32, 7))
    trade.say(6, (b"g" * 32, 8))
    assert said[4:] == [(REACH, 6), (b"g" * 32, 8 | FINAL)]


def test_of_those_that_say_they_are_near_the_users_own_is_asked_first():
    scene = Scene()
    upstreams, sources = scene.gateway.upstreams, scene.gateway.sources
    stranger, own, other = scene.peer(), scene.peer(dialed=True), scene.peer(dialed=True)
    for peer, distance in ((stranger, 0), (own, 2), (other, 1)):
        peer.link.trade.distances = {BLOCK_REQUEST: distance, STATE_REQUEST: distance}
    sources.links = scene.gateway.links
    tried = []
    for expected in (other, own):
        record = sources.choose(BLOCK_REQUEST, tried, scene.now, 3, None)
        assert record is expected.link.record
        tried.append(record)
    assert sources.choose(BLOCK_REQUEST, tried, scene.now, 3, None) is None, "two are enough"
    assert sources.choose(BLOCK_REQUEST, [], scene.now, 1, None) is stranger.link.record, "the others are too far"
    assert sources.choose(BLOCK_REQUEST, [], scene.now, 3, other.link) is own.link.record, "who asks is not asked"
    sources.declined(other.link.record, BLOCK_REQUEST)
    assert sources.choose(BLOCK_REQUEST, [], scene.now, 3, None) is own.link.record
    sources.answered(other.link.record, BLOCK_REQUEST)
    assert sources.choose(BLOCK_REQUEST, [], scene.now, 3, None) is other.link.record
    assert upstreams.records == [] and not sources.may_answer(BLOCK_REQUEST, [], 0, None)


@pytest.mark.parametrize("before, code", [
    (bytes((2, 0, 0, 0, 131, 0)), MALFORMED), (bytes((2, 0, 0, 0, 129, 8)), MALFORMED),
    (bytes((1, 0, 0, 0, 129)), MALFORMED), (bytes((2, 0, 0, 0, 129, 1)), DECLINED),
])
def test_a_request_that_is_passed_on_says_which_and_how_far(before, code):
    scene = Scene()
    peer = scene.peer()
    assert raw_answer(scene, peer, RELAYED_REQUEST, bytes(98))[1] not in (0, DECLINED), "who is no gateway"
    peer.join(scene)
    if code == DECLINED:
        assert raw_answer(scene, peer, RELAYED_REQUEST, bytes(98), before) == (b"", DECLINED)
        return
    with pytest.raises(RemoteError) as refused:
        raw_answer(scene, peer, RELAYED_REQUEST, bytes(98), before)
    assert refused.value.code == code


# over several gateways

async def row_of(world, count, upstream):
    """Gateways in a row, the last one in front of the upstream."""
    gateways = [world.gateway(*upstream.addresses)]
    for _ in range(count - 1):
        gateways.append(world.gateway(gateways[-1].lite))
    await world.caught_up()
    return gateways[::-1]


async def blocks_through(world, address, header_hash, direction, maximum):
    """The answer to CE 128 as a host without a node gets it: (bytes, reset code)."""
    carrier, connection = await world.stranger(address)
    stream = connection.open(BLOCK_REQUEST)
    request = header_hash + bytes([direction]) + maximum.to_bytes(4, "little")
    message = len(request).to_bytes(4, "little") + request
    assert stream.send(message, 0, len(message)) == len(message)
    stream.finish()
    found, buf = b"", bytearray(65_536)
    while True:
        carrier.receive(clock.ticks_ms())
        count = stream.recv_into(buf, 0, len(buf))
        stream.credit(count)
        found += buf[:count]
        if not count and stream.state & (READ_ENDED | DEAD):
            return found, stream.reset_code if stream.state & DEAD else 0
        carrier.flush(clock.ticks_ms())
        await asyncio.sleep(0.002)


def test_a_lite_node_far_from_any_jam_node_gets_state_and_blocks():
    async def scene():
        async with World(30) as world:
            upstream = await world.upstream()
            row = await row_of(world, 4, upstream)
            lite = world.lite(row[0].lite)
            await world.until(lambda: row[0].named("offers") and row[0].named("offers")[-1] == {
                "blocks": True, "state": "served"})
            assert [gateway.node._say_reach() for gateway in row] == [far(at, at) for at in (3, 2, 1, 0)]
            await world.caught_up()
            answer = await ask(lite, SLOT)
            assert answer.level == "vouched"
            assert [gateway.node.relays.done.get(STATE_REQUEST) for gateway in row] == [1] * 4
            blocks = world.chain.chain()
            asked = upstream.requests[BLOCK_REQUEST]
            found = await blocks_through(world, row[0].lite, blocks[3].hash, ASCENDING, 5)
            expected = b"".join(block.encode() for block in blocks[4:9])
            assert found == (len(expected).to_bytes(4, "little") + expected, 0)
            assert upstream.requests[BLOCK_REQUEST] == asked + 1
            assert all(gateway.node.relays.is_whole and gateway.named("peer_left") == [] for gateway in row)

    asyncio.run(scene())


def test_headers_that_a_gateway_has_dropped_come_by_way_of_others():
    async def scene():
        async with World(150) as world:
            upstream = await world.upstream()
            front = world.gateway(*upstream.addresses)
            await world.caught_up()
            behind = world.gateway(front.lite, header_store_headers=20)
            await world.caught_up()
            await world.until(lambda: behind.node.offers(BLOCK_REQUEST))
            lite = world.lite(behind.lite)
            await world.caught_up()
            assert lite.node.chain.headers_checked == 150 and lite.named("peer_left") == []
            assert behind.node.relays.done[BLOCK_REQUEST] == front.node.relays.done[BLOCK_REQUEST] >= 2
            assert behind.node.relays.is_whole and front.node.relays.is_whole

    asyncio.run(scene())


def test_a_request_ends_after_so_many_gateways_whatever_they_say():
    async def scene():
        async with World(30) as world:
            upstream = await world.upstream()
            row = await row_of(world, 5, upstream)
            await world.until(lambda: row[1].named("offers") and row[1].named("offers")[-1]["state"] == "served")
            lite = world.lite(row[0].lite)
            await world.caught_up()
            assert not row[0].node.offers(STATE_REQUEST), "four gateways away"
            with pytest.raises(LocalError, match="unavailable upstream"):
                await ask(lite, SLOT)
            # They all lie to each other: the request is sent on, and the hops end it.
            row[0].node.offers = lambda kind: True
            row[0].carrier.serve(BLOCK_REQUEST)
            for gateway in row:
                gateway.node._say_reach = lambda: far(0, 0)
                for link in gateway.node.links:
                    link.trade.distances = far(0, 0)
            answer, _ = await blocks_through(world, row[0].lite, world.chain.best.parent, DESCENDING, 3)
            assert answer == b""
            assert [gateway.node.relays.declined for gateway in row[:4]] == [{BLOCK_REQUEST: 1}] * 4
            assert row[4].node.relays.done == row[4].node.relays.declined == {}, "it was never asked"
            assert [gateway.named("peer_left") for gateway in row] == [[]] * 5

    asyncio.run(scene())


def test_in_a_ring_that_has_lost_its_jam_node_a_request_ends_soon():
    async def scene():
        async with World(30) as world:
            upstream = await world.upstream()
            first, second, third = [world.gateway(*(upstream.addresses if fed else ())) for fed in (True, False, False)]
            for one, other in ((first, second), (second, third), (third, first)):
                one.node.add_peer(*place(other.lite))
            await world.caught_up()
            ring = (first, second, third)
            await world.until(lambda: all(gateway.node.offers(STATE_REQUEST) for gateway in ring))
            await upstream.stop()
            world.servers.remove(upstream)
            await world.until(lambda: first.named("upstream_lost"))
            answers = await asyncio.gather(*(
                blocks_through(world, gateway.lite, world.chain.best.hash, DESCENDING, 3) for gateway in ring))
            assert [answer for answer, _ in answers] == [b""] * 3
            # and the distances do not count up for ever
            await world.until(lambda: all(
                gateway.node._say_reach()[BLOCK_REQUEST] == reach.NOBODY for gateway in ring))
            await world.until(lambda: all(gateway.node.relays.is_whole for gateway in ring))

    asyncio.run(scene())


def test_a_block_that_is_not_its_headers_is_kept_by_nobody():
    # Its header is in order as far as a header shows; its body is another one's.
    async def scene():
        async with World(10) as world:
            upstream = await world.upstream()
            front = world.gateway(*upstream.addresses)
            behind = world.gateway(front.lite)
            await world.caught_up()
            await world.until(lambda: any(link.trade.announcer.attached(OURS) for link in front.node.links))
            true = world.author()[0]
            await world.until(lambda: behind.node.blocks.get(true.hash) == true.encode())
            false = None
            while false is None:
                false = faults.by_name("endless-headers").commit(world.chain, world.chain.slot + 1)
            upstream.announce(false)
            await world.until(lambda: behind.node.knows(false.hash) and front.node.blocks.refused)
            more = world.author(3)
            await world.until(lambda: all(behind.node.blocks.get(block.hash) for block in more))
            assert front.node.blocks.get(false.hash) is None and behind.node.blocks.get(false.hash) is None
            assert behind.named("peer_left") == [] and front.named("peer_left") == []
            assert Header(TINY, false.header).hash == false.hash

    asyncio.run(scene())

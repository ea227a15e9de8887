"""A gateway between a JAM node and lite nodes, over real sockets of the loopback: what it serves, what it does not, and
that a lie of its own is found out."""

import asyncio

import pytest

from jamliquor_lite.budget.stream import DEAD, READ_ENDED, READ_RESET, SEND_STOPPED
from jamliquor_lite.chain.levels import VOUCHED_LEVEL
from jamliquor_lite.chain.state_key import chapter, service_account, service_storage
from jamliquor_lite.devnet import serve
from jamliquor_lite.devnet.serve import Session
from jamliquor_lite.errors import LocalError, RemoteError
from jamliquor_lite.gateway import passage
from jamliquor_lite.gateway.gateway import Gateway
from jamliquor_lite.gateway.upstreams import BLOCKS, LEARN, STATE
from jamliquor_lite.jam.events import ENDED
from jamliquor_lite.jam.framing import MessageWriter
from jamliquor_lite.jam.kinds import BLOCK_REQUEST, CANCELLED, HEADER_REQUEST, STATE_REQUEST
from jamliquor_lite.ports import clock
from jamliquor_lite.transport.states import CLOSED, HYBRID, READY
from tests.gateway.world import ASK_MS, World, place

SLOT = chapter(11)


async def ask(running, key, patience_ms=ASK_MS):
    return await running.node.ask(key, key, VOUCHED_LEVEL, 0, patience_ms)


def test_a_lite_node_follows_and_proves_through_a_gateway_alone():
    async def scene():
        async with World(60) as world:
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses)
            await world.caught_up()
            lite = world.lite(gateway.lite)
            await world.caught_up()
            await world.until(lambda: gateway.node.upstreams.state_offered)
            assert [record.suite for record in lite.node.peers.records] == [HYBRID]
            assert gateway.node.ranges_served >= 1 and BLOCK_REQUEST not in gateway.node.relays.done
            for _ in range(5):
                world.author()
                await world.caught_up()
            assert lite.node.peers.records[0].link.announced >= 5, "heard on UP 0"
            answer = await ask(lite, service_account(1))
            trie = world.chain.block(answer.commitment.header_hash).state.trie
            assert answer.entries[0].value == trie.get(service_account(1)) and answer.level == "vouched"
            assert answer.peer == gateway.carrier.name
            absent = await ask(lite, service_storage(1, b"nobody wrote this"))
            assert absent.entries == []
            everything = await lite.node.ask(bytes(31), b"\xff" * 31, VOUCHED_LEVEL, 0, ASK_MS)
            trie = world.chain.block(everything.commitment.header_hash).state.trie
            assert [(entry.key, entry.value) for entry in everything.entries] == list(trie.items())
            assert gateway.node.relays.done[STATE_REQUEST] == 3 and gateway.node.relays.is_whole
            assert upstream.requests[STATE_REQUEST] == 4, "one question was the gateway's own"
            assert lite.named("peer_left") == [] and gateway.named("peer_left") == []

    asyncio.run(scene())


@pytest.mark.parametrize("serves, wire, asked", [
    (LEARN, "unsupported", 1), (BLOCKS, "unsupported", 0), (BLOCKS, "honest", 0),
])
def test_state_that_no_upstream_serves_is_unavailable_upstream_and_never_asked_for(serves, wire, asked):
    async def scene():
        async with World(30) as world:
            upstream = await world.upstream(wire)
            gateway = world.gateway(*upstream.addresses, serves=serves)
            lite = world.lite(gateway.lite)
            await world.caught_up()
            await world.until(lambda: gateway.node.upstreams.state_word == "unavailable upstream")
            for _ in range(2):
                with pytest.raises(LocalError, match="unavailable upstream") as refused:
                    await ask(lite, SLOT)
                assert "\n" not in str(refused.value)
            assert upstream.requests.get(STATE_REQUEST, 0) == asked, "the lite node's questions go no further"
            assert gateway.named("peer_left") == [] and lite.named("peer_left") == []
            world.author(2)
            await world.caught_up()

    asyncio.run(scene())


def test_who_asked_before_the_gateway_had_learned_is_answered_later():
    async def scene():
        async with World(30) as world:
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses)
            gateway.node._probe_at = clock.ticks_ms() + 3_600_000
            lite = world.lite(gateway.lite)
            await world.caught_up()
            assert gateway.node.upstreams.state_word == "unknown"
            with pytest.raises(LocalError, match="unavailable upstream"):
                await ask(lite, SLOT)
            gateway.node._probe_at = 0
            gateway.node._waker.wake()
            await world.until(lambda: gateway.node.upstreams.state_offered)
            assert (await ask(lite, SLOT)).level == "vouched"

    asyncio.run(scene())


def test_an_upstream_that_closes_over_state_costs_nobody_the_chain():
    # The user was wrong about it: it is asked, and given up after three cuts.
    async def scene():
        async with World(30) as world:
            upstream = await world.upstream("unsupported")
            gateway = world.gateway(*upstream.addresses, serves=STATE)
            await world.caught_up(gateway)
            lite = world.lite(gateway.lite)
            await world.caught_up()
            assert gateway.node.upstreams.state_offered
            while gateway.node.upstreams.state_offered:
                with pytest.raises(LocalError):
                    await ask(lite, SLOT, 1_500)
                world.author()
                await world.caught_up()
            assert upstream.requests[STATE_REQUEST] == 3 and not gateway.node.upstreams.state_offered
            with pytest.raises(LocalError, match="unavailable upstream"):
                await ask(lite, SLOT)
            assert gateway.named("peer_left") == [] and lite.named("peer_left") == []
            assert gateway.node.relays.is_whole

    asyncio.run(scene())


def test_another_upstream_proves_what_the_first_one_does_not():
    async def scene():
        async with World(30) as world:
            first, second = await world.upstream("refusing"), await world.upstream()
            gateway = world.gateway(*first.addresses, *second.addresses, serves=STATE)
            lite = world.lite(gateway.lite)
            await world.caught_up()
            for _ in range(3):
                answer = await ask(lite, SLOT)
                assert int.from_bytes(answer.entries[0].value, "little") == answer.commitment.slot
            assert second.requests[STATE_REQUEST] == 3 and lite.node.refused_answers == 0

    asyncio.run(scene())


@pytest.mark.parametrize("wire", ["mutated-node", "mutated-value", "dropped-entry", "other-header", "constant-fake",
                                  "cut", "oversized", "close-after-3", "close-after-70"])
def test_what_an_upstream_forges_the_lite_node_refuses(wire):
    async def scene():
        async with World(30) as world:
            upstream = await world.upstream(wire)
            gateway = world.gateway(*upstream.addresses, serves=STATE)
            lite = world.lite(gateway.lite)
            await world.caught_up()
            with pytest.raises(LocalError, match="no peer gave a proved answer"):
                await ask(lite, service_account(1), 1_200)
            assert lite.node.proved_answers == 0
            await world.until(lambda: gateway.node.relays.is_whole)

    asyncio.run(scene())


# a gateway that lies

class FlipsHeaders(Gateway):
    """Changes one bit of every header that it passes on."""

    at = 0

    def range(self, header_hash, direction, maximum):
        found = Gateway.range(self, header_hash, direction, maximum)
        return found and [flip(header, self.at) for header in found]

    def make_link(self, record, connection, now):
        link = Gateway.make_link(self, record, connection, now)
        announce = link.announce
        link.announce = lambda data: announce(flip(data, self.at))
        return link


class SwapsHeaders(Gateway):
    """Answers with headers from elsewhere in the chain."""

    def range(self, header_hash, direction, maximum):
        found = Gateway.range(self, header_hash, direction, maximum)
        return found and found[::-1][: len(found) // 2][::-1]


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("at", [0, 40, 70, 97, 110, 140, -1, -97, -100],
                         ids=["parent", "root", "extrinsic", "slot", "middle", "later", "seal", "vrf", "offenders"])
def test_a_gateway_that_changes_a_header_is_refused(at):
    async def scene():
        async with World(20) as world:
            upstream = await world.upstream()
            liar = world.gateway(*upstream.addresses, kind=type("Liar", (FlipsHeaders,), {"at": at}))
            await world.caught_up(liar)
            lite = world.lite(liar.lite)
            await world.until(lambda: lite.named("peer_left"))
            assert lite.node.chain.headers_checked == 0 and lite.node.chain.best_slot == world.genesis.slot
            honest = world.gateway(*upstream.addresses)
            await world.caught_up(honest)
            lite.node.add_peer(*place(honest.lite))
            await world.caught_up(lite)
            world.author(3)
            await world.caught_up(lite)

    asyncio.run(scene())


def test_a_gateway_that_leaves_headers_out_is_refused():
    async def scene():
        async with World(20) as world:
            upstream = await world.upstream()
            liar = world.gateway(*upstream.addresses, kind=SwapsHeaders)
            await world.caught_up(liar)
            lite = world.lite(liar.lite)
            await world.until(lambda: lite.named("peer_left"))
            assert lite.node.chain.headers_checked == 0
            assert "does not start with a child" in lite.named("peer_left")[0]["reason"]

    asyncio.run(scene())


class FlippingWriter(MessageWriter):
    """Changes the byte at `at` of what is passed through."""

    at = 0

    def __init__(self):
        MessageWriter.__init__(self)
        self._count = 0

    def write(self, buf, start, end):
        place = start + self.at - self._count
        if start <= place < end:
            buf[place] ^= 1
        taken = MessageWriter.write(self, buf, start, end)
        if start <= place < end and place >= start + taken:
            buf[place] ^= 1  # it goes out later
        self._count += taken
        return taken


@pytest.mark.parametrize("at", [0, 63, 500, 1_100])
def test_a_gateway_that_changes_a_proof_is_refused(monkeypatch, at):
    monkeypatch.setattr(passage, "MessageWriter", type("Writer", (FlippingWriter,), {"at": at}))

    async def scene():
        async with World(30) as world:
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses, serves=STATE)
            lite = world.lite(gateway.lite)
            await world.caught_up()
            with pytest.raises(LocalError, match="no peer gave a proved answer"):
                await lite.node.ask(bytes(31), b"\xff" * 31, VOUCHED_LEVEL, 0, 1_200)
            assert lite.node.proved_answers == 0 and lite.node.refused_answers >= 1
            assert len(lite.named("refused")) >= 1

    asyncio.run(scene())


# announcements by hash

class Boaster(Gateway):
    """Announces headers that nobody has, and shows none of what it has."""

    def boast(self):
        for link in self.links:
            for number in range(6):
                slot = self.chain.best_slot + 1
                link.announcer.announce(clock.ticks_ms().to_bytes(8, "big") + bytes([number] * 24), slot)
        self._waker.wake()

    def range(self, header_hash, direction, maximum):
        return None


def test_a_gateway_that_announces_and_never_shows_is_left():
    async def scene():
        async with World(20) as world:
            upstream = await world.upstream()
            boaster = world.gateway(*upstream.addresses, kind=Boaster)
            honest = world.gateway(*upstream.addresses)
            await world.caught_up()
            honest.node.add_peer(*place(boaster.lite))
            await world.until(lambda: any(link.is_mesh for link in boaster.node.links))
            boaster.node.boast()
            await world.until(lambda: honest.named("peer_left"))
            assert "does not show them" in honest.named("peer_left")[0]["reason"]
            assert honest.node.gossip.failures >= 4
            world.author(3)
            await world.caught_up()

    asyncio.run(scene())


class Silent(Gateway):
    """Announces, and never answers when it is asked."""

    def make_link(self, record, connection, now):
        link = Gateway.make_link(self, record, connection, now)
        take = link.take
        link.take = lambda stream: True if stream.kind == HEADER_REQUEST else take(stream)
        return link


def test_what_a_gateway_does_not_show_in_time_is_had_from_another_one():
    async def scene():
        async with World(10) as world:
            upstream = await world.upstream()
            silent = world.gateway(*upstream.addresses, kind=Silent)
            honest = world.gateway(*upstream.addresses)
            await world.caught_up()
            far = world.gateway(honest.lite)
            await world.caught_up()
            far.node.add_peer(*place(silent.lite))
            await world.until(lambda: sum(link.is_mesh for link in far.node.links) == 2)
            far.node.gossip.timeout_ms = 300
            for _ in range(8):
                world.author()
                await world.caught_up(far)
            assert far.node.chain.best_slot == world.chain.best.slot

    asyncio.run(scene())


# ranges

def test_headers_that_the_store_has_dropped_are_taken_from_an_upstreams_blocks():
    async def scene():
        async with World(150) as world:
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses, header_store_headers=20)
            await world.caught_up()
            assert gateway.node.store.count == 20 and gateway.node.store.dropped == 130
            before = upstream.requests[BLOCK_REQUEST]
            lite = world.lite(gateway.lite)
            await world.caught_up()
            assert lite.node.chain.headers_checked == 150 and lite.named("peer_left") == []
            assert gateway.node.relays.done[BLOCK_REQUEST] == upstream.requests[BLOCK_REQUEST] - before >= 2
            assert gateway.node.relays.is_whole

    asyncio.run(scene())


def test_a_gateway_that_started_from_a_checkpoint_serves_who_comes_from_genesis():
    async def scene():
        async with World(60) as world:
            upstream = await world.upstream()
            first = world.gateway(*upstream.addresses)
            await world.caught_up()
            start = first.node.chain.checkpoint()
            assert start.slot > world.genesis.slot
            second = world.gateway(*upstream.addresses, start=start)
            lite = world.lite(second.lite)
            await world.caught_up()
            assert second.node.chain.headers_checked < 60 and lite.node.chain.headers_checked == 60

    asyncio.run(scene())


def test_a_fork_reaches_the_lite_node_through_the_gateway():
    async def scene():
        async with World(20) as world:
            twin = world.chain.fork_from(world.chain.best, alone=False)
            one = await world.upstream()
            two = await world.upstream(chain=twin)
            gateway = world.gateway(*one.addresses, *two.addresses)
            lite = world.lite(gateway.lite)
            await world.caught_up()
            world.author(2)
            await world.caught_up()
            slot = world.chain.best.slot
            blocks = []
            while len(blocks) < 6:
                slot += 1
                block = twin.next(slot)
                if block is not None:
                    blocks.append(block)
                    two.announce(block)
            heads = [block.hash for block in blocks]
            await world.until(lambda: all(lite.node.chain.tree.find(head) >= 0 for head in heads))
            best = gateway.node.chain.tree.hash(gateway.node.chain.tree.best)
            await world.until(lambda: lite.node.chain.tree.hash(lite.node.chain.tree.best) == best)
            late = world.lite(gateway.lite)
            await world.until(lambda: late.node.chain.tree.find(best) >= 0)
            assert lite.named("peer_left") == [] and late.named("peer_left") == []

    asyncio.run(scene())


# loss, slowness

def test_losing_the_upstream_and_finding_it_again_is_said():
    async def scene():
        async with World(10) as world:
            upstream = await world.upstream()
            host = place(upstream.addresses[0])
            gateway = world.gateway(*upstream.addresses)
            lite = world.lite(gateway.lite)
            await world.caught_up()
            await world.until(lambda: gateway.named("upstream_found"))
            await upstream.stop()
            world.servers.remove(upstream)
            await world.until(lambda: gateway.named("upstream_lost"))
            with pytest.raises(LocalError):
                await ask(lite, SLOT, 800)
            assert lite.named("peer_left") == []
            again = await world.upstream(port=host[2])
            gateway.node.add_peer(*place(again.addresses[0]))
            await world.until(lambda: len(gateway.named("upstream_found")) == 2)
            world.author(2)
            await world.caught_up()

    asyncio.run(scene())


# Windows for less than an answer of 6,000 keys, and time to put one together on a machine that has much to do.
NARROW = {"stream_window_bytes": 256 * 1024, "send_buffer_bytes": 64 * 1024, "state_sync_timeout_ms": 10_000}


def request_of(world):
    """A CE 129 request, with its length, for all of a recent state."""
    request = world.chain.best.parent + bytes(31) + b"\xff" * 31 + (4 << 20).to_bytes(4, "little")
    return len(request).to_bytes(4, "little") + request


def test_a_peer_that_asks_and_does_not_read_slows_nobody_but_itself():
    async def scene():
        async with World(20, keys=6_000) as world:
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses, serves=STATE, relays_upstream=2, relay_stall_ms=200, **NARROW)
            lite = world.lite(gateway.lite, state_sync_timeout_ms=10_000)
            await world.caught_up()
            carrier, connection = await world.stranger(gateway.lite, **NARROW)
            message = request_of(world)
            streams = [connection.open(STATE_REQUEST) for _ in range(6)]
            for stream in streams:
                assert stream.send(message, 0, len(message)) == len(message)
                stream.finish()
            carrier.flush(clock.ticks_ms())
            await world.until(lambda: gateway.node.relays.is_waiting_below)
            assert gateway.node.relays.count == 6 and upstream.requests[STATE_REQUEST] == 2, "its share, no more"
            held = gateway.node.relays.passed_bytes
            answer = await ask(lite, SLOT)
            assert answer.level == "vouched"
            everything = await lite.node.ask(bytes(31), b"\xff" * 31, VOUCHED_LEVEL, 0, ASK_MS)
            assert len(everything.entries) > 6_000 and everything.proof_bytes > 0
            world.author(2)
            await world.caught_up()
            assert held < 6 * 300_000, "what it does not read stays upstream"
            assert gateway.named("refused") == [], "and the upstream is not to blame"

    asyncio.run(scene())


def test_a_peer_that_goes_in_the_middle_of_an_answer_leaves_nothing_behind():
    async def scene():
        async with World(20, keys=6_000) as world:
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses, serves=STATE, **NARROW)
            await world.caught_up()
            carrier, connection = await world.stranger(gateway.lite, **NARROW)
            message = request_of(world)
            for _ in range(3):
                stream = connection.open(STATE_REQUEST)
                assert stream.send(message, 0, len(message)) == len(message)
                stream.finish()
            carrier.flush(clock.ticks_ms())
            await world.until(lambda: gateway.node.relays.is_waiting_below)
            carrier.release()  # no goodbye
            await world.until(lambda: gateway.node.relays.is_whole)
            assert len(gateway.node.links) == 1 and gateway.node.upstreams.connected == 1
            lite = world.lite(gateway.lite, state_sync_timeout_ms=10_000)
            await world.caught_up()
            assert (await ask(lite, SLOT)).level == "vouched"

    asyncio.run(scene())


class TouchySession(Session):
    """Ends the whole connection over a stream that is reset in the middle of an answer, as typeberry does."""

    met = []

    def __init__(self, server, connection):
        Session.__init__(self, server, connection)
        TouchySession.met.append(connection)

    def poll(self, now):
        for answer in self._answers:
            stream = answer.responder._stream
            if stream is not None and stream.state & (READ_RESET | SEND_STOPPED):
                raise RemoteError(1, "a stream was reset")
        return Session.poll(self, now)


def reset_at_once(self, up):
    """Instead of reading an answer off that nobody wants."""
    self._drop(CANCELLED)
    return ENDED


@pytest.mark.parametrize("how", ["resets", "hangs up", "leaves a long answer", "resets, and is reset above"])
def test_who_leaves_in_the_middle_costs_nobody_else_an_answer(monkeypatch, how):
    # All that is asked of an upstream goes over one connection. The last case shows what reading off is for.
    monkeypatch.setattr(serve, "Session", TouchySession)
    monkeypatch.setattr(TouchySession, "met", [])
    if "above" in how:
        monkeypatch.setattr(passage.Passage, "_read_off", reset_at_once)
    if "long" in how:
        monkeypatch.setattr(passage, "DROPPED_BYTES", 10_000)

    async def scene():
        async with World(20, keys=6_000) as world:
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses, serves=STATE, **NARROW)
            await world.caught_up()
            bystander, others = await world.stranger(gateway.lite, **NARROW)
            carrier, connection = await world.stranger(gateway.lite, **NARROW)
            message = request_of(world)
            streams = [other.open(STATE_REQUEST) for other in (others, connection, connection)]
            for stream in streams:
                assert stream.send(message, 0, len(message)) == len(message)
                stream.finish()
            for one in (bystander, carrier):
                one.flush(clock.ticks_ms())
            stuck = gateway.node.relays
            await world.until(lambda: sum(relay.exchange.is_waiting_below for relay in stuck._running) == 3)
            assert len(TouchySession.met) == 2, "one connection follows, one is asked"
            guest = TouchySession.met[1]
            if how == "hangs up":
                carrier.release()
            else:
                for stream in streams[1:]:
                    stream.reset(CANCELLED)
                carrier.flush(clock.ticks_ms())
            # The bystander has part of its answer: it can be had from nobody else now.
            read, buf = 0, bytearray(65_536)
            while not streams[0].state & (DEAD | READ_ENDED):
                bystander.receive(clock.ticks_ms())
                count = streams[0].recv_into(buf, 0, len(buf))
                streams[0].credit(count)
                read += count
                bystander.flush(clock.ticks_ms())
                await asyncio.sleep(0.001)
            if "above" in how:
                assert streams[0].state & DEAD and guest.state == CLOSED
                return
            assert read > 500_000 and not streams[0].state & DEAD, read
            await world.until(lambda: stuck.is_whole)
            assert gateway.named("refused") == []
            assert len(TouchySession.met) == 2 and ("long" in how or guest.state == READY)

    asyncio.run(scene())

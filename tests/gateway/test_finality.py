"""Finality through a gateway: justifications and warps that it passes on, and upstreams that serve neither, or one."""

import asyncio
from types import SimpleNamespace

import pytest

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.chain import state_key
from jamliquor_lite.chain.chainspec import FORMAT
from jamliquor_lite.chain.levels import FINAL, VOUCHED_LEVEL
from jamliquor_lite.devnet import finality_faults
from jamliquor_lite.devnet.finality import Finality as DevFinality
from jamliquor_lite.devnet.finality_answer import FINALITY_ANSWERS, WarpAnswer
from jamliquor_lite.errors import LocalError, RemoteError
from jamliquor_lite.gateway.proved import Proved
from jamliquor_lite.gateway.upstreams import Upstreams
from jamliquor_lite.jam.kinds import JUSTIFICATION_REQUEST, STATE_REQUEST, TRUNCATED, WARP_SYNC_REQUEST
from jamliquor_lite.node.finality import Finality
from jamliquor_lite.node.peers import Record
from jamliquor_lite.node.warp_sync import WarpSync
from jamliquor_lite.ports import clock
from tests.gateway.test_blocks import row_of
from tests.gateway.world import ASK_MS, World, place, profile_of

BLOCKS = 60
BOTH = (JUSTIFICATION_REQUEST, WARP_SYNC_REQUEST)
SLOT = state_key.chapter(11)


class Voted(World):
    """A world whose chainspec names the format. `fault` is one of those who vote, or serve what was voted."""

    def __init__(self, blocks=BLOCKS, fault=""):
        super().__init__()
        self.genesis.grandpa_format = FORMAT
        self.chain.states_kept = 1_000
        DevFinality(self.chain, 2, finality_faults.by_name(fault) if fault else None)
        self.chain.advance(blocks)

    def gateway(self, *addresses, **options):
        return self._with_finality(super().gateway(*addresses, **_quick(options)))

    def lite(self, *addresses, **options):
        return self._with_finality(super().lite(*addresses, **_quick(options)))

    def _with_finality(self, running):
        running.node.finality = Finality(running.node)
        return running

    async def is_final(self, *running):
        """What the chain's voters have made final is so there."""
        await self.until(lambda: all(final_slot(one) == self.chain.finality.final.slot for one in running))

    async def serves(self, gateway):
        await self.until(lambda: all(gateway.node.offers(kind) for kind in BOTH))

    async def warp(self, address, **numbers):
        """The checkpoint of a warp from genesis by whoever is at this address, and what it told."""
        told = []
        profile = profile_of(warp_timeout_ms=5_000, **numbers)
        carrier = self._libp2p(profile)
        name, host, port = place(address)
        sync = WarpSync([carrier], self.genesis, Budgets(profile, clock.cpu_us),
                        lambda event, fields: told.append((event, fields)))
        found = await sync.run([Record(name, host, port, carrier)])
        assert carrier.is_whole
        return found, told


def _quick(options):
    return {"finality_rate": 0, "finality_timeout_ms": 1_000, "peer_retry_max_ms": 400} | options


def final_slot(running):
    final = running.node.chain.final
    return -1 if final is None else final.slot


def closes(server, finality, stream, now):
    """What a JAM node may do about a kind that it does not serve: the connection goes."""
    server.count(stream.kind)
    raise RemoteError(0, "Unsupported stream kind")


def is_undisturbed(*running):
    """None of these has lost a peer that it dialed. (Who warps comes and goes.)"""
    for one in running:
        dialed = [record.name for record in one.node.peers.records if not record.inbound]
        if any(fields["peer"] in dialed for fields in one.named("peer_left")):
            return False
    return True


@pytest.mark.parametrize("store_bytes", [0, 1 << 20])
def test_a_lite_node_has_final_blocks_through_a_gateway_alone(store_bytes):
    async def scene():
        async with Voted() as world:
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses, finality_store_bytes=store_bytes)
            await world.serves(gateway)
            await world.is_final(gateway)
            lite = world.lite(gateway.lite)
            await world.caught_up()
            await world.until(lambda: final_slot(lite) > 0)
            for _ in range(15):  # more than an epoch: a set changes on the way
                world.author()
                await world.caught_up()
                await world.is_final(gateway)
            await world.until(lambda: final_slot(lite) >= world.chain.finality.final.slot - 2)
            final = lite.node.chain.final
            assert world.chain.block(final.header_hash).state.trie.root() == final.state_root
            assert final.set_id >= world.chain.finality.set_id - 1 >= 4
            relays = gateway.node.relays
            passed, kept = relays.done.get(JUSTIFICATION_REQUEST, 0), gateway.node.proved.served
            assert passed + kept >= lite.node.finality.proved > 1
            assert (passed > 1 and not kept) if store_bytes == 0 else kept > passed
            await world.until(lambda: relays.is_whole)
            await world.until(lambda: gateway.node.upstreams.state_offered)
            answer = await lite.node.ask(SLOT, SLOT, FINAL, 0, ASK_MS)
            assert answer.level == "final" and answer.commitment.header_hash == lite.node.chain.final.header_hash
            assert lite.node.finality.refused == gateway.node.finality.refused == 0
            assert is_undisturbed(gateway, lite)

    asyncio.run(scene())


def test_what_was_final_here_is_shown_when_the_upstream_has_gone():
    async def scene():
        async with Voted(4) as world:
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses)
            for _ in range(30):
                world.author()
                await world.caught_up()
                await world.is_final(gateway)
            world.servers.remove(upstream)
            await upstream.stop()
            await world.until(lambda: not gateway.node.upstreams.connected)
            lite = world.lite(gateway.lite)
            await world.until(lambda: final_slot(lite) == final_slot(gateway))
            assert lite.node.chain.final.set_id >= 2 and gateway.node.proved.served >= 3
            assert JUSTIFICATION_REQUEST not in gateway.node.relays.done and is_undisturbed(lite)
            with pytest.raises(LocalError, match="does not serve warp sync"):
                await world.warp(gateway.lite)

    asyncio.run(scene())


def test_a_warp_goes_through_a_gateway_from_genesis_on():
    async def scene():
        async with Voted() as world:
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses)
            await world.serves(gateway)
            await world.caught_up()
            found, told = await world.warp(gateway.lite)
            finality = world.chain.finality
            last = finality.change(finality.set_id - 1)
            assert found.header_hash == last.header_hash and found.grandpa_set_id == finality.set_id >= 4
            assert [fields["set_id"] for event, fields in told if event == "warp_fragment"] == list(
                range(finality.set_id))
            assert not [fields for event, fields in told if event == "warp_refused"]
            assert upstream.requests[WARP_SYNC_REQUEST] == gateway.node.relays.done[WARP_SYNC_REQUEST] >= 1
            # Who starts there follows on, to what is final.
            lite = world.lite(gateway.lite, start=found)
            await world.caught_up()
            world.author()
            await world.until(lambda: final_slot(lite) > found.slot)
            await world.until(lambda: gateway.node.relays.is_whole)
            assert is_undisturbed(gateway, lite)

    asyncio.run(scene())


def test_a_warp_and_what_is_final_go_through_gateways_that_have_no_upstream():
    async def scene():
        async with Voted() as world:
            upstream = await world.upstream()
            row = await row_of(world, 3, upstream)
            far, _, near = row
            await world.serves(far)
            await world.is_final(*row)
            assert [gateway.node._say_reach()[WARP_SYNC_REQUEST] for gateway in row] == [2, 1, 0]
            found, told = await world.warp(far.lite)
            finality = world.chain.finality
            assert found.grandpa_set_id == finality.set_id >= 4
            assert not [fields for event, fields in told if event == "warp_refused"]
            assert {gateway.node.relays.done[WARP_SYNC_REQUEST] for gateway in row} == {
                upstream.requests[WARP_SYNC_REQUEST]}
            lite = world.lite(far.lite, start=found)
            await world.caught_up()
            world.author()
            await world.until(lambda: final_slot(lite) > found.slot)
            # Where the JAM node has gone there are no warps any more, one gateway after the other.
            world.servers.remove(upstream)
            await upstream.stop()
            await world.until(lambda: not near.node.offers(WARP_SYNC_REQUEST))
            await world.until(lambda: not far.node.offers(WARP_SYNC_REQUEST))
            await world.until(lambda: all(gateway.node.relays.is_whole for gateway in row))
            assert is_undisturbed(*row[:2], lite)

    asyncio.run(scene())


@pytest.mark.parametrize("how", ["closes", "refuses", "names no format"])
def test_behind_an_upstream_that_serves_none_lite_nodes_follow_all_the_same(how, monkeypatch):
    async def scene():
        async with Voted(fault="refusing-finality" if how == "refuses" else "") as world:
            if how == "closes":
                for kind in BOTH:
                    monkeypatch.setitem(FINALITY_ANSWERS, kind, closes)
            elif how == "names no format":
                for kind in BOTH:
                    monkeypatch.delitem(FINALITY_ANSWERS, kind)
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses)
            lite = world.lite(gateway.lite)
            await world.caught_up()
            await world.until(lambda: gateway.node.upstreams.state_offered)
            (record,) = gateway.node.peers.records[:1]
            await world.until(lambda: record.declined >= 2)  # the gateway has asked for itself, in vain
            with pytest.raises(LocalError, match="does not serve warp sync"):
                await world.warp(gateway.lite)
            for _ in range(3):
                world.author()
                await world.caught_up()
            answer = await lite.node.ask(SLOT, SLOT, VOUCHED_LEVEL, 0, ASK_MS)
            assert answer.level == "vouched"
            assert lite.node.chain.final is None and not any(gateway.node.offers(kind) for kind in BOTH)
            assert not any(kind in gateway.node.relays.done for kind in BOTH)
            assert WARP_SYNC_REQUEST not in upstream.requests, "nobody has asked it for more than it has shown"
            assert is_undisturbed(gateway, lite)

    asyncio.run(scene())


def test_an_upstream_that_closes_over_warps_alone_is_asked_once(monkeypatch):
    async def scene():
        async with Voted() as world:
            monkeypatch.setitem(FINALITY_ANSWERS, WARP_SYNC_REQUEST, closes)
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses)
            await world.serves(gateway)
            assert await world.warp(gateway.lite) == (None, [])
            await world.until(lambda: not gateway.node.offers(WARP_SYNC_REQUEST))
            with pytest.raises(LocalError, match="does not serve warp sync"):
                await world.warp(gateway.lite)
            assert upstream.requests[WARP_SYNC_REQUEST] == 1
            # All else goes on, on a connection that was made anew.
            lite = world.lite(gateway.lite)
            await world.caught_up()
            await world.until(lambda: final_slot(lite) > 0)
            await world.until(lambda: gateway.node.upstreams.state_offered)
            assert (await lite.node.ask(SLOT, SLOT, FINAL, 0, ASK_MS)).level == "final"
            assert upstream.requests[STATE_REQUEST] >= 2 and is_undisturbed(gateway, lite)
            assert gateway.node.offers(JUSTIFICATION_REQUEST)
            await world.until(lambda: gateway.node.relays.is_whole)

    asyncio.run(scene())


def test_an_answer_that_is_too_long_is_not_passed_on():
    async def scene():
        async with Voted() as world:
            upstream = await world.upstream()
            longest = max(map(world.chain.finality.fragment_size, range(world.chain.finality.set_id)))
            assert world.chain.finality.set_id > 2
            gateway = world.gateway(*upstream.addresses, finality_relay_bytes=longest)
            await world.serves(gateway)
            assert await world.warp(gateway.lite) == (None, [])
            assert gateway.node.relays.declined[WARP_SYNC_REQUEST] == 1
            await world.until(lambda: gateway.node.relays.is_whole)
            assert is_undisturbed(gateway)

    asyncio.run(scene())


def test_what_an_upstream_forges_proves_nothing_behind_the_gateway(monkeypatch):
    # The gateway passes it on unseen, and is believed nothing.
    class Bent(WarpAnswer):
        def _answer(self):
            data = bytearray(self._finality.fragment(self.responder.set_id))
            data[-100] ^= 1
            self._raw = (len(data) + 1).to_bytes(4, "little") + b"\1" + bytes(data)

    async def scene():
        async with Voted() as world:
            monkeypatch.setitem(FINALITY_ANSWERS, WARP_SYNC_REQUEST, Bent)
            upstream = await world.upstream()
            gateway = world.gateway(*upstream.addresses)
            await world.serves(gateway)
            with pytest.raises(LocalError, match="no peer proved a set-change block.*CE 153"):
                await world.warp(gateway.lite)
            await world.until(lambda: gateway.node.relays.is_whole)
            assert is_undisturbed(gateway)

    asyncio.run(scene())


class Takes:
    is_done = False

    def feed(self, buf, start, end):
        return min(3, end - start)


def test_only_what_has_made_a_block_final_is_kept_and_so_much_of_it():
    proved = Proved(profile_of(finality_store_bytes=25, block_bytes_kept=10))

    def take(data):
        sink, at = proved.over(Takes()), 0
        while at < len(data):
            at += sink.feed(bytearray(data), at, len(data))

    take(b"not kept")
    take(b"0123456789")
    assert proved.count == 0 and proved.get(b"a") is None
    proved.keep(b"a")
    assert proved.get(b"a") == b"0123456789"
    proved.keep(b"b")  # nothing was taken since
    take(b"0123456789+")
    proved.keep(b"c")
    assert proved.count == 1
    for name in (b"d", b"e"):
        take(name * 9)
        proved.keep(name)
    assert [proved.get(name) for name in (b"a", b"b", b"c", b"d", b"e")] == [None, None, None, b"d" * 9, b"e" * 9]


def test_who_cuts_answers_rests_until_it_has_proved_more():
    link = SimpleNamespace(ready=True)
    record = SimpleNamespace(name="one", inbound=False, carrier=None, link=link, serves_state=None, blamed=0, proved=1)
    has_served = [False]
    node = SimpleNamespace(
        profile=profile_of(), peers=SimpleNamespace(records=[record]), on_event=lambda *event: None,
        finality=SimpleNamespace(has_served=lambda of: of is record and has_served[0]))
    upstreams = Upstreams(node)

    def may():
        return [upstreams.may_answer(kind, []) for kind in BOTH]

    def cut(kind):
        upstreams.fault(record, kind, RemoteError(TRUNCATED, "cut"))

    assert may() == [False, False]
    has_served[0] = True
    assert may() == [True, True]
    cut(WARP_SYNC_REQUEST)
    assert may() == [True, False], "perhaps it does not know of warps"
    record.proved += 1
    assert may() == [True, False]
    upstreams.met(record)
    upstreams.answered(record, WARP_SYNC_REQUEST)
    for kind in BOTH:
        cut(kind)
        cut(kind)
    assert may() == [True, True]
    for kind in BOTH:
        cut(kind)
    assert may() == [False, False]
    record.proved += 1
    assert may() == [True, True]
    cut(JUSTIFICATION_REQUEST)
    assert may() == [False, False]
    upstreams.answered(record, JUSTIFICATION_REQUEST)
    assert may() == [True, False]
    has_served[0] = False
    assert may() == [False, False]

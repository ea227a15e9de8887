"""Three gateways attest what they hold for vouched, over the loopback: agreement, a liar, strangers, other chains."""

import asyncio

import pytest

from jamliquor_lite.chain.trust import checkpoint_at, digest_of
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.errors import RemoteError
from jamliquor_lite.gateway.gateway import Gateway
from jamliquor_lite.jam.attestation import Entry, encode_entries, signed_bytes
from jamliquor_lite.node.attesting import Attesting, read
from jamliquor_lite.node.bootstrap import Bootstrap
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.node.peers import Record
from jamliquor_lite.sync.attested import Witnesses
from tests.chain.chains import Recorder
from tests.gateway.world import World, place, profile_of

BLOCKS = 60


def forged(entry):
    return Entry(entry.slot, bytes(32), entry.set_id, entry.level, entry.digest)


class Lying(Gateway):
    """Names another block for the newest epoch, and signs that."""

    def attest(self, stream, now):
        answer = Gateway.attest(self, stream, now)
        true = answer._entries
        answer._entries = lambda: [forged(true()[0]), *true()[1:]]
        return answer


class Forging(Gateway):
    """Its signature is not over what it says."""

    def attest(self, stream, now):
        answer = Gateway.attest(self, stream, now)
        identity = answer._identity

        class Other:
            def sign(self, message):
                return identity.sign(message + b"\0")

        answer._identity = Other()
        return answer


class Replaying(Gateway):
    """Says what it said the first time, whatever it is asked."""

    first = None

    def attest(self, stream, now):
        answer = Gateway.attest(self, stream, now)
        identity, gateway = answer._identity, self

        class Other:
            def sign(self, message):
                gateway.first = gateway.first or identity.sign(message)
                return gateway.first

        answer._identity = Other()
        return answer


class Declining(Gateway):
    def attest(self, stream, now):
        answer = Gateway.attest(self, stream, now)
        answer._entries = lambda: None
        return answer


class Mute(Gateway):
    """Takes the question and never answers."""

    def attest(self, stream, now):
        answer = Gateway.attest(self, stream, now)
        answer.poll = lambda now: False
        return answer


async def gateways(world, *kinds, blocks=BLOCKS):
    upstream = await world.upstream()
    found = [world.gateway(upstream.addresses[0], kind=kind) for kind in kinds]
    for running in found:
        await world.until(lambda running=running: running.node.chain.best_slot == world.chain.best.slot)
    return found


async def asked(world, addresses, needed=2, names=None, **numbers):
    """The verdict of who is at these addresses, and the Attesting."""
    profile = profile_of(**numbers)
    genesis_hash = world.genesis.genesis_hash
    carrier = Libp2pCarrier(world._seed(), genesis_hash[:4].hex(), profile, [])
    records = [Record(*place(address), carrier) for address in addresses]
    witnesses = Witnesses(needed, names or [record.name for record in records], TINY)
    attesting = Attesting([carrier], genesis_hash, profile)
    await attesting.run(records, witnesses)
    assert carrier.is_whole
    return witnesses.decide(), attesting


def run(body):
    async def inner():
        async with World(BLOCKS) as world:
            await body(world)

    asyncio.run(inner())


def test_three_gateways_agree_and_what_they_chose_is_proved():
    async def body(world):
        found = await gateways(world, Gateway, Gateway, Gateway)
        for dials in (8, 1):
            verdict, attesting = await asked(world, [running.lite for running in found], dials=dials)
            assert verdict.word == "3/3" and not verdict.alarms() and not verdict.reasons()
        block = world.chain.block(verdict.entry.header_hash)
        assert block is not None and block.slot == verdict.entry.slot
        assert TINY.epoch(block.slot) > TINY.epoch(world.chain.block(block.parent).slot)
        # Whoever has what they signed can check it, and nobody can change it.
        for said in attesting.said.values():
            assert read(world.genesis.genesis_hash, said)[0].header_hash == block.hash
        # The existing way of a bare hash goes on from there, to a chain that believes what was attested.
        carrier = Libp2pCarrier(world._seed(), world.genesis.genesis_hash[:4].hex(), profile_of(), [])
        await world.until(lambda: found[0].node.state_word == "served")
        record = Record(*place(found[0].lite), carrier)
        bootstrap = Bootstrap([carrier], TINY, world.genesis.genesis_hash, profile_of())
        start = await bootstrap.run(block.hash, [record], True)
        assert start.header_hash == block.parent
        light = Recorder(start)
        light.add(block.header)
        row = light.chain.tree.find(block.hash)
        assert digest_of(checkpoint_at(light.chain, row)) == verdict.entry.digest

    run(body)


def test_a_liar_is_outvoted_and_named():
    async def body(world):
        found = await gateways(world, Gateway, Lying, Gateway)
        liar = found[1].carrier.name
        verdict, attesting = await asked(world, [running.lite for running in found])
        assert verdict.word == "2/3" and [name for name, _ in verdict.outvoted] == [liar]
        assert world.chain.block(verdict.entry.header_hash) is not None
        (line,) = verdict.alarms()
        assert all(running.carrier.name[:16] in line for running in found)
        # And what the liar signed can be shown to anybody.
        said = attesting.said[liar]
        assert said.key == found[1].carrier.identity.public
        assert read(world.genesis.genesis_hash, said)[0].header_hash == bytes(32)

    run(body)


def test_a_bad_signature_a_replay_a_refusal_and_silence_are_no_words():
    async def body(world):
        found = await gateways(world, Gateway, Gateway, Forging, Replaying, Declining, Mute)
        addresses = [running.lite for running in found]
        for bad, says in ((2, "not signed"), (4, "declined"), (5, "in time")):
            verdict, _ = await asked(world, [*addresses[:2], addresses[bad]],
                                     state_sync_timeout_ms=800, handshake_timeout_ms=800)
            assert verdict.word == "2/3" and not verdict.alarms()
            assert verdict.silent[0][0] == found[bad].carrier.name and says in verdict.reasons()
        first, _ = await asked(world, [*addresses[:2], addresses[3]])
        assert first.word == "3/3"
        again, _ = await asked(world, [*addresses[:2], addresses[3]])
        assert again.word == "2/3" and "not signed" in again.reasons()

    run(body)


def test_who_is_not_pinned_changes_nothing():
    async def body(world):
        found = await gateways(world, Gateway, Lying, Lying)
        names = [found[0].carrier.name, "12D3KooWnobody", "12D3KooWnobodyElse"]
        verdict, _ = await asked(world, [running.lite for running in found], names=names)
        assert verdict.entry is None and len(verdict.silent) == 2 and not verdict.alarms()

    run(body)


def test_a_peer_that_is_not_there_and_one_of_another_chain():
    async def body(world):
        found = await gateways(world, Gateway, Gateway)
        other = DevChain(TINY, seed=18, keys=5)
        stranger = Server(other, TINY, seed=b"\x66" * 32, port=-1, listen=[("127.0.0.1", 0)])
        await stranger.start()
        gone = found[0].lite.replace(found[0].lite.split("/")[4], "1").replace(
            found[0].carrier.name, "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN")
        try:
            for third, says in ((stranger.addresses[0], "does not attest chain"), (gone, "")):
                verdict, _ = await asked(world, [found[0].lite, found[1].lite, third])
                assert verdict.word == "2/3" and len(verdict.silent) == 1
                assert says in verdict.reasons()
                verdict, _ = await asked(world, [found[0].lite, third], names=[
                    found[0].carrier.name, place(third)[0], "12D3KooWnobody"])
                assert verdict.entry is None
        finally:
            await stranger.stop()

    run(body)


def test_a_gateway_signs_for_the_whole_genesis_hash():
    async def body(world):
        (running,) = await gateways(world, Gateway)
        _, attesting = await asked(world, [running.lite], names=[running.carrier.name, "x", "y"])
        said = attesting.said[running.carrier.name]
        genesis_hash = world.genesis.genesis_hash
        twin = genesis_hash[:4] + bytes(28)  # the same protocol names
        entries = read(genesis_hash, said)
        assert encode_entries(entries) == said.content[:-64]
        assert signed_bytes(genesis_hash, said.challenge, said.content[:-64]) != signed_bytes(
            twin, said.challenge, said.content[:-64])
        with pytest.raises(RemoteError, match="not signed"):
            read(twin, said)

    run(body)

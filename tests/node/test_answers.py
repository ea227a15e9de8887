"""A node and the peers it asks for state: what is proved, and every way not to prove it."""

import asyncio

import pytest

from jamliquor_lite.chain.levels import SEALED, VOUCHED_LEVEL
from jamliquor_lite.chain.state_key import chapter, service_account, service_storage
from jamliquor_lite.devnet.faults import Fault
from jamliquor_lite.devnet.wire import WIRE_FAULTS
from jamliquor_lite.errors import LocalError
from tests.node.world import ASK_MS, World, chain_of

SLOT = chapter(11)
# What each fault leaves of an answer. These two break nothing: one is silent about blocks, the other needs entries.
HARMLESS = ("mute", "false-attestation")  # which is no state
CUTS = [f"close-after-{count}" for count in (0, 1, 3, 4, 5, 63, 64, 67, 68, 69, 100, 132, 200, 400)]
BAD = [name for name in WIRE_FAULTS if name not in HARMLESS and name != "close-after"] + CUTS


def test_a_value_an_absence_and_a_range_are_proved():
    async def scene():
        async with World(chain_of(40), "honest") as world:
            await world.caught_up()
            slot = await world.ask(SLOT)
            assert int.from_bytes(slot.entries[0].value, "little") == slot.commitment.slot
            assert slot.level == "vouched" and slot.commitment.support >= 3
            account = await world.ask(service_account(1))
            assert len(account.entries) == 1 and account.proof_bytes % 64 == 0
            absent = await world.ask(service_storage(1, b"nobody wrote this"))
            assert absent.entries == [] and absent.proved_to >= absent.end
            everything = await world.ask(bytes(31), b"\xff" * 31)
            trie = world.chain.block(everything.commitment.header_hash).state.trie
            assert [(e.key, e.value) for e in everything.entries] == list(trie.items())
            assert everything.proved_to == b"\xff" * 31
            assert world.node.proved_answers == 4 and world.node.refused_answers == 0

    asyncio.run(scene())


@pytest.mark.parametrize("wire", BAD)
def test_a_bad_answer_is_refused_and_another_peer_is_asked(wire):
    async def scene():
        async with World(chain_of(30), wire, "honest") as world:
            await world.caught_up()
            account = await world.ask(service_account(1))
            honest = world.servers[1].addresses[0].partition("@")[0]
            assert account.peer == honest
            trie = world.chain.block(account.commitment.header_hash).state.trie
            assert account.entries[0].value == trie.get(service_account(1))

    asyncio.run(scene())


@pytest.mark.parametrize("wire", BAD)
def test_with_nobody_else_there_is_one_clear_line(wire):
    async def scene():
        async with World(chain_of(20), wire) as world:
            await world.caught_up()
            # a peer that declines may have a newer state: only the end of the time allowed ends the question
            patience = 1_500 if wire == "refusing" else ASK_MS
            with pytest.raises(LocalError) as refused:
                await world.node.ask(service_account(1), service_account(1), VOUCHED_LEVEL, 0, patience)
            line = str(refused.value)
            assert line.startswith("no peer gave a proved answer: ") and "\n" not in line
            assert world.node.proved_answers == 0

    asyncio.run(scene())


def test_a_liar_is_left_and_blamed():
    async def scene():
        async with World(chain_of(20), "mutated-value", "honest") as world:
            await world.caught_up()
            await world.ask(service_account(1))
            assert world.node.peers.records[0].blamed == 1 and world.node.peers.records[1].blamed == 0
            assert len(world.named("refused")) == 1
            await world.until(lambda: len(world.lines) == 1)
            assert world.node.refused_answers == 1

    asyncio.run(scene())


def test_following_survives_a_peer_that_hangs_up_on_state_requests():
    async def scene():
        async with World(chain_of(20), "unsupported") as world:
            await world.caught_up()
            with pytest.raises(LocalError, match="unavailable upstream"):
                await world.ask(SLOT)
            assert world.lines == []
            block = world.chain.advance(1)[0]
            world.servers[0].announce(block)
            await world.caught_up()
            with pytest.raises(LocalError, match="none of 1 peers serves state"):
                await world.ask(SLOT)

    asyncio.run(scene())


class FalseState(Fault):
    """The author claims a state in which service 1 is another, and can prove it against its own root."""

    def change(self, chain, draft):
        false = draft.parent.state.copy()
        false.trie.set(service_account(1), b"\x99" * 90)
        draft.parent.state.trie = false.trie
        draft.prior_state_root = false.trie.root()


def test_a_forged_root_with_a_matching_proof_is_answered_only_to_who_asks_for_less():
    chain = chain_of(30)
    attacker = chain.fork_from(chain.best)
    parent = chain.best
    true_state = parent.state
    parent.state = true_state.copy()
    slot, forged = parent.slot, None
    while forged is None:
        slot += 1
        forged = attacker.author(slot, parent=parent, fault=FalseState())
    attacker.best = forged

    async def scene():
        async with World(attacker, "honest") as world:
            await world.until(lambda: world.node.chain.best_slot == forged.slot)
            answer = await world.ask(service_account(1), level=VOUCHED_LEVEL)
            assert answer.entries[0].value != b"\x99" * 90
            assert answer.commitment.by_slot < forged.slot
            fooled = await world.ask(service_account(1), level=SEALED)
            assert fooled.entries[0].value == b"\x99" * 90 and fooled.commitment.support == 1

    asyncio.run(scene())


def test_support_can_be_asked_for_and_is_waited_for():
    async def scene():
        async with World(chain_of(30), "honest") as world:
            await world.caught_up()
            answer = await world.ask(SLOT, support=4)
            assert answer.commitment.support >= 4
            with pytest.raises(LocalError, match="with support 7"):
                await world.node.ask(SLOT, SLOT, VOUCHED_LEVEL, 7, 300)

    asyncio.run(scene())

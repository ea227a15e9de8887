"""The attacks, each staged end to end: peers that lie to a node over real links, alone, then beside an honest one.

What each may reach at most and what the node says of it are the columns of the README's table (table.py).
"""

import asyncio
import functools
import random
import re
import sys

from jamliquor_lite.chain.journal import Journal, segment_bytes
from jamliquor_lite.chain.levels import SEALED
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet import chainspec, finality_faults
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.faults import Variant
from jamliquor_lite.devnet.finality import Finality
from jamliquor_lite.node.journal_keeper import JournalKeeper
from jamliquor_lite.ports.cpython.segments import SegmentFile
from tests.chain.chains import start_of
from tests.chain.journals import Memory
from tests.node.world import profile_of

from .stage import Attack, Fooled, start_of_chain

BLOCKS = 60
PLACES = 100  # where the journal is damaged
LYING_STATES = ("mutated-value", "dropped-entry", "other-header", "constant-fake", "mutated-node", "padded")
NOT_OURS = "knows none of our headers, not even the one we started from"


def chain_of(blocks=BLOCKS, has_voters=True, fault=None, **options):
    """A chain of which all states are kept, honest but for its voters' fault."""
    chain = DevChain(TINY, seed=23, keys=20, **options)
    chain.states_kept = 10_000
    if has_voters:
        Finality(chain, fault=finality_faults.by_name(fault) if fault else None)
    chain.advance(blocks)
    return chain


@functools.lru_cache
def still(blocks=BLOCKS):
    """One that nobody adds to."""
    return chain_of(blocks)


def twin(chain, fault=None):
    """The same chain, whose voters, or who serves their votes, are dishonest."""
    copy = chain.fork_from(chain.best)
    chain.finality.fork(copy, finality_faults.by_name(fault) if fault else None)
    return copy


def before_phase(phase, blocks, **options):
    """An honest chain without voters whose next slot has this phase."""
    chain = chain_of(blocks, False, contests="never", offences=False, **options)
    while TINY.phase(chain.best.slot + 1) != phase:
        chain.advance()
    return chain


def alone(chain, fault, blocks):
    """A fork that one dishonest author begins with a fault, and goes on with by himself."""
    fork = chain.fork_from(chain.best)
    slot = fork.best.slot
    made = None
    while made is None:
        slot += 1
        made = fork.author(slot, fault=fault)
    last, count = made, 1
    while count < blocks and slot < made.slot + 6 * TINY.epoch_length:
        slot += 1
        block = fork.author(slot, parent=last)
        if block is not None:
            last, count = block, count + 1
    fork._lead(last)
    return fork


def with_old_keys(chain, number):
    """What whoever has all the keys of the sets up to that block makes of them, now: a longer chain that leaves the
    true one there, each of whose epochs names his own keys for the next."""
    fork = chain.fork_from(chain.at(number), alone=False)
    chain.finality.fork(fork)
    while fork.author(fork.due(), fault="long-range-fork") is None:
        pass
    while fork.best.number < chain.best.number + 10:
        slot = fork.due()
        fork.author(slot, fault=None if TINY.epoch(slot) == TINY.epoch(fork.best.slot) else "forged-epoch-mark")
    return fork


def checkpoint_in(chain, number):
    """A checkpoint at a block of the chain, as a user gives it."""
    block = chain.at(number)
    start = start_of(TINY, block.header, dict(block.state.trie.items()))
    genesis = start_of_chain(chain)
    start.genesis_hash, start.grandpa_format, start.clock_chain = genesis.genesis_hash, genesis.grandpa_format, True
    start.grandpa_set_id = sum(one.height <= number for one in chain.finality._changes.values())
    return start


async def command(scene, *words):
    """The exit status of a command line; what it says on stderr is said."""
    program = [sys.executable, "-m", "jamliquor_lite.cli.main", *map(str, words)]
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.DEVNULL,
                                                   stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    for line in said.decode().splitlines():
        scene.say(line.partition(": ")[2])
    return process.returncode


def files(scene, chain, start, clock_chain):
    """A chainspec's file, and one of a checkpoint."""
    spec, point = scene.folder / "chain.json", scene.folder / "point"
    chainspec.write(str(spec), chain, [], clock_chain)
    point.write_bytes(bytes(start.encode()))
    return "--chain", spec, "--checkpoint", point, "--data", scene.folder / "data"


async def long_range_fork(scene, start=40):
    """The validators of old sets sign another history from block 13 on; the user's checkpoint is newer than that."""
    honest = still()
    fork = with_old_keys(honest, 13)
    checkpoint = checkpoint_in(honest, start) if start else start_of_chain(honest)
    assert await scene.warp(honest, fork, start=checkpoint, final_until=-1) is None
    async with scene.stage(honest, fork, start=checkpoint, final_until=-1) as stage:
        await stage.until(lambda: any(NOT_OURS in line for line in stage.lines))
        await stage.join()
        await stage.caught_up()
        await stage.is_final()
    found = await scene.warp(honest, fork, honest, start=checkpoint)
    assert found.grandpa_set_id == honest.finality.set_id
    # Of an old checkpoint nobody could tell the two apart, so it is no start: the wall clock is years ahead of it.
    assert await command(scene, "run", *files(scene, honest, checkpoint, False)) == 2
    assert scene.sentence("allowed are 7: who voted then may have sold the keys")


async def forged_marks(scene, faults=(("forged-epoch-mark", 0), ("forged-tickets-mark", TINY.tickets_end))):
    """One author names the next keys, or tickets, that he likes, and has that epoch for himself."""
    for fault, phase in faults:
        honest = before_phase(phase, 30)
        fork = alone(honest, fault, 30)
        while not any(TINY.epoch(one.slot) == TINY.epoch(honest.best.slot) + 1 for one in fork.chain()):
            honest.advance(TINY.epoch_length)  # he is not of the next set, and has no use for its tickets
            fork = alone(honest, fault, 30)
        async with scene.stage(honest, fork, allowed=SEALED) as stage:
            await stage.until(lambda: "linked (pending)" in stage.levels)  # noqa: B023
            if fault == "forged-epoch-mark":
                await stage.until(lambda: stage.node.chain.stalled)  # noqa: B023 - it waits here
            honest.advance(4 * TINY.epoch_length)
            await stage.join()
            await stage.caught_up()


async def bad_votes(scene, *faults, is_true_in_set_0=False):
    """Justifications and warp fragments with each fault, from a peer whose headers are all true."""
    honest = still()
    until = honest.block(honest.finality.change(0).header_hash).slot if is_true_in_set_0 else -1
    for fault, says in faults:
        liar = twin(honest, fault)
        async with scene.stage(honest, liar, final_until=until) as stage:
            await stage.until(lambda: stage.node.finality.refused)  # noqa: B023 - it waits here
            assert re.search(says, stage.named("refused")[0]["reason"]), stage.named("refused")[0]
            await stage.caught_up()
            await stage.join()
            await stage.is_final()
            await stage.caught_up()
        found = await scene.warp(honest, liar, final_until=until)
        assert found is None or found.slot <= until
        found = await scene.warp(honest, liar, honest)
        assert found.grandpa_set_id == honest.finality.set_id


async def false_root(scene, asked=None):
    """One author claims a state that never was; his peer proves every key of it."""
    honest = before_phase(5, 30)
    fork = alone(honest, "forged-state-root", 3)
    options = {} if asked is None else {"asked": asked}
    async with scene.stage(honest, fork, allowed=SEALED, **options) as stage:
        await stage.until(lambda: fork.best.hash in stage.false)
        before = scene.answers
        await stage.until(lambda: scene.answers > before + 4)
        honest.advance(12)
        await stage.join()
        await stage.caught_up()


async def equivocation(scene):
    """An author seals forty more blocks for his slot; the network builds on the one that he showed to it."""
    honest = before_phase(5, 30)
    parent, fork = honest.best, honest.fork_from(honest.best)
    (block,) = honest.advance()
    more = [fork.author(block.slot, parent, Variant(number)) for number in range(40)]
    async with scene.stage(honest, fork, allowed=SEALED) as stage:
        await stage.until(lambda: stage.false)
        for one in more:
            stage.servers[0].announce(one)
        await stage.until(lambda: stage.named("equivocation"))
        honest.advance(12)
        await stage.join()
        await stage.caught_up()
        if len(stage.false) > 2:
            raise Fooled(f"{len(stage.false)} blocks of one author have a place in one slot")


async def lying_states(scene):
    """Peers that follow the chain and lie about its state, each in another way."""
    honest = still()
    async with scene.stage(honest, *[honest] * len(LYING_STATES), wires=LYING_STATES) as stage:
        await stage.until(lambda: {one["peer"] for one in stage.named("refused")}
                          >= {record.name for record in stage.node.peers.records})
        await stage.join()
        await stage.caught_up()
        await stage.is_final()


async def eclipse(scene):
    """Eight lying peers and nobody else, each lying in another way; then one honest peer."""
    honest = chain_of(contests="never", offences=False)
    while TINY.phase(honest.best.slot + 1):
        honest.advance()
    stranger = DevChain(TINY, seed=24, keys=20)
    stranger.advance(40)
    liars = [
        alone(honest, "forged-epoch-mark", 30), alone(honest, "forged-state-root", 3), alone(honest, "equivocation", 2),
        with_old_keys(honest, 13), twin(honest, "too-few-votes"),
        twin(honest, "wrong-set-justification"), twin(honest, "silent-finality"), stranger,
    ]
    wires = ["honest", "honest", "mutated-value", "constant-fake", "dropped-entry", "silent", "refusing"]
    start = checkpoint_in(honest, 40)
    async with scene.stage(honest, *liars, wires=wires, allowed=SEALED, start=start, final_until=-1,
                           state_sync_timeout_ms=500) as stage:
        names = {record.name for record in stage.node.peers.records[3:6]}
        await stage.until(lambda: names <= {one["peer"] for one in stage.named("refused") + stage.named("peer_left")})
        await stage.until(lambda: "linked (pending)" in stage.levels)
        honest.advance(4 * TINY.epoch_length)
        await stage.join()
        await stage.is_final()
        await stage.caught_up()


async def stalling(scene):
    """A peer that has an old head and answers nothing, and one that does not announce."""
    honest = still()
    old, mute = twin(still(40), "silent-finality"), twin(still(30), "silent-finality")
    async with scene.stage(honest, old, mute, wires=("silent", "mute"), final_until=-1, is_watchful=True,
                           stall_least_ms=1_000, state_sync_timeout_ms=500) as stage:
        await stage.until(lambda: stage.named("stalled") and stage.node.chain.best_slot == old.best.slot)
        await stage.join()
        await stage.caught_up()
        await stage.is_final()
        await stage.until(lambda: stage.named("recovered"))


async def other_chain(scene):
    """A checkpoint of another chain, as it is and posing as ours; and a peer of another chain."""
    honest = still()
    stranger = DevChain(TINY, seed=24, keys=20)
    stranger.states_kept = 10_000
    Finality(stranger)
    stranger.advance(30)
    foreign = checkpoint_in(stranger, 20)
    words = files(scene, honest, foreign, True)
    assert await command(scene, "run", *words) == 2
    foreign.genesis_hash = honest.genesis.hash
    async with scene.stage(honest, honest, start=foreign, trusted=[foreign.header_hash], final_until=-1) as stage:
        await stage.until(lambda: any(NOT_OURS in line for line in stage.lines))
        assert scene.answers == 0 and stage.node.chain.headers_checked == 0
    assert await scene.warp(honest, honest, start=foreign, final_until=-1) is None
    async with scene.stage(honest, stranger) as stage:
        await stage.until(lambda: stage.lines)
        await stage.join()
        await stage.caught_up()


async def broken_journal(scene, places=PLACES, seed=1):
    """The journal of a run is cut, or a bit of it flipped, at random places, and read again."""
    honest = still()
    kept = SegmentFile(str(scene.folder / "journal"))
    size, saved = segment_bytes(TINY, 64 * 1024), {}

    def nobody():
        pass

    def save(checkpoint):
        keeper.save(checkpoint)
        saved[bytes(checkpoint.encode())] = checkpoint.slot

    keeper = JournalKeeper(Journal(kept, size, 1 << 24), profile_of(journal_peers_ms=0), scene.say, nobody)
    keeper.load()
    async with scene.stage(honest, twin(honest), save=save, checkpoint_interval_ms=0) as stage:
        keeper.node = stage.node
        await stage.is_final()
        await stage.caught_up()
    keeper.close()
    whole = [kept.read(segment) for segment in (0, 1)]
    assert len(saved) >= 3 and whole[0]
    draw, older, none = random.Random(seed), None, 0
    for number in range(places):
        segments = list(whole)
        which = draw.choice([n for n in (0, 1) if segments[n]])
        at = draw.randrange(len(segments[which]))
        data = bytearray(segments[which])
        if number % 2:
            del data[at:]
        else:
            data[at] ^= 1 << draw.randrange(8)
        segments[which] = bytes(data)
        journal = Journal(Memory(segments), size, 1 << 24)
        found = journal.load()
        if journal.damaged:
            scene.say(journal.damaged)
        if found is None:
            none += 1
            continue
        if bytes(found.encode()) not in saved:
            raise Fooled(f"byte {at} of segment {which}: a checkpoint that nobody saved, of slot {found.slot}")
        if saved[bytes(found.encode())] < max(saved.values()):
            older = found
    assert older is not None and none < places // 2
    # An older one is where a node goes on from.
    async with scene.stage(honest, twin(honest), start=older) as stage:
        await stage.caught_up()
        await stage.is_final()


async def votes_missing(scene):
    await bad_votes(scene, ("one-third-votes", "2 votes; by 6 validators there are 5 to"))
    await one_vote_missing(scene)


async def one_vote_missing(scene):
    await bad_votes(scene, ("too-few-votes", "4 votes; by 6 validators there are 5 to"))


async def removed_validators(scene):
    await bad_votes(scene, ("votes-by-removed-validators", "a vote by nobody of the set"), is_true_in_set_0=True)


async def another_set(scene):
    await bad_votes(scene, ("wrong-set-justification", r"by set \d, where set \d votes"), is_true_in_set_0=True)
    await relabelled(scene)


async def relabelled(scene):
    await bad_votes(scene, ("relabelled-set", r"validator \d did not sign that vote"))


async def counted_twice(scene):
    too_few = "4 good votes and 0 to come: 5 are needed"
    await bad_votes(scene, ("duplicate-voters", too_few), ("counted-equivocators", too_few))


async def other_root(scene):
    await bad_votes(scene, ("wrong-state-root-in-vote", r"a vote for slot \d+, which is no descendant of slot \d+"))


ATTACKS = [
    Attack("long-range fork, signed with all the true keys of old sets", "nothing", NOT_OURS, long_range_fork),
    Attack("forged epoch mark, forged tickets, by an author who then has the epoch", "sealed, linked (pending)",
           r"linked \(pending\), stalled", forged_marks),
    Attack("votes of 1/3, or one fewer than more than 2/3", "nothing", "4 votes; by 6 validators there are 5 to 12",
           votes_missing),
    Attack("votes of validators that were removed", "nothing", "a vote by nobody of the set", removed_validators),
    Attack("justification of another set, replayed or relabelled", "nothing", r"by set \d, where set \d votes",
           another_set),
    Attack("a voter counted twice, or for two blocks", "nothing", "4 good votes and 0 to come: 5 are needed",
           counted_twice),
    Attack("wrong state root in a vote", "nothing", r"a vote for slot \d+, which is no descendant of", other_root),
    Attack("forged state root by an author, every key of it proved", "sealed", r"^the head is sealed, support 1/6",
           false_root),
    Attack("author with forty blocks for one slot", "sealed", r"^equivocation in slot \d+$", equivocation),
    Attack("lies about the state, of six kinds", "nothing", "^refused: state answer refused: ", lying_states),
    Attack("eclipse by 8 liars, each of another of these kinds", "sealed, linked (pending)",
           "^refused: CE 130: justification: ", eclipse),
    Attack("peers that hold back new heads and answer nothing", "nothing", "^stalled: leaving …", stalling),
    Attack("checkpoint of another chain, or posing as of ours", "nothing", "it is of another chain", other_chain),
    Attack("journal cut, or a bit flipped, at 100 random places", "nothing",
           r"are no whole record: going on from slot \d+", broken_journal),
]

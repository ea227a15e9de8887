"""A node on flash against one in memory: forks, restarts, power cuts at any byte, damage; all by chance."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.flash_rows import FlashRows
from jamliquor_lite.chain.flash_sets import FlashSets
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.keeper import Keeper
from jamliquor_lite.chain.light import ADDED, HELD, KNOWN, ORPHAN, STALE, LightChain
from jamliquor_lite.chain.long_header import LongHeaders
from jamliquor_lite.chain.sets import KEYS, TICKETS, Held
from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import BudgetError, VerifyError
from jamliquor_lite.sync.follow import Follower
from tests.chain.chains import of_devnet
from tests.ports.flash_device import SECTOR, CutMemory, PowerCut, Slots, area_over

BUFFER = TINY.plain_header_size
PAIRS = 9
ROWS = 96
TREE = (ROWS // 32 + 3) * SECTOR
SCRATCH = SECTOR
SETS = PAIRS * 2 * SECTOR
SIZE = SETS + SCRATCH + TREE


def made(seed, blocks=90):
    chain = DevChain(TINY, seed=seed, keys=6, fork_rate=0.15, contests="mixed")
    start = of_devnet(chain)
    return start, [block.header for block in chain.advance(blocks)], chain.best.hash


CHAINS = [made(seed) for seed in (1, 2, 3)]


class Board:
    """Flash that outlives resets, and the node of now."""

    def __init__(self, start):
        self.memory = CutMemory(SIZE)
        self.files = Slots(self.memory)
        self.start = start
        self.acknowledged = -1  # slot of the checkpoint that was saved last
        self.written = set()  # hashes of sets, with the places they were written to
        self.boot()

    def boot(self):
        self.memory.left = None
        profile = Profile()
        profile.tree_headers = ROWS
        profile.tree_marks = 8
        sets = FlashSets(area_over(self.memory, 0, SETS), TINY, 16)
        rows = FlashRows(area_over(self.memory, SETS + SCRATCH, TREE), ROWS)
        self.keeper = Keeper(TwoSlot(self.files), sets)
        checkpoint = self.keeper.load()
        if checkpoint is None:
            assert self.acknowledged == -1, self.keeper.damaged
            checkpoint = self.start
        assert checkpoint.slot >= self.acknowledged
        self.is_saving = False
        self.chain = LightChain(checkpoint, profile, self.hear, sets=sets, rows=rows)
        if self.keeper._pinned == []:
            self.keeper.hold(checkpoint)
        self.long = LongHeaders(self.chain, area_over(self.memory, SETS, SCRATCH), profile, lambda: 0, lambda: -1)
        self.follower = Follower(self.chain, profile, long_headers=self.long)
        self.sink = self.long.sink("e1")
        self.moved = False

    def hear(self, name, row):
        self.moved = self.moved or name == "root"

    def offer(self, data):
        if len(data) <= BUFFER:
            outcome = self.follower.offer(data, 0, len(data), -1)
        else:
            self.sink.begin(bytearray(data[:BUFFER]), BUFFER, len(data))
            self.sink.write(bytearray(data), BUFFER, len(data))
            self.sink.finish()
            outcome = self.follower.offer_long(self.sink, -1)
        if self.moved:
            self.keeper.save(self.chain.checkpoint())
            self.acknowledged = self.chain.tree.slots[self.chain.tree.root]
            self.moved = False
        return outcome

    def feed(self, headers):
        """What a peer would send: from the beginning, and what was only hashed once more."""
        for data in headers:
            outcome = self.offer(data)
            if outcome == HELD:
                outcome = self.offer(data)
            # ORPHAN: of a fork that begins before the root
            assert outcome in (ADDED, KNOWN, STALE, HELD, ORPHAN), outcome


@settings(max_examples=24, deadline=None)
@given(
    st.integers(0, len(CHAINS) - 1),
    st.lists(st.tuples(st.integers(0, 60_000), st.booleans()), max_size=6),
    st.integers(0, 2**32),
)
def test_any_cuts_end_at_the_same_head(which, cuts, seed):
    start, headers, best = CHAINS[which]
    board = Board(start)
    for cut, is_junk in cuts:
        board.memory.left = cut
        board.memory.junk = random.Random(seed).randbytes if is_junk else None
        try:
            board.feed(headers)
        except PowerCut:
            pass
        board.boot()
    board.feed(headers)
    chain = board.chain
    assert chain.tree.hash(chain.tree.best) == best and not chain.refused
    # And what it says is what a node in memory says that starts where this one does.
    memory = LightChain(Checkpoint.decode(chain.checkpoint().encode()), Profile())
    for data in headers:
        memory.add(Header(TINY, data))
    assert memory.tree.hash(memory.tree.best) == best
    flash_rows = {chain.tree.hash(row): row for row in range(chain.tree.top) if chain.tree.flags[row]}
    for row in range(memory.tree.top):
        if memory.tree.flags[row]:
            other = flash_rows.get(memory.tree.hash(row))
            if other is not None and row != memory.tree.root:
                assert chain.tree.entropy(other) == memory.tree.entropy(row)
                assert chain.tree.state_root(other) == memory.tree.state_root(row)
                assert chain.levels.epoch(other).keys.whole() == memory.levels.epoch(row).keys.whole()
                assert chain.levels.level(other) >= memory.levels.level(row) or chain.tree.root == other


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("pppprrrkdo"), st.integers(0, 7), st.booleans()), min_size=40, max_size=150))
def test_a_store_of_sets_against_a_dictionary(steps):
    memory = bytearray(5 * 2 * SECTOR)
    store = FlashSets(area_over(memory), TINY, 10**6)
    data = {
        KEYS: [random.Random(f"k{i}").randbytes(64 * TINY.validators) for i in range(8)],
        TICKETS: [random.Random(f"t{i}").randbytes(33 * TINY.epoch_length) for i in range(8)],
    }
    used: dict = {KEYS: {}, TICKETS: {}}  # number -> set, as the chain holds them
    pinned: dict = {KEYS: {}, TICKETS: {}}
    for what, number, is_keys in steps:
        kind = KEYS if is_keys else TICKETS
        mine = used[kind]
        if what == "p":
            before = store.area.sectors_erased
            is_there = number in mine or number in pinned[kind]
            try:
                mine[number] = store.put(kind, Held(data[kind][number]), 0)
            except BudgetError as error:
                assert error.limit == "sets" and not is_there
                assert len(mine.keys() | pinned[kind].keys()) == 5
            if is_there:
                assert store.area.sectors_erased == before
        elif what == "r":
            mine.pop(number, None)
            store.retain([one for table in used.values() for one in table.values()])
        elif what == "k":
            pinned = {k: dict(v) for k, v in used.items()}
            store.pin([one for table in pinned.values() for one in table.values()])
        elif what == "d":  # a reset: the chain starts again from what is pinned
            store = FlashSets(area_over(memory), TINY, 10**6)
            for k, table in pinned.items():
                for n in table:
                    table[n] = store.open(k, Held(data[k][n]).digest())
                    assert table[n] is not None
            used = {k: {n: store.put(k, one, 0) for n, one in v.items()} for k, v in pinned.items()}
            store.pin([one for table in pinned.values() for one in table.values()])
        else:
            found = store.open(kind, Held(data[kind][number]).digest())
            assert found is None or found.whole() == data[kind][number]
            assert found is not None or number not in mine and number not in pinned[kind]
        for k in (KEYS, TICKETS):
            for table in (used[k], pinned[k]):
                for n, one in table.items():
                    assert one.whole() == data[k][n]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_scratch_that_changes_under_the_second_pass_is_no_header(seed):
    start, headers, _ = CHAINS[0]
    dice = random.Random(seed)
    board = Board(start)
    long = [data for data in headers if len(data) > BUFFER]
    target = dice.choice(long)
    board.feed(headers[: headers.index(target)])
    if board.chain.tree.find(Header(TINY, target).hash) >= 0:
        return
    board.sink.begin(bytearray(target[:BUFFER]), BUFFER, len(target))
    board.sink.write(bytearray(target), BUFFER, len(target))
    board.sink.finish()
    if board.sink.header is None:
        return
    at = dice.randrange(166, len(target) - 96)
    # flash that loses a bit between the passes
    board.memory[SETS + at : SETS + at + 1] = bytes([board.memory[SETS + at] ^ 1 << dice.randrange(8)])
    try:
        outcome = board.follower.offer_long(board.sink, -1)
    except VerifyError:
        pass
    else:
        assert outcome != ADDED

"""Headers that do not fit a board's buffer, in two passes over flash: the chain they make, and what is refused when."""

import random

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.flash_sets import FlashSets
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.light import ADDED, FUTURE, HELD, KNOWN, ORPHAN, STALE
from jamliquor_lite.chain.long_header import HEAD_BYTES, Allowance, LongHeaders
from jamliquor_lite.chain.tree import NONE
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.crypto.bandersnatch import ORDER
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import BudgetError, LocalError, VerifyError
from jamliquor_lite.sync.follow import Follower, Gap
from tests.chain.chains import of_devnet
from tests.chain.test_attacks import Different, ForgedKeys, author_alone
from tests.ports.flash_device import SECTOR, area_over, fresh

BUFFER = TINY.plain_header_size  # whatever has a mark is longer
PAIRS = 24


class Board:
    """A light chain whose sets and long headers are in flash, fed by peers with names."""

    def __init__(self, start, **numbers):
        profile = Profile()
        for name, value in numbers.items():
            setattr(profile, name, value)
        self.sets_area = area_over(fresh(PAIRS * 2 * SECTOR))
        self.scratch = area_over(fresh(SECTOR))
        self.now = 0
        self.now_slot = -1
        from jamliquor_lite.chain.light import LightChain

        self.chain = LightChain(start, profile, sets=FlashSets(self.sets_area, TINY, profile.set_writes))
        self.long = LongHeaders(self.chain, self.scratch, profile, lambda: self.now, lambda: self.now_slot)
        self.added = []
        self.follower = Follower(self.chain, profile, lambda header: self.added.append(header.hash), self.long)
        self.sinks = {}
        self.dice = random.Random(1)

    def sink(self, peer):
        if peer not in self.sinks:
            self.sinks[peer] = self.long.sink(peer)
        return self.sinks[peer]

    def stream(self, data, peer, stop=None, length=None):
        """Hand over a long header in pieces; without the rest from `stop` on."""
        sink = self.sink(peer)
        end = len(data) if stop is None else stop
        sink.begin(bytearray(data[:BUFFER]), BUFFER, len(data) if length is None else length)
        at = BUFFER
        while at < end:
            n = self.dice.randint(1, min(300, end - at))
            piece = b"before" + data[at : at + n] + b"after"
            sink.write(bytearray(piece), 6, 6 + n)
            at += n
        if stop is None:
            sink.finish()
        return sink

    def add(self, data, peer="e1", length=None):
        if len(data) <= BUFFER:
            return self.follower.offer(data, 0, len(data), self.now_slot)
        return self.follower.offer_long(self.stream(data, peer, length=length), self.now_slot)

    @property
    def best(self):
        return self.chain.tree.hash(self.chain.tree.best)


def chain_of(blocks, **options):
    devnet = DevChain(TINY, seed=5, keys=10, **options)
    start = of_devnet(devnet)
    return devnet, start, devnet.advance(blocks)


def at_the_mark(blocks=30):
    """A board that has followed up to the last header before an epoch mark, that header's data, and the chain."""
    devnet, start, made = chain_of(blocks)
    last = max(i for i, block in enumerate(made) if Header(TINY, block.header).epoch_mark)
    board = Board(start)
    for block in made[:last]:
        assert board.add(block.header) == ADDED
    return board, made[last], devnet


@pytest.mark.parametrize("options", [{}, {"contests": "always"}, {"fork_rate": 0.25, "offline": 0.17}])
@pytest.mark.parametrize("knows_length", [True, False])
def test_follows_a_chain_to_the_same_head(options, knows_length):
    devnet, start, blocks = chain_of(120, **options)
    board = Board(start)
    for block in blocks:
        assert board.add(block.header, length=None if knows_length else 0) == ADDED
    assert board.best == devnet.best.hash and board.added == [block.hash for block in blocks]
    long = sum(len(block.header) > BUFFER for block in blocks)
    assert board.long.written == long > 10 and board.long.allowance.wasted == 0
    assert board.chain.adopted_marks >= 7 and not board.chain.refused
    # One sector is enough for a header of tiny, and each is erased once for it.
    assert board.scratch.sectors_erased == long


def test_a_stored_header_reads_like_one_in_memory():
    _, start, blocks = chain_of(60, contests="always")
    board = Board(start)
    kinds = set()
    for block in blocks:
        whole = Header(TINY, block.header, 0, len(block.header))
        if len(block.header) > BUFFER:
            stored = board.stream(block.header, "e1").header
            kinds.add((whole.epoch_mark, whole.tickets_mark, bool(whole.offenders_count)))
            names = ["parent", "prior_state_root", "extrinsic_hash", "slot", "author", "hash", "unsigned",
                     "seal", "entropy_signature", "epoch_mark", "tickets_mark", "offenders_count"]
            if whole.epoch_mark:
                names += ["mark_entropy", "mark_tickets_entropy", "mark_keys"]
                assert stored.marked_keys().whole() == whole.marked_keys().whole() == whole.mark_keys
            if whole.tickets_mark:
                names += ["tickets"]
                assert stored.marked_tickets().whole() == whole.marked_tickets().whole() == whole.tickets
            assert {name: getattr(stored, name) for name in names} == {name: getattr(whole, name) for name in names}
            assert [stored.offender(i) for i in range(stored.offenders_count)] == [
                whole.offender(i) for i in range(whole.offenders_count)]
            board.sink("e1").drop()
            board.now += 10**9
        assert board.add(block.header) == ADDED
    assert len(kinds) >= 3


def test_what_is_wrong_at_the_beginning_costs_no_flash():
    board, block, devnet = at_the_mark()
    data = block.header
    written = board.scratch.bytes_written
    slot = int.from_bytes(data[96:100], "little")

    def at_slot(number):
        return data[:96] + number.to_bytes(4, "little") + data[100:]

    table = (
        (at_slot(slot - 12), "slot"),
        (data[:100] + b"\2" + data[101:], "codec"),
        (data[:100] + b"\0\1" + data[102:], "epoch_mark"),
        (data[:101] + bytes(32) + data[133:], "mark_entropy"),
        (data[:133] + bytes(32) + data[165:], "mark_entropy"),
        (data[:100] + b"\0\0" + data[102:], "epoch_mark"),
        (data + b"\0" * 5, "codec"),  # no number of offenders makes this length
        (data[:-3], "codec"),
        (data[: BUFFER + 9], "codec"),
    )
    for bad, rule in table:
        with pytest.raises(VerifyError) as error:
            board.add(bad)
        assert error.value.rule == rule
    assert board.chain.refused == {"epoch_mark": 2, "slot": 1, "codec": 4, "mark_entropy": 2}
    assert board.add(bytes(32) + data[32:]) == ORPHAN
    assert board.sink("e1").hash == Header(TINY, bytes(32) + data[32:]).hash and board.sink("e1").slot == slot
    assert board.add(bytes(32) + at_slot(0)[32:]) == STALE
    board.now_slot = slot - 2
    assert board.add(data) == FUTURE
    assert board.scratch.bytes_written == written and board.long.allowance.wasted == 0
    board.now_slot = slot - 1
    assert board.add(data) == ADDED
    board.now_slot = -1
    written = board.scratch.bytes_written
    with pytest.raises(VerifyError) as error:
        board.add(block.hash + at_slot(slot + 1)[32:])  # where no mark is due
    assert error.value.rule == "epoch_mark" and board.scratch.bytes_written == written


def test_a_header_longer_than_the_area_is_our_bound():
    board, block, _ = at_the_mark()
    with pytest.raises(BudgetError) as error:
        board.add(block.header, length=SECTOR + 1)
    assert error.value.limit == "scratch"
    # Of one whose length is not known it is found out on the way, and the area is free again.
    with pytest.raises(BudgetError) as error:
        board.stream(block.header + bytes(SECTOR), "e1", length=0)
    assert error.value.limit == "scratch"
    board.sink("e1").drop()
    assert board.add(block.header, "e2") == ADDED
    with pytest.raises(LocalError, match="scratch area"):
        LongHeaders(board.chain, type("None", (), {"size": 400})(), Profile(), int, int)


def test_every_damaged_byte_is_refused_in_the_second_pass():
    board, block, _ = at_the_mark()
    data = block.header
    for at in [*range(165, len(data), 9), len(data) - 97, len(data) - 96, len(data) - 1]:
        bad = bytearray(data)
        bad[at] ^= 1 << (at & 7)
        with pytest.raises(VerifyError):
            board.add(bytes(bad), f"e{at}")
        assert board.long.writer is None
        board.now += 10**9
    assert board.chain.tree.find(block.hash) == NONE and board.sets_area.bytes_written > 0
    assert board.add(data) == ADDED


def test_no_set_is_written_for_a_header_that_is_refused():
    board, block, _ = at_the_mark()
    before = board.chain._table.sets.sets_written
    with pytest.raises(VerifyError) as error:
        board.add(block.header[:-96] + bytes(96))
    assert error.value.rule == "seal" and board.chain._table.sets.sets_written == before
    board.now += 10**9
    assert board.add(block.header) == ADDED and board.chain._table.sets.sets_written == before + 1


def test_streams_that_are_cut_do_not_shut_out_the_only_peer():
    board, block, _ = at_the_mark()
    for _ in range(3):
        board.stream(block.header, "e1", stop=BUFFER + 200).drop()
    assert board.long.allowance.wasted == 3
    assert board.add(block.header, "e1") == ADDED and board.long.allowance.wasted == 3


def test_one_peer_wastes_half_of_the_writes_and_all_together_a_few():
    board, block, _ = at_the_mark()
    bad = block.header[:-96] + bytes(96)
    erased = board.scratch.sectors_erased
    for _ in range(9):
        board.stream(block.header, "e1", stop=BUFFER + 200).drop()
    assert board.scratch.sectors_erased <= erased + 4 and board.long.allowance.wasted == 4
    assert board.add(block.header, "e1") == HELD, "it has to wait, good or not"
    with pytest.raises(VerifyError):
        board.add(bad, "e2")
    assert board.add(bad, "e2") == HELD, "one that was bad is its last one of this epoch"
    assert board.long.allowance.wasted == 5
    for number in range(3, 20):
        try:
            assert board.add(bad, f"e{number}") == HELD
        except VerifyError as error:
            assert error.rule == "seal"
    assert board.long.allowance.wasted == 8 and board.scratch.sectors_erased <= erased + 8
    assert board.add(block.header, "e99") == HELD
    board.now += Profile.scratch_refill_ms - 1
    assert board.add(block.header, "e99") == HELD
    board.now += 1
    assert board.add(block.header, "e99") == ADDED
    assert board.long.allowance.wasted == 8


def test_the_allowance_of_a_day():
    allowance = Allowance(Profile.scratch_writes, Profile.scratch_refill_ms)
    taken = 0
    for minute in range(24 * 60):
        for peer in range(40):
            taken += allowance.take(f"e{peer} {minute}", 7, minute * 60_000)
    assert taken == allowance.wasted == 8 + 71  # as the module says: 80 at most
    allowance = Allowance(4, 1000)
    assert allowance.take("e1", 7, 0) and allowance.take("e1", 7, 1) and not allowance.take("e1", 7, 999)
    assert allowance.take("e1", 8, 999)
    assert allowance.take("e1", 7, 1001)
    allowance.end("e1", 7, True, 1001)
    assert allowance.take("e1", 7, 1002)
    allowance.end("e1", 7, False, 1003)
    assert not allowance.take("e1", 7, 1900) and allowance.take("e1", 7, 2003)


def test_one_header_at_a_time():
    board, block, _ = at_the_mark()
    board.stream(block.header, "slow", stop=BUFFER + 30)
    assert board.add(block.header, "quick") == HELD and board.long.allowance.wasted == 1
    board.sink("slow").drop()
    assert board.add(block.header, "quick") == ADDED
    # A connection that is begun again forgets what it had begun.
    written = board.long.written
    assert board.add(block.header, "slow") == KNOWN and board.long.written == written


def test_a_second_header_of_a_slot_is_hashed_first():
    board, block, devnet = at_the_mark()
    fork = devnet.fork_from(block.parent)
    other = fork.author(block.slot, fault=Different(1))
    assert board.add(block.header, "e1") == ADDED
    written = board.long.written
    assert board.add(block.header, "e2") == KNOWN and board.sink("e2").hash == block.hash
    assert board.add(other.header, "e2") == HELD
    assert board.long.written == written
    assert board.add(other.header, "e3") == ADDED, "the second time it is wanted"
    assert board.chain.equivocations == 1
    assert board.long.written == written + 1


def test_a_long_child_brings_in_what_was_kept_aside():
    # Before an epoch mark the network built on another seal of a header than we were told first.
    devnet, start, made = chain_of(30)
    last = max(i for i, block in enumerate(made) if Header(TINY, block.header).epoch_mark)
    parent, child = made[last - 1], made[last]
    board = Board(start)
    for block in made[: last - 1]:
        board.add(block.header)
    c = int.from_bytes(parent.header[-64:-32], "little") + ORDER
    variant = parent.header[:-64] + c.to_bytes(32, "little") + parent.header[-32:]
    assert board.add(variant) == ADDED
    if len(parent.header) > BUFFER:
        pytest.skip("the parent has a mark itself")
    assert board.add(parent.header) == HELD
    assert board.add(child.header, "e2") == ADDED
    assert board.chain.tree.find(parent.hash) != NONE and board.best == child.hash
    # A forged child of a header that is kept aside brings in nothing.
    assert board.long.allowance.wasted == 0


def test_a_gap_is_filled_with_long_headers_in_it():
    devnet, start, made = chain_of(40)
    board = Board(start)
    gap = Gap(board.follower, Profile())
    gap.named(made[-1].hash, made[-1].slot)
    asked, direction, _ = gap.next_request()
    assert asked == start.header_hash
    for block in made:
        if len(block.header) > BUFFER:
            gap.long_header(board.stream(block.header, "e1"), -1)
        else:
            gap.header(block.header, 0, len(block.header), -1)
    gap.done(-1)
    assert board.best == made[-1].hash and gap.next_request() is None


def test_forged_keys_are_kept_no_longer_than_their_branch():
    chain = DevChain(TINY, seed=21, keys=5, contests="never", offences=False)
    start = of_devnet(chain)
    board = Board(start)
    for block in chain.advance(20):
        board.add(block.header)
    while TINY.phase(chain.best.slot + 1):
        for block in chain.advance(1):
            board.add(block.header)
    forged = author_alone(chain.fork_from(chain.best), ForgedKeys(), 20)
    honest = chain.advance(60)
    for block in forged[:6]:
        assert board.add(block.header, "liar") == ADDED
    sets = board.chain._table.sets
    names = {board.chain.levels.epoch(board.chain.tree.find(forged[0].hash)).next_keys.digest()}
    assert board.add(honest[0].header) == HELD  # of the forged one's slot: the first time it is only hashed
    for block in honest:
        assert board.add(block.header) == ADDED
    assert board.best == honest[-1].hash
    live = {one.digest() for epoch in board.chain.epochs if epoch for one in (epoch.keys, epoch.next_keys)}
    assert not names & live and sets.free(0) > PAIRS // 2


def test_head_bytes_are_what_the_checks_need():
    assert HEAD_BYTES == 3 * 32 + 4 + 1 + 2 * 32 <= TINY.plain_header_size

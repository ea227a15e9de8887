"""The checkpoint of a board: whatever byte the power is cut at, the old one or the new one is there, whole."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.flash_sets import FlashSets
from jamliquor_lite.chain.keeper import Keeper, provision
from jamliquor_lite.chain.sets import KEYS, TICKETS, held
from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.errors import LocalError, VerifyError
from tests.chain.genesis import SMALL
from tests.ports.flash_device import SECTOR, CutMemory, PowerCut, Slots, area_over

PAIRS = 5


def checkpoint(number):
    """The sets move on from one to the next as they do at an epoch's change; every third epoch is fallback."""
    def made(what, size):
        return random.Random(f"{what} {number}").randbytes(size)

    def keys(epoch):
        return random.Random(f"keys {epoch}").randbytes(64 * SMALL.validators)

    tickets = next_tickets = fallback = None
    if number % 3:
        tickets = random.Random(f"tickets {number}").randbytes(33 * SMALL.epoch_length)
    elif number == 0:
        fallback = made("fallback", 32 * SMALL.epoch_length)
    if (number + 1) % 3:
        next_tickets = random.Random(f"tickets {number + 1}").randbytes(33 * SMALL.epoch_length)
    return Checkpoint(b"g" * 32, SMALL, made("header", 32), number * SMALL.epoch_length + 3,
                      [made(i, 32) for i in range(4)], keys(number), keys(number + 1), tickets, fallback, next_tickets,
                      number, "jamnp-pr6-737b8ae", True)


class Board:
    """Flash and files that outlive a reset."""

    def __init__(self):
        self.memory = CutMemory(PAIRS * 2 * SECTOR)
        self.files = Slots(self.memory)
        self.boot()

    def boot(self):
        self.memory.left = None
        self.sets = FlashSets(area_over(self.memory), SMALL, 1000)
        self.keeper = Keeper(TwoSlot(self.files), self.sets)
        return self.keeper.load()


def crowd(board):
    """What forks may bring meanwhile: sets for every place that is not held on to; then they are let go."""
    for kind, size in ((KEYS, 64 * SMALL.validators), (TICKETS, 33 * SMALL.epoch_length)):
        while board.sets.free(kind):
            board.sets.put(kind, held(random.randbytes(size)), 0)
    board.sets.retain([])


def after(saves):
    board = Board()
    for number in range(saves):
        board.keeper.save(checkpoint(number))
        board.sets.retain([])
        crowd(board)
    return board


def same(found, number):
    return found is not None and found.encode() == checkpoint(number).encode()


def cost(saves):
    """Bytes that the next save writes and erases, with all that wears counted."""
    board = after(saves)
    board.memory.left = 10**9
    board.keeper.save(checkpoint(saves))
    return 10**9 - board.memory.left


@pytest.mark.parametrize("saves", [0, 1, 2, 3, 6])
def test_a_cut_at_any_byte_leaves_the_old_or_the_new_one(saves):
    total = cost(saves)
    assert total > SECTOR + 500
    # every byte of the record and of what comes just before it, and every 29th of the sectors that are erased
    cuts = [*range(0, total - 700, 29), *range(total - 700, total + 1)]
    whole = bytes(after(saves).memory), list(after(saves).files.slots)
    for cut in cuts:
        board = Board()
        bytearray.__setitem__(board.memory, slice(0, len(whole[0])), whole[0])
        board.files.slots = list(whole[1])
        board.boot()
        board.memory.junk = random.Random(cut).randbytes if cut % 2 else None
        board.memory.left = cut
        if cut == total:
            board.keeper.save(checkpoint(saves))
        else:
            with pytest.raises(PowerCut):
                board.keeper.save(checkpoint(saves))
        found = board.boot()
        if cut == total:
            assert same(found, saves)
        elif saves:
            assert same(found, saves - 1), cut
        else:
            assert found is None
        board.keeper.save(checkpoint(saves))  # and it goes on from there
        assert same(board.boot(), saves)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40_000), st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_any_number_of_cuts_never_loses_what_was_acknowledged(cuts):
    board = Board()
    acknowledged, tried = None, -1
    for cut, is_junk, is_reset in cuts:
        number = (-1 if acknowledged is None else acknowledged) + 1
        board.memory.junk = random.Random(cut).randbytes if is_junk else None
        board.memory.left = cut
        try:
            board.keeper.save(checkpoint(number))
            acknowledged = number
        except PowerCut:
            tried, is_reset = number, True
        board.memory.left = None
        if is_reset:
            found = board.boot()
            if acknowledged is None and not same(found, tried):
                assert found is None
            elif not same(found, tried):
                assert same(found, acknowledged)
            if found is not None:
                acknowledged = found.grandpa_set_id
        board.sets.retain([])
        if not cut % 3:
            crowd(board)


def test_a_file_system_that_fails_loses_neither():
    board = after(2)
    write = board.files.write

    def failing(slot, head, payload):
        write(slot, head, payload)  # it may be there all the same
        raise LocalError("no space left on the device")

    board.files.write = failing
    with pytest.raises(LocalError):
        board.keeper.save(checkpoint(2))
    board.files.write = write
    # The chain goes on writing sets; none of either checkpoint's may go.
    board.sets.retain([])
    crowd(board)
    assert same(board.boot(), 2)
    board.files.slots[board.keeper._slots._latest] = b"bad"
    assert same(board.boot(), 1)


def test_the_record_is_small_and_names_what_lies_elsewhere():
    board = after(2)
    record = TwoSlot(board.files).load()
    assert record is not None and len(record) < 700
    with pytest.raises(VerifyError, match="it is a board's"):
        Checkpoint.decode(record)
    other = FlashSets(area_over(CutMemory(PAIRS * 2 * SECTOR)), SMALL, 8)
    with pytest.raises(VerifyError, match="keys are not in flash"):
        Checkpoint.decode(record, other)
    lost = Keeper(TwoSlot(board.files), other)
    assert lost.load() is None and lost.damaged is not None and "not in flash" in lost.damaged


def test_an_image_that_was_made_elsewhere_boots():
    blank = bytearray(b"\xff" * (PAIRS * 2 * SECTOR))
    record = provision(area_over(blank), checkpoint(1))
    board = Board()
    bytearray.__setitem__(board.memory, slice(0, len(blank)), bytes(blank))
    TwoSlot(board.files).save(record)
    assert same(board.boot(), 1) and board.keeper.damaged is None
    for number in (2, 3, 4):
        board.keeper.save(checkpoint(number))
        assert same(board.boot(), number)
    with pytest.raises(LocalError, match="spec custom needs"):
        provision(area_over(bytearray(2 * SECTOR)), checkpoint(1))

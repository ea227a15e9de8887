"""The journal against a model, cut and damaged at random, and what it costs at full spec."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jamliquor_lite.chain.journal import Journal, segment_bytes
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.errors import LocalError
from tests.chain.genesis import SMALL
from tests.chain.journals import DAY_S, PLENTY, Cut, Memory, checkpoint

NOW = 20_000 * DAY_S
SEGMENT = 3_000
JOURNAL_BYTES = 512 * 1024
ROOT_MOVES_S = 900  # the root moves by a quarter of an epoch (chain/light.py): at full spec 150 slots of 6 s


def journal(memory):
    return Journal(memory, SEGMENT, PLENTY)


def number_of(found, spec=SMALL):
    return found.slot // spec.epoch_length * 4 + found.slot % spec.epoch_length


SAVE = st.tuples(st.just("save"), st.integers(1, 9), st.none() | st.binary(max_size=200))
CUT = st.tuples(st.just("cut"), st.integers(0, 2_500), st.none() | st.binary(max_size=200))
RESTART = st.tuples(st.just("restart"), st.none(), st.none())
FULL_DISK = st.tuples(st.just("full"), st.integers(0, 2_500), st.none())


@settings(max_examples=100, deadline=None)
@given(st.lists(SAVE | SAVE | CUT | RESTART | FULL_DISK, min_size=1, max_size=25))
def test_nothing_older_than_what_was_acknowledged_ever_comes_back(steps):
    memory = Memory()
    kept = journal(memory)
    number, acknowledged, peers = 0, None, {None}
    for what, how, more in steps:
        if what == "restart":
            kept = journal(memory)
            found = kept.load()
            assert (found is None) == (acknowledged is None)
            assert kept.peers in peers, "those of the last save, or of one that was cut just behind them"
            peers = {kept.peers}
            assert found is None or number_of(found) == acknowledged
            continue
        number += how if what == "save" else 1
        memory.left = how if what in ("cut", "full") else None
        try:
            assert kept.save(checkpoint(number), NOW, more)
        except Cut:
            peers.add(more)
            if what == "cut":  # that run is over; a full disk is met by one that goes on
                memory.left = None
                kept = journal(memory)
                kept.load()
        else:
            acknowledged = number
            peers = peers if more is None else {more}
        memory.left = None
        again = journal(memory)
        found = again.load()
        assert (found is None) == (acknowledged is None)
        if found is not None:
            assert number_of(found) == acknowledged and found.encode() == checkpoint(acknowledged).encode()
        for segment in memory.segments:
            assert segment is None or len(segment) <= SEGMENT


def spoil(memory, places, draw):
    """Cut or flip a byte of the last write, or any bit of what is there."""
    spoiled = memory.copy()
    segment = draw.choice([at for at in (0, 1) if memory.segments[at]])
    data = memory.segments[segment]
    at = draw.randrange(len(data))
    places.add((segment, at))
    if draw.random() < 0.5:
        spoiled.segments[segment] = data[:at]
        return spoiled, segment, at, True
    spoiled.segments[segment] = data[:at] + bytes((data[at] ^ 1 << draw.randrange(8),)) + data[at + 1 :]
    return spoiled, segment, at, False


@pytest.mark.parametrize("places", [100, pytest.param(1_000, marks=pytest.mark.long)])
def test_at_full_spec_no_cut_or_flipped_bit_leaves_nothing_or_anything_false(places):
    draw = random.Random(7)
    memory, segment_size = Memory(), segment_bytes(FULL, JOURNAL_BYTES)
    kept = Journal(memory, segment_size, PLENTY)
    bodies = {}
    for number in range(22):  # five epochs and a half: the newest segment is half full
        bodies[number] = checkpoint(number, FULL)
        assert kept.save(bodies[number], NOW + number * ROOT_MOVES_S, b"peers")
    newest, done, behind = 21, set(), 0
    while len(done) < places:
        spoiled, segment, at, is_cut = spoil(memory, done, draw)
        again = Journal(spoiled, segment_size, PLENTY)
        found = again.load()
        assert found is not None, (segment, at, is_cut)
        number = found.slot // FULL.epoch_length * 4 + found.slot % FULL.epoch_length
        assert found.encode() == bodies[number].encode(), "a state that was once acknowledged, whole"
        behind = max(behind, newest - number)
        if number < newest and not is_cut:
            assert "journal.%d: bytes " % segment in again.damaged and "\n" not in again.damaged
        if segment != kept._active:
            assert number == newest, "the other segment is not needed"
        assert again.save(checkpoint(22, FULL), NOW) and Journal(spoiled, segment_size, PLENTY).load().slot > found.slot
    print("full spec: %d places spoiled, at worst %d of 22 states back" % (places, behind))


@pytest.mark.parametrize("spec", [FULL, TINY], ids=["full", "tiny"])
def test_a_day_of_it_is_within_its_bounds(spec, capsys):
    memory = Memory()
    bound = segment_bytes(spec, JOURNAL_BYTES)
    day_bytes = 16 << 20
    kept = Journal(memory, bound, day_bytes)
    quarter_s = spec.epoch_length * spec.slot_seconds // 4
    most, blocks_most, saves = 0, 0, 0
    for number in range(DAY_S // quarter_s):
        saves += kept.save(checkpoint(number, spec), NOW + number * quarter_s, b"p" * 3_000)
        most = max(most, sum(len(segment or b"") for segment in memory.segments))
        blocks_most = max(blocks_most, kept.wear.used)
    assert most <= 2 * bound and most <= (512 if spec is FULL else 64) * 1024
    assert kept.written <= blocks_most <= day_bytes
    assert Journal(memory, bound, day_bytes).load() is not None
    if spec is FULL:
        assert kept.skipped == 0 and kept.written < 5 << 20, "every one of a quarter of an hour"
    with capsys.disabled():
        print("\n%s: %d saves a day, %d skipped, %d begun segments, %d sets; %d bytes at most, %d written a day "
              "(%d in blocks)" % (spec.name, saves, kept.skipped, kept.switches, kept.sets_written, most, kept.written,
                                  blocks_most))


def test_one_that_needs_more_than_a_segment_is_refused_in_one_line():
    with pytest.raises(LocalError, match="journal: [0-9]+ bytes at once, a segment has 600") as caught:
        Journal(Memory(), 600, PLENTY).save(checkpoint(0), NOW)
    assert caught.value.exit_code == 2

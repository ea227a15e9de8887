# portable: runs on CPython and MicroPython
"""The journal: cut at every byte, damaged at every byte, and never older than what it has acknowledged."""

import sys

from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.journal import SET, Journal, least_segment, scan, segment_bytes
from jamliquor_lite.chain.wear import BLOCK_BYTES, Wear, blocks
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.errors import LocalError
from tests.chain.genesis import SMALL
from tests.chain.journals import DAY_S, PLENTY, Cut, Memory, checkpoint
from tests.support import raises

NOW = 20_000 * DAY_S
SEGMENT = 3_000  # so that a test sees many switches; room for a SMALL head with its sets, and two more
EPOCHS = 14_000  # room for what three epochs bring
# Every byte on CPython; MicroPython's hash is Python too in the build that tests run on, so there it is one in so many.
STEP = 1 if sys.implementation.name == "cpython" else 311


def journal(memory: Memory, day_bytes: int = PLENTY, segment: int = SEGMENT) -> Journal:
    return Journal(memory, segment, day_bytes)


def loaded(memory: Memory) -> "tuple[Checkpoint | None, str | None]":
    found = journal(memory)
    return found.load(), found.damaged


def is_number(found: "Checkpoint | None", number: int) -> bool:
    return found is not None and found.encode() == checkpoint(number).encode()


def after(saves: int) -> Memory:
    memory = Memory()
    kept = journal(memory)
    for number in range(saves):
        assert kept.save(checkpoint(number), NOW)
    return memory


def test_a_fresh_journal_has_nothing_to_say() -> None:
    assert loaded(Memory()) == (None, None)


def test_what_was_saved_comes_back_and_a_segment_has_no_set_twice() -> None:
    memory = Memory()
    kept = journal(memory, segment=EPOCHS)
    names = set()
    for number in range(60 if STEP == 1 else 52):
        assert kept.save(checkpoint(number), NOW)
        names.update([one.digest() for one in checkpoint(number).sets() if one is not None])
        found, damaged = loaded(memory)
        assert is_number(found, number) and damaged is None
        assert kept.save(checkpoint(number), NOW), "and it is there already"
    assert len(memory.writes) == number + 1 and kept.switches >= 3
    assert len(names) < kept.sets_written <= len(names) + 4 * kept.switches
    for segment in memory.segments:
        assert segment is not None and len(segment) <= EPOCHS
        payloads = [segment[at : at + size] for kind, _, at, size in scan(segment)[0] if kind == SET]
        assert len(set(payloads)) == len(payloads) > 4


def test_another_run_goes_on_where_one_ended() -> None:
    memory = Memory()
    for number in range(40):
        kept = journal(memory)
        if number % 2:  # a save loads by itself
            assert is_number(kept.load(), number - 1)
        assert kept.save(checkpoint(number), NOW)
    assert is_number(loaded(memory)[0], 39)


def test_peers_are_kept_with_it_and_through_switches() -> None:
    memory = Memory()
    kept = journal(memory)
    for number in range(30):
        assert kept.save(checkpoint(number), NOW, b"peers of %d" % (number // 7 * 7) if number % 7 == 0 else None)
        again = journal(memory)
        assert is_number(again.load(), number) and again.peers == b"peers of %d" % (number // 7 * 7)
    assert kept.save(checkpoint(29), NOW, b"others"), "peers alone"
    again = journal(memory)
    assert is_number(again.load(), 29) and again.peers == b"others"


def test_a_cut_at_any_byte_leaves_the_old_one_or_the_new_one() -> None:
    switches = 0
    for saves in (0, 1, 2, 3, 6):
        whole = after(saves)
        trial = whole.copy()
        trial.left = 1 << 20
        kept = journal(trial)
        kept.load()
        assert kept.save(checkpoint(saves), NOW, b"p" * 40)
        switches += kept.switches
        total = (1 << 20) - trial.left
        for cut in list(range(0, total, STEP)) + [total]:
            memory = whole.copy()
            kept = journal(memory)
            kept.load()
            memory.left = cut
            if cut < total:
                raises(Cut, kept.save, checkpoint(saves), NOW, b"p" * 40)
            else:
                assert kept.save(checkpoint(saves), NOW, b"p" * 40)
            memory.left = None
            found, damaged = loaded(memory)
            assert is_number(found, saves if cut == total else saves - 1) if saves or cut == total else found is None
            if damaged is not None:
                assert cut < total and "journal." in damaged
                assert ("going on from slot" if saves else "nothing is left") in damaged
            if cut % 41 == 0 and cut % STEP == 0:  # the run that met the error goes on, and so does another one
                for again in (kept, journal(memory)):
                    assert again.save(checkpoint(saves + 1), NOW)
                    assert is_number(loaded(memory)[0], saves + 1)
    assert switches == 3


def test_a_flipped_bit_anywhere_leaves_the_last_good_state_and_says_so() -> None:
    for saves in (3, 9):
        good = after(saves)
        for segment in (0, 1):
            data = good.segments[segment]
            for at in range(0, len(data or b""), STEP):
                assert data is not None
                memory = good.copy()
                memory.segments[segment] = data[:at] + bytes((data[at] ^ (1 << at % 8),)) + data[at + 1 :]
                kept = journal(memory)
                found = kept.load()
                assert kept.damaged is not None and "\n" not in kept.damaged
                assert "journal.%d: bytes " % segment in kept.damaged
                if found is None:
                    assert not good.segments[1] and "nothing is left of it" in kept.damaged
                else:
                    number = found.slot // SMALL.epoch_length * 4 + found.slot % SMALL.epoch_length
                    assert number < saves and is_number(found, number)
                    assert "going on from slot %d" % found.slot in kept.damaged
                if at % 61 == 0 or STEP > 1:
                    assert kept.save(checkpoint(saves), NOW)
                    assert is_number(loaded(memory)[0], saves)
                    assert kept.save(checkpoint(saves + 1), NOW)
                    assert is_number(loaded(memory)[0], saves + 1)


def test_what_a_payload_pretends_is_no_record() -> None:
    memory = after(5)
    data = memory.segments[0]
    assert data is not None
    records, lost = scan(data)
    assert lost == [] and len(records) >= 5
    # The journal itself, as a peers record with its beginning damaged: nothing within it is taken for a record.
    kept = journal(memory)
    kept.load()
    assert kept.save(checkpoint(5), NOW, data[:900])
    segment, at, _ = memory.writes[-1]
    whole = memory.segments[segment]
    assert whole is not None
    start = whole.find(b"JR\3", at)
    memory.segments[segment] = whole[:start] + b"xx" + whole[start + 2 :]
    again = journal(memory)
    assert is_number(again.load(), 5) and again.peers is None and again.damaged is not None


def test_junk_instead_of_a_segment_is_passed_over() -> None:
    for junk in (b"", b"x", bytes(4_000), b"\xff" * 4_000, b"JR" * 2_000,
                 b"JR\1\0\1\0\0\0\xff\xff\xff\xff" + bytes(90)):
        memory = Memory([junk, junk])
        found, damaged = loaded(memory)
        assert found is None and (damaged is None) == (junk == b"")
        kept = journal(memory)
        for number in range(12):
            assert kept.save(checkpoint(number), NOW)
            assert is_number(loaded(memory)[0], number)


def test_the_days_allowance_is_spread_and_sets_come_before_heads() -> None:
    memory = Memory()
    kept = journal(memory, 100 * BLOCK_BYTES)
    seconds, saved, last, most = NOW, 0, -1, 0
    for number in range(0, 1_200, STEP):  # in a day, one in 72 s; four an epoch
        if kept.save(checkpoint(number), seconds):
            saved += 1
            last = number
        seconds += 72 * STEP
        most = max(most, kept.wear.used)
        assert kept.wear.used <= 100 * BLOCK_BYTES * (seconds - NOW + 3_600) // (DAY_S + 3_600) + BLOCK_BYTES
    assert most <= 100 * BLOCK_BYTES
    if STEP == 1:
        assert 40 <= saved <= 100 and kept.skipped == 1_200 - saved
        assert last > 1_150, "not all of it in the morning"
    used = kept.wear.used
    again = journal(memory, 100 * BLOCK_BYTES)
    assert is_number(again.load(), last)
    assert abs(again.wear.used - used) <= 2 * BLOCK_BYTES, "who restarts it gains nothing"
    assert again.save(checkpoint(1_300), NOW + DAY_S), "another day"
    assert again.wear.used <= 2 * BLOCK_BYTES


def test_wear_counts_blocks() -> None:
    assert [blocks(0, 0), blocks(0, 1), blocks(4_095, 1), blocks(4_095, 2), blocks(10, 8_192)] == [
        0, 4_096, 4_096, 8_192, 12_288]
    wear = Wear(25 * 4_096)
    assert wear.may(4_096, 0) and not wear.may(8_192, 0)
    wear.spend(4_096, 0)
    assert not wear.may(4_096, 0) and wear.may(4_096, 3_600) and not wear.may(4_096, 3_600, 500)
    assert wear.may(23 * 4_096, DAY_S - 1) and not wear.may(25 * 4_096, DAY_S - 1)
    assert wear.may(4_096, DAY_S) and wear.used == 4_096


def test_segments_by_spec() -> None:
    assert segment_bytes(TINY, 512 * 1024) == 32 * 1024
    assert segment_bytes(FULL, 512 * 1024) == 256 * 1024
    assert least_segment(FULL) <= 256 * 1024 and least_segment(TINY) <= 32 * 1024
    error = raises(LocalError, segment_bytes, FULL, 256 * 1024)
    assert error.exit_code == 2 and "too small for spec full" in str(error)

# portable: runs on CPython and MicroPython
"""Sets in flash: written once each, found again by their hash, in turn, never over one that somebody refers to."""

import gc

from jamliquor_lite.chain.flash_sets import FlashSets, place_bytes
from jamliquor_lite.chain.sets import FALLBACK, KEYS, TICKETS, Held, Window, held
from jamliquor_lite.codec.spec import FULL, Spec
from jamliquor_lite.errors import BudgetError, LocalError
from tests.chain.genesis import SMALL
from tests.chain.samples import Random
from tests.ports.flash_device import SECTOR, area_over, fresh
from tests.support import raises

PAIRS = 5


def keys(seed, spec=SMALL):
    return Random(seed).bytes(64 * spec.validators)


def tickets(seed, spec=SMALL):
    return Random(1000 + seed).bytes(33 * spec.epoch_length)


def store(memory=None, set_writes=100):
    return FlashSets(area_over(fresh(PAIRS * 2 * SECTOR) if memory is None else memory), SMALL, set_writes)


def test_a_set_reads_like_one_in_memory():
    specs = [(SMALL, 8), (Spec("custom", 70, 120, 100, 2, 2, 6), 12)]  # of one sector a set, and of two
    for spec, sectors in specs:
        gc.collect()
        sets = FlashSets(area_over(fresh(sectors * SECTOR)), spec, 8)
        for kind, data, step in ((KEYS, keys(1, spec), 64), (TICKETS, tickets(1, spec), 33),
                                 (FALLBACK, Random(2).bytes(32 * spec.epoch_length), 32)):
            one, memory = sets.put(kind, Held(data), 0), Held(data)
            assert one.size == memory.size == len(data) and one.whole() == memory.whole() == data
            assert one.digest() == memory.digest() == sets.digest(one)
            for at, count in ((0, 32), (step, 1), (len(data) - 5, 5), (7, 0)):
                assert one.take(at, count) == data[at : at + count] == memory.take(at, count)
            for number in (0, 1, len(data) // step - 1):
                field = data[number * step : number * step + 32]
                assert one.find(field, step) == memory.find(field, step) == number
            for missing in (data[5:37], b"\xff" * 32, bytes(32)):
                assert one.find(missing, step) == memory.find(missing, step) == -1
            for source in (one, memory):
                buf = bytearray(b"...........")
                source.read_into(3, buf, 2, 9)
                assert buf == b".." + data[3:10] + b".."


def test_a_window_is_a_stretch_of_an_area():
    area = area_over(fresh(SECTOR))
    area.erase(0, SECTOR)
    data = keys(3)
    area.write(100, data, 0, len(data))
    window = Window(area, 100, len(data))
    assert window.whole() == data and window.digest() == Held(data).digest()
    assert window.find(data[64:96], 64) == 1 and window.find(data[32:64], 64) == -1
    assert window.take(64, 32) == data[64:96]
    kept = store().put(KEYS, window, 0)
    assert kept.whole() == data


def test_the_same_set_is_written_once():
    memory = fresh(PAIRS * 2 * SECTOR)
    sets = store(memory)
    one = sets.put(KEYS, held(keys(1)), 0)
    erased, written = sets.area.sectors_erased, sets.area.bytes_written
    assert erased == 1 and written <= SECTOR
    assert sets.put(KEYS, held(keys(1)), 7).place == one.place and sets.put(KEYS, one, 7) is one
    assert sets.put(TICKETS, held(tickets(1)), 0).whole() == tickets(1)
    assert sets.area.sectors_erased == erased + 1 and sets.sets_written == 2
    again = store(memory)  # after a reset
    assert again.put(KEYS, held(keys(1)), 9).place == one.place and again.sets_written == 0
    found = again.open(KEYS, one.digest())
    assert found is not None and found.whole() == keys(1)
    assert again.open(TICKETS, one.digest()) is None and again.open(KEYS, bytes(32)) is None


def test_places_are_written_in_turn_and_not_while_in_use():
    memory = fresh(PAIRS * 2 * SECTOR)
    sets = store(memory)
    used = [sets.put(KEYS, held(keys(i)), 0) for i in range(PAIRS)]
    assert sorted([one.place for one in used]) == list(range(PAIRS)) and sets.free(KEYS) == 0
    assert raises(BudgetError, sets.put, KEYS, held(keys(50)), 0).limit == "sets"
    sets.put(TICKETS, held(tickets(50)), 0)  # of those there are others
    sets.pin(used[1:2])
    sets.retain(used[3:])
    assert sets.free(KEYS) == 2
    a = sets.put(KEYS, held(keys(51)), 0)
    b = sets.put(KEYS, held(keys(52)), 0)
    assert [a.place, b.place] == [used[0].place, used[2].place]
    assert raises(BudgetError, sets.put, KEYS, held(keys(53)), 0).limit == "sets"
    assert used[1].whole() == keys(1) and used[3].whole() == keys(3) and used[4].whole() == keys(4)
    # A reset goes on behind the youngest: else the first places would wear out before the others.
    again = store(memory)
    assert again.put(KEYS, held(keys(54)), 0).place == (b.place + 1) % PAIRS


def test_wear_is_even():
    memory = fresh(PAIRS * 2 * SECTOR)
    worn = {}
    for i in range(4 * PAIRS):
        sets = store(memory)
        place = sets.put(KEYS, held(keys(i)), i).place
        worn[place] = worn.get(place, 0) + 1
    assert worn == {place: 4 for place in range(PAIRS)}


def test_writes_of_an_epoch_are_bounded():
    sets = store(None, 2)
    for kind, make in ((KEYS, keys), (TICKETS, tickets)):
        for i in range(2):
            sets.put(kind, held(make(i)), 5)
            sets.retain([])
        assert raises(BudgetError, sets.put, kind, held(make(2)), 5).limit == "set_writes"
        sets.put(kind, held(make(1)), 5)  # is there
    # An older epoch (a fork, a peer far behind) has no allowance of its own; the next one has.
    assert raises(BudgetError, sets.put, KEYS, held(keys(3)), 4).limit == "set_writes"
    sets.put(KEYS, held(keys(3)), 6)


def test_damage_is_noticed():
    memory = fresh(PAIRS * 2 * SECTOR)
    one = store(memory).put(KEYS, held(keys(1)), 0)
    for at in list(range(0, 192, 17)) + list(range(SECTOR - 64, SECTOR, 5)):
        memory[at] ^= 4
        assert store(memory).open(KEYS, one.digest()) is None, at
        memory[at] ^= 4
    assert store(memory).open(KEYS, one.digest()) is not None
    memory[100] ^= 4
    again = store(memory)
    kept = again.put(KEYS, held(keys(1)), 0)
    assert kept.whole() == keys(1) and again.sets_written == 1


def test_an_area_too_small_is_refused_with_the_size_it_takes():
    assert place_bytes(64 * FULL.validators, SECTOR) == 16 * SECTOR == 65536
    assert place_bytes(33 * FULL.epoch_length, SECTOR) == 5 * SECTOR
    error = raises(LocalError, FlashSets, area_over(fresh(16 * SECTOR)), FULL, 8)
    assert error.exit_code == 2 and str(4 * 21 * SECTOR) in str(error)
    wrong = raises(LocalError, store().put, KEYS, held(bytes(64)), 0)
    assert "64 bytes" in str(wrong)

# portable: runs on CPython and MicroPython
"""Lent buffers: how many there are, who gets the last one, what may be given back."""

from jamliquor_lite.budget.pool import Pool, Share
from jamliquor_lite.errors import LocalError
from tests.support import raises, skip


def lend_all(pool, urgent=False):
    found = []
    while True:
        buffer = pool.lend(urgent)
        if buffer is None:
            return found
        found.append(buffer)


def test_lends_as_many_as_there_are_and_no_more():
    pool = Pool("test", 3, 16)
    found = lend_all(pool)
    assert [len(buffer) for buffer in found] == [16] * 3
    assert pool.free == 0 and pool.least_free == 0 and pool.refused == 1
    for i, buffer in enumerate(found):
        buffer[0] = i
    assert [buffer[0] for buffer in found] == [0, 1, 2], "they do not overlap"
    for buffer in found:
        pool.give_back(buffer)
    assert pool.free == pool.count == 3 and pool.least_free == 0


def test_buffers_are_made_once():
    pool = Pool("test", 2, 16)
    first = pool.lend()
    first[3] = 77
    pool.give_back(first)
    again = pool.lend()
    assert again is first and again[3] == 77
    pool.fill()
    other = pool.lend()
    assert other is not first and pool.lend() is None
    pool.give_back(other)
    assert pool.lend() is other


def test_filling_makes_what_is_missing():
    pool = Pool("test", 3, 16)
    lent = pool.lend()
    pool.fill()
    pool.fill()
    found = lend_all(pool)
    assert len(found) == 2 and all(buffer is not lent for buffer in found)


def test_the_reserved_ones_are_for_the_urgent():
    pool = Pool("test", 3, 16, reserved=1)
    assert pool.room() == 2 and pool.room(True) == 3
    assert len(lend_all(pool)) == 2 and pool.free == 1
    assert pool.room() == 0 and pool.room(True) == 1
    assert len(lend_all(pool, True)) == 1 and pool.free == 0
    assert pool.refused == 2


def test_only_what_is_lent_is_taken_back():
    pool = Pool("test", 2, 16)
    other = Pool("other", 2, 16)
    buffer = pool.lend()
    raises(LocalError, pool.give_back, memoryview(bytearray(16)))
    raises(LocalError, pool.give_back, buffer[:])
    raises(LocalError, other.give_back, buffer)
    pool.give_back(buffer)
    raises(LocalError, pool.give_back, buffer)
    assert pool.free == 2 and other.free == 2


def test_impossible_pools_are_refused():
    for count, size, reserved in ((0, 1, 0), (1, 0, 0), (1, 1, 1), (2, 1, -1)):
        raises(ValueError, Pool, "test", count, size, reserved)


def test_a_share_is_a_ceiling():
    pool = Pool("test", 4, 16)
    share = Share(pool, 2)
    assert share.room() == 2
    found = lend_all(share)
    assert len(found) == 2 and share.lent == 2 and share.room() == 0 and pool.free == 2
    assert pool.refused == 0, "the share was used up, not the pool"
    share.give_back(found[0])
    assert share.lent == 1 and share.room() == 1 and pool.free == 3
    rest = lend_all(pool)
    assert share.room() == 0 and share.lend() is None
    for buffer in rest:
        pool.give_back(buffer)
    share.give_back(found[1])
    assert pool.free == 4 and share.lent == 0
    raises(LocalError, share.give_back, found[1])
    assert share.lent == 0


def test_who_holds_nothing_may_take_a_reserved_one():
    pool = Pool("test", 3, 16, reserved=1)
    lend_all(pool)
    one = Share(pool, 2, True)
    assert one.room() == 1
    buffer = one.lend()
    assert buffer is not None and one.room() == 0 and one.lend() is None
    assert Share(pool, 2, True).room() == 0
    one.give_back(buffer)
    assert Share(pool, 2).lend() is None and Share(pool, 2).room() == 0


def test_a_filled_pool_allocates_nothing():
    try:
        import micropython
    except ImportError:
        skip("only MicroPython can lock its heap")
    pool = Pool("test", 40, 16, reserved=1)
    pool.fill()
    share = Share(pool, 39, True)
    lent = [None] * 40
    micropython.heap_lock()
    try:
        for _ in range(5):
            for i in range(39):
                lent[i] = share.lend()
            assert share.lend() is None and pool.free == 1
            for i in range(39):
                share.give_back(lent[i])
    finally:
        micropython.heap_unlock()
    assert pool.free == 40

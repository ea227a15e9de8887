# portable: runs on CPython and MicroPython
"""Lent buffers: how many there are, who gets the last one, what may be given back."""

from jamliquor_lite.budget.pool import Pool, Scope, Share
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
    assert len(found) == 2 and share.used == share.most == 2 and share.room() == 0 and pool.free == 2
    assert pool.refused == 0 and share.refused == 1, "the share was used up, not the pool"
    share.give_back(found[0])
    assert share.used == 1 and share.room() == 1 and pool.free == 3
    rest = lend_all(pool)
    assert share.room() == 0 and share.lend() is None
    for buffer in rest:
        pool.give_back(buffer)
    share.give_back(found[1])
    assert pool.free == pool.count - pool.used == 4 and share.used == 0 and pool.most == 4
    raises(LocalError, share.give_back, found[1])
    assert share.used == 0


def test_a_first_buffer_is_kept_for_who_holds_none():
    pool = Pool("test", 5, 16, reserved=1)
    one, two, three = Share(pool, 2, True), Share(pool, 2, True), Share(pool, 2, True)
    assert pool.kept == 2, "not a third: the others have half of what is not reserved"
    assert len(lend_all(pool)) == 2 and pool.room() == 0 and pool.room(True) == 1
    last = lend_all(pool, True)
    assert len(last) == 1 and pool.free == pool.kept == 2
    assert (one.room(), two.room(), three.room()) == (1, 1, 0) and three.lend(True) is None
    buffer = one.lend()
    assert buffer is not None and one.room() == 0 and one.lend(True) is None and pool.kept == 1
    one.give_back(buffer)
    assert pool.kept == 2 and pool.room(True) == 0, "and again"
    two.close()
    assert pool.kept == 1 and pool.room(True) == 1 and two.room() == 0
    three.close()
    one.close()
    assert pool.kept == pool.keepers == 0


def test_who_comes_when_nothing_is_left_is_next():
    pool = Pool("test", 8, 16, reserved=1)
    greedy = Share(pool, 8)
    held = lend_all(greedy)
    assert len(held) == 7
    late, later = Share(pool, 8, True), Share(pool, 8, True)
    assert (pool.owed, pool.kept, late.room()) == (2, 0, 0) and late.lend() is None
    greedy.give_back(held.pop())
    assert greedy.room() == 0 and greedy.lend() is None and late.room() == later.room() == 1
    buffer = late.lend()
    assert buffer is not None and (pool.owed, pool.kept) == (1, 0) and later.lend() is None
    late.give_back(buffer)
    assert (pool.owed, pool.kept) == (1, 1) and later.lend() is None, "that one is kept for the first of them"
    greedy.give_back(held.pop())
    greedy.give_back(held.pop())
    assert greedy.room() == 1 and later.room() == 2
    later.close()
    assert pool.owed == 0 and greedy.room() == 2
    late.close()
    assert (pool.kept, pool.keepers, greedy.room()) == (0, 0, 3) and len(lend_all(greedy)) == 3


def test_an_urgent_borrower_that_is_refused_is_remembered_until_one_is_served():
    pool = Pool("test", 2, 16, reserved=1)
    share = Share(pool, 2)
    first = share.lend()
    assert share.lend() is None and not pool.is_hungry, "that one was not urgent"
    last = share.lend(True)
    share.give_back(first)
    other = share.lend(True)
    assert other is not None and pool.lend(True) is None and pool.is_hungry and pool.hungry == 1
    share.give_back(last)
    assert pool.lend() is None and pool.is_hungry, "it went to nobody"
    assert pool.lend(True) is last and not pool.is_hungry and pool.hungry == 1


def test_a_spare_one_is_for_the_urgent():
    share = Share(Pool("test", 9, 16), 4, spare=1)
    assert share.room() == 3 and share.room(True) == 4 and len(lend_all(share)) == 3
    assert share.room() == 0 and share.lend(True) is not None and share.lend(True) is None and share.used == 4
    assert Share(Pool("test", 9, 16), 3, spare=1).room() == 3, "a quarter at most"


def test_a_scope_is_a_bound_with_counters():
    scope = Scope(2)
    assert [scope.take() for _ in range(3)] == [True, True, False]
    scope.give_back()
    assert (scope.used, scope.most, scope.refused) == (1, 2, 1) and scope.take()
    scope.give_back(2)
    assert scope.used == 0


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

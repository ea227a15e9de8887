# portable: runs on CPython and MicroPython
"""Bytes in lent chunks: order, limits, and that every chunk finds its way home."""

from jamliquor_lite.budget.pool import Pool
from jamliquor_lite.budget.queue import ByteQueue
from tests.fake_carrier import Dice


def get(queue, count):
    buf = bytearray(count)
    return bytes(buf[: queue.get_into(buf, 0, count)])


def test_bytes_come_out_as_they_went_in():
    pool = Pool("test", 4, 10)
    queue = ByteQueue(pool, 4)
    assert queue.put(b"..abcdefghijklmno..", 2, 17) == 15
    assert queue.size == 15 and queue.chunks == 2 and pool.free == 2
    assert get(queue, 4) == b"abcd" and queue.size == 11
    buf = bytearray(b"########")
    assert queue.get_into(memoryview(buf), 1, 7) == 6 and buf == b"#efghij#"
    assert queue.chunks == 1 and pool.free == 3, "a chunk goes home when its last byte is read"
    assert get(queue, 100) == b"klmno"
    assert queue.size == 0 and queue.chunks == 0 and pool.free == 4


def test_takes_less_when_there_are_no_chunks():
    pool = Pool("test", 3, 10, reserved=1)
    other = pool.lend()
    queue = ByteQueue(pool, 3)
    assert queue.put(bytes(30), 0, 30) == 10 and queue.put(b"x", 0, 1) == 0
    assert queue.room() == 0
    pool.give_back(other)
    assert queue.put(b"abc", 0, 3) == 3 and queue.room() == 7 and queue.chunks == 2
    assert get(queue, 10) == bytes(10) and get(queue, 9) == b"abc"
    assert pool.free == 3


def test_takes_less_at_its_own_limit():
    pool = Pool("test", 9, 10)
    queue = ByteQueue(pool, 2)
    assert queue.put(bytes(30), 0, 30) == 20 and pool.free == 7
    assert get(queue, 9) == bytes(9)
    assert queue.put(b"x", 0, 1) == 0, "a chunk that is not read empty still counts"
    assert get(queue, 1) == bytes(1) and queue.put(b"xy", 0, 2) == 2
    queue.clear()
    assert queue.size == 0 and queue.chunks == 0 and pool.free == 9
    assert get(queue, 5) == b""


def test_empty_ranges_move_nothing():
    pool = Pool("test", 1, 10)
    queue = ByteQueue(pool, 1)
    buf = bytearray(4)
    for start, end in ((0, 0), (3, 3), (3, 1)):
        assert queue.put(b"abcd", start, end) == 0 and pool.free == 1
    queue.put(b"abcd", 0, 4)
    for start, end in ((0, 0), (3, 3), (3, 1)):
        assert queue.get_into(buf, start, end) == 0
    queue.clear()
    queue.clear()
    assert pool.free == 1


def test_whatever_is_done_the_bytes_are_in_order_and_the_chunks_accounted_for():
    for seed in range(1, 30):
        dice = Dice(seed)
        pool = Pool("test", 1 + dice.below(5), 1 + dice.below(9))
        limit = 1 + dice.below(6)
        queue = ByteQueue(pool, limit)
        model = b""
        counter = 0
        for _ in range(300):
            what = dice.below(20)
            if what < 10:
                data = bytes([(counter + i) & 0xFF for i in range(dice.below(25))])
                n = queue.put(data, 0, len(data))
                model += data[:n]
                counter += n
                assert n == len(data) or pool.free == 0 or queue.chunks == limit
                assert n == len(data) or queue.room() == 0
            elif what < 19:
                n = dice.below(25)
                assert get(queue, n) == model[:n]
                model = model[n:]
            else:
                queue.clear()
                model = b""
            assert queue.size == len(model) and queue.chunks <= limit
            assert pool.free == pool.count - queue.chunks and bool(queue.size) == bool(queue.chunks)
        assert get(queue, 1000) == model and pool.free == pool.count

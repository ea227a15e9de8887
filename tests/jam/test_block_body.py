# portable: runs on CPython and MicroPython
"""The block skipper: foreign blocks and blocks of our own, cut everywhere; and what is refused."""

from jamliquor_lite.codec.cbor import loads
from jamliquor_lite.codec.natural import encode
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.crypto.suite import blake2b_256
from jamliquor_lite.errors import BudgetError, VerifyError
from jamliquor_lite.jam.block_body import Skipper
from jamliquor_lite.jam.events import BLOCK, HEADER, NOTHING
from tests.fake_carrier import Dice
from tests.jam.blocks import EMPTY_EXTRINSIC, block, header
from tests.support import raises, read, skip, vectors

MOST = 1 << 20


def walk(skipper, data, sizes):
    """Feed `data` in pieces of sizes(); [(header, block size)]."""
    found = []
    head = None
    at = 0
    view = memoryview(data)
    while at < len(data):
        end = min(len(data), at + sizes())
        while at < end:
            n = skipper.feed(view, at, end)
            assert 0 <= n <= end - at
            at += n
            if skipper.event == HEADER:
                assert head is None
                head = bytes(skipper.header_buf[: skipper.header_end])
            elif skipper.event == BLOCK:
                found.append((head, skipper.block_bytes))
                head = None
            else:
                assert skipper.event == NOTHING and at == end
    return found


def new_skipper(spec, most=MOST):
    return Skipper(spec, bytearray(spec.max_header_size), most)


def ways():
    """Ways to cut: whole, a byte at a time, odd pieces, random."""
    dice = Dice(11)
    return (lambda: MOST, lambda: 1, lambda: 13, lambda: 1 + dice.below(400))


def check_chain(name):
    path = vectors(name)
    try:
        chain = loads(read(path))
        everything = b"".join([entry["block"] for entry in chain["blocks"]])
    except MemoryError:
        skip("the heap is too small for a chain file")
    # The header is told apart here by arithmetic on its own fields, not by the code under test.
    skipper = new_skipper(TINY)
    expected = []
    for entry in chain["blocks"]:
        data = entry["block"]
        at = 100
        at += 1 + (TINY.epoch_mark_size if data[at] else 0)
        at += 1 + (TINY.tickets_mark_size if data[at] else 0)
        at += 98
        assert data[at] < 128
        at += 1 + 32 * data[at] + 96
        expected.append((data[:at], len(data)))
    for sizes in ways():
        skipper.begin()
        assert walk(skipper, everything, sizes) == expected
        assert skipper.blocks == len(expected)
        skipper.finish()
    for i in range(1, len(expected)):
        assert expected[i][0][:32] == blake2b_256(expected[i - 1][0])


def test_safrole_chain():
    check_chain("chain_safrole.cbor")


def test_chain_with_work_reports():
    check_chain("chain_storage_light.cbor")


def test_typeberry_chain():
    check_chain("chain_typeberry.cbor")


def test_a_block_with_every_part():
    data = read(vectors("codec/tiny/block.bin"))
    for sizes in ways():
        skipper = new_skipper(TINY)
        found = walk(skipper, data + data, sizes)
        assert [size for _, size in found] == [len(data), len(data)]
        assert found[0][0] == data[: len(found[0][0])] == found[1][0]


def test_full_headers_before_a_body():
    head = read(vectors("codec/full/header_0.bin"))
    skipper = new_skipper(FULL)
    assert walk(skipper, head + EMPTY_EXTRINSIC, lambda: 5000) == [(head, len(head) + 7)]


def test_blocks_of_our_own_cut_anywhere():
    for spec in (TINY, FULL):
        dice = Dice(3)
        try:
            skipper = new_skipper(spec)
            made = [block(spec, dice) for _ in range(12 if spec is TINY else 3)]
            data = b"".join([whole for _, whole in made])
        except MemoryError:
            skip("the heap is too small for blocks of the full spec")
        expected = [(head, len(whole)) for head, whole in made]
        for sizes in ways():
            skipper.begin()
            assert walk(skipper, data, sizes) == expected
            skipper.finish()


def test_every_cut_is_noticed_and_no_other():
    dice = Dice(5)
    head, data = block(TINY, dice)
    _, second = block(TINY, dice)
    for end in range(0, len(data) + 200, 1 if len(data) < 3000 else 7):
        skipper = new_skipper(TINY)
        found = walk(skipper, (data + second)[:end], lambda: 251)
        if end in (0, len(data)):
            skipper.finish()
            assert skipper.at_boundary()
        else:
            assert raises(VerifyError, skipper.finish).rule == "codec"
        assert len(found) == (1 if end >= len(data) else 0)
    skipper = new_skipper(TINY)
    walk(skipper, data, lambda: MOST)
    skipper.finish()


def refused(data, kind=VerifyError, spec=TINY, most=MOST, words=""):
    for sizes in (lambda: MOST, lambda: 1):
        skipper = new_skipper(spec, most)
        error = raises(kind, walk, skipper, data, sizes)
        assert words in str(error), str(error)


def test_bytes_that_no_block_has():
    dice = Dice(9)
    plain = header(TINY, dice)
    refused(plain[:100] + b"\2" + plain[101:], words="byte 100 is 2")
    refused(plain[:101] + b"\xff" + plain[102:], words="byte 101 is 255")
    refused(plain[:200] + b"\x80\x00" + bytes(200), words="longer than needed")
    # tickets, preimages, one guarantee, nothing in it, one digest with result 7
    body = b"\0\0\1" + bytes(234) + b"\0" + b"\0" + bytes(32) + b"\0\0\0" + b"\1" + bytes(76) + b"\7"
    refused(plain + body, words="is 7, at most 6")


def test_lengths_that_lie_are_refused_before_they_are_read():
    plain = header(TINY, Dice(9))
    huge = encode((1 << 64) - 1)
    refused(plain + huge, words="bytes allowed")  # tickets
    refused(plain + b"\0\1" + bytes(4) + huge, words="bytes allowed")  # a preimage
    refused(plain[:200] + huge, words="bytes allowed")  # offenders
    skipper = new_skipper(TINY)
    data = plain + b"\0" + huge + bytes(2000)
    assert skipper.feed(data, 0, len(data)) == len(plain)
    skipper = new_skipper(TINY, 5000)
    refused(plain + b"\0" + huge + bytes(6000), most=5000, words="longer than the 5000 bytes allowed")


def test_a_header_is_bounded_by_its_spec_and_by_the_buffer():
    dice = Dice(2)
    longest = header(TINY, dice, True, False, TINY.validators)
    assert walk(new_skipper(TINY), longest + EMPTY_EXTRINSIC, lambda: 50) == [(longest, len(longest) + 7)]
    flood = header(TINY, dice, True, True, 40)
    refused(flood, words="a header longer than %d" % TINY.max_header_size)
    small = Skipper(TINY, bytearray(400), MOST)
    error = raises(BudgetError, walk, small, header(TINY, dice, True), lambda: MOST)
    assert error.limit == "header_buf"
    small.begin()
    head = header(TINY, dice)
    assert walk(small, head + EMPTY_EXTRINSIC, lambda: MOST) == [(head, len(head) + 7)]


def test_nothing_outside_the_range_is_read_or_written():
    dice = Dice(4)
    head, data = block(TINY, dice)
    buf = bytearray(b"\xee" * 50 + data + b"\xee" * 50)
    skipper = Skipper(TINY, memoryview(bytearray(b"\xdd" * 4000))[:TINY.max_header_size], MOST)
    at = 50
    while skipper.event != BLOCK:
        at += skipper.feed(buf, at, 50 + len(data))
    assert at == 50 + len(data)
    assert bytes(buf) == b"\xee" * 50 + data + b"\xee" * 50


def test_mutated_blocks_only_ever_fail_cleanly():
    dice = Dice(8)
    made = [block(TINY, dice) for _ in range(6)]
    refusals = 0
    for turn in range(300):
        head, data = made[turn % 6]
        broken = bytearray(data)
        for _ in range(1 + dice.below(3)):
            # Half of them just behind the header: the lengths of a short extrinsic lie close together.
            at = dice.below(len(broken)) if dice.below(2) else len(head) + dice.below(8) % (len(data) - len(head))
            broken[at] = dice.below(256)
        skipper = new_skipper(TINY, 20000)
        try:
            walk(skipper, bytes(broken), lambda: 1 + dice.below(700))
            skipper.finish()
        except VerifyError as error:
            refusals += 1
            assert error.rule == "codec"
    assert refusals

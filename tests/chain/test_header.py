# portable: runs on CPython and MicroPython
"""The header view against headers put together field by field, and against everything that is no header."""

from jamliquor_lite.chain.header import NO_AUTHOR, Header, announced_slot
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.crypto.suite import blake2b_256
from jamliquor_lite.errors import VerifyError
from tests.data.handmade import Parts, counted
from tests.support import raises


def shapes(spec):
    """Every combination of parts; no valid header has both marks, but to the codec they are independent."""
    for epoch_mark in (False, True):
        for tickets_mark in (False, True):
            for offenders in (0, 1, 6):
                parts = Parts()
                if epoch_mark:
                    parts.epoch_mark = counted(6, 64) + counted(7, 64 * spec.validators)
                if tickets_mark:
                    parts.tickets_mark = counted(8, 33 * spec.epoch_length)
                parts.offenders = [counted(20 + i, 32) for i in range(offenders)]
                yield parts


def refused(data, start=0, end=None, spec=TINY):
    error = raises(VerifyError, Header, spec, data, start, end)
    assert error.rule == "codec"
    return str(error)


def check(header, parts, spec):
    assert header.parent == parts.parent
    assert header.prior_state_root == parts.prior_state_root
    assert header.extrinsic_hash == parts.extrinsic_hash
    assert header.slot == 0x01020304 and header.author == 0x0506
    assert header.entropy_signature == parts.entropy_signature and header.seal == parts.seal
    assert header.epoch_mark == (parts.epoch_mark is not None)
    assert header.tickets_mark == (parts.tickets_mark is not None)
    if header.epoch_mark:
        assert header.mark_entropy == parts.epoch_mark[:32]
        assert header.mark_tickets_entropy == parts.epoch_mark[32:64]
        assert header.mark_keys == parts.epoch_mark[64:] and len(header.mark_keys) == 64 * spec.validators
    if header.tickets_mark:
        assert header.tickets == parts.tickets_mark and len(header.tickets) == 33 * spec.epoch_length
    assert header.offenders_count == len(parts.offenders)
    assert [header.offender(i) for i in range(header.offenders_count)] == parts.offenders
    assert header.unsigned == parts.unsigned()
    assert header.hash == header.hash == blake2b_256(parts.bytes())


def test_every_field_is_where_the_gray_paper_puts_it():
    for spec in (TINY, FULL):
        for parts in shapes(spec):
            data = parts.bytes()
            check(Header(spec, data, 0, len(data)), parts, spec)


def test_a_header_inside_something_longer_says_where_it_ends():
    for parts in shapes(TINY):
        data = parts.bytes()
        for inside in (b"\1\2\3" + data + b"\4\5", bytearray(b"\1\2\3" + data + b"\4\5")):
            header = Header(TINY, inside, 3)
            assert header.end == 3 + len(data)
            check(header, parts, TINY)
            check(Header(TINY, memoryview(inside), 3, 3 + len(data)), parts, TINY)
            assert announced_slot(inside, 3) == 0x01020304


def test_the_sizes_that_the_spec_promises():
    for spec in (TINY, FULL):
        plain, largest = Parts(), 0
        assert len(plain.bytes()) == spec.plain_header_size
        for parts in shapes(spec):
            if parts.epoch_mark is None or parts.tickets_mark is None:
                largest = max(largest, len(parts.bytes()))
        assert largest <= spec.max_header_size


def test_no_prefix_of_a_header_is_one():
    for parts in shapes(TINY):
        data = parts.bytes()
        for size in range(len(data)):
            refused(data, 0, size)
            if size % 16 == 0:
                refused(data[:size])


def test_bytes_after_a_header_are_refused_where_it_must_fill_the_range():
    for parts in shapes(TINY):
        data = parts.bytes()
        assert "1 bytes too many" in refused(data + b"\0", 0, len(data) + 1)
        assert Header(TINY, data + b"\0").end == len(data)


def test_an_option_byte_is_zero_or_one():
    for option in (100, 101):  # of the epoch mark, and of the tickets mark where there is no epoch mark
        for value in range(2, 256):
            data = bytearray(Parts().bytes() + bytes(2000))
            data[option] = value
            assert "byte %d " % option in refused(data)
    parts = Parts()
    parts.epoch_mark = bytes(TINY.epoch_mark_size)
    data = bytearray(parts.bytes() + bytes(2000))
    data[101 + TINY.epoch_mark_size] = 2
    refused(data)


def test_offenders_are_bounded_by_the_validators():
    parts = Parts()
    parts.offenders = [counted(i, 32) for i in range(7)]
    assert "7 offenders, at most 6" in refused(parts.bytes())
    assert Header(FULL, parts.bytes()).offenders_count == 7
    # A count of nearly 2^64 must not become a size.
    plain = Parts().bytes()
    at = len(plain) - 97
    assert plain[at] == 0
    refused(plain[:at] + b"\xff" * 9 + plain[at + 1 :])


def test_the_number_of_offenders_has_one_encoding():
    parts = Parts()
    parts.offenders = [counted(9, 32)]
    data = parts.bytes()
    at = len(data) - 96 - 32 - 1
    assert data[at] == 1
    assert "longer than needed" in refused(data[:at] + b"\x80\x01" + data[at + 1 :])


def test_the_genesis_author_is_nobody():
    parts = Parts(0, NO_AUTHOR)
    assert Header(TINY, parts.bytes()).author == NO_AUTHOR == 0xFFFF


def test_slots_reach_to_the_last_that_fits():
    for slot in (0, 1, 255, 256, 0xFFFFFFFF):
        data = Parts(slot).bytes()
        assert Header(TINY, data).slot == announced_slot(data, 0) == slot

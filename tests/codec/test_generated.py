"""Compared over generated values: CBOR with cbor2, naturals with the definition. CPython only."""

import cbor2
from hypothesis import given, settings
from hypothesis import strategies as st

from jamliquor_lite.codec.cbor import dumps, loads
from jamliquor_lite.codec.cursor import Cursor
from jamliquor_lite.codec.natural import NaturalReader, encode, size
from jamliquor_lite.errors import VerifyError

_DEPTH = 40
_integers = st.integers(-(2**64), 2**64 - 1)
_scalars = (
    st.none() | st.booleans() | _integers | st.binary() | st.text() | st.floats(allow_nan=False)
    | st.floats(width=16, allow_nan=False) | st.floats(width=32, allow_nan=False)
)
_keys = st.none() | st.booleans() | _integers | st.binary() | st.text() | st.floats(allow_nan=False)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(_keys, inner, max_size=6),
    max_leaves=30,
)


@given(_values)
def test_dumps_is_byte_equal_to_cbor2_and_reads_back(value):
    data = dumps(value, max_depth=_DEPTH)
    assert data == cbor2.dumps(value)
    assert loads(data, max_depth=_DEPTH) == value
    assert cbor2.loads(data) == value


@given(_values)
def test_canonical_form_is_that_of_cbor2(value):
    data = dumps(value, canonical=True, max_depth=_DEPTH)
    assert data == cbor2.dumps(value, canonical=True)
    assert loads(data, max_depth=_DEPTH) == value


@given(st.sampled_from([16, 32, 64]).flatmap(lambda width: st.floats(width=width)))
def test_floats_keep_their_bits(value):
    for canonical in (False, True):
        data = dumps(value, canonical=canonical)
        assert data == cbor2.dumps(value, canonical=canonical)
        assert repr(loads(data)) == repr(value)


@settings(max_examples=400)
@given(st.binary(max_size=60) | _values.map(cbor2.dumps), st.data())
def test_any_bytes_are_read_alike_or_refused(data, draw):
    if data and draw.draw(st.booleans()):
        at = draw.draw(st.integers(0, len(data) - 1))
        data = data[:at] + bytes([draw.draw(st.integers(0, 255))]) + data[at + 1 :]
    try:
        value = loads(data, max_depth=_DEPTH)
    except VerifyError as error:
        assert error.rule == "cbor"
        return
    assert repr(value) == repr(cbor2.loads(data))


@given(st.integers(0, 2**64 - 1) | st.integers(0, 63).flatmap(lambda n: st.integers(2**n - 1, 2**n + 1)))
def test_naturals_follow_the_definition(number):
    # GP 0.7.2 (C.5), said again: 2^(7l) <= x < 2^(7(l+1)), one first byte, l little-endian bytes.
    length = next((n for n in range(8) if number < 1 << (7 * (n + 1))), 8)
    if length == 8:
        expected = b"\xff" + number.to_bytes(8, "little")
    else:
        first = 256 - (1 << (8 - length)) + (number >> (8 * length))
        expected = bytes([first]) + (number % (1 << (8 * length))).to_bytes(length, "little")
    assert encode(number) == expected
    assert size(number) == len(expected)
    cursor = Cursor(expected)
    assert cursor.natural() == number
    cursor.finish()


@given(st.binary(max_size=12))
def test_a_natural_has_one_form(data):
    cursor = Cursor(data)
    reader = NaturalReader()
    pushed = None
    try:
        for byte in data:
            if reader.push(byte):
                pushed = reader.value
                break
    except VerifyError as error:
        assert error.rule == "codec"
    try:
        value = cursor.natural()
    except VerifyError:
        assert pushed is None
        return
    assert pushed == value
    assert encode(value) == data[: cursor.pos]

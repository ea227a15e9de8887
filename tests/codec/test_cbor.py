# portable: runs on CPython and MicroPython
"""CBOR by cases of RFC 8949 appendix A, and what is refused."""

from jamliquor_lite.codec.cbor import MAX_DEPTH, dumps, loads
from jamliquor_lite.errors import LocalError, VerifyError
from tests.support import raises, read, skip, unhex, vectors

CASES = (
    (0, "00"),
    (10, "0a"),
    (23, "17"),
    (24, "1818"),
    (100, "1864"),
    (1000, "1903e8"),
    (1000000, "1a000f4240"),
    (1000000000000, "1b000000e8d4a51000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-18446744073709551616, "3bffffffffffffffff"),
    (-1, "20"),
    (-100, "3863"),
    (-1000, "3903e7"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    (b"", "40"),
    (b"\1\2\3\4", "4401020304"),
    ("", "60"),
    ("IETF", "6449455446"),
    ("\u00fc", "62c3bc"),
    ("\u6c34", "63e6b0b4"),
    ([], "80"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    ({}, "a0"),
    ({"a": [1]}, "a161618101"),
)
REFUSED = (
    ("", "at byte 0"),
    ("18", "1 bytes are needed"),
    ("1817", "longer than needed"),
    ("190017", "longer than needed"),
    ("1900ff", "longer than needed"),
    ("1a0000ffff", "longer than needed"),
    ("1b00000000ffffffff", "longer than needed"),
    ("1c", "malformed head"),
    ("1f", "indefinite"),
    ("4201", "2 bytes are needed"),
    ("5bffffffffffffffff", "bytes are needed"),
    ("5f4101ff", "indefinite"),
    ("61ff", "not UTF-8"),
    ("8201", "items do not fit"),
    ("9bffffffffffffffff", "items do not fit"),
    ("bbffffffffffffffff", "items do not fit"),
    ("a101", "items do not fit"),
    ("a201010102", "a key is there twice"),
    ("a18001", "as a key"),
    ("c074" + "31" * 20, "tag 0"),
    ("c249010000000000000000", "tag 2"),
    ("f7", "simple value"),
    ("f818", "simple value"),
    ("ff", "simple value"),
    ("f93c", "2 bytes are needed"),
    ("0000", "1 bytes too many at byte 1"),
)


def test_known_encodings_both_ways():
    for value, text in CASES:
        data = unhex(text)
        assert dumps(value) == data, value
        got = loads(data)
        assert got == value and type(got) is type(value), value
        assert loads(memoryview(data)) == value
        assert loads(bytearray(data)) == value


def test_other_buffers_and_tuples():
    assert dumps(bytearray(b"xy")) == dumps(memoryview(b"xy")) == dumps(b"xy") == unhex("427879")
    assert dumps((1, 2)) == dumps([1, 2])


def test_canonical_maps_do_not_depend_on_insertion():
    one = {}
    two = {}
    keys = ["b", "a", 10, -1, b"k", "long key", None, True, 1000]
    for key in keys:
        one[key] = key
    for key in keys[::-1]:
        two[key] = key
    assert dumps(one, canonical=True) == dumps(two, canonical=True)
    assert dumps({"bb": 1, "a": 2, 10: 3}, canonical=True) == unhex("a30a0361610262626201")


def test_malformed_input_is_refused_by_one_clear_error():
    for text, words in REFUSED:
        error = raises(VerifyError, loads, unhex(text))
        assert error.rule == "cbor"
        assert words in str(error), (text, str(error))


def test_every_cut_of_a_value_is_refused():
    data = dumps({"a": [1, 25, None, True], b"k": {"n": -5, "t": "text"}, 7: b"x" * 300})
    for end in range(len(data)):
        assert raises(VerifyError, loads, data[:end]).rule == "cbor"
    assert loads(data)[7] == b"x" * 300


def test_nests_deeper_than_the_bound_are_refused():
    data = unhex("81" * MAX_DEPTH + "00")
    value = loads(data)
    assert dumps(value) == data
    assert "nested" in str(raises(VerifyError, loads, b"\x81" + data))
    assert "nested" in str(raises(LocalError, dumps, [value]))
    assert "nested" in str(raises(VerifyError, loads, unhex("a101" * 3000)))
    assert loads(b"\x81" + data, max_depth=MAX_DEPTH + 1) == [value]


def test_what_has_no_form_is_ours_to_avoid():
    for value in (1 << 64, -(1 << 64) - 1, object(), {1: object()}):
        raises(LocalError, dumps, value)


def test_reads_a_chain_file():
    path = vectors("chain_storage_light.cbor")
    try:
        chain = loads(read(path))
    except MemoryError:
        skip("the heap is too small for a chain file")
    assert chain["spec"] == "tiny" and len(chain["blocks"]) == 50
    assert all(len(key) == 31 for key in chain["genesis"]["state"])

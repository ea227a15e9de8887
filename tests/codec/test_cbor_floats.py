# portable: runs on CPython and MicroPython
"""CBOR's floats, by cases of RFC 8949 appendix A: a file of its own, for firmware without floats cannot load it."""

from jamliquor_lite.codec.cbor import dumps, loads
from tests.support import unhex

CASES = (
    (1.1, "fb3ff199999999999a"),
    (-4.1, "fbc010666666666666"),
    (1.0e300, "fb7e37e43c8800759c"),
)


def test_known_encodings_both_ways():
    for value, text in CASES:
        assert dumps(value) == unhex(text), value
        got = loads(unhex(text))
        assert got == value and type(got) is type(value), value


def test_floats_of_every_width():
    for value, text in ((1.5, "f93e00"), (65504.0, "f97bff"), (5.960464477539063e-08, "f90001"),
                        (100000.0, "fa47c35000"), (-4.0, "f9c400"), (0.00006103515625, "f90400")):
        assert loads(unhex(text)) == value
        assert dumps(value, canonical=True) == unhex(text)
        assert loads(dumps(value)) == value
    for text in ("f97e00", "fa7fc00000", "fb7ff8000000000000"):
        value = loads(unhex(text))
        assert value != value
        assert dumps(value) == unhex("f97e00")
    assert dumps(loads(unhex("f97c00"))) == unhex("f97c00")
    assert dumps(loads(unhex("fbfff0000000000000"))) == unhex("f9fc00")
    assert dumps(1.1, canonical=True) == unhex("fb3ff199999999999a")

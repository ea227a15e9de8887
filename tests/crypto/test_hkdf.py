# portable: runs on CPython and MicroPython
"""SHA-256, HMAC and Noise's HKDF: known answers of FIPS 180-4, RFC 4231 and RFC 5869."""

from jamliquor_lite.crypto import hkdf, known_answers, suite
from jamliquor_lite.errors import LocalError
from tests.support import raises, unhex

# (key, data, answer): RFC 4231, tests 1 to 4, 6 and 7; the last two have keys longer than a block.
HMAC = (
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be"
        b" hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
)


def test_sha256():
    answer = unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    assert suite.sha256(b"abc") == suite.sha256(bytearray(b"abc")) == suite.sha256(memoryview(b"abc")) == answer
    assert suite.sha256(b"") == unhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


def test_hmac():
    for key, data, answer in HMAC:
        assert suite.hmac_sha256(key, data) == unhex(answer)
        assert suite.hmac_sha256(bytearray(key), memoryview(data)) == unhex(answer)


def test_a_key_of_exactly_one_block_is_not_hashed():
    # A shorter key is the same as one filled up with zeros, so these two agree, and the next differs.
    assert suite.hmac_sha256(b"k" * 60, b"x") == suite.hmac_sha256(b"k" * 60 + bytes(4), b"x")
    assert suite.hmac_sha256(b"k" * 60, b"x") != suite.hmac_sha256(b"k" * 60 + bytes(5), b"x")


def test_hkdf_is_that_of_rfc_5869_without_info():
    # Test 3: an empty salt, which counts as zeros; 42 bytes of output.
    first, second = suite.hkdf(b"", b"\x0b" * 22)
    answer = unhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
    assert first + second[:10] == answer and len(first) == len(second) == 32
    assert suite.hkdf(bytes(32), b"\x0b" * 22) == (first, second)


def test_hkdf_of_no_material():
    # Noise ends a handshake by splitting the chaining key with no material at all.
    secret = suite.hmac_sha256(b"\x07" * 32, b"")
    first = suite.hmac_sha256(secret, b"\x01")
    assert suite.hkdf(b"\x07" * 32, b"") == (first, suite.hmac_sha256(secret, first + b"\x02"))


def test_a_machine_that_errs_here_does_not_start():
    kept = known_answers.check_hkdf
    try:
        known_answers.check_hkdf = lambda: False
        error = raises(LocalError, suite.self_test)
        assert "HMAC" in str(error) and error.exit_code == 1
    finally:
        known_answers.check_hkdf = kept
    inner = hkdf._INNER
    try:
        hkdf._INNER = inner ^ 1
        assert not known_answers.check_hkdf()
    finally:
        hkdf._INNER = inner
    assert known_answers.check_hkdf()

# portable: runs on CPython and MicroPython
"""The suite's own duties: which implementation serves, what it refuses, and the known answers at start."""

from jamliquor_lite.crypto import choice, known_answers, suite, suite_hosts
from jamliquor_lite.errors import LocalError
from tests.crypto import vrf_cases as cases
from tests.support import raises, unhex


class _Lying:
    """A pure twin with one wrong answer."""

    label = "liar"
    zip215 = True
    trusts_key = False

    def __init__(self, primitive, name, answer):
        twin = choice.pure(primitive)
        for known in (
            "blake2b_256",
            "Blake2b256",
            "sha512",
            "public",
            "sign",
            "verify",
            "secret",
            "output",
            "exchange",
            "Aead",
            "sha3_256",
            "sha3_512",
            "shake256",
            "Shake128",
            "keypair",
            "encapsulate",
            "decapsulate",
        ):
            if hasattr(twin, known):
                setattr(self, known, getattr(twin, known))
        if callable(answer):
            setattr(self, name, answer)
        else:
            setattr(self, name, lambda *args: answer)


def _raise(*args):
    raise BaseException("as a Rust panic does")


LIES = (
    ("blake2b", "blake2b_256", bytes(32)),
    ("sha512", "sha512", bytes(64)),
    ("ed25519", "public", bytes(32)),
    ("ed25519", "sign", bytes(64)),
    ("ed25519", "verify", True),
    ("ed25519", "verify", False),
    ("ed25519", "verify", None),
    ("vrf", "public", bytes(32)),
    ("vrf", "sign", bytes(96)),
    ("vrf", "output", bytes(32)),
    ("vrf", "verify", None),
    ("vrf", "verify", bytes(32)),
    ("vrf", "verify", unhex(cases.SPEC[6][6])),
    ("vrf", "verify", _raise),
    ("ed25519", "sign", _raise),
)


def test_self_test_passes_here():
    suite.self_test()
    shown = suite.backends()
    assert sorted(shown) == sorted(suite.PRIMITIVES)
    for name in shown.values():
        assert isinstance(name, str) and name and "wrong" not in name


def test_a_lying_native_is_dropped_for_pure():
    for primitive, name, answer in LIES:
        before = choice.get(primitive)
        notes = choice._notes.get(primitive, "")
        try:
            choice._chosen[primitive] = _Lying(primitive, name, answer)
            suite.self_test()
            assert choice._chosen[primitive] is choice.pure(primitive), (primitive, name)
            assert suite.backends()[primitive] == "pure (liar gives a wrong answer)"
        finally:
            choice._chosen[primitive] = before
            choice._notes[primitive] = notes


def test_where_even_pure_errs_there_is_an_error():
    kept = known_answers._CHECKS["sha512"]
    try:
        known_answers._CHECKS["sha512"] = lambda it: False
        error = raises(LocalError, suite.self_test)
        assert "sha512" in str(error) and error.exit_code == 1
    finally:
        known_answers._CHECKS["sha512"] = kept


def test_use_is_undone():
    for primitive in suite.PRIMITIVES:
        before = choice.get(primitive)
        with suite.use(primitive, "pure"):
            assert choice.get(primitive) is choice.pure(primitive)
            assert suite.backends()[primitive].startswith("pure")
            assert suite.blake2b_256(b"") == unhex("0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
        assert choice.get(primitive) is before
        try:
            with suite.use(primitive, "pure"):
                raise ValueError
        except ValueError:
            pass
        assert choice.get(primitive) is before


def test_use_of_what_is_not_there():
    raises(LocalError, suite.use, "rot13", "pure")
    raises(LocalError, suite.use, "vrf", "fast")


def test_vrf_takes_any_buffer():
    public, data, aux, proof, output = [unhex(x) for x in cases.REAL[0]]
    assert suite.vrf_verify(public, data, aux, proof) == output
    assert suite.vrf_verify(bytearray(public), memoryview(data), bytearray(aux), memoryview(proof)) == output
    secret = unhex(cases.SPEC[0][0])
    assert suite_hosts.vrf_public(bytearray(secret)) == unhex(cases.SPEC[0][1])
    assert suite_hosts.vrf_sign(memoryview(secret), bytearray(b""), b"") == b"".join(
        [unhex(cases.SPEC[0][i]) for i in (5, 7, 8)]
    )
    assert suite_hosts.vrf_output(bytearray(secret), memoryview(b"")) == unhex(cases.SPEC[0][6])


def test_vrf_refuses_any_other_length():
    public, data, aux, proof, _ = [unhex(x) for x in cases.REAL[0]]
    for size in (0, 1, 31, 33, 64):
        assert suite.vrf_verify((public + public)[:size], data, aux, proof) is None
    for size in (0, 1, 32, 64, 95, 97, 128, 192):
        assert suite.vrf_verify(public, data, aux, (proof + proof)[:size]) is None


def test_vrf_edge_cases_as_served():
    for name, public, data, aux, proof, holds in cases.edges():
        assert (suite.vrf_verify(public, data, aux, proof) is not None) == holds, name


def test_a_secret_that_is_none():
    for secret in (b"", bytes(31), bytes(33), cases.little(cases.R), b"\xff" * 32):
        for call in (
            lambda s: suite_hosts.vrf_public(s),
            lambda s: suite_hosts.vrf_sign(s, b"", b""),
            lambda s: suite_hosts.vrf_output(s, b""),
        ):
            error = raises(LocalError, call, secret)
            assert "secret" in str(error) and error.exit_code == 2


def test_checked_keys_are_bounded():
    public, data, aux, proof, output = [unhex(x) for x in cases.REAL[0]]
    kept = suite._MAX_CHECKED_KEYS, suite._checked_keys
    try:
        suite._MAX_CHECKED_KEYS = 4
        suite._checked_keys = {}
        for i in range(20):
            assert suite._key_is_sound(i.to_bytes(32, "little")) == (i == 1)
            assert suite._key_is_sound(public)
            assert len(suite._checked_keys) <= 4
        assert suite.vrf_verify(public, data, aux, proof) == output
    finally:
        suite._MAX_CHECKED_KEYS, suite._checked_keys = kept

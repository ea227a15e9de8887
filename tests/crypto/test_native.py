"""CPython's native implementations against the pure twins, and what becomes of natives that are missing or foreign."""

import importlib.util
import random
import subprocess
import sys
import types

import pytest

from jamliquor_lite.crypto import bandersnatch, blake2b, choice, ed25519, known_answers, sha512, suite, vrf
from jamliquor_lite.ports import crypto as port
from tests.crypto import vrf_cases as cases
from tests.support import ROOT, unhex


def _native(primitive, *labels):
    implementation, why = port.native(primitive, labels)
    if implementation is None:
        pytest.skip(why)
    return implementation


@pytest.mark.parametrize("primitive", suite.PRIMITIVES)
def test_natives_offer_what_the_pure_twin_offers(primitive):
    native = _native(primitive)
    twin = choice.pure(primitive)
    public = {
        "blake2b": ("Blake2b256", "blake2b_256"),
        "sha512": ("sha512",),
        "ed25519": ("public", "sign", "verify", "zip215"),
        "vrf": ("trusts_key", "verify"),
        "x25519": ("exchange", "public"),
        "aead": ("Aead",),
        "keccak": ("Shake128", "sha3_256", "sha3_512", "shake256"),
        "mlkem768": ("decapsulate", "encapsulate", "keypair", "takes_entropy", "takes_seed"),
    }[primitive]
    for name in (*public, "label"):
        assert hasattr(native, name) and hasattr(twin, name), name
    assert twin.label == "pure" != native.label


def test_hashes_agree():
    dice = random.Random(1)
    for _ in range(60):
        data = dice.randbytes(dice.randrange(400))
        assert suite.blake2b_256(data) == blake2b.blake2b_256(data)
        assert suite.sha512(data) == sha512.sha512(data)


@pytest.mark.parametrize("cls", port._NATIVES["ed25519"], ids=lambda cls: cls.label)
def test_ed25519_agrees(cls):
    try:
        native = cls()
    except ImportError:
        pytest.skip(f"{cls.label} is not installed")
    assert known_answers.check("ed25519", native)
    dice = random.Random(2)
    for size in (0, 1, 32, 111, 112, 300):
        seed, message = dice.randbytes(32), dice.randbytes(size)
        public = ed25519.public(seed)
        signature = ed25519.sign(seed, message)
        assert native.public(seed) == public
        assert native.sign(seed, message) == signature
        assert native.verify(public, signature, message) is True
        for _ in range(4):
            bad = bytearray(signature)
            bad[dice.randrange(64)] ^= 1 << dice.randrange(8)
            assert native.verify(public, bytes(bad), message) is False
            assert ed25519.verify(public, bytes(bad), message) is False
        other = dice.randbytes(32)
        assert native.verify(other, signature, message) is False


def test_an_ed25519_native_is_stricter_so_its_no_is_asked_again():
    native = _native("ed25519")
    small = unhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
    other = unhex("0000000000000000000000000000000000000000000000000000000000000080")
    assert native.verify(small, other + bytes(32), b"JAM") is False
    assert suite.ed25519_verify(small, other + bytes(32), b"JAM") is True


def test_vrf_proofs_are_the_same_bytes():
    native = _native("vrf", "bandersnatch-vrfs")
    dice = random.Random(3)
    for size in (0, 1, 40, 100, 300):
        seed, data, aux = dice.randbytes(size), dice.randbytes(size), dice.randbytes(2 * size)
        secret = vrf.secret(seed)
        assert native.secret(seed) == secret
        assert native.public(secret) == vrf.public(secret)
        assert native.output(secret, data) == vrf.output(secret, data)
        proof = vrf.sign(secret, data, aux)
        assert native.sign(secret, data, aux) == proof
        assert native.verify(vrf.public(secret), data, aux, proof) == vrf.verify(vrf.public(secret), data, aux, proof)
        assert vrf.verify(vrf.public(secret), data, aux, proof) == vrf.output(secret, data)


each_vrf = pytest.mark.parametrize("label", port.names("vrf"))


@each_vrf
def test_vrf_edge_cases_agree(label):
    _native("vrf", label)
    for name, public, data, aux, proof, holds in cases.edges():
        with suite.use("vrf", label):
            output = suite.vrf_verify(public, data, aux, proof)
        assert output == vrf.verify(public, data, aux, proof), name
        assert (output is not None) == holds, name


@each_vrf
def test_vrf_mutations_agree(label):
    _native("vrf", label)
    dice = random.Random(4)
    rows = [[unhex(x) for x in row[:4]] for row in cases.REAL]
    held = 0
    with suite.use("vrf", label):
        for _ in range(150):
            parts = list(dice.choice(rows))
            which = dice.randrange(4)
            if parts[which]:
                changed = bytearray(parts[which])
                for _ in range(dice.choice((1, 1, 1, 3))):
                    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
                parts[which] = bytes(changed)
            native = suite.vrf_verify(*parts)
            assert native == vrf.verify(*parts)
            held += native is not None
    assert held < 30


@each_vrf
def test_hostile_keys_neither_raise_nor_print(label, capfd):
    _native("vrf", label)
    _, data, aux, proof, _ = [unhex(x) for x in cases.REAL[0]]
    dice = random.Random(5)
    keys = [dice.randbytes(32) for _ in range(60)] + [bytes(32), b"\xff" * 32, cases.little(cases.P)]
    # y that is on the curve, but outside the subgroup: the hardest to see.
    while len(keys) < 80:
        y = dice.randrange(cases.P)
        below = -5 - bandersnatch._D * y * y
        if bandersnatch.inverse_root((1 - y * y) * below) is not None:
            keys.append(cases.little(y))
    with suite.use("vrf", label):
        assert [suite.vrf_verify(key, data, aux, proof) for key in keys] == [None] * len(keys)
    said = capfd.readouterr()
    assert said.out == said.err == ""


def test_the_native_panics_just_where_the_key_check_says_no(capfd):
    native = _native("vrf", "bandersnatch-vrfs")
    _, data, aux, proof, _ = [unhex(x) for x in cases.REAL[0]]
    dice = random.Random(6)
    verdicts = {True: 0, False: 0}
    for _ in range(40):
        key = cases.little(dice.randrange(cases.P))
        try:
            native._verify(key, data, aux, proof)
        except Exception:
            sound = True  # "verification failed" about a key that it could read
        except BaseException:
            sound = False
        assert (bandersnatch.decode(key) is not None) == sound
        verdicts[sound] += 1
    capfd.readouterr()
    assert verdicts[True] > 3 and verdicts[False] > 10


def test_an_empty_release_is_noticed(monkeypatch):
    # What pip installs without a word where no wheel fits: a package of that name without any function.
    monkeypatch.setitem(sys.modules, "bandersnatch_vrfs", types.ModuleType("bandersnatch_vrfs"))
    monkeypatch.setattr(port, "_NATIVES", {**port._NATIVES, "vrf": port._NATIVES["vrf"][:1]})
    assert port.native("vrf") == (None, "bandersnatch-vrfs is an empty or too old release")
    monkeypatch.delitem(choice._chosen, "vrf", raising=False)
    monkeypatch.setattr(choice, "_notes", {})
    assert suite.vrf_verify(*[unhex(x) for x in cases.REAL[0][:4]]) == unhex(cases.REAL[0][4])
    assert suite.backends()["vrf"] == "pure (bandersnatch-vrfs is an empty or too old release)"


def test_a_missing_library_is_noticed(monkeypatch):
    monkeypatch.setitem(sys.modules, "bandersnatch_vrfs", None)
    assert port.native("vrf", ("bandersnatch-vrfs",)) == (None, "bandersnatch-vrfs is not installed")


def test_pynacl_stands_in_for_cryptography(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    implementation, why = port.native("ed25519")
    if importlib.util.find_spec("nacl") is None:
        assert (implementation, why) == (None, "cryptography is too old a release, PyNaCl is not installed")
    else:
        assert implementation.label == "PyNaCl" and why == ""


def test_a_broken_library_is_no_traceback(monkeypatch):
    class Broken:
        label = "broken"

        def __init__(self):
            raise OSError("libssl.so.3: cannot open shared object file")

    monkeypatch.setitem(port._NATIVES, "ed25519", (Broken,))
    assert port.native("ed25519") == (None, "broken does not load")


def test_imports_are_cheap():
    code = (
        "import sys; from jamliquor_lite.crypto import suite\n"
        "heavy = ('ssl', 'asyncio', 'cryptography', 'nacl', 'bandersnatch_vrfs')\n"
        "print([m for m in heavy if m in sys.modules])\n"
        "suite.self_test()\n"
        "print([m for m in ('ssl', 'asyncio') if m in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert run.stderr == ""
    assert run.stdout.split("\n")[:2] == ["[]", "[]"]

"""Every implementation of what the lite network computes, each against each other: the same keys, the same bytes, one
side by one library and the other side by another, and what one refuses all refuse."""

import ctypes
import hashlib
import importlib.metadata
import itertools
import os
import random
import subprocess
import sys

import pytest

from jamliquor_lite.crypto import chacha20poly1305, choice, keccak, known_answers, mlkem768, suite, suite_hosts, x25519
from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports import crypto as port
from jamliquor_lite.ports.cpython import crypto_cryptography, crypto_libcrypto
from tests.support import ROOT

# Go's TestAccumulated (src/crypto/mlkem/mlkem_test.go): all answers for 100 inputs drawn from SHAKE128, in one hash.
GO_ACCUMULATED = "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415"
Q = 3329


def libcrypto_path():
    """A libcrypto that has ML-KEM: the one in the psycopg-binary wheel, which the test extra installs for it."""
    try:
        files = importlib.metadata.files("psycopg-binary") or []
    except importlib.metadata.PackageNotFoundError:
        return ""
    return next((str(file.locate()) for file in files if file.name.startswith("libcrypto")), "")


def implementation(primitive, label):
    if label == "pure":
        return choice.pure(primitive)
    if label == "libcrypto":
        try:
            return crypto_libcrypto.MlKem768(libcrypto_path())
        except (OSError, AttributeError):
            why = "no libcrypto from 3.5 on here"
    else:
        found, why = port.native(primitive, (label,))
        if found is not None:
            return found
    if os.environ.get("CI"):
        pytest.fail(f"{primitive} of {label} must be there in CI: {why}")
    pytest.skip(why)


def labels(primitive):
    return [*port.names(primitive), "pure"]


def each(primitive):
    return pytest.mark.parametrize("label", labels(primitive))


def pairs(primitive):
    return pytest.mark.parametrize(("left", "right"), list(itertools.product(labels(primitive), repeat=2)))


@pytest.mark.parametrize("primitive", suite.PRIMITIVES)
def test_known_answers(primitive):
    for label in labels(primitive):
        assert known_answers.check(primitive, implementation(primitive, label)), label


@each("x25519")
def test_x25519_agrees(label):
    it = implementation("x25519", label)
    dice = random.Random(1)
    for _ in range(20):
        secret, other = dice.randbytes(32), dice.randbytes(32)
        public = it.public(secret)
        assert public == x25519.public(secret)
        # Half of all random 32 bytes are no point of the curve but of its twist, and still have an answer.
        assert it.exchange(secret, other) == x25519.exchange(secret, other)
        assert it.exchange(other, public) == it.exchange(secret, x25519.public(other))
    for small in (0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18, 2**255):
        assert it.exchange(dice.randbytes(32), small.to_bytes(32, "little")) == bytes(32)
    # Encodings at and above the field's order are those below it.
    assert it.exchange(bytes(32), (2**255 - 19 + 9).to_bytes(32, "little")) == it.public(bytes(32))


@pairs("ed25519")
def test_ed25519_of_one_is_verified_by_the_other(left, right):
    signer, verifier = implementation("ed25519", left), implementation("ed25519", right)
    dice = random.Random(2)
    for size in (0, 1, 100):
        seed, message = dice.randbytes(32), dice.randbytes(size)
        public, signature = signer.public(seed), signer.sign(seed, message)
        assert public == verifier.public(seed) and signature == verifier.sign(seed, message)
        assert verifier.verify(public, signature, message) is True
        assert verifier.verify(public, signature, message + b"x") is False
        wrong = bytearray(signature)
        wrong[dice.randrange(64)] ^= 1 << dice.randrange(8)
        assert verifier.verify(public, bytes(wrong), message) is False


@pairs("aead")
def test_aead_of_one_is_opened_by_the_other(left, right):
    dice = random.Random(3)
    sealer_of, opener_of = implementation("aead", left).Aead, implementation("aead", right).Aead
    for size in (0, 1, 15, 16, 17, 63, 64, 65, 1000, dice.randrange(5000), 65519):
        if size > 5000 and "pure" in (left, right) and left != right:
            continue  # slow, and the other pairs say it
        key, ad, plain = dice.randbytes(32), dice.randbytes(dice.randrange(40)), dice.randbytes(size)
        counter = dice.getrandbits(64)
        sealer, opener = sealer_of(key), opener_of(key)
        apart = bytearray(size + 20)
        assert sealer.seal(counter, ad, plain, 0, size, apart, 3) == size + 16
        in_place = bytearray(5) + plain + bytearray(16)
        assert sealer.seal(counter, ad, in_place, 5, 5 + size, in_place, 5) == size + 16
        assert apart[3 : size + 19] == in_place[5:] and apart[:3] == bytes(3) and apart[-1] == 0
        back = bytearray(size + 2)
        assert opener.open(counter, ad, apart, 3, size + 19, back, 1) == size
        assert back == b"\0" + plain + b"\0"
        for _ in range(3):
            forged = bytearray(in_place)
            forged[5 + dice.randrange(size + 16)] ^= 1 << dice.randrange(8)
            assert opener.open(counter, ad, forged, 5, len(forged), forged, 5) == -1
        assert opener.open(counter, ad + b"x", in_place, 5, len(in_place), bytearray(size), 0) == -1
        assert opener.open(counter ^ 1 << 63, ad, in_place, 5, len(in_place), bytearray(size), 0) == -1
        assert opener.open(counter, ad, in_place, 5, len(in_place), in_place, 5) == size
        assert in_place[5 : 5 + size] == plain


@each("aead")
def test_a_buffer_that_is_too_short_is_never_written_past(label):
    cipher = implementation("aead", label).Aead(bytes(32))
    for call in (cipher.seal, cipher.open):
        for buf, start, end, out, at in (
            (bytes(32), 0, 32, bytearray(15), 0),
            (bytes(32), 0, 32, bytearray(48), 40),
            (bytes(10), 0, 32, bytearray(64), 0),
            (bytes(32), 20, 52, bytearray(64), 0),
        ):
            before = len(out)
            try:
                result = call(0, b"", buf, start, end, out, at)
            except (ValueError, IndexError):
                result = -1
            assert result == -1 and len(out) == before


def test_an_older_cryptography_copies_and_does_the_same(monkeypatch):
    it = implementation("aead", "cryptography")
    monkeypatch.setattr(it, "_face", crypto_cryptography._CopyingCipher)
    assert known_answers.check("aead", it)
    assert it.Aead(bytes(32)).open(0, b"", bytes(15), 0, 15, bytearray(0), 0) == -1


@each("keccak")
def test_keccak_agrees(label):
    it = implementation("keccak", label)
    dice = random.Random(4)
    stream, block = it.Shake128(), bytearray(168)
    for _ in range(20):
        data = dice.randbytes(dice.randrange(400))
        assert it.sha3_256(data) == hashlib.sha3_256(data).digest()
        assert it.sha3_512(data) == hashlib.sha3_512(data).digest()
        assert it.shake256(data, 128) == hashlib.shake_256(data).digest(128)
        stream.start(data)
        wanted = hashlib.shake_128(data).digest(168 * 6)
        for at in range(0, len(wanted), 168):
            stream.next_into(block)
            assert block == wanted[at : at + 168]


@pairs("mlkem768")
def test_mlkem_key_of_one_and_ciphertext_of_the_other(left, right):
    keeper, sender = implementation("mlkem768", left), implementation("mlkem768", right)
    dice = random.Random(5)
    for _ in range(4):
        seed, entropy = dice.randbytes(64), dice.randbytes(32)
        public, secret = keeper.keypair(seed)
        if keeper.takes_seed:
            assert public == mlkem768.keypair(seed)[0]
        ciphertext, shared = sender.encapsulate(public, entropy)
        if sender.takes_entropy:
            assert (ciphertext, shared) == mlkem768.encapsulate(public, entropy)
        assert keeper.decapsulate(secret, ciphertext) == shared
        forged = bytearray(ciphertext)
        forged[dice.randrange(1088)] ^= 1 << dice.randrange(8)
        for wrong in (bytes(forged), dice.randbytes(1088)):
            # Section 6.3: what is shared with nobody comes from the last 32 bytes of the secret and the ciphertext.
            z = seed[32:] if keeper.takes_seed else secret[2368:]
            assert keeper.decapsulate(secret, wrong) == hashlib.shake_256(z + wrong).digest(32)


@each("mlkem768")
def test_mlkem_keys_that_are_none_are_refused_by_all(label):
    it = implementation("mlkem768", label)
    public, _ = it.keypair(bytes(range(64)))
    dice = random.Random(6)
    for _ in range(40):
        at = dice.randrange(384) * 3
        key = bytearray(public)
        word = int.from_bytes(key[at : at + 3], "little")
        value = dice.randrange(Q, 4096)
        word = word & ~0xFFF | value if dice.random() < 0.5 else word & 0xFFF | value << 12
        key[at : at + 3] = word.to_bytes(3, "little")
        assert it.encapsulate(bytes(key), bytes(32)) is None
    for size in (0, 1183, 1185):
        assert it.encapsulate((public + public)[:size], bytes(32)) is None
    # The largest coefficient there is, everywhere.
    reduced = (Q - 1 | (Q - 1) << 12).to_bytes(3, "little") * 384 + bytes(32)
    assert it.encapsulate(reduced, bytes(32)) is not None


def test_pqcrypto_takes_the_expanded_key():
    it = implementation("mlkem768", "pqcrypto")
    public, secret = mlkem768.keypair(bytes(range(64)))
    ciphertext, shared = mlkem768.encapsulate(public, bytes(32))
    assert it.decapsulate(mlkem768.expand(secret), ciphertext) == shared


@pytest.mark.parametrize("label", ["pure", "libcrypto", "cryptography"])
def test_mlkem_against_the_accumulated_answers_of_go(label):
    it = implementation("mlkem768", label)
    sender = it if it.takes_entropy else mlkem768
    stream = hashlib.shake_128(b"").digest(100 * (64 + 32 + 1088))
    at = 0

    def draw(size):
        nonlocal at
        at += size
        return stream[at - size : at]

    answers = hashlib.shake_128()
    for _ in range(100):
        public, secret = it.keypair(draw(64))
        answers.update(public)
        ciphertext, shared = sender.encapsulate(public, draw(32))
        answers.update(ciphertext + shared)
        assert it.decapsulate(secret, ciphertext) == shared
        answers.update(it.decapsulate(secret, draw(1088)))
    assert answers.hexdigest(32) == GO_ACCUMULATED


def test_pure_mlkem_does_not_need_hashlib_s_keccak():
    native = mlkem768.keypair(bytes(range(64)))
    with suite.use("keccak", "pure"):
        assert choice.get("keccak") is keccak
        assert mlkem768.keypair(bytes(range(64))) == native


def test_libcrypto_before_3_5_is_too_old(monkeypatch):
    # Its library lacks the algorithm, or the functions altogether.
    it = implementation("mlkem768", "libcrypto")
    monkeypatch.setattr(crypto_libcrypto, "_ALGORITHM", b"ML-KEM-769")
    with pytest.raises(AttributeError):
        crypto_libcrypto.MlKem768(libcrypto_path())
    with pytest.raises(AttributeError):
        crypto_libcrypto.MlKem768("libc.so.6")
    with pytest.raises(OSError):
        crypto_libcrypto.MlKem768("/nowhere/libcrypto.so.3")
    assert it.takes_seed


def test_libcrypto_by_the_environment(monkeypatch):
    implementation("mlkem768", "libcrypto")
    monkeypatch.setenv("JAMLIQUOR_LIBCRYPTO", libcrypto_path())
    monkeypatch.setattr(choice, "_chosen", dict(choice._chosen))
    suite.select("mlkem768", "libcrypto")
    assert suite.backends()["mlkem768"] == "libcrypto"
    monkeypatch.setenv("JAMLIQUOR_LIBCRYPTO", "/nowhere/libcrypto.so.3")
    with pytest.raises(LocalError) as caught:
        suite.select("mlkem768", "libcrypto")
    assert caught.value.exit_code == 2 and "libcrypto does not load" in str(caught.value)


def test_libcrypto_leaves_nothing_behind():
    it = implementation("mlkem768", "libcrypto")
    freed = []
    free = it._free_key
    it._free_key = lambda pointer: (freed.append(1), free(pointer))
    public, secret = it.keypair(bytes(64))
    it.encapsulate(public, bytes(32))
    assert it.encapsulate(b"\xff" * 1184, bytes(32)) is None
    del secret
    assert len(freed) == 2
    # OpenSSL keeps errors for whoever asks next in this thread, which may be Python's own ssl.
    peek = ctypes.CDLL(libcrypto_path()).ERR_peek_error
    peek.restype = ctypes.c_ulong
    assert peek() == 0


@pytest.mark.parametrize("primitive", ["x25519", "ed25519", "aead", "mlkem768"])
def test_each_backend_can_be_selected(primitive, monkeypatch):
    monkeypatch.setattr(choice, "_chosen", dict(choice._chosen))
    for label in labels(primitive):
        if label == "libcrypto":
            continue
        implementation(primitive, label)
        suite.select(primitive, label.upper())
        assert choice.get(primitive).label == label
        assert suite.backends()[primitive] == label


def test_selecting_what_is_not_there_names_what_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "pqcrypto.kem", None)
    for primitive, name, words in (
        ("rot13", "pure", ("no primitive rot13", "mlkem768")),
        ("mlkem768", "kyber", ("no such library is known", "cryptography", "pure")),
        ("mlkem768", "pqcrypto", ("too old a release", "cryptography", "pure")),
        ("aead", "hashlib", ("no such library is known", "cryptography", "PyNaCl", "pure")),
    ):
        with pytest.raises(LocalError) as caught:
            suite.select(primitive, name)
        assert caught.value.exit_code == 2
        for word in words:
            assert word in str(caught.value)


def test_a_selected_backend_that_errs_is_not_replaced_in_silence(monkeypatch):
    monkeypatch.setattr(crypto_cryptography.X25519, "exchange", lambda self, secret, public: bytes(32))
    before = choice.get("x25519")
    with pytest.raises(LocalError, match="cryptography gives a wrong x25519 answer"):
        suite.select("x25519", "cryptography")
    assert choice.get("x25519") is before


def test_a_lazy_native_that_errs_is_dropped_when_it_is_first_needed(monkeypatch):
    monkeypatch.setattr(choice, "_chosen", {k: v for k, v in choice._chosen.items() if k != "mlkem768"})
    monkeypatch.setattr(choice, "_notes", {})
    monkeypatch.setattr(crypto_cryptography.MlKem768, "decapsulate", lambda self, secret, ciphertext: bytes(32))
    suite.self_test()
    assert suite.backends()["mlkem768"] == "not loaded yet"
    suite.mlkem768_keypair(bytes(64))
    assert suite.backends()["mlkem768"] == "pure (cryptography gives a wrong answer)"


def python(text):
    run = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert run.stderr == ""
    return run.stdout.split("\n")


def test_lean_loads_neither_cryptography_nor_a_kem():
    implementation("aead", "PyNaCl")
    implementation("mlkem768", "pqcrypto")
    said = python(
        "import sys\n"
        "from jamliquor_lite.crypto import suite\n"
        "suite.lean()\n"
        "suite.self_test()\n"
        "shown = suite.backends()\n"
        "print(*(shown[p] for p in ('ed25519', 'x25519', 'aead', 'mlkem768')), sep=', ')\n"
        "heavy = ('ssl', 'cryptography', 'pqcrypto', 'ctypes', 'nacl.bindings')\n"
        "print(*(name in sys.modules for name in heavy))\n"
        "public, secret = suite.mlkem768_keypair(bytes(64))\n"
        "ciphertext, shared = suite.mlkem768_encapsulate(public, bytes(32))\n"
        "print(suite.mlkem768_decapsulate(secret, ciphertext) == shared, suite.backends()['mlkem768'])\n"
        "print(*(name in sys.modules for name in heavy))\n"
    )
    assert said[0] == "PyNaCl, PyNaCl, PyNaCl, not loaded yet"
    assert said[1] == "False False False False False"
    assert said[2] == "True pqcrypto"
    assert said[3] == "False False True False False"


def test_lean_without_its_libraries_takes_what_there_is():
    said = python(
        "import sys\n"
        "sys.modules['nacl'] = sys.modules['pqcrypto'] = None\n"
        "from jamliquor_lite.crypto import suite\n"
        "suite.lean()\n"
        "suite.self_test(True)\n"
        "print(suite.backends()['aead'], suite.backends()['mlkem768'], 'ssl' in sys.modules)\n"
    )
    assert said[0] in ("cryptography cryptography False", "cryptography libcrypto False")


def test_micropython_without_viper_code_takes_the_pure_cipher(monkeypatch):
    # CPython is such an interpreter: it has no `micropython` module, and the viper code does not load.
    from jamliquor_lite.ports.micropython import crypto as other

    assert other.names("aead") == ("c", "viper")
    assert other.native("aead") == (None, "no C in this firmware, no viper code in this firmware")
    assert other.native("aead", ("viper",)) == (None, "no viper code in this firmware")
    assert other.native("x25519") == (None, "no C in this firmware")
    assert other.native("keccak") == (None, "no native in this firmware")
    monkeypatch.setattr(choice, "port", other)
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(choice, "_notes", {})
    assert type(suite.Aead(bytes(32))) is chacha20poly1305.Aead
    assert suite.backends()["aead"] == "pure (no C in this firmware, no viper code in this firmware)"


def test_no_backend_imports_ssl():
    said = python(
        "import sys\n"
        "from jamliquor_lite.crypto import suite\n"
        "from jamliquor_lite.ports import crypto as port\n"
        "for primitive in suite.PRIMITIVES:\n"
        "    for label in port.names(primitive):\n"
        "        port.native(primitive, (label,))\n"
        "print('ssl' in sys.modules, '_ssl' in sys.modules)\n"
    )
    assert said[0] == "False False"


def test_the_served_cipher_is_not_wrapped():
    assert type(suite.Aead(bytes(32))) is type(choice.get("aead").Aead(bytes(32)))
    with suite.use("aead", "pure"):
        assert type(suite.Aead(bytes(32))) is chacha20poly1305.Aead


def test_a_firmware_without_the_pure_twins(monkeypatch):
    def absent(primitive):
        raise ImportError(f"no module named {primitive}")

    class Without:
        @staticmethod
        def native(primitive, order=()):
            return (None, "no native in this firmware") if primitive == "keccak" else port.native(primitive, order)

    monkeypatch.setattr(choice, "port", Without)
    monkeypatch.setattr(choice, "pure", absent)
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(choice, "_notes", {})
    suite.self_test(True)  # only ML-KEM's pure twin would miss Keccak
    with pytest.raises(LocalError, match="crypto: no keccak: no native in this firmware, and no pure twin either"):
        suite_hosts.sha3_256(b"")

    class Wrong:
        label = "wrong"
        sha512 = staticmethod(lambda data: bytes(64))

    choice._chosen["sha512"] = Wrong
    with pytest.raises(LocalError, match="sha512 .wrong. gives a wrong answer"):
        suite.self_test()
    Without.native = staticmethod(lambda primitive, order=(): (None, "no native in this firmware"))
    choice._chosen.clear()
    with pytest.raises(LocalError, match="no blake2b"):
        suite.self_test()

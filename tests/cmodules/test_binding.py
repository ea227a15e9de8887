# portable: runs on CPython and MicroPython
"""The module `jamcrypto` as Python sees it: what it gives, what it refuses, and that it allocates nothing.

For a MicroPython with the module in it: a board's, and the one that test_micropython.py builds. It names no pure twin,
of which a board has none: what they would say is told by known answers, and by the tests of this folder on CPython.
"""

import io
import sys

from jamliquor_lite.crypto import known_answers, suite
from jamliquor_lite.ports import crypto as port
from tests.support import raises, skip, unhex

if sys.implementation.name != "micropython":
    skip("a module for MicroPython")
try:
    import jamcrypto
except ImportError:
    skip("this MicroPython has no module jamcrypto")

import gc

import micropython

PRIMITIVES = ("blake2b", "sha512", "ed25519", "vrf", "x25519", "aead", "mlkem768")
DATA = bytes(range(256)) * 2

# public, data, aux, proof, output: vectors 1 and 7 of bandersnatch-vrf-spec's bandersnatch_sha-512_ell2_ietf.json.
VRF = (
    (
        "a1b1da71cc4682e159b7da23050d8b6261eb11a3247c89b07ef56ccd002fd38b",
        "",
        "",
        "e7aa5154103450f0a0525a36a441f827296ee489ef30ed8787cff8df1bef223f"
        "439fd9495643314fa623f2581f4b3d7d6037394468084f4ad7d8031479d9d101"
        "828bedd2ad95380b11f67a05ea0a76f0c3fef2bee9f043f4dffdddde09f55c01",
        "fdeb377a4ffd7f95ebe48e5b43a88d069ce62188e49493500315ad55ee04d744",
    ),
    (
        "b0e1f208f9d6e5b310b92014ea7ef3011e649dab038804759f3766e01029d623",
        "42616e646572736e6174636820766563746f72",
        "1f42",
        "6d1dd583bea262323c7dc9e94e57a472e09874e435719010eeafae503c433f16"
        "468158944f0dade1f553d46e1fb7da6ee8e38fbe923c3c270158e40f39d0c400"
        "73024130df01e2bf80067bd837bfc3126f421ae8d99c7a9d7512060dfa359711",
        "09106f062ac07846f3f841f64765527b333575143483855d633f99ccc2e8e306",
    ),
)

# DATA[:4] sealed with the additional data "ad" under the key DATA[:32] and a counter, by the pure twin.
SEALED = (
    (0x0, "18b9403240045c3fbc7be3e4bb78adfee54b986a"),
    (0x1, "9f56f15c4407fc16c4356e15bc55fb50f19ae39f"),
    (0xFF, "0f30f2c522bb60000270d7d755fced0fc0d920e8"),
    (0x100, "fc80fb7a4f91da7e20c935d28e49cde1877a86d6"),
    (0x20000000, "3e4821d6141489f2b785f78572bb196519780794"),
    (0x3FFFFFFF, "d70fa5e0e306a39b8f1ef60edfc61316a29d3b42"),
    (0x40000000, "a6d4864f885be6e1a220db47f39e0ca8c636fdec"),
    (0x80000000, "b816f1983335a09ae32c23c7fc98214eb8c3f0d3"),
    (0x100000000, "53710375a2aaafb20c770bde66f95c4710f68e50"),
    (0x4000000000000000, "d4aff546297343b54aece42d564afb90274969d4"),
    (0x8000000000000000, "1a30a9527772df88cdbfa68d51c212567e759b2a"),
    (0xFFFFFFFFFFFFFFFF, "5082574085454b40b2085a5220f9cce8848ee0fe"),
)


def test_every_primitive_is_served_by_c():
    for primitive in PRIMITIVES:
        implementation, why = port.native(primitive)
        assert why == "" and implementation.label == "c", primitive
        assert known_answers.check(primitive, implementation), primitive
        assert suite.backends()[primitive] in ("c", "not loaded yet"), primitive


def test_a_wrong_answer_would_be_noticed():
    class Wrong:
        label = "c"
        sha512 = staticmethod(lambda data: bytes(64))

    assert not known_answers.check("sha512", Wrong)


def test_hashes_in_pieces_of_a_buffer():
    state = jamcrypto.Blake2b()
    out, out64 = bytearray(32), bytearray(64)
    for size in (0, 1, 127, 128, 129, 300):
        state.reset()
        state.update(DATA, 0, size // 2)
        state.digest_into(out)
        assert out == jamcrypto.blake2b_256(DATA[: size // 2])
        state.update(DATA, size // 2, size)
        state.digest_into(out)
        assert bytes(out) == state.digest() == jamcrypto.blake2b_256(DATA[:size])
        jamcrypto.blake2b(out, memoryview(DATA)[:size])
        assert out == state.digest()
        hashed = jamcrypto.Sha512()
        hashed.update(DATA, 0, size // 3)
        hashed.digest()
        hashed.update(memoryview(DATA)[size // 3 : size])
        jamcrypto.sha512(out64, DATA[:size])
        assert hashed.digest() == out64
    state.reset()
    state.update(DATA, 100)
    assert state.digest() == jamcrypto.blake2b_256(DATA[100:])


def test_ranges_outside_of_a_buffer():
    for state in (jamcrypto.Blake2b(), jamcrypto.Sha512(), vrf_check()):
        for start, end in ((0, 513), (-1, 3), (5, 4), (512, 513), (513, 513), (-3, -1), (0, 0x3FFFFFFF)):
            raises(ValueError, state.update, DATA, start, end)
        raises(TypeError, state.update, 3)
    cipher = jamcrypto.Aead(bytes(32))
    room = bytearray(40)
    beyond = ((0, 513, 0), (-1, 3, 0), (9, 8, 0), (0, 16, 9), (0, 25, 0), (0, 1, 41), (0, 1, -1), (0, 512, 0))
    for start, end, at in beyond:
        raises(ValueError, cipher.seal, 1, b"", DATA, start, end, room, at)
    for start, end, at in ((0, 513, 0), (-1, 30, 0), (0, 40, 17), (0, 57, 0), (0, 20, 41), (0, 20, -1)):
        raises(ValueError, cipher.open, 1, b"", DATA, start, end, room, at)
    assert room == bytes(40)
    assert cipher.seal(1, b"", DATA, 0, 24, room, 0) == 40
    assert cipher.open(1, b"", room, 0, 40, room, 0) == 24 and room[:24] == DATA[:24]
    assert cipher.open(1, b"", room, 0, 15, room, 0) == -1


def test_counters_have_64_bits():
    for counter, expected in SEALED:
        sealed = bytearray(20)
        jamcrypto.Aead(DATA[:32]).seal(counter, b"ad", DATA, 0, 4, sealed, 0)
        assert sealed == unhex(expected), counter
    for counter in (-1, -(2**40), 2**64, 2**70, None, "1", []):
        raises(ValueError, jamcrypto.Aead(DATA[:32]).seal, counter, b"", DATA, 0, 4, bytearray(20), 0)


# name -> sizes of its buffers: outputs, then inputs.
FIXED = (
    ("x25519", (32,), (32, 32)),
    ("x25519_public", (32,), (32,)),
    ("ed25519_public", (32,), (32,)),
    ("mlkem768_keypair", (1184, 2400), (64,)),
    ("mlkem768_encapsulate", (1088, 32), (1184, 32)),
    ("mlkem768_decapsulate", (32,), (2400, 1088)),
)


def test_wrong_lengths():
    for name, outputs, inputs in FIXED:
        function = getattr(jamcrypto, name)
        sizes = outputs + inputs
        function(*[bytearray(size) for size in sizes])
        for place, size in enumerate(sizes):
            for other in (bytearray(size - 1), bytearray(size + 1), b"", None):
                words = [bytearray(size) for size in sizes]
                words[place] = other
                raises((ValueError, TypeError), function, *words)
            if place < len(outputs):  # what cannot be written
                words[place] = bytes(size)
                raises(TypeError, function, *words)
    for size in (0, 31, 33):
        raises(ValueError, jamcrypto.Aead, bytes(size))
        raises(ValueError, jamcrypto.blake2b, bytearray(size), b"")
        raises(ValueError, jamcrypto.ed25519_sign, bytearray(64), bytes(size), b"")
        raises(ValueError, jamcrypto.ed25519_sign, bytearray(size), bytes(32), b"")
        raises(ValueError, jamcrypto.ed25519_sign, bytearray(64), bytes(32), b"", bytes(size))
        raises(ValueError, jamcrypto.ed25519_verify, bytes(size), bytes(64), b"")
        raises(ValueError, jamcrypto.ed25519_verify, bytes(32), bytes(size), b"")
        raises(ValueError, jamcrypto.sha512, bytearray(size), b"")
    public, data, aux, proof, _ = [unhex(text) for text in VRF[1]]
    for words in ((public[1:], proof, 32), (public, proof[1:], 32), (public, proof + b"0", 32), (public, proof, 31)):
        raises(ValueError, jamcrypto.vrf_verify, words[0], data, aux, words[1], bytearray(words[2]))
    size = len(aux)
    for words in ((0, size + 1, 0), (-1, size, 0), (1, 0, 0), (0, size, 1), (0, size, -1), (0, size, 200), (0, size),
                  (0,)):
        raises(ValueError, jamcrypto.vrf_verify, public, data, aux, proof, bytearray(32), *words)


def vrf_check():
    public, data, _, proof, _ = [unhex(text) for text in VRF[1]]
    return jamcrypto.VrfCheck(public, data, proof)


def test_vrf_with_keys_in_turn():
    # The last key is kept: a good one, another, a bad one, and the first again.
    out = bytearray(32)
    rows = [[unhex(text) for text in row] for row in VRF]
    for public, data, aux, proof, output in rows + rows:
        for _ in range(2):
            assert jamcrypto.vrf_verify(public, data, aux, proof, out)
            assert out == output
            assert not jamcrypto.vrf_verify(public, data, aux + b"\0", proof, out)
            around = memoryview(b"?" + aux + proof + b"?")
            at = 1 + len(aux)
            assert jamcrypto.vrf_verify(public, data, around, around, out, 1, at, at)
            assert out == output
            assert not jamcrypto.vrf_verify(public, data, around, around, out, 0, at, at)
            assert not jamcrypto.vrf_verify(public, data, around, around, out, 1, at, at - 1)
        for _ in range(2):
            assert not jamcrypto.vrf_verify(b"\xff" * 32, data, aux, proof, out)
        check = jamcrypto.VrfCheck(public, data, proof)
        check.update(aux, 0, len(aux) // 2)
        check.update(aux, len(aux) // 2)
        assert check.finish() == output
        assert check.finish() is None  # once only
        check = jamcrypto.VrfCheck(public, data, proof)
        check.update(aux + b"\0")
        assert check.finish() is None
        assert jamcrypto.VrfCheck(b"\xff" * 32, data, proof).finish() is None
        assert jamcrypto.VrfCheck(public[1:], data, proof).finish() is None


def test_what_has_no_cryptography_in_it_keeps_within_its_buffers():
    # What they compute: tests/ports/test_memory.py, which runs on this module too.
    for words in ((DATA, 4, -1, DATA, 0, 4), (DATA, 4, 0, DATA, 0, 5), (DATA, 0, 0, DATA, 0, 0),
                  (DATA, 4, 0, DATA, 3, 2), (DATA, 4, 0, DATA, len(DATA) - 1, len(DATA) + 1),
                  (DATA, -4, 0, DATA, 0, 1)):
        raises(ValueError, jamcrypto.find, *words)
    stream, out = io.BytesIO(b"0123456789"), bytearray(8)
    assert jamcrypto.readinto(stream, out, 2, 5) == 3 and out == b"\0\0" + b"012" + bytes(3)
    assert jamcrypto.readinto(stream, memoryview(out), 8, 8) == 0
    assert jamcrypto.readinto(stream, out, 0, 8) == 7 and jamcrypto.readinto(stream, out, 0, 8) == 0
    for words in ((stream, out, 3, 9), (stream, out, -1, 3), (stream, out, 4, 3)):
        raises(ValueError, jamcrypto.readinto, *words)
    raises(TypeError, jamcrypto.readinto, stream, b"12345678", 0, 8)
    raises(OSError, jamcrypto.readinto, 5, out, 0, 8)


def test_an_output_may_lie_where_the_secret_did():
    seed, public = bytearray(DATA[:32]), bytearray(32)
    jamcrypto.ed25519_public(public, DATA[:32])
    jamcrypto.ed25519_public(seed, seed)
    assert seed == public
    secret, shared = bytearray(DATA[:32]), bytearray(32)
    jamcrypto.x25519(shared, secret, public)
    jamcrypto.x25519(secret, secret, public)
    assert secret == shared != DATA[:32]


def calls():
    """(name, one call of it), with everything that it needs made before."""
    public, data, aux, proof, _ = [unhex(text) for text in VRF[1]]
    out32, out64, sealed = bytearray(32), bytearray(64), bytearray(80)
    key, encapsulated, secret = bytearray(1184), bytearray(1088), bytearray(2400)
    state, hashed, cipher, seed = jamcrypto.Blake2b(), jamcrypto.Sha512(), jamcrypto.Aead(DATA[:32]), DATA[:64]
    check = jamcrypto.VrfCheck(public, data, proof)
    return (
        ("reset", lambda: state.reset()),
        ("update", lambda: state.update(DATA)),
        ("update of a range", lambda: state.update(DATA, 3, 300)),
        ("digest_into", lambda: state.digest_into(out32)),
        ("blake2b", lambda: jamcrypto.blake2b(out32, DATA)),
        ("update of SHA-512", lambda: hashed.update(DATA, 1, 2)),
        ("sha512", lambda: jamcrypto.sha512(out64, DATA)),
        ("x25519_public", lambda: jamcrypto.x25519_public(out32, public)),
        ("x25519", lambda: jamcrypto.x25519(out32, public, public)),
        ("ed25519_public", lambda: jamcrypto.ed25519_public(out32, public)),
        ("ed25519_sign", lambda: jamcrypto.ed25519_sign(out64, public, DATA)),
        ("ed25519_verify", lambda: jamcrypto.ed25519_verify(public, out64, DATA)),
        ("seal", lambda: cipher.seal(5, aux, DATA, 0, 64, sealed, 0)),
        ("open", lambda: cipher.open(5, aux, sealed, 0, 80, sealed, 0)),
        ("mlkem768_keypair", lambda: jamcrypto.mlkem768_keypair(key, secret, seed)),
        ("mlkem768_encapsulate", lambda: jamcrypto.mlkem768_encapsulate(encapsulated, out32, key, public)),
        ("mlkem768_decapsulate", lambda: jamcrypto.mlkem768_decapsulate(out32, secret, encapsulated)),
        ("vrf_verify", lambda: jamcrypto.vrf_verify(public, data, aux, proof, out32)),
        ("vrf_verify of ranges", lambda: jamcrypto.vrf_verify(public, data, aux, proof, out32, 0, len(aux), 0)),
        ("copy", lambda: jamcrypto.copy(out64, 3, DATA, 7, 50)),
        ("same", lambda: jamcrypto.same(out64, 3, DATA, 7, 50)),
        ("find", lambda: jamcrypto.find(DATA, 8, 1, out64, 0, 8)),
        ("update of a VRF", lambda: check.update(aux)),
    )


def test_nothing_is_allocated():
    for name, call in calls():
        call()
        gc.collect()
        micropython.heap_lock()
        try:
            call()
            fault = ""
        except MemoryError:
            fault = name
        micropython.heap_unlock()
        assert not fault, fault

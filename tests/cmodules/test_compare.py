"""The C code against the pure twins, on what hypothesis makes up."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jamliquor_lite.crypto import chacha20poly1305, ed25519, mlkem768, x25519
from tests.cmodules.library import Library

P = 2**255 - 19
key = st.binary(min_size=32, max_size=32)
# Where the field's arithmetic could go wrong: near its ends, near powers of two, few bits set, all but few.
number = st.one_of(
    st.integers(0, 40),
    st.integers(0, 40).map(lambda n: P - n),
    st.integers(0, 40).map(lambda n: P + n),
    st.integers(0, 255).map(lambda n: 1 << n),
    st.integers(0, 255).map(lambda n: (1 << 256) - 1 - (1 << n)),
    st.integers(0, 2**256 - 1),
).map(lambda n: (n % 2**256).to_bytes(32, "little"))
data = st.binary(max_size=300)


@settings(max_examples=150, deadline=None)
@given(secret=st.one_of(key, number), public=st.one_of(key, number))
def test_x25519(c: Library, secret: bytes, public: bytes) -> None:
    assert c.x25519(secret, public) == x25519.exchange(secret, public)
    assert c.x25519_public(secret) == x25519.public(secret)


@settings(max_examples=60, deadline=None)
@given(seed=st.one_of(key, number), message=data)
def test_ed25519_signing(c: Library, seed: bytes, message: bytes) -> None:
    public, signature = ed25519.public(seed), ed25519.sign(seed, message)
    assert c.ed25519_public(seed) == public
    assert c.ed25519_sign(seed, message) == c.ed25519_sign(seed, message, public) == signature
    assert c.ed25519_verify(public, signature, message)
    assert not c.ed25519_verify(public, signature, message + b"\0")


@settings(max_examples=200, deadline=None)
@given(public=number, r=number, s=number, message=st.binary(max_size=4))
def test_ed25519_verification_of_anything(c: Library, public: bytes, r: bytes, s: bytes, message: bytes) -> None:
    assert c.ed25519_verify(public, r + s, message) == ed25519.verify(public, r + s, message)


@settings(max_examples=150, deadline=None)
@given(key=key, counter=st.integers(0, 2**64 - 1), ad=data, text=st.binary(max_size=600), bit=st.integers(0))
@example(key=bytes(32), counter=0, ad=b"", text=b"", bit=0)
def test_aead(c: Library, key: bytes, counter: int, ad: bytes, text: bytes, bit: int) -> None:
    nonce = bytes(4) + counter.to_bytes(8, "little")
    expected = bytearray(len(text) + 16)
    chacha20poly1305.Aead(key).seal(counter, ad, text, 0, len(text), expected, 0)
    sealed = c.seal(key, nonce, ad, text)
    assert sealed == bytes(expected) == c.seal_in_place(key, nonce, ad, text)
    assert c.open(key, nonce, ad, sealed) == text == c.open_in_place(key, nonce, ad, sealed)
    wrong = bytearray(sealed)
    wrong[bit // 8 % len(wrong)] ^= 1 << bit % 8
    assert c.open(key, nonce, ad, bytes(wrong)) is None
    assert c.open(key, nonce, ad + b"\0", sealed) is None


@settings(max_examples=25, deadline=None)
@given(seed=st.binary(min_size=64, max_size=64), entropy=key, bit=st.integers(0, 8 * 1088 - 1))
def test_mlkem(c: Library, seed: bytes, entropy: bytes, bit: int) -> None:
    public, secret = c.mlkem_keypair(seed)
    twin_public, twin_secret = mlkem768.keypair(seed)
    assert public == twin_public and secret == mlkem768.expand(twin_secret)
    pair = c.mlkem_encapsulate(public, entropy)
    assert pair is not None and pair == mlkem768.encapsulate(public, entropy)
    assert c.mlkem_decapsulate(secret, pair[0]) == pair[1]
    wrong = bytearray(pair[0])
    wrong[bit // 8] ^= 1 << bit % 8
    rejected = c.mlkem_decapsulate(secret, bytes(wrong))
    assert rejected == mlkem768.decapsulate(twin_secret, bytes(wrong)) != pair[1]


@settings(max_examples=25, deadline=None)
@given(public=st.binary(min_size=1184, max_size=1184), entropy=key)
def test_mlkem_public_keys_of_anything(c: Library, public: bytes, entropy: bytes) -> None:
    assert c.mlkem_encapsulate(public, entropy) == mlkem768.encapsulate(public, entropy)

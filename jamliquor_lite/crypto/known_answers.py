"""One known answer a primitive, checked at start. They catch an empty or foreign native and a machine that errs.

Sources: RFC 7693 appendix A (its text, hashed to 32 bytes), FIPS 180-4's example "abc", RFC 8032 section 7.1
test 2, vector 7 of bandersnatch-vrf-spec's bandersnatch_sha-512_ell2_ietf.json at commit bce69d0, RFC 4231 test 2,
RFC 7748 section 5.2, and FIPS 202's examples for the empty message. RFC 8439's own example has a nonce that Noise
cannot make and ML-KEM's are long, so the answers for aead and mlkem768 were made by OpenSSL and are recorded here.
"""

from binascii import unhexlify

from .hkdf import hkdf, hmac_sha256, sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BLAKE2B_ABC = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"
_SHA512_ABC = (
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
)

_ED25519_SEED = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
_ED25519_PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
_ED25519_MESSAGE = b"\x72"
_ED25519_SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)

_VRF_SECRET = "35b877a25c394512292b82bdf8468e98eaf03c79c7fc9d53546dadc5fb75b500"
_VRF_PUBLIC = "b0e1f208f9d6e5b310b92014ea7ef3011e649dab038804759f3766e01029d623"
_VRF_DATA = b"Bandersnatch vector"
_VRF_AUX = b"\x1f\x42"
_VRF_PROOF = (
    "6d1dd583bea262323c7dc9e94e57a472e09874e435719010eeafae503c433f16"
    "468158944f0dade1f553d46e1fb7da6ee8e38fbe923c3c270158e40f39d0c400"
    "73024130df01e2bf80067bd837bfc3126f421ae8d99c7a9d7512060dfa359711"
)
_VRF_OUTPUT = "09106f062ac07846f3f841f64765527b333575143483855d633f99ccc2e8e306"

_HMAC = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
_HKDF = (
    "ce6bfe8d7e55ee0616c37a5438406490108711e24f67b0be475b3a4fdaed7764"
    "8f079697d3fa1b16722ebcda4a50701ba826b44e72962e7bb9312f838cfe983e"
)

_X25519_SECRET = "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"
_X25519_PUBLIC = "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"
_X25519_SHARED = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"

_AEAD_COUNTER = 0x0123456789ABCDEF
_AEAD_SEALED = (
    "6aa06104ed1b679117444c69f95ef9ab277cdfeb7e21d6388349c3e8e9c3357e"
    "62d047fa87ca6acd782576c251535265d4985326aefd2f0b8b948c67b39f35fa"
    "2f780b7d34812c533632a11df217d13762fece294d3ef89991e108"
)

_SHA3_256 = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"
_SHA3_512 = (
    "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6"
    "15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26"
)
_SHAKE128 = "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"
_SHAKE256 = "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"

_MLKEM_PUBLIC = "0b7934c83125c788995e2ba6bd761e33046b3e40571be53e023309a29f398cc9"  # its SHA-256
_MLKEM_CIPHERTEXT = "39826fe40dc54a3fef68b7c228ed8fb22931012b6fa3bd3e7f204d54db0ac1e1"  # its SHA-256
_MLKEM_SHARED = "42f558b0bc5d700a911b0fc67f62376f7aee4667f1969e03f18bdfdf3c59fbdc"
_MLKEM_REJECTED = "c8fbeddafdacef2ffeb8b354ea644f11b5c150f3e2c4a74ce38abba8f854ae16"


def check(primitive: str, implementation: "Any") -> bool:
    """Whether `implementation` answers rightly for `primitive`: yes to what is right and no to what is not."""
    try:
        return bool(_CHECKS[primitive](implementation))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # a native may fail with what is no Exception, a Rust panic for one
        return False


def _blake2b(it: "Any") -> bool:
    pieces = it.Blake2b256()
    pieces.update(b"a")
    pieces.update(b"bc")
    digest = unhexlify(_BLAKE2B_ABC)
    return bool(it.blake2b_256(b"abc") == digest and pieces.digest() == digest)


def _sha512(it: "Any") -> bool:
    return bool(it.sha512(b"abc") == unhexlify(_SHA512_ABC))


def _ed25519(it: "Any") -> bool:
    seed = unhexlify(_ED25519_SEED)
    public = unhexlify(_ED25519_PUBLIC)
    signature = unhexlify(_ED25519_SIGNATURE)
    return bool(
        it.public(seed) == public
        and it.sign(seed, _ED25519_MESSAGE) == signature
        and it.verify(public, signature, _ED25519_MESSAGE) is True
        and it.verify(public, signature, b"\x73") is False
    )


def _vrf(it: "Any") -> bool:
    secret = unhexlify(_VRF_SECRET)
    public = unhexlify(_VRF_PUBLIC)
    proof = unhexlify(_VRF_PROOF)
    output = unhexlify(_VRF_OUTPUT)
    right = it.verify(public, _VRF_DATA, _VRF_AUX, proof) == output
    right = right and it.verify(public, _VRF_DATA, b"", proof) is None
    if not hasattr(it, "sign"):  # it verifies only
        return bool(right)
    return bool(
        right
        and it.public(secret) == public
        and it.sign(secret, _VRF_DATA, _VRF_AUX) == proof
        and it.output(secret, _VRF_DATA) == output
    )


def check_hkdf() -> bool:
    """Whether HMAC and HKDF answer rightly; they have one source and no choice of implementation."""
    mac = hmac_sha256(b"Jefe", b"what do ya want for nothing?")
    return mac == unhexlify(_HMAC) and b"".join(hkdf(bytes(range(32)), b"material")) == unhexlify(_HKDF)


def _x25519(it: "Any") -> bool:
    secret = unhexlify(_X25519_SECRET)
    return bool(
        it.exchange(secret, unhexlify(_X25519_PUBLIC)) == unhexlify(_X25519_SHARED)
        and it.public(secret) == it.exchange(secret, b"\x09" + bytes(31))
        and it.exchange(secret, bytes(32)) == bytes(32)
    )


def _aead(it: "Any") -> bool:
    """Sealed and opened in place, at an offset; a wrong tag and wrong additional data are refused."""
    sealed = unhexlify(_AEAD_SEALED)
    size = len(sealed) - 16
    cipher = it.Aead(bytes(range(32)))
    buf = bytearray(3) + bytes(range(size)) + bytearray(20)
    written = cipher.seal(_AEAD_COUNTER, b"data", buf, 3, 3 + size, buf, 3)
    right = written == len(sealed) and buf[:3] == bytes(3) and buf[3:] == sealed + bytes(4)
    kept = bytes(buf)
    right = right and cipher.open(_AEAD_COUNTER, b"date", buf, 3, 3 + written, buf, 3) == -1
    buf[:] = kept
    buf[3 + written - 1] ^= 1
    right = right and cipher.open(_AEAD_COUNTER, b"data", buf, 3, 3 + written, buf, 3) == -1
    buf[:] = kept
    right = right and cipher.open(_AEAD_COUNTER, b"data", buf, 3, 3 + written, buf, 3) == size
    return bool(right and buf[3 : 3 + size] == bytes(range(size)))


def _keccak(it: "Any") -> bool:
    block = bytearray(168)
    stream = it.Shake128()
    stream.start(b"")
    stream.next_into(block)
    return bool(
        it.sha3_256(b"") == unhexlify(_SHA3_256)
        and it.sha3_512(b"") == unhexlify(_SHA3_512)
        and it.shake256(b"", 32) == unhexlify(_SHAKE256)
        and block[:32] == unhexlify(_SHAKE128)
    )


def _mlkem768(it: "Any") -> bool:
    """With a seed of its own an implementation is held to the recorded answers; one that draws its own is played
    against the pure twin, both ways."""
    seed = bytes(range(64))
    entropy = bytes(range(32))
    public, secret = it.keypair(seed)
    other: "Any" = it
    if it.takes_seed:
        if sha256(public) != unhexlify(_MLKEM_PUBLIC):
            return False
        if it.decapsulate(secret, bytes(1088)) != unhexlify(_MLKEM_REJECTED):
            return False
    else:
        from . import mlkem768 as other
    ciphertext, shared = other.encapsulate(public, entropy)
    if it.takes_seed and it.takes_entropy:
        if sha256(ciphertext) != unhexlify(_MLKEM_CIPHERTEXT) or shared != unhexlify(_MLKEM_SHARED):
            return False
    if it.decapsulate(secret, ciphertext) != shared:
        return False
    if other is not it:
        public, secret = other.keypair(seed)
        ciphertext, shared = it.encapsulate(public, entropy)
        if other.decapsulate(secret, ciphertext) != shared:
            return False
    return it.encapsulate(b"\xff" * 1184, entropy) is None


_CHECKS = {
    "blake2b": _blake2b,
    "sha512": _sha512,
    "ed25519": _ed25519,
    "vrf": _vrf,
    "x25519": _x25519,
    "aead": _aead,
    "keccak": _keccak,
    "mlkem768": _mlkem768,
}

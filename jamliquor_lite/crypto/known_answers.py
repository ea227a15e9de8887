"""One known answer a primitive, checked at start. They catch an empty or foreign native and a machine that errs.

Sources: RFC 7693 appendix A (its text, hashed to 32 bytes), FIPS 180-4's example "abc", RFC 8032 section 7.1
test 2, and vector 7 of bandersnatch-vrf-spec's bandersnatch_sha-512_ell2_ietf.json at commit bce69d0.
"""

from binascii import unhexlify

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
    return bool(
        it.verify(public, _VRF_DATA, _VRF_AUX, proof) == output
        and it.verify(public, _VRF_DATA, b"", proof) is None
        and it.public(secret) == public
        and it.sign(secret, _VRF_DATA, _VRF_AUX) == proof
        and it.output(secret, _VRF_DATA) == output
    )


_CHECKS = {"blake2b": _blake2b, "sha512": _sha512, "ed25519": _ed25519, "vrf": _vrf}

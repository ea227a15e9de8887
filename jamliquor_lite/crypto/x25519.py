"""X25519 (RFC 7748) in plain integers.

Not constant time: what is computed with a secret may be measured by who shares the processor.
"""

label = "pure"

_P = (1 << 255) - 19
_BASE = b"\x09" + bytes(31)


def public(secret: bytes) -> bytes:
    """The public key of a 32-byte secret."""
    return exchange(secret, _BASE)


def exchange(secret: bytes, public: bytes) -> bytes:
    """The shared 32 bytes of our secret and the peer's public key; all zeros for a point of small order.

    The ladder of section 5, its swaps put off until the next bit differs. The top bit of `public` is ignored.
    """
    scalar = bytearray(secret)
    scalar[0] &= 248
    scalar[31] = scalar[31] & 127 | 64
    p = _P
    x1 = int.from_bytes(public, "little") & ((1 << 255) - 1)
    x2 = 1
    z2 = 0
    x3 = x1
    z3 = 1
    swapped = 0
    t = 254
    while t >= 0:
        bit = scalar[t >> 3] >> (t & 7) & 1
        if bit != swapped:
            x2, x3 = x3, x2
            z2, z3 = z3, z2
            swapped = bit
        a = x2 + z2
        b = x2 - z2
        aa = a * a % p
        bb = b * b % p
        e = aa - bb
        da = (x3 - z3) * a % p
        cb = (x3 + z3) * b % p
        x3 = da + cb
        x3 = x3 * x3 % p
        z3 = da - cb
        z3 = z3 * z3 % p * x1 % p
        x2 = aa * bb % p
        z2 = e * (aa + 121665 * e) % p
        t -= 1
    if swapped:
        x2 = x3
        z2 = z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")

"""Ed25519 (RFC 8032) in plain integers; verification by ZIP-215.

ZIP-215 lets all verifiers agree on every input: the equation is multiplied by the cofactor 8, points may be encoded
with y at or above the field's order and with a negative zero for x, and S has to be below the group's order.
Not constant time: what is computed with a secret may be measured by who shares the processor.
"""

from .suite import sha512

TYPE_CHECKING = False
if TYPE_CHECKING:
    Point = tuple[int, int, int, int]

label = "pure"
zip215 = True

_P = (1 << 255) - 19
_L = (1 << 252) + 27742317777372353535851937790883648493  # the order of the base point
_D = 0x52036CEE2B6FFE738CC740797779E89800700A4D4141D8AB75EB4DCA135978A3
_2D = 2 * _D % _P
_SQRT_MINUS_1 = 0x2B8324804FC1DF0B2B4D00993DFBD7A72F431806AD2FE478C4EE1B274A0EA0B0
_BASE = (
    0x216936D3CD6E53FEC0A4E231FDD6DC5C692CC7609525A7B2C9562D608F25D51A,
    0x6666666666666666666666666666666666666666666666666666666666666658,
    1,
    0x67875F0FD78B766566EA4E8E64ABE37D20F09F80775152F56DDE8AB3A5B7DDA3,
)
_IDENTITY = (0, 1, 1, 0)


def public(seed: bytes) -> bytes:
    """The public key of a 32-byte seed."""
    return _encode(_multiply(_clamp(sha512(seed)), _BASE))


def sign(seed: bytes, message: bytes, public: bytes = b"") -> bytes:
    """The 64-byte signature of `message` (RFC 8032 section 5.1.6). `public` is the seed's public key, where known."""
    expanded = sha512(seed)
    scalar = _clamp(expanded)
    key = public or _encode(_multiply(scalar, _BASE))
    nonce = int.from_bytes(sha512(expanded[32:] + message), "little") % _L
    commitment = _encode(_multiply(nonce, _BASE))
    challenge = int.from_bytes(sha512(commitment + key + message), "little") % _L
    return commitment + ((nonce + challenge * scalar) % _L).to_bytes(32, "little")


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (64 bytes) is valid by ZIP-215."""
    if len(public) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= _L:
        return False
    # One point after the other: each of them, and each step of the sum, is half a kilobyte on a board.
    total = _decode(public)
    if total is None:
        return False
    k = int.from_bytes(sha512(signature[:32] + public + message), "little") % _L
    total = _multiply_add(s, _BASE, k, _negate(total))
    r = _decode(signature[:32])
    if r is None:
        return False
    total = _add(total, _negate(r))
    for _ in range(3):
        total = _double(total)
    return total[0] == 0 and total[1] == total[2]


def _clamp(expanded: bytes) -> int:
    return int.from_bytes(expanded[:32], "little") & ((1 << 254) - 8) | 1 << 254


def _add(p: "Point", q: "Point") -> "Point":
    # Few integers at a time: no more names than values that are still needed.
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    h = (p[1] + p[0]) * (q[1] + q[0]) % _P
    e = h - a
    h += a
    a = p[3] * q[3] % _P * _2D % _P
    g = 2 * p[2] * q[2] % _P  # or the products below would be integers of 1024 bits
    f = g - a
    g += a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _double(p: "Point") -> "Point":
    a = p[0] * p[0] % _P
    b = p[1] * p[1] % _P
    h = a + b
    e = h - (p[0] + p[1]) * (p[0] + p[1]) % _P
    g = a - b
    f = (2 * p[2] * p[2] + g) % _P
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _negate(p: "Point") -> "Point":
    return -p[0] % _P, p[1], p[2], -p[3] % _P


def _multiply(k: int, p: "Point") -> "Point":
    """k p, for a scalar below 2^256. Two bits at a time: a table of more than four points is kilobytes on a board."""
    twice = _double(p)
    table = (_IDENTITY, p, twice, _add(twice, p))
    total = _IDENTITY
    for shift in range(254, -1, -2):
        total = _double(_double(total))
        index = k >> shift & 3
        if index:
            total = _add(total, table[index])
    return total


def _multiply_add(k: int, p: "Point", m: int, q: "Point") -> "Point":
    """k p + m q, for scalars below 2^256. One bit of both at a time."""
    table = (_IDENTITY, q, p, _add(p, q))
    total = _IDENTITY
    for shift in range(255, -1, -1):
        total = _double(total)
        index = (k >> shift & 1) << 1 | (m >> shift & 1)
        if index:
            total = _add(total, table[index])
    return total


def _encode(p: "Point") -> bytes:
    inverse = pow(p[2], _P - 2, _P)
    x = p[0] * inverse % _P
    y = p[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decode(encoded: bytes) -> "Point | None":
    """The point of 32 bytes, or None where no x fits its y. Nothing else is refused (ZIP-215)."""
    y = int.from_bytes(encoded, "little")
    odd = y >> 255
    y = (y & ((1 << 255) - 1)) % _P
    u = (y * y - 1) % _P
    v = (_D * y * y + 1) % _P
    # The root of u/v in one exponentiation (RFC 8032 section 5.1.3).
    cube = v * v % _P * v % _P  # reduced at each step: v to the power of 7 would be an integer of 200 bytes
    x = u * cube % _P * pow(u * cube % _P * cube % _P * v % _P, (_P - 5) // 8, _P) % _P
    square = v * x * x % _P
    if square == -u % _P:
        x = x * _SQRT_MINUS_1 % _P
    elif square != u:
        return None
    if x & 1 != odd:
        x = -x % _P
    return x, y, 1, x * y % _P

"""The Bandersnatch curve: points, their encoding, hashing to the curve (suite Bandersnatch_SHA-512_ELL2).

Source: davxy/bandersnatch-vrf-spec at commit 38cf32d, RFC 9380, and the arkworks encoding that JAM's seals use.
Twisted Edwards form `a x^2 + y^2 = 1 + d x^2 y^2`. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, T = XY/Z; an affine
point is (x, y). The curve has four times as many points as its prime-order subgroup.

Not constant time: what is computed with a secret may be measured by who shares the processor. Meant for public data,
for test chains, and as the oracle of the tests.
"""

from .suite import sha512

TYPE_CHECKING = False
if TYPE_CHECKING:
    Point = tuple[int, int, int, int]
    Affine = tuple[int, int]

SUITE = b"Bandersnatch_SHA-512_ELL2"
FIELD = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
ORDER = 0x1CFB69D4CA675F520CCE760202687600FF8F87007419047174FD06B52876E7E1  # of the subgroup

_P = FIELD
_D = 0x6389C12633C267CBC66E3BF86BE3B6D8CB66677177E54F92B369F2F5188D58E7  # and a = -5
GENERATOR: "Affine" = (
    0x29C132CC2C0B34C5743711777BBE42F32B79C022AD998465E1E71866A252AE18,
    0x2A6C669EDA123E0F157D8B50BADCD586358CAD81EEE464605E3167B6CC974166,
)
IDENTITY: "Point" = (0, 1, 1, 0)

# The Montgomery form `K t^2 = s^3 + J s^2 + s` of the same curve, with J = 2(a + d)/(a - d) and K = 4/(a - d), as
# ratios that the map of RFC 9380 section 6.7.1 wants; and one of the two roots of s^2 + J s + 1.
_K = 0x384D1C153C878EEA316B96E5C340CF6ABD025B636BD74122926C66EB6FA86D15
_J_OVER_K = 0x31C4E09319E133E5E3371DFC35F1DB6C65B333B8BBF2A7C959B4F97A8C46AC71
_ONE_OVER_K2 = 0x4E73B361C820997FA19B6F1789FE957A544BDDB76A1E7D86DFBB904BE14F50E1
_E = 0x52C9F28B828426A561F00D3A63511A882EA712770D9AF4D6EE0F014D172510B6

# The field's order less one is 2^32 times an odd number: what square roots have to search is a group of 2^32.
_ODD = (_P - 1) >> 32
_NON_RESIDUE = 5

_DST = b"ECVRF_Bandersnatch_XMD:SHA-512_ELL2_RO_" + SUITE
_DST += bytes([len(_DST)])

_roots: "list[list[int]]" = []  # [j][i] = g^(-i 16^j), g of order 2^32
_digits: "dict[int, int]" = {}  # g^(i 16^7) -> i


def _build_roots() -> None:
    power = pow(pow(_NON_RESIDUE, _ODD, _P), _P - 2, _P)
    for _ in range(8):
        row = [1]
        for _ in range(15):
            row.append(row[-1] * power % _P)
        power = row[-1] * power % _P
        _roots.append(row)
    row = _roots[7]
    for i in range(16):
        _digits[row[-i % 16]] = i


def inverse_root(w: int) -> "int | None":
    """1/sqrt(w), 0 for 0, None where w is not a square. Which of the two roots is left open.

    With g of order 2^32 and w^odd = g^e, the answer is w^((odd-1)/2) g^(-e/2); e is found four bits at a time.
    """
    if not _roots:
        _build_roots()
    w %= _P
    if w == 0:
        return 0
    root = pow(w, (_ODD - 1) // 2, _P)
    power = root * root % _P * w % _P
    powers = [power]
    for _ in range(7):
        for _ in range(4):
            power = power * power % _P
        powers.append(power)
    exponent = 0
    for i in range(8):
        power = powers[7 - i]
        for j in range(i):
            power = power * _roots[7 - i + j][exponent >> 4 * j & 15] % _P
        exponent |= _digits[power] << 4 * i
        if exponent & 1:
            return None
    for j in range(8):
        root = root * _roots[j][exponent >> 4 * j + 1 & 15] % _P
    return root


def _is_square(w: int) -> bool:
    return pow(w % _P, (_P - 1) // 2, _P) <= 1


def add(p: "Point", q: "Point") -> "Point":
    """p + q, the same point or not."""
    a = p[0] * q[0] % _P
    b = p[1] * q[1] % _P
    c = p[3] * q[3] % _P * _D % _P
    d = p[2] * q[2] % _P
    e = (p[0] + p[1]) * (q[0] + q[1]) - a - b
    f = d - c
    g = d + c
    h = b + 5 * a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def double(p: "Point") -> "Point":
    """2 p."""
    x = p[0]
    y = p[1]
    a = -5 * x * x
    b = y * y % _P
    e = 2 * x * y
    g = (a + b) % _P
    f = g - 2 * p[2] * p[2]
    h = (a - b) % _P
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def negate(p: "Point") -> "Point":
    """-p."""
    return -p[0] % _P, p[1], p[2], -p[3] % _P


def extend(p: "Affine") -> "Point":
    """The point of an affine one."""
    return p[0], p[1], 1, p[0] * p[1] % _P


def multiply_add(k: int, p: "Point", m: int, q: "Point") -> "Point":
    """k p + m q, for scalars below 2^254. Two bits of both at a time."""
    row = [IDENTITY, q, double(q), add(double(q), q)]
    table = list(row)
    for _ in range(3):
        row = [add(p, x) for x in row]
        table += row
    total = IDENTITY
    for shift in range(252, -1, -2):
        total = double(double(total))
        index = (k >> shift & 3) << 2 | (m >> shift & 3)
        if index:
            total = add(total, table[index])
    return total


def to_affine(points: "list[Point]") -> "list[Affine]":
    """The affine forms, for the price of one inversion together."""
    product = 1
    before = []
    for p in points:
        before.append(product)
        product = product * p[2] % _P
    inverse = pow(product, _P - 2, _P)
    affine: "list[Affine]" = []
    for i in range(len(points) - 1, -1, -1):
        x, y, z, _ = points[i]
        mine = inverse * before[i] % _P
        inverse = inverse * z % _P
        affine.append((x * mine % _P, y * mine % _P))
    affine.reverse()
    return affine


def encode(p: "Affine") -> bytes:
    """32 bytes: y little-endian, and in the top bit whether x is above (FIELD - 1)/2."""
    x, y = p
    return (y | (1 << 255 if x > _P - x else 0)).to_bytes(32, "little")


def decode(encoded: bytes) -> "Affine | None":
    """The point of 32 bytes, or None for what is no canonical y, not on the curve or outside the subgroup.

    The identity is a point, with either sign, as in the Rust reference.
    """
    y = int.from_bytes(encoded, "little")
    negative = y >> 255
    y &= (1 << 255) - 1
    if len(encoded) != 32 or y >= _P:
        return None
    above = (1 - y * y) % _P
    below = (-5 - _D * y * y) % _P
    root = inverse_root(above * below)
    if root is None:
        return None
    x = above * root % _P  # x^2 = above / below, and 1/sqrt(above below) = sqrt(above/below) / above
    if x == 0:
        return (0, 1) if y == 1 else None  # (0, -1), and the points at infinity, are not in the subgroup
    # All points of order two are rational, so the subgroup is what doubling reaches: where K s and K (s - e) are
    # squares, s = (1 + y)/(1 - y) being the Montgomery abscissa. Two characters instead of a multiplication.
    if not _is_square(_K * above) or not _is_square(_K * (1 + y - _E * (1 - y)) * (1 - y)):
        return None
    if (x > _P - x) != bool(negative):
        x = _P - x
    return x, y


def hash_to_curve(data: bytes) -> "Point":
    """The subgroup point of `data` (RFC 9380 section 3, two maps), except that arkworks pads with 48 zero bytes in
    `expand_message_xmd` where the RFC pads with a whole block of 128."""
    b0 = sha512(bytes(48) + data + b"\x00\x60\x00" + _DST)
    b1 = sha512(b0 + b"\x01" + _DST)
    b2 = sha512(bytes([b0[i] ^ b1[i] for i in range(64)]) + b"\x02" + _DST)
    uniform = b1 + b2
    p = add(_elligator(int.from_bytes(uniform[:48], "big")), _elligator(int.from_bytes(uniform[48:96], "big")))
    return double(double(p))


def _elligator(u: int) -> "Point":
    """Elligator 2 with Z = 5 (RFC 9380 section 6.7.1), then to Edwards form; fractions are carried, not divided."""
    v = _NON_RESIDUE * u * u % _P
    d = 1 + v  # never 0: -1 is a square here and v is none
    n = -_J_OVER_K  # the first candidate is n/d
    g = n * (n * n + _J_OVER_K * n * d + _ONE_OVER_K2 * d * d) % _P  # and g/d^3 has to be a square
    cube = d * d * d % _P
    root = inverse_root(g * cube)
    first = root is not None
    if root is None:
        n *= v
        g = g * v % _P
        root = inverse_root(g * cube)
        assert root is not None  # one of the two is a square, whatever u
    y = g * root % _P
    if bool(y & 1) != first:
        y = -y % _P
    s = n * _K % _P
    t = y * _K % _P
    x_above = s
    x_below = t * d % _P
    y_above = s - d
    y_below = (s + d) % _P
    if x_below == 0 or y_below == 0:  # the map's exception, met for u = 0 only
        return IDENTITY
    return x_above * y_below % _P, y_above * x_below % _P, x_below * y_below % _P, x_above * y_above % _P

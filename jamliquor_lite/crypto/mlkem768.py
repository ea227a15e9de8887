"""ML-KEM-768 (FIPS 203) in small integers, made for little memory.

A secret is the seed and the public key; the secret polynomials and each entry of the matrix are sampled again where
they are needed, so that at most five polynomials of 512 bytes exist at a time. No integer leaves 31 bits. Not
constant time: what is computed with a secret may be measured by who shares the processor.
"""

from array import array

from ..const import const
from .suite_hosts import Shake128, sha3_256, sha3_512, shake256

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview
    Poly = array[int]
    Secret = tuple[bytes, bytes]

label = "pure"
takes_seed = True
takes_entropy = True

_Q = const(3329)
_K = const(3)  # rank: vectors have three polynomials
_ROW = const(384)  # bytes of a polynomial of 12-bit coefficients
_VECTOR = const(1152)
_U_ROW = const(320)  # bytes of a polynomial of 10-bit coefficients
_U = const(960)
_CIPHERTEXT = const(1088)

# 17 to the power of i with its seven bits reversed. The upper half gives the 128 factors of section 4.3.1 as well.
# fmt: off
_ZETAS = (
    1, 1729, 2580, 3289, 2642, 630, 1897, 848, 1062, 1919, 193, 797, 2786, 3260, 569, 1746,
    296, 2447, 1339, 1476, 3046, 56, 2240, 1333, 1426, 2094, 535, 2882, 2393, 2879, 1974, 821,
    289, 331, 3253, 1756, 1197, 2304, 2277, 2055, 650, 1977, 2513, 632, 2865, 33, 1320, 1915,
    2319, 1435, 807, 452, 1438, 2868, 1534, 2402, 2647, 2617, 1481, 648, 2474, 3110, 1227, 910,
    17, 2761, 583, 2649, 1637, 723, 2288, 1100, 1409, 2662, 3281, 233, 756, 2156, 3015, 3050,
    1703, 1651, 2789, 1789, 1847, 952, 1461, 2687, 939, 2308, 2437, 2388, 733, 2337, 268, 641,
    1584, 2298, 2037, 3220, 375, 2549, 2090, 1645, 1063, 319, 2773, 757, 2099, 561, 2466, 2594,
    2804, 1092, 403, 1026, 1143, 2150, 2775, 886, 1722, 1212, 1874, 1029, 2110, 2935, 885, 2154,
)
# fmt: on


def keypair(seed: bytes) -> "tuple[bytes, Secret]":
    """(public key of 1184 bytes, secret) of a 64-byte seed: d and z of algorithm 16."""
    expanded = sha3_512(seed[:32] + b"\x03")
    rho = expanded[:32]
    sigma = expanded[32:]
    s = _secret_vector(sigma)
    sampler = _Sampler(rho)
    entry = _zero()
    public = bytearray(_VECTOR + 32)
    for i in range(_K):
        t = _zero()
        _sample_noise(sigma, _K + i, t)
        _transform(t)
        for j in range(_K):
            sampler.fill(entry, j, i)
            _multiply_add(t, entry, s[j])
        _pack(t, 12, public, _ROW * i)
    public[_VECTOR:] = rho
    key = bytes(public)
    return key, (bytes(seed), key)


def encapsulate(public: bytes, entropy: bytes) -> "tuple[bytes, bytes] | None":
    """(ciphertext of 1088 bytes, 32 shared bytes) for a public key and 32 bytes of entropy (algorithm 17).

    None for a key that has another length or a coefficient at or above q (section 7.2).
    """
    if len(public) != _VECTOR + 32:
        return None
    row = _zero()
    for i in range(_K):
        _unpack(public, _ROW * i, 12, row)
        if max(row) >= _Q:
            return None
    expanded = sha3_512(entropy + sha3_256(public))
    return bytes(_encrypt(public, entropy, expanded[32:])), expanded[:32]


def decapsulate(secret: "Secret", ciphertext: bytes) -> bytes:
    """The 32 shared bytes (algorithm 18). A ciphertext that nobody made for this key gives 32 others (implicit
    rejection), the same ones each time."""
    seed, public = secret
    message = _decrypt(seed, ciphertext)
    expanded = sha3_512(message + sha3_256(public))
    rejected = shake256(seed[32:] + ciphertext, 32)
    again = _encrypt(public, message, expanded[32:])
    differs = 0
    for i in range(_CIPHERTEXT):
        differs |= again[i] ^ ciphertext[i]
    return rejected if differs else expanded[:32]


def expand(secret: "Secret") -> bytes:
    """The decapsulation key as FIPS 203 stores it, 2400 bytes, for libraries that take no seed."""
    seed, public = secret
    key = bytearray(_VECTOR)
    s = _secret_vector(sha3_512(seed[:32] + b"\x03")[32:])
    for i in range(_K):
        _pack(s[i], 12, key, _ROW * i)
    return bytes(key) + public + sha3_256(public) + seed[32:]


def _secret_vector(sigma: bytes) -> "list[Poly]":
    """Three small polynomials of numbers 0 to 2 under `sigma`, transformed."""
    vector = []
    for i in range(_K):
        poly = _zero()
        _sample_noise(sigma, i, poly)
        _transform(poly)
        vector.append(poly)
    return vector


def _encrypt(public: bytes, message: bytes, coins: bytes) -> bytearray:
    """K-PKE.Encrypt (algorithm 14)."""
    out = bytearray(_CIPHERTEXT)
    sampler = _Sampler(public[_VECTOR:])
    y = _secret_vector(coins)
    entry = _zero()
    for i in range(_K):
        total = _zero()
        for j in range(_K):
            sampler.fill(entry, i, j)
            _multiply_add(total, entry, y[j])
        _invert(total)
        _sample_noise(coins, _K + i, entry)
        _add(total, entry)
        _pack(total, 10, out, _U_ROW * i)
    total = _zero()
    for j in range(_K):
        _unpack(public, _ROW * j, 12, entry)
        _multiply_add(total, entry, y[j])
    _invert(total)
    _sample_noise(coins, 2 * _K, entry)
    _add(total, entry)
    _unpack(message, 0, 1, entry)
    _add(total, entry)
    _pack(total, 4, out, _U)
    return out


def _decrypt(seed: bytes, ciphertext: bytes) -> bytes:
    """K-PKE.Decrypt (algorithm 15)."""
    sigma = sha3_512(seed[:32] + b"\x03")[32:]
    total = _zero()
    u = _zero()
    s = _zero()
    for j in range(_K):
        _sample_noise(sigma, j, s)
        _transform(s)
        _unpack(ciphertext, _U_ROW * j, 10, u)
        _transform(u)
        _multiply_add(total, s, u)
    _invert(total)
    _unpack(ciphertext, _U, 4, u)
    for i in range(256):
        u[i] = (u[i] - total[i]) % _Q
    message = bytearray(32)
    _pack(u, 1, message, 0)
    return bytes(message)


class _Sampler:
    """The matrix's entries, one at a time (algorithm 7)."""

    def __init__(self, rho: bytes) -> None:
        self._seed = bytearray(34)
        self._seed[:32] = rho
        self._stream = Shake128()
        self._block = bytearray(168)

    def fill(self, poly: "Poly", first: int, second: int) -> None:
        """The entry whose seed ends in these two bytes."""
        self._seed[32] = first
        self._seed[33] = second
        self._stream.start(self._seed)
        block = self._block
        n = 0
        while n < 256:
            self._stream.next_into(block)
            k = 0
            while k < 168 and n < 256:
                b = block[k + 1]
                value = block[k] | (b & 15) << 8
                if value < _Q:
                    poly[n] = value
                    n += 1
                value = b >> 4 | block[k + 2] << 4
                if value < _Q and n < 256:
                    poly[n] = value
                    n += 1
                k += 3


def _zero() -> "Poly":
    return array("H", bytes(512))


def _sample_noise(seed: bytes, number: int, poly: "Poly") -> None:
    """The centred binomial distribution with eta 2 (algorithm 8)."""
    stream = shake256(seed + bytes((number,)), 128)
    for i in range(128):
        v = stream[i]
        poly[2 * i] = ((v & 1) + (v >> 1 & 1) - (v >> 2 & 1) - (v >> 3 & 1)) % _Q
        poly[2 * i + 1] = ((v >> 4 & 1) + (v >> 5 & 1) - (v >> 6 & 1) - (v >> 7)) % _Q


def _transform(poly: "Poly") -> None:
    """The number-theoretic transform, in place (algorithm 9)."""
    i = 1
    size = 128
    while size >= 2:
        start = 0
        while start < 256:
            zeta = _ZETAS[i]
            i += 1
            j = start
            start += size
            while j < start:
                low = poly[j]
                high = zeta * poly[j + size] % _Q
                poly[j + size] = (low - high) % _Q
                poly[j] = (low + high) % _Q
                j += 1
            start += size
        size >>= 1


def _invert(poly: "Poly") -> None:
    """The transform backwards, in place (algorithm 10)."""
    i = 127
    size = 2
    while size <= 128:
        start = 0
        while start < 256:
            zeta = _ZETAS[i]
            i -= 1
            j = start
            start += size
            while j < start:
                low = poly[j]
                high = poly[j + size]
                poly[j] = (low + high) % _Q
                poly[j + size] = zeta * (high - low) % _Q
                j += 1
            start += size
        size <<= 1
    for j in range(256):
        poly[j] = poly[j] * 3303 % _Q


def _multiply_add(total: "Poly", a: "Poly", b: "Poly") -> None:
    """total += a * b, all transformed (algorithms 11 and 12)."""
    i = 0
    zeta = 64
    while i < 256:
        a0 = a[i]
        a1 = a[i + 1]
        b0 = b[i]
        b1 = b[i + 1]
        cross = a1 * b1 % _Q * _ZETAS[zeta]
        # The factors come in pairs that differ by their sign.
        if i & 2:
            cross = -cross
            zeta += 1
        total[i] = (total[i] + a0 * b0 + cross) % _Q
        total[i + 1] = (total[i + 1] + a0 * b1 + a1 * b0) % _Q
        i += 2


def _add(total: "Poly", poly: "Poly") -> None:
    for i in range(256):
        total[i] = (total[i] + poly[i]) % _Q


def _pack(poly: "Poly", bits: int, out: bytearray, at: int) -> None:
    """Write the coefficients with so many bits each, compressed where that is less than 12 (section 4.2.1)."""
    mask = (1 << bits) - 1
    value = 0
    held = 0
    for i in range(256):
        x = poly[i]
        if bits < 12:
            x = ((x << bits) + _Q // 2) // _Q & mask
        value |= x << held
        held += bits
        while held >= 8:
            out[at] = value & 255
            at += 1
            value >>= 8
            held -= 8


def _unpack(data: "Buffer", at: int, bits: int, poly: "Poly") -> None:
    """Read what `_pack` wrote; compressed coefficients are brought back to the middle of their range."""
    mask = (1 << bits) - 1
    half = 1 << bits >> 1
    value = 0
    held = 0
    for i in range(256):
        while held < bits:
            value |= data[at] << held
            at += 1
            held += 8
        x = value & mask
        poly[i] = (x * _Q + half) >> bits if bits < 12 else x
        value >>= bits
        held -= bits

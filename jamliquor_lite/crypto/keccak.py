"""Keccak in plain integers: SHA3-256, SHA3-512, SHAKE128 and SHAKE256 (FIPS 202). What ML-KEM hashes with."""

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

label = "pure"

SHAKE128_BLOCK = 168

_MASK = 0xFFFFFFFFFFFFFFFF
_SHA3 = const(0x06)  # the domain's bits with the first of the padding, section B.2
_SHAKE = const(0x1F)

_ROUNDS = (
    0x0000000000000001,
    0x0000000000008082,
    0x800000000000808A,
    0x8000000080008000,
    0x000000000000808B,
    0x0000000080000001,
    0x8000000080008081,
    0x8000000000008009,
    0x000000000000008A,
    0x0000000000000088,
    0x0000000080008009,
    0x000000008000000A,
    0x000000008000808B,
    0x800000000000008B,
    0x8000000000008089,
    0x8000000000008003,
    0x8000000000008002,
    0x8000000000000080,
    0x000000000000800A,
    0x800000008000000A,
    0x8000000080008081,
    0x8000000000008080,
    0x0000000080000001,
    0x8000000080008008,
)

# Rho and pi together: the lane that starts at 1 moves along these, turned left by so many bits (section 3.2.3).
_MOVES = b"\x0a\x07\x0b\x11\x12\x03\x05\x10\x08\x15\x18\x04\x0f\x17\x13\x0d\x0c\x02\x14\x0e\x16\x09\x06\x01"
_TURNS = b"\x01\x03\x06\x0a\x0f\x15\x1c\x24\x2d\x37\x02\x0e\x1b\x29\x38\x08\x19\x2b\x3e\x12\x27\x3d\x14\x2c"

_lanes = [0] * 25  # one state for all hashes; none of them stops half-way


def sha3_256(data: "Buffer") -> bytes:
    """SHA3-256 of `data`, 32 bytes."""
    _absorb(_lanes, 136, data, _SHA3)
    return _squeeze(_lanes, 32)


def sha3_512(data: "Buffer") -> bytes:
    """SHA3-512 of `data`, 64 bytes."""
    _absorb(_lanes, 72, data, _SHA3)
    return _squeeze(_lanes, 64)


def shake256(data: "Buffer", size: int) -> bytes:
    """The first `size` bytes of SHAKE256, at most one block of 136."""
    _absorb(_lanes, 136, data, _SHAKE)
    return _squeeze(_lanes, size)


class Shake128:
    """SHAKE128 block by block; one object serves one seed after the other."""

    def __init__(self) -> None:
        self._lanes = [0] * 25
        self._is_fresh = False

    def start(self, data: "Buffer") -> None:
        """Forget all before and absorb `data`."""
        _absorb(self._lanes, SHAKE128_BLOCK, data, _SHAKE)
        self._is_fresh = True

    def next_into(self, block: bytearray) -> None:
        """Fill `block`, 168 bytes, with what comes next."""
        if not self._is_fresh:
            _permute(self._lanes)
        self._is_fresh = False
        at = 0
        while at < SHAKE128_BLOCK:
            block[at : at + 8] = self._lanes[at >> 3].to_bytes(8, "little")
            at += 8


def _absorb(lanes: "list[int]", rate: int, data: "Buffer", suffix: int) -> None:
    """Set `lanes` to the state after `data` and its padding, ready to squeeze."""
    for i in range(25):
        lanes[i] = 0
    view = memoryview(data)
    size = len(view)
    whole = size - size % rate
    for at in range(0, whole, rate):
        _mix(lanes, view[at : at + rate])
    last = bytearray(rate)
    last[: size - whole] = view[whole:]
    last[size - whole] = suffix
    last[rate - 1] |= 0x80
    _mix(lanes, last)


def _mix(lanes: "list[int]", block: "Buffer") -> None:
    for at in range(0, len(block), 8):
        lanes[at >> 3] ^= int.from_bytes(bytes(block[at : at + 8]), "little")
    _permute(lanes)


def _squeeze(lanes: "list[int]", size: int) -> bytes:
    return b"".join([lanes[i].to_bytes(8, "little") for i in range((size + 7) // 8)])[:size]


def _permute(a: "list[int]") -> None:
    """Keccak-f[1600] (section 3.3); lane (x, y) is a[x + 5y]."""
    mask = _MASK
    for constant in _ROUNDS:
        c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20]
        c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21]
        c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22]
        c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23]
        c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24]
        d0 = c4 ^ (c1 << 1 & mask | c1 >> 63)
        d1 = c0 ^ (c2 << 1 & mask | c2 >> 63)
        d2 = c1 ^ (c3 << 1 & mask | c3 >> 63)
        d3 = c2 ^ (c4 << 1 & mask | c4 >> 63)
        d4 = c3 ^ (c0 << 1 & mask | c0 >> 63)
        y = 0
        while y < 25:
            a[y] ^= d0
            a[y + 1] ^= d1
            a[y + 2] ^= d2
            a[y + 3] ^= d3
            a[y + 4] ^= d4
            y += 5
        carried = a[1]
        for i in range(24):
            to = _MOVES[i]
            turn = _TURNS[i]
            kept = a[to]
            a[to] = carried << turn & mask | carried >> (64 - turn)
            carried = kept
        y = 0
        while y < 25:
            c0 = a[y]
            c1 = a[y + 1]
            c2 = a[y + 2]
            c3 = a[y + 3]
            c4 = a[y + 4]
            a[y] = c0 ^ (c1 ^ mask) & c2
            a[y + 1] = c1 ^ (c2 ^ mask) & c3
            a[y + 2] = c2 ^ (c3 ^ mask) & c4
            a[y + 3] = c3 ^ (c4 ^ mask) & c0
            a[y + 4] = c4 ^ (c0 ^ mask) & c1
            y += 5
        a[0] ^= constant

"""BLAKE2b with a 32-byte digest and no key, in plain integers (RFC 7693). For ports without a native one."""

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

label = "pure"

_BLOCK = const(128)
_MASK = 0xFFFFFFFFFFFFFFFF

_IV = (
    0x6A09E667F3BCC908,
    0xBB67AE8584CAA73B,
    0x3C6EF372FE94F82B,
    0xA54FF53A5F1D36F1,
    0x510E527FADE682D1,
    0x9B05688C2B3E6C1F,
    0x1F83D9ABFB41BD6B,
    0x5BE0CD19137E2179,
)

# The message schedule of section 2.7; rounds 10 and 11 repeat the first two.
_SIGMA = (
    b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
    b"\x0e\x0a\x04\x08\x09\x0f\x0d\x06\x01\x0c\x00\x02\x0b\x07\x05\x03",
    b"\x0b\x08\x0c\x00\x05\x02\x0f\x0d\x0a\x0e\x03\x06\x07\x01\x09\x04",
    b"\x07\x09\x03\x01\x0d\x0c\x0b\x0e\x02\x06\x05\x0a\x04\x00\x0f\x08",
    b"\x09\x00\x05\x07\x02\x04\x0a\x0f\x0e\x01\x0b\x0c\x06\x08\x03\x0d",
    b"\x02\x0c\x06\x0a\x00\x0b\x08\x03\x04\x0d\x07\x05\x0f\x0e\x01\x09",
    b"\x0c\x05\x01\x0f\x0e\x0d\x04\x0a\x00\x07\x06\x03\x09\x02\x08\x0b",
    b"\x0d\x0b\x07\x0e\x0c\x01\x03\x09\x05\x00\x0f\x04\x08\x06\x02\x0a",
    b"\x06\x0f\x0e\x09\x0b\x03\x00\x08\x0c\x02\x0d\x07\x01\x04\x0a\x05",
    b"\x0a\x02\x08\x04\x07\x06\x01\x05\x0f\x0b\x09\x0e\x03\x0c\x0d\x00",
)

# The working-vector indices of the eight mixings of a round: four columns, then four diagonals.
_LANES = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)


class Blake2b256:
    """Incremental BLAKE2b-256."""

    def __init__(self) -> None:
        self._chain = list(_IV)
        self._chain[0] ^= 0x01010020  # parameter block: fanout 1, depth 1, no key, 32 bytes of digest
        self._block = bytearray(_BLOCK)
        self._filled = 0
        self._total = 0

    def update(self, data: "Buffer") -> None:
        """Take in the next piece."""
        view = memoryview(data)
        pos = 0
        left = len(view)
        while left:
            # The last block is hashed with a flag of its own, so a full one waits until more comes.
            if self._filled == _BLOCK:
                self._total += _BLOCK
                _compress(self._chain, self._block, self._total, 0)
                self._filled = 0
            taken = min(left, _BLOCK - self._filled)
            self._block[self._filled : self._filled + taken] = view[pos : pos + taken]
            self._filled += taken
            pos += taken
            left -= taken

    def digest(self) -> bytes:
        """The hash of all taken in so far, 32 bytes; more may follow."""
        chain = list(self._chain)
        block = bytearray(_BLOCK)
        block[: self._filled] = self._block[: self._filled]
        _compress(chain, block, self._total + self._filled, _MASK)
        return b"".join([word.to_bytes(8, "little") for word in chain[:4]])


def blake2b_256(data: "Buffer") -> bytes:
    """BLAKE2b-256 of `data`, 32 bytes."""
    state = Blake2b256()
    state.update(data)
    return state.digest()


def _compress(chain: "list[int]", block: bytearray, total: int, last: int) -> None:
    """F of section 3.2: mix one block into `chain`. `total` counts bytes to its end; `last` is all ones at the end."""
    mask = _MASK
    words = [int.from_bytes(block[at : at + 8], "little") for at in range(0, _BLOCK, 8)]
    work = chain + list(_IV)
    work[12] ^= total & mask
    work[13] ^= total >> 64
    work[14] ^= last
    for turn in range(12):
        schedule = _SIGMA[turn % 10]
        at = 0
        for ia, ib, ic, id_ in _LANES:
            a = work[ia]
            b = work[ib]
            c = work[ic]
            d = work[id_]
            a = (a + b + words[schedule[at]]) & mask
            d ^= a
            d = d >> 32 | d << 32 & mask
            c = (c + d) & mask
            b ^= c
            b = b >> 24 | b << 40 & mask
            a = (a + b + words[schedule[at + 1]]) & mask
            d ^= a
            d = d >> 16 | d << 48 & mask
            c = (c + d) & mask
            b ^= c
            b = b >> 63 | b << 1 & mask
            work[ia] = a
            work[ib] = b
            work[ic] = c
            work[id_] = d
            at += 2
    for at in range(8):
        chain[at] ^= work[at] ^ work[at + 8]

"""ChaCha20-Poly1305 (RFC 8439) with the nonces of Noise, in plain integers.

A nonce is four zero bytes and a counter of 64 bits, little-endian. Not constant time. All ciphers share one scratch
state, so two threads must not seal or open at once.
"""

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

label = "pure"

_TAG = const(16)
_BLOCK = const(64)
_WORD = 0xFFFFFFFF
_P = (1 << 130) - 5
_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
_CONSTANTS = (0x61707865, 0x3320646E, 0x79622D32, 0x6B206574)

# The state's indices of the eight quarter rounds: four columns, then four diagonals.
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

_state = [0] * 16
_work = [0] * 16
_stream = bytearray(_BLOCK)


class Aead:
    """One key. Under a key, each counter may seal one message only."""

    def __init__(self, key: "Buffer") -> None:
        # As bytes: each connection holds two ciphers, and words of 32 bits are objects of their own on a board.
        self._key = bytes(key)

    def seal(self, counter: int, ad: "Buffer", buf: "Buffer", start: int, end: int, out: "Buffer", at: int) -> int:
        """Seal buf[start:end] with the additional data `ad` into out[at:]; `out` may be `buf` with `at` = `start`.

        Returns how many bytes were written: the plaintext's and a tag of 16.
        """
        size = end - start
        target = memoryview(out)[at : at + size + _TAG]
        self._begin(counter)
        self._exclusive_or(memoryview(buf)[start:end], target[:size])
        target[size:] = self._tag(ad, target[:size])
        return size + _TAG

    def open(self, counter: int, ad: "Buffer", buf: "Buffer", start: int, end: int, out: "Buffer", at: int) -> int:
        """Open what `seal` wrote, now at buf[start:end], into out[at:]; `out` may be `buf` with `at` = `start`.

        Returns the plaintext's length, or -1 when the tag is wrong or missing; `out` is then untouched.
        """
        size = end - start - _TAG
        if size < 0:
            return -1
        source = memoryview(buf)[start : start + size]
        self._begin(counter)
        tag = self._tag(ad, source)
        differs = 0
        for i in range(_TAG):
            differs |= tag[i] ^ buf[start + size + i]
        if differs:
            return -1
        self._exclusive_or(source, memoryview(out)[at : at + size])
        return size

    def _begin(self, counter: int) -> None:
        state = _state
        state[:4] = _CONSTANTS
        key = self._key
        for i in range(8):
            state[4 + i] = int.from_bytes(key[4 * i : 4 * i + 4], "little")
        state[13] = 0
        state[14] = counter & _WORD
        state[15] = counter >> 32

    def _exclusive_or(self, source: memoryview, target: memoryview) -> None:
        """Section 2.4: block 1 and those that follow."""
        for at in range(0, len(source), _BLOCK):
            _state[12] = at // _BLOCK + 1
            _next_block()
            piece = bytes(source[at : at + _BLOCK])
            mixed = int.from_bytes(piece, "little") ^ int.from_bytes(_stream[: len(piece)], "little")
            target[at : at + _BLOCK] = mixed.to_bytes(len(piece), "little")

    def _tag(self, ad: "Buffer", sealed: memoryview) -> bytes:
        """Section 2.8: Poly1305 over both, each padded to 16 bytes, and their lengths; its key is block 0."""
        _state[12] = 0
        _next_block()
        r = int.from_bytes(_stream[:16], "little") & _CLAMP
        s = int.from_bytes(_stream[16:32], "little")
        total = _absorb(_absorb(0, r, memoryview(ad)), r, sealed)
        lengths = len(ad) | len(sealed) << 64 | 1 << 128
        total = (total + lengths) * r % _P + s
        return (total & ((1 << 128) - 1)).to_bytes(_TAG, "little")


def _absorb(total: int, r: int, data: memoryview) -> int:
    for at in range(0, len(data), 16):
        total = (total + (int.from_bytes(bytes(data[at : at + 16]), "little") | 1 << 128)) * r % _P
    return total


def _next_block() -> None:
    """Section 2.3: the key stream's block for `_state`, into `_stream`."""
    word = _WORD
    x = _work
    x[:] = _state
    for _ in range(10):
        for ia, ib, ic, id_ in _LANES:
            a = x[ia]
            b = x[ib]
            c = x[ic]
            d = x[id_]
            a = a + b & word
            d ^= a
            d = (d << 16 | d >> 16) & word
            c = c + d & word
            b ^= c
            b = (b << 12 | b >> 20) & word
            a = a + b & word
            d ^= a
            d = (d << 8 | d >> 24) & word
            c = c + d & word
            b ^= c
            x[ia] = a
            x[ib] = (b << 7 | b >> 25) & word
            x[ic] = c
            x[id_] = d
    for i in range(16):
        _stream[4 * i : 4 * i + 4] = (x[i] + _state[i] & word).to_bytes(4, "little")

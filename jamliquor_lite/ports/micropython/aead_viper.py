"""ChaCha20-Poly1305 (RFC 8439) with the nonces of Noise, as machine code that MicroPython's viper makes of it.

For MicroPython with a native emitter only, on little-endian machines. Nothing is allocated for a message: all ciphers
share one block of words, and a cipher is its key. Viper knows no bounds, so `Aead` checks every range first.
No branch and no index depends on a secret.
"""
# ruff: noqa: F821, ANN202 -- viper's types are names of its own, and it knows no annotation for nothing.

from array import array

import micropython
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

label = "viper"

_TAG = const(16)
_SMALL = const(0x3FFFFFFF)  # a counter up to here is handled without a big integer

# The shared words: where each part begins.
_STREAM = const(16)  # 0: the state of ChaCha20; here its block, then the key stream's
_H = const(32)  # Poly1305's sum in ten limbs of 13 bits
_R = const(42)  # its key
_R5 = const(52)  # five times its key, for what wraps at 2^130
_D = const(62)  # the product
_S = const(72)  # the last addend, 16 bytes
_PAD = const(76)  # a last block, filled up with zeros
_FROM = const(80)  # arguments of a call: the source's offset, the target's, and how many bytes
_TO = const(81)
_SIZE = const(82)
_WORDS = const(83)

_words = array("I", b"expand 32-byte k" + bytes(4 * (_WORDS - 4)))
_poly_key = bytearray(32)
_zeros = bytes(32)
_lengths = bytearray(16)
_tag = bytearray(_TAG)


class Aead:
    """One key. Under a key, each counter may seal one message only."""

    def __init__(self, key: "Buffer") -> None:
        self._key = bytes(key)

    def seal(self, counter: int, ad: "Buffer", buf: "Buffer", start: int, end: int, out: "Buffer", at: int) -> int:
        """Seal buf[start:end] with the additional data `ad` into out[at:]; `out` may be `buf` with `at` = `start`.

        Returns how many bytes were written: the plaintext's and a tag of 16.
        """
        size = end - start
        if size < 0 or start < 0 or end > len(buf) or at < 0 or at + size + _TAG > len(out):
            raise ValueError("a buffer is too short")
        words = _words
        self._begin(counter)
        words[_FROM] = start
        words[_TO] = at
        words[_SIZE] = size
        _exclusive_or(words, buf, out)
        words[_FROM] = at
        _finish(words, ad, out, size)
        tag = _tag
        at += size
        for i in range(_TAG):
            out[at + i] = tag[i]
        return size + _TAG

    def open(self, counter: int, ad: "Buffer", buf: "Buffer", start: int, end: int, out: "Buffer", at: int) -> int:
        """Open what `seal` wrote, now at buf[start:end], into out[at:]; `out` may be `buf` with `at` = `start`.

        Returns the plaintext's length, or -1 when the tag is wrong or missing; `out` is then untouched.
        """
        size = end - start - _TAG
        if size < 0:
            return -1
        if start < 0 or end > len(buf) or at < 0 or at + size > len(out):
            raise ValueError("a buffer is too short")
        words = _words
        self._begin(counter)
        words[_FROM] = start
        _finish(words, ad, buf, size)
        tag = _tag
        differs = 0
        for i in range(_TAG):
            differs |= tag[i] ^ buf[start + size + i]
        if differs:
            return -1
        words[12] = 1
        words[_FROM] = start
        words[_TO] = at
        words[_SIZE] = size
        _exclusive_or(words, buf, out)
        return size

    def _begin(self, counter: int) -> None:
        """Key, nonce and Poly1305's key, which is block 0; block 1 is next."""
        words = _words
        _load(words, self._key)
        words[12] = 0
        words[13] = 0
        if counter <= _SMALL:
            words[14] = counter
            words[15] = 0
        else:
            words[14] = counter & 0xFFFFFFFF
            words[15] = counter >> 32
        words[_FROM] = 0
        words[_TO] = 0
        words[_SIZE] = 32
        _exclusive_or(words, _zeros, _poly_key)
        _load_poly(words, _poly_key)


def _finish(words: "array[int]", ad: "Buffer", sealed: "Buffer", size: int) -> None:
    """The tag over `ad` and the `size` bytes of `sealed` from words[_FROM], into `_tag` (section 2.8)."""
    at = words[_FROM]
    words[_FROM] = 0
    words[_SIZE] = len(ad)
    _absorb(words, ad)
    words[_FROM] = at
    words[_SIZE] = size
    _absorb(words, sealed)
    lengths = _lengths
    left = len(ad)
    for i in range(4):
        lengths[i] = left & 255
        lengths[8 + i] = size & 255
        left >>= 8
        size >>= 8
    words[_FROM] = 0
    words[_SIZE] = 16
    _absorb(words, lengths)
    _tag_of(words, _tag)


@micropython.viper
def _load(w: ptr32, key: ptr8):
    i = 0
    while i < 8:
        w[4 + i] = key[4 * i] | key[4 * i + 1] << 8 | key[4 * i + 2] << 16 | key[4 * i + 3] << 24
        i += 1


@micropython.viper
def _exclusive_or(w: ptr32, source: ptr8, target: ptr8):
    """Section 2.4, from the block that words[12] says, which then says the next."""
    mask = uint(0xFFFFFFFF)
    stream = ptr8(w)
    at = int(w[_FROM])
    to = int(w[_TO])
    left = int(w[_SIZE])
    while left > 0:
        i = 0
        while i < 16:
            w[_STREAM + i] = w[i]
            i += 1
        turn = 0
        while turn < 20:
            q = 0
            while q < 4:
                # A turn of columns, then one of diagonals.
                skew = turn & 1
                ia = _STREAM + q
                ib = _STREAM + 4 + (q + skew & 3)
                ic = _STREAM + 8 + (q + skew + skew & 3)
                id_ = _STREAM + 12 + (q + skew + skew + skew & 3)
                a = uint(w[ia]) & mask
                b = uint(w[ib]) & mask
                c = uint(w[ic]) & mask
                d = uint(w[id_]) & mask
                a = a + b & mask
                d = d ^ a
                d = (d << 16 | d >> 16) & mask
                c = c + d & mask
                b = b ^ c
                b = (b << 12 | b >> 20) & mask
                a = a + b & mask
                d = d ^ a
                d = (d << 8 | d >> 24) & mask
                c = c + d & mask
                b = b ^ c
                b = (b << 7 | b >> 25) & mask
                w[ia] = int(a)
                w[ib] = int(b)
                w[ic] = int(c)
                w[id_] = int(d)
                q += 1
            turn += 1
        i = 0
        while i < 16:
            w[_STREAM + i] = int(uint(w[_STREAM + i]) + uint(w[i]) & mask)
            i += 1
        w[12] = w[12] + 1
        size = left if left < 64 else 64
        i = 0
        while i < size:
            target[to + i] = source[at + i] ^ stream[4 * _STREAM + i]
            i += 1
        at += size
        to += size
        left -= size


@micropython.viper
def _load_poly(w: ptr32, key: ptr8):
    """Section 2.5: r, clamped and cut into limbs, s, and an empty sum."""
    i = 4
    while i < 16:
        key[i - 1] = key[i - 1] & 15
        key[i] = key[i] & 252
        i += 4
    key[15] = key[15] & 15
    i = 0
    while i < 10:
        at = 13 * i >> 3
        limb = key[at] | key[at + 1] << 8
        if i < 9:
            limb |= key[at + 2] << 16
        limb = limb >> (13 * i & 7) & 0x1FFF
        w[_R + i] = limb
        w[_R5 + i] = 5 * limb
        w[_H + i] = 0
        i += 1
    s = ptr8(w)
    i = 0
    while i < 16:
        s[4 * _S + i] = key[16 + i]
        i += 1


@micropython.viper
def _absorb(w: ptr32, data: ptr8):
    """Section 2.5.1 over `data`, filled up with zeros to a whole block: ten limbs of 13 bits keep to 32 bits."""
    low = uint(0x1FFF)
    pad = ptr8(w)
    at = int(w[_FROM])
    left = int(w[_SIZE])
    while left > 0:
        block = data
        if left < 16:
            i = 0
            while i < 16:
                pad[4 * _PAD + i] = data[at + i] if i < left else 0
                i += 1
            block = pad
            at = 4 * _PAD
        i = 0
        while i < 9:
            k = at + (13 * i >> 3)
            limb = (block[k] | block[k + 1] << 8 | block[k + 2] << 16) >> (13 * i & 7) & 0x1FFF
            w[_H + i] = w[_H + i] + limb
            i += 1
        w[_H + 9] = w[_H + 9] + ((block[at + 14] | block[at + 15] << 8) >> 5 | 0x800)
        carry = uint(0)
        i = 0
        while i < 10:
            d = carry
            j = 0
            while j < 5:
                if j <= i:
                    d += uint(w[_H + j]) * uint(w[_R + i - j])
                else:
                    d += uint(w[_H + j]) * uint(w[_R5 + i + 10 - j])
                j += 1
            carry = d >> 13
            d = d & low
            while j < 10:
                if j <= i:
                    d += uint(w[_H + j]) * uint(w[_R + i - j])
                else:
                    d += uint(w[_H + j]) * uint(w[_R5 + i + 10 - j])
                j += 1
            carry += d >> 13
            w[_D + i] = int(d & low)
            i += 1
        carry = (carry << 2) + carry + uint(w[_D])
        w[_H] = int(carry & low)
        w[_H + 1] = w[_D + 1] + int(carry >> 13)
        i = 2
        while i < 10:
            w[_H + i] = w[_D + i]
            i += 1
        at += 16
        left -= 16


@micropython.viper
def _tag_of(w: ptr32, tag: ptr8):
    """The sum, reduced, and s added to it: 16 bytes."""
    # Carry twice round: the first may leave one in limb 1.
    turn = 0
    while turn < 2:
        carry = 0
        i = 0
        while i < 10:
            carry += w[_H + i]
            w[_H + i] = carry & 0x1FFF
            carry >>= 13
            i += 1
        w[_H] = w[_H] + 5 * carry
        turn += 1
    # If the sum plus 5 passes 2^130, that is the sum less the prime.
    carry = 5
    i = 0
    while i < 10:
        carry += w[_H + i]
        w[_D + i] = carry & 0x1FFF
        carry >>= 13
        i += 1
    keep = 1 - carry
    s = ptr8(w)
    bits = 0
    held = 0
    limb = 0
    carry = 0
    i = 0
    while i < 16:
        while held < 8:
            bits |= (w[_H + limb] * keep + w[_D + limb] * (1 - keep)) << held
            limb += 1
            held += 13
        carry += (bits & 255) + s[4 * _S + i]
        tag[i] = carry & 255
        carry >>= 8
        bits >>= 8
        held -= 8
        i += 1

"""Frames on a serial line, side by side with readable text, and the sorter that tells them apart.

A frame of `body`, which is 1 to 248 bytes, is at most 256 bytes on the line:

    00 01 ... 00        a zero, the COBS (cobs.py) of `content`, a zero; the 01 is the first code of that encoding
    content             00 | body | crc
    crc                 4 bytes, little-endian: CRC-32 of `00 | body` as IEEE 802.3, zip and PNG have it

Content begins with a zero, so a frame begins with `00 01` and with nothing else. Text holds neither of the two: every
byte that follows a zero and is no 01 is text again, at once, without waiting for more. Text of any kind may stand
between frames, never within one.

What comes in between, cut frames, noise, another baud rate, costs itself and no frame behind it: the zero that begins
a frame ends whatever was before it. What ends in the middle of a frame is given up when the line is silent for
`stall_ms`; what is too long for a frame is skipped up to the next zero. 1 MiB of random bytes holds `00 01` 16 times;
with 32 bits of CRC one of these passes for a frame in 10^8 MiB, with 16 bits it would be one in 4,000, and a command
like `reset` is among what such a frame can say. CRC-32 is also what both interpreters have in C.

Nothing here allocates where a frame is whole, or where there is text, under MicroPython: a view to hand to `crc32`
would, and so would a result above 2^30. So the buffer is handed over as it is. The CRC in it is inverted again, which
makes the register zero behind a content that is whole; its tail is zeros, over which the register stays as it is, and
then four bytes FF, which take it to where `crc32` returns 0x2144DF1C, and that is small.
"""

import binascii
import struct

from ..const import const
from . import cobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]

BODY_AT = 3  # where a body lies in the buffer that `finish` turns into a frame
MAX_BODY = 248
MAX_FRAME = 256  # bytes on the line, both zeros included
STALL_MS = 1_000  # a frame that stops in the middle for so long does not go on

# Events of Sorter.feed.
NOTHING = 0
TEXT = 1
FRAME = 2

_CRC = const(4)  # bytes
_LEAST_CONTENT = const(6)
_SOUND = const(0x2144DF1C)

# What the last byte was part of.
_IN_TEXT = const(0)
_AT_ZERO = const(1)
_IN_FRAME = const(2)
_IN_EXCESS = const(3)  # of a frame that is too long


def finish(buf: bytearray, end: int) -> int:
    """Make a frame of the body in buf[BODY_AT:end], from the beginning of `buf`; MAX_FRAME bytes always suffice.

    The length of the frame. The caller has seen to it that the body is not longer than MAX_BODY, nor empty.
    """
    buf[0] = buf[2] = 0
    struct.pack_into("<I", buf, end, binascii.crc32(memoryview(buf)[2:end]))
    end += _CRC
    cobs.encode(buf, 1, end)
    buf[end] = 0
    return end + 1


def encode(body: "Buffer") -> bytes:
    """The frame of a body of 1 to MAX_BODY bytes."""
    buf = bytearray(MAX_FRAME)
    end = BODY_AT + len(body)
    buf[BODY_AT:end] = body
    return bytes(memoryview(buf)[: finish(buf, end)])


class Sorter:
    """Takes bytes as they come and says what they are. `feed` until it has taken all.

    After FRAME the body is buf[start:end] of the sorter, until the next call; after TEXT it is what lies between
    `text_start` and `text_end` of what was fed. `frames` were whole, `broken` were not, `oversize` were too long to be
    frames, `cut` stopped in the middle.
    """

    def __init__(self, stall_ms: int = STALL_MS) -> None:
        self.buf = bytearray(cobs.MAX_CONTENT + _CRC)
        for at in range(cobs.MAX_CONTENT, len(self.buf)):
            self.buf[at] = 0xFF
        self.event = NOTHING
        self.start = self.end = 0
        self.text_start = self.text_end = 0
        self.frames = self.broken = self.oversize = self.cut = 0
        self._stall_ms = stall_ms
        self._state = _IN_TEXT
        self._count = 0  # bytes of the frame so far
        self._used = 0  # bytes of `buf` that may differ from zero
        self._at = 0  # ms of the last byte

    def feed(self, buf: "Buffer", start: int, end: int, now: int) -> int:
        """Take bytes of buf[start:end] up to the first event or to the end. Where it stopped; `event` says why."""
        self.event = NOTHING
        state = self._state
        if state >= _IN_FRAME and now - self._at >= self._stall_ms:
            self.cut += 1
            state = _IN_TEXT
        self._at = now
        at = start
        while at < end:
            if state == _IN_TEXT:
                self.text_start = at
                while at < end and buf[at]:
                    at += 1
                self.text_end = at
                if at < end:
                    state = _AT_ZERO
                    at += 1
                if self.text_end > self.text_start:
                    self.event = TEXT
                    break
            elif state == _AT_ZERO:
                byte = buf[at]
                if byte > 1:
                    state = _IN_TEXT
                    continue
                at += 1
                if byte:
                    state = _IN_FRAME
                    self._count = 0
            elif state == _IN_FRAME:
                at = self._collect(buf, at, end)
                if at < end:
                    at += 1
                    state = _AT_ZERO
                    if self._is_whole():
                        self.event = FRAME
                        break
                elif self._count > cobs.MAX_CONTENT:
                    self.oversize += 1
                    state = _IN_EXCESS
            else:
                while at < end and buf[at]:
                    at += 1
                if at < end:
                    state = _AT_ZERO
                    at += 1
        self._state = state
        return at

    def _collect(self, buf: "Buffer", at: int, end: int) -> int:
        # Bytes up to a zero, which is left; up to `end` where none comes. What does not fit is only counted.
        content, count = self.buf, self._count
        while at < end:
            byte = buf[at]
            if byte == 0:
                break
            if count < cobs.MAX_CONTENT:
                content[count] = byte
            count += 1
            at += 1
        self._count = count
        self._used = max(self._used, min(count, cobs.MAX_CONTENT))
        return at

    def _is_whole(self) -> bool:
        count = self._count
        if count > cobs.MAX_CONTENT:
            self.oversize += 1
            return False
        content = self.buf
        while self._used > count:
            self._used -= 1
            content[self._used] = 0
        if count < _LEAST_CONTENT or not cobs.decode(content, 0, count):
            self.broken += 1
            return False
        end = count - _CRC
        for at in range(end, count):
            content[at] ^= 0xFF
        if binascii.crc32(content) != _SOUND:
            self.broken += 1
            return False
        self.frames += 1
        self.start, self.end = 1, end
        return True

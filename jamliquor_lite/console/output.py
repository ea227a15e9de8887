"""What waits to be written: a ring that never grows, into which a line or a frame goes as a whole or not at all."""

from ..codec import serial_frame
from ..codec.serial_frame import BODY_AT, MAX_FRAME
from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    Buffer = Union[bytes, bytearray, memoryview]

_WRITES = const(8)  # a turn: what the line does not take now waits
_FRAME_TAIL = const(5)  # the CRC and the zero behind a body
_NEW_LINE = b"\r\n"  # what a terminal in raw mode wants
LEAST_BYTES = 2 * MAX_FRAME
MAX_LINE = 320  # bytes of a line; what is longer is cut


class Output:
    """`size` bytes wait; `dropped` lines and frames found no room."""

    def __init__(self, ring_bytes: int) -> None:
        if ring_bytes < LEAST_BYTES:
            raise ValueError("the ring of a console needs at least %d bytes" % LEAST_BYTES)
        self.size = 0
        self.dropped = 0
        self._ring = memoryview(bytearray(ring_bytes))
        self._first = 0
        self._frame = bytearray(MAX_FRAME)

    @property
    def room(self) -> int:
        """Bytes that it takes now."""
        return len(self._ring) - self.size

    def line(self, text: str) -> bool:
        """Put a line; False: it found no room and is dropped. What would not be one readable line becomes one."""
        data = _readable(text)
        if len(data) + len(_NEW_LINE) > self.room:
            self.dropped += 1
            return False
        self._put(data, 0, len(data))
        self._put(_NEW_LINE, 0, len(_NEW_LINE))
        return True

    def frame(self, body: "Buffer") -> bool:
        """Put a frame of this body; False: it found no room and is dropped."""
        frame = self._frame
        end = BODY_AT + len(body)
        if end + _FRAME_TAIL > self.room:
            self.dropped += 1
            return False
        frame[BODY_AT:end] = body
        self._put(frame, 0, serial_frame.finish(frame, end))
        return True

    def echo(self, buf: "Buffer", start: int, end: int) -> None:
        """Put these bytes as they are, or drop them and count nothing: they come back what was typed."""
        if end - start <= self.room:
            self._put(buf, start, end)

    def drain(self, tty: "Any") -> bool:
        """Write what the line takes, without waiting. Whether it took any."""
        ring = self._ring
        before = self.size
        for _ in range(_WRITES):
            if not self.size:
                break
            end = min(len(ring), self._first + self.size)
            count = tty.send(ring, self._first, end)
            if count <= 0:
                break
            self.size -= count
            self._first = self._first + count if self._first + count < len(ring) else 0
        return self.size != before

    def clear(self) -> None:
        """Forget what waits."""
        self.size = self._first = 0

    def _put(self, buf: "Buffer", start: int, end: int) -> None:
        ring = self._ring
        limit = len(ring)
        to = self._first + self.size
        if to >= limit:
            to -= limit
        self.size += end - start
        while start < end:
            ring[to] = buf[start]
            start += 1
            to += 1
            if to == limit:
                to = 0


def _readable(text: str) -> bytes:
    # Nothing that moves a cursor, ends the line early or could be taken for the beginning of a frame.
    for character in text:
        if character < " " or character == "\x7f":
            text = "".join([c if c >= " " and c != "\x7f" else "?" for c in text])
            break
    data = text.encode()
    return data if len(data) <= MAX_LINE else data[: MAX_LINE - 3] + b"..."

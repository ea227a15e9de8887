"""The line that a person is typing: printable ASCII, with as much editing as a terminal without a shell needs."""

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from .output import Output

    Buffer = Union[bytes, bytearray, memoryview]

MAX_LINE = 160  # bytes: the longest command is a range of two keys of 62 digits each, with room

# Events of LineEditor.take.
NOTHING = 0
LINE = 1  # `text` has it
LONG = 2  # it was longer than MAX_LINE
UNREADABLE = 3  # it held bytes that nobody types
CANCELLED = 4  # Ctrl-C

_ETX = const(0x03)
_BACKSPACE = const(0x08)
_TAB = const(0x09)
_LF = const(0x0A)
_CR = const(0x0D)
_NAK = const(0x15)  # Ctrl-U
_ESCAPE = const(0x1B)
_BRACKET = const(0x5B)
_DELETE = const(0x7F)
_ERASED = b"\b \b"

# Within a key that sends more than one byte (ECMA-48, 5.4): ESC, or ESC [ and what follows.
_PLAIN = const(0)
_ESCAPED = const(1)
_CONTROL = const(2)


class LineEditor:
    """`take` until it has taken all; `event` says what ended a line. `unreadable` lines were dropped, and `long` ones.

    Backspace, Ctrl-U and Ctrl-C work, cursor keys and the like are ignored. A byte that nobody types makes the whole
    line unreadable, up to its end: noise on the line must not become a command.
    """

    def __init__(self) -> None:
        self.event = NOTHING
        self.unreadable = 0
        self.long = 0
        self.count = 0
        self.line = bytearray(MAX_LINE)
        self._fault = NOTHING
        self._escape = _PLAIN
        self._after_cr = False

    @property
    def text(self) -> str:
        """The line so far, or after LINE all of it, until the next `take`."""
        return bytes(memoryview(self.line)[: self.count]).decode()

    def clear(self) -> None:
        """Begin anew."""
        self.count = 0
        self._fault = NOTHING
        self._escape = _PLAIN

    def take(self, buf: "Buffer", start: int, end: int, output: "Output | None") -> int:
        """Take typed bytes up to the end of a line. Where it stopped. `output` gets the echo."""
        if self.event != NOTHING:
            self.event = NOTHING
            self.clear()
        at = start
        fault = self._fault
        while at < end:
            byte = buf[at]
            at += 1
            if fault and byte >= 0x20:
                continue  # the usual byte of noise
            if byte == _LF and self._after_cr:
                self._after_cr = False
                continue
            self._after_cr = byte == _CR
            if byte == _CR or byte == _LF:
                self.event = fault or LINE
                self.unreadable += fault == UNREADABLE
                self.long += fault == LONG
                break
            if byte == _ETX:
                self.event = CANCELLED
                break
            if byte == _NAK:
                if output is not None:
                    for _ in range(self.count):
                        output.echo(_ERASED, 0, 3)
                self.clear()
                fault = NOTHING
            elif fault == NOTHING:
                self._type(buf, at - 1, byte, output)
                fault = self._fault
        return at

    def _type(self, buf: "Buffer", at: int, byte: int, output: "Output | None") -> None:
        if self._escape == _ESCAPED:
            # ESC O and a letter are what some keypads send; its letter would be typed otherwise.
            self._escape = _CONTROL if byte in (_BRACKET, 0x4F) else _PLAIN
        elif self._escape == _CONTROL:
            if 0x40 <= byte <= 0x7E:
                self._escape = _PLAIN
        elif byte == _BACKSPACE or byte == _DELETE:
            if self.count:
                self.count -= 1
                if output is not None:
                    output.echo(_ERASED, 0, 3)
        elif byte == _ESCAPE:
            self._escape = _ESCAPED
        elif byte == _TAB:
            pass
        elif byte < 0x20 or byte > 0x7E:
            self._fault = UNREADABLE
        elif self.count == MAX_LINE:
            self._fault = LONG
        else:
            self.line[self.count] = byte
            self.count += 1
            if output is not None:
                output.echo(buf, at, at + 1)

"""What comes over the line, told apart: lines of text, and bodies of frames (console/messages.py) as lists."""

import codecs

from ..codec.serial_frame import FRAME, TEXT, Sorter
from ..console import messages
from ..const import const
from ..errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

LINE_CHARACTERS = 400  # of a line; a board that sends no end of line fills no memory
_STALL_MS = const(5_000)  # longer than a board's: a host that is busy reads the rest of a frame late
_PROMPT = "> "
_SEEN_CHARACTERS = const(60)
_ESCAPE = "\x1b"


class Decoder:
    """`feed` yields ("line", text) and ("frame", (body, its list)); `frames` were whole, `broken` were not.

    A line is yielded when it ends, without the console's prompt before it and safe for a terminal.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self.lines = 0
        self.unreadable = 0  # bytes of text that are none: another speed, or another device
        self.seen = ""  # the first text of all
        self._sorter = Sorter(_STALL_MS)
        self._text = ""
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def frames(self) -> int:
        """Frames that were whole."""
        return self._sorter.frames

    @property
    def broken(self) -> int:
        """Frames that were not: garbled, cut short, or too long."""
        return self._sorter.broken + self._sorter.cut + self._sorter.oversize

    def reset(self) -> None:
        """What was begun does not go on: the line was lost."""
        self._text = ""
        self._utf8.reset()
        self._sorter.feed(b"\0", 0, 1, 0)

    def feed(self, data: bytes, now: int) -> "Iterator[tuple[str, Any]]":
        """Take all of it."""
        sorter, at = self._sorter, 0
        self.bytes += len(data)
        while at < len(data):
            at = sorter.feed(data, at, len(data), now)
            if sorter.event == TEXT:
                yield from self._lines(data[sorter.text_start : sorter.text_end])
            elif sorter.event == FRAME:
                try:
                    body = bytes(sorter.buf[sorter.start : sorter.end])
                    items = messages.read(body)
                except VerifyError:
                    continue  # a CRC that is right by chance, or another version's
                yield "frame", (body, items)

    def _lines(self, data: bytes) -> "Iterator[tuple[str, str]]":
        text = self._utf8.decode(data)  # a character may come in two pieces
        self.unreadable += sum(not c.isprintable() and c not in "\r\n\t\b\x1b" or c == "\ufffd" for c in text)
        if len(self.seen) < _SEEN_CHARACTERS:
            self.seen = (self.seen + text)[:_SEEN_CHARACTERS]
        *whole, self._text = (self._text + text).split("\n")
        for line in whole:
            yield from self._line(line)
        while len(self._text) > LINE_CHARACTERS:
            line, self._text = self._text[:LINE_CHARACTERS], self._text[LINE_CHARACTERS:]
            yield from self._line(line)

    def _line(self, line: str) -> "Iterator[tuple[str, str]]":
        line = clean(line.rstrip("\r"))
        while line.startswith(_PROMPT):
            line = line[len(_PROMPT) :]
        if line.strip() and line.strip() != ">":
            self.lines += 1
            yield "line", line[:LINE_CHARACTERS]


def clean(text: str) -> str:
    """The text as a terminal would show it, without what moves its cursor or changes its colours."""
    out: "list[str]" = []
    at = 0
    while at < len(text):
        c = text[at]
        at += 1
        if c == "\b":
            if out:
                out.pop()
        elif c == _ESCAPE:
            if text[at : at + 1] == "[":  # ECMA-48, 5.4: parameters up to a final byte
                at += 1
                while at < len(text) and not "@" <= text[at] <= "~":
                    at += 1
                at += 1
        elif c == "\t":
            out.append("  ")
        elif c == "\r":
            out.clear()
        else:
            out.append(c if c.isprintable() else "?")
    return "".join(out)

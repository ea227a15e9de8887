"""The last lines of what happened, in memory that never grows."""

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

LINES = 32
LINE_BYTES = 112
_MARK = const(0x3E)  # `>`: the end of a line that was cut


class Log:
    """At most `lines` lines of `line_bytes` bytes; the oldest goes first. Numbered from 0; `count` were put."""

    def __init__(self, lines: int = LINES, line_bytes: int = LINE_BYTES) -> None:
        self.count = 0
        self._lines = lines
        self._line_bytes = line_bytes
        self._text = memoryview(bytearray(lines * line_bytes))
        self._sizes = [0] * lines
        self._times = [0] * lines

    def add(self, now: int, text: str) -> None:
        """Put a line. What is longer is cut, and ends in `>` then."""
        data = text.encode()
        size = min(len(data), self._line_bytes)
        row = self.count % self._lines
        at = row * self._line_bytes
        self._text[at : at + size] = data[:size]
        if len(data) > size:
            self._text[at + size - 1] = _MARK
        self._sizes[row] = size
        self._times[row] = now
        self.count += 1

    def rows(self, since: int = 0) -> "Iterator[tuple[int, int, str]]":
        """(number, ms, text) of the lines kept from number `since` on, the oldest first. More may come meanwhile."""
        number = since
        while True:
            number = max(number, self.count - self._lines)
            if number >= self.count:
                return
            row = number % self._lines
            at = row * self._line_bytes
            yield number, self._times[row], _text(bytes(self._text[at : at + self._sizes[row]]))
            number += 1


def _text(data: bytes) -> str:
    # A cut may have gone through a character.
    try:
        return data.decode()
    except UnicodeError:
        return "".join([chr(byte) if byte < 0x80 else "?" for byte in data])


def event_text(name: str, fields: "dict[str, Any]") -> str:
    """What happened, as one line: the form in which `run` prints it too."""
    shown = []
    for key in fields:
        value = fields[key]
        shown.append("%s %s" % (key, value.hex()[:12] if isinstance(value, bytes) else value))
    return "%s: %s" % (name.replace("_", " "), ", ".join(shown))

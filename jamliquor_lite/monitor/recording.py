"""What a console said, kept in a file, and read from it again.

The file is a CBOR sequence (RFC 8742) of byte strings, so that any CBOR library reads it. Each is one record:

    59 hh ll  item      a byte string of hhll bytes (big-endian), always in this three-byte form; at most 1,024

and what it holds is one CBOR item of the kind that codec/cbor.py writes. The first is

    ["jamliquor-lite monitor", 1, unix_ms, source, [field…]]     version, start, where from, names of a status' fields

and each after it is a list [ms, kind, what], ms after the start:

    [ms, 0, body]       bytes: the body of a frame that came, as console/messages.py has it
    [ms, 1, text]       a line of text that came
    [ms, 2, text]       what the monitor says itself: that it connected, that the board was unplugged
    [ms, 3, body]       bytes: the body of a request that was sent, so that answers are known by their ids
    [ms, 4, text]       a command that was typed

The names of fields are long: they are spread over as many records [ms, 5, [field…]] as they take, before the rest.
"""

import os
import time

from ..codec import cbor
from ..console import messages
from ..const import const
from ..errors import LocalError, VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MAGIC = "jamliquor-lite monitor"
VERSION = 1
FRAME, TEXT, NOTE, SENT, TYPED, NAMES = 0, 1, 2, 3, 4, 5
_KINDS = {FRAME: bytes, TEXT: str, NOTE: str, SENT: bytes, TYPED: str, NAMES: list}
MAX_RECORD = 1024
_HEAD_BYTES = const(3)
_BYTE_STRING = const(0x59)
_FLUSH_MS = const(1_000)
_NAMES_EACH = const(16)
_CUT = const(400)  # characters of a text


class Writer:
    """A new recording. `put` each thing as it comes, `close` at the end."""

    def __init__(self, path: str, source: str) -> None:
        """LocalError, the user's, where the file cannot be made, or is there already and no recording."""
        self.path = path
        try:
            if os.path.exists(path) and os.path.getsize(path):
                with open(path, "rb") as file:
                    if not _is_recording(file.read(_HEAD_BYTES + 1 + len(MAGIC) + 1)):
                        raise LocalError(f"--record {ascii(path)}: the file is there, and no recording of ours", 2)
            self._file = open(path, "wb")  # noqa: SIM115
        except OSError as error:
            raise LocalError(f"--record {ascii(path)}: {error.strerror}", 2)
        self._start = time.time_ns() // 1_000_000
        self._flushed_at = 0
        self._put([MAGIC, VERSION, self._start, source[:_CUT]])
        names = list(messages.fields())
        for at in range(0, len(names), _NAMES_EACH):
            self._put([0, NAMES, names[at : at + _NAMES_EACH]])

    def put(self, kind: int, what: "str | bytes") -> None:
        """One record, now. LocalError when the disk is full."""
        ms = time.time_ns() // 1_000_000 - self._start
        self._put([max(0, ms), kind, what[:_CUT]])
        if ms - self._flushed_at >= _FLUSH_MS:
            self._flushed_at = ms
            self._flush()

    def close(self) -> None:
        """All of it is on the disk."""
        self._flush()
        self._file.close()

    def _put(self, item: "list[Any]") -> None:
        data = cbor.dumps(item)
        self._file.write(bytes((_BYTE_STRING, len(data) >> 8, len(data) & 0xFF)) + data)

    def _flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            raise LocalError(f"--record {ascii(self.path)}: {error.strerror}")


class Reader:
    """A recording. `names` of its fields, its `source`, `start` in ms since 1970; `records` yields the rest.

    `fault` says in one line why the records ended before they should have, "" when they did not.
    """

    def __init__(self, path: str) -> None:
        """LocalError, the user's, where it is none, or of another version."""
        self.path = path
        self.fault = ""
        self.count = 0
        self.names: "list[str]" = []
        try:
            self._file = open(path, "rb")  # noqa: SIM115
        except OSError as error:
            raise LocalError(f"recording {ascii(path)}: {error.strerror}", 2)
        try:
            head = self._next() if _is_recording(self._peek()) else None
        except OSError as error:
            raise LocalError(f"recording {ascii(path)}: {error.strerror}", 2)
        if not isinstance(head, list) or len(head) < 2:
            self._file.close()
            raise LocalError(f"{ascii(path)}: this is no recording of `monitor --record`", 2)
        if head[1] != VERSION:
            self._file.close()
            raise LocalError(f"{ascii(path)}: a recording of version {str(head[1])[:20]}; this program reads "
                             f"version {VERSION}", 2)
        if len(head) < 4 or not messages.is_whole(head[2]) or not isinstance(head[3], str):
            self._file.close()
            raise LocalError(f"{ascii(path)}: its first record is damaged", 2)
        self.start, self.source = head[2], head[3]

    def records(self) -> "Iterator[tuple[int, int, Any]]":
        """(ms after the start, kind, what), in their order."""
        while True:
            item = self._next()
            if item is None:
                self._file.close()
                return
            if not isinstance(item, list) or len(item) != 3 or not messages.is_whole(item[0]):
                self._damaged()
                return
            ms, kind, what = item
            if not messages.is_whole(kind):
                self._damaged()
                return
            if kind == NAMES and isinstance(what, list):
                self.names += [str(name) for name in what]
            elif kind in _KINDS:
                if not isinstance(what, _KINDS[kind]):
                    self._damaged()
                    return
                self.count += 1
                yield ms, kind, what
            # else: of a later version that kept this one's form

    def close(self) -> None:
        """Nothing more is read."""
        self._file.close()

    def _peek(self) -> bytes:
        data = self._file.read(_HEAD_BYTES + 1 + 1 + len(MAGIC))
        self._file.seek(0)
        return data

    def _next(self) -> "Any":
        # None at the end, where it is damaged, and where it is cut short.
        at = self._file.tell()
        head = self._file.read(_HEAD_BYTES)
        if not head:
            return None
        size = int.from_bytes(head[1:], "big")
        if head[0] != _BYTE_STRING or size > MAX_RECORD:
            return self._damaged(at)
        data = self._file.read(size)
        if len(head) < _HEAD_BYTES or len(data) < size:
            self.fault = (f"{ascii(self.path)}: cut short in the record at byte {at}; {self.count} records before it "
                          "were read")
            return None
        try:
            return cbor.loads(data, 3)
        except VerifyError:
            return self._damaged(at)

    def _damaged(self, at: int = -1) -> None:
        where = f" at byte {at}" if at >= 0 else ""
        self.fault = f"{ascii(self.path)}: damaged{where} behind record {self.count}; what is before it was read"
        self._file.close()


def _is_recording(data: bytes) -> bool:
    return data[:1] == bytes((_BYTE_STRING,)) and MAGIC.encode() in data

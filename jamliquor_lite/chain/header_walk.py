"""Where a header ends, in a stream that does not say so, and its hash: it is read once and not kept (GP 0.7.2, C.22;
the layout is header.py's)."""

from ..codec.natural import NaturalReader
from ..const import const
from ..crypto.suite import Blake2b256
from ..errors import VerifyError
from ..ports.memory import copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..codec.spec import Spec

    Buffer = bytes | bytearray | memoryview

_HASH = const(32)
_SLOT_AT = const(96)
_HEAD_BYTES = const(100)
_AUTHOR_BYTES = const(98)  # index and entropy signature
_SEAL_BYTES = const(96)
_OFFENDERS = const(-1)  # instead of a count of bytes: a natural


class HeaderWalk:
    """`feed` from the first byte of a header until `is_done`; `begin` for the next one. Then `digest` has its hash,
    `head` its parent and all else before the marks, `slot` the slot, `size` its bytes. VerifyError("codec") at the
    first byte that no header of this spec has there."""

    def __init__(self, spec: "Spec") -> None:
        self._spec = spec
        self._natural = NaturalReader()
        self.head = bytearray(_HEAD_BYTES)
        self.begin()

    def begin(self) -> None:
        """Another header comes."""
        self.digest = b""
        self.size = self.slot = 0
        self.has_epoch_mark = self.has_tickets_mark = False
        self._hash: "Any" = Blake2b256()
        self._natural.reset()
        self._flags = 0  # that were read
        self._left = _HEAD_BYTES

    @property
    def is_done(self) -> bool:
        return bool(self.digest)

    def feed(self, buf: "Buffer", start: int, end: int) -> int:
        """Take what is the header's of buf[start:end]; how many bytes that was."""
        at = start
        while at < end and not self.digest:
            count = 1 if self._left == _OFFENDERS else min(self._left, end - at)
            if self.size < _HEAD_BYTES:
                copy(self.head, self.size, buf, at, at + count)
            self._hash.update(memoryview(buf)[at : at + count])
            self.size += count
            at += count
            if self._left == _OFFENDERS:
                if self._natural.push(buf[at - 1]):
                    self._offenders(self._natural.value)
            else:
                self._left -= count
                if not self._left:
                    self._next(buf[at - 1])
        return at - start

    def _next(self, last: int) -> None:
        # A part is complete, whose last byte this is. Each flag but the first is read with what lies before it.
        flags = self._flags
        if flags == 4:
            self.digest = self._hash.digest()
            return
        if flags == 3:
            self._flags = 4
            self._left = _OFFENDERS
            return
        if flags == 0:
            head = self.head
            self.slot = head[_SLOT_AT] | head[_SLOT_AT + 1] << 8 | head[_SLOT_AT + 2] << 16 | head[_SLOT_AT + 3] << 24
            self._flags = self._left = 1
            return
        if last > 1:
            raise VerifyError("codec", "byte %d of a header is a flag and says %d" % (self.size - 1, last))
        # The mark, if there is one, and the next flag behind it; behind the second mark is the author.
        if flags == 1:
            self.has_epoch_mark = bool(last)
            self._left = 1 + last * self._spec.epoch_mark_size
        else:
            self.has_tickets_mark = bool(last)
            self._left = _AUTHOR_BYTES + last * self._spec.tickets_mark_size
        self._flags += 1

    def _offenders(self, count: int) -> None:
        if count > self._spec.validators:
            raise VerifyError("codec", "header names %d offenders, at most %d can be" % (count, self._spec.validators))
        self._left = count * _HASH + _SEAL_BYTES

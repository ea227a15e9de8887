"""The functions of memory.py for a firmware without the C module jamcrypto: they do take a little of the heap."""

from ...const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]

_FEW = const(32)  # bytes that are copied one by one sooner than two slices are made


def copy(out: "bytearray | memoryview", at: int, buf: "Buffer", start: int, end: int) -> None:
    """Copy buf[start:end] to out[at:]. ValueError when that is not within both."""
    if not 0 <= start <= end <= len(buf) or not 0 <= at <= len(out) - (end - start):
        raise ValueError("a buffer is too short")
    if end - start > _FEW:
        out[at : at + end - start] = memoryview(buf)[start:end]
        return
    at -= start
    for i in range(start, end):
        out[at + i] = buf[i]


def same(one: "Buffer", at: int, buf: "Buffer", start: int, end: int) -> bool:
    """Whether one[at:] begins with buf[start:end]. ValueError when that is not within both."""
    if not 0 <= start <= end <= len(buf) or not 0 <= at <= len(one) - (end - start):
        raise ValueError("a buffer is too short")
    at -= start
    for i in range(start, end):
        if one[at + i] != buf[i]:
            return False
    return True


def find(table: "bytes | bytearray", step: int, first: int, buf: "Buffer", start: int, end: int) -> int:
    """Of the records of `step` bytes, from number `first` on, the one that begins with buf[start:end], or -1."""
    wanted = bytes(memoryview(buf)[start:end])
    at = table.find(wanted, first * step)
    while at >= 0 and at % step:  # a match across two fields is chance
        at = table.find(wanted, at + 1)
    return at // step if 0 <= at <= len(table) - step else -1

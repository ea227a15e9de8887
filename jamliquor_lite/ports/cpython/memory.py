"""Bytes from one buffer to another, and where they are alike."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]


def copy(out: "bytearray | memoryview", at: int, buf: "Buffer", start: int, end: int) -> None:
    """Copy buf[start:end] to out[at:]. ValueError when that is not within both."""
    if not 0 <= start <= end <= len(buf) or not 0 <= at <= len(out) - (end - start):
        raise ValueError("a buffer is too short")
    # Into a view even if it is a bytearray: a view would be copied twice on its way into one.
    view = out if isinstance(out, memoryview) else memoryview(out)
    source = buf if isinstance(buf, memoryview) else memoryview(buf)
    view[at : at + end - start] = source[start:end]


def same(one: "Buffer", at: int, buf: "Buffer", start: int, end: int) -> bool:
    """Whether one[at:] begins with buf[start:end]. ValueError when that is not within both."""
    if not 0 <= start <= end <= len(buf) or not 0 <= at <= len(one) - (end - start):
        raise ValueError("a buffer is too short")
    return one[at : at + end - start] == buf[start:end]


def find(table: "bytes | bytearray", step: int, first: int, buf: "Buffer", start: int, end: int) -> int:
    """Of the records of `step` bytes, from number `first` on, the one that begins with buf[start:end], or -1."""
    wanted = bytes(buf[start:end])
    at = table.find(wanted, first * step)
    while at >= 0 and at % step:  # a match across two fields is chance
        at = table.find(wanted, at + 1)
    return at // step if 0 <= at <= len(table) - step else -1

"""Bytes from one buffer to another, without the heap: in C where the firmware has it, for slices are objects."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]


def copy(out: "bytearray | memoryview", at: int, buf: "Buffer", start: int, end: int) -> None:
    """Copy buf[start:end] to out[at:]. ValueError when that is not within both."""
    if not 0 <= start <= end <= len(buf) or not 0 <= at <= len(out) - (end - start):
        raise ValueError("a buffer is too short")
    at -= start
    for i in range(start, end):
        out[at + i] = buf[i]


try:
    from jamcrypto import copy  # noqa: F401, F811  (the twin's name is taken over)
except ImportError:
    pass

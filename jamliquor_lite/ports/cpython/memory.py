"""Bytes from one buffer to another."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]


def copy(out: "bytearray | memoryview", at: int, buf: "Buffer", start: int, end: int) -> None:
    """Copy buf[start:end] to out[at:]. ValueError when that is not within both."""
    if not 0 <= start <= end <= len(buf) or not 0 <= at <= len(out) - (end - start):
        raise ValueError("a buffer is too short")
    out[at : at + end - start] = memoryview(buf)[start:end]

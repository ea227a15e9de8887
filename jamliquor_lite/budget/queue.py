"""Bytes that wait, first in first out, in lent buffers ("chunks"). An empty queue holds none."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from .pool import Pool, Share

    Buffer = Union[bytes, bytearray, memoryview]
    WritableBuffer = Union[bytearray, memoryview]


class ByteQueue:
    """Up to `limit_chunks` chunks of `pool`. `size` bytes wait in `chunks` chunks.

    Each byte is copied once on its way in and once on its way out; nothing is allocated but what the pool lends.
    """

    def __init__(self, pool: "Pool | Share", limit_chunks: int) -> None:
        self.limit_chunks = limit_chunks
        self.size = 0
        self.chunks = 0
        self._pool = pool
        self._chunk_bytes = pool.size
        self._ring: "list[memoryview | None]" = [None] * limit_chunks
        self._first = 0  # of _ring: the chunk to read from
        self._at = 0  # of that chunk: the next byte to read
        self._to = 0  # of the last chunk: where the next byte goes

    def put(self, buf: "Buffer", start: int, end: int) -> int:
        """Take bytes of buf[start:end]; fewer, or 0, when no further chunk is to be had."""
        view = buf if isinstance(buf, memoryview) else memoryview(buf)
        at = start
        while at < end:
            if self.chunks == 0 or self._to == self._chunk_bytes:
                if self.chunks == self.limit_chunks:
                    break
                chunk = self._pool.lend()
                if chunk is None:
                    break
                self._ring[(self._first + self.chunks) % self.limit_chunks] = chunk
                self.chunks += 1
                self._to = 0
            else:
                chunk = self._ring[(self._first + self.chunks - 1) % self.limit_chunks]
                assert chunk is not None
            to = self._to
            n = min(self._chunk_bytes - to, end - at)
            chunk[to : to + n] = view[at : at + n]
            self._to = to + n
            at += n
            self.size += n
        return at - start

    def get_into(self, buf: "WritableBuffer", start: int, end: int) -> int:
        """Move up to `end - start` bytes into `buf` at `start`; how many."""
        count = min(end - start, self.size)
        if count <= 0:
            return 0
        # As a view even if it is a bytearray: CPython would copy a view twice on its way into a bytearray.
        view = buf if isinstance(buf, memoryview) else memoryview(buf)
        stop = start + count
        while start < stop:
            chunk = self._ring[self._first]
            assert chunk is not None
            at = self._at
            has = (self._to if self.chunks == 1 else self._chunk_bytes) - at
            n = min(has, stop - start)
            view[start : start + n] = chunk[at : at + n]
            start += n
            self._at = at + n
            if n == has:
                self._drop_first()
        self.size -= count
        return count

    def room(self) -> int:
        """Bytes that `put` takes without a further chunk."""
        return self._chunk_bytes - self._to if self.chunks else 0

    def clear(self) -> None:
        """Forget all bytes and give every chunk back."""
        while self.chunks:
            self._drop_first()
        self.size = 0

    def _drop_first(self) -> None:
        chunk = self._ring[self._first]
        assert chunk is not None
        self._ring[self._first] = None
        self._first = (self._first + 1) % self.limit_chunks
        self.chunks -= 1
        self._at = 0
        self._pool.give_back(chunk)

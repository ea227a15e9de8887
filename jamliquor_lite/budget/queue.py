"""Bytes that wait, first in first out, in lent buffers ("chunks"). An empty queue holds none."""

from ..ports.memory import copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from .pool import Pool, Scope, Share

    Buffer = Union[bytes, bytearray, memoryview]
    WritableBuffer = Union[bytearray, memoryview]


class ByteQueue:
    """Up to `limit_chunks` chunks of `pool`. `size` bytes wait in `chunks` chunks; there were `most` at a time.

    Each chunk is taken from `scope` too, where there is one. `refused`: it had as many as it may have itself.

    Each byte is copied once on its way in and once on its way out; nothing is allocated but what the pool lends.
    """

    def __init__(self, pool: "Pool | Share", limit_chunks: int, scope: "Scope | None" = None) -> None:
        self.limit_chunks = limit_chunks
        self.scope = scope
        self.size = 0
        self.chunks = self.most = self.refused = 0
        self._pool = pool
        self._chunk_bytes = pool.size
        self._ring: "list[memoryview | None]" = [None] * limit_chunks
        self._first = 0  # of _ring: the chunk to read from
        self._at = 0  # of that chunk: the next byte to read
        self._to = 0  # of the last chunk: where the next byte goes

    def put(self, buf: "Buffer", start: int, end: int) -> int:
        """Take bytes of buf[start:end]; fewer, or 0, when no further chunk is to be had."""
        at, whole = start, self._chunk_bytes
        while at < end:
            to, chunks = self._to, self.chunks
            if chunks == 0 or to == whole:
                chunk = self._lend()
                if chunk is None:
                    break
                self._ring[(self._first + chunks) % self.limit_chunks] = chunk
                self.chunks = chunks = chunks + 1
                if chunks > self.most:
                    self.most = chunks
                to = 0
            else:
                chunk = self._ring[(self._first + chunks - 1) % self.limit_chunks]
                assert chunk is not None
            n = whole - to if whole - to < end - at else end - at
            copy(chunk, to, buf, at, at + n)
            self._to = to + n
            at += n
        self.size += at - start
        return at - start

    def get_into(self, buf: "WritableBuffer", start: int, end: int) -> int:
        """Move up to `end - start` bytes into `buf` at `start`; how many."""
        count = min(end - start, self.size)
        if count <= 0:
            return 0
        stop = start + count
        while start < stop:
            chunk = self._ring[self._first]
            assert chunk is not None
            at = self._at
            has = (self._to if self.chunks == 1 else self._chunk_bytes) - at
            n = min(has, stop - start)
            copy(buf, start, chunk, at, at + n)
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

    def _lend(self) -> "memoryview | None":
        scope = self.scope
        if self.chunks == self.limit_chunks:
            self.refused += 1
            return None
        if scope is None:
            return self._pool.lend()
        if scope.used >= scope.limit:
            scope.refused += 1
            return None
        chunk = self._pool.lend(scope.is_urgent)
        if chunk is not None:  # as scope.take(), without the call: this is for each chunk that passes
            scope.used = used = scope.used + 1
            if used > scope.most:
                scope.most = used
        return chunk

    def _drop_first(self) -> None:
        first, ring, scope = self._first, self._ring, self.scope
        chunk = ring[first]
        assert chunk is not None
        ring[first] = None
        self._first = (first + 1) % self.limit_chunks
        self.chunks -= 1
        self._at = 0
        self._pool.give_back(chunk)
        if scope is not None:
            scope.used -= 1

"""Buffers that are lent and given back. A pool never grows: what is not there now is waited for."""

from ..errors import LocalError


class Pool:
    """`count` buffers of `size` bytes, of which the last `reserved` go to urgent borrowers only.

    A buffer is made when it is first lent, at most `count` ever are, and none is freed. `least_free` is the lowest
    `free` that there was, `refused` the number of borrowers who got None: both say whether `count` suffices.
    """

    def __init__(self, name: str, count: int, size: int, reserved: int = 0) -> None:
        if count < 1 or size < 1 or not 0 <= reserved < count:
            raise ValueError("a pool needs at least one buffer that is not reserved, of at least one byte")
        self.name = name
        self.count = count
        self.size = size
        self.reserved = reserved
        self.free = count
        self.least_free = count
        self.refused = 0
        self._idle: "list[memoryview | None]" = [None] * count  # those that are made and not lent come first
        self._idle_count = 0
        self._made = 0
        # Looked through from the end, where the youngest are: a memoryview has no hash in MicroPython, and its id() may
        # be an int that takes heap.
        self._lent: "list[memoryview | None]" = [None] * count

    def fill(self) -> None:
        """Make all buffers now. A board does so at boot, while its heap is in one piece; no call allocates then."""
        while self._made < self.count:
            self._put_away(self._make())

    def lend(self, urgent: bool = False) -> "memoryview | None":
        """A buffer with whatever its last borrower left in it; None when there is none for this borrower."""
        if self.free <= (0 if urgent else self.reserved):
            self.refused += 1
            return None
        last = self._idle_count - 1
        buffer = self._idle[last] if last >= 0 else self._make()
        assert buffer is not None
        if last >= 0:
            self._idle[last] = None
            self._idle_count = last
        self._lent[self.count - self.free] = buffer
        self.free -= 1
        if self.free < self.least_free:
            self.least_free = self.free
        return buffer

    def give_back(self, buffer: memoryview) -> None:
        """The borrower is done. LocalError for anything but an object that `lend` gave and nobody gave back."""
        lent = self._lent
        last = at = self.count - self.free - 1
        while at >= 0 and lent[at] is not buffer:
            at -= 1
        if at < 0:
            raise LocalError("%s: a buffer was given back that is not lent" % self.name)
        lent[at] = lent[last]
        lent[last] = None
        self._put_away(buffer)
        self.free += 1

    def _make(self) -> memoryview:
        self._made += 1
        return memoryview(bytearray(self.size))

    def _put_away(self, buffer: memoryview) -> None:
        self._idle[self._idle_count] = buffer
        self._idle_count += 1

    def room(self, urgent: bool = False) -> int:
        """How many buffers could be lent now."""
        return max(0, self.free - (0 if urgent else self.reserved))


class Share:
    """What one user may have of a pool at a time: at most `limit` buffers. `lend` and `give_back` as in Pool.

    `first_is_urgent`: while the user has none, it may take a reserved one, so that it can always get on by itself.
    """

    def __init__(self, pool: Pool, limit: int, first_is_urgent: bool = False) -> None:
        self.size = pool.size
        self.limit = limit
        self.lent = 0
        self._pool = pool
        self._first_is_urgent = first_is_urgent

    def lend(self, urgent: bool = False) -> "memoryview | None":
        """A buffer, or None when the share is used up or the pool has none for it."""
        if self.lent >= self.limit:
            return None
        buffer = self._pool.lend(urgent or (self._first_is_urgent and self.lent == 0))
        if buffer is not None:
            self.lent += 1
        return buffer

    def give_back(self, buffer: memoryview) -> None:
        """The borrower is done."""
        self._pool.give_back(buffer)
        self.lent -= 1

    def room(self, urgent: bool = False) -> int:
        """How many buffers `lend` would give now, one after the other."""
        count = self._pool.room(urgent)
        if count == 0 and self._first_is_urgent and self.lent == 0:
            count = min(1, self._pool.free)
        return min(count, self.limit - self.lent)

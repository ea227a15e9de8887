"""Buffers that are lent and given back, and bounds of who may hold how many. What is not there now is waited for.

Bounds lie within each other, as in go-libp2p's resource manager; each counts what is `used`, the `most` that ever was,
and how often it `refused`:

    system (Pool) > handshaking (Scope) > peer (Share) > protocol (transport/terms.py) > stream (ByteQueue)
"""

from ..const import const
from ..errors import LocalError

# What a pool does for a user that holds none.
ANY = const(0)  # it gets what is there
OWED = const(1)  # one is kept as soon as there is one
KEPT = const(2)


class Scope:
    """At most `limit` of something at a time. `is_urgent`: buffers for it may be reserved ones."""

    def __init__(self, limit: int, is_urgent: bool = False) -> None:
        self.limit = limit
        self.is_urgent = is_urgent
        self.used = self.most = self.refused = 0

    def take(self) -> bool:
        """Take one more; False when there are `limit`."""
        used = self.used
        if used >= self.limit:
            self.refused += 1
            return False
        self.used = used = used + 1
        if used > self.most:
            self.most = used
        return True

    def give_back(self, count: int = 1) -> None:
        """Some that were taken are free again."""
        self.used -= count


class Pool:
    """`count` buffers of `size` bytes, of which the last `reserved` go to urgent borrowers only.

    A buffer is made when it is first lent, at most `count` ever are, and none is freed. `least_free` is the lowest
    `free` that there was, `refused` the number of borrowers who got None: both say whether `count` suffices. Of what
    is free, `kept` are for users that hold none, one for each (Share): nobody else gets those. `owed` more will be kept
    when others give back. `is_hungry`: an urgent borrower was refused, the `hungry`th so far, and none got one since.
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
        self.kept = self.owed = 0
        self.keepers = 0  # users for whom one is kept while they hold none
        self.is_hungry = False
        self.hungry = 0
        self._idle: "list[memoryview | None]" = [None] * count  # those that are made and not lent come first
        self._idle_count = 0
        self._made = 0
        # Looked through from the end, where the youngest are: a memoryview has no hash in MicroPython, and its id() may
        # be an int that takes heap.
        self._lent: "list[memoryview | None]" = [None] * count

    @property
    def used(self) -> int:
        """Buffers that are lent."""
        return self.count - self.free

    @property
    def most(self) -> int:
        """The most that were lent at a time."""
        return self.count - self.least_free

    def fill(self) -> None:
        """Make all buffers now. A board does so at boot, while its heap is in one piece; no call allocates then."""
        while self._made < self.count:
            self._idle[self._idle_count] = self._make()
            self._idle_count += 1

    def lend(self, urgent: bool = False, first: int = ANY) -> "memoryview | None":
        """A buffer with whatever its last borrower left in it; None when there is none for this borrower.

        `first`: what `keep` gave, if this is the first that the borrower takes since.
        """
        free = self.free
        spare = free - self.kept
        if not urgent:
            spare -= self.reserved if first else self.reserved + self.owed
        if first == KEPT:
            self.kept -= 1
        elif spare <= 0:
            self.refused += 1
            if urgent:
                self.is_hungry = True
                self.hungry += 1
            return None
        elif first == OWED:
            self.owed -= 1
        if urgent:
            self.is_hungry = False
        last = self._idle_count - 1
        buffer = self._idle[last] if last >= 0 else self._make()
        if last >= 0:
            self._idle[last] = None
            self._idle_count = last
        self._lent[self.count - free] = buffer
        self.free = free = free - 1
        if free < self.least_free:
            self.least_free = free
        return buffer

    def give_back(self, buffer: memoryview) -> None:
        """The borrower is done. LocalError for anything but an object that `lend` gave and nobody gave back."""
        lent, free = self._lent, self.free
        last = at = self.count - free - 1
        while at >= 0 and lent[at] is not buffer:
            at -= 1
        if at < 0:
            raise LocalError("%s: a buffer was given back that is not lent" % self.name)
        lent[at] = lent[last]
        lent[last] = None
        at = self._idle_count
        self._idle[at] = buffer
        self._idle_count = at + 1
        self.free = free + 1

    def keep(self) -> int:
        """Keep one buffer for a user from now on, if there are two or more for each."""
        if 2 * self.keepers + 2 > self.count - self.reserved:
            return ANY
        self.keepers += 1
        if self.room():
            self.kept += 1
            return KEPT
        self.owed += 1
        return OWED

    def _make(self) -> memoryview:
        self._made += 1
        return memoryview(bytearray(self.size))

    def room(self, urgent: bool = False, first: int = ANY) -> int:
        """How many buffers could be lent now to one borrower."""
        free = self.free - self.kept
        if not urgent:
            free -= self.reserved
            if first == OWED:
                return max(min(free, 1), free - self.owed + 1, 0)
            free -= self.owed
        return max(0, free) + (1 if first == KEPT else 0)


class Share:
    """What one user may have of a pool at a time: at most `limit` buffers. `lend` and `give_back` as in Pool.

    `keeps_first`: while the user holds none, the pool keeps one for it, so that it can always get on by itself; until
    `close`, before which everything is given back. `spare` of the limit, a quarter at most, are for urgent borrowers.
    A user that is not `is_trusted` is never urgent.
    """

    def __init__(self, pool: Pool, limit: int, keeps_first: bool = False, spare: int = 0) -> None:
        self.size = pool.size
        self.limit = limit
        self.used = self.most = self.refused = 0  # refused for want of share, not of buffers
        self.is_trusted = True
        self._pool = pool
        self._spare = min(spare, limit // 4)
        self._first = pool.keep() if keeps_first else ANY  # while it holds none
        self._is_keeper = self._first != ANY

    def lend(self, urgent: bool = False) -> "memoryview | None":
        """A buffer, or None when the share is used up or the pool has none for it."""
        used = self.used
        if used >= self.limit - (0 if urgent else self._spare):
            self.refused += 1
            return None
        buffer = self._pool.lend(urgent and self.is_trusted, self._first)
        if buffer is not None:
            self._first = ANY
            self.used = used = used + 1
            if used > self.most:
                self.most = used
        return buffer

    def give_back(self, buffer: memoryview) -> None:
        """The borrower is done."""
        self._pool.give_back(buffer)
        self.used -= 1
        if self._is_keeper and self.used == 0:
            self._first = KEPT
            self._pool.kept += 1

    def room(self, urgent: bool = False) -> int:
        """How many buffers `lend` would give now, one after the other."""
        count = self._pool.room(urgent and self.is_trusted, self._first)
        return max(0, min(count, self.limit - self.used - (0 if urgent else self._spare)))

    def room_in(self, scope: "Scope | None") -> int:
        """The same for a borrower that takes each from a scope too."""
        if scope is None:
            return self.room()
        return max(0, min(self.room(scope.is_urgent), scope.limit - scope.used))

    def close(self) -> None:
        """The user has gone and given everything back: nothing is kept for it any more."""
        if self._is_keeper:
            self._is_keeper = False
            self._pool.keepers -= 1
            if self._first == KEPT:
                self._pool.kept -= 1
            elif self._first == OWED:
                self._pool.owed -= 1
            self._first = ANY

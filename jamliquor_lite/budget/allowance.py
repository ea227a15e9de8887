"""A metered link's allowance: bytes a UTC day and month, both directions together, which no power cut lengthens.

What is spent is written ahead: before a quantum is used, a record says that it has been. After a power cut the node
begins with that quantum as spent, so it never counts less than it used; `record(True)`, on a clean stop, says the
exact numbers. The caller stores records in a chain/twoslot.py, which finds out about damage:

    if allowance.is_due: store.save(allowance.record()); allowance.stored()

The record, little-endian: 1 (version), day 4, month 4, bytes of that day 8, bytes of that month 8. Day and month are
numbers (days since 1970, months since year 0); -1 while the clock is unknown, and then nothing is reset. A clock that
goes back resets nothing either.
"""

from ..const import const
from .shares import UNLIMITED

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

_VERSION = const(1)
_BYTES = const(25)
_UNKNOWN = const(0xFFFFFFFF)
_MILLION = const(1 << 20)
# What no honest record holds: a day or month after the year 2243, more bytes than a year of 100 Mbit/s.
_MOST_DAY = const(100_000)
_MOST_MONTH = const(26_928)
_MOST_BYTES = 1 << 49


class Allowance:
    """`day_bytes` and `month_bytes`, 0 is no cap; `quantum` bytes are written ahead. `is_capped`: there is one
    cap at least; without any, nothing needs to be stored."""

    def __init__(self, day_bytes: int, month_bytes: int, quantum: int) -> None:
        self.day_bytes = self.month_bytes = self.quantum = 0
        self.day = self.month = -1
        self.day_used = self.month_used = 0
        self._ahead = 0  # written as spent, and not spent
        self._asked = 0  # the same in the record that `stored` has not confirmed
        self.change(day_bytes, month_bytes, quantum)

    def change(self, day_bytes: int, month_bytes: int, quantum: int) -> None:
        """Other caps from now on; what is used stays used."""
        if day_bytes < 0 or month_bytes < 0 or quantum < 2:
            raise ValueError("an allowance needs caps of at least 0 and a quantum of at least 2 bytes")
        self.day_bytes = day_bytes
        self.month_bytes = month_bytes
        self.quantum = quantum
        self.is_capped = day_bytes > 0 or month_bytes > 0
        self._ahead = self._asked = 0  # what passed without a cap was not written

    def spend(self, count: int) -> None:
        """`count` bytes passed, in or out."""
        self.day_used += count
        self.month_used += count
        if self.is_capped:
            self._ahead -= count
            self._asked -= count

    def left(self) -> int:
        """Bytes that may pass now: of the caps, and of what is written ahead. A large number without a cap."""
        if not self.is_capped:
            return UNLIMITED
        found = min(self._ahead, self.unused())
        return found if found > 0 else 0

    def unused(self) -> int:
        """What is left of the caps, written ahead or not; at least 0."""
        found = UNLIMITED
        if self.day_bytes:
            found = min(found, self.day_bytes - self.day_used)
        if self.month_bytes:
            found = min(found, self.month_bytes - self.month_used)
        return found if found > 0 else 0

    @property
    def permille_used(self) -> int:
        """Of the cap that is nearer to its end; 0 without caps, more than 1000 when it was overdrawn."""
        return max(_permille(self.day_used, self.day_bytes), _permille(self.month_used, self.month_bytes))

    def on_date(self, day: int, month: int) -> None:
        """Today's numbers, as often as the caller likes. A later one begins a new count."""
        if day > self.day:
            if self.day >= 0:
                self.day_used = 0
            self.day = day
            self._ahead = self._asked = 0  # what is written belongs to another day
        if month > self.month:
            if self.month >= 0:
                self.month_used = 0
            self.month = month
            self._ahead = self._asked = 0

    @property
    def is_due(self) -> bool:
        """Half of what is written ahead is used: write the next quantum, before the rest is used too."""
        return self.is_capped and self._ahead <= self.quantum // 2 and self._ahead < self.unused()

    def record(self, is_last: bool = False) -> bytes:
        """What to store: a quantum ahead, or exactly what is used where nothing is spent afterwards."""
        ahead = self._asked = 0 if is_last else self.quantum
        found = bytes([_VERSION]) + (self.day & _UNKNOWN).to_bytes(4, "little")
        found += (self.month & _UNKNOWN).to_bytes(4, "little")
        return found + (self.day_used + ahead).to_bytes(8, "little") + (self.month_used + ahead).to_bytes(8, "little")

    def stored(self) -> None:
        """The last record lies in the store: what it wrote ahead may be spent."""
        self._ahead = self._asked

    def load(self, data: "Buffer") -> str:
        """Go on from a stored record. "" or what is wrong with it, and then nothing is taken over."""
        if len(data) != _BYTES:
            return "the allowance's record has %d bytes, not %d" % (len(data), _BYTES)
        if data[0] != _VERSION:
            return "the allowance's record is of version %d, known is %d" % (data[0], _VERSION)
        day, month = _number(data, 1), _number(data, 5)
        day_used = int.from_bytes(data[9:17], "little")
        month_used = int.from_bytes(data[17:25], "little")
        if day > _MOST_DAY or month > _MOST_MONTH or day_used > _MOST_BYTES or month_used > _MOST_BYTES:
            return "the allowance's record has impossible numbers: day %d, month %d, %d and %d bytes" % (
                day, month, day_used, month_used)
        self.day, self.month, self.day_used, self.month_used = day, month, day_used, month_used
        self._ahead = self._asked = 0
        return ""


def _number(data: "Buffer", at: int) -> int:
    found = int.from_bytes(data[at : at + 4], "little")
    return -1 if found == _UNKNOWN else found


def _permille(used: int, cap: int) -> int:
    if not cap:
        return 0
    while used >= _MILLION or cap >= _MILLION:  # the product stays in a word of 32 bits
        used, cap = used >> 1, cap >> 1
    return used * 1000 // max(cap, 1)

"""A token bucket: how many bytes a second may pass, averaged over the time the bucket takes to fill."""

from .shares import UNLIMITED


class Meter:
    """`rate_bytes_per_s` on average, `burst_bytes` at once; rate 0 is no limit. `total_bytes` only counts.

    What is spent may exceed what is there: a datagram cannot be cut. The debt is waited for afterwards, so
    the average holds. All integers: the rest of a division is kept, so slow rates lose nothing to rounding.
    """

    def __init__(self, rate_bytes_per_s: int, burst_bytes: int) -> None:
        if rate_bytes_per_s < 0 or (rate_bytes_per_s and burst_bytes < 1):
            raise ValueError("a meter needs a rate of at least 0 and a burst of at least 1 byte")
        self.rate_bytes_per_s = rate_bytes_per_s
        self.burst_bytes = burst_bytes
        self.total_bytes = 0
        self._tokens = burst_bytes  # may be negative: a debt
        self._rest = 0  # thousandths of a token
        self._at = -1  # ms of the last refill; -1 before the first

    def spend(self, count: int, now: int) -> None:
        """`count` bytes passed at `now` (ms)."""
        self.total_bytes += count
        if self.rate_bytes_per_s:
            self._refill(now)
            self._tokens -= count

    def ready(self, now: int) -> bool:
        """Whether something may pass."""
        if not self.rate_bytes_per_s:
            return True
        self._refill(now)
        return self._tokens > 0

    def allowance(self, now: int) -> int:
        """How much may pass now without a debt."""
        if not self.rate_bytes_per_s:
            return UNLIMITED
        self._refill(now)
        return max(0, self._tokens)

    def wake_at(self, now: int, count: int = 1) -> int:
        """The first moment (ms) at which `count` bytes may pass, or as many as the burst has, if nothing more is
        spent; `now` if they already may."""
        count = min(count, self.burst_bytes)
        if self.allowance(now) >= count:
            return now
        missing = (count - self._tokens) * 1000 - self._rest
        return now + (missing + self.rate_bytes_per_s - 1) // self.rate_bytes_per_s

    def _refill(self, now: int) -> None:
        elapsed = now - self._at if self._at >= 0 else 0
        if elapsed < 0:  # the caller mixed up its times; nothing is earned
            return
        self._at = now
        missing = self.burst_bytes - self._tokens
        # Full after so long: do not compute a product that a small board holds on the heap only.
        if elapsed > missing * 1000 // self.rate_bytes_per_s:
            self._tokens = self.burst_bytes
            self._rest = 0
            return
        earned = self.rate_bytes_per_s * elapsed + self._rest
        self._tokens += earned // 1000
        self._rest = earned % 1000
        if self._tokens >= self.burst_bytes:
            self._tokens = self.burst_bytes
            self._rest = 0

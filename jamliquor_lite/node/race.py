"""Reaching a peer that has several addresses: the first TCP connection that stands wins (RFC 8305, "happy eyeballs").

The next address is tried when the one before it failed, or has taken clearly longer than connections took lately. There
is no fixed delay: on a LAN the second try comes after milliseconds, over a satellite after a second.
"""

from ..const import const
from ..errors import LocalError
from ..ports.tcp import CLOSED, CONNECTING, OPEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .places import Link, Places

_FIRST_MS = const(250)  # RFC 8305's recommendation, until something has been measured
_LEAST_MS = const(10)
_MOST_MS = const(2_000)


class Pace:
    """How long connecting takes, smoothed as TCP smooths its round trips (RFC 6298, section 2)."""

    def __init__(self) -> None:
        self._mean_ms = -1
        self._spread_ms = 0

    def took(self, ms: int) -> None:
        """A connection stood after so long."""
        if self._mean_ms < 0:
            self._mean_ms = ms
            self._spread_ms = ms // 2
            return
        self._spread_ms += (abs(ms - self._mean_ms) - self._spread_ms) // 4
        self._mean_ms += (ms - self._mean_ms) // 8

    @property
    def patience_ms(self) -> int:
        """After so long the next address is tried beside."""
        if self._mean_ms < 0:
            return _FIRST_MS
        return max(_LEAST_MS, min(_MOST_MS, self._mean_ms + 4 * self._spread_ms))


class Race:
    """`places` are (host, port) as places.py has them. `poll` until it gives the link that won, or `is_over`."""

    def __init__(self, dialer: "Places", places: "list[tuple[str, int]]", pace: Pace, now: int) -> None:
        self.reason = "no address"
        self.tries = 0  # connections begun
        self._dialer = dialer
        self._left = interleave(places)
        self._pace = pace
        self._running: "list[tuple[Link, int]]" = []
        self._next_at = now

    @property
    def is_over(self) -> bool:
        """Every address has failed."""
        return not self._left and not self._running

    def poll(self, now: int) -> "Link | None":
        """Look at the tries, begin the next one when it is due. The winner, once; the others are closed."""
        running = []
        for link, begun in self._running:
            if link.poll() == OPEN:
                self._pace.took(now - begun)
                self._running = [item for item in self._running if item[0] is not link]
                self.close()
                return link
            if link.state == CLOSED:
                self.reason = link.reason
                self._next_at = now
            else:
                running.append((link, begun))
        self._running = running
        if self._left and now >= self._next_at:
            host, port = self._left.pop(0)
            self.tries += 1
            try:
                link = self._dialer.dial(host, port)
            except LocalError as error:
                self.reason = str(error)
                self._next_at = now
                return None
            if link.state == CLOSED:
                self.reason = link.reason
                self._next_at = now
            else:
                link.watch(False, link.state == CONNECTING)
                self._running.append((link, now))
                self._next_at = now + self._pace.patience_ms
        return None

    def wake_at(self, now: int) -> int:
        """When to poll at the latest; -1: not before a link wakes the waker."""
        for link, _ in self._running:
            if link.state != CONNECTING:
                return now
        return self._next_at if self._left else (-1 if self._running else now)

    def close(self) -> None:
        """Give the tries up."""
        for link, _ in self._running:
            link.close()
        self._running = []
        self._left = []


def interleave(places: "list[tuple[str, int]]") -> "list[tuple[str, int]]":
    """IPv6 and IPv4 in turn, IPv6 first (RFC 8305, section 4), so that a broken family costs one try."""
    six = [place for place in places if ":" in place[0]]
    four = [place for place in places if ":" not in place[0]]
    mixed = []
    while six or four:
        if six:
            mixed.append(six.pop(0))
        if four:
            mixed.append(four.pop(0))
    return mixed

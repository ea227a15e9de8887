"""Headers that came before their parents, kept until the parents have been checked.

Where several peers are asked at once, one for a header and one for its child, the child may come first. To fetch it
again would be a copy too many. So it is held while its parent is on its way, and no longer than its time: what nobody
brings is then asked for as a gap (sync/follow.py). Nothing of a held header was checked but its own hash, so each peer
has its share of the places, and the oldest of its own goes first.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..budget.profile import Profile
    from ..chain.header import Header
    from .link import GatewayLink


class Waiter:
    """One of them."""

    def __init__(self, header: "Header", link: "GatewayLink", until: int) -> None:
        self.data = bytes(memoryview(header.buf)[header.start : header.end])
        self.hash = header.hash
        self.parent = header.parent
        self.slot = header.slot
        self.link = link  # who brought it, and is to blame for it
        self.until = until  # ms


class Waiting:
    """At most `waiting_headers` of the profile, of one peer `waiting_per_peer`, each for `waiting_header_ms`."""

    def __init__(self, profile: "Profile") -> None:
        self.held = 0  # how many were ever here
        self._profile = profile
        self._waiters: dict[bytes, Waiter] = {}  # by hash, in the order of their coming

    @property
    def count(self) -> int:
        """Headers that wait now."""
        return len(self._waiters)

    def hold(self, header: "Header", link: "GatewayLink", now: int) -> "list[Waiter]":
        """Keep it. Those that had to go for it: of the same peer, or the oldest of all."""
        profile = self._profile
        theirs = [waiter for waiter in self._waiters.values() if waiter.link is link]
        gone = theirs[:1] if len(theirs) >= profile.waiting_per_peer else []
        if not gone and self.count >= profile.waiting_headers:
            gone = [next(iter(self._waiters.values()))]
        self._remove(gone)
        self.held += 1
        self._waiters[header.hash] = Waiter(header, link, now + profile.waiting_header_ms)
        return gone

    def children(self, parent: bytes) -> "list[Waiter]":
        """Take those whose parent this is: it has been checked."""
        return self._remove([waiter for waiter in self._waiters.values() if waiter.parent == parent])

    def late(self, now: int, is_coming: "Callable[[bytes], bool]") -> "list[Waiter]":
        """Take those that wait in vain: their time is up, or nothing brings their parents any more."""
        return self._remove([
            waiter for waiter in self._waiters.values() if now >= waiter.until or not is_coming(waiter.parent)])

    def of(self, link: "GatewayLink") -> "list[Waiter]":
        """Take those of a peer that has left."""
        return self._remove([waiter for waiter in self._waiters.values() if waiter.link is link])

    def wake_at(self) -> int:
        """When the next one's time is up (ms), or -1."""
        return min((waiter.until for waiter in self._waiters.values()), default=-1)

    def _remove(self, waiters: "list[Waiter]") -> "list[Waiter]":
        for waiter in waiters:
            del self._waiters[waiter.hash]
        return waiters

"""What gateways tell each other: whom to ask for a header, and whom to tell of it. A policy, without I/O.

A gateway announces the hash of each header that it has checked (jam/header_announcement.py), once, to every peer
that has neither announced nor been told it. Who hears of an unknown hash asks one of those that announced it
(jam/header_request.py: descending, maximum 1), and the next one only when the first fails. So a header comes once:

    gossip.joined(peer)                          an announcement stream of its or of ours is open
    gossip.heard(peer, hash, now, is_known)      it announced that; is_known: our chain has it
    gossip.next_request(now, begin)              until None: begin(peer, hash) begins that exchange, with timeout_ms
                                                 until its deadline, or says False: it cannot now
    gossip.received(peer, hash)                  a header came, with that hash: the caller has computed it
    gossip.failed(peer, hash)                    the exchange ended without it; with another header: a lie, close
    gossip.accepted(hash) -> peers               it has been checked and can be served: announce it to them
    gossip.rejected(hash)                        it broke a rule
    gossip.left(peer)                            also where `is_useless(peer)` became true: close the connection

Whole blocks go the same way, with a Gossip of their own (blocks.py): where this says header, read block.

A header that comes another way (an upstream's announcement, a gap that was filled) goes through `received` and
`accepted` all the same, with any value for the peer. A peer's word decides only who is asked, never what is true.
"""

from typing import Generic, TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

P = TypeVar("P")

_HEADERS = 1024  # that are remembered after they came: beyond it the oldest is forgotten, its copies are asked for
#                  again only if the chain does not have it either
_OPEN = 64  # hashes of one peer that nobody has shown yet: one that invents them would fill our memory
_STRIKES = 4  # failures in a row, or more of them than successes, until a peer is not listened to any more
_TIMEOUT_MS = 3_000  # a peer that announces and does not answer keeps the header from us for so long, once
_PATIENCE_MS = 500  # a suspect, a peer that failed, is asked only for what nobody else has announced in that time; a
#                    peer that has shown nothing yet has that long before one that has is asked as well

_HERE = 1  # it came and is being checked, or waits for its parent
_ACCEPTED = 2
_REJECTED = 3

_SUSPECT = 2  # rank


def _can(peer: object, header_hash: bytes) -> bool:
    return True


class _Peer:
    def __init__(self) -> None:
        self.open = 0  # wanted hashes that it announced
        self.failures = 0
        self.is_proven = False  # it has shown a header
        self.asked = b""
        self.until = 0

    @property
    def rank(self) -> int:
        """0: it has shown headers, and has not failed. 1: nothing is known of it. From 2 on: a suspect."""
        return 2 * self.failures + (not self.is_proven)


class _Wanted(Generic[P]):
    # An announced header that has not come.
    def __init__(self, now: int) -> None:
        self.since = now
        self.sources: list[P] = []  # announced it and have not failed, in that order
        self.holders: set[P] = set()
        self.asked: list[P] = []  # one at most of those that have shown headers, and one other


class _Seen(Generic[P]):
    # A header that has come.
    def __init__(self, holders: "set[P]") -> None:
        self.state = _HERE
        self.holders = holders  # announced it or were told


class Gossip(Generic[P]):
    """The policy of one gateway. `P` names a peer: anything that can be a key.

    Counters: `announcements` heard, `requests` made, `copies` of headers received, `headers` accepted, `failures`.
    """

    def __init__(self, headers: int = _HEADERS, timeout_ms: int = _TIMEOUT_MS) -> None:
        self.timeout_ms = timeout_ms
        self.announcements = self.requests = self.copies = self.headers = self.failures = 0
        self._limit = headers
        self._peers: dict[P, _Peer] = {}
        self._wanted: dict[bytes, _Wanted[P]] = {}  # at most _OPEN a peer
        self._seen: dict[bytes, _Seen[P]] = {}

    @property
    def copies_per_header(self) -> float:
        """How often a header came, on average."""
        return self.copies / self.headers if self.headers else 0.0

    def joined(self, peer: P) -> None:
        """A peer that announces and is announced to."""
        if peer not in self._peers:
            self._peers[peer] = _Peer()

    def left(self, peer: P) -> None:
        """It is gone; what it was asked for is asked of others."""
        record = self._peers.pop(peer, None)
        if record is None:
            return
        for name, wanted in list(self._wanted.items()):
            if peer in wanted.asked:
                wanted.asked.remove(peer)
            wanted.holders.discard(peer)
            if peer in wanted.sources:
                wanted.sources.remove(peer)
            self._forget_if_hopeless(name, wanted)
        for seen in self._seen.values():
            seen.holders.discard(peer)

    def is_coming(self, header_hash: bytes) -> bool:
        """Somebody has announced it and may yet show it, or it came and has not been decided upon."""
        seen = self._seen.get(header_hash)
        return header_hash in self._wanted or (seen is not None and seen.state == _HERE)

    def is_useless(self, peer: P) -> bool:
        """It announces what it does not show: nothing more is heard from it."""
        record = self._peers.get(peer)
        return record is not None and record.failures >= _STRIKES

    def heard(self, peer: P, header_hash: bytes, now: int, is_known: bool = False) -> None:
        """`peer` announced a header."""
        record = self._peers.get(peer)
        if record is None or record.failures >= _STRIKES:
            return
        self.announcements += 1
        seen = self._seen.get(header_hash)
        if seen is not None:
            seen.holders.add(peer)
            return
        if is_known:
            return
        wanted = self._wanted.get(header_hash)
        if wanted is None:
            if record.open >= _OPEN:
                return
            wanted = self._wanted[header_hash] = _Wanted(now)
        elif peer in wanted.sources or record.open >= _OPEN:
            return
        wanted.sources.append(peer)
        wanted.holders.add(peer)
        record.open += 1

    def next_request(self, now: int, begin: "Callable[[P, bytes], bool]" = _can) -> "tuple[P, bytes] | None":
        """(peer, header hash) of an exchange that begins now: one at a time for each peer, and for each header, except
        that a peer who failed, or has shown nothing yet, does not keep one that has from being asked (for long)."""
        for peer, record in list(self._peers.items()):
            if record.asked and now >= record.until:
                self.failed(peer, record.asked)
        for name, wanted in self._wanted.items():
            unable: list[P] = []
            source = self._best(wanted, now, unable)
            while source is not None and not begin(source, name):
                unable.append(source)
                source = self._best(wanted, now, unable)
            if source is not None:
                record = self._peers[source]
                record.asked = name
                record.until = now + self.timeout_ms
                wanted.asked.append(source)
                self.requests += 1
                return source, name
        return None

    def wake_at(self, now: int) -> int:
        """When to call `next_request` again at the latest, in ms; -1: not before something happens."""
        asked = [record for record in self._peers.values() if record.asked]
        times = [wanted.since + _PATIENCE_MS for wanted in self._wanted.values() if not wanted.asked]
        times += [self._blocks_until(record) for record in asked]
        times = [time for time in times if time > now] + [record.until for record in asked]
        return min(times) if times else -1

    def received(self, peer: P, header_hash: bytes) -> bool:
        """A header with that hash came from `peer`; whether it is the first copy, so that it must be checked."""
        self.copies += 1
        record = self._peers.get(peer)
        if record is not None and record.asked == header_hash:
            record.asked = b""
            record.failures = max(0, record.failures - 1)
            record.is_proven = True
        return self._enter(header_hash, peer)

    def failed(self, peer: P, header_hash: bytes) -> None:
        """The exchange is over and brought nothing: another peer is asked."""
        record = self._peers.get(peer)
        if record is None or record.asked != header_hash:
            return  # it left, or its time was up already
        record.asked = b""
        wanted = self._wanted.get(header_hash)
        if wanted is None or peer not in wanted.asked:
            return  # it came from elsewhere meanwhile: nobody's fault
        wanted.asked.remove(peer)
        wanted.sources.remove(peer)
        record.open -= 1
        self._strike(record)
        self._forget_if_hopeless(header_hash, wanted)

    def accepted(self, header_hash: bytes) -> "list[P]":
        """It has been checked and can be served. Whom to tell: each peer appears once, whatever comes later."""
        self._enter(header_hash, None)
        seen = self._seen[header_hash]
        if seen.state != _ACCEPTED:
            seen.state = _ACCEPTED
            self.headers += 1
        return [peer for peer in self._peers if self.tell(peer, header_hash)]

    def tell(self, peer: P, header_hash: bytes) -> bool:
        """Whether `peer` is to be told of a header that we serve (of a head, when it joins). It then counts as told."""
        seen = self._seen.get(header_hash)
        if seen is None:
            return True  # from before our memory
        if peer in seen.holders:
            return False
        seen.holders.add(peer)
        return True

    def rejected(self, header_hash: bytes) -> None:
        """It broke a rule: it is not fetched again. Who sent it is the caller's to blame."""
        self._enter(header_hash, None)
        self._seen[header_hash].state = _REJECTED

    def forget(self, header_hash: bytes) -> None:
        """It came and was not kept (it has no parent here): the next announcement counts again."""
        self._seen.pop(header_hash, None)

    def _best(self, wanted: "_Wanted[P]", now: int, unable: "list[P]") -> "P | None":
        # The best of those that may be asked now, of equals the one that announced first.
        best, least = None, 2 * _STRIKES
        if wanted.asked:
            if any(now < self._blocks_until(self._peers[peer]) for peer in wanted.asked):
                return None
            least = 1
        elif now < wanted.since + _PATIENCE_MS:
            least = _SUSPECT
        for peer in wanted.sources:
            record = self._peers[peer]
            if not record.asked and record.rank < least and peer not in unable:
                best, least = peer, record.rank
        return best

    def _blocks_until(self, record: _Peer) -> int:
        # How long nobody else is asked for what this peer was asked for.
        if record.rank >= _SUSPECT:
            return 0
        return record.until - (self.timeout_ms - _PATIENCE_MS if record.rank else 0)

    def _enter(self, header_hash: bytes, peer: "P | None") -> bool:
        # Move it from the wanted to the seen; whether it is new among these.
        seen = self._seen.get(header_hash)
        wanted = self._wanted.pop(header_hash, None)
        holders = wanted.holders if wanted is not None else set()
        if wanted is not None:
            for source in wanted.sources:
                self._peers[source].open -= 1
        if peer is not None and peer in self._peers:
            holders.add(peer)
        if seen is not None:
            seen.holders |= holders
            return False
        if len(self._seen) >= self._limit:
            self._seen.pop(next(iter(self._seen)))
        self._seen[header_hash] = _Seen(holders)
        return True

    def _strike(self, record: _Peer) -> None:
        self.failures += 1
        record.failures += 1

    def _forget_if_hopeless(self, header_hash: bytes, wanted: "_Wanted[P]") -> None:
        if not wanted.sources:
            self._wanted.pop(header_hash, None)

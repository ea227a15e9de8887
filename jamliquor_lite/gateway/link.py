"""What a gateway does with one connected peer: what every node does, and serve it, and exchange hashes with its like.

A peer that opens the announce protocol, or that the user named as a gateway, is told of headers by their hashes and
asked for those that it names (gossip.py); everybody else hears whole headers on UP 0.
"""

from collections import deque

from ..budget.classes import GOSSIP, HEADERS, SERVING
from ..budget.meter import Meter
from ..chain.light import ORPHAN
from ..errors import RemoteError
from ..jam.events import ANNOUNCEMENT, DONE, ENDED, HEADER, LOST, NOTHING, REFUSED
from ..jam.header_announcement import OURS, THEIRS, HeaderAnnouncement
from ..jam.header_request import HeaderRequest
from ..jam.kinds import (
    ATTESTATION_REQUEST,
    BLOCK_OFFER,
    BLOCK_REQUEST,
    DIFFERENCE_REQUEST,
    HEADER_ANNOUNCEMENT,
    HEADER_REQUEST,
    MALFORMED,
    RELAYED_REQUEST,
    STATE_REQUEST,
    TIMED_OUT,
    TOO_MANY_STREAMS,
)
from ..jam.range_request import DESCENDING
from ..node.attesting import AttestationAnswer
from ..node.link import PeerLink
from .blocks import BlockTrade
from .differences import Differing
from .serving import Passing, Ranging
from .upstreams import FINALITY_KINDS, is_upstream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..chain.header import Header
    from ..node.carrier import Connection, KindStream
    from ..node.peers import Record
    from .gateway import Gateway
    from .waiting import Waiter

_REQUESTS = (BLOCK_REQUEST, HEADER_REQUEST, STATE_REQUEST, ATTESTATION_REQUEST, DIFFERENCE_REQUEST) + FINALITY_KINDS
_BURST_S = 2  # a peer's requests that are passed on at once, in seconds of its rate


class GatewayLink(PeerLink):
    """One connection. `is_upstream`: a JAM full node that we follow; `is_mesh`: told of headers by hash."""

    def __init__(self, gateway: "Gateway", record: "Record", connection: "Connection", now: int) -> None:
        PeerLink.__init__(self, gateway, record, connection, now)
        self.gateway = gateway
        self.is_upstream = is_upstream(record)
        profile = gateway.profile
        self.meter = Meter(profile.relay_rate, _BURST_S * profile.relay_rate)
        self.announcer = HeaderAnnouncement(profile.announce_queue)
        self.trade = BlockTrade(self)
        self._answers: list[Passing | Ranging | AttestationAnswer | Differing] = []
        self._untold: deque[bytes] = deque(maxlen=profile.announce_queue)  # for UP 0; the oldest goes first
        self._said: deque[bytes] = deque(maxlen=profile.announce_queue)  # by the peer, lately
        self._is_named = not record.inbound and not self.is_upstream  # the user says that this is a gateway
        self._fetch: HeaderRequest | None = None
        self._fetching = b""
        self.now = now
        self.ripe: deque[Waiter] = deque()  # headers of the peer's whose parents have been checked
        if not self.is_upstream:
            self.silence_ms = 0  # whoever is served, or hears all from us, has nothing to say

    @property
    def is_mesh(self) -> bool:
        """Headers are announced to this peer by their hashes."""
        return self.announcer.attached(OURS)

    @property
    def is_serving(self) -> bool:
        """Answers to this peer are under way."""
        return bool(self._answers)

    @property
    def is_asking(self) -> bool:
        """It answers a range that fills our gap, or what it answered is being checked."""
        return self._range.busy or self.gap.is_joining

    @property
    def is_behind(self) -> bool:
        """The peer has named a head that we lack."""
        return bool(self.gap.target) and not self.gateway.knows(self.gap.target)

    def has(self, header: "Header") -> bool:
        """Whether the peer says that it has this header: it named it, or a later one that we do not have yet."""
        return (bool(self.gap.target) and header.slot <= self.gap.target_slot) or header.hash in self._said

    # what the node asks of a link

    def _step(self, cls: int, now: int) -> bool:
        # One unit of each part: at most one header of each way in which headers come.
        self.now = now
        self.gateway.source = self
        try:
            busy = PeerLink._step(self, cls, now)
            if cls == HEADERS:
                busy = self._fetched(now) or busy
                busy = self._ripened() or busy
            elif cls == SERVING:
                busy = self._serve(now) or busy
            elif cls == GOSSIP:
                busy = self._mesh(now) or busy
                busy = self.trade.poll(now) or busy
                self._tell()
            return busy
        finally:
            self.gateway.source = None

    def announce(self, data: bytes) -> None:
        """Have the peer hear of a header on UP 0 when it takes it. Upstreams have it from others than us."""
        if not self.is_upstream and not self.is_mesh:
            self._untold.append(data)

    def take(self, stream: "KindStream") -> bool:
        """Serve a stream that the peer opened. Upstreams are not served: what they ask for would be asked of them."""
        kind = stream.kind
        if kind == HEADER_ANNOUNCEMENT:
            self.announcer.attach(stream, THEIRS)
            self.gateway.gossip.joined(self)
            self._is_named = True  # who announces so is told so
        elif kind == BLOCK_OFFER and not self.is_upstream:
            self.trade.take(stream)
        elif self.is_upstream or not self._may_ask(kind):
            return False
        elif len(self._answers) >= self.gateway.profile.served_streams:
            stream.reset(TOO_MANY_STREAMS)
        elif kind == HEADER_REQUEST:
            self._answers.append(Ranging(self, stream, self.now))
        elif kind == ATTESTATION_REQUEST:
            self._answers.append(self.gateway.attest(stream, self.now))
        elif kind == DIFFERENCE_REQUEST:
            self._answers.append(Differing(self.gateway, stream, self.now))
        else:
            self._answers.append(Passing(self, kind, stream, self.now))
        return True

    def _may_ask(self, kind: int) -> bool:
        if kind == RELAYED_REQUEST:
            return self.announcer.attached(THEIRS)  # only gateways pass on
        return kind in _REQUESTS and self.gateway.offers(kind)

    def fill(self, data: "bytes | bytearray | memoryview", end: int) -> None:
        """A header of a range that we asked for lies in data[:end]."""
        self.gateway.headers_in += 1
        PeerLink.fill(self, data, end)

    def close(self) -> None:
        """The connection is over."""
        self.trade.close()
        self.gateway.left(self)
        self.ripe.clear()
        for answer in self._answers:
            if isinstance(answer, Differing):
                answer.leave()
        self._answers = []

    def _request(self, now: int) -> bool:
        if self.is_behind and not self.is_asking and not self.gateway.may_fill(self, now):
            return False
        return PeerLink._request(self, now)

    # announcements by hash

    def _mesh(self, now: int) -> bool:
        announcer, gossip = self.announcer, self.gateway.gossip
        if self._is_named and not self.is_mesh and self.connection.carries_lite_kinds:
            stream = self.connection.open(HEADER_ANNOUNCEMENT)
            if stream is not None:
                self._is_named = False
                announcer.attach(stream, OURS)
                self._untold.clear()
                gossip.joined(self)
                for leaf, slot in self.gateway.leaves():
                    gossip.tell(self, leaf)
                    if leaf not in self._said:
                        announcer.announce(leaf, slot)
        event = announcer.poll(now)
        if event == ANNOUNCEMENT:
            self._hear(announcer.header_hash, announcer.slot, now)
        elif event == ENDED and not (announcer.attached(OURS) or announcer.attached(THEIRS)):
            gossip.left(self)  # it is no gateway, or none any more: UP 0 will do
        if gossip.is_useless(self):
            raise RemoteError(0, "announces headers and does not show them")
        return event != NOTHING

    def _hear(self, header_hash: bytes, slot: int, now: int) -> None:
        gateway = self.gateway
        self._heard_at = now
        self._said.append(header_hash)
        if self.is_behind:
            self.gap.named(header_hash, slot)  # it is fetched with those before it
            return
        gateway.gossip.heard(self, header_hash, now, gateway.knows(header_hash))

    def fetch(self, header_hash: bytes, deadline: int) -> bool:
        """Ask for one header by its hash. False: not now, an exchange is not quite over or there is no stream."""
        if self._fetch is None:
            self._fetch = HeaderRequest(self.gateway.chain.spec, bytearray(self.gateway.chain.spec.max_header_size))
        if self._fetch.busy or not self.ready:
            return False
        stream = self.connection.open(HEADER_REQUEST)
        if stream is None:
            return False
        self._fetch.begin(stream, header_hash, DESCENDING, 1, deadline)
        self._fetching = header_hash
        return True

    def _fetched(self, now: int) -> bool:
        core, gateway = self._fetch, self.gateway
        if core is None or not core.busy:
            return False
        try:
            event = core.poll(now)
        except RemoteError as error:
            gateway.gossip.failed(self, self._fetching)
            if error.code != TIMED_OUT:
                raise
            return True
        if event == HEADER:
            header = gateway.read_header(core.header_buf, 0, core.header_end)
            if header.hash != self._fetching:
                gateway.gossip.failed(self, self._fetching)
                core.cancel()
                raise RemoteError(MALFORMED, "showed another header than the one it was asked for")
            self._heard_at = now
            gateway.take_fetched(core.header_buf, core.header_end, header, self)
        elif event in (DONE, REFUSED, LOST):
            gateway.gossip.failed(self, self._fetching)  # says nothing where the header came
        return event != NOTHING

    def _ripened(self) -> bool:
        # One header whose parent came after it.
        if not self.ripe:
            return False
        waiter = self.ripe.popleft()
        if self.gateway.check(waiter.data, 0, len(waiter.data), self, waiter.hash) == ORPHAN:
            self.gateway.gossip.forget(waiter.hash)  # the parent has gone again
        return True

    # serving

    def _tell(self) -> None:
        final = self.gateway.final()
        while self._untold and self._announcements.announce(self._untold[0], *final):
            self._untold.popleft()

    def _serve(self, now: int) -> bool:
        busy = False
        for answer in self._answers:
            try:
                busy = answer.poll(now) or busy
            except RemoteError as error:
                if error.code != TIMED_OUT:
                    raise
                self.record.stalls += 1  # a slow reader loses its answer, and counts for less
        if self._answers:
            self._answers = [answer for answer in self._answers if answer.busy]
        return busy

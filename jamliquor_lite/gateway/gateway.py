"""The gateway: a node that follows JAM full nodes and serves lite nodes what it has checked, and more from upstream.

    headers   announced as they are checked; ranges of them from the store, older ones from an upstream's blocks
    blocks    CE 128; a recent one by its hash from memory, validated (blocks.py); else passed through as it comes
    attested  the openings of the newest epochs that it holds for vouched or final, under its signature
    state     CE 129, passed through from an upstream that is known to serve it; else the protocol is not offered,
              which a lite node reports as "unavailable upstream"
    differences   of watched state, made of what upstreams prove (differences.py)

What is passed through comes from an upstream, or where there is none, by way of other gateways (sources.py).

Whoever uses a gateway checks all of it, as it would with any other peer.
"""

import asyncio

from ..budget.budgets import FULL
from ..budget.classes import GOSSIP, HEADERS, SERVING
from ..chain import state_key
from ..chain.header import Header
from ..chain.levels import SEALED
from ..chain.light import ADDED, HELD, KNOWN, ORPHAN
from ..chain.tree import NONE
from ..errors import BudgetError, LocalError, VerifyError
from ..jam.kinds import (
    ATTESTATION_REQUEST,
    BLOCK_ANNOUNCEMENT,
    BLOCK_OFFER,
    BLOCK_REQUEST,
    DIFFERENCE_REQUEST,
    HEADER_ANNOUNCEMENT,
    HEADER_REQUEST,
    JUSTIFICATION_REQUEST,
    RELAYED_REQUEST,
    STATE_REQUEST,
    class_of,
    protocol,
)
from ..jam.range_request import DESCENDING
from ..node.answers import MAX_HEADERS
from ..node.attesting import AttestationAnswer, Openings
from ..node.carrier import earliest
from ..node.libp2p import Libp2pCarrier
from ..node.node import Node
from . import reach
from .blocks import Blocks
from .differences import Differences
from .gossip import Gossip
from .link import GatewayLink
from .proved import Proved
from .quanta import ServingQuanta
from .relays import Relays
from .sources import Sources
from .store import HeaderStore
from .upstreams import FINALITY_KINDS, LEARN, Upstreams
from .waiting import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ..budget.budgets import Budgets
    from ..budget.profile import Profile
    from ..chain.checkpoint import Checkpoint
    from ..node.carrier import Carrier, Connection, KindStream
    from ..node.link import PeerLink
    from ..node.peers import Record
    from ..p2p.identity import Identity
    from .waiting import Waiter

SERVED = (BLOCK_ANNOUNCEMENT, HEADER_REQUEST, HEADER_ANNOUNCEMENT, BLOCK_OFFER, RELAYED_REQUEST,
          ATTESTATION_REQUEST)  # by every gateway; blocks and state by some
_SPOKEN = (BLOCK_OFFER, RELAYED_REQUEST)  # besides what every node speaks
_FILL_MS = 2_000  # so long one peer fills our gap alone, that not all send the same; then it is another one's turn,
_ANSWER_MS = 8_000  # once the answer under way is complete, or so much later: a peer may send it byte by byte
_SLOT = state_key.chapter(11)  # what an upstream is asked for, to see whether it serves state


class Gateway(Node):
    """`serves` says what upstreams serve (upstreams.py). Peers that are dialed on JAM's own network are upstreams;
    those dialed on the lite network are gateways."""

    def __init__(self, checkpoint: "Checkpoint", profile: "Profile", chain_name: str,
                 on_event: "Callable[[str, dict[str, Any]], None]", save: "Callable[[Checkpoint], None] | None" = None,
                 serves: str = LEARN, budgets: "Budgets | None" = None) -> None:
        Node.__init__(self, checkpoint, profile, chain_name, on_event, save, None, budgets)
        self.upstreams = Upstreams(self, serves)
        self.sources = Sources(self.upstreams)
        self.relays = Relays(self.sources, profile)
        self.quanta: ServingQuanta = ServingQuanta(self, self.relays)
        self.gossip: Gossip[GatewayLink] = Gossip()
        self.store = HeaderStore(profile, checkpoint.header_hash)
        self.blocks = Blocks(self, profile)
        self.proved = Proved(profile)
        self.differences = Differences(self)
        self.waiting = Waiting(profile)
        self._openings = Openings(self.chain)
        self._identity: Identity | None = None  # that attestations are signed by
        self.headers_in = 0  # whole headers that came, from wherever, each time they came
        self.ranges_served = 0
        self.source: GatewayLink | None = None  # whose bytes are looked at
        self._received: bytes | None = None  # the header under check, when gossip has heard of it
        self._filler: GatewayLink | None = None
        self._fills_until = 0
        self._probe: asyncio.Task[None] | None = None
        self._probe_at = 0
        self._bytes_sent = 0
        self._has_upstream = False
        self._offered: frozenset[int] = frozenset()
        self._state_word = ""  # what was said last of the upstreams' state

    @property
    def links(self) -> "list[GatewayLink]":
        """All of them, also those on their way."""
        return [record.link for record in self.peers.records if isinstance(record.link, GatewayLink)]

    @property
    def state_word(self) -> str:
        """Whether state can be had through here: `served`, `unknown` or `unavailable upstream`."""
        return "served" if STATE_REQUEST in self._offered else self.upstreams.state_word

    # what is asked of the node

    def make_link(self, record: "Record", connection: "Connection", now: int) -> "PeerLink":
        link = GatewayLink(self, record, connection, now)
        if link.is_upstream:
            self.upstreams.met(record)
        return link

    def attach(self, carrier: "Carrier") -> None:
        """Use this network too, and serve on it. Before `open`."""
        Node.attach(self, carrier)
        if isinstance(carrier, Libp2pCarrier):
            self._identity = carrier.identity
            for kind in SERVED:
                carrier.serve(kind)
            for kind in _SPOKEN:
                carrier.terms.speak(protocol(kind, self.chain.genesis_hash[:4].hex()), kind, class_of(kind, True))

    def offer(self, data: "bytes | bytearray | memoryview", start: int, end: int, source: "PeerLink") -> int:
        """Check a header that came whole: announced by an upstream, or fetched by its hash."""
        header_hash = self.hash_of(data, start, end)
        self.headers_in += 1
        assert isinstance(source, GatewayLink)
        self.gossip.received(source, header_hash)
        outcome = self.check(data, start, end, source, header_hash)
        if outcome == ORPHAN:
            header = self.read_header(data, start, end)
            if self._is_coming(header.parent):
                self._in_vain(self.waiting.hold(header, source, source.now))
                return HELD
            self.gossip.forget(header_hash)
        return outcome

    def check(self, data: "bytes | bytearray | memoryview", start: int, end: int, source: GatewayLink,
              header_hash: bytes) -> int:
        """Offer the chain a header that has come, now or when its parent has."""
        outcome = self._check(data, start, end, source, header_hash)
        if source.is_upstream and outcome in (ADDED, KNOWN):
            self.blocks.heard(source, header_hash, source.now)  # who has a block's header there has the block
        return outcome

    def _check(self, data: "bytes | bytearray | memoryview", start: int, end: int, source: GatewayLink,
               header_hash: bytes) -> int:
        self._received = header_hash
        try:
            return Node.offer(self, data, start, end, source)
        except VerifyError:
            self.gossip.rejected(header_hash)
            raise
        finally:
            self._received = None

    def header_added(self, header: Header) -> None:
        """Keep it, and tell everybody who has not told us."""
        header_hash = header.hash
        if self.source is not None and header_hash != self._received:
            self.gossip.received(self.source, header_hash)  # a gap was filled
        data = self.store.add(header, self.chain.tree.hash(self.chain.tree.best))
        for link in self.gossip.accepted(header_hash):
            if not link.has(header):
                link.announcer.announce(header_hash, header.slot)
        for link in self.links:
            if link is not self.source:
                link.announce(data)
        for waiter in self.waiting.children(header_hash):
            waiter.link.ripe.append(waiter)

    def pass_on(self, data: bytes, source: "PeerLink | None") -> None:
        """`header_added` has told everybody."""

    def work(self, now: int) -> bool:
        """Ask for announced headers, move what is passed through, see who serves what."""
        self._bytes_sent = self.bytes_out
        if self.finality is not None:
            self.finality.keeper = self.proved  # whoever made the node has made it since
        best = self.chain.tree.hash(self.chain.tree.best)
        if best != self.store.best:
            self.store.lead(best)
        until = now + self.gossip.timeout_ms
        while self.gossip.next_request(now, lambda link, header_hash: link.fetch(header_hash, until)) is not None:
            pass
        self.blocks.turn(now)
        self._in_vain(self.waiting.late(now, self._is_coming))
        self._learn(now)
        self._watch_upstreams()
        quanta = self.quanta
        quanta.charge(GOSSIP, now)
        busy = not quanta.is_waiting(HEADERS) and any(link.ripe for link in self.links)
        return quanta.relays(now) or busy

    def work_at(self, now: int) -> int:
        """When `work` is due at the latest."""
        times = [self.gossip.wake_at(now), self.blocks.gossip.wake_at(now), self.waiting.wake_at()]
        if not self.quanta.is_waiting(SERVING):  # else nothing of it may be done before its time
            is_serving = self.relays.is_waiting_below or any(link.is_serving for link in self.links)
            if is_serving and self.bytes_out != self._bytes_sent:
                return now  # what was sent has made room
            times.append(self.relays.wake_at(now))
        if self.budgets.mode == FULL and self.upstreams.unlearned():
            times.append(self._probe_at)
        return earliest(times, -1)

    # what links ask

    def range(self, header_hash: bytes, direction: int, maximum: int) -> "list[bytes] | None":
        """Headers of the store for a header range; None where it does not have them."""
        maximum = min(maximum, MAX_HEADERS)
        if direction == DESCENDING:
            return self.store.descending(header_hash, maximum)
        return self.store.ascending(header_hash, maximum)

    def read_header(self, data: "bytes | bytearray | memoryview", start: int, end: int) -> Header:
        """The header that these bytes are. VerifyError when they are none."""
        return Header(self.chain.spec, data, start, end)

    def attest(self, stream: "KindStream", now: int) -> AttestationAnswer:
        """Answer a peer that asks what we hold for vouched."""
        assert self._identity is not None  # it came on the carrier that has it
        return AttestationAnswer(stream, now + self.profile.state_sync_timeout_ms, self._identity,
                                 self.chain.genesis_hash, self._openings.entries)

    def knows(self, header_hash: bytes) -> bool:
        """Whether the chain has this header."""
        return self.chain.tree.find(header_hash) != NONE or self.store.get(header_hash) is not None

    def take_fetched(self, data: "bytes | bytearray | memoryview", end: int, header: Header,
                     link: GatewayLink) -> None:
        """A header came by its hash, as asked for."""
        header_hash, slot = header.hash, header.slot
        if self.offer(data, 0, end, link) == ORPHAN:
            link.gap.named(header_hash, slot)

    def left(self, link: GatewayLink) -> None:
        """A peer's connection is over."""
        for waiter in [*link.ripe, *self.waiting.of(link)]:
            self.gossip.forget(waiter.hash)
        self.gossip.left(link)
        self.relays.drop(link)
        if not link.is_upstream:
            self.upstreams.forget(link.record)

    def may_fill(self, link: GatewayLink, now: int) -> bool:
        """Whether this peer may be asked for what we lack, or another one is being asked."""
        filler = self._filler
        if filler is not link and filler is not None and filler.ready and filler.is_behind:
            if now < self._fills_until + (_ANSWER_MS if filler.is_asking else 0):
                return False
        if filler is not link or now >= self._fills_until:
            self._filler = link
            self._fills_until = now + _FILL_MS
        return True

    def offers(self, kind: int) -> bool:
        """Whether requests of this kind are taken."""
        return kind in SERVED or kind in self._offered

    def _is_coming(self, header_hash: bytes) -> bool:
        # By its hash, or with a gap that is being filled.
        return self.gossip.is_coming(header_hash) or any(link.is_asking for link in self.links)

    def _in_vain(self, waiters: "list[Waiter]") -> None:
        for waiter in waiters:
            self.gossip.forget(waiter.hash)
            waiter.link.gap.named(waiter.hash, waiter.slot)

    # upstreams

    def _watch_upstreams(self) -> None:
        self.sources.links = self.links
        near = self._say_reach()
        offered = set()
        if self.upstreams.records or near[BLOCK_REQUEST] != reach.NOBODY or self.blocks.count:
            offered.add(BLOCK_REQUEST)
        if near[STATE_REQUEST] != reach.NOBODY:
            offered.add(STATE_REQUEST)
        if self.upstreams.state_offered:
            offered.add(DIFFERENCE_REQUEST)
        offered.update(kind for kind in FINALITY_KINDS if near[kind] != reach.NOBODY)
        if self.proved.count:
            offered.add(JUSTIFICATION_REQUEST)
        changed = offered != self._offered
        self._offered = frozenset(offered)
        if changed or self.state_word != self._state_word:
            self._state_word = self.state_word
            self._serve_kinds()
        is_there = self.upstreams.connected > 0
        if is_there != self._has_upstream:
            self._has_upstream = is_there
            self.on_event("upstream_found" if is_there else "upstream_lost", {"slot": self.chain.best_slot})

    def _say_reach(self) -> "dict[int, int]":
        # Our distances from a JAM node; each gateway is told those that do not lead through itself.
        own = {BLOCK_REQUEST: self.upstreams.connected > 0, STATE_REQUEST: self.upstreams.state_offered}
        own.update((kind, self.upstreams.may_answer(kind, [])) for kind in FINALITY_KINDS)
        near = reach.Near(own, [(link, link.trade.distances) for link in self.links], self.profile.relay_hops)
        final = None if self.chain.final is None else self.final()
        for link in self.links:
            link.trade.say(reach.word(near.beside(link)), final)
        return near.beside(None)

    def heard_final(self, record: "Record", header_hash: bytes, slot: int) -> None:
        """Another gateway says that this block is final for it."""
        if self.finality is not None:
            self.finality.heard(record, header_hash, slot)

    def _serve_kinds(self) -> None:
        for carrier in self.carriers:
            if isinstance(carrier, Libp2pCarrier):
                for kind in (BLOCK_REQUEST, STATE_REQUEST, DIFFERENCE_REQUEST) + FINALITY_KINDS:
                    if kind in self._offered:
                        carrier.serve(kind)
                    else:
                        carrier.unserve(kind)
        self.on_event("offers", {"blocks": BLOCK_REQUEST in self._offered, "state": self._state_word})

    def _learn(self, now: int) -> None:
        if self._probe is not None or now < self._probe_at or self.budgets.mode != FULL:
            return  # what only we want to know wakes nobody
        unlearned = self.upstreams.unlearned()
        if unlearned:
            self._probe_at = now + self.profile.state_probe_ms
            self._probe = asyncio.ensure_future(self._probe_state(unlearned[0]))

    async def _probe_state(self, record: "Record") -> None:
        # The answer is proved like any other, so what is learned is worth something.
        try:
            await self.ask(_SLOT, _SLOT, SEALED, 0, self.profile.state_sync_timeout_ms, record)
        except (LocalError, BudgetError):
            pass  # the record knows what to make of it
        finally:
            self._probe = None
            self._waker.wake()

    def close(self) -> None:
        """Close every connection and save."""
        if self._probe is not None:
            self._probe.cancel()
        Node.close(self)

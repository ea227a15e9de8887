"""Recent blocks, whole, which gateways tell each other of as they do of headers. What is promised:

    announced once     a block is offered by its hash (jam/header_announcement.py), once, to each gateway that has not
                       offered it or been told; never to who said it first
    fetched by hash    from one of those who have it: an upstream that announced its header, or a gateway that offered
                       it; so its body comes about once, wherever it comes from
    validated          it is kept and offered only when its header is one that the chain has checked, and its body has
                       that header's extrinsic hash (extrinsic.py). That the body may stand in the chain, only who
                       executes it can say
    bounded            a block longer than `block_bytes_kept` is not kept and so never offered; it is passed through
                       when somebody asks for it, as are older blocks and ranges of them (passage.py), and then nothing
                       of it is validated but its framing: nobody holds it, and who asked has to check it in any case

`Blocks` is the gateway's, `BlockTrade` one peer's part of it.
"""

from ..chain.header import announced_slot
from ..errors import BudgetError, RemoteError, VerifyError
from ..jam.events import ANNOUNCEMENT, DONE, ENDED, LOST, NOTHING, REFUSED
from ..jam.header_announcement import BLOCKS, FINAL, OURS, REACH, THEIRS, HeaderAnnouncement
from ..jam.kinds import BLOCK_OFFER, BLOCK_REQUEST, MALFORMED, TIMED_OUT
from ..transport.states import CLOSED, READY
from . import reach
from .block_fetch import BlockFetch
from .extrinsic import Measured
from .gossip import Gossip
from .store import BlockStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..jam.framing import Stream
    from ..node.carrier import Connection
    from .gateway import Gateway
    from .link import GatewayLink

    Final = tuple[bytes, int]


_HOLD_MS = 1_000  # a peer that has come nearer is believed so often: one that goes to and fro would have us offer state
#                   and not offer it all day


class Blocks:
    """Counters: `blocks_in` came whole, right or wrong; `refused` were not their headers'; `too_long` are not kept;
    `served` were answered from here."""

    def __init__(self, gateway: "Gateway", profile: "Profile") -> None:
        self.gossip: Gossip[GatewayLink] = Gossip(timeout_ms=profile.block_fetch_ms)
        self.blocks_in = self.refused = self.too_long = self.served = 0
        self._gateway = gateway
        self._profile = profile
        self._store = BlockStore(profile.block_store_bytes)

    @property
    def count(self) -> int:
        """Blocks that are here."""
        return self._store.count

    def get(self, header_hash: bytes) -> "bytes | None":
        """A block that was validated, or None."""
        return self._store.get(header_hash)

    def heard(self, link: "GatewayLink", header_hash: bytes, now: int) -> None:
        """This peer has it, it says. A block whose header nobody has announced is of no interest."""
        gateway = self._gateway
        has_header = gateway.store.get(header_hash) is not None or gateway.gossip.is_coming(header_hash)
        self.gossip.joined(link)
        self.gossip.heard(link, header_hash, now, not has_header or self.get(header_hash) is not None)

    def turn(self, now: int) -> None:
        """Ask for what was heard of and has a checked header."""
        until = now + self.gossip.timeout_ms
        while self.gossip.next_request(now, lambda link, header_hash: self._ask(link, header_hash, now, until)):
            pass

    def take(self, link: "GatewayLink", header_hash: bytes, answer: bytearray) -> None:
        """An answer came. VerifyError where it is not the block of that header."""
        self.blocks_in += 1
        header = self._gateway.store.get(header_hash)
        if header is None:
            self.gossip.failed(link, header_hash)  # so long ago that its header is gone
            return
        measured = Measured(self._gateway.chain.spec, answer, len(answer))
        if answer[: measured.header_end] != header or not measured.is_whole:
            self.refused += 1
            raise VerifyError("extrinsic", "showed a block that is not the one of its header")
        self.gossip.received(link, header_hash)
        if measured.size > self._profile.block_bytes_kept:
            self.skip(header_hash)
            return
        self._store.add(header_hash, bytes(memoryview(answer)[: measured.size]))
        for peer in self.gossip.accepted(header_hash):
            peer.trade.offer(header_hash, announced_slot(header, 0))

    def skip(self, header_hash: bytes) -> None:
        """It is too long to be kept: nobody else is asked for it."""
        self.too_long += 1
        self.gossip.rejected(header_hash)

    def _ask(self, link: "GatewayLink", header_hash: bytes, now: int, until: int) -> bool:
        if self._gateway.store.get(header_hash) is None:
            return False  # its header is not here yet
        if sum(other.trade.is_fetching for other in self._gateway.links) >= self._profile.block_fetches:
            return False
        return link.trade.fetch(header_hash, now, until)


class BlockTrade:
    """`distances` is how far the peer says it is from a JAM node, by kind; see reach.py."""

    def __init__(self, link: "GatewayLink") -> None:
        self.announcer = HeaderAnnouncement(link.gateway.profile.announce_queue, BLOCKS)
        self.distances = reach.unknown()
        self._link = link
        self._blocks = link.gateway.blocks
        self._core: "BlockFetch | None" = None
        self._wanted = b""
        self._guest: "Connection | None" = None  # where an upstream is asked
        self._is_told = False  # our stream was opened, once
        self._claimed: "dict[int, int] | None" = None  # by the peer, not believed yet
        self._hold_until = 0
        # Our distances and what is final here as said last, and what had been dropped by then.
        self._said: "tuple[int, Final | None, int]" = (-1, None, 0)

    @property
    def is_fetching(self) -> bool:
        """The peer was asked for a block."""
        return self._core is not None and self._core.busy

    def take(self, stream: "Stream") -> None:
        """The peer offers blocks."""
        self.announcer.attach(stream, THEIRS)

    def offer(self, header_hash: bytes, slot: int) -> None:
        """Tell the peer that the block is here."""
        self.announcer.announce(header_hash, slot)

    def say(self, word: int, final: "Final | None") -> None:
        """Tell the peer how far we are from a JAM node, and what is proved final here, when that has changed."""
        last_word, last_final, dropped = self._said
        is_lost = dropped != self.announcer.dropped
        if not self.announcer.attached(OURS) or (word == last_word and final == last_final and not is_lost):
            return
        if word != last_word or is_lost:
            self.announcer.announce(REACH, word)
        if final is not None and (final != last_final or is_lost):
            self.announcer.announce(final[0], final[1] | FINAL)
        self._said = word, final, self.announcer.dropped

    def poll(self, now: int) -> bool:
        """Bounded work; whether there may be more. RemoteError where the peer is to blame."""
        link = self._link
        if link.is_mesh and link.announcer.attached(THEIRS) and not self._is_told:
            self._open()
        event = self.announcer.poll(now)
        if event == ANNOUNCEMENT:
            if self.announcer.header_hash == REACH:
                self._claimed = reach.distances(self.announcer.slot)
            elif self.announcer.slot & FINAL:
                link.gateway.heard_final(link.record, self.announcer.header_hash, self.announcer.slot ^ FINAL)
            else:
                self._blocks.heard(link, self.announcer.header_hash, now)
        elif event in (ENDED, LOST) and not self.announcer.attached(THEIRS):
            self._claimed = reach.unknown()
        if self._claimed is not None:
            self._believe(self._claimed, now)
        return self._fetched(now) or event != NOTHING

    def fetch(self, header_hash: bytes, now: int, until: int) -> bool:
        """Ask for a block. False: not now."""
        link = self._link
        if self.is_fetching or not link.ready:
            return False
        connection = self._guest_of(link, now) if link.is_upstream else link.connection
        stream = connection.open(BLOCK_REQUEST) if connection is not None and connection.state == READY else None
        if stream is None:
            return False
        if self._core is None:
            self._core = BlockFetch(2 * link.gateway.profile.block_bytes_kept)
        self._core.begin(stream, header_hash, until)
        self._wanted = header_hash
        return True

    def close(self) -> None:
        """The connection is over."""
        self._blocks.gossip.left(self._link)
        if self._core is not None:
            self._core.cancel()
        self.distances = reach.unknown()

    def _believe(self, claimed: "dict[int, int]", now: int) -> None:
        # What is worse at once, what is better after a while.
        if now >= self._hold_until:
            self._hold_until = now + _HOLD_MS
            self._claimed = None
        else:
            claimed = {kind: max(claimed[kind], self.distances[kind]) for kind in claimed}
        self.distances = claimed

    def _open(self) -> None:
        link = self._link
        stream = link.connection.open(BLOCK_OFFER)
        if stream is None:
            return
        self._is_told = True
        self.announcer.attach(stream, OURS)
        self._blocks.gossip.joined(link)
        for leaf, slot in link.gateway.leaves():
            if self._blocks.get(leaf) is not None and self._blocks.gossip.tell(link, leaf):
                self.offer(leaf, slot)

    def _guest_of(self, link: "GatewayLink", now: int) -> "Connection | None":
        # The connection that its relays use as well; one that has gone is not dialed again at once.
        upstreams, record = link.gateway.upstreams, link.record
        if self._guest is not None and self._guest.state == CLOSED:
            self._guest = None
            upstreams.lost(record, BLOCK_REQUEST, None, now)
        if self._guest is None and upstreams.may_dial(record, now):
            self._guest = upstreams.connection(record, now)
        return self._guest

    def _fetched(self, now: int) -> bool:
        core, gossip = self._core, self._blocks.gossip
        if core is None or not core.busy:
            return False
        try:
            event = core.poll(now)
            if event == DONE:
                self._blocks.take(self._link, self._wanted, core.data)
            elif event in (REFUSED, LOST):
                gossip.failed(self._link, self._wanted)
            return event != NOTHING
        except BudgetError:
            self._blocks.skip(self._wanted)
        except VerifyError as error:
            self._blame(RemoteError(MALFORMED, str(error)))
        except RemoteError as error:
            self._blame(error)
        finally:
            if not core.busy:
                core.data = bytearray()
        return True

    def _blame(self, error: RemoteError) -> None:
        self._blocks.gossip.failed(self._link, self._wanted)
        if self._link.is_upstream:  # it was another connection
            self._link.gateway.upstreams.fault(self._link.record, BLOCK_REQUEST, error)
        elif error.code != TIMED_OUT:
            raise error

"""What the node does with one connected peer: hear announcements, fetch what is missing, decline the rest."""

from ..budget.classes import GOSSIP, HEADERS, SERVING
from ..chain.header import announced_slot
from ..chain.light import ADDED, ORPHAN
from ..const import const
from ..errors import RemoteError, VerifyError
from ..jam.block_announcement import OURS, THEIRS, BlockAnnouncement
from ..jam.events import ANNOUNCEMENT, DONE, ENDED, HANDSHAKE, HEADER, LONG_HEADER, LOST, NOTHING, REFUSED
from ..jam.header_request import HeaderRequest
from ..jam.kinds import BLOCK_ANNOUNCEMENT, HEADER_REQUEST, MALFORMED, PUSHES, UNSUPPORTED
from ..sync.follow import Gap
from ..transport.states import CLOSED, READY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..jam.block_request import BlockRequest
    from ..jam.discard import Discard
    from .carrier import Connection, KindStream
    from .node import Node
    from .peers import Record

_FINAL_BYTES = const(36)  # hash and slot of the final block behind an announced header; a leaf has the same form
_QUIET_SLOTS = const(10)


class PeerLink:
    """One connection that follows the chain. Its buffers are made here and live as long as the connection; what only
    some peers need (block bodies to skip, pushes to drop) is made, and its code loaded, when one does.

    A node that serves its peers derives from it and overrides `take`, `fill`, `announce`, `close` and `_step`.
    """

    def __init__(self, node: "Node", record: "Record", connection: "Connection", now: int) -> None:
        self.record = record
        self.connection = connection
        self._node = node
        profile, spec = node.profile, node.chain.spec
        header_size = min(spec.max_header_size, profile.header_bytes)
        size = max(header_size + _FINAL_BYTES, _FINAL_BYTES * (profile.leaves + 2))
        waiting = min(header_size + _FINAL_BYTES + 4, profile.announce_bytes)
        self._announcements = BlockAnnouncement(
            spec, bytearray(size), bytearray(waiting), profile.leaves, connection.is_dialed)
        header_buf = bytearray(header_size)
        self._range: "BlockRequest | HeaderRequest"
        if connection.carries_lite_kinds:  # headers without their bodies
            self.gap = Gap(node.follower, profile, profile.range_headers)
            self._range = HeaderRequest(spec, header_buf)
        else:
            self.gap = Gap(node.follower, profile)
            self._range = self._block_request(header_buf)
        self._long_announced = self._long_asked = None  # where headers go that the buffers do not hold
        if node.long_headers is not None:
            self._announcements.sink = self._long_announced = node.long_headers.sink(record.name)
            self._range.sink = self._long_asked = node.long_headers.sink(record.name)
        self._pushes: "Discard | None" = None
        # A chain may skip slots, whoever serves it: less than ten of them is no silence.
        self.silence_ms = max(profile.block_announce_timeout_ms, _QUIET_SLOTS * spec.slot_seconds * 1000)
        self._opened = self._greeted = False
        self._heard_at = now
        self.announced = 0

    @property
    def ready(self) -> bool:
        return self.connection.state == READY

    @property
    def greeted(self) -> bool:
        """The peer has named its heads: it takes this connection for its own."""
        return self.ready and self._greeted

    @property
    def settled(self) -> bool:
        """The peer has named its heads and we have them all, or know that they are not to be had."""
        return self.greeted and not self.gap.target

    def work(self, cls: int, now: int) -> bool:
        """One unit of work of this class (budget/classes.py): at most one header is checked. Whether there may be more
        of it at once.

        Raises RemoteError when the connection is over, whoever ended it.
        """
        connection = self.connection
        if connection.state == CLOSED:
            raise RemoteError(connection.close_code, connection.close_reason or "the connection closed")
        if connection.state != READY:
            return False
        if not self._opened:
            return cls == HEADERS and self._open()
        try:
            return self._step(cls, now)
        except VerifyError as error:
            raise RemoteError(MALFORMED, str(error))

    def put_off(self, cls: int, now: int) -> None:
        """Work of this class waits for processor time: meanwhile the peer is not to blame for any silence."""
        if cls == HEADERS:
            self._heard_at = max(self._heard_at, now - self.silence_ms // 2)

    def _step(self, cls: int, now: int) -> bool:
        if cls == HEADERS:
            if self._announcement(now) or self._request(now):
                return True
            if self.silence_ms and now - self._heard_at > self.silence_ms:
                raise RemoteError(0, "announced nothing for %d ms" % (now - self._heard_at))
            return False
        if cls == SERVING:
            return self._inbound()
        return cls == GOSSIP and self._pushes is not None and self._pushes.poll()

    def announce(self, data: bytes) -> None:
        """Tell the peer of a header. One that cannot take it now hears of a descendant later, as UP 0 allows."""
        if self._opened:
            self._announcements.announce(data, *self._node.final())

    def take(self, stream: "KindStream") -> bool:
        """Serve a stream that the peer opened; False resets it as a kind that is not served here."""
        return False

    def fill(self, data: "bytes | bytearray | memoryview", end: int) -> None:
        """A header of a range that we asked for lies in data[:end]."""
        self.gap.header(data, 0, end, self._node.now_slot())

    def close(self) -> None:
        """The connection is over."""
        for sink in (self._long_announced, self._long_asked):
            if sink is not None:
                sink.drop()

    def greet(self) -> None:
        """Have UP 0 streams that are attached from now on begin with the heads of now."""
        final_hash, final_slot = self._node.final()
        self._announcements.queue_handshake(final_hash, final_slot, self._node.leaves())

    def _open(self) -> bool:
        self.greet()
        if self.connection.is_dialed:  # the initiator of the connection opens UP 0
            stream = self.connection.open(BLOCK_ANNOUNCEMENT)
            if stream is None:
                return False
            self._announcements.attach(stream, OURS)
        self._opened = True
        self._node.on_event("peer", {"peer": self.record.name, "suite": self.connection.suite})
        return True

    def _inbound(self) -> bool:
        stream = self.connection.accept()
        if stream is None:
            return False
        if stream.kind == BLOCK_ANNOUNCEMENT:  # typeberry opens one of its own and announces only there
            self.greet()
            self._announcements.attach(stream, THEIRS)
        elif stream.kind in PUSHES:
            if self._pushes is None:
                from ..jam.discard import Discard

                self._pushes = Discard(bytearray(self._node.profile.push_bytes))
            self._pushes.take(stream)
        elif not self.take(stream):
            stream.reset(UNSUPPORTED)
        return True

    def _announcement(self, now: int) -> bool:
        core = self._announcements
        event = core.poll(now)
        if event == HANDSHAKE:
            self._heard_at = now
            self._greeted = True
            self.gap.named(core.final_hash, core.final_slot)
            for leaf in range(core.leaf_count):
                self.gap.named(core.leaf_hash(leaf), core.leaf_slot(leaf))
        elif event == ANNOUNCEMENT:
            self._heard_at = now
            self.announced += 1
            slot = announced_slot(core.in_buf, core.start)
            outcome = self._node.offer(core.in_buf, core.start, core.end, self)
            if outcome == ORPHAN:
                self.gap.named(self._node.hash_of(core.in_buf, core.start, core.end), slot)
            elif outcome == ADDED:
                self.record.failures = 0
        elif event == LONG_HEADER and self._long_announced is not None:
            self._heard_at = now
            self.announced += 1
            sink = self._long_announced
            outcome = self._node.follower.offer_long(sink, self._node.now_slot())
            if outcome == ORPHAN:
                self.gap.named(sink.hash, sink.slot)
            elif outcome == ADDED:
                self.record.failures = 0
        elif event == ENDED and core.side == OURS and not self._greeted:
            if core.reset_code == UNSUPPORTED and self.connection.carries_lite_kinds:  # the protocol's name has it
                raise RemoteError(0, "does not announce this chain (genesis %s)"
                                  % self._node.chain.genesis_hash[:4].hex())
        if self._node.finality is not None and event in (HANDSHAKE, ANNOUNCEMENT, LONG_HEADER):
            self._node.finality.heard(self.record, core.final_hash, core.final_slot)
        return event != NOTHING

    def _request(self, now: int) -> bool:
        core, gap = self._range, self.gap
        if not core.busy:
            if gap.join(self._node.now_slot()):
                return True
            if gap.lost:
                raise RemoteError(0, "knows none of our headers, not even the one we started from")
            wanted = gap.next_request()
            if wanted is None:
                return False
            stream = self.connection.open(core.kind)
            if stream is None:
                return False
            core.begin(stream, *wanted, now + self._node.profile.state_sync_timeout_ms)
            return True
        event = core.poll(now)
        if event in (HEADER, LONG_HEADER):
            before = self._node.chain.headers_checked
            if event == HEADER:
                self.fill(core.header_buf, core.header_end)
            elif self._long_asked is not None:
                gap.long_header(self._long_asked, self._node.now_slot())
            if self._node.chain.headers_checked != before:
                self._heard_at = now
                self.record.failures = 0
        if event == core.whole or event == LONG_HEADER:
            core.deadline = now + self._node.profile.state_sync_timeout_ms  # it is a slow peer, not a silent one
        elif event == REFUSED and core.reset_code == UNSUPPORTED and core.kind == HEADER_REQUEST:
            # A peer of the lite network that serves whole blocks only.
            self._range = self._block_request(core.header_buf)
            self._range.sink = self._long_asked
            gap.maximum = self._node.profile.block_request_blocks
        elif event in (DONE, REFUSED, LOST):
            gap.done(self._node.now_slot())
        return event != NOTHING

    def _block_request(self, header_buf: "bytearray | memoryview") -> "BlockRequest":
        from ..jam.block_request import BlockRequest

        chain, profile = self._node.chain, self._node.profile
        return BlockRequest(chain.spec, header_buf, bytearray(profile.read_bytes), profile.block_bytes)

"""A peer that serves CE 129 with typeberry's own states, since no released node does.

What is foreign and what is ours, exactly:
- headers, blocks: the live typeberry's. Its answers to CE 128 pass through byte for byte; what it announces on UP 0
  is announced again, the header untouched.
- states: a second typeberry (the fuzz target) executes those blocks and shows its state after each.
- boundary nodes, their hashes and the order of the keys: the trie of @typeberry/lib.
- ours: the QUIC connections, the frames of UP 0 and CE 129, and the choice of which nodes belong into an answer.

The peer runs in a thread with a loop of its own, between a live node and any number of clients.
"""

import asyncio
import threading
from collections import OrderedDict, deque

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.codec import natural
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.errors import RemoteError
from jamliquor_lite.jam.block_announcement import OURS, THEIRS, BlockAnnouncement, announcement_size
from jamliquor_lite.jam.events import ANNOUNCEMENT, HANDSHAKE, NOTHING, REQUEST
from jamliquor_lite.jam.kinds import BLOCK_ANNOUNCEMENT, BLOCK_REQUEST, STATE_REQUEST, UNSUPPORTED
from jamliquor_lite.jam.state_request import StateResponder
from jamliquor_lite.ports.cpython.clock import ticks_ms
from jamliquor_lite.ports.cpython.link import UdpLink
from jamliquor_lite.transport.quic import CLOSED, READY, Connection
from jamliquor_lite.transport.quic_certificate import Identity
from jamliquor_lite.transport.quic_listener import Listener
from tests.interop.started import Started

from .foreign import ForeignError
from .foreign_trie import ForeignTrie
from .fuzz_target import FuzzTarget
from .relay import BlockFetch, Discard, Pipe

TYPE_CHECKING = False
if TYPE_CHECKING:

    from jamliquor_lite.chain.header import Header
    from jamliquor_lite.transport.quic_stream import Stream

    from .typeberry import Typeberry

    State = list[tuple[bytes, bytes]]

_SEED = bytes(range(32))
_HOST = "127.0.0.1"
_FETCH_WAIT_MS = 100  # after an answer without blocks
_FETCH_MS = 5000  # a request that has no whole answer by then is left alone, and made anew
_STATES = 512  # kept; they share what did not change, which is most of their 150 KB
_READY_S = 60.0
_IDLE_MS = 50
_LEAF_BYTES = 36

PROVE = "prove"
CONSTANT = "constant"  # no nodes, and ffff0000 for every key: what typeberry's IPC socket answers to CE 129


class _StateAnswer:
    """One CE 129 stream of a client."""

    def __init__(self, peer: "StatePeer", stream: "Stream") -> None:
        self._peer = peer
        self._responder = StateResponder()
        self._responder.begin(stream)
        self._out = b""
        self._sent = 0

    def pump(self) -> bool:
        """One step; False when the exchange is over."""
        responder = self._responder
        try:
            while responder.busy and (event := responder.poll(ticks_ms())) != NOTHING:
                if event == REQUEST:
                    self._answer()
        except RemoteError:
            return False
        self._sent += responder.write(self._out, self._sent, len(self._out))
        return responder.busy

    def _answer(self) -> None:
        responder = self._responder
        answer = self._peer.cut(
            responder.header_hash, responder.start_key, responder.end_key, responder.max_size
        )
        if answer is None:
            responder.refuse()
            return
        nodes, entries = (b"".join(part) for part in answer)
        self._out = nodes + entries
        responder.answer_state(len(nodes), len(entries))


class _Client:
    """One connection of a client."""

    def __init__(self, peer: "StatePeer", connection: Connection, final: "tuple[bytes, int]") -> None:
        self.connection = connection
        self.announcements = _announcements(connection, final)
        self._peer = peer
        self._exchanges: "list[Pipe | _StateAnswer]" = []

    def pump(self) -> None:
        """One step. A client that breaks the protocol loses its connection."""
        while (stream := self.connection.accept()) is not None:
            self._accept(stream)
        self._exchanges = [exchange for exchange in self._exchanges if exchange.pump()]
        try:
            while self.announcements.poll(ticks_ms()) != NOTHING:
                pass  # what a client says it knows is of no use here
        except RemoteError as error:
            self.connection.close(error.code, str(error))

    def _accept(self, stream: "Stream") -> None:
        if stream.kind == BLOCK_ANNOUNCEMENT:
            self.announcements.attach(stream, THEIRS)
        elif stream.kind == STATE_REQUEST:
            self._exchanges.append(_StateAnswer(self._peer, stream))
        elif stream.kind == BLOCK_REQUEST and (onward := self._peer.open_upstream(BLOCK_REQUEST)):
            self._exchanges.append(Pipe(stream, onward))
        else:
            stream.reset(UNSUPPORTED)


class StatePeer(Started):
    """`address` is the peer's. `served` counts its CE 129 answers, `refused` those it declined.

    `headers` are those of the live node's blocks in order, without genesis; `roots` maps their hashes to the roots
    of the states after them, as the fuzz target returned them, and `mismatches` lists slots whose
    prior_state_root says otherwise.

    `mode` is PROVE or CONSTANT and may be changed at any time. `error` is what ended the thread, if anything did.
    """

    def __init__(self, typeberry: "Typeberry", mode: str = PROVE) -> None:
        self.mode = mode
        self.served = 0
        self.refused = 0
        self.headers: "list[Header]" = []
        self.roots: "dict[bytes, bytes]" = {}
        self.mismatches: "list[int]" = []
        self.error: "BaseException | None" = None
        self._identity = Identity(_SEED)
        self._port = 0
        self._live = typeberry
        self._profile = Profile()
        self._states: "OrderedDict[bytes, State]" = OrderedDict()
        self._clients: "list[_Client]" = []
        self._blocks: "deque[tuple[bytes, Header]]" = deque()  # fetched, not executed yet
        self._fetch: "BlockFetch | None" = None
        self._fetch_at = self._fetch_until = 0
        self.fetches_left = 0
        self._final = (typeberry.genesis_hash, 0)
        self._stopping = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, name="state peer", daemon=True)

    @property
    def address(self) -> str:
        """As JAM writes the address of a peer."""
        return "%s@%s:%d" % (self._identity.name, _HOST, self._port)

    def start(self) -> None:
        """Start what it consists of and wait until it serves. ForeignError otherwise."""
        self._target = FuzzTarget(self._live.chain_spec)
        self._trie = ForeignTrie()
        self._target.start()
        try:
            self._trie.start()
        except BaseException:
            self._target.stop()
            raise
        self._head = self._live.genesis_hash
        self._keep(self._head, self._target.genesis_root)
        self._thread.start()
        if not self._ready.wait(_READY_S) or self.error:
            self.stop()
            raise ForeignError("the state peer does not reach the live node: %s" % self.error)

    def stop(self) -> None:
        """End the thread and the processes."""
        self._stopping = True
        self._thread.join(_READY_S)
        self._trie.stop()
        self._target.stop()

    def __str__(self) -> str:
        """How far it is, for whoever waits for it in vain."""
        last = self.headers[-1].slot if self.headers else 0
        return "%d blocks executed to slot %d of %d, %d wait, %d requests left alone, error %s" % (
            len(self.headers), last, self._final[1], len(self._blocks), self.fetches_left, self.error)

    def state(self, header_hash: bytes) -> "State | None":
        """The state after a block as the fuzz target showed it, sorted by key; None for one that is not kept."""
        return self._states.get(header_hash)

    # what its streams ask of it

    def open_upstream(self, kind: int) -> "Stream | None":
        """A stream to the live node."""
        return self._upstream.connection.open(kind)

    def cut(
        self, header_hash: bytes, start: bytes, end: bytes, max_size: int
    ) -> "tuple[list[bytes], list[bytes]] | None":
        """(boundary nodes, encoded entries) of the state after a block; None for one that is not kept."""
        state = self._states.get(header_hash)
        if state is None:
            self.refused += 1
            return None
        self.served += 1
        if self.mode == CONSTANT:
            return [], [start + natural.encode(4) + b"\xff\xff\0\0"]
        name = header_hash.hex()
        if not self._trie.holds(name) and self._trie.load(name, state) != self.roots[header_hash]:
            raise ForeignError("@typeberry/lib and the fuzz target differ on the root of %s" % name)
        nodes, entries = self._trie.range(name, start, end, max_size)
        return nodes, [key + natural.encode(len(value)) + value for key, value in entries]

    def heard(self, final: "tuple[bytes, int]", header: bytes = b"") -> None:
        """The live node says what is final, and announces a header: every client is told the same."""
        self._final = final
        for client in self._clients:
            client.announcements.queue_handshake(*final, [final])  # for those who open UP 0 from now on
            if header:
                client.announcements.announce(header, *final)

    # the thread

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:  # it belongs to whoever waits for `error`
            self.error = error
        self._ready.set()

    async def _run(self) -> None:
        self._link = UdpLink(_HOST, 0)
        self._port = self._link.address[1]
        self._listener = Listener(self._identity, self._live.genesis_hash, self._profile)
        connection = self._listener.dial(_HOST, self._live.port, self._live.name, ticks_ms())
        self._upstream = _Upstream(self, connection, self._final)
        try:
            while not self._stopping:
                is_busy = self._turn(ticks_ms())
                await self._link.readable(0 if is_busy else self._wait(ticks_ms()))
        finally:
            self._listener.close(0, "the test is over")
            self._flush(ticks_ms())
            self._link.close()

    def _turn(self, now: int) -> bool:
        while (size := self._link.receive()) >= 0:
            self._listener.receive(self._link.view[:size], self._link.source, now)
        self._listener.tick(now)
        while (connection := self._listener.accept()) is not None:
            self._clients.append(_Client(self, connection, self._final))
        self._upstream.pump()
        self._clients = [c for c in self._clients if c.connection.state != CLOSED]
        for client in self._clients:
            client.pump()
        self._execute(now)
        self._flush(now)
        return bool(self._blocks)

    def _wait(self, now: int) -> int:
        at = self._listener.wake_at(now)
        return _IDLE_MS if at < 0 else max(0, min(at - now, _IDLE_MS))

    def _flush(self, now: int) -> None:
        while (item := self._listener.drain(now)) is not None:
            self._link.send(*item)  # a full socket buffer loses it, as the network may

    def _execute(self, now: int) -> None:
        # One block a turn, so that clients are served in between.
        if self._blocks:
            block, header = self._blocks.popleft()
            if header.prior_state_root != self.roots.get(header.parent):
                self.mismatches.append(header.slot)
            self.headers.append(header)
            self._head = header.hash
            self._keep(self._head, self._target.client.import_block(block))
        elif self._fetch is not None:
            if self._fetch.pump():
                if now < self._fetch_until:
                    return
                self.fetches_left += 1
            self._blocks.extend(self._fetch.blocks())
            self._fetch = None
            if self._blocks:
                self._ready.set()
            else:
                self._fetch_at = now + _FETCH_WAIT_MS
        elif self._upstream.is_greeted and self._final[0] != self._head and now >= self._fetch_at:
            stream = self.open_upstream(BLOCK_REQUEST)
            if stream is not None:
                self._fetch = BlockFetch(stream, self._head)
                self._fetch_until = now + _FETCH_MS

    def _keep(self, header_hash: bytes, root: bytes) -> None:
        self.roots[header_hash] = root
        before = dict(next(reversed(self._states.values()), []))
        state = self._target.client.state(header_hash)
        self._states[header_hash] = [(k, before[k] if before.get(k) == v else v) for k, v in state]
        if len(self._states) > _STATES:
            self._states.popitem(last=False)


class _Upstream:
    """Our connection to the live node: it opens an UP 0 of its own towards us and announces on that alone."""

    def __init__(self, peer: StatePeer, connection: Connection, final: "tuple[bytes, int]") -> None:
        self.connection = connection
        self.is_greeted = False
        self._peer = peer
        self._announcements = _announcements(connection, final)
        self._discards: "list[Discard]" = []
        self._is_open = False

    def pump(self) -> None:
        """One step; ForeignError when the live node is gone."""
        connection = self.connection
        if connection.state == CLOSED:
            raise ForeignError("the live node closed the connection: %s" % connection.close_reason)
        if connection.state != READY:
            return
        if not self._is_open:
            stream = connection.open(BLOCK_ANNOUNCEMENT)
            assert stream is not None
            self._announcements.attach(stream, OURS)
            self._is_open = True
        while (stream := connection.accept()) is not None:
            if stream.kind == BLOCK_ANNOUNCEMENT:
                self._announcements.attach(stream, THEIRS)
            else:
                self._discards.append(Discard(stream))  # its tickets, which are no concern of this peer
        self._discards = [discard for discard in self._discards if discard.pump()]
        core = self._announcements
        while (event := core.poll(ticks_ms())) != NOTHING:
            final = core.final_hash, core.final_slot
            if event == HANDSHAKE:
                self.is_greeted = True
                self._peer.heard(final)
            elif event == ANNOUNCEMENT:
                self._peer.heard(final, bytes(core.in_buf[core.start : core.end]))


def _announcements(connection: Connection, final: "tuple[bytes, int]") -> BlockAnnouncement:
    size = max(announcement_size(TINY), _LEAF_BYTES * (Profile.leaves + 2))
    core = BlockAnnouncement(
        TINY, bytearray(size), bytearray(2 * size), Profile.leaves, connection.is_dialed
    )
    core.queue_handshake(*final, [final])
    return core

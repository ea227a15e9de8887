"""Serves a devnet's chain over JAMNP-S and, where `listen` names places, over libp2p, as an asyncio task.

    async with Server(chain, spec) as server:        bound and serving; `server.addresses` name the places
        server.announce(chain.next(slot))            to every peer that has greeted

One connection's trouble ends that connection; it is counted in `server.faults` with its last line in
`server.last_fault`. A `wire` fault (wire.py) makes it a dishonest peer.
"""

import asyncio
from collections import deque

from ..budget.profile import LINUX
from ..crypto.suite import blake2b_256
from ..errors import BudgetError, RemoteError
from ..jam.block_announcement import OURS, THEIRS, BlockAnnouncement, announcement_size
from ..jam.events import ANNOUNCEMENT, HANDSHAKE, NOTHING
from ..jam.kinds import (
    ATTESTATION_REQUEST,
    BLOCK_ANNOUNCEMENT,
    BLOCK_REQUEST,
    DIFFERENCE_REQUEST,
    HEADER_REQUEST,
    JUSTIFICATION_REQUEST,
    STATE_REQUEST,
    UNSUPPORTED,
    WARP_SYNC_REQUEST,
)
from ..node.carrier import Refusals, earliest
from ..node.libp2p import Libp2pCarrier
from ..node.quic import QuicCarrier
from ..p2p.identity import Identity
from ..ports.cpython.clock import ticks_ms
from ..ports.tcp import Waker
from ..transport.states import CLOSED, READY
from ..transport.terms import REQUIRE
from .answer import BlockAnswer, DifferenceAnswer, HeaderAnswer, StateAnswer
from .attested import Attested
from .blocks import Block, Blocks
from .finality_answer import FINALITY_ANSWERS, FinalityAnswer
from .wire import WireFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from ..budget.profile import Profile
    from ..codec.spec import Spec
    from ..node.attesting import AttestationAnswer
    from ..node.carrier import Carrier, Connection

    _Answer = BlockAnswer | HeaderAnswer | StateAnswer | DifferenceAnswer | FinalityAnswer | AttestationAnswer

_LEAF_BYTES = 36
_PENDING_BLOCKS = 64  # announcements that wait for a slow peer; beyond it the oldest is dropped
_UNITS_A_TURN = 64  # of work for one peer before the socket is read again
_IDLE_MS = 1000
_SERVED = (BLOCK_ANNOUNCEMENT, BLOCK_REQUEST, HEADER_REQUEST, STATE_REQUEST, ATTESTATION_REQUEST, DIFFERENCE_REQUEST)
_SERVED_FINALITY = (JUSTIFICATION_REQUEST, WARP_SYNC_REQUEST)
_ENDING_MS = 200  # what the farewells of `stop` may take


class Session:
    """What is done for one connected peer."""

    def __init__(self, server: "Server", connection: "Connection") -> None:
        self.connection = connection
        self.heard = 0  # announcements of the peer's
        self.greeted = False
        self._server = server
        profile = server.profile
        size = max(announcement_size(server.spec), _LEAF_BYTES * (profile.leaves + 2))
        self._up0 = BlockAnnouncement(server.spec, bytearray(size), bytearray(size + 4), profile.leaves,
                                      initiator=False)
        self._pending: deque[Block] = deque(maxlen=_PENDING_BLOCKS)
        self._answers: list[_Answer] = []
        if server.opens_up0:
            self._open()

    def announce(self, block: Block) -> None:
        """Announce a block when there is room for it."""
        self._pending.append(block)

    def poll(self, now: int) -> bool:
        """Bounded work; whether there may be more at once. Raises RemoteError, BudgetError."""
        stream = self.connection.accept()
        while stream is not None:
            if stream.kind == BLOCK_ANNOUNCEMENT:
                self._greet()
                self._up0.attach(stream, THEIRS)
            elif stream.kind == BLOCK_REQUEST:
                self._answers.append(BlockAnswer(self._server, self.connection, stream, now))
            elif stream.kind == HEADER_REQUEST:  # never over QUIC, whose kinds are bytes
                self._answers.append(HeaderAnswer(self._server, self.connection, stream, now))
            elif stream.kind == STATE_REQUEST:
                self._answers.append(StateAnswer(self._server, self.connection, stream, now))
            elif stream.kind == DIFFERENCE_REQUEST:  # nor this
                self._answers.append(DifferenceAnswer(self._server, stream, now))
            elif stream.kind == ATTESTATION_REQUEST:  # no more over QUIC than ranges of headers
                self._answers.append(self._server.attested.answer(stream, self._server.identity, now))
            elif stream.kind in FINALITY_ANSWERS and self._server.chain.finality is not None:
                begun = FINALITY_ANSWERS[stream.kind](self._server, self._server.chain.finality, stream, now)
                self._answers.append(begun)
            else:
                stream.reset(UNSUPPORTED)
            stream = self.connection.accept()
        self._send_pending()
        event = self._up0.poll(now)
        if event == HANDSHAKE:
            self.greeted = True
        elif event == ANNOUNCEMENT:
            self.heard += 1  # ours is the only chain: what a peer announces is one of our own blocks, or nothing to us
        busy = event != NOTHING
        for answer in self._answers:
            busy = answer.poll(now) or busy
        self._answers = [answer for answer in self._answers if answer.busy]
        return busy

    def _open(self) -> None:
        stream = self.connection.open(BLOCK_ANNOUNCEMENT)
        if stream is not None:
            self._greet()
            self._up0.attach(stream, OURS)

    def _greet(self) -> None:
        chain = self._server.chain
        leaves = [(leaf.hash, leaf.slot) for leaf in chain.leaves()]
        self._up0.queue_handshake(chain.final.hash, chain.final.slot, leaves)

    def _send_pending(self) -> None:
        final = self._server.chain.final
        while self._pending and self._up0.announce(self._pending[0].header, final.hash, final.slot):
            self._pending.popleft()


class Server:
    """Serves `chain` under the key of a 32-byte `seed`. `opens_up0` makes it open a UP 0 stream of its own towards
    its dialers, as typeberry does. `listen` are (host, port) for libp2p, with the pq `policy`; `port` -1 is no QUIC."""

    def __init__(self, chain: Blocks, spec: "Spec", seed: "bytes | None" = None, host: str = "127.0.0.1",
                 port: int = 0, wire: "WireFault | None" = None, profile: "Profile" = LINUX,
                 opens_up0: bool = False, listen: "list[tuple[str, int]] | None" = None, policy: str = REQUIRE) -> None:
        self.chain = chain
        self.spec = spec
        self.profile = profile
        self.wire = wire
        self.opens_up0 = opens_up0
        self.faults = 0
        self.last_fault = ""
        self.turned_away = ""  # why the last peer was that a rule refused, until somebody empties it
        self._refusals = Refusals()
        self.requests: dict[int, int] = {}  # by kind, those that were understood
        self.carriers: "list[Carrier]" = []
        seed = seed or blake2b_256(b"devnet peer" + chain.genesis.hash)
        self.identity = Identity(seed)
        self.attested = Attested(self)
        if port >= 0:
            self.carriers.append(QuicCarrier(seed, chain.genesis.hash, profile, host, port))
        if listen:
            genesis8 = chain.genesis.hash[:4].hex()
            served = _SERVED if chain.finality is None else _SERVED + _SERVED_FINALITY
            self.carriers.append(Libp2pCarrier(seed, genesis8, profile, listen, served, policy))
        self._waker = Waker()
        self._sessions: list[Session] = []
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def addresses(self) -> "list[str]":
        """Where it listens, each as `name@ip:port` or a multiaddr."""
        return [address for carrier in self.carriers for address in carrier.addresses]

    @property
    def peers(self) -> int:
        """Connections that are up."""
        return sum(1 for session in self._sessions if session.connection.state == READY)

    @property
    def bytes_out(self) -> int:
        """UDP and TCP payload sent."""
        return sum(carrier.bytes_out for carrier in self.carriers)

    async def start(self) -> None:
        """Bind and serve. LocalError when a port is taken."""
        for carrier in self.carriers:
            carrier.open(self._waker)
        self._task = asyncio.get_running_loop().create_task(self._serve())

    async def stop(self) -> None:
        """Close all connections and give the ports back. What broke the task, if anything, is raised here."""
        self._stopping = True
        if self._task is not None:
            self._waker.wake()
            try:
                await self._task
            finally:
                for carrier in self.carriers:
                    carrier.release()

    async def __aenter__(self) -> "Server":
        await self.start()
        return self

    async def __aexit__(self, kind: "type[BaseException] | None", error: "BaseException | None",
                        trace: "TracebackType | None") -> None:
        await self.stop()

    def announce(self, block: "Block | None") -> None:
        """Announce a new block to every peer; None is no block."""
        if block is None or (self.wire is not None and self.wire.mute):
            return
        for session in self._sessions:
            session.announce(block)
        self._waker.wake()

    def count(self, kind: int) -> None:
        """Count a request of a kind."""
        self.requests[kind] = self.requests.get(kind, 0) + 1

    async def _serve(self) -> None:
        while not self._stopping:
            now = ticks_ms()
            for carrier in self.carriers:
                carrier.receive(now)
                connection = carrier.accept()
                while connection is not None:
                    self._sessions.append(Session(self, connection))
                    connection = carrier.accept()
            self.turned_away = self._refusals.take(self.carriers, now) or self.turned_away
            busy = False
            for session in self._sessions:
                busy = self._turn(session, now) or busy
            self._sessions = [s for s in self._sessions if s.connection.state != CLOSED]
            for carrier in self.carriers:
                carrier.flush(now)
            at = earliest([carrier.watch(now) for carrier in self.carriers], now + _IDLE_MS)
            await self._waker.wait(0 if busy else max(0, min(at - ticks_ms(), _IDLE_MS)))
        for carrier in self.carriers:
            carrier.close("the devnet ends")
        end = ticks_ms() + _ENDING_MS
        while ticks_ms() < end:
            for carrier in self.carriers:
                carrier.flush(ticks_ms())
            if all(carrier.is_drained for carrier in self.carriers):
                break
            await asyncio.sleep(0.005)

    def _turn(self, session: Session, now: int) -> bool:
        connection = session.connection
        if connection.state != READY:
            return False
        try:
            for _ in range(_UNITS_A_TURN):
                if not session.poll(now):
                    return False
            return True
        except (RemoteError, BudgetError) as error:
            self.faults += 1
            self.last_fault = str(error)
            connection.close(getattr(error, "code", 0), str(error))
            return True

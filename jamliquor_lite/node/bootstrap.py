"""A checkpoint from nothing but the hash of a block that the user trusts (DESIGN §7).

The header N of that hash comes from any peer; its hash says that it is the right one. It names its parent and commits
the state after the parent, so the values C(4), C(6), C(8) and C(11) of that state, proved against N's prior state
root, make the checkpoint of the parent. N itself is then followed and checked like any other header.
"""

from ..chain import state_key, state_value
from ..chain.checkpoint import Checkpoint
from ..chain.header import Header
from ..const import const
from ..errors import BudgetError, LocalError, RemoteError, VerifyError
from ..jam.block_request import BlockRequest
from ..jam.events import DONE, HEADER, LOST, NOTHING, REFUSED
from ..jam.kinds import BLOCK_REQUEST, MALFORMED, STATE_REQUEST
from ..jam.range_request import DESCENDING
from ..ports import clock
from ..ports.tcp import Waker
from ..sync.query import Query
from ..transport.states import CLOSED, READY
from .carrier import earliest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.profile import Profile
    from ..codec.spec import Spec
    from .carrier import Carrier, Connection
    from .peers import Record

_CHAPTERS = (4, 6, 8, 11)  # safrole, entropy, active validators, slot
_CHUNK_BYTES = const(4096)
_IDLE_MS = const(50)


class _Pinned:
    """A state that a trusted hash commits to, as sync/query.py wants it."""

    def __init__(self, header: "Header") -> None:
        self.root = header.prior_state_root
        self.header_hash = header.parent


class Bootstrap:
    """One attempt after another, peer by peer. `reasons` says why those before gave nothing.

    `each_turn` is called before each turn of the carriers."""

    def __init__(self, carriers: "list[Carrier]", spec: "Spec", genesis_hash: bytes, profile: "Profile",
                 each_turn: "Callable[[], None] | None" = None) -> None:
        self._carriers = carriers
        self._spec = spec
        self._genesis_hash = genesis_hash
        self._profile = profile
        self._each_turn = each_turn
        self._waker = Waker()
        self.reasons: "list[str]" = []

    async def run(self, header_hash: bytes, peers: "list[Record]", clock_chain: bool) -> "Checkpoint":
        """The checkpoint of the parent of `header_hash`, from the first of `peers` that proves it; LocalError when none
        does. The carriers are opened here and given back."""
        for carrier in self._carriers:
            carrier.open(self._waker)
        try:
            for record in peers:
                connection = record.carrier.dial(record, clock.ticks_ms())
                try:
                    found = await self._from_peer(connection, header_hash)
                except (RemoteError, BudgetError) as error:
                    self.reasons.append("%s: %s" % (record.name[:12], error))
                    connection.close(MALFORMED, "no checkpoint")
                    continue
                found.clock_chain = clock_chain
                return found
            raise LocalError("no peer proved the state before header %s…: %s" % (
                header_hash.hex()[:16], "; ".join(self.reasons) or "no peer was named"))
        finally:
            for carrier in self._carriers:
                carrier.close()
                carrier.flush(clock.ticks_ms())
                carrier.release()

    async def _from_peer(self, connection: "Connection", header_hash: bytes) -> "Checkpoint":
        header = await self._header(connection, header_hash)
        values = []
        for chapter in _CHAPTERS:
            values.append(await self._value(connection, header, chapter))
        try:
            slot = state_value.slot(values[3])
            return Checkpoint.from_state(self._spec, self._genesis_hash, header.parent, slot, *values[:3])
        except VerifyError as error:
            raise RemoteError(MALFORMED, "its state is not of spec %s: %s" % (self._spec.name, error))

    async def _header(self, connection: "Connection", header_hash: bytes) -> "Header":
        buf = bytearray(self._spec.max_header_size)
        request = BlockRequest(self._spec, buf, bytearray(_CHUNK_BYTES), self._profile.block_bytes)
        await self._ready(connection)
        stream = connection.open(BLOCK_REQUEST)
        if stream is None:
            raise RemoteError(MALFORMED, "it allows no stream")
        request.begin(stream, header_hash, DESCENDING, 1, clock.ticks_ms() + self._profile.state_sync_timeout_ms)
        found = None
        while True:
            event = request.poll(clock.ticks_ms())
            if event == HEADER and found is None:
                found = Header(self._spec, bytes(buf[: request.header_end]))
            elif event in (DONE, REFUSED, LOST):
                break
            elif event == NOTHING:
                await self._turn()
        if found is None:
            raise RemoteError(MALFORMED, "it does not have that header")
        if found.hash != header_hash:
            raise RemoteError(MALFORMED, "it answered with another header")
        return found

    async def _value(self, connection: "Connection", header: "Header", chapter: int) -> bytes:
        key = state_key.chapter(chapter)
        query = Query(self._profile)
        await self._ready(connection)
        stream = connection.open(STATE_REQUEST)
        if stream is None:
            raise RemoteError(MALFORMED, "it allows no stream")
        until = clock.ticks_ms() + self._profile.state_sync_timeout_ms
        query.begin(stream, _Pinned(header), key, key, until)  # type: ignore[arg-type]
        while True:
            event = query.poll(clock.ticks_ms())
            if event == DONE:
                break
            if event in (REFUSED, LOST):
                raise RemoteError(MALFORMED, "it does not serve that state")
            if event == NOTHING:
                await self._turn()
        entries = query.answer.entries if query.answer else []
        if not entries or entries[0].value is None:
            raise RemoteError(MALFORMED, "C(%d) is not in that state" % chapter)
        return entries[0].value

    async def _ready(self, connection: "Connection") -> None:
        while connection.state != READY:
            if connection.state == CLOSED:
                raise RemoteError(connection.close_code, connection.close_reason or "the connection closed")
            await self._turn()

    async def _turn(self) -> None:
        await turn_until_something_comes(self._carriers, self._waker, self._each_turn)


async def turn_until_something_comes(carriers: "list[Carrier]", waker: Waker,
                                     each_turn: "Callable[[], None] | None") -> None:
    """Let open carriers read and send, then wait a little for more. For what is done before there is a node."""
    now = clock.ticks_ms()
    if each_turn is not None:
        each_turn()
    for carrier in carriers:
        carrier.receive(now)
        carrier.flush(now)
    at = earliest([carrier.watch(now) for carrier in carriers], now + _IDLE_MS)
    await waker.wait(max(0, min(at - now, _IDLE_MS)))

"""Connections to peers before there is a node: dialed, turned, and paid for by its budgets."""

from ..budget.classes import FINALITY
from ..const import const
from ..errors import RemoteError
from ..jam.kinds import MALFORMED, class_of, protocol
from ..ports import clock
from ..ports.tcp import Waker
from ..transport.states import CLOSED, READY
from .carrier import earliest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.budgets import Budgets
    from .carrier import Carrier, Connection, KindStream
    from .peers import Record

IDLE_MS = const(50)
_UNITS_A_TURN = const(32)  # signatures, or pieces of a header, before the links are looked at again: 3 ms


class Errand:
    """The carriers of one errand. `each_turn` is called before each turn of them."""

    def __init__(self, carriers: "list[Carrier]", budgets: "Budgets",
                 each_turn: "Callable[[], None] | None" = None) -> None:
        self._carriers = carriers
        self._budgets = budgets
        self._each_turn = each_turn
        self._waker = Waker()
        self._connections: "dict[str, Connection]" = {}
        self._units = 0

    def open(self, genesis_hash: bytes, kinds: "tuple[int, ...]") -> None:
        """Bind. `kinds` are opened beside those that every node opens."""
        for carrier in self._carriers:
            speak(carrier, genesis_hash, kinds)
            carrier.open(self._waker)

    def close(self) -> None:
        """Say goodbye to everybody, and give the carriers back."""
        for carrier in self._carriers:
            carrier.close()
            carrier.flush(clock.ticks_ms())
            carrier.release()

    @property
    def bytes_in(self) -> int:
        """Received on all carriers."""
        total = 0
        for carrier in self._carriers:
            total += carrier.bytes_in
        return total

    def connect(self, record: "Record") -> "Connection":
        """The connection to this peer, or a new one where it was closed."""
        known = self._connections.get(record.name)
        if known is None or known.state == CLOSED:
            known = self._connections[record.name] = record.carrier.dial(record, clock.ticks_ms())
        return known

    async def stream(self, connection: "Connection", kind: int) -> "KindStream":
        """A stream of this kind, once the connection is there. RemoteError where there will be none."""
        while connection.state != READY:
            if connection.state == CLOSED:
                raise RemoteError(connection.close_code, connection.close_reason or "the connection closed")
            await self.turn(IDLE_MS)
        stream = connection.open(kind)
        if stream is None:
            raise RemoteError(MALFORMED, "it allows no stream")
        return stream

    async def worked(self, is_more: bool) -> None:
        """A unit of work was done, and there may be more at once: look at the links now and then, and wait until the
        work is paid for."""
        self._units += 1
        if not is_more:
            await self.turn(IDLE_MS)
        elif self._units % _UNITS_A_TURN == 0:
            await self.turn(0)
        cpu = self._budgets.cpu
        if not cpu.rate:
            return
        now = clock.ticks_ms()
        cpu.charge(FINALITY, now)
        while not cpu.may(FINALITY, now):
            await self.turn(max(1, min(IDLE_MS, cpu.wake_at(FINALITY, now) - now)))
            now = clock.ticks_ms()
            cpu.charge(-1, now)

    async def turn(self, wait_ms: int) -> None:
        """Read, send, and wait for more, no longer than so."""
        now = clock.ticks_ms()
        if self._each_turn is not None:
            self._each_turn()
        for carrier in self._carriers:
            carrier.receive(now)
            carrier.flush(now)
        at = earliest([carrier.watch(now) for carrier in self._carriers], now + wait_ms)
        await self._waker.wait(max(0, min(at - now, wait_ms)))


def speak(carrier: "Carrier", genesis_hash: bytes, kinds: "tuple[int, ...]") -> None:
    """Have streams of these kinds opened on a carrier beside those that every node opens. Over QUIC any kind can be."""
    terms = getattr(carrier, "terms", None)
    if terms is not None:
        for kind in kinds:
            terms.speak(protocol(kind, genesis_hash[:4].hex()), kind, class_of(kind, True))

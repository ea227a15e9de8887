"""What the node wants of a network: QUIC (quic.py) and libp2p (libp2p.py) have this one face.

    open(waker)                          bind; LocalError when the address cannot be had
    name, addresses                      ours on this network; where it listens
    carries(name)                        whether a peer of this name is to be dialed here
    dial(record, now) -> connection      begin the connection that follows the chain (transport/states.py)
    dial_for_state(record, now)          the connection on which state is asked; it may be the same
    accept() -> connection | None        the next one of a peer that dialed us
    receive(now), flush(now)             read, then send, what is there: bounded work, no waiting
    watch(now) -> int                    let what comes wake the waker; when to come back at the latest (ms), or -1
    close(reason), is_drained, release() the end: goodbyes are queued, sent by flush, and the sockets given back
    refused                              connections that a rule turned away, counted by rule
    evict                                names the connection that goes when memory is exhausted; the node sets it
    last_refusal                         why the last peer that dialed us was turned away, until somebody empties it
    bytes_in, bytes_out                  payload of UDP or TCP

Each spends what it moves, connections and goodbyes too, from the Budgets that it was made with: reads and sends wait
for them, in the order of the connections' classes (`cls`, budget/classes.py). Its counts beside: `wire_in`, `wire_out`
(with all headers below), `unsent` and `resets`, which the libp2p carrier has in its `traffic`.
"""

from ..const import const

_QUIET_MS = const(10_000)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, Union

    from ..ports.cpython.waker import Waker
    from ..transport.connection import Connection as LiteConnection
    from ..transport.protocol_stream import ProtocolStream
    from ..transport.quic import Connection as QuicConnection
    from ..transport.quic_stream import Stream as QuicStream
    from .peers import Record

    Connection = Union[LiteConnection, QuicConnection]
    Evict = Callable[[int], "Connection | None"]
    KindStream = Union[ProtocolStream, QuicStream]  # it has its `kind`

    class Carrier(Protocol):
        """See the head of this file."""

        last_refusal: str
        evict: "Evict | None"

        @property
        def name(self) -> str: ...
        @property
        def addresses(self) -> "list[str]": ...
        @property
        def refused(self) -> "dict[str, int]": ...
        @property
        def bytes_in(self) -> int: ...
        @property
        def bytes_out(self) -> int: ...
        @property
        def is_drained(self) -> bool: ...
        def carries(self, name: str) -> bool: ...
        def open(self, waker: Waker) -> None: ...
        def dial(self, record: Record, now: int) -> Connection: ...
        def dial_for_state(self, record: Record, now: int) -> Connection: ...
        def accept(self) -> "Connection | None": ...
        def receive(self, now: int) -> None: ...
        def flush(self, now: int) -> None: ...
        def watch(self, now: int) -> int: ...
        def close(self, reason: str = "") -> None: ...
        def release(self) -> None: ...


class Refusals:
    """Says who was turned away, once in ten seconds at most: strangers can dial as often as they like."""

    def __init__(self) -> None:
        self._quiet_until = 0

    def take(self, carriers: "list[Carrier]", now: int) -> str:
        """The reason of one that nobody has heard of, or ""."""
        if now < self._quiet_until:
            return ""
        for carrier in carriers:
            reason, carrier.last_refusal = carrier.last_refusal, ""
            if reason:
                self._quiet_until = now + _QUIET_MS
                return reason
        return ""


def earliest(times: "list[int]", default: int) -> int:
    """The earliest of times of which -1 is never; `default` when all are."""
    found = default
    for at in times:
        if at >= 0 and (found < 0 or at < found):
            found = at
    return found

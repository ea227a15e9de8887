"""One request of a peer: a header range, or CE 128, 129, 130 and 153, from what is here or through the relays."""

from ..errors import RemoteError
from ..jam.block_request import BlockResponder
from ..jam.events import NOTHING, REQUEST
from ..jam.finality_answer import JustificationResponder, WarpResponder
from ..jam.kinds import (
    BLOCK_REQUEST,
    JUSTIFICATION_REQUEST,
    RELAYED_REQUEST,
    STATE_REQUEST,
    TIMED_OUT,
    WARP_SYNC_REQUEST,
)
from ..jam.range_request import DESCENDING
from ..jam.relayed_request import Preamble
from ..jam.state_request import StateResponder
from ..node.answers import HeaderAnswer, Pieces
from . import passage
from .refetch import Refetch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..jam.framing import Stream
    from .link import GatewayLink

    Taker = BlockResponder | StateResponder | JustificationResponder | WarpResponder

_REQUEST_MS = 10_000  # a peer that opens a stream and does not say what it wants


_TAKERS: "dict[int, Callable[[], Taker]]" = {
    BLOCK_REQUEST: BlockResponder, STATE_REQUEST: StateResponder, JUSTIFICATION_REQUEST: JustificationResponder,
    WARP_SYNC_REQUEST: WarpResponder}


class Passing:
    """Reads one request of these kinds, as a peer makes it or as a gateway passes it on (`kind` RELAYED_REQUEST). A
    single recent block is answered from memory, and so is a justification that made a block final here; everything else
    is the relays' then."""

    def __init__(self, link: "GatewayLink", kind: int, stream: "Stream", now: int) -> None:
        profile = link.gateway.profile
        self._link = link
        self._kind = kind
        self._hops = profile.relay_hops
        self._stream = stream
        self._until = now + _REQUEST_MS
        self._preamble: "Preamble | None" = None
        self._responder: "Taker | None" = None
        self._pieces = Pieces([])
        if kind == RELAYED_REQUEST:
            self._preamble = Preamble(stream)
        else:
            self._begin()

    @property
    def busy(self) -> bool:
        """The request is not complete, or its answer under way from here."""
        return self._preamble is not None or (self._responder is not None and self._responder.busy)

    def poll(self, now: int) -> bool:
        """Bounded work; whether there may be more. RemoteError where the requester is to blame."""
        if self._preamble is not None:
            return self._opened(self._preamble, now)
        responder = self._responder
        assert responder is not None
        event = responder.poll(now)
        if event == REQUEST:
            self._requested(responder, now)
        return self._pieces.write_to(responder) or event != NOTHING

    def _begin(self) -> None:
        self._responder = _TAKERS[self._kind]()
        self._responder.begin(self._stream, self._until)

    def _opened(self, opening: Preamble, now: int) -> bool:
        try:
            event = opening.poll()
            if event == NOTHING and now >= self._until:
                raise RemoteError(TIMED_OUT, "the requester took too long")
        except RemoteError as error:
            self._preamble = None
            self._stream.reset(error.code)
            raise
        if event != NOTHING:
            self._preamble = None
        if event == REQUEST:
            self._kind = opening.kind
            self._hops = min(self._hops - 1, opening.hops)  # the gateway that it comes from has counted as one
            self._begin()
        return event != NOTHING

    def _requested(self, responder: "Taker", now: int) -> None:
        gateway = self._link.gateway
        if isinstance(responder, JustificationResponder):
            found = gateway.proved.get(responder.header_hash)
            if found is not None:
                gateway.proved.served += 1
                responder.deadline = now + gateway.profile.relay_timeout_ms
                responder.answer((len(found),))
                self._pieces = Pieces([found])
                return
        if isinstance(responder, BlockResponder):
            if responder.direction == DESCENDING and responder.maximum == 1:
                block = gateway.blocks.get(responder.header_hash)
                if block is not None:
                    gateway.blocks.served += 1
                    responder.deadline = now + gateway.profile.relay_timeout_ms
                    responder.answer_blocks(len(block))
                    self._pieces = Pieces([block])
                    return
            made = passage.of_blocks(responder, gateway.profile)
        elif isinstance(responder, StateResponder):
            made = passage.of_state(responder, gateway.profile)
        else:
            made = passage.of_finality(responder, gateway.profile)
        if made is not None:
            gateway.relays.add(self._link, self._link.meter, self._kind, made, now, self._hops)


class Ranging(HeaderAnswer):
    """One header range, from the store, else from an upstream."""

    def __init__(self, link: "GatewayLink", stream: "Stream", now: int) -> None:
        self._link = link
        # It may wait for an upstream first, and be read by a slow peer after that.
        patience = link.gateway.profile.relay_timeout_ms
        HeaderAnswer.__init__(self, stream, now + 2 * patience, link.gateway.range)

    def asked(self, now: int) -> None:
        asked, gateway = self.responder, self._link.gateway
        found = gateway.range(asked.header_hash, asked.direction, asked.maximum)
        if found is not None:
            gateway.ranges_served += 1
            self.answer(found)
            return
        profile = gateway.profile
        fetch = Refetch(self, gateway.chain.spec, profile, profile.block_request_blocks, gateway.read_header)
        gateway.relays.add(self._link, self._link.meter, BLOCK_REQUEST, fetch, now, profile.relay_hops)
